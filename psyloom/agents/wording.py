"""Three things that can be wrong with the form of what somebody says: it is a list, in another language, or too long."""

import re
from functools import lru_cache

from psyloom.records import Lang
from psyloom.records.sentences import spans

_ORDINALS = "一二三四五六七八九十"
_LIST = re.compile(
    r"^[^\S\n]*(?:"
    r"[-*–]\s|[•·●○▪◦‣]\s?|"  # bullets; a longer dash begins an aside
    r"\d+[.)、．](?!\d)\s?|[（(]\d+[)）]|[①-⑳]|"
    rf"[{_ORDINALS}]+、(?![{_ORDINALS}])|[（(][{_ORDINALS}]+[)）]"
    r")",
    re.MULTILINE,
)
_BEFORE = r"(?:^|[\s：:；;，,。.!?！？])"
_COUNTED = tuple(
    re.compile(found, re.DOTALL)
    for found in (
        rf"{_BEFORE}[（(]?1[.、)）．](?!\d).+{_BEFORE}[（(]?2[.、)）．](?!\d)",
        rf"{_BEFORE}一、(?![{_ORDINALS}]).+{_BEFORE}二、",
        r"①.+②",
        rf"{_BEFORE}第一[，,、：:].+第二[，,、：:]",
    )
)


def is_list(text: str) -> bool:
    """Does a message hold an enumeration: bullets or numbers at the start of lines, or 1. 2., 一、二、 in running text?"""
    return bool(_LIST.search(text)) or any(found.search(text) for found in _COUNTED)


_HAN, _LATIN, _LETTER = re.compile(r"[\u3400-\u9fff]"), re.compile(r"[A-Za-zÀ-ɏ]"), re.compile(r"[^\W\d_]")
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|「[^」]*」|『[^』]*』|《[^》]*》|（[^）]*）|\([^)]*\)")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")
# Frequent words of English that are no words of its neighbours; hardly a sentence of six words has none of them.
_COMMON = """
I the and if because that than then this these those there here it you your yours we our us they them their she be are
been being don doesn didn isn wasn not have hasn haven can could would should won must might did does of to from with
about into out up after before when while where what who why how which any some just like really very too my myself yes
ok okay well thank thanks hello hi sorry good think feel feels felt know want need get got go going make makes something
someone everything nothing never always things maybe even more only still also much many every each other sometimes
often again let people time
he his him until since for by at but two three first last told said says asked went came took
"""
_ENGLISH = frozenset(_COMMON.split())


@lru_cache(8192)
def is_foreign(text: str, lang: Lang) -> bool:
    """Is a message in another language? Names, single words and what is quoted are free.

    A Chinese one is told by its characters, an English one by its letters and, from six small words on, by common ones.
    """
    bare = _QUOTED.sub(" ", text)
    bare = bare if _LETTER.search(bare) else text
    han, latin, letters = (len(kind.findall(bare)) for kind in (_HAN, _LATIN, _LETTER))
    others = letters - han - latin
    if lang == "zh":
        return latin > 4 + 8 * han or others > 3 + han / 4
    words = _WORD.findall(bare)
    known = sum(word in _ENGLISH or word.lower() in _ENGLISH for word in words)
    small = sum(word[0].islower() for word in words)  # the others may be names
    return han + others > latin / 4 or (small >= 6 and known < small / 10)


def size(text: str, lang: Lang) -> int:
    """Characters of a Chinese text, words of an English one."""
    return len(text) if lang == "zh" else len(text.split())


def shortened(text: str, longest: int, lang: Lang) -> str:
    """The whole sentences, else the whole clauses, else the words with which ``text`` begins and that fit.

    Clauses are closed as a sentence is.
    """
    if size(text, lang) <= longest:
        return text
    stop = "。" if lang == "zh" else "."
    sentences = [text[:end] for _, end in spans(text)]
    clauses = [text[: one.start()] + stop for one in re.finditer(r"(?<=[\w”’\"')）])(?:[，；;]|,(?!\d))", text)]
    words = [text[: one.end()] for one in re.finditer("(?s)." if lang == "zh" else r"\S+", text)]
    for beginnings in (sentences, clauses, words):
        whole = (one.strip() for one in reversed(beginnings))
        if fits := next((one for one in whole if one and size(one, lang) <= longest), None):
            return fits
    return text
