"""A run settles every case: each becomes a dialogue or a failure with its reason, in the order of the file."""

import asyncio
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from psyloom.errors import BadRecord, EndpointRejects, Stopped, UnknownName
from psyloom.llm.limits import Budget
from psyloom.records import Case, Dialogue, Label, Post, Session, Turn, to_line, write_jsonl
from psyloom.runs import Summary, run_cases
from psyloom.runs.folder import Outcome, RunFolder
from tests.loopback import Loopback, completion, deterministic, digest
from tests.runs.workshop import CODE, TALK, case, cases, dialogues, make_system, psyloom

SHORT = {"max_exchanges": 3}


def rows(file: Path) -> list[dict[str, Any]]:
    return [from_json(line) for line in file.read_bytes().splitlines()]


async def play(file: Path, out: Path, url: str, **more: Any) -> Summary:
    """Short talks of interactive_agents, answered by a loopback server."""
    return await run_cases("interactive_agents", file, out, options=SHORT, models=f"{url}#tiny", **more)


async def test_the_same_seed_gives_the_same_bytes_whatever_the_concurrency(tmp_path: Path) -> None:
    file = cases(tmp_path / "cases.jsonl", 40)
    for at_once in (1, 7, 64):
        await run_cases("interactive_agents", file, tmp_path / str(at_once), options=SHORT, concurrency=at_once, seed=3)
    alone = (tmp_path / "1" / "dialogues.jsonl").read_bytes()
    assert len(alone.splitlines()) == 40
    assert (
        (tmp_path / "7" / "dialogues.jsonl").read_bytes() == alone == (tmp_path / "64" / "dialogues.jsonl").read_bytes()
    )


async def test_another_seed_gives_other_dialogues(tmp_path: Path) -> None:
    file = cases(tmp_path / "cases.jsonl", 4)
    for seed in (0, 1):
        await run_cases("interactive_agents", file, tmp_path / str(seed), options=SHORT, seed=seed)
    one, other = ([[t.text for t in d.turns] for d in dialogues(tmp_path / seed)] for seed in ("0", "1"))
    assert all(a != b for a, b in zip(one, other, strict=True))


async def test_answers_that_come_in_any_order_leave_the_dialogues_in_the_order_of_the_cases(tmp_path: Path) -> None:
    file = cases(tmp_path / "cases.jsonl", 20, "en")

    async def answer(body: dict[str, Any]) -> str:
        number = re.search(r"number (\d+) ", str(body["messages"]))
        await asyncio.sleep((20 - int(number[1])) / 500 if number else 0)  # the last case is the quickest
        return deterministic(body)

    async with Loopback(answer).serve() as loopback:
        await play(file, tmp_path / "out", loopback.url)
    assert [dialogue.id for dialogue in dialogues(tmp_path / "out")] == [f"case-{n}" for n in range(20)]


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(9)), failing=st.sets(st.integers(0, 8)), skipped=st.sets(st.integers(0, 8)))
def test_outcomes_are_written_in_order_whatever_the_order_in_which_they_come(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], failing: set[int], skipped: set[int]
) -> None:
    async def put() -> RunFolder:
        folder = RunFolder(tmp_path_factory.mktemp("run"), {})
        for n in order:
            await asyncio.sleep(0)
            if n in skipped:
                folder.skip(n)
            elif n in failing:
                folder.put(n, Outcome(None, False, failure=b"%d\n" % n))
            else:
                folder.put(n, Outcome(f"id {n}", True, b"%d\n" % n))
        folder.flush()
        counts.append(folder.counts())
        folder.close()
        return folder

    counts: list[tuple[int, int]] = []
    out = asyncio.run(put()).path
    good = [n for n in range(9) if n not in failing | skipped]
    bad = sorted(failing - skipped)
    assert (out / "dialogues.jsonl").read_bytes() == b"".join(b"%d\n" % n for n in good)
    assert (out / "failures.jsonl").read_bytes() == b"".join(b"%d\n" % n for n in bad)
    assert counts == [(len(good), len(bad))]


