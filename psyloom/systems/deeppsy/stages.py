"""The stage-transition detector: crisis cues by a list of words, everything else by a model. arXiv 2503.15876."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Ask, Talk
from psyloom.knowledge import OneOf
from psyloom.knowledge.plans import stage_plan
from psyloom.llm.rehearsal.actor import Actor
from psyloom.safety.cues import cue_in

PLAN = stage_plan("deeppsy")
STAGES = PLAN.labels
CRISIS, FIRST = "crisis", "exploration"
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Detected(BaseModel):
    """The detector's answer: the stage for the next reply."""

    evidence: Text
    stage: Annotated[str, OneOf(STAGES)]
    changed: bool
    confidence: float = Field(ge=0, le=1)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        heard = sum(who == "client" for who, _ in actor.cue.turns)
        return {
            "evidence": actor.text("default"), "stage": rehearsed(actor), "changed": heard in (5, 9), "confidence": 0.75,
        }  # fmt: skip


def rehearsed(actor: Actor) -> str:
    """The name of the stage at which a rehearsed talk stands."""
    heard = sum(who == "client" for who, _ in actor.cue.turns)
    return STAGES["exploration" if heard < 5 else "insight" if heard < 9 else "action"].name(actor.cue.lang)


class Memory(BaseModel):
    """Where the talk is, and for how many client turns."""

    stage: str | None = None
    turns: int = 0

    def move(self, stage: str) -> None:
        self.turns = self.turns + 1 if stage == self.stage else 1
        self.stage = stage

    def allowed(self, wanted: str) -> str:
        """The stage the talk may go to: two client turns in a stage unless in crisis, and out of a crisis to exploration."""
        if self.stage is None or wanted == CRISIS:
            return wanted
        if self.stage == CRISIS:
            return FIRST
        return wanted if self.turns >= PLAN[self.stage].min_turns else self.stage


async def detect(memory: Memory, talk: Talk, ask: Ask) -> dict[str, Any]:
    """Move to the stage of the next reply; returns what it rests on. A crisis cue needs no model's consent."""
    if cue := cue_in(talk.last("client"), ask.lang):
        memory.move(CRISIS)
        return {"by": "words", "evidence": cue, "stage": CRISIS}
    stage = STAGES[memory.stage] if memory.stage else None
    found = await ask("detect", Detected, talk=talk, plan=PLAN, stage=stage, turns=memory.turns)
    memory.move(memory.allowed(found.stage))
    return {"by": "model", **found.model_dump()}
