"""The review desk: two people read each dialogue, a third where they differ; every decision can be taken back.

A decision is a rating with the instrument ``review_desk``, so `psyloom agree` tells how far reviewers agree. The folder
is that of an inspection: ``review.jsonl`` is the queue, ``reviews.jsonl`` the decisions.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from psyloom.errors import BadRecord, UsageError
from psyloom.judging.agreement.categorical import cohen_kappa
from psyloom.knowledge.instruments import instrument
from psyloom.records import Dialogue, ItemRating, Rater, Rating, Session, Subject, Turn, read_jsonl, write_jsonl

QUEUE, REVIEWS = "review.jsonl", "reviews.jsonl"
COLUMNS = ("dialogue", "rater", "verdict", "code", "comment", "edited")
VERDICTS = ("keep", "edit", "drop")


class Desk:
    """The decisions on one queue."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        log = folder / REVIEWS
        self._changes: dict[str, list[dict[str, Any]]] | None = None
        self.reviews = list(read_jsonl(log, Rating)) if log.is_file() and log.stat().st_size else []

    def queue(self) -> Iterator[Dialogue]:
        """All dialogues to be reviewed."""
        file = self.folder / QUEUE
        return read_jsonl(file, Dialogue) if not file.is_file() or file.stat().st_size else iter(())

    def changes(self, dialogue: str) -> list[dict[str, Any]]:
        """What the inspection found in a dialogue."""
        if self._changes is None:
            log, self._changes = self.folder / "changes.jsonl", defaultdict(list)
            for line in log.read_text("utf-8").splitlines() if log.is_file() else ():
                one = json.loads(line)
                self._changes[one["id"]].append(one)
        return self._changes[dialogue]

    def of(self, dialogue: str) -> list[Rating]:
        """The decisions on a dialogue, in their order."""
        return [one for one in self.reviews if one.subject.dialogue == dialogue]

    def waiting(self, reviewer: str) -> Iterator[Dialogue]:
        """What a reviewer can decide on: fewer than two have, or two who differ; this one has not."""
        for dialogue in self.queue():
            decided = self.of(dialogue.id)
            mine = any(one.rater.name == reviewer for one in decided)
            if not mine and (len(decided) < 2 or dialogue.id in self.conflicts()):
                yield dialogue

    def decide(
        self, reviewer: str, dialogue: Dialogue, verdict: str, code: str = "none", *, comment: str = "", edited: Sequence[Turn] = ()
    ) -> Rating:  # fmt: skip
        """Keep a decision. edited: the messages as they should read, all of them, for an edit.

        Raises:  UsageError for a verdict or code that does not exist, an edit without text or a text without edit, and
                 for a second decision by the same reviewer.
        """
        form = instrument("review_desk")
        form["verdict"].option(verdict), form["code"].option(code)
        if (verdict == "edit") != bool(edited):
            raise UsageError("an edit and the corrected messages go together", do="give both, or neither")
        if any(one.rater.name == reviewer for one in self.of(dialogue.id)):
            raise UsageError(f"{reviewer} has decided on {dialogue.id!r} already", do="take that back first (undo)")
        rating = Rating(
            id=f"review_desk/{dialogue.id}/{reviewer}",
            subject=Subject(dialogue=dialogue.id),
            rater=Rater(kind="human", name=reviewer),
            instrument=form.id,
            instrument_version=form.version,
            items=[
                ItemRating(item="verdict", value=verdict, reason=comment or None),
                ItemRating(item="code", value=code),
            ],
            extra={"edited": [[turn.speaker, turn.text] for turn in edited]} if edited else {},
        )
        self.reviews.append(rating)
        self._save()
        return rating

    def undo(self, reviewer: str) -> Rating:
        """Take back the reviewer's last decision. Raises UsageError when there is none."""
        at = next((n for n in reversed(range(len(self.reviews))) if self.reviews[n].rater.name == reviewer), None)
        if at is None:
            raise UsageError(f"{reviewer} has decided nothing yet", do="check the name")
        taken = self.reviews.pop(at)
        self._save()
        return taken

    def conflicts(self) -> list[str]:
        """Ids of dialogues on which two reviewers differ and no third has decided."""
        by_id: dict[str, list[Rating]] = defaultdict(list)
        for one in self.reviews:
            by_id[one.subject.dialogue].append(one)
        return [id_ for id_, found in by_id.items() if len(found) == 2 and _decision(found[0]) != _decision(found[1])]

    def kappa(self) -> float:
        """Cohen's kappa of the first two verdicts on each dialogue; NaN where it is undefined."""
        pairs = [
            found[:2]
            for id_ in dict.fromkeys(r.subject.dialogue for r in self.reviews)
            if len(found := self.of(id_)) > 1
        ]
        codes = [[VERDICTS.index(_decision(one)[0]) for one in pair] for pair in pairs]
        return cohen_kappa(codes) if codes else float("nan")

    def settled(self) -> Iterator[Dialogue]:
        """Yield what is kept, corrected where two agree so or the third said so; ``extra.before_review`` has the original."""
        differ = set(self.conflicts())
        for dialogue in self.queue():
            decided = self.of(dialogue.id)
            if len(decided) < 2 or dialogue.id in differ:
                continue
            verdict, edited = _decision(decided[-1])
            if verdict == "edit":
                before: list[JsonValue] = [[turn.speaker, turn.text] for turn in dialogue.turns]
                dialogue.extra = {**dialogue.extra, "before_review": before}
                turns = [Turn.model_validate({"speaker": who, "text": text}) for who, text in edited]
                dialogue.sessions = [Session(turns=turns, notes=dialogue.sessions[0].notes)]
            if verdict != "drop":
                dialogue.extra = {**dialogue.extra, "reviewers": [one.rater.name for one in decided]}
                yield dialogue

    # To and from tables

    def to_csv(self, path: Path) -> int:
        """Write all decisions, one a line. Returns how many."""
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for one in self.reviews:
                verdict, code = one.items
                edited = json.dumps(one.extra["edited"], ensure_ascii=False) if one.extra else ""
                table.writerow(
                    [one.subject.dialogue, one.rater.name, verdict.value, code.value, verdict.reason or "", edited]
                )
        return len(self.reviews)

    def from_csv(self, path: Path) -> int:
        """Take in the decisions of a table, beside those that are there. Returns how many were new.

        Raises:  BadRecord, naming line and column.
        """
        queue = {dialogue.id: dialogue for dialogue in self.queue()}
        new = 0
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if lacking := [name for name in COLUMNS if name not in (table.fieldnames or ())]:
                raise BadRecord(f"{path} has no column {lacking[0]!r}", do=f"its columns are {', '.join(COLUMNS)}")
            for row in table:
                where = f"{path}:{table.line_num}"
                if row["dialogue"] not in queue:
                    raise BadRecord(f"{where}: {row['dialogue']!r} is not in the queue", do="mend that line")
                if any(one.rater.name == row["rater"] for one in self.of(row["dialogue"])):
                    continue
                try:
                    edited = [
                        Turn.model_validate({"speaker": who, "text": text})
                        for who, text in json.loads(row["edited"] or "[]")
                    ]
                    self.decide(
                        row["rater"],
                        queue[row["dialogue"]],
                        row["verdict"],
                        row["code"],
                        comment=row["comment"],
                        edited=edited,
                    )
                except (ValueError, TypeError, UsageError) as trouble:
                    raise BadRecord(f"{where}: {trouble}", do="mend that line") from trouble
                new += 1
        return new

    def _save(self) -> None:
        write_jsonl(self.folder / REVIEWS, self.reviews)


def edited_in(editor: Callable[[str], str | None], dialogue: Dialogue) -> list[Turn]:
    """The messages as they come back from an editor of text; none when nothing was changed.

    A message begins with ``client:`` or ``counselor:`` and goes on until the next one does.
    """
    text = "\n".join(f"{turn.speaker}: {turn.text}" for turn in dialogue.turns)
    given = editor(text)
    if given is None or given.strip() == text.strip():
        return []
    parts = re.split(r"^(client|counselor):[ \t]*", given, flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [Turn.model_validate({"speaker": who, "text": said.strip()}) for who, said in pairs]


def _decision(rating: Rating) -> tuple[str, list[list[str]]]:
    """What was decided: verdict and, for an edit, the text."""
    edited = rating.extra.get("edited", [])
    assert isinstance(edited, list)
    return str(rating.items[0].value), [[str(part) for part in one] for one in edited if isinstance(one, list)]
