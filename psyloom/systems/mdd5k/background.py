"""Who the doctor is and what may lie behind an illness: MDD-5k's data files and the draws from them."""

import random
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from psyloom.knowledge.inquiry import Gender
from psyloom.knowledge.labels import Bilingual
from psyloom.records import Lang

_HERE = Path(__file__).parent
_FEMALE = re.compile(r"^\s*(?:女|f(?:emale)?\b|woman|girl)", re.IGNORECASE)
_MALE = re.compile(r"^\s*(?:男|m(?:ale)?\b|man|boy)", re.IGNORECASE)


class Doctor(BaseModel):
    """A doctor's persona. pace, style, explains (how often terms are explained): in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    age: int
    gender: Literal["female", "male"]
    specialties: Bilingual
    pace: Bilingual
    style: Bilingual
    empathy: bool
    explains: Bilingual


class Say(Bilingual):
    """A person or an event, for patients of some decades or of one gender."""

    decades: tuple[int, ...] = ()
    gender: Gender | None = None

    def fits(self, decade: int, gender: Gender | None) -> bool:
        return (not self.decades or decade in self.decades) and self.gender in (None, gender)


class Times(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    decades: tuple[int, ...]
    say: tuple[Bilingual, ...]


class Category(BaseModel):
    """Persons and what may happen with them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    decades: tuple[int, ...] = ()
    person: tuple[Say, ...] = Field(min_length=1)
    event: tuple[Say, ...] = Field(min_length=1)

    def narrowed(self, decade: int, gender: Gender | None) -> tuple[list[Say], list[Say]]:
        """The persons and the events for one patient; none when the category is not for them."""
        if self.decades and decade not in self.decades:
            return [], []
        return [p for p in self.person if p.fits(decade, gender)], [e for e in self.event if e.fits(decade, gender)]


class Triplet(NamedTuple):
    """When, with whom, what."""

    time: str
    people: str
    event: str


class EventGraph(BaseModel):
    """Times and categories for all decades and both genders."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    time: tuple[Times, ...]
    category: tuple[Category, ...]

    def draw(self, years: int | None, gender: Gender | None, lang: Lang, rng: random.Random) -> Triplet:
        """A triplet for one patient.

        Time: uniform. Category: in proportion to its persons; then a person and an event of it, both uniform.
        years None: 30; under 20 counts as the tens, over 50 as the fifties.
        Source: MDD-5k, arXiv 2408.12142, fictitious experience.
        """
        decade = min(50, max(10, (30 if years is None else years) // 10 * 10))
        times = [one for group in self.time if decade in group.decades for one in group.say]
        fitting = [pair for one in self.category if all(pair := one.narrowed(decade, gender))]
        persons, events = rng.choices(fitting, weights=[len(p) for p, _ in fitting])[0]
        return Triplet(rng.choice(times).of(lang), rng.choice(persons).of(lang), rng.choice(events).of(lang))


@cache
def event_graph() -> EventGraph:
    """The bundled graph."""
    return EventGraph.model_validate(_toml("events"))


@cache
def doctors() -> list[Doctor]:
    """The five personas, in the paper's order."""
    return TypeAdapter(list[Doctor]).validate_python(_toml("doctors")["doctor"])


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / f"{name}.toml").read_text("utf-8"))


def years_of(age: Any) -> int | None:
    """The first number in an age; None when there is none ("thirties")."""
    found = re.search(r"\d+", str(age or ""))
    return int(found[0]) if found else None


def gender_of(word: Any) -> Gender | None:
    """female or male from what a record says in either language; None for anything else."""
    word = str(word or "")
    return "female" if _FEMALE.match(word) else "male" if _MALE.match(word) else None
