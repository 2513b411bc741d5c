"""Which format is this? Told from the first items of a few files, never from a file's name alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from psyloom.errors import BadRecord
from psyloom.formats.read._contents import Contents
from psyloom.formats.read._files import DAMAGE, File, files
from psyloom.formats.read._format import Format, Keys, Layout, Unit

_SAMPLE = 24  # files looked at, spread over the folder
_MARKED, _SHAPED, _UNMARKED = 2, 1, 0

Heads = Mapping[Unit, list[Any]]


@dataclass(frozen=True)
class Choice:
    """The format of some files, why it was chosen, and which other formats have the same shape."""

    format: Format
    why: str
    alike: tuple[str, ...] = ()

    def __str__(self) -> str:
        alike = f" (also the shape of {', '.join(self.alike)}: name one for its licence)" if self.alike else ""
        return f"{self.format.name}: {self.why}{alike}"


@dataclass(frozen=True)
class _Match:
    """How well a format fits a file."""

    rank: int
    why: str
    unit: Unit


@dataclass(frozen=True)
class _Seen:
    """One file that was looked at."""

    heads: Heads
    matches: Mapping[str, _Match]


def choose(path: Path | str, formats: Mapping[str, Format]) -> Choice:
    """The format that fits the files at a path best.

    Raises: BadRecord naming the near candidates when none fits, or several fit equally.
    """
    # Looked at one by one: the members of an archive can only be opened while it is walked through.
    seen = [_look(file, formats.values()) for file in _sample(path)]
    sure: dict[str, list[_Match]] = defaultdict(list)
    for one in seen:
        claims = {name: match for name, match in one.matches.items() if match.rank > _UNMARKED}
        special = {name: match for name, match in claims.items() if not formats[name].general}
        for name, match in (special or claims).items():
            sure[name].append(match)
    if not sure:
        raise BadRecord(f"no format fits {path}: {_held(seen)}", do=_nearest(seen, formats.values()))
    worth = {name: _worth(found) for name, found in sure.items()}
    first, *others = [name for name in sure if worth[name] == max(worth.values())]
    if others:
        reasons = "; ".join(f"{name} ({sure[name][0].why})" for name in (first, *others))
        raise BadRecord(f"several formats fit {path}: {reasons}", do="give the name of one of them instead of auto")
    alike = {name for one in seen for name in one.matches} - set(sure) if formats[first].general else set()
    why = f"{sure[first][0].why} in {len(sure[first])} of {len(seen)} files looked at"
    return Choice(formats[first], why, tuple(sorted(alike)))


def layout_of(format: Format, contents: Contents, file: File) -> Layout | None:  # noqa: A002
    """The layout of a named format that a file has: the first that fits, one whose mark is missing only at last."""
    heads = {unit: contents.head(unit) for unit in {layout.unit for layout in format.layouts}}
    found = [(layout, match) for layout in format.layouts if (match := _match(layout, heads[layout.unit], file))]
    return next((layout for layout, match in found if match.rank), found[0][0] if found else None)


def _worth(found: Sequence[_Match]) -> tuple[int, int, int]:
    """First how many files it fits, then marks before shapes, then a value as a whole before its elements."""
    return len(found), sum(match.rank for match in found), sum(match.unit == "whole" for match in found)


def _sample(path: Path | str) -> Iterator[File]:
    total = sum(1 for _ in files(path))
    return islice(files(path), 0, None, max(1, -(-total // _SAMPLE)))


def _look(file: File, formats: Iterable[Format]) -> _Seen:
    try:
        with Contents(file) as contents:
            heads: Heads = {unit: contents.head(unit) for unit in get_args(Unit)}
    except DAMAGE:  # reading will report it
        return _Seen({}, {})
    found: dict[str, _Match] = {}
    for one in formats:
        for layout in one.layouts:
            match = _match(layout, heads[layout.unit], file)
            if match and (one.name not in found or match.rank > found[one.name].rank):
                found[one.name] = match
    return _Seen(heads, found)


def _match(layout: Layout, head: list[Any], file: File) -> _Match | None:
    why = next(filter(None, map(layout.suits, head)), None)
    if why is None:
        return None
    if layout.mark is None:
        return _Match(_SHAPED, why, layout.unit)
    marked = next(filter(None, (layout.mark(value, file) for value in head if layout.suits(value))), None)
    return _Match(_MARKED, f"{why}; {marked}", layout.unit) if marked else _Match(_UNMARKED, why, layout.unit)


def _first(seen: Sequence[_Seen]) -> Any:
    return next((head[0] for one in seen for head in one.heads.values() if head), None)


def _held(seen: Sequence[_Seen]) -> str:
    first = _first(seen)
    if isinstance(first, dict):
        return f"it holds objects with the keys {', '.join(map(str, list(first)[:12]))}"
    return f"it holds {type(first).__name__} {str(first)[:40]!r}" if first is not None else "it is empty or damaged"


def _nearest(seen: Sequence[_Seen], formats: Iterable[Format]) -> str:
    if unmarked := sorted({name for one in seen for name in one.matches}):
        return f"the same shape have {', '.join(unmarked)}: name one"
    first = _first(seen)
    given = set(first) if isinstance(first, dict) else set()
    shared: dict[str, int] = defaultdict(int)
    for one in formats:
        for layout in one.layouts:
            if isinstance(layout.fits, Keys):
                shared[one.name] = max(shared[one.name], len(given & set(layout.fits.wanted)))
    near = [name for name in sorted(shared, key=lambda name: -shared[name]) if shared[name]][:3]
    return f"{'nearest: ' + ', '.join(near) + '; ' if near else ''}all formats: `psyloom formats`"
