"""The assessment inside the chat: four everyday questions, one a turn, then a number with its reason.

MindChat's example asks for a time frame of one week and ends on a score; the project wants it natural. The questions,
the five dimensions and their anchors are the instrument ``mindchat_check``; the course is code: what is asked next, when
it ends, and that a danger goes before everything.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Ask, Talk
from psyloom.knowledge.instruments import instrument
from psyloom.knowledge.items import Item
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Lang, Turn
from psyloom.safety.cues import cue_in

CHECK = instrument("mindchat_check")
SUICIDE, ALARM = "suicidal_ideation", 2
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
WORDS: dict[str, dict[Lang, str]] = {
    "result": {
        "zh": "按刚才聊到的，“{name}”这一项大约是 {score} 分（0 到 4 分）。{rationale}{advice}{disclaimer}",
        "en": "From what you told me, “{name}” comes to about {score} on a scale from 0 to 4. {rationale} {advice} {disclaimer}",
    },
    "disclaimer": {
        "zh": "这只是聊天里的一个大致印象，不是诊断；放心不下的话，请找专业人员当面看看。",
        "en": "This is a rough impression from a chat and no diagnosis; if it worries you, please see a professional in person.",
    },
}  # fmt: skip


class Assessment(BaseModel):
    """Where an assessment is.

    opening: what the user said before the first question. ended: done, stopped by the user, or given up for a crisis.
    """

    dimension: str = ""
    asked: int = 0
    opening: str = ""
    answers: list[str] = Field(default_factory=list)
    score: int | None = None
    rationale: str = ""
    advice: str = ""
    ended: str = ""


class Step(BaseModel):
    """What the last answer tells, and the next thing to say."""

    risk: bool
    stop: bool
    text: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"risk": False, "stop": False, "text": actor.utterance("counselor", actor.cue.turns, may_close=False)}


class Result(BaseModel):
    """The rating of one dimension."""

    rationale: Text
    score: int = Field(ge=0, le=4)
    advice: Text


async def assess(memory: Assessment, talk: Talk, ask: Ask) -> Turn | None:
    """The next message of an assessment under way, or of the crisis it led to; None when it is over."""
    if memory.ended and memory.ended != "crisis":
        return None
    said, item = talk.last("client"), CHECK[memory.dimension]
    if not memory.asked:
        memory.opening = said
    elif not memory.ended:
        memory.answers.append(said)
    if memory.ended == "crisis" or cue_in(said, ask.lang):
        return await _crisis(memory, talk, ask)
    if memory.asked == len(item.criteria):
        return await _result(memory, item, talk, ask)
    step = await ask(
        "assess", Step, talk=talk, dimension=item.name(ask.lang), question=item.criteria[memory.asked].of(ask.lang),
        first=memory.asked == 0, suicide=memory.dimension == SUICIDE,
    )  # fmt: skip
    if step.risk:
        return await _crisis(memory, talk, ask)
    if step.stop:
        memory.ended = "stopped"
    else:
        memory.asked += 1
    return _turn(step.text, memory, talk)


async def _result(memory: Assessment, item: Item, talk: Talk, ask: Ask) -> Turn:
    """The number with its reason, advice and what it is not; thoughts of suicide lead on to the crisis path."""
    lang = ask.lang
    found = await ask(
        "assess_result", Result, talk=talk, opening=memory.opening, dimension=item.name(lang), question=item.ask.of(lang),
        anchors=[(int(anchor.at), anchor.of(lang)) for anchor in item.anchors],
        pairs=[(c.of(lang), answer) for c, answer in zip(item.criteria, memory.answers, strict=True)],
    )  # fmt: skip
    memory.score, memory.rationale, memory.advice, memory.ended = found.score, found.rationale, found.advice, "done"
    if item.id == SUICIDE and found.score >= ALARM:
        return await _crisis(memory, talk, ask)
    told = WORDS["result"][lang].format(
        name=item.name(lang), **found.model_dump(), disclaimer=WORDS["disclaimer"][lang]
    )
    return _turn(told, memory, talk)


async def _crisis(memory: Assessment, talk: Talk, ask: Ask) -> Turn:
    """From now on no question of the assessment is asked and no number told."""
    memory.ended = "crisis"
    return _turn(await ask("crisis", talk=talk), memory, talk)


def _turn(text: str, memory: Assessment, talk: Talk) -> Turn:
    talk.session.notes["assessment"] = memory.model_dump()
    return Turn.counselor(text)
