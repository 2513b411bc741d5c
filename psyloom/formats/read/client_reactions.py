"""Client Reactions (ACL 2023 long 577, the Xinling sessions): sentence labels as character spans."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from psyloom.formats.read._fields import label, some
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys, made
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, ItemRating, Label, Rater, Rating, Record, Source, Speaker, Subject

# Field of an annotation -> kind of label, as the released code and as the paper's schemes call it.
_KINDS = {
    "coarse_strategy": "intention", "fine_strategy": "strategy",
    "coarse_behav_label": "reaction", "fine_behav_label": "behavior", "experience_label": "experience",
    "intention": "intention", "strategy": "strategy", "reaction": "reaction", "behaviour": "behavior",
}  # fmt: skip
_SPLITS = ("train", "valid", "test")


def _spans(item: Item, message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    said = str(message.get("text") or "")
    lead, end_of_text = len(said) - len(said.lstrip()), len(said.strip())
    found: list[Label] = []
    odd: list[Any] = []
    for one in message.pop("annotation", None) or []:
        start, end = one.get("start", 0) - lead, one.get("end", 0) - lead
        if not 0 <= start < end <= end_of_text:
            item.note("annotation", f"span {start}-{end} lies outside the text (0-{end_of_text}): put into extra")
            odd.append(one)
            continue
        words = {kind: one[key] for key, kind in _KINDS.items() if one.get(key)}
        found += [label(f"client_reactions_{kind}", word, span=(start, end)) for kind, word in words.items()]
    message.update(some(annotation=odd or None))
    return {"labels": found}


def _read_session(item: Item) -> Iterator[Dialogue | Rating]:
    """Neighboring messages of one speaker are merged in ``concate_session``; the raw ones stay in extra beside it."""
    row = dict(item.value)
    field = next((key for key in ("concate_session", "turns", "raw_session") if row.get(key)), "concate_session")
    told = session(item, field, row.pop(field, []), dress=partial(_spans, item))
    survey = row.pop("survey", None)
    found = dialogue(item, told, own=row.pop("session_id", None), extra=row)
    yield found
    if survey:
        yield Rating(
            id=f"{found.id}-survey",
            subject=Subject(dialogue=found.id),
            rater=Rater(kind="human", name="client", perspective="client"),
            instrument="client_reactions_survey",
            scale=(1, 5),
            items=[ItemRating(item=str(at), value=value) for at, value in enumerate(survey, 1)],
        )


def _read_splits(item: Item) -> Iterator[Record]:
    """One object with all sessions of the three splits; a session that fails does not take the others along."""
    for split in _SPLITS:
        sessions = item.value.get(split, [])
        if not isinstance(sessions, list):
            raise Unreadable(split, "is not a list of sessions")
        for at, one in enumerate(sessions, 1):
            own = {"session_id": f"{split}-{at}", **one}
            yield from made(_read_session, replace(item, value=own, number=at, alone=False))


def _has_sessions(row: dict[str, Any]) -> bool:
    sessions = row["train"]
    return isinstance(sessions, list) and any("concate_session" in one for one in sessions[:1] if isinstance(one, dict))


def _has_survey(row: dict[str, Any]) -> bool:
    if not isinstance(row["turns"], list):
        return False
    return "survey" in row or any("annotation" in one for one in row["turns"] if isinstance(one, dict))


FORMAT = Format(
    "client_reactions",
    "Client Reactions (Xinling) sessions",
    Source(
        name="Xinling",
        licence="closed: non-profit research on request",
        url="https://github.com/dll-wu/Client-Reactions",
        synthetic=False,
    ),
    (
        Layout("each", keys("train", test=_has_sessions), _read_splits),
        Layout("each", keys("concate_session"), _read_session),
        Layout("each", keys("session_id", "turns", test=_has_survey), _read_session),
    ),
    lang="zh",
)
