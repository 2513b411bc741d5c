"""PsyDial (ACL 2025 long 1049): dialogues D0_m to D4, one-file-a-dialogue form, and the test cases D101."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._talk import dialogue, session
from psyloom.formats.read.messages import chat
from psyloom.records import Dialogue, Source


def _read(item: Item) -> Iterator[Dialogue]:
    """messages, and in a test case the golden reply: it becomes the last turn, marked in its extra."""
    row = dict(item.value)
    messages = row.pop("messages")
    if (golden := row.pop("golden", None)) is not None:
        if not isinstance(golden, dict) or not isinstance(messages, list):
            raise Unreadable("golden", "is not a message")
        messages = [*messages, {**golden, "golden": True}]
    yield dialogue(item, session(item, "messages", messages), extra=row)


def _read_list(item: Item) -> Iterator[Dialogue]:
    yield dialogue(item, session(item, "messages", item.value))


def _has_chat(row: dict[str, Any]) -> bool:
    return chat(row["messages"])


FORMAT = Format(
    "psydial",
    "PsyDial dialogues and D101 test cases",
    Source(name="PsyDial", licence="unknown; gated", url="https://github.com/qiuhuachuan/PsyDial", synthetic=True),
    (
        Layout("each", keys("messages", "golden"), _read),
        Layout("each", keys("messages", test=_has_chat), _read, mark=lambda *_: None),
        Layout("whole", lambda value: "a list of messages" if chat(value) else None, _read_list, mark=lambda *_: None),
    ),
    lang="zh",
)
