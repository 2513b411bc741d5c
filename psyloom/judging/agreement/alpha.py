"""Krippendorff's alpha: any number of raters, missing ratings, any kind of value, one formula.

alpha = 1 - observed / expected disagreement; 1: perfect, 0: as by chance, below 0: worse than chance.
Source:  Krippendorff 2018, Content Analysis, 4th ed., chapter 12; sets: Passonneau 2006, LREC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING, Literal

from psyloom.judging.agreement.categorical import counts, rated
from psyloom.judging.agreement.table import encode
from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.metrics.repetition import jaccard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "agreement statistics")

Level = Literal["nominal", "ordinal", "interval", "ratio"]
SetDistance = Literal["masi", "jaccard"]


def krippendorff_alpha(data: ArrayLike, level: Level = "nominal") -> float:
    """Alpha of (units, raters) numbers, NaN where a rater gave nothing.

    Args:    level: how the difference of two values counts: any difference alike, by ranks, by the difference, or by
             the difference relative to the sum (values must then be 0 or more).
    Returns: at most 1; NaN when all values are the same or no unit was rated twice.
    """
    table = rated(data)
    table = table[(~np.isnan(table)).sum(axis=1) >= 2]
    if level == "ordinal":
        return _of_differences(_mid_ranks(table))
    if level == "interval":
        return _of_differences(table)
    if not len(table):
        return math.nan
    found, values = counts(table)
    return _alpha(found, _relative(values) if level == "ratio" else 1 - np.eye(len(values)))


def krippendorff_alpha_sets(rows: Sequence[Sequence[Set[str] | None]], distance: SetDistance = "masi") -> float:
    """Alpha of multi-label values: ``rows[unit][rater]`` is a set of labels, or None for nothing given.

    An empty set is a value (no label fits). Returns as ``krippendorff_alpha``.
    """
    frozen = [[None if given is None else frozenset(given) for given in row] for row in rows]
    data, known = encode(frozen)
    return alpha_of_codes(data, set_distances(known, distance))  # type: ignore[arg-type]


def alpha_of_codes(data: ArrayLike, distances: Matrix) -> float:
    """Alpha of codes 0, 1, ... whose distances are given as a (codes, codes) array."""
    found, codes = counts(data)
    found, places = found[found.sum(axis=1) >= 2], codes.astype(int)
    return _alpha(found, distances[np.ix_(places, places)])


def set_distances(sets: Sequence[Set[str]], distance: SetDistance = "masi") -> Matrix:
    """(n, n) distances of sets, [0, 1]."""
    apart: Callable[[Set[str], Set[str]], float] = masi if distance == "masi" else lambda a, b: 1 - jaccard(a, b)
    return np.array([[apart(one, other) for other in sets] for one in sets])


def masi(one: Set[str], other: Set[str]) -> float:
    """MASI distance: 1 - Jaccard x M, M being 1 for equal sets, 2/3 for a subset, 1/3 for a true overlap, else 0."""
    if one == other:
        return 0.0
    monotone = 2 / 3 if one <= other or other <= one else 1 / 3 if one & other else 0.0
    return 1 - jaccard(one, other) * monotone


def _alpha(found: Matrix, distances: Matrix) -> float:
    total = found.sum(axis=0)
    expected = total @ distances @ total / (total.sum() - 1) if len(found) else 0
    if not expected:
        return math.nan
    observed = ((found @ distances * found).sum(axis=1) / (found.sum(axis=1) - 1)).sum()
    return float(1 - observed / expected)


def _relative(values: Matrix) -> Matrix:
    size = values[:, None] + values[None, :]
    return np.square((values[:, None] - values[None, :]) / np.where(size, size, 1))


def _of_differences(table: Matrix) -> float:
    """Alpha for squared differences of numbers, which are twice the variances, so that many values cost nothing."""
    given = ~np.isnan(table)
    values = table[given]
    if not len(values) or values.min() == values.max():
        return math.nan
    ratings, filled = given.sum(axis=1), np.where(given, table, 0)
    apart = np.where(given, table - (filled.sum(axis=1) / ratings)[:, None], 0)
    observed = (np.square(apart).sum(axis=1) * ratings / (ratings - 1)).sum()
    expected = np.square(values - values.mean()).sum() * len(values) / (len(values) - 1)
    return float(1 - observed / expected)


def _mid_ranks(table: Matrix) -> Matrix:
    """Values as the number of all values below them and half of the equal ones; gaps stay gaps."""
    given = ~np.isnan(table)
    _, places, times = np.unique(table[given], return_inverse=True, return_counts=True)
    ranks = np.full(table.shape, np.nan)
    ranks[given] = (np.cumsum(times) - times / 2)[places]
    return ranks
