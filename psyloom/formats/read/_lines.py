"""Talk written as text: "Client: ..." and "来访者：..." lines, with either colon, taken apart into who said what."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from psyloom.formats.read._speakers import SPEAKERS, side

_DIRECTION = re.compile(r"\s*(?:\(.*\)|（.*）|\[.*\]|【.*】|\*[^*]+\*)\s*")
# A speaker's name at the start of a line: up to four words without the marks of a sentence.
_WORD = r"[^\s:：,，。!?！？;；*]{1,20}"
_NAME = re.compile(rf"^[ \t>*#-]*({_WORD}(?:[ \t]{_WORD}){{0,3}})\**[ \t]*[:：](?!\d)", re.MULTILINE)


@dataclass(slots=True)
class Said:
    """One prefixed passage. Lines that are nothing but a bracketed stage direction are kept apart."""

    name: str
    text: str
    directions: list[str] = field(default_factory=list)


@cache
def prefixes(*words: str) -> re.Pattern[str]:
    """Finds the prefixes made of these words at line starts; ``[word]`` needs no colon."""
    one = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(
        rf"^[ \t>*#-]*(?:[\[【](?P<a>{one})[ \t]*\d*[\]】][ \t]*[:：]?"
        rf"|(?P<b>{one})[ \t]*\d*\**[ \t]*[:：])\**[ \t]*",
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
    return before.strip(), [
        Said(name(mark), *_apart(text[mark.end() : end])) for mark, end in zip(marks, ends, strict=False)
    ]


def name(mark: re.Match[str]) -> str:
    """The name in a found prefix."""
    return str(next(filter(None, mark.groups())))


def left_open(text: str) -> int | None:
    """Where a speaker prefix with nothing behind it begins at the end of a text, if one was left there."""
    found = _LEFT_OPEN.search(text[-40:]) if text[-1:] in (":", "：") else None
    return max(0, len(text) - 40) + found.start() if found else None


def names(text: str) -> re.Pattern[str] | None:
    """Finds the prefixes of a transcript whose speakers' names are not known; None when it shows none.

    Where known words name both sides only they count; else names that begin lines twice, or the only two there are.
    """
    found = Counter(mark[1].strip() for mark in _NAME.finditer(text))
    people = {word for word in found if side(word)}
    if len({side(word) for word in people} - {"system"}) < 2:
        often = {word for word, times in found.items() if times > 1}
        people |= often if len(people | often) > 1 else set(found) if len(found) == 2 else set()
    return prefixes(*people) if len(people) > 1 else None


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
