"""CPsDD, the data of CADSS (arXiv 2507.07509): the raw schema of ten keys, and its upload in another schema."""

import re
from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import labels, some, text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._speakers import Side
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.records import Dialogue, Scenario, Source, Speaker

# Here "system" is the supporting system, not a prompt.
_WORDS: dict[str, Side] = {"system": "counselor", "系统": "counselor"}
_SCENARIO = {"group": "group", "problem_type": "type", "problem_cause": "cause", "problem_focus": "focus"}
_STRATEGY = ("strategy", "strategy_type")


def _annotated(message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    annotation = dict(message.pop("annotation", None) or {})
    word = next(filter(None, (text(part, key) for part in (annotation, message) for key in _STRATEGY)), None)
    message.update(some(annotation=annotation or None))
    return {"labels": labels("cadss_strategy", word)}


def _read_raw(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    told = session(item, "dialog", row.pop("dialog"), _WORDS, _annotated)
    scenario = Scenario(
        situation=text(row, "situation"),
        severity_before=_level(row, "start_level"),
        severity_after=_level(row, "end_level"),
        path=_words(row.pop("dialog_path", None)),
        **{field: _words(row.pop(key, None)) for key, field in _SCENARIO.items()},
    )
    own = text(row, "id")
    yield dialogue(item, told, own=own, case=case(item, own, scenario=scenario), extra=row)


def _read_upload(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    told = session(item, "messages", row.pop("messages"), _WORDS, _annotated)
    profile = dict(row.pop("client_profile"))
    scenario = Scenario(
        group=_words(profile.pop("group", None)),
        type=_words(profile.pop("psychological_problem", None)),
        severity_before=_level(profile, "start_severity"),
    )
    own = text(row, "case_id")
    who = case(item, own, scenario=scenario, extra=profile)
    yield dialogue(item, told, own=own, case=who, labels=labels("cadss_topic", text(row, "topic")), extra=row)


def _words(value: Any) -> list[str]:
    """A list of labels, or one string with marks between them."""
    listed = value if isinstance(value, list) else re.split(r"[、,，;；|]", value) if isinstance(value, str) else []
    return [str(word).strip() for word in listed if str(word).strip()]


def _level(row: dict[str, Any], key: str) -> float | None:
    """A level as number; what is no number stays behind."""
    value = row.get(key)
    try:
        level = float(value) if value is not None else None
    except (TypeError, ValueError):
        return None
    row.pop(key, None)
    return level


FORMAT = Format(
    "cadss",
    "CPsDD dialogues of CADSS",
    Source(name="CPsDD", licence="unknown; research use", url="https://arxiv.org/abs/2507.07509", synthetic=True),
    (
        Layout("each", keys("start_level", "end_level", "dialog_path", "dialog"), _read_raw),
        Layout("each", keys("case_id", "client_profile", "messages"), _read_upload),
    ),
    lang="zh",
)
