"""Bootstrap intervals: how far a statistic would move had other things been rated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = Lazy("numpy", "bootstrap intervals")


@dataclass(frozen=True)
class Estimate:
    """A statistic with its interval; NaN where it is undefined (no variance, too few resamples that have any)."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "undefined"
        return f"{self.value:.2f}" + ("" if math.isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]")

    def to_json(self) -> dict[str, float | None]:
        """value, low and high, null where undefined: JSON has no NaN."""
        both = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if math.isnan(number) else number for name, number in both.items()}


def bootstrap(
    statistic: Callable[..., float], *sizes: int, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """The statistic with a percentile interval over resampled units.

    Args:    statistic: takes one array of row numbers for each of ``sizes`` (one sample, or two independent ones) and
             returns a number, NaN when undefined; sizes: how many units each sample has.
             resamples: 0 gives no interval.
    Returns: value on the units as they are; the interval is NaN for a single unit, and when half of the resamples or
             more are undefined.
    Source:  Efron and Tibshirani 1993, chapter 13.
    """
    value = float(statistic(*(np.arange(size) for size in sizes)))
    if min(sizes) < 2:
        return Estimate(value)
    rng = np.random.default_rng(seed)
    drawn = np.array(
        [statistic(*(rng.integers(size, size=size) for size in sizes)) for _ in range(resamples)], dtype=np.float64
    )
    return Estimate(value, *interval(drawn, level))


def interval(drawn: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of resampled values, NaN when half of them or more are undefined."""
    defined = drawn[~np.isnan(drawn)]
    if 2 * len(defined) <= len(drawn):
        return math.nan, math.nan
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson(hits: int, n: int) -> Estimate:
    """A share with its 95 % interval, honest near 0 and 1 where the bootstrap is not; undefined for n = 0.

    Source:  Wilson 1927.
    """
    if not n:
        return Estimate(math.nan)
    z, share = 1.959964, hits / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Estimate(share, max(0.0, middle - reach), min(1.0, middle + reach))
