"""ESCoT: name the emotion, what set it off, how it is appraised, which strategy fits and why; then reply.

ACL 2024, 2024.acl-long.723. The chain is (EM, ES, IA, SR, RE): identify, understand, regulate. A is the responder of
the paper, B1 writes strategy-enriched dialogues, B2 supplements the chain of turns whose strategy is known.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Annotator, Ask, Counselor, Sight, Talk
from psyloom.agents.annotating import Explanation, said_by, step, strictly, talk_of, where_it_comes_right
from psyloom.agents.chains import Known, repeated, with_strategy
from psyloom.agents.grounds import Grounds
from psyloom.formats.read.escot import strategies_in
from psyloom.knowledge import LabelSet, OneOf, Term
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Dialogue, Element, Lang, Turn
from psyloom.systems.escot.writer import ESCONV, STRATEGIES, EscotWriter, Text

__all__ = ["EscotChain", "EscotResponder", "EscotWriter"]

INVENTORIES = {"escot13": STRATEGIES, "esconv8": ESCONV}
# "Take responsibility" is an everyday phrase: hearing it does not mean that a strategy was announced.
UNSAID = STRATEGIES.without("take_responsibility")
CHAIN = ("emotion", "emotion_stimuli", "individual_appraisal", "strategy_reason")  # EM, ES, IA, SR, as released
SETTINGS = {
    "re": (), "sr_re": CHAIN[3:], "em_sr_re": (CHAIN[0], CHAIN[3]), "em_es_ia_sr_re": CHAIN,
}  # fmt: skip
WORDS: dict[str, dict[Lang, str]] = {
    "unnamed": {
        "en": 'strategy_reason must name the strategy "{}", in quotes and before any other',
        "zh": "strategy_reason 里要用引号写出策略“{}”，并且最先提到它",
    },
    "at": {"en": "{}: {}", "zh": "{}：{}"},
}


class Answer(BaseModel):
    """What every setting's answer is made from."""

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        given: dict[str, Any] = actor.fill()
        played = _rehearsed_chain(actor, given.get("recognized_strategy", ""))
        return given | {key: text for key, text in played.items() if key in given}


def _rehearsed_chain(actor: Actor, strategy: str) -> dict[str, str]:
    label = f"“{strategy}”" if actor.cue.lang == "en" else strategy  # the Chinese phrase has its quotes
    acts = {"emotion": "emotion", "emotion_stimuli": "cause", "individual_appraisal": "appraisal"}
    return {key: actor.text(act) for key, act in acts.items()} | {
        "strategy_reason": actor.text("strategy", label=label)
    }


@cache
def answer_type(setting: str, inventory: str) -> type[Answer]:
    """The blocks of one setting, in the order of the chain; the strategy stands before its reason."""
    fields: dict[str, Any] = {}
    for element in SETTINGS[setting]:
        if element == "strategy_reason":
            fields["recognized_strategy"] = (Annotated[str, OneOf(INVENTORIES[inventory])], ...)
        fields[element] = (Text, ...)
    return create_model("Answer", __base__=Answer, **fields, response=(Text, ...))


def elements(chain: BaseModel) -> list[Element]:
    """The chain of an answer as a turn's thought: what the seeker never reads."""
    given = chain.model_dump()
    return [Element(name=name, text=given[name]) for name in CHAIN if name in given]


