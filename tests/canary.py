"""The canary test of sight: a marked word in every text of a case, and every prompt of a run captured."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import UnionType
from typing import Any, ClassVar, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from psyloom.agents import Ask, Desk, Models, Role
from psyloom.agents.sight import in_sight
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import FACETS, Case, Lang, Turn
from psyloom.runs.engine import Work, roles_of

Changes = Mapping[str, Mapping[str, Any]]
BOOK = {"en": "Sleep comes when nobody waits for it. It can be learned.", "zh": "不去等它，觉才会来。这是可以学会的。"}


def canary(path: str) -> str:
    return f"canary<{path}>"


def canary_case(lang: Lang, without: Iterable[str] = ()) -> Case:
    """A case with every facet filled and a canary in every free text, but for the paths that are left out."""
    facets: dict[str, Any] = {facet: _filled(_model(Case, facet), facet) for facet in FACETS}
    facets["extra"] = {"book": BOOK[lang]}
    facets["disposition"]["openness"] = 1.0  # a client that holds facts back hides canaries that its prompts show
    for path in without:
        facet, _, field = path.partition(".")
        if field:
            del facets[facet][field]
        else:
            del facets[facet]
    return Case(id="canary", lang=lang, **facets)


def _filled(kind: type[BaseModel], path: str) -> dict[str, Any]:
    return {
        name: _value(field.annotation, f"{path}.{name}") for name, field in kind.model_fields.items() if name != "extra"
    }


def _value(annotation: Any, path: str) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        return _value(str if str in inner else inner[0], path)
    if annotation is str:
        return canary(path)
    if get_origin(annotation) is list:
        return [_value(get_args(annotation)[0], path)]
    if get_origin(annotation) is dict:
        return {"note": canary(path)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _filled(annotation, path)
    return get_args(annotation)[0] if get_origin(annotation) is Literal else 0.5


def _model(kind: type[BaseModel], name: str) -> type[BaseModel]:
    annotation = kind.model_fields[name].annotation
    return next(a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel))


class Listening:
    """The rehearsal back end without the case's words, which keeps what each agent of each role was shown.

    changes: prompt -> fields of its answers that are other than rehearsed, to bring about what seldom happens.
    """

    name = "rehearsal"

    def __init__(self, changes: Changes | None = None) -> None:
        self.shown: dict[str, set[str]] = {}
        self._changes, self._model = changes or {}, Rehearsal(own_words=False)

    async def __call__(self, call: Call, /) -> Answer:
        text = "\n".join(m["content"] for m in call.messages)
        # What a client said aloud is no secret any more.
        aloud = "\n".join(said for _, said in call.cue().turns) if call.cue else ""
        found = set(re.findall(r"canary<([\w.]+)>", text)) - set(re.findall(r"canary<([\w.]+)>", aloud))
        self.shown.setdefault(call.agent, set()).update(found)
        answer = await self._model(call)
        if changed := self._changes.get(call.prompt):
            return replace(answer, text=json.dumps({**json.loads(answer.text), **changed}))
        return answer

    async def aclose(self) -> None: ...


class Heard(NamedTuple):
    """What a run showed: agent -> paths of the canaries it read, and the prompts that were rendered, SLUG/NAME.LANG."""

    shown: dict[str, set[str]]
    rendered: set[str]


async def hear(work: Work, case: Case, dialogue: Any = None, changes: Changes | None = None) -> Heard:
    """Run ``work`` on the case, or on a dialogue of it."""
    model = Listening(changes)
    desk = Desk.for_case(case, Models({"": model})) if dialogue is None else Desk(dialogue, case, Models({"": model}))
    if dialogue is None:
        await work.write(case, Ask(desk, work))
    else:
        await work.annotate(dialogue, Ask(desk, work))
    return Heard(model.shown, set(desk.prompts))


def leaves_of(case: Case) -> set[str]:
    """Paths of all texts that carry a canary."""
    return {path.removesuffix(".note") if text == canary(path.removesuffix(".note")) else path
            for path, text in case.leaves() if text.startswith("canary<")}  # fmt: skip


async def faults_of_sight(work: Work, case: Case, dialogue: Any = None) -> list[str]:
    """Everything wrong with what the agents of ``work`` are shown in a run."""
    leaves = leaves_of(case)  # before the run, which may write more into the case
    return faults_in((await hear(work, case, dialogue)).shown, work, leaves)


def faults_in(shown: Mapping[str, set[str]], work: Work, leaves: set[str]) -> list[str]:
    """Everything wrong with what the agents of ``work`` were shown of a case's ``leaves``.

    An agent that read a canary outside its sight has a leak; an agent whose sight lists what none of its prompts
    shows has a sight wider than it needs, which is the leak of tomorrow.
    """
    found: list[str] = []
    roles = list(roles_of(work).values())
    for agent, seen in shown.items():
        sight = [role.seen_by()[agent] for role in roles if agent in role.seen_by()]
        allowed = set().union(*sight) if sight else set()
        found += [f"{agent} read {path}, which it may not see" for path in sorted(seen) if not in_sight(path, allowed)]
        unread = {leaf for leaf in leaves if in_sight(leaf, allowed)} - seen
        found += [f"{agent} may see {path}, but no prompt of it shows that" for path in sorted(unread)]
    return found


def widened(role: Role, more: Mapping[str, str]) -> Role:
    """The same role with one more entry in the sight of some agents: agent -> path."""
    sights = {agent: {*type(role).sight.get(agent, set()), path} for agent, path in more.items()}

    class Wider(type(role)):  # type: ignore[misc]
        sight: ClassVar = {**type(role).sight, **sights}

    Wider.__module__, Wider.__name__ = type(role).__module__, type(role).__name__
    return Wider.model_validate(role.model_dump())


def a_dialogue(lang: Lang) -> list[Turn]:
    """A few turns for annotators."""
    texts = {
        "en": [
            "Hello, what brings you here?",
            "I cannot sleep.",
            "Since when has it been like that?",
            "Since May.",
            "What came in May?",
        ],
        "zh": ["你好，今天想聊点什么？", "我睡不着。", "这样有多久了？", "从五月开始。", "五月里有什么事？"],
    }[lang]
    return [Turn(speaker="counselor" if n % 2 == 0 else "client", text=text) for n, text in enumerate(texts)]
