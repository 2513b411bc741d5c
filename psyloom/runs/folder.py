"""The run folder: run.toml, journal.sqlite, dialogues.jsonl, failures.jsonl, traces.jsonl, report.html.

Where a system makes them: artefacts.jsonl, and apart.jsonl with the dialogues that its own filter keeps out of the data.
"""

import asyncio
import os
import sqlite3
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import tomli_w
from pydantic_core import from_json, to_json

from psyloom.errors import FolderTrouble, OtherRun
from psyloom.llm.journal import Journal
from psyloom.records import Artefact, Dialogue, to_line

DIALOGUES, ARTEFACTS, APART = "dialogues.jsonl", "artefacts.jsonl", "apart.jsonl"
_BESIDE = ("traces.jsonl", "failures.jsonl")


@dataclass(frozen=True)
class Outcome:
    """How one case ended: lines for the three files, some of them empty.

    id: None for a line that has no id of its own, since it cannot be read or repeats another's.
    ok: how many dialogues it became; 0: it failed.
    beside: traces of the artefacts it was made with, by their ids; each is written once, before the first that used it.
    """

    id: str | None
    ok: int
    dialogue: bytes = b""
    trace: bytes = b""
    failure: bytes = b""
    beside: Mapping[str, bytes] = field(default_factory=dict)


