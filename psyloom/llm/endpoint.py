"""OpenAI-compatible HTTP back end: a thin client over pooled aiohttp connections."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from pydantic_core import from_json, to_json

from psyloom.errors import EndpointDown, EndpointRejects, Refused
from psyloom.llm.answers import split_thinking
from psyloom.llm.limits import Lane, Lanes
from psyloom.llm.model import Answer, Call

_OWN = {"top_k", "repetition_penalty"}  # decoding parameters that are not OpenAI's
_WORTH_ANOTHER_TRY = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
# How providers say that their content filter refused: OpenAI/Azure, DashScope, Zhipu, Moonshot and others.
_FILTERED = (
    "content_filter",
    "contentfilter",
    "data_inspection_failed",
    "datainspectionfailed",
    "content_policy",
    "敏感内容",
)
_TOO_LONG = ("context size", "context_length", "context length", "maximum context")
_NEXT_BEST = {"schema": "object", "object": "none"}


class _Again(Exception):
    """This try failed, another may succeed."""

    def __init__(self, why: str, *, wait: float | None = None, overload: bool = False, reached: bool = True) -> None:
        super().__init__(why)
        self.wait, self.overload, self.reached = wait, overload, reached


class Endpoint:
    """One model behind one or more OpenAI-compatible base URLs.

    json:  constrained decoding to begin with: "schema", "object" or "none".
    extra: fields for every request's body, e.g. {"chat_template_kwargs": {...}}.
    tries: how often one call is sent before it counts as failed; waits grow from 0.5 s to 30 s.
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
        why = _Again("never tried")
        for attempt in range(1, self.tries + 1):
            if attempt > 1 and call.on_text:
                call.on_text(None)  # what was streamed so far is void
            async with self.lanes.slot() as lane:
                try:
                    answer = await self._once(lane, call)
                except _Again as trouble:
                    why = trouble
                    wait = trouble.wait if trouble.wait is not None else self._backoff(attempt)
                    lane.was_too_much(trouble.wait or 0.0, cut=trouble.overload)
                else:
                    lane.went_well()
                    return answer
            if not self._reached and not why.reached and attempt >= 3:
                raise EndpointRejects(
                    f"cannot reach {lane.url}: {why}", do="check the address and that the server runs: `psyloom doctor`"
                ) from why
            if attempt < self.tries:
                await asyncio.sleep(wait)
        raise EndpointDown(
            f"{self.name} failed {self.tries} times, last: {why}", do="start the same command again later"
        ) from why

    def _backoff(self, attempt: int) -> float:
        return float(min(30.0, self._first_wait * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25))

    def body(self, call: Call, *, stream: bool = False) -> dict[str, Any]:
        """The request body for ``call``."""
        body: dict[str, Any] = {"model": self.model, "messages": call.messages}
        body |= {k: v for k, v in call.decoding.items() if k not in self._unsent}
        if call.schema is not None and self.json == "schema":
            form = {"name": "answer", "strict": True, "schema": call.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif call.schema is not None and self.json == "object":
            body["response_format"] = {"type": "json_object"}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body | self._extra

    async def _once(self, lane: Lane, call: Call) -> Answer:
        began = time.monotonic()
        stream = call.on_text is not None
        mode = self.json
        try:
            url = f"{lane.url}/chat/completions"
            async with self._open().post(url, data=to_json(self.body(call, stream=stream))) as response:
                self._reached = True
                if response.status != 200:
                    raise self._failure(
                        response.status, await response.text(), response.headers.get("Retry-After"), call, mode
                    )
                if stream:
                    return await self._streamed(response, call, began)
                return self._answer(await response.read(), began)
        except (aiohttp.ClientConnectionError, TimeoutError) as trouble:
            raise _Again(f"{type(trouble).__name__}: {trouble}", reached=self._reached) from trouble
        except aiohttp.ClientError as trouble:
            raise _Again(f"{type(trouble).__name__}: {trouble}") from trouble

    def _failure(self, status: int, text: str, retry_after: str | None, call: Call, mode: str) -> Exception:
        """What a status other than 200 means."""
        said = " ".join(text.split())[:300]
        if any(word in text.lower() for word in _FILTERED) and status < 500 and status != 429:
            return Refused(
                f"{self.name}: the provider's content filter refused ({said})",
                do="see failures.jsonl; try another model",
            )
        if status == 402 or "insufficient_quota" in text:
            return EndpointRejects(
                f"{self.name}: the account has no credit left ({said})", do="top up and start the same command again"
            )
        if status in _WORTH_ANOTHER_TRY:
            return _Again(f"status {status}: {said}", wait=_seconds(retry_after), overload=True)
        too_long = any(word in text.lower() for word in _TOO_LONG)
        if status in (400, 422) and call.schema is not None and mode in _NEXT_BEST and not too_long:
            if self.json == mode:  # several calls may learn it at the same time
                self.json = _NEXT_BEST[mode]
            return _Again(f"status {status}: {said}", wait=0.0)
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

    def _answer(self, raw: bytes, began: float) -> Answer:
        try:
            body = from_json(raw)
            choice = body["choices"][0]
            message = choice["message"]
        except (ValueError, KeyError, IndexError, TypeError) as trouble:
            raise _Again(f"the server's answer is not a chat completion ({raw[:80]!r})") from trouble
        finish = choice.get("finish_reason") or "stop"
        if finish == "content_filter" or message.get("refusal"):
            raise Refused(
                f"{self.name}: the provider's content filter refused", do="see failures.jsonl; try another model"
            )
        thinking, text = split_thinking(message.get("content") or "")
        logprobs = (choice.get("logprobs") or {}).get("content")
        thinking = message.get("reasoning_content") or thinking
        return Answer(text, finish, thinking, *_usage(body), logprobs=logprobs, seconds=time.monotonic() - began)

    async def _streamed(self, response: aiohttp.ClientResponse, call: Call, began: float) -> Answer:
        text, thinking, finish, usage = "", "", "stop", (0, 0, 0)
        async for event in _events(response):
            if event.get("error"):
                raise _Again(f"the stream reports {str(event['error'])[:200]}")
            usage = _usage(event) if event.get("usage") else usage
            for choice in event.get("choices", ())[:1]:
                finish = choice.get("finish_reason") or finish
                delta = choice.get("delta") or {}
                thinking += delta.get("reasoning_content") or ""
                if piece := delta.get("content"):
                    text += piece
                    if call.on_text:
                        call.on_text(piece)
        if finish == "content_filter":
            raise Refused(f"{self.name}: the provider's content filter refused", do="try another model")
        inner, text = split_thinking(text)
        return Answer(text, finish, thinking or inner, *usage, seconds=time.monotonic() - began)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout, sock_connect=10)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, headers=self._headers)
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
                return [str(model.get("id")) for model in body.get("data", [])]
        except (aiohttp.ClientError, TimeoutError, ValueError) as trouble:
            raise EndpointRejects(
                f"cannot reach {url}: {trouble}", do="check the address and that the server runs"
            ) from trouble

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The JSON bodies of a server-sent event stream."""
    async for line in response.content:
        data = line.strip().removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
        if data == b"[DONE]":
            return
        if data:
            try:
                yield from_json(data)
            except ValueError as trouble:
                raise _Again("the stream broke off") from trouble


def _usage(body: dict[str, Any]) -> tuple[int, int, int]:
    """(prompt, cached prompt, completion) tokens."""
    usage = body.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return usage.get("prompt_tokens") or 0, cached, usage.get("completion_tokens") or 0


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds: a number or a date; at most two minutes."""
    if retry_after is None:
        return None
    try:
        return max(0.0, min(120.0, float(retry_after)))
    except ValueError:
        try:
            return max(0.0, min(120.0, parsedate_to_datetime(retry_after).timestamp() - time.time()))
        except ValueError:
            return None
