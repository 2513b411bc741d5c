"""Dialogues of the sdialog toolkit: named speakers with personas, turns and events, and what our export adds."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any

from psyloom.formats.read._fields import some
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._marks import Mark, placed
from psyloom.formats.read._speakers import side, sides
from psyloom.formats.read._talk import dialogue, listed, session
from psyloom.records import Dialogue, Element, Label, Source, Speaker


def _is_sdialog(row: dict[str, Any]) -> bool:
    turns = row["turns"]
    return isinstance(turns, list) and all(isinstance(turn, dict) and "text" in turn for turn in turns[:3])


def _cast(personas: Any) -> dict[str, Speaker]:
    """Who each persona is, by the role its description gives: patient, therapist, general practitioner ..."""
    found: dict[str, Speaker] = {}
    for name, persona in (personas if isinstance(personas, dict) else {}).items():
        role = str(persona.get("role") or "") if isinstance(persona, dict) else ""
        known = (side(word) for word in (role, *reversed(role.split())))
        if who := next((who for who in known if who == "client" or who == "counselor"), None):
            found[name] = who
    return found


def _read(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    turns = listed("turns", row.pop("turns"))
    cast = {**_cast(row.get("personas")), **item.speakers}
    known = sides([str(turn.get("speaker")) for turn in turns], cast)
    cast |= {name: who for name, who in known.items() if who == "client" or who == "counselor"}
    lengths, lang = [len(turns)], None
    if ours := _ours(row.get("annotations"), len(turns)):
        del row["annotations"]
        lengths, lang = ours["sessions"], ours.get("lang")
        turns = _with_ours(turns, ours.get("labels") or [], row.pop("events", None) or [])
    item = replace(item, speakers=cast)
    ends = list(accumulate(lengths))
    sessions = [
        session(item, "turns", turns[end - length : end], dress=partial(_labelled, item))
        for length, end in zip(lengths, ends, strict=True)
    ]
    own = row.pop("id", None)
    extra = {key: value for key, value in row.items() if value is not None}
    yield dialogue(item, *sessions, own=own, lang=lang if lang in ("zh", "en") else None, extra=extra)


def _ours(annotations: Any, count: int) -> dict[str, Any]:
    """What our export wrote beside the turns: language, length of each session, labels; empty in other files."""
    lengths = annotations.get("sessions") if isinstance(annotations, dict) else None
    return annotations if isinstance(lengths, list) and sum(lengths) == count else {}


def _with_ours(turns: list[dict[str, Any]], labels: list[Any], events: list[Any]) -> list[dict[str, Any]]:
    """The messages with their labels, and with the thoughts of the events before their utterance."""
    turns = [turn | {"marks": [], "thoughts": []} for turn in turns]
    for label in labels:
        plain = {key: value for key, value in label.items() if key != "turn"}
        turns[label["turn"]]["marks"].append(Mark.of(Label.model_validate(plain)))
    at = 0
    for event in events:
        if event["action"] == "think":
            turns[at]["thoughts"].append(Element(name="think", text=event["content"]))
        else:
            at += 1
    return turns


def _labelled(item: Item, message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    found, odd = placed(item, str(message["text"]), message.pop("marks", []))
    message.update(some(labels=odd or None))
    return {"labels": found, "thought": message.pop("thoughts", [])}


FORMAT = Format(
    "sdialog",
    "sdialog JSON",
    Source(name="sdialog dialogue"),
    (Layout("each", keys("turns", test=_is_sdialog), _read),),
    general=True,
)
