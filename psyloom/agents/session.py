"""The session runner: a client and a counselor talk, and code, not a prompt, decides when they stop."""

from collections.abc import Sequence

from psyloom.agents.ask import Ask
from psyloom.agents.roles import Client, Counselor, Rules, Stop
from psyloom.agents.talk import Talk
from psyloom.records import Dialogue, Session, Speaker


async def converse(
    ask: Ask, *, client: Client, counselor: Counselor, rules: Rules, talk: Talk | None = None
) -> Dialogue:
    """Let the two talk for one session.

    Args:    ask: of the writer that brings the two together; talk: to be continued with a new session.
    Returns: the dialogue; its session says under ``ended`` why it ended.
    """
    if talk is None:
        talk = Talk(ask.desk.dialogue)
    elif talk.turns:
        talk.begin_session()
    seats: dict[Speaker, Client | Counselor] = {"client": client, "counselor": counselor}
    for turn in rules.opening:
        talk.add(turn)
    talk.opening = len(rules.opening)
    while (over := _over(talk, rules)) is None:
        role = seats[_next(talk, rules)]
        turn = await role.reply(talk, ask.as_(role, talk))
        if role.speaker == "client" and ask.desk.dials and not ask.desk.dials.may_end:
            turn.closes = False
        talk.add(turn)
    talk.session.ended = over
    return talk.dialogue


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
