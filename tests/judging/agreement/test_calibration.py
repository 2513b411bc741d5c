import math

import pytest

from psyloom.errors import UnknownName, UsageError
from psyloom.judging.agreement import icc
from psyloom.judging.calibration import Calibration, Limits, calibrate
from psyloom.records import Rating
from tests.judging.agreement.given import column, rating

TRUTH = [0, 1, 2, 3, 4, 5, 6, 5, 3, 1, 2, 4]


def judged(*ratings: list[Rating], **more: object) -> Calibration:
    (found,) = calibrate([r for part in ratings for r in part], resamples=200, **more)  # type: ignore[arg-type]
    return found


def judge(values: list[object], **more: object) -> list[Rating]:
    return column("gpt", values, kind="model", **more)


def test_a_judge_that_rates_as_people_do_is_trusted() -> None:
    found = judged(judge([*TRUTH[:-1], 3]), column("A", TRUTH), column("B", TRUTH))
    assert (found.judge, found.item, found.n, found.people) == ("model gpt", "empathy", 12, 2)
    assert found.verdict == "trusted"
    assert found.correction is None
    assert found.measures["bias"].value == pytest.approx(-1 / 12)


def test_people_are_pooled_by_their_mean() -> None:
    found = judged(judge([2, 4, 6]), column("A", [1, 3, 5]), column("B", [3, 5, 6]))
    # Means 2, 4, 5.5: bias 0.5 / 3.
    assert found.measures["bias"].value == pytest.approx(0.5 / 3)
    assert found.measures["ICC(2,1)"].value == pytest.approx(icc([[2, 2], [4, 4], [6, 5.5]]))
    assert found.measures["ICC(2,1) of people"].value == pytest.approx(icc([[1, 3], [3, 5], [5, 6]]))


def test_a_judge_right_in_order_but_off_in_level_is_to_be_corrected() -> None:
    found = judged(judge([value + 1 for value in TRUTH], scale=(0, 7)), column("A", TRUTH, scale=(0, 7)))
    assert found.verdict == "correct"
    assert found.correction == pytest.approx(-1)
    assert "14.3% of the scale" in found.why


def test_a_judge_that_sees_something_else_is_not_to_be_used() -> None:
    found = judged(judge(TRUTH[::-1]), column("A", TRUTH))
    assert found.verdict == "do not use"


def test_a_flat_judge_is_not_to_be_used() -> None:
    # Everybody else varies; the judge always says 6.
    assert judged(judge([6] * 12), column("A", TRUTH)).verdict == "do not use"


def test_a_handful_of_dialogues_does_not_make_a_judge_trusted() -> None:
    found = judged(judge([3, 5]), column("A", [3, 4]))
    assert found.verdict == "do not use"


def test_limits_are_parameters() -> None:
    off = judge([value + 1 for value in TRUTH], scale=(0, 7)), column("A", TRUTH, scale=(0, 7))
    assert judged(*off, limits=Limits(bias=0.2)).verdict == "trusted"
    assert judged(*off, limits=Limits(icc=0.999, icc_low=0.999)).verdict == "correct"


def flags(missed: int, raised_in_vain: int, flagged: int = 20, clear: int = 40) -> list[list[Rating]]:
    truth = [True] * flagged + [False] * clear
    said = [False] * missed + [True] * (flagged - missed) + [True] * raised_in_vain + [False] * (clear - raised_in_vain)
    return [judge(said, item="risk", scale=None), column("A", truth, item="risk", scale=None)]  # type: ignore[arg-type]


def test_missed_flags_are_the_share_of_those_that_people_raised() -> None:
    found = judged(*flags(missed=3, raised_in_vain=2))
    assert found.measures["missed"].value == pytest.approx(3 / 20)
    assert found.measures["false alarms"].value == pytest.approx(2 / 40)
    assert found.verdict == "do not use"
    assert "misses 0.15" in found.why


def test_a_judge_that_misses_nothing_and_cries_seldom_is_trusted() -> None:
    assert judged(*flags(missed=0, raised_in_vain=2)).verdict == "trusted"


