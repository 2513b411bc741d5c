"""What a format is: where it comes from and the layouts it was released in, each with one reading function."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from psyloom.formats.read._files import File
from psyloom.records import Defect, Lang, Record, Source, Speaker

Unit = Literal["each", "whole", "text", "folder"]
"""What one item of a file is: each element of an array, line of JSON Lines or row of a table; a whole JSON value;
the whole text; or the texts of all files in one folder."""


class Unreadable(Exception):
    """This item cannot become a record. Reading turns it into a Defect and goes on with the next item."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}")
        self.field, self.what = field, what


@dataclass(frozen=True, slots=True)
class Item:
    """One released record before it is one of ours."""

    value: Any
    format: "Format"
    file: File
    number: int  # line of the file, or position in its array, from 1
    alone: bool  # the file holds nothing else
    report: Callable[[Defect], None]
    speakers: Mapping[str, Speaker]  # names the user has assigned

    def id(self, own: str | int | None = None) -> str:
        """The record's id: the source's own where it has one that is unique, else its place in the files.

        Ids of a known data set begin with its name; those of a general format stay as they are.
        """
        place = self.file.place if self.alone else f"{self.file.place}-{self.number}"
        name = (place if own is None else str(own)).replace("/", "-")
        known = self.format.general or name.startswith(f"{self.format.name}-")
        return name if known else f"{self.format.name}-{name}"

    def note(self, field: str, what: str) -> None:
        """Report a defect of a record that is kept."""
        self.report(Defect(self.file.name, self.number, field, f"{what} (record kept)"))

    def reject(self, field: str, what: str) -> None:
        """Report a defect that costs the record."""
        self.report(Defect(self.file.name, self.number, field, f"{what} (record left out)"))


# What reading a value of another shape raises: readers look for what they need, not for all that may be wrong.
ODD = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)


def made(read: Callable[[Item], Iterable[Record]], item: Item) -> list[Record]:
    """The records of one item; none, and a defect, when it cannot become one."""
    try:
        return list(read(item))
    except Unreadable as trouble:
        item.reject(trouble.field, trouble.what)
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        item.reject(".".join(map(str, error["loc"])), f"{error['msg']} (got {repr(error['input'])[:60]})")
    except KeyError as trouble:
        item.reject(str(trouble.args[0]), "is missing or unknown")
    except ODD as trouble:
        item.reject("", f"a field has another shape than in {item.format.name} ({trouble})")
    return []


@dataclass(frozen=True, slots=True)
class Layout:
    """One shape in which a data set was released.

    fits:  gives the reason why a value has this shape, or None. A value of unit "whole" may be cut short.
    mark:  tells this data set from others of the same shape, by content; None: the shape alone tells.
    group: neighbouring rows with the same key form one item, whose value is the list of them.
    """

    unit: Unit
    fits: Callable[[Any], str | None]
    read: Callable[[Item], Iterable[Record]]
    mark: Callable[[Any, File], str | None] | None = None
    group: Callable[[Any], Hashable] | None = None

    def suits(self, value: Any) -> str | None:
        """``fits`` for any value whatever."""
        try:
            return self.fits(value)
        except ODD:
            return None

    def misses(self, value: Any) -> str:
        """Why a value cannot be read at all; empty where the reading function can say more."""
        if self.suits(value):
            return ""
        if self.unit == "each" and not isinstance(value, dict):
            return f"is {_kind(value)}, not an object"
        lacking = [key for key in self.fits.wanted if key not in value] if isinstance(self.fits, Keys) else []
        # One row of a group must not take the others along.
        return f"lacks {', '.join(lacking)}" if lacking else "is no row like the others" if self.group else ""


def _kind(value: Any) -> str:
    """What JSON calls it."""
    kinds = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


@dataclass(frozen=True, slots=True)
class Format:
    """A released format. ``lang`` None: told from the text. ``general``: a shape many data sets share.

    distinct: a talk that comes a second time is reported; costs some hundred bytes a dialogue.
    """

    name: str
    title: str
    source: Source
    layouts: tuple[Layout, ...]
    lang: Lang | None = None
    general: bool = False
    distinct: bool = False


@dataclass(frozen=True)
class Keys:
    """Fits objects that hold all these keys and pass the test."""

    wanted: tuple[str, ...]
    test: Callable[[dict[str, Any]], bool] | None = None

    def __call__(self, value: Any) -> str | None:
        if not isinstance(value, dict) or not all(key in value for key in self.wanted):
            return None
        return f"objects with {', '.join(self.wanted)}" if self.test is None or self.test(value) else None


def keys(*wanted: str, test: Callable[[dict[str, Any]], bool] | None = None) -> Keys:
    """``keys("thought", "patterns")`` fits objects that hold both keys."""
    return Keys(wanted, test)


def mentions(*words: str) -> Callable[[Any, File], str | None]:
    """Marks values in whose texts one of the words occurs."""

    def mark(value: Any, file: File) -> str | None:
        found = next((word for text in _texts(value) for word in words if word in text), None)
        return found and f"mentions {found!r}"

    return mark


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
