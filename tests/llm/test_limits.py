"""How many calls are in flight, who goes first, and what a run may spend."""

import asyncio
import random
import time
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import Stopped, UsageError
from psyloom.llm import Answer, Call
from psyloom.llm.endpoint import Endpoint
from psyloom.llm.journal import Journal, Journaled
from psyloom.llm.limits import Budget, Budgeted, Lane, Lanes
from psyloom.llm.prices import Price
from tests.loopback import Loopback
from tests.support import Scripted

# A lane's limit


def answered(lane: Lane, count: int) -> None:
    for _ in range(count):
        lane.went_well()


def test_the_limit_falls_by_a_third_after_an_overload() -> None:
    lane = Lane("a", 60)
    lane.was_too_much(0.0)
    assert lane.limit == pytest.approx(40)


def test_the_many_answers_of_one_overload_are_one_cut() -> None:
    lane = Lane("a", 60)
    for _ in range(50):
        lane.was_too_much(0.0)
    assert lane.limit == pytest.approx(40)


def test_the_next_overload_is_a_cut_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    lane, clock = Lane("a", 60), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    for _ in range(20):
        lane.was_too_much(0.0)
        clock[0] += 1.5
    assert lane.limit == 1.0, "one call is always tried"


def test_a_failure_that_is_no_overload_leaves_the_limit() -> None:
    lane = Lane("a", 60)
    lane.was_too_much(0.0, cut=False)
    assert lane.limit == 60


def test_the_limit_comes_back_by_one_for_each_limits_worth_of_answers_and_no_further() -> None:
    lane = Lane("a", 60)
    lane.was_too_much(0.0)
    answered(lane, 40)
    assert 40.9 < lane.limit < 41.1
    answered(lane, 2000)
    assert lane.limit == 60


# Lanes


async def hold(lanes: Lanes, seconds: float, log: list[Any], name: Any) -> None:
    async with lanes.slot() as lane:
        log.append(name)
        assert sum(lane.in_flight for lane in lanes.all) <= sum(lane.limit for lane in lanes.all)
        assert lane.in_flight <= lane.limit
        await asyncio.sleep(seconds)


async def test_waiters_are_served_in_their_order() -> None:
    lanes, log = Lanes(["a"], 3), []
    await asyncio.gather(*(hold(lanes, 0.001 * (n % 4), log, n) for n in range(60)))
    assert log == list(range(60))


@pytest.mark.parametrize("waiters", [1, 2, 5])
async def test_one_who_leaves_and_asks_again_at_once_does_not_overtake_those_who_wait(waiters: int) -> None:
    lanes, log = Lanes(["a"], 1), []

    async def twice() -> None:
        await hold(lanes, 0.001, log, "first")
        await hold(lanes, 0.0, log, "again")

    await asyncio.gather(twice(), *(hold(lanes, 0.0, log, n) for n in range(waiters)))
    assert log == ["first", *range(waiters), "again"]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.randoms(use_true_random=False))
def test_no_waiter_is_lost_when_others_give_up(most: int, lanes_count: int, rng: random.Random) -> None:
    async def crowd() -> None:
        lanes, log = Lanes([str(n) for n in range(lanes_count)], most), []
        tasks = [asyncio.create_task(hold(lanes, rng.choice((0, 0.001)), log, n)) for n in range(40)]
        given_up = rng.sample(tasks, 15)
        for task in given_up:
            for _ in range(rng.randint(0, 4)):
                await asyncio.sleep(0)
            task.cancel()
        ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert all(end is None for task, end in zip(tasks, ended, strict=True) if task not in given_up)
        assert all(lane.in_flight == 0 for lane in lanes.all)
        assert [n for n in log if tasks[n] not in given_up] == sorted(n for n in log if tasks[n] not in given_up)

    asyncio.run(crowd())


async def test_a_place_offered_to_one_who_just_gave_up_goes_to_the_next() -> None:
    lanes, log = Lanes(["a"], 1), []
    async with lanes.slot():
        leaver = asyncio.create_task(hold(lanes, 0, log, "leaver"))
        waiter = asyncio.create_task(hold(lanes, 0, log, "waiter"))
        await asyncio.sleep(0)
    leaver.cancel()  # its place is given by now, and not taken yet
    await asyncio.wait_for(waiter, 1)
    assert log == ["waiter"]


async def test_while_a_lane_rests_nobody_is_let_in_and_then_everybody() -> None:
    lanes, log = Lanes(["a"], 4), []
    lanes.all[0].was_too_much(0.15)
    began = time.monotonic()
    await asyncio.gather(*(hold(lanes, 0, log, n) for n in range(9)))
    assert time.monotonic() - began >= 0.15
    assert log == list(range(9))


async def test_a_lane_that_comes_back_sooner_than_the_others_is_not_overslept() -> None:
    lanes, log = Lanes(["a", "b"], 1), []
    lanes.all[0].was_too_much(60.0)
    async with lanes.slot() as lane:
        waiting = asyncio.gather(*(hold(lanes, 0, log, n) for n in range(3)))
        await asyncio.sleep(0.01)
        lane.was_too_much(0.05)
    await asyncio.wait_for(waiting, 1)


async def test_a_rested_lane_takes_waiters_while_another_is_still_full() -> None:
    lanes, log = Lanes(["busy", "rests"], 1), []
    lanes.all[1].was_too_much(0.05)
    async with lanes.slot() as lane:
        assert lane.url == "busy"
        await asyncio.wait_for(hold(lanes, 0, log, "waiter"), 1)


