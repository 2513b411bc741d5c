"""What tests share: a model that says what the test wants, standing where the network would be."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from psyloom.agents import Annotator, Ask, Desk, Models, Writer
from psyloom.llm import Answer, Call
from psyloom.records import Case, Dialogue
from psyloom.runs.run import writer_for

Reply = str | dict[str, Any] | Sequence[Any] | Callable[[Call], Any]


class Scripted:
    """A model that answers each prompt, by its name, with what the test gives.

    A value is the answer to every call (a dict becomes JSON); a list holds the answers in order, the last one stays;
    a function gets the call. Every call is kept in ``calls``.
    """

    name = "scripted"

    def __init__(self, **replies: Reply) -> None:
        self.replies, self.calls = replies, []
        self._count: dict[str, int] = defaultdict(int)

    async def __call__(self, call: Call, /) -> Answer:
        self.calls.append(call)
        if call.prompt not in self.replies:
            raise AssertionError(f"the test gives no answer to prompt {call.prompt!r}; it gives {sorted(self.replies)}")
        reply = self.replies[call.prompt]
        if isinstance(reply, list):
            reply = reply[min(self._count[call.prompt], len(reply) - 1)]
            self._count[call.prompt] += 1
        if callable(reply):
            reply = reply(call)
        if isinstance(reply, Exception):
            raise reply
        return Answer(reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False))

    async def aclose(self) -> None: ...

    def asked(self, prompt: str) -> list[Call]:
        """The calls through one prompt."""
        return [call for call in self.calls if call.prompt == prompt]

    def counts(self) -> dict[str, int]:
        """Prompt -> number of calls."""
        return {name: len(self.asked(name)) for name in sorted({call.prompt for call in self.calls})}


def text_of(call: Call) -> str:
    """Everything a call's prompt says."""
    return "\n".join(message["content"] for message in call.messages)


def numbered(stem: str = "line") -> Callable[[Call], str]:
    """An utterance that never repeats: ``line 1``, ``line 2`` ..."""
    count = iter(range(1, 10_000))
    return lambda _: f"{stem} number {next(count)} of this talk"


async def write(
    writer: Writer | str, case: Case, model: Any, *, options: dict[str, Any] | None = None, **more: Any
) -> Dialogue:
    """One dialogue by a writer (or a system's slug) with every agent answered by ``model``."""
    made = writer_for(writer, options) if isinstance(writer, str) else writer
    desk = desk_for(case, model, **more)
    return await made.write(case, Ask(desk, made))


async def annotate(annotator: Annotator, dialogue: Dialogue, model: Any, **more: Any) -> Dialogue:
    """One dialogue through an annotator."""
    case = dialogue.case or Case(id=dialogue.id, lang=dialogue.lang)
    desk = Desk(dialogue, case, Models({"": model}), **more)
    return await annotator.annotate(dialogue, Ask(desk, annotator))


def desk_for(case: Case, model: Any, **more: Any) -> Desk:
    """A desk on which ``model`` answers everything."""
    return Desk.for_case(case, Models({"": model}), **more)
