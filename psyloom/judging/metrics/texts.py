"""What a metric is given, one dialogue or many, and the texts in it."""

from collections.abc import Iterable, Iterator
from typing import Literal

from psyloom.errors import UsageError
from psyloom.records import Dialogue, Speaker

Given = Dialogue | str | Iterable[Dialogue | str]
"""One dialogue, one plain text (a reply), or any number of either."""

Dialogues = Dialogue | Iterable[Dialogue]
Within = Literal["message", "session", "dialogue"]


def each(given: Given) -> Iterator[Dialogue | str]:
    """The dialogues and plain texts of what was given, one by one."""
    if isinstance(given, Dialogue | str):
        yield given
    else:
        yield from given


def dialogues(given: Dialogues) -> Iterator[Dialogue]:
    """The dialogues of what was given. Raises UsageError for anything else, and when there is none."""
    one = None
    for one in each(given):
        if not isinstance(one, Dialogue):
            raise UsageError(f"a dialogue is measured here, this is {one[:40]!r}", do="give Dialogue records")
        yield one
    if one is None:
        raise UsageError("there is no dialogue to measure", do="give at least one")


def texts(given: Given, *, side: Speaker | None = None, within: Within = "message") -> Iterator[str]:
    """The texts of what was given, in order, without speaker names.

    Args:    side: only this speaker's messages; within: what makes one text; messages inside it are joined by a
             line break, so that no word spans two of them. A plain text is always one text.
    Raises:  UsageError when ``side`` is asked of a plain text, which has no speaker.
    """
    for one in each(given):
        if isinstance(one, str):
            if side is not None:
                raise UsageError(f"a plain text has no {side}", do="leave out side, or give Dialogue records")
            yield one
        else:
            yield from _texts(one, side, within)


def whole(given: Given, *, side: Speaker | None = None) -> list[str]:
    """One text for each dialogue or plain text given."""
    return list(texts(given, side=side, within="dialogue"))


def _texts(dialogue: Dialogue, side: Speaker | None, within: Within) -> Iterator[str]:
    sessions = [[t.text for t in s.turns if side in (None, t.speaker)] for s in dialogue.sessions]
    if within == "message":
        yield from (text for session in sessions for text in session)
    elif within == "session":
        yield from ("\n".join(session) for session in sessions)
    else:
        yield "\n".join(text for session in sessions for text in session)
