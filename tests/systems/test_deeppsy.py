"""DeepPsy-Agent: the stage before every reply, crises by plain words, a thought that names the stage and stays unsaid."""

import asyncio
import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.cli.export import export
from psyloom.errors import AnswerRejected, MissingFacet
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import phrases
from psyloom.records import Case, Dialogue, Label, Lang, Post, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import pair, run_cases
from psyloom.safety.cues import cue_in
from psyloom.systems import find_system
from psyloom.systems.deeppsy.system import PLAN, STAGES, TECHNIQUES, DeepPsy
from psyloom.systems.sessions import case_of
from tests.support import Scripted, desk_for, numbered, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
CUES = {"zh": "我有时候想死。", "en": "Sometimes I want to die."}
QUESTION = {"zh": "那是什么感觉？", "en": "What is that like?"}
NUMBER = count(1)


def say() -> str:
    """A reply that never repeats and holds no digits."""
    return "Reply " + "".join("abcdefghij"[int(digit)] for digit in str(next(NUMBER)))


def told(call: Call) -> str:
    """The stage that a reply's prompt names as the one now."""
    found = re.search(r"(?:The stage now: |现在的阶段：)([^.。]+)", text_of(call))
    assert found
    return STAGES[found.group(1)].id


def thought(told: str, **more: Any) -> dict[str, Any]:
    return {
        "stage": told, "focus": "the night", "client_state": "tired", "causal_chain": ["too much work", "no sleep"], "plan": "ask about it",
        "technique": TECHNIQUES.children(told)[0].en,
    } | more  # fmt: skip


def answer(call: Call) -> dict[str, Any]:
    """A good answer in whatever setting is asked for."""
    assert call.schema
    wanted, lang = (
        call.schema["properties"],
        "zh" if "现在的阶段" in text_of(call) or "到目前为止" in text_of(call) else "en",
    )
    given: dict[str, Any] = {"reply": f"{say()}. {QUESTION[lang]}", "closes": False}  # type: ignore[index]
    if "thought" in wanted:
        named = "stage" in wanted["thought"]["properties"]
        given["thought"] = thought(told(call) if named else "exploration")
        if not named:
            del given["thought"]["stage"]
    return given


def detects(*stages: str) -> list[dict[str, Any]]:
    return [{"evidence": "-", "stage": stage, "changed": False, "confidence": 0.5} for stage in stages]


def techniques(call: Call) -> list[str]:
    """The techniques that the answer may name."""
    assert call.schema
    thought = call.schema["properties"]["thought"]
    kind = call.schema["$defs"][thought["$ref"].rpartition("/")[2]] if "$ref" in thought else thought
    return list(kind["properties"]["technique"]["enum"])


class Live:
    def __init__(self, *stages: str, lang: Lang = "en", reply: Any = answer, **options: Any) -> None:
        self.model = Scripted(detect=detects(*stages or ("exploration",)), reply=reply)
        self.counselor = DeepPsy(**options)
        self.desk = desk_for(Case(id="a", lang=lang), self.model)
        self.talk = Talk(self.desk.dialogue)

    async def says(self, *lines: str) -> Turn:
        for line in lines:
            self.talk.add(Turn.client(line))
            self.talk.add(await self.counselor.reply(self.talk, Ask(self.desk, self.counselor, self.talk)))
        return self.talk.turns[-1]

    @property
    def stages(self) -> list[str]:
        return [turn.labels[0].id for turn in self.talk.turns if turn.speaker == "counselor"]


@pytest.mark.accepts("deeppsy", 1)
@pytest.mark.parametrize("lang", LANGS)
async def test_every_turn_has_exactly_one_stage_and_it_is_the_one_its_prompt_names(lang: Lang) -> None:
    live = Live("exploration", "exploration", "insight", "insight", "action", lang=lang)
    await live.says(*"abcde")
    assert live.stages == ["exploration", "exploration", "insight", "insight", "action"]
    assert [told(call) for call in live.model.asked("reply")] == live.stages
    turns = [turn for turn in live.talk.turns if turn.speaker == "counselor"]
    assert all(sum(label.set == STAGES.id for label in turn.labels) == 1 for turn in turns)
    assert [turn.extra["stage"] for turn in turns] == live.stages
    assert [turn.extra["stage_before"] for turn in turns] == [None, *live.stages[:-1]]


