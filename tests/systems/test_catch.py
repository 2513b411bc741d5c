"""CATCH: a session written stage by stage along an outline, and the gated thinking over its fixed replies."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from psyloom.cli import app
from psyloom.errors import AnswerRejected
from psyloom.formats import read
from psyloom.formats.read.catch import CHAIN
from psyloom.knowledge import label_set
from psyloom.knowledge.plans import FOLDER, stage_plan
from psyloom.llm import Answer, Call
from psyloom.records import (
    Case,
    Dialogue,
    Element,
    Intake,
    Label,
    Lang,
    Personality,
    Post,
    Rating,
    Session,
    Turn,
    read_jsonl,
    write_jsonl,
)
from psyloom.runs import pair, run_cases
from psyloom.systems import find_system
from psyloom.systems.catch.system import PLAN, Catch, CatchThoughts, attitudes
from tests.support import Scripted, annotate, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
REPORT = {
    "zh": "我总猜新主管对我不满意，晚上睡不着。",
    "en": "I keep guessing that my supervisor is unhappy with me and cannot sleep.",
}
GOAL = {
    "zh": "帮助来访者减少对主管心思的猜测，安心入睡。",
    "en": "Help the client to guess less and to fall asleep calmly.",
}
SAID = {"zh": "那今天就先让脑子里的猜测少一点。", "en": "Then today let the guessing grow a little quieter."}
EARLY = {
    "zh": "你想要的是减少对主管心思的猜测，安心入睡，对吗？",
    "en": "So you would like to guess less and to fall asleep calmly?",
}
YES = {"zh": "好，就先做这个。", "en": "Yes, let us do that first."}
TRY = {"zh": "我今晚就去试试。", "en": "I will try that tonight."}
NAME = {"zh": "河边跑步", "en": "running by the river"}
USES = {"zh": "以前会去河边跑步。", "en": "I used to go running by the river."}
HOMEWORK = {"zh": "回去请连着三晚写一行字。", "en": "Write one line on three evenings."}
NAMED = {"zh": "我用处理阻抗技术。", "en": "I use the technique of Handling Resistance."}
LINE = {"zh": ("我说的第{}件事。", "我听到第{}件了。"), "en": ("This is thing {} I tell.", "That is thing {} I hear.")}


def case(lang: Lang, **facets: Any) -> Case:
    return Case(id="c", lang=lang, post=Post(text=REPORT[lang]), **facets)


def exchanges(lang: Lang, count: int, start: int = 0, **said: tuple[str, int]) -> list[dict[str, str]]:
    """So many exchanges; ``said``: speaker -> (words, number of the exchange) put in their place."""
    client, counselor = LINE[lang]
    made = [{"client": client.format(start + n), "counselor": counselor.format(start + n)} for n in range(count)]
    for who, (words, at) in said.items():
        made[at][who.rstrip("_")] = words
    return made


def parts(lang: Lang) -> dict[str, dict[str, Any]]:
    return {
        "target": {"exchanges": exchanges(lang, 4, 0, counselor=(SAID[lang], 2), client=(YES[lang], 3)), "goal_said": SAID[lang], "agreement": YES[lang]},
        "working": {"exchanges": exchanges(lang, 6, 10, client=(TRY[lang], 5), client_=(USES[lang], 2)), "willingness": TRY[lang]},
        "ending": {"exchanges": exchanges(lang, 1, 30, counselor=(HOMEWORK[lang], 0)), "homework": HOMEWORK[lang]},
    }  # fmt: skip


def stage_of(call: Call) -> str:
    """The stage that a call asks to be written, told by the fields of its answer."""
    assert call.schema
    fields = call.schema["properties"]
    return next(
        stage
        for stage, field in (("target", "goal_said"), ("working", "willingness"), ("ending", "homework"))
        if field in fields
    )


def writing(lang: Lang, **more: Any) -> Scripted:
    trait = {"level": "high", "evidence": "-"}
    resource = {"name": NAME[lang], "text": "by the river on Tuesdays", "usefulness": "calms"}
    replies: dict[str, Any] = {
        "personality": dict.fromkeys(
            ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"), trait
        ),
        "goal": {"goal": GOAL[lang]},
        "resources": {"internal": [resource], "external": [resource | {"name": "Lao Zhou"}], "none_found": []},
        "solution": {"positive_resources": [1], "plan": "Run on Tuesday."},
        "stage": lambda call: parts(lang)[stage_of(call)],
    }
    return Scripted(**replies | more)


def replaced(lang: Lang, stage: str, **fields: Any) -> Callable[[Call], Any]:
    """The parts, with some fields of one stage replaced."""
    return lambda call: parts(lang)[stage_of(call)] | (fields if stage_of(call) == stage else {})


def at_first(stage: str, faulty: Callable[[Call], Any], good: Callable[[Call], Any]) -> Callable[[Call], Any]:
    """Answers that are faulty the first time ``stage`` is asked for, and good from then on."""
    times = iter([faulty])
    return lambda call: (next(times, good) if stage_of(call) == stage else good)(call)


# Part 1. The writer


@pytest.mark.parametrize("lang", LANGS)
async def test_a_dialogue_takes_seven_calls_in_the_order_of_the_outline_and_the_stages(lang: Lang) -> None:
    model = writing(lang)
    await write(Catch(), case(lang), model)
    assert [call.prompt for call in model.calls] == ["personality", "goal", "resources", "solution"] + ["stage"] * 3
    assert [stage_of(call) for call in model.asked("stage")] == ["target", "working", "ending"]


@pytest.mark.accepts("catch", 2)
@pytest.mark.parametrize("lang", LANGS)
async def test_stages_come_in_order_never_back_and_only_counselor_turns_carry_one(lang: Lang) -> None:
    dialogue = await write(Catch(), case(lang), writing(lang))
    stages = [label.id for turn in dialogue.turns for label in turn.labels if label.set == "catch_stage"]
    assert stages == ["target"] * 4 + ["working"] * 6 + ["ending"]
    assert all(bool(turn.labels) == (turn.speaker == "counselor") for turn in dialogue.turns)
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 11


@pytest.mark.accepts("catch", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_later_stages_are_written_with_all_that_was_said_before(lang: Lang) -> None:
    model = writing(lang)
    dialogue = await write(Catch(), case(lang), model)
    target, working, ending = (text_of(call) for call in model.asked("stage"))
    first, second = ([t.text for t in dialogue.turns[a:b]] for a, b in ((0, 8), (8, 20)))
    assert not any(text in target for text in first)
    assert all(text in working for text in first)
    assert not any(text in working for text in second)
    assert all(text in ending for text in (*first, *second))


@pytest.mark.accepts("catch", 1, 4)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_goal_of_the_outline_is_the_consultation_target_and_steers_every_stage(lang: Lang) -> None:
    model = writing(lang)
    dialogue = await write(Catch(), case(lang), model)
    notes: Any = dialogue.sessions[0].notes
    assert notes["consultation_target"] == notes["outline"]["goal"] == GOAL[lang]
    assert notes["outline"]["solution"] == {
        "positive_resources": ["by the river on Tuesdays"],
        "plan": "Run on Tuesday.",
    }
    assert [one["kind"] for one in notes["outline"]["resources"]] == ["internal", "external"]
    assert notes["reached"]["target"] == {"goal_said": SAID[lang], "agreement": YES[lang]}
    assert all(GOAL[lang] in text_of(call) for call in model.asked("stage"))


async def test_the_goal_stage_does_not_know_the_plan_yet() -> None:
    model = writing("en")
    await write(Catch(), case("en"), model)
    assert ["Run on Tuesday." in text_of(call) for call in model.asked("stage")] == [False, True, True]


@pytest.mark.parametrize("lang", LANGS)
async def test_the_self_report_gives_a_personality_that_shows_in_the_stages(lang: Lang) -> None:
    model = writing(lang)
    dialogue = await write(Catch(), case(lang), model)
    assert dialogue.case
    assert dialogue.case.derived == ["personality"]
    level = {"zh": "开放性：高。-", "en": "openness: high. -"}[lang]
    assert all(level in text_of(call) for call in (model.asked("goal")[0], *model.asked("stage")))


async def test_a_case_that_brings_a_personality_keeps_it_and_saves_the_call() -> None:
    model = writing("en")
    dialogue = await write(Catch(), case("en", personality=Personality(openness="low")), model)
    assert "personality" not in model.counts()
    assert dialogue.case
    assert dialogue.case.derived == []


@pytest.mark.accepts("catch", 1)
@pytest.mark.parametrize(
    ("found", "calls"),
    [
        ({"internal": [], "external": [], "none_found": []}, 3),
        ({"internal": [], "external": [], "none_found": ["internal"]}, 3),
        ({"internal": [], "external": [], "none_found": ["internal", "external"]}, 1),
    ],
)
async def test_a_kind_without_resources_must_be_said_to_have_none(found: dict[str, Any], calls: int) -> None:
    model = writing("en", resources=found, solution={"positive_resources": [], "plan": "Rest."})
    if calls == 1:
        await write(Catch(strict=False), case("en"), model)
    else:
        with pytest.raises(AnswerRejected, match="none_found"):
            await write(Catch(), case("en"), model)
    assert model.counts()["resources"] == calls


@pytest.mark.accepts("catch", 1)
@pytest.mark.parametrize("numbers", [[], [3], [0], [1, 7]])
async def test_a_solution_names_resources_it_uses_and_no_others(numbers: list[int]) -> None:
    model = writing("en", solution={"positive_resources": numbers, "plan": "Run."})
    with pytest.raises(AnswerRejected):
        await write(Catch(), case("en"), model)
    assert model.counts()["solution"] == 3


@pytest.mark.accepts("catch", 4)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("rule", "stage", "fields"),
    [
        ("length", "target", lambda lang: {"exchanges": exchanges(lang, 3)}),
        ("length", "working", lambda lang: {"exchanges": exchanges(lang, 13, 10)}),
        ("length", "ending", lambda lang: {"exchanges": exchanges(lang, 4, 30)}),
        ("goal_said", "target", lambda lang: {"goal_said": GOAL[lang]}),
        ("unfinished", "target", lambda lang: {"goal_said": LINE[lang][1].format(0)}),
        ("unfinished", "target", lambda lang: {"exchanges": exchanges(lang, 4, 0, counselor=(SAID[lang], 2), client=(YES[lang], 3), counselor_=(GOAL[lang], 0))}),
        ("unfinished", "target", lambda lang: {"exchanges": exchanges(lang, 4, 0, counselor=(SAID[lang], 2), client=(YES[lang], 3), counselor_=(EARLY[lang], 1))}),
        ("unfinished", "target", lambda lang: {"agreement": LINE[lang][0].format(0)}),
        ("unfinished", "target", lambda lang: {"agreement": LINE[lang][0].format(2)}),
        ("unfinished", "working", lambda lang: {"exchanges": exchanges(lang, 6, 10, client=(TRY[lang], 5))}),
        ("unfinished", "working", lambda lang: {"willingness": LINE[lang][0].format(10)}),
        ("willingness", "working", lambda lang: {"willingness": LINE[lang][1].format(15)}),
        ("homework", "ending", lambda lang: {"homework": TRY[lang]}),
        ("repeats", "working", lambda lang: {"exchanges": exchanges(lang, 6, 10, client=(TRY[lang], 5), client_=(USES[lang], 2), counselor=(SAID[lang], 1))}),
        ("list", "ending", lambda lang: {"exchanges": exchanges(lang, 1, counselor=(f"1. {HOMEWORK[lang]} 2. {TRY[lang]}", 0))}),
        ("language", "working", lambda lang: {"exchanges": exchanges("en" if lang == "zh" else "zh", 6)}),
        ("names", "target", lambda lang: {"exchanges": exchanges(lang, 4, counselor=(NAMED[lang], 1))}),
    ],
)  # fmt: skip
async def test_a_stage_without_its_end_or_form_is_asked_for_again_and_logged_by_reason(
    rule: str, stage: str, fields: Callable[[Lang], dict[str, Any]], lang: Lang
) -> None:
    made = fields(lang)
    faulty = replaced(lang, stage, **made)
    mended = await write(Catch(), case(lang), writing(lang, stage=at_first(stage, faulty, replaced(lang, stage))))
    assert mended.quality.guards == {f"script: {rule}": 1}
    stubborn = writing(lang, stage=faulty)
    with pytest.raises(AnswerRejected):
        await write(Catch(), case(lang), stubborn)
    assert [stage_of(call) for call in stubborn.asked("stage")].count(stage) == 3
    lenient = writing(lang, stage=replaced(lang, stage, **made))
    dialogue = await write(Catch(strict=False), case(lang), lenient)
    assert lenient.counts()["stage"] == 3
    assert not dialogue.quality.guards


@pytest.mark.parametrize(
    ("old", "new", "stage", "says"),
    [
        ('among = "second_half"', 'among = "after_goal"', "target", "goal_said"),
        ('among = "last_third"', 'among = "resources_named"', "working", "willingness"),
        ("min_turns = 1", "min_turns = 2", "ending", "exchanges"),
    ],
)
async def test_the_plan_says_when_a_stage_is_at_its_end(
    old: str, new: str, stage: str, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (FOLDER / "sst.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "sst.toml").write_text(text.replace(old, new), "utf-8")
    monkeypatch.setattr("psyloom.systems.catch.writer.PLAN", stage_plan(tmp_path / "sst.toml"))
    model = writing("en")
    with pytest.raises(AnswerRejected, match=says):
        await write(Catch(), case("en"), model)
    assert [stage_of(call) for call in model.asked("stage")].count(stage) == 3
    await write(Catch(strict=False), case("en"), writing("en"))


@pytest.mark.parametrize("lang", LANGS)
async def test_what_a_stage_must_reach_stands_in_its_prompt(lang: Lang) -> None:
    model = writing(lang)
    await write(Catch(), case(lang), model)
    for call in model.asked("stage"):
        assert all(need.told(lang) in text_of(call) for need in PLAN[stage_of(call)].needs)


@pytest.mark.accepts("catch", 6)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_rehearsed_memory_has_a_goal_from_the_agreement_on_and_none_before(lang: Lang, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case(lang)])
    await run_cases("catch", tmp_path / "cases.jsonl", tmp_path / "out")
    await run_cases(CatchThoughts(), tmp_path / "out/dialogues.jsonl", tmp_path / "thoughts")
    (dialogue,) = read_jsonl(tmp_path / "thoughts/dialogues.jsonl", Dialogue)
    notes: Any = dialogue.sessions[0].notes
    assert not re.search("[“”]", notes["consultation_target"]), "a goal is no quotation"
    agreed = next(at for at, turn in enumerate(dialogue.turns) if turn.text == notes["reached"]["target"]["agreement"])
    for at, turn in enumerate(dialogue.turns):
        if turn.speaker == "counselor":
            extra: Any = turn.extra["catch"]
            assert (extra["memory"]["goal"] is not None) == (at > agreed)
            standing = {"zh": "已经说好了", "en": "has been agreed"}[lang]
            assert (standing in turn.thought[0].text) == (at > agreed)


# Part 2. The thoughts


MEMORY = {"profile": "cannot sleep", "internal_resources": [], "external_resources": [], "goal": None}
STRATEGY = {
    "client_reading": "tired", "strategy": "to be heard", "techniques": ["Empathy", "Probing", "Empathy"], "tone": "gentle",
    "form": "a question", "length": "brief",
}  # fmt: skip
FUSED = {"memory": "First the progress.", "global_plan": "Then the stage.", "strategy_reasoning": "Now the reply."}
FINE = {"reason": "-", "agrees": True}


def dialogue_of(lang: Lang = "en") -> Dialogue:
    """Three exchanges, one a stage."""
    label = PLAN.labels.label
    turns = []
    for n, stage in enumerate(PLAN.ids):
        client, counselor = (line.format(n) for line in LINE[lang])
        turns += [Turn.client(client), Turn.counselor(counselor, [label(stage)])]
    return Dialogue(id="d", lang=lang, sessions=[Session(turns=turns, notes={"consultation_target": GOAL[lang]})])


def label_in(call: Call) -> str:
    """The stage that a plan agent has to find: by the client's lines it reads."""
    said = [n for n in range(3) if any(line[0].format(n) in text_of(call) for line in LINE.values())]
    return PLAN.ids[said[-1] if said else 0]


