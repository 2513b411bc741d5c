"""From the words a user types to a model."""

import sys
from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import MissingKey, UnknownName, UsageError
from psyloom.llm import Answer, Call, back_end, connect
from psyloom.llm.connect import providers, split
from psyloom.llm.endpoint import Endpoint
from psyloom.llm.rehearsal import Rehearsal
from tests.loopback import Loopback

KEYED = [name for name, facts in providers().items() if "key" in facts]
FREE = [name for name, facts in providers().items() if "key" not in facts and name != "url"]


def endpoint(spec: str, env: dict[str, str] | None = None, **options: Any) -> Endpoint:
    model = connect(spec, env=env or {}, **options)
    assert isinstance(model, Endpoint)
    return model


def urls(model: Endpoint) -> list[str]:
    return [lane.url for lane in model.lanes.all]


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("openai:gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("siliconflow:Qwen/Qwen3-8B", ("siliconflow", "Qwen/Qwen3-8B")),
        ("ollama:qwen3:8b", ("ollama", "qwen3:8b")),
        ("rehearsal", ("rehearsal", "")),
        ("http://host:8000/v1#tiny", ("url", "http://host:8000/v1#tiny")),
    ],
)
def test_a_name_is_parted_at_its_first_colon_unless_it_is_an_address(spec: str, parts: tuple[str, str]) -> None:
    assert split(spec) == parts


def test_rehearsal_needs_nothing() -> None:
    assert isinstance(connect("rehearsal", env={}), Rehearsal)


@pytest.mark.parametrize("provider", KEYED)
def test_a_provider_is_opened_with_its_own_key_and_address(provider: str) -> None:
    facts = providers()[provider]
    model = endpoint(f"{provider}:some/model", {facts["key"]: " sk-1\n"})
    assert (model.name, model.model, urls(model)) == (f"{provider}:some/model", "some/model", [facts["url"]])
    assert model._headers["Authorization"] == "Bearer sk-1"
    assert model.json == facts["json"]


@pytest.mark.parametrize("provider", KEYED)
@pytest.mark.parametrize("given", [None, "", "  "])
def test_a_missing_key_says_which_variable_to_set(provider: str, given: str | None) -> None:
    name = providers()[provider]["key"]
    with pytest.raises(MissingKey, match=f"{name} is not set") as caught:
        connect(f"{provider}:m", env={} if given is None else {name: given})
    assert f"export {name}=" in caught.value.do


@pytest.mark.parametrize("provider", FREE)
def test_a_local_provider_needs_no_key_and_sends_none(provider: str) -> None:
    model = endpoint(f"{provider}:qwen3:8b", {"None": "sk-1", "OPENAI_API_KEY": "sk-2"})
    assert "Authorization" not in model._headers
    assert model.model == "qwen3:8b"


def test_the_address_of_a_provider_can_be_set() -> None:
    assert urls(endpoint("openai:m", {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://proxy/v1/"})) == [
        "http://proxy/v1"
    ]


def test_an_address_of_ones_own_names_its_model_after_the_mark() -> None:
    model = endpoint("http://host:8000/v1#org/model#2", {"PSYLOOM_API_KEY": "sk-3"})
    assert (urls(model), model.model) == (["http://host:8000/v1"], "org/model#2")
    assert model._headers["Authorization"] == "Bearer sk-3"


def test_several_addresses_of_one_model_are_joined_by_commas() -> None:
    model = endpoint("http://a/v1,https://b/v1/, http://c:1/v1#tiny")
    assert urls(model) == ["http://a/v1", "https://b/v1", "http://c:1/v1"]


@pytest.mark.parametrize("spec", ["opanai:gpt-4o", "url:tiny", "", "gpt-4o", "Rehearsal"])
def test_an_unknown_provider_is_refused_with_the_nearest_names(spec: str) -> None:
    with pytest.raises(UnknownName, match="no provider called") as caught:
        connect(spec, env={})
    assert "http://host/v1#MODEL" in caught.value.do
    assert "openai" in caught.value.do or "rehearsal" in caught.value.do
    assert "url" not in caught.value.do.split()


@pytest.mark.parametrize("spec", ["openai:", "openai", "http://host/v1", "http://host/v1#"])
def test_a_name_without_a_model_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="names no model"):
        connect(spec, env={"OPENAI_API_KEY": "k"})


@pytest.mark.parametrize("spec", ["http://#tiny", "http://a/v1,#tiny", "http://a/v1,b/v1#tiny", "http://[::1/v1#tiny"])
def test_an_address_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        connect(spec, env={})


@pytest.mark.parametrize(
    "spec", ["http://me:geheim@host/v1#tiny", "http://a/v1,http://me:geheim@b/v1", "https://geheim@host/v1#m"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(spec: str) -> None:
    with pytest.raises(UsageError, match="holds a password") as caught:
        connect(spec, env={})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("spec", ["http://host/v1?key=sk-geheim#m", "http://a/v1,http://b/v1?key=sk-geheim,b#m"])
def test_a_query_in_an_address_is_refused_and_not_repeated(spec: str) -> None:
    with pytest.raises(UsageError, match="holds a query") as caught:
        connect(spec, env={})
    assert "geheim" not in str(caught.value)


def test_a_gguf_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model file"):
        connect(f"llamacpp:{tmp_path}/absent.gguf", env={})


async def test_further_words_reach_the_request() -> None:
    async with Loopback(lambda body: "好").serve() as server:
        model = endpoint(
            f"{server.url}#tiny", concurrency=3, extra={"chat_template_kwargs": {"enable_thinking": False}}, json="none"
        )
        await model(Call([{"role": "user", "content": "?"}], {"top_k": 20}, schema={"type": "object"}))
        await model.aclose()
    assert server.requests[0]["chat_template_kwargs"] == {"enable_thinking": False}
    assert server.requests[0]["top_k"] == 20
    assert "response_format" not in server.requests[0]
    assert model.lanes.all[0].most == 3


def test_the_table_of_providers_is_whole() -> None:
    for name, facts in providers().items():
        assert facts["json"] in ("schema", "object", "none")
        assert set(facts["top"]) <= {"top_k", "repetition_penalty"}
        assert name == "url" or facts["url"].startswith("http")


def test_importing_the_llm_floor_loads_no_http_client() -> None:
    import subprocess

    code = "import psyloom.llm, sys; sys.exit(any(m in sys.modules for m in ('aiohttp', 'sqlite3', 'xllamacpp')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_an_async_function_becomes_a_model_that_bears_its_name() -> None:
    @back_end
    async def listener(call: Call) -> Answer:
        return Answer(f"{len(call.messages)} messages")

    assert listener.name == "listener"
    assert (await listener(Call([{"role": "user", "content": "Hm."}], {}))).text == "1 messages"
    await listener.aclose()
