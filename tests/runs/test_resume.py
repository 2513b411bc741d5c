"""A run that ended early, however it ended, goes on where it stopped and ends with the same dialogues."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel, DirectoryPath
from pydantic_core import from_json

from psyloom.errors import FolderTrouble, UsageError
from psyloom.llm.limits import Budget
from psyloom.runs import run_cases
from psyloom.runs.run import side_files
from tests.loopback import Loopback, deterministic, digest
from tests.runs.workshop import (
    CODE,
    TALK,
    apart,
    cases,
    command,
    dialogues,
    environment,
    make_system,
    psyloom,
    server,
)

SHORT = {"max_exchanges": 3}
KILLS, AT_ONCE = 20, 4


def answered(out: Path, copy: Path) -> Counter[str]:
    """The requests that the journal holds an answer to; read from a copy, so that it lies as the killed run left it."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in out.glob("journal.sqlite*"):
        shutil.copy(file, copy)
    if not (copy / "journal.sqlite").exists():
        return Counter()
    journal = sqlite3.connect(copy / "journal.sqlite")
    try:
        texts = [from_json(body)["text"] for (body,) in journal.execute("SELECT answer FROM answers")]
    except sqlite3.OperationalError:  # killed before the table was made
        return Counter()
    finally:
        journal.close()
    return Counter(text.split()[1] for text in texts)  # an answer of the loopback server names its request


def sent(log: Path) -> list[str]:
    return log.read_text().split()


def killed(run: "subprocess.Popen[bytes]", log: Path, moment: tuple[str, float], late: float) -> None:
    """Kill ``run`` so many seconds after its start, or so long after the server got so many requests."""
    kind, value = moment
    began = time.monotonic()
    while run.poll() is None:
        reached = time.monotonic() - began if kind == "seconds" else log.stat().st_size / 17
        if reached >= value:
            break
        time.sleep(0.002)
    time.sleep(late)
    run.kill()
    run.wait()


