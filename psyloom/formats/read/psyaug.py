"""CounselChat, the input of the augmentation pipeline arXiv 2406.08718: three schemas, one row an answer."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from psyloom.formats.read._fields import some, text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._talk import case
from psyloom.records import Answer, Case, Post, Source

_BREAK = re.compile(r"<\s*(?:br|/p|/li|/div)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"<\s*/?\s*(?:p|br|a|div|span|ul|ol|li|b|i|em|strong)\b[^>]*>|&[a-z#0-9]+;", re.IGNORECASE)


def _question(row: dict[str, Any]) -> Any:
    return row["questionID"]


def _read(item: Item) -> Iterator[Case]:
    """All answers to one question are one case; in the releases they stand together."""
    rows = [dict(row) for row in item.value]
    first, answers = dict(rows[0]), [_answer(row) for row in rows]
    title = text(first, "questionTitle")
    topic = text(first, "topic") or text(first, "topics")
    post = Post(title=title, text=text(first, "questionText") or title or "", topic=topic, answers=answers)
    about = some(questionID=first.get("questionID"), questionLink=first.get("questionLink") or first.get("questionUrl"))
    yield case(item, str(first["questionID"]), post=post, extra=about)


def _answer(row: dict[str, Any]) -> Answer:
    """Text without markup; the original, votes, views, split and the therapist's page stay in extra."""
    for key in ("questionID", "questionTitle", "questionText", "questionLink", "questionUrl", "topic", "topics"):
        row.pop(key, None)
    given = text(row, "answerText") or ""
    if _MARKUP.search(given):
        row["answerText"] = given
    info, name = text(row, "therapistInfo"), text(row, "therapistName")
    return Answer(text=_plain(given), author=name, about_author=info, extra={k: v for k, v in row.items() if k})


def _plain(markup: str) -> str:
    if not _MARKUP.search(markup):
        return markup
    lines = unescape(_TAG.sub("", _BREAK.sub("\n", markup))).split("\n")
    return "\n".join(line for one in lines if (line := " ".join(one.split())))


FORMAT = Format(
    "psyaug",
    "CounselChat questions and answers",
    Source(name="CounselChat", licence="MIT", url="https://github.com/nbertagnolli/counsel-chat", synthetic=False),
    (Layout("each", keys("questionID", "questionText", "answerText"), _read, group=_question),),
)
