"""Duplicates: the same texts, or nearly the same by SimHash, whatever system prompt stands over them.

EmoLLM's rule: 64 bits, a duplicate where 1 - distance / 64 is above 0.8, that is 12 bits or fewer apart. Its released
code hashes the system prompt too, and finds twins where two short dialogues share nothing else.
Source:  Charikar 2002, STOC (SimHash); EmoLLM, its script that removes duplicates.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.metrics.tokens import normalized
from psyloom.records import Dialogue, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = Lazy("numpy", "finding near-duplicates")

BITS, GRAM = 64, 3
_BLOCK = 65_536


def plain(turn: Turn) -> str:
    """A message without blanks, case and width."""
    return "".join(normalized(turn.text).split())


def text_of(dialogue: Dialogue) -> str:
    """All messages as one text; speakers, system prompt and labels left out."""
    return "".join(map(plain, dialogue.turns))


def simhash(text: str) -> int:
    """64 bits of which most stay the same when little of the text changes: each is what most of its 3-grams vote for."""
    grams = Counter(text[at : at + GRAM] for at in range(max(1, len(text) - GRAM + 1)))
    hashes = np.frombuffer(b"".join(blake2b(g.encode(), digest_size=8).digest() for g in grams), dtype=np.uint8)
    votes = np.unpackbits(hashes.reshape(-1, 8), axis=1).astype(np.int64) * 2 - 1
    total = np.array(list(grams.values())) @ votes
    return int.from_bytes(np.packbits(total > 0).tobytes(), "big")


def alike(one: int, other: int) -> float:
    """1 - distance / 64, [0, 1]."""
    return 1 - (one ^ other).bit_count() / BITS


class Duplicates:
    """What was seen so far: ids and three hashes a dialogue. Every earlier one is compared with, none is missed.

    64 bits tell little changes only on average, so the copy without its last exchange is known by itself, too.
    """

    def __init__(self, threshold: float = 0.8) -> None:
        self.threshold = threshold
        self._whole: dict[bytes, str] = {}
        self._short: dict[bytes, str] = {}
        self._ids: list[str] = []
        self._hashes = np.zeros(_BLOCK, dtype=np.uint64)

    def twin(self, dialogue: Dialogue) -> str | None:
        """The id of an earlier dialogue that this one repeats; None when it is new, and from now on known."""
        text, short = text_of(dialogue), _exact("".join(map(plain, dialogue.turns[:-2])))
        whole, own = _exact(text), np.uint64(simhash(text))
        known = self._whole.get(whole) or self._short.get(whole) or self._whole.get(short)
        if known or (known := self._near(own)):
            return known
        self._whole[whole] = dialogue.id
        if len(dialogue.turns) > 2:
            self._short[short] = dialogue.id
        if len(self._ids) == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        self._hashes[len(self._ids)] = own
        self._ids.append(dialogue.id)
        return None

    def _near(self, own: np.uint64) -> str | None:
        """The id of the nearest earlier one that is alike enough."""
        far = _bits(self._hashes[: len(self._ids)] ^ own)
        if not len(far) or 1 - far.min() / BITS <= self.threshold:
            return None
        return self._ids[int(far.argmin())]


def _exact(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def _bits(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """How many bits are set in each."""
    counted: NDArray[np.int64]
    if hasattr(np, "bitwise_count"):  # numpy 2
        counted = np.bitwise_count(words).astype(np.int64)
    else:
        counted = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1, dtype=np.int64)
    return counted
