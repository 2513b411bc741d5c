"""Training examples: dialogues cut into what a model reads and what it learns to say.

Every writer for a trainer stands on this one cut, so its laws hold for all of them: a history holds only messages
that came before the target in the same dialogue, nobody's thought is part of a history, and a masked turn is never
learned.

Two conventions live in ``Turn.extra`` of the turns that are learned:
    weight    number >= 0: loss weight of the turn; 0 masks it; 1 when missing
    rejected  list of texts: worse alternatives to the turn, for preference pairs
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from math import isfinite
from typing import Literal

from psyloom.errors import BadRecord, UsageError
from psyloom.formats.write.options import ExportOptions, Unit
from psyloom.records import Dialogue, Lang, Turn

Role = Literal["user", "assistant"]
Mark = Literal["no", "mask", "weight"]

JOINT = "\n"  # between messages of one speaker that are merged


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an example. ``weight`` 0 means: read, not learned."""

    role: Role
    text: str
    turn: int
    """Index of its (first) turn in the dialogue."""
    weight: float = 0.0
    thought: str = ""
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """Messages in order. With one example per turn the last one is the target and the others are its history."""

    id: str
    lang: Lang
    system: str
    messages: tuple[Message, ...]

    @property
    def history(self) -> tuple[Message, ...]:
        return self.messages[:-1]

    @property
    def target(self) -> Message:
        return self.messages[-1]


@dataclass(frozen=True)
class Plan:
    """What the options and the format agreed on; nothing is left open in it."""

    options: ExportOptions
    unit: Unit
    strict: bool
    """The target demands: user first, a learned message last."""
    merge: bool
    mark: Mark
    """What is written about the loss: nothing, 0 or 1, any weight."""
    system_of: Callable[[Dialogue], str]


def own_system(dialogue: Dialogue) -> str:
    """The system prompt a dialogue carries: ``extra['system']`` of one that was read, else the lineage's option."""
    kept = dialogue.extra.get("system")
    if not kept and dialogue.lineage:
        kept = dialogue.lineage.options.get("system_prompt")
    return kept if isinstance(kept, str) else ""


def thought_text(turn: Turn, lang: Lang, by: str | None = None) -> str:
    """The reasoning before a reply as one text; a lone element needs no name. ``by``: whose, see `Turn.reasoning`."""
    told = turn.reasoning(by)
    if len(told) == 1:
        return told[0].text
    colon = "：" if lang == "zh" else ": "
    return "\n".join(f"{element.name}{colon}{element.text}" for element in told)


def with_thought(text: str, thought: str) -> str:
    """A reply with its reasoning before it, in the form reasoning models are trained on."""
    return f"<think>\n{thought}\n</think>\n\n{text}" if thought else text


def cut(dialogue: Dialogue, plan: Plan) -> Iterator[Example]:
    """Yield the examples of one dialogue; none when nobody's message in it can be learned.

    Raises:  BadRecord for an ``extra`` that breaks the conventions above; UsageError for a weight the target cannot
             carry.
    """
    system = plan.system_of(dialogue)
    for number, talk in enumerate(_talks(dialogue, plan), 1):
        messages = [_message(turn, index, dialogue, plan) for index, turn in talk if turn.text.strip()]
        _refuse_lost_weights(messages, dialogue, plan)
        if plan.merge:
            messages = _merged(messages)
        for at, chosen in _per_turn(messages, plan) if plan.unit == "turn" else _whole(messages, plan):
            mark = f"#{at}" if plan.unit == "turn" else f"#session{number}"
            whole = plan.unit == "dialogue" and plan.options.sessions == "joined"
            yield Example(dialogue.id if whole else dialogue.id + mark, dialogue.lang, system, tuple(chosen))


def _talks(dialogue: Dialogue, plan: Plan) -> list[list[tuple[int, Turn]]]:
    numbered = enumerate(dialogue.turns)
    if plan.options.sessions == "joined":
        return [list(numbered)]
    return [[next(numbered) for _ in session.turns] for session in dialogue.sessions]


def _message(turn: Turn, index: int, dialogue: Dialogue, plan: Plan) -> Message:
    if turn.speaker != plan.options.target:
        return Message("user", turn.text, index)
    where = f"dialogue {dialogue.id!r}, turn {index}"
    weight = 1.0 if plan.options.weights == "ignore" else _weight(turn, where)
    thought = "" if plan.options.thoughts == "out" else thought_text(turn, dialogue.lang, plan.options.annotator)
    return Message("assistant", turn.text, index, weight, thought, _rejected(turn, where))


def _weight(turn: Turn, where: str) -> float:
    given = turn.extra.get("weight", 1)
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given) or given < 0:
        raise BadRecord(f"{where}: weight {given!r} is no number of 0 or more", do="mend extra['weight'] of the turn")
    return float(given)


def _rejected(turn: Turn, where: str) -> tuple[str, ...]:
    given = turn.extra.get("rejected", [])
    if not isinstance(given, list) or not all(isinstance(text, str) and text.strip() for text in given):
        raise BadRecord(f"{where}: rejected is no list of texts", do="mend extra['rejected'] of the turn")
    return tuple(text for text in given if isinstance(text, str) and text != turn.text)


def _refuse_lost_weights(messages: Sequence[Message], dialogue: Dialogue, plan: Plan) -> None:
    for message in messages:
        if message.role == "user" or message.weight == 1:
            continue
        masked = message.weight == 0 and (plan.unit == "turn" or plan.mark != "no")
        if not masked and plan.mark != "weight":
            raise UsageError(
                f"dialogue {dialogue.id!r}, turn {message.turn}: its weight {message.weight:g} would be lost",
                do="write weights (weights=write) in a format that has them, cut one example per turn, or ignore them",
            )


def _merged(messages: Sequence[Message]) -> list[Message]:
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            merged[-1] = _joined(merged[-1], message)
        else:
            merged.append(message)
    return merged


def _joined(first: Message, second: Message) -> Message:
    # The lesser weight: a part that is masked must not be learned because its neighbour is.
    return replace(
        first,
        text=first.text + JOINT + second.text,
        weight=min(first.weight, second.weight),
        thought="\n".join(filter(None, (first.thought, second.thought))),
        rejected=(
            *(text + JOINT + second.text for text in first.rejected),
            *(first.text + JOINT + text for text in second.rejected),
        ),
    )


def _per_turn(messages: Sequence[Message], plan: Plan) -> Iterator[tuple[int, list[Message]]]:
    read = [replace(message, weight=0.0, thought="", rejected=()) for message in messages]
    for at, target in enumerate(messages):
        if target.role == "user" or target.weight == 0:
            continue
        start = 0 if plan.options.history is None else max(0, at - plan.options.history)
        history = _from_user(read[start:at]) if plan.strict else read[start:at]
        if history or not plan.strict:
            yield target.turn, [*history, target]


def _whole(messages: Sequence[Message], plan: Plan) -> Iterator[tuple[int, list[Message]]]:
    if plan.strict:
        messages = _from_user(messages)
        while messages and messages[-1].role == "user":
            messages = messages[:-1]
    if any(message.weight for message in messages):
        yield messages[0].turn, list(messages)


def _from_user(messages: Sequence[Message]) -> list[Message]:
    return list(dropwhile(lambda message: message.role == "assistant", messages))
