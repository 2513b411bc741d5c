"""ShareGPT: conversations of from/value messages."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import some, text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Source


def _is_sharegpt(row: dict[str, Any]) -> bool:
    told = row["conversations"]
    first = told[0] if isinstance(told, list) and told else told
    return isinstance(first, dict) and "value" in first


def _read(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    system = text(row, "system")
    told = session(item, "conversations", row.pop("conversations"), notes=some(system=system))
    yield dialogue(item, told, own=row.pop("id", None), extra=row)


FORMAT = Format(
    "sharegpt",
    "ShareGPT conversations",
    Source(name="ShareGPT conversations"),
    (Layout("each", keys("conversations", test=_is_sharegpt), _read),),
    general=True,
)
