"""MindChat: the published examples, rows of instruction, input, output and history."""

from collections.abc import Iterator

from psyloom.formats.read._exchange import exchange
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._talk import dialogue
from psyloom.records import Dialogue, Source


def _read(item: Item) -> Iterator[Dialogue]:
    """``input`` is empty by design; where it is filled it is no part of the question and stays in extra."""
    row = dict(item.value)
    if row.pop("input", None):
        item.note("input", "should be empty: put into extra")
        left = {"input": item.value["input"]}
    else:
        left = {}
    yield dialogue(item, exchange(item, row), extra={**left, **row})


FORMAT = Format(
    "mindchat",
    "MindChat examples",
    Source(name="MindChat", licence="GPL-3.0", url="https://github.com/X-D-Lab/MindChat"),
    (Layout("each", keys("instruction", "input", "output", "history"), _read, mark=lambda *_: None),),
    lang="zh",
)
