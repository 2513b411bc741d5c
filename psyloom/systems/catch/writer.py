"""PDS, progressive dialogue synthesis: an outline first, then stage after stage along it.

Part 1 of CATCH: personality, goal, resources, solution; then the goal stage, the working stage and the ending, each
written with all that was written before. Seven calls.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Ask, Check, ScriptRules, Sight, Talk, Writer
from psyloom.agents.guards import fold
from psyloom.agents.script import keeps, reject
from psyloom.knowledge import label_set
from psyloom.knowledge.plans import Stage, stage_plan
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Lang, Personality, Speaker, Turn

PLAN, TECHNIQUES = stage_plan("sst"), label_set("catch_technique")
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Kind = Literal["internal", "external"]
LEVELS: dict[str, dict[Lang, str]] = {
    "low": {"en": "low", "zh": "低"}, "medium": {"en": "medium", "zh": "中等"}, "high": {"en": "high", "zh": "高"},
}  # fmt: skip
WORDS: dict[str, dict[Lang, str]] = {
    "no kind": {
        "en": "there is no {} resource; name one, or list {} under none_found",
        "zh": "没有 {} 资源；写出一个，或者把 {} 写进 none_found",
    },
    "number": {"en": "there is no resource number {}", "zh": "没有编号为 {} 的资源"},
    "none used": {"en": "the solution must use at least one of the resources", "zh": "方案至少要用上一个资源"},
    "length": {"en": "this part has {} exchanges; it should have {} to {}", "zh": "这一部分有 {} 个来回，应当是 {} 到 {} 个"},
    "quote": {"en": "{} must be copied word for word from a message of the {}", "zh": "{} 要从{}的话里逐字照抄"},
    "early": {"en": "the goal is said too early; it belongs into the second half of this part", "zh": "目标说得太早，应当在这一部分的后半才说出来"},
    "not used": {"en": "resource {} is part of the solution and does not come up", "zh": "方案里用到了资源 {}，对话里却没有谈到"},
    "not at the end": {"en": "the client's {} must come in the last third of this part", "zh": "来访者的 {} 要出现在这一部分的最后三分之一"},
}  # fmt: skip
_WHO: dict[Lang, dict[Speaker, str]] = {
    "en": {"client": "client", "counselor": "counselor"}, "zh": {"client": "来访者", "counselor": "咨询师"},
}  # fmt: skip


class Trait(BaseModel):
    """One of the Big Five."""

    level: Literal["low", "medium", "high"]
    evidence: Text


class BigFive(BaseModel):
    """大五人格 as far as a self-report shows it."""

    openness: Trait
    conscientiousness: Trait
    extraversion: Trait
    agreeableness: Trait
    neuroticism: Trait

    def facet(self, lang: Lang) -> Personality:
        colon = "：" if lang == "zh" else ": "
        return Personality(**{name: f"{LEVELS[t.level][lang]}{colon}{t.evidence}" for name, t in self})


class Goal(BaseModel):
    """The one goal."""

    goal: Text


class Resource(BaseModel):
    """Something the client could draw on."""

    text: Text
    usefulness: Text


class Resources(BaseModel):
    """Internal and external resources; ``none_found`` says of which kind there are none."""

    internal: list[Resource]
    external: list[Resource]
    none_found: list[Kind]

    def numbered(self) -> list[tuple[Kind, Resource]]:
        return [("internal", one) for one in self.internal] + [("external", one) for one in self.external]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        one, two = ({"text": actor.text(act), "usefulness": actor.text("factor")} for act in ("solution", "technique"))
        return {"internal": [one], "external": [two], "none_found": []}


class Solution(BaseModel):
    """One plan that the client can carry out alone, with the numbers of the resources it uses."""

    positive_resources: list[int]
    plan: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"positive_resources": [1], "plan": actor.text("solution")}


class Exchange(BaseModel):
    """The client's message and the counselor's."""

    client: Text
    counselor: Text


class Part(BaseModel):
    """What one stage adds to the dialogue. Quotes show where its end was reached."""

    stage: ClassVar[Stage]
    exchanges: list[Exchange] = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        turns, exchanges = list(actor.cue.turns), []
        for _ in range(cls.stage.min_turns):
            heard = actor.utterance("client", turns, may_close=False)
            turns.append(("client", heard))
            spoken = actor.utterance("counselor", turns, may_close=False)
            turns.append(("counselor", spoken))
            exchanges.append({"client": heard, "counselor": spoken})
        return cls.turned(actor, exchanges) | {"exchanges": exchanges}

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        """Put the stage's turning point into rehearsed exchanges; the fields that quote it."""
        return {}


