"""Which format is this? Told from the first items of a few files, never from a file's name alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from psyloom.errors import BadRecord
from psyloom.formats.read._contents import Contents
from psyloom.formats.read._files import File, files
from psyloom.formats.read._format import Format, Keys, Layout, Unit

_SAMPLE = 24  # files looked at, spread over the folder
_MARKED, _SHAPED = 2, 1


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
    """How well a format fits a file. ``rank`` 0: a mark is missing."""

    rank: int
    why: str


def choose(path: Path | str, formats: Mapping[str, Format]) -> Choice:
    """The format that fits the files at a path best.

    Raises: BadRecord naming the near candidates when none fits, or several fit equally.
    """
    seen = [(file, _look(file, formats.values())) for file in _sample(path)]
    matches: dict[str, list[_Match]] = defaultdict(list)
    for _, found in seen:
        for name, match in found.items():
            matches[name].append(match)
    sure = {name: [match for match in found if match.rank] for name, found in matches.items()}
    # First how many files it fits, then special before general, then marks before shapes.
    order = {
        name: (len(found), not formats[name].general, sum(match.rank for match in found))
        for name, found in sure.items()
        if found
    }
    if not order:
        raise BadRecord(f"no format fits {path}: {_held(seen)}", do=_nearest(seen, formats.values(), matches))
    best = max(order.values())
    first, *others = [name for name, worth in order.items() if worth == best]
    if others:
        reasons = "; ".join(f"{name} ({sure[name][0].why})" for name in (first, *others))
        raise BadRecord(f"several formats fit {path}: {reasons}", do="give the name of one of them instead of auto")
    alike = tuple(sorted(name for name in matches if name not in order)) if formats[first].general else ()
    return Choice(formats[first], f"{sure[first][0].why} in {len(sure[first])} of {len(seen)} files", alike)


def layout_of(format: Format, contents: Contents, file: File) -> Layout | None:  # noqa: A002
    """The layout of a named format that a file has: the first that fits, one whose mark is missing only at last."""
    heads = {unit: contents.head(unit) for unit in {layout.unit for layout in format.layouts}}
    found = [(layout, match) for layout in format.layouts if (match := _match(layout, heads[layout.unit], file))]
    return next((layout for layout, match in found if match.rank), found[0][0] if found else None)


def _sample(path: Path | str) -> list[File]:
    total = sum(1 for _ in files(path))
    return list(islice(files(path), 0, None, max(1, -(-total // _SAMPLE))))


def _look(file: File, formats: Iterable[Format]) -> dict[str, _Match]:
    with Contents(file) as contents:
        heads = {unit: contents.head(unit) for unit in get_args(Unit)}
    found: dict[str, _Match] = {}
    for one in formats:
        for layout in one.layouts:
            match = _match(layout, heads[layout.unit], file)
            if match and (one.name not in found or match.rank > found[one.name].rank):
                found[one.name] = match
    return found


def _match(layout: Layout, head: list[Any], file: File) -> _Match | None:
    why = next(filter(None, map(layout.fits, head)), None)
    if why is None:
        return None
    if layout.mark is None:
        return _Match(_SHAPED, why)
    marked = _marked(layout, head, file)
    return _Match(_MARKED, f"{why}; {marked}") if marked else _Match(0, why)


def _marked(layout: Layout, head: list[Any], file: File) -> str | None:
    return next(filter(None, (layout.mark(value, file) for value in head)), None) if layout.mark else None


def _held(seen: list[tuple[File, dict[str, _Match]]]) -> str:
    with Contents(seen[0][0]) as contents:
        head = contents.head("each") or contents.head("text")
    if head and isinstance(head[0], dict):
        return f"it holds objects with the keys {', '.join(map(str, list(head[0])[:12]))}"
    return f"it holds {type(head[0]).__name__} {str(head[0])[:40]!r}" if head else "it is empty"


def _nearest(
    seen: list[tuple[File, dict[str, _Match]]], formats: Iterable[Format], matches: Mapping[str, list[_Match]]
) -> str:
    if matches:
        return f"the same shape have {', '.join(sorted(matches))}: name one"
    with Contents(seen[0][0]) as contents:
        head = contents.head("each")
    given = set(head[0]) if head and isinstance(head[0], dict) else set()
    shared = {
        one.name: max(len(given & set(layout.fits.wanted)) for layout in one.layouts if isinstance(layout.fits, Keys))
        for one in formats
        if any(isinstance(layout.fits, Keys) for layout in one.layouts)
    }
    near = [name for name in sorted(shared, key=lambda name: -shared[name]) if shared[name]][:3]
    return f"{'nearest: ' + ', '.join(near) + '; ' if near else ''}all formats: `psyloom formats`"
