import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.judging.metrics import near_duplicates, shingles
from psyloom.judging.metrics.duplicates import Pair, clusters

LONG = "我最近总是睡不着，一躺下就想工作上的事情，怎么也停不下来，白天又没有精神，真的很烦。"


def found(*texts: str, threshold: float = 0.8) -> list[Pair]:
    return list(near_duplicates(map(shingles, texts), threshold=threshold))


def test_shingles_are_runs_of_three_tokens() -> None:
    # a b c, b c d, c d e; and the second b c d is the same.
    assert len(shingles("a b c d e")) == 3
    assert len(shingles("b c d b c d")) == 3
    assert len(shingles("我很难过")) == 2


def test_a_short_text_is_one_shingle_and_an_empty_one_has_none() -> None:
    assert len(shingles("嗯")) == 1
    assert len(shingles("……")) == 0


def test_a_pair_carries_the_jaccard_of_its_shingles() -> None:
    words = [f"w{i}" for i in range(22)]
    # 20 shingles each; the last word differs, so one shingle: 19 of 21.
    assert found(" ".join(words), " ".join([*words[:-1], "x"])) == [Pair(0, 1, pytest.approx(19 / 21))]


def test_punctuation_and_case_do_not_hide_a_copy() -> None:
    assert found(LONG, "完全不同的一句话，说的是别的事情。", LONG.replace("，", "。 ")) == [Pair(0, 2, 1.0)]


def test_pairs_below_the_threshold_are_not_told() -> None:
    assert found("a b c d e f", "a b c d x y", threshold=0.5) == []


def test_of_many_copies_each_is_paired_with_the_first() -> None:
    assert found(LONG, LONG, LONG) == [Pair(0, 1, 1.0), Pair(0, 2, 1.0)]


def test_empty_texts_are_no_duplicates_of_each_other() -> None:
    assert found("", "", "！") == []


def test_a_threshold_that_candidates_cannot_serve_is_refused() -> None:
    with pytest.raises(UsageError, match=r"0\.3"):
        found("a", "b", threshold=0.3)


def test_near_duplicates_are_found_among_many() -> None:
    rng = random.Random(7)
    texts = [" ".join(rng.choices([f"w{i}" for i in range(500)], k=60)) for _ in range(300)]
    for place in range(100):  # one word in 60 changed: 3 of 58 shingles, Jaccard 55/61
        words = texts[place].split()
        words[30] = "changed"
        texts.append(" ".join(words))
    assert {(pair.first, pair.second) for pair in found(*texts)} == {(i, 300 + i) for i in range(100)}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] != p[1]), max_size=12))
def test_clusters_are_disjoint_and_hold_both_ends_of_every_pair(pairs: list[tuple[int, int]]) -> None:
    groups = clusters(Pair(a, b, 1.0) for a, b in pairs)
    members = [member for group in groups for member in group]
    assert len(members) == len(set(members))
    assert all(any({a, b} <= group for group in groups) for a, b in pairs)


def test_clusters_link_through_others() -> None:
    assert clusters([Pair(0, 1, 1.0), Pair(1, 2, 0.9), Pair(5, 6, 1.0)]) == [{0, 1, 2}, {5, 6}]
