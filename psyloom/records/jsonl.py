"""JSON Lines: one record a line, streamed; a defect names its file, line and field, and reading goes on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from psyloom.errors import BadRecord
from psyloom.records.record import Record

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Defect:
    """One thing wrong with one line. ``field`` is a dotted path, empty when the whole line is meant."""

    file: str
    line: int
    field: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field + ': ' if self.field else ''}{self.what}"


def read_jsonl(path: Path | str, kind: type[R], on_defect: Callable[[Defect], None] | None = None) -> Iterator[R]:
    """Yield the records of a file one by one.

    Args:    on_defect: gets every defect, and the line is skipped; without it the first one raises.
    Raises:  BadRecord for a missing or empty file, and for a defect when ``on_defect`` is not given.
    """
    for found in scan_jsonl(path, kind):
        if not isinstance(found, Defect):
            yield found
        elif on_defect is None:
            raise BadRecord(str(found), do=f"mend that line; fields of a {kind.kind}: `psyloom schema {kind.kind}`")
        else:
            on_defect(found)


def scan_jsonl(path: Path | str, kind: type[R]) -> Iterator[R | Defect]:
    """Yield each line of a file as a record or as its first defect, blank lines left out."""
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
    """One line as a record, or the first thing that is wrong with it."""
    try:
        given = from_json(line)
    except ValueError as trouble:
        return Defect(file, number, "", f"not valid JSON ({trouble})")
    if not isinstance(given, dict):
        return Defect(file, number, "", f"a {kind.kind} is a JSON object, this is a {type(given).__name__}")
    tag = given.pop("psyloom", kind.tag())
    if tag != kind.tag():
        return Defect(file, number, "psyloom", f"this line is a {tag!r}, wanted is {kind.tag()!r}")
    try:
        return kind.model_validate(given)
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        return Defect(file, number, ".".join(map(str, error["loc"])), _explain(error, kind))


def _explain(error: ErrorDetails, kind: type[Record]) -> str:
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        near = get_close_matches(name, kind.model_fields, n=1) if len(error["loc"]) == 1 else []
        what = "facet or field" if kind.kind == "case" and len(error["loc"]) == 1 else "field"
        return f"there is no such {what}" + (
            f"; did you mean {near[0]!r}?" if near else "; put what is yours under 'extra'"
        )
    if error["type"] == "missing":
        return "is missing"
    given = repr(error["input"])
    return f"{error['msg'][0].lower()}{error['msg'][1:]} (got {given if len(given) <= 60 else given[:57] + '...'})"


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
