"""Retrieval: the nearest of some texts, by n-grams or by any embedder."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents.retrieval import Metric, Nearest, embedder_named, grams
from psyloom.errors import UsageError

METRICS: tuple[Metric, ...] = ("euclidean", "cosine", "bm25")
ZH = ["我晚上总是睡不着，翻来覆去到天亮。", "老板当着大家的面批评我。", "和妈妈一打电话就吵架。"]
EN = [
    "I cannot sleep at night.",
    "My boss criticized me in front of everybody.",
    "I quarrel with my mother on the phone.",
]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("texts", "asked", "at"),
    [
        (ZH, "昨晚又没睡着", 0),
        (ZH, "今天又被老板批评了", 1),
        (EN, "at night I lie awake and cannot sleep", 0),
        (EN, "My mother, again!", 2),
    ],
)
def test_the_text_that_shares_the_telling_words_is_found(texts: list[str], asked: str, at: int, metric: Metric) -> None:
    assert Nearest(texts, metric=metric).nearest(asked)[0].at == at


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@given(
    texts=st.lists(
        st.text(min_size=1, max_size=30).filter(lambda t: bool(grams(t))),
        min_size=1,
        max_size=8,
        unique_by=lambda t: tuple(sorted(grams(t))),
    )
)
def test_every_text_is_nearest_to_itself_at_no_distance(texts: list[str], metric: Metric) -> None:
    index = Nearest(texts, metric=metric)
    for at, text in enumerate(texts):
        found = index.nearest(text)[0]
        assert math.isclose(found.distance, 0, abs_tol=1e-6)
        assert found.at == at or Nearest([texts[found.at]], metric=metric).nearest(text)[0].distance < 1e-6


@given(texts=st.lists(st.text(max_size=20), max_size=8), asked=st.text(max_size=20), k=st.integers(1, 10))
def test_distances_come_in_order_and_at_most_k_of_them(texts: list[str], asked: str, k: int) -> None:
    for metric in METRICS:
        found = Nearest(texts, metric=metric).nearest(asked, k)
        assert len(found) == min(k, len(texts))
        assert [f.distance for f in found] == sorted(f.distance for f in found)


def by_length(texts: list[str]) -> Sequence[Sequence[float]]:
    return [[float(len(text)), 1.0] for text in texts]


def test_an_embedder_of_ones_own_decides_and_euclidean_and_cosine_differ_where_they_should() -> None:
    texts = ["aaaa", "b" * 100]
    assert Nearest(texts, embed=by_length).nearest("ccccc")[0] == (0, 1.0)
    assert Nearest(texts, embed=by_length, metric="cosine").nearest("c" * 60)[0].at == 1
    assert Nearest(texts, embed=by_length).nearest("c" * 40)[0].at == 0


def test_chinese_words_are_found_inside_a_sentence_and_width_and_case_do_not_count() -> None:
    assert "睡不" in grams("我睡不着")
    assert grams("ＡＢＣ don’t") == ["abc", "don’t"]


@pytest.mark.parametrize(
    "rows",
    [
        lambda texts: len(texts), lambda texts: [1.0] * len(texts), lambda texts: ["one"] * len(texts),
        lambda texts: [[1.0]] * (len(texts) + 1), lambda texts: [[1.0] * len(text) for text in texts],
    ],
)  # fmt: skip
def test_an_embedder_that_gives_no_row_of_numbers_for_each_text_is_told_so(rows: Any) -> None:
    with pytest.raises(UsageError, match="the embedder gives "):
        Nearest(["a", "bb"], embed=rows).nearest("ccc")


def test_an_embedder_is_a_function() -> None:
    with pytest.raises(UsageError, match="is no function"):
        embedder_named("math:pi")
