import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from psyloom.errors import UnknownName, UsageError
from psyloom.judging.agreement import (
    Agreement,
    agree,
    cohen_kappa,
    gwet,
    icc,
    kendall_tau,
    krippendorff_alpha,
    reading,
    severity,
)
from psyloom.records import Rating
from tests.judging.agreement.given import column, rating

LENIENT, STRICT = [1, 3, 5, 6], [0, 2, 4, 5]


def only(ratings: list[Rating], **more: object) -> Agreement:
    (found,) = agree(ratings, resamples=50, **more)  # type: ignore[arg-type]
    return found


def test_likert_values_get_ordinal_alpha_and_icc() -> None:
    found = only(column("A", LENIENT) + column("B", STRICT))
    data = np.array([LENIENT, STRICT]).T
    assert found.kind == "ordinal"
    assert list(found.statistics) == [
        "Krippendorff alpha (ordinal)", "Krippendorff alpha (interval)", "ICC(2,1)", "ICC(3,k)",
    ]  # fmt: skip
    assert found.statistics["Krippendorff alpha (ordinal)"].value == krippendorff_alpha(data, "ordinal")
    assert found.statistics["ICC(2,1)"].value == icc(data, "2,1")


def test_centering_raters_shows_what_strictness_cost() -> None:
    found = only(column("A", LENIENT) + column("B", STRICT))
    assert found.means == {"human A": 3.75, "human B": 2.75}
    assert found.severity == pytest.approx({"human A": 0.5, "human B": -0.5})
    assert found.statistics["ICC(2,1)"].value < 1
    assert found.centered["ICC(2,1)"].value == found.centered["Krippendorff alpha (interval)"].value == 1


def test_two_raters_of_categories_get_cohens_kappa() -> None:
    found = only(column("A", "xxyyz", scale=None) + column("B", "xyyyz", scale=None))
    assert (found.kind, found.severity, found.centered) == ("nominal", {}, {})
    codes = {"x": 0, "y": 1, "z": 2}
    expected = cohen_kappa([[codes[a], codes[b]] for a, b in zip("xxyyz", "xyyyz", strict=True)])
    assert found.statistics["Cohen kappa"].value == pytest.approx(expected)
    assert found.prevalence == {"y": 0.5, "x": 0.3, "z": 0.2}


@pytest.mark.parametrize(
    ("third", "names"),
    [
        ("xxyyz", ["Krippendorff alpha (nominal)", "Fleiss kappa", "percent agreement"]),
        (["x", None, "y", "y", "z"], ["Krippendorff alpha (nominal)", "percent agreement"]),
    ],
)
def test_more_raters_or_gaps_get_nominal_alpha(third: list[str], names: list[str]) -> None:
    ratings = [*column("A", "xxyyz", scale=None), *column("B", "xyyyz", scale=None), *column("C", third, scale=None)]
    assert list(only(ratings).statistics) == names


def test_rare_flags_get_ac1_with_their_prevalence() -> None:
    first, second = [True, *[False] * 14], [False] * 15
    found = only(column("A", first, scale=None) + column("B", second, scale=None))
    assert found.kind == "flag"
    assert found.statistics["Gwet AC1"].value == pytest.approx(
        gwet(np.array([first, second], dtype=float).T, categories=(0, 1))
    )
    assert found.prevalence == {"False": 29 / 30, "True": 1 / 30}
    assert "3% of the answers are yes" in found.why


def test_flags_that_nobody_ever_raised_agree_by_ac1() -> None:
    found = only(column("A", [False] * 4, scale=None) + column("B", [False] * 4, scale=None))
    assert found.statistics["Gwet AC1"].value == 1.0


def test_common_flags_get_kappa() -> None:
    found = only(column("A", [1, 0, 1, 0], scale=(0, 1)) + column("B", [1, 0, 0, 0], scale=(0, 1)))
    assert found.kind == "flag"
    assert "Cohen kappa" in found.statistics


def test_measured_values_get_icc() -> None:
    found = only(column("A", [10.5, 20.1, 33.0], scale=None) + column("B", [11.0, 19.0, 30.2], scale=None))
    assert (found.kind, found.prevalence) == ("continuous", {})
    assert next(iter(found.statistics)) == "ICC(2,1)"


def test_changing_raters_of_each_unit_get_the_one_way_icc() -> None:
    ratings = [
        *column("A", [1.5, 2.5, None, None]), *column("B", [1.0, None, 3.5, None]),
        *column("C", [None, 2.0, None, 5.5]), *column("D", [None, None, 4.0, 5.0]),
    ]  # fmt: skip
    found = only(ratings)
    assert found.statistics["ICC(1,1)"].value == pytest.approx(icc([[1.5, 1], [2.5, 2], [3.5, 4], [5.5, 5]], "1,1"))


