"""What PsyChat's own models are trained on, from labelled dialogues: classifiers, generator, selector."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from psyloom.agents.annotating import labels_in
from psyloom.agents.prompts import load_prompt
from psyloom.agents.words import localized
from psyloom.errors import UsageError
from psyloom.records import Dialogue, Speaker
from psyloom.systems.psychat.base import BEHAVIORS, STRATEGIES, Base, entries, ordered, told
from psyloom.systems.psychat.system import Packed, PsyChat, slots


def generator_samples(dialogue: Dialogue, known: Base) -> Iterator[dict[str, str]]:
    """One ``{"input": packed, "output": reply}`` for each counselor's turn, with the strategies it really used.

    known: where demonstrations come from; a talk is never its own demonstration.
    """
    prompt = load_prompt(PsyChat.prompts(), "respond", dialogue.lang)
    for entry in entries(dialogue):
        near = known.nearest(entry.history, len(known.entries))
        demo = next((other for other, _ in near if not other.id.startswith(f"{dialogue.id}/")), None)
        if demo is None:
            continue
        packed = Packed(demo, ordered(entry.history[-1], BEHAVIORS), entry.strategies)
        words = slots(packed, entry.history, dialogue.lang)
        messages = prompt.render({name: localized(value, dialogue.lang) for name, value in words.items()})
        yield {"input": messages[-1]["content"], "output": entry.response}


def selector_samples(dialogues: Sequence[Dialogue], rng: Random, *, negatives: int = 9) -> Iterator[dict[str, Any]]:
    """``history``, and ``candidates`` of which the one at ``positive`` is the real reply, the others drawn at random.

    Raises: UsageError for a language in which there are too few different replies.
    """
    for lang in dict.fromkeys(dialogue.lang for dialogue in dialogues):
        every = [entry for dialogue in dialogues if dialogue.lang == lang for entry in entries(dialogue)]
        replies = sorted({entry.response for entry in every})
        if every and len(replies) <= negatives:
            what = f"{len(replies)} different replies in {lang!r} are too few for {negatives} wrong ones each"
            raise UsageError(what, do="give more labelled dialogues")
        for entry in every:
            others = [reply for reply in replies if reply != entry.response]
            candidates = [entry.response, *rng.sample(others, negatives)]
            rng.shuffle(candidates)
            yield {
                "history": told(entry.history, lang), "candidates": candidates,
                "positive": candidates.index(entry.response),
            }  # fmt: skip


def classifier_samples(dialogue: Dialogue, speaker: Speaker) -> Iterator[dict[str, Any]]:
    """``context``, ``response`` (a sentence) and ``label`` (a number), as the released training code reads them."""
    kind = BEHAVIORS if speaker == "client" else STRATEGIES
    numbers = {id_: number for number, id_ in enumerate(sorted(kind.leaves.ids))}
    for session in dialogue.sessions:
        for at, turn in enumerate(session.turns):
            if turn.speaker == speaker:
                context = told(session.turns[:at], dialogue.lang)
                for label in labels_in(turn.labels, kind):
                    sentence = turn.text[slice(*label.span)] if label.span else turn.text
                    yield {"context": context, "response": sentence, "label": numbers[label.id]}


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
