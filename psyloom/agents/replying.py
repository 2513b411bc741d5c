"""Replying: a counselor answers every client message of given dialogues, which then hold a reference for each reply."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from pydantic import Field, SerializeAsAny

from psyloom.agents.ask import Ask
from psyloom.agents.course import before
from psyloom.agents.derive import lacking
from psyloom.agents.desk import Desk
from psyloom.agents.roles import Counselor, Role
from psyloom.agents.talk import Talk
from psyloom.errors import MissingFacet
from psyloom.records import Dialogue, Quality, Turn


class Replying(Role):
    """Dialogue in, the same client messages with this counselor's replies out: the test on given dialogues.

    The replies' ``extra.reference`` is what was said there before. ``extra.history`` of the dialogue says what the
    counselor read before each reply, and what its judges read: "reference" or "own".
    Source: CPsyCounE, arXiv 2405.16433; the same with other data in PsyDT, arXiv 2412.13660.
    """

    counselor: SerializeAsAny[Counselor]
    free_running: bool = Field(
        False, description="read the counselor's own earlier replies instead of the reference's, whatever the client answers"
    )  # fmt: skip

    async def reply(self, desk: Desk) -> Dialogue:
        """Answer every client message of the desk's dialogue, one call after the other.

        Raises: MissingFacet when the counselor needs what the dialogue's case does not have.
        """
        given = desk.dialogue
        if missing := lacking(desk.case, self.counselor.wants()):
            raise MissingFacet(f"case {desk.case.id!r} lacks {', '.join(missing)}", do="take another counselor")
        history = "own" if self.free_running else "reference"
        told = given.model_copy(
            deep=True,
            update={
                "sessions": [],
                "quality": Quality(),
                "annotations": {},
                "extra": given.extra | {"history": history},
            },
        )
        case = desk.case.model_copy(update={"course": before(given, desk.case)})  # not what only came later
        ask, talk = Ask(replace(desk, dialogue=told, case=case), self.counselor), Talk(told)
        for number, session in enumerate(given.sessions):
            if number:
                talk.begin_session()
            talk.session.turns = await self._session(session.turns, talk, ask)
        return told

    async def _session(self, given: Sequence[Turn], talk: Talk, ask: Ask) -> list[Turn]:
        """The session's client messages, each with the reply to it; what the counselor said first stays as it is."""
        first, exchanges = opened(given)
        written = list(first)
        talk.turns.extend(first)
        talk.opening = len(first)
        for said, answered in exchanges:
            talk.turns.extend(said)
            turn = await self.counselor.reply(talk, ask.as_(self.counselor, talk))
            reference = "\n".join(one.text for one in answered)
            own = turn.model_copy(update={"extra": turn.extra | ({"reference": reference} if answered else {})})
            written += [*said, own]
            talk.turns.extend([own] if self.free_running or not answered else answered)
        return written


def opened(turns: Sequence[Turn]) -> tuple[list[Turn], Iterator[tuple[list[Turn], list[Turn]]]]:
    """(what the counselor says before the client speaks, (client's messages, what the counselor answers) in order)."""
    bare = [Turn(speaker=turn.speaker, text=turn.text) for turn in turns]
    blocks = [(who, list(block)) for who, block in groupby(bare, key=lambda turn: turn.speaker)]
    first = blocks.pop(0)[1] if blocks and blocks[0][0] == "counselor" else []
    answers = [block for _, block in blocks[1::2]] + [[]] * (len(blocks) % 2)
    return first, zip([block for _, block in blocks[::2]], answers, strict=True)
