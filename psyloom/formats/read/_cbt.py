"""The client record that CACTUS invented and MAGneT took over: an intake form, an attitude, two opening lines."""

import re
from typing import Any

from psyloom.formats.read._fields import lang_of, some, text
from psyloom.formats.read._format import Item, Unreadable
from psyloom.formats.read._talk import case
from psyloom.records import Case, Demographics, Disposition, Intake

_FIELDS = {
    "Name": "name", "Age": "age", "Gender": "gender", "Occupation": "occupation", "Education": "education",
    "Marital Status": "marital_status", "Family Details": "family",
}  # fmt: skip
_ON_NEXT_LINE = ("Name", "Age", "Gender")
_HEADINGS = {
    "problem": "2. Presenting Problem\n",
    "reason": "3. Reason for Seeking Counseling\n",
    "history": "4. Past History (including medical history)\n",
    "functioning": "5. ",
    "support": "6. Social Support System\n",
}
_FIELD = re.compile(rf"^({'|'.join(_FIELDS)}):[ \t]*\n?[ \t]*(.*)$", re.MULTILINE)
_SECTION = re.compile(r"\n*^([2-6])\.\s*(?:(?!\n)(?:Presenting|Reason|Past|Social).*\n)?", re.MULTILINE)
_KEYS = {"2": "problem", "3": "reason", "4": "history", "5": "functioning", "6": "support"}


def intake_of(form: str) -> tuple[Demographics, Intake]:
    """The six sections of an intake form: the first, as its fields, and the others as they stand."""
    form = form.replace("\r\n", "\n")
    first, *rest = _SECTION.split(form)
    person = {_FIELDS[name]: value.strip() for name, value in _FIELD.findall(first) if value.strip()}
    if person.get("age", "").isdecimal():
        person["age"] = int(person["age"])
    sections = {_KEYS[number]: body.strip() for number, body in zip(rest[::2], rest[1::2], strict=True)}
    return Demographics(**person), Intake(**sections)


def form_of(person: Demographics, intake: Intake) -> str:
    """The intake form again, in the wording of the released ones."""
    lines = [
        f"{name}:{chr(10) if name in _ON_NEXT_LINE else ' '}{getattr(person, field)}"
        for name, field in _FIELDS.items()
        if getattr(person, field) is not None
    ]
    parts = [heading + body for key, heading in _HEADINGS.items() if (body := getattr(intake, key)) is not None]
    return "\n\n".join(["\n".join(lines), *parts])


def facets(row: dict[str, Any]) -> dict[str, Any]:
    """Take ``intake_form``, ``attitude`` and ``attitude_instruction`` out of an object, as facets of a case.

    The form stays behind where its sections do not give it back word for word.
    """
    form, attitude, instruction = text(row, "intake_form"), text(row, "attitude"), text(row, "attitude_instruction")
    found: dict[str, Any] = {}
    if form:
        person, intake = intake_of(form)
        found = {"demographics": person, "intake": intake}
        if form_of(person, intake) != form:
            row["intake_form"] = form
    if attitude:
        found["disposition"] = Disposition(attitude=attitude.lower(), instruction=instruction)
    return found


def client(item: Item, row: dict[str, Any], own: str | None = None, **more: Any) -> Case:
    """Take ``AI_client`` and ``AI_counselor`` out of an object. What they repeat is left out, the rest is kept."""
    client, counselor = _part(row, "AI_client"), _part(row, "AI_counselor")
    cbt, response = dict(counselor.pop("CBT", None) or {}), dict(counselor.pop("Response", None) or {})
    form = client.get("intake_form")
    found = facets(client)
    for part in (cbt, response):
        _drop_repeated(part, form, found.get("intake"))
    opening = [
        {side: line} for side in ("counselor", "client") if (line := text(cbt, f"init_history_{side}")) is not None
    ]
    left = {
        "AI_client": client,
        "AI_counselor": counselor | {key: part for key, part in (("CBT", cbt), ("Response", response)) if part},
        **row,
    }
    lang = lang_of(" ".join(line for one in opening for line in one.values())) if opening else None
    extra = {key: value for key, value in left.items() if value not in ({}, None)}
    return case(item, own, lang, opening=opening or None, extra=extra or None, **found, **more)


def released(given: Case) -> dict[str, Any]:
    """The client record again, as it was released: the inverse of `client`."""
    row = {key: value for key, value in given.extra.items() if key not in ("AI_client", "AI_counselor")}
    kept, told = _extra(given, "AI_client"), _extra(given, "AI_counselor")
    person, intake, how = given.demographics or Demographics(), given.intake or Intake(), given.disposition
    form = kept.pop("intake_form", None) or form_of(person, intake)
    repeated = {"client_information": form.split("\n\n2.")[0], "reason_counseling": intake.reason}
    opening = {f"init_history_{side}": line for one in given.opening for side, line in one.items()}
    attitude = some(attitude=how and how.attitude, attitude_instruction=how and how.instruction)
    return {
        "AI_client": {"intake_form": form, **attitude, **kept},
        "AI_counselor": {
            "CBT": {**repeated, **opening, **told.get("CBT", {})},
            "Response": {**repeated, **told.get("Response", {})},
        },
        **row,
    }


def _drop_repeated(part: dict[str, Any], form: Any, intake: Intake | None) -> None:
    repeated = {"client_information": str(form).split("\n\n2.")[0], "reason_counseling": intake and intake.reason}
    for key, value in repeated.items():
        if part.get(key) == value:
            del part[key]


def _part(row: dict[str, Any], key: str) -> dict[str, Any]:
    part = row.pop(key, None)
    if not isinstance(part, dict):
        raise Unreadable(key, "is missing" if part is None else "is not an object")
    return dict(part)


def _extra(given: Case, key: str) -> dict[str, Any]:
    part = given.extra.get(key)
    return dict(part) if isinstance(part, dict) else {}
