"""The files behind a path: one file, a folder of thousands, or a zip archive, opened one at a time."""

import gzip
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812

from psyloom.errors import BadRecord

# What opening and reading a damaged file raises.
DAMAGE = (OSError, EOFError, BadZipFile, ZlibError)
# Read in folders and archives. A path given directly is read whatever its name.
_DATA = {".json", ".jsonl", ".ndjson", ".txt", ".csv", ".tsv", ".parquet", ".arrow", ".vtt", ".srt"}
# Registrations of tools that lie beside the data.
_NO_DATA = {
    "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "settings.json", "LICENSE.txt",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A file or a member of an archive.

    name: as a person would look it up.   place: path below what was given, without suffix; ids are made of it.
    beside: the bytes of the file at a path relative to this one's folder, None where there is none.
    """

    name: str
    place: str
    open: Callable[[], IO[bytes]]
    beside: Callable[[str], bytes | None]

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


def files(path: Path | str) -> Iterator[File]:
    """Yield the data files at a path in natural order (2 before 10).

    Raises: BadRecord when nothing is there, or nothing that could be data.
    """
    path = Path(path)
    found = False
    for file in _folder(path) if path.is_dir() else _given(path):
        found = True
        yield file
    if not found:
        raise BadRecord(f"{path} holds no data files", do=f"data files end in {' '.join(sorted(_DATA))} or .zip, .gz")


def _folder(root: Path) -> Iterator[File]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted((name for name in folders if not _hidden(name)), key=_natural)
        for name in sorted(names, key=_natural):
            path = Path(folder, name)
            if name.endswith(".zip"):
                yield from _archive(path)
            elif _is_data(name):
                yield _plain(path, path.relative_to(root).as_posix())


def _given(path: Path) -> Iterator[File]:
    try:
        with path.open("rb") as stream:
            archive = stream.read(4) == b"PK\x03\x04"
    except OSError as trouble:
        raise BadRecord(f"cannot read {path}: {trouble.strerror}", do="give the path of a file or folder") from trouble
    yield from _members(path) if archive else [_plain(path, path.name)]


def _archive(path: Path) -> Iterator[File]:
    """The members of an archive; a damaged one is a file that cannot be opened, so that the others are read."""
    try:
        yield from _members(path)
    except BadRecord as trouble:
        yield File(path.as_posix(), _place(path.name), partial(_fail, trouble.happened), lambda _: None)


def _fail(what: str) -> IO[bytes]:
    raise BadZipFile(what)


def _plain(path: Path, name: str) -> File:
    return File(path.as_posix(), _place(name), partial(_open, path), partial(_beside, path.parent))


def _members(path: Path) -> Iterator[File]:
    try:
        archive = ZipFile(path)
    except BadZipFile as trouble:
        raise BadRecord(f"{path} is a damaged archive: {trouble}", do="fetch it again") from trouble
    with archive:
        for member in sorted(archive.infolist(), key=lambda info: _natural(info.filename)):
            if not member.is_dir() and not _hidden(member.filename) and _is_data(posixpath.basename(member.filename)):
                yield File(
                    f"{path.as_posix()}/{member.filename}",
                    _place(member.filename),
                    partial(_open_member, archive, member),
                    partial(_beside_member, archive, posixpath.dirname(member.filename)),
                )


def _open(path: Path) -> IO[bytes]:
    stream = path.open("rb")
    if stream.peek(2)[:2] != b"\x1f\x8b":
        return stream
    stream.close()
    return cast(IO[bytes], gzip.open(path))


def _open_member(archive: ZipFile, member: ZipInfo) -> IO[bytes]:
    try:
        return archive.open(member)
    except RuntimeError as trouble:  # encrypted, or packed in a way that is not supported
        raise BadZipFile(str(trouble)) from trouble


def _beside(folder: Path, relative: str) -> bytes | None:
    path = folder / relative
    return path.read_bytes() if path.is_file() else None


def _beside_member(archive: ZipFile, folder: str, relative: str) -> bytes | None:
    name = posixpath.normpath(posixpath.join(folder, relative))
    return archive.read(name) if name in archive.NameToInfo else None


def _is_data(name: str) -> bool:
    stem = name.removesuffix(".gz")
    return not _hidden(name) and name not in _NO_DATA and posixpath.splitext(stem)[1].lower() in _DATA


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _place(name: str) -> str:
    return posixpath.splitext(name.removesuffix(".gz"))[0]


def _natural(name: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
