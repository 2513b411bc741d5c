"""Where complaints come from, and how sessions and complaints find each other."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from psyloom.agents.retrieval import Nearest, embedder_named
from psyloom.records import Case, Dialogue, Post, Turn, read_jsonl
from psyloom.systems.psydial.mask import CLIENT


def spoken(turns: Sequence[Turn]) -> str:
    """What a session is about: the client's words, or the counselor's where the client is masked."""
    client = [turn.text for turn in turns if turn.speaker == "client" and not CLIENT.fullmatch(turn.text)]
    return "\n".join(client or [turn.text for turn in turns if turn.speaker == "counselor"])


def complaint_text(post: Post | None) -> str:
    return f"{post.title or ''}\n{post.text}" if post else ""


@cache
def complaints(file: Path, embedder: str) -> tuple[list[Case], Nearest]:
    """The pool of public complaints and its index."""
    pool = [case for case in read_jsonl(file, Case) if case.post]
    return pool, Nearest([complaint_text(case.post) for case in pool], embed=embedder_named(embedder), metric="cosine")


@cache
def sessions(file: Path, embedder: str) -> tuple[list[Dialogue], Nearest]:
    """The sessions that posts may be rebuilt on, and their index."""
    pool = list(read_jsonl(file, Dialogue))
    return pool, Nearest([spoken(dialogue.turns) for dialogue in pool], embed=embedder_named(embedder), metric="cosine")
