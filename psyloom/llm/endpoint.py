"""OpenAI-compatible HTTP back end: a thin client over pooled aiohttp connections."""

import asyncio
import random
from typing import Any

import aiohttp
from pydantic_core import to_json

from psyloom.errors import EndpointDown, EndpointRejects, Refused
from psyloom.llm.limits import Lane, Lanes
from psyloom.llm.model import Answer, Call
from psyloom.llm.wire import (
    Again,
    Kind,
    Reply,
    Shown,
    dig,
    events,
    is_filtered,
    is_too_long,
    is_without_credit,
    json_of,
    retry_after,
    split_thinking,
    spoken,
)

_OWN = {"top_k", "repetition_penalty"}  # decoding parameters that are not OpenAI's
_WORTH_ANOTHER_TRY = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_FORMS = ("schema", "object", "none")  # constrained decoding, the strictest first


class Endpoint:
    """One model behind one or more OpenAI-compatible base URLs.

    json:  constrained decoding to begin with: "schema", "object" or "none"; a call that only succeeds with less
           teaches it to all that follow.
    extra: fields for every request's body, e.g. {"chat_template_kwargs": {...}}.
    tries: how often one call is sent before it counts as failed; waits grow from ``first_wait`` to 30 s.
    """

    def __init__(
        self,
        name: str,
        model: str,
        urls: list[str],
        *,
        key: str | None = None,
        json: str = "schema",
        own: frozenset[str] = frozenset(_OWN),
        extra: dict[str, Any] | None = None,
        concurrency: int = 64,
        tries: int = 8,
        timeout: float = 600.0,
        first_wait: float = 0.5,
    ) -> None:
        self.name, self.model, self.json, self.tries = name, model, json, tries
        self.lanes = Lanes([url.rstrip("/") for url in urls], concurrency)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._key = key
        self._unsent = _OWN - own
        self._extra, self._timeout, self._first_wait = extra or {}, timeout, first_wait
        self._session: aiohttp.ClientSession | None = None
        self._reached = False

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r})"  # never the key

    async def __call__(self, call: Call, /) -> Answer:
        """Send ``call`` until it is answered.

        Raises: Refused when a content filter said no; EndpointDown after all tries;
                EndpointRejects when no further try of any call can succeed (key, model name, address).
        """
        form = self.json if call.schema is not None else "none"
        why = Again("never tried")
        for attempt in range(1, self.tries + 1):
            if attempt > 1 and call.on_text:
                call.on_text(None)  # what was streamed so far is void
            async with self.lanes.slot() as lane:
                try:
                    answer = await self._once(lane, call, form)
                except Again as trouble:
                    why, (rest, wait) = trouble, self._pauses(trouble, attempt)
                    lane.was_too_much(rest, cut=trouble.kind in ("overload", "unreachable"))
                else:
                    lane.went_well()
                    if call.schema is not None:
                        self.json = max(self.json, form, key=_FORMS.index)
                    return answer
            if not self._reached and attempt >= 3:
                raise EndpointRejects(
                    f"cannot reach {lane.url}: {why}", do="check the address and that the server runs: `psyloom doctor`"
                ) from why
            if why.kind == "form":
                form = _FORMS[_FORMS.index(form) + 1]
            if attempt < self.tries:
                await asyncio.sleep(wait)
        raise EndpointDown(
            f"{self.name} failed {self.tries} times, last: {why}", do="start the same command again later"
        ) from why

    def _pauses(self, trouble: Again, attempt: int) -> tuple[float, float]:
        """Seconds that (the address is left alone by all calls, this call waits) after a failed try."""
        later = min(30.0, self._first_wait * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)
        if trouble.rest:
            return trouble.rest, 0.0  # the call may go to another address meanwhile
        if trouble.kind == "unreachable":
            return later, 0.0
        # A server may close a kept connection just when it is used again: a new one will do at once.
        if trouble.kind == "form" or (trouble.kind == "broken" and attempt == 1):
            return 0.0, 0.0
        return 0.0, later

    def body(self, call: Call, *, stream: bool = False) -> dict[str, Any]:
        """The request body for ``call``, but for the form of its answer."""
        body: dict[str, Any] = {"model": self.model, "messages": call.messages}
        body |= {k: v for k, v in call.decoding.items() if k not in self._unsent}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body | self._extra

    async def _once(self, lane: Lane, call: Call, form: str) -> Answer:
        reply = Reply()
        body = _response_format(call, form) | self.body(call, stream=call.on_text is not None)
        try:
            async with self._open().post(f"{lane.url}/chat/completions", data=to_json(body)) as response:
                self._reached = True
                if response.status != 200:
                    said = (await response.read()).decode("utf-8", "replace")
                    rest = retry_after(response.headers.get("Retry-After"))
                    raise self._failure(response.status, said, form, rest)
                await self._read(response, call, form, reply)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as trouble:
            raise EndpointRejects(f"{lane.url} is no address", do="write it as http://host:port/v1") from trouble
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as trouble:
            raise Again(f"{type(trouble).__name__}: {trouble}", "unreachable") from trouble
        except TimeoutError as trouble:
            raise Again(f"no answer within {self._timeout:g} s", "overload") from trouble
        except aiohttp.ClientError as trouble:
            kind: Kind = "broken" if isinstance(trouble, aiohttp.ClientConnectionError) else "nonsense"
            raise Again(f"{type(trouble).__name__}: {trouble}", kind) from trouble
        if reply.refused:
            raise self._refused(reply.refusal or reply.finish)
        return reply.answer()

    async def _read(self, response: aiohttp.ClientResponse, call: Call, form: str, reply: Reply) -> None:
        """Fill ``reply`` from a response with status 200; some servers answer a streamed request whole."""
        shown = Shown(call.on_text)
        if call.on_text is None or "json" in response.content_type:
            self._take(json_of(await response.read()), "message", form, reply)
        else:
            async for event in events(response):
                if event is None:
                    reply.finish = reply.finish or "stop"
                    break
                self._take(event, "delta", form, reply)
                shown.grow(spoken(reply.text))
        if not reply.finish:
            raise Again("the stream breaks off")
        shown.grow(split_thinking(reply.text)[1])

    def _take(self, body: Any, part: str, form: str, reply: Reply) -> None:
        if error := dig(body, "error"):  # reported inside an answer that calls itself a success
            code = dig(error, "code")
            status = code if isinstance(code, int) and 400 <= code < 600 else 200
            raise self._failure(status, to_json(error).decode(), form)
        reply.take(body, part)

    def _refused(self, said: str) -> Refused:
        return Refused(
            f"{self.name}: the provider's content filter refused ({said})", do="see failures.jsonl; try another model"
        )

    def _failure(self, status: int, text: str, form: str, rest: float = 0.0) -> Exception:
        """What an error means: ``text`` is its body, ``rest`` the seconds the server wants to be left alone."""
        said = " ".join(text.replace(self._key or "\0", "***").split())[:300]
        if is_filtered(status, text):
            return self._refused(said)
        if is_without_credit(status, text):
            return EndpointRejects(
                f"{self.name}: the account has no credit left ({said})", do="top up and start the same command again"
            )
        if status in _WORTH_ANOTHER_TRY:
            return Again(f"status {status}: {said}", "overload", rest)
        if status == 200:
            return Again(f"the server reports {said}")
        if status in (400, 422) and form != "none" and not is_too_long(text):
            return Again(f"status {status}: {said}", "form")
        if status in (401, 403):
            return EndpointRejects(
                f"{self.name} refuses the key (status {status}: {said})", do="check the key: `psyloom doctor`"
            )
        if status == 404:
            return EndpointRejects(
                f"{self.name} is not known there (status 404: {said})",
                do="check the model's name and the address: `psyloom doctor`",
            )
        return EndpointDown(
            f"{self.name} rejects the request (status {status}: {said})",
            do="see failures.jsonl; the request itself is at fault",
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout, sock_connect=10)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            # A line of a stream may be as long as half a buffer: some gateways send the whole answer in one event.
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, headers=self._headers, read_bufsize=4 << 20
            )
        return self._session

    async def models(self) -> list[str]:
        """Names the endpoint lists, for `psyloom doctor`. Raises EndpointRejects when it cannot be asked."""
        url = self.lanes.all[0].url
        try:
            async with self._open().get(f"{url}/models", timeout=aiohttp.ClientTimeout(total=10)) as response:
                body = await response.json(content_type=None)
                if response.status != 200:
                    raise EndpointRejects(
                        f"{url} answers with status {response.status}", do="check the key and the address"
                    )
                return [str(dig(model, "id")) for model in dig(body, "data") or ()]
        except (aiohttp.ClientError, TimeoutError, ValueError) as trouble:
            raise EndpointRejects(
                f"cannot reach {url}: {trouble}", do="check the address and that the server runs"
            ) from trouble

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def _response_format(call: Call, form: str) -> dict[str, Any]:
    if form == "schema":
        named = {"name": "answer", "strict": True, "schema": call.schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {"response_format": {"type": "json_object"}} if form == "object" else {}
