"""SuDoSys: the stage controller, its rules and its memory. Numbers follow the paper's released code."""

import asyncio
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.agents.prompts import load_prompt
from psyloom.errors import AnswerRejected
from psyloom.llm import Call
from psyloom.records import Case, Dialogue, Lang, Portrait, Rating, Turn, read_jsonl, write_jsonl
from psyloom.runs import pair
from psyloom.runs.arena import arena
from psyloom.systems import find_system
from psyloom.systems.sudosys.system import FALLBACK, PLAN, Memory, SuDoSys
from tests.support import Scripted, desk_for, numbered, text_of, write

STAGES = PLAN.ids
# What each stage finds in these tests; enough for its rules.
FOUND: dict[str, dict[str, Any]] = {
    "listing_problems": {"problems": ["论文拖延", "和室友闹僵"]},
    "choosing_problem": {"problems": ["论文拖延", "和室友闹僵"], "problemSelected": "论文拖延"},
    "defining_problem": {"factors": ["手机放在桌上", "不知道第一步写什么"]},
    "brainstorming": {"solutions": ["先写提纲", "把手机放到客厅"]},
    "deciding": {"solutions": [], "solutionsOK": ["先写提纲"]},
    "action_plan": {},
}
NOTHING: dict[str, dict[str, Any]] = {
    "listing_problems": {"problems": []}, "choosing_problem": {"problems": [], "problemSelected": ""}, "defining_problem": {"factors": []},
    "brainstorming": {"solutions": []}, "deciding": {"solutions": [], "solutionsOK": []}, "action_plan": {},
}  # fmt: skip
SAY = numbered("我听着呢")
CASE = Case(id="a", lang="zh", portrait=Portrait(mood="焦虑", stressors="论文拖延，和室友闹僵"))


def answers(
    finished: bool = True, found: dict[str, dict[str, Any]] = FOUND, **more: Any
) -> dict[str, Callable[[Call], Any]]:
    """A model's answers for every stage: what it finds, is it finished, and a reply that never repeats."""
    return {
        name: (lambda call, name=name: found[name] | {"finished": finished, "response": SAY(call)} | more)
        for name in STAGES
    }


class Live:
    """A live talk with the counselor: each line is the client's, each reply the counselor's."""

    def __init__(self, model: Any, lang: Lang = "zh", **options: Any) -> None:
        self.model, self.counselor = model, SuDoSys(**options)
        self.desk = desk_for(CASE.model_copy(update={"lang": lang}), model)
        self.talk = Talk(self.desk.dialogue)

    async def says(self, *lines: str) -> Turn:
        for line in lines:
            self.talk.add(Turn.client(line))
            self.talk.add(await self.counselor.reply(self.talk, Ask(self.desk, self.counselor, self.talk)))
        return self.talk.turns[-1]

    @property
    def state(self) -> Memory:
        return self.talk.memory(self.counselor, Memory, session=True)

    @property
    def stages(self) -> list[str]:
        return [turn.labels[0].id for turn in self.talk.turns if turn.speaker == "counselor"]


def lines(count: int) -> list[str]:
    return [f"来访者的第{n}句话" for n in range(1, count + 1)]


@pytest.mark.accepts("sudosys", 1, 2)
async def test_a_new_session_starts_in_stage_1_and_finished_stages_follow_one_a_turn() -> None:
    live = Live(Scripted(**answers()))
    await live.says(*lines(6))
    assert live.stages == list(STAGES)


@pytest.mark.accepts("sudosys", 2)
async def test_a_model_that_never_finishes_reaches_stage_6_after_15_turns_and_stays_there() -> None:
    live = Live(Scripted(**answers(finished=False)))
    await live.says(*lines(21))
    assert live.stages == [name for name in STAGES for _ in range(3)] + [STAGES[-1]] * 3
    reasons = [turn.extra["advance_reason"] for turn in live.talk.turns if turn.speaker == "counselor"]
    assert reasons == [None, None, "turn_limit"] * 7


