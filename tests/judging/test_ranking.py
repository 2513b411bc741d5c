"""Ranking: strengths worked out by hand, pairings that keep their promises, Elo by its formula."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.judging.ranking import Match, bradley_terry, connected, elo, rank, rounds_for, swiss


def games(a: str, b: str, won: int, lost: int, tied: int = 0) -> list[Match]:
    scores = [1.0] * won + [0.0] * lost + [0.5] * tied
    return [Match(a, b, score, f"case {n}") for n, score in enumerate(scores)]


def test_three_wins_to_one_mean_a_strength_three_times_as_high() -> None:
    p = bradley_terry(games("A", "B", 3, 1), prior=0)
    assert p["A"] / p["B"] == pytest.approx(3, rel=1e-6)
    assert p["A"] * p["B"] == pytest.approx(1)


def test_a_tie_is_half_a_win_for_both() -> None:
    p = bradley_terry(games("A", "B", 2, 0, tied=2), prior=0)  # 3 : 1
    assert p["A"] / p["B"] == pytest.approx(3, rel=1e-6)


def test_strengths_multiply_along_a_chain() -> None:
    """Without a direct comparison of A and C: A is twice B, B is three times C, so A is six times C."""
    p = bradley_terry([*games("A", "B", 2, 1), *games("B", "C", 3, 1)], prior=0)
    assert p["A"] / p["B"] == pytest.approx(2, rel=1e-5)
    assert p["A"] / p["C"] == pytest.approx(6, rel=1e-5)


def test_at_the_maximum_everybody_has_won_as_often_as_expected() -> None:
    matches = [*games("A", "B", 5, 2), *games("B", "C", 4, 3), *games("C", "A", 3, 6)]
    p = bradley_terry(matches, prior=0)
    expected = dict.fromkeys(p, 0.0)
    for match in matches:
        expected[match.a] += p[match.a] / (p[match.a] + p[match.b])
        expected[match.b] += p[match.b] / (p[match.a] + p[match.b])
    assert expected == pytest.approx({"A": 11, "B": 6, "C": 6}, abs=1e-4)


def test_who_won_everything_has_a_finite_strength_with_a_prior_and_none_without() -> None:
    with pytest.raises(UsageError, match="no finite value"):
        bradley_terry(games("A", "B", 4, 0), prior=0)
    p = bradley_terry(games("A", "B", 4, 0), prior=0.5)
    # By symmetry p_B = 1 / p_A = 1 / q; A's equation: 4.5 = 4 q / (q + 1/q) + 2 * 0.5 * q / (q + 1).
    q = p["A"]
    assert p["B"] == pytest.approx(1 / q)
    assert 4 * q / (q + 1 / q) + q / (q + 1) == pytest.approx(4.5, abs=1e-6)


def test_points_put_the_average_at_1000_and_odds_of_ten_to_one_400_apart() -> None:
    ranks = rank(games("A", "B", 1000, 100), prior=1e-9, resamples=0)
    assert [one.name for one in ranks] == ["A", "B"]
    assert ranks[0].points.value - ranks[1].points.value == pytest.approx(400, abs=0.1)
    assert ranks[0].points.value + ranks[1].points.value == pytest.approx(2000)
    assert (ranks[1].wins, ranks[1].ties, ranks[1].losses) == (100, 0, 1000)
    assert ranks[1].share == pytest.approx(1 / 11)


def test_an_interval_holds_the_value_and_shrinks_with_more_cases() -> None:
    few, many = (rank(games("A", "B", 3 * n, n), seed=1)[0].points for n in (3, 60))
    for points in (few, many):
        assert points.low < points.value < points.high
    assert many.high - many.low < few.high - few.low
    assert rank(games("A", "B", 3, 1), seed=7) == rank(games("A", "B", 3, 1), seed=7)


def test_comparisons_about_one_case_are_resampled_together_so_that_one_case_has_no_interval() -> None:
    alone = [Match("A", "B", score, "only") for score in (1, 0, 1)]
    found = rank(alone)[0]
    assert found.points.low != found.points.low  # NaN
    assert found.best is None


def test_the_best_is_told_with_its_share_of_resamples() -> None:
    found = rank([*games("A", "B", 30, 2), *games("B", "C", 16, 16), *games("A", "C", 29, 3)])
    assert found[0].name == "A"
    assert found[0].best == 1
    assert sum(one.best or 0 for one in found) == pytest.approx(1)


def test_what_is_no_comparison_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to rank"):
        rank([])
    with pytest.raises(UsageError, match="no comparison of two"):
        Match("A", "A", 1)
    with pytest.raises(UsageError, match="no comparison of two"):
        Match("A", "B", 2)


def test_neighbors_in_the_standing_meet_and_rematches_are_avoided() -> None:
    first = swiss("ABCD", set())
    assert first
    assert first.pairs == (("A", "B"), ("C", "D"))
    second = swiss("ACBD", {frozenset("AB"), frozenset("CD")})
    assert second
    assert second.pairs == (("A", "C"), ("B", "D"))


def test_pairing_goes_back_when_the_nearest_choice_would_leave_two_who_have_met() -> None:
    met = {frozenset("CD")}  # A-B would leave C-D
    found = swiss("ABCD", met)
    assert found
    assert found.pairs == (("A", "C"), ("B", "D"))


def test_the_last_who_has_not_paused_pauses_in_an_odd_field() -> None:
    found = swiss("ABC", set(), byes={"C"})
    assert found
    assert (found.pairs, found.bye) == ((("A", "C"),), "B")


@given(st.integers(2, 9), st.randoms())
def test_no_round_has_a_rematch_or_a_second_pause_whatever_the_standing(many: int, rng: Random) -> None:
    names = [f"c{n}" for n in range(many)]
    met: set[frozenset[str]] = set()
    byes: set[str] = set()
    for _ in range(rounds_for(many)):
        rng.shuffle(names)
        found = swiss(names, met, byes)
        assert found is not None or met
        if found is None:
            break
        fresh = {frozenset(pair) for pair in found.pairs}
        assert len(fresh) == many // 2
        assert not fresh & met
        assert found.bye not in byes
        met |= fresh
        if found.bye:
            byes.add(found.bye)


def test_two_play_once_three_everybody_eight_four_rounds() -> None:
    assert [rounds_for(many) for many in (1, 2, 3, 4, 8)] == [0, 1, 3, 3, 4]
    assert swiss("AB", {frozenset("AB")}) is None


def test_who_never_met_even_by_way_of_others_is_not_connected() -> None:
    assert connected("ABC", {frozenset("AB"), frozenset("BC")})
    assert not connected("ABCD", {frozenset("AB"), frozenset("CD")})


def test_elo_moves_equals_by_half_of_k_and_follows_its_formula() -> None:
    assert elo([Match("A", "B", 1)], shuffles=0) == {"A": 1016, "B": 984}
    # Second game: A is expected to score 1 / (1 + 10^(-32/400)) = 0.5460; loses 32 * 0.5460 = 17.47.
    assert elo([Match("A", "B", 1), Match("A", "B", 0)], shuffles=0)["A"] == pytest.approx(998.53, abs=0.01)


def test_elo_over_many_orders_is_reproducible_and_keeps_the_sum_of_points() -> None:
    matches = [*games("A", "B", 6, 2), *games("B", "C", 5, 5), *games("C", "A", 1, 7)]
    found = elo(matches, seed=3)
    assert found == elo(matches, seed=3)
    assert sum(found.values()) == pytest.approx(3000)
    assert found["A"] > found["B"]
    assert elo(matches, shuffles=0) != elo(list(reversed(matches)), shuffles=0)
