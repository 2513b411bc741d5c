"""Quotes: does what a judge cites really stand in the text, and where?

Compared are letters and digits alone: quotation marks, punctuation, white space, width and case do not count.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from psyloom.records import Lang, Session, Turn

# The least that can be told from chance: letters and digits, unless a whole message is shorter.
_SHORTEST: dict[Lang, int] = {"zh": 4, "en": 8}
_LEFT_OUT = re.compile(r"…+|\.{3,}|\n+|\[\.+\]")
_NAME = re.compile(
    r"^\W*(?:来访者|咨询师|求助者|支持者|患者|医生|client|counsell?or|therapist|patient|doctor|seeker|supporter)\s*[:：]",
    re.IGNORECASE,
)
_PLAIN = str.maketrans("", "", "_")


class Place(NamedTuple):
    """Where a quote stands: session, turn inside it, [start, end) of the turn's text. -1: in the case, not in a turn."""

    session: int
    turn: int
    start: int
    end: int


@dataclass(frozen=True)
class _Folded:
    """A text as it is compared; ``at[i]``: where its i-th character stands in the text itself."""

    text: str
    at: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "_Folded":
        pairs = [(c, place) for place, raw in enumerate(text) for c in fold(raw)]
        return cls("".join(c for c, _ in pairs), tuple(place for _, place in pairs))


def fold(text: str) -> str:
    """What is left of ``text`` for comparing."""
    return re.sub(r"\W+", "", unicodedata.normalize("NFKC", text).casefold()).translate(_PLAIN)


class Passages:
    """The texts a judge may quote from: the turns of some sessions, and words of the case."""

    def __init__(self, sessions: Sequence[Session], lang: Lang, other: Iterable[str] = (), first: int = 0) -> None:
        self.lang = lang
        self.turns = [(s, t, turn) for s, session in enumerate(sessions, first) for t, turn in enumerate(session.turns)]
        self.other = list(other)

    @cached_property
    def _texts(self) -> list[tuple[int, int, _Folded]]:
        own = [(s, t, _Folded.of(turn.text)) for s, t, turn in self.turns]
        return own + [(-1, -1, _Folded.of(text)) for text in self.other]

    def __iter__(self) -> Iterator[Turn]:
        return (turn for _, _, turn in self.turns)

    def places(self, quote: str) -> list[Place]:
        """Where the pieces of ``quote`` stand (an omission or a line break parts them); empty when one of them does not."""
        pieces = [folded for piece in _LEFT_OUT.split(quote) if (folded := fold(_NAME.sub("", piece)))]
        found = [self._place(piece) for piece in pieces]
        long = max(map(len, pieces), default=0) >= _SHORTEST[self.lang]
        if None in found or not (long or self._is_whole(pieces)):
            return []
        return [place for place in found if place]

    def _place(self, piece: str) -> Place | None:
        for session, turn, folded in self._texts:
            start = folded.text.find(piece)
            if start >= 0:
                return Place(session, turn, folded.at[start], folded.at[start + len(piece) - 1] + 1)
        return None

    def _is_whole(self, pieces: Sequence[str]) -> bool:
        return any(piece == folded.text for piece in pieces for _, _, folded in self._texts)


def bare(quote: str) -> str:
    """A quote without the speaker's name and without the marks around the whole of it."""
    quote = _NAME.sub("", quote).strip()
    for opening, closing in ("“”", "‘’", "「」", "『』", '""', "''"):
        inner = quote[1:-1]
        if quote[:1] == opening and quote[-1:] == closing and opening not in inner and closing not in inner:
            return inner.strip()
    return quote
