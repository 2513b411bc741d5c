"""Cases that a system makes: out of its own lists, or of the records of a file.

A card names the ways under ``[cases]``. Each is a function that gives one case or several; its first parameter, where
it has one without a default, is the record it reads, all others are options.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import ValidationError, validate_call

from psyloom.errors import UnknownName, UsageError
from psyloom.records import Case, Dialogue
from psyloom.systems.catalog import json_or_text


@dataclass(frozen=True)
class Maker:
    """One way to make cases. ``where``: how it is called in messages, e.g. ``psydial:session``."""

    where: str
    function: Callable[..., Case | Iterable[Case]]

    @property
    def told(self) -> str:
        """What it does, in one line."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @cached_property
    def reads(self) -> type[Case] | type[Dialogue] | None:
        """The kind of record it makes cases of; None when it needs no file."""
        first = next(iter(inspect.signature(self.function).parameters.values()), None)
        if first is None or first.kind is first.KEYWORD_ONLY:
            return None
        kind: type[Case] | type[Dialogue] = get_type_hints(self.function)[first.name]
        return kind

    @cached_property
    def options(self) -> dict[str, Any]:
        """Option -> its default."""
        given = inspect.signature(self.function).parameters.values()
        return {one.name: one.default for one in given if one.kind is one.KEYWORD_ONLY}

    def make(self, records: Iterable[Case | Dialogue] | None = None, **options: Any) -> Iterator[Case]:
        """Yield the cases. Options given as text are read as JSON where they are JSON.

        Raises:  UsageError for records that are missing or not wanted, and for an option's wrong value; UnknownName
                 for an option that does not exist.
        """
        if (records is None) != (self.reads is None):
            kind = self.reads.kind if self.reads else None
            raise UsageError(
                f"{self.where} makes cases {f'of {kind}s' if kind else 'of nothing but its own lists'}",
                do=f"give a file of {kind}s" if kind else "leave out the file",
            )
        for name in options:
            if name not in self.options:
                raise UnknownName(f"option of {self.where}", name, self.options)
        values = {name: json_or_text(value) for name, value in options.items()}
        for record in records if records is not None else [None]:
            yield from self._made([] if record is None else [record], values)

    def _made(self, record: list[Any], values: dict[str, Any]) -> Iterable[Case]:
        try:
            made = validate_call(self.function)(*record, **values)
        except ValidationError as trouble:
            error = trouble.errors(include_url=False)[0]
            raise UsageError(
                f"option {error['loc'][0]} of {self.where}: {error['msg']} (got {error['input']!r})",
                do=f"it has: {', '.join(f'{name}={value}' for name, value in self.options.items())}",
            ) from trouble
        return [made] if isinstance(made, Case) else made
