"""DiaCBT: the checks of its specification. arXiv 2509.02999."""

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.agents.course import Rating
from psyloom.agents.dials import measures
from psyloom.errors import AnswerRejected, BadRecord
from psyloom.formats import read
from psyloom.judging.panel import rate_one
from psyloom.judging.rubric import score
from psyloom.knowledge.instruments import instrument
from psyloom.knowledge.plans import spread
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import phrases
from psyloom.records import Case, Defect, Dialogue, Lang, Session, Turn, read_jsonl, to_line
from psyloom.runs import pair
from psyloom.systems import find_system, make_role
from psyloom.systems.diacbt.record import PLAN, STRATEGIES
from psyloom.systems.diacbt.system import BLOCK, DiaCbt, similarity
from psyloom.systems.diacbt.talkers import OUTCOMES, REWARDS, DiaCbtClient, DiaCbtCounselor
from psyloom.systems.diacbt.treatment import Segment, invented, segments_of, treatment
from tests.canary import canary_case, faults_of_sight
from tests.support import Scripted, desk_for, numbered, text_of, write

COGNITION: dict[str, Any] = {
    "history": "HISTORY of praise for results.", "core_beliefs": {"other": ["CORE not enough"]}, "intermediate_beliefs": ["RULE never ask"],
    "coping_strategies": ["COPING hides"],
    "situations": [{"situation": "EVENT a slide was wrong", "automatic_thoughts": ["THOUGHT fraud"], "emotions": ["guilty"], "behaviors": ["DID nothing"]}],
}  # fmt: skip
INTAKE = {"problem": "PROBLEM sleep", "reason": "REASON tired"}


def case(lang: Lang = "en", **more: Any) -> Case:
    given = {"id": "c", "lang": lang, "demographics": {"name": "Lin"}, "cognition": COGNITION, "intake": INTAKE}
    return Case.model_validate(given | more)


def record(n: int = 1, **more: Any) -> dict[str, Any]:
    given = {
        "summary": f"SUMMARY{n}",
        "learnt": [f"LEARNT{n}"],
        "homework": [f"TASK{n} diary"],
        "ratings": [],
        "left_open": [f"OPEN{n}"],
        "taken_up": [],
    }
    return given | more


def records() -> Callable[[Call], dict[str, Any]]:
    count = iter(range(1, 99))
    return lambda _: record(next(count))


# What the blocks of a session must look like, block by block


def plans(number: int, share: float = 1.0) -> list[list[tuple[str, ...]]]:
    turns = [tuple(dict.fromkeys(one)) for one in PLAN.stages[number - 1].messages()]
    turns = spread(turns, round(share * len(turns)))
    return [turns[at : at + BLOCK] for at in range(0, len(turns), BLOCK)]


class Blocks:
    """A model that writes every block as the plan has it; ``change`` may spoil an answer."""

    def __init__(
        self, change: Callable[[int, dict[str, Any]], None] = lambda _, __: None, sessions: int = 6, share: float = 1.0
    ) -> None:
        self.queue = [plan for number in range(1, sessions + 1) for plan in plans(number, share)]
        self.done, self.change = 0, change

    def __call__(self, call: Call) -> dict[str, Any]:
        at, self.done = self.done, self.done + 1
        answer = {"exchanges": [
            {"strategies": list(names), "counselor": f"words of block {at} number {n}", "client": f"answer of block {at} number {n}"}
            for n, names in enumerate(self.queue[at])
        ]}  # fmt: skip
        self.change(at, answer)
        return answer


async def written(
    blocks: Any, lang: Lang = "en", *, model: dict[str, Any] | None = None, **options: Any
) -> tuple[Dialogue, Scripted]:
    scripted = Scripted(**{"block": blocks, "record": records(), **(model or {})})
    return await write("diacbt", case(lang), scripted, options={k: str(v) for k, v in options.items()}), scripted


# The plan


def test_the_plan_has_six_sessions_with_the_counselor_messages_of_the_sample() -> None:
    assert [len(stage.messages()) for stage in PLAN.stages] == [117, 174, 177, 209, 209, 197]
    assert len(STRATEGIES) == 14
    assert {name for stage in PLAN.stages for one in stage.messages() for name in one} == set(STRATEGIES.ids)
    assert all(1 <= len(one) <= 5 for stage in PLAN.stages for one in stage.messages())


@pytest.mark.accepts("diacbt", 4)
def test_relapse_prevention_is_planned_in_session_6_only_and_goals_in_1_and_3_only() -> None:
    def sessions(name: str) -> list[int]:
        return [n for n, stage in enumerate(PLAN.stages, 1) if any(name in one for one in stage.messages())]

    assert sessions("relapse_prevention") == [6]
    assert sessions("goals") == [1, 3]


@given(st.lists(st.integers(), min_size=1, max_size=60), st.integers(1, 90))
def test_a_spread_course_has_the_wanted_length_begins_with_the_first_and_keeps_the_order(
    items: list[int], count: int
) -> None:
    found = spread(list(enumerate(items)), count)
    assert len(found) == count
    assert found[0] == (0, items[0])
    assert found == sorted(found)
    assert count == 1 or found[-1][0] == len(items) - 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_there_is_one_invented_exchange_for_each_strategy_in_both_languages(lang: Lang) -> None:
    assert set(invented()) == set(STRATEGIES.ids)
    lines = [side[lang] for sides in invented().values() for side in sides.values()]
    assert len(set(lines)) == 28
    assert all(bool(re.search(r"[\u4e00-\u9fff]", line)) == (lang == "zh") for line in lines)


# The writer


@pytest.mark.accepts("diacbt", 1, 4)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_one_case_yields_six_alternating_sessions_in_order_opened_by_the_counselor(lang: Lang) -> None:
    dialogue, _ = await written(Blocks(), lang)
    assert [session.notes["session"] for session in dialogue.sessions] == list(PLAN.ids)
    for session, stage in zip(dialogue.sessions, PLAN.stages, strict=True):
        assert [turn.speaker for turn in session.turns] == ["counselor", "client"] * len(stage.messages())
    told = [{label.id for turn in session.turns for label in turn.labels} for session in dialogue.sessions]
    assert ["relapse_prevention" in one for one in told] == [False] * 5 + [True]
    assert ["goals" in one for one in told] == [True, False, True, False, False, False]