class RunFolder:
    """Output lines are written once, in the order of the cases, whatever the order in which they end.

    The journal's table ``outcomes`` holds, for every case written, where its dialogue and its trace end: after a kill
    the files are cut back to the last case recorded, and what was cut is made again from the journal. The table
    ``beside`` holds where the traces of artefacts begin.
    """

    def __init__(self, path: Path, config: dict[str, Any], *, records: str = DIALOGUES) -> None:
        """records: name of the file that takes what the cases become."""
        self.path = path
        self.names = (records, *_BESIDE)
        self.trouble: FolderTrouble | None = None
        self._waiting: dict[int, Outcome] = {}
        self._next = 0
        self._skipped: set[int] = set()
        self._claimed: set[str] = set()
        self._kept: dict[str, set[str]] = {}
        self.traced: set[str] = set()  # artefacts whose traces are written
        self._scheduled = False
        self._advanced = asyncio.Event()
        self._released = False
        try:
            with ExitStack() as opened:
                path.mkdir(parents=True, exist_ok=True)
                known = self._known()
                self.files = [opened.enter_context(self._open(name)) for name in self.names]
                _hold(self.files[0], path)
                self.journal = Journal(path / "journal.sqlite")
                opened.callback(self.journal.close)
                self.db = self.journal.db
                self.db.execute(
                    "CREATE TABLE IF NOT EXISTS outcomes (position INTEGER PRIMARY KEY, id TEXT UNIQUE, ok INTEGER NOT NULL,"
                    " dialogues INTEGER NOT NULL, traces INTEGER NOT NULL)"
                )
                self.db.execute("CREATE TABLE IF NOT EXISTS beside (id TEXT PRIMARY KEY, traces INTEGER NOT NULL)")
                self._configure(known, config)
                self._cut()
                self.traced.update(id_ for (id_,) in self.db.execute("SELECT id FROM beside"))
                self._kept = {name: self._ids_in(name) for name in (ARTEFACTS, APART)}
                self._opened = opened.pop_all()
        except (OSError, sqlite3.Error) as trouble:
            raise FolderTrouble(
                f"cannot write {path}: {trouble}", do="choose a folder you may write to, with space left"
            ) from trouble

    def _known(self) -> dict[str, Any] | None:
        """The configuration that an earlier start left; None in a new folder."""
        file = self.path / "run.toml"
        output = any((made := self.path / name).exists() and made.stat().st_size for name in self.names)
        for needed in ("run.toml", "journal.sqlite"):  # without them, what was written would be cut off as torn
            if output and not (self.path / needed).exists():
                raise OtherRun(f"{self.path} holds output but no {needed}", do="put it back, or choose another --out")
        if not file.exists():
            return None
        try:
            return tomllib.loads(file.read_text("utf-8"))
        except ValueError as trouble:
            raise OtherRun(f"{file} cannot be read: {trouble}", do="choose another --out") from trouble

    def _configure(self, known: dict[str, Any] | None, config: dict[str, Any]) -> None:
        """Make sure that this is the run that was begun here. As long as nothing was answered, it may still change."""
        shown = [] if known is None else _differences(flat(known), flat(config))
        answered = self.db.execute("SELECT 1 FROM answers UNION ALL SELECT 1 FROM outcomes WHERE ok LIMIT 1").fetchone()
        if shown and answered:
            raise OtherRun(
                f"{self.path} holds a run of another configuration ({'; '.join(shown)})",
                do="choose another --out, or use the same settings",
            )
        if shown or known is None:  # a file that is renamed into place is there whole or not at all
            part = self.path / "run.toml.part"
            part.write_bytes(tomli_w.dumps(config).encode())
            part.replace(self.path / "run.toml")

    def _open(self, name: str) -> BinaryIO:
        file = self.path / name
        file.touch()
        return file.open("r+b")

    def _cut(self) -> None:
        """Cut the files back to what is recorded; failures start anew: they are tried again."""
        self.db.execute("DELETE FROM outcomes WHERE NOT ok")
        dialogues, traces = self.db.execute(
            "SELECT coalesce(max(dialogues), 0), coalesce(max(traces), 0) FROM outcomes"
        ).fetchone()
        for name, file, end in zip(self.names, self.files, (dialogues, traces, 0), strict=True):
            if file.seek(0, 2) < end:
                where = self.path / name
                raise OtherRun(f"{where} is shorter than this run left it", do="put it back, or choose another --out")
            file.truncate(end)
            file.seek(end)
        self.db.execute("DELETE FROM beside WHERE traces >= ?", (traces,))

    def _ids_in(self, name: str) -> set[str]:
        """Ids of the records that earlier starts kept; a torn last line is cut off, its record is made again."""
        file = self.path / name
        if not file.exists():
            return set()
        lines = file.read_bytes().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            os.truncate(file, sum(map(len, lines[:-1])))
            lines.pop()
        return {from_json(raw)["id"] for raw in lines}

    def keep(self, name: str, records: Iterable[Artefact | Dialogue]) -> None:
        """Add ``records`` to a file beside the dialogues, each id once, before what was made with them is written."""
        fresh = {record.id: to_line(record) for record in records if record.id not in self._kept[name]}
        if fresh and self.trouble is None:
            with self._troubled(), (self.path / name).open("ab") as file:
                file.write(b"".join(fresh.values()))
                self._kept[name].update(fresh)

    @property
    def apart(self) -> int:
        """How many dialogues were kept apart so far, earlier starts included."""
        return len(self._kept[APART])

    def done(self, position: int) -> bool:
        """Was the case at ``position`` written before?"""
        return self.db.execute("SELECT 1 FROM outcomes WHERE position = ?", (position,)).fetchone() is not None

    def claim(self, id_: str) -> bool:
        """A case with this id is under way. False: another one with this id is, or is written already."""
        if id_ in self._claimed or self.db.execute("SELECT 1 FROM outcomes WHERE id = ?", (id_,)).fetchone():
            return False
        self._claimed.add(id_)
        return True

    def skip(self, position: int) -> None:
        """The case at ``position`` needs no writing."""
        self._skipped.add(position)
        self._schedule()

    def put(self, position: int, outcome: Outcome) -> None:
        """Write an outcome when those before it are written."""
        self._waiting[position] = outcome
        self._schedule()

    async def written_past(self, position: int) -> None:
        """Wait until all cases up to ``position`` are settled, or nothing more can be written."""
        while self._next <= position and self.trouble is None and not self._released:
            self._advanced.clear()
            await self._advanced.wait()

    def release(self) -> None:
        """Nothing more will be written: let those who wait go on."""
        self._released = True
        self._advanced.set()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write what can be written in order. What waits behind an unsettled case is cheap: the journal has it."""
        self._scheduled = False
        self._advanced.set()
        rows: list[tuple[int, Outcome]] = []
        while self._next in self._waiting or self._next in self._skipped:
            if self._next in self._waiting:
                rows.append((self._next, self._waiting.pop(self._next)))
            self._skipped.discard(self._next)
            self._next += 1
        if rows and self.trouble is None:
            with self._troubled():
                self._write(rows)

    @contextmanager
    def _troubled(self) -> Iterator[None]:
        """What cannot be written ends the run; nothing is lost, the journal has it."""
        try:
            yield
        except (OSError, sqlite3.Error) as trouble:
            self.db.rollback()
            self.trouble = FolderTrouble(
                f"cannot write {self.path}: {trouble}", do="make space and start the same command again"
            )

    def _write(self, rows: list[tuple[int, Outcome]]) -> None:
        dialogues, traces, failures = self.files
        recorded, beside = [], []
        for position, outcome in rows:
            for id_ in sorted(outcome.beside.keys() - self.traced):
                beside.append((id_, traces.tell()))
                traces.write(outcome.beside[id_])
                self.traced.add(id_)
            dialogues.write(outcome.dialogue)
            traces.write(outcome.trace)
            failures.write(outcome.failure)
            recorded.append((position, outcome.id, outcome.ok, dialogues.tell(), traces.tell()))
        for file in self.files:
            file.flush()
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)", recorded)
        self.db.executemany("INSERT INTO beside VALUES (?, ?)", beside)
        self.db.execute("COMMIT")
        self._claimed.difference_update(outcome.id for _, outcome in rows if outcome.id is not None)

    def counts(self) -> tuple[int, int]:
        """(dialogues, failures) written so far, earlier starts included."""
        row = self.db.execute("SELECT coalesce(sum(ok), 0), coalesce(sum(NOT ok), 0) FROM outcomes").fetchone()
        return int(row[0]), int(row[1])

    def close(self) -> None:
        # After trouble a file may still hold what it could not write; the next start makes it again.
        with suppress(OSError) if self.trouble else nullcontext():
            self._opened.close()


def dialogues_in(path: Path) -> Path:
    """The file of dialogues that ``path`` is, or that a run's folder holds."""
    return path / DIALOGUES if path.is_dir() else path


