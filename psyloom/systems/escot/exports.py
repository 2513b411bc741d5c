"""ESCoT's own files, from dialogues with chains: ESD-CoT records, and the instruction rows of the four settings."""

from collections.abc import Callable, Iterator
from typing import Any

from psyloom.formats.read.escot import HEADINGS, instruction_row, strategies_in
from psyloom.formats.write import Writer
from psyloom.formats.write.examples import Plan
from psyloom.formats.write.writer import by_dialogue
from psyloom.knowledge import Term
from psyloom.records import Dialogue, Lang, Session, Turn
from psyloom.systems.escot.system import CHAIN, INVENTORIES, SETTINGS

SIDES = {"client": "seeker", "counselor": "supporter"}
INSTRUCTION: dict[Lang, dict[str, str]] = {
    "en": {"plain": "Respond as the supporter.", "chain": "Respond as the supporter by way of {}.", "comma": ", "},
    "zh": {"plain": "请以支持者的身份回应。", "chain": "请以支持者的身份，依次写出{}。", "comma": "、"},
}


def explained(dialogue: Dialogue, by: str | None = None) -> Iterator[Dialogue]:
    """One dialogue for every turn with a whole chain: what was said before it in its session, and the turn itself.

    Its id is that of the dialogue where it is the only one there, as in the released data.
    """
    found = [
        (n, at, session.turns[:at], turn.model_copy(update={"thought": turn.reasoning(by)}))
        for n, session in enumerate(dialogue.sessions)
        for at, turn in enumerate(session.turns)
        if at and {step.name for step in turn.reasoning(by)} >= set(CHAIN) and strategy_of(turn)
    ]
    for n, at, before, turn in found:
        own = dialogue.id if len(found) == 1 else f"{dialogue.id}-{n + 1}.{at + 1}"
        yield dialogue.model_copy(update={"id": own, "sessions": [Session(turns=[*before, turn])]})


def strategy_of(turn: Turn) -> Term | None:
    """The first of a turn's labels that is a strategy of one of the inventories."""
    sets = {labels.id: labels for labels in INVENTORIES.values()}
    found = (sets[label.set].find(label.id) for label in turn.labels if label.set in sets)
    return next((term for term in found if term), None)


def record(one: Dialogue) -> dict[str, Any]:
    """A record of ESD-CoT; strategies by their English names."""
    *before, reply = one.turns
    steps = {step.name: step.text for step in reply.thought}
    named = [term for labels in INVENTORIES.values() for term in strategies_in(steps["strategy_reason"], labels)]
    gold = strategy_of(reply)
    dialog = [{"speaker": SIDES[turn.speaker], "content": turn.text} for turn in before]
    chain = {name: steps[name] for name in CHAIN[:3]} | {"recognized_strategy": named[0].en if named else ""}
    return {
        "id": instruction_row(one)["dialog_id"],
        "original_data": {"dialog": dialog, "strategy": gold.en if gold else "", "response": reply.text},
        "cot_data": chain | {"strategy_reason": steps["strategy_reason"]},
    }


def instructed(one: Dialogue, setting: str) -> dict[str, Any]:
    """The instruction row of one setting; the instruction names the elements that are wanted."""
    *before, reply = one.turns
    thought = [step for step in reply.thought if step.name in SETTINGS[setting]]
    words, headings = INSTRUCTION[one.lang], HEADINGS[one.lang]
    names = words["comma"].join(headings[name] for name in (*SETTINGS[setting], "response"))
    ask = words["chain"].format(names) if SETTINGS[setting] else words["plain"]
    turns = [*before, reply.model_copy(update={"thought": thought})]
    return instruction_row(
        one.model_copy(update={"sessions": [Session(turns=turns)], "extra": {**one.extra, "instruction": ask}})
    )


def _writer(name: str, title: str, row: Callable[[Dialogue], dict[str, Any]]) -> Writer:
    def rows(dialogue: Dialogue, plan: Plan) -> Iterator[dict[str, Any]]:
        return map(row, explained(dialogue, plan.options.annotator))

    return Writer(f"escot.{name}", title, by_dialogue(rows), (".json", ".jsonl"), frozenset({"annotator"}))


def _setting(name: str) -> Writer:
    return _writer(name, f"instruction rows of the setting {name}", lambda one: instructed(one, name))


WRITERS = (_writer("records", "records as in ESD-CoT", record), *map(_setting, SETTINGS))
