"""Threads of a board: a question and what everybody wrote below it. A shape of our own, for what was collected."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import text
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._talk import dialogue
from psyloom.records import Dialogue, Session, Source, Turn

ASKER = ("owner", "asker", "author", "poster", "楼主", "题主", "提问者")


def _read(item: Item) -> Iterator[Dialogue]:
    """Every post is a message: the asker's as client, all others' as counselor, with author and time in extra."""
    row = dict(item.value)
    asked = "\n".join(filter(None, (text(row, "title"), text(row, "question"))))
    first = {"author": "owner"} | ({"time": time} if (time := text(row, "posted_at")) else {})
    turns = [Turn.client(asked).model_copy(update={"extra": first})]
    for at, post in enumerate(row.pop("replies")):
        if not isinstance(post, dict):
            raise Unreadable(f"replies.{at}", "is no post with author_role and text")
        turns.append(_post(dict(post)))
    source = Source(
        name=text(row, "source") or "threads",
        licence=text(row, "licence") or "unknown",
        url=text(row, "url"),
        synthetic=False,
    )
    found = dialogue(item, Session(turns=turns), own=row.pop("id", None), extra=row)
    yield found.model_copy(update={"source": source})


def _post(post: dict[str, Any]) -> Turn:
    role = text(post, "author_role") or ""
    said = text(post, "text") or ""
    by_asker = role.casefold() in ASKER
    extra = {"author": "owner" if by_asker else (text(post, "author") or role), **post}
    return Turn(speaker="client" if by_asker else "counselor", text=said, extra=extra)


FORMAT = Format(
    "threads",
    "threads of a board: title, question, replies",
    Source(name="threads", synthetic=False),
    (Layout("each", keys("question", "replies"), _read),),
    general=True,
)
