"""Any counselor with any client."""

from dataclasses import replace
from typing import Self

from pydantic import Field, SerializeAsAny, model_validator

from psyloom.agents.ask import Ask
from psyloom.agents.dials import Dialled
from psyloom.agents.roles import Client, Counselor, Writer
from psyloom.agents.session import converse
from psyloom.agents.talk import Talk
from psyloom.records import Case, Dialogue


class Pairing(Writer):
    """A writer made of two that talk; the counselor sets the session's frame."""

    counselor: SerializeAsAny[Counselor]
    client: SerializeAsAny[Client]
    max_exchanges: int | None = Field(None, ge=1, description="instead of the counselor's own limit")
    min_exchanges: int | None = Field(None, ge=0, description="no side may end the session earlier")

    sessions: int = Field(
        1, ge=1, description="sessions in a row; what each leaves to the next is written down on the case"
    )
    record: bool | None = Field(
        None, description="write down what a session leaves; none: where there are several sessions"
    )
    dials: Dialled = None

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.sessions > 1 and self.counselor.meets_once:
            raise ValueError(f"sessions: the counselor of {self.counselor.system()} meets a client once")
        if self.min_exchanges and self.counselor.meets_once:
            who = self.counselor.system()
            raise ValueError(f"min_exchanges: the counselor of {who} takes leave when its work is done, not later")
        if self.dials:
            self.dials.followed_by(self.client.system(), self.client.follows())
        most = self.max_exchanges or self.counselor.rules(Case(id="-", lang="en"), "en").max_exchanges
        if self.min_exchanges and self.min_exchanges > most:
            raise ValueError(f"min_exchanges: {self.min_exchanges} is more than the most there may be, {most}")
        return self

    def wants(self) -> frozenset[str]:
        return self.counselor.wants() | self.client.wants()

    def _counselor(self) -> Counselor:
        """The counselor; one that counts exchanges itself, to take leave or to plan, counts up to the same number."""
        own = self.counselor
        counts = "max_exchanges" in type(own).model_fields and "max_exchanges" not in own.model_fields_set
        return own.model_copy(update={"max_exchanges": self.max_exchanges}) if counts and self.max_exchanges else own

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        talk, course, counselor = Talk(ask.desk.dialogue), ask.desk.case.course, self._counselor()
        given = {k: v for k in ("max_exchanges", "min_exchanges") if (v := getattr(self, k)) is not None}
        for _ in range(self.sessions):
            # Opening lines open the first session there ever was.
            seeded = case.model_copy(update={"course": course} | ({"opening": []} if course else {}))
            rules = replace(counselor.rules(seeded, ask.lang), **given)
            await converse(ask, client=self.client, counselor=counselor, rules=rules, talk=talk, dials=self.dials)
            if self.sessions > 1 if self.record is None else self.record:
                await counselor.record(talk, ask.as_(counselor, talk))
        return talk.dialogue
