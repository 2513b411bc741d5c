"""What the systems share that start from a real session: it comes in with a case, and leaves it before anything is asked."""

from pydantic import TypeAdapter, ValidationError

from psyloom.errors import BadRecord
from psyloom.records import FACETS, Case, Dialogue, Turn


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
