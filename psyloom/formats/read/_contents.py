"""What one file holds, told by its content: JSON, a table, text, Parquet or Arrow, in any usual encoding."""

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any

from pydantic_core import from_json

from psyloom.errors import MissingExtra
from psyloom.formats.read._files import File
from psyloom.formats.read._format import Unit
from psyloom.formats.read._json import Broken, values

_CHUNK = 1 << 18
_CLEAN = 4  # whole characters for each damaged place, at least, in a file that is taken as UTF-8
_HEAD = 5  # items looked at to tell what a file is
_JSON = re.compile(r'^\s*(?:\{\s*["}]|\[\s*(?:[\[{"\]]|-?[\d.]+\s*[,\]]|true\b|false\b|null\b))', re.MULTILINE)
_HIGH = re.compile(rb"[\x80-\xff]+")
_CELL = re.compile(r"[\w .:/()-]{0,40}")

Numbered = tuple[int, bool, Any]  # line or position from 1, alone in its file, value or Broken


class Contents:
    """One open file. ``head`` shows its first items, ``items`` streams all of them; close it after use.

    Raises: OSError and its kin when the file cannot be read, MissingExtra for Parquet and Arrow without pyarrow.
    """

    def __init__(self, file: File) -> None:
        self._stream = file.open()
        self._first = self._stream.read(_CHUNK)
        self._codec = _codec(self._first)
        self.kind = _kind(self._first, self._codec)
        self.replaced = False  # bytes that are no text, or halves of characters, were replaced by U+FFFD

    def __enter__(self) -> "Contents":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def head(self, unit: Unit) -> list[Any]:
        """The first values of this unit, at most five, cut short where they are long; empty when there are none."""
        if self.kind in ("parquet", "arrow"):
            return [value for _, _, value in islice(self._rows(), _HEAD)] if unit == "each" else []
        text = next(self._decoded([self._first]), "")
        if self.kind == "json":
            return _json_head(text, unit)
        if unit == "each":
            return [value for _, _, value in islice(_table([text]), _HEAD) if not isinstance(value, Broken)]
        return [text] if unit in ("text", "folder") and text.strip() else []

    def items(self, unit: Unit) -> Iterator[Numbered]:
        """All values of this unit, in order. Can be asked for once."""
        if self.kind in ("parquet", "arrow"):
            return self._rows()
        chunks = self._decoded(self._chunks())
        if self.kind == "json":
            return values(chunks, each=unit == "each", on_half=self._damaged)
        return _table(chunks) if unit == "each" else iter([(1, True, "".join(chunks))])

    def _chunks(self) -> Iterator[bytes]:
        chunk = self._first
        while chunk:
            yield chunk
            chunk = self._stream.read(_CHUNK)

    def _decoded(self, chunks: Iterable[bytes]) -> Iterator[str]:
        decoder = getincrementaldecoder(self._codec)(errors="replace")
        for chunk in chunks:
            text = decoder.decode(chunk)
            if "\ufffd" in text:
                self._damaged()
            yield text

    def _damaged(self) -> None:
        self.replaced = True

    def _rows(self) -> Iterator[Numbered]:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as trouble:
            raise MissingExtra(f"reading {self.kind} files", "formats") from trouble
        self._stream.seek(0)
        try:
            if self.kind == "parquet":
                batches = pyarrow.parquet.ParquetFile(self._stream).iter_batches(batch_size=256)
            else:
                batches = iter(pyarrow.ipc.open_stream(self._stream))
            rows = (row for batch in batches for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield number, False, _plain(row)
        except pyarrow.ArrowException as trouble:
            raise OSError(f"damaged {self.kind} file: {trouble}") from trouble


def _kind(first: bytes, codec: str) -> str:
    if first.startswith(b"PAR1"):
        return "parquet"
    if first.startswith(b"\xff\xff\xff\xff"):
        return "arrow"
    text = first[:4096].decode(codec, errors="replace").lstrip()
    return "json" if text.startswith(("{", "[")) and _JSON.search(text) else "text"


def _codec(first: bytes) -> str:
    if first.startswith(BOM_UTF8):
        return "utf-8-sig"
    if first.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    text = getincrementaldecoder("utf-8")(errors="replace").decode(first)
    damaged = text.count("\ufffd")
    # In other encodings few bytes happen to form characters of UTF-8; in damaged UTF-8 most do.
    if damaged * _CLEAN <= sum(sign > "\x7f" for sign in text) - damaged:
        return "utf-8"
    # Chinese characters in GB 18030 are pairs of high bytes; in Western text high bytes stand alone.
    runs = [len(run) for run in _HIGH.findall(first)]
    return "gb18030" if sum(run for run in runs if run > 1) * 2 > sum(runs) else "cp1252"


def _json_head(text: str, unit: Unit) -> list[Any]:
    sound = (value for _, _, value in values([text], each=True) if not isinstance(value, Broken))
    found = list(islice(sound, _HEAD)) or _cut_short(text)
    if unit == "each":
        return found
    return ([found] if text.lstrip().startswith("[") else found[:1]) if unit == "whole" else []


def _cut_short(text: str) -> list[Any]:
    """What can be seen of a first value that goes on beyond this text."""
    try:
        value = from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return []
    return value[:1] if isinstance(value, list) else [value]


def _table(chunks: Iterable[str]) -> Iterator[Numbered]:
    """Rows of a comma, tab or semicolon separated table as objects. Text without a plausible header has none."""
    lines = _lines(chunks)
    first = next(lines, "")
    delimiter = max(",\t;", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    if len(header) < 2 or len(set(header)) < len(header) or not all(_CELL.fullmatch(cell) for cell in header):
        return
    csv.field_size_limit(1 << 30)  # notes and reports outgrow the module's 128 KB
    rows = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as trouble:
            yield rows.line_num + 1, False, Broken(f"not a row of a table ({trouble})")
            continue
        if row is None:
            return
        if len(row) == len(header):
            yield rows.line_num + 1, False, dict(zip(header, row, strict=True))
        elif row:
            yield rows.line_num + 1, False, Broken(f"has {len(row)} cells, the header has {len(header)}")


def _lines(chunks: Iterable[str]) -> Iterator[str]:
    """Lines with their ends, cut at \\n only: U+2028 and its kin may stand inside a cell."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        yield from (line + "\n" for line in whole)
    if rest:
        yield rest


def _plain(value: Any) -> Any:
    """A cell of Parquet or Arrow as JSON could hold it."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return float(value) if isinstance(value, Decimal) else value