def plan(call: Call, **more: Any) -> dict[str, Any]:
    return {
        "historical_stage": label_in(call),
        "step": 1,
        "finished": False,
        "next_move": "maintain",
        "next_plan": "-",
    } | more


def thinking(**more: Any) -> Scripted:
    replies: dict[str, Any] = {
        "memory": MEMORY, "plan": plan, "strategy": STRATEGY, "fuse": FUSED,
        "check_memory": FINE, "check_plan": FINE, "check_strategy": FINE,
    }  # fmt: skip
    return Scripted(**replies | more)


def counselor_turns(dialogue: Dialogue) -> list[Turn]:
    return [turn for turn in dialogue.turns if turn.speaker == "counselor"]


@pytest.mark.accepts("catch", 5, 9)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_counselor_turn_takes_seven_calls_and_gets_three_paragraphs_beside_the_same_text(lang: Lang) -> None:
    model = thinking()
    before = [turn.text for turn in dialogue_of(lang).turns]
    dialogue = await annotate(CatchThoughts(), dialogue_of(lang), model)
    assert model.counts() == dict.fromkeys(sorted(model.replies), 3)
    assert [turn.text for turn in dialogue.turns] == before
    for turn in counselor_turns(dialogue):
        assert turn.thought == [Element(name=name, text=FUSED[name], by="catch") for name in CHAIN]
        assert [label.id for label in turn.labels if label.set == "catch_technique"] == ["empathy", "probing"]
        extra: Any = turn.extra["catch"]
        assert list(extra) == ["memory", "plan", "strategy"]
    assert dialogue.quality.measures == {"catch_thoughts": 3, "catch_dropped": 0}


