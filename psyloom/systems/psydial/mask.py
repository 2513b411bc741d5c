"""Mask: every client line gives way to a placeholder, and what a counselor line repeats of them does, too.

All is found by rules, not by a model: the real session must not leave the machine to be masked. Rules know what has a
form (names, numbers), what has a name (larger places), what tells a life in one word (``words.toml``) and what repeats
the client. They miss a nickname, a village, an occupation or a rare event told in few words, a fact that the counselor
says in words of their own, and what only several lines together tell; a service should read its masked sessions.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from psyloom.knowledge.files import load
from psyloom.records import Lang, Turn, sentences
from psyloom.safety.cues import Patterns
from psyloom.safety.entities import entities

CLIENT = re.compile(r"\[CLIENT_(\d+)\]")
PLACEHOLDER = re.compile(r"\[(?:CLIENT_\d+|PERSON|PHONE|ID|ORG|PLACE|DATE|SCHOOL|ACCOUNT|QUOTE)\]")
ECHO: dict[Lang, int] = {"zh": 4, "en": 4}
"""Characters (zh) or words (en) in a row that a counselor must not share with the client: a restatement.

Who restates turns I into you; both count as the same word.
"""

_ONE_PERSON = {
    "你": "我",
    "您": "我",
    "you": "i",
    "me": "i",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "are": "am",
    "were": "was",
}
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’][a-z]+)?")
_QUOTED = re.compile(r"[“「『\"]([^”」』\"]{2,40})[”」』\"]")


class Words(BaseModel):
    """Which words are everybody's, and which tell a life."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    note: str
    everyday: Patterns
    telling: Patterns


WORDS = load(Words, Path(__file__).parent / "words.toml", Path(__file__).parent, "set of words")
_EVERYDAY = frozenset("".join(WORDS.everyday.zh)) | frozenset(" ".join(WORDS.everyday.en).split())
_TELLING = re.compile(rf"{'|'.join(WORDS.telling.zh)}|\b(?i:{'|'.join(WORDS.telling.en)})\b")


def masked(turns: Sequence[Turn], lang: Lang) -> list[Turn]:
    """The session without its client: ``[CLIENT_k]`` in its lines, typed placeholders in the counselor's.

    Number, order and speakers of the turns stay. A counselor line loses names and numbers of its own, those that the
    client named, words that tell a life, and what it repeats of the client: runs of ECHO tokens, whole sentences however
    short, and anything quoted.
    """
    client = [turn.text for turn in turns if turn.speaker == "client" and not CLIENT.fullmatch(turn.text)]
    kinds: dict[str, str] = {}
    for kind, words in (found for text in client for found in entities(text)):
        kinds.setdefault(words, kind)
    named = sorted(((kind, words) for words, kind in kinds.items()), key=lambda one: (-len(one[1]), one[1]))
    heard = {tuple(map(_same_person, gram)) for gram in grams(client, ECHO[lang])}
    heard |= {said for said in own_sentences(client) if len(said) < ECHO[lang]}
    told = "\n".join(client).casefold()
    texts: list[Turn] = []
    k = 0
    for turn in turns:
        k += turn.speaker == "client"
        text = f"[CLIENT_{k}]" if turn.speaker == "client" else _scrubbed(turn.text, named, heard, told, ECHO[lang])
        texts.append(Turn(speaker=turn.speaker, text=text))
    return texts


def _scrubbed(text: str, named: Iterable[tuple[str, str]], heard: set[tuple[str, ...]], told: str, size: int) -> str:
    for kind, words in (*named, *entities(text)):
        text = words_of(words).sub(f"[{kind}]", text)
    text = _TELLING.sub("[QUOTE]", text)
    text = _QUOTED.sub(lambda quote: "[QUOTE]" if quote[1].strip("，。,. ").casefold() in told else quote[0], text)
    spans = [found.span() for found in _TOKEN.finditer(text)]
    words_ = [_same_person(text[a:b].casefold()) for a, b in spans]
    runs = ((at, n) for n in range(1, size + 1) for at in range(len(words_) - n + 1))
    echoed = {at + k for at, n in runs if tuple(words_[at : at + n]) in heard for k in range(n)}
    for last in sorted((at for at in echoed if at + 1 not in echoed), reverse=True):
        first = last
        while first - 1 in echoed:
            first -= 1
        text = f"{text[: spans[first][0]]}[QUOTE]{text[spans[last][1] :]}"
    return text


def own_sentences(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """The tokens of all sentences that are somebody's own, I and you being the same.

    Not those of a single letter, nor those of everyday words alone (Yes, I know. 嗯，好的。): they are everybody's.
    """
    said = {tuple(map(_same_person, tokens(one))) for text in texts for one in sentences(text)}
    return {one for one in said if len("".join(one)) > 1 and not _EVERYDAY.issuperset(one)}


@cache
def words_of(name: str) -> re.Pattern[str]:
    """Where words stand in a text as words (Ann, but not planned), whatever marks are between them.

    Short names keep their case: Will and US are not will and us.
    """
    parts = [found[0] for found in _TOKEN.finditer(name)] or [name]
    inner = r"[\W_]*".join(map(re.escape, parts))
    case = re.IGNORECASE if len("".join(parts)) > 4 else re.NOFLAG
    return re.compile(rf"(?<![A-Za-z0-9]){inner}(?![A-Za-z0-9])", case)


def _same_person(token: str) -> str:
    return _ONE_PERSON.get(token, token)


def tokens(text: str) -> list[str]:
    """Chinese characters and the words of other scripts, marks left out."""
    return [found[0].casefold() for found in _TOKEN.finditer(text)]


def grams(texts: Iterable[str], size: int) -> set[tuple[str, ...]]:
    """All runs of ``size`` tokens that stand in one of the texts."""
    return {tuple(one[at : at + size]) for one in map(tokens, texts) for at in range(len(one) - size + 1)}
