"""SuDoSys (arXiv 2411.10681): client portraits with all their dirt, and the simulated talks."""

import re
from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._lines import prefixes, said
from psyloom.formats.read._speakers import Side
from psyloom.formats.read._talk import case, dialogue, lines
from psyloom.records import Case, Dialogue, Portrait, Source

_FIELDS = {
    "当前情绪": "mood", "当前症状表现": "symptoms", "困扰和压力来源": "stressors", "推测年龄": "age", "推测性别": "gender",
    "既往心理健康史": "mental_health_history", "生活习惯": "habits", "职业": "occupation", "个人爱好和兴趣": "hobbies",
}  # fmt: skip
# "Not known" is written in dozens of ways: nothing but a denial of knowing or mentioning, perhaps with its object.
_UNKNOWN = re.compile(
    r"[（(]?\s*(?:暂|尚|均|对话中|文中|从对话中|根据对话|目前)*\s*"
    r"(?:未知|不详|未详|不明|不明确|不确定|不清楚|无法?确定|无法?推断(?:出)?|无法?判断|无法?得知|无法?推测|难以(?:判断|推断|确定)"
    r"|[未没](?:有)?(?:明确|具体|直接)?(?:提及|提到|说明|提供|描述|指出|透露|给出)|信息不足|无(?:相关|具体|明确)?信息"
    r"|n/?a|none|null|unknown|not (?:mentioned|specified|known)|-+|/+|无)"
    r"(?:具体|相关|明确)?(?:信息|年龄|性别|职业|内容|情况|爱好)?[。.]?\s*[)）]?",
    re.IGNORECASE,
)
# "无" alone says that there is none, which is known; of the history it is an answer.
_NONE_IS_KNOWN = {"mental_health_history"}
_GENDERS = {"女": "女性", "女性": "女性", "女生": "女性", "女士": "女性", "female": "女性",
            "男": "男性", "男性": "男性", "男生": "男性", "男士": "男性", "male": "男性"}  # fmt: skip
_PREFIX = prefixes("咨询者", "咨询师")
_WORDS: dict[str, Side] = {"咨询者": "client"}


def flat(value: Any) -> str | None:
    """A portrait's value as text: objects become "k：v；k：v", lists are joined with "、"; None when unknown."""
    if isinstance(value, dict):
        parts = [f"{key}：{inner}" for key, told in value.items() if (inner := flat(told))]
        return "；".join(parts) or None
    if isinstance(value, list):
        return "、".join(filter(None, map(flat, value))) or None
    told = "" if value is None else str(value).strip()
    return None if not told or _UNKNOWN.fullmatch(told) else told


def _read_portrait(item: Item) -> Iterator[Case]:
    """The value as it was stays in extra wherever it is no plain text."""
    row = dict(item.value)
    own = text(row, "id")
    fields: dict[str, str | None] = {}
    left: dict[str, Any] = {}
    for key, field in _FIELDS.items():
        value = row.pop(key, None)
        told = "无" if value == "无" and field in _NONE_IS_KNOWN else flat(value)
        fields[field] = _GENDERS.get(told.casefold(), told) if told and field == "gender" else told
        if value not in (None, "", fields[field]):
            left[key] = value
    yield case(item, own, portrait=Portrait(**fields), extra={**left, **row} or None)


def _read_talk(item: Item) -> Iterator[Dialogue]:
    yield dialogue(item, lines(item, "text", item.value, _WORDS, _PREFIX))


def _is_talk(value: Any) -> str | None:
    names = {passage.name for passage in said(value, _PREFIX)[1]} if isinstance(value, str) else set()
    return "lines by 咨询者 and 咨询师" if names == {"咨询者", "咨询师"} else None


FORMAT = Format(
    "sudosys",
    "SuDoSys client portraits and talks",
    Source(name="SuDoSys", licence="unknown", url="https://arxiv.org/abs/2411.10681", synthetic=True),
    (
        Layout("each", keys("当前情绪", "困扰和压力来源", "推测性别"), _read_portrait),
        Layout("text", _is_talk, _read_talk),
    ),
    lang="zh",
)
