"""The annotated treatment that DiaCBT's blocks follow: which strategies each of the counselor's messages has."""

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from psyloom.errors import BadRecord
from psyloom.records import Dialogue, Lang, Session, read_jsonl
from psyloom.systems.diacbt.record import PLAN, STRATEGIES


@dataclass(frozen=True)
class Segment:
    """One exchange of the annotated treatment: the counselor's strategies, and the words where there are some."""

    strategies: tuple[str, ...]
    counselor: str = ""
    client: str = ""


@cache
def invented() -> dict[str, dict[str, dict[Lang, str]]]:
    """Strategy -> side -> language -> words: one invented exchange for each strategy."""
    return tomllib.loads((Path(__file__).parent / "segments.toml").read_text("utf-8"))


def segments_of(session: Session) -> list[Segment]:
    """A labelled session as exchanges. Messages in a row are joined; a message without labels has those before it."""
    found: list[Segment] = []
    for turn in session.turns:
        if turn.speaker == "client":
            if found:
                found[-1] = replace(found[-1], client=f"{found[-1].client}\n{turn.text}".strip())
            continue
        terms = [term for one in turn.labels if one.set == STRATEGIES.id and (term := STRATEGIES.find(one.id))]
        names = tuple(dict.fromkeys(term.id for term in terms)) or (found[-1].strategies if found else ("other",))
        if found and not found[-1].client:
            last = found.pop()
            names = tuple(dict.fromkeys((*last.strategies, *names)))
            found.append(Segment(names, f"{last.counselor}\n{turn.text}"))
        else:
            found.append(Segment(names, turn.text))
    return found


@cache
def treatment(exemplar: Path | None) -> tuple[tuple[Segment, ...], ...]:
    """The sessions of an annotated treatment; without a file the bundled plan, which has strategies and no words.

    Raises: BadRecord for a file without a labelled dialogue.
    """
    if exemplar is None:
        return tuple(tuple(Segment(tuple(dict.fromkeys(s))) for s in stage.messages()) for stage in PLAN.stages)
    dialogue = next(iter(read_jsonl(exemplar, Dialogue)), None)
    if dialogue is None or not any(one.set == STRATEGIES.id for turn in dialogue.turns for one in turn.labels):
        what = f"{exemplar} holds no dialogue labelled with {STRATEGIES.id}"
        raise BadRecord(what, do="give a JSON Lines file with one annotated treatment")
    return tuple(tuple(segments_of(session)) for session in dialogue.sessions)


def _readable(path: Path) -> Path:
    treatment(path)
    return path


TreatmentFile = Annotated[Path, AfterValidator(_readable)]
"""A file that holds an annotated treatment: one that does not is refused as an option, before anything is asked."""
