"""PsyDT (arXiv 2412.13660): PsyDTCorpus, whole dialogues and the test set cut into turns."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.formats.read.soulchat import topic
from psyloom.records import Answer, Case, Dialogue, Post, Source


def _read_dialogue(item: Item) -> Iterator[Dialogue]:
    """id, normalizedTag, messages. The test set repeats an id for every turn, so ids come from the row."""
    row = dict(item.value)
    told = session(item, "messages", row.pop("messages"))
    yield dialogue(item, told, labels=topic(item, row, "normalizedTag"), extra=row)


def _read_post(item: Item) -> Iterator[Case]:
    """topic, title, detail, answer."""
    row = dict(item.value)
    answer, title = text(row, "answer"), text(row, "title")
    post = Post(
        title=title,
        text=text(row, "detail") or title or "",
        topic=text(row, "topic"),
        answers=[Answer(text=answer)] if answer else [],
    )
    yield case(item, post=post, extra=row)


def _is_post(row: dict[str, Any]) -> bool:
    return all(isinstance(row[key], str) for key in ("title", "detail"))


FORMAT = Format(
    "psydt",
    "PsyDTCorpus",
    Source(
        name="PsyDTCorpus",
        licence="unknown; research use",
        url="https://github.com/scutcyr/SoulChat2.0",
        synthetic=True,
    ),
    (
        Layout("each", keys("normalizedTag", "messages"), _read_dialogue),
        Layout("each", keys("topic", "title", "detail", test=_is_post), _read_post),
    ),
    lang="zh",
)
