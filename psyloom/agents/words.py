"""What a prompt's slots become before they are rendered."""

from dataclasses import dataclass
from typing import Any

from psyloom.agents.talk import Talk, TalkView
from psyloom.knowledge import LabelSet, Term
from psyloom.records import Lang


@dataclass(frozen=True)
class Local:
    """A label in one language, as prompts use it."""

    id: str
    name: str
    definition: str

    def __str__(self) -> str:
        return self.name


def localized(value: Any, lang: Lang) -> Any:
    """Talks become views, labels get one language; everything else stays."""
    if isinstance(value, Talk):
        return TalkView(value, lang)
    if isinstance(value, str):
        return value
    if isinstance(value, Term):
        return Local(value.id, value.name(lang), value.definition.of(lang))
    if isinstance(value, LabelSet):
        return _all_of(value.id, lang, value)
    if isinstance(value, list | tuple):
        return [localized(item, lang) for item in value]
    if isinstance(value, dict):
        return {key: localized(item, lang) for key, item in value.items()}
    return value


_SETS: dict[tuple[str, Lang], list[Local]] = {}


def _all_of(name: str, lang: Lang, labels: LabelSet) -> list[Local]:
    """All labels of a set in one language, made once: a set's id stands for its content."""
    if (name, lang) not in _SETS:
        _SETS[name, lang] = [localized(term, lang) for term in labels.terms]
    return _SETS[name, lang]
