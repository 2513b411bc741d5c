"""The outline of PDS: a personality, then one goal, the resources, and the solution that uses some of them."""

from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, StringConstraints

from psyloom.agents import Check
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Lang, Personality

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
        stop = "。" if lang == "zh" else ". "
        return Personality(**{name: f"{LEVELS[t.level][lang]}{stop}{t.evidence}" for name, t in self})


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


class Outline(NamedTuple):
    """What the stages are written along; resources by number."""

    goal: str
    resources: list[tuple[Kind, Resource]]
    solution: Solution

    @property
    def used(self) -> list[Resource]:
        """The resources that the solution uses."""
        return [self.resources[n - 1][1] for n in self.solution.positive_resources]


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
