"""Label sets: strategies, techniques, stages, topics. TOML files, one set a file, zh and en side by side."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from psyloom.errors import UnknownName
from psyloom.knowledge.files import ids_in, load
from psyloom.records import Label, Lang

FOLDER = Path(__file__).parent / "labels"


class Bilingual(BaseModel):
    """The same words twice."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: str = ""
    zh: str = ""

    def of(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


class Term(BaseModel):
    """One label: what it is called in both languages, what it means, what else people call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$")
    en: str
    zh: str
    definition: Bilingual = Bilingual()
    aliases: tuple[str, ...] = ()
    parent: str | None = None

    def name(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en

    def words(self) -> Iterator[str]:
        """Every word by which the label may be called."""
        yield from (self.id, self.en, self.zh, *self.aliases)


class LabelSet(BaseModel):
    """A closed list of labels. ``source`` says which paper it comes from and what of it is ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    en: str
    zh: str
    source: str = ""
    note: str = ""
    terms: tuple[Term, ...] = Field(alias="label", min_length=1)

    @model_validator(mode="after")
    def _no_word_names_two_labels(self) -> "LabelSet":
        _ = self._by_word
        return self

    @cached_property
    def _by_word(self) -> dict[str, Term]:
        found: dict[str, Term] = {}
        for term in self.terms:
            for word in term.words():
                if found.setdefault(_fold(word), term) is not term:
                    raise ValueError(f"{word!r} names both {found[_fold(word)].id!r} and {term.id!r}")
        return found

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(term.id for term in self.terms)

    def find(self, word: str) -> Term | None:
        """The label called ``word`` in either language or by any alias; None when there is none."""
        return self._by_word.get(_fold(word))

    def __getitem__(self, word: str) -> Term:
        """Like `find`, but raises UnknownName with the nearest names."""
        if (term := self.find(word)) is None:
            raise UnknownName(f"label of {self.id}", word, (name for t in self.terms for name in (t.en, t.zh)))
        return term

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find(word) is not None

    def __len__(self) -> int:
        return len(self.terms)

    def some(self, words: Iterable[str]) -> list[Term]:
        """The labels called by ``words``, in their order."""
        return [self[word] for word in words]

    def children(self, parent: str) -> list[Term]:
        """The labels directly under ``parent``."""
        return [term for term in self.terms if term.parent == self[parent].id]

    def above(self, word: str) -> Term | None:
        """The label over ``word``; None for one that stands at the top: a coarse label is derived, never asked."""
        parent = self[word].parent
        return self[parent] if parent else None

    @cached_property
    def leaves(self) -> "LabelSet":
        """The labels with none below them, as a set of its own: what can be asked. Itself when no label has a parent."""
        parents = {term.parent for term in self.terms}
        terms = [term for term in self.terms if term.id not in parents]
        return self if len(terms) == len(self.terms) else self._part("leaves", terms)

    def without(self, *words: str) -> "LabelSet":
        """The labels but for those called by ``words``, as a set of its own."""
        left = {self[word].id for word in words}
        return self.only(term.id for term in self.terms if term.id not in left)

    def only(self, words: Iterable[str]) -> "LabelSet":
        """The labels called by ``words``, in this set's order, as a set of its own: what can be asked right now."""
        ids = {self[word].id for word in words}
        return self._part("+".join(sorted(ids)), [term for term in self.terms if term.id in ids])

    def _part(self, name: str, terms: list[Term]) -> "LabelSet":
        found = LabelSet(id=f"{self.id}.{name}", en=self.en, zh=self.zh, source=self.source, label=terms)
        return _LOADED.setdefault(found.id, found)

    def label(self, word: str, **more: Any) -> Label:
        """A record's label; ``more``: span, by, reason, evidence, origin."""
        return Label(set=self.id, id=self[word].id, **more)


class OneOf:
    """Marks a text field of an answer as a label: ``Technique = Annotated[str, OneOf(TECHNIQUES)]``.

    Any name or alias in either language is accepted and becomes the label's id.
    strict: False lets other words through as they are, for systems that mark them instead.
    """

    def __init__(self, labels: LabelSet, *, strict: bool = True) -> None:
        self.labels, self.strict = labels, strict

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._to_id, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.labels.ids), "labels": self.labels.id}

    def _to_id(self, word: str) -> str:
        if (term := self.labels.find(word)) is None:
            if not self.strict:
                return word
            allowed = ", ".join(t.en for t in self.labels.terms)
            raise PydanticCustomError(
                "label", "{word} is not in the list: {allowed}", {"word": word, "allowed": allowed}
            )
        return term.id


@cache
def label_set(name: str | Path) -> LabelSet:
    """A bundled label set by id, or one from a TOML file by path.

    Raises: UnknownName for an id that is not bundled, BadRecord for a file that is no label set.
    """
    found = load(LabelSet, name, FOLDER, "label set")
    _LOADED[found.id] = found
    return found


_LOADED: dict[str, LabelSet] = {}


def loaded(name: str) -> LabelSet:
    """A set that some system already uses, bundled or its own."""
    return _LOADED[name] if name in _LOADED else label_set(name)


def label_sets() -> list[str]:
    """Ids of all bundled label sets."""
    return ids_in(FOLDER)


def _fold(word: str) -> str:
    return re.sub(r"[\s_\-‐–—/、，,.。\"'“”‘’「」()（）]+", "", unicodedata.normalize("NFKC", word)).casefold()
