"""Intraclass correlations: which share of the variance of numbers lies in the things rated.

| form | raters | of interest | reliability of |
| 1,1  1,k | different ones for each unit | absolute values | one rating, the mean of k |
| 2,1  2,k | the same, a sample of many | absolute values | one rating, the mean of k |
| 3,1  3,k | the same, these alone | order and distance (consistency) | one rating, the mean of k |

Source:  Shrout and Fleiss 1979; McGraw and Wong 1996.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from psyloom.judging.agreement.categorical import rated
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike
else:
    np = Lazy("numpy", "agreement statistics")

Form = Literal["1,1", "1,k", "2,1", "2,k", "3,1", "3,k"]


def icc(data: ArrayLike, form: Form = "2,1") -> float:
    """The intraclass correlation of (units, raters) numbers; units with a missing rating are left out.

    Returns: at most 1; it can fall below 0. NaN for fewer than two complete units, and when nothing varies.
    Raises:  UsageError for fewer than two raters.
    """
    table = rated(data)
    table = table[~np.isnan(table).any(axis=1)]
    n, k = table.shape
    if n < 2:
        return math.nan
    units, raters, rest, within = _mean_squares(table)
    top, bottom = {
        "1,1": (units - within, units + (k - 1) * within),
        "1,k": (units - within, units),
        "2,1": (units - rest, units + (k - 1) * rest + k * (raters - rest) / n),
        "2,k": (units - rest, units + (raters - rest) / n),
        "3,1": (units - rest, units + (k - 1) * rest),
        "3,k": (units - rest, units),
    }[form]
    # Sums of squares of values without variance end a rounding error away from 0.
    return float(top / bottom) if bottom > 1e-12 * max(1.0, float(np.square(table).mean())) else math.nan


def _mean_squares(table: ArrayLike) -> tuple[float, float, float, float]:
    """Mean squares between units, between raters, of the rest (two-way), and within units (one-way)."""
    x = np.asarray(table)
    n, k = x.shape
    between = k * np.square(x.mean(axis=1) - x.mean()).sum()
    raters = n * np.square(x.mean(axis=0) - x.mean()).sum()
    within = np.square(x - x.mean(axis=1, keepdims=True)).sum()
    rest = max(0.0, float(within - raters))
    return between / (n - 1), raters / (k - 1), rest / ((n - 1) * (k - 1)), within / (n * (k - 1))
