"""DeepPsy-Agent: which helping stage is this, think in writing, then answer. arXiv 2503.15876.

Before each reply the stage is found: crisis cues by a list of words, everything else by a model. The chat model is
told the stage, writes its thought and the reply in one call; the thought names the stage and is never said aloud.
"""

import re
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, StringConstraints, create_model

from psyloom.agents import Ask, Counselor, Rules, Sight, Talk
from psyloom.agents.script import is_list
from psyloom.knowledge import LabelSet, OneOf, label_set
from psyloom.knowledge.plans import Stage, stage_plan
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Element, Lang, Turn
from psyloom.systems.deeppsy.crisis import cue_in

PLAN, TECHNIQUES = stage_plan("deeppsy"), label_set("deeppsy_technique")
STAGES = PLAN.labels
CRISIS, FIRST = "crisis", "exploration"
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
WORDS: dict[str, dict[Lang, str]] = {
    "stage": {"en": "the thought names the stage {}; the stage now is {}", "zh": "思考里写的是“{}”，现在是“{}”"},
    "marked": {"en": "the reply holds a mark in angle brackets; it must be plain speech", "zh": "reply 里有尖括号标记，应当只有说出口的话"},
    "number": {"en": "the reply holds a number; contacts come from elsewhere, never from you", "zh": "reply 里有号码；联系方式另有来源，不能由你写出"},
    "question": {"en": "a reply in exploration asks something open", "zh": "探索阶段的回复要有开放的提问"},
    "list": {"en": "the reply is a list; it must read like speech", "zh": "reply 写成了列表，应当像说话一样"},
}  # fmt: skip


class Detected(BaseModel):
    """The detector's answer: the stage for the next reply."""

    evidence: Text
    stage: Annotated[str, OneOf(STAGES)]
    changed: bool
    confidence: float = Field(ge=0, le=1)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        heard = sum(who == "client" for who, _ in actor.cue.turns)
        stage = "exploration" if heard < 5 else "insight" if heard < 9 else "action"
        return {
            "evidence": actor.text("default"), "stage": STAGES[stage].name(actor.cue.lang), "changed": heard in (5, 9), "confidence": 0.75,
        }  # fmt: skip


# In the order in which they are written.
ELEMENTS = ("stage", "focus", "client_state", "causal_chain", "plan", "technique")


class Answer(BaseModel):
    """Thought, reply, and ``closes`` when the reply says goodbye after a step was agreed; see `answer_type`."""

    told: ClassVar[str] = FIRST

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        given: dict[str, Any] = actor.fill()
        said = actor.utterance("counselor", actor.cue.turns)
        asks = actor.stock["counselor"]["explore"]
        if cls.told == FIRST and not re.search(r"[?？]", said):
            left = [line for line in actor.left(asks, "\n".join(t for _, t in actor.cue.turns)) if "{q}" not in line]
            said += ("" if actor.cue.lang == "zh" else " ") + left[0] if left else ""
        if "thought" in given:
            lang, of_stage = actor.cue.lang, TECHNIQUES.children(cls.told)
            given["thought"] |= {"technique": actor.rng.choice(of_stage).name(lang), "focus": actor.text("cause"),
                                 "client_state": actor.text("emotion"), "causal_chain": [actor.text("cause"), actor.text("emotion")],
                                 "plan": actor.text("technique")}  # fmt: skip
            given["thought"] |= {"stage": STAGES[cls.told].name(lang)} if "stage" in given["thought"] else {}
        closed = any(line in said for line in actor.stock["counselor"]["close"])
        return given | {"reply": said, "closes": closed}


@cache
def thought_type(stage: str, staged: bool) -> type[BaseModel]:
    """A thought that names the stage it was told and one of its techniques; any technique where no stage is told."""
    techniques = TECHNIQUES.only(term.id for term in TECHNIQUES.children(stage)) if staged else TECHNIQUES.leaves
    kinds: dict[str, Any] = dict.fromkeys(ELEMENTS, (Text, ...)) | {
        "stage": (Annotated[str, OneOf(STAGES)], ...), "causal_chain": (list[Text], Field(min_length=1)),
        "technique": (Annotated[str, OneOf(techniques)], ...),
    }  # fmt: skip
    return create_model("Thought", **{name: kinds[name] for name in ELEMENTS if staged or name != "stage"})


@cache
def answer_type(stage: str, *, staged: bool, thinks: bool) -> type[Answer]:
    """The answer in one of the four ablation settings; the thought comes before the reply."""
    thought: dict[str, Any] = {"thought": (thought_type(stage, staged), ...)} if thinks else {}
    return create_model(
        "Answer", __base__=Answer, told=(ClassVar[str], stage), **thought, reply=(Text, ...), closes=(bool, ...)
    )