@pytest.mark.accepts("interactive_agents", 6)
def test_a_run_killed_at_twenty_instants_repeats_no_answered_call_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    chance = random.Random(20)
    file, out = cases(tmp_path / "cases.jsonl", 50), tmp_path / "killed"
    with server(tmp_path, latency=0.02) as (url, log):
        words = ("run", "interactive_agents", file, "--model", f"{url}#tiny", "--concurrency", AT_ONCE, *TALK)
        assert apart(*words, "--out", tmp_path / "whole").code == 0
        needed = Counter(sent(log))
        whole = {name: (tmp_path / "whole" / name).read_bytes() for name in ("dialogues.jsonl", "traces.jsonl")}
        log.write_text("")

        moments = [("requests", n) for n in sorted(chance.sample(range(5, needed.total() - 5), KILLS - 5))]
        for _ in range(5):  # some while it starts, or while it replays
            moments.insert(chance.randrange(len(moments)), ("seconds", chance.uniform(0.2, 0.8)))
        kept = []
        for moment in moments:
            before, known = len(sent(log)), answered(out, tmp_path / "copy")
            run = subprocess.Popen(
                command(*words, "--out", out), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            killed(run, log, moment, late=chance.uniform(0, 0.03))
            time.sleep(0.05)  # what was sent arrives
            leg = Counter(sent(log)[before:])
            assert leg <= needed - known, "a call was repeated although its answer was committed"
            for name, bytes_ in whole.items():
                assert not (out / name).exists() or bytes_.startswith((out / name).read_bytes())
            kept.append(answered(out, tmp_path / "copy").total())

        before, known = len(sent(log)), answered(out, tmp_path / "copy")
        assert apart(*words, "--out", out).code == 0
        assert Counter(sent(log)[before:]) == needed - known
        assert {name: (out / name).read_bytes() for name in whole} == whole
        assert kept == sorted(kept)
        assert len(set(kept)) > KILLS / 2, "the kills were not spread over the run"
        assert needed.total() <= len(sent(log)) <= needed.total() + KILLS * AT_ONCE


@pytest.mark.accepts("interactive_agents", 6)
async def test_resuming_a_finished_run_makes_no_call(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 4), tmp_path / "out"
    async with Loopback(deterministic).serve() as loopback:
        first = await run_cases("interactive_agents", file, out, options=SHORT, models=f"{loopback.url}#tiny")
        files = {path.name: path.read_bytes() for path in out.glob("*.jsonl")}
        made = len(loopback.requests)
        again = await run_cases("interactive_agents", file, out, options=SHORT, models=f"{loopback.url}#tiny")
    assert first.dialogues == again.dialogues == 4
    assert first.progress.calls == made == len(loopback.requests)
    assert again.progress.calls == again.progress.replayed == 0
    assert {path.name: path.read_bytes() for path in out.glob("*.jsonl")} == files


async def test_failures_are_tried_again_and_their_file_is_made_anew(tmp_path: Path) -> None:
    ill = {"number 1 ", "number 3 "}

    def answer(body: dict[str, Any]) -> Any:
        text = str(body["messages"])
        bad = any(number in text for number in ill)
        return web.json_response({"error": "no"}, status=400) if bad else deterministic(body)

    file, out = cases(tmp_path / "cases.jsonl", 5, "en"), tmp_path / "out"

    async def start(url: str) -> tuple[set[str], set[str]]:
        summary = await run_cases("interactive_agents", file, out, options=SHORT, models=f"{url}#tiny")
        failed = {from_json(row)["id"] for row in (out / "failures.jsonl").read_bytes().splitlines()}
        assert (summary.dialogues, summary.failures) == (len(dialogues(out)), len(failed))
        return {dialogue.id for dialogue in dialogues(out)}, failed

    async with Loopback(answer).serve() as loopback:
        assert await start(loopback.url) == ({"case-0", "case-2", "case-4"}, {"case-1", "case-3"})
        ill.remove("number 1 ")
        asked = len(loopback.requests)
        assert await start(loopback.url) == ({"case-0", "case-1", "case-2", "case-4"}, {"case-3"})
        assert not any("number 0 " in str(body) for body in loopback.requests[asked:])
        ill.clear()
        assert await start(loopback.url) == ({f"case-{n}" for n in range(5)}, set())


@pytest.mark.parametrize("torn", [b'{"psyloom":"dialogue/1","id":"ca', b"\n", "睡不".encode()[:-1]])
def test_a_torn_last_line_is_cut_off_and_made_again(tmp_path: Path, torn: bytes) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 6), tmp_path / "out"
    words = ("run", "interactive_agents", file, "--out", out, *TALK)
    psyloom(*words)
    whole = {name: (out / name).read_bytes() for name in ("dialogues.jsonl", "traces.jsonl")}
    journal = sqlite3.connect(out / "journal.sqlite")  # as if killed while the fifth outcome was being written
    journal.execute("DELETE FROM outcomes WHERE position >= 4")
    journal.commit()
    journal.close()
    for name, bytes_ in whole.items():
        (out / name).write_bytes(b"".join(bytes_.splitlines(keepends=True)[:4]) + torn)
    (out / "failures.jsonl").write_bytes(torn)
    assert psyloom(*words).code == 0
    assert {name: (out / name).read_bytes() for name in whole} == whole
    assert (out / "failures.jsonl").read_bytes() == b""


def test_a_file_that_lost_lines_is_not_continued(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 3), tmp_path / "out"
    psyloom("run", "interactive_agents", file, "--out", out, *TALK)
    (out / "dialogues.jsonl").write_bytes(b"")
    assert "shorter" in psyloom("run", "interactive_agents", file, "--out", out, *TALK).complaint


def test_another_seed_model_option_or_language_is_refused_with_the_difference_shown(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 2), tmp_path / "out"
    words = ("run", "interactive_agents", file, "--out", out, *TALK)
    psyloom(*words)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for more, difference in (
        (("--seed", 5), "seed: there 0, now 5"),
        (("--model", "client=vllm:big"), "models.client: there 'nothing', now 'vllm:big'"),
        (("--model", "ollama:small"), "models.default: there 'rehearsal', now 'ollama:small'"),
        (("--set", "rounds=9"), "options.client.rounds: there 50, now 9"),
        (("--lang", "zh"), "lang: there 'case', now 'zh'"),
        (("--tries", 9), "tries: there 3, now 9"),
        (("--derive",), "derive: there False, now True"),
    ):
        refused = psyloom(*words, *more)
        assert refused.code == 2
        assert difference in refused.complaint
        assert "choose another --out" in refused.complaint
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_another_system_or_another_content_of_the_cases_is_refused(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 2), tmp_path / "out"
    psyloom("run", "interactive_agents", file, "--out", out, *TALK)
    pair = ("--counselor", "cactus", "--client", "interactive_agents")
    assert "roles.counselor" in psyloom("simulate", *pair, file, "--out", out, *TALK).complaint
    moved = file.rename(tmp_path / "moved.jsonl")
    assert psyloom("run", "interactive_agents", moved, "--out", out, *TALK).code == 0, "the path alone is no difference"
    cases(moved, 3)
    assert "cases.digest" in psyloom("run", "interactive_agents", moved, "--out", out, *TALK).complaint