async def test_agents_and_checks_follow_one_another_and_the_fusion_reads_all_three() -> None:
    model = thinking()
    one = dialogue_of()
    one.sessions[0].turns = one.turns[:2]
    await annotate(CatchThoughts(), one, model)
    assert [call.prompt for call in model.calls] == [
        "memory",
        "check_memory",
        "plan",
        "check_plan",
        "strategy",
        "check_strategy",
        "fuse",
    ]
    assert all(words in text_of(model.calls[-1]) for words in ("cannot sleep", "it stays in this step", "to be heard"))
    assert [call.decoding.get("temperature") for call in model.calls] == [0.3, 0.0, 0.3, 0.0, 0.3, 0.0, 0.3]


@pytest.mark.accepts("catch", 8)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_memory_agent_and_its_check_never_read_the_reply_nor_anything_after_it(lang: Lang) -> None:
    model = thinking()
    dialogue = await annotate(CatchThoughts(), dialogue_of(lang), model)
    for name in ("memory", "check_memory"):
        for call, at in zip(model.asked(name), (1, 3, 5), strict=True):
            assert all(turn.text in text_of(call) for turn in dialogue.turns[:at])
            assert not any(turn.text in text_of(call) for turn in dialogue.turns[at:])


@pytest.mark.parametrize("lang", LANGS)
async def test_only_the_memory_check_reads_the_goal_of_the_session(lang: Lang) -> None:
    model = thinking()
    await annotate(CatchThoughts(), dialogue_of(lang), model)
    assert {call.prompt for call in model.calls if GOAL[lang] in text_of(call)} == {"check_memory"}


