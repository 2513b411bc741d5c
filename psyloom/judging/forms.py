"""The typed answers of judges: quotes first, reasons next, the value last."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field, create_model

from psyloom.knowledge.items import Item
from psyloom.records import Lang, Speaker

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

_TELLS = {
    "en": {
        "evidence": "passages copied word for word from the material, without the speaker's name",
        "reason": "in one to three sentences, how the passages lead to the value",
        "value": "the answer that follows from it",
        "quote": "the passage, copied word for word",
        "intensity": "how strong it is",
        "why": "in one sentence",
        "name": "name of the diagnosis",
        "code": "ICD-10 code, e.g. F32.1",
    },
    "zh": {
        "evidence": "从材料中原样摘录的原话，不带说话人名称",
        "reason": "用一到三句话说明怎样由这些原话得出结论",
        "value": "由此得出的结论",
        "quote": "原样摘录的原话",
        "intensity": "程度",
        "why": "一句话说明",
        "name": "诊断名称",
        "code": "ICD-10 编码，如 F32.1",
    },
}


class Judgment(BaseModel):
    """One item judged; ``value`` is typed by the item."""

    evidence: list[str] = Field(max_length=5)
    reason: str = Field(min_length=1)
    value: Any

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {**actor.fill(), "evidence": quotable(actor)}


class Form(BaseModel):
    """Several items judged in one answer: a field for each, named by its id."""

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {item: {**judged, "evidence": quotable(actor)} for item, judged in actor.fill().items()}

    def judgments(self) -> dict[str, Judgment]:
        return {name: getattr(self, name) for name in type(self).model_fields}


class Marks(BaseModel):
    """Passages of one kind, each with its intensity."""

    found: list[Any]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        marks = zip(quotable(actor, side="counselor"), actor.fill()["found"], strict=False)
        return {"found": [{**mark, "quote": quote} for quote, mark in marks]}


class Ranking(BaseModel):
    """A differential diagnosis, the most likely first."""

    ranked: list[Any]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"ranked": [{**one, "evidence": quotable(actor)} for one in actor.fill()["ranked"]]}


class Shape(NamedTuple):
    """All of an item that its answer's type depends on. Items of one shape share a type, and so a prompt's beginning."""

    kind: str
    low: float
    high: float
    step: float
    options: tuple[str, ...]
    na: bool
    most: int


def shape(item: Item) -> Shape:
    return Shape(item.kind, item.low, item.high, item.step, tuple(o.id for o in item.options), item.na, item.most)


@cache
def answer_type(wanted: Shape, lang: Lang) -> type[BaseModel]:
    """The type of an answer about one item: a `Judgment`, `Marks` or a `Ranking`."""
    tells = _TELLS[lang]
    if wanted.kind == "span":
        mark = create_model(
            "Mark",
            quote=(str, Field(min_length=1, description=tells["quote"])),
            reason=(str, Field(min_length=1, description=tells["why"])),
            intensity=(
                _number(wanted.step, max(wanted.low, wanted.step), wanted.high),
                Field(description=tells["intensity"]),
            ),
        )
        return create_model("Marks", __base__=Marks, found=(list[mark], Field(max_length=20)))
    if wanted.kind == "ranked":
        one = create_model(
            "Diagnosis",
            evidence=(list[str], Field(max_length=3, description=tells["evidence"])),
            name=(str, Field(min_length=1, description=tells["name"])),
            code=(str | None, Field(description=tells["code"])),
        )
        return create_model("Ranking", __base__=Ranking, ranked=(list[one], Field(max_length=wanted.most)))
    return create_model(
        "Judgment",
        __base__=Judgment,
        evidence=(list[str], Field(max_length=5, description=tells["evidence"])),
        reason=(str, Field(min_length=1, description=tells["reason"])),
        value=(_value(wanted), Field(description=tells["value"])),
    )


@cache
def form_type(items: tuple[tuple[str, Shape], ...], lang: Lang) -> type[Form]:
    """The type of one answer about several items, given as (id, shape)."""
    return create_model("Form", __base__=Form, **{name: (answer_type(one, lang), ...) for name, one in items})  # type: ignore[call-overload,no-any-return]


def _value(wanted: Shape) -> Any:
    kinds = {
        "likert": _number(wanted.step, wanted.low, wanted.high),
        "count": Annotated[int, Field(ge=0, strict=True)],
        "binary": Annotated[bool, Field(strict=True)],
        "pairwise": Literal["A", "B", "tie"],
    }
    kind = Literal[wanted.options] if wanted.kind == "choice" else kinds[wanted.kind]
    return kind | None if wanted.na else kind


def _number(step: float, low: float, high: float) -> Any:
    """Numbers only: neither "4" nor true is one, and a number off the scale or between its steps is refused."""
    if step == int(step) == 1:
        return Annotated[int, Field(ge=int(low), le=int(high), strict=True)]
    return Annotated[float, Field(ge=low, le=high, multiple_of=step, strict=True)]


def quotable(actor: Actor, side: Speaker | None = None) -> list[str]:
    """What a rehearsed judge quotes: a message of the dialogue, else a sentence of the case."""
    said = [text for who, text in actor.cue.turns if len(text) > 1 and side in (None, who)]
    said = said or ([] if side else list(actor.given))
    return [actor.rng.choice(said)] if said else []
