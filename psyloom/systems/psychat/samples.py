"""What PsyChat's own models are trained on, from labelled dialogues: classifiers, generator, selector."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

from psyloom.agents.prompts import load_prompt
from psyloom.agents.words import localized
from psyloom.records import Dialogue
from psyloom.systems.psychat.base import BEHAVIORS, Base, entries, ordered, told
from psyloom.systems.psychat.system import Packed, PsyChat, slots

T = TypeVar("T")


def left_cut(tokens: Sequence[T], longest: int = 512) -> list[T]:
    """A classifier's input cut to ``longest`` tokens: the leading special token stays, the oldest words go.

    Source: arXiv 2312.04262, classifier input: the first and the last 511 of 512.
    """
    if longest < 2:
        raise ValueError(f"longest must be at least 2, not {longest}")
    return list(tokens) if len(tokens) <= longest else [tokens[0], *tokens[len(tokens) - longest + 1 :]]


def generator_samples(dialogue: Dialogue, known: Base) -> Iterator[dict[str, str]]:
    """One ``{"input": packed, "output": reply}`` for each counselor's turn, with the strategies it really used.

    known: where demonstrations come from; a talk is never its own demonstration.
    """
    prompt = load_prompt(PsyChat.prompts(), "respond", dialogue.lang)
    for entry in entries(dialogue):
        near = known.nearest(told(entry.history, dialogue.lang), len(known.entries))
        demo = next((other for other, _ in near if not other.id.startswith(f"{dialogue.id}/")), None)
        if demo is None:
            continue
        packed = Packed(demo, ordered(entry.history[-1], BEHAVIORS), entry.strategies)
        words = slots(packed, entry.history, dialogue.lang)
        messages = prompt.render({name: localized(value, dialogue.lang) for name, value in words.items()})
        yield {"input": messages[-1]["content"], "output": entry.response}


def selector_samples(dialogues: Sequence[Dialogue], rng: Random, *, negatives: int = 9) -> Iterator[dict[str, object]]:
    """``history``, and ``candidates`` of which the one at ``positive`` is the real reply, the others drawn at random."""
    every = [(dialogue, entry) for dialogue in dialogues for entry in entries(dialogue)]
    replies = sorted({entry.response for _, entry in every})
    for dialogue, entry in every:
        others = [reply for reply in replies if reply != entry.response]
        if len(others) >= negatives:
            candidates = [entry.response, *rng.sample(others, negatives)]
            rng.shuffle(candidates)
            yield {
                "history": told(entry.history, dialogue.lang), "candidates": candidates,
                "positive": candidates.index(entry.response),
            }  # fmt: skip


def recall_at_1(scores: Sequence[Sequence[float]], positives: Sequence[int]) -> float:
    """R@1: the share of samples whose real reply has the highest score; the paper's has one of ten.

    A tie is no hit, so that a selector that scores everything alike gets nothing for it.
    """
    if not scores or len(scores) != len(positives):
        raise ValueError(f"{len(scores)} lists of scores for {len(positives)} positives")
    hits = [
        all(row[at] > score for other, score in enumerate(row) if other != at)
        for row, at in zip(scores, positives, strict=True)
    ]
    return sum(hits) / len(hits)
