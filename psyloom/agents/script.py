"""Script writing: a whole dialogue in one call, as typed turns or as prefixed lines."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, PositiveInt
from pydantic_core import PydanticCustomError

from psyloom.agents.ask import Ask, Check
from psyloom.agents.guards import Said, faults, names_label
from psyloom.agents.wording import is_foreign as is_foreign
from psyloom.agents.wording import is_list as is_list
from psyloom.knowledge import LabelSet
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
    "language": {"en": "message {} is not in English", "zh": "第 {} 条不是中文"},
    "guard": {"en": "message {}: {}", "zh": "第 {} 条：{}"},
    "names": {
        "en": "message {} says the name of a technique ({}); use it without naming it",
        "zh": "第 {} 条说出了技术的名称（{}）；只管用，不要点名",
    },
}
_WHO: dict[Lang, dict[Speaker, str]] = {
    "en": {"client": "client", "counselor": "counselor"},
    "zh": {"client": "来访者", "counselor": "咨询师"},
}


def _two(bounds: Any) -> Any:
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise PydanticCustomError("range", "give the fewest and the most, e.g. [8, 20]")
    return bounds


def _in_order(bounds: tuple[int, int]) -> tuple[int, int]:
    if bounds[0] > bounds[1]:
        raise PydanticCustomError("range", "the fewest come first, then the most, e.g. [8, 20]")
    return bounds


Range = Annotated[tuple[PositiveInt, PositiveInt], BeforeValidator(_two), AfterValidator(_in_order)]
"""An option for how many there may be: (fewest, most), both at least 1."""


class Line(BaseModel):
    """One message of a typed script. A line with more fields overrides `turn` to say what of them is kept."""

    speaker: Speaker
    text: str

    def turn(self) -> Turn:
        """The line as a record."""
        return Turn(speaker=self.speaker, text=self.text.strip())


class Script(BaseModel):
    """A typed script. One whose lines have more fields needs ``rehearse``, which may build on ``actor.script()``."""

    turns: Sequence[Line]


TurnsCheck = Callable[[Sequence[Turn]], str | None]
"""Takes a script's turns, returns what is wrong, or None. A named function: its name is the rule's."""


@dataclass(frozen=True)
class ScriptRules:
    """What a script must look like.

    prefixes:  line prefix -> speaker, for scripts written as lines; the first two are named when asking again.
    messages:  (fewest, most) messages; most None: no limit.
    alternate: the sides must take turns; first/last: who opens and closes, None: anyone.
    no_lists:  no enumerations or bullet points inside a message.
    language:  every message is in the dialogue's language.
    unsaid:    label sets whose names the counselor must not say.
    guarded:   no message repeats another, shows reasoning or a second speaker, or says goodbye once more.
    after:     words that announce a script in prefixed lines; analysis may stand before them, or, where they are
               missing, before the first line of the speaker who opens. Empty: the text begins with the script.
    more:      further rules, each under its function's name.
    anywhere:  such rules that hold for every beginning of a script, too, so that one can be written line by line.
    soft:      names of rules whose breach is asked to be mended and in the end kept and counted.
    """

    prefixes: Mapping[str, Speaker] = field(default_factory=dict)
    messages: tuple[int, int | None] = (2, None)
    alternate: bool = True
    first: Speaker | None = None
    last: Speaker | None = None
    no_lists: bool = False
    language: bool = False
    unsaid: tuple[LabelSet, ...] = ()
    guarded: bool = False
    after: str = ""
    more: Sequence[TurnsCheck] = ()
    anywhere: Sequence[TurnsCheck] = ()
    soft: frozenset[str] = frozenset()

    def fault(
        self, turns: Sequence[tuple[Speaker, str]], lang: Lang, before: Sequence[Turn] = ()
    ) -> tuple[str, str] | None:
        """(rule, words for the model) of the first rule that ``turns`` break; None for a good script."""
        return next(self.faults([Turn(speaker=speaker, text=text) for speaker, text in turns], lang, before), None)

    def faults(self, turns: Sequence[Turn], lang: Lang, before: Sequence[Turn] = ()) -> Iterator[tuple[str, str]]:
        """Yield (rule, words for the model) for everything that is wrong; a rule may come up more than once.

        before: what was said before a script that goes on; only the guards listen to it.
        """
        yield from self._shape(turns, lang)
        for at, turn in enumerate(turns, 1):
            if self.alternate and at > 1 and turns[at - 2].speaker == turn.speaker:
                yield _say("alternate", lang, at - 1, at)
            yield from self._message(at, turn, lang)
        if self.guarded:
            yield from _heard(turns, lang, before)
        for check in (*self.anywhere, *self.more):
            if wrong := check(turns):
                yield check.__name__, wrong

    def _shape(self, turns: Sequence[Turn], lang: Lang) -> Iterator[tuple[str, str]]:
        """Length, opening and close."""
        fewest, most = self.messages
        who = _WHO[lang]
        if len(turns) < fewest:
            yield _say("too few", lang, len(turns), fewest)
        if most is not None and len(turns) > most:
            yield _say("too many", lang, len(turns), most)
        if len({turn.speaker for turn in turns}) < 2:
            yield _say("one side", lang)
        if self.first and turns and turns[0].speaker != self.first:
            yield _say("first", lang, who[self.first])
        if self.last and turns and turns[-1].speaker != self.last:
            yield _say("last", lang, who[self.last])

    def _message(self, at: int, turn: Turn, lang: Lang) -> Iterator[tuple[str, str]]:
        """What is wrong with one message by itself."""
        if not turn.text.strip():
            yield _say("empty", lang, at)
        if self.no_lists and is_list(turn.text):
            yield _say("list", lang, at)
        if self.language and is_foreign(turn.text, lang):
            yield _say("language", lang, at)
        # Clients may know what a technique is called.
        told = self.unsaid if turn.speaker == "counselor" else ()
        if name := names_label(Said(turn.text, turn.speaker, lang, unsaid=told)):
            yield _say("names", lang, at, name)


def _say(rule: str, lang: Lang, *values: Any) -> tuple[str, str]:
    return rule, WORDS[rule][lang].format(*values)


def _heard(turns: Sequence[Turn], lang: Lang, earlier: Sequence[Turn]) -> Iterator[tuple[str, str]]:
    """What the guards of spoken turns hear in a script."""
    before: list[tuple[Speaker, str]] = [(turn.speaker, turn.text) for turn in earlier]
    for at, turn in enumerate(turns, 1):
        for guard, reason in faults(Said(turn.text, turn.speaker, lang, before)):
            if guard != "empty":  # a rule of its own
                yield guard, WORDS["guard"][lang].format(at, reason)
        before.append((turn.speaker, turn.text))


def parse_lines(text: str, rules: ScriptRules, lang: Lang) -> list[tuple[Speaker, str]] | tuple[str, str]:
    """Read prefixed lines. Returns the messages, or (rule, words) of the first line rule broken.

    Rules as in SMILE (arXiv 2305.00450, data filtering): the text begins with a prefix, has several lines, each
    with a prefix, and does not end in English chatter.
    """
    names = list(rules.prefixes)
    pattern = re.compile("|".join(rf"{re.escape(name)}\s*[:：]" for name in names))
    text = _from_the_script_on(text, pattern, rules)
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


def _from_the_script_on(text: str, pattern: re.Pattern[str], rules: ScriptRules) -> str:
    """``text`` without the analysis that may stand before the script."""
    text = text.strip()
    if not rules.after:
        return text
    if (announced := re.split(re.escape(rules.after.rstrip(":：")) + r"\W*", text)[-1]) and pattern.match(announced):
        return announced
    opens = (found for found in re.finditer(rf"^(?:{pattern.pattern})", text, re.MULTILINE))
    return next((text[one.start() :] for one in opens if rules.first in (None, _who(one[0], rules))), text)


def _who(prefix: str, rules: ScriptRules) -> Speaker:
    return rules.prefixes[prefix.rstrip(" :：")]


def _english(text: str) -> bool:
    return any(
        re.fullmatch(r"[\x00-\x7f]*[A-Za-z]{2,}(?:[ ,'’-]+[A-Za-z]+){2,}[\x00-\x7f]*", s) for s in sentences(text)
    )


def reject(ask: Ask, rule: str, words: str) -> str:
    """Count a script that breaks ``rule`` in the reject log; returns ``words``, what the model is told."""
    log = ask.desk.dialogue.quality.guards
    log[f"script: {rule}"] = log.get(f"script: {rule}", 0) + 1
    return words


def keeps(
    ask: Ask,
    rules: ScriptRules,
    read: Callable[[Any], Sequence[tuple[Speaker, str]]],
    *,
    strict: bool = True,
    before: Sequence[Turn] = (),
) -> Check:
    """A check of scripts of any type: ``read`` takes their messages, ``rules`` judge them, rejects are counted.

    strict: False lets everything pass, as papers did that asked for a form and never checked it.
    before: the turns that a script written piece by piece goes on from.
    """

    def script(answer: Any) -> str | None:
        found = rules.fault(read(answer), ask.lang, before) if strict else None
        return reject(ask, *found) if found else None

    return script


async def write_script(
    ask: Ask, name: str, rules: ScriptRules, kind: type[Script] = Script, *, strict: bool = True, **slots: Any
) -> list[Turn]:
    """Ask for a whole dialogue and read it.

    With ``rules.prefixes`` the prompt asks for prefixed lines, without them for a typed script of ``kind``. A script
    that breaks a rule is asked for again with the reason; the reject is counted under the rule's name. On the last try
    one that breaks only soft rules is kept, and the rules are counted as broken.
    strict: False keeps the first readable script and counts the rules that it breaks, as papers did that asked for a
    form and never checked it.
    """
    desk, last = ask.desk, list[Turn]()
    begun = len(desk.trace)

    def check(answer: Any) -> str | None:
        turns = _turns(answer, rules, ask.lang)
        if isinstance(turns, tuple):
            return reject(ask, *turns)
        last[:] = turns
        broken = list(rules.faults(turns, ask.lang))
        hard = [fault for fault in broken if fault[0] not in rules.soft]
        again = hard or (broken if len(desk.trace) - begun < desk.tries else [])
        if strict and again:
            return reject(ask, *again[0])
        for rule in dict.fromkeys(f"script: {rule}" for rule, _ in broken):
            desk.dialogue.quality.kept[rule] = desk.dialogue.quality.kept.get(rule, 0) + 1
        return None

    if rules.prefixes:
        await ask(name, check=check, rules=rules, **slots)
    else:
        await ask(name, kind, check=check, rules=rules, **slots)
    return last


def _turns(answer: Any, rules: ScriptRules, lang: Lang) -> list[Turn] | tuple[str, str]:
    if isinstance(answer, Script):
        return [line.turn() for line in answer.turns]
    lines = parse_lines(answer, rules, lang)
    return lines if isinstance(lines, tuple) else [Turn(speaker=speaker, text=text) for speaker, text in lines]
