"""What AMIE's outer loop learns from: ``psyloom export --to amie.learned`` and ``--to amie.preferences``."""

from collections.abc import Iterator

from pydantic_core import from_json

from psyloom.formats.write import Writer
from psyloom.formats.write.chat import chat
from psyloom.formats.write.examples import Plan, cut
from psyloom.formats.write.files import Row
from psyloom.formats.write.writer import by_dialogue
from psyloom.records import Dialogue, to_line
from psyloom.systems.amie.outer import preference_pairs, training_dialogues


def _learned(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    marked = training_dialogues([dialogue], plan.options.target, seed=plan.options.seed)
    return (from_json(to_line(one)) for one in marked)


def _preferences(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    """Whole talks, as a trainer of preferences without a common prompt reads them."""
    for better, worse in preference_pairs(dialogue):
        chosen, rejected = (chat(example, plan) for one in (better, worse) for example in cut(one, plan))
        yield {"id": better.id, "chosen": chosen, "rejected": rejected}


WRITERS = (
    Writer(
        "amie.learned", "AMIE's dialogues with about three turns of a side marked as learned", by_dialogue(_learned),
        (".jsonl",), frozenset({"target"}),
        note="export the file on with the same --target, one example per turn: what is not marked is masked",
    ),
    Writer(
        "amie.preferences", "AMIE's versions of a dialogue, each with the one before its critique", by_dialogue(_preferences),
        (".jsonl", ".json"), frozenset({"target"}),
    ),
)  # fmt: skip
