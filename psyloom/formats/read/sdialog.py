"""Dialogues of the sdialog toolkit: named speakers with personas, turns and events."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._speakers import side
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Source, Speaker


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
    cast = {**_cast(row.get("personas")), **item.speakers}
    told = session(replace(item, speakers=cast), "turns", row.pop("turns"))
    own = row.pop("id", None)
    yield dialogue(item, told, own=own, extra={key: value for key, value in row.items() if value is not None})


FORMAT = Format(
    "sdialog",
    "sdialog JSON",
    Source(name="sdialog dialogue"),
    (Layout("each", keys("turns", test=_is_sdialog), _read),),
    general=True,
)
