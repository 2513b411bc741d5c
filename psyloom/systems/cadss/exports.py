"""CPsDD's raw file, exactly ten keys a record: ``psyloom export --to cadss.raw``."""

from collections.abc import Iterator, Sequence

from psyloom.formats.write import Writer
from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import Row
from psyloom.formats.write.writer import by_dialogue
from psyloom.knowledge import LabelSet
from psyloom.records import Dialogue, Lang, Scenario, Speaker, Turn
from psyloom.systems.cadss.inspection import path_of, strategy_of
from psyloom.systems.cadss.writer import QUADRUPLE, STRATEGIES

KEYS = {"group": "group", "type": "problem_type", "cause": "problem_cause", "focus": "problem_focus"}
SPEAKERS: dict[Lang, dict[Speaker, str]] = {
    "zh": {"counselor": "系统", "client": "用户"}, "en": {"counselor": "system", "client": "user"},
}  # fmt: skip


def raw_rows(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    """One record a dialogue; labels by their names in its language, levels as words, as released."""
    scenario = (dialogue.case and dialogue.case.scenario) or Scenario()
    named = {
        KEYS[field]: _names(getattr(scenario, field), labels, dialogue.lang) for field, labels in QUADRUPLE.items()
    }
    yield {
        "id": dialogue.id.removeprefix("cadss-"),
        "start_level": _level(scenario.severity_before),
        "end_level": _level(scenario.severity_after),
        "dialog_path": _names(path_of(dialogue), STRATEGIES, dialogue.lang),
        **named,
        "situation": scenario.situation or "",
        "dialog": [_message(turn, dialogue.lang) for turn in dialogue.turns],
    }


def _names(words: Sequence[str], labels: LabelSet, lang: Lang) -> list[str]:
    """Labels by their names, other words as they stand."""
    return [found.name(lang) if (found := labels.find(word)) else word for word in words]


def _level(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _message(turn: Turn, lang: Lang) -> Row:
    strategy = strategy_of(turn)
    annotation = {"strategy": strategy.name(lang)} if strategy else {}
    return {"speaker": SPEAKERS[lang][turn.speaker], "content": turn.text, "annotation": annotation}


WRITERS = (Writer("cadss.raw", "CPsDD's records of ten keys", by_dialogue(raw_rows), (".json", ".jsonl"), frozenset()),)