class Spent(NamedTuple):
    """What the answered calls of a run took, all starts together. cost: US dollars, None where a price is not known."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


def spent(path: Path) -> Spent | None:
    """What a run has spent so far; None where there is no journal."""
    file = path / "journal.sqlite"
    if not file.exists():
        return None
    with closing(sqlite3.connect(file)) as db:
        calls, read, written, cost, priced = db.execute(_SPENT).fetchone()
    return Spent(calls, read, written, cost if priced == calls else None)


_SPENT = """
SELECT count(*), total(json_extract(one, '$.prompt_tokens')), total(json_extract(one, '$.completion_tokens')),
       total(json_extract(one, '$.cost')), count(json_extract(one, '$.cost'))
FROM (SELECT CAST(answer AS TEXT) AS one FROM answers)
"""


def renew(path: Path, digests: Mapping[str, str], records: str = DIALOGUES) -> None:
    """Where what a run folder was made from has changed since, as when a failed case came good at a later start, keep
    its answers and let everything else be made again from them: no answered call is repeated.

    Args: digests: dotted keys of run.toml -> what they must be for the folder to stay; records: as in `RunFolder`.
    """
    if not (path / "run.toml").exists():
        return
    known = flat(tomllib.loads((path / "run.toml").read_text("utf-8")))
    if all(known.get(key) == digest for key, digest in digests.items()):
        return
    with closing(sqlite3.connect(path / "journal.sqlite", isolation_level=None)) as db:
        db.execute("DELETE FROM outcomes")
        db.execute("DROP TABLE IF EXISTS beside")
    for name in (records, *_BESIDE):
        (path / name).write_bytes(b"")
    for name in (ARTEFACTS, APART):
        (path / name).unlink(missing_ok=True)
    (path / "run.toml").unlink()  # last: killed before, this is done again


def _hold(file: BinaryIO, folder: Path) -> None:
    """Keep other processes out while this one runs: they would write over each other. A killed one lets go."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as trouble:
        raise FolderTrouble(
            f"another process is running in {folder}", do="let it end first, or choose another --out"
        ) from trouble
    except OSError:  # a file system without locks
        return


def line(values: dict[str, Any]) -> bytes:
    """One JSON line."""
    return to_json(values) + b"\n"


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs, in words. Where the file of cases lies is no difference: its content is compared."""
    differing = [key for key in sorted(old | new) if old.get(key) != new.get(key) and key != "cases.path"]
    return [f"{key}: there {old.get(key, 'nothing')!r}, now {new.get(key, 'nothing')!r}" for key in differing]


def flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
