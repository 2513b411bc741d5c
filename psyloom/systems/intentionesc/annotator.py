"""IntentionESC's data: chains for turns whose strategy is known, verified, revised once, else dropped and logged."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, Field, JsonValue, create_model

from psyloom.agents import Annotator, Ask, Sight, Talk
from psyloom.agents.annotating import Text, beside, said_by, strictly, talk_of
from psyloom.agents.chains import Known, repeated, with_strategy
from psyloom.agents.grounds import Grounds
from psyloom.agents.together import gather
from psyloom.errors import AnswerRejected
from psyloom.llm.answers import schema
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Dialogue, Lang, Turn
from psyloom.systems.intentionesc.answers import (
    NEEDS,
    Grounded,
    Rationale,
    State,
    elements,
    in_one,
    intention_type,
    worded,
)
from psyloom.systems.intentionesc.framework import INVENTORIES, Framework, FrameworkFile, Inventory, framework

KEPT, DROPPED = "intentionesc", "intentionesc_dropped"  # annotator -> what stands in ``extra``
OF_SET: dict[str, Inventory] = {labels.id: name for name, labels in INVENTORIES.items()}
WORDS: dict[str, dict[Lang, str]] = {
    "no intention": {
        "en": "an intention is needed when the turn is consistent", "zh": "意图与策略一致时，必须给出意图",
    },
}  # fmt: skip


class Inferred(BaseModel):
    """The intention behind a reply whose strategy is given; or why the two do not go together."""

    of: ClassVar[Any]
    consistent: bool
    reason: Text
    intention: Any

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        intention = actor.fill(schema(cls.of, actor.cue.lang)) | {"secondary": None, "evidence": said_by(actor)}
        return {"consistent": True, "reason": actor.text("reasoning"), "intention": intention}


class Verdict(BaseModel):
    """The verifier's five answers, and what should be mended."""

    aspects_supported: bool
    nothing_from_later: bool
    intention_follows: bool
    strategy_follows: bool
    reply_carries_out: bool
    remarks: str

    def kept(self) -> bool:
        return not self.noes()

    def noes(self) -> list[str]:
        """The questions answered with no."""
        return [name for name, answer in self.model_dump().items() if answer is False]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return dict.fromkeys(cls.model_fields, True) | {"remarks": "-"}


class Draft(BaseModel):
    """A chain under way."""

    state: State
    intention: Any
    rationale: Rationale


