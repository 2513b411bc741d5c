"""The course of several sessions: what one leaves to the next, written from the talk alone, and who is told of it.

The counselor's record stands on the case, apart from the client's facets: what the counselor has learnt may differ from
what is so. Who reads the talk is told of the sessions before it, the client only of what it lived through.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents.prompts import load_prompt
from psyloom.records import Case, Dialogue, Lang, Meeting, Speaker

if TYPE_CHECKING:
    from psyloom.agents.ask import Ask
    from psyloom.agents.talk import Talk
    from psyloom.llm.rehearsal.actor import Actor

PROMPTS = Path(__file__).parent / "prompts"
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Rating(BaseModel):
    """A number that was said aloud: a mood out of 10, how far a thought is believed out of 100."""

    what: Text
    score: int = Field(ge=0, le=100)
    out_of: Literal[10, 100]


class Record(BaseModel):
    """A session's record. learnt: what is known of the client so far, earlier sessions included."""

    summary: Text
    learnt: list[Text]
    homework: list[Text]
    ratings: list[Rating]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        from psyloom.llm.rehearsal.speech import quotes_of

        talks = (*actor.cue.before, *actor.cue.turns)
        heard = [quote for who, text in talks if who == "client" for quote in quotes_of(actor, text)[:1]]
        said, stock = "\n".join(text for _, text in actor.cue.turns), actor.stock["cbt"]
        agreed = [task for words, task in stock["promised"].items() if words in said]
        return {
            "summary": actor.text("summary"),
            "learnt": list(dict.fromkeys(heard))[:12],
            "homework": [*agreed, *(task for task in stock["tasks"] if task in said)][:3],
            "ratings": [],
        }


async def write_record(talk: "Talk", ask: "Ask") -> None:
    """The shared record of the session under way, in the counselor's place: for any that has none of its own."""
    keep(await ask.with_prompts(PROMPTS)("record", Record, talk=talk, course=ask.desk.case.course), talk, ask)


def keep(record: Record, talk: "Talk", ask: "Ask") -> None:
    """Put a record into the session under way, and what of it goes on to the next on the case."""
    talk.session.summary = record.summary
    talk.session.notes |= record.model_dump(mode="json", exclude={"summary"})
    ask.desk.case.course.append(Meeting.model_validate(record.model_dump(include=set(Meeting.model_fields))))


def recalled(course: Sequence[Meeting], speaker: Speaker, lang: Lang, *, speaks: bool = True) -> str:
    """What one side is told of the sessions before; empty before the first.

    speaks: false for who only looks on, judges or chooses: not told how to go on from there.
    """
    if not course:
        return ""
    return load_prompt(PROMPTS, "course", lang).render({"course": list(course), "speaker": speaker, "speaks": speaks})[
        0
    ]["content"]


def before(dialogue: Dialogue, case: Case) -> list[Meeting]:
    """What went before a dialogue's first session: the case's course without what the dialogue added to it."""
    added = sum(session.summary is not None for session in dialogue.sessions)
    return case.course[: max(0, len(case.course) - added)]
