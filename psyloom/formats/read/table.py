"""A table with one message a row: a speaker column, a text column, perhaps columns for dialogue and session."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from psyloom.formats.read._fields import label
from psyloom.formats.read._format import Format, Item, Layout
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Label, Source, Speaker

_SPEAKER = ("speaker", "role", "interlocutor", "participant", "说话人", "发言人", "角色")
_TEXT = ("text", "utterance", "utterance_text", "content", "message", "文本", "内容", "话语")
_SESSION = ("session", "session_id", "会谈", "会谈编号", "会话编号", "会话id", "会话")
_DIALOGUE = (
    "dialogue_id", "dialog_id", "conversation_id", "conv_id", "transcript_id", "case_id",
    "dialogue", "dialog", "conversation", "对话编号", "对话id", "对话", "会话编号", "会话id", "会话",
)  # fmt: skip
# The columns of our own export, which also holds labels as "set:id@start-end".
_OURS = {"dialogue", "lang", "session", "turn", "speaker", "text", "labels", "thought"}
_LABEL = re.compile(r"([a-z0-9_]+):(.+?)(?:@(\d+)-(\d+))?(?=\s[a-z0-9_]+:|$)")


class _Columns(NamedTuple):
    speaker: str | None
    text: str | None
    dialogue: str | None
    session: str | None


@cache
def _columns(header: tuple[str, ...]) -> _Columns:
    """The columns by their names; where both kinds are there, 对话 is the dialogue and 会话 its session."""
    folded = {name.strip().casefold().replace(" ", "_"): name for name in header}
    wanted = (_SPEAKER, _TEXT, _DIALOGUE, _SESSION)
    return _Columns(*(next((folded[word] for word in words if word in folded), None) for words in wanted))


def _fits(value: Any) -> str | None:
    if not isinstance(value, dict) or not all(isinstance(cell, str | int | None) for cell in value.values()):
        return None
    columns = _columns(tuple(value))
    found = columns.speaker and columns.text
    return f"rows with a speaker in {columns.speaker!r} and a text in {columns.text!r}" if found else None


def _dialogue_of(row: dict[str, Any]) -> Any:
    """Rows of one dialogue stand together; a table without such a column is one dialogue, or one a session."""
    columns = _columns(tuple(row))
    column = columns.dialogue or columns.session
    return row[column] if column else None


def _read(item: Item) -> Iterator[Dialogue]:
    rows: list[dict[str, Any]] = item.value
    columns, own, lang = _columns(tuple(rows[0])), _dialogue_of(rows[0]), rows[0].get("lang")
    named = columns.session or ""
    sessions = [
        session(item, "rows", [_message(row, columns) for row in part], dress=_labelled)
        for _, part in groupby(rows, key=lambda row: row.get(named))
    ]
    known = lang if lang in ("zh", "en") else None
    yield dialogue(item, *sessions, own=own or item.file.place, lang=known)


def _message(row: dict[str, Any], columns: _Columns) -> dict[str, Any]:
    own = {"labels", "thought"} if set(row) == _OURS else set(row)
    left = {name: cell for name, cell in row.items() if name in own - set(columns) and cell not in (None, "")}
    return {"speaker": row[str(columns.speaker)] or None, "content": row[str(columns.text)], **left}


def _labelled(message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    written = message.get("labels")
    found = list(_LABEL.finditer(written)) if isinstance(written, str) else []
    if found:
        del message["labels"]
    return {"labels": [_label(mark) for mark in found]}


def _label(mark: re.Match[str]) -> Label:
    return label(mark[1], mark[2], span=(int(mark[3]), int(mark[4])) if mark[3] else None)


FORMAT = Format(
    "csv",
    "tables with speaker and text columns (CSV, TSV)",
    Source(name="table of messages"),
    (Layout("each", _fits, _read, group=_dialogue_of),),
    general=True,
)