@pytest.mark.accepts("sudosys", 1)
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=24))
def test_stages_only_move_forward_by_at_most_one_a_turn_and_never_past_6(course: list[tuple[bool, bool]]) -> None:
    def answer(name: str) -> Callable[[Call], Any]:
        def play(call: Call) -> Any:
            finished, finds = course[len(live.talk.turns) // 2]
            return (FOUND if finds else NOTHING)[name] | {"finished": finished and finds, "response": SAY(call)}

        return play

    live = Live(Scripted(**{name: answer(name) for name in STAGES}))
    asyncio.run(live.says(*lines(len(course))))
    numbers = [STAGES.index(name) + 1 for name in live.stages] + [live.state.stage]
    assert numbers[0] == 1
    assert all(0 <= later - earlier <= 1 for earlier, later in pairwise(numbers))
    assert max(numbers) <= 6
    assert all(numbers[:-1].count(n) <= 3 for n in range(1, 6))


@pytest.mark.accepts("sudosys", 3)
async def test_one_call_a_client_turn_when_the_answers_are_valid() -> None:
    model = Scripted(**answers())
    await Live(model).says(*lines(8))
    assert len(model.calls) == 8
    assert all(turn.extra["attempts"] == 1 for turn in (await _talk(model, 3)).turns if turn.speaker == "counselor")


async def _talk(model: Any, count: int) -> Talk:
    live = Live(model)
    await live.says(*lines(count))
    return live.talk


@pytest.mark.accepts("sudosys", 3)
@pytest.mark.parametrize(
    "malformed",
    ["{'problems': ", "好的，我们慢慢说。", {"problems": ["甲"], "response": "好"}, {"problems": "甲", "finished": True, "response": "好"},
     {"problems": ["甲", " "], "finished": False, "response": "好"}, {"problems": [], "finished": False, "response": ""}],
    ids=["torn", "no JSON", "key missing", "wrong type", "blank item", "nothing said"],
)  # fmt: skip
async def test_a_malformed_answer_is_asked_for_again_in_the_same_stage_and_leaves_the_state_alone(
    malformed: Any,
) -> None:
    good = FOUND["listing_problems"] | {"finished": True, "response": "我听明白了。"}
    model = Scripted(listing_problems=[malformed, malformed, good])
    live = Live(model)
    turn = await live.says("我睡不好")
    assert model.counts() == {"listing_problems": 3}
    assert turn.extra["attempts"] == 3
    assert turn.extra["before"] == Memory().model_dump()
    assert turn.extra["after"] == Memory(stage=2, problems=FOUND["listing_problems"]["problems"]).model_dump()


@pytest.mark.accepts("sudosys", 3)
async def test_an_answer_that_stays_unusable_fails_the_case_and_changes_nothing() -> None:
    live = Live(Scripted(listing_problems="我不会写"))
    with pytest.raises(AnswerRejected, match="listing_problems"):
        await live.says("我睡不好")
    assert live.state == Memory()
    assert [turn.speaker for turn in live.talk.turns] == ["client"]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_in_a_live_talk_a_fixed_sentence_stands_in_and_the_talk_goes_on_where_it_was(lang: Lang) -> None:
    later = FOUND["listing_problems"] | {"finished": True, "response": "我听明白了。"}
    live = Live(Scripted(listing_problems=["{", "{", "{", later]), lang, strict=False)
    turn = await live.says("我睡不好")
    assert turn.text == FALLBACK[lang]
    assert turn.extra["fallback"] is True
    assert turn.extra["after"] == turn.extra["before"] == Memory().model_dump()
    assert live.state == Memory()
    assert live.desk.dialogue.quality.kept == {"fallback": 1}
    assert (await live.says("我睡不好，还和室友闹僵了")).text == "我听明白了。"
    assert live.state.stage == 2


@pytest.mark.accepts("sudosys", 4)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("stage", STAGES)
async def test_the_prompt_of_a_stage_holds_what_it_reads_and_the_last_exchange_and_nothing_older(
    stage: str, lang: Lang
) -> None:
    model = Scripted(**answers())
    live = Live(model, lang)
    await live.says(*lines(STAGES.index(stage) + 1))
    shown = text_of(model.asked(stage)[0])
    before = live.talk.turns[-1].extra["before"]
    for key in ("problems", "problemSelected", "factors", "solutions", "solutionsOK"):
        items = [before[key]] if isinstance(before[key], str) else before[key]
        if key in PLAN[stage].reads:
            assert all(item in shown for item in items if item), key
    said = [turn.text for turn in live.talk.turns[:-1]]
    assert all(text in shown for text in said[-2:])
    assert not any(text in shown for text in said[:-2])
    assert len(model.asked(stage)[0].messages) == 2


async def test_a_stage_does_not_see_what_it_does_not_read() -> None:
    model = Scripted(**answers())
    await Live(model).says(*lines(6))
    assert "和室友闹僵" not in text_of(model.asked("defining_problem")[0])
    assert "手机放在桌上" not in text_of(model.asked("action_plan")[0])
    assert "先写提纲" in text_of(model.asked("action_plan")[0])


READS = {
    "listing_problems": {"problems"}, "choosing_problem": {"problems"}, "defining_problem": {"problemSelected", "factors"},
    "brainstorming": {"problemSelected", "factors", "solutions"},
    "deciding": {"problemSelected", "solutions", "solutionsOK"}, "action_plan": {"problemSelected", "solutionsOK"},
}  # fmt: skip


@pytest.mark.accepts("sudosys", 4)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_prompt_reads_exactly_the_keys_that_the_plan_lists(stage: str, lang: Lang) -> None:
    slots = load_prompt(find_system("sudosys").folder / "prompts", stage, lang).slots
    read = {slot.removeprefix("sheet.") for slot in slots if slot.startswith("sheet.")}
    assert read - {"summary"} == set(PLAN[stage].reads) == READS[stage]


async def test_what_a_stage_found_in_an_earlier_turn_is_shown_to_it_again() -> None:
    found = FOUND | {"brainstorming": {"solutions": ["先写提纲"]}}
    model = Scripted(**answers() | {"brainstorming": answers(False, found)["brainstorming"]})
    await Live(model).says(*lines(5))
    first, second = model.asked("brainstorming")
    assert "先写提纲" not in text_of(first)
    assert "先写提纲" in text_of(second)


@pytest.mark.accepts("sudosys", 5)
async def test_stage_1_is_not_finished_with_fewer_than_two_problems_whatever_the_model_says() -> None:
    one = {"problems": ["论文拖延"], "finished": True, "response": "听起来很不容易。"}
    model = Scripted(listing_problems=one)
    live = Live(model)
    turn = await live.says("论文写不下去")
    assert model.counts() == {"listing_problems": 3}
    assert "problems 只有 1 项，至少要有 2 项" in text_of(model.calls[-1])
    assert turn.extra["advance_reason"] is None
    assert live.state == Memory(stage=1, current_stage_turns=1, problems=["论文拖延"])
    assert live.desk.dialogue.quality.kept["early_or_unspoken"] == 1


@pytest.mark.accepts("sudosys", 5)
@pytest.mark.parametrize(("solutions", "over"), [(6, True), (5, False)])
async def test_stage_4_is_over_at_six_solutions_whatever_the_model_says(solutions: int, over: bool) -> None:
    found = FOUND | {"brainstorming": {"solutions": [f"办法{n}" for n in range(solutions)]}}
    live = Live(Scripted(**answers() | {"brainstorming": answers(False, found)["brainstorming"]}))
    turn = await live.says(*lines(4))
    assert turn.labels[0].id == "brainstorming"
    assert turn.extra["advance_reason"] == ("finished" if over else None)
    assert live.state.stage == (5 if over else 4)


@pytest.mark.accepts("sudosys", 5)
@pytest.mark.parametrize(
    ("found", "over"),
    [
        ({"solutions": [], "solutionsOK": ["先写提纲"]}, True),
        ({"solutions": ["换个题目"], "solutionsOK": ["先写提纲"]}, False),
        ({"solutions": [], "solutionsOK": []}, False),
    ],
)
async def test_stage_5_is_finished_only_with_nothing_undecided_and_something_accepted(
    found: dict[str, Any], over: bool
) -> None:
    live = Live(Scripted(**answers(found=FOUND | {"deciding": found})))
    turn = await live.says(*lines(5))
    assert turn.extra["advance_reason"] == ("finished" if over else None)
    assert live.state.stage == (6 if over else 5)


@pytest.mark.accepts("sudosys", 6)
async def test_the_selected_problem_must_be_one_of_the_list_word_for_word() -> None:
    wrong = FOUND["choosing_problem"] | {
        "problemSelected": "写论文",
        "finished": True,
        "response": "好，就从论文开始。",
    }
    right = wrong | {"problemSelected": "论文拖延"}
    model = Scripted(**answers() | {"choosing_problem": [wrong, right]})
    live = Live(model)
    await live.says(*lines(2))
    assert live.state.problemSelected == "论文拖延"
    assert "problemSelected 里的“写论文”不在 problems 之中，problems 有：论文拖延、和室友闹僵" in text_of(
        model.calls[-1]
    )
    stubborn = Live(Scripted(**answers() | {"choosing_problem": wrong}))
    with pytest.raises(AnswerRejected):
        await stubborn.says(*lines(2))
    assert stubborn.state.problemSelected == ""


async def test_the_keys_of_the_release_with_finished_as_0_or_1_are_read_too() -> None:
    live = Live(Scripted(**answers(finished="1")))  # type: ignore[arg-type]
    assert (await live.says("你好")).extra["advance_reason"] == "finished"


@pytest.mark.accepts("sudosys", 7)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "reply", ["先这样：\n1. 写提纲\n2. 休息", "- 写提纲", '```json\n{"response": "好"}\n```', "第一件事\n第二件事"]
)
async def test_a_reply_with_lists_line_breaks_or_data_is_asked_for_again(reply: str, lang: Lang) -> None:
    good = {"zh": "我听明白了。", "en": "I hear you."}[lang]
    answer = FOUND["listing_problems"] | {"finished": True}
    model = Scripted(listing_problems=[answer | {"response": reply}, answer | {"response": good}])
    turn = await Live(model, lang).says("你好")
    assert turn.text == good
    assert turn.extra["attempts"] == 2


