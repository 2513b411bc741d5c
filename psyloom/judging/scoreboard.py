"""A scoreboard: several counselors on the same cases, measure by measure, each with its interval.

Because all of them met the same clients, they are also compared case by case, which tells them apart sooner than two
intervals side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, interval
from psyloom.judging.agreement.table import rater_name
from psyloom.judging.compare import FEW
from psyloom.judging.diagnosis import ranked_in, top_k
from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.ranking import Match
from psyloom.judging.results import gather
from psyloom.judging.rubric import Scores, score
from psyloom.knowledge.instruments import Instrument
from psyloom.records import Case, Lang, Rating

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazy("numpy", "intervals of scores")

Values = Mapping[str, Mapping[str, float]]
"""Counselor -> dialogue -> value."""
TOP = (1, 3, 5)


@dataclass(frozen=True)
class Measure:
    """One thing measured of every dialogue.

    low, high: ends of its scale, None where it has none or where its high end is not the good one; change: the value after the dialogue less the one before.
    values: the mean over judges; by_judge: what each of several judges gave, as a mean over dialogues.
    """

    instrument: str
    id: str
    title: str
    low: float | None
    high: float | None
    change: bool
    values: Values
    by_judge: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """A counselor's score: the mean over n dialogues with its interval, and over those cases that the first counselor
    has too the mean difference from it. few: too few dialogues to rely on the interval.
    """

    mean: Estimate
    n: int
    difference: Estimate | None
    few: bool


def measures(
    ratings: Mapping[str, Sequence[Rating]],
    instrument: Instrument,
    cases: Mapping[str, Case] | None = None,
    lang: Lang = "en",
) -> list[Measure]:
    """What an instrument says of every counselor's dialogues.

    Its scores (subscales, ratios, total), or its items where it has none; of a decision tree, for each outcome, whether
    it came about; of a ranked list whether a diagnosis of the case is among the first k. Samples, judges, turns and
    sessions are averaged within a dialogue.

    Args:    ratings: counselor -> its ratings; cases: dialogue -> its case, for a ranked list.
    Raises:  UsageError as `results.gather` and `rubric.check`.
    """
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = defaultdict(lambda: defaultdict(dict))
    for counselor, own in ratings.items():
        for rater, dialogues in _scored(own, instrument, cases or {}).items():
            for dialogue, values in dialogues.items():
                for name, value in values.items():
                    found[name].setdefault(counselor, defaultdict(dict))[dialogue][rater] = value
    outcomes = [name for name in found if ": " in name]
    for name in outcomes:  # an outcome that did not come about is a 0, not a gap
        _fill(found, name, outcomes)
    order = _order(instrument)
    return [
        _measure(name, instrument, found[name], lang)
        for name in sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))
    ]


def _scored(
    ratings: Sequence[Rating], instrument: Instrument, cases: Mapping[str, Case]
) -> dict[str, dict[str, dict[str, float]]]:
    """Rater -> dialogue -> name -> value."""
    cells: dict[tuple[str, str], dict[str | None, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for samples in gather(ratings, instrument):
        one = samples[0]
        cell = cells[rater_name(one.rater), one.subject.dialogue]
        cell[one.subject.moment].append(_one(samples, instrument, cases))
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (rater, dialogue), moments in cells.items():
        means = {moment: _means(each) for moment, each in moments.items()}
        if not instrument.moments:
            found[rater][dialogue] = means[None]
        elif {"before", "after"} <= set(means):
            first, last = means["before"], means["after"]
            found[rater][dialogue] = {name: last[name] - first[name] for name in first if name in last}
    return found


def _one(samples: Sequence[Rating], instrument: Instrument, cases: Mapping[str, Case]) -> dict[str, float]:
    if any(item.kind == "ranked" for item in instrument.items):
        return _hits(samples, cases.get(samples[0].subject.dialogue))
    scores: Scores = score(samples, instrument)
    if instrument.dimensions:
        return {f"{dimension}: {outcome}": 1.0 for dimension, outcome in scores.outcomes.items()}
    kept = scores.values if _scores_of(instrument) else scores.items
    return dict(kept)


def _hits(samples: Sequence[Rating], case: Case | None) -> dict[str, float]:
    truth = case.clinical.diagnoses if case and case.clinical else []
    usable = [rating for rating in samples if not any(part.failure for part in rating.items)]
    hits = [top_k(ranked_in(rating), truth, TOP) for rating in usable] if truth else []
    return {f"top {k}": fmean(hit[k] for hit in hits) for k in TOP if hits}


def _means(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in each for name in one)
    return {name: fmean(one[name] for one in each if name in one) for name in names}


def _fill(found: dict[str, dict[str, dict[str, dict[str, float]]]], name: str, outcomes: Sequence[str]) -> None:
    dimension = name.partition(": ")[0]
    for other in outcomes:
        if other.partition(": ")[0] == dimension:
            for counselor, dialogues in list(found[other].items()):
                for dialogue, raters in dialogues.items():
                    for rater in raters:
                        found[name].setdefault(counselor, defaultdict(dict))[dialogue].setdefault(rater, 0.0)


def _scores_of(instrument: Instrument) -> list[str]:
    names = [one.id for one in (*instrument.subscales, *instrument.ratios)]
    return [*names, "total"] if instrument.total else names


def _order(instrument: Instrument) -> list[str]:
    return _scores_of(instrument) or [item.id for item in instrument.items]


def _measure(
    name: str, instrument: Instrument, found: Mapping[str, Mapping[str, Mapping[str, float]]], lang: Lang
) -> Measure:
    low, high = _range(name, instrument)
    values = {who: {d: fmean(raters.values()) for d, raters in each.items()} for who, each in found.items()}
    judges = sorted({rater for each in found.values() for raters in each.values() for rater in raters})
    by_judge = {
        judge: {
            who: fmean(given)
            for who, each in found.items()
            if (given := [raters[judge] for raters in each.values() if judge in raters])
        }
        for judge in judges
        if len(judges) > 1
    }
    title = f"{instrument.title(lang, 'model')}: {_name(name, instrument, lang)}"
    return Measure(instrument.id, name, title, low, high, instrument.moments, values, by_judge)


def _name(name: str, instrument: Instrument, lang: Lang) -> str:
    named = (*instrument.subscales, *instrument.ratios, *instrument.items)
    plain = next((one.name(lang) for one in named if one.id == name), name)
    change = {"en": ", change", "zh": "，变化"}[lang] if instrument.moments else ""
    return plain + change


def _range(name: str, instrument: Instrument) -> tuple[float | None, float | None]:
    """The ends of a score's scale, where its high end is the good one: of changes, outcomes, faults there are none."""
    if instrument.moments or instrument.dimensions or any(one.id == name for one in instrument.ratios):
        return None, None
    if name.startswith("top "):
        return 0.0, 1.0
    ids = {item.id for item in instrument.items} if name == "total" else {name}
    aggregate = instrument.total if name == "total" else None
    for subscale in instrument.subscales:
        if subscale.id == name:
            ids, aggregate = set(subscale.items), subscale.aggregate
    items = [item for item in instrument.items if item.id in ids]
    if not items or any(item.kind in ("count", "span") or (item.reverse and item.id == name) for item in items):
        return None, None
    ends = [(item.low, item.high) if item.scaled else (0.0, 1.0) for item in items]
    times = len(ends) if aggregate == "sum" else 1
    return fmean(low for low, _ in ends) * times, fmean(high for _, high in ends) * times


