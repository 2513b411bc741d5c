"""What a sentence classifier reads: a message's sentences, with what was said before them.

Source: released code of arXiv 2306.15334. ``[CLS]``, the context messages, each opened by a token for its speaker and
closed by ``[SEP]``; the target's speaker token; then ``[CLS] sentence [SEP]`` for every sentence of the target.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from psyloom.records import Dialogue, Speaker, Turn
from psyloom.records.sentences import spans

SPEAKERS: dict[Speaker, str] = {"counselor": "<counselor>", "client": "<client>"}
Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Message:
    """A message to be classified: its turn, the messages before it, its sentences as [start, end) of its text.

    labels: the label of each sentence, where it is known. answer: what the other side says next.
    """

    turn: Turn
    before: tuple[Turn, ...]
    pieces: tuple[tuple[int, int], ...]
    labels: tuple[str | None, ...] = ()
    answer: Turn | None = None


def messages(dialogue: Dialogue, speaker: Speaker, context: int) -> Iterator[Message]:
    """The messages of one side that have a sentence; ``context``: how many messages before them are read."""
    for session in dialogue.sessions:
        for at, turn in enumerate(session.turns):
            if turn.speaker == speaker and (pieces := tuple(spans(turn.text))):
                after = next((other for other in session.turns[at + 1 : at + 2] if other.speaker != speaker), None)
                yield Message(turn, tuple(session.turns[max(0, at - context) : at]), pieces, answer=after)


@dataclass(frozen=True)
class Input:
    """One sequence. ``starts``: places of the ``[CLS]`` of its sentences; ``own``: what of the message they are."""

    ids: tuple[int, ...]
    types: tuple[int, ...]
    starts: tuple[int, ...]
    own: tuple[int, ...]


@dataclass(frozen=True)
class Marks:
    """Ids of the tokens that give a sequence its form."""

    cls: int
    sep: int
    speakers: dict[Speaker, int]


def inputs(message: Message, encode: Encode, marks: Marks, limit: int) -> list[Input]:
    """The sequences of one message, none longer than ``limit`` tokens.

    The oldest context goes first. Sentences that do not fit beside each other get a sequence of their own, and a
    sentence that does not fit at all is cut.
    """
    said = [encode(message.turn.text[start:end])[: limit - 4] for start, end in message.pieces]
    found: list[Input] = []
    group: list[int] = []
    for at in range(len(said)):
        if group and 2 + sum(len(said[n]) + 2 for n in [*group, at]) > limit:
            found.append(_input(message, said, group, encode, marks, limit))
            group = []
        group.append(at)
    return [*found, _input(message, said, group, encode, marks, limit)]


def _input(
    message: Message, said: Sequence[list[int]], group: Sequence[int], encode: Encode, marks: Marks, limit: int
) -> Input:
    target, starts = [marks.speakers[message.turn.speaker]], []
    for at in group:
        starts.append(len(target))
        target += [marks.cls, *said[at], marks.sep]
    context: list[int] = []
    for turn in reversed(message.before):
        more = [marks.speakers[turn.speaker], *encode(turn.text), marks.sep]
        if 1 + len(more) + len(context) + len(target) > limit:
            break
        context = [*more, *context]
    head = [marks.cls, *context]
    types = [0] * len(head) + [1] * len(target)
    return Input((*head, *target), tuple(types), tuple(len(head) + s for s in starts), tuple(group))


def labelled(message: Message, name: str, by: str | None, known: Callable[[str], str | None]) -> Message:
    """The message with the label of each sentence: of the label whose span covers most of it, else of the whole turn.

    name: label set; by: annotator, None: any; known: makes the label that is learned from the one that stands there.
    """
    given = [one for one in message.turn.labels if one.set == name and by in (None, one.by)]
    found = []
    for start, end in message.pieces:
        shared = [
            (min(end, b) - max(start, a), one) for one in given for a, b in [one.span or (0, len(message.turn.text))]
        ]
        covering = max(shared, key=lambda pair: pair[0], default=(0, None))
        found.append(known(covering[1].id) if covering[1] and covering[0] > 0 else None)
    return replace(message, labels=tuple(found))


def foretelling(message: Message, name: str, by: str | None, known: Callable[[str], str | None]) -> Message:
    """The message with the first label of its answer as the label of each sentence; arguments as in `labelled`."""
    labels = sorted(message.answer.labels if message.answer else (), key=lambda one: one.span or (0, 0))
    found = (known(one.id) for one in labels if one.set == name and by in (None, one.by))
    return replace(message, labels=(next(filter(None, found), None),) * len(message.pieces))


def texts(dialogues: Iterable[Dialogue]) -> Iterator[str]:
    for dialogue in dialogues:
        yield from (turn.text for turn in dialogue.turns)
