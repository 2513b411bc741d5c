"""What the paper's findings say about the next step: support, or challenge? And what follows which strategy how often."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from psyloom.records import Lang, Speaker, Turn
from psyloom.systems.client_reactions.system import BEHAVIORS, intentions, reaction

Step = Literal["supporting", "challenging"]
# Challenging sentences among all of the counselor's, for each fifth of a session. Source: stage analysis of the paper.
CHALLENGE_SHARE = (0.056, 0.152, 0.197, 0.255, 0.239)

WHY: dict[str, dict[Lang, str]] = {
    "repair": {
        "en": "The client reacted negatively to a supporting move: first reflect that, or ask what was off.",
        "zh": "来访者对支持性的回应有消极反应：先把这一点反映出来，或问问哪里没说到点上。",
    },
    "missed": {
        "en": "The challenge missed the client: go back to understanding before another one.",
        "zh": "刚才的挑战没有触及来访者：先回到理解，再考虑下一次。",
    },
    "enough": {
        "en": "There is as much challenge as this part of the session usually bears: support.",
        "zh": "到这一阶段，挑战已经不少了：先支持。",
    },
    "unanswered": {
        "en": "There is no reaction to go by yet: listen and support.",
        "zh": "还没有可以参考的反应：先倾听、支持。",
    },
    "go on": {
        "en": "The client went along with the challenge: the next step of it can follow.",
        "zh": "来访者跟上了刚才的挑战：可以顺着再走一步。",
    },
    "room": {
        "en": "The client feels reached and there has been little challenge so far: a gentle one has room now.",
        "zh": "来访者觉得被理解，前面的挑战也不多：可以温和地挑战一下。",
    },
}


class Advice(NamedTuple):
    """What to do next, and why, as the name of a reason; `WHY` has its words in both languages."""

    step: Step
    why: str

    def words(self, lang: Lang) -> str:
        return WHY[self.why][lang]


def advise(turns: Sequence[Turn], *, fifth: int, by: str | None = None) -> Advice:
    """Support or challenge next?

    Never challenging right after a negative reaction; after a positive one to a challenge it may go on; else as long as
    the share of challenge stays below what the paper saw in this fifth of the session.

    Args:    turns: labelled, what was said so far in the session; fifth: where in the session we are, 1 to 5.
             by: whose labels count; all when not given.
    Source:  arXiv 2306.15334, discussion; the thresholds are the shares of its stage analysis.
    """
    heard = _reaction_now(turns, by)
    moves = intentions((label for turn in _last(turns, "counselor") for label in turn.labels), by)
    if heard == "negative":
        return Advice("supporting", "missed" if "challenging" in moves else "repair")
    if heard != "positive":
        return Advice("supporting", "unanswered")
    if "challenging" in moves:
        return Advice("challenging", "go on")
    given = [one for turn in turns for label in turn.labels for one in intentions([label], by)]
    share = given.count("challenging") / len(given) if given else 0.0
    return Advice("challenging", "room") if share < CHALLENGE_SHARE[fifth - 1] else Advice("supporting", "enough")


def _reaction_now(turns: Sequence[Turn], by: str | None) -> str | None:
    """How the client took the counselor's last move; None when the counselor spoke last."""
    if not turns or turns[-1].speaker != "client":
        return None
    return reaction((label for turn in _last(turns, "client") for label in turn.labels), by)


def _last(turns: Sequence[Turn], speaker: Speaker) -> list[Turn]:
    """The last messages in a row by a speaker."""
    end = len(turns)
    while end and turns[end - 1].speaker != speaker:
        end -= 1
    start = end
    while start and turns[start - 1].speaker == speaker:
        start -= 1
    return list(turns[start:end])


@cache
def prior() -> Mapping[str, Mapping[str, float]]:
    """P(the client's next behavior | the counselor's strategy), by label id; every row sums to 1.

    Source:  arXiv 2306.15334, figure 7 (520 annotated sessions).
    """
    read = tomllib.loads((Path(__file__).parent / "prior.toml").read_text("utf-8"))
    rows = {strategy: {behavior: read[strategy][behavior] for behavior in BEHAVIORS.leaves.ids} for strategy in read}
    return {strategy: {b: rate / sum(row.values()) for b, rate in row.items()} for strategy, row in rows.items()}
