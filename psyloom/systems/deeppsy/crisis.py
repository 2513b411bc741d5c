"""The gate before the stage detector: plain words for wanting to die, hurting oneself or somebody else.

A list of words finds what is said openly and nothing more; it is there so that no model can overlook that.
"""

import re

from psyloom.records import Lang

_CUES: dict[Lang, re.Pattern[str]] = {
    "zh": re.compile(
        r"自杀|轻生|寻死|自尽|(?<!不)想死|(?<!不)想去死|不想活|活不下去|不如死|死了算|死掉算|"
        r"结束(?:自己的|我的|这条)?(?:生命|性命|一切)|了结(?:自己|这条命|一切)|"
        r"自残|自伤|割腕|割(?:自己|手臂|胳膊)|伤害自己|跳(?:楼|河|江|桥)|上吊|烧炭|"
        r"(?:想|要)(?:杀了|弄死|捅死)(?:他|她|你|人|自己|他们)|遗书"
    ),
    "en": re.compile(
        r"\bkill(?:ing)? (?:myself|himself|herself|themselves|him|her|them)\b|\bsuicid\w*|"
        r"\b(?:end|ending|take|taking) (?:my|my own) life\b|\bend it all\b|"
        r"\b(?:want|wanted|wish|wishing|ready|going|like) (?:to die|i were dead|i was dead)\b|"
        r"\b(?:do not|don['’]t|no longer) want to (?:live|be alive|be here any ?more)\b|\bbetter off dead\b|"
        r"\b(?:hurt|hurting|cut|cutting|harm|harming|injur\w+) myself\b|\bself[- ]?(?:harm\w*|injur\w*)|\boverdos\w*|\bkms\b",
        re.IGNORECASE,
    ),
}


def cue_in(text: str, lang: Lang) -> str | None:
    """The first crisis cue in ``text``; both languages are looked for, the talk's own first."""
    for one in (lang, "en" if lang == "zh" else "zh"):
        if found := _CUES[one].search(text):
            return found.group()
    return None