class Target(Part):
    """The goal stage."""

    stage = PLAN["target"]
    goal_said: Text
    agreement: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        stock = actor.stock["single_session"]
        goal, agreement = (actor.left(stock[key], "")[0] for key in ("goal", "agree"))
        exchanges[-2]["counselor"], exchanges[-1]["client"] = goal, agreement
        return {"goal_said": goal, "agreement": agreement}


class Working(Part):
    """The working stage."""

    stage = PLAN["working"]
    resources: list[int]
    willingness: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        stock = actor.stock["single_session"]
        for exchange, question in zip(exchanges, actor.left(stock["resource"], "")[:3], strict=False):
            exchange["counselor"] = question
        exchanges[-1]["client"] = actor.left(stock["willing"], "")[0]
        return {"resources": [1, 2], "willingness": exchanges[-1]["client"]}


class Ending(Part):
    """The ending."""

    stage = PLAN["ending"]
    homework: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        homework, leave = (
            actor.left(actor.stock["single_session"]["homework"], "")[0],
            actor.left(actor.stock["counselor"]["close"], "")[0],
        )
        exchanges[0]["counselor"] = f"{homework}{'' if actor.cue.lang == 'zh' else ' '}{leave}"
        return {"homework": homework}


class Catch(Writer):
    """Outline, then the three stages."""

    sight: ClassVar[Sight] = {
        "profiler": {"post.title", "post.text"},
        "planner": {"post.title", "post.text", "personality"},
        "script_writer": {"post.title", "post.text", "personality"},
    }
    needs: ClassVar[frozenset[str]] = frozenset({"post.text"})

    strict: bool = Field(
        True, description="false: length, form, end conditions and coverage of the plan are asked for and not checked"
    )

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        if case.personality is None:
            case.personality = (await ask("personality", BigFive)).facet(ask.lang)
            case.derived.append("personality")
        goal = (await ask("goal", Goal)).goal
        found = await ask("resources", Resources, check=whole_in(ask.lang), goal=goal)
        resources = found.numbered()
        solution = await ask(
            "solution", Solution, check=usable_in(ask.lang, len(resources)), goal=goal, resources=resources
        )
        talk = Talk(ask.desk.dialogue)
        outline = {"goal": goal, "resources": resources, "solution": solution}
        asking = ask.as_(ask.role, talk)
        parts = {kind.stage.id: await self._stage(asking, talk, kind, **outline) for kind in (Target, Working, Ending)}
        talk.session.notes |= {
            "consultation_target": goal,
            "outline": {
                "goal": goal,
                "resources": [{"kind": kind, **one.model_dump()} for kind, one in resources],
                "solution": {
                    "positive_resources": [
                        resources[n - 1][1].text for n in solution.positive_resources if 0 < n <= len(resources)
                    ],
                    "plan": solution.plan,
                },
            },
            "reached": {stage: part.model_dump(exclude={"exchanges"}) for stage, part in parts.items()},
        }
        return talk.dialogue

    async def _stage(self, ask: Ask, talk: Talk, kind: type[Part], **outline: Any) -> Part:
        """Write one stage after all that was said, and add its turns to the talk."""
        rules = ScriptRules(no_lists=True, language=True, unsaid=(TECHNIQUES,), guarded=True)
        form = keeps(ask, rules, lambda part: messages(part.exchanges), strict=self.strict)

        def wrong(part: Part) -> str | None:
            return (
                (form(part) or reached(part, outline["solution"], len(outline["resources"]), ask))
                if self.strict
                else None
            )

        part = await ask(
            "stage", kind, check=wrong, talk=talk, manual=PLAN, techniques=TECHNIQUES, stage=kind.stage, **outline
        )
        label = PLAN.labels.label(kind.stage.id)
        for who, text in messages(part.exchanges):
            talk.add(Turn(speaker=who, text=text, labels=[label] if who == "counselor" else []))
        return part


