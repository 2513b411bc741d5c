"""Inquiry trees: what a diagnostic interview asks about, as data. TOML files, one tree a file.

The tree itself, sections over groups over leaves, stands in a label set through its parents, because turns are
labelled with the same names; the file says in which order sections come and whom a leaf is for.
"""

import random
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from psyloom.knowledge.files import ids_in, load
from psyloom.knowledge.labels import Bilingual, LabelSet, label_set

FOLDER = Path(__file__).parent / "inquiry"
Age = Literal["teen", "adult", "elder"]
Gender = Literal["female", "male"]


class Leaf(BaseModel):
    """One thing to ask about.

    who, gender: whom it is for; gender None: everybody. probe: what a good question asks for in detail.
    slot: a place for topics that arise in the talk itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    who: tuple[Age, ...] = ("teen", "adult", "elder")
    gender: Gender | None = None
    probe: Bilingual = Bilingual()
    slot: bool = False


class InquiryTree(BaseModel):
    """Leaves in their order; sections in theirs. ``swapped``: neighboring sections that may change places."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    en: str
    zh: str
    labels: LabelSet
    source: str = ""
    note: str = ""
    sections: tuple[str, ...]
    swapped: tuple[str, ...] = ()
    leaves: tuple[Leaf, ...]

    def path(self, leaf: str) -> tuple[str, ...]:
        """Ids from the section down to the leaf; a leaf without a group has two."""
        up = [leaf]
        while parent := self.labels[up[-1]].parent:
            up.append(parent)
        return tuple(reversed(up))

    def leaves_for(self, age: Age, gender: Gender | None) -> list[Leaf]:
        """The leaves that apply, in the order of the file; those of one gender only where the gender is known."""
        return [one for one in self.leaves if age in one.who and one.gender in (None, gender)]

    def queue(self, age: Age, gender: Gender | None, rng: random.Random, *, shuffle_groups: bool = True) -> list[Leaf]:
        """RandVisit: each leaf that applies once; sections in order, leaves in random order inside their group.

        shuffle_groups: groups change places inside their section too; a group always stays together. A section without
                    groups is shuffled in any case.
        Source: MDD-5k, arXiv 2408.12142; shuffled groups as in the released code, a fixed order as in the paper.
        """
        applying = self.leaves_for(age, gender)
        found: list[Leaf] = []
        for section in self._sections(rng):
            groups = self._groups(one for one in applying if self.path(one.id)[0] == section)
            if shuffle_groups or all(len(group) == 1 for group in groups):
                rng.shuffle(groups)
            for group in groups:
                rng.shuffle(group)
                found += group
        return found

    def _sections(self, rng: random.Random) -> list[str]:
        order: list[str] = []
        for may_swap, run in groupby(self.sections, self.swapped.__contains__):
            neighbors = list(run)
            if may_swap:
                rng.shuffle(neighbors)
            order += neighbors
        return order

    def _groups(self, leaves: Iterable[Leaf]) -> list[list[Leaf]]:
        """The leaves of a section by group; a leaf without a group is a group of its own."""
        groups: dict[str, list[Leaf]] = {}
        for one in leaves:
            groups.setdefault(self.path(one.id)[1], []).append(one)
        return list(groups.values())

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: dict[str, object]) -> dict[str, object]:
        """In the file a tree names its label set, and leaves stand under ``[[leaf]]``."""
        labels = given.get("labels")
        rest = {k: v for k, v in given.items() if k != "leaf"}
        leaves = given.get("leaf", given.get("leaves", ()))
        return rest | {"leaves": leaves, "labels": label_set(labels) if isinstance(labels, str) else labels}

    @model_validator(mode="after")
    def _each_leaf_has_its_place(self) -> "InquiryTree":
        ids = [one.id for one in self.leaves]
        if twice := {one for one in ids if ids.count(one) > 1}:
            raise ValueError(f"leaves that stand there twice: {', '.join(sorted(twice))}")
        for one in ids:
            path = self.path(one)
            if len(path) < 2 or path[0] not in self.sections:
                raise ValueError(f"leaf {one!r} belongs to none of the sections {', '.join(self.sections)}")
        return self


def age_group(years: int | None) -> Age:
    """Teen up to 20, elder from 60, as MDD-5k chooses its trees; adult when unknown."""
    if years is None:
        return "adult"
    return "teen" if years <= 20 else "elder" if years >= 60 else "adult"


@cache
def inquiry_tree(name: str | Path) -> InquiryTree:
    """A bundled tree by id, or one from a TOML file by path.

    Raises: UnknownName for an id that is not bundled, BadRecord for a file that is no tree.
    """
    return load(InquiryTree, name, FOLDER, "inquiry tree")


def inquiry_trees() -> list[str]:
    """Ids of all bundled trees."""
    return ids_in(FOLDER)