@pytest.mark.accepts("deeppsy", 2)
async def test_two_calls_a_turn_and_the_detector_runs_before_every_reply() -> None:
    live = Live()
    await live.says(*"abc")
    assert [call.prompt for call in live.model.calls] == ["detect", "reply"] * 3


@pytest.mark.accepts("deeppsy", 2)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_detector_that_says_action_changes_the_prompt_and_the_techniques_of_that_same_turn(lang: Lang) -> None:
    prompts = []
    for stage in ("exploration", "action"):
        live = Live(stage, lang=lang)
        turn = await live.says("a")
        (call,) = live.model.asked("reply")
        prompts.append(text_of(call))
        assert told(call) == stage
        assert techniques(call) == [term.name(lang) for term in TECHNIQUES.children(stage)]
        assert turn.labels == [
            Label(set=STAGES.id, id=stage),
            Label(set=TECHNIQUES.id, id=TECHNIQUES.children(stage)[0].id),
        ]
    assert prompts[0] != prompts[1]


@pytest.mark.accepts("deeppsy", 3)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("before", ["exploration", "insight", "action", "crisis"])
async def test_an_open_word_of_suicide_leads_to_crisis_in_that_turn_whatever_came_before_and_without_asking_a_model(
    before: str, lang: Lang
) -> None:
    live = Live(before, lang=lang)
    await live.says("a")
    asked = len(live.model.asked("detect"))
    turn = await live.says(CUES[lang])
    assert live.stages == [before, "crisis"]
    assert len(live.model.asked("detect")) == asked
    detector: Any = turn.extra["detector"]
    assert detector["by"] == "words"
    assert detector["evidence"] in CUES[lang]


@pytest.mark.parametrize("after", ["insight", "action", "exploration"])
async def test_out_of_a_crisis_the_talk_goes_to_exploration_only(after: str) -> None:
    live = Live("crisis", after)
    await live.says("a", "b")
    assert live.stages == ["crisis", "exploration"]


async def test_a_stage_lasts_two_client_turns_unless_there_is_a_crisis() -> None:
    live = Live("exploration", "insight", "insight", "exploration", "crisis", "exploration")
    await live.says(*"abcdef")
    assert live.stages == ["exploration", "exploration", "insight", "insight", "crisis", "exploration"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PLAN.ids), min_size=1, max_size=12))
def test_whatever_is_detected_no_stage_but_crisis_is_left_after_one_turn(found: list[str]) -> None:
    live = Live(*found)
    asyncio.run(live.says(*(f"line {n}" for n in range(len(found)))))
    stages = live.stages
    for at, stage in enumerate(stages[:-1]):
        alone = at == 0 or stages[at - 1] != stage
        if alone and stage != "crisis":
            assert stages[at + 1] in (stage, "crisis")
        if stage == "crisis":
            assert stages[at + 1] in ("crisis", "exploration")


