"""What an instrument is made of: items, their scales and answers, and what is computed from them."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from psyloom.errors import UnknownName
from psyloom.knowledge.labels import Bilingual
from psyloom.records import Lang

Kind = Literal["likert", "binary", "count", "choice", "pairwise", "span", "ranked"]
Severity = Literal["red", "yellow"]


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Frozen):
    """Something with a name in both languages."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def name(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


class Anchor(Bilingual):
    """What one point of a scale looks like."""

    at: float


class Criterion(Bilingual):
    """One thing to look at within an item; ``points``: its share of the item's maximum, where the source gives one."""

    points: float | None = None


class Option(Named):
    """One answer of a choice. ``value``: its number; in a decision tree ``severity`` and ``go``, the next question.

    silent: nothing can be quoted for it, since it says that something is absent.
    """

    value: float | None = None
    severity: Severity | None = None
    go: str | None = None
    silent: bool = False


class Seen(Bilingual):
    """One part of the case that the rater may read, and what it is called."""

    path: str


class Item(Named):
    """One thing to rate.

    kind:   likert (``low`` to ``high`` in ``step``), binary, count, choice, pairwise (which of two dialogues),
            span (passages, each with an intensity ``low`` to ``high``; 0: none found), ranked (a list, best first).
    silent: values for which no words need be quoted. most: longest list of a ranked item.
    reverse: the low end is the good one; na: "does not apply" is an answer.
    """

    ask: Bilingual = Bilingual()
    guide: Bilingual = Bilingual()
    kind: Kind = "likert"
    low: float = 0
    high: float = 0
    step: float = Field(1, gt=0)
    anchors: tuple[Anchor, ...] = Field((), alias="anchor")
    criteria: tuple[Criterion, ...] = Field((), alias="criterion")
    options: tuple[Option, ...] = Field((), alias="option")
    silent: tuple[float, ...] = ()
    reverse: bool = False
    na: bool = False
    most: int = Field(10, gt=0)
    dimension: str | None = None

    @property
    def scaled(self) -> bool:
        return self.kind in ("likert", "span")

    def option(self, answer: str) -> Option:
        """The option with this id. Raises UnknownName."""
        found = next((option for option in self.options if option.id == answer), None)
        if found is None:
            raise UnknownName(f"answer to {self.id}", answer, (option.id for option in self.options))
        return found

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.scaled and not self.low < self.high:
            raise ValueError(f"item {self.id!r} needs a scale: low < high")
        if self.scaled and (off := [a.at for a in self.anchors if not self.low <= a.at <= self.high]):
            raise ValueError(f"item {self.id!r} has an anchor at {off[0]:g}, outside its scale")
        if (self.kind == "choice") != bool(self.options):
            raise ValueError(f"item {self.id!r}: options belong to a choice, and a choice needs some")
        return self


class Subscale(Named):
    """Items taken together: by mean or by sum. Items may be given by number, as publications do."""

    items: tuple[str, ...] = Field(min_length=1)
    aggregate: Literal["mean", "sum"] = "mean"


class Ratio(Named):
    """A quotient of two sums of items, e.g. reflections to questions; undefined while the lower sum is 0."""

    of: tuple[str, ...] = Field(min_length=1)
    over: tuple[str, ...] = Field(min_length=1)


class Band(Bilingual):
    """What a value of ``score`` ("total", a subscale, a ratio) from ``low`` on is called."""

    score: str
    low: float


class Alarm(Named):
    """A value that must be noticed. ``score``: "total", "any" (one of the items), an item, a subscale, a ratio."""

    score: str
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def rings(self, value: float) -> bool:
        over = self.above is not None and value > self.above
        under = self.at_most is not None and value <= self.at_most
        return over or under or (self.below is not None and value < self.below)


class Dimension(Named):
    """A part of a decision tree that gets an outcome of its own."""
