"""A table with one message a row: a speaker column, a text column, perhaps a column that tells dialogues apart."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from psyloom.formats.read._format import Format, Item, Layout
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Source

_SPEAKER = ("speaker", "role", "interlocutor", "participant", "说话人", "发言人", "角色")
_TEXT = ("text", "utterance", "utterance_text", "content", "message", "文本", "内容", "话语")
_DIALOGUE = (
    "dialogue_id", "dialog_id", "conversation_id", "conv_id", "transcript_id", "session_id", "case_id",
    "dialogue", "dialog", "conversation", "session", "对话编号", "对话id", "会话编号",
)  # fmt: skip


@cache
def _columns(header: tuple[str, ...]) -> tuple[str | None, str | None, str | None]:
    """The columns of speaker, text and dialogue."""
    folded = {name.strip().casefold().replace(" ", "_"): name for name in header}

    def first(wanted: tuple[str, ...]) -> str | None:
        return next((folded[word] for word in wanted if word in folded), None)

    return first(_SPEAKER), first(_TEXT), first(_DIALOGUE)


def _fits(value: Any) -> str | None:
    if not isinstance(value, dict) or not all(isinstance(cell, str | int | None) for cell in value.values()):
        return None
    speaker, text, _ = _columns(tuple(value))
    return f"rows with a speaker in {speaker!r} and a text in {text!r}" if speaker and text else None


def _dialogue_of(row: dict[str, Any]) -> Any:
    column = _columns(tuple(row))[2]
    return row[column] if column else None


def _read(item: Item) -> Iterator[Dialogue]:
    rows: list[dict[str, Any]] = item.value
    speaker, text, _ = _columns(tuple(rows[0]))
    own = _dialogue_of(rows[0])
    messages = [
        {"role": row[str(speaker)] or None, "content": row[str(text)]}
        | {name: cell for name, cell in row.items() if name not in (speaker, text) and cell not in (None, "", own)}
        for row in rows
    ]
    yield dialogue(item, session(item, "rows", messages), own=own or item.file.place)


FORMAT = Format(
    "csv",
    "tables with speaker and text columns (CSV, TSV)",
    Source(name="table of messages"),
    (Layout("each", _fits, _read, group=_dialogue_of),),
    general=True,
)
