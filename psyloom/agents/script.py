"""Script writing: a whole dialogue in one call, as typed turns or as prefixed lines."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from psyloom.agents.ask import Ask
from psyloom.records import Lang, Speaker, Turn, sentences

WORDS: dict[str, dict[Lang, str]] = {
    "start": {"en": "it must begin with the prefix {} or {}", "zh": "必须以“{}”或“{}”开头"},
    "lines": {"en": "every message must stand on a line of its own", "zh": "每条发言要单独成行"},
    "prefix": {"en": "the line {!r} has no speaker's prefix", "zh": "这一行没有说话人前缀：{!r}"},
    "english": {"en": "it ends with words that belong to no speaker", "zh": "末尾出现了英文句子，不属于对话"},
    "too few": {"en": "it has {} messages, at least {} are needed", "zh": "只有 {} 条发言，至少需要 {} 条"},
    "too many": {"en": "it has {} messages, at most {} are allowed", "zh": "有 {} 条发言，最多 {} 条"},
    "first": {"en": "the first message must be the {}'s", "zh": "第一条发言必须是{}的"},
    "last": {"en": "the last message must be the {}'s", "zh": "最后一条发言必须是{}的"},
    "alternate": {
        "en": "messages {} and {} are by the same speaker; they must alternate",
        "zh": "第 {} 和第 {} 条是同一个人说的，双方必须轮流发言",
    },
    "list": {
        "en": "message {} is formatted as a list; it must read like speech",
        "zh": "第 {} 条写成了列表，应当像说话一样",
    },
    "one side": {"en": "only one side speaks", "zh": "只有一方在说话"},
    "empty": {"en": "message {} is empty", "zh": "第 {} 条是空的"},
}
_WHO: dict[Lang, dict[Speaker, str]] = {
    "en": {"client": "client", "counselor": "counselor"},
    "zh": {"client": "来访者", "counselor": "咨询师"},
}


class Line(BaseModel):
    """One message of a typed script."""

    speaker: Speaker
    text: str


class Script(BaseModel):
    """A typed script."""

    turns: list[Line]


@dataclass(frozen=True)
class ScriptRules:
    """What a script must look like.

    prefixes:  line prefix -> speaker, for scripts written as lines; the first two are named when asking again.
    messages:  (fewest, most) messages; most None: no limit.
    alternate: the sides must take turns; first/last: who opens and closes, None: anyone.
    no_lists:  no enumerations or bullet points inside a message.
    """

    prefixes: Mapping[str, Speaker] = field(default_factory=dict)
    messages: tuple[int, int | None] = (2, None)
    alternate: bool = True
    first: Speaker | None = None
    last: Speaker | None = None
    no_lists: bool = False

    def fault(self, turns: Sequence[tuple[Speaker, str]], lang: Lang) -> tuple[str, str] | None:
        """(rule, words for the model) of the first rule that ``turns`` break; None for a good script."""
        fewest, most = self.messages
        who = _WHO[lang]
        if len(turns) < fewest:
            return _say("too few", lang, len(turns), fewest)
        if most is not None and len(turns) > most:
            return _say("too many", lang, len(turns), most)
        if self.first and turns[0][0] != self.first:
            return _say("first", lang, who[self.first])
        if self.last and turns[-1][0] != self.last:
            return _say("last", lang, who[self.last])
        if len({speaker for speaker, _ in turns}) < 2:
            return _say("one side", lang)
        for at, (speaker, text) in enumerate(turns, 1):
            if not text.strip():
                return _say("empty", lang, at)
            if self.alternate and at > 1 and turns[at - 2][0] == speaker:
                return _say("alternate", lang, at - 1, at)
            if self.no_lists and is_list(text):
                return _say("list", lang, at)
        return None


def _say(rule: str, lang: Lang, *values: Any) -> tuple[str, str]:
    return rule, WORDS[rule][lang].format(*values)


_LIST = re.compile(r"^\s*(?:[-*•·]\s|\d+[.)、．]\s?|[（(]\d+[)）])", re.MULTILINE)


def is_list(text: str) -> bool:
    """Does a message hold an enumeration: bullets or numbers at the start of lines, or 1. 2. in running text?"""
    return bool(_LIST.search(text)) or bool(
        re.search(r"(?:^|\s|[：:；;，,。])1[.、)）．].+[\s；;，,。]2[.、)）．]", text, re.DOTALL)
    )


def parse_lines(text: str, rules: ScriptRules, lang: Lang) -> list[tuple[Speaker, str]] | tuple[str, str]:
    """Read prefixed lines. Returns the messages, or (rule, words) of the first line rule broken.

    Rules as in SMILE (arXiv 2305.00450, data filtering): the text begins with a prefix, has several lines, each
    with a prefix, and does not end in English chatter.
    """
    names = list(rules.prefixes)
    pattern = re.compile("|".join(rf"{re.escape(name)}\s*[:：]" for name in names))
    text = text.strip()
    if not pattern.match(text):
        return _say("start", lang, *(f"{name}{'：' if lang == 'zh' else ':'}" for name in names[:2]))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return _say("lines", lang)
    turns: list[tuple[Speaker, str]] = []
    for line in lines:
        if not (found := pattern.match(line)):
            return _say("prefix", lang, line[:40])
        turns.append((rules.prefixes[re.split(r"\s*[:：]", line, maxsplit=1)[0]], line[found.end() :].strip()))
    if lang == "zh" and _english(turns[-1][1]):
        return _say("english", lang)
    return turns


def _english(text: str) -> bool:
    return any(
        re.fullmatch(r"[\x00-\x7f]*[A-Za-z]{2,}(?:[ ,'’-]+[A-Za-z]+){2,}[\x00-\x7f]*", s) for s in sentences(text)
    )


async def write_script(ask: Ask, name: str, rules: ScriptRules, *, strict: bool = True, **slots: Any) -> list[Turn]:
    """Ask for a whole dialogue and read it.

    With ``rules.prefixes`` the prompt asks for prefixed lines, without them for a typed `Script`. A script that
    breaks a rule is asked for again with the reason; the reject is counted under the rule's name.
    strict: False keeps a readable script that breaks a rule, as papers did that asked for a form and never checked it.
    """
    rejects = ask.desk.dialogue.quality.guards
    last: list[tuple[Speaker, str]] = []

    def check(answer: Any) -> str | None:
        turns = _turns(answer, rules, ask.lang)
        found = turns if isinstance(turns, tuple) else rules.fault(turns, ask.lang)
        if found is None or (not strict and not isinstance(turns, tuple)):
            last[:] = [] if isinstance(turns, tuple) else turns
            return None
        rejects[f"script: {found[0]}"] = rejects.get(f"script: {found[0]}", 0) + 1
        return found[1]

    if rules.prefixes:
        await ask(name, check=check, rules=rules, **slots)
    else:
        await ask(name, Script, check=check, rules=rules, **slots)
    return [Turn(speaker=speaker, text=text) for speaker, text in last]


def _turns(answer: Any, rules: ScriptRules, lang: Lang) -> list[tuple[Speaker, str]] | tuple[str, str]:
    if isinstance(answer, Script):
        return [(line.speaker, line.text.strip()) for line in answer.turns]
    return parse_lines(answer, rules, lang)
