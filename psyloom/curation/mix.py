"""Mixing data sets at a chosen ratio, such as whole conversations with single answers.

SoulChat's first model (README of the code): trained on long single answers alone it tires, on conversations alone it
advises weakly; so both were mixed, about two counselor messages of conversations to one single answer.
"""

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psyloom.errors import BadRecord, UsageError
from psyloom.formats import read
from psyloom.records import Case, Dialogue, Session, Turn
from psyloom.systems.posts import per_answer

Count = Literal["replies", "dialogues"]


@dataclass
class Part:
    """One of the files that are mixed: its share of the whole, how much it holds and how much of that was taken."""

    path: Path
    share: float
    there: int = 0
    taken: int = 0


def single_turns(case: Case) -> Iterator[Dialogue]:
    """A post and each of its answers as a dialogue of two messages."""
    post = case.post
    if post is None or not post.answers:
        raise BadRecord(f"case {case.id!r} has no answered post", do="mix dialogues, or cases with post and answers")
    asked = f"{post.title}\n{post.text}" if post.title and post.title != post.text else post.text
    for one in per_answer(case):
        assert one.post
        turns = [Turn.client(asked), Turn.counselor(one.post.answers[0].text)]
        bare = one.model_copy(update={"post": post.model_copy(update={"answers": []})})
        yield Dialogue(id=one.id, lang=one.lang, sessions=[Session(turns=turns)], case=bare, source=one.source)


def mix(
    parts: Sequence[Part], *, count: Count = "replies", most: int | None = None, seed: int = 0
) -> Iterator[Dialogue]:
    """Yield as many dialogues of each part as its share allows, in random order, and note what was taken.

    The part that is scarce for its share is used up, of the others a random part is taken; a quota is never exceeded.

    Args:    count: what the shares are shares of: counselor messages or dialogues; most: of them altogether.
    Raises:  UsageError for shares that cannot be met; BadRecord for what cannot be read.
    """
    sizes = [array("L", (_size(one, count) for one in _dialogues(part.path))) for part in parts]
    for part, each in zip(parts, sizes, strict=True):
        part.there, part.taken = sum(each), 0
        if part.share <= 0 or not part.there:
            what = f"{part.path} has {part.there} {count} and a share of {part.share:g}"
            raise UsageError(what, do="give every file a share above 0, and files that hold something")
    whole = sum(part.share for part in parts)
    scale = min([part.there / part.share for part in parts] + ([most / whole] if most else []))
    rng = random.Random(seed)
    chosen = [_chosen(each, int(part.share * scale + 1e-9), rng) for part, each in zip(parts, sizes, strict=True)]
    yield from _merged(parts, chosen, count, rng)


def _size(dialogue: Dialogue, count: Count) -> int:
    return 1 if count == "dialogues" else sum(turn.speaker == "counselor" for turn in dialogue.turns)


def _dialogues(path: Path) -> Iterator[Dialogue]:
    for record in read(path, "psyloom"):
        if isinstance(record, Case):
            yield from single_turns(record)
        elif isinstance(record, Dialogue):
            yield record
        else:
            raise BadRecord(f"{path} holds {record.kind}s", do="mix dialogues, or cases with post and answers")


def _chosen(sizes: Sequence[int], quota: int, rng: random.Random) -> bytearray:
    """Which of the dialogues, drawn at random, fill the quota without exceeding it."""
    flags, left = bytearray(len(sizes)), quota
    for place in rng.sample(range(len(sizes)), len(sizes)):
        if 0 < sizes[place] <= left:
            flags[place], left = 1, left - sizes[place]
    return flags


def _merged(parts: Sequence[Part], chosen: Sequence[bytearray], count: Count, rng: random.Random) -> Iterator[Dialogue]:
    """The chosen dialogues of all parts, each part in its own order, shuffled together."""
    streams = [
        (one for one, wanted in zip(_dialogues(part.path), flags, strict=True) if wanted)
        for part, flags in zip(parts, chosen, strict=True)
    ]
    left = [sum(flags) for flags in chosen]
    while any(left):
        (at,) = rng.choices(range(len(parts)), left)
        left[at] -= 1
        dialogue = next(streams[at])
        parts[at].taken += _size(dialogue, count)
        yield dialogue
