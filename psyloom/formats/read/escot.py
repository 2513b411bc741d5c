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
from psyloom.knowledge import LabelSet, Term, label_set
from psyloom.records import Dialogue, Element, Lang, Session, Source, Speaker, Turn

STRATEGIES = label_set("escot_strategy")
# Element of the chain -> its heading in an instruction row; the Chinese ones are ours.
HEADINGS: dict[Lang, dict[str, str]] = {
    "en": {
        "emotion": "Emotion",
        "emotion_stimuli": "Emotion Stimulus",
        "individual_appraisal": "Individual Appraisal",
        "strategy_reason": "Strategy Reason",
        "response": "Response",
    },
    "zh": {
        "emotion": "情绪",
        "emotion_stimuli": "情绪诱因",
        "individual_appraisal": "个体评价",
        "strategy_reason": "策略理由",
        "response": "回应",
    },
}
CHAIN = tuple(HEADINGS["en"])[:-1]
_ELEMENT = {heading: name for headings in HEADINGS.values() for name, heading in headings.items()}
_NAMES: dict[Lang, dict[Speaker, str]] = {
    "en": {"client": "seeker", "counselor": "supporter"},
    "zh": {"client": "求助者", "counselor": "支持者"},
}
_HEADING = re.compile(rf"^({'|'.join(_ELEMENT)})[:：][ \t]*\n?", re.MULTILINE)


def strategies_in(reason: str, labels: LabelSet = STRATEGIES) -> list[Term]:
    """The strategies that a reason names, in their order: those in quotes, else those found at all, in en or zh."""
    by_name = {name.casefold(): term for term in labels.terms for name in (term.en, term.zh)}
    reason = reason.casefold()
    quoted = [by_name[word] for word in re.findall(r'["“「]([^"“”「」]+)["”」]', reason) if word in by_name]
    places = sorted((reason.find(name), -len(name), name) for name in by_name if name in reason)
    return quoted or [by_name[name] for *_, name in places]


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
    thought = [Element(name=name, text=blocks[name]) for name in CHAIN if name in blocks]
    named = strategies_in(blocks.get("strategy_reason", ""))
    _add_reply(told, blocks.get("response"), named[0].en if named else None, thought, {})
    own = text(row, "dialog_id")
    setting = "_".join(_short(HEADINGS["en"][name]) for name in blocks)
    yield dialogue(item, told, own=f"{own}-{setting}", extra=row | {"dialog_id": own})


def blocks_of(output: str) -> dict[str, str]:
    """The headed blocks of an answer, in order: element -> text."""
    _, *parts = _HEADING.split(output)
    return {_ELEMENT[heading]: body.strip() for heading, body in zip(parts[::2], parts[1::2], strict=True)}


def instruction_row(given: Dialogue) -> dict[str, Any]:
    """The instruction row again that a dialogue was read from, or would be: all of its last turn is the output."""
    *before, reply = given.turns
    names, colon = (_NAMES[given.lang], "：") if given.lang == "zh" else (_NAMES["en"], ": ")
    heads, steps = HEADINGS[given.lang], [*reply.thought, Element(name="response", text=reply.text)]
    blocks = [f"{heads[one.name]}{colon.rstrip()}\n{one.text}" for one in steps]
    own = str(given.extra.get("dialog_id") or given.id.removeprefix("escot-"))
    return {
        "instruction": given.extra.get("instruction", ""),
        "input": "\n".join(f"{names[turn.speaker]}{colon}{turn.text}" for turn in before),
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
