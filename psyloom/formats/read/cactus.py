"""CACTUS (arXiv 2407.03103): generated rows, the client records of CounselingEval in both languages, its sessions."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._cbt import client, facets
from psyloom.formats.read._fields import labels, some, text
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._talk import case, dialogue, lines, session
from psyloom.records import Case, Dialogue, Source, Thought


def _read_row(item: Item) -> Iterator[Dialogue]:
    """thought, patterns, intake_form, cbt_technique, cbt_plan, attitude, dialogue."""
    row = dict(item.value)
    told = lines(item, "dialogue", _text_of(row, "dialogue"), notes=some(cbt_plan=text(row, "cbt_plan")))
    who = case(item, **facets(row), thought=_thought(row))
    technique = labels("cactus_technique", text(row, "cbt_technique"))
    yield dialogue(item, told, case=who, labels=technique, extra=row)


def _read_client(item: Item) -> Iterator[Case]:
    row = dict(item.value)
    yield client(item, row)


def _read_session(item: Item) -> Iterator[Dialogue]:
    """What CounselingEval's simulation writes: example, cbt_technique, cbt_plan, history."""
    row = dict(item.value)
    example = row.pop("example")
    told = session(item, "history", row.pop("history"), notes=some(cbt_plan=text(row, "cbt_plan")))
    technique = labels("cactus_technique", text(row, "cbt_technique"))
    yield dialogue(item, told, case=client(item, dict(example)), labels=technique, extra=row)


def _read_judged(item: Item) -> Iterator[Dialogue]:
    """What its judges read: a dialogue with an index, or with intake form and attitude."""
    row = dict(item.value)
    told = session(item, "dialogue", row.pop("dialogue"))
    found = facets(row)
    yield dialogue(item, told, case=case(item, **found) if found else None, extra=row)


def _read_seed(item: Item) -> Iterator[Case]:
    """persona, thought, patterns of PatternReframe."""
    row = dict(item.value)
    yield case(item, thought=_thought(row), extra=row)


def _thought(row: dict[str, Any]) -> Thought:
    negative = text(row, "thought")
    if negative is None:
        raise Unreadable("thought", "is missing")
    return Thought(thought=negative, distortions=row.pop("patterns", None) or [], persona=text(row, "persona"))


def _text_of(row: dict[str, Any], key: str) -> str:
    found = text(row, key)
    if found is None:
        raise Unreadable(key, "is missing")
    return found


def _says_nothing(row: dict[str, Any]) -> bool:
    return "dialogue" not in row and "history" not in row


def _is_judged(row: dict[str, Any]) -> bool:
    told = row["dialogue"]
    judged = "idx" in row or {"intake_form", "attitude"} <= set(row)
    return judged and isinstance(told, list) and all(isinstance(one, dict) and "message" in one for one in told[:3])


FORMAT = Format(
    "cactus",
    "CACTUS rows, CounselingEval clients and sessions",
    Source(name="CACTUS", licence="GPL-2.0", url="https://github.com/coding-groot/cactus", synthetic=True),
    (
        Layout("each", keys("thought", "patterns", "intake_form", "dialogue"), _read_row),
        Layout("each", keys("AI_client", "AI_counselor", test=_says_nothing), _read_client),
        Layout("each", keys("example", "history", test=lambda row: "cost" not in row), _read_session),
        Layout("each", keys("dialogue", test=_is_judged), _read_judged),
        Layout("each", keys("persona", "thought", "patterns"), _read_seed),
    ),
)
