"""What is said when a crisis cue was heard: fixed words, whoever leads the talk and in whatever voice.

No number stands here. Lines differ by country and change; a number that nobody keeps up to date is worse than none.
"""

from collections.abc import Mapping

from psyloom.records import Lang
from psyloom.safety.cues import cue_in

HELP: Mapping[Lang, str] = {
    "zh": "听到你这样说，我很在意你此刻是不是安全。我只是一个程序，没法来到你身边，所以请现在就让一个信得过的人陪着你；"
    "如果已经有了打算，或者手边有危险的东西，请马上拨打当地的急救或报警电话、心理援助热线，或者去最近的急诊。你现在安全吗？",
    "en": "What you say makes me care whether you are safe right now. I am a program and cannot come to you, so please let somebody "
    "you trust be with you now. If you have a plan, or anything dangerous within reach, call your local emergency number or a crisis "
    "line at once, or go to the nearest emergency department. Are you safe at this moment?",
}


def with_help(reply: str, said: str, lang: Lang) -> str:
    """A reply after the words of help where ``said`` holds a crisis cue; else the reply as it is."""
    return f"{HELP[lang]}\n\n{reply}" if cue_in(said, lang) else reply
