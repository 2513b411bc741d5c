"""CATCH: a single session written stage by stage, and the thinking behind each counselor turn. arXiv 2509.25733.

Part 1 (`Catch`, in writer.py) writes the dialogue. Part 2 (`CatchThoughts`, here) explains it: for each counselor turn
memory, global plan and strategy reasoning, each behind a gate that sends only its own agent back, then one fused
inner monologue of three paragraphs. The replies are fixed before and never changed. Part 3 (`CatchCounselor`, in
counselor.py) is what is trained on both.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Annotator, Ask, Sight
from psyloom.agents.annotating import talk_of
from psyloom.agents.together import gather
from psyloom.formats.read.catch import CHAIN
from psyloom.knowledge import OneOf, Term
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Dialogue, Element, Lang, Session, Turn
from psyloom.systems.catch.counselor import CatchCounselor, attitudes
from psyloom.systems.catch.outline import Text
from psyloom.systems.catch.writer import PLAN, TECHNIQUES, Catch

__all__ = ["Catch", "CatchCounselor", "CatchThoughts", "attitudes"]

STAGES = PLAN.labels
WORDS: dict[str, dict[Lang, str]] = {
    "stage": {
        "en": "by this plan the reply would belong to the stage {}, but it belongs to another",
        "zh": "照这个判断，这条回复应当在“{}”，而它其实不在",
    },
    "step": {"en": "the stage {} has {} steps", "zh": "“{}”只有 {} 步"},
    "beyond": {"en": "nothing comes after the last stage", "zh": "最后一个阶段之后没有别的阶段"},
}  # fmt: skip
T = TypeVar("T", bound=BaseModel)


class Found(BaseModel):
    """A resource that has come up so far."""

    text: Text
    effect: Text
    willingness: Text


def _stock(actor: Actor, name: str) -> list[str]:
    lines: list[str] = actor.stock["single_session"][name]
    return lines


def _agreed(actor: Actor) -> bool:
    """Has the rehearsed client agreed to a goal?"""
    return any(text in _stock(actor, "agree") for _, text in actor.cue.turns)


class Memory(BaseModel):
    """What is known before the reply: the client, the resources found, the goal; null while it is not clear."""

    profile: Text
    internal_resources: list[Found]
    external_resources: list[Found]
    goal: str | None

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        goal = next(
            (text for who, text in actor.cue.turns if who == "counselor" and text in _stock(actor, "goal")), None
        )
        return {
            "profile": actor.text("emotion"), "internal_resources": [], "external_resources": [],
            "goal": goal if _agreed(actor) else None,
        }  # fmt: skip


class GlobalPlan(BaseModel):
    """Where the session stands and what comes next. ``step`` is a number of the stage's steps."""

    label: ClassVar[str] = ""
    historical_stage: Annotated[str, OneOf(STAGES)]
    step: int = Field(ge=1)
    finished: bool
    next_move: Literal["maintain", "step_shift", "stage_transition"]
    next_plan: Text

    @property
    def stage(self) -> str | None:
        """The stage that the reply belongs to by this plan; None beyond the last."""
        if self.next_move != "stage_transition":
            return self.historical_stage
        following = PLAN.after(self.historical_stage)
        return following.id if following else None

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        name = STAGES[cls.label].name(actor.cue.lang)
        return {
            "historical_stage": name, "step": 1, "finished": False, "next_move": "maintain", "next_plan": actor.text("plan"),
        }  # fmt: skip


@cache
def plan_type(label: str) -> type[GlobalPlan]:
    """The plan for a turn of the stage ``label``; only the rehearsal goes by it, the model never reads it."""
    return create_model("GlobalPlan", __base__=GlobalPlan, label=(ClassVar[str], label))


class Strategy(BaseModel):
    """How the reply answers what the client has just said."""

    client_reading: Text
    strategy: Text
    techniques: list[Annotated[str, OneOf(TECHNIQUES)]] = Field(min_length=1, max_length=4)
    tone: Text
    form: Text
    length: Text


class Checked(BaseModel):
    """A checking agent's verdict."""

    reason: Text
    agrees: bool

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"reason": actor.text("appraisal"), "agrees": True}


class Fused(BaseModel):
    """The inner monologue: progress, stage analysis, this turn's reply; one paragraph each."""

    memory: Text
    global_plan: Text
    strategy_reasoning: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        standing, label = _stock(actor, "standing")[_agreed(actor)], TECHNIQUES["empathy"].name(actor.cue.lang)
        acts = (("progress", standing), ("plan", ""), ("strategy", label))
        return {name: actor.text(act, label=word) for name, (act, word) in zip(CHAIN, acts, strict=True)}


class Given(NamedTuple):
    """A counselor turn, the turns before it, and what its source says about it."""

    before: list[Turn]
    turn: Turn
    stage: Term
    target: str


def turns_with_stage(session: Session) -> Iterator[Given]:
    """The counselor turns after the client's first words whose stage is known, in a session with a goal."""
    target = session.notes.get("consultation_target")
    begun = next((at for at, turn in enumerate(session.turns) if turn.speaker == "client"), len(session.turns))
    for at, turn in enumerate(session.turns):
        stage = next((STAGES.find(label.id) for label in turn.labels if label.set == STAGES.id), None)
        own = any(element.by is None for element in turn.thought)  # a turn whose author told the thought keeps it alone
        if at > begun and turn.speaker == "counselor" and stage and isinstance(target, str) and not own:
            yield Given(session.turns[:at], turn, stage, target)