def test_rankings_are_named_and_get_kendalls_tau() -> None:
    found = only(column("A", [1, 2, 3]) + column("B", [1, 3, 2]), kinds={"empathy": "ranking"})
    assert found.statistics["Kendall tau-b"].value == kendall_tau([[1, 1], [2, 3], [3, 2]])


def test_sets_of_labels_get_alpha_with_set_distances() -> None:
    ratings = [
        rating("A", "d0", "fear", "guilt", scale=None), rating("B", "d0", "fear", scale=None),
        rating("A", "d1", "joy", scale=None), rating("B", "d1", "joy", scale=None),
    ]  # fmt: skip
    found = only(ratings)
    assert found.kind == "sets"
    assert found.statistics["Krippendorff alpha (MASI)"].value < found.statistics["Krippendorff alpha (Jaccard)"].value
    # Labels of 4 values: joy and fear twice, guilt once.
    assert found.prevalence == {"fear": 0.5, "joy": 0.5, "guilt": 0.25}


def test_every_choice_is_explained_in_one_sentence_without_a_full_stop_inside() -> None:
    ratings = [*column("A", LENIENT), *column("B", STRICT)]
    for kind in ("ordinal", "continuous", "ranking", "nominal"):
        assert only(ratings, kinds={"empathy": kind}).why.count(". ") == 0


def test_icc_says_over_which_units_it_was_computed_only_when_some_are_left_out() -> None:
    ratings = column("A", LENIENT) + column("B", STRICT)
    assert "complete units" not in only(ratings).why
    assert only(ratings[:-1]).why.endswith("over the 3 complete units")


def test_missing_and_failed_are_reported() -> None:
    found = only([*column("A", LENIENT), *column("B", STRICT[:3]), rating("B", "d3")])
    assert (found.units, found.raters, found.missing, found.failed) == (4, 2, pytest.approx(1 / 8), 1)


def test_flat_values_are_undefined_not_perfect() -> None:
    found = only(column("A", [3, 3, 3]) + column("B", [3, 3, 3]))
    assert all(math.isnan(estimate.value) for estimate in found.statistics.values())
    assert str(found.statistics["ICC(2,1)"]) == "undefined"


def test_the_same_seed_gives_the_same_report() -> None:
    ratings = column("A", LENIENT) + column("B", [0, 3, 3, 5])
    assert only(ratings, seed=3) == only(ratings, seed=3)
    assert only(ratings, seed=3) != only(ratings, seed=4)


def test_words_cannot_be_forced_onto_a_scale() -> None:
    with pytest.raises(UsageError, match="no number"):
        only(column("A", "xy", scale=None) + column("B", "xx", scale=None), kinds={"empathy": "ordinal"})


def test_a_kind_for_an_item_that_was_not_rated_is_an_error() -> None:
    with pytest.raises(UnknownName, match="empaty"):
        only(column("A", LENIENT) + column("B", STRICT), kinds={"empaty": "ranking"})


def test_severity_does_not_blame_a_rater_for_the_units_drawn() -> None:
    # B rated only the good unit, and as everybody did.
    nan = math.nan
    assert severity(np.array([[1, nan, 1], [5, 5, 5]])) == pytest.approx([0, 0, 0])
    # B is one above on the units it has.
    assert severity(np.array([[1, nan], [3, 4], [5, 6]])) == pytest.approx([-0.5, 0.5])


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, 6, elements=st.integers(0, 6)),
    arrays.arrays(np.float64, 3, elements=st.integers(-2, 2)),
)
def test_severity_finds_the_offsets_that_were_put_in(units: np.ndarray, offsets: np.ndarray) -> None:
    table = units[:, None] + offsets[None, :]
    table[0, 1] = table[3, 2] = math.nan
    assert severity(table) == pytest.approx(offsets - offsets.mean(), abs=1e-6)


def test_conventional_readings_name_whose_they_are() -> None:
    assert reading("Krippendorff alpha (ordinal)", 0.7) == "tentative (Krippendorff)"
    assert reading("Cohen kappa", 0.65) == "substantial (Landis and Koch)"
    assert reading("ICC(2,1)", 0.4) == "poor (Koo and Li)"
    assert reading("percent agreement", 0.9) == ""
    assert reading("ICC(2,1)", math.nan) == ""
