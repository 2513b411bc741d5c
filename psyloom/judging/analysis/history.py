"""What came before: does the earlier interplay tell whether a challenge is extended or defended against?

Source: arXiv 2306.15334, preceding interaction patterns. Proportions of all earlier pairs, and no intercept (the four
proportions nearly add up to one), are our defaults: the paper does not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap
from psyloom.judging.analysis.sessions import Coded
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "analyses")
stats = Lazy("scipy.stats", "the Wald test")

PATTERNS = tuple(f"{i}-{r}" for i in ("supporting", "challenging") for r in ("positive", "negative"))


@dataclass(frozen=True)
class History:
    """Logistic regression of extending (1) against defending (0) after a challenge.

    coefficients: pattern -> log odds for a proportion of 1, with an interval over sessions; undefined where the data
    part perfectly or a pattern never occurs. p: pattern -> Wald test. accuracy: share of challenges it tells right.
    """

    challenges: int
    extending: int
    coefficients: dict[str, Estimate]
    p: dict[str, float]
    accuracy: float


def history(sessions: Sequence[Coded], *, resamples: int = 200, seed: int = 0) -> History:
    """Fit on every challenging move whose first answer is extending or defending and that has pairs before it.

    Raises:  UsageError when there is no extending or no defending answer among them.
    """
    cases = [list(_cases(session)) for session in sessions]
    x, y = _stack(cases)
    if not len(y) or y.min() == y.max():
        what = f"{int(y.sum())} extending and {int(len(y) - y.sum())} defending answers to a challenge"
        raise UsageError(what, do="both are needed: give more labelled sessions")
    fitted, errors = logistic(x, y)

    def one(j: int) -> Estimate:
        def coefficient(rows: Matrix) -> float:
            return float(logistic(*_stack([cases[row] for row in rows]))[0][j])

        return bootstrap(coefficient, len(cases), resamples=resamples, seed=seed)

    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.norm.sf(np.abs(fitted / errors))
    right = ((x @ np.nan_to_num(fitted) > 0) == (y == 1)).mean()
    coefficients = {name: one(j) for j, name in enumerate(PATTERNS)}
    return History(len(y), int(y.sum()), coefficients, dict(zip(PATTERNS, map(float, p), strict=True)), float(right))


def _cases(session: Coded) -> Iterator[tuple[list[float], int]]:
    """(proportions of the patterns among the pairs before, extending?) of each challenge that counts."""
    before: list[str] = []
    for move, answer in session.answered():
        intention = session.intention(move)
        if intention == "challenging" and answer.labels[0] in ("extending", "defending") and before:
            yield [before.count(one) / len(before) for one in PATTERNS], int(answer.labels[0] == "extending")
        before.append(f"{intention}-{session.reaction(answer)}")


def _stack(cases: Sequence[Sequence[tuple[list[float], int]]]) -> tuple[Matrix, Matrix]:
    rows = [case for session in cases for case in session]
    x = np.array([features for features, _ in rows], dtype=np.float64).reshape(-1, len(PATTERNS))
    return x, np.array([answer for _, answer in rows], dtype=np.float64)


def logistic(x: Matrix, y: Matrix, *, rounds: int = 50) -> tuple[Matrix, Matrix]:
    """(coefficients, standard errors) without intercept by Newton's method; NaN for columns that are all 0, and for all
    of them when nothing fits best (the answers can be told apart without fault)."""
    undefined = np.full(x.shape[1], np.nan)
    used = np.flatnonzero(np.abs(x).sum(axis=0) > 0) if len(y) else np.array([], dtype=int)
    if not len(used):
        return undefined, undefined
    part, w = x[:, used], np.zeros(len(used))
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(part @ w, -30, 30)))
        curve = part.T @ (part * (chance * (1 - chance))[:, None])
        if np.linalg.matrix_rank(curve) < len(used) or np.abs(w).max() > 1e3:
            return undefined, undefined
        step = np.linalg.solve(curve, part.T @ (y - chance))
        w = w + step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return undefined, undefined
    coefficients, errors = undefined.copy(), undefined.copy()
    coefficients[used], errors[used] = w, np.sqrt(np.diag(np.linalg.inv(curve)))
    return coefficients, errors
