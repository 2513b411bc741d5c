"""How much of the prompt text of a system is a prefix that was sent before, so that a server's prefix cache knows it.

python bench/prefix.py
"""

import asyncio
import itertools
import json
import random
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psyloom.agents import Writer
from psyloom.records import Case, read_jsonl, write_jsonl
from psyloom.runs import pair, run_cases
from psyloom.systems import find_systems

SELF_PLAY = ["amie", "diacbt", "interactive_agents", "magnet", "mdd5k", "notechat", "sudosys"]
"""Systems whose papers let a client and a counselor talk with each other, call by call."""
WRITERS = ["amie", "notechat"]
"""Those of them whose writer plays the talk and more."""


def varied(slug: str, count: int) -> Iterator[Case]:
    """The bundled cases of a system, again and again, their longer texts with the sentences in another order."""
    rng = random.Random(0)

    def other(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: other(one) for key, one in value.items()}
        if isinstance(value, list):
            return [other(one) for one in value]
        if not isinstance(value, str) or len(value) < 25:
            return value
        parts = re.split(r"(?<=[。！？.!?])\s*", value)
        return (" " if value.isascii() else "").join(rng.sample(parts, len(parts)))

    bundled = [
        case.model_dump(mode="json", exclude_defaults=True) for case in read_jsonl(find_systems()[slug].cases(), Case)
    ]
    for n, case in zip(range(count), itertools.cycle(bundled), strict=False):
        yield Case.model_validate(other(case) | {"id": str(n)})


async def prefix_share(slug: str, folder: Path, work: str | Writer) -> float:
    """Share of prompt characters that a server's prefix cache has seen before, over a run of 24 dialogues."""
    cases, out = folder / f"{slug}.jsonl", folder / f"prefix-{time.time_ns()}"
    write_jsonl(cases, varied(slug, 24))
    await run_cases(work, cases, out, concurrency=1)
    seen: set[int] = set()
    shared = total = 0
    for row in map(json.loads, (out / "traces.jsonl").read_text("utf-8").splitlines()):
        for call in row["calls"]:
            text = "\n".join(f"{m['role']}: {m['content']}" for m in call["messages"])
            total += len(text)
            # Prefixes in steps of 16 characters, about what a cache block of 16 tokens holds at its finest.
            steps = [hash(text[:n]) for n in range(16, len(text) + 1, 16)]
            shared += 16 * next((i for i, h in enumerate(steps) if h not in seen), len(steps))
            seen.update(steps)
    return shared / total


async def print_shares(folder: Path) -> None:
    """A table over every system that brings a counselor and a client; the other pairings are no self-play of a paper."""
    print("\nshare of prompt text that is a prefix already sent (24 rehearsed talks of its counselor and client)")
    both = {s: system for s, system in find_systems().items() if {"client", "counselor"} <= set(system.card.roles)}
    for title, slugs in (("self-play", SELF_PLAY), ("other pairings", sorted(both.keys() - SELF_PLAY))):
        print(f"  {title}")
        for slug in slugs:
            sides = [side for side in ("counselor", "client") if "steady" in both[slug].role(side).model_fields]
            works: dict[str, str | Writer] = {"": pair(slug, slug)}
            if sides:
                works[", sliding windows"] = pair(slug, slug, {f"{side}.steady": "false" for side in sides})
            if slug in WRITERS:
                works[", its writer"] = slug
            for what, work in works.items():
                print(f"    {slug + what:<32}{await prefix_share(slug, folder, work):>8.1%}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        await print_shares(Path(name))


if __name__ == "__main__":
    asyncio.run(main())