class Memory(BaseModel):
    """Where the talk is, and for how many client turns."""

    stage: str | None = None
    turns: int = 0


class DeepPsy(Counselor):
    """Stage detection, stage in the prompt, thought, reply; two calls a turn."""

    sight: ClassVar[Sight] = {"detector": frozenset(), "counselor": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = (TECHNIQUES.leaves, STAGES)

    stage_text: bool = Field(True, description="false: the chat model is not told the stage (ablation)")
    thought: bool = Field(True, description="false: the reply comes without a thought (ablation)")
    max_exchanges: int = Field(20, ge=1, description="exchanges of a session")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """It ends when the client leaves, or with a goodbye after a step was agreed."""
        return Rules(opening=super().rules(case, lang).opening, max_exchanges=self.max_exchanges, last="counselor")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, Memory)
        before = memory.stage
        found = await self._detect(memory, talk, ask)
        stage = PLAN[memory.stage or FIRST]
        answer = (await self._answer(stage, talk, ask)).model_dump()
        thought = answer.get("thought")
        labels = [STAGES.label(stage.id), *([TECHNIQUES.label(thought["technique"])] if thought else [])]
        turn = Turn.counselor(answer["reply"], labels, stage_before=before, stage=stage.id, detector=found)
        turn.thought = elements(thought, ask.lang) if thought else []
        turn.closes = answer["closes"] and stage.id == "action"
        return turn

    async def _detect(self, memory: Memory, talk: Talk, ask: Ask) -> dict[str, Any]:
        """Move to the stage of the next reply; what it rests on. A crisis cue needs no model's consent."""
        if cue := cue_in(talk.last("client"), ask.lang):
            move(memory, CRISIS)
            return {"by": "words", "evidence": cue, "stage": CRISIS}
        stage = STAGES[memory.stage] if memory.stage else None
        found = await ask("detect", Detected, talk=talk, plan=PLAN, stage=stage, turns=memory.turns)
        move(memory, allowed(memory, found.stage))
        return {"by": "model", **found.model_dump()}

    async def _answer(self, stage: Stage, talk: Talk, ask: Ask) -> Answer:
        def wrong(answer: Answer) -> str | None:
            given = answer.model_dump()
            named = given.get("thought", {}).get("stage", stage.id)
            if named != stage.id:
                return WORDS["stage"][ask.lang].format(*(STAGES[one].name(ask.lang) for one in (named, stage.id)))
            if re.search(r"[<＜〈][^>＞〉\n]{1,20}[>＞〉]", given["reply"]):
                return WORDS["marked"][ask.lang]
            numbered = stage.id == CRISIS and re.search(r"\d(?:[\s-]?\d){2,}", given["reply"])
            return WORDS["number"][ask.lang] if numbered else None

        def stage_rules(answer: Answer) -> str | None:
            return off_stage(answer.model_dump()["reply"], stage, ask.lang) if self.stage_text else None

        kind = answer_type(stage.id, staged=self.stage_text, thinks=self.thought)
        return await ask(
            "reply", kind, check=wrong, prefer=stage_rules, talk=talk, plan=PLAN, step=stage, staged=self.stage_text,
            thinks=self.thought, toolbox=[(one.term, TECHNIQUES.children(one.id)) for one in PLAN.stages],
        )  # fmt: skip


def allowed(memory: Memory, wanted: str) -> str:
    """The stage the talk may go to: two client turns in a stage unless in crisis, and out of a crisis to exploration."""
    if memory.stage is None or wanted == CRISIS:
        return wanted
    if memory.stage == CRISIS:
        return FIRST
    return wanted if memory.turns >= PLAN[memory.stage].min_turns else memory.stage


def move(memory: Memory, stage: str) -> None:
    memory.turns = memory.turns + 1 if stage == memory.stage else 1
    memory.stage = stage


def off_stage(reply: str, stage: Stage, lang: Lang) -> str | None:
    """How a reply does not fit its stage."""
    if is_list(reply):
        return WORDS["list"][lang]
    return WORDS["question"][lang] if stage.id == FIRST and not re.search(r"[?？]", reply) else None


def elements(thought: dict[str, Any], lang: Lang) -> list[Element]:
    """A thought as named elements, the stage first where it names one, labels by their names."""
    names = {"stage": STAGES, "technique": TECHNIQUES}
    shown = {key: names[key][value].name(lang) if key in names else value for key, value in thought.items()}
    texts = {key: value if isinstance(value, str) else " → ".join(value) for key, value in shown.items()}
    return [Element(name=key, text=texts[key]) for key in ELEMENTS if key in texts]
