"""The session runner: a client and a counselor talk, and code, not a prompt, decides when they stop."""

from collections.abc import Sequence

from psyloom.agents.ask import Ask
from psyloom.agents.dials import END, Dials, measures
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
    seen = frozenset().union(*client.seen_by().values())
    quality, shown = ask.desk.dialogue.quality, measures(ask.desk.case, seen, talk.dialogue.turns)
    quality.measures = {name: value for name, value in quality.measures.items() if name not in shown} | shown
    return talk.dialogue


async def reply(role: Client | Counselor, talk: Talk, ask: Ask) -> Turn:
    """The role's next turn; a dial may let a client end the session, or keep it from that."""
    turn = await role.reply(talk, ask)
    dials = ask.desk.dials
    if role.speaker == "client" and dials and dials.may_end is not None:
        turn.text, wishes = take_end(turn.text, END)
        turn.closes = dials.may_end and (turn.closes or wishes)
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


def take_end(text: str, token: str) -> tuple[str, bool]:
    """Part an end token from an utterance: (text without it, was it there)."""
    return text.replace(token, "").strip(), token in text