class EscotResponder(Counselor):
    """A: one call, five elements; only the response is said and goes into the history."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = (UNSAID,)

    setting: Literal["re", "sr_re", "em_sr_re", "em_es_ia_sr_re"] = Field(
        "em_es_ia_sr_re", description="which elements are written: all five, or one of the paper's three ablations"
    )
    inventory: Literal["escot13", "esconv8"] = Field("escot13", description="strategies to choose from")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        strategies = INVENTORIES[self.inventory]

        def unnamed(answer: BaseModel) -> str | None:
            given = answer.model_dump()
            if "strategy_reason" not in given:
                return None
            term = strategies[given["recognized_strategy"]]
            found = term in strategies_in(given["strategy_reason"], strategies)
            return None if found else WORDS["unnamed"][ask.lang].format(term.name(ask.lang))

        answer = await ask(
            "respond", answer_type(self.setting, self.inventory), check=unnamed, talk=talk, strategies=strategies,
            chain=SETTINGS[self.setting],
        )  # fmt: skip
        given = answer.model_dump()
        labels = [strategies.label(given["recognized_strategy"])] if "recognized_strategy" in given else []
        return Turn(speaker="counselor", text=given["response"], labels=labels, thought=elements(answer))


class Chain(BaseModel):
    """EM, ES, IA, SR of a reply whose strategy is given, each with the words it rests on."""

    strategy: ClassVar[Term]
    emotion: Explanation
    emotion_stimuli: Explanation
    individual_appraisal: Explanation
    strategy_reason: Explanation

    def steps(self) -> dict[str, Explanation]:
        return {name: getattr(self, name) for name in CHAIN}

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        played = _rehearsed_chain(actor, cls.strategy.name(actor.cue.lang))
        return {name: {"explanation": text, "evidence": said_by(actor, "client")} for name, text in played.items()}


@cache
def chain_type(strategy: Term) -> type[Chain]:
    """The chain that has to name ``strategy``."""
    return create_model("Chain", __base__=Chain, strategy=(ClassVar[Term], strategy))


class EscotChain(Annotator):
    """B2: writes the chain of counselor turns that carry a strategy, from the talk before each of them alone."""

    sight: ClassVar[Sight] = {"annotator": frozenset()}
    idle: ClassVar[str] = (
        "no counselor message after the client's first words carries a strategy of escot_strategy or esconv_strategy; "
        "label those first (a classifier of that set: psyloom classifier annotate), or take dialogues that "
        "come with them (psyloom read auto FILE)"
    )

    turns: Literal["all", "one"] = Field(
        "all",
        description="every turn with a strategy; one: a single turn of the dialogue, each of its strategies equally "
        "likely, as the paper spreads them evenly",
    )

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """Adds a thought beside those of other annotators; a turn whose author told the thought keeps it alone.

        How many chains were written stands in ``quality.measures``; one that was wrong twice is noted with its reason.
        """
        known = {
            (number, len(one.before)): one
            for number, session in enumerate(dialogue.sessions)
            for one in with_strategy(session.turns, INVENTORIES.values())
        }
        if self.turns == "one" and known:
            rng = ask.rng("turn")
            chosen = rng.choice(sorted({one.strategy.id for one in known.values()}))
            known = dict([rng.choice([(at, one) for at, one in known.items() if one.strategy.id == chosen])])
        chains = await where_it_comes_right(ask, {at: self._chain(one, ask) for at, one in known.items()})
        for at, chain in chains.items():
            known[at].turn.thought = [*known[at].turn.thought, *chain]
        dialogue.quality.measures[f"{ask.by}_chains"] = len(chains)
        return dialogue

    @staticmethod
    async def _chain(known: Known, ask: Ask) -> list[Element]:
        before, reply, labels, strategy = known
        said, sought = Grounds.of(before), Grounds.of(before, speaker="client")
        grounds = {name: said if name == "strategy_reason" else sought for name in CHAIN}  # EM, ES, IA are the seeker's

        def faults(chain: Chain) -> Iterator[str]:
            told = chain.steps()
            if strategies_in(chain.strategy_reason.explanation, labels)[:1] != [strategy]:
                yield WORDS["unnamed"][ask.lang].format(strategy.name(ask.lang))
            if found := repeated(((name, one.explanation) for name, one in told.items()), reply.text, ask.lang):
                yield found
            for name, one in told.items():
                if fault := grounds[name].fault(one.evidence, ask.lang):
                    yield WORDS["at"][ask.lang].format(name, fault)

        def wrong(chain: Chain) -> str | None:  # all of it at once: there is one repair
            return ("；" if ask.lang == "zh" else "; ").join(faults(chain)) or None

        chain = await strictly(ask, before)(
            "chain", chain_type(strategy), check=wrong, talk=talk_of(before, ask.lang), chain=CHAIN, strategy=strategy,
            response=reply.text,
        )  # fmt: skip
        return [step(ask, name, told, grounds[name]) for name, told in chain.steps().items()]