def test_an_edited_prompt_or_table_of_the_system_is_refused(tmp_path: Path) -> None:
    slug = make_system(tmp_path / "systems")
    words = ("--systems", tmp_path / "systems", "run", slug, cases(tmp_path / "c.jsonl", 1), "--out", tmp_path / "out")
    psyloom(*words, "--set", "max_exchanges=2")
    prompt = tmp_path / "systems" / slug / "prompts" / "client.en.md"
    asked = prompt.read_text("utf-8")
    prompt.write_text(asked.replace("You are", "You remain"), "utf-8")
    assert f"prompts.{slug}" in psyloom(*words, "--set", "max_exchanges=2").complaint
    prompt.write_text(asked, "utf-8")
    assert psyloom(*words, "--set", "max_exchanges=2").code == 0
    (tmp_path / "systems" / slug / "events.toml").write_text('event = "another"\n', "utf-8")
    assert f"prompts.{slug}" in psyloom(*words, "--set", "max_exchanges=2").complaint


def test_as_long_as_nothing_was_answered_a_run_may_change_its_configuration(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 1), tmp_path / "out"
    words = ("simulate", "--counselor", "cactus", "--client", "cactus", file, "--out", out, "--set", "max_exchanges=2")
    lacking = psyloom(*words)
    assert lacking.code == 1
    assert "lacks intake" in lacking.out
    assert psyloom(*words, "--derive").code == 0
    assert "derive: there True, now False" in psyloom(*words).complaint


def test_a_folder_with_output_but_no_configuration_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dialogues.jsonl").write_text("mine\n")
    refused = psyloom("run", "interactive_agents", cases(tmp_path / "cases.jsonl", 1), "--out", tmp_path)
    assert refused.code == 2
    assert "holds output but no run.toml" in refused.complaint
    assert (tmp_path / "dialogues.jsonl").read_text() == "mine\n"


def test_output_without_its_journal_is_left_alone(tmp_path: Path) -> None:
    words = ("run", "interactive_agents", cases(tmp_path / "cases.jsonl", 3), "--out", tmp_path / "out", *TALK)
    psyloom(*words)
    written = (tmp_path / "out" / "dialogues.jsonl").read_bytes()
    journal = (tmp_path / "out" / "journal.sqlite").rename(tmp_path / "journal.sqlite")
    assert "no journal.sqlite" in psyloom(*words).complaint
    assert (tmp_path / "out" / "dialogues.jsonl").read_bytes() == written
    journal.rename(tmp_path / "out" / "journal.sqlite")
    assert psyloom(*words).code == 0


def test_a_journal_that_is_no_journal_is_one_line(tmp_path: Path) -> None:
    words = ("run", "interactive_agents", cases(tmp_path / "cases.jsonl", 1), "--out", tmp_path / "out", *TALK)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "journal.sqlite").write_text("something else, long enough to be looked at" * 100)
    refused = psyloom(*words)
    assert refused.code == 1
    assert "journal.sqlite" in refused.complaint


def test_the_limit_can_grow_between_starts(tmp_path: Path) -> None:
    file = cases(tmp_path / "cases.jsonl", 7)
    words = ("run", "interactive_agents", file, *TALK, "--out")
    psyloom(*words, tmp_path / "whole")
    for limit, there in ((2, 2), (5, 5), (3, 5)):
        psyloom(*words, tmp_path / "grown", "--limit", limit)
        assert len(dialogues(tmp_path / "grown")) == there
    psyloom(*words, tmp_path / "grown")
    assert (tmp_path / "grown" / "dialogues.jsonl").read_bytes() == (
        tmp_path / "whole" / "dialogues.jsonl"
    ).read_bytes()