@pytest.mark.accepts("catch", 6)
async def test_a_goal_that_is_not_agreed_is_null_and_said_to_be_unclear() -> None:
    model = thinking(memory=[MEMORY, MEMORY | {"goal": "to guess less"}])
    dialogue = await annotate(CatchThoughts(), dialogue_of(), model)
    goals = [turn.extra["catch"]["memory"]["goal"] for turn in counselor_turns(dialogue)]  # type: ignore[index, call-overload]
    assert goals == [None, "to guess less", "to guess less"]
    shown = [re.search(r"recorded goal: (.*)", text_of(call)) for call in model.asked("check_memory")]
    assert [found.group(1) for found in shown if found] == ["not yet clear", "to guess less", "to guess less"]


@pytest.mark.accepts("catch", 7)
@pytest.mark.parametrize("name", ["memory", "plan", "strategy"])
async def test_a_check_that_fails_sends_back_its_own_agent_alone_with_the_reason(name: str) -> None:
    one = dialogue_of()
    one.sessions[0].turns = one.turns[:2]
    model = thinking(**{f"check_{name}": [{"reason": "look once more at May", "agrees": False}, FINE]})
    dialogue = await annotate(CatchThoughts(), one, model)
    assert model.counts() == dict.fromkeys(sorted(model.replies), 1) | {name: 2, f"check_{name}": 2}
    assert ["look once more at May" in text_of(call) for call in model.asked(name)] == [False, True]
    assert dialogue.quality.guards == {f"catch: {name}": 1}
    assert dialogue.turns[1].thought