@pytest.mark.accepts("sudosys", 7)
@pytest.mark.parametrize(
    ("lang", "foreign", "own"),
    [("zh", "I hear you, tell me more about it.", "我听明白了。"), ("en", "我听明白了，再多说一点吧。", "I hear you.")],
)
async def test_a_reply_in_the_other_language_is_asked_for_again(lang: Lang, foreign: str, own: str) -> None:
    answer = FOUND["listing_problems"] | {"finished": True}
    model = Scripted(listing_problems=[answer | {"response": foreign}, answer | {"response": own}])
    assert (await Live(model, lang).says("你好")).text == own


async def test_every_reply_says_its_stage_its_turn_and_why_the_stage_was_left() -> None:
    live = Live(Scripted(**answers(finished=False) | {"listing_problems": answers()["listing_problems"]}))
    await live.says(*lines(4))
    told = [(turn.labels[0].set, turn.extra["turn_in_stage"], turn.extra["advance_reason"])
            for turn in live.talk.turns if turn.speaker == "counselor"]  # fmt: skip
    assert told == [("pm_plus_stage", *one) for one in ((1, "finished"), (1, None), (2, None), (3, "turn_limit"))]


async def test_the_worksheet_is_what_was_found_last() -> None:
    live = Live(Scripted(**answers()))
    await live.says(*lines(7))
    assert live.talk.session.notes["worksheet"] == {
        "problems": ["论文拖延", "和室友闹僵"], "problemSelected": "论文拖延",
        "factors": ["手机放在桌上", "不知道第一步写什么"], "solutionsOK": ["先写提纲"],
    }  # fmt: skip


