"""The session runner: a client and a counselor talk, and code, not a prompt, decides when they stop."""

from collections.abc import Sequence, Set
from functools import cache
from pathlib import Path

from psyloom.agents.ask import Ask
from psyloom.agents.dials import Dials, measures
from psyloom.agents.guards import END, take_end
from psyloom.agents.prompts import prompts_in
from psyloom.agents.roles import Client, Counselor, Rules, Stop
from psyloom.agents.talk import Talk
from psyloom.records import Dialogue, Session, Speaker, Turn


async def converse(
    ask: Ask,
    *,
    client: Client,
    counselor: Counselor,
    rules: Rules,
    talk: Talk | None = None,
    dials: Dials | None = None,
) -> Dialogue:
    """Let the two talk for one session.

    Args:    ask: of the writer that brings the two together; talk: to be continued with a new session;
             dials: how difficult the client is made; where one is not set, as the case has it.
    Returns: the dialogue; its session says under ``ended`` why it ended, its quality what the client showed.
    """
    if talk is None:
        talk = Talk(ask.desk.dialogue)
    elif talk.turns:
        talk.begin_session()
    ask.desk.dials = (dials or Dials()).over(ask.desk.case)
    seats: dict[Speaker, Client | Counselor] = {"client": client, "counselor": counselor}
    for turn in rules.opening:
        talk.add(turn)
    talk.opening = len(rules.opening)
    talk.given += sum(turn.speaker == "client" for turn in rules.opening)
    while (over := _over(talk, rules)) is None:
        role = seats[_next(talk, rules)]
        talk.add(await reply(role, talk, ask.as_(role, talk)))
    talk.session.ended = over
    quality, shown = ask.desk.dialogue.quality, measures(ask.desk.case, known_to(client), talk.dialogue.turns)
    quality.measures = {name: value for name, value in quality.measures.items() if name not in shown} | shown
    return talk.dialogue


def known_to(client: Client) -> Set[str]:
    """Paths of the case that a client can tell of: what its speaking agents see, not who grades or prepares behind it."""
    silent = _silent(client.prompts())
    return frozenset().union(*(seen for agent, seen in client.seen_by().items() if agent not in silent))


@cache
def _silent(prompts: Path) -> Set[str]:
    """The agents whose prompts never speak as the client."""
    fronts = [prompt.front for prompt in prompts_in(prompts)]
    return {front.agent for front in fronts} - {front.agent for front in fronts if front.speaks == "client"}


async def reply(role: Client | Counselor, talk: Talk, ask: Ask) -> Turn:
    """The role's next turn; a dial may let a client end the session, or keep it from that."""
    ask.desk.leaving = False
    turn = await role.reply(talk, ask)
    dials = ask.desk.dials
    if role.speaker == "client" and dials and dials.may_end is not None:
        turn.text, wishes = take_end(turn.text, END)
        turn.closes = dials.may_end and (turn.closes or wishes or ask.desk.leaving)
    if role.speaker == "client" and dials and (reaction := dials.reaction(talk.of_client)):
        turn.extra["reaction_asked"] = reaction  # no label: nobody has looked whether it shows
    return turn


def _next(talk: Talk, rules: Rules) -> Speaker:
    if not talk.turns:
        return rules.first
    return "client" if talk.turns[-1].speaker == "counselor" else "counselor"


def _over(talk: Talk, rules: Rules) -> str | None:
    """Why the session is over; None while it goes on."""
    if not talk.turns:
        return None
    done = talk.session.exchanges() - Session(turns=list(rules.opening)).exchanges()
    if rules.last and talk.turns[-1].speaker != rules.last:
        return None
    if done >= rules.max_exchanges:
        return "limit"
    if done < rules.min_exchanges:
        return None
    recent = talk.turns[-1] if rules.last is None else next((t for t in talk.turns[-2:] if t.closes), talk.turns[-1])
    if recent.closes:
        return f"{recent.speaker} closed"
    return next((reason for stop in rules.stop if (reason := stop(talk))), None)


def said(words: Sequence[str], speaker: Speaker) -> Stop:
    """Stop when ``speaker`` says one of ``words``."""

    def stop(talk: Talk) -> str | None:
        turn = talk.turns[-1]
        found = next((word for word in words if word in turn.text), None) if turn.speaker == speaker else None
        return f"{speaker} said {found!r}" if found else None

    return stop
