"""The journal: what was answered once is never asked again, whatever happens to the process."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import FolderTrouble
from psyloom.llm import Answer, Call
from psyloom.llm.journal import Journal, Journaled
from tests.support import Scripted

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
counts = st.integers(0, 2**53)
answers = st.builds(
    Answer, text=words, finish=words, reasoning=words, prompt_tokens=counts, cached_tokens=counts, completion_tokens=counts,
    logprobs=st.none() | st.lists(st.dictionaries(words, st.floats(allow_nan=False) | words | st.integers(0, 99), max_size=2), max_size=2),
    seconds=st.floats(0, 1e6),
)  # fmt: skip


def asked(text: str = "我今天很难过。", **rest: Any) -> Call:
    return Call([{"role": "user", "content": text}], **({"prompt": "reply"} | rest))


async def answered(path: Path, *calls: Call, model: Any) -> list[Answer]:
    """One start of a run: the calls' answers from the journal, or from the model."""
    journal = Journal(path)
    try:
        return list(await asyncio.gather(*(Journaled(model, journal)(call) for call in calls)))
    finally:
        journal.close()


def filed(path: Path) -> int:
    """How many answers another process finds."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM answers").fetchone()[0])


# What comes back


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.binary(min_size=16, max_size=16), answers, min_size=1, max_size=8))
def test_any_answers_come_back_as_they_were(given_: dict[bytes, Answer]) -> None:
    async def record(journal: Journal) -> None:
        await asyncio.gather(*(journal.record(key, answer) for key, answer in given_.items()))

    with TemporaryDirectory() as folder:
        with closing(Journal(Path(folder) / "j")) as journal:
            asyncio.run(record(journal))
        with closing(Journal(Path(folder) / "j")) as journal:
            assert {key: journal.recall(key) for key in given_} == given_
            assert journal.replayed == len(given_)


async def test_an_answer_of_an_earlier_start_is_replayed_and_not_asked_for(tmp_path: Path) -> None:
    model = Scripted(reply="第一次的回答")
    first = await answered(tmp_path / "j", asked(), model=model)
    again = await answered(tmp_path / "j", asked(), model=Scripted())
    assert first == again
    assert len(model.calls) == 1


async def test_an_unknown_key_recalls_nothing(tmp_path: Path) -> None:
    await answered(tmp_path / "j", asked(), model=Scripted(reply="a"))
    journal = Journal(tmp_path / "j")
    assert journal.recall(b"\0" * 16) is None
    assert journal.replayed == 0
    journal.close()


async def test_identical_requests_in_one_dialogue_keep_their_own_answers(tmp_path: Path) -> None:
    calls = [asked(scope="d", occurrence=n) for n in range(3)]
    first = await answered(tmp_path / "j", *calls, model=Scripted(reply=["one", "two", "three"]))
    again = await answered(tmp_path / "j", *calls, model=Scripted())
    assert [a.text for a in first] == [a.text for a in again] == ["one", "two", "three"]


async def test_what_a_refused_or_failed_call_said_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        await answered(tmp_path / "j", asked(), model=Scripted(reply=RuntimeError("cut")))
    assert [a.text for a in await answered(tmp_path / "j", asked(), model=Scripted(reply="now"))] == ["now"]


# Keys

DIFFERENT: list[dict[str, Any]] = [
    {"scope": "other"}, {"occurrence": 1}, {"decoding": {"temperature": 0.5}}, {"schema": {"type": "object"}},
    {"messages": [{"role": "user", "content": "我今天很难过"}]}, {"messages": [{"role": "system", "content": "我今天很难过。"}]},
]  # fmt: skip


@pytest.mark.parametrize("change", DIFFERENT, ids=lambda change: next(iter(change)))
def test_another_dialogue_occurrence_request_or_setting_is_another_key(change: dict[str, Any]) -> None:
    call = asked(scope="d")
    assert replace(call, **change).key("m") != call.key("m")


def test_another_model_is_another_key() -> None:
    assert asked().key("openai:gpt-4o") != asked().key("openai:gpt-4o-mini")


def test_who_asks_and_how_it_is_shown_is_no_part_of_the_key() -> None:
    plain, dressed = asked(), asked(agent="planner", prompt="plan", cue=lambda: None, on_text=print)
    assert plain.key("m") == dressed.key("m")


@given(st.lists(st.tuples(words, words, st.integers(0, 20), words), min_size=2, max_size=6, unique=True))
def test_keys_differ_wherever_model_dialogue_occurrence_or_words_differ(asks: list[tuple[str, str, int, str]]) -> None:
    keys = {asked(text, scope=scope, occurrence=n).key(model) for model, scope, n, text in asks}
    assert len(keys) == len(asks)


def test_a_mark_inside_a_name_does_not_make_two_keys_one() -> None:
    assert asked(scope="b\0c").key("a") != asked(scope="c").key("a\0b")


# Commits


async def test_answers_that_arrive_together_are_one_commit(tmp_path: Path) -> None:
    journal, statements = Journal(tmp_path / "j"), []
    journal.db.set_trace_callback(statements.append)
    await asyncio.gather(*(journal.record(bytes([n]) * 16, Answer(str(n))) for n in range(50)))
    journal.close()
    assert statements.count("COMMIT") == 1
    assert filed(tmp_path / "j") == 50


async def test_an_answer_is_committed_when_record_returns(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for n in range(5):
        await journal.record(bytes([n]) * 16, Answer(str(n)))
        assert filed(tmp_path / "j") == n + 1
    journal.close()


async def test_one_who_does_not_wait_for_the_commit_keeps_nobody_from_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    leaver = asyncio.create_task(journal.record(b"a" * 16, Answer("a")))
    waiter = asyncio.create_task(journal.record(b"b" * 16, Answer("b")))
    await asyncio.sleep(0)
    leaver.cancel()
    await waiter
    journal.close()
    assert filed(tmp_path / "j") == 2


async def test_closing_commits_what_is_still_waiting(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    task = asyncio.create_task(journal.record(b"a" * 16, Answer("a")))
    await asyncio.sleep(0)
    journal.close()
    await task
    assert filed(tmp_path / "j") == 1


DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from psyloom.llm import Answer
from psyloom.llm.journal import Journal

async def main():
    journal = Journal(Path(sys.argv[1]))
    for n in range(20):
        await journal.record(bytes([n]) * 16, Answer(f"回答 {n}"))
    asyncio.ensure_future(journal.record(b"x" * 16, Answer("never committed")))
    os._exit(9) if sys.argv[2] == "exit" else os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_what_was_recorded_survives_a_process_that_dies_right_after(tmp_path: Path, how: str) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "j"), how], check=False)
    assert done.returncode == (9 if how == "exit" else -signal.SIGKILL)
    journal = Journal(tmp_path / "j")
    assert [journal.recall(bytes([n]) * 16) for n in range(20)] == [Answer(f"回答 {n}") for n in range(20)]
    assert journal.recall(b"x" * 16) is None
    journal.close()


# Trouble


@pytest.mark.parametrize("path", ["absent/j", "."])
def test_a_journal_that_cannot_be_opened_is_one_clear_error(tmp_path: Path, path: str) -> None:
    with pytest.raises(FolderTrouble, match="cannot write") as caught:
        Journal(tmp_path / path)
    assert "space" in caught.value.do


def test_a_file_that_is_no_journal_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("我的笔记。" * 500, "utf-8")
    with pytest.raises(FolderTrouble, match="not a database"):
        Journal(tmp_path / "j")


async def test_an_unwritable_journal_is_folder_trouble_for_everybody_who_waits(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.db.execute("PRAGMA query_only=ON")
    ends = await asyncio.gather(
        *(journal.record(bytes([n]) * 16, Answer("a")) for n in range(3)), return_exceptions=True
    )
    journal.close()
    assert [type(end) for end in ends] == [FolderTrouble] * 3
    assert "readonly" in str(ends[0])


async def test_a_full_disk_is_folder_trouble_and_what_was_committed_before_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    pages = journal.db.execute("PRAGMA page_count").fetchone()[0]
    journal.db.execute(f"PRAGMA max_page_count={pages + 8}")
    kept: list[int] = []

    async def fill() -> None:
        for n in range(200):
            await journal.record(bytes([n]) * 16, Answer("话" * 800))
            kept.append(n)

    with pytest.raises(FolderTrouble, match=r"full[\s\S]*make space"):
        await fill()
    journal.close()
    again = Journal(tmp_path / "j")
    assert kept
    assert all(again.recall(bytes([n]) * 16) == Answer("话" * 800) for n in kept)
    assert again.recall(bytes([len(kept)]) * 16) is None
    again.close()


TROUBLES: dict[str, tuple[Callable[[sqlite3.Connection], Any], Callable[[sqlite3.Connection], Any]]] = {
    "read-only": (lambda db: db.execute("PRAGMA query_only=ON"), lambda db: db.execute("PRAGMA query_only=OFF")),
    "full": (lambda db: db.execute("PRAGMA max_page_count=4"), lambda db: db.execute("PRAGMA max_page_count=9999")),
    "too big": (lambda db: db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2000), lambda db: db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10**9)),
}  # fmt: skip


@pytest.mark.parametrize(("trouble", "over"), TROUBLES.values(), ids=TROUBLES)
async def test_when_the_trouble_is_over_the_same_journal_goes_on(tmp_path: Path, trouble: Any, over: Any) -> None:
    journal = Journal(tmp_path / "j")
    trouble(journal.db)
    with pytest.raises(FolderTrouble):
        await asyncio.gather(*(journal.record(bytes([n]) * 16, Answer("话" * 9000)) for n in range(2)))
    over(journal.db)
    await journal.record(b"b" * 16, Answer("b"))
    journal.close()
    assert filed(tmp_path / "j") == 1


async def test_an_answer_that_is_filed_is_never_replaced(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for text in ("first", "second"):
        await journal.record(b"a" * 16, Answer(text))
    journal.close()
    journal = Journal(tmp_path / "j")
    assert journal.recall(b"a" * 16) == Answer("first")
    journal.close()


async def test_a_journal_that_cannot_be_read_is_folder_trouble(tmp_path: Path) -> None:
    await answered(tmp_path / "j", asked(), model=Scripted(reply="a"))
    journal = Journal(tmp_path / "j")
    journal.db.execute("DROP TABLE answers")
    with pytest.raises(FolderTrouble, match="cannot be read"):
        journal.recall(b"a" * 16)
    journal.close()