@pytest.mark.parametrize(
    ("limit", "told"),
    [(("--max-calls", 11), "the budget of 11 calls is spent"), (("--max-minutes", 0.0001), "minutes are over")],
)
def test_a_spent_budget_stops_the_run_and_the_same_command_goes_on(tmp_path: Path, limit: Any, told: str) -> None:
    file = cases(tmp_path / "cases.jsonl", 40)
    words = ("run", "interactive_agents", file, *TALK, "--out")
    psyloom(*words, tmp_path / "whole")
    stopped = psyloom(*words, tmp_path / "out", *limit)
    assert stopped.code == 1
    assert told in stopped.complaint
    assert "the same command continues" in stopped.complaint
    assert len(dialogues(tmp_path / "whole")) == 40
    assert (tmp_path / "out" / "dialogues.jsonl").stat().st_size < (
        tmp_path / "whole" / "dialogues.jsonl"
    ).stat().st_size
    assert psyloom(*words, tmp_path / "out").code == 0
    assert (tmp_path / "out" / "dialogues.jsonl").read_bytes() == (tmp_path / "whole" / "dialogues.jsonl").read_bytes()


async def test_calls_are_counted_in_each_start_and_never_more_than_the_budget(tmp_path: Path) -> None:
    file, out, starts = cases(tmp_path / "cases.jsonl", 5), tmp_path / "out", 0
    async with Loopback(deterministic).serve() as loopback:
        while starts < 30:
            before = len(loopback.requests)
            summary = await run_cases(
                "interactive_agents", file, out, options=SHORT, models=f"{loopback.url}#tiny", budget=Budget(calls=7)
            )
            starts += 1
            assert len(loopback.requests) - before == summary.progress.calls <= 7
            if summary.stopped is None:
                break
        whole = await run_cases(
            "interactive_agents", file, tmp_path / "whole", options=SHORT, models=f"{loopback.url}#tiny"
        )
    assert starts == -(-whole.progress.calls // 7)
    assert (out / "dialogues.jsonl").read_bytes() == (tmp_path / "whole" / "dialogues.jsonl").read_bytes()


async def started(url: str, file: Path, out: Path) -> asyncio.subprocess.Process:
    words = command(
        "run", "interactive_agents", file, "--out", out, "--model", f"{url}#tiny", "--concurrency", 8, *TALK
    )
    return await asyncio.create_subprocess_exec(*words, env=environment(), stderr=asyncio.subprocess.PIPE)


async def asked_for(loopback: Loopback, many: int) -> None:
    async with asyncio.timeout(30):
        while len(loopback.requests) < many:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_one_ctrl_c_finishes_the_calls_in_flight_and_says_how_to_go_on(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 12), tmp_path / "out"
    async with Loopback(deterministic, latency=0.05).serve() as loopback:
        run = await started(loopback.url, file, out)
        await asked_for(loopback, 30)
        run.send_signal(signal.SIGINT)
        told = (await run.communicate())[1].decode()
        assert run.returncode == 1
        assert "finishing the calls in flight" in told
        assert "psyloom: interrupted\n  -> the same command continues where this run stopped" in told
        assert Counter(map(digest, loopback.requests)) == answered(out, tmp_path / "copy"), "an answer was thrown away"
        asked = len(loopback.requests)
        await completed(loopback, file, out)
        assert asked + len(loopback.requests) > asked


async def completed(loopback: Loopback, file: Path, out: Path) -> None:
    """Start once more, let it end, and compare with a run that nothing disturbed."""
    loopback.latency = 0.0
    for folder in (out, out.with_name("whole")):
        run = await started(loopback.url, file, folder)
        await run.communicate()
        assert run.returncode == 0
    assert (out / "dialogues.jsonl").read_bytes() == (out.with_name("whole") / "dialogues.jsonl").read_bytes()


async def test_a_second_ctrl_c_leaves_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 6), tmp_path / "out"
    slow = False

    async def answer(body: dict[str, Any]) -> str:
        await asyncio.sleep(30 if slow else 0)
        return deterministic(body)

    async with Loopback(answer).serve() as loopback:
        run = await started(loopback.url, file, out)
        await asked_for(loopback, 10)
        slow = True
        await asyncio.sleep(0.2)
        run.send_signal(signal.SIGINT)
        assert run.stderr
        while b"press Ctrl-C again" not in await run.stderr.readline():
            pass
        run.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            told = (await run.communicate())[1].decode()
        assert run.returncode == 1
        assert "psyloom: interrupted\n  -> the same command continues where this run stopped" in told
        assert "Traceback" not in told
        slow = False
        await completed(loopback, file, out)


