"""Rating sheets: what people filled in, read from CSV into the same records that judges make.

Wide: a row for each thing rated, a column for each item (by id, name in either language, or number). Long: a row for
each item, with the columns ``item`` and ``value``. Both may have: dialogue, session, turn, against, moment, rater, sample.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from psyloom.errors import BadRecord
from psyloom.judging.rubric import fault, missing_in
from psyloom.knowledge.instruments import Instrument
from psyloom.knowledge.items import Item
from psyloom.records import ItemRating, Rater, Rating, Subject

_COLUMNS = {
    "dialogue": ("dialogue", "dialogue_id", "id", "对话", "对话编号"),
    "session": ("session", "会谈"),
    "turn": ("turn", "轮次"),
    "against": ("against", "对照"),
    "moment": ("moment", "时刻"),
    "rater": ("rater", "评分人", "评定者", "评估者"),
    "sample": ("sample", "次数"),
    "item": ("item", "条目"),
    "value": ("value", "score", "评分", "分数"),
    "reason": ("reason", "comment", "理由", "备注"),
    "evidence": ("evidence", "依据"),
}
_YES, _NO = ("yes", "true", "1", "是", "对"), ("no", "false", "0", "否", "不")
_NOT_APPLICABLE = ("na", "n/a", "-", "不适用", "无法评定")
_PREFERENCE = {"win": "win", "胜": "win", "loss": "loss", "负": "loss", "tie": "tie", "平": "tie", "平局": "tie"}


class _Cell(NamedTuple):
    """One filled-in field and where it stands."""

    where: str
    item: Item
    text: str
    more: dict[str, Any]


def read_sheet(
    path: Path | str, instrument: Instrument, *, rater: str = "", kind: Literal["human", "client", "student"] = "human",
    columns: Mapping[str, str] | None = None, gaps: bool = False,
) -> list[Rating]:  # fmt: skip
    """Read a sheet of ratings with one instrument.

    Args:    rater: who rated, where the sheet does not say it. columns: the sheet's name of a column -> ours, or an
             item's id; "" leaves it out. gaps: an unanswered item is accepted, and has no value.
    Raises:  BadRecord, naming the line and the column: an unknown column, a value that is none of the item's, a form
             with an unanswered item, a row without dialogue or rater.
    """
    path = Path(path)
    rows = list(_rows(path))
    if not rows:
        raise BadRecord(f"{path} has no row below its header", do="it should hold one rating a row")
    names = {name: _named(name, instrument, columns or {}, path) for name in rows[0][1]}
    long = {"item", "value"} <= {ours for ours in names.values() if isinstance(ours, str)}
    forms: dict[tuple[str, ...], tuple[str, dict[str, str], list[_Cell]]] = {}
    for where, row in rows:
        facts = {ours: row[name].strip() for name, ours in names.items() if isinstance(ours, str) and ours}
        key = tuple(
            facts.get(field, "") for field in ("dialogue", "session", "turn", "against", "moment", "rater", "sample")
        )
        if key in forms and not long:
            raise BadRecord(
                f"{where}: this is rated in {forms[key][0]} already", do="number repeated ratings in 'sample'"
            )
        form = forms.setdefault(key, (where, facts, []))
        form[2].extend([_long(where, facts, instrument)] if long else _wide(where, row, names))
    return [_rating(*form, instrument, rater, kind, gaps) for form in forms.values()]


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        raw = path.read_bytes()
    except OSError as trouble:
        raise BadRecord(f"cannot read {path}: {trouble.strerror}", do="give the path of a CSV file") from trouble
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")  # what spreadsheets write on Chinese systems
    reader = csv.DictReader(text.splitlines(keepends=True))
    for row in reader:
        if None in row or None in row.values():
            raise BadRecord(f"{path}:{reader.line_num}: not as many cells as the header has", do="mend that line")
        if any(cell.strip() for cell in row.values()):
            yield f"{path}:{reader.line_num}", row


def _named(name: str, instrument: Instrument, columns: Mapping[str, str], path: Path) -> str | Item:
    """What a column holds: one of our fields, an item, or "" when it is left out."""
    wanted = columns.get(name, name).strip()
    if not wanted:
        return ""
    known = next((ours for ours, words in _COLUMNS.items() if wanted.casefold() in words), None)
    found = known or instrument.find(wanted)
    if found is None:
        ids = ", ".join(item.id for item in instrument.items)
        do = f"map it to one of {', '.join(_COLUMNS)}, {ids}; or to nothing, to leave it out"
        raise BadRecord(f"{path}: column {name!r} is no item of {instrument.id}", do=do)
    return found


def _wide(where: str, row: Mapping[str, str], names: Mapping[str, str | Item]) -> list[_Cell]:
    return [
        _Cell(f"{where}, column {name!r}", ours, row[name].strip(), {})
        for name, ours in names.items()
        if isinstance(ours, Item)
    ]


def _long(where: str, facts: Mapping[str, str], instrument: Instrument) -> _Cell:
    item = instrument.find(facts["item"])
    if item is None:
        raise BadRecord(f"{where}: {facts['item']!r} is no item of {instrument.id}", do="mend that line")
    quotes = [facts["evidence"]] if facts.get("evidence") else []
    return _Cell(where, item, facts["value"], {"reason": facts.get("reason") or None, "evidence": quotes})


def _rating(
    where: str, facts: Mapping[str, str], cells: list[_Cell], instrument: Instrument, rater: str, kind: str, gaps: bool
) -> Rating:
    parts = [part for cell in cells for part in _parts(cell)]
    if not gaps and (left := missing_in(instrument, parts)):
        raise BadRecord(f"{where}: unanswered: {', '.join(left)}", do="complete the form, or accept gaps")
    name, dialogue = facts.get("rater") or rater, facts.get("dialogue", "")
    if not name or not dialogue:
        what = "dialogue" if not dialogue else "rater"
        raise BadRecord(
            f"{where}: there is no {what}", do=f"add a column {what!r}" + ("" if dialogue else " with its id")
        )
    subject = {field: facts[field] for field in ("session", "turn", "against", "moment") if facts.get(field)}
    sample = facts.get("sample") or "0"
    try:
        return Rating(
            id="/".join((instrument.id, dialogue, *subject.values(), name, sample)),
            subject=Subject.model_validate({"dialogue": dialogue, **subject}),
            rater=Rater.model_validate({"kind": kind, "name": name, "perspective": instrument.perspective}),
            instrument=instrument.id,
            instrument_version=instrument.version,
            scale=instrument.scale,
            items=parts,
            sample=int(sample),
        )
    except ValueError as trouble:
        what = trouble.errors()[0]["msg"] if isinstance(trouble, ValidationError) else str(trouble)
        raise BadRecord(f"{where}: {what}", do="mend that line") from trouble


def _parts(cell: _Cell) -> list[ItemRating]:
    item, text = cell.item, cell.text
    if not text:
        return []
    if item.kind == "ranked":
        return [ItemRating(item=item.id, value=one.strip(), **cell.more) for one in text.split(";") if one.strip()]
    if item.na and text.casefold() in _NOT_APPLICABLE:
        return [ItemRating(item=item.id, **cell.more)]
    value = _value(item, text)
    if value is None or fault(item, value):
        raise BadRecord(f"{cell.where}: {fault(item, value if value is not None else text)}", do="mend that cell")
    return [ItemRating(item=item.id, value=value, **cell.more)]


def _value(item: Item, text: str) -> float | bool | str | None:
    """What a cell says; None when it cannot be what the item asks for."""
    word = text.casefold()
    if item.kind == "binary":
        return True if word in _YES else False if word in _NO else None
    if item.kind == "pairwise":
        return _PREFERENCE.get(word)
    if item.kind == "choice":
        return next((o.id for o in item.options if word in (o.id, o.en.casefold(), o.zh.casefold())), None)
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else number
