"""What writers for annotation tools share: which label sets are offered, and what their labels are called there."""

from collections.abc import Iterable

from psyloom.formats.write.examples import Plan
from psyloom.knowledge import LabelSet, label_set, label_sets
from psyloom.records import Label

BOTH = " / "  # between the Chinese and the English name of a label, so that one project serves both


class Offered:
    """The label sets that annotators choose from: those the options name, else those that were seen."""

    def __init__(self, plan: Plan) -> None:
        self.given = plan.options.labels
        self.words: dict[str, dict[str, None]] = {name: {} for name in self.given or ()}

    def see(self, labels: Iterable[Label]) -> None:
        for label in labels:
            if not self.given or label.set in self.given:
                self.words.setdefault(label.set, {})[label.id] = None

    def choices(self, name: str) -> list[tuple[str, str, str]]:
        """(id, name, definition) of what can be chosen: the labels without any below them, and whatever was seen."""
        known = bundled(name)
        ids = [*(known.leaves.ids if known else ()), *self.words[name]]
        definitions = {id_: known[id_].definition.en for id_ in ids if id_ in known} if known else {}
        return [(id_, shown(name, id_), definitions.get(id_, "")) for id_ in dict.fromkeys(ids)]

    def titles(self) -> list[tuple[str, str]]:
        """(id, title) of the sets."""
        known = {name: bundled(name) for name in self.words}
        return [(name, f"{found.zh}{BOTH}{found.en}" if found else name) for name, found in known.items()]


def bundled(name: str) -> LabelSet | None:
    return label_set(name) if name in label_sets() else None


def shown(name: str, id_: str) -> str:
    """What people read for a label."""
    known = bundled(name)
    return f"{known[id_].zh}{BOTH}{known[id_].en}" if known and id_ in known else id_
