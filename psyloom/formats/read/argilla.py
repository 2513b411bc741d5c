"""Argilla records (JSON, as ``records.to_json`` writes them) of a dataset that psyloom exported: one turn a record.

People's responses become labels by their user's id. What stood there before comes back from the metadata, with its
annotators and reasons.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Any

from psyloom.formats.read._fields import some
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._marks import Mark, placed
from psyloom.formats.read._talk import dialogue, session
from psyloom.formats.write.labels import characters
from psyloom.records import Dialogue, Label, Source, Speaker


def _about(row: Any) -> Mapping[str, Any]:
    about = row.get("metadata") if isinstance(row, dict) else None
    return about if isinstance(about, dict) else {}


def _dialogue_of(row: Any) -> Any:
    return _about(row).get("dialogue")


def _read(item: Item) -> Iterator[Dialogue]:
    rows: list[dict[str, Any]] = sorted(
        item.value, key=lambda row: (int(_about(row)["session"]), int(_about(row)["turn"]))
    )
    sessions = []
    for _, part in groupby(rows, key=lambda row: _about(row)["session"]):
        messages = [_message(row) for row in part]
        first = messages[0]
        labels = _labels(first.pop("labels_of_session", None))
        told = session(item, "records", messages, dress=partial(_labelled, item))
        told.labels = labels
        sessions.append(told)
    about = _about(rows[0])
    lang = about.get("lang")
    found = dialogue(
        item, *sessions, own=about["dialogue"], lang=lang if lang in ("zh", "en") else None,
        labels=_labels(about.get("labels_of_dialogue")),
    )  # fmt: skip
    found.id = str(about["dialogue"])  # by it the labels find the dialogue they were made for
    yield found


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    about = _about(row)
    message = {"speaker": about.get("speaker"), "content": row["fields"]["text"], "marks": list(_marks(row))}
    return message | {"labels_of_session": about.get("labels_of_session")} if about["turn"] in (1, "1") else message


def _labelled(item: Item, message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    message.pop("labels_of_session", None)
    found, odd = placed(item, str(message["content"]), message.pop("marks"))
    message.update(some(labels=odd or None))
    return {"labels": found}


def _marks(row: Mapping[str, Any]) -> Iterator[Mark]:
    """What stood there before, then what people answered."""
    about, suggestions, text = _about(row), row.get("suggestions") or {}, str(row["fields"]["text"])
    if about.get("labels") is not None:
        yield from (Mark.of(label) for label in _labels(about["labels"]))
    else:
        for name, given in suggestions.items():
            yield from _answers(text, name, given.get("value"), given.get("agent"))
    for name, responses in (row.get("responses") or {}).items():
        for response in responses or ():
            yield from _answers(text, name, response.get("value"), str(response.get("user_id")))


def _answers(text: str, name: str, value: Any, by: str | None) -> Iterator[Mark]:
    """A label question's value is a label, a multi-label question's a list of them, a span question's a list of spans.

    Spans are marked in a browser, which counts in UTF-16.
    """
    for one in value if isinstance(value, list) else [value] if value else []:
        if isinstance(one, dict):
            start, end = (characters(text, int(one[edge])) for edge in ("start", "end"))
            yield Mark(name, str(one["label"]), by, (start, end))
        else:
            yield Mark(name, str(one), by)


def _labels(written: Any) -> list[Label]:
    if not written:
        return []
    try:
        return [Label.model_validate(one) for one in json.loads(written)]
    except ValueError as trouble:
        raise Unreadable("metadata.labels", f"is no list of labels: {trouble}") from trouble


def _ours(row: dict[str, Any]) -> bool:
    return (
        isinstance(row["fields"], dict)
        and "text" in row["fields"]
        and {"dialogue", "session", "turn"} <= set(_about(row))
    )


FORMAT = Format(
    "argilla",
    "Argilla records of dialogues exported by psyloom (JSON)",
    Source(name="Argilla export"),
    (Layout("each", keys("fields", "metadata", test=_ours), _read, group=_dialogue_of),),
    general=True,
)
