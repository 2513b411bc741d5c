"""What it took is counted wherever it went: to dialogues, to what is written once for many of them, to cases that failed."""

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from psyloom.llm import Answer, Call
from psyloom.llm.limits import Budget
from psyloom.llm.prices import Price
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Post, write_jsonl
from psyloom.runs import run_cases
from psyloom.runs.report import write_report
from tests.runs.test_report import words_of
from tests.runs.workshop import CODE, Ended, cases, make_system, psyloom

REPLY = '        return Turn.counselor(await ask("counselor", talk=talk))'
LOUD = f"""
        from psyloom.agents.script import reject
        await ask("label", text="Hm?", check=lambda answer: reject(ask, "loud", "it is too loud"))
{REPLY}"""
ONCE = f"""
        tries = []

        def better(answer):
            tries.append(answer)
            return "once more" if len(tries) < NEEDED else None

        await ask.once("who", "label", str, check=better, text="Who am I?")
{REPLY}"""


def run(tmp_path: Path, code: str, *more: object, out: str = "out", many: int = 6) -> Ended:
    """Cases in English with a system whose counselor replies by ``code``."""
    home = tmp_path / "systems"
    slug = next(home.iterdir()).name if home.exists() else make_system(home, code=CODE.replace(REPLY, code))
    file = cases(tmp_path / "c.jsonl", many, "en")
    words = ("--systems", home, "run", slug, file, "--out", tmp_path / out, "--set", "max_exchanges=2")
    return psyloom(*words, *more)


def rows(file: Path) -> list[dict[str, Any]]:
    return [from_json(line) for line in file.read_bytes().splitlines()]


def test_the_rules_that_a_failed_case_broke_stand_in_its_line_the_summary_and_the_report(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, LOUD, "--json", many=2).out)
    assert told["guards"] == {"script: loud": 6}
    assert "rules broken there: 6 x script: loud" in run(tmp_path, LOUD, many=2).out
    for failed in rows(tmp_path / "out" / "failures.jsonl"):
        assert (failed["guards"], failed["fault"]) == ({"script: loud": 3}, "it is too loud")
    seen = words_of((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert "AnswerRejected 2" in seen
    assert "script: loud 6" in seen


def test_what_never_comes_right_leaves_its_attempts_with_every_case_and_its_counts_with_one(tmp_path: Path) -> None:
    code = LOUD.replace('ask("label"', 'ask.once("who", "label", str')
    told = json.loads(run(tmp_path, code, "--json", many=3).out)
    for failed in rows(tmp_path / "out" / "failures.jsonl"):
        assert [asked["rejected"] for asked in failed["attempts"]] == [None] + ["it is too loud"] * 3
        assert failed["attempts"][-1]["messages"][0]["content"] == "Hm?"
    assert told["guards"] == {"script: loud": 3}
    assert told["calls"] == 3 + 3, "each client speaks once, the label is asked for three times in all"
    assert "answered calls, all starts of the run 6" in words_of((tmp_path / "out" / "report.html").read_text("utf-8"))


def test_what_is_written_once_keeps_its_calls_and_its_trace_once_over_several_starts(tmp_path: Path) -> None:
    code = ONCE.replace("NEEDED", "2")
    for limit in (2, 4, 6):
        assert run(tmp_path, code, "--limit", limit).code == 0
    (made,) = rows(tmp_path / "out" / "artefacts.jsonl")
    assert (made["quality"]["calls"], made["quality"]["rejected"]) == (2, 1)
    traces = rows(tmp_path / "out" / "traces.jsonl")
    assert [trace["dialogue"] for trace in traces] == [made["id"], *(f"case-{n}" for n in range(6))]
    assert [asked["rejected"] for asked in traces[0]["calls"]] == ["once more", None]
    assert traces[0]["calls"][0]["messages"][0]["content"] == "Who am I?"


def test_the_trace_of_what_is_written_once_survives_a_kill(tmp_path: Path) -> None:
    code = ONCE.replace("NEEDED", "1")
    run(tmp_path, code)
    whole = (tmp_path / "out" / "traces.jsonl").read_bytes()
    journal = sqlite3.connect(tmp_path / "out" / "journal.sqlite")  # as if killed before the first case was written
    journal.execute("DELETE FROM outcomes")
    journal.commit()
    journal.close()
    run(tmp_path, code)
    assert (tmp_path / "out" / "traces.jsonl").read_bytes() == whole


def test_without_traces_what_is_written_once_has_none_either(tmp_path: Path) -> None:
    assert run(tmp_path, ONCE.replace("NEEDED", "1"), "--no-traces").code == 0
    assert (tmp_path / "out" / "traces.jsonl").read_bytes() == b""


def test_the_report_counts_the_calls_that_the_run_told(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, ONCE.replace("NEEDED", "3"), "--json").out)
    seen = words_of((tmp_path / "out" / "report.html").read_text("utf-8"))
    spent = sum(row["quality"]["calls"] for row in rows(tmp_path / "out" / "dialogues.jsonl"))
    assert f"answered calls, all starts of the run {told['calls']}" in seen
    assert f"calls in these dialogues {spent} calls for what was written once 3" in seen
    assert told["calls"] == spent + 3
    assert "answers asked for again 2" in seen


async def test_the_report_tells_tokens_and_cost_of_all_starts_and_says_when_a_price_is_not_known(
    tmp_path: Path,
) -> None:
    write_jsonl(
        tmp_path / "cases.jsonl",
        [Case(id=f"c{n}", lang="en", post=Post(text=f"I cannot sleep, {n}.")) for n in range(2)],
    )
    counted = Counted()
    options, prices = {"max_exchanges": "2"}, {"*": Price(prompt=10.0, completion=100.0)}
    for limit in (1, 2):
        await run_cases(
            "interactive_agents", tmp_path / "cases.jsonl", tmp_path / "out", models=counted, options=options,
            limit=limit, prices=prices, budget=Budget(),
        )  # fmt: skip
    write_report(tmp_path / "out")
    seen = words_of((tmp_path / "out/report.html").read_text("utf-8"))
    assert f"tokens read and written {1000 * counted.calls:,} / {10 * counted.calls:,}" in seen
    assert f"cost {counted.calls * (1000 * 10 + 10 * 100) / 1e6:.4f} USD" in seen
    await run_cases(
        "interactive_agents", tmp_path / "cases.jsonl", tmp_path / "unpriced", models=Counted(), options=options
    )
    write_report(tmp_path / "unpriced")
    assert "not known: no price" in words_of((tmp_path / "unpriced/report.html").read_text("utf-8"))


async def test_progress_is_told_every_second_before_the_first_case_is_settled(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [Case(id="c", lang="en", post=Post(text="I cannot sleep."))])
    told: list[tuple[int, int]] = []
    await run_cases(
        "interactive_agents", tmp_path / "cases.jsonl", tmp_path / "out", models=Counted(pause=0.5),
        options={"max_exchanges": "3"}, on_progress=lambda p: told.append((p.done, p.calls)),
    )  # fmt: skip
    before = [calls for done, calls in told if done == 0]
    assert len(before) >= 1
    assert before[0] >= 1


class Counted:
    """The rehearsal, of which every answer has read 1,000 tokens and written 10, after a pause."""

    name = "counted"

    def __init__(self, pause: float = 0.0) -> None:
        self.calls, self.pause, self._model = 0, pause, Rehearsal()

    async def __call__(self, call: Call, /) -> Answer:
        self.calls += 1
        await asyncio.sleep(self.pause)
        return replace(await self._model(call), prompt_tokens=1000, completion_tokens=10)

    async def aclose(self) -> None: ...
