"""Who was picked how often, where several counselors answer the same history and one answer is said.

Source:  Interactive Agents, arXiv 2408.15787, arena: score = selections / dialogues, and Elo (its constants are not
         given: ours are those of `elo`, with the one picked beating each of the others).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psyloom.errors import UsageError
from psyloom.judging.ranking import Match, elo
from psyloom.records import Dialogue


@dataclass(frozen=True)
class Selections:
    """One counselor: how often its answer was picked, in how many dialogues it took part, and its Elo rating."""

    name: str
    dialogues: int
    selections: int
    elo: float

    @property
    def score(self) -> float:
        return self.selections / self.dialogues


def selections(dialogues: Iterable[Dialogue], *, shuffles: int = 100, seed: int = 0) -> list[Selections]:
    """Everybody who took part, the best score first.

    Args:    shuffles, seed: as in `elo`.
    Raises:  UsageError when no dialogue holds candidates.
    """
    met: Counter[str] = Counter()
    picked: Counter[str] = Counter()
    matches: list[Match] = []
    for dialogue in dialogues:
        told = list(picks(dialogue))
        met.update({name for _, names in told for name in names})
        picked.update(winner for winner, _ in told)
        matches += [
            Match(winner, other, 1.0, dialogue.id) for winner, names in told for other in names if other != winner
        ]
    if not matches:
        raise UsageError("no dialogue holds candidates to pick from", do="give dialogues of an arena, turn by turn")
    points = elo(matches, shuffles=shuffles, seed=seed)
    found = [Selections(name, met[name], picked[name], points[name]) for name in met]
    return sorted(found, key=lambda one: (-one.score, one.name))


def picks(dialogue: Dialogue) -> Iterator[tuple[str, Sequence[str]]]:
    """(who was picked, everybody who answered) for each turn that was picked.

    A turn says who gave it under ``extra.from``. All answers are its ``extra.candidates``, or, as released, stand in the
    dialogue's own, a list for each counselor turn.
    """
    released = dialogue.extra.get("candidates")
    lists = iter(released if isinstance(released, list) else [])
    for turn in dialogue.turns:
        if turn.speaker == "counselor":
            log = turn.extra.get("candidates", next(lists, None))
            if isinstance(log, list) and "from" in turn.extra:
                yield str(turn.extra["from"]), [str(one["from"]) for one in log if isinstance(one, dict)]
