"""B1 of ESCoT: a situation, then a dialogue whose supporter carries out one named strategy in every message."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from psyloom.agents import Ask, Range, ScriptRules, Sight, Writer
from psyloom.knowledge import OneOf, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Lang, Scenario, Speaker, Turn

STRATEGIES, ESCONV, PROBLEMS = (label_set(n) for n in ("escot_strategy", "esconv_strategy", "esconv_problem"))
NEW = tuple(term for term in STRATEGIES.terms if term.id not in ESCONV)
WORDS: dict[str, dict[Lang, str]] = {
    "bare": {"en": "message {} of the counselor has no strategy", "zh": "第 {} 条是支持者的话，没有标策略"},
    "client": {"en": "message {} is the client's and must have no strategy", "zh": "第 {} 条是求助者的话，不能标策略"},
    "few": {"en": "only {} different strategies, at least {} are needed", "zh": "只用了 {} 种策略，至少要用 {} 种"},
    "old": {"en": "none of these strategies is used: {}", "zh": "这些策略一种也没有用到：{}"},
}
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Message(BaseModel):
    """One message of a strategy-enriched dialogue."""

    speaker: Speaker
    strategy: Annotated[Annotated[str, OneOf(STRATEGIES)] | None, BeforeValidator(lambda word: word or None)]
    text: Text


class Enriched(BaseModel):
    """A strategy-enriched dialogue."""

    turns: list[Message]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        turns: list[tuple[Speaker, str]] = []
        for n in range(24):
            who: Speaker = "counselor" if n % 2 else "client"
            turns.append((who, actor.utterance(who, turns, may_close=n >= 22)))
        ids = actor.rng.sample(STRATEGIES.ids, len(STRATEGIES))
        names = [None if who == "client" else ids[n // 2 % len(ids)] for n, (who, _) in enumerate(turns)]
        return {"turns": [{"speaker": w, "strategy": s, "text": t} for (w, t), s in zip(turns, names, strict=True)]}


class EscotWriter(Writer):
    """B1: a situation, then a whole dialogue in one call in which every counselor message carries a strategy."""

    sight: ClassVar[Sight] = {
        "situation_writer": {"scenario.type", "scenario.emotion", "post.title", "post.text"},
        "script_writer": {"scenario.situation"},
    }

    per_side: Range = Field((12, 26), description="fewest and most messages of each side")
    distinct: int = Field(6, ge=1, le=len(STRATEGIES), description="fewest different strategies in a dialogue")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        if not case.get("scenario.situation"):
            await self._situation(case, ask)
        fewest, most = self.per_side
        rules = ScriptRules(messages=(2 * fewest, 2 * most))

        def fault(script: Enriched) -> str | None:
            return self.fault(script.turns, rules, ask.lang)

        def without_new(script: Enriched) -> str | None:
            used = {m.strategy for m in script.turns}
            listed = ", ".join(term.name(ask.lang) for term in NEW)
            return None if any(term.id in used for term in NEW) else WORDS["old"][ask.lang].format(listed)

        script = await ask(
            "dialogue", Enriched, check=fault, prefer=without_new, strategies=STRATEGIES, new=NEW, fewest=fewest,
            most=most, distinct=self.distinct,
        )  # fmt: skip
        return ask.dialogue(
            Turn(speaker=m.speaker, text=m.text, labels=[STRATEGIES.label(m.strategy)] if m.strategy else [])
            for m in script.turns
        )

    async def _situation(self, case: Case, ask: Ask) -> None:
        """Let a situation be written: from the post, else from the problem type, which the seed draws when missing."""
        scenario = case.scenario or Scenario()
        if not (scenario.type or case.post):
            scenario = scenario.model_copy(update={"type": [ask.rng("problem").choice(PROBLEMS.terms).name(ask.lang)]})
        case.scenario = scenario
        case.scenario = scenario.model_copy(update={"situation": await ask("situation")})
        case.derived.append("scenario")

    def fault(self, turns: Sequence[Message], rules: ScriptRules, lang: Lang) -> str | None:
        """What is wrong with a dialogue: its length and order, a message without its strategy, too few strategies."""
        if found := rules.fault([(m.speaker, m.text) for m in turns], lang):
            return found[1]
        for at, message in enumerate(turns, 1):
            if (message.speaker == "counselor") != bool(message.strategy):
                return WORDS["client" if message.strategy else "bare"][lang].format(at)
        used = {m.strategy for m in turns if m.strategy}
        return WORDS["few"][lang].format(len(used), self.distinct) if len(used) < self.distinct else None
