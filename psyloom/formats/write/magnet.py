"""MAGneT's training file: {"data": [...]}, one example for each counselor message that was generated.

A model tuned on it has to do alone what the agents did together: it reads client information, reason for counseling
and history, and neither plan nor technique nor candidates. Source: arXiv 2509.04183, training data of the QLoRA runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from psyloom.formats.read._cbt import released
from psyloom.formats.write.chat import labelled
from psyloom.formats.write.examples import Plan, cut
from psyloom.formats.write.files import Row, rows_file
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue


@contextmanager
def open_magnet(path: Path, plan: Plan) -> Iterator[Put]:
    plan = replace(plan, unit="turn")
    with rows_file(path, under="data") as put:

        def write(dialogue: Dialogue) -> int:
            count = 0
            for row in _rows(dialogue, plan):
                put(row)
                count += 1
            return count

        yield write


def _rows(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    if dialogue.case is None or not dialogue.case.get("intake.reason"):
        return
    known = released(dialogue.case)["AI_counselor"]["CBT"]
    name = plan.options.name
    names = {"user": name("client", dialogue.lang), "assistant": name("counselor", dialogue.lang)}
    colon = "：" if dialogue.lang == "zh" else ": "
    given = len(dialogue.case.opening) or 1  # without opening lines of the case the first message is a fixed greeting
    for example in cut(dialogue, plan):
        if example.target.turn >= given:
            yield labelled(example, plan) | {
                "history": "\n".join(f"{names[message.role]}{colon}{message.text}" for message in example.history),
                "response": example.target.text,
                "client_information": known["client_information"],
                "reason_counseling": known["reason_counseling"],
            }
