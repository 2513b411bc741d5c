"""What a rule finds in a dialogue, and what becomes of the dialogue for it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from psyloom.knowledge import label_set
from psyloom.knowledge.lexicon import lexicon
from psyloom.records import Dialogue, Label, Lang, Session, Turn

RULES = label_set("curation_rule")
Action = Literal["fixed", "noted", "review", "drop"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found by a rule of the set ``curation_rule``.

    what: the words it rests on. turn: index in the dialogue as it was then. now: what stands there after a fix.
    """

    rule: str
    action: Action
    what: str = ""
    turn: int | None = None
    now: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


class Standard(BaseModel):
    """Limits that the rules go by; the defaults are ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    exchanges: tuple[int, int] = Field((3, 30), description="fewest and most exchanges of a dialogue")
    client: tuple[int, int] = Field((2, 500), description="fewest and most characters of a client's message")
    counselor: tuple[int, int] = Field((5, 800), description="fewest and most characters of a counselor's message")
    long: int = Field(300, ge=1, description="a counselor's message of more characters is sent to review")
    own_script: float = Field(
        0.7, ge=0, le=1, description="least share of the dialogue's own script (Chinese: of its letters)"
    )
    lists: float = Field(
        0.3, ge=0, le=1, description="share of the counselor's messages with lists above which it is a template"
    )
    shared: float = Field(0.01, ge=0, le=1, description="share of dialogues that may open with the same words")
    gap_days: float = Field(30, gt=0, description="a thread ends where nobody wrote for so many days")
    directions: bool = Field(False, description="gestures in brackets belong to the voice and stay")
    doctor: bool = Field(False, description="the source says that a doctor speaks")
    pleasing: bool = Field(False, description="a voice that pleases at any price is what is studied")


Rule = Callable[[Dialogue, Standard], Iterator[Finding]]
"""Yields what it finds; what it fixes, it changes in the dialogue."""


@cache
def _pattern(kind: str, lang: Lang) -> re.Pattern[str]:
    return re.compile(lexicon("curation").pattern[kind].of(lang), re.IGNORECASE)


def said(kind: str, text: str, lang: Lang) -> str | None:
    """The first words of a kind in a text."""
    found = _pattern(kind, lang).search(text)
    return found[0] if found else None


def without(kind: str, text: str, lang: Lang) -> str:
    """A text without the words of a kind."""
    return _pattern(kind, lang).sub("", text)


def numbered(dialogue: Dialogue) -> Iterator[tuple[int, Session, int, Turn]]:
    """Yield (index in the dialogue, session, index in the session, turn)."""
    index = 0
    for session in dialogue.sessions:
        for at, turn in enumerate(list(session.turns)):
            yield index, session, at, turn
            index += 1


def reworded(turn: Turn, text: str) -> Turn:
    """A turn with another text; labels of a span stay where their words still stand, else they go."""
    moved = (label if label.span is None else _moved(label, turn.text, text) for label in turn.labels)
    return turn.model_copy(update={"text": text, "labels": [label for label in moved if label]})


def _moved(label: Label, old: str, new: str) -> Label | None:
    assert label.span
    words = old[slice(*label.span)]
    start = new.find(words)
    return label.model_copy(update={"span": (start, start + len(words))}) if start >= 0 else None


def joined(first: Turn, second: Turn) -> Turn:
    """Two messages of one speaker as one, on lines of their own."""
    shift = len(first.text) + 1
    later = (
        label.model_copy(update={"span": (label.span[0] + shift, label.span[1] + shift)}) if label.span else label
        for label in second.labels
    )  # fmt: skip
    return first.model_copy(
        update={
            "text": f"{first.text}\n{second.text}",
            "labels": [*first.labels, *later],
            "thought": [*first.thought, *second.thought],
            "closes": second.closes,
            "extra": {**first.extra, **second.extra},
        }
    )
