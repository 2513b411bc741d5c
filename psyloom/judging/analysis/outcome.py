"""Reactions against the outcome of a session: correlation, groups, and which behaviors carry it.

Source: arXiv 2306.15334, analyses of the client-rated survey; intervals are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap
from psyloom.judging.analysis.sessions import OTHERS, Coded
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "analyses")
stats = Lazy("scipy.stats", "the correlation")

# Edges of the groups by negative share. Source: the paper's table.
BINS = (0.0, 0.012, 0.024, 0.036, 0.048, 0.060, 0.096, 0.240)
ALPHAS = tuple(step / 1000 for step in range(1, 101))  # L1 weights 0.001 to 0.1 in equal steps


@dataclass(frozen=True)
class Against:
    """A share of the client's sentences against the outcome score.

    r: Pearson, with its interval over sessions; p: two-sided test of r = 0; sessions: (share, score) of each.
    groups: (from, to, mean score with interval, how many sessions), by share, the last one open; empty ones left out.
    """

    r: Estimate
    p: float
    sessions: tuple[tuple[float, float], ...]
    groups: tuple[tuple[float, float, Estimate, int], ...]


@dataclass(frozen=True)
class LassoPath:
    """What stays in the model while the L1 weight grows. ``coefficients[a][j]``: of behavior j at ``alphas[a]``."""

    behaviors: tuple[str, ...]
    alphas: tuple[float, ...]
    coefficients: Matrix

    def survives(self) -> dict[str, float]:
        """Behavior -> the largest L1 weight at which its coefficient is not 0 (0: never), the longest first."""
        kept = self.coefficients != 0
        last = {b: max((a for a, one in zip(self.alphas, kept[:, j], strict=True) if one), default=0.0)
                for j, b in enumerate(self.behaviors)}  # fmt: skip
        return dict(sorted(last.items(), key=lambda one: -one[1]))


def shares(session: Coded) -> dict[str, float]:
    """Behavior or reaction -> its share of all the client's sentences, [0, 1]."""
    said = session.labels("client")
    groups = [session.scheme.group("client", label) for label in said]
    ids = dict.fromkeys((*session.scheme.ids("client"), *session.scheme.groups("client")))
    return {id_: max(said.count(id_), groups.count(id_)) / len(said) if said else math.nan for id_ in ids}


def scored(sessions: Sequence[Coded]) -> list[tuple[Coded, float]]:
    """The sessions with an outcome in which the client's sentences are labelled. Raises UsageError for fewer than 3."""
    found = [(one, one.outcome) for one in sessions if one.outcome is not None and one.labels("client")]
    if len(found) < 3:
        raise UsageError(
            f"{len(found)} labelled sessions have an outcome score",
            do="give ratings of at least three of the dialogues",
        )
    return found


def against_outcome(
    sessions: Sequence[Coded],
    reaction: str = "negative",
    *,
    bins: Sequence[float] = BINS,
    resamples: int = 1000,
    seed: int = 0,
) -> Against:
    """Pearson correlation of a reaction's (or behavior's) share with the outcome, and mean outcome by share."""
    known = scored(sessions)
    x, y = np.array([shares(one)[reaction] for one, _ in known]), np.array([score for _, score in known])

    def pearson(rows: Matrix) -> float:
        return _pearson(x[rows], y[rows])

    r = bootstrap(pearson, len(known), resamples=resamples, seed=seed)
    p = float(stats.pearsonr(x, y).pvalue) if not math.isnan(r.value) else math.nan
    groups = []
    for at, (low, high) in enumerate(pairwise(bins)):
        inside = (x >= low) & ((x < high) | (at == len(bins) - 2))
        if inside.any():
            groups.append((low, high, _mean(y[inside], resamples, seed), int(inside.sum())))
    return Against(r, p, tuple(zip(x.tolist(), y.tolist(), strict=True)), tuple(groups))


def with_any(sessions: Sequence[Coded], *, resamples: int = 1000, seed: int = 0) -> dict[str, tuple[Estimate, int]]:
    """Negative behavior -> (mean outcome of the sessions that hold it at least once, how many); "negative": any of them,
    "all": every session. What never occurs is left out."""
    known = scored(sessions)
    scheme = known[0][0].scheme
    wanted = {id_: {id_} for id_ in scheme.ids("client") if scheme.group("client", id_) == "negative"}
    wanted |= {"negative": set().union(*wanted.values()) if wanted else set(), "all": set(scheme.ids("client"))}
    found = {}
    for name, ids in wanted.items():
        scores = np.array([score for one, score in known if ids & set(one.labels("client"))])
        if len(scores):
            found[name] = (_mean(scores, resamples, seed), len(scores))
    return found


def lasso_path(sessions: Sequence[Coded], alphas: Sequence[float] = ALPHAS) -> LassoPath:
    """Lasso of the outcome on the shares of the behaviors, for growing L1 weights.

    Minimizes |y - b - Xw|^2 / 2n + alpha |w|_1; shares are not rescaled, the intercept b is free.
    """
    known = scored(sessions)
    behaviors = tuple(id_ for id_ in known[0][0].scheme.ids("client") if id_ != OTHERS)
    rows = [shares(one) for one, _ in known]
    x = np.array([[row[id_] for id_ in behaviors] for row in rows])
    return LassoPath(behaviors, tuple(alphas), lasso(x, np.array([score for _, score in known]), alphas))


def lasso(x: Matrix, y: Matrix, alphas: Sequence[float], *, tolerance: float = 1e-9, rounds: int = 10_000) -> Matrix:
    """(alphas, columns) coefficients by coordinate descent, each start from the solution before."""
    x, y = x - x.mean(axis=0), y - y.mean()
    size = (x**2).sum(axis=0) / len(x)
    w = np.zeros(x.shape[1])
    found = []
    for alpha in alphas:
        for _ in range(rounds):
            moved = 0.0
            for j in np.flatnonzero(size > 0):
                pull = float(x[:, j] @ (y - x @ w)) / len(x) + size[j] * w[j]
                new = math.copysign(max(abs(pull) - alpha, 0.0), pull) / size[j]
                moved, w[j] = max(moved, abs(new - w[j])), new
            if moved < tolerance:
                break
        found.append(w.copy())
    return np.array(found)


def _pearson(x: Matrix, y: Matrix) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = math.sqrt(float((x @ x) * (y @ y)))
    return float(x @ y) / size if size else math.nan


def _mean(values: Matrix, resamples: int, seed: int) -> Estimate:
    return bootstrap(lambda rows: float(values[rows].mean()), len(values), resamples=resamples, seed=seed)
