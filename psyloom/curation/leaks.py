"""Leaks: evaluation data that stand in the training data, and rows whose history is not what was said before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from psyloom.curation.duplicates import BITS, plain, simhash, text_of
from psyloom.errors import BadRecord
from psyloom.records import Dialogue

LEAST = 8  # characters; shorter lines ("嗯，谢谢") are everybody's


@dataclass
class Known:
    """What training data are compared by: openings, replies, and the hash of the whole."""

    openings: dict[str, str] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    wholes: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def of(cls, training: Iterable[Dialogue]) -> "Known":
        known = cls()
        for dialogue in training:
            known.openings.setdefault(_opening(dialogue), dialogue.id)
            for reply in _replies(dialogue):
                known.replies.setdefault(reply, dialogue.id)
            known.wholes.append((simhash(text_of(dialogue)), dialogue.id))
        return known

    def leak(self, dialogue: Dialogue, threshold: float = 0.8) -> dict[str, str]:
        """How an evaluation dialogue is known -> the training dialogue that has it; empty when it is not.

        opening: the client's first message; target: the counselor's last; near: the whole is alike by SimHash.
        """
        replies, opening, own = _replies(dialogue), _opening(dialogue), simhash(text_of(dialogue))
        found = {
            "opening": self.openings.get(opening) if opening else None,
            "target": self.replies.get(replies[-1]) if replies else None,
            "near": next((id_ for one, id_ in self.wholes if 1 - (one ^ own).bit_count() / BITS > threshold), None),
        }
        return {how: id_ for how, id_ in found.items() if id_}


def _opening(dialogue: Dialogue) -> str:
    first = next((plain(turn) for turn in dialogue.turns if turn.speaker == "client"), "")
    return first if len(first) >= LEAST else ""


def _replies(dialogue: Dialogue) -> list[str]:
    said = (plain(turn) for turn in dialogue.turns if turn.speaker == "counselor")
    return [text for text in said if len(text) >= LEAST]


def defective(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, what is wrong) of training rows whose history is not what was said before.

    "own": what is asked or to be learned stands in the row's own history. "later": the same question and answer were
    a row before, so that this row's history can only be what came after them. EmoLLM's released ms-swift file is such:
    each row asks the first question, and has its own, later exchange for history.
    """
    begun: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, 1):
        asked, target, history = _cut(row)
        if {asked, target} & {text for text in history if len(text) >= LEAST}:
            yield number, "own"
        elif history and (asked, target) in begun:
            yield number, "later"
        begun.add((asked, target))


def _cut(row: dict[str, Any]) -> tuple[str, str, list[str]]:
    """(question, target, texts before them) of a row of messages, or of instruction tuning.

    Raises:  BadRecord for a row of another shape.
    """
    if isinstance(chat := row.get("messages") or row.get("conversations"), list):
        said = [str(one.get("content") or one.get("value") or "") for one in chat if one.get("role") != "system"]
        return ("", *said)[-2], said[-1] if said else "", said[:-2]
    asked = next((str(row[key]) for key in ("query", "instruction", "prompt", "input") if row.get(key)), "")
    target = next((str(row[key]) for key in ("response", "output", "completion") if row.get(key)), None)
    if target is None:
        raise BadRecord(f"no training row: {str(row)[:60]}", do="give rows with query and response, or with messages")
    return asked, target, [text for pair in row.get("history") or () for text in _pair(pair)]


def _pair(pair: Any) -> list[str]:
    return [str(text) for text in (pair.values() if isinstance(pair, dict) else pair)]
