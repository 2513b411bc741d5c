"""Agreement of ratings, item by item: the fitting statistics with all that is needed to read them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psyloom.errors import UnknownName
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap
from psyloom.judging.agreement.choose import Kind, Statistic, choose, kind_of
from psyloom.judging.agreement.table import Repeats, Table, tables
from psyloom.judging.metrics.lazy import Lazy
from psyloom.records import Rating

if TYPE_CHECKING:
    import numpy as np

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "agreement statistics")


@dataclass(frozen=True)
class Agreement:
    """How far raters agree on one item.

    missing: share of empty cells; failed: judgments asked for in vain; prevalence: share of each value (empty for
    measured values); means: each rater's mean; severity: how far each rater lies above the others on the same units,
    in units of the scale (both empty for words); statistics: the main one first; centered: the same once severity is
    taken off, which shows what mere strictness costs; why: the choice in one sentence.
    """

    instrument: str
    item: str
    kind: Kind
    units: int
    raters: int
    missing: float
    failed: int
    prevalence: Mapping[str, float]
    means: Mapping[str, float]
    severity: Mapping[str, float]
    statistics: Mapping[str, Estimate]
    centered: Mapping[str, Estimate]
    why: str


def agree(
    ratings: Iterable[Rating],
    *,
    kinds: Mapping[str, Kind] | None = None,
    repeats: Repeats = "pool",
    resamples: int = 1000,
    seed: int = 0,
) -> list[Agreement]:
    """The agreement on every item that the ratings hold.

    Args:    kinds: item -> kind where the values do not tell (rankings); repeats: see ``tables``; resamples: of
             units, for the 95 % intervals; seed: the same seed gives the same intervals.
    Raises:  UsageError as ``tables``; UnknownName for an item of ``kinds`` that was not rated.
    """
    found = tables(ratings, repeats=repeats)
    wanted = kinds or {}
    for item in wanted:
        if all(table.item != item for table in found):
            raise UnknownName("rated item", item, {table.item for table in found})
    return [agreement(table, wanted.get(table.item), resamples=resamples, seed=seed) for table in found]


def agreement(table: Table, kind: Kind | None = None, *, resamples: int = 1000, seed: int = 0) -> Agreement:
    """The agreement on one item; ``kind`` is read from the values unless given."""
    kind = kind or kind_of(table)
    choice = choose(table, kind)
    numeric = kind not in ("nominal", "sets")
    offsets = severity(choice.data) if numeric else np.zeros(0)

    def estimates(statistics: Mapping[str, Statistic], data: Matrix) -> dict[str, Estimate]:
        return {
            name: bootstrap(_on_rows(statistic, data), len(data), resamples=resamples, seed=seed)
            for name, statistic in statistics.items()
        }

    return Agreement(
        instrument=table.instrument,
        item=table.item,
        kind=kind,
        units=len(table.units),
        raters=len(table.raters),
        missing=table.missing(),
        failed=table.failed,
        prevalence={} if kind in ("continuous", "ranking") else prevalence(table),
        means=dict(zip(table.raters, np.nanmean(choice.data, axis=0).tolist(), strict=True)) if numeric else {},
        severity=dict(zip(table.raters, offsets.tolist(), strict=True)) if numeric else {},
        statistics=estimates(choice.statistics, choice.data),
        # Rounded, so that values equal before are not told apart by the last digit.
        centered=estimates(choice.centered, np.round(choice.data - offsets, 9)) if choice.centered else {},
        why=choice.why,
    )


def _on_rows(statistic: Statistic, data: Matrix) -> Statistic:
    return lambda rows: statistic(data[rows])


def severity(data: Matrix) -> Matrix:
    """How far each rater lies above (lenient) or below (severe) the others on the same units; the mean is 0.

    Fits value = unit + rater by least squares, so that a rater who got the better units is not called lenient.

    Args:    data: (units, raters), NaN where there is nothing.
    Returns: (raters,) in units of the scale.
    """
    given = ~np.isnan(data)
    data, given = data[given.any(axis=1)], given[given.any(axis=1)]
    filled = np.where(given, data, 0)
    offsets = np.zeros(data.shape[1])
    for _ in range(1000):  # alternating fits; one round settles it when nothing is missing
        units = ((filled - offsets) * given).sum(axis=1) / given.sum(axis=1)
        before, offsets = offsets, ((filled - units[:, None]) * given).sum(axis=0) / np.maximum(given.sum(axis=0), 1)
        offsets = offsets - offsets.mean()
        if np.abs(offsets - before).max() < 1e-12:
            break
    return offsets


def prevalence(table: Table) -> dict[str, float]:
    """The share of each value among all that were given, most frequent first; sets count by their labels."""
    found: Counter[str] = Counter()
    for value in table.values():
        found.update(sorted(value) if isinstance(value, frozenset) else [_plain(value)])
    return {value: count / len(table.values()) for value, count in found.most_common()}


def _plain(value: float | bool | str) -> str:
    return str(value) if isinstance(value, str | bool) else f"{value:g}"


_BANDS = {
    "Krippendorff": ("Krippendorff", ((0.8, "good"), (0.667, "tentative"), (-math.inf, "not enough"))),
    "ICC": ("Koo and Li", ((0.9, "excellent"), (0.75, "good"), (0.5, "moderate"), (-math.inf, "poor"))),
    "kappa": (
        "Landis and Koch",
        (
            (0.8, "almost perfect"),
            (0.6, "substantial"),
            (0.4, "moderate"),
            (0.2, "fair"),
            (0.0, "slight"),
            (-math.inf, "poor"),
        ),
    ),
}


def reading(statistic: str, value: float) -> str:
    """How a value is conventionally called, with whose convention it is; empty where there is none.

    These bands are habits, not tests. Sources: Krippendorff 2018; Landis and Koch 1977; Koo and Li 2016.
    """
    for word, (whose, bands) in _BANDS.items():
        if word in statistic and not math.isnan(value):
            return next(f"{name} ({whose})" for floor, name in bands if value >= floor)
    return ""