@pytest.mark.accepts("deeppsy", 4, 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_thought_names_stage_and_focus_and_the_seeker_and_the_later_history_never_read_it(lang: Lang) -> None:
    live = Live(lang=lang)
    turn = await live.says("a", "b")
    names = [element.name for element in turn.thought]
    assert names == ["stage", "focus", "client_state", "causal_chain", "plan", "technique"]
    assert turn.thought[0].text == STAGES["exploration"].name(lang)
    assert turn.thought[3].text == "too much work → no sleep"
    assert not any(word in text_of(live.model.calls[-1]) for word in ("too much work", "ask about it"))


async def test_the_thought_is_written_before_the_reply_and_the_stage_before_all() -> None:
    live = Live()
    await live.says("a")
    schema: Any = live.model.asked("reply")[0].schema
    assert list(schema["properties"]) == ["thought", "reply", "closes"]
    assert list(schema["properties"]["thought"]["properties"]) == [
        "stage",
        "focus",
        "client_state",
        "causal_chain",
        "plan",
        "technique",
    ]


@pytest.mark.accepts("deeppsy", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_thought_that_names_another_stage_is_rejected_with_the_reason(lang: Lang) -> None:
    def elsewhere(call: Call) -> dict[str, Any]:
        return answer(call) | {"thought": thought("exploration", stage="action")}

    reason = {"en": "names the stage Action; the stage now is Exploration", "zh": "写的是“行动阶段”，现在是“探索阶段”"}[
        lang
    ]
    with pytest.raises(AnswerRejected, match=reason):
        await Live(lang=lang, reply=elsewhere).says("a")


async def test_a_technique_of_another_stage_is_rejected() -> None:
    def elsewhere(call: Call) -> dict[str, Any]:
        return answer(call) | {"thought": thought("exploration", technique="Homework")}

    with pytest.raises(AnswerRejected, match="Homework"):
        await Live(reply=elsewhere).says("a")


@pytest.mark.accepts("deeppsy", 4)
@pytest.mark.parametrize("mark", ["<think>I see.</think> Hello?", "<Exploration> Hello?", "<探索阶段>你好？"])
async def test_no_reply_holds_delimiters_of_thought_or_stage(mark: str) -> None:
    with pytest.raises(AnswerRejected):
        await Live(reply=lambda call: answer(call) | {"reply": mark.replace("</think>", "")}).says("a")


@pytest.mark.accepts("deeppsy", 4)
async def test_raw_output_with_a_thinking_block_before_the_answer_is_split_into_thought_and_reply() -> None:
    def raw(call: Call) -> str:
        return f"<think>\nThe client cannot sleep.\n</think>\n{json.dumps(answer(call))}"

    turn = await Live(reply=raw).says("a")
    assert turn.text.startswith("Reply ")
    assert not re.search("[<>]|cannot sleep", turn.text)
    assert [element.text for element in turn.thought][:2] == ["Exploration", "the night"]


@pytest.mark.accepts("deeppsy", 6)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    "text",
    [
        {"en": "I see.", "zh": "我明白。"},
        {"en": "1. breathe 2. sleep, what else?", "zh": "1. 深呼吸 2. 睡觉，还有吗？"},
    ],
)
async def test_in_exploration_a_reply_without_a_question_or_with_a_list_is_flagged(
    text: dict[str, str], lang: Lang
) -> None:
    live = Live(lang=lang, reply=lambda call: answer(call) | {"reply": text[lang]})
    await live.says("a")
    assert live.desk.dialogue.quality.kept == {"stage_rules": 1}
    assert len(live.model.asked("reply")) == 3


async def test_in_insight_a_reply_needs_no_question() -> None:
    live = Live("insight", reply=lambda call: answer(call) | {"reply": "It is like a tap that nobody closed."})
    await live.says("a")
    assert not live.desk.dialogue.quality.kept


@pytest.mark.parametrize("text", ["Call 116 123, are you safe?", "Please ring 9-1-1 now."])
async def test_in_a_crisis_no_number_is_ever_said(text: str) -> None:
    with pytest.raises(AnswerRejected, match="number"):
        await Live("crisis", reply=lambda call: answer(call) | {"reply": text}).says("a")


@pytest.mark.accepts("deeppsy", 10)
@pytest.mark.parametrize(
    ("without", "stage_text", "thinks"),
    [("nothing", True, True), ("stage", False, True), ("thought", True, False), ("both", False, False)],
)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_four_ablations_are_one_switch_each(without: str, stage_text: bool, thinks: bool, lang: Lang) -> None:
    live = Live(lang=lang, without=without)
    turn = await live.says("a")
    (call,) = live.model.asked("reply")
    marks = {"en": ("The stage now", "three stages"), "zh": ("现在的阶段", "三个阶段")}[lang]
    assert all((mark in text_of(call)) == stage_text for mark in marks)
    assert bool(turn.thought) == thinks == ("thought" in call.schema["properties"])  # type: ignore[index]
    assert [element.name for element in turn.thought][:1] == (
        [] if not thinks else ["stage"] if stage_text else ["focus"]
    )
    assert turn.labels[0] == Label(set=STAGES.id, id="exploration")
    assert (TECHNIQUES.id in {label.set for label in turn.labels}) == thinks


async def test_detector_and_chat_model_read_the_whole_talk_before_they_are_told_the_stage() -> None:
    live = Live()
    await live.says("First words.", "b", "c", "Last words.")
    detect, reply = text_of(live.model.asked("detect")[-1]), text_of(live.model.asked("reply")[-1])
    for asked, told in ((detect, "The stage before"), (reply, "The stage now")):
        assert asked.index("First words.") < asked.index("Last words.") < asked.index(told)


async def test_decoding_of_detector_and_chat_model() -> None:
    live = Live()
    await live.says("a")
    assert live.model.asked("detect")[0].decoding["temperature"] == 0.0
    assert live.model.asked("reply")[0].decoding == {"temperature": 0.6, "top_p": 0.95, "max_tokens": 2048}


@pytest.mark.parametrize(("stage", "ended"), [("action", "counselor closed"), ("insight", "limit")])
async def test_the_talk_ends_with_a_goodbye_in_action_only_and_else_at_the_limit(stage: str, ended: str) -> None:
    model = Scripted(
        detect=detects(stage)[0], client=numbered("Client"), reply=lambda call: answer(call) | {"closes": True}
    )
    dialogue = await write(
        pair("deeppsy", "deeppsy", {"counselor.max_exchanges": 3}),
        Case(id="a", lang="en", post=Post(text="I wake at three.")),
        model,
    )
    assert dialogue.sessions[0].ended == ended


async def test_a_new_session_begins_in_no_stage() -> None:
    record = {"summary": "s", "learnt": [], "homework": [], "ratings": []}
    model = Scripted(detect=detects("action")[0], client=numbered("Client"), reply=answer, record=record)
    given = Case(id="a", lang="en", post=Post(text="I wake at three."))
    dialogue = await write(pair("deeppsy", "deeppsy", {"sessions": 2, "max_exchanges": 1}), given, model)
    assert [turn.extra["stage_before"] for turn in dialogue.turns if "stage" in turn.extra] == [None, None]


def test_stages_and_techniques_belong_together() -> None:
    assert PLAN.ids == STAGES.ids == ("exploration", "insight", "action", "crisis")
    assert all(TECHNIQUES.children(stage) for stage in PLAN.ids)
    assert [PLAN[stage].min_turns for stage in PLAN.ids] == [2, 2, 2, 0]


def test_bundled_cases_bring_a_post_without_an_open_crisis() -> None:
    for one in read_jsonl(find_system("deeppsy").cases(), Case):
        assert one.post
        assert cue_in(one.post.text, one.lang) is None


# Data: hotline conversations become records

REAL: dict[Lang, list[tuple[str, str]]] = {
    "zh": [("counselor", "你好，这里是热线。"), ("client", "我叫林小岚，电话13812345678。"), ("client", "三点就醒，睡不回去。"),
           ("counselor", "小岚，三点醒来想些什么？"), ("client", "想店里的事，关店以后就这样。"), ("counselor", "关店以后。"), ("client", "谢谢。")],
    "en": [("counselor", "Helpline, good evening."), ("client", "My name is, well, call me Marlene Voss, 0170 555 01 234."), ("client", "I wake at three."),
           ("counselor", "What goes through your mind then?"), ("client", "The shop, since it closed."), ("counselor", "Since then."), ("client", "Thanks.")],
}  # fmt: skip
FACTS = {
    "basic": {"age": None, "gender": "woman", "occupation": "shopkeeper", "education": None},
    "psych": {"emotion": "worried", "symptoms": ["wakes at three"], "demand": None},
}
PASSED = {"unfounded": [], "stage": "exploration", "fits": True, "reason": "All of it was said."}


def conversation(lang: Lang = "en", id_: str = "r") -> Case:
    turns = [Turn.model_validate({"speaker": who, "text": text}) for who, text in REAL[lang]]
    return case_of(Dialogue(id=id_, lang=lang, sessions=[Session(turns=turns)]))


def asked(call: Call) -> dict[str, str]:
    return {"question": f"At night I lie awake, {say()}"}


def experts(**more: Any) -> Scripted:
    given: dict[str, Any] = {
        "extract": FACTS,
        "question": asked,
        "detect": detects("exploration"),
        "answer": answer,
        "review": PASSED,
    }
    return Scripted(**given | more)


@pytest.mark.accepts("deeppsy", 7)
@pytest.mark.parametrize("lang", LANGS)
async def test_each_record_takes_three_expert_calls_of_three_types_and_is_checked_after_them(lang: Lang) -> None:
    model = experts()
    dialogue = await write("deeppsy", conversation(lang), model)
    # Two client messages in a row are one, and the goodbye that nobody answers makes no record.
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 2
    assert [call.prompt for call in model.calls] == ["extract", "question", "detect", "answer", "review"] * 2
    kinds: list[Any] = [call.schema for call in model.calls[:5] if call.prompt in ("extract", "question", "answer")]
    assert [list(kind["properties"]) for kind in kinds] == [
        ["basic", "psych"], ["question"], ["thought", "reply", "closes"],
    ]  # fmt: skip


async def test_without_the_check_a_record_takes_the_three_experts_and_the_label_of_its_stage() -> None:
    model = experts()
    await write("deeppsy", conversation(), model, options={"check": False, "once": True})
    assert model.counts() == {"extract": 1, "question": 2, "detect": 2, "answer": 2}


async def test_once_reads_the_whole_conversation_and_else_nobody_reads_ahead() -> None:
    once, each = experts(), experts()
    await write("deeppsy", conversation(), once, options={"once": True})
    await write("deeppsy", conversation(), each)
    assert "Thanks." in text_of(once.asked("extract")[0])
    for call in (*each.asked("extract")[:1], *each.asked("question")[:1], *once.asked("question")[:1]):
        assert "I wake at three." in text_of(call)
        assert "since it closed" not in text_of(call)


@pytest.mark.accepts("deeppsy", 8)
@pytest.mark.parametrize("unknown", [None, "未知", "不详", "unknown", "Not mentioned.", "-"])
async def test_the_extracted_state_has_seven_fields_and_null_where_nothing_is_known(unknown: str | None) -> None:
    found = {"basic": FACTS["basic"] | {"age": unknown}, "psych": FACTS["psych"] | {"symptoms": [], "demand": unknown}}
    dialogue = await write("deeppsy", conversation(), experts(extract=found))
    state: Any = dialogue.turns[1].extra["state"]
    assert state == {
        "basic": {"age": None, "gender": "woman", "occupation": "shopkeeper", "education": None},
        "psych": {"emotion": "worried", "symptoms": None, "demand": None},
    }


@pytest.mark.parametrize("part", ["basic", "psych"])
async def test_a_state_that_leaves_a_field_out_is_rejected(part: str) -> None:
    lacking = {name: dict(list(fields.items())[1:]) if name == part else fields for name, fields in FACTS.items()}
    with pytest.raises(AnswerRejected, match="extract"):
        await write("deeppsy", conversation(), experts(extract=lacking))


@pytest.mark.accepts("deeppsy", 8)
@pytest.mark.parametrize(
    ("lang", "left"),
    [("zh", "林小岚"), ("zh", "小岚"), ("zh", "13812345678"), ("zh", "13998765432"), ("zh", "a.b@mail.com"),
     ("en", "Marlene Voss"), ("en", "0170 555 01 234"), ("en", "+49 170 999 88 77")],
)  # fmt: skip
async def test_no_name_and_no_number_survives_in_a_question_or_in_the_state(lang: Lang, left: str) -> None:
    clean = f"At night I lie awake, {say()}"
    model = experts(question=[{"question": f"{clean} {left}"}, {"question": clean}, asked])
    dialogue = await write("deeppsy", conversation(lang), model)
    assert dialogue.turns[0].text == clean
    assert dialogue.quality.rejected == 1
    assert left not in dialogue.model_dump_json()
    told = {"basic": FACTS["basic"] | {"occupation": left}, "psych": FACTS["psych"]}
    with pytest.raises(AnswerRejected, match=re.escape(left)):
        await write("deeppsy", conversation(lang), experts(extract=told))


@pytest.mark.parametrize("lang", LANGS)
async def test_the_answering_expert_reads_what_was_rebuilt_and_extracted_and_nothing_of_the_real_talk(
    lang: Lang,
) -> None:
    model = experts()
    dialogue = await write("deeppsy", conversation(lang), model)
    for call in (*model.asked("answer"), *model.asked("detect"), *model.asked("review")):
        assert not any(text in text_of(call) for _, text in REAL[lang])
    last = text_of(model.asked("answer")[1])
    assert all(turn.text in last for turn in dialogue.turns[:3])
    assert all(fact in last for fact in ("woman", "shopkeeper", "worried", "wakes at three"))
    assert not any(text in dialogue.model_dump_json() for _, text in REAL[lang])


@pytest.mark.accepts("deeppsy", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_record_whose_thought_names_another_stage_is_rejected_with_the_reason(
    lang: Lang, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [conversation(lang)])

    def elsewhere(call: Call) -> dict[str, Any]:
        return answer(call) | {"thought": thought("exploration", stage="insight")}

    summary = await run_cases("deeppsy", tmp_path / "cases.jsonl", tmp_path / "run", models=experts(answer=elsewhere))
    assert (summary.dialogues, summary.failures) == (0, 1)
    failure = json.loads((tmp_path / "run/failures.jsonl").read_text("utf-8"))
    assert {"en": "names the stage Insight", "zh": "思考里写的是“洞察阶段”"}[lang] in failure["detail"]


@pytest.mark.parametrize(
    ("lang", "reply"),
    [("zh", "你这是典型的抑郁症，你觉得呢？"), ("zh", "可以试着吃点安定，好吗？"), ("en", "You have clinical depression, do you?"),
     ("en", "Take some sleeping tablets, will you?"), ("en", "Call me on 0170 555 01 999, will you?")],
)  # fmt: skip
async def test_no_answer_diagnoses_names_medicine_or_holds_a_number(lang: Lang, reply: str) -> None:
    with pytest.raises(AnswerRejected):
        await write("deeppsy", conversation(lang), experts(answer=lambda call: answer(call) | {"reply": reply}))


@pytest.mark.parametrize(
    ("found", "faults"),
    [
        ({}, []),
        ({"unfounded": ["she has two children"]}, ["unfounded"]),
        ({"stage": "insight"}, ["stage_disputed"]),
        ({"fits": False, "stage": "action"}, ["stage_disputed", "off_stage"]),
    ],
)
async def test_what_the_check_finds_is_a_label_with_its_reason_for_people_to_read(
    found: dict[str, Any], faults: list[str]
) -> None:
    dialogue = await write("deeppsy", conversation(), experts(review=PASSED | found))
    marks = [label for label in dialogue.turns[1].labels if label.set == "deeppsy_review"]
    assert [label.id for label in marks] == faults
    assert all(label.reason for label in marks)
    assert dialogue.turns[1].extra["review"] == {"consistency": not faults, "by": "ai"}
    assert dialogue.quality.measures == {"records": 2, "consistent": 0 if faults else 2}


async def test_the_second_vote_is_given_without_knowing_the_label() -> None:
    model = experts()
    await write("deeppsy", conversation(), model)
    shown = text_of(model.asked("review")[0])
    assert "too much work → no sleep" in shown
    assert "stage: Exploration" not in shown
    assert "The stage now" not in shown


async def test_a_cue_in_the_rebuilt_message_makes_the_record_one_of_crisis_without_asking_the_detector() -> None:
    model = experts(question={"question": CUES["en"]})
    dialogue = await write("deeppsy", conversation(), model, options={"utterances": 2})
    assert dialogue.turns[1].labels[0] == Label(set=STAGES.id, id="crisis")
    assert "detect" not in model.counts()
    assert len(dialogue.turns) == 2


async def test_a_post_is_a_conversation_of_one_message_and_a_case_with_neither_is_refused() -> None:
    dialogue = await write("deeppsy", Case(id="p", lang="en", post=Post(text="I wake at three.")), experts())
    assert len(dialogue.turns) == 2
    with pytest.raises(MissingFacet, match="neither"):
        await write("deeppsy", Case(id="p", lang="en"), experts())


async def talks(tmp_path: Path, count: int) -> str:
    """A file of ``count`` rebuilt conversations."""
    made = await write("deeppsy", conversation(), experts())
    write_jsonl(tmp_path / "talks.jsonl", (made.model_copy(update={"id": f"c{n}"}) for n in range(count)))
    return str(tmp_path / "talks.jsonl")


def exported(file: str, out: Path, *more: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(export, [file, "--to", "deeppsy.records", "--out", str(out), *more])
    assert done.exit_code == 0, done.output
    files = sorted(out.iterdir()) if out.is_dir() else [out]
    return [{"split": one.stem, **json.loads(row)} for one in files for row in one.read_text("utf-8").splitlines()]


async def test_a_training_record_holds_stage_state_messages_thought_answer_and_review(tmp_path: Path) -> None:
    first, row = exported(await talks(tmp_path, 1), tmp_path / "records.jsonl")
    assert [first["id"], row["id"]] == ["c0#1", "c0#3"]
    assert row["stage"] == "exploration"
    assert row["client_state"] == FACTS
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant", "user"]
    assert "three stages" in row["messages"][0]["content"]
    assert "The stage now: Exploration" in row["messages"][0]["content"]
    assert row["messages"][2]["content"] == first["answer"]
    assert "focus: the night" in row["thought"]
    assert row["answer"].startswith("Reply ")
    assert row["review"] == {"consistency": True, "by": "ai"}


@pytest.mark.accepts("deeppsy", 9)
async def test_the_export_splits_nine_to_one_by_seed_and_parts_no_conversation(tmp_path: Path) -> None:
    file = await talks(tmp_path, 600)

    def dealt(out: str, seed: int) -> dict[str, set[str]]:
        rows = exported(file, tmp_path / out, "--splits", "90/0/10", "--seed", str(seed))
        assert len(rows) == 1200
        return {part: {row["id"].split("#")[0] for row in rows if row["split"] == part} for part in ("train", "test")}

    first = dealt("first", 7)
    assert first == dealt("again", 7) != dealt("other", 8)
    assert not first["train"] & first["test"]
    assert len(first["train"] | first["test"]) == 600
    assert abs(len(first["test"]) / 600 - 0.1) < 0.03


@pytest.mark.parametrize("lang", LANGS)
async def test_a_rehearsal_rebuilds_the_bundled_conversations(lang: Lang) -> None:
    own = [case for case in read_jsonl(find_system("deeppsy").cases(), Case) if case.lang == lang and case.extra]
    assert own
    for case in own:
        dialogue = await write("deeppsy", case, Rehearsal())
        assert len(dialogue.turns) >= 6
        assert not case.extra


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_reply_in_crisis_is_about_safety(lang: Lang) -> None:
    words = {"zh": "我不想活了。", "en": "I want to die."}[lang]
    options = {"client.lines": json.dumps([words]), "max_exchanges": "3"}
    dialogue = await write(
        pair("deeppsy", "plain", options), Case(id="c", lang=lang, post=Post(text=words)), Rehearsal()
    )
    replies = [turn for turn in dialogue.turns if turn.speaker == "counselor" and turn.extra.get("stage") == "crisis"]
    assert replies
    assert all(turn.text in phrases(lang)["counselor"]["crisis"] for turn in replies)
