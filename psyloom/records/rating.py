"""Rating: who rated what with which instrument."""

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from psyloom.records.record import Part, Record


class Rater(Part):
    """Who rated. Judges, humans, simulated clients and students rate alike."""

    kind: Literal["human", "model", "client", "student"]
    name: str = Field(min_length=1, description="a person's pseudonym or a model's name")
    perspective: Literal["client", "counselor", "observer"] = "observer"


class Subject(Part):
    """What was rated: a dialogue, one of its sessions or one turn; a pair for a comparison."""

    dialogue: str = Field(min_length=1, description="dialogue id")
    session: int | None = Field(None, ge=0, description="index; null: all")
    turn: int | None = Field(None, ge=0, description="index inside the session; null: all")
    against: str | None = Field(None, description="id of the other dialogue, for pairwise items")
    moment: Literal["before", "after"] | None = Field(None, description="for instruments filled in twice")


class ItemRating(Part):
    """One item's value. ``value`` null with ``failure`` set: the judgment failed and is no number."""

    item: str = Field(min_length=1)
    value: int | float | bool | str | None = None
    reason: str | None = None
    evidence: list[str] = Field(default_factory=list, description="words quoted from the dialogue")
    failure: str | None = None


class Rating(Record):
    """One rater's judgment of one subject with one instrument."""

    kind: ClassVar[str] = "rating"

    id: str = Field(min_length=1)
    subject: Subject
    rater: Rater
    instrument: str = Field(min_length=1)
    instrument_version: str = "1"
    scale: tuple[float, float] | None = Field(None, description="lowest and highest value, as rated")
    items: list[ItemRating]
    sample: int = Field(0, ge=0, description="which of several judgments by the same rater")
    extra: dict[str, JsonValue] = Field(default_factory=dict)
