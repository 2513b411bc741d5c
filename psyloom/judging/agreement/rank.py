"""Agreement on order: Kendall's tau-b, Spearman's rho, and accuracy over pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.agreement.categorical import rated
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "agreement statistics")

stats = Lazy("scipy.stats", "rank correlations")


def kendall_tau(data: ArrayLike) -> float:
    """Kendall's tau-b, averaged over all pairs of raters; each pair over the units both rated. [-1, 1].

    Source:  Kendall 1945.
    """
    return _over_pairs(data, lambda one, other: float(stats.kendalltau(one, other).statistic))


def spearman(data: ArrayLike) -> float:
    """Spearman's rank correlation, averaged over all pairs of raters as ``kendall_tau``. [-1, 1]."""
    return _over_pairs(data, lambda one, other: float(stats.spearmanr(one, other).statistic))


def pairwise_accuracy(reference: ArrayLike, other: ArrayLike) -> float:
    """Of all pairs that the reference puts in order, the share the other orders alike; its ties count one half.

    Returns: [0, 1]; 0.5: as by chance; NaN when the reference orders no pair. Units with a NaN are left out.
    Raises:  UsageError when the two are not of the same length.
    """
    one, two = np.asarray(reference, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if one.shape != two.shape:
        raise UsageError(f"{one.size} values stand against {two.size}", do="give both for the same units")
    both = ~(np.isnan(one) | np.isnan(two))
    one, two = one[both], two[both]
    first, second = np.triu_indices(len(one), k=1)
    wanted, found = np.sign(one[first] - one[second]), np.sign(two[first] - two[second])
    ordered = wanted != 0
    return float(((wanted * found)[ordered] + 1).mean() / 2) if ordered.any() else math.nan


def _over_pairs(data: ArrayLike, correlate: Callable[[Matrix, Matrix], float]) -> float:
    table = rated(data)
    found = []
    for a, b in combinations(range(table.shape[1]), 2):
        both = table[~np.isnan(table[:, [a, b]]).any(axis=1)][:, [a, b]]
        if len(both) and (both != both[0]).any(axis=0).all():  # a rater who never varies orders nothing
            found.append(correlate(both[:, 0], both[:, 1]))
    return float(np.mean(found)) if found else math.nan
