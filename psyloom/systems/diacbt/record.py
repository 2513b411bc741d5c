"""What is carried from one session to the next, written from the talk alone: never from what the case knows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Ask, Talk
from psyloom.agents.guards import fold
from psyloom.knowledge import OneOf, label_set
from psyloom.knowledge.plans import stage_plan
from psyloom.records import Lang
from psyloom.systems.diacbt.rehearsed import in_session, task_of

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

PLAN, STRATEGIES = stage_plan("diacbt"), label_set("diacbt_strategy")
Strategies = Annotated[list[Annotated[str, OneOf(STRATEGIES)]], Field(min_length=1, max_length=5)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
STRAY: dict[Lang, str] = {
    "en": "taken_up: {!r} stands neither in the homework nor in what was left open last time; copy it word for word",
    "zh": "taken_up：“{}”不在上次的作业和留待以后谈的内容里，要照原话抄",
}


class Rating(BaseModel):
    """A number that was said aloud: a mood out of 10, how far a thought is believed out of 100."""

    what: Text
    score: int = Field(ge=0, le=100)
    out_of: Literal[10, 100]


class Record(BaseModel):
    """A session's record.

    learnt: what is known of the client so far, earlier sessions included; homework: agreed for the time until the
    next session; left_open: what was put off; ratings: of this session; taken_up: what of the last record's homework
    and open points this session came back to.
    """

    session: ClassVar[int] = 1
    summary: Text
    learnt: list[Text]
    homework: list[Text]
    ratings: list[Rating]
    left_open: list[Text]
    taken_up: list[Text]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        heard = [q for who, text in actor.cue.turns if who == "client" and (q := actor.quote(text))]
        return {
            "summary": actor.text("summary"),
            "learnt": list(dict.fromkeys(heard))[:6],
            "homework": [task_of(actor)],
            "ratings": [{"what": actor.text("problem"), "score": actor.rng.randint(3, 8), "out_of": 10}],
            "left_open": [],
            "taken_up": [task_of(actor)]
            if cls.session > 1 and any(task_of(actor) in t for _, t in actor.cue.turns)
            else [],
        }


async def keep_record(talk: Talk, ask: Ask, earlier: Sequence[Record]) -> Record:
    """Write the record of the session under way into the session, and return it; ``earlier``: those before, in order."""
    carried = [*earlier[-1].homework, *earlier[-1].left_open] if earlier else []

    def not_carried(record: Record) -> str | None:
        stray = next((item for item in record.taken_up if fold(item) not in map(fold, carried)), None)
        return None if stray is None else STRAY[ask.lang].format(stray)

    kind = in_session(Record, len(earlier) + 1)
    record: Record = await ask.as_(ask.role, talk)("record", kind, prefer=not_carried, talk=talk, earlier=earlier)
    talk.session.summary = record.summary
    talk.session.notes |= record.model_dump(mode="json", exclude={"summary"})
    return record
