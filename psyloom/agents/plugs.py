"""Plugs: options that name something of one's own, a function or a trained classifier.

``package.module:function`` is that function; ``package.module:maker(argument)`` is what the maker gives for the argument,
e.g. ``psyloom.training.classifier:load(reactions)``. Nothing is imported before an option names it.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, runtime_checkable

from pydantic import AfterValidator, ImportString, PlainSerializer, PlainValidator, TypeAdapter

from psyloom.errors import UsageError
from psyloom.records import Turn

Pieces = Sequence[tuple[int, int]]
_MADE = re.compile(r"(?P<maker>[\w.]+:[\w.]+)\((?P<argument>.*)\)")
_by_name: TypeAdapter[Any] = TypeAdapter(ImportString[Callable[..., Any]])


@runtime_checkable
class Classifies(Protocol):
    """What a trained classifier of sentences does."""

    def classify(self, turn: Turn, before: Sequence[Turn], pieces: Pieces) -> list[dict[str, float]]:
        """For each piece of a message, given as [start, end): label -> probability."""


@dataclass(frozen=True)
class Made:
    """What a maker gave. ``name``: how the option named it."""

    name: str
    it: Any = field(compare=False)

    def __call__(self, *given: Any) -> Any:
        return self.it(*given)


def classifier(plug: Any) -> Classifies | None:
    """The classifier that an option names; None for anything else."""
    it = plug.it if isinstance(plug, Made) else plug
    return it if isinstance(it, Classifies) else None


def takes(*given: str) -> AfterValidator:
    """Of a plug: it is a classifier, or can be called with these things, named as the message names them.

    What it makes of them shows only when it is called; that it cannot be called shows before anything is asked.
    """

    def callable_with_them(plug: Any) -> Any:
        it = plug.it if isinstance(plug, Made) else plug
        try:
            if not isinstance(it, Classifies):
                inspect.signature(it).bind(*given)
        except TypeError as trouble:
            what = f"{_name(plug)} cannot be called with ({', '.join(given)}): {trouble}"
            raise UsageError(what, do="name a function that takes them, in this order") from trouble
        except ValueError:  # of a builtin that does not tell what it takes
            pass
        return plug

    return AfterValidator(callable_with_them)


def _found(given: Any) -> Any:
    if isinstance(given, str) and (made := _MADE.fullmatch(given)):
        return Made(given, _by_name.validate_python(made["maker"])(made["argument"]))
    return _by_name.validate_python(given)


def _name(plug: Any) -> str:
    return plug.name if isinstance(plug, Made) else f"{plug.__module__}:{plug.__qualname__}"


Plug = Annotated[Any, PlainValidator(_found), PlainSerializer(_name)]