async def test_the_lane_with_more_room_is_chosen() -> None:
    lanes = Lanes(["a", "b"], 8)
    lanes.all[0].limit = 2.0
    async with lanes.slot() as first, lanes.slot() as second, lanes.slot() as third:
        assert [first.url, second.url, third.url] == ["b", "b", "b"]


# The endpoint's concurrency


@pytest.mark.parametrize("concurrency", [1, 5, 16])
async def test_calls_in_flight_never_exceed_the_limit_and_do_reach_it(concurrency: int) -> None:
    async with Loopback(lambda body: "好", latency=0.002).serve() as server:
        model = Endpoint("test:tiny", "tiny", [server.url], concurrency=concurrency)
        await asyncio.gather(*(model(Call([{"role": "user", "content": str(n)}])) for n in range(60)))
        await model.aclose()
    assert server.most_in_flight == concurrency


async def test_after_a_429_fewer_calls_are_in_flight() -> None:
    said = iter([web.Response(status=429)])
    async with Loopback(lambda body: next(said, "好"), latency=0.002).serve() as server:
        model = Endpoint("test:tiny", "tiny", [server.url], concurrency=9, first_wait=0.001)
        await model(Call([{"role": "user", "content": "first"}]))
        server.most_in_flight = 0
        await asyncio.gather(*(model(Call([{"role": "user", "content": str(n)}])) for n in range(6)))
        assert server.most_in_flight == 6
        await asyncio.gather(*(model(Call([{"role": "user", "content": str(n)}])) for n in range(100)))
        assert server.most_in_flight == 9, "and in time as many as before"
        await model.aclose()


# The budget


def call(n: int) -> Call:
    return Call([{"role": "user", "content": str(n)}], scope=str(n))


def priced(cost: float) -> Price:
    """A price at which one call (1000 tokens out) costs ``cost``."""
    return Price(0.0, cost * 1000)


class Counting:
    """Answers everything with 1000 tokens, and counts."""

    name = "counting"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.asked = seconds, 0

    async def __call__(self, call: Call, /) -> Answer:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        return Answer("ok", completion_tokens=1000)

    async def aclose(self) -> None: ...


async def spend(model: Any, count: int, begin: int = 0) -> int:
    """How many of ``count`` calls were answered before the budget stopped them."""
    ends = await asyncio.gather(*(model(call(n)) for n in range(begin, begin + count)), return_exceptions=True)
    assert all(isinstance(end, Answer | Stopped) for end in ends)
    return sum(isinstance(end, Answer) for end in ends)


async def in_turn(model: Any, count: int) -> None:
    for n in range(count):
        await model(call(n))


@pytest.mark.parametrize("calls", [0, 1, 7])
async def test_the_calls_of_a_budget_are_spent_to_the_last_and_not_exceeded(calls: int) -> None:
    model, budget = Counting(0.001), Budget(calls=calls)
    assert await spend(Budgeted(model, budget, None), 20) == calls == model.asked == budget.spent_calls


async def test_no_call_is_made_once_the_cost_is_reached() -> None:
    model, budget = Counting(), Budget(cost=1.0)
    budgeted = Budgeted(model, budget, priced(0.25))
    with pytest.raises(Stopped, match="budget of 1 USD"):
        await in_turn(budgeted, 20)
    assert (model.asked, budget.spent_cost) == (4, 1.0)


async def test_calls_in_flight_when_the_cost_is_reached_are_answered() -> None:
    model, budget = Counting(0.001), Budget(cost=1.0)
    assert await spend(Budgeted(model, budget, priced(0.25)), 6) == 6
    with pytest.raises(Stopped):
        await Budgeted(model, budget, priced(0.25))(call(9))


async def test_no_call_is_made_once_the_minutes_are_over() -> None:
    model, budget = Counting(0.02), Budget(minutes=0.1 / 60)
    budgeted = Budgeted(model, budget, None)
    began = time.monotonic()
    with pytest.raises(Stopped, match="minutes are over"):
        await in_turn(budgeted, 1000)
    assert 0.1 <= time.monotonic() - began < 0.5
    assert 0 < model.asked <= 6


async def test_a_stop_by_hand_keeps_its_reason() -> None:
    budget = Budget(calls=0)
    budget.stop("interrupted")
    with pytest.raises(Stopped, match="interrupted") as caught:
        await Budgeted(Counting(), budget, None)(call(1))
    assert "continues" in caught.value.do


async def test_a_budget_goes_on_where_it_stopped_and_replayed_answers_are_free(tmp_path: Any) -> None:
    model, made = Counting(), 0
    for _ in range(4):
        journal, budget = Journal(tmp_path / "journal.sqlite"), Budget(calls=3)
        journaled = Journaled(Budgeted(model, budget, priced(0.5)), journal)
        answered = await spend(journaled, 10)
        made += budget.spent_calls
        assert model.asked == made
        assert answered == made
        assert journal.replayed == made - budget.spent_calls
        assert budget.spent_cost == 0.5 * budget.spent_calls
        journal.close()
    assert made == 10


async def test_without_a_price_nothing_is_summed_and_the_calls_are_counted_as_unpriced() -> None:
    budget = Budget()
    await spend(Budgeted(Counting(), budget, None), 3)
    assert (budget.unpriced, budget.spent_cost, budget.tokens_out) == (3, 0.0, 3000)


def test_a_limit_of_cost_without_a_price_is_refused() -> None:
    with pytest.raises(UsageError, match="the price of scripted is not known"):
        Budgeted(Scripted(), Budget(cost=1.0), None)