def preferred(matches: Iterable[Match], title: str, aspect: str) -> Measure:
    """The share of comparisons won, by counselor and case, as a measure like any other."""
    given: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for match in matches:
        given[match.a][match.unit].append(match.score)
        given[match.b][match.unit].append(1 - match.score)
    values = {who: {case: fmean(each) for case, each in cases.items()} for who, cases in given.items()}
    return Measure("preference", aspect, title, 0.0, 1.0, False, values)


def board(
    measure: Measure, counselors: Sequence[str], *, only: Iterable[str] | None = None, resamples: int = 1000, seed: int = 0
) -> dict[str, Cell]:  # fmt: skip
    """Every counselor's score; one without any value is not in it.

    Args:    counselors: in order, the first is what the others are compared with; only: dialogues that count.
    Raises:  UsageError for no counselor.
    """
    if not counselors:
        raise UsageError("there is no counselor to score", do="name at least one")
    kept = None if only is None else set(only)
    values = {who: {d: v for d, v in measure.values.get(who, {}).items() if kept is None or d in kept} for who in counselors}  # fmt: skip
    first = values[counselors[0]]
    found: dict[str, Cell] = {}
    for who, own in values.items():
        if own:
            both = [own[d] - first[d] for d in own if d in first]
            difference = mean_of(both, resamples, seed) if who != counselors[0] and both else None
            found[who] = Cell(mean_of([*own.values()], resamples, seed), len(own), difference, len(own) < FEW)
    return found


def mean_of(values: Sequence[float], resamples: int = 1000, seed: int = 0) -> Estimate:
    """A mean with its 95 % percentile interval; none for a single value. Same seed, same interval."""
    given = np.array(values, dtype=np.float64)
    if len(given) < 2 or not resamples:
        return Estimate(float(given.mean()))
    drawn = given[np.random.default_rng(seed).integers(len(given), size=(resamples, len(given)))].mean(axis=1)
    return Estimate(float(given.mean()), *interval(drawn))


def groups(cases: Iterable[Case], paths: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Path of a case attribute -> its value -> ids of the cases that have it; attributes that do not vary are left out.

    A list counts by its first entry. Cases without a value are in no group.
    """
    found: dict[str, dict[str, list[str]]] = {path: {} for path in paths}
    for case in cases:
        for path in paths:
            value = case.get(path)
            value = value[0] if isinstance(value, list) and value else value
            if value not in (None, "", [], {}):
                found[path].setdefault(str(value), []).append(case.id)
    return {path: values for path, values in found.items() if len(values) > 1}
