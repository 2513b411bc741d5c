"""The in-process back end on a real, tiny GGUF file: nothing is faked."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
from pydantic import BaseModel, Field

from psyloom.errors import EndpointDown, MissingExtra, UsageError
from psyloom.llm import Answer, Call, Decoding, Message, connect
from psyloom.llm.answers import parse, schema
from psyloom.llm.llamacpp import LlamaCpp
from tests.llm.gguf_maker import CHARACTERS, CONTEXT, rendered, tokens, write_gguf

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")

ASKED: list[Message] = [
    {"role": "system", "content": "You listen. 慢慢说。"},
    {"role": "user", "content": "我今天很难过。"},
]


class Reading(BaseModel):
    """What a typed answer may look like."""

    mood: Literal["难过", "平静", "calm"]
    strength: int = Field(ge=0, le=10)
    words: list[str] = Field(min_length=1, max_length=3)


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


def opened(gguf: Path, **options: Any) -> LlamaCpp:
    return LlamaCpp(f"llamacpp:{gguf}", gguf, n_ctx=CONTEXT, n_threads=1, **options)


@pytest.fixture
async def model(gguf: Path) -> AsyncIterator[LlamaCpp]:
    model = opened(gguf)
    yield model
    await model.aclose()


async def asked_of(gguf: Path, call: Call, **options: Any) -> Answer:
    model = opened(gguf, **options)
    try:
        return await model(call)
    finally:
        await model.aclose()


def call(decoding: Decoding | None = None, **rest: Any) -> Call:
    return Call(ASKED, {"max_tokens": 12, "seed": 1} | (decoding or {}), **rest)


async def test_a_call_is_answered_and_counted_through_the_files_own_chat_template(model: LlamaCpp) -> None:
    answer = await model(call())
    assert len(answer.text) == answer.completion_tokens == 12
    assert answer.prompt_tokens == tokens(rendered(*ASKED))
    assert answer.seconds > 0


async def test_an_answer_ends_at_max_tokens_and_says_so(model: LlamaCpp) -> None:
    answer = await model(call({"max_tokens": 5}))
    assert (answer.completion_tokens, answer.finish) == (5, "length")


async def test_the_same_seed_gives_the_same_answer_and_another_seed_another(model: LlamaCpp) -> None:
    first, again, other = [await model(call({"seed": seed})) for seed in (3, 3, 4)]
    assert first.text == again.text != other.text


async def test_a_seed_holds_beyond_the_life_of_the_model(gguf: Path) -> None:
    one, two = [await asked_of(gguf, call({"seed": 3})) for _ in range(2)]
    assert one.text == two.text


async def test_temperature_zero_does_not_depend_on_the_seed(model: LlamaCpp) -> None:
    texts = {(await model(call({"temperature": 0.0, "seed": seed}))).text for seed in range(4)}
    assert len(texts) == 1


async def test_top_k_of_one_is_greedy(model: LlamaCpp) -> None:
    greedy = await model(call({"temperature": 0.0}))
    assert (await model(call({"top_k": 1, "temperature": 1.5}))).text == greedy.text


async def test_top_p_of_almost_nothing_is_greedy(model: LlamaCpp) -> None:
    greedy = await model(call({"temperature": 0.0}))
    assert (await model(call({"top_p": 1e-6, "temperature": 1.5}))).text == greedy.text


@pytest.mark.parametrize(
    "penalty", [{"repetition_penalty": 9.0}, {"presence_penalty": 2.0}, {"frequency_penalty": 2.0}]
)
async def test_penalties_keep_a_greedy_model_from_repeating_itself(model: LlamaCpp, penalty: Decoding) -> None:
    greedy: Decoding = {"temperature": 0.0, "max_tokens": 40}
    free, penalized = [(await model(call(greedy | more))).text for more in ({}, penalty)]
    assert len(set(free)) < len(free)
    assert len(set(penalized)) == len(penalized)


async def test_a_stop_string_ends_the_answer_before_it(model: LlamaCpp) -> None:
    whole = (await model(call())).text
    stopped = await model(call({"stop": [whole[5:7]]}))
    assert stopped.text == whole[: whole.index(whole[5:7])]
    assert stopped.finish == "stop"


async def test_logprobs_come_back_for_every_token(model: LlamaCpp) -> None:
    answer = await model(call({"logprobs": True, "top_logprobs": 2}))
    assert answer.logprobs is not None
    assert "".join(token["token"] for token in answer.logprobs) == answer.text
    assert all(token["logprob"] < 0 and len(token["top_logprobs"]) == 2 for token in answer.logprobs)


@pytest.mark.parametrize("seed", range(6))
async def test_a_schema_makes_even_random_weights_write_a_typed_answer(model: LlamaCpp, seed: int) -> None:
    answer = await model(call({"max_tokens": 900, "seed": seed}, schema=schema(Reading, "zh")))
    assert answer.finish == "stop"
    assert isinstance(parse(answer.text, Reading, "zh"), Reading)


async def test_streamed_pieces_join_to_the_text_of_the_unstreamed_answer(model: LlamaCpp) -> None:
    pieces: list[str | None] = []
    streamed = await model(call(on_text=pieces.append))
    whole = await model(call())
    assert "".join(piece or "" for piece in pieces) == streamed.text == whole.text
    assert len(pieces) > 1
    assert (streamed.finish, streamed.completion_tokens) == (whole.finish, whole.completion_tokens)


async def test_calls_after_a_streamed_one_are_answered_at_the_first_try(model: LlamaCpp) -> None:
    pieces: list[str | None] = []
    for _ in range(8):
        await model(call(on_text=pieces.append))
    assert None not in pieces


@pytest.mark.parametrize("on_text", [None, lambda piece: None], ids=["whole", "streamed"])
async def test_a_leading_thought_is_parted_from_the_answer(gguf: Path, on_text: Any) -> None:
    grammar = {"grammar": 'root ::= "<think>calm</think>Hello"'}
    answer = await asked_of(gguf, call({"max_tokens": 60}, on_text=on_text), extra=grammar)
    assert (answer.reasoning, answer.text) == ("calm", "Hello")


async def test_more_calls_than_slots_all_come_back(model: LlamaCpp) -> None:
    answers = await asyncio.gather(*(model(call({"seed": seed})) for seed in range(7)))
    assert [answer.completion_tokens for answer in answers] == [12] * 7
    assert len({answer.text for answer in answers}) == 7


async def test_every_slot_holds_the_whole_context(gguf: Path) -> None:
    room = CONTEXT - tokens(rendered(*ASKED)) - 8
    answer = await asked_of(gguf, call({"max_tokens": room}), n_parallel=3)
    assert answer.completion_tokens == room


async def test_a_prompt_beyond_the_context_is_one_clear_error(model: LlamaCpp) -> None:
    with pytest.raises(EndpointDown, match="context size"):
        await model(Call([{"role": "user", "content": "难" * CONTEXT}]))


async def test_a_typed_call_that_is_too_long_leaves_the_next_one_typed(model: LlamaCpp) -> None:
    form = schema(Reading, "zh")
    with pytest.raises(EndpointDown, match="context size"):
        await model(Call([{"role": "user", "content": "难" * CONTEXT}], schema=form))
    answer = await model(call({"max_tokens": 900}, schema=form))
    assert isinstance(parse(answer.text, Reading, "zh"), Reading)


async def test_nobody_else_on_the_machine_can_ask_the_model(model: LlamaCpp) -> None:
    body = {"messages": ASKED, "max_tokens": 1}
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.post(f"{model.lanes.all[0].url}/chat/completions", json=body) as said,
    ):
        assert said.status == 401


async def test_loading_and_answering_are_silent(gguf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    await asked_of(gguf, call())
    assert capfd.readouterr() == ("", "")


async def test_the_models_name_opens_it(gguf: Path) -> None:
    model = connect(f"llamacpp:{gguf}")
    try:
        assert model.name == f"llamacpp:{gguf}"
        assert set((await model(call())).text.replace(" ", "▁")) <= set(CHARACTERS)
    finally:
        await model.aclose()


@pytest.mark.parametrize("name", ["", "absent.gguf"])
def test_a_missing_file_is_one_clear_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no model file"):
        LlamaCpp("llamacpp:x", tmp_path / name)


def test_a_file_that_is_no_gguf_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "notes.gguf").write_text("今天的笔记", "utf-8")
    with pytest.raises(UsageError, match=r"notes\.gguf is no GGUF file"):
        LlamaCpp("llamacpp:x", tmp_path / "notes.gguf")


@pytest.mark.parametrize("kept", [4, 3_000, 100_000])
def test_a_gguf_file_that_breaks_off_is_one_clear_error(
    gguf: Path, tmp_path: Path, kept: int, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half.gguf").write_bytes(gguf.read_bytes()[:kept])
    with pytest.raises(UsageError, match=r"cannot load .*half\.gguf") as caught:
        LlamaCpp("llamacpp:x", tmp_path / "half.gguf")
    assert "download it again" in caught.value.do
    assert capfd.readouterr() == ("", "")


def test_without_the_package_the_error_names_the_extra(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingExtra, match=r"psyloom\[local\]"):
        LlamaCpp("llamacpp:x", gguf)
