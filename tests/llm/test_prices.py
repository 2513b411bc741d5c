"""What calls cost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.llm import Answer
from psyloom.llm.connect import providers, split
from psyloom.llm.limits import Budget
from psyloom.llm.prices import FREE, Price, _table, parse_price, price
from psyloom.runs import open_models

GPT = Price(0.15, 0.6, 0.075)
amounts = st.floats(0, 1e4)


def test_a_million_tokens_cost_what_the_table_says() -> None:
    assert GPT.of(Answer("", prompt_tokens=1_000_000)) == pytest.approx(0.15)
    assert GPT.of(Answer("", completion_tokens=1_000_000)) == pytest.approx(0.6)


def test_cached_tokens_have_their_own_price() -> None:
    assert GPT.of(Answer("", prompt_tokens=1_000_000, cached_tokens=600_000)) == pytest.approx(0.4 * 0.15 + 0.6 * 0.075)


def test_cached_tokens_cost_as_much_as_others_where_no_price_is_given() -> None:
    assert Price(1.0, 1.0).of(Answer("", prompt_tokens=10, cached_tokens=9)) == pytest.approx(10e-6)


@given(amounts, amounts, st.none() | amounts, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_answer_costs_less_than_nothing(
    prompt: float, completion: float, cached: float | None, n: int, old: int, out: int
) -> None:
    assert (
        Price(prompt, completion, cached).of(
            Answer("", prompt_tokens=n, cached_tokens=min(old, n), completion_tokens=out)
        )
        >= 0
    )


HERE = ["http://host/v1#m", "http://localhost:8000/v1#m", "http://127.0.0.1/v1#m", "http://[::1]:1/v1#m",
        "http://10.0.0.7/v1,http://192.168.1.2/v1#m", "http://gpu.lan/v1#m"]  # fmt: skip


@pytest.mark.parametrize("spec", ["rehearsal", "ollama:qwen3", "vllm:m", "llamacpp:m.gguf", *HERE])
def test_what_runs_here_or_in_ones_own_network_is_free(spec: str) -> None:
    assert price(*split(spec), {}) == FREE
    assert FREE.of(Answer("", prompt_tokens=10**9, cached_tokens=10**8, completion_tokens=10**9)) == 0


@pytest.mark.parametrize(
    "spec", ["https://gateway.example.com/v1#m", "http://8.8.8.8/v1#m", "http://localhost/v1,https://a.io/v1#m"]
)
def test_what_a_server_elsewhere_costs_is_not_known_and_a_limit_asks_for_it(spec: str) -> None:
    assert price(*split(spec), {}) is None
    with pytest.raises(UsageError, match=r"price of .* is not known") as caught:
        open_models({"": spec}, budget=Budget(cost=1.0))
    assert "--price" in caught.value.do


def test_a_local_provider_that_is_pointed_elsewhere_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", "https://gateway.example.com/v1")
    assert price("vllm", "m", {}) is None


def test_an_unknown_price_is_none_and_not_nothing() -> None:
    assert price("openai", "gpt-99", {}) is None
    assert price("moonshot", "gpt-4o", {}) is None


@pytest.mark.parametrize("name", ["openai:gpt-4o", "gpt-4o", "*"])
def test_a_price_given_by_hand_goes_before_the_table(name: str) -> None:
    assert price("openai", "gpt-4o", {name: Price(1, 2)}) == Price(1, 2)


def test_the_most_exact_name_goes_first() -> None:
    given = {"*": Price(1, 1), "gpt-4o": Price(2, 2), "openai:gpt-4o": Price(3, 3)}
    assert price("openai", "gpt-4o", given) == Price(3, 3)
    assert price("openai", "gpt-5", given) == Price(1, 1)


def test_an_address_of_ones_own_can_be_given_a_price() -> None:
    assert price(*split("http://host/v1#m"), {"http://host/v1#m": Price(1, 2)}) == Price(1, 2)


@given(st.text(min_size=1).filter(lambda name: name.strip()), amounts, amounts)
def test_a_price_is_read_as_it_is_written(name: str, prompt: float, completion: float) -> None:
    assert parse_price(f"{name}={prompt}/{completion}") == (name, Price(prompt, completion))


@pytest.mark.parametrize(
    "text", ["gpt-4o", "gpt-4o=1", "gpt-4o=1/2/3", "gpt-4o=a/b", "gpt-4o=-1/2", "gpt-4o=nan/1", "gpt-4o=1/inf", "="]
)
def test_a_price_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(text))) as caught:
        parse_price(text)
    assert "MODEL=IN/OUT" in caught.value.do


def test_the_table_holds_only_known_providers_and_sensible_prices() -> None:
    for name, listed in _table().items():
        assert split(name)[0] in providers()
        assert 0 < (listed.cached or 0.001) <= listed.prompt <= listed.completion
