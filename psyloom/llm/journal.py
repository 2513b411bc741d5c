"""The journal: every answered call is committed before its result is used.

Systems are deterministic given answers, so a run that was killed and is started again replays what is
answered, repeats no paid call, and ends with the same dialogues.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

from pydantic_core import from_json, to_json

from psyloom.errors import FolderTrouble
from psyloom.llm.model import Answer, Call, Model

# Seconds that answers wait for company: a commit costs the same for one as for fifty, a millisecond is lost in
# any model's latency.
_GATHER = 0.001
_RECALL = "SELECT answer FROM answers WHERE rowid = (SELECT at FROM past WHERE key = ?)"


class Journal:
    """Answers by key in one SQLite file (WAL). Answers that arrive together are committed together."""

    def __init__(self, path: Path) -> None:
        try:
            self.db = sqlite3.connect(path, isolation_level=None)
            # Against a killed process WAL is safe without a sync per commit; NORMAL syncs at checkpoints.
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
            # Appended to and never looked up while it grows: keys do not repeat within one start of a run. An index,
            # for answers of earlier starts alone, is made beside it when there are some.
            self.db.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB NOT NULL, answer BLOB NOT NULL)")
            self._has_past = self.db.execute("SELECT 1 FROM answers LIMIT 1").fetchone() is not None
            if self._has_past:
                self.db.execute("CREATE TEMP TABLE past (key BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID")
                self.db.execute("INSERT OR IGNORE INTO past SELECT key, rowid FROM answers")
        except sqlite3.Error as trouble:
            raise FolderTrouble(
                f"cannot write {path}: {trouble}", do="choose a folder you may write to, with space left"
            ) from trouble
        self._waiting: list[tuple[bytes, bytes, asyncio.Future[None]]] = []
        self.replayed = 0

    def recall(self, key: bytes) -> Answer | None:
        """The answer that an earlier start of the run filed under ``key``, or None.

        Raises: FolderTrouble when the file cannot be read.
        """
        if not self._has_past:
            return None
        try:
            row = self.db.execute(_RECALL, (key,)).fetchone()
        except sqlite3.Error as trouble:
            raise FolderTrouble(
                f"the journal cannot be read: {trouble}", do="see that its disk is there, and start again"
            ) from trouble
        if row is None:
            return None
        self.replayed += 1
        return Answer(**from_json(row[0]))

    async def record(self, key: bytes, answer: Answer) -> None:
        """File ``answer`` under ``key``; returns once it is committed. Raises FolderTrouble when it cannot be."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_later(_GATHER, self._commit)
        self._waiting.append((key, to_json(answer), done))
        await done

    def _commit(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            self.db.execute("BEGIN IMMEDIATE")
            self.db.executemany("INSERT INTO answers VALUES (?, ?)", [(key, body) for key, body, _ in batch])
            self.db.execute("COMMIT")
        except sqlite3.Error as trouble:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            failure = FolderTrouble(
                f"the journal cannot be written: {trouble}", do="make space and start the same command again"
            )
            self._settle(batch, lambda done: done.set_exception(failure))
        else:
            self._settle(batch, lambda done: done.set_result(None))

    @staticmethod
    def _settle(
        batch: list[tuple[bytes, bytes, asyncio.Future[None]]], settle: Callable[[asyncio.Future[None]], None]
    ) -> None:
        for _, _, done in batch:
            if not done.done():
                settle(done)

    def close(self) -> None:
        if self._waiting:
            self._commit()
        self.db.close()


class Journaled:
    """A model whose answers are remembered. Model in, Model out."""

    def __init__(self, model: Model, journal: Journal) -> None:
        self.model, self.journal, self.name = model, journal, model.name

    async def __call__(self, call: Call, /) -> Answer:
        key = call.key(self.name)
        if (known := self.journal.recall(key)) is not None:
            return known
        answer = await self.model(call)
        await self.journal.record(key, answer)
        return answer

    async def aclose(self) -> None:
        await self.model.aclose()
