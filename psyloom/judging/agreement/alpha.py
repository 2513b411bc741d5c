"""Krippendorff's alpha: any number of raters, missing ratings, any kind of value, one formula.

alpha = 1 - observed / expected disagreement; 1: perfect, 0: as by chance, below 0: worse than chance.
Source:  Krippendorff 2018, Content Analysis, 4th ed., chapter 12; sets: Passonneau 2006, LREC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING, Literal

from psyloom.judging.agreement.categorical import counts
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
    found, values = counts(data)
    found = found[found.sum(axis=1) >= 2]
    return _alpha(found, _distances(found, values, level))


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


def _distances(found: Matrix, values: Matrix, level: Level) -> Matrix:
    if level == "nominal":
        return 1 - np.eye(len(values))
    if level == "ordinal":  # differences of mid-ranks: the values between two count, and half of each
        total = found.sum(axis=0)
        values = np.cumsum(total) - total / 2
    gap = values[:, None] - values[None, :]
    if level == "ratio":
        size = values[:, None] + values[None, :]
        gap = gap / np.where(size, size, 1)
    return np.square(gap)
