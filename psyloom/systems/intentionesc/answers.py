"""The four steps of ICECoT as answers: state, intention, strategy, response. And what is wrong with them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, Field, create_model, model_validator

from psyloom.agents.annotating import Grounds, Text, said_by
from psyloom.knowledge import LabelSet, OneOf, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Element, Lang, Turn
from psyloom.systems.intentionesc.framework import INVENTORIES, Framework, Inventory, framework

NEEDS = label_set("intentionesc_need")
UNKNOWN = {"unknown", "不明"}
PRESSING = ("encourage_change", "give_information")  # what is imposed when nobody is ready for it
WORDS: dict[str, dict[Lang, str]] = {
    "evidence": {"en": "{}: {}", "zh": "{}：{}"},
    "unmapped": {
        "en": "strategy “{}” does not serve the intention “{}”; these do: {}",
        "zh": "策略“{}”不能实现意图“{}”，可以用的有：{}",
    },
    "not ready": {
        "en": "“{}” needs a seeker who is ready to act or asks for it",
        "zh": "求助者愿意行动或主动问起时，才适合“{}”",
    },
    "too strong": {
        "en": "at this intensity of feeling “{}” comes too early; explore or comfort first",
        "zh": "情绪这么强烈的时候，“{}”还太早，先探索或安慰",
    },
    "only to be heard": {
        "en": "the seeker wants to be heard; do not advise",
        "zh": "求助者此刻只想被倾听，不要给建议",
    },
}


class Emotion(BaseModel):
    """The main feeling."""

    label: Text
    intensity: int | None = Field(ge=1, le=5)
    evidence: str


class Aspect(BaseModel):
    """What set it off, or how it is seen."""

    text: Text
    evidence: str


class Need(BaseModel):
    """What the seeker wants of this talk now; readiness to act from 0 to 2."""

    label: Annotated[str, OneOf(NEEDS)]
    readiness: Literal[0, 1, 2]
    evidence: str


class State(BaseModel):
    """1. The four aspects of the seeker's emotional state; "unknown" for what was not expressed."""

    emotion: Emotion
    stimulus: Aspect
    appraisal: Aspect
    need: Need

    def aspects(self) -> Iterator[tuple[str, str, str]]:
        """(aspect, value, evidence), in order."""
        yield "emotion", self.emotion.label, self.emotion.evidence
        yield "stimulus", self.stimulus.text, self.stimulus.evidence
        yield "appraisal", self.appraisal.text, self.appraisal.evidence
        yield "need", self.need.label, self.need.evidence

    def faults(self, before: Sequence[Turn], lang: Lang) -> Iterator[str]:
        """Aspects whose evidence the seeker did not say."""
        grounds = Grounds.of(before, speaker="client")
        for aspect, value, quote in self.aspects():
            if value.casefold() not in UNKNOWN and (fault := grounds.fault(quote, lang)):
                yield WORDS["evidence"][lang].format(aspect, fault)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        quote = said_by(actor, "client")
        return {
            "emotion": {"label": actor.text("emotion"), "intensity": 3, "evidence": quote},
            "stimulus": {"text": actor.text("cause"), "evidence": quote},
            "appraisal": {"text": actor.text("appraisal"), "evidence": quote},
            "need": {"label": "be_understood", "readiness": 1, "evidence": quote},
        }


class Intention(BaseModel):
    """2. What the supporter wants to achieve."""

    primary: str
    secondary: str | None
    goal: Text
    motivation: Text
    expectation: Text

    @model_validator(mode="after")
    def _one_is_no_two(self) -> Self:
        """The primary intention once more is no secondary one."""
        if self.secondary == self.primary:
            self.secondary = None
        return self

    def names(self) -> list[str]:
        """The intentions, the primary one first."""
        return [name for name in (self.primary, self.secondary) if name]


class Grounded(Intention):
    """An intention written afterwards: with the words it rests on."""

    evidence: Text


class Rationale(BaseModel):
    """Why the strategy serves the intention, in one sentence."""

    sentence: Text
    evidence: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"sentence": actor.text("rationale"), "evidence": said_by(actor)}


def intention_faults(chosen: Intention, state: State | None, frame: Framework, lang: Lang) -> Iterator[str]:
    """Intentions that would be imposed on the seeker in this state."""
    if state is None:
        return
    asks = state.need.label in ("find_a_way", "facts")
    for name in chosen.names():
        called = frame.intentions[name].name(lang)
        if name in PRESSING and not (state.need.readiness or asks):
            yield WORDS["not ready"][lang].format(called)
        if (state.emotion.intensity or 0) >= 4 and name not in frame.gentle():
            yield WORDS["too strong"][lang].format(called)


