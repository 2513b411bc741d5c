"""What the model answers in Reconstruct and Refine, and what becomes of it."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Element, Session, Turn
from psyloom.systems.psydial.mask import CLIENT, PLACEHOLDER

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Line(BaseModel):
    """What stands in place of one placeholder."""

    number: int = Field(ge=1)
    text: Text


class Reconstruction(BaseModel):
    """All client lines of a window."""

    lines: list[Line]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        turns: list[tuple[Any, str]] = []
        lines: list[dict[str, Any]] = []
        for who, text in actor.cue.turns:
            if gap := CLIENT.fullmatch(text):
                text = actor.utterance("client", turns, may_close=False)
                lines.append({"number": int(gap[1]), "text": text})
            turns.append((who, text))
        return {"lines": lines}


class Edit(BaseModel):
    """A counselor line that has to change, and why."""

    number: int = Field(ge=1)
    text: Text
    reason: Text


class Refinement(BaseModel):
    """The counselor lines that change; all others stay."""

    edits: list[Edit]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        turns, why = list(actor.cue.turns), actor.text("refine")
        gaps = [n for n, (who, text) in enumerate(turns, 1) if who == "counselor" and PLACEHOLDER.search(text)]
        said = {n: actor.utterance("counselor", turns[: n - 1], may_close=False) for n in gaps}
        return {"edits": [{"number": n, "text": text, "reason": why} for n, text in said.items()]}


def windows(turns: Sequence[Turn], exchanges: int) -> Iterator[list[Turn]]:
    """Yield the session in pieces of so many exchanges; several lines in a row by one side are one side of it."""
    window: list[Turn] = []
    for turn in turns:
        new_side = bool(window) and window[-1].speaker != turn.speaker
        if new_side and turn.speaker == window[0].speaker and Session(turns=window).exchanges() >= exchanges:
            yield window
            window = []
        window.append(turn)
    if window:
        yield window


def filled(window: Sequence[Turn], found: Reconstruction) -> list[Turn]:
    """A window with its placeholders filled."""
    new = {f"[CLIENT_{line.number}]": line.text for line in found.lines}
    return [Turn(speaker=turn.speaker, text=new.get(turn.text, turn.text)) for turn in window]


def refined(window: Sequence[Turn], found: Refinement) -> list[Turn]:
    """A window with its counselor edits, each with its reason as the thought behind it."""
    edits = {edit.number: edit for edit in found.edits if window[edit.number - 1].text != edit.text}
    return [
        Turn.counselor(edits[n].text).model_copy(update={"thought": [Element(name="refine", text=edits[n].reason)]})
        if n in edits
        else turn
        for n, turn in enumerate(window, 1)
    ]
