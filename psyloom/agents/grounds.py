"""Grounds: do the words that an answer cites really stand in what was said, or in what a source writes about it?"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from psyloom.agents.guards import clean, fold
from psyloom.records import Lang, Speaker, Turn, sentences

WORDS: dict[str, dict[Lang, str]] = {
    "unfounded": {
        "en": "the evidence “{}” does not stand in the text; copy it word for word",
        "zh": "原文里没有“{}”这句依据，要逐字照抄",
    },
    "other side": {
        "en": "the evidence “{}” was said by the other side; copy the words of the one it is about",
        "zh": "“{}”是另一方说的话，不能作依据，要抄当事人自己的话",
    },
    "short": {
        "en": "the evidence “{}” is too short to be told from chance; copy a whole phrase",
        "zh": "依据“{}”太短，请照抄完整的一小句",
    },
}
_SHORTEST: dict[Lang, int] = {"zh": 2, "en": 4}  # letters and digits; a whole sentence may be shorter
_PIECE: dict[Lang, int] = {"zh": 3, "en": 2}  # characters, words between two omissions; a whole sentence may be shorter
_LEFT_OUT = re.compile(r"…+|\.{3,}|\n+")


@dataclass(frozen=True)
class Grounds:
    """What an answer may rest on: what was said, and what a source writes about it; not what the others said."""

    said: tuple[str, ...]
    source: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, turns: Iterable[Turn], source: Iterable[str] = (), speaker: Speaker | None = None) -> "Grounds":
        """Grounds in ``turns``; with a ``speaker``, in what that one said."""
        turns = list(turns)
        own, others = (
            tuple(turn.text for turn in turns if (speaker in (None, turn.speaker)) is wanted)
            for wanted in (True, False)
        )
        return cls(own, tuple(source), others)

    def origin(self, quote: str) -> Literal["source", "inferred"] | None:
        """Where these words stand: "inferred" when they were said, "source" when only the source has them; else None.

        Compared are letters and digits: quotation marks, punctuation, white space, width, case and a speaker's name
        before it do not count. An omission (… or a line break) parts a quote into pieces that may stand in different places.
        """
        quote = _bare(quote)
        pieces = [piece for part in _LEFT_OUT.split(quote) if (piece := fold(part))]
        if not pieces:  # a silence may be written as nothing but dots
            return "inferred" if any(quote == one for text in self.said for one in sentences(text)) else None
        if all(_stands(piece, self._said) for piece in pieces):
            return "inferred"
        everything = (*self._said, *self._source)
        return "source" if all(_stands(piece, everything) for piece in pieces) else None

    def fault(self, quote: str, lang: Lang) -> str | None:
        """Why a quote is no evidence, in words for the model; None when it is."""
        if self.origin(quote) is None:
            heard = Grounds((*self.said, *self.others), self.source).origin(quote)
            return WORDS["other side" if heard else "unfounded"][lang].format(quote)
        if fold(quote) in self._whole:
            return None
        if len(fold(quote)) < _SHORTEST[lang]:
            return WORDS["short"][lang].format(quote)
        if _stands(fold(_bare(quote)), (*self._said, *self._source)):  # nothing was left out
            return None
        pieces = (part for part in _LEFT_OUT.split(_bare(quote)) if fold(part))
        scrap = next((part.strip() for part in pieces if fold(part) not in self._whole and _is_scrap(part, lang)), None)
        return scrap and WORDS["short"][lang].format(scrap)

    @cached_property
    def _said(self) -> tuple[str, ...]:
        return tuple(map(fold, self.said))

    @cached_property
    def _source(self) -> tuple[str, ...]:
        return tuple(map(fold, self.source))

    @cached_property
    def _whole(self) -> frozenset[str]:
        """Every sentence, as it is compared."""
        return frozenset(fold(one) for text in (*self.said, *self.source) for one in sentences(text))


def _bare(quote: str) -> str:
    """A quote without a speaker's name before it."""
    return clean(clean(quote, "client"), "counselor")


def _stands(piece: str, texts: Iterable[str]) -> bool:
    return any(piece in text for text in texts)


def _is_scrap(piece: str, lang: Lang) -> bool:
    return (len(fold(piece)) if lang == "zh" else len(piece.split())) < _PIECE[lang]
