import math

import numpy as np
import pytest

from psyloom.errors import UsageError
from psyloom.judging.agreement import tables
from psyloom.records import ItemRating, Rater, Rating, Subject
from tests.judging.agreement.given import column, rating


def test_one_table_for_each_item_with_a_row_for_each_thing_rated() -> None:
    found = tables([*column("B", [1, None, 3]), *column("A", [2, 4, None]), *column("A", [5], item="agenda"),
                    *column("B", [6], item="agenda")])  # fmt: skip
    assert [(t.item, t.raters, t.units) for t in found] == [
        ("empathy", ("human A", "human B"), ("d0", "d2", "d1")),
        ("agenda", ("human A", "human B"), ("d0",)),
    ]
    assert found[0].rows == ((2, 1), (None, 3), (4, None))
    assert found[0].missing() == pytest.approx(2 / 6)


def test_a_failed_judgment_is_missing_and_counted_never_a_number() -> None:
    (found,) = tables([*column("A", [1, 2]), rating("B", "d0", 1), rating("B", "d1")])
    assert found.failed == 1
    assert np.array_equal(found.numbers(), [[1, 1], [2, math.nan]], equal_nan=True)


def test_sessions_turns_and_pairs_are_things_of_their_own() -> None:
    def about(rater: str, value: int, **subject: object) -> Rating:
        return Rating(
            id="r",
            subject=Subject(dialogue="d", **subject),
            rater=Rater(kind="human", name=rater),
            instrument="x",
            items=[ItemRating(item="i", value=value)],
        )

    given = [about(r, 1, **s) for r in "AB" for s in ({}, {"session": 0, "turn": 2}, {"against": "e"})]
    (found,) = tables(given)
    assert found.units == ("d", "d session 0 turn 2", "d against e")


def test_repeated_judgments_become_their_mean() -> None:
    (found,) = tables([rating("A", "d", v, sample=i) for i, v in enumerate((1, 2, 6))] + [rating("B", "d", 3)])
    assert found.rows == ((3.0, 3),)


def test_repeated_judgments_can_be_raters_of_their_own() -> None:
    ratings = [rating("A", "d", v, sample=i) for i, v in enumerate((1, 2))]
    (found,) = tables(ratings, repeats="raters")
    assert found.raters == ("human A #0", "human A #1")
    assert tables([*ratings, rating("B", "d", 3)], repeats="first")[0].rows == ((1, 3),)


def test_repeated_words_and_flags_become_the_most_frequent_one() -> None:
    words = [rating("A", "d", v, sample=i, scale=None) for i, v in enumerate(("x", "y", "y"))]
    flags = [rating("A", "d", v, sample=i, scale=(0, 1), item="f", instrument="g") for i, v in enumerate((0, 1, 1))]
    other = [rating("B", "d", "y", scale=None), rating("B", "d", 1, scale=(0, 1), item="f", instrument="g")]
    assert [table.rows for table in tables([*words, *flags, *other])] == [(("y", "y"),), ((1, 1),)]


def test_an_item_given_several_times_in_one_rating_is_a_set() -> None:
    (found,) = tables([rating("A", "d", "fear", "guilt", scale=None), rating("B", "d", "fear", scale=None)])
    assert found.rows == ((frozenset({"fear", "guilt"}), "fear"),)


def test_a_perspective_makes_another_rater() -> None:
    ratings = [rating("A", "d", 1), rating("A", "d", 2)]
    ratings[1].rater.perspective = "client"
    assert tables(ratings)[0].raters == ("human A", "human A (client)")


def test_no_ratings_are_an_error() -> None:
    with pytest.raises(UsageError, match="no ratings"):
        tables([])


def test_one_rater_is_an_error_that_names_item_and_rater() -> None:
    with pytest.raises(UsageError, match="item 'empathy' of 'ctrs' has 1 rater: human A"):
        tables(column("A", [1, 2]))


def test_two_versions_of_an_instrument_are_not_put_together() -> None:
    with pytest.raises(UsageError, match="versions '1' and '2'"):
        tables([rating("A", "d", 1), rating("B", "d", 1, version="2")])


def test_two_scales_of_an_instrument_are_not_put_together() -> None:
    with pytest.raises(UsageError, match="scales 0-6 and 1-7"):
        tables([rating("A", "d", 1), rating("B", "d", 1, scale=(1, 7))])


def test_a_value_outside_the_scale_is_refused_even_when_its_rating_states_none() -> None:
    with pytest.raises(UsageError, match="'empathy' 7, outside the scale 0-6"):
        tables([rating("A", "d", 1), rating("B", "d", 7, scale=None)])


def test_the_same_judgment_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="human A rated 'empathy' of 'ctrs' on d twice"):
        tables([rating("A", "d", 1), rating("A", "d", 2), rating("B", "d", 2)])


def test_words_are_no_numbers() -> None:
    (found,) = tables([rating("A", "d", "good", scale=None), rating("B", "d", 1, scale=None)])
    with pytest.raises(UsageError, match="'good', which is no number"):
        found.numbers()