@pytest.mark.accepts("catch", 7)
async def test_a_wrong_stage_shuts_the_gate_even_when_its_check_overlooks_it_and_the_record_is_dropped_and_logged() -> (
    None
):
    model = thinking(plan=lambda call: plan(call, historical_stage="ending"))
    dialogue = await annotate(CatchThoughts(retries=2), dialogue_of(), model)
    first, second, third = counselor_turns(dialogue)
    assert (first.thought, second.thought, bool(third.thought)) == ([], [], True)
    assert not any(label.set == "catch_technique" for label in first.labels)
    dropped: Any = first.extra["catch"]
    assert dropped["dropped"] == "plan"
    assert len(dropped["reasons"]) == 3
    assert model.counts()["plan"] == 3 + 3 + 1
    assert model.counts()["memory"] == 3
    assert model.counts()["strategy"] == model.counts()["fuse"] == 1
    assert dialogue.quality.guards == {"catch: plan": 6}
    assert dialogue.quality.kept == {"catch: plan dropped": 2}
    assert dialogue.quality.measures == {"catch_thoughts": 1, "catch_dropped": 2}


async def test_a_transition_from_the_stage_before_belongs_to_the_stage_of_the_turn() -> None:
    def moving(call: Call) -> dict[str, Any]:
        at = PLAN.ids.index(label_in(call))
        return plan(call) if at == 0 else plan(call, historical_stage=PLAN.ids[at - 1], next_move="stage_transition")

    dialogue = await annotate(CatchThoughts(), dialogue_of(), thinking(plan=moving))
    assert all(turn.thought for turn in counselor_turns(dialogue))


