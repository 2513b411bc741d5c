"""Seeded splits in which no group stands on two sides.

A group's split is drawn from a hash of seed and group, so it is the same on every machine, in every order, for every
subset of the file, and needs no memory. The shares are therefore met on average, not to the dialogue. Papers that
number their dialogues and cut by number are followed with by=number.
"""

import re
import unicodedata
from hashlib import blake2b
from itertools import accumulate

from psyloom.errors import MissingFacet, UsageError
from psyloom.formats.write.options import SPLITS, ExportOptions, Split
from psyloom.records import Dialogue

SOURCE_IDS = ("question_id", "questionID", "source_id", "post_id")
"""Names under which ``extra`` of a case or dialogue may hold the id of the question it was made from."""


def split_of(dialogue: Dialogue, options: ExportOptions) -> Split:
    """The split of a dialogue; 'train' when no splits are asked for.

    Raises:  MissingFacet when the dialogue does not say which client or question it belongs to, or has no number;
             UsageError for a number that lies in no split.
    """
    if options.splits is None:
        return "train"
    if options.by == "number":
        return _numbered(dialogue, options.splits)
    drawn = _draw(f"{options.seed}\0{options.by}\0{group_of(dialogue, options)}") * sum(options.splits)
    upto = 0.0
    for split, share in zip(SPLITS, options.splits, strict=True):
        upto += share
        if drawn < upto:
            return split
    # Rounding may leave the sum a hair under the whole: the last split that has a share takes what lies there.
    return next(split for split, share in zip(SPLITS[::-1], options.splits[::-1], strict=True) if share)


def _numbered(dialogue: Dialogue, counts: tuple[float, float, float]) -> Split:
    number = re.search(r"[0-9]+$", dialogue.id)
    if number is None:
        raise MissingFacet(f"the id of dialogue {dialogue.id!r} does not end in a number", do="split by something else")
    for split, upto in zip(SPLITS, accumulate(counts), strict=True):
        if 1 <= int(number[0]) <= upto:
            return split
    raise UsageError(
        f"dialogue {dialogue.id!r} has no place among the numbers 1 to {sum(counts):g}", do="mend the splits or the id"
    )


def group_of(dialogue: Dialogue, options: ExportOptions) -> str:
    """What must stay together: the dialogue, the client or the source question, as one comparable text."""
    if options.by == "dialogue":
        return dialogue.id
    found = _client(dialogue) if options.by == "client" else _question(dialogue)
    if found is None:
        lacks = "a case" if options.by == "client" else "case.post or a source id in extra"
        raise MissingFacet(
            f"dialogue {dialogue.id!r} does not say which {options.by} it belongs to: it has not {lacks}",
            do="split by dialogue, or leave such dialogues out",
        )
    return found


def _client(dialogue: Dialogue) -> str | None:
    # The name comes first: one client often stands in several cases. Namesakes then share a split, which is harmless.
    if dialogue.case is None:
        return None
    name = dialogue.case.get("demographics.name")
    return f"name {_plain(name)}" if name and name.strip() else f"case {dialogue.case.id}"


def _question(dialogue: Dialogue) -> str | None:
    if dialogue.case and dialogue.case.post:
        return f"text {_plain(dialogue.case.post.text)}"
    for extra in (dialogue.case.extra if dialogue.case else {}, dialogue.extra):
        for name in SOURCE_IDS:
            if isinstance(found := extra.get(name), str | int):
                return f"id {found}"
    return None


def _plain(text: str) -> str:
    """Text without what copies differ in: width, case and white space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _draw(key: str) -> float:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) / 2**64
