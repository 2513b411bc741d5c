"""Lexical diversity: distinct-n, EAD, LDD and self-BLEU."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psyloom.errors import UsageError
from psyloom.judging.metrics.texts import Dialogues, Given, Within, dialogues, texts
from psyloom.judging.metrics.tokens import Tokenizer, Unit, tokens
from psyloom.records import Speaker


def ngrams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """The n-grams of a list of tokens, in order."""
    return zip(*(words[start:] for start in range(n)), strict=False)


def distinct(
    given: Given, n: int = 1, *, side: Speaker | None = None, by: Unit | Tokenizer = "words", within: Within = "message"
) -> float:
    """Distinct-n: unique n-grams over all n-grams, of one dialogue, one text or a whole set together.

    It falls with length, so compare sets of like size, or use ``ead``.

    Args:    within: n-grams do not cross the border of a message; "session" as in MAGneT.
    Returns: (0, 1]; 1: no n-gram occurs twice.
    Raises:  UsageError when there is no n-gram.
    Source:  Li et al. 2016, NAACL; on sets: SMILE, arXiv 2305.00450; MAGneT, arXiv 2509.04183.
    """
    if n < 1:
        raise UsageError(f"distinct-{n} does not exist", do="give n of 1 or more")
    seen: Counter[tuple[str, ...]] = Counter()
    for text in texts(given, side=side, within=within):
        seen.update(ngrams(tokens(text, by), n))
    if not seen:
        raise UsageError(f"there is no {n}-gram in what was given", do="give longer texts, or a smaller n")
    return len(seen) / seen.total()


def ead(given: Given, vocabulary: int, *, side: Speaker | None = None, by: Unit | Tokenizer = "words") -> float:
    """Expectation-adjusted distinct: unique tokens over those expected of as many random draws.

    EAD = U / (V (1 - ((V - 1) / V)^N)) for U unique and N all tokens, V the size of the vocabulary.

    Args:    vocabulary: V; in the paper that of the model's tokenizer, then pass the tokenizer as ``by``.
    Returns: above 0, usually below 1; a little above 1 when fewer tokens repeat than in random draws.
    Raises:  UsageError for no tokens, and for a vocabulary smaller than the tokens seen.
    Source:  Liu et al. 2022, ACL short papers, "Rethinking and Refining the Distinct Metric"; MAGneT.
    """
    seen = Counter(token for text in texts(given, side=side) for token in tokens(text, by))
    if not seen:
        raise UsageError("there is no token in what was given", do="give texts with words")
    return expectation_adjusted(len(seen), seen.total(), vocabulary)


def expectation_adjusted(unique: int, total: int, vocabulary: int) -> float:
    """EAD from counts; see ``ead``."""
    if vocabulary < unique:
        raise UsageError(
            f"a vocabulary of {vocabulary} cannot hold {unique} different tokens", do="give the whole vocabulary's size"
        )
    # log1p and expm1 keep the digits that (V - 1) / V loses for large V.
    expected = vocabulary * -math.expm1(total * math.log1p(-1 / vocabulary)) if vocabulary > 1 else 1.0
    return unique / expected


@dataclass(frozen=True)
class LDD:
    """PsyDial's lexical diversity: proportion of unique words, unique words per dialogue, and their product."""

    puw: float
    uwpd: float

    @property
    def ldd(self) -> float:
        return self.puw * self.uwpd


def ldd(given: Dialogues, *, side: Speaker | None = None, by: Unit | Tokenizer = "words") -> LDD:
    """LDD = PUW x UWPD with PUW = 100 U / T percent and UWPD = U / N, both rounded to two digits as released.

    U unique and T all words over all N dialogues. Our words leave out punctuation; the released script keeps it
    (``by=jieba.lcut`` does as it does).

    Returns: PUW in (0, 100]; UWPD and LDD above 0, open upward.
    Raises:  UsageError when there is no word.
    Source:  PsyDial, ACL 2025 long 1049, the authors' script.
    """
    seen: Counter[str] = Counter()
    count = 0
    for dialogue in dialogues(given):
        count += 1
        seen.update(token for text in texts(dialogue, side=side) for token in tokens(text, by))
    if not seen:
        raise UsageError("there is no word in what was given", do="give dialogues with messages of that side")
    return LDD(puw=round(100 * len(seen) / seen.total(), 2), uwpd=round(len(seen) / count, 2))


def self_bleu(
    given: Given,
    order: int = 4,
    *,
    side: Speaker | None = None,
    by: Unit | Tokenizer = "words",
    within: Within = "dialogue",
) -> float:
    """Self-BLEU: the mean BLEU of each text against all the others. Lower is more diverse.

    One dialogue is measured over its messages with ``within="message"``. Cost grows with the words, not with the
    pairs of texts. An order without a match makes a text's BLEU 0, as in unsmoothed BLEU.

    Returns: [0, 1]; 1: every text is found in the others.
    Raises:  UsageError for fewer than two texts.
    Source:  Zhu et al. 2018, SIGIR (Texygen); on dialogues: NoteChat, arXiv 2310.15959.
    """
    pieces = [words for text in texts(given, side=side, within=within) if (words := tokens(text, by))]
    if len(pieces) < 2:
        raise UsageError(f"self-BLEU compares texts, {len(pieces)} was given", do='give more, or within="message"')
    precisions = [_precisions_against_others(pieces, n) for n in range(1, order + 1)]
    lengths = sorted(map(len, pieces))
    scores = [
        _bleu([p[i] for p in precisions], len(words), _closest_other(lengths, len(words)))
        for i, words in enumerate(pieces)
    ]
    return sum(scores) / len(scores)


def _precisions_against_others(pieces: Sequence[Sequence[str]], n: int) -> list[float]:
    """Clipped n-gram precision of each text against all others, by the two highest counts of each n-gram."""
    counts = [Counter(ngrams(words, n)) for words in pieces]
    best: dict[tuple[str, ...], tuple[int, int]] = {}
    for own in counts:
        for gram, count in own.items():
            first, second = best.get(gram, (0, 0))
            best[gram] = (max(first, count), max(second, min(first, count)))
    return [_clipped(own, best) / max(1, own.total()) for own in counts]


def _clipped(own: Counter[tuple[str, ...]], best: dict[tuple[str, ...], tuple[int, int]]) -> int:
    # Where a text itself holds the highest count, the most any other holds is the second highest.
    return sum(min(count, best[gram][count == best[gram][0]]) for gram, count in own.items())


def _closest_other(lengths: Sequence[int], own: int) -> int:
    """The length nearest to ``own`` among the other texts; the shorter of two equally near."""
    place = bisect_left(lengths, own)
    others = [lengths[i] for i in (place - 1, place + 1) if 0 <= i < len(lengths)]
    return min(others, key=lambda length: (abs(length - own), length))


def _bleu(precisions: Sequence[float], length: int, reference: int) -> float:
    if not all(precisions):
        return 0.0
    brevity = 1.0 if length >= reference else math.exp(1 - reference / length)
    return brevity * math.exp(sum(map(math.log, precisions)) / len(precisions))
