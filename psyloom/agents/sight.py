"""Information asymmetry by construction: an agent sees of a case what its system's sight lists, nothing else."""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from pydantic import BaseModel

from psyloom.errors import MissingFacet, NotInSight
from psyloom.records import Case

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


class View:
    """A case, or a part of one, as one agent sees it. Reading what is not in sight raises NotInSight."""

    def __init__(
        self,
        case: str,
        value: BaseModel,
        sight: Set[str],
        agent: str,
        path: str = "",
        veil: Callable[[str], str] | None = None,
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
            return self._veil(value)
        return [self._wrap(item, path) for item in value] if isinstance(value, list) else value


def look(case: Case, sight: Sight, agent: str, veil: Callable[[str], str] | None = None) -> View:
    """The case as ``agent`` sees it; an agent that the sight does not list sees nothing.

    veil: takes from every text what the agent is not to know yet.
    """
    return View(case.id, case, sight.get(agent, frozenset()), agent, veil=veil)


def in_sight(path: str, seen: Set[str]) -> bool:
    """Is the leaf at ``path`` covered by a set of sight paths?"""
    return any(path == other or path.startswith(other + ".") for other in seen)
