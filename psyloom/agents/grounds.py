"""Grounds: do the words that an answer cites really stand in what was said, or in what a source writes about it?"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from psyloom.agents.guards import clean, fold
from psyloom.records import Lang, Turn, sentences

WORDS: dict[str, dict[Lang, str]] = {
    "unfounded": {
        "en": "the evidence “{}” does not stand in the text; copy it word for word",
        "zh": "原文里没有“{}”这句依据，要逐字照抄",
    },
    "short": {
        "en": "the evidence “{}” is too short to be told from chance; copy a whole phrase",
        "zh": "依据“{}”太短，请照抄完整的一小句",
    },
}
_SHORTEST: dict[Lang, int] = {"zh": 2, "en": 4}  # letters and digits; a whole sentence may be shorter
_LEFT_OUT = re.compile(r"…+|\.{3,}|\n+")


@dataclass(frozen=True)
class Grounds:
    """What an answer may rest on: what was said, and what a source writes about it."""

    said: tuple[str, ...]
    source: tuple[str, ...] = ()

    @classmethod
    def of(cls, turns: Iterable[Turn], source: Iterable[str] = ()) -> "Grounds":
        return cls(tuple(turn.text for turn in turns), tuple(source))

    def origin(self, quote: str) -> Literal["source", "inferred"] | None:
        """Where these words stand: "inferred" when they were said, "source" when only the source has them; else None.

        Compared are letters and digits: quotation marks, punctuation, white space, width, case and a speaker's name
        before it do not count. An omission (… or a line break) parts a quote into pieces that may stand in different places.
        """
        quote = clean(clean(quote, "client"), "counselor")
        pieces = [piece for part in _LEFT_OUT.split(quote) if (piece := fold(part))]
        if not pieces:  # a silence may be written as nothing but dots
            return "inferred" if any(quote == one for text in self.said for one in sentences(text)) else None
        if all(_stands(piece, self.said) for piece in pieces):
            return "inferred"
        everything = (*self.said, *self.source)
        return "source" if all(_stands(piece, everything) for piece in pieces) else None

    def fault(self, quote: str, lang: Lang) -> str | None:
        """Why a quote is no evidence, in words for the model; None when it is."""
        if self.origin(quote) is None:
            return WORDS["unfounded"][lang].format(quote)
        whole = any(fold(quote) == fold(one) for text in (*self.said, *self.source) for one in sentences(text))
        return None if whole or len(fold(quote)) >= _SHORTEST[lang] else WORDS["short"][lang].format(quote)


def _stands(piece: str, texts: Iterable[str]) -> bool:
    return any(piece in fold(text) for text in texts)