async def test_a_case_takes_219_block_calls_and_a_record_for_each_session() -> None:
    dialogue, model = await written(Blocks())
    assert model.counts() == {"block": 24 + 35 + 36 + 42 + 42 + 40, "record": 6}
    assert dialogue.quality.calls == 225


@pytest.mark.accepts("diacbt", 2, 3)
async def test_counselor_turns_carry_the_plans_labels_and_client_turns_none() -> None:
    dialogue, _ = await written(Blocks(sessions=1), sessions=1)
    planned = [tuple(dict.fromkeys(one)) for one in PLAN.stages[0].messages()]
    assert [tuple(label.id for label in turn.labels) for turn in dialogue.turns[::2]] == planned
    assert not any(turn.labels for turn in dialogue.turns[1::2])
    assert dialogue.sessions[0].notes["plan_similarity"] == 1.0


@pytest.mark.accepts("diacbt", 3)
async def test_a_treatment_with_a_session_less_than_nine_tenths_like_its_plan_is_kept_apart() -> None:
    def off(share: float) -> Callable[[int, dict[str, Any]], None]:
        def change(at: int, answer: dict[str, Any]) -> None:
            for n, one in enumerate(answer["exchanges"]):
                if (5 * at + n) % 100 < 100 * share:
                    one["strategies"] = ["homework", "goals", "summary"]

        return change

    for share, kept in ((0.05, True), (0.2, False)):
        model = Scripted(block=Blocks(off(share), sessions=1), record=records())
        dialogue = await write("diacbt", case(), model, options={"sessions": "1"}, tries=1)
        like = dialogue.sessions[0].notes["plan_similarity"]
        assert isinstance(like, float)
        assert (like >= 0.9) == kept
        assert dialogue.quality.apart == (None if kept else f"plan: session 1 is {like:.2f} like it, under 0.9")
        assert dialogue.sessions[0].notes["off_plan"] == [n for n in range(1, 118) if (n - 1) % 100 < 100 * share]


@pytest.mark.accepts("diacbt", 5)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_session_that_comes_back_to_nothing_of_the_one_before_keeps_the_treatment_apart(lang: Lang) -> None:
    async def made(*noted: dict[str, Any], **options: Any) -> str | None:
        blocks, short = Blocks(sessions=2, share=0.05), {"sessions": 2, "share": 0.05}
        dialogue, _ = await written(blocks, lang, model={"record": list(noted)}, **short, **options)
        return dialogue.quality.apart

    told = "continuity: session 2 comes back to nothing of session 1"
    assert await made(record(1), record(2, taken_up=["TASK1 diary"])) is None
    assert await made(record(1), record(2)) == told
    assert await made(record(1), record(2), filter="false") is None
    assert await made(record(1, homework=[], left_open=[]), record(2)) is None, "there was nothing to come back to"


def spoil(strategies: list[str]) -> Callable[[int, dict[str, Any]], None]:
    def change(at: int, answer: dict[str, Any]) -> None:
        if at == 0:
            answer["exchanges"][1]["strategies"] = strategies

    return change


@pytest.mark.parametrize(
    ("lang", "says"),
    [("en", "exchange 2: the strategies must be “other”"), ("zh", "第 2 个来回：strategies 应当是“其他”")],
)
async def test_a_block_off_the_plan_is_asked_for_again_with_what_the_plan_wants(lang: Lang, says: str) -> None:
    blocks = Blocks(spoil(["homework"]), sessions=1)
    blocks.queue.insert(0, blocks.queue[0])
    dialogue, model = await written(blocks, lang, sessions=1)
    assert says in text_of(model.asked("block")[1])
    assert dialogue.quality.guards == {"off_plan": 1}
    assert "off_plan" not in dialogue.sessions[0].notes


@pytest.mark.accepts("diacbt", 3)
async def test_a_block_that_stays_off_the_plan_is_kept_and_its_exchanges_are_noted() -> None:
    def always(at: int, answer: dict[str, Any]) -> None:
        if at < 3:
            answer["exchanges"][1]["strategies"] = ["homework"]

    blocks = Blocks(always, sessions=1)
    blocks.queue[:0] = [blocks.queue[0]] * 2
    dialogue, _ = await written(blocks, sessions=1)
    assert dialogue.sessions[0].notes["off_plan"] == [2]
    assert dialogue.quality.kept == {"off_plan": 1}
    assert 0.98 < dialogue.sessions[0].notes["plan_similarity"] < 1  # type: ignore[operator]


@pytest.mark.accepts("diacbt", 2)
@pytest.mark.parametrize("strategies", [[], ["hypnosis"], ["homework"] * 6])
async def test_a_counselor_message_without_a_strategy_or_with_one_outside_the_14_is_never_accepted(
    strategies: list[str],
) -> None:
    def always(at: int, answer: dict[str, Any]) -> None:
        answer["exchanges"][0]["strategies"] = strategies

    blocks = Blocks(always, sessions=1)
    blocks.queue[:0] = [blocks.queue[0]] * 2
    with pytest.raises(AnswerRejected):
        await written(blocks, sessions=1)


@pytest.mark.parametrize("count", [4, 6])
async def test_a_block_with_another_number_of_exchanges_is_never_accepted(count: int) -> None:
    def change(at: int, answer: dict[str, Any]) -> None:
        answer["exchanges"] = (answer["exchanges"] * 2)[:count]

    blocks = Blocks(change, sessions=1)
    blocks.queue[:0] = [blocks.queue[0]] * 2
    with pytest.raises(AnswerRejected):
        await written(blocks, sessions=1)


