"""What the answers of CRDial must keep to beyond the form of a script: strategies, channels, verdicts."""

import re
from collections.abc import Iterable, Sequence

from psyloom.agents import Ask
from psyloom.agents.guards import fold
from psyloom.agents.script import reject
from psyloom.knowledge import Term
from psyloom.knowledge.plans import Stage
from psyloom.records import Lang, sentences
from psyloom.systems.crisp.answers import Identified, Sentence, Stretch, Tried
from psyloom.systems.crisp.tree import STRATEGIES, Channel

LOW, HIGH = 1.5, 3.0  # strategies a therapist's turn, on average; 2.23 in Crisp
WORDS: dict[str, dict[Lang, str]] = {
    "twice": {"en": "channels must be different distortions", "zh": "channels 里的认知扭曲不能重复"},
    "treated": {"en": "{} has been treated already", "zh": "“{}”前面已经处理过了"},
    "no thought": {"en": "restructured is true, so new_thought must be put into words", "zh": "restructured 是 true，就要写出 new_thought"},
    "same thought": {"en": "new_thought is the old thought once more", "zh": "new_thought 还是原来那个想法"},
    "two sentences": {"en": "this is more than one sentence, and each needs an item with a strategy of its own: {!r}", "zh": "“{}”不止一句话，每一句都要单独一项、有自己的策略"},
    "not used": {"en": "the strategy {} is not to be used", "zh": "不要使用策略“{}”"},
    "few": {
        "en": "the therapist's messages carry {:.1f} strategies on average; it should be {} to {}",
        "zh": "治疗师每条发言平均用了 {:.1f} 种策略，应当在 {} 到 {} 之间",
    },
}  # fmt: skip
_PAUSE = re.compile(r"…+|\.{2,}")


def mislabelled(said: Iterable[Sentence], allowed: Sequence[Term], ask: Ask, *, strict: bool) -> str | None:
    """Does a strategy stand for more than one sentence, or is one used that is switched off?

    A pause ("嗯……", "Well...") ends no sentence here: what it leads to has no strategy of its own.
    """
    ids = {term.id for term in allowed}
    for one in said:
        if strict and len(sentences(_PAUSE.sub(",", one.text))) > 1:
            return reject(ask, "sentence", WORDS["two sentences"][ask.lang].format(one.text))
        if one.strategy not in ids:
            name = STRATEGIES[one.strategy].name(ask.lang)
            return reject(ask, "strategy", WORDS["not used"][ask.lang].format(name))
    return None


def misjudged(found: Stretch, step: Stage, channel: Channel | None, treated: Sequence[Term], ask: Ask) -> str | None:
    """What a sub-step still lacks by the plan, and what is wrong with its channels or its verdict."""
    words, lang = WORDS, ask.lang
    if lack := step.lacks(found.model_dump(), lang):
        return reject(ask, "unfinished", lack)
    if isinstance(found, Identified):
        ids = [one.distortion for one in found.channels]
        again = next((term for term in treated if term.id in ids), None)
        if again:
            return reject(ask, "treated", words["treated"][lang].format(again.name(lang)))
        return reject(ask, "channels", words["twice"][lang]) if len(set(ids)) < len(ids) else None
    if isinstance(found, Tried) and found.verdict.restructured and channel:
        new = fold(found.verdict.new_thought or "")
        if not new:
            return reject(ask, "verdict", words["no thought"][lang])
        return reject(ask, "verdict", words["same thought"][lang]) if new == fold(channel.thought) else None
    return None


def uneven(found: Stretch, lang: Lang) -> str | None:
    """Are there too few or too many strategies in the therapist's messages?"""
    mean = sum(len(one.therapist) for one in found.exchanges) / len(found.exchanges)
    return None if LOW <= mean <= HIGH else WORDS["few"][lang].format(mean, LOW, HIGH)
