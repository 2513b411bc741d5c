"""Deriving a facet that a role needs from the facets that a case has."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, create_model

from psyloom.agents.ask import Ask, Check
from psyloom.agents.dials import nobody_says
from psyloom.agents.roles import Role
from psyloom.agents.sight import Sight
from psyloom.errors import MissingFacet
from psyloom.records import FACETS, Case, Facet, Lang

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

_OTHERS = "answers"  # of a post: not the client's own words, so they are made up only where a role cannot do without
_NOT_KNOWN: dict[Lang, str] = {"en": "unknown", "zh": "不详"}
_EMPTY: dict[Lang, str] = {"en": "{} must not be empty", "zh": "{} 不能空着"}


class _Wanted(Facet):
    """A facet as it is asked for."""

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        """The case's sentences, one after the other, where a client could have said them: of its age they tell nothing."""

        def text(node: dict[str, Any], name: str) -> str:
            label = name == "name" or nobody_says(cls.__name__.lower(), name)
            return _NOT_KNOWN[actor.cue.lang] if label else actor.retold()

        found: dict[str, Any] = actor.fill(text=text)
        return found


class Deriver(Role):
    """Reads the whole case and writes one facet of it."""

    sight: ClassVar[Sight] = {"deriver": frozenset(FACETS)}


def lacking(case: Case, needs: Iterable[str]) -> list[str]:
    """The needs that ``case`` does not meet, sorted. Blank text meets none, nor does a list of what holds only such."""
    return sorted(need for need in needs if _blank(case.get(need)))


def _blank(value: Any) -> bool:
    """Is there nothing to read? A record that must have a text has nothing without it."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, BaseModel):
        needed = [name for name, field in type(value).model_fields.items() if field.is_required()]
        return bool(needed) and all(_blank(getattr(value, name)) for name in needed)
    if isinstance(value, list | dict):
        return all(map(_blank, value.values() if isinstance(value, dict) else value))
    return value is None


async def derive(case: Case, needs: Iterable[str], ask: Ask) -> None:
    """Fill in what ``case`` lacks, one typed call a facet; the case lists it under ``derived``.

    Raises: MissingFacet when the case has nothing to derive from; AnswerRejected when a need stays empty.
    """
    needs = list(needs)
    if not any(_known(case)):
        raise MissingFacet(
            f"case {case.id!r} has no facet to derive from", do="give it a post, an intake form or another facet"
        )
    wanting = {need.split(".")[0] for need in lacking(case, needs)}
    # What the client writes itself before what lies deeper, and each with those before it known: they must agree.
    for facet in sorted(wanting, key=FACETS.index):
        known = "\n".join(f"{path}: {value}" for path, value in _known(case))
        own = [need for need in needs if need.split(".")[0] == facet]
        wanted, check = _wanted(facet, f"{facet}.{_OTHERS}" in own), _fills(case, facet, own, ask.lang)
        found = await ask.as_(Deriver())("derive", wanted, check=check, facet=facet, needed=own, known=known)
        setattr(case, facet, _completed(case, facet, found))
        case.derived.append(facet)


def _known(case: Case) -> Iterator[tuple[str, Any]]:
    """(dotted path, text or number) of everything that is filled in."""
    return _leaves("", case.model_dump(include=set(FACETS), exclude_defaults=True))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(path, inner)
    elif not _blank(value):
        yield path, value


def _fills(case: Case, facet: str, needs: Iterable[str], lang: Lang) -> Check:
    """The rule that the facet, together with what the case had of it, leaves no need unmet."""

    def left_empty(found: Facet) -> str | None:
        tried = _completed(case, facet, found)
        empty = [facet] if not any(_leaves("", tried.model_dump(exclude_defaults=True))) else []
        empty += lacking(case.model_copy(update={facet: tried}), needs)
        return _EMPTY[lang].format(empty[0]) if empty else None

    return left_empty


def _completed(case: Case, facet: str, found: Facet) -> Facet:
    """What was found, but wherever the case had something of its own, that."""
    old: Facet | None = getattr(case, facet)
    own = old.model_dump(exclude_defaults=True) if old else {}
    kept = {name: value for name, value in own.items() if not _blank(value)}
    return _kind(facet).model_validate(found.model_dump() | kept)


@cache
def _wanted(facet: str, others: bool) -> type[Facet]:
    """The facet, with or without what is not the client's own."""
    kind = _kind(facet)
    fields: dict[str, Any] = {n: (f.annotation, f) for n, f in kind.model_fields.items() if others or n != _OTHERS}
    return create_model(kind.__name__, __base__=_Wanted, **fields)


def _kind(facet: str) -> type[Facet]:
    """The class of a facet, from the case's own annotations."""
    annotation = Case.model_fields[facet].annotation
    return next(
        kind
        for kind in getattr(annotation, "__args__", (annotation,))
        if isinstance(kind, type) and issubclass(kind, Facet)
    )
