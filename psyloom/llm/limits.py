"""How many requests are in flight, and how much a run may spend."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from psyloom.errors import Stopped, UsageError
from psyloom.llm.model import Answer, Call, Model
from psyloom.llm.prices import Price


@dataclass
class Lane:
    """One base URL: its adaptive limit falls by a third on 429/5xx and grows by one per limit's worth of answers."""

    url: str
    most: float
    limit: float = field(init=False)
    in_flight: int = 0
    pause_until: float = 0.0
    _last_cut: float = 0.0

    def __post_init__(self) -> None:
        self.limit = self.most

    def free(self, now: float) -> bool:
        return self.in_flight + 1 <= self.limit and now >= self.pause_until

    def went_well(self) -> None:
        self.limit = min(self.most, self.limit + 1 / self.limit)

    def was_too_much(self, retry_after: float, cut: bool = True) -> None:
        """Slow down. All answers of one overload are one cut: those within a second of it count once."""
        now = time.monotonic()
        self.pause_until = max(self.pause_until, now + retry_after)
        if cut and now - self._last_cut > 1.0:
            self.limit, self._last_cut = max(1.0, self.limit * 2 / 3), now


class Lanes:
    """Shares calls among the base URLs of one model, the least loaded first, waiters in order."""

    def __init__(self, urls: list[str], most: int) -> None:
        self.all = [Lane(url, float(most)) for url in urls]
        self._waiting: deque[asyncio.Future[Lane]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Lane]:
        """Hold one request's place on a lane."""
        turn: asyncio.Future[Lane] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._serve()
        try:
            lane = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(turn.result())  # the place goes to the next in line
            raise
        try:
            yield lane
        finally:
            self._leave(lane)

    def _leave(self, lane: Lane) -> None:
        lane.in_flight -= 1
        self._serve()

    def _serve(self) -> None:
        """Give free places to those who wait, the first first; a place given counts as taken from then on."""
        now = time.monotonic()
        while self._waiting and (lane := self._pick(now)) is not None:
            turn = self._waiting.popleft()
            if not turn.done():
                lane.in_flight += 1
                turn.set_result(lane)
        rests = [lane.pause_until - now for lane in self.all if lane.pause_until > now]
        if self._waiting and rests:
            if self._timer is not None:
                self._timer.cancel()  # another lane may be back sooner
            self._timer = asyncio.get_running_loop().call_later(min(rests) + 0.001, self._serve)

    def _pick(self, now: float) -> Lane | None:
        free = [lane for lane in self.all if lane.free(now)]
        return min(free, key=lambda lane: (lane.in_flight + 1) / lane.limit) if free else None


@dataclass
class Budget:
    """What a run may spend. Checked before each new call; replayed answers are free.

    calls: requests; cost: US dollars; minutes: wall time; None: no limit. What a call costs is known when it is
    answered, so the calls then in flight may go beyond ``cost``.
    """

    calls: int | None = None
    cost: float | None = None
    minutes: float | None = None
    spent_calls: int = 0
    spent_cost: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    unpriced: int = 0
    stop_reason: str | None = None
    _began: float = field(default_factory=time.monotonic)

    def stop(self, reason: str) -> None:
        """No new call from now on; calls in flight are still answered and journaled."""
        self.stop_reason = self.stop_reason or reason

    def check(self) -> None:
        """Raise Stopped when a limit is reached or somebody called `stop`."""
        if self.calls is not None and self.spent_calls >= self.calls:
            self.stop(f"the budget of {self.calls} calls is spent")
        if self.cost is not None and self.spent_cost >= self.cost:
            self.stop(f"the budget of {self.cost:g} USD is spent")
        if self.minutes is not None and time.monotonic() - self._began >= self.minutes * 60:
            self.stop(f"the {self.minutes:g} minutes are over")
        if self.stop_reason:
            raise Stopped(self.stop_reason, do="the same command continues where this run stopped")


class Budgeted:
    """A model that spends from a budget. Model in, Model out.

    Raises: UsageError when the cost is limited and the price of the model is not known.
    """

    def __init__(self, model: Model, budget: Budget, price: Price | None) -> None:
        if budget.cost is not None and price is None:
            raise UsageError(
                f"the cost is limited and the price of {model.name} is not known", do="give it: --price MODEL=IN/OUT"
            )
        self.model, self.budget, self.price, self.name = model, budget, price, model.name

    async def __call__(self, call: Call, /) -> Answer:
        self.budget.check()
        self.budget.spent_calls += 1
        answer = await self.model(call)
        self.budget.tokens_in += answer.prompt_tokens
        self.budget.tokens_out += answer.completion_tokens
        if self.price is None:
            self.budget.unpriced += 1
            return answer
        cost = self.price.of(answer)
        self.budget.spent_cost += cost
        return replace(answer, cost=cost)

    async def aclose(self) -> None:
        await self.model.aclose()
