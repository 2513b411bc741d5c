"""CACTUS: counseling scripts planned with cognitive behavioral theory. arXiv 2407.03103.

The writer follows the data generation of the paper: intake form, attitude, plan, then the whole dialogue in one call.
Counselor and client are those of CounselingEval: a plan made once, then turn by turn.
"""

import re
from collections.abc import Collection
from statistics import fmean
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, JsonValue, StringConstraints
from pydantic_core import to_json

from psyloom.agents import (
    Ask,
    Check,
    Client,
    Counselor,
    Line,
    Range,
    Script,
    ScriptRules,
    Sight,
    Talk,
    Writer,
    take_end,
    write_script,
)
from psyloom.agents.sight import Veil
from psyloom.agents.together import gather
from psyloom.knowledge import LabelSet, OneOf, Term, label_set
from psyloom.knowledge.instruments import instrument
from psyloom.knowledge.items import Item
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import FACETS, Attitude, Case, Dialogue, Disposition, Intake, Lang, Turn

TECHNIQUES = label_set("cbt_technique")
ATTITUDES = label_set("attitude")
END = "[/END]"


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Form(BaseModel):
    """The intake form as it must be filled in: no section may stay empty. Its prompt says what goes where."""

    problem: Words
    reason: Words
    history: Words
    functioning: Words
    support: Words


class Plan(BaseModel):
    """The planner's answer."""

    cbt_technique: Annotated[str, OneOf(TECHNIQUES, strict=False)]
    cbt_plan: str = Field(min_length=1)


class PlanOnly(BaseModel):
    """The planner's answer where the technique is given."""

    cbt_plan: str = Field(min_length=1)


class Message(Line):
    """A message of the script; the token that ends simulated sessions is no speech."""

    def turn(self) -> Turn:
        return Turn(speaker=self.speaker, text=take_end(self.text, END)[0])


class Transcript(Script):
    """The whole session."""

    turns: list[Message]


NOT_LISTED: dict[Lang, str] = {"en": "cbt_technique: {!r} is not in the list", "zh": "cbt_technique：{!r} 不在列表中"}


def on_list_in(lang: Lang) -> Check:
    """The wish that a plan's technique is one of the twelve."""

    def on_list(plan: Plan) -> str | None:
        return None if plan.cbt_technique in TECHNIQUES else NOT_LISTED[lang].format(plan.cbt_technique)

    return on_list


def plan_notes(plan: Plan) -> dict[str, str]:
    """The plan as notes of the session; a technique that stayed outside the list is marked."""
    marked = {} if plan.cbt_technique in TECHNIQUES else {"off_list": plan.cbt_technique}
    return {"cbt_technique": plan.cbt_technique, "cbt_plan": plan.cbt_plan} | marked


class Score(BaseModel):
    """A judge's answer to one item."""

    reason: Words
    score: int = Field(ge=0, le=6)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        # A rehearsed dialogue is a plausible one; scores from the whole scale would keep nearly all of them apart.
        return {**actor.fill(), "score": actor.rng.choice((5, 6))}


def _worded(item: Item, lang: Lang) -> dict[str, Any]:
    """An item of the instrument as the prompt reads it."""
    anchors = [(int(anchor.at), anchor.of(lang)) for anchor in item.anchors]
    return {"name": item.name(lang), "question": item.ask.of(lang), "anchors": anchors}


def attitude_of(disposition: Disposition | None) -> Term:
    """The client's attitude as a label; neutral when the case names none (DEFAULT)."""
    return ATTITUDES[(disposition and disposition.attitude) or "neutral"]


