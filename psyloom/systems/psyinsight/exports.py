"""Psy-Insight's own files: the five views for instruction tuning as chat messages, and sessions as released."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from psyloom.formats.write import Writer
from psyloom.formats.write.chat import messages_rows
from psyloom.formats.write.examples import Plan
from psyloom.formats.write.writer import by_dialogue
from psyloom.records import Dialogue
from psyloom.systems.psyinsight.told import session_row
from psyloom.systems.psyinsight.views import View, examples

TITLES: dict[View, str] = {
    "d": "the therapist's words",
    "r_d": "the reasoning, then the words",
    "o_r_d": "observation, reasoning, words",
    "only_r": "the reasoning alone",
    "only_o": "the observation alone",
}


def view_rows(view: View, dialogue: Dialogue, plan: Plan) -> Iterator[dict[str, Any]]:
    """Chat messages; unless weights are ignored, ``weight`` 0 says what is history and not learned."""
    marked = replace(plan, mark="no" if plan.options.weights == "ignore" else "mask")
    for example in examples(dialogue, view, by=plan.options.annotator):
        yield from messages_rows(example, marked)


def sessions(dialogue: Dialogue, plan: Plan) -> Iterator[dict[str, Any]]:
    """Every session of a dialogue in the released shape, with all twelve fields."""
    return (session_row(dialogue, at, plan.options.annotator) for at in range(len(dialogue.sessions)))


WRITERS = (
    *(
        Writer(
            f"psyinsight.{view}", f"view {view} for instruction tuning: {title}", by_dialogue(partial(view_rows, view)),
            (".jsonl", ".json"), frozenset({"annotator", "weights", "ids", "mask"}),
            note="mix-instructions: tune on only_r and only_o first, then go on with d" if view.startswith("only") else "",
        )
        for view, title in TITLES.items()
    ),
    Writer(
        "psyinsight.sessions", "sessions in the released shape", by_dialogue(sessions), (".json", ".jsonl"),
        frozenset({"annotator"}),
    ),
)  # fmt: skip