async def test_a_run_called_off_from_outside_says_so_and_can_be_continued(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 3), tmp_path / "out"
    async with Loopback(deterministic, latency=0.02).serve() as loopback:

        async def start() -> Any:
            return await run_cases("interactive_agents", file, out, options=SHORT, models=f"{loopback.url}#tiny")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await start()
        assert (await start()).dialogues == 3


@pytest.mark.parametrize("kilobytes", [1, 20, 60, 200, 300])
def test_a_full_disk_ends_the_run_with_one_line_and_a_later_start_finishes_it(tmp_path: Path, kilobytes: int) -> None:
    file = cases(tmp_path / "cases.jsonl", 30)
    words = ("run", "interactive_agents", file, *TALK, "--out")
    psyloom(*words, tmp_path / "whole")
    full = subprocess.run(
        [sys.executable, "-c", FULL, str(kilobytes), *command(*words, tmp_path / "out")[3:]],
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert full.stderr.count("psyloom: ") == 1
    assert "cannot" in full.stderr
    assert "space" in full.stderr
    assert psyloom(*words, tmp_path / "out").code == 0
    for name in ("dialogues.jsonl", "traces.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


# A file that may not grow is a disk that is full, for one process.
FULL = """
import resource, sys
sys.dont_write_bytecode = True
size = int(sys.argv[1]) * 1000
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
from psyloom.cli import main
main(sys.argv[2:])
"""


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = psyloom("run", "interactive_agents", cases(tmp_path / "c.jsonl", 1), "--out", tmp_path / "file" / "out")
    assert refused.code == 1
    assert "cannot write" in refused.complaint
    assert "choose a folder you may write to" in refused.complaint


def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    if os.access(out, os.W_OK):
        pytest.skip("the superuser may write anywhere")
    refused = psyloom("run", "interactive_agents", cases(tmp_path / "c.jsonl", 1), "--out", out)
    assert refused.code == 1
    assert "choose a folder you may write to" in refused.complaint


async def test_two_runs_never_write_into_one_folder_at_the_same_time(tmp_path: Path) -> None:
    file, out = cases(tmp_path / "cases.jsonl", 3), tmp_path / "out"
    async with Loopback(deterministic, latency=0.02).serve() as loopback:

        def start() -> Any:
            return run_cases("interactive_agents", file, out, options=SHORT, models=f"{loopback.url}#tiny")

        first, second = await asyncio.gather(start(), start(), return_exceptions=True)
    assert first.dialogues == 3
    assert isinstance(second, FolderTrouble)
    assert "another process is running" in second.happened


@pytest.mark.parametrize("inside", ["", "dialogues.jsonl"])
def test_a_side_file_that_changed_between_two_starts_is_refused(tmp_path: Path, inside: str) -> None:
    code = CODE.replace(
        '    mood: str', '    book: Path | None = Field(None, description="a file")\n    mood: str'
    ).replace("from typing", "from pathlib import Path\nfrom typing")  # fmt: skip
    slug, book = make_system(tmp_path / "systems", code=code), tmp_path / "book"
    content = book / inside if inside else book
    content.parent.mkdir(exist_ok=True)
    content.write_text("one")
    words = ("--systems", tmp_path / "systems", "run", slug, cases(tmp_path / "c.jsonl", 1), "--out", tmp_path / "out")
    words += ("--set", "max_exchanges=2", "--set", f"client.book={book}")
    assert psyloom(*words).code == psyloom(*words).code == 0
    content.write_text("two")
    assert "files.client.book: there" in psyloom(*words).complaint


class Named(BaseModel):
    folder: DirectoryPath


def test_a_folder_that_an_option_names_is_known_by_the_names_and_the_content_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    (folder / "deep").mkdir(parents=True)
    with pytest.raises(UsageError, match="is empty"):
        side_files(Named(folder=folder))
    (folder / "deep/weights").write_bytes(b"one")
    first = side_files(Named(folder=folder))
    assert set(first) == {"folder"}
    assert side_files(Named(folder=folder)) == first
    (folder / "deep/weights").write_bytes(b"two")
    changed = side_files(Named(folder=folder))
    (folder / "deep/weights").rename(folder / "deep/other")
    assert len({first["folder"], changed["folder"], side_files(Named(folder=folder))["folder"]}) == 3
