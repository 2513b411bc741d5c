"""Two files of dialogues side by side, synthetic against real: each difference with its size and interval."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, wilson
from psyloom.judging.agreement.effects import cliffs_delta, divergence, size_of
from psyloom.judging.metrics.diversity import expectation_adjusted
from psyloom.judging.metrics.duplicates import clusters, near_duplicates, shingles
from psyloom.judging.metrics.emotion import Valence, emotion_arc, valence
from psyloom.judging.metrics.labels import labels_of
from psyloom.judging.metrics.length import lengths, questions
from psyloom.judging.metrics.repetition import repetition
from psyloom.judging.metrics.texts import texts, whole
from psyloom.judging.metrics.tokens import Tokenizer, Unit, tokens
from psyloom.records import Dialogue, Speaker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Effect = Literal["Cliff's delta", "Jensen-Shannon", "share"]
GROUPS = ("length", "words", "labels", "questions", "repetition", "emotion", "copies")
SIDES: tuple[Speaker, ...] = ("client", "counselor")
BINS = 4
FEW = 20
"""With fewer dialogues than this a note says that intervals are unsure. Our default."""


@dataclass(frozen=True)
class Measure:
    """One thing compared.

    a, b: the mean over dialogues (None for distributions); n: how many dialogues of each could be measured;
    size: Cliff's delta of a against b [-1, 1], Jensen-Shannon divergence in bits [0, 1], or for copies between the
    files the share of A's dialogues; chance: the divergence that chance gives at most, 95 times in 100;
    reading: the conventional name of a delta, or whether a divergence is beyond chance.
    """

    group: str
    name: str
    a: float | None
    b: float | None
    n: tuple[int, int]
    effect: Effect
    size: Estimate
    chance: float | None
    reading: str


@dataclass(frozen=True)
class Comparison:
    """All measures, how many dialogues each file holds and how many were drawn, and what could not be compared."""

    measures: tuple[Measure, ...]
    dialogues: tuple[int, int]
    drawn: tuple[int, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Features:
    numbers: Mapping[tuple[str, str], float]
    words: Mapping[Speaker, Counter[str]]
    labels: Mapping[str, Counter[str]]
    shingles: NDArray[np.uint64]


def compare(
    a: Iterable[Dialogue],
    b: Iterable[Dialogue],
    *,
    by: Unit | Tokenizer = "words",
    valence: Valence = valence,
    duplicate: float = 0.8,
    sample: int = 5000,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two sets of dialogues by length, words, labels, questions, repetition, emotion and copies.

    Each dialogue is one observation, so long ones weigh no more than short ones. Message length is in characters.
    Emotion arcs leave out dialogues with fewer client messages than parts; their change is the last part less the
    first. Labels are compared for the sets that occur in both.

    Args:    valence: of the emotion arc; duplicate: shingle Jaccard of near-duplicates, 0.5 to 1; sample: at most
             this many dialogues of each are drawn, evenly over the file; seed: same seed, same result.
    Raises:  UsageError when either is empty or has no words; MissingExtra.
    """
    rng = random.Random(seed)
    (ours, all_ours), (theirs, all_theirs) = (_drawn(dialogues, sample, rng) for dialogues in (a, b))
    if not ours or not theirs:
        raise UsageError("there is nothing to compare", do="give two files with at least one dialogue each")
    cut = lru_cache(maxsize=10_000)(lambda text: tokens(text, by))  # each message is cut for several measures
    one, other = ([_features(dialogue, cut, valence) for dialogue in part] for part in (ours, theirs))
    labels, notes = _labels(one, other, seed)
    few = [
        f"{name} holds {len(p)} dialogues, too few to rely on"
        for name, p in zip("AB", (one, other), strict=True)
        if len(p) < FEW
    ]
    measures = [
        *_numbers(one, other, resamples, seed),
        *_lexical(one, other, resamples, seed),
        *labels,
        *_copies(one, other, duplicate, resamples, seed),
    ]
    ordered = tuple(sorted(measures, key=lambda measure: GROUPS.index(measure.group)))
    return Comparison(ordered, (all_ours, all_theirs), (len(ours), len(theirs)), (*few, *notes))


def _drawn(dialogues: Iterable[Dialogue], most: int, rng: random.Random) -> tuple[list[Dialogue], int]:
    """At most ``most`` dialogues, every one equally likely, in one pass (Vitter's algorithm R); and how many there are."""
    stream = iter(dialogues)
    kept = list(islice(stream, most))
    count = len(kept)
    for count, dialogue in enumerate(stream, len(kept) + 1):
        if (place := rng.randrange(count)) < most:
            kept[place] = dialogue
    return kept, count


def _features(dialogue: Dialogue, by: Tokenizer, valence: Valence) -> _Features:
    labels: dict[str, Counter[str]] = {}
    for label in labels_of(dialogue):
        labels.setdefault(label.set, Counter())[label.id] += 1
    return _Features(
        numbers=dict(_measured(dialogue, by, valence)),
        words={side: Counter(chain.from_iterable(map(by, texts(dialogue, side=side)))) for side in SIDES},
        labels=labels,
        shingles=shingles(whole(dialogue)[0]),
    )


