"""Systems that ask several agents at once: what was sent is paid for, so its answer is kept, whatever becomes of the rest."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from psyloom.agents.together import gather
from psyloom.errors import Refused
from psyloom.llm import Answer, Call
from psyloom.llm.limits import Budget
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, read_jsonl, to_line, write_jsonl
from psyloom.records.dialogue import Quality
from psyloom.runs import run_cases
from psyloom.systems import find_system

SPECIALISTS = ("reflection", "questioning", "solutions", "normalization", "psychoeducation")


class Slow:
    """The rehearsal; each specialist takes a while of its own, and some prompt may be refused."""

    name = "slow"

    def __init__(self, refused: str = "", order: tuple[str, ...] = SPECIALISTS) -> None:
        self.sent: list[str] = []
        self.answered: list[str] = []
        self.refused, self.order = refused, order
        self._model = Rehearsal()

    async def __call__(self, call: Call, /) -> Answer:
        self.sent.append(call.prompt)
        if call.prompt == self.refused:
            raise Refused("the content filter refused", do="leave the case out")
        if call.prompt in self.order:
            await asyncio.sleep(0.01 * (1 + self.order.index(call.prompt)))
        answer = await self._model(call)
        self.answered.append(call.prompt)
        return answer

    async def aclose(self) -> None: ...


@pytest.fixture
def one_case(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "cases.jsonl", [next(iter(read_jsonl(find_system("magnet").cases(), Case)))])
    return tmp_path / "cases.jsonl"


async def run(cases: Path, out: Path, model: Slow, **more: Any) -> Any:
    return await run_cases("magnet", cases, out, models=model, options={"max_exchanges": "2"}, **more)


async def test_all_come_to_their_end_before_the_first_failure_is_raised() -> None:
    done: list[int] = []

    async def one(n: int) -> int:
        await asyncio.sleep(0.01 * n)
        done.append(n)
        if n == 1:
            raise ValueError("first")
        return n

    with pytest.raises(ValueError, match="first"):
        await gather(*(one(n) for n in range(4)))
    assert done == [0, 1, 2, 3]
    assert await gather(one(3), one(0)) == [3, 0]


async def test_a_refusal_loses_no_answer_of_those_asked_beside_it_and_leaves_nothing_running(
    one_case: Path, tmp_path: Path
) -> None:
    first = Slow(refused="reflection")
    summary = await run(one_case, tmp_path / "out", first)
    assert (summary.dialogues, summary.failures) == (0, 1)
    assert set(first.answered) >= set(SPECIALISTS) - {"reflection"}
    assert len(asyncio.all_tasks()) == 1
    again, whole = Slow(), Slow()
    assert (await run(one_case, tmp_path / "out", again)).dialogues == 1
    await run(one_case, tmp_path / "whole", whole)
    assert Counter(first.answered) + Counter(again.sent) == Counter(whole.sent)


async def test_a_run_that_stops_at_its_budget_moves_on_with_every_start_and_pays_for_nothing_twice(
    one_case: Path, tmp_path: Path
) -> None:
    whole = Slow()
    await run(one_case, tmp_path / "whole", whole)
    sent: list[str] = []
    for _ in range(len(whole.sent)):
        part = Slow()
        summary = await run(one_case, tmp_path / "out", part, budget=Budget(calls=4))
        sent += part.sent
        if summary.dialogues:
            break
    assert sorted(sent) == sorted(whole.sent)
    assert (tmp_path / "out/dialogues.jsonl").read_bytes() == (tmp_path / "whole/dialogues.jsonl").read_bytes()


async def test_whichever_answer_comes_first_dialogues_and_traces_are_the_same(one_case: Path, tmp_path: Path) -> None:
    for name, order in (("a", SPECIALISTS), ("b", SPECIALISTS[::-1])):
        await run(one_case, tmp_path / name, Slow(order=order))
    for file in ("dialogues.jsonl", "traces.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_counts_of_guards_are_written_in_order_of_their_names() -> None:
    made = [Dialogue(id="d", lang="en", quality=Quality(guards=dict(order))) for order in
            ([("b", 1), ("a", 2)], [("a", 2), ("b", 1)])]  # fmt: skip
    assert to_line(made[0]) == to_line(made[1])
    assert list(json.loads(to_line(made[0]))["quality"]["guards"]) == ["a", "b"]
