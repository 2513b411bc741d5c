"""Labels that came back from people, put onto the dialogues they were made for."""

from collections.abc import Iterable, Iterator

from psyloom.errors import BadRecord
from psyloom.records import Dialogue, Label, Record, Session, Turn

Key = tuple[str, str | None]  # label set, annotator
Place = Dialogue | Session | Turn


def onto(dialogues: Iterable[Dialogue], labelled: Iterable[Record]) -> Iterator[Dialogue]:
    """Yield every one of ``dialogues``, with the labels of the one in ``labelled`` that has its id.

    An annotator's labels of a set take the place of the same annotator's labels of that set; all others stay, and so
    does everything else of a dialogue.

    Raises:  BadRecord for a text that is not the one that was labelled, and for labelled dialogues that are not there.
    """
    found = {record.id: record for record in labelled if isinstance(record, Dialogue)}
    for dialogue in dialogues:
        if other := found.pop(dialogue.id, None):
            _merge(dialogue, other)
        yield dialogue
    if found:
        ids = ", ".join(list(found)[:5]) + (" ..." if len(found) > 5 else "")
        raise BadRecord(
            f"{len(found)} labelled dialogues have no original: {ids}",
            do="give the file that was handed to the annotators",
        )


def _merge(dialogue: Dialogue, other: Dialogue) -> None:
    talk, labelled = ([len(session.turns) for session in one.sessions] for one in (dialogue, other))
    if talk != labelled:
        raise _differs(dialogue, f"has sessions of {talk} messages, what was labelled has {labelled}")
    pairs = enumerate(zip(dialogue.turns, other.turns, strict=True), 1)
    if odd := next((at for at, (turn, given) in pairs if turn.text.strip() != given.text.strip()), None):
        raise _differs(dialogue, f"message {odd} is not the text that was labelled")
    came = {_key(label) for place in other.places for label in place.labels}
    for place, given in zip(dialogue.places, other.places, strict=True):
        place.labels = [*_others(place.labels, came), *_moved(given, place)]


def _key(label: Label) -> Key:
    return label.set, label.by


def _others(labels: Iterable[Label], came: set[Key]) -> list[Label]:
    return [label for label in labels if _key(label) not in came]


def _moved(given: Place, place: Place) -> Iterator[Label]:
    """Labels with spans in the original's text, which may have white space around it."""
    lead = _lead(place.text) - _lead(given.text) if isinstance(place, Turn) and isinstance(given, Turn) else 0
    for label in given.labels:
        span = label.span and (label.span[0] + lead, label.span[1] + lead)
        yield label.model_copy(update={"span": span})


def _lead(text: str) -> int:
    return len(text) - len(text.lstrip())


def _differs(dialogue: Dialogue, what: str) -> BadRecord:
    return BadRecord(f"dialogue {dialogue.id!r} {what}", do="give the dialogues that were exported, unchanged")
