"""Deep thinking, then the reply: both in one call, in which the thought names the stage and is never said aloud."""

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Ask, Talk
from psyloom.agents.script import is_list
from psyloom.knowledge import OneOf, label_set
from psyloom.knowledge.plans import Stage
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Element, Lang, Turn
from psyloom.systems.deeppsy.stages import CRISIS, FIRST, PLAN, STAGES, Text

TECHNIQUES = label_set("deeppsy_technique")
UNSAID = (
    TECHNIQUES.leaves.without("safety_plan"),
    STAGES,
)  # who is in danger may be asked for a safety plan by its name
WORDS: dict[str, dict[Lang, str]] = {
    "stage": {"en": "the thought names the stage {}; the stage now is {}", "zh": "思考里写的是“{}”，现在是“{}”"},
    "marked": {"en": "the reply holds a mark in angle brackets; it must be plain speech", "zh": "reply 里有尖括号标记，应当只有说出口的话"},
    "number": {"en": "the reply holds a number; contacts come from elsewhere, never from you", "zh": "reply 里有号码；联系方式另有来源，不能由你写出"},
    "question": {"en": "a reply in exploration asks something open", "zh": "探索阶段的回复要有开放的提问"},
    "list": {"en": "the reply is a list; it must read like speech", "zh": "reply 写成了列表，应当像说话一样"},
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


async def think(
    prompt: str, stage: Stage, talk: Talk, ask: Ask, *, staged: bool = True, thinks: bool = True,
    unfit: Callable[[str], str | None] | None = None, **slots: Any,
) -> Turn:  # fmt: skip
    """Ask for thought and reply in a stage; returns the counselor's turn with its labels.

    Args:    staged, thinks: is the model told the stage, and does it think. unfit: what else is wrong with a reply.
             slots: what the prompt reads besides.
    """

    def wrong(answer: Answer) -> str | None:
        given = answer.model_dump()
        named = given.get("thought", {}).get("stage", stage.id)
        if named != stage.id:
            return WORDS["stage"][ask.lang].format(*(STAGES[one].name(ask.lang) for one in (named, stage.id)))
        return unsayable(given["reply"], stage, ask.lang) or (unfit(given["reply"]) if unfit else None)

    def stage_rules(answer: Answer) -> str | None:
        return off_stage(answer.model_dump()["reply"], stage, ask.lang) if staged else None

    answer = await ask(
        prompt, answer_type(stage.id, staged=staged, thinks=thinks), check=wrong, prefer=stage_rules, talk=talk, plan=PLAN,
        step=stage, staged=staged, thinks=thinks,
        toolbox=[(one.term, TECHNIQUES.children(one.id)) for one in PLAN.stages], **slots,
    )  # fmt: skip
    return turn_of(answer, stage, ask.lang)


def turn_of(answer: Answer, stage: Stage, lang: Lang) -> Turn:
    """An answer as a turn: stage and technique as labels, the thought beside the reply."""
    given = answer.model_dump()
    thought = given.get("thought")
    labels = [STAGES.label(stage.id), *([TECHNIQUES.label(thought["technique"])] if thought else [])]
    turn = Turn.counselor(given["reply"], labels)
    turn.thought = elements(thought, lang) if thought else []
    turn.closes = given["closes"] and stage.id == "action"
    return turn


def unsayable(reply: str, stage: Stage, lang: Lang) -> str | None:
    """What must not be said aloud: marks of thoughts or stages, and numbers in a crisis."""
    if re.search(r"[<＜〈][^>＞〉\n]{1,20}[>＞〉]", reply):
        return WORDS["marked"][lang]
    numbered = stage.id == CRISIS and re.search(r"\d(?:[\s-]?\d){2,}", reply)
    return WORDS["number"][lang] if numbered else None


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
