"""Coverage: which settings a set of dialogues is made of, theme by theme, and a cap on each of them.

Made for MindChat's product of themes and settings; any note of a session that is a text, or a mapping of texts, counts.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from psyloom.errors import UsageError
from psyloom.records import Dialogue

Item = tuple[str, str]  # slot, setting


def settings_of(dialogue: Dialogue) -> tuple[Item, ...]:
    """(slot, setting) of a dialogue's sessions, from the note ``setting``; each once."""
    given = [session.notes.get("setting") for session in dialogue.sessions]
    pairs = ((slot, str(text)) for one in given if isinstance(one, dict) for slot, text in one.items())
    return tuple(dict.fromkeys(pairs))


def theme_of(dialogue: Dialogue) -> str:
    """The note ``theme``; "" without one."""
    return next((str(session.notes["theme"]) for session in dialogue.sessions if session.notes.get("theme")), "")


@dataclass
class Coverage:
    """themes: theme -> dialogues. items: (slot, setting) -> dialogues. cells: theme -> slot -> different settings."""

    dialogues: int = 0
    themes: Counter[str] = field(default_factory=Counter)
    items: Counter[Item] = field(default_factory=Counter)
    cells: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))

    @classmethod
    def of(cls, given: Iterable[Dialogue]) -> "Coverage":
        found = cls()
        for dialogue in given:
            theme, items = theme_of(dialogue), settings_of(dialogue)
            found.dialogues += 1
            found.themes[theme] += 1
            found.items.update(items)
            for slot, text in items:
                found.cells[theme][slot].add(text)
        return found

    @property
    def slots(self) -> list[str]:
        return list(dict.fromkeys(slot for slot, _ in self.items))

    def over(self, share: float) -> list[tuple[Item, int]]:
        """Settings that stand in more than ``share`` of the dialogues, the most frequent first."""
        return [(item, count) for item, count in self.items.most_common() if count > share * self.dialogues]


def capped(given: Iterable[Dialogue], share: float = 0.005, seed: int = 0) -> Iterator[str]:
    """Yield the ids of as many dialogues, in random order, as keep every setting within ``share`` of those kept.

    Raises:  UsageError when there are too few different settings for that.
    """
    if not 0 < share <= 1:
        raise UsageError(f"a share of {share} is no share", do="give one above 0, up to 1, e.g. 0.005")
    items = {dialogue.id: settings_of(dialogue) for dialogue in given}
    order = list(items)
    random.Random(seed).shuffle(order)
    kept = order
    # A smaller set allows fewer of each: go on until the limit holds for what is left.
    while kept and (limit := int(share * len(kept) + 1e-9)) >= 1:
        chosen = list(_within(order, items, limit))
        if len(chosen) >= len(kept):
            yield from kept
            return
        kept = chosen
    raise UsageError(
        f"no set of these dialogues keeps every setting within {share:.2%}",
        do=f"write more settings (mindchat: --set cards=N), at least {int(1 / share)} for each slot; or allow a larger share",
    )


def _within(order: Iterable[str], items: dict[str, tuple[Item, ...]], limit: int) -> Iterator[str]:
    used = Counter[Item]()
    for id_ in order:
        if all(used[item] < limit for item in items[id_]):
            used.update(items[id_])
            yield id_
