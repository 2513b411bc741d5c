"""Small ratings."""

from collections.abc import Iterable
from typing import Literal

from psyloom.records import ItemRating, Rater, Rating, Subject

Kind = Literal["human", "model", "client", "student"]
Moment = Literal["before", "after"]


def rating(
    rater: str,
    dialogue: str,
    *values: object,
    item: str = "empathy",
    kind: Kind = "human",
    instrument: str = "ctrs",
    version: str = "1",
    scale: tuple[float, float] | None = (0, 6),
    sample: int = 0,
    moment: Moment | None = None,
    failure: str | None = None,
) -> Rating:
    """One rating of one item; several values are a multi-label one, none is a failed judgment."""
    parts = [ItemRating(item=item, value=value) for value in values]  # type: ignore[arg-type]
    return Rating(
        id=f"{rater}-{dialogue}-{item}-{sample}-{moment}",
        subject=Subject(dialogue=dialogue, moment=moment),
        rater=Rater(kind=kind, name=rater),
        instrument=instrument,
        instrument_version=version,
        scale=scale,
        sample=sample,
        items=parts or [ItemRating(item=item, failure=failure or "no number in the answer")],
    )


def column(rater: str, values: Iterable[object], **more: object) -> list[Rating]:
    """One rater's values of dialogues d0, d1, ...; None: not rated."""
    return [rating(rater, f"d{i}", value, **more) for i, value in enumerate(values) if value is not None]  # type: ignore[arg-type]
