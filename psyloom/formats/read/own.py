"""Our own JSON Lines: records of any kind, each with its tag."""

from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.records import Case, Defect, Dialogue, Rating, Record, Source
from psyloom.records.jsonl import parse_line

_KINDS: dict[str, type[Record]] = {kind.tag(): kind for kind in (Case, Dialogue, Rating)}


def _read(item: Item) -> Iterator[Record]:
    kind: type[Record] | None = _KINDS.get(item.value["psyloom"])
    if kind is None:
        raise Unreadable("psyloom", f"{item.value['psyloom']!r} is no kind of record; known: {', '.join(_KINDS)}")
    found: Any = parse_line(to_json(item.value), kind, item.file.name, item.number)
    if isinstance(found, Defect):
        raise Unreadable(found.field, found.what + found.more)
    yield found


FORMAT = Format(
    "psyloom",
    "psyloom's own cases, dialogues and ratings",
    Source(name="psyloom"),
    (Layout("each", keys("psyloom"), _read),),
    general=True,
)
