"""Records of mixed kinds into JSON Lines files of one kind each."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psyloom.errors import FolderTrouble
from psyloom.formats.write.files import fresh
from psyloom.records import Record, to_line

_MAIN = ("dialogue", "case", "rating")


@dataclass(frozen=True)
class Saved:
    """One written file."""

    path: Path
    kind: str
    count: int


def save(records: Iterable[Record], out: Path | str) -> list[Saved]:
    """Write records as they come; other kinds than the main one (dialogue, else case) go beside ``out``.

    ``esconv.jsonl`` gets the dialogues, ``esconv.ratings.jsonl`` the ratings. Constant memory. The files appear when all
    is read: an error leaves none behind.
    Raises: FolderTrouble when a file cannot be written.
    """
    out = Path(out)
    counts: dict[str, int] = {}
    try:
        with ExitStack() as stack:
            open_files: dict[str, IO[bytes]] = {}
            for record in records:
                kind = record.kind
                if kind not in open_files:
                    part = stack.enter_context(fresh(_beside(out, kind)))
                    open_files[kind] = stack.enter_context(part.open("wb"))
                open_files[kind].write(to_line(record))
                counts[kind] = counts.get(kind, 0) + 1
        paths = {kind: _beside(out, kind) for kind in counts}
        if main := next((kind for kind in _MAIN if kind in counts), None):
            paths[main] = paths[main].replace(out)
    except OSError as trouble:
        raise FolderTrouble(f"cannot write {out}: {trouble.strerror}", do="choose another --out") from trouble
    return [Saved(paths[kind], kind, counts[kind]) for kind in sorted(counts, key=_MAIN.index)]


def _beside(out: Path, kind: str) -> Path:
    return out.with_name(f"{out.stem}.{kind}s{out.suffix}")
