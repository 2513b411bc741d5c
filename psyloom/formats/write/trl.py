"""Rows for TRL: supervised fine-tuning, DPO and KTO, all conversational.

TRL "Dataset formats and types": prompt-completion or messages (SFT), prompt-chosen-rejected (DPO),
prompt-completion-label (KTO). A prompt must not be empty: TRL looks at its first message to tell the format.
Preference data come from ``Turn.extra["rejected"]``, see examples.py.
"""

from collections.abc import Iterator
from dataclasses import replace

from psyloom.formats.write.chat import chat, labelled
from psyloom.formats.write.examples import Example, Plan
from psyloom.formats.write.files import Row


def trl_sft_rows(example: Example, plan: Plan) -> Iterator[Row]:
    """Prompt and completion with one example per turn, the whole talk as messages with one per dialogue."""
    if plan.unit == "dialogue":
        yield labelled(example, plan) | {"messages": chat(example, plan)}
    else:
        prompt, reply = _prompt_and_reply(example, plan)
        yield labelled(example, plan) | {"prompt": prompt, "completion": [reply]}


def trl_dpo_rows(example: Example, plan: Plan) -> Iterator[Row]:
    """One row for every rejected alternative to the target; none for a turn without."""
    prompt, chosen = _prompt_and_reply(example, plan)
    for rejected in _alternatives(example, plan):
        yield labelled(example, plan) | {"prompt": prompt, "chosen": [chosen], "rejected": [rejected]}


def trl_kto_rows(example: Example, plan: Plan) -> Iterator[Row]:
    """The target as a desirable reply, every rejected alternative as an undesirable one."""
    prompt, reply = _prompt_and_reply(example, plan)
    yield labelled(example, plan) | {"prompt": prompt, "completion": [reply], "label": True}
    for rejected in _alternatives(example, plan):
        yield labelled(example, plan) | {"prompt": prompt, "completion": [rejected], "label": False}


def _prompt_and_reply(example: Example, plan: Plan) -> tuple[list[Row], Row]:
    *prompt, reply = chat(example, plan)
    return prompt, reply


def _alternatives(example: Example, plan: Plan) -> Iterator[Row]:
    """The rejected replies as messages, after the same thought: a pair differs in the reply alone."""
    for text in example.target.rejected:
        other = replace(example, messages=(replace(example.target, text=text),), system="")
        yield chat(other, plan)[0]
