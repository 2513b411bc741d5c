"""PsyChat's own training files, from labelled dialogues: ``psyloom export --to psychat.generator`` and so on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from psyloom.formats.write import Writer
from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import rows_file
from psyloom.formats.write.writer import Put, by_dialogue
from psyloom.records import Dialogue
from psyloom.systems.psychat.base import base, entries
from psyloom.systems.psychat.samples import classifier_samples, generator_samples, selector_samples


def _packed(dialogue: Dialogue, plan: Plan) -> Iterator[dict[str, Any]]:
    return generator_samples(dialogue, base(plan.options.base, dialogue.lang, None, "euclidean"))


def _sentences(dialogue: Dialogue, plan: Plan) -> Iterator[dict[str, Any]]:
    return classifier_samples(dialogue, plan.options.target)


@contextmanager
def open_selector(path: Path, plan: Plan) -> Iterator[Put]:
    """The wrong replies are drawn from all dialogues, so nothing is written before the last one is known."""
    known: list[Dialogue] = []

    def keep(dialogue: Dialogue) -> int:
        known.append(dialogue)
        return len(entries(dialogue))

    with rows_file(path) as put:
        yield keep
        for row in selector_samples(known, Random(plan.options.seed)):
            put(row)


_LINES = (".jsonl", ".json")
WRITERS = (
    Writer(
        "psychat.generator", "PsyChat's generator: packed input, reply", by_dialogue(_packed), _LINES, frozenset({"base"}),
        note="one sample per labelled counselor message, with the strategies it really used",
    ),
    Writer(
        "psychat.selector", "PsyChat's selector: a history, its reply and nine others", open_selector, _LINES,
        frozenset(),
    ),
    Writer(
        "psychat.classifier", "PsyChat's classifiers: context, sentence, number of its label", by_dialogue(_sentences),
        (".json", ".jsonl"), frozenset({"target"}),
        note="target=client: behaviors, target=counselor: strategies; labels are numbered in the order of their ids",
    ),
)  # fmt: skip