@pytest.mark.parametrize(
    "more", [{"step": 3}, {"historical_stage": "ending", "next_move": "stage_transition"}, {"next_move": "back"}]
)
async def test_a_plan_names_a_step_of_its_stage_and_a_move_that_exists(more: dict[str, Any]) -> None:
    one = dialogue_of()
    one.sessions[0].turns = one.turns[:2]
    model = thinking(plan=lambda call: plan(call, **more))
    with pytest.raises(AnswerRejected):
        await annotate(CatchThoughts(), one, model)
    assert model.counts() == {"check_memory": 1, "memory": 1, "plan": 3}


async def test_turns_without_a_stage_sessions_without_a_goal_and_foreign_thoughts_are_left_alone() -> None:
    bare = dialogue_of()
    bare.turns[1].labels = []
    bare.turns[3].thought = [Element(name="own", text="-")]
    model = thinking()
    dialogue = await annotate(CatchThoughts(), bare, model)
    assert [bool(turn.thought) for turn in counselor_turns(dialogue)] == [False, True, True]
    assert model.counts()["fuse"] == 1
    goalless = dialogue_of()
    goalless.sessions[0].notes = {}
    silent = thinking()
    await annotate(CatchThoughts(), goalless, silent)
    assert silent.calls == []


async def test_a_dialogue_of_the_writer_can_be_thought_over_and_thought_over_again() -> None:
    dialogue = await write(Catch(), case("en"), writing("en"))
    stages = {turn.text: turn.labels[0].id for turn in counselor_turns(dialogue)}

    def right(call: Call) -> dict[str, Any]:
        found = re.search(r"The counselor's reply: (.*)", text_of(call))
        return plan(call, historical_stage=stages[found.group(1)]) if found else {}

    for _ in range(2):
        model = thinking(plan=right)
        dialogue = await annotate(CatchThoughts(), dialogue, model)
        assert model.counts()["fuse"] == len(stages) == 11


@pytest.mark.accepts("catch", 6)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_goal_recorded_before_it_is_agreed_or_other_than_the_target_does_not_get_through(lang: Lang) -> None:
    """The check knows the target; for each turn the memory agent says the wrong thing first."""
    unclear = {"zh": "尚未明确", "en": "not yet clear"}[lang]
    said: set[bool] = set()

    def agreed(call: Call) -> bool:
        return LINE[lang][1].format(0) in text_of(call)

    def memory(call: Call) -> dict[str, Any]:
        if agreed(call) in said:
            return MEMORY | {"goal": GOAL[lang] if agreed(call) else None}
        said.add(agreed(call))
        return MEMORY | {"goal": "to sleep" if agreed(call) else GOAL[lang]}

    def check(call: Call) -> dict[str, Any]:
        recorded = re.search(r"(?:recorded goal: |记录里的目标：)(.*)", text_of(call))
        assert recorded
        assert GOAL[lang] in text_of(call)
        return {"reason": "-", "agrees": recorded[1] == (GOAL[lang] if agreed(call) else unclear)}

    model = thinking(memory=memory, check_memory=check)
    dialogue = await annotate(CatchThoughts(), dialogue_of(lang), model)
    goals = [turn.extra["catch"]["memory"]["goal"] for turn in counselor_turns(dialogue)]  # type: ignore[index, call-overload]
    assert goals == [None, GOAL[lang], GOAL[lang]]
    assert dialogue.quality.guards == {"catch: memory": 2}


