"""SoulChat (arXiv 2311.00273): SoulChatCorpus, the chats its demo keeps, and its text samples."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import labels, text
from psyloom.formats.read._format import Format, Item, Layout, Unreadable, keys
from psyloom.formats.read._talk import case, dialogue, lines, session
from psyloom.formats.read.messages import chat
from psyloom.knowledge import label_set
from psyloom.records import Answer, Case, Dialogue, Label, Post, Source


def _read_dialogue(item: Item) -> Iterator[Dialogue]:
    """id, topic, messages."""
    row = dict(item.value)
    told = session(item, "messages", row.pop("messages"))
    yield dialogue(item, told, own=text(row, "id"), labels=topic(item, row, "topic"), extra=row)


def topic(item: Item, row: dict[str, Any], key: str) -> list[Label]:
    """The topic of a talk as its label; a note when it is none of the twelve, or missing."""
    found = labels("soulchat_topic", text(row, key))
    if not any(label.id in label_set(label.set) for label in found):
        item.note(key, "is none of the twelve topics" + (f" ({found[0].id!r})" if found else " (missing)"))
    return found


def _read_demo(item: Item) -> Iterator[Dialogue]:
    """user and bot: two lists; the user's may be one longer."""
    row = dict(item.value)
    user, bot = row.pop("user"), row.pop("bot")
    if not isinstance(user, list) or not isinstance(bot, list) or not 0 <= len(user) - len(bot) <= 1:
        raise Unreadable("bot", "should be a list as long as 'user', or one shorter")
    told = [{"role": ("user", "bot")[at % 2], "content": (user, bot)[at % 2][at // 2]} for at in range(len(user + bot))]
    yield dialogue(item, session(item, "messages", told), extra=row)


def _read_sample(item: Item) -> Iterator[Dialogue]:
    """input: the talk up to an open counselor prefix; target: what the counselor says next."""
    row = dict(item.value)
    told = lines(item, "input", f"{row.pop('input')}{row.pop('target')}")
    yield dialogue(item, told, extra=row)


def _read_post(item: Item) -> Iterator[Case]:
    """id, topic, question, answer."""
    row = dict(item.value)
    answer = text(row, "answer")
    post = Post(
        text=text(row, "question") or "", topic=text(row, "topic"), answers=[Answer(text=answer)] if answer else []
    )
    yield case(item, post=post, extra=row)


def _is_dialogue(row: dict[str, Any]) -> bool:
    return len(row) == 3 and chat(row["messages"])


def _is_sample(row: dict[str, Any]) -> bool:
    return isinstance(row["target"], str) and str(row["input"]).rstrip().endswith("心理咨询师：")


def _is_post(row: dict[str, Any]) -> bool:
    return isinstance(row["question"], str) and isinstance(row["answer"], str)


FORMAT = Format(
    "soulchat",
    "SoulChatCorpus and the demo's chats",
    Source(
        name="SoulChatCorpus",
        licence="unknown; non-commercial research use",
        url="https://modelscope.cn/datasets/YIRONGCHEN/SoulChatCorpus",
        synthetic=True,
    ),
    (
        Layout("each", keys("id", "topic", "messages", test=_is_dialogue), _read_dialogue),
        Layout("each", keys("user", "bot"), _read_demo),
        Layout("each", keys("input", "target", test=_is_sample), _read_sample),
        Layout("each", keys("topic", "question", "answer", test=_is_post), _read_post, mark=lambda *_: None),
    ),
    lang="zh",
)
