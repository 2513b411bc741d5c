"""Labels as ratings, so that annotators, people or models, can be compared with the statistics for raters."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from psyloom.errors import UsageError
from psyloom.records import Dialogue, ItemRating, Label, Rater, Rating, Session, Subject
from psyloom.records.sentences import spans


def ratings_of_labels(dialogues: Iterable[Dialogue], label_set: str | None = None) -> Iterator[Rating]:
    """One rating for each annotator and each sentence or message that carries labels; several labels are a set.

    A label with a span counts for the sentences that it covers, one without for the message. Where one annotator gave a
    label and another, who labelled the same dialogue, gave none, the other's value is missing. Labels without an
    annotator are the source's. The instrument is the label set; a sentence is named in the subject: ``d7 sentence 2``.

    Raises:  UsageError when there is no such label.
    """
    count = 0
    for dialogue in dialogues:
        for number, session in enumerate(dialogue.sessions):
            for (name, by, (turn, sentence)), labels in _by_place(session, label_set).items():
                count += 1
                whole = f"{dialogue.id} sentence {sentence + 1}" if sentence is not None else dialogue.id
                subject = Subject(dialogue=whole, session=number, turn=turn)
                values = sorted({label.id for label in labels})
                yield Rating(
                    id=f"{whole}/{number}/{turn}/{name}/{by}", subject=subject, instrument=name,
                    rater=Rater(kind="model" if by in dialogue.annotations else "human", name=by or "source"),
                    items=[ItemRating(item=name, value=value) for value in values],
                )  # fmt: skip
    if not count:
        raise UsageError(
            f"there is no label{f' of {label_set!r}' if label_set else ''} on any turn", do="annotate first"
        )


def _by_place(
    session: Session, label_set: str | None
) -> dict[tuple[str, str | None, tuple[int, int | None]], list[Label]]:
    found: dict[tuple[str, str | None, tuple[int, int | None]], list[Label]] = defaultdict(list)
    for at, turn in enumerate(session.turns):
        pieces = list(spans(turn.text))
        for label in turn.labels:
            if label_set not in (None, label.set):
                continue
            covered: list[int | None] = [None]
            if label.span:
                start, end = label.span
                covered = [n for n, (a, b) in enumerate(pieces) if a < end and start < b]
            for sentence in covered:
                found[label.set, label.by, (at, sentence)].append(label)
    return found
