"""AMIE (arXiv 2401.05654): patient vignettes and OSCE scenario packs. Nothing is released; the fields are the paper's."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._talk import case
from psyloom.records import Case, Clinical, Demographics, Diagnosis, Scenario, Source

_HISTORY = ("past_medical_history", "past_surgical_history", "past_social_history")


def _read_vignette(item: Item) -> Iterator[Case]:
    row = dict(item.value)
    about, diagnosis, condition = _given(row, "demographics"), _given(row, "diagnosis"), _given(row, "condition")
    name = diagnosis or condition
    if condition and condition != name:
        row["condition"] = condition
    clinical = Clinical(
        complaint=_given(row, "symptoms"),
        physical_illness=_given(row, "past_medical_history"),
        personal_history={key: told for key in _HISTORY[1:] if (told := _given(row, key))},
        questions=[str(one) for one in row.pop("patient_questions", None) or []],
        diagnoses=[Diagnosis(name=name)] if name else [],
        treatment=_given(row, "management_plan"),
    )
    # The paper writes age, sex and occupation in one phrase; it is the scenario, not parsed here.
    who = Demographics(**about) if isinstance(about, dict) else None
    scenario = Scenario(situation=about) if isinstance(about, str) else None
    own = text(row, "id") or text(row, "vignette_id")
    yield case(item, own, demographics=who, clinical=clinical, scenario=scenario, extra=row)


def _read_pack(item: Item) -> Iterator[Case]:
    """scenario_id, patient_script, ground_truth_dx, accepted_dx, specialist_notes."""
    row = dict(item.value)
    names = [text(row, "ground_truth_dx"), *(row.pop("accepted_dx", None) or [])]
    clinical = Clinical(diagnoses=[Diagnosis(name=str(name)) for name in dict.fromkeys(names) if name])
    script = text(row, "patient_script")
    yield case(item, text(row, "scenario_id"), scenario=Scenario(situation=script), clinical=clinical, extra=row)


def _given(row: dict[str, Any], key: str) -> Any:
    """A field's value; "N/A" stands for none."""
    if isinstance(row.get(key), dict):
        return row.pop(key)
    value = text(row, key)
    return None if value is None or value.casefold() in ("n/a", "na", "none") else value


FORMAT = Format(
    "amie",
    "AMIE vignettes and scenario packs",
    Source(name="AMIE vignettes", licence="unknown", url="https://arxiv.org/abs/2401.05654"),
    (
        Layout("each", keys("symptoms", "patient_questions", "management_plan"), _read_vignette),
        Layout("each", keys("patient_script", "ground_truth_dx"), _read_pack),
    ),
)
