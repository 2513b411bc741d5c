"""Lexicons: words of a field with their type and their concept, found as exact spans. TOML files, zh and en side by side."""

import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from psyloom.knowledge.files import load
from psyloom.knowledge.labels import Bilingual
from psyloom.records import Lang

FOLDER = Path(__file__).parent / "lexicons"


class Concept(BaseModel):
    """A concept as it stands in a text. code: the same for all words of one concept; a number is its own code."""

    text: str = Field(min_length=1)
    type: str
    code: str


class Words(BaseModel):
    """What one concept is called."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: tuple[str, ...]
    zh: tuple[str, ...]

    def of(self, lang: Lang) -> tuple[str, ...]:
        return self.zh if lang == "zh" else self.en


class Lexicon(BaseModel):
    """term: type -> concept -> its words; pattern: type -> what numbers and measures look like."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    en: str
    zh: str
    source: str = ""
    note: str = ""
    term: dict[str, dict[str, Words]]
    pattern: dict[str, Bilingual] = {}

    @model_validator(mode="after")
    def _can_be_searched_for(self) -> "Lexicon":
        _ = self._finder
        return self

    @property
    def types(self) -> tuple[str, ...]:
        return (*self.term, *self.pattern)

    @cached_property
    def _known(self) -> dict[Lang, dict[str, tuple[str, str]]]:
        """Language -> word in lower case -> (type, code)."""
        langs: tuple[Lang, Lang] = ("en", "zh")
        return {
            lang: {
                word.lower(): (kind, code)
                for kind, concepts in self.term.items() for code, words in concepts.items() for word in words.of(lang)
            }
            for lang in langs
        }  # fmt: skip

    @cached_property
    def _finder(self) -> dict[Lang, re.Pattern[str]]:
        return {lang: self._compiled(lang, words) for lang, words in self._known.items()}

    def _compiled(self, lang: Lang, words: Iterable[str]) -> re.Pattern[str]:
        """One expression for all words, the longest first, and for the patterns after them."""
        edge = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])" if lang == "en" else "{}"
        listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        numbers = [f"(?P<{kind}>{pattern.of(lang)})" for kind, pattern in self.pattern.items()]
        return re.compile("|".join([edge.format(f"(?:{listed})"), *numbers]), re.IGNORECASE)

    def spans(self, text: str, lang: Lang) -> Iterator[tuple[int, int, Concept]]:
        """Yield (start, end, concept) of everything found in ``text``, in its order, without overlaps."""
        for found in self._finder[lang].finditer(text):
            word = found[0]
            kind, code = (found.lastgroup, word.lower()) if found.lastgroup else self._known[lang][word.lower()]
            yield *found.span(), Concept(text=word, type=kind, code=code)

    def find(self, text: str, lang: Lang) -> list[Concept]:
        """The concepts of ``text`` in its order, each once, in the words in which it comes first."""
        return once(concept for _, _, concept in self.spans(text, lang))

    def mentions(self, concept: Concept, text: str, lang: Lang) -> bool:
        """Does ``text`` name the concept: in these very words, or in others of the same concept?"""
        return concept.text.lower() in text.lower() or any(c.code == concept.code for c in self.find(text, lang))


def once(concepts: Iterable[Concept]) -> list[Concept]:
    """The first of each code, in order."""
    found: dict[str, Concept] = {}
    for concept in concepts:
        found.setdefault(concept.code, concept)
    return list(found.values())


@cache
def lexicon(name: str | Path) -> Lexicon:
    """A bundled lexicon by id, or one from a TOML file by path.

    Raises: UnknownName for an id that is not bundled, BadRecord for a file that is no lexicon.
    """
    return load(Lexicon, name, FOLDER, "lexicon")
