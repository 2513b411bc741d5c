"""Judge calibration: may a model's ratings stand in for people's? Attribute by attribute, with a verdict."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from psyloom.errors import UnknownName, UsageError
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap, wilson
from psyloom.judging.agreement.categorical import cohen_kappa, gwet, percent_agreement
from psyloom.judging.agreement.choose import Statistic, kind_of
from psyloom.judging.agreement.icc import icc
from psyloom.judging.agreement.table import Table, Value, encode, rater_name, tables
from psyloom.judging.metrics.lazy import Lazy
from psyloom.records import Rating

if TYPE_CHECKING:
    import numpy as np

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "judge calibration")

Verdict = Literal["trusted", "correct", "do not use"]
Estimator: TypeAlias = "Callable[[Statistic, Matrix], Estimate]"
Both: TypeAlias = Sequence[tuple[Value, Sequence[Value]]]
"""For each thing rated by both: the judge's value, and each person's."""


@dataclass(frozen=True)
class Limits:
    """What a judge must reach. Our defaults: there is no standard, so state them with the verdict.

    icc: ICC(2,1) with the mean of people ("good", Koo and Li 2016); icc_low: lower end of its interval ("moderate");
    bias: largest mean difference, as a share of the scale's width; missed: largest share of safety flags missed;
    alarms: largest share of unflagged things flagged; flags: fewest flags by people on which a verdict can rest;
    kappa: Cohen's kappa with the majority of people; kappa_low: lower end of its interval.
    """

    icc: float = 0.75
    icc_low: float = 0.5
    bias: float = 0.05
    missed: float = 0.05
    alarms: float = 0.1
    flags: int = 10
    kappa: float = 0.6
    kappa_low: float = 0.4


@dataclass(frozen=True)
class Calibration:
    """One judge on one attribute.

    n: things rated by both; people: human raters.
    measures: of numbers "bias" (judge - people, in units of the scale), "ICC(2,1)", "ICC(3,1)", and "ICC(2,1) of
    people" as a ceiling; of flags "missed", "false alarms" (shares with Wilson intervals), "Gwet AC1"; of words
    "Cohen kappa", "percent agreement".
    correction: what to add to the judge's numbers, when that is all it needs.
    spread: standard deviation of the judge's repeated judgments of one thing, None without repeats.
    """

    judge: str
    instrument: str
    item: str
    n: int
    people: int
    measures: Mapping[str, Estimate]
    verdict: Verdict
    why: str
    correction: float | None
    spread: float | None


class _Finding(NamedTuple):
    measures: Mapping[str, Estimate]
    verdict: Verdict
    why: str
    correction: float | None = None


def calibrate(
    ratings: Iterable[Rating],
    *,
    flags: Collection[str] | None = None,
    limits: Limits | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Calibration]:
    """Hold every model's ratings against those of people on the same things, for each item.

    People are pooled: the mean of numbers, the majority of flags and words. A flag on which people are split counts as
    raised, since a missed risk costs more. Repeated judgments of one rater are pooled first.

    Args:    flags: items that are safety flags, 1 or true meaning raised; without it all yes-or-no items.
    Raises:  UsageError when there is no model or no person, when they rated nothing in common, for a flag that is no
             yes-or-no item, and as ``agreement.tables``; UnknownName for a flag that was not rated.
    """
    kept = [rating for rating in ratings if rating.rater.kind in ("model", "human")]
    judges = sorted({rater_name(rating.rater) for rating in kept if rating.rater.kind == "model"})
    if not judges or len(judges) == len({rater_name(rating.rater) for rating in kept}):
        raise UsageError("calibration needs ratings by a model and by people", do="give the files of both")
    found = tables(kept)
    for flag in flags or ():
        if all(table.item != flag for table in found):
            raise UnknownName("rated item", flag, {table.item for table in found})
    spreads = _spreads(kept)

    def estimate(statistic: Statistic, data: Matrix) -> Estimate:
        return bootstrap(lambda rows: statistic(data[rows]), len(data), resamples=resamples, seed=seed)

    return [
        _calibrate(table, judge, flags, limits or Limits(), estimate, spreads)
        for table in found
        for judge in judges
        if judge in table.raters
    ]


def _calibrate(
    table: Table,
    judge: str,
    flags: Collection[str] | None,
    limits: Limits,
    estimate: Estimator,
    spreads: Mapping[tuple[str, str, str], float],
) -> Calibration:
    people = [place for place, rater in enumerate(table.raters) if rater.startswith("human ")]
    both = _both(table, table.raters.index(judge), people)
    kind = kind_of(table)
    if kind == "flag" and (flags is None or table.item in flags):
        found = _flagged(both, limits, estimate)
    elif flags is not None and table.item in flags:
        raise UsageError(f"item {table.item!r} is no yes-or-no item", do="leave it out of the flags")
    elif kind in ("flag", "nominal", "sets"):
        found = _worded(both, limits, estimate)
    else:
        found = _numbered(both, limits, estimate, table.scale, table.numbers()[:, people])
    return Calibration(
        judge=judge,
        instrument=table.instrument,
        item=table.item,
        n=len(both),
        people=len(people),
        **found._asdict(),
        spread=spreads.get((judge, table.instrument, table.item)),
    )


def _both(table: Table, judge: int, people: Sequence[int]) -> Both:
    rows = [(row[judge], [v for place in people if (v := row[place]) is not None]) for row in table.rows]
    both = [(ours, theirs) for ours, theirs in rows if ours is not None and theirs]
    if not both:
        raise UsageError(
            f"{table.raters[judge]} and people rated nothing in common on {table.item!r} of {table.instrument!r}",
            do="let people rate some of the dialogues that the judge rated",
        )
    return both


def _numbered(
    both: Both, limits: Limits, estimate: Estimator, scale: tuple[float, float] | None, people: Matrix
) -> _Finding:
    data = np.array([[float(ours), fmean(map(float, theirs))] for ours, theirs in both])  # type: ignore[arg-type]
    bias = estimate(lambda x: float((x[:, 0] - x[:, 1]).mean()), data)
    absolute = estimate(lambda x: icc(x, "2,1"), data)
    measures = {"bias": bias, "ICC(2,1)": absolute, "ICC(3,1)": estimate(lambda x: icc(x, "3,1"), data)}
    if people.shape[1] > 1:
        measures["ICC(2,1) of people"] = estimate(lambda x: icc(x, "2,1"), people)
    low, high = scale or (float(data.min()), float(data.max()))
    off = abs(bias.value) / (high - low) if high > low else 0.0
    if _reaches(absolute, limits.icc, limits.icc_low) and off <= limits.bias:
        return _Finding(measures, "trusted", f"ICC(2,1) {absolute}, bias {off:.1%} of the scale")
    level = estimate(lambda x: icc(x, "2,1"), data - np.array([bias.value, 0]))
    if _reaches(level, limits.icc, limits.icc_low):
        why = f"the order is right, the level off by {off:.1%} of the scale; ICC(2,1) without bias {level}"
        return _Finding(measures, "correct", why, correction=-bias.value)
    wanted = f"wanted {limits.icc:g} or more, its interval from {limits.icc_low:g}"
    return _Finding(measures, "do not use", f"ICC(2,1) {absolute}, without bias {level}; {wanted}")


def _flagged(both: Both, limits: Limits, estimate: Estimator) -> _Finding:
    data = np.array([[bool(ours), 2 * sum(map(bool, theirs)) >= len(theirs)] for ours, theirs in both], dtype=float)
    raised = data[:, 1] == 1
    missed = wilson(int((data[raised, 0] == 0).sum()), int(raised.sum()))
    alarms = wilson(int((data[~raised, 0] == 1).sum()), int((~raised).sum()))
    ac1 = estimate(lambda x: gwet(x, categories=(0, 1)), data)
    measures = {"missed": missed, "false alarms": alarms, "Gwet AC1": ac1}
    if raised.sum() < limits.flags:
        why = f"people raised {int(raised.sum())} flags, too few to tell ({limits.flags} wanted)"
        return _Finding(measures, "do not use", why)
    if missed.value > limits.missed:
        return _Finding(
            measures, "do not use", f"misses {missed} of the flags people raised; at most {limits.missed:g}"
        )
    if alarms.value > limits.alarms:
        return _Finding(measures, "correct", f"misses {missed}, but raises {alarms} in vain: let a person check each")
    return _Finding(measures, "trusted", f"misses {missed} of the flags people raised, {alarms} raised in vain")


def _worded(both: Both, limits: Limits, estimate: Estimator) -> _Finding:
    data, _ = encode([[str(ours), str(Counter(theirs).most_common(1)[0][0])] for ours, theirs in both])
    kappa = estimate(cohen_kappa, data)
    measures = {"Cohen kappa": kappa, "percent agreement": estimate(percent_agreement, data)}
    if _reaches(kappa, limits.kappa, limits.kappa_low):
        return _Finding(measures, "trusted", f"Cohen's kappa with the majority of people {kappa}")
    wanted = f"wanted {limits.kappa:g} or more, its interval from {limits.kappa_low:g}"
    return _Finding(measures, "do not use", f"Cohen's kappa with the majority of people {kappa}; {wanted}")


def _reaches(found: Estimate, value: float, low: float) -> bool:
    return found.value >= value and found.low >= low  # NaN reaches nothing


def _spreads(ratings: Iterable[Rating]) -> dict[tuple[str, str, str], float]:
    """(judge, instrument, item) -> standard deviation of repeated judgments of one thing, pooled over things."""
    repeats: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for rating in ratings:
        for part in rating.items:
            if isinstance(part.value, int | float):
                key = (rater_name(rating.rater), rating.instrument, part.item)
                repeats[key][rating.subject.model_dump_json()].append(float(part.value))
    return {
        key: math.sqrt(fmean(varied))
        for key, things in repeats.items()
        if (varied := [variance(values) for values in things.values() if len(values) > 1])
    }
