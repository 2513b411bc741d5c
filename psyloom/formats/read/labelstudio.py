"""Label Studio exports (JSON): tasks with a dialogue for the Paragraphs tag, people's annotations and predictions.

An annotator's name is the user's name or e-mail where the export holds it, else the user's number; of a prediction it
is the model version.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Any

from psyloom.formats.read._fields import some
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._marks import Mark, placed
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Label, Source, Speaker

_WHOLE = ".of_session"
_TEXTS, _AUTHORS = ("text", "content"), ("author", "speaker", "name", "role")
_MORE = ("reason", "evidence", "origin")


def _read(item: Item) -> Iterator[Dialogue]:
    data = dict(item.value["data"])
    key = _paragraphs(data)
    if key is None:
        raise Unreadable("data", "holds no list of paragraphs with a text")
    paragraphs = data.pop(key)
    on_turns, on_sessions = _marks(item, paragraphs)
    numbered = list(enumerate(paragraphs))
    sessions = [
        session(item, f"data.{key}", [_message(at, one) for at, one in part], dress=partial(_labelled, item, on_turns))
        for _, part in groupby(numbered, key=lambda one: one[1].get("session", 1))
    ]
    for number, told in enumerate(sessions, 1):
        told.labels = on_sessions.get(number, [])
    ours, lang = data.pop("id", None), data.pop("lang", None)
    found = dialogue(
        item, *sessions, own=ours or item.value.get("id"), lang=lang if lang in ("zh", "en") else None,
        labels=on_sessions.get(0, []), extra=data,
    )  # fmt: skip
    # The id that was handed over: by it the labels find the dialogue they were made for.
    found.id = str(ours) if ours else found.id
    yield found


def _paragraphs(data: Mapping[str, Any]) -> str | None:
    """The name of the data that are a dialogue."""
    lists = ((key, value) for key, value in data.items() if isinstance(value, list) and value)
    rows = ((key, value[0]) for key, value in lists if all(isinstance(one, dict) for one in value))
    return next((key for key, first in rows if any(name in first for name in _TEXTS)), None)


def _message(at: int, paragraph: Mapping[str, Any]) -> dict[str, Any]:
    author = next((paragraph[key] for key in _AUTHORS if paragraph.get(key)), None)
    left = {k: v for k, v in paragraph.items() if k not in (*_AUTHORS, *_TEXTS, "session")}
    return {"speaker": author, "content": _text(paragraph), "at": at, **left}


def _text(paragraph: Mapping[str, Any]) -> str:
    return str(next((paragraph[key] for key in _TEXTS if paragraph.get(key)), ""))


def _labelled(item: Item, marks: Mapping[int, list[Mark]], message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    found, odd = placed(item, str(message["content"]), marks.get(message.pop("at"), []))
    message.update(some(labels=odd or None))
    return {"labels": found}


def _marks(item: Item, paragraphs: list[dict[str, Any]]) -> tuple[dict[int, list[Mark]], dict[int, list[Label]]]:
    """Marks by paragraph; labels by session from 1, those of the whole dialogue under 0."""
    on_turns, on_sessions = defaultdict[int, list[Mark]](list), defaultdict[int, list[Label]](list)
    for by, region in _regions(item.value):
        kind, value, meta = region.get("type"), region.get("value") or {}, region.get("meta") or {}
        name = str(region.get("from_name")).removesuffix(_WHOLE)
        more = tuple((key, meta[key]) for key in _MORE if isinstance(meta.get(key), str))
        for word in value.get(str(kind)) or ():
            mark = Mark(name, str(word), by, None, more)
            if kind == "choices":
                on_sessions[int(meta.get("session", 0))].append(mark.label())
            elif kind == "paragraphlabels":
                for at, span in _spans(value, paragraphs):
                    on_turns[at].append(mark._replace(span=None if meta.get("whole") else span))
    return on_turns, on_sessions


def _spans(value: Mapping[str, Any], paragraphs: list[dict[str, Any]]) -> Iterator[tuple[int, tuple[int, int]]]:
    """A region as spans, one for each paragraph that it touches."""
    first, last = int(value["start"]), min(int(value["end"]), len(paragraphs) - 1)
    for at in range(first, last + 1):
        start = int(value["startOffset"]) if at == first else 0
        yield at, (start, int(value["endOffset"]) if at == last else len(_text(paragraphs[at])))


def _regions(task: Mapping[str, Any]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """(annotator, region); skipped annotations count as none."""
    for prediction in task.get("predictions") or ():
        if isinstance(prediction, dict):
            yield from ((prediction.get("model_version") or None, region) for region in prediction.get("result") or ())
    for annotation in task.get("annotations") or ():
        if not annotation.get("was_cancelled"):
            by = _name(annotation.get("completed_by"))
            yield from ((by, region) for region in annotation.get("result") or ())


def _name(user: Any) -> str:
    if not isinstance(user, dict):
        return f"user {user}" if isinstance(user, int) else str(user or "user")
    full = f"{user.get('first_name') or ''} {user.get('last_name') or ''}".strip()
    return full or str(user.get("email") or user.get("username") or f"user {user.get('id')}")


FORMAT = Format(
    "labelstudio",
    "Label Studio exports of dialogues (JSON)",
    Source(name="Label Studio export"),
    (
        Layout(
            "each",
            keys("data", test=lambda row: isinstance(row["data"], dict) and bool(_paragraphs(row["data"]))),
            _read,
        ),
    ),
    general=True,
)