@pytest.mark.accepts("diacbt", 6)
@pytest.mark.parametrize(
    ("lang", "line"), [("en", "That is my core belief, I guess."), ("zh", "这就是我的自动思维吧。")]
)
async def test_the_diagrams_words_never_stand_in_the_clients_mouth(lang: Lang, line: str) -> None:
    def always(at: int, answer: dict[str, Any]) -> None:
        answer["exchanges"][0]["client"] = line

    blocks = Blocks(always, sessions=1)
    blocks.queue[:0] = [blocks.queue[0]] * 2
    with pytest.raises(AnswerRejected):
        await written(blocks, lang, sessions=1)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_line_copied_from_an_example_or_said_before_is_asked_for_again(lang: Lang) -> None:
    def copied(at: int, answer: dict[str, Any]) -> None:
        if at == 0:
            answer["exchanges"][0]["counselor"] = invented()["goals"]["counselor"][lang]
        if at == 3:
            answer["exchanges"][0]["client"] = "answer of block 1 number 2"

    blocks = Blocks(copied, sessions=1)
    blocks.queue.insert(0, blocks.queue[0])
    blocks.queue.insert(3, blocks.queue[2])
    dialogue, model = await written(blocks, lang, sessions=1)
    assert dialogue.quality.guards == {"off_plan": 2}
    told = [call.messages[-1]["content"] for call in model.asked("block") if len(call.messages) > 2]
    assert re.search("copied from an example|照抄例子", told[0])
    assert re.search("said before|已经说过", told[1])


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_block_reads_diagram_strategies_its_plan_and_the_last_ten_messages(lang: Lang) -> None:
    _, model = await written(Blocks(sessions=1), lang, sessions=1)
    first, second, third, *_ = (text_of(call) for call in model.asked("block"))
    assert all(
        word in first for word in ("HISTORY", "CORE", "RULE", "COPING", "EVENT", "THOUGHT", "guilty", "DID", "Lin")
    )
    assert "PROBLEM" not in first
    assert all(
        term.definition.of(lang) in first and invented()[term.id]["client"][lang] in first for term in STRATEGIES.terms
    )
    assert "words of block 0 number 0" in second
    assert "words of block 0 number 4" not in third
    assert all(f"words of block 1 number {n}" in third for n in range(5))
    assert model.asked("block")[0].messages[0] == model.asked("block")[9].messages[0], "the stable part stays a prefix"


@pytest.mark.parametrize(
    ("lang", "open_", "close"), [("en", "do not close it here", "close it."), ("zh", "不要在这里收尾", "请收尾")]
)
async def test_only_a_sessions_last_block_is_told_to_close_it(lang: Lang, open_: str, close: str) -> None:
    _, model = await written(Blocks(sessions=1), lang, sessions=1)
    *others, last = (text_of(call) for call in model.asked("block"))
    assert all(open_ in text and close not in text for text in others)
    assert close in last


@pytest.mark.accepts("diacbt", 5)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_later_sessions_read_the_records_of_those_before(lang: Lang) -> None:
    dialogue, model = await written(Blocks(sessions=3), lang, sessions=3)
    in_second, in_third = text_of(model.asked("block")[24]), text_of(model.asked("block")[24 + 35])
    assert all(f"{word}1" in in_second for word in ("SUMMARY", "LEARNT", "TASK", "OPEN"))
    assert all(word in in_third for word in ("SUMMARY1", "SUMMARY2", "TASK2"))
    assert "TASK1" not in in_third
    assert [session.summary for session in dialogue.sessions] == ["SUMMARY1", "SUMMARY2", "SUMMARY3"]
    assert dialogue.sessions[0].notes["homework"] == ["TASK1 diary"]


@pytest.mark.accepts("diacbt", 5)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("carried", ["task1 DIARY!", "Open1."])
async def test_what_a_session_came_back_to_must_stand_in_the_record_before(carried: str, lang: Lang) -> None:
    stray, right = record(2, taken_up=["something else"]), record(2, taken_up=[carried])
    short = Blocks(sessions=2, share=0.05)
    dialogue, model = await written(short, lang, model={"record": [record(1), stray, right]}, sessions=2, share=0.05)
    assert "something else" in model.asked("record")[2].messages[-1]["content"]
    assert dialogue.sessions[1].notes["taken_up"] == [carried]
    assert not dialogue.quality.kept
    dialogue, _ = await written(Blocks(sessions=1), lang, model={"record": record(1, taken_up=["TASK0"])}, sessions=1)
    assert dialogue.quality.kept == {"not_carried": 1}


async def test_a_share_of_the_plan_keeps_its_order_and_both_ends() -> None:
    dialogue = await write("diacbt", case(), Rehearsal(), options={"share": "0.1", "sessions": "2"})
    assert [len(session.turns) for session in dialogue.sessions] == [24, 34]
    names = [tuple(label.id for label in turn.labels) for turn in dialogue.sessions[0].turns[::2]]
    planned = [tuple(dict.fromkeys(one)) for one in PLAN.stages[0].messages()]
    assert names == spread(planned, 12)
    assert (names[0], names[-1]) == (planned[0], planned[-1])


def test_similarity_is_one_for_the_plan_and_falls_with_every_other_label() -> None:
    segments = [Segment(("homework",)), Segment(("goals", "agenda")), Segment(("other",))]

    def turns(*names: str) -> list[Turn]:
        return [
            turn
            for name in names
            for turn in (Turn.counselor("x", [STRATEGIES.label(n) for n in name.split()]), Turn.client("y"))
        ]

    assert similarity(segments, turns("homework", "agenda goals", "other")) == 1.0
    assert similarity(segments, turns("homework", "agenda", "other")) == pytest.approx(2 / 3, abs=1e-4)


# The case


async def test_a_ready_diagram_stays_as_it_is() -> None:
    dialogue, model = await written(Blocks(sessions=1), sessions=1)
    assert "ccd" not in model.counts()
    assert dialogue.case is not None
    assert dialogue.case.get("cognition.history") == COGNITION["history"]
    assert dialogue.case.derived == []


