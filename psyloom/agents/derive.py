"""Deriving a facet that a role needs from the facets that a case has."""

from collections.abc import Iterable
from typing import ClassVar

from psyloom.agents.ask import Ask
from psyloom.agents.roles import Role
from psyloom.agents.sight import Sight
from psyloom.errors import MissingFacet
from psyloom.records import FACETS, Case, Facet


class Deriver(Role):
    """Reads the whole case and writes one facet of it."""

    sight: ClassVar[Sight] = {"deriver": frozenset(FACETS)}


def lacking(case: Case, needs: Iterable[str]) -> list[str]:
    """The needs that ``case`` does not meet, sorted."""
    return sorted(need for need in needs if case.get(need) in (None, "", [], {}))


async def derive(case: Case, needs: Iterable[str], ask: Ask) -> None:
    """Fill in what ``case`` lacks, one typed call a facet; the case lists it under ``derived``.

    Raises: MissingFacet when the case has nothing to derive from.
    """
    known = "\n".join(f"{path}: {text}" for path, text in case.leaves())
    if not known:
        raise MissingFacet(
            f"case {case.id!r} has no facet to derive from", do="give it a post, an intake form or another facet"
        )
    for facet in dict.fromkeys(need.split(".")[0] for need in lacking(case, needs)):
        kind = _kind(facet)
        found = await ask.as_(Deriver())("derive", kind, facet=facet, known=known, about=(kind.__doc__ or "").strip())
        old = getattr(case, facet)
        kept = old.model_dump(exclude_defaults=True) if old else {}
        setattr(case, facet, kind.model_validate(found.model_dump() | kept))
        case.derived.append(facet)


def _kind(facet: str) -> type[Facet]:
    """The class of a facet, from the case's own annotations."""
    annotation = Case.model_fields[facet].annotation
    return next(
        kind
        for kind in getattr(annotation, "__args__", (annotation,))
        if isinstance(kind, type) and issubclass(kind, Facet)
    )
