"""Client Reactions (ACL 2023 long 577, the Xinling sessions): sentence labels as character spans."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from psyloom.formats.read._fields import label, some
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys, made
from psyloom.formats.read._talk import dialogue, session
from psyloom.knowledge import label_set, label_sets
from psyloom.records import Dialogue, ItemRating, Label, Rater, Rating, Record, Source, Speaker, Subject

# Label set -> its (fine, coarse) fields, as the released code and as the paper's schemes call them. A coarse label is
# the group of the fine one: it stands for itself only where the fine one is missing.
_SETS = {
    "client_reactions_strategy": (("fine_strategy", "strategy"), ("coarse_strategy", "intention")),
    "client_reaction": (("fine_behav_label", "behaviour", "behavior"), ("coarse_behav_label", "reaction")),
    "client_reactions_experience": (("experience_label",), ()),
}
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
        found += _labels(item, one, (start, end))
    message.update(some(annotation=odd or None))
    return {"labels": found}


def _labels(item: Item, one: dict[str, Any], span: tuple[int, int]) -> Iterator[Label]:
    for name, (fine, coarse) in _SETS.items():
        kept, group = (next((str(one[key]) for key in keys if one.get(key)), None) for keys in (fine, coarse))
        if not (word := kept or group):
            continue
        labels = label_set(name) if name in label_sets() else None
        if labels and kept and group and kept in labels and group in labels:
            above = labels.above(kept) or labels[kept]
            if above != labels[group]:
                item.note("annotation", f"{kept} is labelled as {group}, and belongs to {above.en}: taken so")
        yield label(name, word, span=span)


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
