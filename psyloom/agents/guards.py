"""Guards: what no generated turn may look like. A faulty turn is asked for again with the reason, and counted."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from psyloom.knowledge import LabelSet
from psyloom.records import Lang, Speaker

_CLIENT = "client|patient|help-?seeker|seeker|来访者|求助者|患者|病人|咨询者|用户"
_COUNSELOR = "counsell?or|therapist|supporter|doctor|咨询师|心理咨询师|支持者|助人者|医生|治疗师"
_PREFIX: dict[Speaker, re.Pattern[str]] = {
    "client": re.compile(rf"^[\s\"“*【\[]*(?:{_CLIENT})[】\]*]*\s*[:：][*\s]*", re.IGNORECASE | re.MULTILINE),
    "counselor": re.compile(rf"^[\s\"“*【\[]*(?:{_COUNSELOR})[】\]*]*\s*[:：][*\s]*", re.IGNORECASE | re.MULTILINE),
}
_QUOTES = (('"', '"'), ("“", "”"), ("「", "」"))


def clean(text: str, speaker: Speaker, end: str | None = None) -> str:
    """An utterance without its speaker's prefix and without quotes around the whole of it.

    end: a token that may stand at the close, before or after the quote; it stays, as the last thing.
    """
    text = text.strip()
    if end and end in text:
        return f"{clean(text.replace(end, ''), speaker)} {end}"
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


@dataclass(frozen=True)
class Said:
    """An utterance about to be said, and where."""

    text: str
    speaker: Speaker
    lang: Lang
    turns: Sequence[tuple[Speaker, str]] = ()
    unsaid: tuple[LabelSet, ...] = ()


def role_flip(said: Said) -> bool:
    """The text goes on to write a labelled line, for the other side or again for its own."""
    return any(_PREFIX[who].search(said.text) for who in ("client", "counselor"))


_LEAK = re.compile(
    r"</?think|^\s*[{\[]\s*\"|```|\bas an ai (?:language )?model\b|作为一个?(?:AI|人工智能)(?:语言)?模型|"
    r"^\s*(?:thought|reasoning|analysis|思考|分析)\s*[:：]",
    re.IGNORECASE | re.MULTILINE,
)


def leaked_reasoning(said: Said) -> bool:
    """Reasoning, data or talk about being a language model stands in the utterance."""
    return bool(_LEAK.search(said.text))


def names_label(said: Said) -> str | None:
    """A technique is announced by its name instead of being used: the name."""
    names = (term.name(said.lang) for group in said.unsaid for term in group.terms)
    return next((name for name in names if _names(name, said)), None)


def _names(name: str, said: Said) -> bool:
    if said.lang == "zh":
        # Short names (提问, 反映) are everyday words: they count only when they are called a technique.
        pattern = (
            re.escape(name) if len(name) >= 5 else rf"{re.escape(name)}(?:技术|技巧|法)|[“「]{re.escape(name)}[”」]"
        )
        return bool(re.search(pattern, said.text))
    if " " in name or "-" in name:
        return bool(re.search(rf"\b{re.escape(name)}\b", said.text, re.IGNORECASE))
    return bool(
        re.search(rf"(?<=[a-z,] ){re.escape(name)}\b|\b{re.escape(name)}\s+(?:technique|skill|method)\b", said.text)
    )


_FAREWELL = re.compile(
    r"\b(?:good ?bye|bye|see you|take care|farewell|until next (?:time|week|session))\b|再见|拜拜|保重|下次见|回头见",
    re.IGNORECASE,
)


def farewell_loop(said: Said) -> bool:
    """Both sides have said goodbye, and this says it once more."""
    return (
        bool(_FAREWELL.search(said.text))
        and len(said.turns) >= 2
        and all(_FAREWELL.search(t) for _, t in said.turns[-2:])
    )


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