def messages(exchanges: list[Exchange]) -> list[tuple[Speaker, str]]:
    """Exchanges as messages: the client opens, the counselor has the last word."""
    return [message for one in exchanges for message in (("client", one.client), ("counselor", one.counselor))]


def whole_in(lang: Lang) -> Check:
    """The check that both kinds of resources are named, or said to be missing."""

    def whole(found: Resources) -> str | None:
        kinds: dict[Kind, list[Resource]] = {"internal": found.internal, "external": found.external}
        lacking = next((kind for kind, some in kinds.items() if not some and kind not in found.none_found), None)
        return lacking and WORDS["no kind"][lang].format(lacking, lacking)

    return whole


def usable_in(lang: Lang, count: int) -> Check:
    """The check that a solution uses some of the resources 1 to ``count`` and no others."""

    def usable(solution: Solution) -> str | None:
        stray = next((n for n in solution.positive_resources if not 1 <= n <= count), None)
        if stray is not None:
            return WORDS["number"][lang].format(stray)
        return WORDS["none used"][lang] if count and not solution.positive_resources else None

    return usable


def reached(part: Part, solution: Solution, count: int, ask: Ask) -> str | None:
    """What a stage still lacks: its length, its turning point where it belongs, the resources of the plan."""
    size, stage, lang = len(part.exchanges), part.stage, ask.lang
    if not stage.min_turns <= size <= (stage.max_turns or size):
        return reject(ask, "length", WORDS["length"][lang].format(size, stage.min_turns, stage.max_turns))
    client, counselor = [one.client for one in part.exchanges], [one.counselor for one in part.exchanges]
    if isinstance(part, Target):
        both = [f"{one.client}\n{one.counselor}" for one in part.exchanges]
        if (said := found_in(part.goal_said, both)) is None:
            return unquoted(ask, "goal_said", "counselor")
        if said < size // 2:
            return reject(ask, "goal", WORDS["early"][lang])
        if found_in(part.agreement, client[said:]) is None:
            return unquoted(ask, "agreement", "client")
    if isinstance(part, Working):
        if stray := next((n for n in part.resources if not 1 <= n <= count), None):
            return reject(ask, "resources", WORDS["number"][lang].format(stray))
        if left := next((n for n in solution.positive_resources if n not in part.resources), None):
            return reject(ask, "resources", WORDS["not used"][lang].format(left))
        if found_in(part.willingness, client) is None:
            return unquoted(ask, "willingness", "client")
        if found_in(part.willingness, client[size * 2 // 3 :]) is None:
            return reject(ask, "willingness", WORDS["not at the end"][lang].format("willingness"))
    if isinstance(part, Ending) and found_in(part.homework, counselor) is None:
        return unquoted(ask, "homework", "counselor")
    return None


def unquoted(ask: Ask, field: str, speaker: Speaker) -> str:
    """The reject of a quote that stands nowhere."""
    return reject(ask, field, WORDS["quote"][ask.lang].format(field, _WHO[ask.lang][speaker]))


def found_in(quote: str, texts: list[str]) -> int | None:
    """The first of ``texts`` with these words; punctuation, spaces, width and case do not count."""
    words = fold(quote)
    return next((at for at, text in enumerate(texts) if words and words in fold(text)), None)
