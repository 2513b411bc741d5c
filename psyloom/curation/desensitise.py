"""Taking private data out: what `psyloom.safety.private` knows by its form, in everything that a dialogue holds."""

from collections.abc import Iterator
from typing import Any, Literal

from psyloom.curation.findings import Finding, reworded
from psyloom.records import Case, Dialogue
from psyloom.safety.private import private

Mode = Literal["tag", "drop"]


def desensitise(dialogue: Dialogue, mode: Mode = "tag") -> Iterator[Finding]:
    """Replace private data by ``[PHONE]`` and its like, or cut them; what is found counts as many times as it stands there.

    Messages, summaries, notes, the case and what is left over are gone through; ids, source and lineage are not.
    Forms are found, not meanings: a nickname or a rare event stays.
    """
    index = 0
    for session in dialogue.sessions:
        for at, turn in enumerate(session.turns):
            text, found = scrubbed(turn.text, mode)
            if found:
                session.turns[at] = reworded(turn, text)
            yield from (Finding("r4", "fixed", kind, index) for kind in found)
            index += 1
        session.summary, found = scrubbed(session.summary, mode) if session.summary else (session.summary, [])
        session.notes, more = _everywhere(session.notes, mode)
        yield from (Finding("r4", "fixed", kind) for kind in (*found, *more))
    dialogue.extra, found = _everywhere(dialogue.extra, mode)
    if dialogue.case:
        body, more = _everywhere(dialogue.case.model_dump(exclude={"id", "source"}), mode)
        dialogue.case = Case.model_validate({**body, "id": dialogue.case.id, "source": dialogue.case.source})
        found = [*found, *more]
    yield from (Finding("r4", "fixed", kind) for kind in found)


def scrubbed(text: str, mode: Mode = "tag") -> tuple[str, list[str]]:
    """(text without private data, kind of each that stood there)."""
    kinds: list[str] = []
    # What is cut may bring two halves together: as long as something is found, look again.
    while places := sorted(private(text), key=lambda one: one[1]):
        kinds += [kind for kind, _, _ in places]
        for kind, start, end in reversed(places):
            text = text[:start] + (f"[{kind.upper()}]" if mode == "tag" else "") + text[end:]
    return text, kinds


def _everywhere(value: Any, mode: Mode) -> tuple[Any, list[str]]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        return scrubbed(value, mode)
    if isinstance(value, list):
        pairs = [_everywhere(one, mode) for one in value]
        return [one for one, _ in pairs], [kind for _, kinds in pairs for kind in kinds]
    if isinstance(value, dict):
        parts = {key: _everywhere(one, mode) for key, one in value.items()}
        return {key: one for key, (one, _) in parts.items()}, [kind for _, kinds in parts.values() for kind in kinds]
    return value, []
