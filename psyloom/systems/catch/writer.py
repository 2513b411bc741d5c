"""PDS, progressive dialogue synthesis: an outline first, then stage after stage along it.

Part 1 of CATCH: personality, goal, resources, solution; then the goal stage, the working stage and the ending, each
written with all that was written before. Seven calls.
"""

import re
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args

from pydantic import BaseModel, Field, StringConstraints, create_model

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
KINDS: tuple[Kind, ...] = get_args(Kind)
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
    "quote": {"en": "{} must be copied word for word from a message of {}", "zh": "{} 要从{}的话里逐字照抄"},
}  # fmt: skip
_WHO: dict[Lang, dict[Speaker | None, str]] = {
    "en": {"client": "the client", "counselor": "the counselor", None: "this part"},
    "zh": {"client": "来访者", "counselor": "咨询师", None: "这一部分"},
}  # fmt: skip
NEARLY = 0.6  # share of the goal's pairs of neighbouring words with which a message says it


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

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"goal": actor.left(actor.stock["single_session"]["aim"], "")[0]}


class Resource(BaseModel):
    """Something the client could draw on, and the few words by which it is called in the conversation."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=30)]
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
        stock = actor.stock["single_session"]
        found: dict[str, Any] = {
            kind: [dict(zip(Resource.model_fields, actor.rng.choice(stock[kind]), strict=True))] for kind in KINDS
        }
        return {**found, "none_found": []}


class Solution(BaseModel):
    """One plan that the client can carry out alone, with the numbers of the resources it uses."""

    positive_resources: list[int]
    plan: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"positive_resources": [1], "plan": actor.left(actor.stock["single_session"]["practice"], "")[0]}


class Exchange(BaseModel):
    """The client's message and the counselor's."""

    client: Text
    counselor: Text


class Outline(NamedTuple):
    """What the stages are written along; resources by number."""

    goal: str
    resources: list[tuple[Kind, Resource]]
    solution: Solution

    @property
    def used(self) -> list[Resource]:
        """The resources that the solution uses."""
        return [self.resources[n - 1][1] for n in self.solution.positive_resources if 0 < n <= len(self.resources)]


class Part(BaseModel):
    """What one stage adds to the dialogue.

    quotes: fields that quote whoever reaches the stage's end with these words; None: either side.
    named:  what the rehearsal has to speak of; a model reads it in its prompt.
    """

    stage: ClassVar[Stage]
    quotes: ClassVar[dict[str, Speaker | None]] = {}
    named: ClassVar[tuple[str, ...]] = ()
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

    quotes = {"goal_said": None, "agreement": "client"}
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

    quotes = {"willingness": "client"}
    willingness: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        stock = actor.stock["single_session"]
        for exchange, question in zip(exchanges, actor.left(stock["resource"], "")[:3], strict=False):
            exchange["counselor"] = question
        answers = [line.format(n=name) for name, line in zip(cls.named, actor.left(stock["named"], ""), strict=False)]
        for exchange, answer in zip(exchanges[1:], answers, strict=False):
            exchange["client"] = answer
        exchanges[-1]["client"] = actor.left(stock["willing"], "")[0]
        return {"willingness": exchanges[-1]["client"]}


class Ending(Part):
    """The ending."""

    quotes = {"homework": "counselor"}
    homework: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        homework, leave = (
            actor.left(actor.stock["single_session"]["homework"], "")[0],
            actor.left(actor.stock["counselor"]["close"], "")[0],
        )
        exchanges[0]["counselor"] = f"{homework}{'' if actor.cue.lang == 'zh' else ' '}{leave}"
        return {"homework": homework}


PARTS: dict[str, type[Part]] = {"target": Target, "working": Working, "ending": Ending}


@cache
def part_type(stage: Stage, named: tuple[str, ...]) -> type[Part]:
    """The answer of one stage."""
    base = PARTS.get(stage.id, Part)
    fields: dict[str, Any] = {"stage": (ClassVar[Stage], stage), "named": (ClassVar[tuple[str, ...]], named)}
    return create_model(base.__name__, __base__=base, **fields)


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
        outline = Outline(goal, resources, solution)
        asking = ask.as_(ask.role, talk)
        parts = {stage.id: await self._stage(asking, talk, stage, outline) for stage in PLAN.stages}
        talk.session.notes |= {
            "consultation_target": goal,
            "outline": {
                "goal": goal,
                "resources": [{"kind": kind, **one.model_dump()} for kind, one in resources],
                "solution": {"positive_resources": [one.text for one in outline.used], "plan": solution.plan},
            },
            "reached": {stage: part.model_dump(exclude={"exchanges"}) for stage, part in parts.items()},
        }
        return talk.dialogue

    async def _stage(self, ask: Ask, talk: Talk, stage: Stage, outline: Outline) -> Part:
        """Write one stage after all that was said, and add its turns to the talk."""
        rules = ScriptRules(no_lists=True, language=True, unsaid=(TECHNIQUES,), guarded=True)
        form = keeps(ask, rules, lambda part: messages(part.exchanges), strict=self.strict, before=talk.turns)

        def wrong(part: Part) -> str | None:
            return form(part) or (unfinished(part, outline, ask) if self.strict else None)

        part = await ask(
            "stage", part_type(stage, tuple(one.name for one in outline.used)), check=wrong, talk=talk, manual=PLAN,
            techniques=TECHNIQUES, stage=stage, **outline._asdict(),
        )  # fmt: skip
        label = PLAN.labels.label(stage.id)
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


def unfinished(part: Part, outline: Outline, ask: Ask) -> str | None:
    """What a stage still lacks: its length, the words it quotes, or what the plan wants at its end."""
    size, stage, lang = len(part.exchanges), part.stage, ask.lang
    if not stage.min_turns <= size <= (stage.max_turns or size):
        return reject(ask, "length", WORDS["length"][lang].format(size, stage.min_turns, stage.max_turns))
    for field, speaker in part.quotes.items():
        if not said_in(part, getattr(part, field), speaker):
            return reject(ask, field, WORDS["quote"][lang].format(field, _WHO[lang][speaker]))
    lack = stage.lacks(state_of(part, outline), lang)
    return lack and reject(ask, "unfinished", lack)


def state_of(part: Part, outline: Outline) -> dict[str, list[Any]]:
    """What the plan's conditions are about.

    Returns: for each quote the number of the last message that holds it, for the goal those of all messages that say
             it, be it in the outline's words; second_half, last_third, after_goal: the numbers of the messages there;
             resources_used, resources_named: names, of those in the solution and of those that are spoken of.
    """
    texts = [text for _, text in messages(part.exchanges)]
    size = len(part.exchanges)
    found: dict[str, list[Any]] = {
        field: said_in(part, getattr(part, field), speaker)[-1:] for field, speaker in part.quotes.items()
    }
    if isinstance(part, Target):
        told = (n for n, text in enumerate(texts, 1) if tells(text, outline.goal))
        found["goal_said"] = sorted({*said_in(part, part.goal_said, None), *told})
    after = min(found.get("goal_said", ()), default=len(texts))
    spoken = fold(" ".join(texts))
    return found | {
        "second_half": numbers(2 * (size // 2), texts),
        "last_third": numbers(2 * (size * 2 // 3), texts),
        "after_goal": numbers(after, texts),
        "resources_used": [one.name for one in outline.used],
        "resources_named": [one.name for _, one in outline.resources if fold(one.name) in spoken],
    }


def numbers(after: int, texts: list[str]) -> list[int]:
    """The numbers of the messages after the first ``after`` ones."""
    return list(range(after + 1, len(texts) + 1))


def said_in(part: Part, words: str, speaker: Speaker | None) -> list[int]:
    """The numbers of the messages that hold ``words``; punctuation, spaces, width and case do not count."""
    wanted = fold(words)
    return [
        n
        for n, (who, text) in enumerate(messages(part.exchanges), 1)
        if speaker in (None, who) and wanted and wanted in fold(text)
    ]


def tells(text: str, goal: str) -> bool:
    """Does a message say the goal in nearly its own words?"""
    wanted = _pairs(goal)
    return len(wanted & _pairs(text)) >= max(1, NEARLY * len(wanted))


def _pairs(text: str) -> set[tuple[str, str]]:
    """Neighbouring words; a Chinese character counts as one."""
    return set(pairwise(re.findall(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+", text.casefold())))
