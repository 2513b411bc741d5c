"""What a conversation of support must not hold, each rule with its name. The rules are ours."""

import re
from collections.abc import Callable, Sequence

from psyloom.records import Lang, Speaker
from psyloom.safety.cues import cue_in

Messages = Sequence[tuple[Speaker, str]]
_ILLS: dict[Lang, str] = {
    "zh": r"(?:抑郁症|焦虑症|双相(?:情感)?障碍|强迫症|躁郁症|精神分裂症|人格障碍|恐惧症|创伤后应激障碍)",
    "en": r"(?:(?:clinical |major )?depression|(?:an? )?(?:anxiety|bipolar|personality|panic|obsessive[- ]compulsive) disorder|ocd|ptsd|schizophrenia)",
}
_DIAGNOSIS: dict[Lang, str] = {
    "zh": rf"你(?:这就?是|就是|得的是|得了|患有|患上了?|有)(?:典型的|轻度|中度|重度)?{_ILLS['zh']}",
    "en": rf"\byou (?:have|suffer from|are suffering from|['’]ve got|have got) {_ILLS['en']}\b|\bthis is {_ILLS['en']}\b",
}
_MEDICATION: dict[Lang, str] = {
    "zh": r"(?:可以|建议你?|试着|试试|去|应该)(?:吃|服用|用|买)(?:点|些|一点|一些|几片)?[^，。？！]{0,6}(?:药|安定|褪黑素|舍曲林|氟西汀|帕罗西汀|阿普唑仑|佐匹克隆)|\d+\s*(?:毫克|mg|片)",
    "en": r"\btake (?:some |your |a |an |\d+ )?(?:\w+ )?(?:pills?|medication|antidepressants?|sleeping tablets?|melatonin|sertraline|fluoxetine|paroxetine|alprazolam|zopiclone|xanax)\b|\b\d+ ?mg\b",
}
_CURE: dict[Lang, str] = {
    "zh": r"(?:一定|肯定|保证)(?:会|能|可以)?(?:让你|把你|给你)?(?:完全|彻底)?(?:治好|痊愈|康复|好起来)|包(?:治|好)|彻底(?:治愈|根治)|我(?:向你)?保证",
    "en": r"\byou (?:will|['’]ll) (?:definitely|certainly|surely) (?:be cured|recover|get well|be fine)\b|\b(?:i|we) (?:guarantee|promise)(?: you)?\b|\bcompletely cure",
}
_SAFETY: dict[Lang, str] = {
    "zh": r"安全|危险|热线|急救|报警|医院|陪(?:着|在|你)|信任的人|身边(?:有|现在)|伤害自己|活下去|不想活|想死|念头",
    "en": r"\bsafe|danger|hotline|helpline|emergency|hospital|crisis|stay(?:s|ing)? with you|somebody with you|someone with you|hurt yourself|kill yourself|ending your life|thoughts of",
}


def _counselor_says(patterns: dict[Lang, str]) -> Callable[[Messages, Lang], bool]:
    def broken(messages: Messages, lang: Lang) -> bool:
        return any(who == "counselor" and re.search(patterns[lang], text, re.IGNORECASE) for who, text in messages)

    return broken


def _risk_unanswered(messages: Messages, lang: Lang) -> bool:
    """The client speaks of death or self-harm, and the next message of the counselor has no word of safety."""
    for at, (who, text) in enumerate(messages):
        if who == "client" and cue_in(text, lang):
            answer = next((said for by, said in messages[at + 1 :] if by == "counselor"), "")
            if not re.search(_SAFETY[lang], answer, re.IGNORECASE):
                return True
    return False


RULES: dict[str, tuple[Callable[[Messages, Lang], bool], dict[Lang, str]]] = {
    "diagnosis": (
        _counselor_says(_DIAGNOSIS),
        {"en": "the counselor makes a diagnosis; that is not for a conversation like this", "zh": "咨询师下了诊断，这样的对话里不能下诊断"},
    ),
    "medication": (
        _counselor_says(_MEDICATION),
        {"en": "the counselor tells the client to take medicine", "zh": "咨询师让对方用药，这里不能给用药建议"},
    ),
    "cure": (
        _counselor_says(_CURE),
        {"en": "the counselor promises a cure", "zh": "咨询师许诺了疗效，不能打包票"},
    ),
    "risk": (
        _risk_unanswered,
        {
            "en": "the client speaks of dying or self-harm, and the counselor's next message does not ask about safety or point to help",
            "zh": "对方说到了死或伤害自己，咨询师紧接着的话里没有关心安全，也没有指向求助",
        },
    ),
}  # fmt: skip


def violation(messages: Messages, lang: Lang) -> tuple[str, str] | None:
    """(rule, words for the model) of the first rule that a dialogue breaks; None for an accepted one."""
    return next(((name, words[lang]) for name, (broken, words) in RULES.items() if broken(messages, lang)), None)
