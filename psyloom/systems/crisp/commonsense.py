"""Common sense for a sub-step: inferences about the text at hand, from a table or from a model."""

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ValidationError

from psyloom.errors import BadRecord, UsageError
from psyloom.systems.crisp.tree import Inference

# xDesire in the notes on the paper is ATOMIC's xWant.
RELATIONS = ("xIntent", "xNeed", "xReact", "xWant")


class Row(BaseModel):
    """A line of a table as ATOMIC-10x was released: further keys are left alone."""

    head: str
    relation: str
    tail: str


class Table:
    """Inferences by event, found by the words they share with a text; rare words count more."""

    def __init__(self, rows: list[Row]) -> None:
        self.events: dict[str, list[Inference]] = defaultdict(list)
        for row in rows:
            if row.relation in RELATIONS:
                self.events[row.head].append(Inference(relation=row.relation, text=row.tail))
        self.by_word: dict[str, set[str]] = defaultdict(set)
        for event in self.events:
            for word in words_of(event):
                self.by_word[word].add(event)

    def about(self, text: str, count: int) -> list[Inference]:
        """At most ``count`` inferences about the events closest to ``text``; none when no word is shared."""
        scores: dict[str, float] = defaultdict(float)
        for word in words_of(text) & self.by_word.keys():
            for event in self.by_word[word]:
                scores[event] += 1 / len(self.by_word[word])
        nearest = sorted(scores, key=lambda event: (-scores[event] / len(words_of(event)), event))
        return [inference for event in nearest for inference in self.events[event]][:count]


@cache
def table(path: Path) -> Table:
    """A table from JSON Lines with ``head``, ``relation`` and ``tail``.

    Raises: UsageError for a file that is not there, BadRecord naming the line that is no row.
    """
    rows, number = [], 0
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                number += 1
                if line.strip():
                    rows.append(Row.model_validate_json(line))
    except OSError as trouble:
        what = f"the table of commonsense {path} cannot be read: {trouble.strerror}"
        raise UsageError(what, do="give the path of a JSON Lines file, or commonsense=model or off") from trouble
    except (ValidationError, UnicodeDecodeError) as trouble:
        raise BadRecord(
            f"{path}, line {number}: {trouble}", do="each line is JSON with head, relation, tail"
        ) from trouble
    return Table(rows)


def words_of(text: str) -> set[str]:
    """English words of three letters and more, pairs of neighbouring Chinese characters."""
    runs = re.findall(r"[\u4e00-\u9fff]{2,}", text)
    return {word for word in re.findall(r"[a-z]{3,}", text.lower()) if word != "personx"} | {
        run[at : at + 2] for run in runs for at in range(len(run) - 1)
    }
