"""Any counselor with any client."""

from dataclasses import replace

from pydantic import Field, SerializeAsAny

from psyloom.agents.ask import Ask
from psyloom.agents.dials import Dials, measures
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
        1, ge=1, description="sessions in a row; each side remembers what its system makes it remember"
    )
    dials: Dials | None = Field(None, description="how difficult the client is made, whichever client it is")

    def wants(self) -> frozenset[str]:
        return self.counselor.wants() | self.client.wants()

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        rules = self.counselor.rules(case, ask.lang)
        given = {k: v for k in ("max_exchanges", "min_exchanges") if (v := getattr(self, k)) is not None}
        ask.desk.dials = self.dials
        rules, talk = replace(rules, **given), Talk(ask.desk.dialogue)
        for _ in range(self.sessions):
            await converse(ask, client=self.client, counselor=self.counselor, rules=rules, talk=talk)
        dialogue = talk.dialogue
        seen = frozenset().union(*self.client.seen_by().values())
        dialogue.quality.measures |= measures(case, seen, dialogue.turns)
        return dialogue
