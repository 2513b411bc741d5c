"""Where sessions and complaints come from, and how one finds the other."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from psyloom.agents.retrieval import Nearest, embedder_named
from psyloom.errors import BadRecord
from psyloom.records import FACETS, Case, Dialogue, Post, Turn, read_jsonl
from psyloom.systems.psydial.mask import CLIENT


def case_of(dialogue: Dialogue) -> Case:
    """A real session as a case to be rebuilt."""
    turns = [turn.model_dump(include={"speaker", "text"}) for turn in dialogue.turns]
    return Case(id=dialogue.id, lang=dialogue.lang, source=dialogue.source, extra={"session": turns})


def session_of(case: Case) -> list[Turn]:
    """The real session that a case brings, taken out of the case; empty when it brings none.

    Raises: BadRecord when ``extra.session`` is no list of turns.
    """
    given = case.extra.pop("session", [])
    try:
        return TypeAdapter(list[Turn]).validate_python(given)
    except ValidationError as trouble:
        error = trouble.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, ("extra.session", *error["loc"])))
        raise BadRecord(
            f"case {case.id!r}, {where}: {error['msg']}", do='a turn is {"speaker": "client", "text": "..."}'
        ) from None


def forget_client(case: Case) -> None:
    """Take everything out of a case that is about its client: a file of real sessions may hold more than the talk."""
    for facet in FACETS:
        setattr(case, facet, None)
    case.extra, case.opening, case.derived = {}, [], []


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
