"""Which labels occur how often: strategies, topics, reactions; and how evenly they are spread."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from psyloom.errors import UnknownName, UsageError
from psyloom.judging.metrics.texts import Dialogues, dialogues
from psyloom.knowledge import label_set as terms_of
from psyloom.knowledge import label_sets
from psyloom.records import Dialogue, Label, Speaker


def label_counts(
    given: Dialogues, label_set: str, *, side: Speaker | None = None, annotator: str | None = None
) -> Counter[str]:
    """How often each label of a set occurs, on turns, spans, sessions and dialogues alike.

    Args:    side: only labels on this speaker's turns; annotator: only labels that this one put there.
    Raises:  UsageError when there is no label at all; UnknownName, naming the sets seen, when none is of this set.
    """
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    for dialogue in dialogues(given):
        for label in labels_of(dialogue, side=side):
            seen.add(label.set)
            if label.set == label_set and annotator in (None, label.by):
                counts[label.id] += 1
    if not seen:
        raise UsageError("what was given carries no labels", do="annotate the dialogues first")
    if not counts:
        raise UnknownName("label set in these dialogues", label_set, seen)
    return counts


def labels_of(dialogue: Dialogue, *, side: Speaker | None = None) -> Iterator[Label]:
    """All labels of a dialogue; with ``side`` only those on this speaker's turns."""
    if side is None:
        yield from dialogue.labels
        yield from (label for session in dialogue.sessions for label in session.labels)
    yield from (label for turn in dialogue.turns if side in (None, turn.speaker) for label in turn.labels)


@dataclass(frozen=True)
class Occurrence:
    """How often one label of a set occurs: on how many dialogues of all, and how many labels there are of it."""

    label: str
    dialogues: int
    of: int
    labels: int

    @property
    def share(self) -> float:
        return self.dialogues / self.of


def occurrences(given: Dialogues, label_set: str, *, annotator: str | None = None) -> list[Occurrence]:
    """Every label of a set, those that never occur included, in the set's order; labels it does not know come last.

    Args:    annotator: only labels that this one put there.
    Raises:  UsageError for no dialogue.
    """
    on, counts, total = Counter[str](), Counter[str](), 0
    for dialogue in dialogues(given):
        total += 1
        found = [one.id for one in labels_of(dialogue) if one.set == label_set and annotator in (None, one.by)]
        counts.update(found)
        on.update(set(found))
    if not total:
        raise UsageError("there is no dialogue", do="give a file that holds some")
    known = terms_of(label_set).ids if label_set in label_sets() else ()
    return [Occurrence(id_, on[id_], total, counts[id_]) for id_ in dict.fromkeys((*known, *sorted(counts)))]


def label_distribution(
    given: Dialogues, label_set: str, *, side: Speaker | None = None, annotator: str | None = None
) -> dict[str, float]:
    """The share of each label among all labels of its set, the most frequent first: the strategy distribution.

    Returns: label -> (0, 1]; they sum to 1.
    Raises:  as ``label_counts``.
    """
    counts = label_counts(given, label_set, side=side, annotator=annotator)
    return {label: count / counts.total() for label, count in counts.most_common()}


def topic_entropy(given: Dialogues, label_set: str, *, variant: Literal["normalized", "smile"] = "normalized") -> float:
    """How varied the topics of a set of dialogues are: H = -sum p log2 p, in bits.

    A dialogue may carry several topics, each counted once. "normalized": p(x) = dialogues with x over all
    (dialogue, topic) pairs, so that p sums to 1 and H lies in [0, log2 of the number of topics]. "smile": p(x) =
    share of dialogues with x, which sums to more than 1; only this explains figures like the published 14.07 bits
    for 56 topics (a normalized p could reach 5.81 at most).

    Raises:  as ``label_counts``.
    Source:  SMILE, arXiv 2305.00450, topic diversity; Interactive Agents, arXiv 2408.15787.
    """
    counts: Counter[str] = Counter()
    total = 0
    for dialogue in dialogues(given):
        counts.update({label.id for label in labels_of(dialogue) if label.set == label_set})
        total += 1
    if not counts:
        raise UsageError(f"no dialogue carries a label of {label_set!r}", do="label the topics first")
    return entropy(count / (counts.total() if variant == "normalized" else total) for count in counts.values())


def entropy(shares: Iterable[float]) -> float:
    """-sum p log2 p over the given p, in bits; 0 or more for p in (0, 1]."""
    return -math.fsum(p * math.log2(p) for p in shares if p) or 0.0
