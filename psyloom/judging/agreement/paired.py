"""Differences of paired values: bias and limits of agreement, Wilcoxon's test, change from before to after."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap
from psyloom.judging.agreement.table import check_instruments, rater_name, unit_name
from psyloom.judging.metrics.lazy import Lazy
from psyloom.records import Rating

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "paired differences")

stats = Lazy("scipy.stats", "Wilcoxon's test")


@dataclass(frozen=True)
class BlandAltman:
    """The mean difference one - other, and the limits between which 95 % of differences should lie."""

    bias: float
    low: float
    high: float
    n: int


def bland_altman(one: ArrayLike, other: ArrayLike) -> BlandAltman:
    """Bias and limits of agreement, bias +- 1.96 sample standard deviations, in units of the scale.

    Raises:  UsageError for values of different length, and for fewer than two pairs.
    Source:  Bland and Altman 1986, Lancet.
    """
    gaps = differences(one, other)
    if len(gaps) < 2:
        raise UsageError(f"limits of agreement need two pairs, here is {len(gaps)}", do="give more units")
    bias, reach = float(gaps.mean()), 1.96 * float(gaps.std(ddof=1))
    return BlandAltman(bias, bias - reach, bias + reach, len(gaps))


def wilcoxon(one: ArrayLike, other: ArrayLike) -> float:
    """The two-sided p of Wilcoxon's signed-rank test on one - other; pairs without difference are left out.

    Returns: (0, 1]; 1 when no pair differs.
    Raises:  UsageError for values of different length, and for none.
    Source:  Wilcoxon 1945; exact for small samples, by scipy.
    """
    gaps = differences(one, other)
    return float(stats.wilcoxon(gaps[gaps != 0]).pvalue) if gaps.any() else 1.0


def differences(one: ArrayLike, other: ArrayLike) -> Matrix:
    """one - other, pairs with a NaN left out.

    Raises:  UsageError for values of different length, and when no pair is left.
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape:
        raise UsageError(f"{first.size} values stand against {second.size}", do="give both for the same units")
    gaps: Matrix = (first - second)[~(np.isnan(first) | np.isnan(second))]
    if not len(gaps):
        raise UsageError("there are no pairs of values", do="give both values for at least one unit")
    return gaps


@dataclass(frozen=True)
class Change:
    """How an item changed from before to after: the mean of after - before, in units of the scale."""

    instrument: str
    item: str
    n: int
    before: float
    after: float
    change: Estimate
    p: float


def before_after(ratings: Iterable[Rating], *, resamples: int = 1000, seed: int = 0) -> list[Change]:
    """The change of every item of instruments filled in twice (``moment`` before and after), such as PANAS.

    Each after is paired with the before of the same thing, rater and sample; other ratings are passed over.

    Returns: mean change with a bootstrap interval over pairs, and Wilcoxon's p.
    Raises:  UsageError when a before or an after is missing, when there are none, and as ``check_instruments``.
    """
    kept = [rating for rating in ratings if rating.subject.moment]
    if not kept:
        raise UsageError("no rating says 'before' or 'after'", do="rate with an instrument that is filled in twice")
    check_instruments(kept)
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for before, after in _pairs(kept):
        earlier, later = _numbers(before), _numbers(after)
        for item in earlier.keys() & later.keys():
            pairs[before.instrument, item].append((earlier[item], later[item]))
    return [_change(*key, found, resamples, seed) for key, found in sorted(pairs.items())]


def _pairs(ratings: Iterable[Rating]) -> list[tuple[Rating, Rating]]:
    halves: dict[tuple[str, str, str, int], dict[str, Rating]] = defaultdict(dict)
    for rating in ratings:
        subject = unit_name(rating.subject.model_copy(update={"moment": None}))
        key = (rating.instrument, subject, rater_name(rating.rater), rating.sample)
        halves[key][rating.subject.moment or ""] = rating
    for (instrument, subject, rater, _), found in halves.items():
        if missing := {"before", "after"} - found.keys():
            raise UsageError(
                f"{rater} has no {missing.pop()!r} rating of {subject} with {instrument!r}",
                do="rate it, or leave the other half out: a change needs both",
            )
    return [(found["before"], found["after"]) for found in halves.values()]


def _numbers(rating: Rating) -> Mapping[str, float]:
    return {part.item: float(part.value) for part in rating.items if isinstance(part.value, int | float)}


def _change(instrument: str, item: str, found: list[tuple[float, float]], resamples: int, seed: int) -> Change:
    before, after = np.array(found).T
    gaps = after - before
    change = bootstrap(lambda rows: float(gaps[rows].mean()), len(gaps), resamples=resamples, seed=seed)
    p = wilcoxon(after, before) if len(gaps) > 1 else math.nan
    return Change(instrument, item, len(gaps), float(before.mean()), float(after.mean()), change, p)
