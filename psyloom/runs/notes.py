"""Notes and cases as people read them: nested values in order, labels by their names."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from psyloom.errors import UnknownName
from psyloom.knowledge.labels import label_sets, loaded
from psyloom.records import Dialogue, Label

Names = Mapping[str, str]
"""Label id -> its name in the dialogue's language."""
_WHO = ("speaker", "agent", "from")  # whose a kept message is


class Line(NamedTuple):
    """``depth``: how far in it stands; ``name``: what it is called, empty for an item of a list."""

    depth: int
    name: str
    text: str


def label_name(label: Label, lang: str) -> str:
    """A label's name in the dialogue's language; its id where the set is not known here."""
    try:
        return loaded(label.set)[label.id].name("zh" if lang == "zh" else "en")
    except UnknownName:
        return label.id


def names_in(dialogue: Dialogue) -> dict[str, str]:
    """Names of the labels that a dialogue's notes may hold: of the sets of its systems, of its own labels, or
    after which a note is called.

    A note does not say which set its words are of: an id that several sets call differently has no name.
    """
    made = [dialogue.lineage] if dialogue.lineage else []
    slugs = {slug for one in (*made, *dialogue.annotations.values()) for slug in (one.system, *one.roles.values())}
    keys = {key for session in dialogue.sessions for key in session.notes}
    sets = {name for name in label_sets() if name in keys or any(name.startswith(f"{slug}_") for slug in slugs)}
    sets |= {label.set for place in dialogue.places for label in place.labels}
    found: dict[str, set[str]] = defaultdict(set)
    for name in sets:
        try:
            for term in loaded(name).terms:
                found[term.id].add(term.name(dialogue.lang))
        except UnknownName:
            continue
    return {id_: names.pop() for id_, names in found.items() if len(names) == 1}


def facets_of(dialogue: Dialogue) -> dict[str, Any]:
    """What the dialogue's case holds, facets that were written for it included; its id and its source aside."""
    if dialogue.case is None:
        return {}
    told = dialogue.case.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return {name: value for name, value in told.items() if name not in ("id", "lang", "source", "derived", "psyloom")}


def plain(value: Any, names: Names) -> str:
    """A single value: a label by its name, a text as it is, a number shortened."""
    if value in (None, ""):
        return "–"
    if isinstance(value, str):
        return names.get(value, value)
    return json.dumps(round(value, 3) if isinstance(value, float) else value)


def short(value: Any, names: Names) -> str:
    """Any value in one line."""
    if isinstance(value, dict):
        return "; ".join(f"{spaced(name)}: {short(one, names)}" for name, one in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(short(one, names) for one in value) or "–"
    return " ".join(plain(value, names).split())


def lines(name: str, value: Any, names: Names, depth: int = 0) -> Iterator[Line]:
    """Any value in full: a line for each single value, what belongs together further in; a message in one line."""
    if not isinstance(value, dict | list):
        yield Line(depth, name, plain(value, names))
        return
    who = next((key for key in _WHO if key in value), "") if not name and "text" in value else ""
    if who and isinstance(value, dict):
        yield Line(depth, plain(value[who], names), plain(value["text"], names))
        value = {key: one for key, one in value.items() if key not in (who, "text")}
    else:
        yield Line(depth, name, "" if value else "–")
    for key, one in value.items() if isinstance(value, dict) else (("", item) for item in value):
        yield from lines(spaced(key), one, names, depth + 1)


def spaced(name: str) -> str:
    """A field's name as words."""
    return name.replace("_", " ")
