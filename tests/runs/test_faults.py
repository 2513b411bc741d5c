"""A run against a server that fails in every way at once: each case ends well or with its reason."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from psyloom.errors import EndpointRejects, FolderTrouble
from psyloom.llm.endpoint import Endpoint
from psyloom.llm.journal import Journal
from psyloom.llm.limits import Budget
from psyloom.records import Case, Dialogue, Post, read_jsonl, write_jsonl
from psyloom.runs import Summary, run_cases
from psyloom.runs.report import write_report
from tests.loopback import Loopback, completion, deterministic, digest

CASES = 120
OPTIONS = {"max_exchanges": 3}
TURNS, CALLS = 6, 5  # three exchanges; the client's greeting costs no call


def cases_in(folder: Path, count: int = CASES) -> Path:
    path = folder / "cases.jsonl"
    write_jsonl(
        path,
        (Case(id=f"case-{n}", lang="en", post=Post(text=f"I have been awake for {n} nights.")) for n in range(count)),
    )
    return path


def faulty(refused: float = 0.01) -> Callable[[dict[str, Any]], Any]:
    """Fails by a seed of request and attempt: 30 % overload, 5 % dropped, 5 % cut off, 1 % refused by a filter."""
    attempts: Counter[str] = Counter()

    def answer(body: dict[str, Any]) -> Any:
        request = digest(body)
        attempts[request] += 1
        fate = random.Random(f"{request}/{attempts[request]}").random()
        if fate < 0.30:
            return web.Response(status=(429, 500, 503)[int(fate * 10)])
        if fate < 0.35:
            return None
        if fate < 0.40:
            return web.Response(text=json.dumps(completion(deterministic(body)))[:60], content_type="application/json")
        if fate < 0.40 + refused:
            return completion("", "content_filter")
        return deterministic(body)

    return answer


async def run_against(server: Loopback, folder: Path, **more: Any) -> Summary:
    async with server.serve():
        # A name of its own: each start of the server has another port.
        model = Endpoint("loopback", "tiny", [server.url], first_wait=0.002)
        return await run_cases(
            "interactive_agents", cases_in(folder), folder / "run", models=model, options=OPTIONS, **more
        )


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Loopback, Summary, set[Any]]:
    """One run of 120 self-play dialogues: its folder, the server, the summary, and the tasks it left behind."""
    folder, server = tmp_path_factory.mktemp("faults"), Loopback(faulty())

    async def main() -> tuple[Summary, set[Any]]:
        summary = await run_against(server, folder)
        return summary, asyncio.all_tasks() - {asyncio.current_task()}

    summary, left = asyncio.run(main())
    return folder / "run", server, summary, left


def test_the_run_comes_to_its_end_and_leaves_nothing_running(ended: Any) -> None:
    _, _, summary, left = ended
    assert summary.stopped is None
    assert left == set()


def test_every_case_ends_as_a_dialogue_or_as_a_failure_with_its_reason(ended: Any) -> None:
    out, _, _, _ = ended
    dialogues = [dialogue.id for dialogue in read_jsonl(out / "dialogues.jsonl", Dialogue)]
    failures = rows(out / "failures.jsonl")
    assert sorted([*dialogues, *(row["id"] for row in failures)]) == sorted(f"case-{n}" for n in range(CASES))
    assert {row["reason"] for row in failures} <= {"Refused", "EndpointDown"}
    assert all(row["detail"] for row in failures)
    assert any(row["reason"] == "Refused" for row in failures)
    assert len(dialogues) > CASES / 2


def test_the_counts_add_up(ended: Any) -> None:
    out, _, summary, _ = ended
    failures = rows(out / "failures.jsonl")
    assert (summary.dialogues, summary.failures) == (len(rows(out / "dialogues.jsonl")), len(failures))
    assert summary.dialogues + summary.failures == summary.progress.done == CASES
    assert summary.reasons == Counter(row["reason"] for row in failures)
    assert summary.progress.failed == summary.failures


def test_a_run_whose_price_is_not_known_tells_no_cost(ended: Any) -> None:
    _, _, summary, _ = ended
    assert summary.progress.cost is None
    assert summary.tokens_out > 0


def test_no_dialogue_shows_what_the_calls_went_through(ended: Any) -> None:
    out, _, _, _ = ended
    for dialogue in read_jsonl(out / "dialogues.jsonl", Dialogue):
        assert len(dialogue.turns) == TURNS
        assert all(turn.text for turn in dialogue.turns)
        assert dialogue.quality.rejected == 0
        assert dialogue.quality.calls == CALLS


def test_every_answer_that_was_used_is_in_the_journal_once(ended: Any) -> None:
    out, _, summary, _ = ended
    used = sum(dialogue.quality.calls for dialogue in read_jsonl(out / "dialogues.jsonl", Dialogue))
    used += sum(len(row["attempts"]) for row in rows(out / "failures.jsonl"))
    with closing(Journal(out / "journal.sqlite")) as journal:
        assert journal.db.execute("SELECT count(*) FROM answers").fetchone()[0] == used
    assert summary.progress.calls == used + summary.failures


def test_the_same_faults_give_the_same_dialogues(ended: Any, tmp_path: Path) -> None:
    out, _, _, _ = ended
    asyncio.run(run_against(Loopback(faulty(refused=0.0)), tmp_path))
    first, again = (
        {d.id: [t.text for t in d.turns] for d in read_jsonl(path / "dialogues.jsonl", Dialogue)}
        for path in (out, tmp_path / "run")
    )
    assert all(first[id_] == again[id_] for id_ in first.keys() & again.keys())


def test_started_again_only_what_failed_is_asked_for(ended: Any) -> None:
    out, _, summary, _ = ended
    before, server = (out / "dialogues.jsonl").read_bytes(), Loopback(deterministic)
    again = asyncio.run(run_against(server, out.parent))
    assert (again.dialogues, again.failures, again.stopped) == (CASES, 0, None)
    assert (out / "dialogues.jsonl").read_bytes().startswith(before)
    assert len(server.requests) <= CALLS * summary.failures
    assert again.progress.calls == len(server.requests)


def test_a_server_that_never_works_stops_the_run_long_before_its_last_case(tmp_path: Path) -> None:
    summary = asyncio.run(run_against(Loopback(lambda body: web.Response(status=503)), tmp_path, concurrency=4))
    assert isinstance(summary.stopped, EndpointRejects)
    assert summary.progress.done < CASES / 2
    assert summary.dialogues == 0


def test_a_rejected_key_stops_the_run_and_costs_no_case(tmp_path: Path) -> None:
    server = Loopback(lambda body: web.Response(status=401, text="invalid key"))
    summary = asyncio.run(run_against(server, tmp_path, concurrency=8))
    assert isinstance(summary.stopped, EndpointRejects)
    assert (summary.dialogues, summary.failures) == (0, 0)
    assert len(server.requests) <= 8


def test_a_budget_of_calls_is_kept_through_all_faults_and_the_run_goes_on_later(tmp_path: Path) -> None:
    async def starts() -> list[Summary]:
        server = Loopback(faulty(refused=0.0))
        return [await run_against(server, tmp_path, budget=Budget(calls=calls)) for calls in (200, 200, None)]

    first, second, last = asyncio.run(starts())
    assert (first.progress.calls, second.progress.calls) == (200, 200)
    assert first.stopped
    assert second.stopped
    assert (last.stopped, last.dialogues) == (None, CASES - last.failures)
    with closing(Journal(tmp_path / "run/journal.sqlite")) as journal:
        answered = journal.db.execute("SELECT count(*) FROM answers").fetchone()[0]
    every = (first, second, last)
    assert sum(s.progress.calls for s in every) == answered + sum(s.progress.failed for s in every)


def test_a_full_disk_stops_the_run_and_what_was_written_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Journal.__init__

    def small(journal: Journal, path: Path) -> None:
        opened(journal, path)
        journal.db.execute("PRAGMA max_page_count=20")

    monkeypatch.setattr(Journal, "__init__", small)
    summary = asyncio.run(run_against(Loopback(deterministic), tmp_path, concurrency=4))
    assert isinstance(summary.stopped, FolderTrouble)
    assert 0 < summary.dialogues < CASES
    assert all(len(d.turns) == TURNS for d in read_jsonl(tmp_path / "run/dialogues.jsonl", Dialogue))
    monkeypatch.undo()
    again = asyncio.run(run_against(Loopback(deterministic), tmp_path))
    assert (again.dialogues, again.failures, again.stopped) == (CASES, 0, None)


KEY = "sk-kept-between-us-4711"


def test_the_key_is_in_no_file_of_a_run_even_if_the_server_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSYLOOM_API_KEY", KEY)
    seen: list[str] = []

    def answer(body: dict[str, Any]) -> Any:
        seen.append(server.headers[-1]["Authorization"])
        said = {"error": {"message": f"Received API Key = {KEY}"}}
        fate = len(seen) % 7
        if fate in (0, 1):
            return web.json_response(said, status=(400, 500)[fate])
        return (
            web.json_response({"error": {"code": "content_filter", "message": KEY}}, status=400)
            if fate == 2
            else deterministic(body)
        )

    server, cases, out = Loopback(answer), cases_in(tmp_path, 20), tmp_path / "run"

    async def main() -> Summary:
        async with server.serve():
            return await run_cases(
                "interactive_agents", cases, out, models=f"{server.url}#tiny", options=OPTIONS, concurrency=2
            )

    summary = asyncio.run(main())
    write_report(out)
    assert seen[0] == f"Bearer {KEY}"
    assert {row["reason"] for row in rows(out / "failures.jsonl")} == {"Refused", "EndpointDown"}
    assert "Received API Key = ***" in (out / "failures.jsonl").read_text("utf-8")
    assert {path.name for path in out.iterdir()} >= {
        "run.toml",
        "journal.sqlite",
        "dialogues.jsonl",
        "traces.jsonl",
        "failures.jsonl",
        "report.html",
    }
    assert all(KEY.encode() not in path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert KEY not in repr(summary)
