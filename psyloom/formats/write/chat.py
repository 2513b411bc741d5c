"""Rows of chat messages with roles: OpenAI, ms-swift, XTuner.

OpenAI fine-tuning: assistant messages may have ``weight`` 0 or 1 (API reference, chat fine-tuning input).
ms-swift: ``loss`` true or false on assistant messages (custom dataset, 3.9 and later) and ``loss_scale`` as their weight
(4.2 and later, with --is_binary_loss_scale false).
XTuner 1: ``loss`` and ``thinking`` on assistant messages (xtuner/v1/data_proto/messages/chat.py); XTuner 0.2 reads the
same file through its openai_map_fn.
"""

from collections.abc import Callable, Iterator

from psyloom.formats.write.examples import Example, Message, Plan, with_thought
from psyloom.formats.write.files import Row

Marks = Callable[[Message, Plan], Row]


def said(message: Message, plan: Plan) -> str:
    """The text of a message, with its reasoning before it when thoughts are wanted in."""
    return with_thought(message.text, message.thought) if plan.options.thoughts == "in" else message.text


def chat(example: Example, plan: Plan, marks: Marks | None = None, hidden: str = "reasoning_content") -> list[Row]:
    """The messages of an example as role and content, the system prompt first when there is one.

    Args:    marks: what a learned message says about its loss; asked only when the plan marks losses.
             hidden: name of the field for hidden thoughts; "" where there is none, so that all rows have the field.
    """
    rows: list[Row] = [{"role": "system", "content": example.system}] if example.system else []
    for message in example.messages:
        row: Row = {"role": message.role, "content": said(message, plan)}
        if message.role == "assistant":
            if marks and plan.mark != "no":
                row |= marks(message, plan)
            if plan.options.thoughts == "hidden":
                row[hidden] = message.thought
        rows.append(row)
    return rows


def labelled(example: Example, plan: Plan) -> Row:
    """The start of a row: the example's id, unless ids are unwanted."""
    return {"id": example.id} if plan.options.ids else {}


def messages_rows(example: Example, plan: Plan) -> Iterator[Row]:
    yield labelled(example, plan) | {"messages": chat(example, plan, _openai_weight)}


def swift_rows(example: Example, plan: Plan) -> Iterator[Row]:
    yield labelled(example, plan) | {"messages": chat(example, plan, _swift_loss)}


def xtuner_rows(example: Example, plan: Plan) -> Iterator[Row]:
    messages = chat(example, plan, _loss, hidden="thinking")
    for message in messages:
        if message.get("thinking") == "":
            del message["thinking"]  # XTuner would write an empty thought for ""
    yield labelled(example, plan) | {"messages": messages}


def _openai_weight(message: Message, plan: Plan) -> Row:
    return {"weight": int(message.weight > 0)}


def _loss(message: Message, plan: Plan) -> Row:
    return {"loss": message.weight > 0}


def _swift_loss(message: Message, plan: Plan) -> Row:
    return _loss(message, plan) | ({"loss_scale": message.weight} if plan.mark == "weight" else {})
