"""Psy-Insight (arXiv 2503.03607): annotated sessions in Chinese and English, and the units they are made from."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from psyloom.formats.read._fields import labels, some, text
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._speakers import side
from psyloom.formats.read._talk import case, dialogue, listed, session
from psyloom.records import Dialogue, Element, Label, Scenario, Session, Source, Speaker

_NOTES = ("theme", "guide", "reasoning")  # written about the session as a whole
_ECHO = 4  # a turn with more emotions than this repeats the list its annotator was given


def _annotated(item: Item, message: dict[str, Any], who: Speaker) -> dict[str, Any]:
    """Strategy and reasoning of a supporter, emotion of a seeker. The therapist's observation of a seeker stays."""
    emotions = labels("psyinsight_emotion", message.get("emotional label"))
    if len(emotions) > _ECHO:
        item.note("emotional label", f"{len(emotions)} emotions on one turn: taken as Unknown, the list put into extra")
        emotions = labels("psyinsight_emotion", "Unknown")
    else:
        message.pop("emotional label", None)
    found: list[Label] = [*labels("psyinsight_strategy", message.pop("strategy", None)), *emotions]
    for key in ("observation", "reasoning"):
        if not message.get(key):
            message.pop(key, None)
    # A few Chinese client turns carry a reasoning, which is no thought of theirs.
    reasoning = message.pop("reasoning", None) if who == "counselor" else None
    return {"labels": found, "thought": [Element(name="reasoning", text=reasoning)] if reasoning else []}


def _read_session(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    notes = {key: written for key in _NOTES if (written := text(row, key))}
    told = session(item, "dialog", row.pop("dialog"), dress=partial(_annotated, item), notes=notes)
    told.summary = text(row, "summary")
    told.labels = _of_session(row)
    topic, background = text(row, "topic"), text(row, "background")
    own = text(row, "dialog_id")
    scenario = Scenario(situation=background, type=[topic] if topic else [])
    who = case(item, own, lang=_lang(told), scenario=scenario)
    yield dialogue(item, told, own=own, lang=_lang(told), case=who, labels=labels("psyinsight_topic", topic), extra=row)


def _of_session(row: dict[str, Any]) -> list[Label]:
    kinds = ("psychotherapy", "stage")
    return [one for kind in kinds for one in labels(f"psyinsight_{kind}", text(row, kind))]


def _lang(told: Session) -> Any:
    """The participants' words tell the two corpora apart even where the text is short or withheld."""
    names = {str(turn.extra.get("participant")) for turn in told.turns}
    return "en" if names & {"Therapist", "Client"} else "zh" if names & {"治疗师", "来访者"} else None


def _read_unit(item: Item) -> Iterator[Dialogue]:
    """case_theme, pre_reasoning, topic_dialog, post_reasoning: everyone but the therapist sits with the client."""
    row = dict(item.value)
    unit = row.pop("topic_dialog")
    if not isinstance(unit, dict):
        raise Unreadable("topic_dialog", "is not an object")
    messages = listed("topic_dialog.dialog", unit.get("dialog"))
    names = {str(message.get("participant")) for message in messages}
    cast: dict[str, Speaker] = {name: "client" for name in names if side(name) is None}
    told = session(replace(item, speakers={**cast, **item.speakers}), "topic_dialog.dialog", messages)
    about = {key: value for key, value in unit.items() if key != "dialog"}
    told.labels = labels("psyinsight_psychotherapy", about.pop("method", None))
    yield dialogue(item, told, own=about.get("unit_id"), extra={**some(topic_dialog=about or None), **row})


FORMAT = Format(
    "psyinsight",
    "Psy-Insight sessions (zh, en) and units",
    Source(
        name="Psy-Insight",
        licence="unknown; excerpts of published books",
        url="https://github.com/ckqqqq/Psy-Insight",
        synthetic=False,
    ),
    (
        Layout("each", keys("dialog_id", "psychotherapy", "dialog"), _read_session),
        Layout("each", keys("topic_dialog", "pre_reasoning", "post_reasoning"), _read_unit),
    ),
)
