"""SMILE's training file: the last nine messages under a fixed instruction, and the reply. arXiv 2305.00450.

As its converter, with two differences: the history begins anew in every dialogue, and the instruction, which tells the
counselor's persona, is in our words. A system prompt given or carried by a dialogue stands in its place.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from psyloom.formats.write.examples import Example, Plan
from psyloom.formats.write.files import Row
from psyloom.formats.write.options import NAMES
from psyloom.formats.write.soulchat import sample
from psyloom.formats.write.writer import Put, by_rows
from psyloom.records import Lang

HISTORY = 9
INSTRUCTION: Mapping[Lang, str] = {
    "zh": "你是一位专业的心理咨询师，熟悉认知行为疗法、动机访谈和焦点解决短期治疗。你待人温暖，能体会对方的感受，说话自然，不长篇大论，也不三言两语打发人；"
    "会用具体的说法和例子，不说教，并随着对方的反应调整。请根据下面的对话，替咨询师写出接下来的一次回复。",
    "en": "You are a professional counselor, at home in cognitive behavioral therapy, motivational interviewing and brief "
    "solution-focused therapy. You are warm and feel with the client, you speak naturally, neither at length nor curtly, in "
    "concrete terms and with examples, you do not lecture, and you adapt to how the client responds. Read the conversation "
    "below and write the counselor's next reply.",
}


def open_smile(path: Path, plan: Plan) -> AbstractContextManager[Put]:
    """A row for every counselor message but one that opens the talk."""
    options = plan.options.model_copy(update={"history": HISTORY})
    return by_rows(_rows)(path, replace(plan, unit="turn", options=options))


def _rows(example: Example, plan: Plan) -> Iterator[Row]:
    if not example.history:
        return
    names, options = NAMES[example.lang], plan.options
    called = {
        "client_name": options.client_name or names["client"],
        "counselor_name": options.counselor_name or names["counselor"],
    }
    row = sample(example, replace(plan, options=options.model_copy(update=called)))
    instruction = example.system or INSTRUCTION[example.lang]
    yield {"instruction": f"{instruction}\n\n{row['input']}", "output": row["target"]}
