"""MDD-5k (arXiv 2408.12142): diagnostic talks, five a patient, the labels beside them, and patient records."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pydantic_core import from_json

from psyloom.formats.read._fields import label, text
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.records import Case, Clinical, Demographics, Diagnosis, Dialogue, Label, Source

_FIELDS = {
    "主诉": "complaint",
    "现病史": "present_illness",
    "重要或相关躯体疾病史": "physical_illness",
    "家族史": "family_history",
    "处理意见": "treatment",
}
_SYSTEM = "ICD-10"


def _is_talk(row: dict[str, Any]) -> bool:
    told = row["conversation"]
    return isinstance(told, list) and bool(told) and isinstance(told[0], dict) and "doctor" in told[0]


def _read_talk(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    told: list[dict[str, Any]] = []
    pairs = row.pop("conversation")
    for at, pair in enumerate(pairs, 1):
        if not isinstance(pair, dict):
            raise Unreadable(f"conversation.{at}", "is not an object")
        # The generator's own output ends in a doctor's line alone: diagnosis and treatment.
        told += [{"role": role, "content": pair[role]} for role in ("doctor", "patient") if role in pair]
    stem = PurePosixPath(item.file.place).name
    given = _label_beside(item, stem)
    who = _labelled(item, given, stem) if given else None
    own = f"{stem}-{item.number}"
    found = session(item, "conversation", told)
    yield dialogue(item, found, own=own, case=who, labels=_labels(given) if given else (), extra=row)


def _read_label(item: Item) -> Iterator[Case]:
    """A label file is part of its talks where they are read along with it, else a case."""
    place = PurePosixPath(item.file.place)
    stem = place.name.removesuffix("_label")
    # Read from the folder above, its place names its own folder.
    if len(place.parts) == 1 or item.file.beside(f"../MDD_5k/{stem}.json") is None:
        yield _labelled(item, item.value, stem)


def _read_patient(item: Item) -> Iterator[Case]:
    row = dict(item.value)
    person = Demographics(age=row.pop("年龄", None), gender=text(row, "性别"))
    clinical = Clinical(
        **{field: text(row, key) for key, field in _FIELDS.items()},
        personal_history=_texts(row, "个人史"),
        mental_state=_texts(row, "精神检查"),
        diagnoses=_diagnoses(row, "ICD编码", "诊断结果"),
    )
    yield case(item, text(row, "患者"), demographics=person, clinical=clinical, extra=row)


def _labelled(item: Item, given: dict[str, Any], stem: str) -> Case:
    row = dict(given)
    clinical = Clinical(diagnoses=_diagnoses(row, "ICD_Code", "Diagnosis_Result"))
    return case(item, stem, clinical=clinical, extra=row)


def _diagnoses(row: dict[str, Any], codes_in: str, names_in: str) -> list[Diagnosis]:
    """Diagnoses of two comma-joined lists. They are not in the same order: only a single pair belongs together.

    Several codes stay behind under their own key.
    """
    codes, names = _split(row.get(codes_in)), _split(row.pop(names_in, None))
    if len(codes) == len(names) == 1:
        row.pop(codes_in)
        return [Diagnosis(name=names[0], code=codes[0], system=_SYSTEM)]
    return [Diagnosis(name=name, system=_SYSTEM) for name in names]


def _labels(given: dict[str, Any]) -> list[Label]:
    codes = [label("mdd5k_icd", code) for code in _split(given.get("ICD_Code"))]
    return codes + [label("mdd5k_diagnosis", name) for name in _split(given.get("Diagnosis_Result"))]


def _split(joined: Any) -> list[str]:
    """Only the ASCII comma parts names; a full-width one belongs to a name."""
    return [part.strip() for part in joined.split(",") if part.strip()] if isinstance(joined, str) else []


def _label_beside(item: Item, stem: str) -> dict[str, Any] | None:
    found = item.file.beside(f"../Label/{stem}_label.json")
    try:
        given = from_json(found) if found is not None else None
    except ValueError as trouble:
        item.note("", f"its label file is not valid JSON ({trouble})")
        return None
    return given if isinstance(given, dict) else None


def _texts(row: dict[str, Any], key: str) -> dict[str, str]:
    value = row.pop(key, None) or {}
    if not isinstance(value, dict):
        raise Unreadable(key, "is not an object")
    return {name: str(inner) for name, inner in value.items() if inner not in (None, "")}


FORMAT = Format(
    "mdd5k",
    "MDD-5k talks, labels and patient records",
    Source(name="MDD-5k", licence="MIT", url="https://github.com/lemonsis/MDD-5k", synthetic=True),
    (
        Layout("each", keys("conversation", test=_is_talk), _read_talk),
        Layout("each", keys("ICD_Code", "Diagnosis_Result"), _read_label),
        Layout("each", keys("主诉", "精神检查"), _read_patient),
    ),
    lang="zh",
)
