"""What calls cost. List prices change: the table is dated and any price can be given by hand."""

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from math import inf
from pathlib import Path
from urllib.parse import urlsplit

from psyloom.errors import UsageError
from psyloom.llm.connect import addresses
from psyloom.llm.model import Answer


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens."""

    prompt: float
    completion: float
    cached: float | None = None

    def of(self, answer: Answer) -> float:
        """US dollars for one answer; cached prompt tokens at their own price where there is one."""
        cached = answer.cached_tokens if self.cached is not None else 0
        prompt = (answer.prompt_tokens - cached) * self.prompt + cached * (self.cached or 0.0)
        return (prompt + answer.completion_tokens * self.completion) / 1e6


FREE = Price(0.0, 0.0, 0.0)
_OWN_NAMES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")


@cache
def _table() -> dict[str, Price]:
    raw = tomllib.loads((Path(__file__).parent / "prices.toml").read_text("utf-8"))
    return {name: Price(**price) for name, price in raw["usd_per_million_tokens"].items()}


def price(provider: str, model: str, given: dict[str, Price]) -> Price | None:
    """The price of a model: given by hand, free (on this machine or in one's own network), from the table, or None when
    unknown."""
    for name in (f"{provider}:{model}", model, "*"):
        if name in given:
            return given[name]
    if provider in ("rehearsal", "llamacpp"):
        return FREE
    if provider in ("ollama", "vllm", "url"):
        return FREE if all(map(_own, addresses(provider, model, os.environ))) else None
    return _table().get(f"{provider}:{model}")


def _own(url: str) -> bool:
    """Is the server on this machine or in one's own network? A name without a dot is none of the open Internet."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_OWN_NAMES)


def parse_price(text: str) -> tuple[str, Price]:
    """Read ``MODEL=IN/OUT`` (US dollars per million tokens), e.g. ``gpt-4o-mini=0.15/0.60``; MODEL may be ``*``."""
    try:
        name, numbers = text.rsplit("=", 1)
        prompt, completion = (float(number) for number in numbers.split("/"))
        if not (0 <= prompt < inf and 0 <= completion < inf):
            raise ValueError("a price is 0 or more")
    except ValueError as trouble:
        raise UsageError(
            f"cannot read the price {text!r}", do="write it as MODEL=IN/OUT, e.g. gpt-4o-mini=0.15/0.60"
        ) from trouble
    return name, Price(prompt, completion)
