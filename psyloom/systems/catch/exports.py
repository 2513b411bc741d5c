"""CATCH's two released files: ``psyloom export --to catch.dialogues`` and ``--to catch.thoughts``."""

from collections.abc import Iterator
from dataclasses import replace

from psyloom.formats.read.catch import CHAIN
from psyloom.formats.write import Writer
from psyloom.formats.write.examples import Plan, cut, own_system
from psyloom.formats.write.files import Row
from psyloom.formats.write.pairs import alpaca_rows
from psyloom.formats.write.writer import by_dialogue
from psyloom.records import Dialogue, Turn
from psyloom.systems.catch.counselor import instructions
from psyloom.systems.catch.writer import PLAN


def dialogue_rows(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    """One row for each session that has a goal."""
    for session in dialogue.sessions:
        if target := session.notes.get("consultation_target"):
            talk = [{"role": turn.speaker, "content": turn.text} | _stage(turn) for turn in session.turns]
            yield {"dialogue_id": _id(dialogue), "consultation_target": target, "conversation": talk}


def _id(dialogue: Dialogue) -> str:
    """As released, of a dialogue that was read."""
    return dialogue.id.removeprefix("catch-")


def _stage(turn: Turn) -> dict[str, str]:
    found = [label.id for label in turn.labels if label.set == PLAN.labels.id]
    return {"stage": found[0]} if found and turn.speaker == "counselor" else {}


def thought_rows(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    """One row for each counselor turn with a thought of three paragraphs, as Alpaca with history; the reply as it is.

    The release cannot be led back to its dialogues; here each row says of which turn it is.
    """
    own = own_system(dialogue) or instructions(dialogue.lang)
    plain = replace(
        plan, unit="turn", strict=True, merge=True, options=plan.options.model_copy(update={"thoughts": "out"})
    )
    for example in cut(dialogue, plain):
        turn = dialogue.turns[example.target.turn]
        told = turn.reasoning(plan.options.annotator)
        if tuple(element.name for element in told) != CHAIN:
            continue
        system = own if plan.options.system == "own" else example.system
        thought = "\n\n".join(element.text for element in told)
        for row in alpaca_rows(replace(example, system=system), plain):
            said = {"output": f"<think>\n{thought}\n</think>\n{row['output']}"}
            yield row | said | {"dialogue_id": _id(dialogue), "turn_index": example.target.turn}


_FILES = (".json", ".jsonl")
WRITERS = (
    Writer(
        "catch.dialogues", "CATCH's dialogues with goal and stages", by_dialogue(dialogue_rows), _FILES, frozenset(),
        note="sessions without a consultation target are left out",
    ),
    Writer(
        "catch.thoughts", "CATCH's training file: <think>, three paragraphs, reply", by_dialogue(thought_rows), _FILES,
        frozenset({"ids", "history", "system", "weights", "annotator"}),
        note="only counselor turns with a thought of three paragraphs (`psyloom annotate catch`) give an example",
    ),
)  # fmt: skip
