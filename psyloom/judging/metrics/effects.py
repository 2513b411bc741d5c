"""How large a difference is: Cliff's delta of two samples, Jensen-Shannon divergence of two distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike
else:
    np = Lazy("numpy", "effect sizes")


def cliffs_delta(one: ArrayLike, other: ArrayLike) -> float:
    """P(a > b) - P(a < b) for a of ``one`` and b of ``other``.

    Returns: [-1, 1]; 1: everything in ``one`` is larger. For yes-or-no values it is the difference of the shares.
    Raises:  UsageError when either is empty.
    Source:  Cliff 1993.
    """
    first, second = np.sort(np.asarray(one, dtype=np.float64)), np.sort(np.asarray(other, dtype=np.float64))
    if not len(first) or not len(second):
        raise UsageError("an effect needs values on both sides", do="give at least one value for each")
    smaller = np.searchsorted(second, first, side="left").sum()
    not_larger = np.searchsorted(second, first, side="right").sum()
    larger = len(first) * len(second) - not_larger
    return float((smaller - larger) / (len(first) * len(second)))


def jensen_shannon(one: ArrayLike, other: ArrayLike) -> float:
    """Jensen-Shannon divergence of two arrays of counts or shares over the same categories, in bits.

    Returns: [0, 1]; 0: the same distribution, 1: nothing in common.
    Raises:  UsageError when either sums to 0, or they are of different length.
    Source:  Lin 1991.
    """
    p, q = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if p.shape != q.shape or not p.sum() or not q.sum():
        raise UsageError("two distributions over the same categories are wanted", do="give counts of both, not empty")
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2

    def apart(x: ArrayLike) -> float:
        share = np.asarray(x)
        seen = share > 0
        return float((share[seen] * np.log2(share[seen] / middle[seen])).sum())

    return min(1.0, max(0.0, (apart(p) + apart(q)) / 2))


def divergence(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """``jensen_shannon`` of two mappings from category to count, such as ``label_counts``."""
    names = sorted({*one, *other})
    return jensen_shannon([one.get(name, 0) for name in names], [other.get(name, 0) for name in names])


def size_of(delta: float) -> str:
    """How a Cliff's delta is conventionally called: negligible, small (0.147), medium (0.33), large (0.474).

    Source:  Romano et al. 2006.
    """
    bands = ((0.474, "large"), (0.33, "medium"), (0.147, "small"))
    return next((name for floor, name in bands if abs(delta) >= floor), "negligible")
