"""What is carried from one session to the next, written from the talk alone: never from what the case knows."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from psyloom.agents import Ask, Talk
from psyloom.agents.course import Record as SharedRecord
from psyloom.agents.course import Text, keep
from psyloom.agents.guards import fold
from psyloom.knowledge import OneOf, label_set
from psyloom.knowledge.plans import stage_plan
from psyloom.records import Lang
from psyloom.systems.diacbt.rehearsed import in_session

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

PLAN, STRATEGIES = stage_plan("diacbt"), label_set("diacbt_strategy")
Strategies = Annotated[list[Annotated[str, OneOf(STRATEGIES)]], Field(min_length=1, max_length=5)]
STRAY: dict[Lang, str] = {
    "en": "taken_up: {!r} stands neither in the homework nor in what was left open last time; copy it word for word",
    "zh": "taken_up：“{}”不在上次的作业和留待以后谈的内容里，要照原话抄",
}


class Record(SharedRecord):
    """A session's record, with more in it than others' records.

    left_open: what was put off; taken_up: what of the last record's homework and open points this session came back to.
    """

    session: ClassVar[int] = 1
    left_open: list[Text]
    taken_up: list[Text]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        return super().rehearse(actor) | {
            "homework": [
                task for task in actor.stock["cbt"]["tasks"] if any(task in text for _, text in actor.cue.turns)
            ],
            "left_open": [],
            "taken_up": [task for task in actor.homework if any(task in text for _, text in actor.cue.turns)],
        }


async def keep_record(talk: Talk, ask: Ask) -> None:
    """Write the record of the session under way into the session and onto the case."""
    earlier = ask.desk.case.course
    carried = [*earlier[-1].homework, *earlier[-1].left_open] if earlier else []

    def not_carried(record: Record) -> str | None:
        stray = next((item for item in record.taken_up if fold(item) not in map(fold, carried)), None)
        return None if stray is None else STRAY[ask.lang].format(stray)

    kind = in_session(Record, len(earlier) + 1)
    record: Record = await ask.as_(ask.role, talk)("record", kind, prefer=not_carried, talk=talk, earlier=earlier)
    keep(record, talk, ask)
