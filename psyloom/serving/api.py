"""An OpenAI-compatible chat API over counselors: /v1/chat/completions with streaming, /v1/models.

``model`` names a counselor's system, and options if wanted: ``emollm`` or ``emollm:persona=aiwei``. Before every voice
stands the same layer: where the user's message holds a crisis cue, fixed words of help come first, said by no model.

A request carries the whole talk. What a counselor remembers besides is kept for the talks that were served last, under
a hash of what was said; a talk that is not known any more is taken up from its messages alone.
"""

import json
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from psyloom.agents import Ask, Counselor, Desk, Models, Talk
from psyloom.agents.derive import lacking
from psyloom.errors import Failure, MissingFacet, PsyloomError, UsageError
from psyloom.llm import Decoding
from psyloom.records import Case, Dialogue, Lang, Session, Turn, sentences
from psyloom.safety.help import with_help
from psyloom.systems import find_system, make_role

KEPT = 1000  # talks whose counselor's memory is kept
_SPEAKERS: dict[str, Literal["client", "counselor"]] = {"user": "client", "assistant": "counselor"}


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """The text of a message, of its typed parts where it has some."""
        if isinstance(self.content, list):
            return "\n".join(str(part["text"]) for part in self.content if "text" in part)
        return self.content or ""


class Request(BaseModel):
    """A chat request; fields that mean nothing here are accepted and left alone."""

    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None

    @property
    def decoding(self) -> Decoding:
        given = self.model_dump(include={"temperature", "top_p", "max_tokens"}, exclude_none=True)
        return Decoding(**given)  # type: ignore[typeddict-item,no-any-return]

    def turns(self) -> list[Turn]:
        """What was said. A system message is the counselor's own affair: its prompts are not replaced from outside.

        Raises:  UsageError when the user has not spoken last.
        """
        said = [Turn(speaker=_SPEAKERS[one.role], text=one.text) for one in self.messages if one.role in _SPEAKERS]
        if not said or said[-1].speaker != "client" or not said[-1].text.strip():
            raise UsageError("the last message must be the user's, and say something", do="end messages with a user's")
        return said


class Server:
    """Counselors that may be asked for, the models behind them, and the talks served last.

    Raises:  UsageError for a counselor that cannot work without a case.
    """

    def __init__(self, counselors: Sequence[str], models: Models, lang: Lang | None = None) -> None:
        self.counselors, self.models, self.lang = list(counselors), models, lang
        self._memories: OrderedDict[str, dict[str, Any]] = OrderedDict()
        for name in self.counselors:
            role = counselor_named(name)
            if missing := lacking(Case(id="chat", lang="en"), role.wants()):
                raise MissingFacet(f"{name} needs a case with {', '.join(missing)}", do="serve another counselor")

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_told])
        app.router.add_get("/v1/models", self.list)
        app.router.add_post("/v1/chat/completions", self.chat)
        return app

    async def list(self, _: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "psyloom"} for name in self.counselors]
        return web.json_response({"object": "list", "data": data})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        asked = _parsed(await request.read())
        if asked.model.partition(":")[0] not in {name.partition(":")[0] for name in self.counselors}:
            raise UsageError(f"{asked.model!r} is not served here", do=f"ask for {' or '.join(self.counselors)}")
        text = await self.reply(asked)
        frame = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": asked.model}
        if asked.stream:
            return await _streamed(request, text, frame)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return web.json_response({**frame, "object": "chat.completion", "choices": [choice], "usage": None})

    async def reply(self, asked: Request) -> str:
        """The counselor's next message, after the words of help where they are due."""
        turns, role = asked.turns(), counselor_named(asked.model)
        lang = self.lang or lang_of(turns)
        talk = self._talk(asked.model, turns, lang)
        case = Case(id="chat", lang=lang)
        desk = Desk(talk.dialogue, case, self.models, decoding={"": asked.decoding}, seed=time.time_ns())
        reply = await role.reply(talk, Ask(desk, role, talk))
        text = with_help(reply.text, turns[-1].text, lang)
        talk.add(reply.model_copy(update={"text": text}))
        self._keep(asked.model, talk)
        return text

    def _talk(self, name: str, turns: Sequence[Turn], lang: Lang) -> Talk:
        """The talk so far, with what the counselor remembers of it."""
        known = self._memories.get(_key(name, turns[:-1]))
        dialogue = Dialogue(id="chat", lang=lang, sessions=[Session(turns=list(turns))])
        if known is None:
            return Talk(dialogue)
        return Talk.load(known | {"dialogue": dialogue.model_dump(mode="json")})

    def _keep(self, name: str, talk: Talk) -> None:
        self._memories[_key(name, talk.turns)] = {"memories": talk.dump()["memories"]}
        while len(self._memories) > KEPT:
            self._memories.popitem(last=False)


@cache
def counselor_named(name: str) -> Counselor:
    """``SLUG`` or ``SLUG:option=value,option=value``. Raises UsageError, UnknownName."""
    slug, _, given = name.partition(":")
    options = dict(pair.partition("=")[::2] for pair in given.split(",") if pair)
    role = make_role(find_system(slug).slug, "counselor", options)
    assert isinstance(role, Counselor)
    return role


def lang_of(turns: Sequence[Turn]) -> Lang:
    """Chinese where the user's last messages hold Chinese characters."""
    return "zh" if any(re.search(r"[\u4e00-\u9fff]", turn.text) for turn in turns[-3:]) else "en"


def _key(name: str, turns: Sequence[Turn]) -> str:
    said = json.dumps([name, [[turn.speaker, turn.text] for turn in turns]])
    return blake2b(said.encode(), digest_size=16).hexdigest()


def _parsed(body: bytes) -> Request:
    try:
        return Request.model_validate_json(body)
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        where = ".".join(map(str, error["loc"])) or "body"
        raise UsageError(f"{where}: {error['msg']}", do="see the chat completions API") from trouble


async def _streamed(request: web.Request, text: str, frame: Mapping[str, Any]) -> web.StreamResponse:
    """Server-sent events, a sentence each. Guards and the words of help see a reply before its first word is sent."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for delta, finish in _deltas(text):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        event = {**frame, "object": "chat.completion.chunk", "choices": [choice]}
        await response.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _deltas(text: str) -> Iterator[tuple[dict[str, str], str | None]]:
    """(what is new, why it ends) of each event."""
    yield {"role": "assistant", "content": ""}, None
    start = 0
    for piece in sentences(text):
        end = text.index(piece, start) + len(piece)
        yield {"content": text[start:end]}, None
        start = end
    if start < len(text):
        yield {"content": text[start:]}, None
    yield {}, "stop"


@web.middleware
async def _told(request: web.Request, handler: Any) -> web.StreamResponse:
    """Our errors as the API tells errors."""
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except PsyloomError as trouble:
        kind, status = ("server_error", 502) if isinstance(trouble, Failure) else ("invalid_request_error", 400)
        body = {"error": {"message": str(trouble), "type": kind, "param": None, "code": type(trouble).__name__}}
        return web.json_response(body, status=status)
