"""Guards: what no generated turn may look like. A faulty turn is asked for again with the reason, and counted."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from psyloom.agents.parting import takes_leave
from psyloom.knowledge import LabelSet
from psyloom.records import Lang, Speaker

END = "[/END]"  # with which a speaker closes the session; never a part of what is said

# Who speaks: words that only a script puts before a colon, and words that people also use of those they quote.
_WHO: dict[Speaker, tuple[str, str]] = {
    "client": ("client|help-?seeker|seeker|来访者|求助者", "patient|user|患者|病人|咨询者|用户"),
    "counselor": (
        "counsell?or|therapist|supporter|(?:心理)?咨询师|支持者|助人者|治疗师",
        r"assistant|psychologist|doctor|dr\.?(?: \w+){1,2}|心理师|心理医生|医生|助手",
    ),
}
_SURE, _MAYBE = ("|".join(words[at] for words in _WHO.values()) for at in (0, 1))
_ANYONE = f"{_SURE}|{_MAYBE}"
_ASIDE = r"(?:[(（\[【][^()（）\[\]【】\n]{1,20}[)）\]】]\s*)?"  # how it is said: (warmly)
_GAP = r"[*\s]{0,4}"  # bounded, as all that may be repeated: a model that is stuck writes thousands of them


def _label(words: str) -> str:
    """What stands before a line of a script: "**Client** (sighs):", "（叹气）来访者：", "【来访者】"."""
    named = rf"(?:{words}){_GAP}{_ASIDE}{_GAP}[:：]"
    return rf"[\s\"“*]{{0,6}}{_ASIDE}\*{{0,3}}(?:{named}|[【\[](?:{words})[】\]]{_GAP}[:：]?)[*\s]*"


# Besides its name a model writes "Reply:" or 我：, where 我 does not tell what several people said in turns.
_OWN = r"reply|response|回复|回应|我(?=[:：](?!.*\n.{1,6}[:：]))"
_PREFIX: dict[Speaker, re.Pattern[str]] = {
    who: re.compile(_label(f"{sure}|{maybe}|{_OWN}"), re.IGNORECASE) for who, (sure, maybe) in _WHO.items()
}
_QUOTES = (('"', '"'), ("“", "”"), ("「", "」"))
# Most of what is said holds none of these, and is not looked at closer: there is no label or markup, and no token.
_MARKED, _BRACKETED = re.compile(r"[:：<`\[【{]"), re.compile(r"[\[【（(<〔［〈]")


def clean(text: str, speaker: Speaker, end: str | None = None) -> str:
    """An utterance without its speaker's prefix and without quotes around the whole of it.

    end: a token that may stand at the close, before or after the quote; it stays, as the last thing. Without one
    the speaker has no say in when the session ends, and the usual token goes.
    """
    text, closes = take_end(text, end or END)
    if closes and end:
        return f"{clean(text, speaker)} {end}"
    if found := _PREFIX[speaker].match(text):
        opened = next((right for left, right in _QUOTES if left in found.group()), None)
        text = text[found.end() :].strip()
        text = text.removesuffix(opened).rstrip() if opened and text.count(opened) == 1 else text
    for left, right in _QUOTES:
        if (
            len(text) > 1
            and text.startswith(left)
            and text.endswith(right)
            and text.count(left) == (2 if left == right else 1)
        ):
            text = text[1:-1].strip()
    return text


def take_end(text: str, token: str) -> tuple[str, bool]:
    """Part an end token from an utterance, however it is written: (text without it, was it there)."""
    if not _BRACKETED.search(text):
        return text.strip(), False
    inner, whole = _closing(token)
    return (whole.sub("", text).strip(), True) if inner.search(text) else (text.strip(), False)


@cache
def _closing(token: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A token in any case, width and kind of brackets: by itself, and with the marks around it."""
    word = "".join(f"[{one}{chr(ord(one) + 0xFEE0)}]" for one in re.sub(r"\W", "", token))
    inner = rf"[\[【（(<〔［〈] ?[/／\\]? ?{word} ?[/／\\]? ?[\]】）)>〕］〉]"
    whole = rf"\s{{0,6}}[*_`\\]{{0,4}}{inner}[*_`]{{0,4}}"
    return re.compile(inner, re.I), re.compile(rf"(?<=[.!?。！？…]){whole}\s*[.。!！]*|{whole}", re.I)


