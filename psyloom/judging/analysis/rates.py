"""Rates with their intervals: what follows what, and where in a session.

Source of the analyses: arXiv 2306.15334; intervals are ours: percentile bootstrap over sessions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap, interval
from psyloom.judging.analysis.sessions import Coded, Scheme
from psyloom.judging.metrics.lazy import Lazy
from psyloom.records import Speaker

if TYPE_CHECKING:
    import numpy as np

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "analyses")
stats = Lazy("scipy.stats", "the chi-square test")

STAGES = 5
ASIDE = (1, STAGES)  # much of what begins and ends a session is greeting and arrangement


@dataclass(frozen=True)
class Rates:
    """How often each column was seen in each row, of how many.

    rows, columns: ids. counts: (rows, columns) times seen; of: (rows, columns) how often it could have been.
    shares: counts / of with their intervals, undefined where ``of`` is 0.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Matrix
    of: Matrix
    shares: tuple[tuple[Estimate, ...], ...]

    def share(self, row: str, column: str) -> Estimate:
        return self.shares[self.rows.index(row)][self.columns.index(column)]

    @property
    def p(self) -> float:
        """Chi-square test that all rows have the same distribution; NaN when fewer than two rows or columns hold any."""
        kept = self.counts[self.counts.sum(axis=1) > 0][:, self.counts.sum(axis=0) > 0]
        return float(stats.chi2_contingency(kept).pvalue) if min(kept.shape) > 1 else math.nan


def next_behavior(sessions: Sequence[Coded], *, resamples: int = 1000, seed: int = 0) -> Rates:
    """P(the client's next behavior | strategy): each strategy of a move with the first behavior of the move after it.

    How a message with several sentences is counted is not stated in the paper; this is our default.
    """
    return _following(sessions, lambda scheme, who: scheme.ids(who), lambda scheme, who, id_: id_, resamples, seed)


def next_reaction(sessions: Sequence[Coded], *, resamples: int = 1000, seed: int = 0) -> Rates:
    """Like `next_behavior`, by groups: P(reaction | intention)."""
    return _following(sessions, Scheme.groups, Scheme.group, resamples, seed)


def _following(
    sessions: Sequence[Coded],
    names: Callable[[Scheme, Speaker], tuple[str, ...]],
    name: Callable[[Scheme, Speaker, str], str],
    resamples: int,
    seed: int,
) -> Rates:
    scheme = _scheme(sessions)
    rows, columns = names(scheme, "counselor"), names(scheme, "client")

    def count(session: Coded, table: Matrix) -> None:
        for move, answer in session.answered():
            seen = columns.index(name(scheme, "client", answer.labels[0]))
            for strategy in move.labels:
                table[rows.index(name(scheme, "counselor", strategy)), seen] += 1

    counts = _tables(sessions, (len(rows), len(columns)), count)
    return _rates(rows, columns, counts, counts.sum(axis=2, keepdims=True) + 0 * counts, resamples, seed)


def transitions(sessions: Sequence[Coded], *, resamples: int = 1000, seed: int = 0) -> Rates:
    """P(the counselor's next strategy | strategy), sentence by sentence, whatever the client says between them."""
    ids = _scheme(sessions).ids("counselor")

    def count(session: Coded, table: Matrix) -> None:
        said = session.labels("counselor")
        for one, other in pairwise(said):
            table[ids.index(one), ids.index(other)] += 1

    counts = _tables(sessions, (len(ids), len(ids)), count)
    return _rates(ids, ids, counts, counts.sum(axis=2, keepdims=True) + 0 * counts, resamples, seed)


IN_STAGES = ("challenging", "extending", "defending")


def stages(sessions: Sequence[Coded], *, resamples: int = 1000, seed: int = 0) -> Rates:
    """Five equal parts of each session: "1" to "5"; parts 1 and 5 (`ASIDE`) are shown and set aside in comparisons.

    Columns: challenging among the counselor's sentences; extending, and defending, among the client's behaviors in
    the moves right after a challenging one.
    """
    counts, of = _in_stages(sessions)
    return _rates(tuple(map(str, range(1, STAGES + 1))), IN_STAGES, counts, of, resamples, seed)


