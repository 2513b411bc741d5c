"""Read what the field released: any known data set into cases, dialogues and ratings, streamed, with a defect report.

A module of this package without a leading underscore is a format; adding one is adding a file.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from hashlib import blake2b
from importlib import import_module
from itertools import groupby
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from psyloom.errors import BadRecord, UnknownName
from psyloom.formats.read._auto import Choice, choose, layout_of
from psyloom.formats.read._contents import Contents
from psyloom.formats.read._files import DAMAGE, File, files
from psyloom.formats.read._format import Format, Item, Keys, Layout, Unreadable, keys, made
from psyloom.formats.read._json import Broken
from psyloom.formats.read._save import Saved, save
from psyloom.records import Defect, Dialogue, Rating, Record, Speaker

__all__ = [
    "Choice",
    "Format",
    "Item",
    "Keys",
    "Layout",
    "Saved",
    "Unreadable",
    "formats",
    "keys",
    "made",
    "read",
    "save",
    "sniff",
]

OnDefect = Callable[[Defect], None]
Id = tuple[str, str]  # kind, id


@cache
def formats() -> Mapping[str, Format]:
    """All formats by name."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    found = (import_module(f"{__name__}.{name}").FORMAT for name in names)
    return {one.name: one for one in found}


def sniff(path: Path | str) -> Choice:
    """Tell from their content which format the files at a path have, and why.

    Raises: BadRecord when no format fits or several do; it names them.
    """
    return choose(path, formats())


def read(
    path: Path | str,
    format: str = "auto",  # noqa: A002
    *,
    on_defect: OnDefect | None = None,
    speakers: Mapping[str, Speaker] | None = None,
) -> Iterator[Record]:
    """Yield the cases, dialogues and ratings in a file, a folder or a zip archive, one by one.

    Args:    format: a name from `formats`, or "auto" to tell it from the content.
             on_defect: gets every defect and reading goes on; without it the first defect raises. Its text says
             whether the record was kept or left out.
             speakers: who is who where the source's own names do not say: {"Anna": "client"}.
    Raises:  UnknownName for a format, BadRecord for a path that cannot be read or a defect.
    """
    if format != "auto" and format not in formats():
        raise UnknownName("format", format, formats(), see="all: `psyloom formats`")
    chosen = sniff(path).format if format == "auto" else formats()[format]
    return _records(chosen, files(path), on_defect or _raise, speakers or {})


def _raise(defect: Defect) -> None:
    raise BadRecord(str(defect), do="mend it, or pass on_defect to go on past defects")


def _records(
    chosen: Format, found: Iterable[File], report: OnDefect, speakers: Mapping[str, Speaker]
) -> Iterator[Record]:
    seen: dict[bytes, str] = {}
    ids: Counter[Id] = Counter()
    for _, folder in groupby(found, key=lambda file: file.folder):
        texts: list[tuple[Layout, Item]] = []
        for file in folder:
            make = partial(Item, format=chosen, file=file, report=report, speakers=speakers)
            try:
                with Contents(file) as contents:
                    fitting = layout_of(chosen, contents, file)
                    if fitting is None:
                        report(Defect(file.name, 0, "", f"not in any layout of {chosen.name} (file left out)"))
                    elif fitting.unit == "folder":
                        texts += [
                            (fitting, make(text, number=1, alone=True)) for _, _, text in contents.items("folder")
                        ]
                    else:
                        records = _items(fitting, contents, make, ids)
                        yield from _told_once(records, seen, file, report) if chosen.distinct else records
                    if contents.replaced:
                        report(Defect(file.name, 0, "", "holds U+FFFD, where the text was damaged (records kept)"))
            except DAMAGE as trouble:
                report(Defect(file.name, 0, "", f"cannot be read: {trouble} (rest of the file left out)"))
        if texts:
            layout, first = texts[0]
            whole = replace(first, value=[text for _, text in texts])
            yield from _named_apart(made(layout.read, whole), ids, whole)


def _items(layout: Layout, contents: Contents, make: Callable[..., Item], ids: Counter[Id]) -> Iterator[Record]:
    every = (make(value, number=number, alone=alone) for number, alone, value in contents.items(layout.unit))
    sound = (item for item in every if _sound(layout, item))
    for item in sound if layout.group is None else _grouped(layout.group, sound):
        yield from _named_apart(made(layout.read, item), ids, item)


def _sound(layout: Layout, item: Item) -> bool:
    wrong = item.value.what if isinstance(item.value, Broken) else layout.misses(item.value)
    if wrong:
        item.reject("", wrong)
    return not wrong


def _grouped(key: Callable[[object], object], items: Iterable[Item]) -> Iterator[Item]:
    for _, rows in groupby(items, key=lambda item: key(item.value)):
        first, *more = rows
        yield replace(first, value=[first.value, *(row.value for row in more)], alone=False)


def _named_apart(records: Iterable[Any], ids: Counter[Id], item: Item) -> Iterator[Record]:
    """The records; one whose id another one had before gets a number behind it, what rates it follows, and a note."""
    moved: dict[str, str] = {}
    for record in records:
        if isinstance(record, Rating) and record.subject.dialogue in moved:
            record.subject.dialogue = moved[record.subject.dialogue]
        old = record.id
        while ids[record.kind, record.id]:
            ids[record.kind, old] += 1
            record.id = f"{old}-{ids[record.kind, old]}"
        ids[record.kind, record.id] += 1
        if record.id != old:
            moved |= {old: record.id} if isinstance(record, Dialogue) else {}
            item.note(
                "id", f"another {record.kind} has it too ({old!r}: called {record.id!r}; rows of one stand together)"
            )
        yield record


def _told_once(records: Iterable[Record], seen: dict[bytes, str], file: File, report: OnDefect) -> Iterator[Record]:
    """The records, with a note for each dialogue that says what another one said before."""
    for record in records:
        if isinstance(record, Dialogue):
            told = "\0".join(f"{turn.speaker}{turn.text}" for turn in record.turns)
            first = seen.setdefault(blake2b(told.encode(), digest_size=16).digest(), record.id)
            if first != record.id:
                report(Defect(file.name, 0, "", f"the same talk as another (as {first!r}; record kept)"))
        yield record
