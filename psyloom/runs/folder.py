"""The run folder: run.toml, journal.sqlite, dialogues.jsonl, failures.jsonl, traces.jsonl, report.html."""

import asyncio
import sqlite3
import sys
import tomllib
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import tomli_w
from pydantic_core import to_json

from psyloom.errors import FolderTrouble, OtherRun, PsyloomError
from psyloom.llm.journal import Journal

FILES = ("dialogues.jsonl", "traces.jsonl", "failures.jsonl")


@dataclass(frozen=True)
class Outcome:
    """How one case ended: lines for the three files, some of them empty. ``id`` is None for a line without its own."""

    id: str | None
    ok: bool
    dialogue: bytes = b""
    trace: bytes = b""
    failure: bytes = b""


class RunFolder:
    """Output lines are written once, in the order of the cases, whatever the order in which they end.

    The journal's table ``outcomes`` holds, for every case written, where its lines end in the three files: after a
    kill the files are cut back to the last case recorded, and what was cut is made again from the journal.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.files: list[BinaryIO] = []
        self.journal: Journal | None = None
        self.trouble: FolderTrouble | None = None
        self._waiting: dict[int, Outcome] = {}
        self._next = 0
        self._skipped: set[int] = set()
        self._claimed: set[str] = set()
        self._scheduled = False
        self._advanced = asyncio.Event()
        self._released = False
        try:
            self._take(config)
        except (OSError, sqlite3.Error) as trouble:
            self.close()
            raise FolderTrouble(
                f"cannot write {path}: {trouble}", do="choose a folder you may write to, with space left"
            ) from trouble
        except PsyloomError:
            self.close()
            raise