async def test_a_talk_that_was_stored_goes_on_in_its_stage() -> None:
    live = Live(Scripted(**answers()))
    await live.says(*lines(3))
    stored = json.loads(json.dumps(live.talk.dump()))
    later = Live(Scripted(**answers()))
    later.talk = Talk.load(stored)
    assert later.state.stage == 4
    assert (await later.says("我想过先写提纲")).labels[0].id == "brainstorming"


async def test_a_problem_that_comes_up_in_stage_2_can_be_chosen() -> None:
    late = {
        "problems": ["论文拖延", "和室友闹僵", "失眠"],
        "problemSelected": "失眠",
        "finished": True,
        "response": "好，先谈睡觉。",
    }
    live = Live(Scripted(**answers() | {"choosing_problem": late}))
    await live.says(*lines(2))
    assert live.state.problems == late["problems"]
    assert live.state.problemSelected == "失眠"


# Improvements


async def test_hold_stays_in_a_stage_at_its_limit_until_it_has_found_what_it_must() -> None:
    found = iter([[], [], [], ["甲"], ["甲", "乙"]])
    model = Scripted(listing_problems=lambda call: {"problems": next(found), "finished": False, "response": SAY(call)})
    live = Live(model, hold=True)
    await live.says(*lines(5))
    assert [turn.extra["advance_reason"] for turn in live.talk.turns[1::2]] == [None] * 4 + ["turn_limit"]


