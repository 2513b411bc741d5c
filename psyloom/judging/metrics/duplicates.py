"""Near-duplicate texts: MinHash finds candidates, the exact Jaccard of their shingles decides."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from psyloom.errors import UsageError
from psyloom.judging.metrics.diversity import ngrams
from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.metrics.tokens import tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = Lazy("numpy", "finding near-duplicates")

_HASHES, _ROWS = 128, 4  # 32 bands of 4: a pair of Jaccard 0.5 is missed in 1 of 8 cases, of 0.7 in 1 of 6,000


class Pair(NamedTuple):
    """Two near-duplicates by their places, the earlier first, and their Jaccard."""

    first: int
    second: int
    jaccard: float


def shingles(text: str, size: int = 3) -> NDArray[np.uint64]:
    """The distinct hashed runs of ``size`` tokens (Chinese characters, other words), sorted.

    A text of fewer tokens is one shingle; one without tokens has none.
    """
    cut = tokens(text, "characters")
    grams = ngrams(cut, size) if len(cut) >= size else iter([tuple(cut)] if cut else [])
    hashed = {zlib.crc32("\0".join(gram).encode()) for gram in grams}
    return np.array(sorted(hashed), dtype=np.uint64)


def near_duplicates(sets: Iterable[NDArray[np.uint64]], *, threshold: float = 0.8, seed: int = 0) -> Iterator[Pair]:
    """Yield pairs of texts whose shingles overlap by ``threshold`` or more.

    Of texts with the very same shingles, each is paired with the first only. Texts without shingles pair with none.

    Args:    sets: one array of ``shingles`` a text; threshold: Jaccard, 0.5 to 1, as below it pairs are missed.
    Raises:  UsageError for another threshold.
    Source:  Broder 1997 (shingles, MinHash); Indyk and Motwani 1998 (bands).
    """
    if not 0.5 <= threshold <= 1:
        raise UsageError(f"a threshold of {threshold} is out of reach", do="give a Jaccard from 0.5 to 1")
    kept: list[NDArray[np.uint64]] = []
    places: list[int] = []
    same: dict[bytes, int] = {}
    for place, own in enumerate(sets):
        if len(own) and (first := same.setdefault(own.tobytes(), place)) != place:
            yield Pair(first, place, 1.0)
        elif len(own):
            kept.append(own)
            places.append(place)
    for one, other in sorted(_candidates(kept, seed)):
        if (alike := _jaccard(kept[one], kept[other])) >= threshold:
            yield Pair(places[one], places[other], alike)


def _candidates(sets: Sequence[NDArray[np.uint64]], seed: int) -> set[tuple[int, int]]:
    """Places of texts that agree on all hashes of at least one band."""
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 2**64 - 1, size=(2, _HASHES), dtype=np.uint64, endpoint=True)
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, own in enumerate(sets):
        signature = _signature(own, factors)
        for band in range(0, _HASHES, _ROWS):
            buckets[band, signature[band : band + _ROWS].tobytes()].append(place)
    return {(one, other) for bucket in buckets.values() for i, other in enumerate(bucket) for one in bucket[:i]}


def _signature(own: NDArray[np.uint64], factors: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # Multiply-add in 64 bits that wrap, the high half kept: a good hash family for 32-bit shingles.
    mixed = (own[:, None] * (factors[0] | np.uint64(1)) + factors[1]) >> np.uint64(32)
    lowest: NDArray[np.uint64] = mixed.min(axis=0)
    return lowest


def _jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def clusters(pairs: Iterable[Pair]) -> list[set[int]]:
    """The groups of texts that are linked by pairs, directly or through others; single texts are left out."""
    group: dict[int, set[int]] = {}
    for first, second, _ in pairs:
        merged = group.get(first, {first}) | group.get(second, {second})
        group.update(dict.fromkeys(merged, merged))
    return list({id(members): members for members in group.values()}.values())
