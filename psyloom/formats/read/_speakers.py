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
SPEAKERS: Mapping[str, Side] = {
    **dict.fromkeys(_CLIENT.split(), "client"),
    **dict.fromkeys(_COUNSELOR.split(), "counselor"),
    "system": "system",
}
OTHER: Mapping[Side, Speaker] = {"client": "counselor", "counselor": "client"}

_NUMBERED = re.compile(r"[\s_\-*#\d\[\]【】()（）]+")


def side(word: str, *maps: Mapping[str, Side]) -> Side | None:
    """Who a speaker word means; earlier maps come first, then SPEAKERS. ``side("Help-Seeker") == "client"``."""
    for known in (*maps, SPEAKERS):
        if (found := known.get(word)) or (found := known.get(_NUMBERED.sub("", word).casefold())):
            return found
    return None


def sides(names: Iterable[str], *maps: Mapping[str, Side]) -> dict[str, Side | None]:
    """Who each name is. Of two speakers, the one that is not known is the other side of the one that is."""
    found = {name: side(name, *maps) for name in names}
    people = {name: who for name, who in found.items() if who != "system"}
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
