"""Review of support dialogues that follow a path of strategies (CPsDD): what is accepted, and which rule the others break.

The rules are those of `psyloom.systems.cadss.inspection`, and one that needs the whole file: no duplicates.
"""

from collections.abc import Iterable, Iterator

from psyloom.curation.duplicates import BITS, Duplicates
from psyloom.records import Dialogue
from psyloom.systems.cadss.inspection import Fault, faults

NEAR = 2
"""Bits of SimHash: so far apart, or less, is a duplicate."""


def review(dialogues: Iterable[Dialogue]) -> Iterator[tuple[Dialogue, list[Fault]]]:
    """Yield each dialogue with the rules it breaks; none: it is accepted. ``quality.apart`` says why one is not."""
    known = Duplicates(1 - (NEAR + 1) / BITS)
    for dialogue in dialogues:
        found = list(faults(dialogue))
        if twin := known.twin(dialogue):
            found.append(("duplicate", f"of {twin}"))
        dialogue.quality.apart = "; ".join(f"{rule}: {what}" for rule, what in found) or None
        yield dialogue, found
