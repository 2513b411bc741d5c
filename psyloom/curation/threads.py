"""M2: posts of a board become a talk of the asker and one replier.

A thread is read (`psyloom read threads`) with every post as a message of its own: the asker's are the client's, all
others the counselor's, ``extra.author`` and ``extra.time`` say whose and when. Here the talk in it is found.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from psyloom.curation.findings import Finding, Standard, numbered
from psyloom.records import Dialogue, Turn


def thread(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """Order by time, keep the replier with whom most was exchanged, end where the talk fell silent for long."""
    if not any("author" in turn.extra for turn in dialogue.turns):
        return
    posts = [(index, turn) for index, _session, _at, turn in numbered(dialogue)]
    if all(_when(turn) for _, turn in posts):
        ordered = sorted(posts, key=lambda post: (_when(post[1]) or datetime.max, post[0]))
        yield from (Finding("m2", "fixed", "late", index) for at, (index, _) in enumerate(ordered) if index > at)
        posts = ordered
    replier = _replier([turn for _, turn in posts])
    kept: list[tuple[int, Turn]] = []
    for index, turn in posts:
        if turn.speaker == "counselor" and turn.extra.get("author") != replier:
            yield Finding("m2", "fixed", f"side post: {turn.text}", index)
        else:
            kept.append((index, turn))
    end = next(
        (at for at in range(1, len(kept)) if _silent(kept[at - 1][1], kept[at][1], standard.gap_days)), len(kept)
    )
    yield from (Finding("m2", "fixed", f"after a long silence: {turn.text}", index) for index, turn in kept[end:])
    dialogue.sessions = [dialogue.sessions[0].model_copy(update={"turns": [turn for _, turn in kept[:end]]})]


def _replier(posts: list[Turn]) -> str | None:
    """The other author who was answered most often; the first of several."""
    exchanged = Counter[str]()
    for before, turn in pairwise(posts):
        if {before.speaker, turn.speaker} == {"client", "counselor"}:
            other = before if before.speaker == "counselor" else turn
            exchanged[str(other.extra.get("author"))] += 1
    return exchanged.most_common(1)[0][0] if exchanged else None


def _when(turn: Turn) -> datetime | None:
    try:
        return datetime.fromisoformat(str(turn.extra.get("time"))).replace(tzinfo=None)
    except ValueError:
        return None


def _silent(before: Turn, after: Turn, days: float) -> bool:
    one, other = _when(before), _when(after)
    return bool(one and other and other - one > timedelta(days=days))
