"""IntentionESC: what state is the seeker in, what do I want to achieve, which strategy serves that; then the reply.

Findings of ACL 2025, arXiv 2506.05947 (ICECoT). The order of the steps is the paper's; intentions, mapping, names of
the aspects, prompts and modes are ours until checked against it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Counselor, Sight, Talk
from psyloom.agents.annotating import coarse, label_whole, strictly
from psyloom.errors import AnswerRejected
from psyloom.knowledge import LabelSet, label_set
from psyloom.records import Lang, Turn, sentences
from psyloom.systems.intentionesc.annotator import IntentionChain
from psyloom.systems.intentionesc.answers import (
    NEEDS,
    Intention,
    State,
    chain_type,
    elements,
    in_one,
    intention_faults,
    strategy_faults,
    worded,
)
from psyloom.systems.intentionesc.framework import INVENTORIES, Framework, FrameworkFile, Inventory, framework

__all__ = ["IntentionChain", "IntentionResponder"]

BEHAVIORS = label_set("client_reaction")
NEGATIVE = tuple(term for term in BEHAVIORS.leaves.terms if coarse(BEHAVIORS, term.id) == "negative")
STEPS = ("state", "intention", "strategy", "response")
MODES = {
    "full": STEPS, "stepwise": STEPS, "short": STEPS[2:], "no_state": STEPS[1:], "no_intention": (STEPS[0], *STEPS[2:]),
}  # fmt: skip
LONG: dict[Lang, str] = {"en": "response: at most three sentences", "zh": "response：最多三句话"}
# "Take responsibility" is an everyday phrase: hearing it does not mean that a strategy was announced.
UNSAID = INVENTORIES["escot13"].without("take_responsibility")


class IntentionResponder(Counselor):
    """A. ICECoT at run time: one call for the whole chain, or a call for each step."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = (UNSAID,)

    mode: Literal["full", "stepwise", "short", "no_state", "no_intention"] = Field(
        "full", description="which steps are written; stepwise: a call for each; short: strategy and response alone"
    )
    inventory: Inventory = Field("esconv8", description="strategies to choose from")
    framework: FrameworkFile | None = Field(
        None, description="a file with other intentions and another mapping, as framework.toml"
    )
    check_expectation: bool = Field(
        False,
        description="compare the seeker's answer with what was expected; after a negative reaction, explore or comfort",
    )

    class Memory(BaseModel):
        expectation: str = ""

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory, frame = talk.memory(self, self.Memory, session=True), framework(self.framework)
        allowed = await self._allowed(talk, ask, memory.expectation, frame)
        before, mode, violations = ask.desk.dialogue.quality.rejected, self.mode, ""
        try:
            chain = await self._chain(talk, ask, frame, allowed)
        except AnswerRejected as trouble:  # twice at odds with itself: better a plain reply, and said that it is one
            chain, mode, violations = (
                await self._ask(talk, ask, MODES["short"], {}, frame, allowed),
                "short",
                trouble.happened,
            )
        state, intention = chain.get("state"), chain.get("intention")
        memory.expectation = intention.expectation if intention else ""
        labels = [INVENTORIES[self.inventory].label(chain["strategy"])]
        if intention:
            labels += [frame.intentions.label(name) for name in intention.names()]
        retries = ask.desk.dialogue.quality.rejected - before
        steps = {name: step.model_dump() if isinstance(step, BaseModel) else step for name, step in chain.items()}
        extra = {"chain": steps, "mode": mode, "retries": retries} | ({"violations": violations} if violations else {})
        return Turn(
            speaker="counselor",
            text=chain["response"],
            labels=labels,
            thought=elements(state, intention, frame, ask.lang),
            extra=extra,
        )

    async def _allowed(self, talk: Talk, ask: Ask, expectation: str, frame: Framework) -> list[str]:
        """The intentions left after a reply that missed the seeker; empty: all."""
        if not (self.check_expectation and expectation and talk.turns[-1].speaker == "client"):
            return []
        (found,) = await label_whole(
            ask, "expectation", BEHAVIORS, talk.turns, reasoned=True, expectation=expectation, negative=NEGATIVE
        )
        talk.turns[-1].labels.append(found)
        return frame.gentle() if coarse(BEHAVIORS, found.id) == "negative" else []

    async def _chain(self, talk: Talk, ask: Ask, frame: Framework, allowed: Sequence[str]) -> dict[str, Any]:
        """Step name -> its answer, in the order of the chain."""
        if self.mode != "stepwise":
            return await self._ask(talk, ask, MODES[self.mode], {}, frame, allowed)
        known: dict[str, Any] = {}
        for step in STEPS:
            known |= await self._ask(talk, ask, (step,), known, frame, allowed)
        return known

    async def _ask(
        self,
        talk: Talk,
        ask: Ask,
        steps: Sequence[str],
        known: dict[str, Any],
        frame: Framework,
        allowed: Sequence[str],
    ) -> dict[str, Any]:
        """One call for some steps, with the earlier ones as they are ``known``; one repair with all that is wrong."""

        def wrong(answer: BaseModel) -> str | None:
            faults = self.faults(known | dict(answer), talk.turns, frame, ask.lang)
            return in_one(faults, ask.lang)

        def at_most_three(answer: BaseModel) -> str | None:
            said = dict(answer).get("response", "")
            return LONG[ask.lang] if len(sentences(said)) > 3 else None

        strategies = self._left(known, frame)
        kind = chain_type(tuple(steps), self.framework, self.inventory, tuple(allowed), strategies)
        answer = await strictly(ask, talk.turns)(
            "reply" if "response" in steps else "think", kind, check=wrong, prefer=at_most_three, talk=talk,
            steps=tuple(steps), needs=NEEDS, strategies=INVENTORIES[self.inventory].some(strategies), intentions=self._served(frame, allowed),
            late=frame.late(allowed), known=self._told(known, frame, ask.lang),
        )  # fmt: skip
        return dict(answer)

    def _served(self, frame: Framework, allowed: Sequence[str]) -> tuple[Any, ...]:
        """(intention, the strategies that serve it), for the prompt."""
        rows = frame.intentions.some(allowed or frame.intentions.ids)
        labels = INVENTORIES[self.inventory]
        return tuple((term, labels.some(frame.strategies(term.id, self.inventory))) for term in rows)

    def _left(self, known: dict[str, Any], frame: Framework) -> tuple[str, ...]:
        """The strategies that the earlier steps leave, the preferred one first."""
        if strategy := known.get("strategy"):
            return (strategy,)
        intention: Intention | None = known.get("intention")
        return frame.serve(intention.names(), self.inventory) if intention else INVENTORIES[self.inventory].ids

    def faults(self, chain: dict[str, Any], turns: Sequence[Turn], frame: Framework, lang: Lang) -> Iterator[str]:
        """Everything in a chain that breaks the framework."""
        state: State | None = chain.get("state")
        intention: Intention | None = chain.get("intention")
        if state:
            yield from state.faults(turns, lang)
        if intention:
            yield from intention_faults(intention, state, frame, lang)
        if "strategy" in chain:
            yield from strategy_faults(chain["strategy"], state, intention, frame, self.inventory, lang)

    def _told(self, known: dict[str, Any], frame: Framework, lang: Lang) -> dict[str, str]:
        """The earlier steps as a later one reads them."""
        labels = INVENTORIES[self.inventory]
        return {
            name: worded(step, frame, lang) if isinstance(step, BaseModel) else labels[step].name(lang)
            for name, step in known.items()
        }
