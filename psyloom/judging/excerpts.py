"""Excerpts: the pieces of a dialogue that an instrument rates one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psyloom.errors import UsageError
from psyloom.knowledge.instruments import Instrument
from psyloom.records import Dialogue, Session, Subject, Turn


@dataclass(frozen=True)
class Excerpt:
    """What one rating is about.

    sessions: what is read; ``first``: index of the first of them. reply: the turn that is rated, when it is one turn;
    its session then holds what came before it. against: the other dialogue of a pair.
    """

    subject: Subject
    sessions: tuple[Session, ...] = ()
    first: int = 0
    reply: Turn | None = None
    against: Dialogue | None = None

    @property
    def name(self) -> str:
        """The subject in few words, for ids: ``d7/session 0/turn 3``, ``d7/before``."""
        marks = (("session ", "session"), ("turn ", "turn"), ("against ", "against"), ("", "moment"))
        values = ((mark, getattr(self.subject, field)) for mark, field in marks)
        return "/".join([self.subject.dialogue, *(f"{mark}{value}" for mark, value in values if value is not None)])

    def read(self) -> list[Session]:
        """Everything that may be quoted, the rated turn included."""
        return (
            [*self.sessions[:-1], Session(turns=[*self.sessions[-1].turns, self.reply])]
            if self.reply
            else [*self.sessions]
        )


def excerpts(
    dialogue: Dialogue, instrument: Instrument, against: Dialogue | None = None, name: str = ""
) -> list[Excerpt]:
    """The pieces of ``dialogue`` that ``instrument`` rates, in order.

    A session is numbered only where there are several, so that ratings of people and models meet on one subject.

    Args:    against: the other dialogue of a pair; name: what tells it apart when both have the same id.
    Raises:  UsageError when there is nothing to rate, and for a pair instrument without the other dialogue.
    """
    found = list(_pairs(dialogue, against, name) if instrument.unit == "pair" else _pieces(dialogue, instrument))
    if not found:
        labelled = f" labelled {' or '.join(instrument.labels)}" if instrument.labels else ""
        what = (
            f"dialogue {dialogue.id!r} has no {'message' if instrument.unit != 'turn' else 'reply'}{labelled} to rate"
        )
        raise UsageError(what, do="leave it out, or rate it with another instrument")
    return found


def _pairs(dialogue: Dialogue, against: Dialogue | None, name: str) -> Iterator[Excerpt]:
    if against is None:
        raise UsageError(
            f"dialogue {dialogue.id!r} has no other to be compared with", do="give the other dialogues: --against FILE"
        )
    if dialogue.turns and against.turns:
        other = against.id if against.id != dialogue.id else f"{name or 'other'}/{against.id}"
        yield Excerpt(Subject(dialogue=dialogue.id, against=other), tuple(dialogue.sessions), against=against)


def _pieces(dialogue: Dialogue, instrument: Instrument) -> Iterator[Excerpt]:
    if instrument.moments:
        yield Excerpt(Subject(dialogue=dialogue.id, moment="before"))
    sessions = [(n, session) for n, session in enumerate(dialogue.sessions) if session.turns]
    if instrument.unit == "dialogue" and sessions:
        moment = "after" if instrument.moments else None
        yield Excerpt(Subject(dialogue=dialogue.id, moment=moment), tuple(dialogue.sessions))
    for n, session in sessions:
        number = n if len(dialogue.sessions) > 1 else None
        if instrument.unit == "session":
            yield Excerpt(Subject(dialogue=dialogue.id, session=number), (session,), n)
        elif instrument.unit == "turn":
            for at in _replies(session.turns, instrument):
                before = Session(turns=_heard(dialogue, session.turns[:at]))
                yield Excerpt(Subject(dialogue=dialogue.id, session=number, turn=at), (before,), n, session.turns[at])


def _heard(dialogue: Dialogue, turns: Sequence[Turn]) -> Sequence[Turn]:
    """The history of a reply. A counselor that was tested on given dialogues may have read the references before it."""
    if dialogue.extra.get("history") != "reference":
        return turns
    return [turn.model_copy(update={"text": str(turn.extra.get("reference", turn.text))}) for turn in turns]


def _replies(turns: Sequence[Turn], instrument: Instrument) -> list[int]:
    """Places of the turns that answer the other side; a greeting answers nobody."""
    rated = "client" if instrument.rates == "client" else "counselor"
    replies = [
        n for n, turn in enumerate(turns) if turn.speaker == rated and any(t.speaker != rated for t in turns[:n])
    ]
    wanted = {*instrument.labels}
    return [n for n in replies if not wanted or wanted & {f"{label.set}/{label.id}" for label in turns[n].labels}]
