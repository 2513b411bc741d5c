"""What SoulChat and its successor PsyDT release: whole talks with their topic, and text samples of single replies.

SoulChatCorpus: ``id``, ``topic``, ``messages``. PsyDTCorpus: ``id``, ``normalizedTag``, ``messages``, the first of
which is the counselor's persona. SoulChat's samples: prefixed lines up to an open counselor prefix, and the reply.
Sources: EMNLP 2023 Findings 83; ACL 2025 long 55.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from psyloom.errors import BadRecord
from psyloom.formats.write.chat import chat
from psyloom.formats.write.examples import Example, Plan, cut
from psyloom.formats.write.files import Row, rows_file
from psyloom.formats.write.writer import Open, Put
from psyloom.knowledge import label_set
from psyloom.records import Dialogue, Lang, Speaker

PREFIXES: Mapping[Lang, Mapping[Speaker, str]] = {
    "zh": {"client": "用户", "counselor": "心理咨询师"},
    "en": {"client": "User", "counselor": "Counselor"},
}


def _topic(dialogue: Dialogue) -> str:
    """One of the twelve topics, from the dialogue's labels, else from its post; empty when it has none of them."""
    topics = label_set("soulchat_topic")
    words = [label.id for label in dialogue.labels if label.set == topics.id]
    words += [str(dialogue.case.get("post.topic") or "")] if dialogue.case else []
    return next((term.name(dialogue.lang) for word in words if (term := topics.find(word))), "")


def _id(dialogue: Dialogue) -> Any:
    """The id as released, a number where it is one."""
    given = dialogue.extra.get("id", dialogue.id.removeprefix("soulchat-"))
    return int(given) if isinstance(given, str) and given.isdecimal() else given


def by_topic(key: str, *, persona: bool = False) -> Open:
    """A writer of whole talks with their topic under ``key``; ``persona``: with a system message each, too.

    A talk that lacks one of them gives no example.
    """

    @contextmanager
    def open_rows(path: Path, plan: Plan) -> Iterator[Put]:
        with rows_file(path) as put:

            def write(dialogue: Dialogue) -> int:
                topic = _topic(dialogue)
                examples = [one for one in cut(dialogue, plan) if topic and (one.system or not persona)]
                for example in examples:
                    put({"id": _id(dialogue), key: topic, "messages": chat(example, plan)})
                return len(examples)

            yield write

    return open_rows


@contextmanager
def open_samples(path: Path, plan: Plan) -> Iterator[Put]:
    """A row for every counselor message."""
    plan = replace(plan, unit="turn")
    with rows_file(path) as put:

        def write(dialogue: Dialogue) -> int:
            rows = [sample(example, plan) for example in cut(dialogue, plan)]
            for row in rows:
                put(row)
            return len(rows)

        yield write


def sample(example: Example, plan: Plan) -> Row:
    """One reply: what was said before it, up to the open prefix, and the reply itself.

    Raises:  BadRecord when a message begins a line with a prefix, so that no model learns to speak for both.
    """
    names = PREFIXES[example.lang]
    options, colon = plan.options, "：" if example.lang == "zh" else ":"
    called = {
        "user": (options.client_name or names["client"]) + colon,
        "assistant": (options.counselor_name or names["counselor"]) + colon,
    }
    prefix = re.compile(rf"^\s*(?:{'|'.join(map(re.escape, called.values()))})", re.MULTILINE)
    if wrong := next((message for message in example.messages if prefix.search(message.text)), None):
        what = f"{example.id}: message {wrong.turn + 1} holds a speaker's prefix: {wrong.text[:40]!r}"
        raise BadRecord(what, do="mend it, or name the speakers otherwise: --client-name, --counselor-name")
    gap = "" if example.lang == "zh" else " "
    lines = [called[message.role] + gap + message.text for message in example.history]
    return {"input": "\n".join([*lines, called["assistant"]]), "target": example.target.text}