async def test_a_running_summary_is_asked_for_kept_and_shown_only_when_wanted() -> None:
    model = Scripted(**answers(summary="谈到论文和室友。"))
    live = Live(model, summarize=True)
    await live.says(*lines(2))
    assert "summary" in model.calls[0].schema["properties"]
    assert "谈到论文和室友。" in text_of(model.calls[1])
    assert live.talk.session.notes["worksheet"]["summary"] == "谈到论文和室友。"
    plain = Scripted(**answers())
    await Live(plain).says(*lines(2))
    assert not any("summary" in text_of(call) for call in plain.calls)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_closing_says_goodbye_after_stage_6_and_ends_the_session(lang: Lang) -> None:
    model = Scripted(**answers(), closing="今天就到这里，祝你顺利。", client=numbered("嗯"))
    dialogue = await write("sudosys", CASE.model_copy(update={"lang": lang}), model, options={"closing": True})
    assert [label.id for turn in dialogue.turns for label in turn.labels] == list(STAGES)
    assert dialogue.turns[-1].closes
    assert dialogue.sessions[0].ended == "counselor closed"
    assert "先写提纲" in text_of(model.asked("closing")[0])


async def test_each_session_goes_through_the_six_steps_and_keeps_its_own_worksheet() -> None:
    record = {"summary": "RECORD", "learnt": [], "homework": [], "ratings": []}
    model = Scripted(**answers(), closing=numbered("今天就到这里，祝你顺利"), client=numbered("嗯"), record=record)
    dialogue = await write("sudosys", CASE.model_copy(deep=True), model, options={"closing": True, "sessions": 2})
    for session in dialogue.sessions:
        assert [label.id for turn in session.turns for label in turn.labels] == list(STAGES)
    first = model.asked(STAGES[0])
    assert "RECORD" not in text_of(first[0])
    assert "RECORD" in text_of(first[1])


# The simulated client and the session


@pytest.mark.accepts("sudosys", 9)
async def test_a_simulated_session_has_20_counselor_and_19_client_calls() -> None:
    model = Scripted(**answers(finished=False), client=numbered("嗯"))
    dialogue = await write("sudosys", CASE.model_copy(), model)
    assert len(model.asked("client")) == 19
    assert len(model.calls) == 39
    assert dialogue.turns[0].text == "你好"
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 20
    assert dialogue.sessions[0].ended == "limit"