class Cactus(Writer):
    """Data generation: procedure A of the paper."""

    sight: ClassVar[Sight] = {
        "intake_writer": {"thought", "demographics"},
        "planner": {"demographics", "intake.reason", "thought"},
        "script_writer": {"demographics", "intake", "disposition.instruction"},
        "judge": frozenset(),
    }
    attitude: Literal["case", "positive", "neutral", "negative"] = Field(
        "case", description="case: the case's own, or drawn by the seed where it has none; else the same for all"
    )
    messages: Range = Field((21, 35), description="fewest and most messages of a script")
    technique: Literal["planner", "balanced"] = Field(
        "planner",
        description="planner: it chooses; balanced: the twelve are dealt out over the file, in an order by the seed, so "
        "that their counts differ by one at most; the planner plans for the one dealt",
    )
    score: bool = Field(
        False,
        description="let a judge score the six CTRS items, six calls more; under keep_from the dialogue is kept apart",
    )
    keep_from: float = Field(5.0, ge=0, le=6, description="lowest mean of the six CTRS items that is kept")
    strict: bool = Field(True, description="ask again for a script that breaks a rule; false keeps it, as released")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        if case.intake is None:
            case.intake = Intake(**(await ask("intake", Form)).model_dump())
            case.derived.append("intake")
        attitude = self._assign(case, ask)
        plan = await self._plan(ask)
        rules = ScriptRules(
            messages=self.messages, first="counselor", no_lists=True, language=True, unsaid=(TECHNIQUES,), guarded=True
        )
        turns = await write_script(
            ask, "script", rules, Transcript, strict=self.strict, attitude=attitude, plan=plan,
            technique=TECHNIQUES.find(plan.cbt_technique) or plan.cbt_technique, fewest=self.messages[0], most=self.messages[1],
        )  # fmt: skip
        dialogue = ask.dialogue(turns, attitude=attitude.id, **plan_notes(plan))
        if self.score:
            await self._filter(ask, dialogue)
        return dialogue

    async def _plan(self, ask: Ask) -> Plan:
        """The technique and the plan for it; a technique that is dealt out is not the planner's to change."""
        if self.technique == "planner":
            return await ask("plan_script", Plan, prefer=on_list_in(ask.lang), techniques=TECHNIQUES, given=None)
        dealt = ask.deal("technique", TECHNIQUES.terms)
        written = await ask("plan_script", PlanOnly, techniques=TECHNIQUES, given=dealt)
        return Plan(cbt_technique=dealt.id, cbt_plan=written.cbt_plan)

    async def _filter(self, ask: Ask, dialogue: Dialogue) -> None:
        """The score filter: six items 0-6, one call each; a dialogue under the line is kept out of the data."""
        talk = Talk(dialogue)
        items = instrument("ctrs").items
        scores = await gather(*(ask("score", Score, talk=talk, item=_worded(item, ask.lang)) for item in items))
        found: dict[str, JsonValue] = {item.id: score.score for item, score in zip(items, scores, strict=True)}
        mean = fmean(score.score for score in scores)
        dialogue.extra["filter"] = {"instrument": "ctrs, LLM-rated", "scores": found, "mean": round(mean, 4)}
        if mean < self.keep_from:
            dialogue.quality.apart = f"mean of the six CTRS items: {mean:.2f}, under {self.keep_from:g}"

    def _assign(self, case: Case, ask: Ask) -> Term:
        """Give the case exactly one attitude."""
        disposition = case.disposition or Disposition()
        chosen: Attitude = ask.rng("attitude").choice(("positive", "neutral", "negative"))
        if self.attitude != "case":
            chosen = self.attitude
        elif disposition.attitude:
            chosen = disposition.attitude
        case.disposition = disposition.model_copy(update={"attitude": chosen})
        return ATTITUDES[chosen]


class CactusCounselor(Counselor):
    """CounselingEval's counselor: one plan from the client's first words, then one reply a turn. Procedure B."""

    sight: ClassVar[Sight] = {
        "planner": {"demographics", "intake.reason"},
        "counselor": {"demographics", "intake.reason"},
    }
    needs: ClassVar[frozenset[str]] = frozenset({"intake.reason"})
    unsaid: ClassVar[tuple[LabelSet, ...]] = (TECHNIQUES,)

    class Memory(BaseModel):
        plan: Plan | None = None

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, self.Memory, session=True)
        if memory.plan is None:
            memory.plan = await ask("plan", Plan, prefer=on_list_in(ask.lang), talk=talk, techniques=TECHNIQUES)
            talk.session.notes |= plan_notes(memory.plan)
        return Turn.counselor(tidy(await ask("counselor", talk=talk, plan=memory.plan)))


def tidy(text: str) -> str:
    """The released clean-up: what follows the last speaker's prefix, on one line, without backslashes and " marks."""
    text = re.sub(r"^.*(?:Counselor|咨询师)\s*[:：]\s*(?=\S)", "", text, flags=re.DOTALL)
    text = re.sub(r'[\\"]', "", text).strip()
    return re.sub(r"(?<=[\x00-\x7f])\s*\n\s*", " ", text).replace("\n", "")


def _record(case: Case, held: Collection[str]) -> str:
    """The whole case as JSON, without the sentences that an openness dial holds back."""
    veil = Veil(frozenset(held), "")

    def opened(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: opened(one) for key, one in value.items()}
        if isinstance(value, list):
            return [opened(one) for one in value]
        return veil(value) if isinstance(value, str) else value

    return to_json(opened(case.model_dump(mode="json", exclude_defaults=True))).decode()


class CactusClient(Client):
    """CounselingEval's client: the intake form and one of three attitudes."""

    sight: ClassVar[Sight] = {"client": {"demographics", "intake", "disposition.attitude", "disposition.instruction"}}
    needs: ClassVar[frozenset[str]] = frozenset({"intake"})

    client_sees_full_record: bool = Field(
        False,
        description="show the client the whole case, the counselor's part included, as the released code did by mistake",
    )

    def seen_by(self) -> Sight:
        return {"client": frozenset(FACETS)} if self.client_sees_full_record else self.sight

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        record = _record(ask.desk.case, ask.held_back("client")) if self.client_sees_full_record else ""
        text = await ask("client", talk=talk, attitude=attitude_of(ask.desk.case.disposition), end=END, record=record)
        text, closes = take_end(text, END)
        return Turn(speaker="client", text=text, closes=closes)
