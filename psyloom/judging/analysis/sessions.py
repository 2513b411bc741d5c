"""Labelled dialogues as coded sessions: who did what, in which order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import NamedTuple

from psyloom.errors import UsageError
from psyloom.knowledge import LabelSet, label_set
from psyloom.records import Dialogue, Label, Lang, Rating, Session, Speaker

OTHERS = "others"


@dataclass(frozen=True)
class Scheme:
    """The label sets of both sides. Groups (intentions, reactions) are the labels above those that are given."""

    strategies: str = "client_reactions_strategy"
    behaviors: str = "client_reaction"

    @cached_property
    def sets(self) -> dict[Speaker, LabelSet]:
        return {"counselor": label_set(self.strategies), "client": label_set(self.behaviors)}

    def ids(self, speaker: Speaker) -> tuple[str, ...]:
        """What a side's sentence can be labelled as."""
        return self.sets[speaker].leaves.ids

    def groups(self, speaker: Speaker) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.group(speaker, id_) for id_ in self.ids(speaker)))

    def group(self, speaker: Speaker, id_: str) -> str:
        above = self.sets[speaker].above(id_)
        return above.id if above else id_

    def name(self, speaker: Speaker, id_: str, lang: Lang) -> str:
        return self.sets[speaker][id_].name(lang)


class Move(NamedTuple):
    """What one side did until the other answered: the ids of its labels, sentence by sentence."""

    speaker: Speaker
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Coded:
    """One session as moves in turn; messages in a row by one side are one move."""

    id: str
    moves: tuple[Move, ...]
    scheme: Scheme = field(default_factory=Scheme)
    outcome: float | None = None

    def labels(self, speaker: Speaker) -> list[str]:
        """All labels of a side, in order."""
        return [label for move in self.moves if move.speaker == speaker for label in move.labels]

    def answered(self) -> list[tuple[Move, Move]]:
        """Each labelled move of the counselor with the client's labelled move right after it."""
        pairs = zip(self.moves, self.moves[1:], strict=False)
        return [(a, b) for a, b in pairs if a.speaker == "counselor" and a.labels and b.labels]

    def intention(self, move: Move) -> str:
        """The group of a counselor's move as a whole: challenging if any sentence is, else supporting if any is."""
        return self._first(move, ("challenging", "supporting"))

    def reaction(self, move: Move) -> str:
        """The group of a client's move as a whole: negative if any sentence is, else positive if any is."""
        return self._first(move, ("negative", "positive"))

    def _first(self, move: Move, order: Sequence[str]) -> str:
        groups = [self.scheme.group(move.speaker, id_) for id_ in move.labels]
        return next((one for one in order if one in groups), groups[0])


def coded(
    dialogues: Iterable[Dialogue],
    scheme: Scheme | None = None,
    *,
    by: str | None = None,
    outcome: Mapping[tuple[str, int | None], float] | None = None,
) -> list[Coded]:
    """Every session that carries labels of the scheme.

    Args:    by: whose labels count; it may be left out when one annotator labelled all. outcome: see `outcomes`.
    Raises:  UsageError when there is no label of the scheme, and when several annotators labelled and none is chosen.
    """
    scheme, given = scheme or Scheme(), outcome or {}
    found: list[Coded] = []
    seen: set[str | None] = set()
    others: set[str] = set()
    for dialogue in dialogues:
        for number, session in enumerate(dialogue.sessions):
            moves = _moves(session, scheme, by, seen)
            others.update(label.set for turn in session.turns for label in turn.labels)
            if any(move.labels for move in moves):
                score = given.get((dialogue.id, number), given.get((dialogue.id, None)))
                found.append(Coded(f"{dialogue.id}/{number}", moves, scheme, score))
    if len(seen) > 1 and by is None:
        names = ", ".join(sorted(name or "the source" for name in seen))
        raise UsageError(f"several annotators labelled these dialogues: {names}", do="choose one of them (--by NAME)")
    if not found:
        what = f"no label of {scheme.strategies} or {scheme.behaviors}" + (f" by {by!r}" if by else "")
        raise UsageError(what, do=_help(scheme, others - {scheme.strategies, scheme.behaviors}))
    return found


def _help(scheme: Scheme, others: set[str]) -> str:
    """What to do when no label of the scheme is there."""
    if scheme == Scheme():
        found = f", or name the label sets that are there (--strategies): {', '.join(sorted(others))}" if others else ""
        return f"annotate first: psyloom annotate client_reactions DIALOGUES --out DIR{found}"
    if others:
        return f"name a label set that is there: {', '.join(sorted(others))}"
    return "take dialogues that carry labels of this set; which systems give labels: psyloom systems --role annotator"


def _moves(session: Session, scheme: Scheme, by: str | None, seen: set[str | None]) -> tuple[Move, ...]:
    moves: list[Move] = []
    for turn in session.turns:
        labels = [one for one in turn.labels if one.set == scheme.sets[turn.speaker].id and by in (None, one.by)]
        seen.update(label.by for label in labels)
        ids = tuple(scheme.sets[turn.speaker][label.id].id for label in sorted(labels, key=_start))
        if moves and moves[-1].speaker == turn.speaker:
            moves[-1] = Move(turn.speaker, (*moves[-1].labels, *ids))
        else:
            moves.append(Move(turn.speaker, ids))
    return tuple(moves)


def _start(label: Label) -> int:
    return label.span[0] if label.span else 0


def outcomes(ratings: Iterable[Rating], instrument: str | None = None) -> dict[tuple[str, int | None], float]:
    """(dialogue, session or None) -> score: the sum of a rating's numbers, the mean over several ratings.

    Raises:  UsageError when ratings are with several instruments and none is chosen, or when there is none.
    """
    totals: dict[tuple[str, int | None], list[float]] = defaultdict(list)
    names: set[str] = set()
    for rating in ratings:
        values = [item.value for item in rating.items if isinstance(item.value, int | float)]
        if instrument in (None, rating.instrument) and values and rating.subject.turn is None:
            names.add(rating.instrument)
            totals[rating.subject.dialogue, rating.subject.session].append(float(sum(values)))
    if len(names) > 1:
        raise UsageError(
            f"the ratings are with {', '.join(sorted(names))}", do="choose one of them (--instrument NAME)"
        )
    if not totals:
        raise UsageError("no rating holds a number for a dialogue or a session", do="give other ratings")
    return {where: fmean(scores) for where, scores in totals.items()}
