"""Predicted labels against the known ones: how often they agree, label by label, and what is taken for what."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from psyloom.errors import UsageError
from psyloom.judging.metrics.texts import Dialogues, dialogues
from psyloom.knowledge import label_set as terms_of
from psyloom.knowledge import label_sets
from psyloom.records import Label, Turn


@dataclass(frozen=True)
class Predictions:
    """confusion: (known, predicted) -> turns. missing: turns whose label is known and for which there is no prediction."""

    confusion: Counter[tuple[str, str]]
    missing: int

    @property
    def known(self) -> Counter[str]:
        return _added((known, count) for (known, _), count in self.confusion.items())

    @property
    def predicted(self) -> Counter[str]:
        return _added((said, count) for (_, said), count in self.confusion.items())

    @property
    def accuracy(self) -> float:
        """Share of predictions that are right, 0-1."""
        hits = sum(count for (known, said), count in self.confusion.items() if known == said)
        return hits / self.confusion.total()

    @property
    def f1(self) -> dict[str, float]:
        """Label -> F1, 0-1, for every label that is known or predicted somewhere."""
        known, said = self.known, self.predicted
        return {one: 2 * self.confusion[one, one] / (known[one] + said[one]) for one in sorted({*known, *said})}

    @property
    def macro_f1(self) -> float:
        """The plain mean of the labels' F1."""
        return sum(self.f1.values()) / len(self.f1)

    @property
    def weighted_f1(self) -> float:
        """The mean of the labels' F1, each as often as it is known."""
        return sum(self.f1[one] * count for one, count in self.known.items()) / self.confusion.total()


def predictions(given: Dialogues, label_set: str, by: str, *, truth: str | None = None) -> Predictions:
    """Compare two annotators' labels of a set, turn by turn; of several on a turn the first counts.

    Args:    by: who predicted. truth: whose labels are the known ones; None: the author's.
    Raises:  UsageError when no turn has both.
    """
    confusion: Counter[tuple[str, str]] = Counter()
    missing = 0
    for turn in (turn for dialogue in dialogues(given) for turn in dialogue.turns):
        known, said = (next(_of(turn, label_set, who), None) for who in (truth, by))
        if known and said:
            confusion[known, said] += 1
        missing += bool(known and not said)
    if not confusion:
        whose = f"of {truth}" if truth else "without an annotator"
        what = f"no turn has a label of {label_set!r} {whose} and one of {by!r}"
        raise UsageError(what, do="annotate the labelled dialogues first: psyloom annotate")
    return Predictions(confusion, missing)


def _of(turn: Turn, label_set: str, who: str | None) -> Iterator[str]:
    """Ids of a turn's labels; those of files in their own words are told by name or alias."""
    terms = terms_of(label_set) if label_set in label_sets() else None
    marks: list[Label] = [label for label in turn.labels if label.set == label_set and label.by == who]
    for label in marks:
        found = terms.find(label.id) if terms else None
        yield found.id if found else label.id


def _added(counts: Iterator[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in counts:
        found[name] += count
    return found
