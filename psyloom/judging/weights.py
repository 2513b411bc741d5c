"""Log probabilities: what a judge would have said over many tries, read off the one token that states its value."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from psyloom.knowledge.items import Item

_VALUE = re.compile(r'"value"\s*:\s*')
TOP = 20
"""How many alternatives of each token are asked for; the most that common servers give."""


def points(item: Item) -> dict[str, float]:
    """The words that state a value of ``item`` in one token -> its number; empty when they need more than one."""
    if item.kind == "binary":
        return {"true": 1.0, "false": 0.0}
    if item.kind == "likert" and item.step == 1 and item.low >= 0 and item.high <= 9:
        return {str(n): float(n) for n in range(int(item.low), int(item.high) + 1)}
    return {}


def expected(logprobs: Sequence[Mapping[str, Any]] | None, words: Mapping[str, float]) -> float | None:
    """The mean of the values weighted by their probability; None when the tokens do not show it.

    Args:    logprobs: tokens as OpenAI-compatible servers give them (``token``, ``top_logprobs``).
    Formula: sum p(v) v / sum p(v) over the values v among the alternatives. Source: G-Eval, arXiv 2303.16634, section 2.
    """
    place = _stating(logprobs or (), words)
    if place is None:
        return None
    shares: dict[str, float] = {}
    for one in place.get("top_logprobs") or ():
        if (word := str(one["token"]).strip()) in words:
            shares[word] = shares.get(word, 0.0) + math.exp(one["logprob"])
    whole = sum(shares.values())
    return sum(share * words[word] for word, share in shares.items()) / whole if whole else None


def _stating(logprobs: Sequence[Mapping[str, Any]], words: Mapping[str, float]) -> Mapping[str, Any] | None:
    """The token that states the last value of the answer."""
    text = "".join(str(one["token"]) for one in logprobs)
    ends = [found.end() for found in _VALUE.finditer(text)]
    at = 0
    for one in logprobs:
        token = str(one["token"])
        if ends and at + len(token) > ends[-1]:
            return one if token.strip() in words and at >= ends[-1] - 1 else None
        at += len(token)
    return None
