"""The messages of AutoCBT's traces: ``psyloom export --to autocbt.messages`` makes a dialogue of each draft and answer.

So that one scorer rates them all, as the paper does: ``psyloom rate messages.jsonl --with autocbt --samples 3``.
"""

from collections.abc import Iterator

from pydantic import TypeAdapter
from pydantic_core import from_json

from psyloom.formats.write import Writer
from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import Row
from psyloom.formats.write.writer import by_dialogue
from psyloom.records import Dialogue, Session, Turn, to_line
from psyloom.systems.autocbt.system import Message


def _records(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    return (from_json(to_line(one)) for one in messages(dialogue))


def messages(dialogue: Dialogue) -> Iterator[Dialogue]:
    """A dialogue for each counselor's message of each trace: what came before, and that message in the answer's place.

    ``extra`` says of which dialogue it is, which message, and whether it is the answer. A reply without a trace (a
    baseline's) is its own only message.
    """
    for at, turn in enumerate(dialogue.turns):
        if turn.speaker != "counselor":
            continue
        steps = TypeAdapter(list[Message]).validate_python(turn.extra.get("steps", []))
        texts = [one.text for one in steps if one.agent == "counselor"] or [turn.text]
        for number, text in enumerate(texts):
            yield dialogue.model_copy(update={
                "id": f"{dialogue.id}@{at}.{number}", "sessions": [Session(turns=[*dialogue.turns[:at], Turn.counselor(text)])],
                "extra": {"of": dialogue.id, "message": number, "final": number == len(texts) - 1},
            })  # fmt: skip


WRITERS = (
    Writer(
        "autocbt.messages", "every counselor message of AutoCBT's traces as a dialogue, to be rated", by_dialogue(_records),
        (".jsonl",), frozenset(),
    ),
)  # fmt: skip