def _measured(dialogue: Dialogue, by: Tokenizer, valence: Valence) -> Iterable[tuple[tuple[str, str], float]]:
    """The numbers of one dialogue; what it does not allow is left out."""
    total = lengths(dialogue, by=by)
    yield ("length", "messages"), total.messages
    yield ("length", "exchanges"), total.exchanges
    yield ("length", "sentences"), total.sentences
    for side in SIDES:
        own = lengths(dialogue, side=side, by=by)
        if own.messages:
            yield ("length", f"{side} message length"), own.characters_per_message
            yield ("questions", f"{side} messages that ask"), questions(dialogue, side=side).share_of_messages
        if side == "client" and total.characters:
            yield ("length", "client share of characters"), own.characters / total.characters
    if dialogue.sessions:
        for side in SIDES:
            repeated = repetition(dialogue, side=side, by=by)
            if repeated.messages:
                yield ("repetition", f"{side} exact repeats"), repeated.verbatim_share
                yield ("repetition", f"{side} near repeats"), repeated.near_share
    if sum(turn.speaker == "client" for turn in dialogue.turns) >= BINS:
        arc = emotion_arc(dialogue, bins=BINS, valence=valence)
        for part, felt in enumerate(arc, 1):
            yield ("emotion", f"client valence, part {part}/{BINS}"), felt
        yield ("emotion", "client valence, change"), arc[-1] - arc[0]


def _numbers(one: Sequence[_Features], other: Sequence[_Features], resamples: int, seed: int) -> Iterable[Measure]:
    for group, name in dict.fromkeys(key for features in (*one, *other) for key in features.numbers):
        a, b = ([f.numbers[group, name] for f in part if (group, name) in f.numbers] for part in (one, other))
        if a and b:
            yield _delta(group, name, a, b, resamples, seed)


def _delta(group: str, name: str, a: Sequence[float], b: Sequence[float], resamples: int, seed: int) -> Measure:
    size = cliffs_delta(a, b, resamples=resamples, seed=seed)
    means = fmean(a), fmean(b)
    return Measure(group, name, *means, (len(a), len(b)), "Cliff's delta", size, None, size_of(size.value))


def _divergence(
    group: str, name: str, a: Sequence[Mapping[str, float]], b: Sequence[Mapping[str, float]], seed: int
) -> Measure:
    size, chance = divergence(a, b, seed=seed)
    reading = "beyond chance" if size.value > chance else "within chance"
    return Measure(group, name, None, None, (len(a), len(b)), "Jensen-Shannon", size, chance, reading)


def _lexical(one: Sequence[_Features], other: Sequence[_Features], resamples: int, seed: int) -> Iterable[Measure]:
    """Variety by EAD, which bears different lengths, with the words of both files as vocabulary; and which words."""
    for side in SIDES:
        a, b = ([f.words[side] for f in part if f.words[side]] for part in (one, other))
        if a and b:
            vocabulary = len(set().union(*a, *b))
            ours, theirs = ([expectation_adjusted(len(w), w.total(), vocabulary) for w in part] for part in (a, b))
            yield _delta("words", f"{side} variety (EAD)", ours, theirs, resamples, seed)
            yield _divergence("words", f"{side} words", a, b, seed)


def _labels(one: Sequence[_Features], other: Sequence[_Features], seed: int) -> tuple[list[Measure], list[str]]:
    """Label distributions of the sets that both carry, and a note on each of the others."""
    carried = [{name for features in part for name in features.labels} for part in (one, other)]
    measures = []
    for name in sorted(carried[0] & carried[1]):
        a, b = ([f.labels[name] for f in part if name in f.labels] for part in (one, other))
        measures.append(_divergence("labels", name, a, b, seed))
    notes = [f"only {'AB'[i]} carries labels of {n!r}" for i in (0, 1) for n in sorted(carried[i] - carried[1 - i])]
    return measures, notes


def _copies(
    one: Sequence[_Features], other: Sequence[_Features], threshold: float, resamples: int, seed: int
) -> Iterable[Measure]:
    """Near-duplicates inside each file, and of one file's dialogues in the other."""
    border = len(one)
    inside, across = [0.0] * (len(one) + len(other)), [0.0] * (len(one) + len(other))
    for cluster in clusters(near_duplicates((f.shingles for f in (*one, *other)), threshold=threshold)):
        for own in ({m for m in cluster if m < border}, {m for m in cluster if m >= border}):
            for member in own:
                inside[member], across[member] = float(len(own) > 1), float(len(own) < len(cluster))
    yield _delta("copies", "near-duplicates inside", inside[:border], inside[border:], resamples, seed)
    a, b = across[:border], across[border:]
    size = wilson(int(sum(a)), len(a))
    yield Measure("copies", "near-duplicates across", fmean(a), fmean(b), (len(a), len(b)), "share", size, None, "")