async def test_the_counselor_greeted_by_a_case_with_an_opening_goes_on_from_it() -> None:
    case = Case(
        **CASE.model_dump(exclude={"opening"}), opening=[{"counselor": "你好，请坐。"}, {"client": "谢谢老师。"}]
    )
    model = Scripted(**answers(), client=numbered("嗯"))
    dialogue = await write("sudosys", case, model, options={"max_exchanges": 2})
    assert [turn.text for turn in dialogue.turns[:2]] == ["你好，请坐。", "谢谢老师。"]
    assert all(text in text_of(model.calls[0]) for text in ("你好，请坐。", "谢谢老师。"))


@pytest.mark.accepts("sudosys", 8)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("steady", "seen"), [("true", [2, 4, 5, 3, 5, 3]), ("false", [2, 4, 5, 5, 5, 5])])
async def test_the_client_sees_its_portrait_and_at_most_the_last_five_utterances(
    lang: Lang, steady: str, seen: list[int]
) -> None:
    model = Scripted(**answers(finished=False), client=numbered("嗯"))
    work = pair("sudosys", "sudosys", {"max_exchanges": "7", "client.steady": steady})
    dialogue = await write(work, CASE.model_copy(update={"lang": lang}), model)
    for n, (call, count) in enumerate(zip(model.asked("client"), seen, strict=True), 1):
        said = [turn.text for turn in dialogue.turns[: 2 * n]]
        lines = re.findall(r"(?m)^(?:来访者|咨询师|Client|Counselor)(?:：|: )(.+)$", text_of(call))
        assert lines == said[-count:]
        assert "论文拖延，和室友闹僵" in call.messages[0]["content"]


@pytest.mark.accepts("sudosys", 8)
@pytest.mark.parametrize(
    ("lang", "long", "short"),
    [("zh", "我" * 51, "我" * 50), ("en", "no " * 31, ("no " * 30).strip())],
    ids=["zh", "en"],
)
async def test_a_client_line_over_the_limit_is_asked_for_again(lang: Lang, long: str, short: str) -> None:
    model = Scripted(**answers(finished=False), client=[long, short])
    dialogue = await write("sudosys", CASE.model_copy(update={"lang": lang}), model, options={"max_exchanges": 2})
    assert dialogue.turns[2].text == short
    assert len(model.asked("client")) == 2


@pytest.mark.accepts("sudosys", 8)
@pytest.mark.parametrize(
    ("lang", "long", "short"),
    [
        ("zh", "我最近睡不好。" * 8, "我最近睡不好。" * 7),
        ("zh", "我一直在想工作的事，" * 3 + "想到后半夜" * 6, "我一直在想工作的事，" * 2 + "我一直在想工作的事。"),
        ("zh", "想" * 80, "想" * 50),
        ("en", "I sleep badly these days. " * 7, ("I sleep badly these days. " * 6).strip()),
        ("en", "no " * 40, ("no " * 30).strip()),
    ],
)
async def test_a_client_that_stays_too_long_is_cut_after_the_last_sentence_clause_or_word_that_fits(
    lang: Lang, long: str, short: str
) -> None:
    model = Scripted(**answers(finished=False), client=long)
    dialogue = await write("sudosys", CASE.model_copy(update={"lang": lang}), model, options={"max_exchanges": 2})
    assert dialogue.turns[2].text == short
    assert dialogue.quality.kept["too_long"] == 1


async def test_a_client_that_stays_too_long_may_still_end_the_session_by_a_dial() -> None:
    model = Scripted(**answers(finished=False), client="我最近睡不好。" * 8 + "我先走了。 [/END]")
    options = {"max_exchanges": 5, "dials.may_end": True}
    dialogue = await write("sudosys", CASE.model_copy(), model, options=options)
    assert dialogue.turns[2].closes
    assert dialogue.turns[2].text == "我最近睡不好。" * 7
    assert dialogue.sessions[0].ended == "client closed"


