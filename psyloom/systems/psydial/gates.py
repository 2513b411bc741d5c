"""The gates: nothing that the real client said may come through, word for word or nearly so. All of it is measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from psyloom.agents import retrieval
from psyloom.agents.guards import fold
from psyloom.records import Lang, Turn, sentences
from psyloom.safety.entities import entities
from psyloom.systems.psydial.mask import CLIENT, grams, tokens

RUN: dict[Lang, int] = {"zh": 8, "en": 6}
"""Characters (zh) or words (en) in a row that count as copied."""
OVERLAP = 0.05
"""Share of the new client side's runs of four that may stand in the real one."""
NEAR = 0.7
"""Likeness (Dice, of words or of characters and their pairs) at which a sentence counts as the real one in other words."""
_WHOLE: dict[Lang, int] = {"zh": 6, "en": 5}  # shorter sentences (嗯。Yes, I know.) are everybody's


@dataclass(frozen=True)
class RealClient:
    """What the client of the real session said. It is compared with, and shown to nobody.

    public: the complaint, whose names anyone may read.
    """

    texts: tuple[str, ...]
    lang: Lang
    public: str = ""

    @classmethod
    def of(cls, turns: Iterable[Turn], lang: Lang, public: str = "") -> "RealClient":
        """The client's side of a session; lines that were masked before say nothing."""
        said = (turn.text for turn in turns if turn.speaker == "client")
        return cls(tuple(text for text in said if not CLIENT.fullmatch(text)), lang, public)

    @cached_property
    def names(self) -> dict[str, str]:
        """Folded words -> kind, of the entities that are not public as well."""
        found = {fold(words): kind for text in self.texts for kind, words in entities(text)}
        return {words: kind for words, kind in found.items() if len(words) > 1 and words not in fold(self.public)}

    @cached_property
    def _runs(self) -> set[tuple[str, ...]]:
        return grams(self.texts, RUN[self.lang])

    @cached_property
    def _fours(self) -> set[tuple[str, ...]]:
        return grams(self.texts, 4)

    @cached_property
    def _sentences(self) -> list[tuple[str, frozenset[str]]]:
        return self._told(self.texts)

    def _told(self, texts: Iterable[str]) -> list[tuple[str, frozenset[str]]]:
        """(folded, pieces) of the sentences long enough to be somebody's own."""
        parts = (one for text in texts for one in sentences(text))
        return [(fold(one), frozenset(retrieval.grams(one))) for one in parts if len(tokens(one)) >= _WHOLE[self.lang]]

    def leak(self, text: str) -> str | None:
        """Which rule a new line breaks: ``entity``, ``copied`` or ``near``; None for a clean one."""
        folded = fold(text)
        if any(name in folded for name in self.names):
            return "entity"
        if grams([text], RUN[self.lang]) & self._runs:
            return "copied"
        return "near" if self.nearest([text]) >= NEAR else None

    def nearest(self, texts: Iterable[str]) -> float:
        """Likeness 0-1 of the two most alike sentences, one new and one real."""
        pairs = ((mine, theirs) for _, mine in self._told(texts) for _, theirs in self._sentences)
        return max((2 * len(a & b) / (len(a) + len(b)) for a, b in pairs if a and b), default=0.0)

    def overlap(self, texts: Iterable[str]) -> float:
        """Share 0-1 of the new client side's runs of four tokens that the real client said, too."""
        new = grams(texts, 4)
        return len(new & self._fours) / len(new) if new else 0.0

    def measures(self, turns: Sequence[Turn]) -> dict[str, float]:
        """What of the real client is found in a rebuilt session, both sides of it."""
        texts = [turn.text for turn in turns]
        new = {folded for folded, _ in self._told(texts)}
        whole = fold("\n".join(texts))
        return {
            "leaked_sentences": sum(folded in new for folded, _ in self._sentences),
            "nearest_sentence": round(self.nearest(texts), 3),
            "longest_run": longest_run(texts, self.texts),
            "overlap": round(self.overlap(turn.text for turn in turns if turn.speaker == "client"), 3),
            "leaked_entities": sum(name in whole for name in self.names),
        }


def longest_run(new: Iterable[str], real: Iterable[str]) -> int:
    """Most tokens in a row that stand in a new and in a real text."""
    new, real, size = list(new), list(real), 0
    while grams(new, size + 1) & grams(real, size + 1):
        size += 1
    return size


def edited(before: str, after: str) -> float:
    """How much of a line was changed: 0 nothing, 1 all of it. 1 - ratio of matching characters."""
    return 1 - SequenceMatcher(None, before, after, autojunk=False).ratio()
