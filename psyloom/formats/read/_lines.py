"""Talk written as text: "Client: ..." and "来访者：..." lines, with either colon, taken apart into who said what."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from psyloom.formats.read._speakers import SPEAKERS, side, third
from psyloom.records import Speaker

_DIRECTION = re.compile(r"\s*(?:\(.*\)|（.*）|\[.*\]|【.*】|\*[^*]+\*)\s*")
# "Client (softly):" and "来访者（低头）："
_MANNER = r"(?:[ \t]*(?P<manner>[(（][^()（）\n]{1,40}[)）]))?"
# A speaker's name at the start of a line: up to four words without the marks of a sentence.
_WORD = r"[^\s:：,，。!?！？;；*()（）]{1,20}"
_NAME = re.compile(rf"^[ \t>*#-]*({_WORD}(?:[ \t]{_WORD}){{0,3}}){_MANNER}\**[ \t]*[:：](?![\d/])", re.MULTILINE)

NOBODY: Mapping[str, Speaker] = {}


@dataclass(slots=True)
class Said:
    """One prefixed passage. Lines that are nothing but a bracketed stage direction are kept apart."""

    name: str
    text: str
    directions: list[str] = field(default_factory=list)


@cache
def prefixes(*words: str) -> re.Pattern[str]:
    """Finds the prefixes made of these words at line starts; ``[word]`` needs no colon.

    A word may have a number, which does not count, a letter, which tells clients A and B apart, and a manner behind it.
    """
    word = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    one = rf"(?:{word})(?:[ \t]+[a-z]\b|(?<=[^\x00-\x7f])[a-z甲乙丙丁])?"
    return re.compile(
        rf"^[ \t>*#-]*(?:[\[【](?P<a>{one})[ \t]*\d*[\]】][ \t]*[:：]?"
        rf"|(?P<b>{one})[ \t]*\d*{_MANNER}\**[ \t]*[:：])\**[ \t]*",
        re.MULTILINE | re.IGNORECASE,
    )


KNOWN = prefixes(*(word for word, who in SPEAKERS.items() if who != "system"))
_LEFT_OPEN = re.compile(
    r"(?:^|\n|(?<=[.!?。！？…”\"])\s*)(?P<a>"
    + "|".join(sorted({w if w[0] > "z" else w.capitalize() for w in SPEAKERS}, key=len, reverse=True))
    + r")[ \t]*[:：]\s*$"
)


def said(text: str, prefix: re.Pattern[str] = KNOWN) -> tuple[str, list[Said]]:
    """Split a text at its prefixes.

    Returns: what stands before the first prefix, and the passages in order; text without a prefix has none.
    """
    text = text.replace("\r\n", "\n")
    marks = list(prefix.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    before = text[: marks[0].start()] if marks else text
    return before.strip(), [_said(mark, text[mark.end() : end]) for mark, end in zip(marks, ends, strict=False)]


def _said(mark: re.Match[str], body: str) -> Said:
    spoken, directions = _apart(body)
    return Said(name(mark), spoken, [*filter(None, [manner(mark)]), *directions])


def name(mark: re.Match[str]) -> str:
    """The name in a found prefix."""
    return str(mark["a"] or mark["b"])


def manner(mark: re.Match[str]) -> str:
    """How it is said, in its brackets, where a found prefix tells it."""
    return str(mark["manner"] or "")


def left_open(text: str) -> int | None:
    """Where a speaker prefix with nothing behind it begins at the end of a text, if one was left there."""
    found = _LEFT_OPEN.search(text[-40:]) if text[-1:] in (":", "：") else None
    return max(0, len(text) - 40) + found.start() if found else None


def names(text: str, given: Mapping[str, Speaker] = NOBODY) -> re.Pattern[str] | None:
    """Finds the prefixes of a transcript whose speakers' names are not known; None when it shows none.

    Where known words, or names that are ``given``, stand for both sides only they count; else names that begin lines
    twice, or the only two there are. Third persons are found beside them.
    """
    found = Counter(mark[1].strip() for mark in _NAME.finditer(text))
    people = {word for word in found if given.get(word) or side(word)}
    settled = len({given.get(word) or side(word) for word in people} - {"system"}) > 1
    if not settled:
        often = {word for word, times in found.items() if times > 1}
        people |= often if len(people | often) > 1 else set(found) if len(found) == 2 else set()
    return prefixes(*people, *_others(text, people, settled)) if len(people) > 1 else None


def _others(text: str, people: set[str], settled: bool) -> set[str]:
    """Who else speaks: kin and attendants; where client and counselor are settled and every line is a message, all."""
    first = prefixes(*people).search(text)
    told = text[first.start() :] if first else ""
    others = {mark[1].strip() for mark in _NAME.finditer(told)} - people
    known = prefixes(*people, *others)
    lines = [line for line in told.split("\n") if line.strip() and not _DIRECTION.fullmatch(line)]
    return others if settled and all(map(known.match, lines)) else {one for one in others if third(one)}


def inner_names(text: str) -> list[str]:
    """What could be names of speakers at the start of later lines of one message."""
    return [mark[1].strip() for mark in _NAME.finditer(text) if mark.start()]


def speaks(texts: Iterable[str], *words: str) -> bool:
    """Does every one of these texts begin with a prefix made of one of the words?"""
    pattern = prefixes(*words)
    return all(pattern.match(text) for text in texts)


def _apart(body: str) -> tuple[str, list[str]]:
    body = body.strip()
    if "\n" not in body:
        return body, []
    lines = body.split("\n")
    spoken = [line for line in lines if not _DIRECTION.fullmatch(line) or not line.strip()]
    directions = [line.strip() for line in lines if line.strip() and _DIRECTION.fullmatch(line)]
    return ("\n".join(spoken).strip(), directions) if any(map(str.strip, spoken)) else (body, [])
