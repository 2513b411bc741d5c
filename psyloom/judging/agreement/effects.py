"""How large a difference is: Cliff's delta of two samples, Jensen-Shannon divergence of two distributions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, interval
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "effect sizes")


def cliffs_delta(one: ArrayLike, other: ArrayLike, *, resamples: int = 1000, seed: int = 0) -> Estimate:
    """P(a > b) - P(a < b) for a of ``one`` and b of ``other``, with a bootstrap interval.

    Returns: [-1, 1]; 1: everything in ``one`` is larger. For yes-or-no values it is the difference of the shares.
             No interval when either holds a single value.
    Raises:  UsageError when either is empty.
    Source:  Cliff 1993.
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if not len(first) or not len(second):
        raise UsageError("an effect needs values on both sides", do="give at least one value for each")
    values, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    p, q = (
        np.bincount(part, minlength=len(values)).astype(np.float64)
        for part in (places[: len(first)], places[len(first) :])
    )
    value = float(_delta(p[None], q[None])[0])
    if min(len(first), len(second)) < 2:
        return Estimate(value)
    rng = np.random.default_rng(seed)
    # Drawing n values anew is drawing the counts of the distinct values from a multinomial.
    drawn = [rng.multinomial(x.sum(), x / x.sum(), size=resamples).astype(np.float64) for x in (p, q)]
    return Estimate(value, *interval(_delta(*drawn)))


def _delta(p: Matrix, q: Matrix) -> Matrix:
    """Delta of counts (r, values) of two samples over the same ascending values."""
    up_to = np.cumsum(q, axis=1)
    below, above = up_to - q, q.sum(axis=1, keepdims=True) - up_to
    surplus: Matrix = (p * (below - above)).sum(axis=1) / (p.sum(axis=1) * q.sum(axis=1))
    return surplus


def size_of(delta: float) -> str:
    """How a Cliff's delta is conventionally called: negligible, small (0.147), medium (0.33), large (0.474).

    Source:  Romano et al. 2006.
    """
    bands = ((0.474, "large"), (0.33, "medium"), (0.147, "small"))
    return next((name for floor, name in bands if abs(delta) >= floor), "negligible")


def jensen_shannon(one: ArrayLike, other: ArrayLike) -> float:
    """Jensen-Shannon divergence of counts or shares over the same categories, in bits.

    Returns: [0, 1]; 0: the same distribution, 1: nothing in common.
    Raises:  UsageError when either sums to 0, or they are of different length.
    Source:  Lin 1991.
    """
    p, q = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if p.shape != q.shape or not p.sum() or not q.sum():
        raise UsageError("two distributions over the same categories are wanted", do="give counts of both, not empty")
    return float(_divergence(p[None], q[None])[0])


def divergence(
    one: Sequence[Mapping[str, float]],
    other: Sequence[Mapping[str, float]],
    *,
    most: int = 1000,
    resamples: int = 200,
    seed: int = 0,
) -> tuple[Estimate, float]:
    """Jensen-Shannon divergence of two sets, each a mapping from category to count for every dialogue.

    Args:    most: the most frequent categories are told apart, the rest is one.
    Returns: the divergence in bits, [0, 1], with a bootstrap interval over dialogues freed of the bootstrap's own upward
             bias; and what chance gives at most, 95 times in 100, when dialogues of both are mixed: two samples of one
             source differ too, the more the smaller they are.
    Raises:  UsageError when either has no counts.
    """
    a, b = _tabulated(one, other, most)
    if not a.sum() or not b.sum():
        raise UsageError("two distributions over the same categories are wanted", do="give counts of both, not empty")
    value = jensen_shannon(a.sum(axis=0), b.sum(axis=0))
    rng = np.random.default_rng(seed)
    drawn = _divergence(_redrawn(a, resamples, rng), _redrawn(b, resamples, rng))
    low, high = interval(drawn) if min(len(a), len(b)) > 1 else (math.nan, math.nan)
    bias = 0.0 if math.isnan(low) else float(np.nanmean(drawn)) - value
    both = np.concatenate([a, b])
    mixed = np.array([rng.permutation(len(both)) < len(a) for _ in range(resamples)], dtype=np.float64)
    chance = _divergence(mixed @ both, (1 - mixed) @ both)
    return Estimate(value, *np.clip([low - bias, high - bias], 0, 1).tolist()), float(np.nanquantile(chance, 0.95))


def _tabulated(
    one: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]], most: int
) -> tuple[Matrix, Matrix]:
    """(dialogues, categories) counts of both; the last column takes what is not among the most frequent."""
    totals: dict[str, float] = {}
    for counts in (*one, *other):
        for name, count in counts.items():
            totals[name] = totals.get(name, 0) + count
    place = {name: i for i, name in enumerate(sorted(totals, key=lambda name: (-totals[name], name))[:most])}

    def table(rows: Iterable[Mapping[str, float]], length: int) -> Matrix:
        filled = np.zeros((length, len(place) + 1))
        for row, counts in zip(filled, rows, strict=True):
            for name, count in counts.items():
                row[place.get(name, len(place))] += count
        return filled

    return table(one, len(one)), table(other, len(other))


def _redrawn(counts: Matrix, resamples: int, rng: np.random.Generator) -> Matrix:
    """(resamples, categories) totals of dialogues drawn anew."""
    times = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=resamples)
    totals: Matrix = times @ counts
    return totals


def _divergence(p: Matrix, q: Matrix) -> Matrix:
    """Row by row, in bits; NaN for a row that sums to 0, as a resample of mostly empty counts may."""
    p, q = (x / np.where(total := x.sum(axis=1, keepdims=True), total, np.nan) for x in (p, q))
    middle = (p + q) / 2

    def apart(x: Matrix) -> Matrix:
        share = np.where(x > 0, x / np.where(middle > 0, middle, 1), 1)
        return np.asarray((x * np.log2(share)).sum(axis=1))

    return np.clip((apart(p) + apart(q)) / 2, 0, 1)
