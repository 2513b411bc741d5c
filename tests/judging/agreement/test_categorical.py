import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from psyloom.errors import UsageError
from psyloom.judging.agreement import cohen_kappa, encode, fleiss_kappa, gwet, percent_agreement

NAN = math.nan
TABLES = arrays.arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(2, 4)), elements=st.integers(0, 3))
GAPPY = arrays.arrays(
    np.float64,
    st.tuples(st.integers(3, 12), st.integers(2, 4)),
    elements=st.one_of(st.integers(0, 3).map(float), st.just(NAN)),
)


def square(yes_yes: int, yes_no: int, no_yes: int, no_no: int) -> list[list[int]]:
    return [[1, 1]] * yes_yes + [[1, 0]] * yes_no + [[0, 1]] * no_yes + [[0, 0]] * no_no


def test_percent_agreement_averages_over_units_the_agreeing_pairs_of_raters() -> None:
    # All three agree, two of three (1 pair of 3), one alone is no pair: (1 + 1/3) / 2.
    assert percent_agreement([[1, 1, 1], [1, 2, 2], [NAN, 2, NAN]]) == pytest.approx((1 + 1 / 3) / 2)


def test_cohens_kappa_takes_chance_off() -> None:
    # Observed 35/50 = 0.7; A says yes 25/50, B 30/50: chance 0.5 x 0.6 + 0.5 x 0.4 = 0.5; 0.2 / 0.5.
    assert cohen_kappa(square(20, 5, 10, 15)) == pytest.approx(0.4)


def test_weighted_kappa_forgives_near_misses() -> None:
    # A 0 1 2, B 0 2 2, range 2. Linear costs: observed (0 + 1/2 + 0) / 3 = 1/6; by chance, with A even and B 1/3 on 0
    # and 2/3 on 2: (1 x 2 + 1/2 x 1 + 1/2 x 2 + 1 x 1) / 9 = 1/2. Quadratic: 1/12 and (2 + 1/4 + 1/2 + 1) / 9.
    table = [[0, 0], [1, 2], [2, 2]]
    assert cohen_kappa(table, "linear") == pytest.approx(1 - (1 / 6) / (1 / 2))
    assert cohen_kappa(table, "quadratic") == pytest.approx(1 - (1 / 12) / (3.75 / 9))


def test_weights_go_by_values_not_by_their_ranks() -> None:
    assert cohen_kappa([[0, 0], [1, 1], [6, 1]], "linear") != cohen_kappa([[0, 0], [1, 1], [2, 1]], "linear")


def test_kappa_leaves_out_units_that_one_rater_skipped() -> None:
    assert cohen_kappa([*square(20, 5, 10, 15), [1, NAN], [NAN, 0]]) == pytest.approx(0.4)


def test_cohens_kappa_is_for_two() -> None:
    with pytest.raises(UsageError, match="two raters, 3 were given"):
        cohen_kappa([[1, 1, 1]])


def test_fleiss_kappa_by_hand() -> None:
    # Unit 1: 3-0, agreement 1; unit 2: 1-2, agreement 2/6. Mean 2/3. Shares 4/6, 2/6: chance 5/9. (2/3 - 5/9) / (4/9).
    assert fleiss_kappa([[0, 0, 0], [0, 1, 1]]) == pytest.approx(0.25)


def test_fleiss_kappa_wants_as_many_ratings_for_every_unit() -> None:
    with pytest.raises(UsageError, match="2 to 3"):
        fleiss_kappa([[1, 1, 1], [1, 2, NAN]])


def test_ac1_by_hand() -> None:
    # 1 yes-yes, 1 split, 8 no-no: observed 0.9; yes 0.15, chance 2 x 0.15 x 0.85 = 0.255.
    assert gwet(square(1, 1, 0, 8)) == pytest.approx((0.9 - 0.255) / (1 - 0.255))


def test_ac1_stays_high_where_kappa_collapses_on_a_rare_flag() -> None:
    rare = square(0, 1, 1, 98)
    assert cohen_kappa(rare) < 0 < 0.97 < gwet(rare)


def test_ac1_of_unanimous_raters_is_one_once_the_categories_are_known() -> None:
    assert math.isnan(gwet([[0, 0]] * 5))
    assert gwet([[0, 0]] * 5, categories=(0, 1)) == 1.0


def test_ac2_by_hand() -> None:
    # Values 0 1 2; units (0,0), (1,2). Linear agreement 1 and 1/2: observed 3/4. Shares 1/2, 1/4, 1/4. Sum of weights
    # 3 + 4 x 1/2 = 5; chance 5/6 x (1/4 + 3/16 + 3/16) = 25/48.
    assert gwet([[0, 0], [1, 2]], "linear") == pytest.approx((3 / 4 - 25 / 48) / (1 - 25 / 48))


@pytest.mark.parametrize("statistic", [cohen_kappa, fleiss_kappa, gwet])
def test_what_chance_cannot_tell_is_undefined_not_perfect(statistic: object) -> None:
    assert math.isnan(statistic([[3, 3], [3, 3]]))  # type: ignore[operator]


@pytest.mark.parametrize("table", [[], [[1], [2]], [1, 2]])
def test_no_table_of_two_raters_is_an_error(table: object) -> None:
    with pytest.raises(UsageError):
        percent_agreement(table)  # type: ignore[arg-type]


def test_words_are_encoded_with_gaps_kept() -> None:
    data, known = encode([["b", "a"], [None, "b"]])
    assert known == ["a", "b"]
    assert np.array_equal(data, [[1, 0], [NAN, 1]], equal_nan=True)


@settings(deadline=None)
@given(TABLES)
def test_the_order_of_raters_and_units_does_not_matter(table: np.ndarray) -> None:
    turned = table[::-1, ::-1]
    for statistic in (percent_agreement, fleiss_kappa, gwet):
        assert statistic(table) == pytest.approx(statistic(turned), nan_ok=True)


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(TABLES)
def test_fleiss_kappa_is_what_statsmodels_finds(table: np.ndarray) -> None:
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    counts, _ = inter_rater.aggregate_raters(table.astype(int))
    assert fleiss_kappa(table) == pytest.approx(inter_rater.fleiss_kappa(counts), nan_ok=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic"])
def test_cohens_kappa_is_what_scikit_learn_finds(weights: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    for _ in range(20):
        table = np.stack([rng.integers(0, 5, 30), rng.integers(0, 5, 30)], axis=1)
        theirs = metrics.cohen_kappa_score(
            *table.T, labels=range(5), weights=None if weights == "identity" else weights
        )
        assert cohen_kappa(table, weights) == pytest.approx(theirs)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic"])
def test_gwet_is_what_irrcac_finds_with_missing_ratings(weights: str) -> None:
    raw = pytest.importorskip("irrCAC.raw")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(5)
    for _ in range(5):
        table = rng.integers(0, 4, (40, 4)).astype(float)
        table[rng.random(table.shape) < 0.2] = NAN
        theirs = raw.CAC(pandas.DataFrame(table), weights=weights, categories=[0, 1, 2, 3]).gwet()["est"]
        # irrCAC rounds to five digits.
        assert gwet(table, weights, categories=range(4)) == pytest.approx(theirs["coefficient_value"], abs=2e-5)  # type: ignore[arg-type]