def strategy_faults(
    strategy: str, state: State | None, chosen: Intention | None, frame: Framework, inventory: Inventory, lang: Lang
) -> Iterator[str]:
    """A strategy that does not serve the intention, or advice for one who only wants to be heard."""
    labels = INVENTORIES[inventory]
    if chosen:
        serving = frame.serve(chosen.names(), inventory)
        if strategy not in serving:
            names = ("、" if lang == "zh" else ", ").join(term.name(lang) for term in labels.some(serving))
            yield WORDS["unmapped"][lang].format(
                labels[strategy].name(lang), frame.intentions[chosen.primary].name(lang), names
            )
    if state and state.need.label == "be_heard" and strategy == "providing_suggestions":
        yield WORDS["only to be heard"][lang]


class Chain(BaseModel):
    """Some of the four steps, in their order."""

    strategies: ClassVar[dict[str, tuple[str, ...]]]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        given: dict[str, Any] = actor.fill()
        if "state" in given:
            given["state"] = State.rehearse(actor)
        if "intention" in given:
            given["intention"] |= {"primary": actor.rng.choice(sorted(cls.strategies)), "secondary": None}
            if "strategy" in given:
                given["strategy"] = cls.strategies[given["intention"]["primary"]][0]
        return given


@cache
def intention_type(intentions: LabelSet, kind: type[Intention] = Intention) -> type[Intention]:
    """An intention out of ``intentions``."""
    one = Annotated[str, OneOf(intentions)]
    return create_model("Intention", __base__=kind, primary=(one, ...), secondary=(one | None, ...))


@cache
def chain_type(
    steps: tuple[str, ...],
    source: Path | None,
    inventory: Inventory,
    allowed: tuple[str, ...] = (),
    strategies: tuple[str, ...] = (),
) -> type[Chain]:
    """The answer that holds ``steps``.

    source: the framework's file; allowed, strategies: intentions and strategies to choose from, () for all.
    """
    frame = framework(source)
    intentions = frame.intentions.only(allowed) if allowed else frame.intentions
    kinds: dict[str, Any] = {
        "state": State, "intention": intention_type(intentions),
        "strategy": Annotated[str, OneOf(INVENTORIES[inventory].only(strategies) if strategies else INVENTORIES[inventory])],
        "response": Text,
    }  # fmt: skip
    gentle = {name: frame.strategies(name, inventory) for name in intentions.ids if name in frame.gentle()}
    fields: dict[str, Any] = {step: (kinds[step], ...) for step in steps}
    return create_model("Chain", __base__=Chain, strategies=(ClassVar[dict[str, tuple[str, ...]]], gentle), **fields)


def in_one(faults: Iterable[str], lang: Lang) -> str | None:
    """Everything that is wrong, in one line; None when nothing is."""
    return ("；" if lang == "zh" else "; ").join(faults) or None


def elements(
    state: State | None,
    chosen: Intention | None,
    frame: Framework,
    lang: Lang,
    why: Rationale | None = None,
    by: str | None = None,
) -> list[Element]:
    """State, intention and rationale as a turn's thought, in the order of the chain: what the seeker never reads."""
    told: list[tuple[str, str, str]] = []
    for name, value, quote in state.aspects() if state else ():
        value = NEEDS[value].name(lang) if name == "need" else value
        if state and name == "emotion" and state.emotion.intensity:
            value = f"{value} {state.emotion.intensity}/5"
        told.append((name, value, quote))
    for name in ("primary", "secondary", "goal", "motivation", "expectation") if chosen else ():
        if text := getattr(chosen, name):
            called = frame.intentions[text].name(lang) if name in ("primary", "secondary") else text
            told.append((name, called, getattr(chosen, "evidence", "")))
    if why:
        told.append(("strategy_reason", why.sentence, why.evidence))
    return [
        Element(name=name, text=text, by=by, evidence=quote or None, origin="inferred" if quote else None)
        for name, text, quote in told
    ]


def worded(step: BaseModel, frame: Framework, lang: Lang) -> str:
    """A step as JSON for a prompt, its labels by their names in ``lang``."""

    def named(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {inner: named(inner, one) for inner, one in value.items()}
        if key == "label" and value in NEEDS.ids:
            return NEEDS[value].name(lang)
        return frame.intentions[value].name(lang) if key in ("primary", "secondary") and value else value

    return json.dumps(named("", step.model_dump()), ensure_ascii=False)
