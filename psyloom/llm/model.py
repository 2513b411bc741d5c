"""One call in, one answer out: the only place where a system touches the world."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from pydantic_core import to_json

from psyloom.records import Lang, Speaker


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


class Decoding(TypedDict):
    """Decoding parameters as OpenAI-compatible servers name them; what is absent is the server's default."""

    temperature: NotRequired[float]
    top_p: NotRequired[float]
    top_k: NotRequired[int]
    max_tokens: NotRequired[int]
    frequency_penalty: NotRequired[float]
    presence_penalty: NotRequired[float]
    repetition_penalty: NotRequired[float]
    stop: NotRequired[list[str]]
    seed: NotRequired[int]
    logprobs: NotRequired[bool]
    top_logprobs: NotRequired[int]


def _never(text: str, /) -> bool:
    return False


@dataclass(frozen=True)
class Cue:
    """What the rehearsal back end goes by instead of the prompt. Never sent, never part of a call's key.

    end:   token by which the speaker may close the session.
    words: sentences of the case that the agent may see; turns: the talk so far; wanted: the answer's type,
    or the script rules for a whole dialogue; take: how often the same thing was asked for before.
    paths: where in the case each of the words stands, e.g. ``intake.reason``; empty: not known.
    before: what was said in the sessions before this one; homework: what the last of them agreed on.
    alarming: does a text hold a crisis cue?
    """

    act: str
    agent: str
    lang: Lang
    seed: str
    speaks: Speaker | None = None
    end: str | None = None
    words: tuple[str, ...] = ()
    turns: tuple[tuple[Speaker, str], ...] = ()
    wanted: Any = str
    rules: Any = None
    take: int = 0
    paths: tuple[str, ...] = ()
    before: tuple[tuple[Speaker, str], ...] = ()
    homework: tuple[str, ...] = ()
    alarming: Callable[[str], object] = _never


@dataclass
class Call:
    """A request.

    schema: JSON schema of the wanted answer, None for free text.
    scope:  the dialogue that asks; occurrence: how often this very request was made in it before.
    cue: makes what the rehearsal goes by; a function, since no other back end needs it.
    agent, prompt: who asks, and through which prompt; for models in tests and traces, never sent.
    on_text: gets the answer piece by piece where the back end streams; None means: start over.
    """

    messages: list[Message]
    decoding: Decoding = field(default_factory=lambda: Decoding())
    schema: dict[str, Any] | None = None
    scope: str = ""
    occurrence: int = 0
    agent: str = ""
    prompt: str = ""
    cue: Callable[[], Cue] | None = None
    on_text: Callable[[str | None], None] | None = None

    @cached_property
    def content(self) -> bytes:
        """Digest of what is asked, whoever asks it."""
        return blake2b(to_json([self.messages, self.decoding, self.schema]), digest_size=16).digest()

    def key(self, model: str) -> bytes:
        """What the journal files the answer under: model, dialogue, request and occurrence."""
        mark = to_json([model, self.scope, self.occurrence])
        return blake2b(mark + self.content, digest_size=16).digest()


@dataclass(frozen=True)
class Answer:
    """What came back. Token counts are 0 where the server does not say; ``seconds`` is wall time; ``cost`` in US dollars,
    None where the price of the model is not known."""

    text: str
    finish: str = "stop"
    reasoning: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    logprobs: list[Any] | None = None
    seconds: float = 0.0
    cost: float | None = None


class Model(Protocol):
    """One call in, one answer out; no system knows which maker is behind it."""

    @property
    def name(self) -> str:
        """The model as the user names it, e.g. ``openai:gpt-4o-mini``; part of every call's key."""
        ...

    async def __call__(self, call: Call, /) -> Answer: ...

    async def aclose(self) -> None:
        """Give back connections and memory."""
        ...


@dataclass(frozen=True)
class back_end:  # noqa: N801 (a decorator)
    """Makes an async function, call in and answer out, a model that bears its name: ``@back_end``."""

    answers: Callable[[Call], Awaitable[Answer]]

    @property
    def name(self) -> str:
        return getattr(self.answers, "__name__", "back end")

    async def __call__(self, call: Call, /) -> Answer:
        return await self.answers(call)

    async def aclose(self) -> None:
        """Nothing is held open."""
