"""Chains: reasoning written after the fact, for counselor turns whose strategy is known."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from psyloom.agents.guards import fold
from psyloom.knowledge import LabelSet, Term
from psyloom.records import Lang, Turn, sentences

WORDS: dict[str, dict[Lang, str]] = {
    "told": {
        "en": "{} repeats the words of the reply; write only what could be known before it was given",
        "zh": "{} 照搬了回复里的话；只写给出回复之前就能知道的内容",
    },
}


class Known(NamedTuple):
    """A counselor's turn whose strategy is known, with what was said before it."""

    before: list[Turn]
    turn: Turn
    labels: LabelSet
    strategy: Term


def with_strategy(turns: Sequence[Turn], inventories: Iterable[LabelSet]) -> Iterator[Known]:
    """The turns of a session that a chain can be written for: after the client's first words, without a thought of
    their author's own.

    A turn with several labels counts by the first one that is a strategy of one of the ``inventories``.
    """
    sets = {labels.id: labels for labels in inventories}
    begun = next((at for at, turn in enumerate(turns) if turn.speaker == "client"), len(turns))
    for at, turn in enumerate(turns):
        named_by = [(sets[one.set], one.id) for one in turn.labels if one.set in sets]
        found = next(((labels, term) for labels, id_ in named_by if (term := labels.find(id_))), None)
        if found and at > begun and turn.speaker == "counselor" and not any(step.by is None for step in turn.thought):
            yield Known(list(turns[:at]), turn, *found)


def repeated(written: Iterable[tuple[str, str]], reply: str, lang: Lang) -> str | None:
    """Which of the named texts repeats the reply it explains, in words for the model; None when none does."""
    told = next((name for name, text in written if tells(text, reply)), None)
    return WORDS["told"][lang].format(told) if told else None


def tells(text: str, reply: str) -> bool:
    """Does ``text`` hold a whole sentence of the reply? Sentences of a word or two do not count."""
    return any(len(fold(one)) > 10 and fold(one) in fold(text) for one in sentences(reply))
