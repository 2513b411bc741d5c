"""Alpaca, prompt/completion, ms-swift and XTuner rows: exchanges of question and answer."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._exchange import conversation, exchange, is_conversation, is_exchange
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._talk import dialogue
from psyloom.records import Dialogue, Source


def _fits(value: Any) -> str | None:
    return "rows of question and answer" if isinstance(value, dict) and is_exchange(value) else None


def _read(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    told = (conversation if is_conversation(row) else exchange)(item, row)
    yield dialogue(item, told, own=row.pop("id", None), extra=row)


FORMAT = Format(
    "alpaca",
    "rows of question and answer (Alpaca, prompt/completion, ms-swift, XTuner)",
    Source(name="question and answer rows"),
    (Layout("each", _fits, _read), Layout("each", keys("conversation", test=is_conversation), _read)),
    general=True,
)
