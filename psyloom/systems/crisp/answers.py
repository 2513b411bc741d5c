"""What CRDial asks its models for: stretches of dialogue, channels, verdicts; and what becomes of the stretches."""

from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, create_model

from psyloom.knowledge import OneOf, label_set
from psyloom.knowledge.plans import Stage
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Label, Lang, Speaker, Turn, sentences
from psyloom.systems.crisp.tree import DISTORTIONS, STRATEGIES, Channel, Text, Verdict

STEPS = label_set("crisp_step")


class Sentence(BaseModel):
    """One sentence of the therapist and the strategy it carries out."""

    strategy: Annotated[str, OneOf(STRATEGIES)]
    text: Text

    @classmethod
    def played(cls, actor: Actor, text: str) -> dict[str, str]:
        asks = text.rstrip().endswith(("?", "？"))
        fitting = (
            "question"
            if asks
            else actor.rng.choice(("restatement", "reflection_of_feelings", "affirmation_and_reassurance"))
        )
        return {"strategy": STRATEGIES[fitting].name(actor.cue.lang), "text": text}


class Exchange(BaseModel):
    """The therapist's message, sentence by sentence, and the help-seeker's answer."""

    therapist: list[Sentence] = Field(min_length=1, max_length=5)
    help_seeker: Text


Said = list[tuple[Speaker, str]]


class Stretch(BaseModel):
    """What one sub-step adds to the dialogue."""

    step: ClassVar[Stage]
    exchanges: list[Exchange]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        turns, exchanges = list(actor.cue.turns), []
        for _ in range(cls._size(actor, turns)):
            spoken = cls._spoken(actor, turns)
            turns.append(("counselor", " ".join(spoken)))
            heard = cls._heard(actor, turns)
            turns.append(("client", heard))
            exchanges.append({"therapist": [Sentence.played(actor, one) for one in spoken], "help_seeker": heard})
        return {"exchanges": exchanges} | cls.found(actor, exchanges)

    @classmethod
    def _size(cls, actor: Actor, turns: Said) -> int:
        """Exchanges that leave something to ask for the next loop; one more for the first words of all."""
        wanted = len(_left(actor, cls.step.id, turns)) // 2 + (not turns)
        return max(cls.step.min_turns, 1, min(wanted, cls.step.max_turns or wanted))

    @classmethod
    def _spoken(cls, actor: Actor, turns: Said) -> list[str]:
        """One sentence that stays with what was said and one that asks what this sub-step asks; at first, a greeting."""
        if not turns:
            return sentences(actor.left(actor.stock["counselor"]["open"], "")[0])
        counselor = actor.stock["counselor"]
        lines = [*counselor["reflect"], *counselor["normalise"], *actor.stock["restructuring"]["stay"]]
        lines = [line for line in lines if "{q}" not in line and len(sentences(line)) == 1]
        stay = min(actor.left(lines, ""), key=_all(turns).rfind)  # not said yet, or the longest ago
        asks = _left(actor, cls.step.id, turns)
        return [stay, *(asks[:1] or sentences(actor.utterance("counselor", turns, may_close=False)))]

    @classmethod
    def _heard(cls, actor: Actor, turns: Said) -> str:
        """What this sub-step brings to light; what happened comes first, in the client's own words."""
        begins = cls.step.id == "automatic_thoughts" and len(turns) < 4
        lines = [] if begins else _left(actor, f"{cls.step.id}_answer", turns)
        return lines[0] if lines else actor.utterance("client", turns, may_close=False)

    @classmethod
    def found(cls, actor: Actor, exchanges: list[dict[str, Any]]) -> dict[str, Any]:
        """What the rehearsal adds to the exchanges."""
        return {}


def _left(actor: Actor, kind: str, turns: Said) -> list[str]:
    """The lines of a kind that nobody has said yet."""
    return actor.left(actor.stock["restructuring"].get(kind, ()), _all(turns))


def _all(turns: Said) -> str:
    return "\n".join(text for _, text in turns)


