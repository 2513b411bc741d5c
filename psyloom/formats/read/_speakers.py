"""Who speaks: the words that data sets use for the client and the counselor, in Chinese and English."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from psyloom.records import Speaker

Side = Speaker | Literal["system"]

_CLIENT = """
    client seeker helpseeker patient user human usr visitor mentee caller
    来访者 求助者 咨询者 来询者 求询者 求助人 来访人 当事人 患者 病人 用户 服务对象 倾诉者 案主 提问者
"""
_COUNSELOR = """
    counselor counsellor supporter therapist psychotherapist psychologist psychiatrist doctor physician clinician
    provider helper assistant gpt bot chatbot model ai chatgpt
    咨询师 心理咨询师 心理师 心理医生 心理治疗师 治疗师 支持者 医生 医师 助人者 辅导员 辅导老师 倾听者 回答者 助手
"""
_THIRD = """
    mother father mom mum dad parent husband wife partner spouse son daughter brother sister child grandmother
    grandfather friend teacher nurse interpreter translator observer supervisor interviewer narrator
    母亲 父亲 妈妈 爸爸 家长 家属 丈夫 妻子 老公 老婆 伴侣 儿子 女儿 孩子 哥哥 弟弟 姐姐 妹妹 奶奶 爷爷 外婆 外公
    朋友 同学 老师 班主任 护士 翻译 观察员 督导 主持人 旁白
"""
SPEAKERS: Mapping[str, Side] = {
    **dict.fromkeys(_CLIENT.split(), "client"),
    **dict.fromkeys(_COUNSELOR.split(), "counselor"),
    "system": "system",
}
_THIRD_WORDS = frozenset(_THIRD.split())
OTHER: Mapping[Side, Speaker] = {"client": "counselor", "counselor": "client"}

_NUMBERED = re.compile(r"[\s_\-*#\d\[\]【】()（）]+")
_LETTERED = re.compile(r"(?:[\s_\-]+|(?<=[^\x00-\x7f]))[A-Za-z甲乙丙丁]$")


def side(word: str, *maps: Mapping[str, Side]) -> Side | None:
    """Who a speaker word means; earlier maps come first, then SPEAKERS. ``side("Help-Seeker") == "client"``."""
    bare = _NUMBERED.sub("", _LETTERED.sub("", word)).casefold()
    for known in (*maps, SPEAKERS):
        if (found := known.get(word)) or (found := known.get(_NUMBERED.sub("", word).casefold()) or known.get(bare)):
            return found
    return None


def lettered(word: str) -> bool:
    """Does a speaker word end in a letter that tells it from others, as in "Client B"?"""
    return bool(_LETTERED.search(word))


def third(word: str) -> bool:
    """Is this a word for somebody beside the client and the counselor?"""
    return _NUMBERED.sub("", word).casefold() in _THIRD_WORDS


def sides(names: Iterable[str], *maps: Mapping[str, Side]) -> dict[str, Side | None]:
    """Who each name is. Of two speakers, the one that is not known is the other side of the one that is; kin and
    attendants do not count as soon as there are more."""
    found = {name: side(name, *maps) for name in names}
    people = {name: who for name, who in found.items() if who != "system"}
    if len(people) > 2:
        people = {name: who for name, who in people.items() if who or not third(name)}
    known = next((who for who in people.values() if who is not None), None)
    if len(people) == 2 and known is not None:
        found.update({name: OTHER[known] for name, who in people.items() if who is None})
    return found


def unsettled(found: Mapping[str, Side | None]) -> str:
    """What to tell a person when no side of the talk could be settled; empty when at least one was."""
    unknown: Sequence[str] = [name for name, who in found.items() if who is None]
    if not unknown or any(who in OTHER for who in found.values()):
        return ""
    return f"nobody is known as client or counselor: {', '.join(map(repr, unknown))}; say who is who, e.g. {unknown[0]}=client"
