"""An inspect_ai log with one sample per dialogue, as JSON (inspect_ai log format version 2, EvalLog).

The counselor is the assistant. The samples are streamed, so what could only be known at the end (their number, results)
is left out, as inspect_ai allows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from psyloom.formats.write.examples import Plan, thought_text
from psyloom.formats.write.files import Row, dumps, text_file
from psyloom.formats.write.transcripts import spoken
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue, Turn

UNKNOWN_MODEL = "none/none"  # inspect_ai's own word for an evaluation without a model


@contextmanager
def open_inspect(path: Path, plan: Plan) -> Iterator[Put]:
    with text_file(path) as file:
        written = 0

        def write(dialogue: Dialogue) -> int:
            nonlocal written
            file.write((",\n" if written else _head(path.stem, model_of(dialogue))) + dumps(sample(dialogue, plan)))
            written += 1
            return 1

        yield write
        file.write(("" if written else _head(path.stem, UNKNOWN_MODEL)) + "\n]}\n")


def model_of(dialogue: Dialogue) -> str:
    """The model behind the counselor, else the first model the lineage names."""
    models = dialogue.lineage.models if dialogue.lineage else {}
    return models.get("counselor") or next(iter(models.values()), UNKNOWN_MODEL)


def _head(name: str, model: str) -> str:
    """Everything before the samples; the model is that of the first dialogue, each sample names its own."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    spec = {
        "run_id": uuid4().hex,
        "task_id": uuid4().hex,
        "created": now,
        "task": name,
        "dataset": {"name": name},
        "model": model,
        "config": {},
    }
    head = {
        "version": 2,
        "status": "success",
        "eval": spec,
        "plan": {},
        "stats": {"started_at": now, "completed_at": now},
    }
    return dumps(head)[:-1] + ', "samples": [\n'


def sample(dialogue: Dialogue, plan: Plan) -> Row:
    """One EvalSample: the whole talk as messages, what came before the first reply as input, the last reply as output."""
    messages = [_message(turn, dialogue, plan) for turn in dialogue.turns]
    if system := plan.system_of(dialogue):
        messages.insert(0, {"role": "system", "content": system})
    replies = [message for message in messages if message["role"] == "assistant"]
    before = messages[: messages.index(replies[0])] if replies else messages
    return {
        "id": dialogue.id,
        "epoch": 1,
        "input": before or "",
        "target": "",
        "messages": messages,
        "output": {
            "model": model_of(dialogue),
            "choices": [{"message": replies[-1], "stop_reason": "stop"}] if replies else [],
        },
        "metadata": _metadata(dialogue),
    }


def _message(turn: Turn, dialogue: Dialogue, plan: Plan) -> Row:
    hidden = plan.options.thoughts == "hidden" and turn.thought
    content: str | list[Row] = spoken(turn, dialogue, plan)
    if hidden:
        reasoning = {"type": "reasoning", "reasoning": thought_text(turn, dialogue.lang)}
        content = [reasoning, {"type": "text", "text": turn.text}]
    row: Row = {"role": "assistant" if turn.speaker == plan.options.target else "user", "content": content}
    if turn.labels:
        row["metadata"] = {"labels": [label.model_dump(exclude_none=True) for label in turn.labels]}
    return row


def _metadata(dialogue: Dialogue) -> Row:
    known = dialogue.model_dump(mode="json", include={"lang", "labels", "quality", "lineage"}, exclude_defaults=True)
    case = {"case": dialogue.case.id} if dialogue.case else {}
    return known | case | {"sessions": [len(session.turns) for session in dialogue.sessions]}
