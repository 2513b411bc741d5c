"""The gates: nothing that the real client said may come through, word for word or nearly so. All of it is measured."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from psyloom.agents import retrieval
from psyloom.records import Lang, Turn, sentences
from psyloom.safety.entities import entities
from psyloom.systems.psydial.mask import CLIENT, grams, own_sentences, tokens, words_of

RUN: dict[Lang, int] = {"zh": 8, "en": 6}
"""Characters (zh) or words (en) in a row that count as copied."""
OVERLAP = 0.05
"""Share of the new client side's runs of four that may stand in the real one."""
NEAR = 0.7
"""Likeness (Dice, of words or of characters and their pairs) at which a sentence counts as the real one in other words."""
_CLAUSE = re.compile(r"[，,、；;：:—]+")
_ALIKE: dict[Lang, int] = {"zh": 6, "en": 5}  # shorter sentences are too short to be alike: they are the same or not


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
        return cls(tuple(_one_width(text) for text in said if not CLIENT.fullmatch(text)), lang, _one_width(public))

    @cached_property
    def names(self) -> dict[str, str]:
        """Words -> kind, of the entities that are not public as well."""
        found = {words: kind for text in self.texts for kind, words in entities(text)}
        return {w: kind for w, kind in found.items() if len(w) > 1 and not words_of(w).search(self.public)}

    @cached_property
    def _runs(self) -> set[tuple[str, ...]]:
        return grams(self.texts, RUN[self.lang])

    @cached_property
    def _fours(self) -> set[tuple[str, ...]]:
        return grams(self.texts, 4)

    @cached_property
    def _sentences(self) -> set[tuple[str, ...]]:
        return own_sentences(self.texts)

    @cached_property
    def _pieces(self) -> list[frozenset[str]]:
        return self._told(self.texts)

    def _told(self, texts: Iterable[str]) -> list[frozenset[str]]:
        """The pieces of the sentences that are long enough to be alike."""
        parts = (one for text in texts for one in sentences(text))
        return [frozenset(retrieval.grams(one)) for one in parts if len(tokens(one)) >= _ALIKE[self.lang]]

    def _same(self, texts: Iterable[str]) -> set[tuple[str, ...]]:
        """The real client's own sentences, however short, that stand in ``texts`` as a sentence or a part of one."""
        parts = [part for text in texts for part in (text, *_CLAUSE.split(text))]
        return own_sentences(parts) & self._sentences

    def leak(self, text: str) -> str | None:
        """Which rule a new line breaks: ``entity``, ``copied`` or ``near``; None for a clean one."""
        text = _one_width(text)
        if any(words_of(name).search(text) for name in self.names):
            return "entity"
        if grams([text], RUN[self.lang]) & self._runs or self._same([text]):
            return "copied"
        return "near" if self.nearest([text]) >= NEAR else None

    def nearest(self, texts: Iterable[str]) -> float:
        """Likeness 0-1 of the two most alike sentences, one new and one real."""
        pairs = ((mine, theirs) for mine in self._told(texts) for theirs in self._pieces)
        return max((2 * len(a & b) / (len(a) + len(b)) for a, b in pairs if a and b), default=0.0)

    def overlap(self, texts: Iterable[str]) -> float:
        """Share 0-1 of the new client side's runs of four tokens that the real client said, too."""
        new = grams(texts, 4)
        return len(new & self._fours) / len(new) if new else 0.0

    def measures(self, turns: Sequence[Turn]) -> dict[str, float]:
        """What of the real client is found in a rebuilt session, both sides of it."""
        texts = [_one_width(turn.text) for turn in turns]
        whole = "\n".join(texts)
        return {
            "leaked_sentences": len(self._same(texts)),
            "nearest_sentence": round(self.nearest(texts), 3),
            "longest_run": longest_run(texts, self.texts),
            "overlap": round(self.overlap(turn.text for turn in turns if turn.speaker == "client"), 3),
            "leaked_entities": sum(bool(words_of(name).search(whole)) for name in self.names),
        }


def _one_width(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def longest_run(new: Iterable[str], real: Iterable[str]) -> int:
    """Most tokens in a row that stand in a new and in a real text."""
    new, real, size = list(new), list(real), 0
    while grams(new, size + 1) & grams(real, size + 1):
        size += 1
    return size


def edited(before: str, after: str) -> float:
    """How much of a line was changed: 0 nothing, 1 all of it. 1 - ratio of matching characters."""
    return 1 - SequenceMatcher(None, before, after, autojunk=False).ratio()
