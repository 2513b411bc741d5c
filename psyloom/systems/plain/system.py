"""The baseline everyone compares with: one prompt, no plan, no stages. And a client that says what it is given."""

from pydantic import Field

from psyloom.agents import Ask, Client, Counselor, Talk
from psyloom.agents.dials import told
from psyloom.records import FACETS, Lang, Turn

_NOTHING_LEFT: dict[Lang, str] = {"zh": "我没有别的要说了。", "en": "I have nothing more to say."}


class Plain(Counselor):
    """A counselor made of one prompt that reads nothing but the talk."""

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.counselor(await ask("counselor", talk=talk))


class Scripted(Client):
    """Says given lines in order, without a model; without lines, the case's post sentence by sentence."""

    lines: tuple[str, ...] = Field(
        (), description="what the client says, one line a message; empty: the case's own words"
    )

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        lines = self.lines or own_words(ask)
        said = sum(turn.speaker == "client" for turn in talk.turns[talk.opening :])
        if said >= len(lines):
            return Turn(speaker="client", text=_NOTHING_LEFT[ask.lang], closes=True)
        return Turn(speaker="client", text=lines[said], closes=said + 1 == len(lines))


def own_words(ask: Ask) -> tuple[str, ...]:
    """The case's texts as a client could say them; no model reads them, so no sight is needed."""
    case = ask.desk.case
    return tuple(dict.fromkeys(told(case, frozenset(FACETS)))) or (_NOTHING_LEFT[ask.lang],)
