"""Interactive Agents (arXiv 2408.15787): help posts as client profiles, raw sessions, SimPsyDial and arena talks."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import lang_of
from psyloom.formats.read._format import Format, Item, Layout, keys, mentions
from psyloom.formats.read._lines import KNOWN
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.formats.read.messages import chat
from psyloom.records import Case, Dialogue, Post, Source


def _is_profile(value: Any) -> str | None:
    """One long post as a plain string; the released ones have 300 Chinese characters and more."""
    good = isinstance(value, str) and len(value) >= 100 and not KNOWN.match(value) and lang_of(value) == "zh"
    return "a list of long posts" if good else None


def _read_profile(item: Item) -> Iterator[Case]:
    title, _, body = item.value.strip().partition(" ")
    post = Post(title=title, text=body.strip()) if 0 < len(title) <= 60 and body.strip() else Post(text=item.value)
    yield case(item, post=post)


def _read_record(item: Item) -> Iterator[Dialogue]:
    """messages; of an arena talk also the candidates of every turn."""
    row = dict(item.value)
    yield dialogue(item, session(item, "messages", row.pop("messages")), extra=row)


def _read_session(item: Item) -> Iterator[Dialogue]:
    yield dialogue(item, session(item, "messages", item.value))


FORMAT = Format(
    "interactive_agents",
    "Interactive Agents profiles, sessions and SimPsyDial",
    Source(name="SimPsyDial", licence="MIT", url="https://github.com/qiuhuachuan/interactive-agents", synthetic=True),
    (
        Layout("each", _is_profile, _read_profile),
        Layout("each", keys("messages", "candidates"), _read_record),
        # Every counselor of the release is prompted as the same invented person.
        Layout("each", keys("messages", test=lambda row: chat(row["messages"])), _read_record, mark=mentions("小天")),
        Layout("whole", lambda value: "a list of messages" if chat(value) else None, _read_session, lambda *_: None),
    ),
    lang="zh",
)
