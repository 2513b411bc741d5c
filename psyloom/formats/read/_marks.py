"""Labels as annotation tools give them back: which set, which words, where, by whom."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from psyloom.formats.read._fields import label
from psyloom.formats.read._format import Item
from psyloom.formats.write.labels import BOTH
from psyloom.records import Label


class Mark(NamedTuple):
    """One label on a turn; ``span`` None: on the whole of it."""

    name: str
    word: str
    by: str | None
    span: tuple[int, int] | None = None
    more: tuple[tuple[str, Any], ...] = ()

    def label(self, span: tuple[int, int] | None = None) -> Label:
        return label(self.name, self.word.split(BOTH)[0].strip(), by=self.by, span=span, **dict(self.more))

    @classmethod
    def of(cls, label: Label) -> "Mark":
        more = label.model_dump(include={"reason", "evidence", "origin"}, exclude_none=True)
        return cls(label.set, label.id, label.by, label.span, tuple(more.items()))


def placed(item: Item, said: str, marks: Iterable[Mark]) -> tuple[list[Label], list[Any]]:
    """The labels of a turn whose text is ``said`` without the white space around it, and marks that lie outside it."""
    lead, length = len(said) - len(said.lstrip()), len(said.strip())
    found: list[Label] = []
    odd: list[Any] = []
    for mark in marks:
        if mark.span is None:
            found.append(mark.label())
            continue
        start, end = max(0, mark.span[0] - lead), min(length, mark.span[1] - lead)
        if start < end:
            found.append(mark.label((start, end)))
        else:
            item.note("labels", f"span {mark.span[0]}-{mark.span[1]} holds no text (0-{length}): put into extra")
            odd.append([mark.name, mark.word, list(mark.span)])
    return found, odd
