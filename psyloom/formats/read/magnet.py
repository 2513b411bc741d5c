"""MAGneT (arXiv 2509.04183): the released sessions, the layout its script writes, and what its judges wrote."""

from collections.abc import Iterator
from typing import Any, Literal

from psyloom.formats.read._cbt import client
from psyloom.formats.read._fields import labels, some, text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, ItemRating, Rater, Rating, Source, Subject

# Instrument -> lowest and highest value.
_MOMENTS: tuple[Literal["before", "after"], ...] = ("before", "after")
_SCALES = {"ctrs": (0, 6), "wai": (1, 7), "panas": (1, 5)}


def _read_session(item: Item) -> Iterator[Dialogue]:
    """AI_client, AI_counselor, cbt_technique, cbt_plan, dialogue."""
    yield _dialogue(item, dict(item.value), "dialogue")


def _read_written(item: Item) -> Iterator[Dialogue]:
    """The same with the client under ``example``, the talk under ``history`` and a cost in USD."""
    row = dict(item.value)
    yield _dialogue(item, row | dict(row.pop("example")), "history")


def _dialogue(item: Item, row: dict[str, Any], key: str) -> Dialogue:
    told = session(item, key, row.pop(key), notes=some(cbt_plan=text(row, "cbt_plan")))
    technique, record = text(row, "cbt_technique"), {k: row.pop(k) for k in _CLIENT if k in row}
    # The planner often answers in sentences: only a bare name is a label.
    bare = technique is not None and len(technique) <= 60
    extra = row if bare or technique is None else {"cbt_technique": technique, **row}
    named = labels("magnet_cbt_technique", technique) if bare else []
    return dialogue(item, told, case=client(item, record), labels=named, extra=extra)


def _read_scores(item: Item) -> Iterator[Rating]:
    """CTRS {general_1_understanding ... cost}, WAI {wai1 ... cost} or PANAS {feeling: [...], attitude, cost}."""
    row = dict(item.value)
    instrument = _instrument(row) or "ctrs"
    feelings = row.pop("feeling", None)
    values = dict(enumerate(feelings, 1)) if isinstance(feelings, list) else _numbers(row)
    moment = next((m for m in _MOMENTS if m in item.file.name.lower()), None)
    yield Rating(
        id="-".join(filter(None, (item.id(), instrument, moment))),
        # The judges write one file a session, under the session's name.
        subject=Subject(dialogue=item.id(item.file.place.rpartition("/")[2]), moment=moment),
        rater=Rater(kind="model", name="unknown"),
        instrument=instrument,
        scale=_SCALES[instrument],
        items=[ItemRating(item=str(name), value=value) for name, value in values.items()],
        extra=row,
    )


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    names = [key for key, value in row.items() if key != "cost" and isinstance(value, int | float)]
    return {name: row.pop(name) for name in names}


def _instrument(row: dict[str, Any]) -> str | None:
    if isinstance(row.get("feeling"), list):
        return "panas"
    return "wai" if "wai1" in row else "ctrs" if any(key.startswith("general_1") for key in row) else None


_CLIENT = ("AI_client", "AI_counselor", "ground_truth_CBT")

FORMAT = Format(
    "magnet",
    "MAGneT sessions and judgments",
    Source(
        name="MAGneT",
        licence="Apache-2.0; its client records GPL-2.0",
        url="https://github.com/UKPLab/arxiv2025-magnet",
        synthetic=True,
    ),
    (
        Layout("each", keys("AI_client", "AI_counselor", "dialogue"), _read_session),
        Layout("each", keys("example", "history", "cost"), _read_written),
        Layout("each", keys("cost", test=lambda row: _instrument(row) is not None), _read_scores),
    ),
)
