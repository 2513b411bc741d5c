"""Results: many ratings with one instrument, brought together by rater and group. Means go up in steps: samples of one
judgment, then turns or sessions of one dialogue, then dialogues, so that a long dialogue counts no more than a short one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from psyloom.errors import UsageError
from psyloom.judging.agreement.table import check_instruments, rater_name, unit_name
from psyloom.judging.rubric import Scores, score, values_of
from psyloom.knowledge.instruments import Instrument
from psyloom.records import Diagnosis, Lang, Rating


@dataclass(frozen=True)
class Result:
    """What one rater found in one group of dialogues.

    items, values: means over dialogues, as in `Scores`; counts: the same names -> how many dialogues have a value.
    outcomes: of a decision tree: dimension -> outcome -> how often. alarms: alarm -> subjects in which it rang.
    asked, failed: single judgments; a failed one is in no mean.
    """

    title: str
    rater: str
    moment: str | None
    group: str
    dialogues: int
    items: Mapping[str, float]
    values: Mapping[str, float]
    counts: Mapping[str, int]
    outcomes: Mapping[str, Mapping[str, int]]
    alarms: Mapping[str, int]
    asked: int
    failed: int


def results(ratings: Iterable[Rating], instrument: Instrument, by: str = "", lang: Lang = "en") -> list[Result]:
    """Means by rater, moment and group.

    Args:    by: a word of the ratings' ``extra`` that names their group, e.g. "attitude" or "topic"; "": one group.
    Raises:  UsageError for no rating with the instrument, two versions or scales of it, a sample given twice, and as
             `rubric.check`.
    """
    cells: dict[tuple[str, str | None, str], list[Scores]] = defaultdict(list)
    for samples in gather(ratings, instrument):
        first = samples[0]
        group = str(first.extra.get(by, "")) if by else ""
        cells[rater_name(first.rater), first.subject.moment, group].append(score(samples, instrument, lang))
    return [_result(*key, scores) for key, scores in cells.items()]


def gather(ratings: Iterable[Rating], instrument: Instrument) -> list[list[Rating]]:
    """The samples of each rater on each subject together, in the order they first occur."""
    kept = [rating for rating in ratings if rating.instrument == instrument.id]
    if not kept:
        raise UsageError(f"there are no ratings with {instrument.id!r}", do="rate some dialogues with it first")
    check_instruments(kept)
    groups: dict[tuple[str, str], dict[int, Rating]] = defaultdict(dict)
    for rating in kept:
        known = groups[unit_name(rating.subject), rater_name(rating.rater)]
        if rating.sample in known:
            what = f"{rater_name(rating.rater)} rated {unit_name(rating.subject)} twice as sample {rating.sample}"
            raise UsageError(what, do="drop one, or number them as samples")
        known[rating.sample] = rating
    return [[samples[n] for n in sorted(samples)] for samples in groups.values()]


def _result(rater: str, moment: str | None, group: str, scores: Sequence[Scores]) -> Result:
    dialogues: dict[str, list[Scores]] = defaultdict(list)
    for one in scores:
        dialogues[one.subject.dialogue].append(one)
    items = _by_dialogue([[one.items for one in each] for each in dialogues.values()])
    values = _by_dialogue([[one.values for one in each] for each in dialogues.values()])
    return Result(
        title=scores[0].title,
        rater=rater,
        moment=moment,
        group=group,
        dialogues=len(dialogues),
        items={name: fmean(found) for name, found in items.items()},
        values={name: fmean(found) for name, found in values.items()},
        counts={name: len(found) for name, found in (items | values).items()},
        outcomes=_counted(one.outcomes for one in scores),
        alarms={name: n for name, each in _counted(one.alarms for one in scores).items() for n in each.values()},
        asked=sum(one.asked for one in scores),
        failed=sum(one.failed for one in scores),
    )


def _by_dialogue(dialogues: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, list[float]]:
    """name -> its mean in each dialogue that has it."""
    found: dict[str, list[float]] = defaultdict(list)
    for subjects in dialogues:
        for name in dict.fromkeys(name for subject in subjects for name in subject):
            found[name].append(fmean(subject[name] for subject in subjects if name in subject))
    return found


def _counted(each: Iterable[Mapping[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in each:
        for name, word in one.items():
            found[name][word] += 1
    return {name: dict(words) for name, words in found.items()}


def macro(each: Sequence[Result]) -> dict[str, float]:
    """The plain mean over groups of every item and score, as CPsyCounE's total over nine topics.

    Raises:  UsageError for no result, and for results of several raters or moments.
    """
    if len({(one.rater, one.moment) for one in each}) != 1:
        raise UsageError("a mean over groups needs the results of one rater and one moment", do="pick them first")
    whole = _mean(each)
    return {**whole.items, **whole.values}


def together(each: Sequence[Result], over: Literal["rater", "group"]) -> list[Result]:
    """The plain mean over raters, as papers that use two judges take it, or over groups, whatever their size.

    Returns: one result for each moment and group (rater); none where only one rater (group) is there.
    """
    rest = "group" if over == "rater" else "rater"
    cells: dict[tuple[str | None, str], list[Result]] = defaultdict(list)
    for one in each:
        cells[one.moment, getattr(one, rest)].append(one)
    several = [found for found in cells.values() if len(found) > 1]
    if over == "group":
        return [replace(_mean(found), group=f"mean of {len(found)} groups") for found in several]
    # Judges rate the same dialogues, groups hold different ones.
    return [replace(_mean(found, max), rater=f"mean of {len(found)} judges") for found in several]


def _mean(each: Sequence[Result], size: Callable[[Iterable[int]], int] = sum) -> Result:
    """One result for several of the same instrument: means of means; ``size``: of how many dialogues, given of each."""

    def mean(of: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return {name: fmean(one[name] for one in of if name in one) for name in _names(of)}

    def added(of: Sequence[Mapping[str, int]], how: Callable[[Iterable[int]], int] = sum) -> dict[str, int]:
        return {name: how([one.get(name, 0) for one in of]) for name in _names(of)}

    return replace(
        each[0],
        dialogues=size([one.dialogues for one in each]),
        items=mean([one.items for one in each]),
        values=mean([one.values for one in each]),
        counts=added([one.counts for one in each], size),
        outcomes={
            name: added([one.outcomes.get(name, {}) for one in each]) for name in _names([o.outcomes for o in each])
        },
        alarms=added([one.alarms for one in each]),
        asked=sum(one.asked for one in each),
        failed=sum(one.failed for one in each),
    )


def _names(each: Sequence[Mapping[str, object]]) -> Iterable[str]:
    return dict.fromkeys(name for one in each for name in one)


@dataclass(frozen=True)
class Change:
    """How scores moved from before to after: name -> mean before, mean after, and their difference."""

    title: str
    rater: str
    group: str
    dialogues: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    change: Mapping[str, float]


def change(ratings: Iterable[Rating], instrument: Instrument, by: str = "", lang: Lang = "en") -> list[Change]:
    """The change of every score by rater and group, e.g. dPA and dNA of PANAS for each client attitude.

    Formula: item mean m(f, t) over dialogues; score(t) from the item means; score(after) - score(before). Source:
    CounselingEval, arXiv 2407.03103.
    Raises:  UsageError when a dialogue lacks its rating before or after, and as ``results``.
    """
    found = [one for samples in gather(ratings, instrument) for one in samples]
    _check_pairs(found, instrument)
    cells: dict[tuple[str, str], dict[str | None, Result]] = defaultdict(dict)
    for one in results(found, instrument, by, lang):
        cells[one.rater, one.group][one.moment] = one
    return [_change(pair["before"], pair["after"], instrument) for pair in cells.values()]


def _check_pairs(ratings: Iterable[Rating], instrument: Instrument) -> None:
    moments: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    for rating in ratings:
        moments[rater_name(rating.rater), rating.subject.dialogue].add(rating.subject.moment)
    for (rater, dialogue), known in moments.items():
        if lacking := sorted({"before", "after"} - known):
            raise UsageError(
                f"{rater} gave {dialogue!r} no {instrument.id} rating {' and '.join(lacking)} the dialogue",
                do="a change needs both; rate again, or leave that dialogue out",
            )


def _change(first: Result, last: Result, instrument: Instrument) -> Change:
    before, after = values_of(first.items, instrument), values_of(last.items, instrument)
    moved = {name: after[name] - before[name] for name in before if name in after}
    return Change(last.title, last.rater, last.group, last.dialogues, before, after, moved)


def top_k(rating: Rating, truth: Iterable[Diagnosis], ks: Sequence[int] = (1, 3, 5, 10)) -> dict[int, bool]:
    """Is a true diagnosis among the first k of a ranked list? Codes agree when their stems do: F32 and F32.1.

    Raises:  UsageError when no true diagnosis has a code.
    """
    stems = {_stem(diagnosis.code) for diagnosis in truth if diagnosis.code}
    if not stems:
        raise UsageError(f"no true diagnosis of {rating.subject.dialogue!r} has a code", do="give the case one")
    hits = [_stem(str(part.value)) in stems for part in rating.items if part.value is not None]
    return {k: any(hits[:k]) for k in ks}


def _stem(code: str) -> str:
    return code.strip().upper().split(" ")[0].split(".")[0]
