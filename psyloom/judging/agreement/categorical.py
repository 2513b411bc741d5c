"""Agreement on categories: percent, Cohen's, weighted and Fleiss' kappa, Gwet's AC1 and AC2.

All take (units, raters) numbers or codes, NaN where a rater gave nothing (see ``encode`` for words). A statistic
that chance leaves undefined, 0/0 when everybody always says the same, is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from psyloom.errors import UsageError
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "agreement statistics")

Weights = Literal["identity", "linear", "quadratic"]


def rated(data: ArrayLike) -> Matrix:
    """The data as a (units, raters) array. Raises UsageError when it is empty or has fewer than two raters."""
    table = np.asarray(data, dtype=np.float64)
    if table.ndim != 2 or not len(table):
        raise UsageError(f"ratings of shape {table.shape} are no table", do="give a row for each unit")
    if table.shape[1] < 2:
        raise UsageError("agreement needs two raters", do="give a column for each of two raters or more")
    return table


def counts(data: ArrayLike) -> tuple[Matrix, Matrix]:
    """(units, values) how many raters gave each value to each unit, and the (values,) in ascending order."""
    table = rated(data)
    given = ~np.isnan(table)
    values, places = np.unique(table[given], return_inverse=True)
    found = np.zeros((len(table), len(values)))
    np.add.at(found, (np.nonzero(given)[0], places), 1)
    return found, values


def percent_agreement(data: ArrayLike) -> float:
    """The share of agreeing pairs of raters, averaged over the units that two or more rated. [0, 1]."""
    found, _ = counts(data)
    raters = found.sum(axis=1)
    shared = raters >= 2
    if not shared.any():
        return math.nan
    agreeing = (found * (found - 1)).sum(axis=1)[shared] / (raters * (raters - 1))[shared]
    return float(agreeing.mean())


def cohen_kappa(data: ArrayLike, weights: Weights = "identity") -> float:
    """Cohen's kappa of two raters; "linear" and "quadratic" forgive by the distance of the values.

    Units that one of them did not rate are left out. Range [-1, 1]; 0: as by chance.

    Raises:  UsageError for another number of raters.
    Source:  Cohen 1960, 1968.
    """
    table = rated(data)
    if table.shape[1] != 2:
        raise UsageError(f"Cohen's kappa takes two raters, {table.shape[1]} were given", do="use Krippendorff's alpha")
    one, other = table[~np.isnan(table).any(axis=1)].T
    if not len(one):
        return math.nan
    values = np.unique([one, other])
    cost = 1 - agreement_weights(values, weights)
    places = [np.searchsorted(values, side) for side in (one, other)]
    shares = [np.bincount(place, minlength=len(values)) / len(one) for place in places]
    by_chance = shares[0] @ cost @ shares[1]
    return float(1 - cost[places[0], places[1]].mean() / by_chance) if by_chance else math.nan


def fleiss_kappa(data: ArrayLike) -> float:
    """Fleiss' kappa of as many ratings for every unit, not necessarily by the same raters. [-1, 1].

    Raises:  UsageError when units have different numbers of ratings.
    Source:  Fleiss 1971.
    """
    found, _ = counts(data)
    raters = found.sum(axis=1)
    if len(set(raters.tolist())) != 1 or raters[0] < 2:
        raise UsageError(
            f"Fleiss' kappa wants as many ratings for every unit, here {raters.min():g} to {raters.max():g}",
            do="use Krippendorff's alpha, which allows for missing ratings",
        )
    by_chance = float(((found.sum(axis=0) / found.sum()) ** 2).sum())
    return (percent_agreement(data) - by_chance) / (1 - by_chance) if by_chance < 1 else math.nan


def gwet(data: ArrayLike, weights: Weights = "identity", categories: Sequence[float] | None = None) -> float:
    """Gwet's AC1, and with weights AC2: stable when nearly all units fall into one category, as safety flags do.

    Args:    categories: all values that could have been given; without it those that were. With it the statistic is
             defined (1) even where everybody always gave the same.
    Returns: at most 1; 0: as by chance. Missing ratings are allowed.
    Source:  Gwet 2008; 2014, Handbook of Inter-Rater Reliability, chapters 4 and 5.
    """
    found, seen = counts(data)
    values = np.union1d(seen, np.asarray(categories if categories is not None else seen, dtype=np.float64))
    if len(values) < 2:
        return math.nan
    spread = np.zeros((len(found), len(values)))
    spread[:, np.searchsorted(values, seen)] = found
    spread = spread[spread.any(axis=1)]
    raters = spread.sum(axis=1)
    shared = raters >= 2
    if not shared.any():
        return math.nan
    weigh = agreement_weights(values, weights)
    observed = ((spread * (spread @ weigh - 1)).sum(axis=1)[shared] / (raters * (raters - 1))[shared]).mean()
    share = (spread / raters[:, None]).mean(axis=0)
    by_chance = weigh.sum() / (len(values) * (len(values) - 1)) * (share * (1 - share)).sum()
    return float((observed - by_chance) / (1 - by_chance))


def agreement_weights(values: ArrayLike, weights: Weights) -> Matrix:
    """(values, values) 1 for equal ones, falling to 0 for the two farthest apart; by the values, not their ranks."""
    levels = np.asarray(values, dtype=np.float64)
    gap = np.abs(levels[:, None] - levels[None, :])
    if weights == "identity" or not gap.any():
        return np.equal(gap, 0).astype(np.float64)
    near = gap / gap.max()
    return np.asarray(1 - (near if weights == "linear" else near**2))
