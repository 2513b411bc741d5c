"""Talking in the terminal: with a simulated client or a counselor, and never without saying what one talks with."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from psyloom.records import Dialogue, read_jsonl
from tests.loopback import Loopback, deterministic
from tests.runs.workshop import CODE, Ended, apart, cases, command, environment, make_system, psyloom


def test_a_client_answers_line_by_line_in_a_process_of_its_own() -> None:
    talked = apart("chat", "client:interactive_agents", "--lang", "en", typed="What brings you here?\nTell me more.\n")
    assert talked.code == 0
    assert talked.out.count("client: ") == 2
    assert "You are talking to a program" in talked.err
    assert "emergency" in talked.err


def test_a_talk_in_chinese_is_chinese_throughout() -> None:
    talked = psyloom("chat", "client:interactive_agents", "--lang", "zh", typed="你好，最近怎么样？\n还有呢？\n")
    assert talked.code == 0
    assert talked.out.count("来访者: ") == 2
    assert talked.out.count("咨询师> ") == 3
    assert "不是咨询师" in talked.err


def test_a_counselor_opens_as_its_own_sessions_open() -> None:
    talked = psyloom("chat", "counselor:cactus", "--lang", "zh", typed="最近睡不好。\n")
    assert talked.out.startswith("咨询师: ")
    assert talked.out.count("咨询师: ") == 2


@pytest.mark.parametrize("typed", ["How are you?\n\nNever read\n", "How are you?\n"])
def test_an_empty_line_or_the_end_of_the_input_ends_the_talk(typed: str) -> None:
    assert psyloom("chat", "client:cactus", "--lang", "en", typed=typed).out.count("client: ") == 1


def test_the_talk_is_kept_only_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("chat", "client:interactive_agents", "--cases", cases(tmp_path / "c.jsonl", 3, "en"), "--id", "case-2")
    psyloom(*words, typed="What brings you?\n")
    assert [path.name for path in tmp_path.iterdir()] == ["c.jsonl"]
    psyloom(*words, "--save", "talk.jsonl", typed="What brings you?\nAnd then?\n")
    [dialogue] = read_jsonl("talk.jsonl", Dialogue)
    assert dialogue.id == "case-2"
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 2
    assert dialogue.turns[0].text == "What brings you?"


def test_a_second_talk_is_added_to_the_first_under_an_id_of_its_own(tmp_path: Path) -> None:
    save = tmp_path / "talks.jsonl"
    for typed in ("the first\n", "the second\n", "the third\n"):
        assert psyloom("chat", "client:interactive_agents", "--lang", "en", "--save", save, typed=typed).code == 0
        save.write_bytes(save.read_bytes().removesuffix(b"\n"))  # as some editors leave a file
    kept = list(read_jsonl(save, Dialogue))
    assert [one.turns[0].text for one in kept] == ["the first", "the second", "the third"]
    assert [one.id.removeprefix(kept[0].id) for one in kept] == ["", "/2", "/3"]


def test_a_file_that_holds_something_else_is_refused_before_the_talk_and_stays_as_it_was(tmp_path: Path) -> None:
    file = cases(tmp_path / "c.jsonl", 1)
    before = file.read_bytes()
    refused = psyloom("chat", "client:interactive_agents", "--save", file, typed="Hello\n")
    assert refused.code == 2
    assert "'case/1', wanted is 'dialogue/1'" in refused.complaint
    assert (refused.out, file.read_bytes()) == ("", before)


def test_a_kept_talk_says_how_it_came_about_so_that_a_rehearsed_one_is_no_data(tmp_path: Path) -> None:
    save = tmp_path / "talk.jsonl"
    dial = ("--set", "dials.resistance=0.9")
    psyloom("chat", "client:interactive_agents", "--lang", "en", *dial, "--save", save, typed="Hello\n")
    [made] = [dialogue.lineage for dialogue in read_jsonl(save, Dialogue)]
    assert made
    assert (made.system, made.rehearsal) == ("interactive_agents", True)
    assert made.roles == {"client": "interactive_agents", "counselor": "person"}
    assert set(made.models.values()) == {"rehearsal"}
    assert made.prompts
    assert made.options["dials"] == {"resistance": 0.9}
    assert "interactive_agents, rehearsal" in psyloom("show", save).out
    exported = psyloom("export", save, "--to", "sharegpt", "--out", tmp_path / "train.json")
    assert "rehears" in exported.out + exported.err


def test_a_client_that_closes_ends_the_talk(tmp_path: Path) -> None:
    code = CODE.replace("return Turn.client(await ask", "return Turn(speaker='client', closes=True, text=await ask")
    slug = make_system(tmp_path, code=code)
    talked = psyloom("--systems", tmp_path, "chat", f"client:{slug}", typed="Hello\nHello?\n")
    assert talked.code == 0
    assert talked.out.count("client: ") == 1
    assert "the talk is over" in talked.err


async def talk(*words: str, typed: str) -> Ended:
    run = await asyncio.create_subprocess_exec(
        *command("chat", "client:interactive_agents", "--lang", "en", *words),
        stdin=-1,
        stdout=-1,
        stderr=-1,
        env=environment(),
    )
    out, err = await run.communicate(typed.encode())
    assert run.returncode is not None
    return Ended(run.returncode, out.decode(), err.decode())


async def test_an_answer_is_streamed_as_it_comes() -> None:
    async with Loopback(deterministic).serve() as loopback:
        talked = await talk("--model", f"{loopback.url}#tiny", typed="What brings you?\nAnd then?\n")
    assert [body["stream"] for body in loopback.requests] == [True, True]
    said = [deterministic(body) for body in loopback.requests]
    assert talked.out == "".join(f"counselor> client: {text}\n" for text in said) + "counselor> "


async def test_a_streamed_answer_that_is_taken_back_is_shown_anew() -> None:
    answers = iter(["How can I help you today?", "I just cannot sleep."])

    async with Loopback(lambda body: next(answers)).serve() as loopback:
        talked = await talk("--model", f"{loopback.url}#tiny", typed="What brings you?\n")
        again = len(loopback.requests)
    shown = talked.out.splitlines()
    assert shown[-1].startswith("counselor> ")
    assert shown[-2].endswith("I just cannot sleep." if again == 2 else "How can I help you today?")


async def test_a_call_that_fails_is_said_and_costs_only_its_turn(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Any:
        ill = "second" in body["messages"][-1]["content"]
        return web.json_response({"error": "no"}, status=418) if ill else deterministic(body)

    async with Loopback(answer).serve() as loopback:
        save = tmp_path / "talk.jsonl"
        typed = "the first\nthe second\nthe third\n"
        talked = await talk("--model", f"{loopback.url}#tiny", "--save", str(save), typed=typed)
    assert talked.code == 0
    assert "Traceback" not in talked.err
    assert "status 418" in talked.err
    [dialogue] = read_jsonl(save, Dialogue)
    assert [turn.text for turn in dialogue.turns if turn.speaker == "counselor"] == ["the first", "the third"]


async def test_ctrl_c_at_the_prompt_leaves_at_once_and_keeps_what_was_said(tmp_path: Path) -> None:
    save = tmp_path / "talk.jsonl"
    words = command("chat", "client:interactive_agents", "--lang", "en", "--save", save)
    run = await asyncio.create_subprocess_exec(
        *words, stdin=-1, stdout=-1, stderr=-1, env=environment(PYTHONUNBUFFERED="1")
    )
    assert run.stdin
    assert run.stdout
    run.stdin.write(b"What brings you?\n")
    await run.stdout.readuntil(b"client: ")
    await run.stdout.readuntil(b"counselor> ")
    await asyncio.sleep(0.3)  # now it waits for a line
    run.send_signal(signal.SIGINT)
    async with asyncio.timeout(5):
        told = (await run.communicate())[1].decode()
    assert run.returncode == 1, "the end of the input, not Ctrl-C, ended it"
    assert told.endswith("psyloom: interrupted\n")
    assert "Traceback" not in told
    [dialogue] = read_jsonl(save, Dialogue)
    assert len(dialogue.turns) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cactus",), "write client:SLUG or counselor:SLUG"),
        (("writer:cactus",), "write client:SLUG or counselor:SLUG"),
        (("client:cactsu",), "did you mean cactus"),
        (("client:cactus", "--id", "cactus-en-9"), "did you mean cactus-en-"),
        (("client:cactus", "--cases", "none.jsonl"), "cannot read none.jsonl"),
        (("client:cactus", "--set", "colour=blue"), "no option of cactus:client called 'colour'"),
        (("client:cactus", "--model", "clent=rehearsal"), "no agent called 'clent'"),
        (("client:cactus", "--model", "nobody:x"), "no provider called 'nobody'"),
    ],
)
def test_what_is_wrong_is_said_before_the_talk(words: tuple[str, ...], told: str) -> None:
    refused = psyloom("chat", *words, typed="Hello\n")
    assert refused.code == 2
    assert told in refused.complaint
    assert refused.out == ""


def test_a_case_without_what_the_client_needs_is_refused(tmp_path: Path) -> None:
    refused = psyloom("chat", "client:cactus", "--cases", cases(tmp_path / "c.jsonl", 1))
    assert refused.code == 2
    assert "'case-0' lacks intake" in refused.complaint


def test_cases_in_another_language_only_are_refused(tmp_path: Path) -> None:
    refused = psyloom(
        "chat", "client:interactive_agents", "--cases", cases(tmp_path / "c.jsonl", 1, "zh"), "--lang", "en"
    )
    assert refused.code == 2
    assert "no case in" in refused.complaint


def test_a_place_that_cannot_be_written_is_said_before_the_talk(tmp_path: Path) -> None:
    refused = psyloom("chat", "client:cactus", "--save", tmp_path / "nowhere" / "talk.jsonl", typed="Hello\n")
    assert refused.code == 1
    assert "nowhere" in refused.complaint
    assert "a folder that exists" in refused.complaint
    assert refused.out == ""


def test_a_client_in_the_terminal_can_be_dialled_and_a_wrong_dial_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[float | None] = []
    monkeypatch.setattr("psyloom.agents.dials.Dials.instruction", lambda self, *_: heard.append(self.resistance) or "")
    words = ("chat", "client:patient_psi", "--lang", "zh", "--set")
    assert psyloom(*words, "dials.resistance=0.9", typed="你好。\n").code == 0
    assert set(heard) == {0.9}
    assert "dials.resistance" in psyloom(*words, "dials.resistance=9", typed="你好。\n").err
