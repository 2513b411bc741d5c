"""The filters of Crisp, one after the other: basic, safety, expert. Who fails one is not asked the next.

The released text names the three and their shares; the sixteen criteria, their scale and all wording are ours. The
classifier of harmful content that came before the safety question is not bundled.
"""

from collections.abc import Sequence
from functools import cache
from statistics import fmean
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Ask
from psyloom.agents.annotating import talk_of
from psyloom.agents.guards import fold
from psyloom.agents.together import gather
from psyloom.knowledge.instruments import instrument
from psyloom.knowledge.items import Subscale
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Lang, Turn
from psyloom.systems.crisp.tree import STRATEGIES, Channel, Filtered, Text, named

CRITERIA = instrument("crisp_expert")
NO_QUOTE: dict[Lang, str] = {"en": "nobody says this: {}", "zh": "对话里没有这句话：{}"}


class Fault(BaseModel):
    """What makes a dialogue useless, and where."""

    kind: Literal["wording", "coherence", "common_sense"]
    quote: Text
    why: Text


class Basic(BaseModel):
    """The basic filter: no fault, and the dialogue passes."""

    faults: list[Fault] = Field(max_length=5)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"faults": []}


class Safety(BaseModel):
    """The safety filter."""

    reason: Text
    harmful: bool

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"reason": actor.text("judge"), "harmful": False}


class Scores(BaseModel):
    """The expert filter, one perspective: a field for each of its criteria."""

    reason: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        marks = {name: actor.rng.choice((4, 5)) for name in cls.model_fields if name != "reason"}
        return {"reason": actor.text("judge")} | marks

    def points(self) -> dict[str, int]:
        return self.model_dump(exclude={"reason"})


@cache
def scores_type(criteria: tuple[str, ...]) -> type[Scores]:
    mark = Annotated[int, Field(ge=1, le=5, strict=True)]
    fields: dict[str, Any] = dict.fromkeys(criteria, (mark, ...))
    return create_model("Scores", __base__=Scores, **fields)


async def filtered(ask: Ask, turns: Sequence[Turn], tried: Sequence[Channel], keep_from: float) -> Filtered:
    """Ask the filters about one path: at most five calls.

    Args:    tried: the channels that were on trial. keep_from: lowest mean of the sixteen criteria that is kept.
    """
    talk = talk_of(turns, ask.lang)
    asking = ask.as_(ask.role, talk)
    said = [fold(turn.text) for turn in turns]

    def unquoted(basic: Basic) -> str | None:
        stray = next((one.quote for one in basic.faults if not any(fold(one.quote) in text for text in said)), None)
        return NO_QUOTE[ask.lang].format(stray) if stray else None

    basic = await asking("filter_basic", Basic, check=unquoted, talk=talk)
    if basic.faults:
        first = basic.faults[0]
        return Filtered(basic=False, reason=f"basic, {first.kind}: {first.quote!r}, {first.why}")
    safety = await asking("filter_safety", Safety, talk=talk)
    if safety.harmful:
        return Filtered(basic=True, safety=False, reason=f"safety: {safety.reason}")
    found = await _expert(asking, turns, tried)
    scores = {name: point for one in found.values() for name, point in one.points().items()}
    mean = fmean(scores.values())
    return Filtered(
        basic=True, safety=True, scores=scores, remarks={perspective: one.reason for perspective, one in found.items()},
        expert={perspective: round(fmean(one.points().values()), 4) for perspective, one in found.items()},
        reason=None if mean >= keep_from else f"expert: mean {mean:.2f} of {len(scores)} criteria, under {keep_from:g}",
    )  # fmt: skip


async def _expert(asking: Ask, turns: Sequence[Turn], tried: Sequence[Channel]) -> dict[str, Scores]:
    """The sixteen criteria, a call for each perspective."""
    lang, lines = asking.lang, [(turn.speaker, marked(turn, asking.lang)) for turn in turns]

    async def one(perspective: Subscale) -> Scores:
        criteria = [(name, CRITERIA[name].name(lang), CRITERIA[name].ask.of(lang)) for name in perspective.items]
        return await asking(
            "filter_expert", scores_type(perspective.items), lines=lines, channels=named(tried),
            perspective=perspective.name(lang), criteria=criteria,
        )  # fmt: skip

    found = await gather(*map(one, CRITERIA.subscales))
    return {perspective.id: scores for perspective, scores in zip(CRITERIA.subscales, found, strict=True)}


def marked(turn: Turn, lang: Lang) -> str:
    """A therapist's message with the strategy before each sentence; the help-seeker's as it is."""
    text, spans = "", [(label.span[0], label.id) for label in turn.labels if label.set == STRATEGIES.id and label.span]
    at = 0
    for start, strategy in spans:
        text += turn.text[at:start] + f"[{STRATEGIES[strategy].name(lang)}] "
        at = start
    return text + turn.text[at:]