def test_a_bad_line_in_the_middle_costs_only_that_line(tmp_path: Path) -> None:
    lines = [to_line(case(n)) for n in range(4)]
    lines[1:1] = [b'{"id": "broken", \n', b'{"id": "case-9", "lang": "fr"}\n']
    (tmp_path / "cases.jsonl").write_bytes(b"\n".join(lines))  # with blank lines between
    ran = psyloom("run", "interactive_agents", tmp_path / "cases.jsonl", "--out", tmp_path / "out", *TALK)
    assert ran.code == 0
    assert [dialogue.id for dialogue in dialogues(tmp_path / "out")] == [f"case-{n}" for n in range(4)]
    failures = rows(tmp_path / "out" / "failures.jsonl")
    assert [row["reason"] for row in failures] == ["bad line", "bad line"]
    assert "cases.jsonl:3: not valid JSON" in failures[0]["detail"]
    assert "cases.jsonl:5: lang" in failures[1]["detail"]
    assert "2 x bad line, first:" in ran.out
    assert "cases.jsonl:3: not valid JSON" in ran.out


@pytest.mark.parametrize("at_once", [1, 64])
def test_each_repetition_of_an_id_is_a_failure(tmp_path: Path, at_once: int) -> None:
    many = [case(n % 3) for n in range(8)]
    write_jsonl(tmp_path / "cases.jsonl", many)
    words = (
        "run",
        "interactive_agents",
        tmp_path / "cases.jsonl",
        "--out",
        tmp_path / "out",
        "--concurrency",
        at_once,
        *TALK,
    )
    for _ in range(2):  # and again when the run is started again
        ran = psyloom(*words)
        assert "3 dialogues, 5 failures" in ran.out
        assert [dialogue.id for dialogue in dialogues(tmp_path / "out")] == ["case-0", "case-1", "case-2"]
        failures = rows(tmp_path / "out" / "failures.jsonl")
        assert [(row["id"], row["reason"]) for row in failures] == [(one.id, "duplicate id") for one in many[3:]]
        assert "'case-0' (number 4) stands in the file before" in ran.out


def test_no_id_can_be_mistaken_for_that_of_a_failure(tmp_path: Path) -> None:
    named = [
        Case(id=name, lang="en", post=Post(text="I cannot sleep.")) for name in ("line 1", "a (number 2)", "a", "a")
    ]
    (tmp_path / "cases.jsonl").write_bytes(b"broken\n" + b"".join(map(to_line, named)))
    psyloom("run", "interactive_agents", tmp_path / "cases.jsonl", "--out", tmp_path / "out", *TALK)
    assert [dialogue.id for dialogue in dialogues(tmp_path / "out")] == ["line 1", "a (number 2)", "a"]
    assert [row["reason"] for row in rows(tmp_path / "out" / "failures.jsonl")] == ["bad line", "duplicate id"]


def test_a_bug_in_a_systems_code_costs_its_case_and_is_shown(tmp_path: Path) -> None:
    stumbling = CODE.replace(
        'return Turn.counselor(await ask("counselor", talk=talk))',
        "return Turn.counselor(await ask('counselor', talk=talk) if ask.desk.dialogue.id != 'case-1' else str(1 / 0))",
    )
    slug = make_system(tmp_path / "systems", code=stumbling)
    file, out = cases(tmp_path / "cases.jsonl", 3, "en"), tmp_path / "out"
    ran = psyloom("--systems", tmp_path / "systems", "run", slug, file, "--out", out, "--set", "max_exchanges=2")
    assert ran.code == 0
    assert [dialogue.id for dialogue in dialogues(out)] == ["case-0", "case-2"]
    [failure] = rows(out / "failures.jsonl")
    assert failure["id"] == "case-1"
    assert failure["reason"] == "bug: ZeroDivisionError"
    assert "str(1 / 0)" in failure["detail"]
    assert failure["attempts"], "what was asked before is kept"
    assert re.search(r"1 x bug: ZeroDivisionError, first: division by zero \(.*system\.py:\d+\)", ran.out)


def test_an_answer_that_is_never_acceptable_costs_its_case_and_every_attempt_is_kept(tmp_path: Path) -> None:
    typed = CODE.replace(
        'Turn.client(await ask("client"', 'Turn.client(await ask("client", check=lambda text: "too plain"'
    )
    slug = make_system(tmp_path / "systems", code=typed)
    file, out = cases(tmp_path / "cases.jsonl", 2, "en"), tmp_path / "out"
    ran = psyloom("--systems", tmp_path / "systems", "run", slug, file, "--out", out, "--tries", 2)
    assert ran.code == 1
    assert "2 x AnswerRejected, first: " in ran.out
    for failure in rows(out / "failures.jsonl"):
        assert [(a["prompt"], a["take"], a["rejected"]) for a in failure["attempts"]] == [
            ("client", 0, "too plain"), ("client", 1, "too plain"),
        ]  # fmt: skip


