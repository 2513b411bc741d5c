"""Ranking from comparisons of two: Bradley-Terry strengths with intervals, Swiss pairing, Elo."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import TYPE_CHECKING, TypeAlias

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, interval
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Wins: TypeAlias = NDArray[np.float64]
else:
    np = Lazy("numpy", "ranking")

START, K, SCALE = 1000.0, 32.0, 400.0
"""Elo: points at the start, most points one comparison moves, points for odds of 10 to 1. The usual chess values;
Interactive Agents, arXiv 2408.15787, reports Elo without its constants, so these are our default for it too."""
PRIOR = 0.5
"""Wins, and as many losses, that everybody has against an imagined average opponent. Our default: it keeps somebody
who won everything at a finite strength, and weighs as much as one comparison."""


@dataclass(frozen=True)
class Match:
    """One comparison.

    score: what ``a`` got of it: 1, 0.5 for a tie, 0. unit: what it was about, e.g. a case; comparisons about the same
    unit are no independent observations and are resampled together.
    """

    a: str
    b: str
    score: float
    unit: str = ""

    def __post_init__(self) -> None:
        if self.a == self.b or not 0 <= self.score <= 1:
            raise UsageError(f"{self} is no comparison of two", do="give two names and a score from 0 to 1")


@dataclass(frozen=True)
class Rank:
    """Where one stands.

    points: 1000 is the average of all ranked, 400 more means odds of 10 to 1. share: of comparisons won, a tie half.
    best: share of resamples in which it comes first (a shared place is divided), None without resamples.
    """

    name: str
    points: Estimate
    share: float
    wins: int
    ties: int
    losses: int
    best: float | None


def bradley_terry(matches: Iterable[Match], *, prior: float = PRIOR) -> dict[str, float]:
    """Strengths p, so that i beats j with probability p_i / (p_i + p_j); their geometric mean is 1.

    A tie is half a win for both.
    Raises:  UsageError for no match and, without a prior, when strengths have no finite maximum.
    Source:  Bradley and Terry 1952; minorization-maximization of Hunter 2004, equation 3.
    """
    given = list(matches)
    names = _names(given)
    wins = _by_unit(given, names).sum(axis=0)
    if not prior and not _strongly_connected(wins):
        raise UsageError(
            "somebody won or lost every comparison with a part of the others, so strengths have no finite value",
            do="compare more, or set a prior",
        )
    return dict(zip(names, map(float, _strengths(wins, prior)), strict=True))


def rank(matches: Iterable[Match], *, prior: float = PRIOR, resamples: int = 1000, seed: int = 0) -> list[Rank]:
    """Everybody by strength, the strongest first, with bootstrap intervals over units.

    The pairings are taken as given: an interval says how far a strength would move with other cases.
    Raises:  UsageError for no match.
    """
    given = list(matches)
    names = _names(given)
    table = _by_unit(given, names)
    whole = _points(_strengths(table.sum(axis=0), prior or PRIOR))
    drawn = _resampled(table, prior or PRIOR, resamples if len(table) > 1 else 0, seed)
    first = drawn >= drawn.max(axis=1, keepdims=True, initial=-np.inf) - 1e-6
    best = (first / first.sum(axis=1, keepdims=True)).mean(axis=0) if len(drawn) else None
    found = [
        Rank(
            name,
            Estimate(float(whole[at]), *interval(drawn[:, at])) if len(drawn) else Estimate(float(whole[at])),
            *_record(name, given),
            best=None if best is None else float(best[at]),
        )
        for at, name in enumerate(names)
    ]
    return sorted(found, key=lambda one: -one.points.value)


def _names(matches: Sequence[Match]) -> list[str]:
    if not matches:
        raise UsageError("there is nothing to rank", do="give at least one comparison")
    return list(dict.fromkeys(name for match in matches for name in (match.a, match.b)))


def _by_unit(matches: Sequence[Match], names: Sequence[str]) -> Wins:
    """(units, names, names): what the row's name won against the column's."""
    place = {name: at for at, name in enumerate(names)}
    units = {unit: at for at, unit in enumerate(dict.fromkeys(match.unit for match in matches))}
    table = np.zeros((len(units), len(names), len(names)))
    for match in matches:
        table[units[match.unit], place[match.a], place[match.b]] += match.score
        table[units[match.unit], place[match.b], place[match.a]] += 1 - match.score
    return table


def _strengths(wins: Wins, prior: float, *, close: float = 1e-9, most: int = 10_000) -> Wins:
    """(..., names) strengths from (..., names, names) wins: p_i <- W_i / sum_j n_ij / (p_i + p_j), until it stays."""
    games = wins + np.swapaxes(wins, -1, -2)
    won = wins.sum(axis=-1) + prior
    p = np.ones(won.shape)
    for _ in range(most):
        met = (games / (p[..., :, None] + p[..., None, :])).sum(axis=-1) + 2 * prior / (p + 1)
        # Who was left out of a resample stays where it is.
        new = np.divide(won, met, out=p.copy(), where=met > 0)
        if not prior:
            new = _centered(new)
        if np.abs(new - p).max() < close * p.max():
            return _centered(new)
        p = new
    return _centered(p)


def _centered(p: Wins) -> Wins:
    mean: Wins = np.log(p).mean(axis=-1, keepdims=True)
    return p / np.exp(mean)


def _points(p: Wins) -> Wins:
    return START + SCALE * np.log10(p)


def _resampled(table: Wins, prior: float, resamples: int, seed: int) -> Wins:
    """(resamples, names) points with units drawn again."""
    if not resamples:
        return np.empty((0, table.shape[1]))
    units = len(table)
    times = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=resamples)
    return _points(_strengths(np.tensordot(times.astype(np.float64), table, axes=1), prior, close=1e-6, most=2000))


def _record(name: str, matches: Sequence[Match]) -> tuple[float, int, int, int]:
    scores = [m.score if m.a == name else 1 - m.score for m in matches if name in (m.a, m.b)]
    wins, losses = sum(s > 0.5 for s in scores), sum(s < 0.5 for s in scores)
    return sum(scores) / len(scores), wins, len(scores) - wins - losses, losses


def _strongly_connected(wins: Wins) -> bool:
    """Does a chain of wins lead from everybody to everybody?"""
    reach = (wins > 0) | np.eye(len(wins), dtype=bool)
    for _ in range(len(wins)):
        reach = reach @ reach
    return bool(reach.all())


def connected(names: Iterable[str], met: Collection[frozenset[str]]) -> bool:
    """Can any two be compared, if need be by way of others?"""
    left = set(names)
    reached = {left.pop()} if left else set()
    fresh = set(reached)
    while fresh:
        fresh = {name for name in left if any(frozenset((name, one)) in met for one in fresh)}
        left -= fresh
    return not left


@dataclass(frozen=True)
class Round:
    """Who meets whom, the stronger first; bye: who pauses."""

    pairs: tuple[tuple[str, str], ...]
    bye: str | None = None


def rounds_for(many: int) -> int:
    """Swiss rounds for so many: one more than single out a winner, so that the middle is told apart too (our default)."""
    return min(ceil(log2(many)) + 1, many - 1 if many % 2 == 0 else many) if many > 1 else 0


def swiss(standing: Sequence[str], met: Collection[frozenset[str]], byes: Collection[str] = ()) -> Round | None:
    """The next round: neighbors in the standing meet, nobody meets the same one twice, nobody pauses twice.

    Args:    standing: the best first; met: pairs that were played; byes: who has paused.
    Returns: None when no such round is left. The last in the standing who has not paused yet pauses in an odd field.
    Source:  the Dutch idea of FIDE handbook C.04 without colors: top against nearest, backtracking where it fails.
    """
    if len(standing) % 2 == 0:
        pairs = _paired(list(standing), met)
        return None if pairs is None else Round(tuple(pairs))
    for pauses in (name for name in reversed(standing) if name not in byes):
        pairs = _paired([name for name in standing if name != pauses], met)
        if pairs is not None:
            return Round(tuple(pairs), pauses)
    return None


def _paired(left: list[str], met: Collection[frozenset[str]]) -> list[tuple[str, str]] | None:
    if not left:
        return []
    first, *others = left
    for other in others:
        if frozenset((first, other)) in met:
            continue
        rest = _paired([name for name in others if name != other], met)
        if rest is not None:
            return [(first, other), *rest]
    return None


def elo(
    matches: Iterable[Match], *, start: float = START, k: float = K, scale: float = SCALE, shuffles: int = 100, seed: int = 0
) -> dict[str, float]:  # fmt: skip
    """Elo ratings, averaged over shuffled orders since one order alone decides too much.

    Formula: expected = 1 / (1 + 10^((other - own) / scale)); own += k (score - expected).
    Args:    shuffles: orders averaged over; 0: the order given, once.
    Raises:  UsageError for no match.
    """
    given = list(matches)
    names = _names(given)
    rng = random.Random(seed)
    total = dict.fromkeys(names, 0.0)
    for _ in range(max(1, shuffles)):
        if shuffles:
            rng.shuffle(given)
        points = dict.fromkeys(names, start)
        for match in given:
            expected = 1 / (1 + 10 ** ((points[match.b] - points[match.a]) / scale))
            moved = k * (match.score - expected)
            points[match.a] += moved
            points[match.b] -= moved
        for name in names:
            total[name] += points[name]
    return {name: value / max(1, shuffles) for name, value in total.items()}
