import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.judging.agreement import krippendorff_alpha, krippendorff_alpha_sets, masi
from tests.judging.agreement.test_categorical import GAPPY

NAN = math.nan


def test_nominal_alpha_by_hand() -> None:
    # aa, ab, bb: 6 values, 3 a and 3 b. Observed 2/6; expected 2 x 3 x 3 / (6 x 5) = 0.6.
    assert krippendorff_alpha([[0, 0], [0, 1], [1, 1]]) == pytest.approx(1 - (1 / 3) / 0.6)


# Units (1, 2) and (3, 3): 4 values 1 2 3 3, 12 ordered pairs; only (1, 2) differ inside a unit, 2 of 4.
@pytest.mark.parametrize(
    ("level", "one_two", "one_three", "two_three"),
    [
        ("nominal", 1, 1, 1),
        ("ordinal", 1**2, 2.5**2, 1.5**2),  # mid-ranks 0.5, 1.5, 3
        ("interval", 1, 4, 1),
        ("ratio", (1 / 3) ** 2, (2 / 4) ** 2, (1 / 5) ** 2),
    ],
)
def test_alpha_by_hand_for_every_level(level: str, one_two: float, one_three: float, two_three: float) -> None:
    observed = 2 * one_two / 4
    expected = 2 * (one_two + 2 * one_three + 2 * two_three) / 12
    assert krippendorff_alpha([[1, 2], [3, 3]], level) == pytest.approx(1 - observed / expected)  # type: ignore[arg-type]


def test_a_unit_rated_once_says_nothing() -> None:
    full = [[0, 0], [0, 1], [1, 1]]
    assert krippendorff_alpha([*full, [1, NAN], [NAN, NAN]]) == krippendorff_alpha(full)


def test_a_unit_with_more_ratings_weighs_more() -> None:
    # aaa, ab: observed 2 / 5 (the pair ab counts once each way, over m - 1 = 1), expected 2 x 4 x 1 / (5 x 4).
    assert krippendorff_alpha([[0, 0, 0], [0, 1, NAN]]) == pytest.approx(1 - (2 / 5) / (8 / 20))


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@pytest.mark.parametrize("table", [[[0.1, 0.1, 0.1], [0.1, 0.1, 0.1]], [[1, NAN], [NAN, 2]]])
def test_alpha_without_variance_or_pairs_is_undefined(table: list[list[float]], level: str) -> None:
    assert math.isnan(krippendorff_alpha(table, level))  # type: ignore[arg-type]


@settings(deadline=None)
@given(GAPPY)
def test_alpha_is_at_most_one_and_one_only_without_disagreement(table: np.ndarray) -> None:
    found = krippendorff_alpha(table, "ordinal")
    agree = all(len(set(row[~np.isnan(row)].tolist())) <= 1 for row in table)
    assert math.isnan(found) or found <= 1
    assert math.isnan(found) or agree == (found == 1)


@settings(deadline=None)
@given(GAPPY)
def test_ordinal_alpha_sees_the_order_of_values_and_nothing_else(table: np.ndarray) -> None:
    assert krippendorff_alpha(table, "ordinal") == pytest.approx(
        krippendorff_alpha(np.exp(table), "ordinal"), nan_ok=True
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@settings(deadline=None)
@given(GAPPY)
def test_alpha_is_what_the_krippendorff_package_finds(level: str, table: np.ndarray) -> None:
    package = pytest.importorskip("krippendorff")
    ours = krippendorff_alpha(table, level)  # type: ignore[arg-type]
    if not math.isnan(ours):
        assert ours == pytest.approx(package.alpha(reliability_data=table.T, level_of_measurement=level))


def test_masi_by_hand() -> None:
    assert masi({"a"}, {"a"}) == 0
    assert masi({"a", "b"}, {"a"}) == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert masi({"a", "b"}, {"b", "c"}) == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert masi({"a"}, {"b"}) == 1
    assert masi(set(), set()) == 0


def test_set_alpha_by_hand() -> None:
    # {a} {ab} / {b} {b}: inside the first unit 1/2 by Jaccard, so 2 x 1/2 / 4 observed. Ordered pairs of the values a,
    # ab, b, b: a-ab 1/2, a-b 1 twice, ab-b 1/2 twice: 2 x (1/2 + 2 + 1) / 12 expected.
    rows = [[{"a"}, {"a", "b"}], [{"b"}, {"b"}]]
    assert krippendorff_alpha_sets(rows, "jaccard") == pytest.approx(1 - (1 / 4) / (7 / 12))


def test_an_empty_set_is_a_value_and_none_is_missing() -> None:
    rows = [[{"a"}, set()], [{"b"}, {"b"}]]
    assert krippendorff_alpha_sets([*rows, [{"a"}, None]]) == krippendorff_alpha_sets(rows)
    assert krippendorff_alpha_sets(rows) < 1


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.frozensets(st.sampled_from("abc"), min_size=1), min_size=3, max_size=3), min_size=2, max_size=8
    )
)
def test_set_alpha_is_what_nltk_finds(rows: list[list[frozenset[str]]]) -> None:
    agreement = pytest.importorskip("nltk.metrics.agreement")
    from nltk.metrics.distance import jaccard_distance

    ours = krippendorff_alpha_sets(rows, "jaccard")
    if not math.isnan(ours):
        data = [(f"r{r}", f"u{u}", value) for u, row in enumerate(rows) for r, value in enumerate(row)]
        assert ours == pytest.approx(agreement.AnnotationTask(data=data, distance=jaccard_distance).alpha())
