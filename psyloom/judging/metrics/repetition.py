"""Repetition: messages a speaker has said before, word for word or nearly."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from psyloom.errors import UsageError
from psyloom.judging.metrics.texts import Dialogues, dialogues
from psyloom.judging.metrics.tokens import Tokenizer, Unit, tokens
from psyloom.records import Session, Speaker


def jaccard(one: Collection[str], other: Collection[str]) -> float:
    """Shared members over all members, [0, 1]; two empty collections are alike: 1.

    Source:  Jaccard 1912; on the words of two messages ("word Jaccard") as MAGneT's data were measured.
    """
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first or second else 1.0


@dataclass(frozen=True)
class Repetition:
    """Counts of repeated messages; each share is [0, 1], and 0 where nothing could repeat.

    verbatim: messages equal to an earlier one of the same speaker in the same session.
    compared: messages that have an earlier one inside the window; near: those that overlap with it.
    affected: sessions with at least one verbatim repeat.
    """

    messages: int
    verbatim: int
    compared: int
    near: int
    sessions: int
    affected: int

    @property
    def verbatim_share(self) -> float:
        return self.verbatim / self.messages if self.messages else 0.0

    @property
    def near_share(self) -> float:
        return self.near / self.compared if self.compared else 0.0

    @property
    def affected_share(self) -> float:
        return self.affected / self.sessions if self.sessions else 0.0


def repetition(
    given: Dialogues,
    *,
    side: Speaker | None = None,
    threshold: float = 0.7,
    window: int | None = 1,
    shortest: int = 1,
    by: Unit | Tokenizer = "words",
) -> Repetition:
    """Count what speakers repeat of their own messages inside a session.

    Args:    threshold: word Jaccard above which two messages are nearly the same; window: how many of the speaker's
             last messages are compared (1: the neighbor, as in the figures on MAGneT; None: all earlier ones);
             shortest: messages of fewer tokens ("嗯", "I see") are passed over.
    Raises:  UsageError for no session.
    """
    sides: tuple[Speaker, ...] = (side,) if side else ("client", "counselor")
    counted = [_count(s, sides, threshold, window, shortest, by) for d in dialogues(given) for s in d.sessions]
    if not counted:
        raise UsageError("there is no session to measure", do="give dialogues with messages")
    messages, verbatim, compared, near = map(sum, zip(*counted, strict=True))
    return Repetition(messages, verbatim, compared, near, len(counted), sum(c[1] > 0 for c in counted))


def _count(
    session: Session,
    sides: Iterable[Speaker],
    threshold: float,
    window: int | None,
    shortest: int,
    by: Unit | Tokenizer,
) -> tuple[int, int, int, int]:
    messages = verbatim = compared = near = 0
    for side in sides:
        said = [
            (t.text, cut) for t in session.turns if t.speaker == side and len(cut := tokens(t.text, by)) >= shortest
        ]
        plain = [" ".join(text.split()) for text, _ in said]
        overlaps = [_closest(i, [cut for _, cut in said], window) for i in range(1, len(said))]
        messages += len(said)
        verbatim += len(plain) - len(set(plain))
        compared += len(overlaps)
        near += sum(overlap > threshold for overlap in overlaps)
    return messages, verbatim, compared, near


def _closest(place: int, cut: Sequence[Sequence[str]], window: int | None) -> float:
    earlier = cut[:place] if window is None else cut[max(0, place - window) : place]
    return max(jaccard(cut[place], other) for other in earlier)
