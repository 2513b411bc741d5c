"""Scores by group of clients as deviations from their mean: does a counselor keep its level with those who resist?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from psyloom.errors import UsageError
from psyloom.judging.results import results
from psyloom.knowledge.instruments import Instrument
from psyloom.records import Rating


@dataclass(frozen=True)
class Deviation:
    """One score by one rater. ``scores``: group -> its mean over dialogues, in the order in which groups first occur."""

    rater: str
    score: str
    scores: Mapping[str, float]

    @property
    def mean(self) -> float:
        """The plain mean over groups, so that deviations sum to 0 whatever the groups' sizes."""
        return fmean(self.scores.values())

    def of(self, group: str) -> float | None:
        """(score of the group - mean) / mean; None where the mean is 0."""
        return (self.scores[group] - self.mean) / self.mean if self.mean else None


def deviations(ratings: Iterable[Rating], instrument: Instrument, by: str = "attitude") -> list[Deviation]:
    """Subscales, total and items, for each rater and moment.

    Args:    by: a word of the ratings' ``extra`` that names their group.
    Raises:  UsageError for a rating without a group, for fewer than two groups, and as `results`.
    Source:  CATCH, arXiv 2509.25733, performance by client attitude.
    """
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for one in results(ratings, instrument, by):
        if not one.group:
            raise UsageError(f"some ratings do not say their {by}", do="their dialogues' cases must have it")
        rater = f"{one.rater}, {one.moment}" if one.moment else one.rater
        for name, value in (*one.values.items(), *one.items.items()):
            found[rater][name][one.group] = value
    told = [Deviation(rater, name, groups) for rater, scores in found.items() for name, groups in scores.items()]
    if any(len(one.scores) < 2 for one in told):
        raise UsageError(f"there is only one {by}", do="rate dialogues of clients that differ in it")
    return told