@dataclass(frozen=True)
class Said:
    """An utterance about to be said, and where."""

    text: str
    speaker: Speaker
    lang: Lang
    turns: Sequence[tuple[Speaker, str]] = ()
    unsaid: tuple[LabelSet, ...] = ()


# Within a line, after a sentence; who is quoted there ("医生：多休息。") must not be alone.
_FLIP = re.compile(
    rf"^{_label(_ANYONE)}|(?<=[.!?。！？…”\"）)]){_GAP}{_ASIDE}(?:(?:{_SURE})|(?:{_MAYBE})(?=[\s\S]{{0,400}}(?:{_ANYONE})[:：]))"
    rf"{_GAP}{_ASIDE}[:：]|\*\*(?:{_ANYONE})(?: ?[:：]\*\*|\*\* ?[:：])",
    re.IGNORECASE | re.MULTILINE,
)


def role_flip(said: Said) -> bool:
    """The text goes on to write a labelled line, for the other side or again for its own."""
    return bool(_MARKED.search(said.text) and _FLIP.search(said.text))


_THOUGHT = "(?:inner )?thoughts?|reasoning|rationale|analysis|思考(?:过程)?|思路|推理(?:过程)?|分析|内心独白"
_NOTED = f"{_THOUGHT}|strateg(?:y|ies)|techniques?|stage|phase|intention|策略|技术|技巧|阶段|意图"
_ANSWER = "(?:reply|response|message|utterance|turn|回复|回应|回答|发言|台词)"
_NOTES = re.compile(
    rf"^[\s*\"“]{{0,6}}(?:{_NOTED}|thinking|reply|response|回复|回应){_GAP}[:：]|"
    rf"[【\[] ?(?:{_NOTED}) ?[】\]:：]|[（(] ?(?:{_NOTED}) ?[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_LEAK = re.compile(
    r"</?think|^\s{0,6}[{\[]\s{0,6}\"|```|"
    rf"(?:^|以下[是为]|\bhere(?:['’]s| is) (?:the |a )?)(?:{_ANYONE})(?:['’]s |的)?(?:next )?{_ANSWER}[^.。\n:：]{{0,20}}[:：]|"
    r"\bhere(?:['’]s| is) an? (?:[\w-]+ ){0,2}(?:reply|response)\b[^.\n:]{0,30}:|"
    r"(?:修改|改写|调整|润色)后的?(?:回复|回应|回答|发言)[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_RECORD = re.compile(r"^\W{0,6}(?:situation|event|情境|情景|事件) ?[:：]", re.IGNORECASE | re.MULTILINE)
_MACHINE = re.compile(
    r"\b(?:as|i am|i['’]?m) (?:just |only |merely )?an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"(?:[ -](?:language )?(?:model|assistant|chatbot|bot|system|program|companion|counsell?or|therapist)\b"
    r"(?! \w+(?:er|or|ist|ect)\b)|(?=\s*(?:[,.;:!?—–-]|$|(?:and|but|so|i|who|that|without)\b)))|"
    r"(?:作为|身为|我(?:只|就|其实|不过|仅仅)?是)(?:一?[个名位款台])?(?:[^，。！？\s]{1,8}的)?\s?(?:AI|人工智能)(?:语言|大|心理|聊天|智能)*"
    r"(?:模型|助手|助理|程序|系统|机器人|咨询师|伙伴|陪伴者)?(?=\W|$|[我没无不而也])",
    re.IGNORECASE,
)
_AI = ("AI", "an ai", "个ai", "人工智能", "rtificial intelligence", "anguage model")  # to look twice where one stands
_ASKED = re.compile(r"\bAI\b|人工智能|机器人|真人|\b(?:chat|ro)?bot\b|real person|human", re.IGNORECASE)


def leaked_reasoning(said: Said) -> bool:
    """Reasoning, data or talk about being a language model stands in the utterance.

    A thought record that the two write down is none, nor an honest answer to one who asks whether it is a machine.
    """
    text = said.text
    if _MARKED.search(text) and (_LEAK.search(text) or (_NOTES.search(text) and not _RECORD.search(text))):
        return True
    told = any(word in text for word in _AI) and _MACHINE.search(text)
    return bool(told) and not (said.turns and _ASKED.search(said.turns[-1][1]))


def names_label(said: Said) -> str | None:
    """A technique is announced by its name instead of being used: the name. One that the client brought up is free."""
    if not said.unsaid:
        return None
    text = said.text.casefold()
    names = (term.name(said.lang) for group in said.unsaid for term in group.terms)
    found = (name for name in names if name.casefold() in text and _names(name, said))
    return next((name for name in found if not _brought_up(name, said)), None)


def _brought_up(name: str, said: Said) -> bool:
    return any(who == "client" and name.casefold() in text.casefold() for who, text in said.turns)


def _names(name: str, said: Said) -> bool:
    word = re.escape(name)
    if re.search(rf"^\W*{word}\s*[:：]|[\[【（(]{word}[)）】\]]", said.text, re.IGNORECASE):
        return True  # as a label
    if said.lang == "zh":
        # Short names (提问, 反映) are everyday words: they count only when they are called a technique.
        long = len(name) >= 5 or name.endswith(("技术", "技巧", "疗法"))
        return long or bool(re.search(rf"{word}(?:技术|技巧|法)|[“「]{word}[”」]", said.text))
    if " " in name:
        return bool(re.search(rf"\b{word}\b", said.text, re.IGNORECASE))
    title, called = re.escape(name[0].upper() + name[1:]), r"\s+(?:technique|skill|method)\b"
    announced = rf"|\b(?:use|using|try|trying|do|doing|apply) (?:\w+ ){{0,2}}{word}\b" if "-" in name else ""
    return bool(re.search(rf"(?<=[a-z,] ){title}\b|(?i:\b{word}{called}{announced})", said.text))


def farewell_loop(said: Said) -> bool:
    """Both sides have said goodbye, and this says it once more."""
    return takes_leave(said.text) and len(said.turns) >= 2 and all(takes_leave(text) for _, text in said.turns[-2:])


def repeats(said: Said) -> bool:
    """Word for word what was said before in this session, by either side; greetings of a few words are free."""
    text = fold(said.text)
    return len(text) > 8 and any(fold(before) == text for _, before in said.turns)


def empty(said: Said) -> bool:
    """Nothing is said."""
    return not fold(said.text)


@lru_cache(8192)
def fold(text: str) -> str:
    """Text as the repetition guard compares it: no punctuation, no spaces, one case, one width."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


GUARDS: dict[str, tuple[Callable[[Said], bool | str | None], dict[Lang, str]]] = {
    "empty": (empty, {"en": "it says nothing", "zh": "没有说出内容"}),
    "role_flip": (
        role_flip,
        {
            "en": "it contains lines for a speaker by name; write only your own next message, without any name in front",
            "zh": "里面出现了带说话人名字的台词；只写你自己接下来要说的这一段，前面不要加名字",
        },
    ),
    "leaked_reasoning": (
        leaked_reasoning,
        {
            "en": "it shows reasoning or data instead of plain speech",
            "zh": "里面露出了思考过程或数据，应当只有说出口的话",
        },
    ),
    "names_label": (
        names_label,
        {"en": "it names a technique; use it without saying its name", "zh": "里面说出了技术的名称；只管用，不要点名"},
    ),
    "repeats": (
        repeats,
        {
            "en": "the same words were said before in this session; say something new",
            "zh": "这句话前面已经原样说过；换一句新的",
        },
    ),
    "farewell_loop": (
        farewell_loop,
        {"en": "both sides have said goodbye already; do not say it again", "zh": "双方都已经道过别，不要再道别"},
    ),
}


def faults(said: Said) -> Iterator[tuple[str, str]]:
    """Yield (guard, reason in the talk's language) for everything wrong with an utterance."""
    for name, (is_faulty, reasons) in GUARDS.items():
        if found := is_faulty(said):
            yield name, f"{reasons[said.lang]} ({found})" if isinstance(found, str) else reasons[said.lang]
