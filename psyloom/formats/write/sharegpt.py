"""ShareGPT rows, and the folder LLaMA-Factory trains from.

LLaMA-Factory data/README.md: ``conversations`` of ``from``/``value``, human first and gpt last; a column that
dataset_info.json names must exist, so ``system`` is written even when it is empty.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from psyloom.formats.write.chat import labelled, said
from psyloom.formats.write.examples import Example, Plan
from psyloom.formats.write.files import Row
from psyloom.formats.write.options import Split

FROM = {"user": "human", "assistant": "gpt"}


def sharegpt_rows(example: Example, plan: Plan) -> Iterator[Row]:
    """One row per example; hidden thoughts stand in the message's ``thought``."""
    conversations: list[Row] = []
    for message in example.messages:
        row: Row = {"from": FROM[message.role], "value": said(message, plan)}
        if plan.options.thoughts == "hidden" and message.role == "assistant":
            row["thought"] = message.thought
        conversations.append(row)
    yield labelled(example, plan) | {"conversations": conversations, "system": example.system}


def write_dataset_info(folder: Path, name: str, splits: tuple[Split, ...]) -> None:
    """Describe every split as a data set of its own: NAME_train, NAME_valid, NAME_test."""
    columns = {"messages": "conversations", "system": "system"}
    info = {
        f"{name}_{split}": {"file_name": f"{split}.jsonl", "formatting": "sharegpt", "columns": columns}
        for split in splits
    }
    # LLaMA-Factory opens this file in the system's own encoding: ASCII reads the same in all of them.
    (folder / "dataset_info.json").write_text(json.dumps(info, indent=2) + "\n", encoding="ascii")
