"""OpenAI-style chat messages, the commonest shape of released dialogues."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import some, text
from psyloom.formats.read._format import Format, Item, Layout
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Source

_LISTS = ("messages", "conversation", "dialogue", "dialog", "history")
_ROLES, _TEXTS = {"role", "speaker"}, {"content", "text", "message", "utterance"}


def chat(value: Any) -> bool:
    """Is this a list of message objects? Arrow's object of columns counts."""
    if isinstance(value, dict):
        return bool(_ROLES & set(value) and _TEXTS & set(value)) and all(isinstance(v, list) for v in value.values())
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(row, dict) and _TEXTS & set(row) for row in value)
        and any(_ROLES & set(row) for row in value)
    )


def _list_of(value: Any) -> str | None:
    return next((key for key in _LISTS if chat(value.get(key))), None) if isinstance(value, dict) else None


def _fits_record(value: Any) -> str | None:
    key = _list_of(value)
    return key and f"objects with {key} of roles and texts"


def _read_record(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    key = _list_of(row) or "messages"
    system = text(row, "system")
    told = session(item, key, row.pop(key, None), notes=some(system=system))
    own = next((row.pop(name) for name in ("id", "dialogue_id", "conversation_id") if name in row), None)
    yield dialogue(item, told, own=own, extra=row)


def _read_list(item: Item) -> Iterator[Dialogue]:
    yield dialogue(item, session(item, "messages", item.value))


FORMAT = Format(
    "messages",
    "chat messages with roles and texts (OpenAI and kin)",
    Source(name="chat messages"),
    (
        Layout("each", _fits_record, _read_record),
        Layout("whole", lambda value: "a list of roles and texts" if chat(value) else None, _read_list),
    ),
    general=True,
)
