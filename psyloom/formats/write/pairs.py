"""Rows of question-and-reply pairs: Alpaca, and the conversations of XTuner 0.2.

Alpaca: ``instruction``, ``input``, ``output``, ``system`` and ``history`` as pairs (LLaMA-Factory data/README.md).
XTuner 0.2: ``conversation`` of ``system``, ``input``, ``output``; ``output_with_loss`` masks a reply
(docs/en/user_guides/dataset_format.md, xtuner/dataset/utils.py).
"""

from collections.abc import Iterator, Sequence

from psyloom.formats.write.chat import labelled, said
from psyloom.formats.write.examples import Example, Message, Plan
from psyloom.formats.write.files import Row


def alpaca_rows(example: Example, plan: Plan) -> Iterator[Row]:
    *history, (question, reply) = _pairs(example.messages)
    row = labelled(example, plan) | {
        "instruction": question.text,
        "input": "",
        "output": said(reply, plan),
        "system": example.system,
        "history": [[asked.text, said(answered, plan)] for asked, answered in history],
    }
    if plan.options.thoughts == "hidden":
        row["thought"] = reply.thought
    yield row


def xtuner_pairs_rows(example: Example, plan: Plan) -> Iterator[Row]:
    conversation: list[Row] = []
    for question, reply in _pairs(example.messages):
        pair: Row = {"input": question.text, "output": said(reply, plan)}
        if not conversation and example.system:
            pair = {"system": example.system} | pair
        if plan.mark != "no":
            pair["output_with_loss"] = reply.weight > 0
        if plan.options.thoughts == "hidden":
            pair["thought"] = reply.thought
        conversation.append(pair)
    yield labelled(example, plan) | {"conversation": conversation}


def _pairs(messages: Sequence[Message]) -> list[tuple[Message, Message]]:
    """Strict, merged examples are user, assistant, user, assistant ... to the end."""
    return list(zip(messages[::2], messages[1::2], strict=True))