async def test_a_refusal_and_a_rejected_request_cost_their_case_and_are_counted_apart(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Any:
        if "number 1 " in str(body["messages"]):
            return web.json_response({"error": {"code": "content_filter"}}, status=400)
        if "number 2 " in str(body["messages"]):
            return web.json_response({"error": {"message": "too long"}}, status=413)
        return deterministic(body)

    async with Loopback(answer).serve() as loopback:
        summary = await play(cases(tmp_path / "cases.jsonl", 4, "en"), tmp_path / "out", loopback.url)
    assert summary.reasons == {"Refused": 1, "EndpointDown": 1}
    assert (summary.dialogues, summary.failures, summary.stopped) == (2, 2, None)
    assert "content filter" in summary.examples["Refused"]


async def test_an_endpoint_that_will_never_answer_stops_the_run(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Any:
        return web.json_response({"error": "no such key"}, status=401)

    async with Loopback(answer).serve() as loopback:
        summary = await play(cases(tmp_path / "cases.jsonl", 50), tmp_path / "out", loopback.url, concurrency=4)
        assert len(loopback.requests) <= 4
    assert isinstance(summary.stopped, EndpointRejects)
    assert (summary.dialogues, summary.failures) == (0, 0)


async def test_an_endpoint_that_fails_case_after_case_is_not_tried_with_all_of_them(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Any:
        return web.json_response({"error": "no"}, status=418)

    async with Loopback(answer).serve() as loopback:
        summary = await play(cases(tmp_path / "cases.jsonl", 200), tmp_path / "out", loopback.url, concurrency=4)
        assert len(loopback.requests) < 40
    assert isinstance(summary.stopped, EndpointRejects)
    assert "25 cases in a row" in summary.stopped.happened


class Gate:
    """A server's answers; those to the first case wait until the gate opens."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.seen: set[str] = set()

    async def answer(self, body: dict[str, Any]) -> str:
        if found := re.search(r"number (\d+) ", body["messages"][0]["content"]):
            self.seen.add(found[1])
            if found[1] == "0":
                await self.open.wait()
        return deterministic(body)

    async def still(self) -> int:
        """How many cases were begun, once no more are."""
        before = -1
        while before != len(self.seen):
            before = len(self.seen)
            await asyncio.sleep(0.3)
        return before


AT_ONCE, WINDOW = 4, 4 * 4 + 64


async def test_a_slow_first_case_holds_the_others_back_before_what_waits_for_it_fills_the_memory(
    tmp_path: Path,
) -> None:
    gate, file = Gate(), cases(tmp_path / "cases.jsonl", 3 * WINDOW, "en")
    async with Loopback(gate.answer).serve() as loopback:
        run = asyncio.create_task(play(file, tmp_path / "out", loopback.url, concurrency=AT_ONCE))
        assert WINDOW / 2 < await gate.still() <= WINDOW
        assert (tmp_path / "out" / "dialogues.jsonl").read_bytes() == b""
        gate.open.set()
        assert (await run).dialogues == 3 * WINDOW
    assert [dialogue.id for dialogue in dialogues(tmp_path / "out")] == [f"case-{n}" for n in range(3 * WINDOW)]


async def test_a_run_that_is_stopped_while_cases_wait_for_a_slow_one_ends_and_can_be_continued(tmp_path: Path) -> None:
    gate, budget, file = Gate(), Budget(), cases(tmp_path / "cases.jsonl", 2 * WINDOW, "en")
    async with Loopback(gate.answer).serve() as loopback, asyncio.timeout(60):
        run = asyncio.create_task(play(file, tmp_path / "out", loopback.url, concurrency=AT_ONCE, budget=budget))
        begun = await gate.still()
        budget.stop("enough")
        gate.open.set()
        summary = await run
        assert isinstance(summary.stopped, Stopped)
        assert summary.stopped.happened == "enough"
        assert len(gate.seen) == begun, "a new case was begun after the stop"
        assert (await play(file, tmp_path / "out", loopback.url)).stopped is None
        await play(file, tmp_path / "whole", loopback.url)
    assert (tmp_path / "out" / "dialogues.jsonl").read_bytes() == (tmp_path / "whole" / "dialogues.jsonl").read_bytes()


async def test_a_trace_holds_each_call_of_its_dialogue(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Any:
        words = "\n".join(["1. sleep", "2. eat"]) if len(body["messages"]) == 2 else f"Word {digest(body)} of the talk."
        return completion(words)

    async with Loopback(answer).serve() as loopback:
        await play(cases(tmp_path / "cases.jsonl", 3, "en"), tmp_path / "out", loopback.url)
    traces = rows(tmp_path / "out" / "traces.jsonl")
    assert [trace["dialogue"] for trace in traces] == [dialogue.id for dialogue in dialogues(tmp_path / "out")]
    for trace, dialogue in zip(traces, dialogues(tmp_path / "out"), strict=True):
        calls = trace["calls"]
        assert len(calls) == dialogue.quality.calls
        assert [c["take"] for c in calls[:3]] == [0, 1, 0], "the list was asked for again"
        assert calls[0]["rejected"] == "it has line breaks"
        assert {c["agent"] for c in calls} == {"client", "counselor"}
        assert all(c["model"].endswith("#tiny") and c["messages"][0]["role"] == "system" for c in calls)
        assert all((c["prompt_tokens"], c["completion_tokens"]) == (7, 3) for c in calls)
        said = [turn.text for turn in dialogue.turns[1:]]
        assert [c["answer"] for c in calls if c["rejected"] is None] == said


def test_without_traces_their_file_stays_empty(tmp_path: Path) -> None:
    words = ("run", "interactive_agents", cases(tmp_path / "cases.jsonl", 2), *TALK, "--out")
    for name, more in (("with", ()), ("without", ("--no-traces",))):
        psyloom(*words, tmp_path / name, *more)
    assert (tmp_path / "with" / "traces.jsonl").stat().st_size
    assert (tmp_path / "without" / "traces.jsonl").read_bytes() == b""
    assert (tmp_path / "with" / "dialogues.jsonl").read_bytes() == (
        tmp_path / "without" / "dialogues.jsonl"
    ).read_bytes()


async def test_a_dialogue_says_how_it_was_made(tmp_path: Path) -> None:
    async with Loopback(deterministic).serve() as loopback:
        models = {"client": f"{loopback.url}#tiny"}
        file = cases(tmp_path / "cases.jsonl", 1, "en")
        await run_cases(
            "interactive_agents", file, tmp_path / "out", options={"rounds": 7, **SHORT}, models=models, seed=4
        )
    [dialogue] = dialogues(tmp_path / "out")
    made = dialogue.lineage
    assert made is not None
    assert made.system == "interactive_agents"
    assert made.models == {"client": f"{loopback.url}#tiny", "counselor": "rehearsal"}
    assert made.rehearsal, "one side was rehearsed: that is no data"
    assert made.seed == 4
    assert made.options == {"max_exchanges": 3, "client": {"rounds": 7}, "counselor": {}}
    assert set(made.prompts) == {"interactive_agents/client.en", "interactive_agents/counselor.en"}


def labelled(path: Path) -> Path:
    turns = [
        Turn.counselor("What brings you?"),
        Turn.client("I cannot sleep.", [Label(set="mood", id="sad", by="Anna")]),
    ]
    write_jsonl(path, (Dialogue(id=f"d{n}", lang="en", sessions=[Session(turns=turns)]) for n in range(3)))
    return path


def test_an_annotator_labels_dialogues_beside_the_labels_of_others(tmp_path: Path) -> None:
    slug, file = make_system(tmp_path / "systems"), labelled(tmp_path / "dialogues.jsonl")
    words = ("--systems", tmp_path / "systems", "annotate", slug)
    assert psyloom(*words, file, "--out", tmp_path / "once").code == 0
    assert (
        psyloom(*words, tmp_path / "once" / "dialogues.jsonl", "--out", tmp_path / "twice", "--as", "second").code == 0
    )
    assert psyloom(*words, tmp_path / "twice" / "dialogues.jsonl", "--out", tmp_path / "thrice").code == 0
    for folder, annotators in (
        ("once", ["Anna", slug]),
        ("twice", ["Anna", slug, "second"]),
        ("thrice", ["Anna", "second", slug]),
    ):
        for dialogue in dialogues(tmp_path / folder):
            assert [label.by for label in dialogue.turns[1].labels] == annotators
            assert set(dialogue.annotations) == set(annotators) - {"Anna"}
            assert [turn.text for turn in dialogue.turns] == ["What brings you?", "I cannot sleep."]


def test_an_annotator_that_changes_a_text_fails(tmp_path: Path) -> None:
    meddling = CODE.replace(
        "        return dialogue\n", "        dialogue.turns[0].text += ' Please.'\n        return dialogue\n"
    )
    slug, file = make_system(tmp_path / "systems", code=meddling), labelled(tmp_path / "dialogues.jsonl")
    ran = psyloom("--systems", tmp_path / "systems", "annotate", slug, file, "--out", tmp_path / "out")
    assert ran.code == 1
    assert "changed a text" in ran.out


REPLY = '        return Turn.counselor(await ask("counselor", talk=talk))'
ONCE = f"""
        await ask.once("who", "label", str, text="Who am I?")
{REPLY}"""


def test_what_is_written_once_for_an_owner_is_kept_once_also_over_several_starts(tmp_path: Path) -> None:
    slug = make_system(tmp_path / "systems", code=CODE.replace(REPLY, ONCE))
    words = (
        "--systems",
        tmp_path / "systems",
        "run",
        slug,
        cases(tmp_path / "c.jsonl", 6, "en"),
        "--set",
        "max_exchanges=2",
    )
    for limit in (2, 4, 6):
        assert psyloom(*words, "--out", tmp_path / "out", "--limit", limit).code == 0
        kept = rows(tmp_path / "out" / "artefacts.jsonl")
        assert [row["owner"] for row in kept] == ["who"]
    with (tmp_path / "out" / "artefacts.jsonl").open("ab") as file:
        file.write(b'{"psyloom":"artefact/1","id":"to')
    assert psyloom(*words, "--out", tmp_path / "out").code == 0
    assert rows(tmp_path / "out" / "artefacts.jsonl") == kept


async def test_progress_counts_every_case_and_what_it_cost(tmp_path: Path) -> None:
    seen: list[tuple[int, int, int]] = []
    file, out = cases(tmp_path / "cases.jsonl", 6), tmp_path / "out"
    async with Loopback(deterministic).serve() as loopback:
        await play(file, out, loopback.url, limit=2)
        summary = await play(
            file, out, loopback.url, on_progress=lambda p: seen.append((p.done, p.fresh, p.calls)), concurrency=2
        )
    done = [done for done, _, _ in seen]
    assert done == list(range(1, 7))
    assert seen[-1] == (6, 4, summary.progress.calls)
    assert summary.progress.total == 6
    assert all(a[2] <= b[2] for a, b in pairwise(seen))
    assert (summary.progress.cost, summary.tokens_in, summary.tokens_out) == (0.0, 7 * seen[-1][2], 3 * seen[-1][2])


async def test_a_price_is_charged_for_each_token_and_an_unknown_price_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psyloom.llm.prices import Price

    monkeypatch.setenv("OPENAI_API_KEY", "none")
    async with Loopback(deterministic).serve() as loopback:
        monkeypatch.setenv("OPENAI_BASE_URL", loopback.url)
        for name, prices in (("known", {"nobody-knows": Price(1.0, 2.0)}), ("unknown", {})):
            summary = await run_cases(
                "interactive_agents",
                cases(tmp_path / "c.jsonl", 2),
                tmp_path / name,
                options=SHORT,
                models="openai:nobody-knows",
                prices=prices,
            )
            per_call = (7 * 1.0 + 3 * 2.0) / 1e6
            expected = pytest.approx(summary.progress.calls * per_call) if prices else None
            assert summary.progress.cost == expected


async def test_what_is_wrong_is_said_before_a_folder_is_made(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 1), tmp_path / "out"
    (tmp_path / "empty.jsonl").write_text(" \n\n")
    with pytest.raises(UnknownName, match="no provider"):
        await run_cases("interactive_agents", file, out, models="nobody:x")
    with pytest.raises(UnknownName, match="no agent called 'clinet'"):
        await run_cases("interactive_agents", file, out, models={"clinet": "rehearsal"})
    with pytest.raises(BadRecord, match="empty"):
        await run_cases("interactive_agents", tmp_path / "empty.jsonl", out)
    assert not out.exists()