DIAGRAM = {
    "name": "Wu", "history": "h", "core_beliefs": ["c"], "intermediate_beliefs": ["i"], "intermediate_beliefs_during_depression": [],
    "coping_strategies": ["s"], "situation": "e", "automatic_thoughts": ["t"], "emotions": ["sad"], "behaviors": "b",
}  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_case_without_a_diagram_gets_one_from_its_scenario_and_an_incomplete_one_is_asked_for_again(
    lang: Lang,
) -> None:
    bare = Case.model_validate(
        {"id": "c", "lang": lang, "intake": INTAKE, "thought": {"thought": "SEED thought", "scene": "SEED scene"}}
    )
    model = Scripted(
        ccd=[{k: v for k, v in DIAGRAM.items() if k != "behaviors"}, DIAGRAM], block=Blocks(sessions=1), record=record()
    )
    dialogue = await write("diacbt", bare, model, options={"sessions": "1"})
    assert model.counts()["ccd"] == 2
    assert all(word in text_of(model.asked("ccd")[0]) for word in ("SEED thought", "SEED scene"))
    assert "PROBLEM" not in text_of(model.asked("ccd")[0])
    assert dialogue.case is not None
    assert dialogue.case.derived == ["cognition"]
    assert dialogue.case.get("demographics.name") == "Wu"
    assert dialogue.case.get("cognition.core_beliefs.other") == ["c"]


async def test_the_conceptualizer_sees_the_scenario_and_no_other_facet() -> None:
    from tests.canary import Listening

    given, model = canary_case("en"), Listening()
    given.cognition = None
    work = DiaCbt(sessions=1, share=0.05)
    await write(work, given, model)
    seen = {path.split(".")[0] for path in model.shown["conceptualizer"]}
    assert seen == {"demographics", "thought", "scenario"}
    assert {path for path in model.shown["conceptualizer"] if path.startswith(("thought", "scenario"))} == {
        "thought.thought", "thought.scene", "thought.persona", "scenario.situation"
    }  # fmt: skip


# An annotated treatment of one's own


def labelled(*lines: tuple[str, str, list[str]]) -> Session:
    return Session.model_validate({"turns": [
        {"speaker": who, "text": text, "labels": [{"set": "diacbt_strategy", "id": name} for name in names]} for who, text, names in lines
    ]})  # fmt: skip


def test_a_labelled_session_becomes_exchanges_also_where_labels_or_alternation_are_missing() -> None:
    session = labelled(
        ("client", "early", []), ("counselor", "a", ["家庭作业", "家庭作业"]), ("client", "b", []), ("client", "c", []), ("counselor", "d", []),
        ("counselor", "e", ["goals"]), ("client", "f", []), ("counselor", "g", ["总结"]),
    )  # fmt: skip
    assert segments_of(session) == [
        Segment(("homework",), "a", "b\nc"), Segment(("homework", "goals"), "d\ne", "f"), Segment(("summary",), "g")
    ]  # fmt: skip


def test_an_exemplar_without_labels_is_refused_before_anything_runs(tmp_path: Path) -> None:
    bare = Dialogue(id="x", lang="en", sessions=[labelled(("counselor", "Hello.", []), ("client", "Hi.", []))])
    (tmp_path / "bare.jsonl").write_bytes(to_line(bare))
    with pytest.raises(BadRecord, match=r"bare\.jsonl holds no dialogue labelled"):
        make_role("diacbt", "writer", {"exemplar": str(tmp_path / "bare.jsonl")})


async def test_an_exemplar_gives_plan_and_examples_and_copying_it_is_a_fault(tmp_path: Path) -> None:
    own = Dialogue(
        id="x",
        lang="en",
        sessions=[
            labelled(
                ("counselor", "EXEMPLAR asks about the fishing trip", ["week_check"]), ("client", "EXEMPLAR trout", [])
            )
        ],
    )
    file = tmp_path / "own.jsonl"
    file.write_bytes(to_line(own))
    copy = {
        "exchanges": [
            {"strategies": ["week_check"], "counselor": "EXEMPLAR asks about the fishing trip", "client": "Fine."}
        ]
    }
    good = {
        "exchanges": [
            {"strategies": ["week_check"], "counselor": "How was the week with the slides?", "client": "Fine."}
        ]
    }
    model = Scripted(block=[copy, good], record=record())
    dialogue = await write("diacbt", case(), model, options={"exemplar": str(file)})
    assert [turn.text for turn in dialogue.turns] == ["How was the week with the slides?", "Fine."]
    assert dialogue.quality.guards == {"off_plan": 1}
    told = text_of(model.asked("block")[0])
    assert "EXEMPLAR trout" in told
    assert invented()["goals"]["client"]["en"] not in told
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(BadRecord):
        treatment(empty)


# Counselor and client, turn by turn


def said() -> Callable[[Call], dict[str, Any]]:
    count = iter(range(1, 9999))
    return lambda _: {"strategies": ["gather_info"], "text": f"question number {next(count)} of mine", "done": False}


def talkers(**more: Any) -> Scripted:
    week = {"homework": "WEEK half of it", "events": "WEEK rain", "mood": 4, "belief": 60}
    count = iter(range(1, 9999))
    felt = {"client": lambda _: {"mood": 5, "text": f"word number {next(count)} of mine"}}
    return Scripted(**{"counselor": said(), "record": records(), "week": lambda _: week, **felt, **more})


