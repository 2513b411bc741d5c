"""IntentionESC's data: chains for turns whose strategy is known, verified, revised once, else dropped and logged."""

from asyncio import gather
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, Field, JsonValue, create_model

from psyloom.agents import Annotator, Ask, Sight, Talk
from psyloom.agents.annotating import Text, strictly, talk_of
from psyloom.agents.chains import Known, tells, with_strategy
from psyloom.errors import AnswerRejected
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Dialogue, Lang, Turn
from psyloom.systems.intentionesc.answers import NEEDS, Intention, State, elements, in_one, intention_type, worded
from psyloom.systems.intentionesc.framework import INVENTORIES, Framework, Inventory, framework

OF_SET: dict[str, Inventory] = {labels.id: name for name, labels in INVENTORIES.items()}
WORDS: dict[str, dict[Lang, str]] = {
    "told": {
        "en": "{} repeats the words of the reply; write only what could be known before it was given",
        "zh": "{} 照搬了回复里的话；只写给出回复之前就能知道的内容",
    },
    "no intention": {
        "en": "an intention is needed when the turn is consistent", "zh": "意图与策略一致时，必须给出意图",
    },
}  # fmt: skip


class Inferred(BaseModel):
    """The intention behind a reply whose strategy is given; or why the two do not go together."""

    consistent: bool
    reason: Text
    intention: Any

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        given: dict[str, Any] = actor.fill()
        return given | {"consistent": True}


class Rationale(BaseModel):
    """Why the strategy serves the intention."""

    sentence: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"sentence": actor.text("strategy", label="")}


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
    rationale: Text


class IntentionChain(Annotator):
    """B. State, intention, rationale, verification; 4 calls a kept turn, 6 when it had to be revised."""

    sight: ClassVar[Sight] = {"annotator": frozenset(), "verifier": frozenset()}

    framework: Path | None = Field(
        None, description="a file with other intentions and another mapping, as framework.toml"
    )
    human_check: float = Field(
        0.05, ge=0, le=1, description="share of the kept chains that is marked for people to check"
    )

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """Kept chains become thought, intention labels and ``extra.intentionesc`` of their turns; what was dropped, and
        why, stands in the dialogue's ``extra.intentionesc_dropped``."""
        known = [(n, one) for n, session in enumerate(dialogue.sessions) for one in eligible(session.turns)]
        failed = await gather(*(self._turn(one, dialogue.lang, ask) for _, one in known))
        dropped: list[JsonValue] = [
            {"session": n, "turn": len(one.before), "strategy": one.strategy.id, "reason": reason}
            for (n, one), reason in zip(known, failed, strict=True) if reason
        ]  # fmt: skip
        if dropped:
            dialogue.extra["intentionesc_dropped"] = dropped
        dialogue.quality.measures |= {
            "intentionesc_kept": len(known) - len(dropped),
            "intentionesc_dropped": len(dropped),
        }
        return dialogue

    async def _turn(self, known: Known, lang: Lang, ask: Ask) -> str | None:
        """Write one turn's chain onto it; returns why it was dropped."""
        past, frame, at = talk_of(known.before, lang), framework(self.framework), len(known.before)
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
        intention: Intention = draft.intention
        known.turn.thought = elements(draft.state, intention, frame, lang, draft.rationale)
        known.turn.labels += [
            frame.intentions.label(one, by=ask.by) for one in (intention.primary, intention.secondary) if one
        ]
        known.turn.extra["intentionesc"] = draft.model_dump() | {
            "verifier": verdict.model_dump(), "human_check": ask.rng(f"check/{at}").random() < self.human_check,
        }  # fmt: skip
        return None

    async def _draft(self, known: Known, past: Talk, ask: Ask, frame: Framework) -> Draft | str:
        """Steps 2 to 4; or why there is no chain."""
        lang = ask.lang

        def ungrounded(state: State) -> str | None:
            return in_one(state.faults(known.before, lang), lang)

        def unsaid(found: Inferred) -> str | None:
            if not found.consistent:
                return None
            return WORDS["no intention"][lang] if found.intention is None else _told(found.intention, known, lang)

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
            "rationale", Rationale, check=lambda found: _told(found, known, lang), state=worded(state, frame, lang),
            intention=worded(inferred.intention, frame, lang), **_given(known, past, frame),
        )  # fmt: skip
        return Draft(state=state, intention=inferred.intention, rationale=why.sentence)

    @staticmethod
    async def _verify(known: Known, past: Talk, ask: Ask, frame: Framework, draft: Draft) -> Verdict:
        return await ask("verify", Verdict, chain=worded(draft, frame, ask.lang), **_given(known, past, frame))

    async def _revise(
        self, known: Known, past: Talk, ask: Ask, frame: Framework, draft: Draft, verdict: Verdict
    ) -> Draft:
        def wrong(revised: Draft) -> str | None:
            told = _told(revised.intention, known, ask.lang) or _told(revised, known, ask.lang)
            return in_one(revised.state.faults(known.before, ask.lang), ask.lang) or told

        return await ask(
            "revise", revised_type(known.strategy.id, OF_SET[known.labels.id], self.framework), check=wrong, chain=worded(draft, frame, ask.lang), noes=verdict.noes(),
            remarks=verdict.remarks, needs=NEEDS, **_given(known, past, frame),
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


def _told(value: BaseModel, known: Known, lang: Lang) -> str | None:
    """A field that holds a whole sentence of the reply."""
    told = next((name for name, text in value if isinstance(text, str) and tells(text, known.turn.text)), None)
    return told and WORDS["told"][lang].format(told)


def _allowed(strategy: str, inventory: Inventory, source: Path | None) -> Any:
    """An intention that the mapping allows for the given strategy."""
    frame = framework(source)
    return intention_type(frame.intentions.only(frame.serving(strategy, inventory)))


@cache
def inferred_type(strategy: str, inventory: Inventory, source: Path | None) -> type[Inferred]:
    kind: Any = _allowed(strategy, inventory, source) | None
    return create_model("Inferred", __base__=Inferred, intention=(kind, ...))


@cache
def revised_type(strategy: str, inventory: Inventory, source: Path | None) -> type[Draft]:
    return create_model("Draft", __base__=Draft, intention=(_allowed(strategy, inventory, source), ...))
