from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.judging.metrics import lexical, novelty, pairwise_cosine, source_cosine
from tests.judging.metrics.given import dialogue


def letters(texts: Sequence[str]) -> list[list[int]]:
    """How many a and b a text holds: an embedding that can be worked out by hand."""
    return [[text.count("a"), text.count("b")] for text in texts]


@pytest.mark.accepts("smile", 9)
def test_source_cosine_is_the_cosine_of_each_text_with_its_own_source() -> None:
    # (1, 0) with (1, 1): 1 / sqrt 2; (0, 2) with (0, 1): 1.
    found = source_cosine(["a", "bb"], ["ab", "b"], embed=letters)
    assert found.values == pytest.approx((2**-0.5, 1.0))
    assert found.mean == pytest.approx((2**-0.5 + 1) / 2)


def test_a_dialogue_is_one_string_without_names() -> None:
    assert source_cosine(dialogue("c: a", "k: b"), ["ab"], embed=letters).values == pytest.approx((1.0,))


def test_sources_must_be_as_many_as_dialogues() -> None:
    with pytest.raises(UsageError, match="1 dialogues stand against 2 sources"):
        source_cosine("a", ["a", "b"], embed=letters)


@pytest.mark.accepts("smile", 9)
def test_pairwise_cosine_takes_every_pair_once() -> None:
    # a-ab, a-b, ab-b: 0.707, 0, 0.707.
    found = pairwise_cosine(["a", "ab", "b"], embed=letters)
    assert found.values == pytest.approx((2**-0.5, 0.0, 2**-0.5))
    assert found.median == pytest.approx(2**-0.5)


def test_pairs_can_be_of_the_messages_of_one_dialogue() -> None:
    assert pairwise_cosine(dialogue("c: a", "k: b"), embed=letters, within="message").values == (0.0,)


def test_a_sample_of_texts_bounds_the_pairs() -> None:
    assert len(pairwise_cosine(["a"] * 10, embed=letters, sample=4).values) == 6


def test_pairs_need_two_texts() -> None:
    with pytest.raises(UsageError, match="two texts"):
        pairwise_cosine("a", embed=letters)


def test_novelty_is_one_less_the_nearest_known_cosine() -> None:
    # ab is as near to a as to b: 1 - 0.707; aa is a itself, though far from b.
    assert novelty(["ab", "aa"], ["a", "b"], embed=letters).values == pytest.approx((1 - 2**-0.5, 0.0))


def test_nothing_known_is_an_error() -> None:
    with pytest.raises(UsageError, match="no text to embed"):
        novelty("a", [], embed=letters)


def test_an_embedder_must_return_a_row_for_each_text() -> None:
    with pytest.raises(UsageError, match=r"shape \(2,\) of 2 texts"):
        novelty(["a", "b"], "a", embed=lambda texts: [1.0 for _ in texts])


def test_an_empty_text_is_unlike_everything() -> None:
    assert novelty("", "a", embed=letters).values == (1.0,)


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_lexical_cosines_are_cosines(one: str, other: str) -> None:
    (found,) = pairwise_cosine([one, other]).values
    assert -1 - 1e-9 <= found <= 1 + 1e-9
    (same,) = pairwise_cosine([one, one]).values
    assert same == pytest.approx(1 if len(" ".join(one.lower().split())) > 1 else same)


def test_lexical_rows_are_the_same_in_every_process() -> None:
    # crc32: 我很 c3b9bec1, 很累 1a3c10d3, 我很累 cdbabe58. The last 12 bits are the place, the first one the sign.
    row = lexical(["我很累"])[0]
    assert {place: row[place] for place in np.flatnonzero(row)} == {0xEC1: 1.0, 0x0D3: -1.0, 0xE58: 1.0}


def test_shared_wording_is_nearer_than_another_theme() -> None:
    kept = "我最近总是睡不着，一躺下就想工作的事。"
    near, far = novelty(["最近一躺下就想工作，睡不着。", "孩子上初中以后成绩下降得很快"], kept).values
    assert near < 0.6 < far
