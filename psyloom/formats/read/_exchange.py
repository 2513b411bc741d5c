"""One question and its answer, with the talk before it: the rows that instruction tuning is fed with."""

from typing import Any

from psyloom.formats.read._fields import some, text
from psyloom.formats.read._format import Item, Unreadable
from psyloom.formats.read._talk import listed, pairs, session
from psyloom.records import Session

_ASKED = ("instruction", "prompt", "query", "question")
_ANSWERED = ("output", "completion", "response", "answer", "content")


def is_exchange(row: dict[str, Any]) -> bool:
    """Does an object hold a text that asks and a text that answers?"""
    asked = any(isinstance(row.get(key), str) for key in (*_ASKED, "input"))
    return asked and any(isinstance(row.get(key), str) for key in _ANSWERED)


def exchange(item: Item, row: dict[str, Any]) -> Session:
    """Take the exchange, its history and its system prompt out of a row: ``history`` first, the answer last.

    ``input`` belongs to the question, as in Alpaca. Reasoning in a field of its own or in ``<think>`` is the
    answer's thought.
    Raises: Unreadable when there is no answer.
    """
    asked = next((key for key in _ASKED if isinstance(row.get(key), str)), "input")
    answered = next((key for key in _ANSWERED if isinstance(row.get(key), str)), "")
    if not answered:
        raise Unreadable("output", "is missing or no text")
    question = [text(row, asked), text(row, "input")]
    answer = {"role": "counselor", "content": row.pop(answered)}
    if reasoning := text(row, "reasoning_content") or text(row, "reasoning"):
        answer["reasoning_content"] = reasoning
    messages = [*pairs(item, "history", _swift(row.pop("history", None))), _client(question), answer]
    return session(item, "messages", messages, notes=some(system=text(row, "system")))


def conversation(item: Item, row: dict[str, Any]) -> Session:
    """Take XTuner's list of input and output out of a row; the system prompt stands in its first element."""
    messages: list[dict[str, Any]] = []
    system: str | None = None
    for pair in listed("conversation", row.pop("conversation")):
        rest = dict(pair)
        system = system or text(rest, "system")
        messages += [{"role": "client", "content": rest.pop("input", None)}]
        messages += [{"role": "counselor", "content": rest.pop("output", None), **rest}]
    return session(item, "conversation", messages, notes=some(system=system))


def is_conversation(row: dict[str, Any]) -> bool:
    """Is this a row of XTuner's input and output pairs?"""
    told = row.get("conversation")
    return isinstance(told, list) and bool(told) and isinstance(told[0], dict) and {"input", "output"} <= set(told[0])


def _client(question: list[str | None]) -> dict[str, Any]:
    return {"role": "client", "content": "\n".join(filter(None, question))}


def _swift(history: Any) -> Any:
    """EmoLLM's variant of ms-swift rows keeps each pair as an object."""
    if isinstance(history, list) and history and all(isinstance(pair, dict) for pair in history):
        return [[pair.get("query"), pair.get("response")] for pair in history]
    return history
