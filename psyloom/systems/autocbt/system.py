"""AutoCBT: a counselor drafts, decides whom of five supervisors to consult, revises, and answers. arXiv 2501.09426.

(a0, S, T, Σ): the counselor a0, the supervisors S, the topology T (edges that are used up), the routing strategies Σ.
Whom to speak to is decided before the message is written: what goes to supervisors is a draft, what goes to the
patient is final. One long question, one long answer.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, Field, create_model

from psyloom.agents import Ask, Check, Counselor, Rules, Sight, Talk
from psyloom.agents.together import gather
from psyloom.errors import AnswerRejected
from psyloom.knowledge import OneOf, Term, label_set
from psyloom.records import Case, Lang, Turn
from psyloom.systems.autocbt.patient import AutoCBTPatient

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

__all__ = ["AutoCBT", "AutoCBTPatient"]

S, SIGMA = label_set("autocbt_supervisor"), label_set("autocbt_routing")
PATIENT, COUNSELOR = 0, 1
NUMBER = {term.id: number for number, term in enumerate(S.terms, 2)}  # the agents' numbers in the released files
Routing = Literal["loopback", "unicast", "multicast", "broadcast", "endcast"]
# A patient may well write about a supervisor at work: only those who advise the counselor are meant.
_SUPERVISED = re.compile(
    r"\b(?:empathy|belief|reflection|strateg(?:y|ies)|encouragement) supervisor|\b(?:my|our|the|several|five) supervisors\b"
    r"|\bsupervisors? ?[1-6]\b|督导",
    re.IGNORECASE,
)
SALUTATION: dict[Lang, str] = {"en": "Hello counselor", "zh": "【心理咨询师你好】"}
WORDS: dict[str, dict[Lang, str]] = {
    "mixed": {
        "en": "the patient (0) cannot be spoken to together with supervisors; choose one or the other",
        "zh": "不能同时对患者（0）和督导师说话，只能二选一",
    },
    "self": {"en": "1 is you yourself", "zh": "1 是你自己"},
    "unreachable": {"en": "none of these targets can be reached", "zh": "这些对象都联系不到"},
    "salutation": {"en": "it must begin with “{}”", "zh": "开头必须是“{}”"},
    "mentions": {
        "en": "it speaks of supervisors; the patient knows nothing of them",
        "zh": "里面提到了督导；患者并不知道有督导师",
    },
}


class Route(BaseModel):
    """Σ: to whom, and how."""

    reachable: ClassVar[tuple[int, ...]] = ()
    method: str
    target: Annotated[list[int], BeforeValidator(lambda given: [given] if isinstance(given, int) else given)]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        """Two supervisors first, then the patient."""
        if len(cls.reachable) < len(S):
            return {"method": "unicast", "target": [PATIENT]}
        return {"method": "multicast", "target": sorted(actor.rng.sample(cls.reachable, 2))}


@cache
def route_to(reachable: tuple[int, ...], routing: tuple[Routing, ...]) -> type[Route]:
    """A routing decision among ``reachable`` supervisors and the patient, by one of the ways allowed."""
    return create_model(
        "Route", __base__=Route, reachable=(ClassVar[tuple[int, ...]], reachable),
        method=(Annotated[str, OneOf(SIGMA.only(routing))], ...),
    )  # fmt: skip


class Written(BaseModel):
    """A message of the counselor. Typed, so that a draft is never shown while it is written."""

    reply: str = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        """A line of the stock for each of the five parts."""
        heard = actor.quote(next((text for who, text in reversed(actor.cue.turns) if who == "client"), ""))
        said = "\n".join(text for who, text in actor.cue.turns if who == "counselor")
        stock = actor.stock["counselor"]
        parts = [
            [line for line in actor.left(stock[act], said) or stock[act] if heard or "{q}" not in line]
            or stock["normalise"]
            for act in ("reflect", "psychoeducation", "examine", "solve", "encourage")
        ]
        lines = [actor.rng.choice(lines).format(q=heard) for lines in parts]
        return {"reply": ("" if actor.cue.lang == "zh" else " ").join(lines)}


class Message(BaseModel):
    """One message of the trace. ``method`` and ``targets``: where the counselor sent it, and how."""

    agent: str
    text: str
    method: str | None = None
    targets: list[int] = []
    final: bool = False


class AutoCBT(Counselor):
    """a0 with S: routes, drafts, revises its first draft by all advice so far, answers."""

    sight: ClassVar[Sight] = {"router": frozenset(), "counselor": frozenset(), "supervisor": frozenset()}

    mode: Literal["autocbt", "prompt_cbt", "generation"] = Field(
        "autocbt",
        description="prompt_cbt, generation: the paper's baselines: the five-part prompt alone, the question alone",
    )
    revise_from: Literal["first", "latest"] = Field("first", description="which draft is revised; first in the paper")
    routing: tuple[Routing, ...] = Field(
        ("unicast", "multicast", "broadcast"), min_length=1, description="routing strategies that may be chosen"
    )
    route_temperature: float = Field(0.98, ge=0, le=2, description="temperature of routing decisions")
    max_turns: int = Field(16, ge=2, description="messages of all agents together, after which the patient is answered")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """One question, one answer; whoever comes again is greeted first, as the problem is known."""
        greeted = super().rules(case, lang).opening if case.course else ()
        return Rules(opening=greeted, first="client", last="counselor", max_exchanges=1)

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        if self.mode != "autocbt":
            return Turn.counselor(await ask(self.mode, talk=talk))
        edges = list(S.terms)  # T: an edge to a supervisor can be used once; the one to the patient stays
        memory: list[Message] = []
        while not (memory and memory[-1].final):
            route = await self._route(talk, ask, edges, memory)
            to = reached(route, edges)
            edges = [supervisor for supervisor in edges if supervisor not in to]
            if route.method == "endcast" and to:
                continue
            text = await self._write(talk, ask, memory)
            final = not to and route.method != "loopback"
            memory.append(Message(agent="counselor", text=text, method=route.method, targets=numbers(to), final=final))
            memory += await gather(*(self._advise(supervisor, route, talk, ask, text) for supervisor in to))
        return Turn.counselor(memory[-1].text, steps=[message.model_dump(exclude_defaults=True) for message in memory])

    async def _route(self, talk: Talk, ask: Ask, edges: Sequence[Term], memory: Sequence[Message]) -> Route:
        """Where the next message goes; the router is not asked when only the patient is left."""
        answer = Route(method="unicast", target=[PATIENT])
        if not edges or len(memory) + 2 >= self.max_turns:
            return answer
        try:
            return await ask(
                "route", route_to(tuple(numbers(edges)), self.routing), check=valid(edges, ask.lang),
                decoding={"temperature": self.route_temperature}, talk=talk, memory=memory, names=names(ask.lang),
                reachable=[(NUMBER[one.id], one) for one in edges], allowed=SIGMA.some(self.routing),
            )  # fmt: skip
        except AnswerRejected:  # whoever cannot decide answers the patient; the trace holds the attempts
            kept = ask.desk.dialogue.quality.kept
            kept["routing"] = kept.get("routing", 0) + 1
            return answer

    async def _write(self, talk: Talk, ask: Ask, memory: Sequence[Message]) -> str:
        drafts = [message.text for message in memory if message.agent == "counselor"]
        draft = (drafts[0] if self.revise_from == "first" else drafts[-1]) if drafts else ""
        advice = [message.text for message in memory if message.agent != "counselor"]

        def unsupervised(written: Written) -> str | None:
            return WORDS["mentions"][ask.lang] if _SUPERVISED.search(written.reply) else None

        return (await ask("write", Written, prefer=unsupervised, talk=talk, draft=draft, advice=advice)).reply

    async def _advise(self, supervisor: Term, route: Route, talk: Talk, ask: Ask, draft: str) -> Message:
        """What one supervisor says about the draft; it knows nothing of the others."""
        hello = SALUTATION[ask.lang]

        def salutation(text: str) -> str | None:
            return None if text.startswith(hello) else WORDS["salutation"][ask.lang].format(hello)

        text = await ask(
            "advise", prefer=salutation, talk=talk, draft=draft, supervisor=supervisor, salutation=hello,
            method=SIGMA[route.method],
        )  # fmt: skip
        return Message(agent=supervisor.id, text=text if text.startswith(hello) else f"{hello}\n{text}")


def numbers(supervisors: Sequence[Term]) -> list[int]:
    return [NUMBER[one.id] for one in supervisors]


def reached(route: Route, edges: Sequence[Term]) -> list[Term]:
    """The supervisors that a route leads to over the edges left; targets without an edge fall away, as released."""
    if PATIENT in route.target or route.method == "loopback":
        return []
    if route.method == "broadcast":
        return list(edges)
    return [supervisor for supervisor in edges if NUMBER[supervisor.id] in route.target]


def names(lang: Lang) -> dict[str, str]:
    """What the agents of a trace are called."""
    return {"counselor": {"en": "You", "zh": "你"}[lang]} | {term.id: term.name(lang) for term in S.terms}


def valid(edges: Sequence[Term], lang: Lang) -> Check:
    """What a routing decision must keep to."""

    def routing(route: Route) -> str | None:
        if COUNSELOR in route.target and route.method != "loopback":
            return WORDS["self"][lang]
        if PATIENT in route.target and len(set(route.target)) > 1:
            return WORDS["mixed"][lang]
        alone = route.method == "loopback" or (PATIENT in route.target and route.method != "endcast")
        return None if alone or reached(route, edges) else WORDS["unreachable"][lang]

    return routing
