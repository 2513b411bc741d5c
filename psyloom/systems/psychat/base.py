"""The retrieval base of PsyChat: every counselor's turn of labelled dialogues, with what was said before it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from psyloom.agents.annotating import labels_in, talk_of
from psyloom.agents.retrieval import Embed, Found, Metric, Nearest
from psyloom.agents.talk import TalkView
from psyloom.errors import BadRecord
from psyloom.knowledge import LabelSet, label_set
from psyloom.records import Dialogue, Lang, Turn, read_jsonl

STRATEGIES, BEHAVIORS = label_set("client_reactions_strategy"), label_set("client_reaction")
BUNDLED = Path(__file__).parent / "base.jsonl"
WINDOW = 4  # messages of a history that n-grams compare


@dataclass(frozen=True)
class Entry:
    """``history`` ends with the client; ``response`` is what the counselor then said, and with which strategies."""

    id: str
    history: tuple[Turn, ...]
    response: str
    behaviors: tuple[str, ...]
    strategies: tuple[str, ...]


def told(turns: Iterable[Turn], lang: Lang) -> str:
    """Dh or Dc as one string, each line with its speaker."""
    return TalkView(talk_of(turns, lang), lang).lines()


def ordered(turn: Turn, kind: LabelSet) -> tuple[str, ...]:
    """The labels of a turn's sentences in the order of the text, each once."""
    found = sorted(labels_in(turn.labels, kind), key=lambda label: label.span or (0, 0))
    return tuple(dict.fromkeys(label.id for label in found))


def entries(dialogue: Dialogue) -> list[Entry]:
    """One entry for each labelled counselor's turn that answers the client."""
    found = []
    for number, session in enumerate(dialogue.sessions):
        for at, turn in enumerate(session.turns):
            before = session.turns[:at]
            if turn.speaker == "counselor" and before and before[-1].speaker == "client" and ordered(turn, STRATEGIES):
                behaviors, strategies = ordered(before[-1], BEHAVIORS), ordered(turn, STRATEGIES)
                found.append(Entry(f"{dialogue.id}/{number}/{at}", tuple(before), turn.text, behaviors, strategies))
    return found


@dataclass
class Base:
    """Entries of one language with their indices.

    An encoder compares whole histories. N-grams compare the last messages: of whole ones they tell the topic, which hardly
    changes while a talk goes on, so that all its turns would get the same neighbor.
    """

    lang: Lang
    entries: list[Entry]
    embed: Embed | None = None
    metric: Metric = "euclidean"
    _said: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._histories = Nearest(
            (self._compared(e.history) for e in self.entries), embed=self.embed, metric=self.metric
        )
        lines = [(e.history[-1], label) for e in self.entries for label in labels_in(e.history[-1].labels, BEHAVIORS)]
        self._said = [(turn.text[slice(*label.span)] if label.span else turn.text, label.id) for turn, label in lines]
        self._sentences = Nearest((text for text, _ in self._said), embed=self.embed, metric=self.metric)

    def nearest(self, history: Sequence[Turn], j: int = 1) -> list[tuple[Entry, Found]]:
        """The ``j`` entries whose history comes nearest, the nearest first."""
        return [(self.entries[found.at], found) for found in self._histories.nearest(self._compared(history), j)]

    def _compared(self, history: Sequence[Turn]) -> str:
        whole = self.embed is not None and self.metric != "bm25"
        return told(history if whole else history[-WINDOW:], self.lang)

    def behavior(self, sentence: str) -> str:
        """The behavior of the labelled client's sentence that comes nearest; others where there is none."""
        found = self._sentences.nearest(sentence)
        return self._said[found[0].at][1] if found else "others"

    def policy(self, behaviors: Sequence[str]) -> dict[str, float]:
        """P(strategy | behavior) over the entries whose client shows one of ``behaviors``, the most likely first."""
        counts: Counter[str] = Counter()
        for entry in self.entries:
            if {*behaviors} & {*entry.behaviors}:
                counts.update(entry.strategies)
        return {strategy: n / counts.total() for strategy, n in counts.most_common()}


@cache
def held(path: Path) -> dict[Lang, list[Entry]]:
    """What a file of labelled dialogues holds to retrieve, by language. Raises: BadRecord when there is nothing."""
    found: dict[Lang, list[Entry]] = defaultdict(list)
    for dialogue in read_jsonl(path, Dialogue):
        found[dialogue.lang] += entries(dialogue)
    if not any(found.values()):
        raise _nothing_in(path)
    return {lang: some for lang, some in found.items() if some}


@cache
def base(path: Path | None, lang: Lang, embed: Embed | None, metric: Metric) -> Base:
    """The bundled base or one from a file of labelled dialogues. Raises: BadRecord when it has nothing to retrieve."""
    found = held(path or BUNDLED)
    if lang not in found:
        raise _nothing_in(path or BUNDLED, f" in {lang!r}")
    return Base(lang, found[lang], embed, metric)


def _nothing_in(path: Path, lang: str = "") -> BadRecord:
    return BadRecord(
        f"{path} holds no counselor's turn{lang} with labels of {STRATEGIES.id}",
        do="label dialogues first: psyloom annotate client_reactions DIALOGUES --out DIR",
    )
