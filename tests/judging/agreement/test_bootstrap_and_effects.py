import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap, wilson
from psyloom.judging.agreement.effects import cliffs_delta, divergence, jensen_shannon, size_of

SAMPLES = st.lists(st.integers(0, 6), min_size=1, max_size=12)
COUNTS = st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any)


def mean_of(values: list[float]) -> Estimate:
    data = np.array(values)
    return bootstrap(lambda rows: float(data[rows].mean()), len(data), seed=1)


def test_the_interval_of_a_mean_is_near_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(10, 2, size=400).tolist()
    found = mean_of(values)
    reach = 1.96 * np.std(values) / math.sqrt(400)
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach), abs=0.02)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert mean_of([1, 2, 3, 9]) == mean_of([1, 2, 3, 9])


def test_without_variance_the_interval_is_a_point() -> None:
    assert mean_of([2, 2, 2]) == Estimate(2, 2, 2)


def test_one_unit_has_no_interval() -> None:
    assert math.isnan(mean_of([2]).low)


def test_a_statistic_mostly_undefined_has_no_interval() -> None:
    found = bootstrap(lambda rows: 1.0 if len(set(rows.tolist())) == 5 else math.nan, 5)
    assert found.value == 1.0
    assert math.isnan(found.low)


def test_two_samples_are_drawn_apart() -> None:
    def statistic(one: np.ndarray, other: np.ndarray) -> float:
        assert (len(one), len(other)) == (3, 7)
        return float(one.mean() - other.mean())

    assert bootstrap(statistic, 3, 7, resamples=5).value == 1 - 3


def test_estimates_print_themselves_and_tell_json_null() -> None:
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.50 [0.25, 0.75]"
    assert str(Estimate(math.nan)) == "undefined"
    assert Estimate(0.5).to_json() == {"value": 0.5, "low": None, "high": None}


def test_wilson_by_hand() -> None:
    # 0 of 10: upper end z2 / (10 + z2), z2 = 3.8415.
    found = wilson(0, 10)
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 3.8415 / 13.8415), abs=1e-5)
    assert math.isnan(wilson(0, 0).value)


def test_wilson_is_what_scipy_finds() -> None:
    stats = pytest.importorskip("scipy.stats")
    theirs = stats.binomtest(3, 17).proportion_ci(method="wilson")
    assert (wilson(3, 17).low, wilson(3, 17).high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_cliffs_delta_by_hand() -> None:
    # 3 4 against 1 3: 3 > 1, 3 = 3, 4 > 1, 4 > 3: 3 of 4.
    assert cliffs_delta([3, 4], [1, 3]).value == 3 / 4
    assert cliffs_delta([1, 2, 3], [2, 2]).value == 0


def test_cliffs_delta_of_shares_is_their_difference() -> None:
    assert cliffs_delta([1, 1, 0, 0], [1, 0, 0, 0]).value == pytest.approx(0.25)


@settings(deadline=None)
@given(SAMPLES, SAMPLES)
def test_cliffs_delta_turns_its_sign_with_its_sides(one: list[int], other: list[int]) -> None:
    assert cliffs_delta(one, other, resamples=0).value == pytest.approx(-cliffs_delta(other, one, resamples=0).value)


def test_cliffs_delta_is_the_mann_whitney_statistic() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    one, other = rng.integers(0, 9, 40), rng.integers(2, 11, 30)
    u = stats.mannwhitneyu(one, other).statistic
    assert cliffs_delta(one, other).value == pytest.approx(2 * u / (40 * 30) - 1)


def test_the_interval_of_delta_covers_what_resampling_itself_gives() -> None:
    rng = np.random.default_rng(4)
    one, other = rng.integers(0, 9, 60), rng.integers(1, 10, 50)
    plain = bootstrap(lambda a, b: cliffs_delta(one[a], other[b], resamples=0).value, 60, 50, resamples=600)
    found = cliffs_delta(one, other)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.05)


def test_delta_is_called_by_its_conventional_name() -> None:
    assert [size_of(d) for d in (0.1, -0.2, 0.4, -0.9)] == ["negligible", "small", "medium", "large"]


def test_an_effect_without_values_is_an_error() -> None:
    with pytest.raises(UsageError, match="both sides"):
        cliffs_delta([], [1])


def test_jensen_shannon_by_hand() -> None:
    # (1, 0) and (1/2, 1/2), middle (3/4, 1/4): half of log2(4/3), and half of 1/2 log2(2/3) + 1/2 log2(2).
    expected = 0.5 * math.log2(4 / 3) + 0.5 * (0.5 * math.log2(2 / 3) + 0.5)
    assert jensen_shannon([4, 0], [3, 3]) == pytest.approx(expected)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_jensen_shannon_is_symmetric_and_lies_between_zero_and_one(one: list[int], other: list[int]) -> None:
    found = jensen_shannon(one, other)
    assert 0 <= found <= 1
    assert found == pytest.approx(jensen_shannon(other, one))


def test_jensen_shannon_is_the_square_of_scipys_distance() -> None:
    distance = pytest.importorskip("scipy.spatial.distance")
    theirs = distance.jensenshannon([1, 2, 3], [3, 2, 2], base=2) ** 2
    assert jensen_shannon([1, 2, 3], [3, 2, 2]) == pytest.approx(theirs)


@pytest.mark.parametrize(("one", "other"), [([0, 0], [1, 0]), ([1], [1, 2])])
def test_distributions_must_be_comparable(one: list[int], other: list[int]) -> None:
    with pytest.raises(UsageError, match="same categories"):
        jensen_shannon(one, other)


def test_the_divergence_of_two_halves_of_one_source_is_within_chance() -> None:
    rng = np.random.default_rng(2)
    rows = [{f"w{w}": 1.0 for w in rng.integers(0, 30, 12)} for _ in range(80)]
    found, chance = divergence(rows[:40], rows[40:])
    assert 0 < found.value < chance * 1.2


def test_the_divergence_of_different_sources_is_beyond_chance_and_inside_its_interval() -> None:
    rng = np.random.default_rng(2)
    one = [{f"w{w}": 1.0 for w in rng.integers(0, 20, 12)} for _ in range(40)]
    other = [{f"w{w}": 1.0 for w in rng.integers(10, 30, 12)} for _ in range(40)]
    found, chance = divergence(one, other)
    assert found.value > 2 * chance
    assert found.low < found.value < found.high


def test_the_interval_of_a_divergence_is_freed_of_the_bootstraps_upward_bias() -> None:
    # Few dialogues of many categories: nearly every resample diverges more than the samples themselves.
    rng = np.random.default_rng(6)
    rows = [{f"w{w}": 1.0 for w in rng.integers(0, 200, 10)} for _ in range(20)]
    found, _ = divergence(rows[:10], rows[10:])
    assert found.low < found.value < found.high


def test_rare_categories_are_pooled() -> None:
    # Without pooling nothing is shared beyond a; with only a kept apart the rest is alike.
    one, other = [{"a": 2, "x": 1}], [{"a": 2, "y": 1}]
    assert divergence(one, other, most=1)[0].value == 0
    assert divergence(one, other)[0].value > 0


def test_the_divergence_of_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="not empty"):
        divergence([{}], [{"a": 1}])
