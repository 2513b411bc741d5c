"""Retrieval: texts, and which of them come nearest to another. Without downloads by default, or with any embedder."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Literal, NamedTuple

from psyloom.errors import UsageError

Metric = Literal["euclidean", "cosine", "bm25"]
Embed = Callable[[list[str]], Sequence[Sequence[float]]]
"""Takes texts, returns one vector for each, all of the same length: a sentence encoder."""
_K1, _B = 1.5, 0.75  # the usual constants of BM25


class Found(NamedTuple):
    """``at``: place among the indexed texts. ``distance``: the smaller, the nearer; for bm25 the negative score."""

    at: int
    distance: float


class Nearest:
    """An index over texts.

    Args:    embed: makes vectors; without it a text is its n-grams weighted by rarity (tf-idf, unit length).
             metric: euclidean, cosine (one minus the cosine), or bm25 (n-grams only, ``embed`` is not used).
    """

    def __init__(self, texts: Iterable[str], *, embed: Embed | None = None, metric: Metric = "euclidean") -> None:
        self.texts, self.metric = list(texts), metric
        self.embed = None if metric == "bm25" else embed
        if self.embed is not None:
            self._vectors = _vectors(self.embed, self.texts) if self.texts else []
            return
        counts = [Counter(grams(text)) for text in self.texts]
        held = Counter(gram for count in counts for gram in count)
        self._rarity = {gram: math.log(1 + (len(counts) - n + 0.5) / (n + 0.5)) for gram, n in held.items()}
        self._mean = sum(map(Counter.total, counts)) / len(counts) if counts else 0.0
        self._holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for at, count in enumerate(counts):
            for gram, weight in (self._saturated(count) if metric == "bm25" else self._unit(count)).items():
                self._holders[gram].append((at, weight))

    def nearest(self, text: str, k: int = 1) -> list[Found]:
        """The ``k`` texts nearest to ``text``, the nearest first; the earlier one where two are equally near."""
        distances = self._lexical(text) if self.embed is None else self._dense(text)
        return sorted((Found(at, distance) for at, distance in enumerate(distances)), key=lambda f: (f.distance, f.at))[
            :k
        ]

    def _dense(self, text: str) -> list[float]:
        assert self.embed is not None
        (asked,) = _vectors(self.embed, [text], like=self._vectors[:1])
        if self.metric == "cosine":
            return [1 - _cosine(asked, vector) for vector in self._vectors]
        return [math.dist(asked, vector) for vector in self._vectors]

    def _lexical(self, text: str) -> list[float]:
        count = Counter(grams(text))
        asked = {gram: float(n) for gram, n in count.items()} if self.metric == "bm25" else self._unit(count)
        products = [0.0] * len(self.texts)
        for gram, weight in asked.items():
            for at, held in self._holders.get(gram, ()):
                products[at] += weight * held
        if self.metric == "bm25":
            return [-product for product in products]
        distances = [max(0.0, 1 - product) for product in products]  # of vectors of unit length
        return distances if self.metric == "cosine" else [math.sqrt(2 * distance) for distance in distances]

    def _unit(self, count: Counter[str]) -> dict[str, float]:
        common = math.log(1 + (len(self.texts) + 0.5) / 0.5)  # a gram that no text holds is as rare as can be
        weights = {gram: n * self._rarity.get(gram, common) for gram, n in count.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {gram: weight / length for gram, weight in weights.items()}

    def _saturated(self, count: Counter[str]) -> dict[str, float]:
        norm = _K1 * (1 - _B + _B * count.total() / self._mean) if self._mean else 1.0
        return {gram: self._rarity[gram] * n * (_K1 + 1) / (n + norm) for gram, n in count.items()}


def embedder_named(name: str) -> Embed | None:
    """The function called ``module:function``; None for ``lexical``.

    Raises: UsageError for a name that leads nowhere.
    """
    if name == "lexical":
        return None
    module, _, function = name.partition(":")
    try:
        found: Embed = getattr(import_module(module), function)
    except (ImportError, ValueError, AttributeError) as trouble:
        what = f"the embedder {name!r} cannot be loaded: {trouble}"
        raise UsageError(what, do="name it module:function, a function from texts to vectors; or lexical") from trouble
    if not callable(found):
        raise UsageError(
            f"the embedder {name!r} is no function", do="name a function from texts to vectors; or lexical"
        )
    return found


def _vectors(embed: Embed, texts: list[str], like: Sequence[Sequence[float]] = ()) -> list[list[float]]:
    """What the embedder makes of texts, once it is sure that it is a row of numbers for each, all of one length."""
    do = "let it return one row of numbers for each text, all of the same length"
    try:
        vectors = [list(map(float, vector)) for vector in embed(texts)]
    except (TypeError, ValueError) as trouble:
        raise UsageError(f"the embedder gives no rows of numbers: {trouble}", do=do) from trouble
    lengths = sorted({len(vector) for vector in (*vectors, *like)})
    if len(vectors) != len(texts) or len(lengths) != 1:
        what = f"the embedder gives {len(vectors)} rows of length {lengths} for {len(texts)} texts"
        raise UsageError(what, do=do)
    return vectors


def grams(text: str) -> list[str]:
    """What two texts can share: words of a Latin script, single Chinese characters and neighboring pairs of them."""
    text = unicodedata.normalize("NFKC", text).casefold()
    runs = re.findall(r"[\u3400-\u9fff]+", text)
    pairs = [run[at : at + 2] for run in runs for at in range(len(run) - 1)]
    return [
        *re.findall(r"[^\W\d_\u3400-\u9fff]+(?:['’]\w+)?|\d+", text),
        *(char for run in runs for char in run),
        *pairs,
    ]


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0
