"""Output that is whole or not there, written as a stream."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from psyloom.errors import BadRecord, FolderTrouble

Row = dict[str, Any]


@contextmanager
def fresh(path: Path) -> Iterator[Path]:
    """Yield a path to write at; what is written takes the place of ``path`` when the block ends well, else it goes.

    Raises:  FolderTrouble when ``path`` is a folder that already holds something.
    """
    if path.is_dir() and any(path.iterdir()):
        raise FolderTrouble(f"{path} already holds files", do="give a new folder, or empty this one")
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(part)
    try:
        yield part
        if path.is_dir():
            path.rmdir()
        part.replace(path)
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def text_file(path: Path, *, encoding: str = "utf-8", newline: str = "\n") -> Iterator[TextIO]:
    """A text file that appears when it is complete."""
    with fresh(path) as part, part.open("w", encoding=encoding, newline=newline) as file:
        yield file


@contextmanager
def rows_file(path: Path, under: str = "") -> Iterator[Callable[[Row], None]]:
    """Yield a function that writes one row: into one JSON array when ``path`` ends in .json, else one row a line.

    under: the key of an object that holds the array and nothing else.
    """
    begin, between, end = ("[\n", ",\n", "\n]\n") if path.suffix == ".json" else ("", "\n", "\n")
    if under:
        begin, end = f"{{{dumps(under)}: {begin}", "\n]}\n"
    with text_file(path) as file:
        opened = False

        def put(row: Row) -> None:
            nonlocal opened
            file.write((between if opened else begin) + dumps(row))
            opened = True

        yield put
        if opened or begin:
            file.write(end if opened else begin + end.lstrip("\n"))


def dumps(value: object) -> str:
    """JSON on one line, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


@contextmanager
def new_folder(path: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Yield a function ``put(name, suffix, text)`` that writes one file into a folder that appears when complete."""
    with fresh(path) as part:
        part.mkdir()

        def put(name: str, suffix: str, text: str) -> None:
            file = part / (file_name(name) + suffix)
            try:
                with file.open("x", encoding="utf-8", newline="\n") as opened:
                    opened.write(text)
            except FileExistsError as trouble:
                raise BadRecord(f"two dialogues are called {name!r}", do="give every dialogue its own id") from trouble

        yield put


def file_name(text: str) -> str:
    """A text as a file name that is safe everywhere; Chinese stays readable and distinct texts stay distinct."""
    safe = "".join(c if c.isalnum() else quote(c, safe=" -_#@+=.") for c in text)
    return "%2E" + safe[1:] if safe.startswith(".") else safe
