"""NoteChat (arXiv 2310.15959): clinical notes with the conversations written from them."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import text
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._lines import prefixes, said
from psyloom.formats.read._speakers import Side
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.records import Case, Dialogue, Note, Source

_PREFIX = prefixes("doctor", "patient", "physician", "dr", "clinician", "pt", "医生", "患者")
_WORDS: dict[str, Side] = {"dr": "counselor", "pt": "client"}


def _read(item: Item) -> Iterator[Dialogue]:
    """data: the note; conversation: lines by Doctor and Patient, other lines being stage directions."""
    row = dict(item.value)
    note, told = text(row, "data"), text(row, "conversation")
    if told is None:
        raise Unreadable("conversation", "is empty")
    row.pop("parsed_conversation", None)  # a third party's cut of the same text
    before, passages = said(told, _PREFIX)
    messages: list[dict[str, Any]] = []
    for passage in passages:
        first, *other = [line.strip() for line in passage.text.split("\n") if line.strip()] or [""]
        directions = [*other, *passage.directions]
        messages.append({"role": passage.name, "content": first} | ({"directions": directions} if directions else {}))
    found = session(item, "conversation", messages, _WORDS, notes={"before": before} if before else None)
    who = case(item, note=Note(text=note)) if note else None
    yield dialogue(item, found, own=row.pop("id", None), case=who, extra=row)


def _read_note(item: Item) -> Iterator[Case]:
    row = dict(item.value)
    yield case(item, text(row, "id"), note=Note(text=text(row, "note") or ""), extra=row)


FORMAT = Format(
    "notechat",
    "NoteChat notes and conversations",
    Source(name="NoteChat", licence="unknown", url="https://huggingface.co/datasets/akemiH/NoteChat", synthetic=True),
    (
        Layout("each", keys("data", "conversation", test=lambda row: isinstance(row["conversation"], str)), _read),
        Layout("each", keys("id", "note", test=lambda row: len(row) == 2 and isinstance(row["note"], str)), _read_note),
    ),
)
