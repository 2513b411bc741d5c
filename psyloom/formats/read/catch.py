"""CATCH (arXiv 2509.25733, SoulChat-R1): dialogues with stages, and replies with their chain of thought."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._exchange import exchange
from psyloom.formats.read._fields import labels, text
from psyloom.formats.read._format import Format, Item, Layout, keys, mentions
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Element, Source, Speaker

# The three paragraphs of a chain of thought, after the agents that wrote them.
CHAIN = ("memory", "global_plan", "strategy_reasoning")


def elements(thought: str) -> list[Element]:
    """A chain of thought, one element a paragraph; as one element when there are not three."""
    paragraphs = [part.strip() for part in thought.split("\n\n") if part.strip()]
    if len(paragraphs) == len(CHAIN):
        return [Element(name=name, text=paragraph) for name, paragraph in zip(CHAIN, paragraphs, strict=True)]
    return [Element(name="think", text="\n\n".join(paragraphs))] if paragraphs else []


def _stage(message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    return {"labels": labels("catch_stage", message.pop("stage", None))}


def _read_dialogue(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    target = text(row, "consultation_target")
    notes = {"consultation_target": target} if target else {}
    told = session(item, "conversation", row.pop("conversation"), dress=_stage, notes=notes)
    yield dialogue(item, told, own=text(row, "dialogue_id"), extra=row)


def _read_thought(item: Item) -> Iterator[Dialogue]:
    """One row for each counselor turn; the thought is that of the last turn."""
    row = dict(item.value)
    told = exchange(item, row)
    reply = told.turns[-1]
    reply.thought = elements("\n\n".join(one.text for one in reply.thought))
    yield dialogue(item, told, extra=row)


# The manual of single-session therapy stands in the system prompt of every row.
_about_one_session = mentions("SST", "Single-Session", "一次单元", "单次咨询")


def _thinks(row: dict[str, Any]) -> bool:
    return "<think>" in str(row["output"])[:40]


FORMAT = Format(
    "catch",
    "CATCH dialogues and chains of thought",
    Source(name="CATCH", licence="Apache-2.0", url="https://github.com/scutcyr/SoulChat-R1", synthetic=True),
    (
        Layout("each", keys("dialogue_id", "consultation_target", "conversation"), _read_dialogue),
        Layout(
            "each", keys("instruction", "system", "output", "history", test=_thinks), _read_thought, _about_one_session
        ),
    ),
    lang="zh",
)