async def met(model: Any, lang: Lang = "en", given: Case | None = None, **options: Any) -> Dialogue:
    return await write(
        "diacbt", given or case(lang), model, options={"how": "talk"} | {k: str(v) for k, v in options.items()}
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_six_sessions_are_talked_each_opened_by_the_counselor_and_ended_by_the_client(lang: Lang) -> None:
    model = talkers()
    dialogue = await met(model, lang, max_exchanges=3)
    assert [session.notes["session"] for session in dialogue.sessions] == list(PLAN.ids)
    assert all([turn.speaker for turn in session.turns] == ["counselor", "client"] * 3 for session in dialogue.sessions)
    assert model.counts() == {"client": 18, "counselor": 18, "record": 6, "week": 5}
    assert {label.set for turn in dialogue.turns for label in turn.labels} == {"diacbt_strategy"}


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_homework_summary_ratings_and_what_was_learnt_are_carried_from_session_to_session(lang: Lang) -> None:
    scores = record(ratings=[{"what": "mood", "score": 6, "out_of": 10}])
    model = talkers(record=[scores, record(2), record(3)])
    dialogue = await met(model, lang, max_exchanges=1, sessions=3)
    first, second, third = (text_of(call) for call in model.asked("counselor"))
    assert not any(word in first for word in ("SUMMARY", "TASK", "LEARNT"))
    assert all(word in second for word in ("SUMMARY1", "TASK1", "LEARNT1", "OPEN1", "mood", "6/10"))
    assert all(word in third for word in ("SUMMARY1", "SUMMARY2", "TASK2", "LEARNT2"))
    assert dialogue.sessions[0].notes["ratings"] == [{"what": "mood", "score": 6, "out_of": 10}]
    week, *_ = (text_of(call) for call in model.asked("week"))
    assert "6/10" in week, "the numbers of a week follow from those before"
    assert "6/10" in text_of(model.asked("client")[1])


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_client_comes_for_the_first_time_to_the_first_of_six_sessions_only(lang: Lang) -> None:
    model = talkers()
    await met(model, lang, max_exchanges=1, sessions=2)
    assert ["for the first time" in t or "第一次来" in t for t in map(text_of, model.asked("client"))] == [True, False]
    single = Scripted(client=numbered("word"), counselor=said())
    await write(pair("diacbt", "diacbt", {"max_exchanges": "1"}), case(lang), single)
    assert re.search("for some weeks|几个星期", text_of(single.asked("client")[0]))


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_what_the_counselor_has_learnt_is_kept_apart_from_the_clients_profile(lang: Lang) -> None:
    model = talkers()
    dialogue = await met(model, lang, max_exchanges=2, sessions=3)
    profile = ("HISTORY", "CORE", "RULE", "COPING", "EVENT", "THOUGHT", "DID", "PROBLEM", "WEEK")
    for call in (*model.asked("counselor"), *model.asked("record")):
        assert not any(word in text_of(call) for word in profile)
    for call in model.asked("client"):
        assert "LEARNT" not in text_of(call)
        assert "HISTORY" in text_of(call)
    assert dialogue.case is not None
    assert "LEARNT" not in dialogue.case.model_dump_json(exclude={"course"})
    assert [one.learnt for one in dialogue.case.course] == [["LEARNT1"], ["LEARNT2"], ["LEARNT3"]]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_client_remembers_what_was_agreed_and_lives_a_week_that_stays_the_same_all_session(
    lang: Lang,
) -> None:
    model = talkers()
    dialogue = await met(model, lang, max_exchanges=2, sessions=2)
    first, *_, last = (text_of(call) for call in model.asked("client"))
    assert "WEEK" not in first
    assert all(word in last for word in ("SUMMARY1", "TASK1", "WEEK half of it", "WEEK rain"))
    assert "TASK1" in text_of(model.asked("week")[0])
    assert len(model.asked("week")) == 1
    assert "week" not in dialogue.sessions[0].notes
    assert dialogue.sessions[1].notes["week"] == {
        "homework": "WEEK half of it",
        "events": "WEEK rain",
        "mood": 4,
        "belief": 60,
    }


async def test_the_counselor_is_told_its_session_what_is_left_and_what_the_plan_foresees() -> None:
    model = talkers()
    await met(model, max_exchanges=30, sessions=2)
    calls = [text_of(call) for call in model.asked("counselor")]
    for number, stage in enumerate(PLAN.stages[:2]):
        course = spread(stage.messages(), 30)
        for at, text in enumerate(calls[30 * number : 30 * number + 30]):
            names = ", ".join(STRATEGIES[name].en for name in dict.fromkeys(course[at]) if name != "other")
            hint = f"mostly work with: {names}." if names and at < 29 else ""
            assert hint in text
            assert ("mostly work with" in text) == bool(hint), "nothing to go by in “other”, nor when it closes"
            assert at == 29 or f"You have {30 - at} messages left" in text
            assert f"session {number + 1}: {stage.term.en}" in text
    assert "close it now" in calls[29]
    assert not any("close it now" in text for text in calls[:29])


async def test_a_counselor_who_is_done_ends_the_session_after_the_clients_answer() -> None:
    count = iter(range(1, 99))

    def reply(_: Call) -> dict[str, Any]:
        n = next(count)
        return {"strategies": ["summary"], "text": f"message {n} in this talk", "done": n % 2 == 0}

    dialogue = await met(talkers(counselor=reply), sessions=2)
    assert [len(session.turns) for session in dialogue.sessions] == [4, 4]
    assert {session.ended for session in dialogue.sessions} == {"counselor closed"}


async def test_a_runner_that_knows_no_records_still_has_them_written_before_the_next_session() -> None:
    model = talkers()
    counselor, desk = DiaCbtCounselor(), desk_for(case(), model)
    talk = Talk(desk.dialogue)
    for line in ("first session", "second session"):
        talk.add(await counselor.reply(talk, Ask(desk, counselor, talk)))
        talk.add(Turn.client(f"{line} of the client"))
        talk.begin_session()
    await counselor.reply(talk, Ask(desk, counselor, talk))
    assert model.counts() == {"counselor": 3, "record": 2}
    assert "first session of the client" in text_of(model.asked("record")[0])
    assert "second session" not in text_of(model.asked("record")[0])
    assert [session.summary for session in talk.dialogue.sessions] == ["SUMMARY1", "SUMMARY2", None]


async def test_a_stored_talk_goes_on_with_the_counselors_and_the_clients_memory() -> None:
    model = talkers()
    counselor, client, desk = DiaCbtCounselor(), DiaCbtClient(mood=True), desk_for(case(), model)
    talk = Talk(desk.dialogue)
    for role in (counselor, client):
        talk.add(await role.reply(talk, Ask(desk, role, talk)))
    await counselor.record(talk, Ask(desk, counselor, talk))
    talk.begin_session()
    for role in (counselor, client):
        talk.add(await role.reply(talk, Ask(desk, role, talk)))
    later = Talk.load(talk.dump())
    desk.dialogue = later.dialogue
    for role in (counselor, client):
        later.add(await role.reply(later, Ask(desk, role, later)))
    assert model.counts() == {"counselor": 3, "client": 3, "record": 1, "week": 1}
    assert "SUMMARY1" in text_of(model.asked("counselor")[-1])


async def test_opening_lines_of_the_case_open_the_first_session_only() -> None:
    given = case(opening=[{"counselor": "OPENING hello."}, {"client": "Hello."}])
    dialogue = await met(talkers(), given=given, max_exchanges=2, sessions=2)
    assert dialogue.sessions[0].turns[0].text == "OPENING hello."
    assert "OPENING" not in " ".join(turn.text for turn in dialogue.sessions[1].turns)


@pytest.mark.accepts("diacbt", 7)
@pytest.mark.parametrize(("lang", "long", "short"), [("en", "no " * 51, "no " * 50), ("zh", "我" * 81, "我" * 80)])
async def test_a_client_message_over_50_words_or_80_characters_is_asked_for_again(
    lang: Lang, long: str, short: str
) -> None:
    model = Scripted(client=[long.strip(), short.strip()], counselor=said())
    dialogue = await write(pair("diacbt", "diacbt", {"max_exchanges": "1"}), case(lang), model)
    assert dialogue.turns[1].text == short.strip()
    assert dialogue.quality.guards == {"too_long": 1}


@pytest.mark.accepts("diacbt", 7)
@pytest.mark.parametrize("mood", ["true", "false"])
@pytest.mark.parametrize(
    ("lang", "long", "cut"),
    [
        ("en", "one two three. " + "word " * 47 + "end. more.", "one two three."),
        ("zh", "我也不知道。" + "我" * 80 + "。", "我也不知道。"),
        ("en", "no " * 60, ("no " * 50).strip()),
        ("zh", "我" * 90, "我" * 80),
    ],
)
async def test_a_client_message_that_stays_too_long_is_cut_to_what_the_limit_allows(
    lang: Lang, long: str, cut: str, mood: str
) -> None:
    answer: Any = {"mood": 5, "text": long.strip()} if mood == "true" else long.strip()
    model = Scripted(client=answer, counselor=said())
    dialogue = await write(pair("diacbt", "diacbt", {"max_exchanges": "1", "client.mood": mood}), case(lang), model)
    assert dialogue.turns[1].text == cut
    assert len(model.asked("client")) == 3
    assert dialogue.quality.kept == {"too_long": 1}


@pytest.mark.accepts("diacbt", 6)
@pytest.mark.parametrize(
    "words",
    [
        "core beliefs", "core_beliefs", "intermediate beliefs", "intermediate_beliefs_during_depression",
        "automatic thoughts", "automatic_thoughts", "coping strategies", "coping_strategies",
        "cognitive conceptualization diagram", "核心信念", "中间信念", "自动思维", "应对策略", "认知概念化图",
    ],
)  # fmt: skip
async def test_no_name_of_a_field_of_the_diagram_and_not_the_diagrams_own_is_ever_said_by_the_client(
    words: str,
) -> None:
    lang: Lang = "en" if words.isascii() else "zh"
    line = {"en": f"I think these are my {words}.", "zh": f"我想这是我的{words}。"}[lang]
    plain = {"en": "I think so.", "zh": "我想是的。"}[lang]
    model = Scripted(client=[line, plain], counselor=said())
    dialogue = await write(pair("diacbt", "diacbt", {"max_exchanges": "1"}), case(lang), model)
    assert dialogue.turns[1].text == plain

    def always(at: int, answer: dict[str, Any]) -> None:
        answer["exchanges"][0]["client"] = line

    blocks = Blocks(always, sessions=1)
    blocks.queue[:0] = [blocks.queue[0]] * 2
    with pytest.raises(AnswerRejected):
        await written(blocks, lang, sessions=1)


async def test_the_limit_of_a_pairing_is_the_one_that_the_counselor_plans_for() -> None:
    model = Scripted(client=numbered("word"), counselor=said())
    await write(pair("diacbt", "diacbt", {"max_exchanges": "4"}), case(), model)
    first, *_, last = (text_of(call) for call in model.asked("counselor"))
    assert "You have 4 messages left" in first
    assert "close it now" in last


async def test_the_single_session_of_a_pairing_has_at_most_30_exchanges_and_a_plain_client() -> None:
    model = Scripted(client=numbered("word"), counselor=said())
    dialogue = await write(pair("diacbt", "diacbt"), case(), model)
    assert dialogue.sessions[0].exchanges() == 30
    assert dialogue.sessions[0].ended == "limit"
    assert model.counts() == {"client": 30, "counselor": 30}
    assert "mood" not in dialogue.turns[1].extra


@pytest.mark.accepts("diacbt", 6)
@pytest.mark.parametrize(("lang", "line"), [("en", "My automatic thought was bad."), ("zh", "我的中间信念就是这样。")])
async def test_a_client_of_six_sessions_who_names_a_part_of_the_diagram_is_asked_again_and_in_the_end_fails(
    lang: Lang, line: str
) -> None:
    named, plain = ({"mood": 5, "text": text} for text in (line, {"en": "I think so.", "zh": "我想是的。"}[lang]))
    dialogue = await met(talkers(client=[named, plain]), lang, max_exchanges=1, sessions=1)
    assert dialogue.turns[1].text == plain["text"]
    with pytest.raises(AnswerRejected):
        await met(talkers(client=named), lang, max_exchanges=1, sessions=1)


# The grader


async def graded(verdicts: Any, samples: int = 2, lang: Lang = "en", **options: str) -> tuple[Dialogue, Scripted]:
    model = Scripted(client=numbered("word"), counselor=said(), grade=verdicts)
    work = pair("diacbt", "diacbt", {"client.samples": str(samples), **options})
    return await write(work, case(lang), model), model


def outcome(word: str) -> dict[str, str]:
    return {"outcome": word}


async def test_the_grader_is_asked_n_times_after_each_pair_and_reads_intake_and_dialogue_only() -> None:
    dialogue, model = await graded(outcome("same"), 10, max_exchanges="2")
    assert model.counts() == {"client": 2, "counselor": 2, "grade": 20}
    told = text_of(model.asked("grade")[-1])
    assert all(turn.text in told for turn in dialogue.turns)
    assert "PROBLEM" in told
    assert "HISTORY" not in told
    assert model.asked("grade")[0].decoding["temperature"] == 1.0


async def test_the_client_is_not_measured_by_facts_that_only_its_grader_reads() -> None:
    model = Scripted(client=COGNITION["history"], counselor=said(), grade=outcome("same"))
    options = {"client.samples": "1", "max_exchanges": "1"}
    dialogue = await write(pair("diacbt", "diacbt", options), case(), model)
    assert dialogue.case is not None
    told = [measures(dialogue.case, {"cognition", *more}, dialogue.turns)["facts_told"] for more in ((), ("intake",))]
    assert dialogue.quality.measures["facts_told"] == told[0] > told[1] > 0


@pytest.mark.accepts("diacbt", 8)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_mean_at_the_threshold_is_a_success_and_ends_the_session(lang: Lang) -> None:
    verdicts = [outcome(word) for word in ("better", "same", "better", "solved", "solved", "solved")]
    dialogue, _ = await graded(verdicts, 2, lang)
    assert [turn.extra["reward"] for turn in dialogue.turns[1::2]] == [0.0, 0.75]
    assert dialogue.sessions[0].ended == "client closed"
    assert dialogue.sessions[0].notes["outcome"] == {"reward": 0.75, "success": True, "exchanges": 2}


@pytest.mark.accepts("diacbt", 8)
async def test_a_talk_that_never_succeeds_ends_at_30_exchanges_without_success() -> None:
    dialogue, _ = await graded(outcome("better"), 1)
    assert dialogue.sessions[0].exchanges() == 30
    assert dialogue.sessions[0].notes["outcome"] == {"reward": 0.5, "success": False, "exchanges": 30}


@pytest.mark.accepts("diacbt", 8)
async def test_an_answer_outside_the_four_is_asked_for_again_and_then_counts_as_the_same() -> None:
    dialogue, model = await graded([outcome("fine"), outcome("worse")], 1, max_exchanges="1")
    assert dialogue.turns[1].extra["outcomes"] == {"worse": 1}
    assert len(model.asked("grade")) == 2
    dialogue, model = await graded(outcome("fine"), 1, max_exchanges="1")
    assert dialogue.turns[1].extra["outcomes"] == {"same": 1}
    assert dialogue.quality.kept == {"grader_same": 1}


@pytest.mark.parametrize("term", OUTCOMES.terms, ids=lambda term: term.id)
async def test_the_graders_four_sentences_are_read_in_both_languages_and_each_has_its_reward(term: Any) -> None:
    for sentence in (term.en, term.zh):
        dialogue, _ = await graded(outcome(sentence), 1, max_exchanges="1")
        assert dialogue.turns[1].extra["reward"] == REWARDS[term.id]
    assert [REWARDS[one.id] for one in OUTCOMES.terms] == [-1.0, -0.5, 0.5, 1.0]


async def test_an_intake_form_is_needed_for_grading_only() -> None:
    assert "intake" not in DiaCbtClient().wants()
    assert "intake" in DiaCbtClient(samples=1).wants()


# The scales, and the released sample


@pytest.mark.accepts("diacbt", 9)
async def test_ctrs_scores_are_whole_numbers_of_0_to_6() -> None:
    tool = instrument("ctrs")
    assert [item.id for item in tool.items] == [
        "understanding", "interpersonal_effectiveness", "collaboration", "guided_discovery", "focus", "strategy",
    ]  # fmt: skip
    for value, right in ((0, True), (6, True), (7, False), (-1, False), (4.5, False), ("4, good", False)):
        model = Scripted(rate={"evidence": ["words number 1"], "reason": "-", "value": value})
        talk = Dialogue(id="d", lang="en", sessions=[Session(turns=[Turn.client("words number 1")])])
        (rating,) = await rate_one(talk, tool, model)
        assert {part.value for part in rating.items} == {value if right else None}
        assert {part.failure is None for part in rating.items} == {right}


@pytest.mark.accepts("diacbt", 9)
async def test_panas_asks_all_20_adjectives_on_1_to_5_and_the_positive_score_is_that_of_the_first_ten() -> None:
    tool = instrument("panas")
    assert [item.en.casefold() for item in tool.items] == [
        "interested", "excited", "strong", "enthusiastic", "proud", "alert", "inspired", "determined", "attentive", "active",
        "distressed", "upset", "guilty", "scared", "hostile", "irritable", "ashamed", "nervous", "jittery", "afraid",
    ]  # fmt: skip
    assert tool.scale == (1, 5)
    answer = {item.id: {"evidence": [], "reason": "-", "value": 1} for item in tool.items}
    for item in tool.items[:10]:
        answer[item.id] = {"evidence": ["PROBLEM sleep"], "reason": "-", "value": 5}
    talk = Dialogue(id="d", lang="en", case=case(), sessions=[Session(turns=[Turn.client("PROBLEM sleep")])])
    for rating in await rate_one(talk, tool, Scripted(rate=answer)):
        assert [part.value for part in rating.items] == [5] * 10 + [1] * 10
        positive, negative = score(rating, tool).values.values()
        assert positive / negative == 5
    off = Scripted(rate=answer | {"active": {"evidence": ["PROBLEM sleep"], "reason": "-", "value": 6}})
    assert all(part.failure for rating in await rate_one(talk, tool, off) for part in rating.items)


# Utterances of the six files of case 38.
CASE_38 = {"One": 230, "Two": 346, "Three": 362, "Four": 410, "Five": 410, "Six": 394}


@pytest.mark.accepts("diacbt", 10)
def test_six_files_of_the_released_grammar_are_read_with_every_utterance_and_all_their_defects(tmp_path: Path) -> None:
    """As case 38: ASCII colons in its first session, lists missing or repeated, brackets without quotes, blanks at the end."""
    folder = tmp_path / "38"
    folder.mkdir()
    lists = ["['收集信息'] ", "", "['家庭作业', '家庭作业'] ", "[总结]", "['自动化思维的工作', '强化动机'] "]
    for name, count in CASE_38.items():
        colon = ": " if name == "One" else "："
        lines = []
        for n in range(count // 2):
            lines.append(f"咨询师{colon}{lists[n % len(lists)]}第{n}句话，你怎么看？  ")
            lines.append(f"来访者{colon}（停顿）我的第{n}句话。")
        (folder / f"Session_{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    defects: list[Defect] = []
    (found,) = read(tmp_path, "diacbt", on_defect=defects.append)
    bare = [sum(n % len(lists) == 1 for n in range(count // 2)) for count in CASE_38.values()]
    assert [one.what for one in defects] == [f"{n} counselor lines have no strategy list (record kept)" for n in bare]
    assert isinstance(found, Dialogue)
    assert [len(session.turns) for session in found.sessions] == [230, 346, 362, 410, 410, 394]
    for session in found.sessions:
        assert [turn.speaker for turn in session.turns] == ["counselor", "client"] * (len(session.turns) // 2)
        assert not any(turn.text.startswith(("[", "'")) or turn.text.endswith(" ") for turn in session.turns)
        labels = [[STRATEGIES[label.id].id for label in turn.labels] for turn in session.turns[:10:2]]
        assert labels == [["gather_info"], [], ["homework"] * 2, ["summary"], ["automatic_thoughts", "motivation"]]


# Sight, and the rehearsal


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("samples", [0, 1])
async def test_talking_agents_see_what_they_may_and_nothing_else(samples: int, lang: Lang) -> None:
    work = DiaCbt(how="talk", sessions=2, max_exchanges=2, samples=samples)
    assert await faults_of_sight(work, canary_case(lang)) == []
    pairing = pair("diacbt", "diacbt", {"max_exchanges": "2", "client.samples": str(samples)})
    assert await faults_of_sight(pairing, canary_case(lang)) == []


@pytest.mark.accepts("diacbt", 1, 5)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsal_of_the_whole_treatment_keeps_the_plan_repeats_nothing_and_comes_back_to_the_homework(
    lang: Lang,
) -> None:
    one = next(case for case in read_jsonl(find_system("diacbt").cases(), Case) if case.lang == lang)
    dialogue = await write("diacbt", one, Rehearsal())
    assert len(dialogue.sessions) == 6
    assert dialogue.quality.rejected == 0
    for before, session in pairwise(dialogue.sessions):
        assert session.notes["plan_similarity"] == 1.0
        assert session.notes["taken_up"] == before.notes["homework"]
        assert max(Counter(turn.text for turn in session.turns).values()) == 1
    openings = [session.turns[1].text for session in dialogue.sessions]
    assert len(set(openings)) >= 5


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsal_of_six_talked_sessions_differs_from_session_to_session_and_ends_each(lang: Lang) -> None:
    one = next(case for case in read_jsonl(find_system("diacbt").cases(), Case) if case.lang == lang)
    dialogue = await write("diacbt", one, Rehearsal(), options={"how": "talk", "max_exchanges": "12"})
    assert [session.exchanges() for session in dialogue.sessions] == [12] * 6
    assert all(session.summary and session.notes["homework"] for session in dialogue.sessions)
    assert all(session.notes["taken_up"] for session in dialogue.sessions[1:])
    for before, session in pairwise(dialogue.sessions):
        told = {turn.text for turn in before.turns if turn.speaker == "client"}
        again = [turn for turn in session.turns if turn.speaker == "client" and turn.text in told]
        assert len(again) < 10
    relapse = [
        n
        for n, s in enumerate(dialogue.sessions, 1)
        for t in s.turns
        for label in t.labels
        if label.id == "relapse_prevention"
    ]
    assert set(relapse) == {6}


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_graded_rehearsal_ends_with_success(lang: Lang) -> None:
    one = case(lang)
    work = pair("diacbt", "diacbt", {"client.samples": "3"})
    dialogue = await write(work, one, Rehearsal())
    assert dialogue.sessions[0].notes["outcome"]["success"]  # type: ignore[index,call-overload]
    assert dialogue.sessions[0].exchanges() < 30


def test_a_rating_says_out_of_what_it_is() -> None:
    with pytest.raises(ValueError, match="out_of"):
        Rating.model_validate({"what": "mood", "score": 5, "out_of": 7})


# Rehearsal


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_counselor_quotes_nothing_that_the_client_did_not_say(lang: Lang) -> None:
    dialogue = await write(pair("diacbt", "diacbt", {"max_exchanges": "12"}), sample(lang), Rehearsal())
    tasks, heard = phrases(lang)["cbt"]["tasks"], ""
    for turn in dialogue.turns:
        if turn.speaker == "client":
            heard += turn.text
        else:
            assert all(quote in heard or quote in tasks for quote in re.findall("“([^”]*)”", turn.text)), turn.text


@pytest.mark.parametrize("exchanges", ["3", "8"])
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_counselor_leaves_its_plan_for_words_that_sound_an_alarm(lang: Lang, exchanges: str) -> None:
    words = {"zh": "我不想活了。", "en": "I want to die."}[lang]
    options = {"counselor.max_exchanges": exchanges, "client.lines": json.dumps([words] * 2)}
    dialogue = await write(pair("diacbt", "plain", options), sample(lang), Rehearsal())
    crisis, said = phrases(lang)["counselor"]["crisis"], [turn.text for turn in dialogue.turns]
    assert said[said.index(words) + 1] in crisis
    assert dialogue.turns[said.index(words) + 1].labels[0].id == "other"


async def test_a_rehearsed_record_holds_no_rating_that_nobody_said() -> None:
    dialogue = await write(pair("diacbt", "diacbt", {"max_exchanges": "6", "sessions": "2"}), sample("en"), Rehearsal())
    assert dialogue.case
    assert [meeting.ratings for meeting in dialogue.case.course] == [[], []]
    for session, meeting in zip(dialogue.sessions, dialogue.case.course, strict=True):
        assert all(task in "".join(turn.text for turn in session.turns) for task in meeting.homework)


def sample(lang: Lang) -> Case:
    """A bundled case with a diagram."""
    cases = read_jsonl(find_system("diacbt").cases(), Case)
    return next(one for one in cases if one.lang == lang and one.cognition)
