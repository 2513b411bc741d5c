"""DeepPsy's training records, one for each of the counselor's turns: ``psyloom export --to deeppsy.records``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psyloom.agents.prompts import load_prompt
from psyloom.formats.write import Writer
from psyloom.formats.write.examples import Plan, thought_text
from psyloom.formats.write.writer import by_dialogue
from psyloom.records import Dialogue, Turn
from psyloom.systems.deeppsy.stages import PLAN, STAGES

PROMPTS = Path(__file__).parent / "prompts"
ROLES = {"client": "user", "counselor": "assistant"}


def records(dialogue: Dialogue, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield a record for each turn with a stage and a thought: what was said before it, the thought, the answer."""
    for session in dialogue.sessions:
        for at, turn in enumerate(session.turns):
            if at and turn.speaker == "counselor" and turn.thought and (stage := stage_of(turn)):
                before = [{"role": ROLES[one.speaker], "content": one.text} for one in session.turns[:at]]
                told = load_prompt(PROMPTS, "record", dialogue.lang).render(
                    {"plan": PLAN, "step": PLAN[stage], "lang": dialogue.lang}
                )
                yield {
                    "id": f"{dialogue.id}#{at}", "stage": stage, "client_state": turn.extra.get("state"),
                    "messages": [*told, *before], "thought": thought_text(turn, dialogue.lang), "answer": turn.text,
                    "review": turn.extra.get("review"),
                }  # fmt: skip


def stage_of(turn: Turn) -> str | None:
    return next((label.id for label in turn.labels if label.set == STAGES.id), None)


WRITERS = (
    Writer(
        "deeppsy.records", "DeepPsy's records: stage, client state, messages, thought, answer, review", by_dialogue(records),
        (".jsonl", ".json"), frozenset(), note="the paper's split: --splits 90/0/10",
    ),
)  # fmt: skip
