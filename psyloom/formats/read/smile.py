"""SMILE (arXiv 2305.00450): SMILECHAT with its sentence annotation, and the older lists of prefixed strings."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import label
from psyloom.formats.read._format import Format, Item, Layout
from psyloom.formats.read._lines import speaks
from psyloom.formats.read._talk import dialogue, prefixed, session
from psyloom.records import Dialogue, Label, Source, Speaker


def _is_annotated(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(one, dict) and "annotation" in one for one in value)
    return "a list of messages with their sentences" if good else None


def _is_prefixed(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(one, str) for one in value)
    return "a list of lines by 求助者 and 支持者" if good and speaks(value, "求助者", "支持者") else None


def _sentences(message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    """Labels of sentences, at their place in the text. The release leaves every label empty."""
    found: list[Label] = []
    end = 0
    for one in message["annotation"] if isinstance(message["annotation"], list) else []:
        sentence, word = str(one.get("sentence") or ""), str(one.get("label") or "")
        start = str(message.get("content") or "").strip().find(sentence, end)
        if word and start >= 0:
            found.append(label("smile_strategy", word, span=(start, start + len(sentence))))
        end = max(end, start + len(sentence))
    return {"labels": found}


def _read_annotated(item: Item) -> Iterator[Dialogue]:
    yield dialogue(item, session(item, "messages", item.value, dress=_sentences))


def _read_prefixed(item: Item) -> Iterator[Dialogue]:
    yield dialogue(item, session(item, "lines", prefixed(item, "lines", item.value)))


FORMAT = Format(
    "smile",
    "SMILECHAT, both releases",
    Source(name="SMILECHAT", licence="CC0-1.0", url="https://github.com/qiuhuachuan/smile", synthetic=True),
    (Layout("whole", _is_annotated, _read_annotated), Layout("whole", _is_prefixed, _read_prefixed)),
    lang="zh",
)
