"""EmoLLM: conversation rows and its other families, from question and answer to ms-swift and evaluation rows."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._exchange import conversation, exchange, is_conversation, is_exchange
from psyloom.formats.read._files import File
from psyloom.formats.read._format import Format, Item, Layout, keys, mentions
from psyloom.formats.read._talk import dialogue, lines, session
from psyloom.records import Dialogue, Source

_named = mentions("EmoLLM", "艾薇", "艾仁")
_prompted = mentions("心理问题", "心理健康助手")
_DIALOGUE = "对话：\n"


def _mark(value: Any, file: File) -> str | None:
    """One of its personas in any text, or the words its system prompts have in common."""
    told = value.get("conversation", [value])
    systems = [one.get("system") for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    return _named(value, file) or _prompted(systems, file)


def _read_conversation(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    yield dialogue(item, conversation(item, row), extra=row)


def _read_exchange(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    yield dialogue(item, exchange(item, row), extra=row)


def _read_evaluation(item: Item) -> Iterator[Dialogue]:
    """instruction: the system prompt and the talk as lines, up to an open prefix; output: what comes next."""
    row = dict(item.value)
    system, _, told = row.pop("instruction").partition(_DIALOGUE)
    found = lines(item, "instruction", f"{told}{row.pop('output')}", notes={"system": system.strip()})
    yield dialogue(item, found, extra=row)


def _read_swift(item: Item) -> Iterator[Dialogue]:
    """Rows of one dialogue in a row.

    The release repeats the first exchange in every row and puts the row's own, later exchange into the history. A
    row is then no example but the next part of the talk, which is put together here.
    """
    first, *others = item.value
    row = dict(first)
    told = exchange(item, row)
    for at, other in enumerate(others, 1):
        item.note(f"{at}.history", "holds a later exchange than its question: put behind it")
        pairs = [(pair.get("query"), pair.get("response")) for pair in other["history"]]
        messages = [m for q, a in pairs for m in ({"role": "user", "content": q}, {"role": "assistant", "content": a})]
        told.turns += session(item, f"{at}.history", messages).turns
    yield dialogue(item, told, extra=row)


def _opening(row: dict[str, Any]) -> Any:
    """Rows of one dialogue share question and answer."""
    return row.get("query"), row.get("response")


def _is_swift(row: dict[str, Any]) -> bool:
    history = row["history"]
    return isinstance(history, list) and all(isinstance(pair, dict) for pair in history)


def _is_evaluation(row: dict[str, Any]) -> bool:
    return _DIALOGUE in str(row["instruction"]) and "input" not in row


def _is_single(value: Any) -> str | None:
    return "rows of question and answer" if isinstance(value, dict) and is_exchange(value) else None


FORMAT = Format(
    "emollm",
    "EmoLLM data sets, all families",
    Source(name="EmoLLM", licence="MIT", url="https://github.com/SmartFlowAI/EmoLLM", synthetic=True),
    (
        Layout("each", keys("conversation", test=is_conversation), _read_conversation, _mark),
        Layout("each", keys("query", "response", "history", test=_is_swift), _read_swift, _mark, group=_opening),
        Layout("each", keys("instruction", "output", test=_is_evaluation), _read_evaluation),
        Layout("each", _is_single, _read_exchange, _mark),
    ),
    lang="zh",
)
