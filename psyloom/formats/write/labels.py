"""What writers for annotation tools share: which label sets are offered, and what their labels are called there."""

from collections.abc import Iterable

from psyloom.formats.write.examples import Plan
from psyloom.knowledge import LabelSet, label_set, label_sets
from psyloom.records import Label, Lang

BOTH = " / "  # between the Chinese and the English name of a label, so that one project serves both


class Offered:
    """The label sets that annotators choose from: those the options name, and those that were seen, since tools refuse
    labels that stand there already in a set that is not offered."""

    def __init__(self, plan: Plan) -> None:
        self.words: dict[str, dict[str, None]] = {name: {} for name in plan.options.labels or ()}
        self.langs: set[Lang] = set()

    def see(self, labels: Iterable[Label], lang: Lang) -> None:
        self.langs.add(lang)
        for label in labels:
            self.words.setdefault(label.set, {})[label.id] = None

    def choices(self, name: str) -> list[tuple[str, str, str]]:
        """(id, name, definition) of what can be chosen: the labels without any below them, and whatever was seen.

        Definitions are in the language of the dialogues, in English where there are several.
        """
        known = bundled(name)
        ids = [*(known.leaves.ids if known else ()), *self.words[name]]
        lang: Lang = "zh" if self.langs == {"zh"} else "en"
        definitions = {id_: getattr(known[id_].definition, lang) for id_ in ids if id_ in known} if known else {}
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


def units(text: str, at: int) -> int:
    """The place before character ``at`` as browsers count: in UTF-16, where an emoji is two."""
    return len(text[:at].encode("utf-16-le")) // 2


def characters(text: str, at: int) -> int:
    """The place in characters of one that browsers count; undoes ``units``."""
    return len(text.encode("utf-16-le")[: 2 * at].decode("utf-16-le", errors="ignore"))
