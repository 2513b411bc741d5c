"""The emotional course of a talk: how pleasant the words of its messages are, from start to end."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from psyloom.errors import UsageError
from psyloom.judging.metrics.tokens import HAN, normalized
from psyloom.records import Dialogue, Speaker

Valence = Callable[[str], float]
"""text -> [-1, 1]: -1 unpleasant, 1 pleasant, 0 neither."""

_REACH = 3  # English words over which a negation carries
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


def valence(text: str) -> float:
    """How pleasant the words of a Chinese, English or mixed text are: (pleasant - unpleasant) / (both).

    A plain count over a small lexicon of our own with simple negation: enough to draw the course of many dialogues,
    not to read one person. Any ``Valence`` can stand in its place.

    Returns: [-1, 1]; 0 also when no word of the lexicon occurs.
    """
    plain = normalized(text)
    signs = [*_chinese(plain), *_english(_WORD.findall(plain))]
    return fmean(signs) if signs else 0.0


def emotion_arc(
    dialogue: Dialogue, *, bins: int = 4, side: Speaker = "client", valence: Valence = valence
) -> tuple[float, ...]:
    """The mean valence of a speaker's messages in ``bins`` parts of the talk of equal size, first to last.

    Returns: ``bins`` values, each [-1, 1].
    Raises:  UsageError when the speaker has fewer messages than there are parts.
    """
    said = [turn.text for turn in dialogue.turns if turn.speaker == side]
    if len(said) < bins:
        raise UsageError(
            f"dialogue {dialogue.id!r} has {len(said)} messages by the {side}, too few for {bins} parts",
            do="ask for fewer parts, or leave short dialogues out",
        )
    borders = [len(said) * part // bins for part in range(bins + 1)]
    felt = [valence(text) for text in said]
    return tuple(fmean(felt[a:b]) for a, b in pairwise(borders))


class _Lexicon(NamedTuple):
    chinese: re.Pattern[str]
    signs: Mapping[str, int]
    words: Mapping[str, int]
    stems: tuple[tuple[str, int], ...]
    negations: frozenset[str]


@cache
def _lexicon() -> _Lexicon:
    raw = tomllib.loads(files(__package__).joinpath("valence.toml").read_text("utf-8"))
    signs = _signed(raw["zh"])
    english = _signed(raw["en"])
    negation = raw["negation"]
    return _Lexicon(
        chinese=re.compile(
            f"(?P<not>{_longest_first(negation['zh'])})?(?:{_longest_first(negation['zh_degree'])})?"
            f"(?P<word>{_longest_first(signs)})"
        ),
        signs=signs,
        words={word: sign for word, sign in english.items() if not word.endswith("*")},
        stems=tuple(sorted(((w[:-1], s) for w, s in english.items() if w.endswith("*")), key=lambda x: -len(x[0]))),
        negations=frozenset(negation["en"]),
    )


def _signed(words: Mapping[str, Iterable[str]]) -> dict[str, int]:
    return dict.fromkeys(words["positive"], 1) | dict.fromkeys(words["negative"], -1)


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def _chinese(text: str) -> Iterator[int]:
    lexicon = _lexicon()
    for run in re.findall(f"[{HAN}]+", text):
        for found in lexicon.chinese.finditer(run):
            sign = lexicon.signs[found["word"]]
            yield -sign if found["not"] else sign


def _english(words: list[str]) -> Iterator[int]:
    lexicon = _lexicon()
    for place, word in enumerate(words):
        if sign := _sign(word):
            before = words[max(0, place - _REACH) : place]
            yield -sign if any(b in lexicon.negations or b.endswith("n't") for b in before) else sign


@lru_cache(maxsize=10_000)
def _sign(word: str) -> int:
    lexicon = _lexicon()
    if exact := lexicon.words.get(word):
        return exact
    return next((sign for stem, sign in lexicon.stems if word.startswith(stem)), 0)