# Part 3. The counselor, the files, the evaluation


THOUGHT = "First.\n\nSecond.\n\nThird."


class Thinks(Scripted):
    """A model that thinks before it answers, as a back end hands it on."""

    async def __call__(self, call: Call, /) -> Answer:
        return replace(await super().__call__(call), reasoning=THOUGHT)


@pytest.mark.parametrize("lang", LANGS)
async def test_what_the_counselor_thinks_becomes_the_three_paragraphs_of_its_turn_and_is_never_said(lang: Lang) -> None:
    model = Thinks(reply=LINE[lang][1].format(1), client=[LINE[lang][0].format(n) for n in (1, 2)])
    talkers = pair("catch", "cactus", {"max_exchanges": "2"})
    who = Case(id="c", lang=lang, intake=Intake(reason="-"), disposition={"attitude": "neutral"})
    dialogue = await write(talkers, who, model)
    spoken = counselor_turns(dialogue)[-1]
    assert [(one.name, one.text) for one in spoken.thought] == list(
        zip(CHAIN, ("First.", "Second.", "Third."), strict=True)
    )
    assert not any("Second." in text_of(call) for call in model.calls)
    assert all(term.name(lang) in text_of(model.asked("reply")[0]) for term in label_set("catch_technique").terms)


async def thought_over(lang: Lang) -> Dialogue:
    """A dialogue of the writer with the thinking behind each reply."""
    dialogue = await write(Catch(), case(lang), writing(lang))
    stages = {turn.text: turn.labels[0].id for turn in counselor_turns(dialogue)}

    def right(call: Call) -> dict[str, Any]:
        found = re.search(r"(?:The counselor's reply: |咨询师的回复：)(.*)", text_of(call))
        return plan(call, historical_stage=stages[found.group(1)]) if found else {}

    return await annotate(CatchThoughts(), dialogue, thinking(plan=right))


def exported(to: str, dialogue: Dialogue, folder: Path, *more: str) -> list[dict[str, Any]]:
    write_jsonl(folder / "d.jsonl", [dialogue])
    words = ["export", str(folder / "d.jsonl"), "--to", to, "--out", str(folder / "out.json"), *more]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads((folder / "out.json").read_text("utf-8"))
    return found