class Identified(Stretch):
    """The last sub-step of identification; ``treated``: distortions that were on trial before."""

    treated: ClassVar[tuple[str, ...]] = ()
    channels: list[Channel]

    @classmethod
    def found(cls, actor: Actor, exchanges: list[dict[str, Any]]) -> dict[str, Any]:
        heard = [text for who, text in actor.cue.turns if who == "client"] + [one["help_seeker"] for one in exchanges]
        fewest, most = cls.step.bounds("channels")
        left = [term.name(actor.cue.lang) for term in DISTORTIONS.terms if term.id not in cls.treated]
        names = actor.rng.sample(left, max(fewest, min(3, len(heard), most or 3)))
        return {
            "channels": [{"distortion": name, "thought": text} for name, text in zip(names, heard[::-1], strict=False)]
        }


class Tried(Stretch):
    """The last sub-step of restructuring."""

    verdict: Verdict

    @classmethod
    def found(cls, actor: Actor, exchanges: list[dict[str, Any]]) -> dict[str, Any]:
        return {"verdict": {"restructured": True, "new_thought": exchanges[-1]["help_seeker"]}}


@cache
def stretch_type(step: Stage, treated: tuple[str, ...] = ()) -> type[Stretch]:
    """The answer of one sub-step, with as many exchanges as the plan allows."""
    base: type[Stretch] = Identified if "channels" in step.returns else Tried if "verdict" in step.returns else Stretch
    exchanges = (list[Exchange], Field(min_length=step.min_turns, max_length=step.max_turns))
    more = {"treated": (ClassVar[tuple[str, ...]], treated)} if base is Identified else {}
    fields: dict[str, Any] = {"step": (ClassVar[Stage], step), "exchanges": exchanges} | more
    return create_model(base.__name__, __base__=base, **fields)


class Relation(BaseModel):
    """One inference along a relation of ATOMIC."""

    relation: Literal["xIntent", "xNeed", "xReact", "xWant"]
    text: Text


class Commonsense(BaseModel):
    """What a model adds where there is no table."""

    inferences: list[Relation] = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        acts = {"xIntent": "appraisal", "xReact": "emotion", "xWant": "solution"}
        return {"inferences": [{"relation": name, "text": actor.text(act)} for name, act in acts.items()]}


class LoopCheck(BaseModel):
    """Do further distorted beliefs remain?"""

    reason: Text
    remaining: bool

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"reason": actor.text("appraisal"), "remaining": actor.rng.random() < 0.4}


class Closing(BaseModel):
    """The therapist's last message."""

    sentences: list[Sentence] = Field(min_length=1, max_length=5)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        closes = actor.left(actor.stock["counselor"]["close"], "")
        return {"sentences": [Sentence.played(actor, one) for one in sentences(closes[0])]}


def messages(stretch: Stretch) -> list[tuple[Speaker, str]]:
    """A stretch as its messages."""
    pairs = ((" ".join(s.text for s in one.therapist), one.help_seeker) for one in stretch.exchanges)
    return [message for said, heard in pairs for message in (("counselor", said), ("client", heard))]


def turns_of(stretch: Stretch, step: Stage, loop: int, lang: Lang) -> list[Turn]:
    """A stretch as turns: the sub-step on every turn, the strategies on the therapist's sentences."""
    label = STEPS.label(step.id)
    return [
        turn
        for one in stretch.exchanges
        for turn in (turn_of(one.therapist, [label], loop, lang), Turn.client(one.help_seeker, [label], loop=loop))
    ]


def turn_of(said: list[Sentence], labels: list[Label], loop: int, lang: Lang) -> Turn:
    """The therapist's turn with a strategy on the span of each sentence."""
    text, spans = joined(said, lang)
    strategies = [STRATEGIES.label(one.strategy, span=span) for one, span in zip(said, spans, strict=True)]
    return Turn.counselor(text, [*labels, *strategies], loop=loop)


def joined(said: list[Sentence], lang: Lang) -> tuple[str, list[tuple[int, int]]]:
    """(text of the sentences in a row, [start, end) of each)."""
    text, spans = "", []
    for one in said:
        text += " " if text and lang == "en" else ""
        spans.append((len(text), len(text) + len(one.text)))
        text += one.text
    return text, spans
