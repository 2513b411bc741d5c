"""CADSS: Profiler, Summarizer, Planner, Supporter; four calls a turn. arXiv 2507.07509, AAAI-26.

The data framework PGSim is `Pgsim` in writer.py. Profile and summary are refreshed every turn from their last version
(what the paper means by co-evolving is not known; this is our reading), and the Planner sees how the client took the
strategies used so far.
"""

from dataclasses import replace
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Annotator, Ask, Counselor, Role, Rules, Sight, Steady, Talk
from psyloom.agents.annotating import talk_of
from psyloom.agents.chains import with_strategy
from psyloom.knowledge import LabelSet, OneOf, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Element, Lang, Turn
from psyloom.systems.cadss.writer import QUADRUPLE, STRATEGIES, Pgsim, Text

__all__ = ["Cadss", "CadssPredictions", "Pgsim"]

INVENTORIES = {"cpsdd9": STRATEGIES, "esconv8": label_set("esconv_strategy")}
CLOSING = "closing_words"
COURSE = ("guiding_question", "guiding_question", "comfort_and_encouragement", "guiding_question", "suggest_methods",
          "comfort_and_encouragement", "recommend_music", CLOSING)  # fmt: skip
"""What a rehearsed Planner chooses, one a turn."""
PARTS = {"guiding_question": "explore", "comfort_and_encouragement": "reflect", "suggest_methods": "solve", CLOSING: "close",
         "question": "explore", "restatement_or_paraphrasing": "reflect", "reflection_of_feelings": "reflect",
         "affirmation_and_reassurance": "encourage", "providing_suggestions": "solve", "information": "psychoeducation"}  # fmt: skip
"""From which part of the stock a rehearsed Supporter speaks, where it has another name than the strategy."""
WORDS: dict[str, dict[Lang, str]] = {
    "long": {"en": "the summary has more than {} words", "zh": "摘要超过了 {} 个字"},
    "evidence": {"en": "there is no message number {}", "zh": "没有编号为 {} 的发言"},
}  # fmt: skip


class Profile(BaseModel):
    """Who the client is, as far as the talk shows: labels of the four lists, severity 1-5, and where it was said."""

    group: Annotated[str, OneOf(QUADRUPLE["group"])] | None
    problems: list[Annotated[str, OneOf(QUADRUPLE["type"])]] = Field(max_length=3)
    causes: list[Annotated[str, OneOf(QUADRUPLE["cause"])]] = Field(max_length=3)
    focuses: list[Annotated[str, OneOf(QUADRUPLE["focus"])]] = Field(max_length=3)
    severity: int = Field(ge=1, le=5)
    emotion: Text
    traits: Text
    evidence: list[int]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        heard = [at for at, (who, _) in enumerate(actor.cue.turns, 1) if who == "client"]
        given: dict[str, Any] = actor.fill()
        return given | {"traits": actor.text("appraisal"), "evidence": heard[-1:]}

    def names(self) -> dict[str, Any]:
        """The profile as prompts read it: labels by their names."""
        labels = {"problems": "type", "causes": "cause", "focuses": "focus"}
        named = {key: QUADRUPLE[field].some(getattr(self, key)) for key, field in labels.items()}
        group = QUADRUPLE["group"][self.group] if self.group else None
        return self.model_dump() | named | {"group": group}


class Choice(BaseModel):
    """The Planner's answer: why, and exactly one strategy of the ``inventory``."""

    inventory: ClassVar[str] = "cpsdd9"
    reason: Text
    strategy: str

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        done = sum(who == "counselor" for who, _ in actor.cue.turns)
        labels = INVENTORIES[cls.inventory]
        course = COURSE if cls.inventory == "cpsdd9" else labels.ids
        leaves = any(line in text for line in actor.stock["client"]["close"] for _, text in actor.cue.turns[-1:])
        at = min(max(done - 1, 0), len(course) - 1)
        name = labels[CLOSING if leaves and CLOSING in course else course[at]].name(actor.cue.lang)
        return {"reason": actor.text("strategy", label=name), "strategy": name}


@cache
def choice_type(inventory: str) -> type[Choice]:
    """The Planner's answer over one set of strategies."""
    fields: dict[str, Any] = {"strategy": (Annotated[str, OneOf(INVENTORIES[inventory])], ...)}
    return create_model("Choice", __base__=Choice, inventory=(ClassVar[str], inventory), **fields)


class Memory(BaseModel):
    """What the agents hand to themselves and to each other from turn to turn."""

    profile: Profile | None = None
    summary: str = ""
    used: list[str] = Field(default_factory=list)
    turns: int = 0


