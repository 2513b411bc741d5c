"""What prompts read of a talk: windows of the last messages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents import Talk
from psyloom.agents.talk import TalkView
from psyloom.records import Dialogue, Session, Turn


def view(count: int) -> TalkView:
    turns = [Turn.client(f"c{n}") if n % 2 else Turn.counselor(f"t{n}") for n in range(count)]
    return TalkView(Talk(Dialogue(id="1", lang="en", sessions=[Session(turns=turns)])), "en")


def window(count: int, last: int, *, steady: bool) -> list[str]:
    return view(count).lines(last=last, steady=steady).splitlines()


@given(st.integers(1, 60), st.integers(1, 20))
def test_a_window_shows_the_last_messages_as_many_as_it_holds(count: int, last: int) -> None:
    assert window(count, last, steady=False) == view(count).lines().splitlines()[-last:]


@given(st.integers(1, 60), st.integers(1, 20))
def test_a_steady_window_shows_no_more_than_it_holds_and_at_most_two_messages_fewer(count: int, last: int) -> None:
    shown = window(count, last, steady=True)
    assert shown == view(count).lines().splitlines()[-len(shown) :]
    assert min(count, max(last - 2, 1)) <= len(shown) <= last


@given(st.integers(1, 30), st.integers(1, 20))
def test_a_steady_window_is_full_whenever_its_beginning_moves_next(count: int, last: int) -> None:
    now, then = (window(n, last, steady=True) for n in (count, count + 2))
    assert now[0] == then[0] or len(now) >= last - 1


@pytest.mark.parametrize(("last", "moves"), [(5, 4), (6, 4), (8, 4), (12, 4)])
def test_a_steady_window_moves_on_by_whole_exchanges(last: int, moves: int) -> None:
    begins = [count - len(window(count, last, steady=True)) for count in range(last + 1, 60, 2)]
    assert {later - earlier for earlier, later in pairwise(begins)} == {0, moves}