def early_late(sessions: Sequence[Coded], *, resamples: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Column of `stages` -> its share in part 4 minus its share in part 2, the last and first that are not set aside."""
    counts, of = _in_stages(sessions)
    early, late = ASIDE[0], ASIDE[1] - 2  # places from 0

    def difference(column: int, rows: Matrix) -> float:
        with np.errstate(invalid="ignore", divide="ignore"):
            share = counts[rows, :, column].sum(axis=0) / of[rows, :, column].sum(axis=0)
        return float(share[late] - share[early])

    return {
        name: bootstrap(partial(difference, column), len(sessions), resamples=resamples, seed=seed)
        for column, name in enumerate(IN_STAGES)
    }


def _in_stages(sessions: Sequence[Coded]) -> tuple[Matrix, Matrix]:
    """(sessions, stages, columns): times seen, and times it could have been seen."""
    scheme = _scheme(sessions)

    def count(session: Coded, table: Matrix, *, seen: bool) -> None:
        for at, move in enumerate(session.moves):
            stage = stage_of(at, len(session.moves)) - 1
            before = session.moves[at - 1] if at else None
            if move.speaker == "counselor":
                groups = [scheme.group("counselor", label) for label in move.labels]
                table[stage, 0] += groups.count("challenging") if seen else len(groups)
            elif before and before.labels and session.intention(before) == "challenging":
                for column in (1, 2):
                    table[stage, column] += move.labels.count(IN_STAGES[column]) if seen else len(move.labels)

    shape = (STAGES, len(IN_STAGES))
    counts, of = (_tables(sessions, shape, partial(count, seen=seen)) for seen in (True, False))
    return counts, of


def stage_of(at: int, length: int) -> int:
    """In which fifth of ``length`` moves the move ``at`` lies, 1 to 5."""
    return at * STAGES // length + 1


def distances(rates: Rates, groups: Sequence[str]) -> dict[str, dict[str, float]]:
    """Row -> group -> mean Euclidean distance of the row's shares to those of the group's other rows.

    groups: of each row. Rows that were never seen are left out.
    """
    shares = {row: np.array([one.value for one in given]) for row, given in zip(rates.rows, rates.shares, strict=True)}
    kept = {row: group for row, group in zip(rates.rows, groups, strict=True) if not np.isnan(shares[row]).any()}
    found: dict[str, dict[str, float]] = {}
    for row in kept:
        for group in dict.fromkeys(kept.values()):
            others = [other for other, own in kept.items() if own == group and other != row]
            away = [float(np.linalg.norm(shares[row] - shares[other])) for other in others]
            found.setdefault(row, {})[group] = sum(away) / len(away) if away else math.nan
    return found


def _scheme(sessions: Sequence[Coded]) -> Scheme:
    if not sessions:
        raise UsageError("there are no labelled sessions", do="annotate the dialogues first")
    return sessions[0].scheme


def _tables(sessions: Sequence[Coded], shape: tuple[int, int], count: Callable[[Coded, Matrix], None]) -> Matrix:
    """(sessions, rows, columns): what ``count`` adds up in each session."""
    tables = np.zeros((len(sessions), *shape))
    for session, table in zip(sessions, tables, strict=True):
        count(session, table)
    return tables


def _rates(
    rows: tuple[str, ...], columns: tuple[str, ...], counts: Matrix, of: Matrix, resamples: int, seed: int
) -> Rates:
    """Shares of all sessions together, with intervals over sessions drawn anew."""
    number, shape = len(counts), counts.shape[1:]
    flat, whole = counts.reshape(number, -1), of.reshape(number, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = (flat.sum(axis=0) / whole.sum(axis=0)).reshape(shape)
        # Drawing sessions anew is drawing how often each counts from a multinomial.
        times = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), size=resamples)
        drawn = ((times @ flat) / (times @ whole)).reshape(resamples, *shape)
    shares = tuple(
        tuple(_estimate(float(values[r, c]), drawn[:, r, c], number) for c in range(shape[1])) for r in range(shape[0])
    )
    return Rates(rows, columns, counts.sum(axis=0), of.sum(axis=0), shares)


def _estimate(value: float, drawn: Matrix, number: int) -> Estimate:
    return Estimate(value, *interval(drawn)) if number > 1 and len(drawn) and not math.isnan(value) else Estimate(value)