def test_a_judge_that_misses_nothing_but_cries_often_needs_a_person_behind_it() -> None:
    found = judged(*flags(missed=0, raised_in_vain=12))
    assert (found.verdict, found.correction) == ("correct", None)
    assert "let a person check" in found.why


def test_too_few_flags_allow_no_trust() -> None:
    found = judged(*flags(missed=0, raised_in_vain=0, flagged=4))
    assert found.verdict == "do not use"
    assert "people raised 4 flags, too few" in found.why


def test_no_flag_at_all_leaves_the_missed_share_undefined() -> None:
    assert math.isnan(judged(*flags(missed=0, raised_in_vain=0, flagged=0)).measures["missed"].value)


def test_people_split_on_a_flag_count_as_raising_it() -> None:
    found = judged(
        judge([False], item="risk", scale=None),
        column("A", [True], item="risk", scale=None),
        column("B", [False], item="risk", scale=None),
    )
    assert found.measures["missed"].value == 1.0


def test_yes_or_no_items_that_are_no_safety_flags_are_judged_by_kappa() -> None:
    found = judged(*flags(missed=1, raised_in_vain=1), flags=())
    assert list(found.measures) == ["Cohen kappa", "percent agreement"]
    assert found.verdict == "trusted"


def test_preferences_in_words_are_held_against_the_majority() -> None:
    people = [column(name, "AABBAABBAB", item="better", scale=None) for name in "XYZ"]
    found = judged(judge(list("AABBAABBAA"), item="better", scale=None), *people)
    assert found.measures["percent agreement"].value == pytest.approx(0.9)
    # A 7 of 10 by the judge, 5 by people; chance 0.35 + 0.15... = 0.7 x 0.5 + 0.3 x 0.5 with 6 A, 4 B.
    assert found.measures["Cohen kappa"].value == pytest.approx((0.9 - 0.5) / 0.5)


def test_the_spread_of_repeated_judgments_is_told() -> None:
    repeats = [
        rating("gpt", f"d{i}", value + step, kind="model", sample=step)
        for i, value in enumerate((1, 3, 5))
        for step in (0, 1)
    ]
    # Two judgments one apart: variance 1/2 on every dialogue.
    assert judged(repeats, column("A", [1, 3, 5])).spread == pytest.approx(math.sqrt(0.5))
    assert judged(judge([1, 3, 5]), column("A", [1, 3, 5])).spread is None


def test_every_judge_and_item_has_its_own_verdict() -> None:
    ratings = [*judge(TRUTH), *column("glm", TRUTH[::-1], kind="model"), *column("A", TRUTH)]
    found = calibrate(ratings, resamples=100)
    assert [(c.judge, c.verdict) for c in found] == [("model glm", "do not use"), ("model gpt", "trusted")]


def test_simulated_clients_are_neither_judge_nor_people() -> None:
    with pytest.raises(UsageError, match="by a model and by people"):
        calibrate([*judge(TRUTH), *column("client", TRUTH, kind="client")])


@pytest.mark.parametrize("ratings", [judge(TRUTH), column("A", TRUTH), []])
def test_both_a_model_and_people_are_wanted(ratings: list[Rating]) -> None:
    with pytest.raises(UsageError, match="by a model and by people"):
        calibrate(ratings)


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(UsageError, match="model gpt and people rated nothing in common on 'empathy'"):
        calibrate([*judge([1, None]), *column("A", [None, 1])])


def test_a_flag_must_be_a_yes_or_no_item_that_was_rated() -> None:
    both = [*judge(TRUTH), *column("A", TRUTH)]
    with pytest.raises(UnknownName, match="risk"):
        calibrate(both, flags=["risk"])
    with pytest.raises(UsageError, match="no yes-or-no item"):
        calibrate(both, flags=["empathy"])


def test_judge_and_people_on_different_scales_are_refused() -> None:
    with pytest.raises(UsageError, match="scales 0-6 and 1-7"):
        calibrate([*judge(TRUTH), *column("A", [7, 2], scale=(1, 7))])
