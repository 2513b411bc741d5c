"""Who takes part in an arena: counselors by the words a user types, each paired with the client that all meet."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psyloom.agents import Pairing
from psyloom.errors import UsageError
from psyloom.llm import Model
from psyloom.runs.run import pair

_PLAIN = "plain"
_FRAME = ("max_exchanges", "min_exchanges")


@dataclass(frozen=True)
class Entrant:
    """A counselor of the arena. model: its own, instead of the one that the arena gives to all."""

    name: str
    system: str
    model: str | Model | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Its name as a folder may be called."""
        return re.sub(r"[^\w.-]+", "-", self.name).strip("-.") or "counselor"


def entrant(spec: str) -> Entrant:
    """``magnet``, ``magnet=openai:gpt-4o``, or a model alone, which is spoken to as a plain chat: ``http://host/v1#m``."""
    system, equals, model = spec.partition("=")
    if not equals or any(mark in system for mark in ":/#"):  # an address may hold "=" in its query
        return Entrant(spec, _PLAIN, spec) if any(mark in spec for mark in ":/#") else Entrant(spec, spec)
    return Entrant(model if system == _PLAIN else spec, system, model)


def meeting(one: Entrant, entrants: Sequence[Entrant], client: str, options: Mapping[str, Any]) -> Pairing:
    """A counselor with the client that all meet.

    Args:    options: client.X, dials.X, max_exchanges and min_exchanges; counselor.X for every counselor, SYSTEM.X for
             those of one system. A bare option could mean either side, and so another client for some: there is none.
    Raises:  UsageError for such an option; else as `pair`.
    """
    systems = {each.system for each in entrants}
    given: dict[str, Any] = {f"counselor.{name}": value for name, value in one.options.items()}
    for key, value in options.items():
        side, _, name = key.rpartition(".")
        if side in ("client", "dials", "counselor") or key in _FRAME:
            given[key] = value
        elif side in systems:
            given |= {f"counselor.{name}": value} if side == one.system else {}
        else:
            sides = "client, counselor, dials or one of the counselors' systems"
            raise UsageError(
                f"it is not clear whose option {key!r} is", do=f"write it as SIDE.OPTION; sides are {sides}"
            )
    return pair(one.system, client, given)
