import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.judging.agreement import (
    before_after,
    bland_altman,
    kendall_tau,
    pairwise_accuracy,
    spearman,
    wilcoxon,
)
from tests.judging.agreement.given import rating

NAN = math.nan
VALUES = st.lists(st.integers(0, 5), min_size=2, max_size=8)


def test_kendalls_tau_by_hand() -> None:
    # 1 2 3 against 1 3 2: two pairs in the same order, one not.
    assert kendall_tau([[1, 1], [2, 3], [3, 2]]) == pytest.approx(1 / 3)


def test_kendalls_tau_b_corrects_for_ties() -> None:
    # 1 2 3 against 1 1 2: two alike, none against, one tie: 2 / sqrt(3 x 2).
    assert kendall_tau([[1, 1], [2, 1], [3, 2]]) == pytest.approx(2 / math.sqrt(6))


def test_spearman_by_hand() -> None:
    # 1 - 6 (0 + 1 + 1) / (3 x 8).
    assert spearman([[1, 1], [2, 3], [3, 2]]) == pytest.approx(0.5)


def test_more_raters_are_averaged_over_pairs_and_over_what_both_rated() -> None:
    # A-B 1, A-C -1 over the first three units, B-C -1 likewise.
    table = [[1, 1, 3], [2, 2, 2], [3, 3, 1], [4, 4, NAN]]
    assert kendall_tau(table) == pytest.approx((1 - 1 - 1) / 3)


def test_a_rater_who_never_varies_orders_nothing() -> None:
    assert math.isnan(kendall_tau([[1, 5], [2, 5]]))
    assert math.isnan(spearman([[1, 5], [2, 5]]))


def test_pairwise_accuracy_by_hand() -> None:
    # Of 1 2 3 the pairs 1-2, 1-3, 2-3 are in order; 1 1 3 ties the first (1/2) and keeps the others.
    assert pairwise_accuracy([1, 2, 3], [1, 1, 3]) == pytest.approx(2.5 / 3)


def test_pairs_the_reference_ties_do_not_count() -> None:
    assert pairwise_accuracy([1, 1, 2], [5, 1, 6]) == 1.0
    assert math.isnan(pairwise_accuracy([1, 1], [1, 2]))


def test_values_must_be_as_many() -> None:
    with pytest.raises(UsageError, match="2 values stand against 1"):
        pairwise_accuracy([1, 2], [1])


@settings(deadline=None)
@given(VALUES)
def test_the_reversed_order_is_always_wrong(values: list[int]) -> None:
    if len(set(values)) > 1:
        assert pairwise_accuracy(values, [-value for value in values]) == 0.0
        assert kendall_tau(np.stack([values, [-v for v in values]], axis=1)) == pytest.approx(-1)


def test_bland_altman_by_hand() -> None:
    # Differences 1, 0, 2: mean 1, sd 1.
    found = bland_altman([3, 4, 5], [2, 4, 3])
    assert (found.bias, found.low, found.high, found.n) == pytest.approx((1, 1 - 1.96, 1 + 1.96, 3))


def test_limits_of_agreement_need_two_pairs() -> None:
    with pytest.raises(UsageError, match="two pairs"):
        bland_altman([1, NAN], [2, 3])


def test_wilcoxon_by_hand() -> None:
    # Three differences of one sign: 2 of the 8 sign patterns are as extreme.
    assert wilcoxon([2, 4, 6], [1, 2, 3]) == pytest.approx(0.25)


def test_no_difference_is_no_evidence() -> None:
    assert wilcoxon([1, 2], [1, 2]) == 1.0


def test_no_pairs_are_an_error() -> None:
    with pytest.raises(UsageError, match="no pairs"):
        wilcoxon([NAN], [1])


def panas(dialogue: str, moment: str, value: int, rater: str = "judge", **more: object) -> object:
    return rating(rater, dialogue, value, item="upset", instrument="panas", scale=(1, 5), moment=moment, **more)  # type: ignore[arg-type]


def test_change_is_after_less_before_of_the_same_dialogue_and_rater() -> None:
    ratings = [
        panas("a", "before", 5), panas("a", "after", 3), panas("b", "after", 2), panas("b", "before", 3),
        panas("c", "before", 4), panas("c", "after", 4), rating("judge", "a", 6),
    ]  # fmt: skip
    (found,) = before_after(ratings)  # type: ignore[arg-type]
    assert (found.item, found.n, found.before, found.after) == ("upset", 3, 4.0, 3.0)
    assert found.change.value == pytest.approx(-1.0)
    assert found.change.low <= -1.0 <= found.change.high
    assert found.p == pytest.approx(0.5)  # two differences of one sign, the third is none


def test_a_missing_before_is_an_error_that_names_it() -> None:
    with pytest.raises(UsageError, match="human judge has no 'before' rating of a with 'panas'"):
        before_after([panas("a", "after", 3)])  # type: ignore[list-item]


def test_ratings_without_a_moment_are_no_change() -> None:
    with pytest.raises(UsageError, match="'before' or 'after'"):
        before_after([rating("judge", "a", 3)])


def test_two_versions_are_not_put_together() -> None:
    with pytest.raises(UsageError, match="versions '1' and '2'"):
        before_after([panas("a", "before", 5), panas("a", "after", 3, version="2")])  # type: ignore[list-item]
