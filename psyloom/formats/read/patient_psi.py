"""PATIENT-Psi (arXiv 2405.19660): cognitive models of patients, and the chats of its trainer."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._speakers import Side
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.records import Case, Cognition, CoreBeliefs, Demographics, Dialogue, Situation, Source

_DEPRESSED = "[during depression]"  # parts the two kinds of intermediate beliefs in the released example
# In the trainer a person plays the therapist and the model the patient.
_TRAINER: dict[str, Side] = {"user": "counselor", "assistant": "client"}


def _read_profile(item: Item) -> Iterator[Case]:
    row = dict(item.value)
    beliefs = CoreBeliefs(**{kind: _list(row, f"{kind}_belief") for kind in ("helpless", "unlovable", "worthless")})
    usual, _, depressed = (text(row, "intermediate_belief") or "").partition(_DEPRESSED)
    in_depression = [*_some(depressed), *_list(row, "intermediate_belief_depression")]
    situation = Situation(
        situation=text(row, "situation") or "",
        automatic_thoughts=_list(row, "auto_thought"),
        emotions=_list(row, "emotion"),
        behaviors=_list(row, "behavior"),
    )
    cognition = Cognition(
        history=text(row, "history"),
        core_beliefs=beliefs,
        intermediate_beliefs=_some(usual),
        intermediate_beliefs_during_depression=in_depression,
        coping_strategies=_list(row, "coping_strategies"),
        situations=[situation],
    )
    person = Demographics(name=text(row, "name"))
    yield case(item, text(row, "id"), demographics=person, cognition=cognition, extra=row)


def released(case: Case) -> dict[str, Any]:
    """A case with one situation as a profile: the layout of the released file."""
    model = case.cognition or Cognition()
    core, (situation, *_) = model.core_beliefs, model.situations or [Situation(situation="")]
    depressed = " ".join(model.intermediate_beliefs_during_depression)
    return {
        "name": case.get("demographics.name") or "", "id": case.id, "type": case.extra.get("type", []),
        "history": model.history or "",
        **{f"{kind}_belief": getattr(core, kind) for kind in ("helpless", "unlovable", "worthless")},
        "intermediate_belief": " ".join(model.intermediate_beliefs),
        **({"intermediate_belief_depression": depressed} if depressed else {}),
        "coping_strategies": " ".join(model.coping_strategies), "situation": situation.situation,
        "auto_thought": " ".join(situation.automatic_thoughts), "emotion": situation.emotions,
        "behavior": " ".join(situation.behaviors),
    }  # fmt: skip


def _read_chat(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    told = session(item, "messages", row.pop("messages"), _TRAINER)
    yield dialogue(item, told, own=text(row, "id"), extra=row)


def _list(row: dict[str, Any], key: str) -> list[str]:
    """A field that holds one text or a list of them."""
    value = row.pop(key, None)
    return [str(one) for one in value] if isinstance(value, list) else _some(value)


def _some(value: str | None) -> list[str]:
    return [value.strip()] if value and value.strip() else []


FORMAT = Format(
    "patient_psi",
    "PATIENT-Psi cognitive models and chats",
    Source(name="PATIENT-Psi", licence="MIT", url="https://github.com/ruiyiw/patient-psi"),
    (
        Layout("each", keys("helpless_belief", "unlovable_belief", "worthless_belief"), _read_profile),
        Layout("each", keys("messages", "userId", "createdAt"), _read_chat),
    ),
)