class Planned(Role):
    """Profiler, Summarizer and Planner, which Counselor and annotator share."""

    sight: ClassVar[Sight] = {name: frozenset() for name in ("profiler", "summarizer", "planner")}

    refresh: int = Field(
        1, ge=1, description="profile and summary are written anew every so many turns; 4 calls a turn then become 2"
    )
    window: int = Field(12, ge=1, description="latest messages that Planner and Supporter read")
    steady: Steady = True
    longest: int = Field(150, ge=1, description="characters (zh) or words (en) of a summary")

    async def plan(self, memory: Memory, talk: Talk, ask: Ask, inventory: str) -> tuple[Choice, dict[str, Any]]:
        """The next strategy, and the state that the Supporter reads, too; profile and summary go into ``memory``."""
        if memory.profile is None or memory.turns % self.refresh == 0:
            memory.profile = await self._profile(memory, talk, ask)
            memory.summary = await self._summarize(memory, talk, ask)
        state: dict[str, Any] = {"profile": memory.profile.names(), "summary": memory.summary}
        state |= {"strategies": INVENTORIES[inventory], "window": self.window, "steady": self.steady}
        used = INVENTORIES[inventory].some(memory.used)
        choice = await ask("plan", choice_type(inventory), talk=talk, used=used, **state)
        memory.turns += 1
        return choice, state

    async def _profile(self, memory: Memory, talk: Talk, ask: Ask) -> Profile:
        def unfounded(profile: Profile) -> str | None:
            stray = next((n for n in profile.evidence if not 1 <= n <= len(talk.turns)), None)
            return None if stray is None else WORDS["evidence"][ask.lang].format(stray)

        before = memory.profile.names() if memory.profile else None
        return await ask("profile", Profile, check=unfounded, talk=talk, before=before)

    async def _summarize(self, memory: Memory, talk: Talk, ask: Ask) -> str:
        def long_summary(text: str) -> str | None:
            length = len(text) if ask.lang == "zh" else len(text.split())
            return WORDS["long"][ask.lang].format(self.longest) if length > self.longest else None

        return await ask("summarize", prefer=long_summary, talk=talk, before=memory.summary, longest=self.longest)


class Cadss(Planned, Counselor):
    """Four agents a turn, in this order."""

    sight: ClassVar[Sight] = {**Planned.sight, "supporter": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = (STRATEGIES,)

    strategies: Literal["cpsdd9", "esconv8"] = Field(
        "cpsdd9", description="strategies to choose from: CPsDD's nine or ESConv's eight"
    )
    max_exchanges: int = Field(20, ge=1, description="exchanges of a session")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """The supporter greets, unless the case opens the talk; it ends with the closing strategy or at the limit."""
        rules = super().rules(case, lang)
        if not case.opening and self.strategies == "cpsdd9":  # ESConv has no greeting among its strategies
            rules.opening[0].labels.append(STRATEGIES.label("opening_greeting"))
        return replace(rules, max_exchanges=self.max_exchanges, last="counselor")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory, inventory = talk.memory(self, Memory), INVENTORIES[self.strategies]
        choice, state = await self.plan(memory, talk, ask, self.strategies)
        strategy, profile = inventory[choice.strategy], memory.profile
        assert profile
        part = PARTS.get(strategy.id, strategy.id)
        text = await ask("support", talk=talk, strategy=strategy, rules=part, **state)
        memory.used.append(strategy.id)
        turn = Turn.counselor(
            text, [inventory.label(strategy.id)], profile=profile.model_dump(), summary=memory.summary
        )
        turn.thought = [
            Element(name="profile", text=f"{profile.emotion} {profile.traits}"),
            Element(name="summary", text=memory.summary),
            Element(name="strategy", text=choice.reason),
        ]
        turn.closes = strategy.id == CLOSING
        return turn


class CadssPredictions(Planned, Annotator):
    """Strategy prediction, the paper's first task: what the Planner would have chosen where the strategy is known.

    Reads what was said before the turn, and the true strategies of earlier turns as those used so far. The set is that
    of the turn's own label: CPsDD's nine or ESConv's eight. See `psyloom analyze predictions`.
    """

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        names = {labels.id: name for name, labels in INVENTORIES.items()}
        for session in dialogue.sessions:
            memory = Memory()
            for known in with_strategy(session.turns, INVENTORIES.values()):
                talk = talk_of(known.before, ask.lang)
                choice, _ = await self.plan(memory, talk, ask.as_(self, talk), names[known.labels.id])
                known.turn.labels.append(known.labels.label(choice.strategy, by=ask.by, reason=choice.reason))
                memory.used.append(known.strategy.id)
        return dialogue
