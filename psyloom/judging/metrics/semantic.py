"""Likeness of meaning: cosines of embeddings, with an embedder that can be exchanged.

An embedder takes n texts and returns n rows of numbers. The default, ``lexical``, needs no weights: it sees which
character n-grams texts share, and so finds copied wording, not paraphrase. For meaning pass a model's, for example
``lambda texts: SentenceTransformer("BAAI/bge-m3").encode(list(texts))``.
"""

from __future__ import annotations

import math
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, TypeAlias

from psyloom.errors import UsageError
from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.metrics.texts import Given, Within, texts, whole
from psyloom.judging.metrics.tokens import normalized
from psyloom.records import Speaker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
else:
    np = Lazy("numpy", "embeddings")

Embedder: TypeAlias = Callable[[Sequence[str]], "ArrayLike"]
"""(n texts) -> (n, d) numbers; rows need not be of length 1."""

_SIZE = 4096


@dataclass(frozen=True)
class Cosines:
    """Cosines of a set, each [-1, 1]."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def sd(self) -> float:
        """Sample standard deviation; 0 for a single value."""
        return stdev(self.values) if len(self.values) > 1 else 0.0


def lexical(given: Sequence[str]) -> NDArray[np.float64]:
    """Hashed character n-grams (2 and 3, case folded): (n, 4096), the same for the same text everywhere.

    Weights are 1 + ln(count). The sign of each n-gram comes from its hash, so that collisions cancel out on average
    and the cosine of unrelated texts is near 0.
    """
    rows = np.zeros((len(given), _SIZE))
    for row, text in zip(rows, given, strict=True):
        plain = " ".join(normalized(text).split())
        for gram, count in Counter(plain[i : i + n] for n in (2, 3) for i in range(len(plain) - n + 1)).items():
            hashed = zlib.crc32(gram.encode())
            row[hashed % _SIZE] += (1 + math.log(count)) * (1 if hashed >> 31 else -1)
    return rows


def embedded(given: Sequence[str], embed: Embedder) -> NDArray[np.float64]:
    """(n, d) rows of length 1; a row of zeros (an empty text) stays zero and is unlike everything.

    Raises:  UsageError when there is no text, or the embedder does not return a row for each.
    """
    if not given:
        raise UsageError("there is no text to embed", do="give at least one")
    rows = np.asarray(embed(given), dtype=np.float64)
    if rows.ndim != 2 or len(rows) != len(given):
        raise UsageError(f"the embedder made shape {rows.shape} of {len(given)} texts", do="return a row for each text")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length, length, 1)


def source_cosine(
    given: Given, sources: Iterable[str], *, embed: Embedder = lexical, side: Speaker | None = None
) -> Cosines:
    """The cosine of each dialogue (one string, no speaker names) with the text it was made from.

    High: the dialogue keeps its source. For a control pass other dialogues' sources in their place.

    Raises:  UsageError when there are not as many sources as dialogues.
    Source:  SMILE, arXiv 2305.00450, language transformation (mean and sd; its bound is mean - 3 sd); with client
             lines and profiles: Interactive Agents, arXiv 2408.15787.
    """
    found, wanted = whole(given, side=side), list(sources)
    if len(found) != len(wanted):
        raise UsageError(f"{len(found)} dialogues stand against {len(wanted)} sources", do="give one source for each")
    return Cosines(tuple((embedded(found, embed) * embedded(wanted, embed)).sum(axis=1).tolist()))


def pairwise_cosine(
    given: Given,
    *,
    embed: Embedder = lexical,
    side: Speaker | None = None,
    within: Within = "dialogue",
    sample: int | None = None,
    seed: int = 0,
) -> Cosines:
    """The cosines of all pairs inside a set: the lower their median, the more diverse the set.

    Args:    within: "message" measures the messages of one dialogue; sample: draw this many texts first, as pairs
             grow with the square (SMILE: 500).
    Raises:  UsageError for fewer than two texts.
    Source:  SMILE, arXiv 2305.00450, semantic diversity.
    """
    pieces = list(texts(given, side=side, within=within))
    if len(pieces) < 2:
        raise UsageError(f"pairs need two texts, {len(pieces)} was given", do='give more, or within="message"')
    if sample and sample < len(pieces):
        pieces = random.Random(seed).sample(pieces, sample)
    rows = embedded(pieces, embed)
    return Cosines(tuple((rows @ rows.T)[np.triu_indices(len(rows), k=1)].tolist()))


def novelty(given: Given, known: Given, *, embed: Embedder = lexical, side: Speaker | None = None) -> Cosines:
    """How far each dialogue lies from its nearest known one: 1 - the highest cosine with any of them.

    A measure of ours, not of a paper.

    Returns: values in [0, 2]; 0: found among the known, 1: shares nothing with them.
    Raises:  UsageError when either is empty.
    """
    ours, theirs = embedded(whole(given, side=side), embed), embedded(whole(known, side=side), embed)
    return Cosines(tuple((1 - (ours @ theirs.T).max(axis=1)).tolist()))
