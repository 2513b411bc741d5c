"""The HTTP back end against a loopback server that misbehaves in every way providers do."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import EndpointDown, EndpointRejects, Refused
from psyloom.llm import Answer, Call, connect
from psyloom.llm.endpoint import Endpoint
from psyloom.llm.wire import Again, Reply, retry_after
from tests.loopback import Loopback, completion

KEY = "sk-kept-between-us-4711"
FORM = {
    "type": "object",
    "properties": {"mood": {"type": "string"}},
    "required": ["mood"],
    "additionalProperties": False,
}


def asked(text: str = "我今天很难过。", **rest: Any) -> Call:
    return Call([{"role": "user", "content": text}], **rest)


def error(status: int, said: Any = "no", **headers: str) -> web.Response:
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return web.Response(status=status, text=text, headers=headers)


def events(*bodies: Any, end: bool = True) -> web.Response:
    """A stream that comes in one piece; ``end``: with its end mark."""
    lines = [f"data: {body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)}\n\n" for body in bodies]
    return web.Response(text="".join(lines) + ("data: [DONE]\n\n" if end else ""), content_type="text/event-stream")


def piece(text: str = "", finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {"content": text} | more.pop("delta", {})
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}


def first(*replies: Any) -> Callable[[dict[str, Any]], Any]:
    """Answers in order; the last one stays. A function makes its answer anew each time."""
    left = list(replies)

    def answer(body: dict[str, Any]) -> Any:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply() if callable(reply) else reply

    return answer


@asynccontextmanager
async def at(*urls: str, **options: Any) -> AsyncIterator[Endpoint]:
    """An endpoint that waits only briefly."""
    model = Endpoint("test:tiny", "tiny", list(urls), **({"first_wait": 0.001} | options))
    try:
        yield model
    finally:
        await model.aclose()


@asynccontextmanager
async def opened(answer: Any, **options: Any) -> AsyncIterator[tuple[Endpoint, Loopback]]:
    """The same, and the server it speaks to."""
    server = Loopback(answer if callable(answer) else lambda body: answer)
    async with server.serve(), at(server.url, **options) as model:
        yield model, server


async def asked_many(model: Endpoint, count: int) -> list[Answer]:
    return await asyncio.gather(*(model(asked(str(n))) for n in range(count)))


async def asked_of(answer: Any, call: Call | None = None, **options: Any) -> Answer:
    async with opened(answer, **options) as (model, _):
        return await model(call or asked())


# What is sent


async def test_messages_decoding_parameters_and_extra_fields_are_sent_and_nothing_else() -> None:
    extra = {"chat_template_kwargs": {"enable_thinking": False}, "temperature": 0.1}
    call = asked(decoding={"temperature": 0.9, "top_p": 0.5, "max_tokens": 7, "stop": ["\n"], "seed": 3})
    async with opened("ok", extra=extra, key=KEY) as (model, server):
        await model(call)
    assert server.requests == [
        {"model": "tiny", "messages": call.messages, "temperature": 0.1, "top_p": 0.5, "max_tokens": 7, "stop": ["\n"],
         "seed": 3, "chat_template_kwargs": {"enable_thinking": False}}
    ]  # fmt: skip
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_parameters_that_a_provider_does_not_know_are_left_out() -> None:
    call = asked(decoding={"top_k": 20, "repetition_penalty": 1.1, "presence_penalty": 0.5})
    async with opened("ok", own=frozenset({"top_k"})) as (model, server):
        await model(call)
    assert set(server.requests[0]) == {"model", "messages", "top_k", "presence_penalty"}


# What comes back


async def test_an_answer_comes_with_its_counts_and_its_seconds() -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 8, "prompt_tokens_details": {"cached_tokens": 64}}
    answer = await asked_of(completion("好的。", "length") | {"usage": usage})
    assert (answer.text, answer.finish) == ("好的。", "length")
    assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == (90, 64, 8)
    assert answer.seconds > 0


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}, (9, 4, 2)),  # DeepSeek
        ({"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 5}, (9, 5, 2)),  # Moonshot
        ({"prompt_tokens": None, "prompt_tokens_details": None}, (0, 0, 0)),
        (None, (0, 0, 0)),
    ],
)
async def test_counts_are_read_in_every_spelling_and_are_0_where_none_are_given(usage: Any, counts: Any) -> None:
    answer = await asked_of(completion("ok") | {"usage": usage})
    assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == counts


@pytest.mark.parametrize(
    ("message", "thinking", "text"),
    [
        ({"content": "你好", "reasoning_content": "先问候"}, "先问候", "你好"),
        ({"content": "Hello", "reasoning": "greet first"}, "greet first", "Hello"),
        ({"content": "<think>\n先问候\n</think>\n\n你好"}, "先问候", "你好"),
        ({"content": "greet first\n</think>\n\nHello"}, "greet first", "Hello"),
        ({"content": "<think>greet, or perhaps"}, "greet, or perhaps", ""),
        ({"content": "x < y, I think> so"}, "", "x < y, I think> so"),
        ({"content": [{"type": "text", "text": "你"}, {"type": "text", "text": "好"}]}, "", "你好"),
        ({"content": None}, "", ""),
    ],
)
async def test_thoughts_are_parted_from_the_answer_and_never_stand_in_it(
    message: Any, thinking: str, text: str
) -> None:
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    answer = await asked_of(body)
    assert (answer.reasoning, answer.text) == (thinking, text)


async def test_logprobs_come_back_unstreamed() -> None:
    tokens = [{"token": "好", "logprob": -0.1, "top_logprobs": []}]
    answer = await asked_of(completion("好", logprobs={"content": tokens}))
    assert answer.logprobs == tokens


async def test_logprobs_come_back_streamed_too() -> None:
    tokens = [{"token": t, "logprob": -0.1, "top_logprobs": []} for t in "你好吗"]
    stream = events(*(piece(t["token"], logprobs={"content": [t]}) for t in tokens), piece("", "stop", logprobs=None))
    answer = await asked_of(stream, asked(on_text=lambda _: None))
    assert answer.logprobs == tokens


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["choices", "message", "delta", "content", "usage", "finish_reason", "logprobs",
                                         "refusal", "prompt_tokens", "prompt_tokens_details", "cached_tokens"]), inner, max_size=4)))  # fmt: skip
def test_no_json_whatever_breaks_the_reader_of_answers(body: Any) -> None:
    for part in ("message", "delta"):
        reply = Reply()
        try:
            reply.take(body, part)
        except Again:
            continue
        assert isinstance(reply.answer(), Answer)
        assert reply.refused in (True, False)


# Streaming


@pytest.mark.parametrize(
    "text",
    [
        "",
        "好",
        "我在听，你慢慢说，不用着急。",
        "<think>先听</think>我在听，你慢慢说。",
        "  <thin ice> is what I call it",
    ],
)
async def test_streamed_pieces_join_to_the_answer(text: str) -> None:
    pieces: list[str | None] = []
    answer = await asked_of(text, asked(on_text=pieces.append))
    assert None not in pieces
    assert "".join(p or "" for p in pieces) == answer.text
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 5)
    assert answer.text == (await asked_of(text)).text


async def test_a_thought_without_its_opening_mark_is_taken_back_when_it_turns_out_to_be_one() -> None:
    pieces: list[str | None] = []
    stream = events(piece("greet "), piece("first</th"), piece("ink>\nHel"), piece("lo", "stop"))
    answer = await asked_of(stream, asked(on_text=pieces.append))
    assert (answer.reasoning, answer.text) == ("greet first", "Hello")
    assert "".join(p or "" for p in pieces[pieces.index(None) :]) == "Hello"


async def test_reasoning_that_streams_in_a_field_of_its_own_is_kept_and_not_shown() -> None:
    pieces: list[str | None] = []
    stream = events(
        piece(delta={"content": None, "reasoning_content": "先"}),
        piece(delta={"reasoning_content": "听"}),
        piece("嗯。", "stop"),
    )
    answer = await asked_of(stream, asked(on_text=pieces.append))
    assert (answer.reasoning, answer.text, pieces) == ("先听", "嗯。", ["嗯。"])


@pytest.mark.parametrize("cut", [1, 2])
async def test_a_broken_stream_starts_over_and_says_so(cut: int) -> None:
    whole = [piece("我在"), piece("听。"), piece("", "stop")]
    pieces: list[str | None] = []
    answer = await asked_of(first(lambda: events(*whole[:cut], end=False), "我在听。"), asked(on_text=pieces.append))
    assert answer.text == "我在听。"
    assert pieces.count(None) == 1
    assert "".join(p or "" for p in pieces[pieces.index(None) :]) == "我在听。"


async def test_a_connection_cut_in_the_middle_of_a_stream_starts_it_over() -> None:
    class Cut(Loopback):
        async def _stream(self, request: web.Request, text: str) -> web.StreamResponse:
            if len(self.requests) > 1:
                return await super()._stream(request, text)
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(f"data: {json.dumps(piece('我在'))}\n\n".encode())
            assert request.transport is not None
            request.transport.close()
            return response

    pieces: list[str | None] = []
    async with Cut(lambda body: "我在听。").serve() as server, at(server.url) as model:
        answer = await model(asked(on_text=pieces.append))
    assert answer.text == "我在听。"
    assert pieces[:2] == ["我在", None]


async def test_an_event_that_is_cut_off_starts_the_stream_over() -> None:
    pieces: list[str | None] = []
    answer = await asked_of(
        first(lambda: events(piece("我"), '{"choices": [{"del', end=False), "好"), asked(on_text=pieces.append)
    )
    assert (answer.text, pieces) == ("好", ["我", None, "好"])


async def test_an_error_event_in_a_stream_is_tried_again() -> None:
    pieces: list[str | None] = []
    stream = lambda: events(piece("我"), {"error": {"message": "worker died", "code": 500}})  # noqa: E731
    answer = await asked_of(first(stream, "好"), asked(on_text=pieces.append))
    assert (answer.text, pieces) == ("好", ["我", None, "好"])


async def test_an_error_event_of_a_content_filter_is_a_refusal() -> None:
    stream = events(
        piece("我"),
        {"error": {"code": "data_inspection_failed", "message": "Output data may contain inappropriate content."}},
    )
    with pytest.raises(Refused):
        await asked_of(stream, asked(on_text=lambda _: None))


async def test_a_server_that_does_not_stream_is_shown_whole() -> None:
    pieces: list[str | None] = []
    answer = await asked_of(web.json_response(completion("<think>hm</think>我在听。")), asked(on_text=pieces.append))
    assert (answer.text, pieces) == ("我在听。", ["我在听。"])


async def test_an_event_as_long_as_a_whole_dialogue_is_read() -> None:
    text = "她说话很慢。" * 60_000
    answer = await asked_of(events(piece(text, "stop")), asked(on_text=lambda _: None))
    assert answer.text == text


# Trying again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
async def test_an_overloaded_or_failing_server_is_asked_again(status: int) -> None:
    async with opened(first(lambda: error(status), lambda: error(status), "好")) as (model, server):
        assert (await model(asked())).text == "好"
    assert len(server.requests) == 3


NONSENSE = ['{"choices": [{"index": 0, "message": {"role": "assi', "", "<html>Bad gateway</html>", "[]", "null", '"ok"', '{"choices": []}',
            '{"choices": [{"message": null}]}', '{"id": "x", "choices": null}', '{"error": {"message": "worker died"}}',
            '{"choices": [{"message": {"content": "\\ud83d"}}]}']  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE)
async def test_a_body_that_is_cut_off_or_no_completion_is_asked_again(body: str) -> None:
    async with opened(first(lambda: web.Response(text=body, content_type="application/json"), "好")) as (model, server):
        assert (await model(asked())).text == "好"
    assert len(server.requests) == 2


async def test_a_dropped_connection_is_opened_again() -> None:
    async with opened(first(None, None, "好")) as (model, server):
        assert (await model(asked())).text == "好"
    assert len(server.requests) == 3


async def test_a_kept_connection_that_the_server_closed_costs_no_wait() -> None:
    async with opened(first("好", None, "好"), first_wait=30.0) as (model, server):
        await model(asked())
        began = time.monotonic()
        assert (await model(asked())).text == "好"
        assert time.monotonic() - began < 1.0
    assert len(server.requests) == 3


async def test_only_the_first_retry_after_a_broken_connection_is_immediate() -> None:
    async with opened(first(None, None, "好"), first_wait=0.15) as (model, _):
        began = time.monotonic()
        await model(asked())
        assert time.monotonic() - began >= 0.2


async def test_it_gives_up_after_its_tries_and_says_what_it_met_last() -> None:
    async with opened(lambda body: error(503, "the cluster is resting"), tries=4) as (model, server):
        with pytest.raises(EndpointDown, match="failed 4 times, last: status 503: the cluster is resting") as caught:
            await model(asked())
    assert len(server.requests) == 4
    assert "again later" in caught.value.do


async def test_an_answer_that_takes_too_long_is_asked_for_again() -> None:
    async with opened("好", timeout=0.05, tries=2) as (model, server):
        server.latency = 0.5
        with pytest.raises(EndpointDown, match=r"no answer within 0\.05 s"):
            await model(asked())
    assert len(server.requests) == 2


@pytest.mark.parametrize(("said", "least", "most"), [
    ("7", 7, 7), ("0.5", 0.5, 0.5), ("0", 0, 0), ("-3", 0, 0), ("86400", 120, 120), ("inf", 120, 120), (None, 0, 0), ("soon", 0, 0), ("", 0, 0),
    (lambda: formatdate(time.time() + 30, usegmt=True), 28, 30), (lambda: formatdate(time.time() - 30, usegmt=True), 0, 0),
    (lambda: formatdate(time.time() + 9999, usegmt=True), 120, 120),
])  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_at_most_two_minutes(said: Any, least: float, most: float) -> None:
    assert least <= retry_after(said() if callable(said) else said) <= most


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"), [(lambda: "0.3", 0.3), (lambda: formatdate(time.time() + 2, usegmt=True), 1.0)]
)
async def test_retry_after_is_waited_for(status: int, header: Callable[[], str], seconds: float) -> None:
    times: list[float] = []

    def answer(body: dict[str, Any]) -> Any:
        times.append(time.monotonic())
        return error(status, **{"Retry-After": header()}) if len(times) == 1 else "好"

    await asked_of(answer)
    assert seconds <= times[1] - times[0] < seconds + 1.5


# What no further try can mend


def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


async def test_a_server_that_was_never_reached_stops_the_run_soon() -> None:
    async with at(closed_port(), first_wait=0.02) as model:
        began = time.monotonic()
        with pytest.raises(EndpointRejects, match="cannot reach") as caught:
            await model(asked())
    assert time.monotonic() - began < 1.0
    assert "psyloom doctor" in caught.value.do


@pytest.mark.parametrize("url", ["localhost:8000/v1", "http://host:port/v1"])
async def test_an_address_that_is_none_stops_the_run_at_once(url: str) -> None:
    async with at(url, first_wait=60.0) as model:
        with pytest.raises(EndpointRejects, match="is no address"):
            await model(asked())


async def test_a_server_that_goes_away_later_is_waited_for_and_then_down() -> None:
    async with opened("好", tries=4) as (model, server):
        await model(asked())
        server.answer = lambda body: None
        with pytest.raises(EndpointDown, match="failed 4 times"):
            await model(asked())


@pytest.mark.parametrize(
    ("status", "said", "match"),
    [
        (401, {"error": {"message": "Incorrect API key provided"}}, "refuses the key"),
        (403, {"error": {"message": "Country not supported"}}, "refuses the key"),
        (404, {"error": {"message": "The model `tiny` does not exist"}}, "not known there"),
        (402, {"error": {"message": "Insufficient Balance"}}, "no credit"),
        (429, {"error": {"type": "insufficient_quota", "code": "insufficient_quota"}}, "no credit"),
        (
            403,
            {"error": {"type": "exceeded_current_quota_error", "message": "Your account is not active"}},
            "no credit",
        ),
        (
            429,
            {"error": {"type": "exceeded_current_quota_error", "message": "suspended due to insufficient balance"}},
            "no credit",
        ),
        (
            400,
            {"error": {"code": "Arrearage", "message": "Access denied, make sure your account is in good standing."}},
            "no credit",
        ),
        (429, {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试"}}, "no credit"),
    ],
)
@pytest.mark.parametrize("form", [None, FORM])
async def test_key_model_name_and_credit_stop_the_run_at_the_first_try(
    status: int, said: Any, match: str, form: Any
) -> None:
    async with opened(lambda body: error(status, said)) as (model, server):
        with pytest.raises(EndpointRejects, match=match):
            await model(asked(schema=form))
    assert len(server.requests) == 1


async def test_a_request_at_fault_fails_its_case_at_once_and_tells_what_was_said() -> None:
    async with opened(lambda body: error(400, {"error": {"message": "max_tokens is too large"}})) as (model, server):
        with pytest.raises(EndpointDown, match="max_tokens is too large"):
            await model(asked())
    assert len(server.requests) == 1


async def test_an_error_in_another_encoding_is_still_told() -> None:
    with pytest.raises(EndpointDown, match="status 413"):
        await asked_of(
            lambda body: web.Response(
                status=413, body="请求太大".encode("gbk"), content_type="text/html", charset="utf-8"
            )
        )


# Content filters

FILTERED = [
    completion("", "content_filter"),
    completion("", "sensitive"),  # Zhipu
    {"choices": [{"message": {"role": "assistant", "content": None, "refusal": "I can't help with that."}, "finish_reason": "stop"}]},
    (400, {"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}, "status": 400}}),  # Azure
    (400, {"error": {"code": "content_policy_violation", "type": "invalid_request_error"}}),  # OpenAI
    (400, {"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}}),  # DashScope
    (400, {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content."}),
    (400, {"error": {"message": "Content Exists Risk", "type": "invalid_request_error", "code": "invalid_request_error"}}),  # DeepSeek
    (400, {"contentFilter": [{"level": 1, "role": "user"}], "error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}),
    (400, {"error": {"code": "1301", "message": "System detected potentially unsafe or sensitive content in input or generation."}}),
    (400, {"error": {"code": 400, "message": "The request was rejected because it was considered high risk", "type": "content_filter"}}),
    (403, {"error": {"code": 403, "message": "Your chosen model requires moderation and your input was flagged", "metadata": {}}}),  # OpenRouter
    {"error": {"code": 403, "message": "Your input was flagged by moderation"}},  # the same inside a 200
]  # fmt: skip


@pytest.mark.parametrize("reply", FILTERED, ids=[str(n) for n in range(len(FILTERED))])
@pytest.mark.parametrize("form", [None, FORM], ids=["text", "typed"])
async def test_a_content_filter_is_a_refusal_in_every_spelling_and_is_not_asked_again(reply: Any, form: Any) -> None:
    async with opened(lambda body: error(*reply) if isinstance(reply, tuple) else reply) as (model, server):
        with pytest.raises(Refused, match="content filter"):
            await model(asked(schema=form))
    assert len(server.requests) == 1


@pytest.mark.parametrize("stream", [
    [piece("我", "content_filter")], [piece(delta={"refusal": "I can't"}), piece("", "stop")], [piece("我"), piece("", "sensitive")],
])  # fmt: skip
async def test_a_filter_that_cuts_in_while_streaming_is_a_refusal(stream: list[Any]) -> None:
    with pytest.raises(Refused):
        await asked_of(events(*stream), asked(on_text=lambda _: None))


@pytest.mark.parametrize(
    "said", ["model names are case-sensitive", "unknown field 'sensitive'", "the filter parameter is not allowed"]
)
async def test_a_400_that_speaks_of_something_else_is_no_refusal(said: str) -> None:
    with pytest.raises(EndpointDown):
        await asked_of(lambda body: error(400, {"error": {"message": said}}))


async def test_an_overloaded_filter_is_asked_again() -> None:
    assert (await asked_of(first(lambda: error(503, "content_filter service unavailable"), "好"))).text == "好"


# Constrained decoding


def form_of(body: dict[str, Any]) -> str:
    return {"json_schema": "schema", "json_object": "object"}.get(body.get("response_format", {}).get("type"), "none")


def knows(*forms: str, status: int = 400) -> Callable[[dict[str, Any]], Any]:
    """A server that knows only some forms of constrained decoding."""
    return lambda body: (
        '{"mood": "tired"}' if form_of(body) in forms else error(status, {"error": {"message": "response_format"}})
    )


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(("forms", "tried"), [
    (("schema", "object", "none"), ["schema"]), (("object", "none"), ["schema", "object"]), (("none",), ["schema", "object", "none"]),
])  # fmt: skip
async def test_constrained_decoding_steps_down_once_for_the_endpoint(
    forms: tuple[str, ...], tried: list[str], status: int
) -> None:
    async with opened(knows(*forms, status=status)) as (model, server):
        for _ in range(3):
            assert (await model(asked(schema=FORM))).text == '{"mood": "tired"}'
    assert [form_of(body) for body in server.requests] == [*tried, tried[-1], tried[-1]]


async def test_the_schema_is_sent_strict() -> None:
    async with opened(knows("schema")) as (model, server):
        await model(asked(schema=FORM))
    assert server.requests[0]["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": FORM}


async def test_a_call_for_text_asks_for_no_form() -> None:
    async with opened("好") as (model, server):
        await model(asked())
    assert "response_format" not in server.requests[0]


@pytest.mark.parametrize("said", [
    "This model's maximum context length is 4096 tokens.", "the request exceeds the available context size", "context_length_exceeded",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.", "Your request exceeded model token limit: 8192",
    "Range of input length should be [1, 6000]", "Prompt 超长",
])  # fmt: skip
async def test_a_prompt_that_is_too_long_fails_at_once_and_leaves_the_schema_on(said: str) -> None:
    replies = first(lambda: error(400, {"error": {"message": said}}), '{"mood": "tired"}')
    async with opened(replies) as (model, server):
        with pytest.raises(EndpointDown, match="rejects the request"):
            await model(asked(schema=FORM))
        await model(asked(schema=FORM))
    assert [form_of(body) for body in server.requests] == ["schema", "schema"]


async def test_a_request_that_fails_in_every_form_does_not_take_the_schema_from_the_others() -> None:
    def answer(body: dict[str, Any]) -> Any:
        return error(400, "temperature is not supported") if "temperature" in body else '{"mood": "tired"}'

    async with opened(answer) as (model, server):
        with pytest.raises(EndpointDown, match="temperature is not supported"):
            await model(asked(schema=FORM, decoding={"temperature": 1.0}))
        await model(asked(schema=FORM))
    assert form_of(server.requests[-1]) == "schema"


# Several addresses


async def test_several_addresses_share_the_load_evenly() -> None:
    servers = [Loopback(lambda body: "好", latency=0.003) for _ in range(3)]
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server.serve())
        model = await stack.enter_async_context(at(*(server.url for server in servers), concurrency=4))
        await asked_many(model, 120)
    assert all(30 <= len(server.requests) <= 50 for server in servers)


async def test_an_overloaded_address_gets_less_until_it_has_recovered() -> None:
    well, ill = Loopback(lambda body: "好", latency=0.004), Loopback(lambda body: error(429), latency=0.004)
    async with well.serve(), ill.serve(), at(well.url, ill.url, concurrency=12) as model:
        await asked_many(model, 20)
        ill.answer, shares = lambda body: "好", []
        for _ in range(8):
            before = len(ill.requests)
            await asked_many(model, 20)
            shares.append(len(ill.requests) - before)
    assert shares[0] == 8  # of 20 calls at once, with room for 12 and for 8
    assert shares[-1] == 10


async def test_a_dead_address_is_left_alone_and_costs_no_call_more_than_one_try() -> None:
    server = Loopback(lambda body: "好", latency=0.005)
    async with server.serve(), at(closed_port(), server.url, concurrency=8, tries=2, first_wait=20.0) as model:
        began = time.monotonic()
        assert len(await asked_many(model, 80)) == 80
        assert time.monotonic() - began < 5.0


async def test_a_call_that_is_told_to_wait_goes_to_another_address_meanwhile() -> None:
    busy, free = Loopback(lambda body: error(429, **{"Retry-After": "60"})), Loopback(lambda body: "好")
    async with busy.serve(), free.serve(), at(busy.url, free.url, concurrency=4) as model:
        began = time.monotonic()
        await asked_many(model, 20)
        assert time.monotonic() - began < 5.0


# The key


def test_the_key_does_not_show_in_the_models_repr() -> None:
    assert KEY not in repr(connect("openai:x", env={"OPENAI_API_KEY": KEY}))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 200])
async def test_an_error_that_repeats_the_key_is_told_without_it(status: int) -> None:
    said = {"error": {"message": f"no good: Received API Key = {KEY}"}}
    async with opened(lambda body: error(status, said), key=KEY, tries=2) as (model, _):
        with pytest.raises((EndpointRejects, EndpointDown)) as caught:
            await model(asked())
    assert KEY not in f"{caught.value!s}{caught.value!r}{caught.value.__cause__!r}"
    assert "no good: Received API Key = ***" in str(caught.value)


# Asking what there is


async def test_the_models_of_a_server_are_listed() -> None:
    async with opened("好") as (model, _):
        assert await model.models() == ["tiny"]


async def test_a_server_that_cannot_be_asked_for_its_models_is_one_clear_error() -> None:
    async with at(closed_port()) as model:
        with pytest.raises(EndpointRejects, match="cannot reach"):
            await model.models()
