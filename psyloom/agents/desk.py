"""The desk: what all asks of one dialogue share, and the trace of what was asked."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from psyloom.agents.dials import Dials
from psyloom.llm import Decoding, Message, Model
from psyloom.records import Artefact, Case, Dialogue, Lang

T = TypeVar("T")


class Models:
    """Which model answers for which agent. Keys: an agent's name, a role (client, counselor ...), "" for all others."""

    def __init__(self, by_agent: Mapping[str, Model]) -> None:
        self.by_agent = dict(by_agent)

    def of(self, agent: str, role: str) -> Model:
        for key in (agent, role, ""):
            if key in self.by_agent:
                return self.by_agent[key]
        raise KeyError(f"no model for {agent} ({role})")


@dataclass
class Asked:
    """One call in a trace: who asked what, what came back, and whether it was good enough."""

    agent: str
    prompt: str
    model: str
    session: int
    turn: int
    take: int
    messages: list[Message]
    answer: str = ""
    reasoning: str = ""
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rejected: str | None = None


@dataclass
class Shelf:
    """What is written once for an owner and used by many dialogues of a run.

    kept: the artefacts; traces: how each of them came about. A run takes both off the shelf once they are written.
    """

    kept: dict[str, Artefact] = field(default_factory=dict)
    traces: dict[str, list[Asked]] = field(default_factory=dict)
    _under_way: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    async def once(self, key: str, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The value that the first to ask for ``key`` had made; all others wait for it."""
        if key not in self._under_way:
            self._under_way[key] = asyncio.ensure_future(make())
        # Shielded: one dialogue that is called off must not take the others' artefact with it.
        return cast(T, await asyncio.shield(self._under_way[key]))

    def drop(self, keys: Collection[str]) -> None:
        """Forget the traces of these artefacts: they are written down, or nobody wants them."""
        for key in [key for key in self.traces if key in keys]:
            del self.traces[key]


@dataclass
class Desk:
    """What all asks of one dialogue share.

    tries: how often an answer is asked for before the case fails; on_text: see `Call`, for utterances only.
    by: the name under which an annotator labels; "": its system's.
    position: the case's place in its file, from 0; what is dealt out over a file goes by it.
    dials: how difficult the client is made, whichever client it is.
    decoding: agent -> decoding parameters instead of those of its prompt files; "": all agents.
    shelf: what dialogues of a run have in common; borrowed: keys of what this one asked for there.
    leaving: the client's last message held the token with which a dial lets it end.
    """

    dialogue: Dialogue
    case: Case
    models: Models
    seed: int = 0
    tries: int = 3
    by: str = ""
    position: int = 0
    dials: Dials | None = None
    decoding: Mapping[str, Decoding] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    on_text: Callable[[str | None], None] | None = None
    leaving: bool = False
    trace: list[Asked] = field(default_factory=list)
    prompts: dict[str, str] = field(default_factory=dict)
    answered_by: dict[str, str] = field(default_factory=dict)
    borrowed: set[str] = field(default_factory=set)
    _made: Counter[bytes] = field(default_factory=Counter)

    @classmethod
    def for_case(cls, case: Case, models: Models, *, lang: Lang | None = None, **more: Any) -> "Desk":
        """A desk with an empty dialogue for ``case``."""
        dialogue = Dialogue(id=case.id, lang=lang or case.lang, case=case, source=case.source)
        return cls(dialogue, case, models, **more)

    def occurrence(self, content: bytes) -> int:
        """How often this very request was made before in this dialogue."""
        self._made[content] += 1
        return self._made[content] - 1

    def rng(self, what: str) -> random.Random:
        """A generator of its own for every choice a system makes by chance."""
        return random.Random(f"{self.seed}/{self.dialogue.id}/{what}")


def trace_record(desk: Desk) -> dict[str, Any]:
    """The trace of one dialogue, to be written as JSON."""
    return {"dialogue": desk.dialogue.id, "calls": desk.trace}