class IntentionChain(Annotator):
    """B. State, intention, rationale, verification; 4 calls a kept turn, 6 when it had to be revised."""

    sight: ClassVar[Sight] = {"annotator": frozenset(), "verifier": frozenset()}
    idle: ClassVar[str] = (
        "no counselor message after two of the client's carries a strategy of esconv_strategy or escot_strategy; "
        "label those first (a classifier of that set: psyloom classifier annotate), or take dialogues that "
        "come with them (psyloom read auto FILE)"
    )

    framework: FrameworkFile | None = Field(
        None, description="a file with other intentions and another mapping, as framework.toml"
    )
    human_check: float = Field(
        0.05, ge=0, le=1, description="share of the kept chains that is marked for people to check"
    )

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """Kept chains become thought, intention labels and `KEPT` of their turns; what was dropped, and why, stands in
        `DROPPED` of the dialogue; both by annotator."""
        known = [(n, one) for n, session in enumerate(dialogue.sessions) for one in eligible(session.turns)]
        for turn in dialogue.turns:
            beside(turn.extra, KEPT, ask.by, None)
        failed = await gather(*(self._turn(one, ask) for _, one in known))
        dropped: list[JsonValue] = [
            {"session": n, "turn": len(one.before), "strategy": one.strategy.id, "reason": reason}
            for (n, one), reason in zip(known, failed, strict=True) if reason
        ]  # fmt: skip
        beside(dialogue.extra, DROPPED, ask.by, dropped or None)
        dialogue.quality.measures |= {f"{ask.by}_kept": len(known) - len(dropped), f"{ask.by}_dropped": len(dropped)}
        return dialogue

    async def _turn(self, known: Known, ask: Ask) -> str | None:
        """Write one turn's chain onto it; returns why it was dropped."""
        past, frame, at = talk_of(known.before, ask.lang), framework(self.framework), len(known.before)
        strict = strictly(ask, known.before)
        try:
            draft = await self._draft(known, past, strict, frame)
            if isinstance(draft, str):
                return draft
            verdict = await self._verify(known, past, strict, frame, draft)
            if not verdict.kept():
                draft = await self._revise(known, past, strict, frame, draft, verdict)
                verdict = await self._verify(known, past, strict, frame, draft)
            if not verdict.kept():
                return f"not verified: {', '.join(verdict.noes())}"
        except AnswerRejected as trouble:  # this turn is lost, not the dialogue's others
            return trouble.happened
        turn, intention = known.turn, draft.intention
        turn.thought = [*turn.thought, *elements(draft.state, intention, frame, ask.lang, draft.rationale, ask.by)]
        turn.labels = [
            *turn.labels,
            *(
                frame.intentions.label(one, by=ask.by, evidence=intention.evidence)
                for one in intention.names()
            ),
        ]  # fmt: skip
        checked = {"verifier": verdict.model_dump(), "human_check": ask.rng(f"check/{at}").random() < self.human_check}
        beside(turn.extra, KEPT, ask.by, draft.model_dump() | checked)
        return None

    async def _draft(self, known: Known, past: Talk, ask: Ask, frame: Framework) -> Draft | str:
        """Steps 2 to 4; or why there is no chain."""
        lang = ask.lang

        def ungrounded(state: State) -> str | None:
            return in_one(state.faults(known.before, lang), lang)

        def unsaid(found: Inferred) -> str | None:
            if not found.consistent:
                return None
            return WORDS["no intention"][lang] if found.intention is None else _fault(found.intention, known, lang)

        state = await ask("state", State, check=ungrounded, talk=past, needs=NEEDS)
        inferred = await ask(
            "intention",
            inferred_type(known.strategy.id, OF_SET[known.labels.id], self.framework),
            check=unsaid,
            state=worded(state, frame, lang),
            **_given(known, past, frame),
        )
        if not inferred.consistent:
            return f"inconsistent: {inferred.reason}"
        why = await ask(
            "rationale", Rationale, check=lambda found: _fault(found, known, lang), state=worded(state, frame, lang),
            intention=worded(inferred.intention, frame, lang), **_given(known, past, frame),
        )  # fmt: skip
        return Draft(state=state, intention=inferred.intention, rationale=why)

    @staticmethod
    async def _verify(known: Known, past: Talk, ask: Ask, frame: Framework, draft: Draft) -> Verdict:
        return await ask("verify", Verdict, chain=worded(draft, frame, ask.lang), **_given(known, past, frame))

    async def _revise(
        self, known: Known, past: Talk, ask: Ask, frame: Framework, draft: Draft, verdict: Verdict
    ) -> Draft:
        def wrong(revised: Draft) -> str | None:
            parts = (revised.intention, revised.rationale)
            faults = [*revised.state.faults(known.before, ask.lang), *(_fault(part, known, ask.lang) for part in parts)]
            return in_one(filter(None, faults), ask.lang)

        return await ask(
            "revise", revised_type(known.strategy.id, OF_SET[known.labels.id], self.framework), check=wrong,
            chain=worded(draft, frame, ask.lang), noes=verdict.noes(), remarks=verdict.remarks, needs=NEEDS,
            **_given(known, past, frame),
        )  # fmt: skip


def eligible(turns: list[Turn]) -> Iterator[Known]:
    """1. Turns with a strategy other than Others, after at least two messages of the seeker."""
    for known in with_strategy(turns, INVENTORIES.values()):
        if known.strategy.id != "others" and sum(turn.speaker == "client" for turn in known.before) >= 2:
            yield known


def _given(known: Known, past: Talk, frame: Framework) -> dict[str, Any]:
    """The expert knowledge and the gold reply, as the prompts read them."""
    serving = frame.serving(known.strategy.id, OF_SET[known.labels.id])
    return {
        "talk": past,
        "strategy": known.strategy,
        "response": known.turn.text,
        "intentions": frame.intentions.some(serving),
    }


def _fault(value: Grounded | Rationale, known: Known, lang: Lang) -> str | None:
    """A field that holds a whole sentence of the reply, or evidence that was not said before it."""
    written = ((name, text) for name, text in value if isinstance(text, str) and name != "evidence")
    return repeated(written, known.turn.text, lang) or Grounds.of(known.before).fault(value.evidence, lang)


def _allowed(strategy: str, inventory: Inventory, source: Path | None) -> Any:
    """An intention that the mapping allows for the given strategy."""
    frame = framework(source)
    return intention_type(frame.intentions.only(frame.serving(strategy, inventory)), Grounded)


@cache
def inferred_type(strategy: str, inventory: Inventory, source: Path | None) -> type[Inferred]:
    kind = _allowed(strategy, inventory, source)
    return create_model("Inferred", __base__=Inferred, of=(ClassVar[Any], kind), intention=(kind | None, ...))


@cache
def revised_type(strategy: str, inventory: Inventory, source: Path | None) -> type[Draft]:
    return create_model("Draft", __base__=Draft, intention=(_allowed(strategy, inventory, source), ...))
