"""Interactive Agents: the checks of its specification. arXiv 2408.15787."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import JsonValue

from psyloom.agents import Ask, Desk, Models
from psyloom.errors import UsageError
from psyloom.formats import read
from psyloom.judging.analysis import selections
from psyloom.llm import Call
from psyloom.records import Case, Dialogue, Intake, Lang, Post, Session, Turn, write_jsonl
from psyloom.runs import pair
from psyloom.runs.run import writer_for
from psyloom.systems.interactive_agents.system import END_PHRASES, InteractiveCounselor
from tests.runs.workshop import psyloom
from tests.support import Scripted, numbered, text_of, write

HELLO = {"zh": "你好", "en": "Hello"}


def case(lang: Lang = "zh") -> Case:
    return Case.model_validate(
        {"id": "c", "lang": lang, "post": {"title": "TITLE", "text": "PROFILE 升职以后我总睡不着。"}}
    )


async def play(model: Scripted, lang: Lang = "zh", **options: object) -> Dialogue:
    return await write("interactive_agents", case(lang), model, options={k: str(v) for k, v in options.items()})


def ending_at(exchange: int, phrase: str) -> Scripted:
    count = iter(range(1, 99))
    return Scripted(
        client=numbered("words"),
        counselor=lambda _: f"reply {n}{phrase if n == exchange else ''}" if (n := next(count)) else "",
    )


@pytest.mark.accepts("interactive_agents", 1)
async def test_the_counselor_never_reads_the_profile_the_client_always_does() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    await play(model, max_exchanges=4)
    assert all("PROFILE" in text_of(call) for call in model.asked("client"))
    assert not any("PROFILE" in text_of(call) or "TITLE" in text_of(call) for call in model.asked("counselor"))


@pytest.mark.accepts("interactive_agents", 1)
async def test_roles_are_mirrored_own_lines_are_the_assistants() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    await play(model, max_exchanges=3)
    for prompt, own in (("client", "word"), ("counselor", "reply")):
        for call in model.asked(prompt):
            chat = call.messages[1:]
            assert all((m["role"] == "assistant") == (own in m["content"]) for m in chat if m["content"] != "你好")
            assert chat[-1]["role"] == "user"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.accepts("interactive_agents", 2)
async def test_a_session_opens_with_the_fixed_greeting_without_a_call_and_ends_with_the_counselor(lang: Lang) -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    dialogue = await play(model, lang, max_exchanges=3)
    assert (dialogue.turns[0].speaker, dialogue.turns[0].text) == ("client", HELLO[lang])
    assert model.calls[0].prompt == "counselor"
    assert dialogue.turns[-1].speaker == "counselor"


@pytest.mark.accepts("interactive_agents", 2)
async def test_a_client_who_closes_the_session_is_still_answered() -> None:
    given = case("en").model_copy(update={"intake": Intake(reason="sleep")})
    model = Scripted(client=["I sleep badly.", "That is all I need. [/END]"], counselor=numbered("reply"))
    dialogue = await write(pair("interactive_agents", "cactus"), given, model)
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 3
    assert dialogue.sessions[0].ended == "client closed"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("exchange", [1, 4])
@pytest.mark.accepts("interactive_agents", 3, 4)
async def test_an_end_phrase_of_the_counselor_ends_the_session_in_that_exchange(lang: Lang, exchange: int) -> None:
    model = ending_at(exchange, END_PHRASES[lang][0])
    dialogue = await play(model, lang)
    assert dialogue.sessions[0].exchanges() == exchange
    assert len(model.calls) == 2 * exchange - 1


@pytest.mark.accepts("interactive_agents", 3)
async def test_each_of_the_eleven_phrases_ends_a_session() -> None:
    assert len(END_PHRASES["zh"]) == 11
    for phrase in END_PHRASES["zh"]:
        assert (await play(ending_at(2, phrase))).sessions[0].exchanges() == 2


@pytest.mark.accepts("interactive_agents", 3)
async def test_an_end_phrase_of_the_client_does_not_stop_the_session() -> None:
    words = iter([f"{n} 再见" for n in range(99)])
    dialogue = await play(Scripted(client=lambda _: next(words), counselor=numbered()), max_exchanges=5)
    assert dialogue.sessions[0].exchanges() == 5


@pytest.mark.accepts("interactive_agents", 3, 4)
async def test_patience_ends_at_50_exchanges_and_99_calls() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    dialogue = await play(model)
    assert dialogue.sessions[0].exchanges() == 50
    assert len(model.calls) == 2 * 50 - 1
    assert dialogue.sessions[0].ended == "limit"


@pytest.mark.parametrize(
    ("reply", "says"), [("长" * 201, "200"), ("第一句\n第二句", "换行"), ("你可以：1、早睡；2、运动。", "列举")]
)
@pytest.mark.accepts("interactive_agents", 5)
def test_the_response_check_catches_length_line_breaks_and_enumerations(reply: str, says: str) -> None:
    assert says in str(InteractiveCounselor().fault(reply, "zh"))
    assert InteractiveCounselor().fault("长" * 200, "zh") is None
    assert "100 words" in str(InteractiveCounselor().fault("word " * 101, "en"))
    assert InteractiveCounselor().fault("word " * 100, "en") is None


@pytest.mark.accepts("interactive_agents", 5)
async def test_a_reply_that_fails_the_check_is_asked_for_again_and_the_check_can_be_switched_off() -> None:
    model = Scripted(client=numbered(), counselor=["长" * 201, "那天发生了什么？", "后来呢，你怎么想？"])
    dialogue = await play(model, max_exchanges=1)
    assert dialogue.turns[-1].text == "那天发生了什么？"
    assert dialogue.quality.guards == {"response_check": 1}
    model = Scripted(client=numbered(), counselor="长" * 201)
    assert (await play(model, max_exchanges=1, response_check=False)).turns[-1].text == "长" * 201
    assert len(model.calls) == 1


async def test_decoding_is_the_papers() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    await play(model, max_exchanges=2)
    assert {tuple(sorted(call.decoding.items())) for call in model.calls} == {
        (("max_tokens", 500), ("temperature", 1.0), ("top_p", 1.0))
    }


async def test_the_client_of_an_arena_has_a_hundred_tokens() -> None:
    model = arena({"best": "A"})
    await contest(model, arena("", other="guest"), 2)
    assert {call.decoding["max_tokens"] for call in model.asked("client")} == {100}
    assert {call.decoding["max_tokens"] for call in model.asked("counselor")} >= {500}


def arena(judge: object, own: str = "own", other: str = "plain") -> Scripted:
    """Counselors that can be told apart: the prompts of all of them are called counselor."""
    numbers = iter(range(1, 999))

    def reply(call: Call) -> str:
        return f"{own if '小天' in text_of(call) else other} reply {next(numbers)}"

    return Scripted(client=numbered("word"), counselor=reply, judge=judge)


async def contest(model: Scripted, guest: Scripted, exchanges: int) -> Dialogue:
    """A session in which our counselor, a plain one and a guest with a model of its own answer every turn."""
    options = {"rivals": '["plain", "guest:plain"]', "max_exchanges": str(exchanges)}
    work = writer_for("interactive_agents", options)
    desk = Desk.for_case(case(), Models({"": model, "guest": guest}))
    return await work.write(desk.case, Ask(desk, work))


@pytest.mark.accepts("interactive_agents", 7)
async def test_three_nameless_shuffled_candidates_answer_one_history_and_only_the_winner_is_said() -> None:
    model, guest = arena({"best": "B"}), arena("", other="guest")
    dialogue = await contest(model, guest, 6)
    turns = [turn for turn in dialogue.turns if turn.speaker == "counselor"]
    logs = [turn.extra["candidates"] for turn in turns]
    names = {"interactive_agents": "own", "plain": "plain", "guest": "guest"}
    assert all({one["from"]: one["text"].split()[0] for one in log} == names for log in logs), "every source is stored"
    assert len({tuple(one["from"] for one in log) for log in logs}) > 1, "the order is shuffled anew every turn"
    for turn, log in zip(turns, logs, strict=True):
        assert [one["text"] for one in log if one["chosen"]] == [turn.text] == [log[1]["text"]]
        assert turn.extra["from"] == log[1]["from"]
    losers = {one["text"] for log in logs for one in log if not one["chosen"]}
    assert len(losers) == 12
    assert not any(loser in text_of(call) for call in model.asked("client") for loser in losers)
    for n, (call, log) in enumerate(zip(model.asked("judge"), logs, strict=True)):
        shown = text_of(call)
        assert [shown.index(f"{letter}：{one['text']}") for letter, one in zip("ABC", log, strict=True)]
        assert not any(name in shown for name in ("interactive_agents", "小天", "guest:", "plain:"))
        # All three read the same history, that of what was said.
        heard = [c.messages[1:] for c in (*model.asked("counselor")[2 * n : 2 * n + 2], guest.asked("counselor")[n])]
        assert heard[0] == heard[1] == heard[2]
        assert [one["content"] for one in heard[0]] == [turn.text for turn in dialogue.turns[: 2 * n + 1]]


async def test_a_rival_under_a_name_of_its_own_is_answered_by_the_model_of_that_name_and_recorded_with_it() -> None:
    guest = arena("", other="guest")
    guest.name = "the guest's model"
    work = writer_for("interactive_agents", {"rivals": '["guest:plain"]', "max_exchanges": "1"})
    desk = Desk.for_case(case(), Models({"": arena({"best": "A"}), "guest": guest}))
    await work.write(desk.case, Ask(desk, work))
    assert len(guest.calls) == 1
    assert (desk.answered_by["guest"], desk.answered_by["counselor"]) == ("the guest's model", "scripted")


def test_a_model_may_be_named_for_a_rival_and_for_nobody_who_does_not_take_part(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "c.jsonl", [case()])
    words = (
        "run",
        "interactive_agents",
        tmp_path / "c.jsonl",
        "--set",
        'rivals=["guest:plain"]',
        "--set",
        "max_exchanges=1",
    )
    assert psyloom(*words, "--out", tmp_path / "a", "--model", "guest=rehearsal").code == 0
    assert "'gust'" in psyloom(*words, "--out", tmp_path / "b", "--model", "gust=rehearsal").complaint


@pytest.mark.parametrize("rivals", ['["plain", "plain"]', '["interactive_agents"]', '["a:plain", "a:cadss"]'])
def test_rivals_that_could_not_be_told_apart_are_refused(rivals: str) -> None:
    with pytest.raises(UsageError, match="names that differ"):
        writer_for("interactive_agents", {"rivals": rivals})


async def test_an_invalid_letter_is_asked_for_again_and_in_the_end_drawn_and_counted() -> None:
    model = arena({"best": "Z"})
    dialogue = await play(model, max_exchanges=1, rivals='["plain"]')
    assert len(model.asked("judge")) == 3
    assert dialogue.quality.kept == {"arena_by_chance": 1}
    assert sum(one["chosen"] for one in dialogue.turns[-1].extra["candidates"]) == 1


def logged(id_: str, *rounds: str) -> Dialogue:
    """A dialogue of an arena: each round is who answered, the one that was picked first."""
    turns = [Turn.client("HELLO")]
    for names in rounds:
        log: list[JsonValue] = [
            {"from": name, "text": f"by {name}", "chosen": name == names[0]} for name in sorted(names)
        ]
        turns.append(Turn.counselor(f"by {names[0]}", **{"from": names[0], "candidates": log}))
    return Dialogue(id=id_, lang="zh", sessions=[Session(turns=turns)])


@pytest.mark.accepts("interactive_agents", 8)
def test_the_score_is_selections_by_dialogues() -> None:
    # a takes part in both, b and c in one each.
    found = {one.name: one for one in selections([logged("1", "ab", "ab", "ba"), logged("2", "ca", "ac")])}
    assert {name: (one.selections, one.dialogues, one.score) for name, one in found.items()} == {
        "a": (3, 2, 1.5), "b": (1, 1, 1.0), "c": (1, 1, 1.0)
    }  # fmt: skip


@pytest.mark.accepts("interactive_agents", 8)
def test_elo_comes_from_the_stored_log_alone_the_winner_beating_each_of_the_others() -> None:
    found = {one.name: one.elo for one in selections([logged("1", "abc")], shuffles=0)}
    # a beats b (16 points between equals), then c at odds of 1016 to 1000.
    second = 32 * (1 - 1 / (1 + 10 ** (-16 / 400)))
    assert found == pytest.approx({"a": 1016 + second, "b": 984, "c": 1000 - second})


@pytest.mark.accepts("interactive_agents", 8)
async def test_the_command_tells_score_and_elo_of_a_stored_arena_and_tells_them_again(tmp_path: Path) -> None:
    played = await contest(arena({"best": "C"}), arena("", other="guest"), 5)
    write_jsonl(tmp_path / "d.jsonl", [played])
    told = [psyloom("analyze", "selections", tmp_path / "d.jsonl", "--seed", 7).out for _ in range(2)]
    assert told[0] == told[1]
    rows = {name: cells for name, *cells in (line.split() for line in told[0].splitlines()[1:])}
    assert set(rows) == {"interactive_agents", "plain", "guest"}
    assert sum(int(cells[1]) for cells in rows.values()) == 5
    elo = {one.name: f"{one.elo:.2f}" for one in selections([played], seed=7)}
    assert {name: cells[3] for name, cells in rows.items()} == elo


def test_the_released_arena_records_are_counted_too(tmp_path: Path) -> None:
    asked, other = {"role": "user", "content": "你好"}, {"from": "B", "role": "assistant", "content": "说说看。"}
    best = {"from": "A", "role": "assistant", "content": "想聊什么？"}
    record = {"messages": [asked, best], "candidates": [[other, best]]}
    (tmp_path / "1.json").write_text(json.dumps(record), encoding="utf-8")
    (dialogue,) = read(tmp_path, "interactive_agents")
    assert isinstance(dialogue, Dialogue)
    assert [(one.name, one.selections) for one in selections([dialogue])] == [("A", 1), ("B", 0)]


def test_dialogues_without_candidates_are_no_arena() -> None:
    with pytest.raises(UsageError, match="no dialogue holds candidates"):
        selections(
            [Dialogue(id="d", lang="zh", sessions=[Session(turns=[Turn.counselor("hi", candidates={"a": "b"})])])]
        )


# Does the client follow its profile?


def told(id_: str, post: str, *said: str) -> Dialogue:
    turns = [turn for text in said for turn in (Turn.client(text), Turn.counselor("升职 面试 失眠 房租 弟弟 妈妈"))]
    return Dialogue(
        id=id_, lang="zh", case=Case(id=id_, lang="zh", post=Post(text=post)), sessions=[Session(turns=turns)]
    )


@pytest.mark.accepts("interactive_agents", 10)
def test_overlap_and_likeness_of_client_and_profile_stand_beside_those_with_a_random_profile(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [told("1", "升职失眠", "升职", "失眠"), told("2", "房租弟弟", "房租", "房租")])
    embedder = "tests.systems.test_interactive_agents:counted"
    done = psyloom("analyze", "profile", tmp_path / "d.jsonl", "--facet", "post", "--embedder", embedder)
    assert not done.err
    words, likeness = (
        re.findall(r"-?\d\.\d{3}", line) for line in done.out.splitlines() if re.search(r"\d\.\d{3}", line)
    )
    # 升职 and 失眠 are both said, of 房租 and 弟弟 one; nothing is said of the other's profile.
    assert (words[0], words[2]) == ("0.750", "0.000")
    # Own: (1, 1, 0, 0) is the profile's own; (0, 0, 2, 0) and (0, 0, 1, 1) have a cosine of 0.707.
    assert (likeness[0], likeness[2]) == ("0.854", "0.000")


def counted(texts: Sequence[str]) -> list[list[int]]:
    """An embedding that can be worked out by hand: how often each of four words occurs."""
    return [[text.count(word) for word in ("升职", "失眠", "房租", "弟弟")] for text in texts]


async def test_a_rival_begins_each_session_anew() -> None:
    plan = {"cbt_technique": "pie_chart", "cbt_plan": "x"}
    record = {"summary": "s", "learnt": [], "homework": [], "ratings": []}
    given = case().model_copy(update={"intake": Intake(reason="sleep")})
    model = Scripted(client=numbered("word"), counselor=numbered("own"), judge={"best": "A"}, plan=plan, record=record)
    options = {"rivals": '["cactus"]', "max_exchanges": "2", "sessions": "2"}
    await write(pair("interactive_agents", "interactive_agents", options), given, model)
    assert len(model.asked("plan")) == 2, "a plan for each session, as without rivals"
