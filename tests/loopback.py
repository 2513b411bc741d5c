"""A loopback OpenAI-compatible server: the only network that tests know.

As a fixture it runs in the test's own loop; as a program (``python -m tests.loopback PORT LOG``) in a process of its
own, with a deterministic answer function, and appends one line per request to LOG.
"""

import asyncio
import inspect
import json
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from aiohttp import web

Answer = Callable[[dict[str, Any]], Any]


class Loopback:
    """Answers every chat request with ``answer(body)``: text, a dict (raw body), a web.Response, or one to come."""

    def __init__(self, answer: Answer, latency: float = 0.0) -> None:
        self.answer, self.latency = answer, latency
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.in_flight = self.most_in_flight = 0
        self.url = ""

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency)
            answer = self.answer(body)
            if inspect.isawaitable(answer):
                answer = await answer
        finally:
            self.in_flight -= 1
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:  # the connection breaks
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if body.get("stream"):
            return await self._stream(request, str(answer))
        return web.json_response(answer if isinstance(answer, dict) else completion(str(answer)))

    async def _stream(self, request: web.Request, text: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in [text[i : i + 5] for i in range(0, len(text), 5)]:
            event = {"choices": [{"index": 0, "delta": {"content": piece}}]}
            await response.write(f"data: {json.dumps(event)}\n\n".encode())
        end = {
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 5},
        }
        await response.write(f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n".encode())
        return response

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator["Loopback"]:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", models)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()


async def models(_: web.Request) -> web.Response:
    return web.json_response({"data": [{"id": "tiny"}]})


def completion(text: str, finish: str = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion body."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish, **more}
    return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}


def digest(body: dict[str, Any]) -> str:
    return blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest()


def deterministic(body: dict[str, Any]) -> str:
    """An answer that depends on the request alone, and never repeats inside a talk."""
    return f"Answer {digest(body)} to what was said."


async def _main(port: int, log: Path, latency: float) -> None:
    rng = random.Random(1)

    server = Loopback(deterministic, latency)
    original = server.chat

    async def chat(request: web.Request) -> web.StreamResponse:
        with log.open("a") as file:  # when it arrives: who asks may be killed before the answer
            file.write(digest(await request.json()) + "\n")
        server.latency = latency * rng.uniform(0.2, 1.8)
        return await original(request)

    server.chat = chat  # type: ignore[method-assign]
    async with server.serve(port):
        print(server.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
