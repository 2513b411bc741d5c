"""JSON Lines: one record a line, streamed; a defect names its file, line and fields, and reading goes on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from psyloom.errors import BadRecord
from psyloom.records.record import Record

R = TypeVar("R", bound=Record)
_TOLD = 5  # fields of a line that are named; the others are counted


@dataclass(frozen=True)
class Defect:
    """What is wrong with one line.

    field: dotted path of the first field that is wrong, empty when the whole line is meant; what: how it is wrong.
    more: the same of the line's other fields, in words; do: what its owner can do about it.
    """

    file: str
    line: int
    field: str
    what: str
    more: str = ""
    do: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field + ': ' if self.field else ''}{self.what}{self.more}"


def read_jsonl(path: Path | str, kind: type[R], on_defect: Callable[[Defect], None] | None = None) -> Iterator[R]:
    """Yield the records of a file one by one.

    Args:    on_defect: gets every defect, and the line is skipped; without it the first one raises.
    Raises:  BadRecord for a missing or empty file, and for a defect when ``on_defect`` is not given.
    """
    for found in scan_jsonl(path, kind):
        if not isinstance(found, Defect):
            yield found
        elif on_defect is None:
            raise BadRecord(str(found), do=found.do)
        else:
            on_defect(found)


def scan_jsonl(path: Path | str, kind: type[R]) -> Iterator[R | Defect]:
    """Yield each line of a file as a record or as what is wrong with it, blank lines left out."""
    path = Path(path)
    empty = True
    try:
        with path.open("rb") as lines:
            # Binary lines end at \n only: U+2028 and its kin may stand inside a JSON string.
            for number, raw in enumerate(lines, 1):
                line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                if line.strip():
                    empty = False
                    yield parse_line(line, kind, str(path), number)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as trouble:
        raise BadRecord(f"cannot read {path}: {trouble.strerror}", do="give the path of a JSON Lines file") from trouble
    if empty:
        raise BadRecord(f"{path} is empty", do=f"it should hold one {kind.kind} a line, as JSON")


def parse_line(line: bytes | str, kind: type[R], file: str = "<text>", number: int = 1) -> R | Defect:
    """One line as a record, or what is wrong with it."""
    mend = f"mend that line; fields of a {kind.kind}: `psyloom schema {kind.kind}`"
    try:
        given = from_json(line)  # NaN too: the record refuses it, and says where it stands
    except ValueError as trouble:
        if isinstance(line, bytes) and not _is_utf8(line):
            do = "save the file as UTF-8; `psyloom read auto FILE` reads other encodings too"
            return Defect(file, number, "", "is not UTF-8", do=do)
        return Defect(file, number, "", f"not valid JSON ({trouble})", do=mend)
    if not isinstance(given, dict):
        what = f"a {kind.kind} is a JSON object, this is a {type(given).__name__}"
        return Defect(file, number, "", what, do=mend)
    tag = given.pop("psyloom", kind.tag())
    if tag != kind.tag():
        return Defect(file, number, "psyloom", f"this line is a {tag!r}, wanted is {kind.tag()!r}", do=mend)
    try:
        return kind.model_validate(given)
    except ValidationError as trouble:
        (field, what), *others = _faults(trouble, given, kind).items()
        more = "".join(f"; {field}: {what}" for field, what in others[: _TOLD - 1])
        more += f"; and {len(others) - _TOLD + 1} more" if len(others) >= _TOLD else ""
        return Defect(file, number, field, what, more, mend)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _faults(trouble: ValidationError, given: Any, kind: type[Record]) -> dict[str, str]:
    """Field -> what is wrong with it, in the order of the class; what may be one of several types is one fault."""
    found: dict[str, list[ErrorDetails]] = {}
    for error in trouble.errors(include_url=False):
        found.setdefault(_path(error, given), []).append(error)
    return {field: _explain(errors, kind) for field, errors in found.items()}


def _path(error: ErrorDetails, given: Any) -> str:
    """Where an error is, in the line's own words: pydantic also names the type of a union that it tried."""
    steps: list[str] = []
    for number, step in enumerate(error["loc"], 1):
        there = dict(enumerate(given)) if isinstance(given, list) else given if isinstance(given, dict) else {}
        if step in there or (error["type"] == "missing" and number == len(error["loc"])):
            steps.append(str(step))
            given = there.get(step)
    return ".".join(steps)


def _explain(errors: list[ErrorDetails], kind: type[Record]) -> str:
    """What is wrong with one field; several errors are those of the types that it may have."""
    error = errors[0]
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        near = get_close_matches(name, kind.model_fields, n=1) if len(error["loc"]) == 1 else []
        what = "facet or field" if kind.kind == "case" and len(error["loc"]) == 1 else "field"
        return f"there is no such {what}" + (
            f"; did you mean {near[0]!r}?" if near else "; put what is yours under 'extra'"
        )
    if error["type"] == "missing":
        return "is missing"
    said, *others = dict.fromkeys(_said(one) for one in errors)
    ways = [said, *(other.removeprefix("input should be ") for other in others)]
    given = repr(error["input"])
    return f"{' or '.join(ways)} (got {given if len(given) <= 60 else given[:57] + '...'})"


def _said(error: ErrorDetails) -> str:
    what = error["msg"].removeprefix("Value error, ")
    return f"{what[0].lower()}{what[1:]}"


def to_line(record: Record) -> bytes:
    """A record as one JSON line, defaults left out, ending in a newline."""
    body = record.model_dump_json(exclude_defaults=True).encode()
    return b'{"psyloom":"%s",' % record.tag().encode() + body[1:] + b"\n"


def write_jsonl(path: Path | str, records: Iterable[Record]) -> int:
    """Write records to a file and return how many there were."""
    count = 0
    with Path(path).open("wb") as file:
        for record in records:
            file.write(to_line(record))
            count += 1
    return count


def append_jsonl(path: Path | str, record: Record) -> None:
    """Write a record behind those that a file holds; the file is made where there is none."""
    with Path(path).open("a+b") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        unended = file.read() not in (b"", b"\n")
        file.write(b"\n" * unended + to_line(record))