class CatchThoughts(Annotator):
    """MDP-CoT: memory, global plan, strategy reasoning, three checks, one fusion; seven calls a counselor turn."""

    sight: ClassVar[Sight] = {name: frozenset() for name in ("memory", "planner", "strategist", "checker", "fuser")}

    retries: int = Field(
        3, ge=0, description="times an agent is sent back by its check before the turn's record is dropped"
    )

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """Adds a thought beside those of other annotators; ``quality.measures`` counts those written and dropped."""
        given = [one for session in dialogue.sessions for one in turns_with_stage(session)]
        done = await gather(*(self._think(one, ask) for one in given))
        dialogue.quality.measures |= {"catch_thoughts": sum(done), "catch_dropped": len(done) - sum(done)}
        return dialogue

    async def _think(self, given: Given, ask: Ask) -> bool:
        """Write one turn's thought; False when a gate stayed shut and the record was dropped."""
        past = talk_of(given.before, ask.lang)
        gate = Gate(ask.as_(ask.role, past), given, self.retries)
        outputs: dict[str, Any] = {}
        notes: dict[str, Any] = {}
        # The memory agent and its check never read the reply; the others explain it.
        steps: tuple[tuple[str, type[BaseModel], dict[str, Any], dict[str, Any]], ...] = (
            ("memory", Memory, {}, {"target": given.target}),
            ("plan", plan_type(given.stage.id), {"reply": given.turn.text}, {"label": given.stage}),
            ("strategy", Strategy, {"reply": given.turn.text}, {}),
        )
        for name, kind, reads, known in steps:
            found = await gate.through(name, kind, reads | notes, known)
            if found is None:
                given.turn.extra["catch"] = {"dropped": name, "reasons": list(gate.reasons)}
                return False
            outputs[name] = found
            notes[name] = shown(found)
        fused = await gate.ask("fuse", Fused, talk=past, **notes)
        others = [element for element in given.turn.thought if element.by != ask.by]
        given.turn.thought = others + [Element(name=name, text=getattr(fused, name), by=ask.by) for name in CHAIN]
        given.turn.extra["catch"] = {name: output.model_dump(mode="json") for name, output in outputs.items()}
        strategy = outputs["strategy"]
        assert isinstance(strategy, Strategy)
        given.turn.labels += [TECHNIQUES.label(one, by=ask.by) for one in dict.fromkeys(strategy.techniques)]
        return True


def shown(found: BaseModel) -> dict[str, Any]:
    """What an agent found, as the next prompts read it: labels by their names."""
    given = found.model_dump()
    if isinstance(found, GlobalPlan):
        return given | {"historical_stage": STAGES[found.historical_stage]}
    return given | {"techniques": TECHNIQUES.some(found.techniques)} if isinstance(found, Strategy) else given


class Gate:
    """The checks between the agents: each sends back only its own agent, with the reason."""

    def __init__(self, ask: Ask, given: Given, retries: int) -> None:
        self.ask, self.given, self.retries, self.reasons = ask, given, retries, list[str]()

    async def through(self, name: str, kind: type[T], reads: dict[str, Any], known: dict[str, Any]) -> T | None:
        """What the agent found, once its check agrees; None after the last retry.

        reads: what the agent is given; known: what only its check knows.
        """
        self.reasons = []
        talk = self.ask.talk
        manual: dict[str, Any] = {"manual": PLAN, "techniques": TECHNIQUES}
        for _ in range(1 + self.retries):
            fault = self.reasons[-1] if self.reasons else None
            found = await self.ask(name, kind, check=self._step_exists, talk=talk, fault=fault, **manual, **reads)
            checked = await self.ask(
                f"check_{name}", Checked, talk=talk, found=shown(found), **manual, **reads, **known
            )
            reason = self._wrong_stage(found) or (None if checked.agrees else checked.reason)
            if reason is None:
                return found
            self.reasons.append(reason)
            log = self.ask.desk.dialogue.quality.guards
            log[f"catch: {name}"] = log.get(f"catch: {name}", 0) + 1
        kept = self.ask.desk.dialogue.quality.kept
        kept[f"catch: {name} dropped"] = kept.get(f"catch: {name} dropped", 0) + 1
        return None

    def _step_exists(self, found: Any) -> str | None:
        if not isinstance(found, GlobalPlan):
            return None
        stage = PLAN[found.historical_stage]
        if found.step > len(stage.steps):
            return WORDS["step"][self.ask.lang].format(stage.term.name(self.ask.lang), len(stage.steps))
        return WORDS["beyond"][self.ask.lang] if found.stage is None else None

    def _wrong_stage(self, found: Any) -> str | None:
        """A stage is either right or wrong: what its checking agent overlooks is seen here."""
        if not isinstance(found, GlobalPlan) or found.stage == self.given.stage.id:
            return None
        return WORDS["stage"][self.ask.lang].format(STAGES[found.stage or found.historical_stage].name(self.ask.lang))
