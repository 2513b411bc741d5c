import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from psyloom.errors import UsageError
from psyloom.judging.agreement import icc

# Three units, the second rater always one above the first. Unit means 1.5, 3.5, 5.5; mean squares: units
# 2 x (4 + 0 + 4) / 2 = 8, raters 3 x (1/4 + 1/4) / 1 = 1.5, within 1.5 / 3 = 0.5, rest 0.
STRICT_AND_LENIENT = [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("1,1", (8 - 0.5) / (8 + 0.5)),
        ("1,k", (8 - 0.5) / 8),
        ("2,1", 8 / (8 + 2 * 1.5 / 3)),
        ("2,k", 8 / (8 + 1.5 / 3)),
        ("3,1", 1.0),
        ("3,k", 1.0),
    ],
)
def test_every_form_by_hand(form: str, expected: float) -> None:
    assert icc(STRICT_AND_LENIENT, form) == pytest.approx(expected)  # type: ignore[arg-type]


def test_units_with_a_gap_are_left_out() -> None:
    assert icc([*STRICT_AND_LENIENT, [4, math.nan]]) == icc(STRICT_AND_LENIENT)


def test_opposite_raters_get_less_than_nothing() -> None:
    assert icc([[1, 3], [2, 2], [3, 1]], "3,1") == pytest.approx(-1)


@pytest.mark.parametrize("form", ["1,1", "2,1", "3,1", "3,k"])
def test_no_variance_is_undefined(form: str) -> None:
    assert math.isnan(icc([[0.1, 0.1], [0.1, 0.1]], form))  # type: ignore[arg-type]


def test_one_complete_unit_is_too_few() -> None:
    assert math.isnan(icc([[1, 2], [3, math.nan]]))


def test_one_rater_is_an_error() -> None:
    with pytest.raises(UsageError, match="two raters"):
        icc([[1], [2]])


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, st.tuples(st.integers(3, 8), st.integers(2, 4)), elements=st.integers(0, 6)),
    st.integers(-5, 5),
)
def test_consistency_does_not_see_the_level_of_a_rater(table: np.ndarray, shift: int) -> None:
    moved = table + np.array([shift, *[0] * (table.shape[1] - 1)])
    assert icc(moved, "3,1") == pytest.approx(icc(table, "3,1"), nan_ok=True)


@pytest.mark.filterwarnings("ignore")
def test_every_form_is_what_pingouin_finds() -> None:
    pingouin = pytest.importorskip("pingouin")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(1)
    table = rng.normal(size=(12, 1)) * 2 + rng.normal(size=(1, 4)) + rng.normal(size=(12, 4))
    long = pandas.DataFrame(
        [(u, r, v) for u, row in enumerate(table) for r, v in enumerate(row)], columns=["unit", "rater", "value"]
    )
    theirs = pingouin.intraclass_corr(long, targets="unit", raters="rater", ratings="value")["ICC"].tolist()
    forms = ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")
    # Its rows come in this order; newer releases round to 3 digits.
    assert [icc(table, form) for form in forms] == pytest.approx(theirs, abs=1e-3)
