"""Overlap with a reference: BLEU, chrF and ROUGE. All are [0, 1]; papers print them times 100."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from psyloom.errors import UsageError
from psyloom.judging.metrics.diversity import ngrams
from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.metrics.texts import Given, whole
from psyloom.judging.metrics.tokens import Tokenizer, Unit, tokens
from psyloom.records import Speaker

sacrebleu = Lazy("sacrebleu.metrics", "BLEU and chrF")


def aligned(given: Given, reference: Given, side: Speaker | None) -> list[tuple[str, str]]:
    """Each text with its reference; one text for each dialogue or plain text.

    Raises:  UsageError when there are none, or not as many references as texts.
    """
    found, wanted = whole(given, side=side), whole(reference, side=side)
    if not found:
        raise UsageError("there is no text to compare with a reference", do="give at least one")
    if len(found) != len(wanted):
        raise UsageError(f"{len(found)} texts stand against {len(wanted)} references", do="give one reference for each")
    return list(zip(found, wanted, strict=True))


def bleu(
    given: Given,
    reference: Given,
    order: int = 4,
    *,
    level: Literal["corpus", "sentence"] = "corpus",
    side: Speaker | None = None,
    by: Unit | Tokenizer = "words",
) -> float:
    """BLEU up to n-grams of ``order``, by sacrebleu on our tokens.

    Args:    level: "corpus" pools the counts, without smoothing; "sentence" is the mean over texts with zero counts
             put at 0.1, NLTK's method 1, as EmoLLM and Psy-Insight report it.
    Returns: [0, 1].
    Raises:  UsageError as ``aligned``; MissingExtra.
    Source:  Papineni et al. 2002, ACL; Chen and Cherry 2014, WMT (smoothing); Post 2018, WMT (sacrebleu).
    """
    pairs = [(" ".join(tokens(a, by)), " ".join(tokens(b, by))) for a, b in aligned(given, reference, side)]
    if level == "corpus":
        scorer = _scorer(order, smooth_method="none")
        return float(scorer.corpus_score([a for a, _ in pairs], [[b for _, b in pairs]]).score) / 100
    scorer = _scorer(order, smooth_method="floor", smooth_value=0.1)
    return fmean(float(scorer.sentence_score(a, [b]).score) / 100 for a, b in pairs)


def _scorer(order: int, **smoothing: Any) -> Any:
    return sacrebleu.BLEU(max_ngram_order=order, tokenize="none", force=True, effective_order=False, **smoothing)


def chrf(given: Given, reference: Given, *, words: int = 0, side: Speaker | None = None) -> float:
    """chrF over the whole set: F-score (beta 2) of character n-grams up to 6; ``words=2`` makes it chrF++.

    Returns: [0, 1].
    Raises:  UsageError as ``aligned``; MissingExtra.
    Source:  Popovic 2015 and 2017, WMT, by sacrebleu.
    """
    pairs = aligned(given, reference, side)
    scorer = sacrebleu.CHRF(word_order=words)
    return float(scorer.corpus_score([a for a, _ in pairs], [[b for _, b in pairs]]).score) / 100


@dataclass(frozen=True)
class Overlap:
    """Precision, recall and their harmonic mean, each [0, 1]."""

    precision: float
    recall: float
    f1: float

    @classmethod
    def of(cls, shared: float, found: float, wanted: float) -> "Overlap":
        """From what is shared by, is in the text, and is in the reference."""
        precision = shared / found if found else 0.0
        recall = shared / wanted if wanted else 0.0
        both = precision + recall
        return cls(precision, recall, 2 * precision * recall / both if both else 0.0)

    @classmethod
    def mean(cls, overlaps: Sequence["Overlap"]) -> "Overlap":
        return cls(
            fmean(o.precision for o in overlaps), fmean(o.recall for o in overlaps), fmean(o.f1 for o in overlaps)
        )


def rouge(
    given: Given,
    reference: Given,
    kind: Literal["1", "2", "L"] = "L",
    *,
    side: Speaker | None = None,
    by: Unit | Tokenizer = "words",
) -> Overlap:
    """ROUGE-1, -2 or -L of each text, averaged; no stemming. ``f1`` is what papers print.

    Our own: the usual packages drop every Chinese character, or know Chinese only.

    Returns: precision, recall and F1, each [0, 1].
    Raises:  UsageError as ``aligned``.
    Source:  Lin 2004, ACL workshop.
    """
    return Overlap.mean(
        [_rouge(tokens(a, by), tokens(b, by), kind) for a, b in aligned(given, reference, side)],
    )


def _rouge(found: Sequence[str], wanted: Sequence[str], kind: Literal["1", "2", "L"]) -> Overlap:
    if kind == "L":
        return Overlap.of(longest_common(found, wanted), len(found), len(wanted))
    ours, theirs = Counter(ngrams(found, int(kind))), Counter(ngrams(wanted, int(kind)))
    return Overlap.of((ours & theirs).total(), ours.total(), theirs.total())


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for place, theirs in enumerate(other, 1):
            diagonal, row[place] = row[place], diagonal + 1 if word == theirs else max(row[place], row[place - 1])
    return row[-1]
