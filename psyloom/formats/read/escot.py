"""ESCoT (ACL 2024 long 723): ESD-CoT records and the instruction rows of its four settings.

A record is one supporter turn to predict: the talk before it, the chain of reasoning and the gold reply, which
becomes the last turn with the chain as its thought.
"""

import re
from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import labels, text
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._talk import dialogue, lines, session
from psyloom.records import Dialogue, Element, Session, Source, Turn

STRATEGIES = (
    "Question", "Restatement or Paraphrasing", "Reflection of Feelings", "Self-disclosure",
    "Affirmation and Reassurance", "Providing Suggestions", "Information", "Specify", "Summarize", "Imagery",
    "Immediacy", "Take Responsibility", "Homework Assignments",
)  # fmt: skip
# Element of the chain -> its heading in an instruction row.
CHAIN = {
    "emotion": "Emotion",
    "emotion_stimuli": "Emotion Stimulus",
    "individual_appraisal": "Individual Appraisal",
    "strategy_reason": "Strategy Reason",
}
_HEADING = re.compile(rf"^({'|'.join([*CHAIN.values(), 'Response'])}):[ \t]*\n?", re.MULTILINE)


def strategy_in(reason: str) -> str | None:
    """The strategy that a reason names: the first one in quotes, else the first found in any spelling."""
    quoted = (name for name in re.findall(r'"([^"]+)"', reason) if name.casefold() in map(str.casefold, STRATEGIES))
    if first := next(quoted, None):
        return str(first)
    places = {name: reason.casefold().find(name.casefold()) for name in STRATEGIES}
    found = [name for name, place in places.items() if place >= 0]
    return min(found, key=lambda name: (places[name], -len(name))) if found else None


def _read_record(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    source, chain = dict(_object(row, "original_data")), dict(_object(row, "cot_data"))
    told = session(item, "original_data.dialog", source.pop("dialog", None))
    thought = [Element(name=name, text=one) for name in CHAIN if (one := text(chain, name))]
    _add_reply(told, text(source, "response"), text(source, "strategy"), thought, chain)
    left = {key: part for key, part in (("original_data", source), ("cot_data", {})) if part}
    yield dialogue(item, told, own=text(row, "id"), extra={**left, **row})


def _read_instruction(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    told = lines(item, "input", row.pop("input"))
    blocks = blocks_of(row.pop("output"))
    thought = [Element(name=name, text=blocks[heading]) for name, heading in CHAIN.items() if heading in blocks]
    reason = blocks.get(CHAIN["strategy_reason"])
    _add_reply(told, blocks.get("Response"), strategy_in(reason) if reason else None, thought, {})
    own = text(row, "dialog_id")
    setting = "_".join(_short(heading) for heading in blocks)
    yield dialogue(item, told, own=f"{own}-{setting}", extra=row | {"dialog_id": own})


def blocks_of(output: str) -> dict[str, str]:
    """The headed blocks of an answer, in order: heading without colon -> text."""
    _, *parts = _HEADING.split(output)
    return {heading: body.strip() for heading, body in zip(parts[::2], parts[1::2], strict=True)}


def instruction_row(given: Dialogue) -> dict[str, Any]:
    """The instruction row again that a dialogue was read from, or would be: all of its last turn is the output."""
    *before, reply = given.turns
    names = {"client": "seeker", "counselor": "supporter"}
    blocks = [f"{CHAIN[one.name]}:\n{one.text}" for one in reply.thought] + [f"Response:\n{reply.text}"]
    own = str(given.extra.get("dialog_id") or given.id.removeprefix("escot-"))
    return {
        "instruction": given.extra.get("instruction", ""),
        "input": "\n".join(f"{names[turn.speaker]}: {turn.text}" for turn in before),
        "output": "\n".join(blocks),
        "dialog_id": int(own) if own.isdecimal() else own,
    }


def _add_reply(told: Session, reply: str | None, strategy: str | None, thought: list[Element], extra: Any) -> None:
    if reply is None:
        raise Unreadable("response", "is missing")
    named = labels("escot_strategy", strategy)
    told.turns.append(Turn(speaker="counselor", text=reply, labels=named, thought=thought, extra=extra))


def _object(row: dict[str, Any], key: str) -> dict[str, Any]:
    value = row.pop(key)
    if not isinstance(value, dict):
        raise Unreadable(key, "is not an object")
    return value


def _short(heading: str) -> str:
    return "".join(word[0] for word in heading.split()).lower() if " " in heading else heading[:2].lower()


FORMAT = Format(
    "escot",
    "ESD-CoT records and instruction rows",
    Source(name="ESD-CoT", licence="unknown", url="https://github.com/TeigenZhang/ESCoT", synthetic=True),
    (
        Layout("each", keys("original_data", "cot_data"), _read_record),
        Layout("each", keys("instruction", "input", "output", "dialog_id"), _read_instruction),
    ),
)