async def test_the_token_that_ends_a_session_does_not_count_as_length() -> None:
    said = "我" * 50
    model = Scripted(**answers(finished=False), client=f"{said} [/END]")
    dialogue = await write("sudosys", CASE.model_copy(), model, options={"dials.may_end": True})
    assert dialogue.turns[2].text == said
    assert len(model.asked("client")) == 1


@pytest.mark.accepts("sudosys", 8)
@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("用第一人称", "最多 50 个字")), ("en", ("first person", "30 words"))]
)
async def test_the_client_is_told_to_speak_in_the_first_person_and_in_how_many_words(
    lang: Lang, words: tuple[str, ...]
) -> None:
    model = Scripted(**answers(finished=False), client=numbered("嗯"))
    await write("sudosys", CASE.model_copy(update={"lang": lang}), model, options={"max_exchanges": 2})
    assert all(word in text_of(model.asked("client")[0]) for word in words)


@pytest.mark.accepts("sudosys", 9)
async def test_an_evaluation_run_gives_twenty_turns_and_four_scores_a_portrait_and_system(tmp_path: Path) -> None:
    cases = [case for case in read_jsonl(find_system("sudosys").cases(), Case) if case.lang == "zh"][:2]
    write_jsonl(tmp_path / "portraits.jsonl", cases)
    systems = ["sudosys", "plain", "psychat", "soulchat"]
    await arena(
        systems, "sudosys", tmp_path / "portraits.jsonl", tmp_path / "out", instruments=["sudosys"], resamples=20,
        options={"max_exchanges": 20, "min_exchanges": 20},
    )  # fmt: skip
    for system in systems:
        talks = list(read_jsonl(tmp_path / "out/talks" / system / "dialogues.jsonl", Dialogue))
        assert [talk.id for talk in talks] == [case.id for case in cases]
        for talk in talks:
            assert [turn.speaker for turn in talk.turns].count("counselor") == 20
            assert talk.sessions[0].exchanges() == 20
        scores = list(read_jsonl(tmp_path / "out/ratings" / system / "sudosys/ratings.jsonl", Rating))
        assert [one.subject.dialogue for one in scores] == [talk.id for talk in talks]
        for one in scores:
            given_ = {part.item: part.value for part in one.items}
            assert set(given_) == {"coherence", "professionalism", "empathy", "authenticity"}
            assert all(value in (1, 2, 3, 4, 5) for value in given_.values())


async def test_the_counselor_knows_nothing_of_the_portrait() -> None:
    model = Scripted(**answers(), client=numbered("嗯"))
    await write("sudosys", CASE.model_copy(update={"portrait": Portrait(mood="金丝雀", stressors="金丝雀")}), model)
    assert not any("金丝雀" in text_of(call) for call in model.calls if call.agent == "counselor")
    assert all("金丝雀" in text_of(call) for call in model.asked("client"))


async def test_the_client_decodes_as_in_the_release() -> None:
    model = Scripted(**answers(), client=numbered("嗯"))
    await write("sudosys", CASE.model_copy(), model, options={"max_exchanges": 2})
    assert model.asked("client")[0].decoding == {"temperature": 0.8, "max_tokens": 256}


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsal_walks_through_all_six_stages_and_fills_the_worksheet(lang: Lang, tmp_path: Path) -> None:
    from psyloom.llm.rehearsal import Rehearsal

    cases = [case for case in read_jsonl(find_system("sudosys").cases(), Case) if case.lang == lang]
    for case in cases:
        dialogue: Dialogue = await write("sudosys", case, Rehearsal())
        walked = [label.id for turn in dialogue.turns for label in turn.labels]
        assert list(dict.fromkeys(walked)) == list(STAGES)
        sheet = dialogue.sessions[0].notes["worksheet"]
        assert sheet["problemSelected"] in sheet["problems"]  # type: ignore[index,operator,call-overload]
        assert sheet["solutionsOK"]  # type: ignore[index,call-overload]
