"""Quotes: does what a judge cites really stand in the text, and where?

Compared are letters and digits alone: quotation marks, punctuation, white space, width and case do not count.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from psyloom.records import Lang, Session, Speaker

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


@lru_cache(maxsize=4096)  # the same message is looked into for every item, sample and instrument
def _folded(text: str) -> _Folded:
    pairs = [(c, place) for place, raw in enumerate(text) for c in fold(raw)]
    return _Folded("".join(c for c, _ in pairs), tuple(place for _, place in pairs))


def fold(text: str) -> str:
    """What is left of ``text`` for comparing."""
    return re.sub(r"\W+", "", unicodedata.normalize("NFKC", text).casefold()).translate(_PLAIN)


class Passages:
    """The texts a judge may quote from: the turns of some sessions, and other words such as those of the case.

    first: index of the first session. side: only what this speaker says.
    """

    def __init__(
        self, sessions: Sequence[Session], lang: Lang, other: Iterable[str] = (), first: int = 0, side: Speaker | None = None,
    ) -> None:  # fmt: skip
        self.lang = lang
        turns = [(s, t, turn) for s, session in enumerate(sessions, first) for t, turn in enumerate(session.turns)]
        self.turns = [(s, t, turn) for s, t, turn in turns if side in (None, turn.speaker)]
        self.other = list(other)

    @cached_property
    def _texts(self) -> list[tuple[int, int, _Folded]]:
        own = [(s, t, _folded(turn.text)) for s, t, turn in self.turns]
        return own + [(-1, -1, _folded(text)) for text in self.other]

    def places(self, quote: str) -> list[Place]:
        """Where ``quote`` stands: the whole of it, or its pieces, parted by omissions or line breaks. Empty: it does not."""
        whole = fold(_NAME.sub("", quote))
        pieces = [folded for piece in _LEFT_OUT.split(quote) if (folded := fold(_NAME.sub("", piece)))]
        for each in ([whole] if whole else [], pieces):
            found = [place for piece in each if (place := self._place(piece))]
            if found and len(found) == len(each) and self._tells(each):
                return found
        return []

    def _tells(self, pieces: Sequence[str]) -> bool:
        """Is this more than a chance hit? A few letters stand in any text, but a whole message may be short."""
        longest = max(map(len, pieces))
        return longest >= _SHORTEST[self.lang] or any(p == text.text for p in pieces for _, _, text in self._texts)

    def _place(self, piece: str) -> Place | None:
        for session, turn, folded in self._texts:
            start = folded.text.find(piece)
            if start >= 0:
                return Place(session, turn, folded.at[start], folded.at[start + len(piece) - 1] + 1)
        return None


def bare(quote: str) -> str:
    """A quote without the speaker's name and without the marks around the whole of it."""
    quote = _NAME.sub("", quote).strip()
    for opening, closing in ("“”", "‘’", "「」", "『』", '""', "''"):
        inner = quote[1:-1]
        if quote[:1] == opening and quote[-1:] == closing and opening not in inner and closing not in inner:
            return inner.strip()
    return quote
