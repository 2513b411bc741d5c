"""Information asymmetry by construction: an agent sees of a case what its system's sight lists, nothing else."""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from psyloom.errors import MissingFacet, NotInSight
from psyloom.records import Case, sentences

Sight = Mapping[str, Set[str]]
"""Agent -> dotted paths into the case, e.g. ``{"planner": {"demographics", "intake.reason"}}``."""


class Missing:
    """A field that may be seen but that this case does not have. False in a condition; an error in a text."""

    def __init__(self, case: str, path: str) -> None:
        self._case, self._path = case, path

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getattr__(self, name: str) -> "Missing":
        if name.startswith("_"):
            raise AttributeError(name)
        return Missing(self._case, f"{self._path}.{name}")

    def __str__(self) -> str:
        raise self.error()

    def error(self) -> MissingFacet:
        return MissingFacet(
            f"case {self._case!r} has no {self._path}", do="add it to the case, or let a model derive it with --derive"
        )


@dataclass(frozen=True)
class Veil:
    """Hides sentences of the case. instead: what stands where nothing is left, so that nobody fills the hole."""

    hidden: frozenset[str]
    instead: str

    def __call__(self, text: str) -> str:
        """What is left of a text; may be empty."""
        parts = sentences(text)
        if not self.hidden.intersection(parts):
            return text
        return ("" if re.search(r"[\u4e00-\u9fff]", text) else " ").join(p for p in parts if p not in self.hidden)


class View:
    """A case, or a part of one, as one agent sees it. Reading what is not in sight raises NotInSight."""

    def __init__(
        self,
        case: str,
        value: BaseModel,
        sight: Set[str],
        agent: str,
        path: str = "",
        veil: Veil | None = None,
    ) -> None:
        self._case, self._value, self._sight, self._agent, self._path = case, value, sight, agent, path
        self._veil = veil

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in type(self._value).model_fields:
            raise AttributeError(name)
        path = f"{self._path}.{name}" if self._path else name
        if not (in_sight(path, self._sight) or any(seen.startswith(path + ".") for seen in self._sight)):
            raise NotInSight(
                f"the {self._agent} may not see {path}",
                do="list it in the system's sight if the paper lets it see that",
            )
        value = getattr(self._value, name)
        return Missing(self._case, path) if value is None or value in ([], {}) else self._wrap(value, path)

    def _wrap(self, value: Any, path: str) -> Any:
        if isinstance(value, BaseModel):
            return View(self._case, value, self._sight, self._agent, path, self._veil)
        if isinstance(value, str) and self._veil:
            return self._veil(value) or self._veil.instead
        if isinstance(value, list | dict) and self._veil:
            value = self._open(value, self._veil)
        return [self._wrap(item, path) for item in value] if isinstance(value, list) else value

    @staticmethod
    def _open(value: list[Any] | dict[str, Any], veil: Veil) -> list[Any] | dict[str, Any]:
        """Without the texts of which nothing is left; where none is left, one that says so."""
        if isinstance(value, list):
            left = [veil(item) if isinstance(item, str) else item for item in value]
            return [item for item in left if item != ""] or [veil.instead]
        told = {key: veil(item) if isinstance(item, str) else item for key, item in value.items()}
        return {key: item for key, item in told.items() if item != ""} or dict.fromkeys(list(value)[:1], veil.instead)


def look(case: Case, sight: Sight, agent: str, veil: Veil | None = None) -> View:
    """The case as ``agent`` sees it; an agent that the sight does not list sees nothing.

    veil: takes from every text what the agent is not to know yet.
    """
    return View(case.id, case, sight.get(agent, frozenset()), agent, veil=veil)


def in_sight(path: str, seen: Set[str]) -> bool:
    """Is the leaf at ``path`` covered by a set of sight paths?"""
    return any(path == other or path.startswith(other + ".") for other in seen)
