"""Plain transcripts: "Name: text" lines in a file, in a list of strings or in one field of a record."""

import re
from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._files import File
from psyloom.formats.read._format import Format, Item, Layout, Unreadable
from psyloom.formats.read._lines import KNOWN, inner_names, names, said
from psyloom.formats.read._speakers import side
from psyloom.formats.read._talk import dialogue, lines, prefixed, session
from psyloom.records import Dialogue, Source

_FIELDS = ("dialogue", "conversation", "transcript", "dialog", "text")


def _fits(value: Any) -> str | None:
    told = isinstance(value, str) and "-->" not in value  # timed cues are subtitles
    return 'lines that begin with "Name:"' if told and len(set(inner_names(f"\n{value}"))) > 1 else None


def _mark(value: Any, _: File) -> str | None:
    """Names that come once are enough only where somebody says that this is a transcript, and who is who."""
    return "names that come again or say who speaks" if names(value) else None


def _fits_list(value: Any) -> str | None:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        return None
    return "a list of prefixed lines" if all(map(KNOWN.match, value)) else None


def _field(value: Any) -> str | None:
    """The field that holds a transcript whose speakers are known on both sides."""
    if not isinstance(value, dict):
        return None
    for key in _FIELDS:
        if isinstance(told := value.get(key), str):
            found = {side(passage.name) for passage in said(told)[1]}
            if {"client", "counselor"} <= found:
                return key
    return None


def _fits_record(value: Any) -> str | None:
    key = _field(value)
    return key and f"objects with a transcript in {key!r}"


def _pattern(item: Item, text: str) -> re.Pattern[str]:
    found = names(text, item.speakers)
    if found is None:
        raise Unreadable("", "no two speakers' names begin its lines")
    return found


def _read(item: Item) -> Iterator[Dialogue]:
    text: str = item.value.replace("\r\n", "\n")
    told = lines(item, "text", text, prefix=_pattern(item, text))
    for turn in told.turns:
        for one in inner_names(turn.text):
            item.note("text", f"a line within the {turn.speaker}'s message begins with {one!r}: taken as theirs")
    yield dialogue(item, told)


def _read_list(item: Item) -> Iterator[Dialogue]:
    yield dialogue(item, session(item, "lines", prefixed(item, "lines", item.value)))


def _read_record(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    key = _field(row)
    if key is None:
        raise Unreadable("", "no field holds a transcript")
    told = lines(item, key, row.pop(key))
    yield dialogue(item, told, own=row.pop("id", None), extra=row)


FORMAT = Format(
    "transcript",
    'plain transcripts of "Name: text" lines',
    Source(name="transcript"),
    (
        Layout("text", _fits, _read, _mark),
        Layout("whole", _fits_list, _read_list),
        Layout("each", _fits_record, _read_record),
    ),
    general=True,
)
