"""Ratings of one item as a table: a row for each thing rated, a column for each rater."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal, TypeAlias

from psyloom.errors import UsageError
from psyloom.judging.metrics.lazy import Lazy
from psyloom.records import ItemRating, Rater, Rating, Subject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
else:
    np = Lazy("numpy", "agreement statistics")

Value: TypeAlias = float | bool | str | frozenset[str]
Repeats = Literal["pool", "first", "raters"]


@dataclass(frozen=True)
class Table:
    """One item of one instrument. ``rows[u][r]`` is what rater r gave unit u, None where there is nothing.

    Numbers stay numbers, words stay words; a set of words is a multi-label value. ``failed`` counts judgments that
    were asked for and failed: they are missing, never a number.
    """

    instrument: str
    item: str
    units: tuple[str, ...]
    raters: tuple[str, ...]
    rows: tuple[tuple[Value | None, ...], ...]
    scale: tuple[float, float] | None = None
    failed: int = 0

    def values(self) -> list[Value]:
        """Everything that was given, row by row."""
        return [value for row in self.rows for value in row if value is not None]

    def missing(self) -> float:
        """The share of empty cells, [0, 1)."""
        return 1 - len(self.values()) / (len(self.units) * len(self.raters))

    def numbers(self) -> Matrix:
        """(units, raters) numbers, NaN where there is nothing. Raises UsageError when a value is no number."""
        if strange := next((v for v in self.values() if isinstance(v, str | frozenset)), None):
            raise UsageError(
                f"item {self.item!r} of {self.instrument!r} holds {strange!r}, which is no number",
                do="treat the item as nominal",
            )
        return np.array([[np.nan if v is None else v for v in row] for row in self.rows], dtype=np.float64)


def encode(rows: Sequence[Sequence[Hashable | None]]) -> tuple[Matrix, list[Hashable]]:
    """Any values as (units, raters) codes 0, 1, ... with NaN for None, and the list of values they stand for."""
    known = sorted({value for row in rows for value in row if value is not None}, key=repr)
    code = {value: place for place, value in enumerate(known)}
    coded = [[np.nan if value is None else code[value] for value in row] for row in rows]
    return np.array(coded, dtype=np.float64), known


def tables(ratings: Iterable[Rating], *, repeats: Repeats = "pool") -> list[Table]:
    """Gather ratings into one table for each item, in the order they first occur.

    An item that occurs several times inside one rating is a multi-label value.

    Args:    repeats: several judgments (samples) by one rater of one thing become their mean, or the most frequent of
             words and yes-or-no answers ("pool"), the first sample ("first"), or raters of their own ("raters").
    Raises:  UsageError for no rating, two versions or two scales of one instrument, a value outside its scale, the
             same judgment given twice, and fewer than two raters of an item.
    """
    kept = list(ratings)
    if not kept:
        raise UsageError("there are no ratings", do="give a file with at least two raters' ratings")
    scales = check_instruments(kept)
    given: dict[tuple[str, str], dict[str, dict[str, dict[int, Value]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    failed: Counter[tuple[str, str]] = Counter()
    for rating in kept:
        for item, found in _by_item(rating).items():
            key, unit, rater = (rating.instrument, item), unit_name(rating.subject), rater_name(rating.rater)
            samples = given[key][unit][f"{rater} #{rating.sample}" if repeats == "raters" else rater]
            if rating.sample in samples:
                raise UsageError(
                    f"{rater} rated {item!r} of {rating.instrument!r} on {unit} twice (rating {rating.id!r})",
                    do="drop one, or number them as samples",
                )
            failed[key] += sum(part.value is None for part in found)
            if (value := _value(rating, found, scales.get(rating.instrument))) is not None:
                samples[rating.sample] = value
    return [_table(key, units, repeats, scales.get(key[0]), failed[key]) for key, units in given.items()]


def check_instruments(ratings: Iterable[Rating]) -> dict[str, tuple[float, float]]:
    """The scale of each instrument that states one; a rating that states none is taken to be on it.

    Raises:  UsageError when an instrument occurs in two versions or on two scales.
    """
    versions: dict[str, str] = {}
    scales: dict[str, tuple[float, float]] = {}
    for r in ratings:
        if (first := versions.setdefault(r.instrument, r.instrument_version)) != r.instrument_version:
            raise UsageError(
                f"ratings with {r.instrument!r} are of versions {first!r} and {r.instrument_version!r}",
                do="take each version by itself: their items may differ",
            )
        if r.scale and (known := scales.setdefault(r.instrument, r.scale)) != r.scale:
            raise UsageError(
                f"ratings with {r.instrument!r} are on the scales {_show(known)} and {_show(r.scale)}",
                do="bring them to one scale, or take each by itself",
            )
    return scales


def unit_name(subject: Subject) -> str:
    """What was rated, as a short name: ``d7``, ``d7 session 0 turn 3``, ``d7 against d9``, ``d7 before``."""
    parts = [subject.dialogue]
    for name in ("session", "turn", "against"):
        if (value := getattr(subject, name)) is not None:
            parts.append(f"{name} {value}")
    return " ".join([*parts, *([subject.moment] if subject.moment else [])])


def rater_name(rater: Rater) -> str:
    """Who rated, as a short name: ``human A``, ``model gpt-4o (client)``."""
    place = "" if rater.perspective == "observer" else f" ({rater.perspective})"
    return f"{rater.kind} {rater.name}{place}"


def _by_item(rating: Rating) -> Mapping[str, list[ItemRating]]:
    found: dict[str, list[ItemRating]] = defaultdict(list)
    for part in rating.items:
        found[part.item].append(part)
    return found


def _value(rating: Rating, found: Sequence[ItemRating], scale: tuple[float, float] | None) -> Value | None:
    values = [part.value for part in found if part.value is not None]
    for value in values:
        if scale and not isinstance(value, str | bool) and not scale[0] <= value <= scale[1]:
            raise UsageError(
                f"rating {rating.id!r} gives {found[0].item!r} {value:g}, outside the scale {_show(scale)}",
                do="bring all ratings with the instrument to one scale",
            )
    if len(found) > 1:
        return frozenset(map(str, values)) if values else None
    return values[0] if values else None


def _table(
    key: tuple[str, str],
    units: Mapping[str, Mapping[str, Mapping[int, Value]]],
    repeats: Repeats,
    scale: tuple[float, float] | None,
    failed: int,
) -> Table:
    raters = sorted({rater for row in units.values() for rater, samples in row.items() if samples})
    if len(raters) < 2:
        raise UsageError(
            f"item {key[1]!r} of {key[0]!r} has {len(raters)} rater: {', '.join(raters) or 'none'}",
            do="agreement needs two raters or more of the same things",
        )
    rows = tuple(tuple(_pooled(row.get(rater, {}), repeats, scale) for rater in raters) for row in units.values())
    return Table(*key, tuple(units), tuple(raters), rows, scale, failed)


def _pooled(samples: Mapping[int, Value], repeats: Repeats, scale: tuple[float, float] | None) -> Value | None:
    values = [samples[number] for number in sorted(samples)]
    if len(values) < 2 or repeats == "first":
        return values[0] if values else None
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values) and scale != (0, 1):
        return fmean(numbers)
    return Counter(values).most_common(1)[0][0]


def _show(scale: tuple[float, float]) -> str:
    return f"{scale[0]:g}-{scale[1]:g}"