@pytest.mark.accepts("catch", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_every_counselor_turn_is_one_example_of_think_three_paragraphs_and_the_reply_as_it_stands(
    lang: Lang, tmp_path: Path
) -> None:
    dialogue = await thought_over(lang)
    rows = exported("catch.thoughts", dialogue, tmp_path)
    spoken = [(at, turn) for at, turn in enumerate(dialogue.turns) if turn.speaker == "counselor"]
    assert len(rows) == len(spoken) == 11
    for row, (at, turn) in zip(rows, spoken, strict=True):
        thought = "\n\n".join(FUSED[name] for name in CHAIN)
        assert row["output"] == f"<think>\n{thought}\n</think>\n{turn.text}"
        assert (row["dialogue_id"], row["turn_index"]) == (dialogue.id, at)
        assert row["instruction"] == dialogue.turns[at - 1].text
        assert row["history"] == [[a.text, b.text] for a, b in zip(*[iter(dialogue.turns[: at - 1])] * 2, strict=True)]
        assert row["input"] == ""
        assert all(term.name(lang) in row["system"] for term in PLAN.labels.terms)
    read_back = list(read(tmp_path / "out.json", "catch", on_defect=pytest.fail))
    for one, (_, turn) in zip(read_back, spoken, strict=True):
        assert isinstance(one, Dialogue)
        assert one.turns[-1].text == turn.text
        assert [(e.name, e.text) for e in one.turns[-1].thought] == [(e.name, e.text) for e in turn.thought]


async def test_dialogues_are_exported_as_released_and_read_back_the_same(tmp_path: Path) -> None:
    dialogue = await write(Catch(), case("zh"), writing("zh"))
    (row,) = exported("catch.dialogues", dialogue, tmp_path)
    assert list(row) == ["dialogue_id", "consultation_target", "conversation"]
    assert row["consultation_target"] == GOAL["zh"]
    assert [list(one) for one in row["conversation"][:2]] == [["role", "content"], ["role", "content", "stage"]]
    (back,) = read(tmp_path / "out.json", "catch", on_defect=pytest.fail)
    assert isinstance(back, Dialogue)
    assert [(t.speaker, t.text, t.labels) for t in back.turns] == [
        (t.speaker, t.text, t.labels) for t in dialogue.turns
    ]


async def test_a_turn_whose_thought_was_dropped_is_no_example(tmp_path: Path) -> None:
    dialogue = await thought_over("en")
    dialogue.turns[3].thought = []
    assert 3 not in [row["turn_index"] for row in exported("catch.thoughts", dialogue, tmp_path)]


def test_a_client_becomes_three_that_differ_in_their_attitude_alone() -> None:
    given = Case(id="c", lang="en", disposition={"attitude": "negative", "instruction": "Snaps.", "style": "brief"})
    made = list(attitudes(given))
    assert [one.id for one in made] == ["c-positive", "c-neutral", "c-negative"]
    told = [one.disposition.model_dump(include={"attitude", "instruction", "style"}) for one in made if one.disposition]
    assert [one["attitude"] for one in told] == ["positive", "neutral", "negative"]
    assert [one["instruction"] for one in told] == [None, None, "Snaps."]
    assert {one["style"] for one in told} == {"brief"}


@pytest.mark.accepts("catch", 10)
def test_the_evaluation_meets_every_profile_with_three_attitudes_and_prints_how_far_each_is_from_the_mean(
    tmp_path: Path,
) -> None:
    def run(*words: object) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    profiles = [Case(id=f"p{n}", lang="en", intake=Intake(reason=f"I lost {n} nights of sleep.")) for n in range(2)]
    write_jsonl(tmp_path / "profiles.jsonl", profiles)
    made = run("cases", "catch", "--make", "attitudes", tmp_path / "profiles.jsonl")
    (tmp_path / "cases.jsonl").write_text(made, "utf-8")
    run(
        "simulate",
        "--counselor",
        "catch",
        "--client",
        "cactus",
        tmp_path / "cases.jsonl",
        "--out",
        tmp_path / "talks",
        "--set",
        "max_exchanges=2",
    )
    assert len(list(read_jsonl(tmp_path / "talks/dialogues.jsonl", Dialogue))) == 2 * 3
    run("rate", tmp_path / "talks", "--with", "catch_sst", "--out", tmp_path / "rated")
    ratings = list(read_jsonl(tmp_path / "rated/ratings.jsonl", Rating))
    marks = {"positive": 5, "neutral": 4, "negative": 3}
    for rating in ratings:
        for part in rating.items:
            part.value = marks[str(rating.extra["attitude"])]
    write_jsonl(tmp_path / "marked.jsonl", ratings)
    table = run("analyze", "deviations", tmp_path / "marked.jsonl", "--with", "catch_sst")
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines() if line.strip()}
    assert rows["score"] == ["mean", "positive", "neutral", "negative"]
    assert rows["sst"] == ["4.00", "5.00", "(+25.0%)", "4.00", "(+0.0%)", "3.00", "(-25.0%)"]
    assert rows["goal_orientation"] == rows["sst"]


def test_the_plan_holds_the_stages_steps_and_techniques_of_the_manual() -> None:
    assert PLAN.ids == ("target", "working", "ending")
    assert [len(stage.steps) for stage in PLAN.stages] == [2, 2, 4]
    assert len(label_set("catch_technique")) == 10
    assert all(a.min_turns <= (a.max_turns or 0) for a, _ in pairwise([*PLAN.stages, PLAN.stages[0]]))


def test_stages_of_a_read_file_are_those_of_the_label_set() -> None:
    assert {Label(set="catch_stage", id=one).id for one in ("target", "working", "ending")} == set(PLAN.labels.ids)


def test_bundled_cases_bring_a_self_report() -> None:
    assert all(one.get("post.text") for one in read_jsonl(find_system("catch").cases(), Case))
