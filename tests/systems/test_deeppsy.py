"""DeepPsy-Agent: the stage before every reply, crises by plain words, a thought that names the stage and stays unsaid."""

import asyncio
import re
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.errors import AnswerRejected
from psyloom.llm import Call
from psyloom.records import Case, Label, Lang, Post, Turn, read_jsonl
from psyloom.runs import pair
from psyloom.systems import find_system
from psyloom.systems.deeppsy.crisis import cue_in
from psyloom.systems.deeppsy.system import PLAN, STAGES, TECHNIQUES, DeepPsy
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


@pytest.mark.parametrize("lang", LANGS)
async def test_every_turn_has_exactly_one_stage_and_it_is_the_one_its_prompt_names(lang: Lang) -> None:
    live = Live("exploration", "exploration", "insight", "insight", "action", lang=lang)
    await live.says(*"abcde")
    assert live.stages == ["exploration", "exploration", "insight", "insight", "action"]
    assert [told(call) for call in live.model.asked("reply")] == live.stages
    turns = [turn for turn in live.talk.turns if turn.speaker == "counselor"]
    assert all(sum(label.set == STAGES.id for label in turn.labels) == 1 for turn in turns)
    assert [turn.extra["stage_before"] for turn in turns] == [None, *live.stages[:-1]]


async def test_two_calls_a_turn_and_the_detector_runs_before_every_reply() -> None:
    live = Live()
    await live.says(*"abc")
    assert [call.prompt for call in live.model.calls] == ["detect", "reply"] * 3


@pytest.mark.parametrize("lang", LANGS)
async def test_a_detector_that_says_action_changes_the_prompt_and_the_techniques_of_that_same_turn(lang: Lang) -> None:
    prompts = []
    for stage in ("exploration", "action"):
        live = Live(stage, lang=lang)
        turn = await live.says("a")
        (call,) = live.model.asked("reply")
        prompts.append(text_of(call))
        assert techniques(call) == [term.name(lang) for term in TECHNIQUES.children(stage)]
        assert turn.labels == [
            Label(set=STAGES.id, id=stage),
            Label(set=TECHNIQUES.id, id=TECHNIQUES.children(stage)[0].id),
        ]
    assert prompts[0] != prompts[1]


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


@pytest.mark.parametrize(
    ("lang", "text"),
    [("zh", "我不想活了"), ("zh", "昨天又割腕了"), ("zh", "站在那里想跳楼"), ("zh", "遗书都写好了"), ("zh", "真想弄死他"), ("zh", "活着不如死了"),
     ("en", "I could kill myself"), ("en", "I have been cutting myself"), ("en", "I don't want to live"), ("en", "feeling suicidal"),
     ("en", "they'd be better off dead"), ("zh", "I want to kill myself")],
)  # fmt: skip
def test_open_words_are_found(lang: Lang, text: str) -> None:
    assert cue_in(text, lang)


@pytest.mark.parametrize(
    ("lang", "text"),
    [("zh", "今天累死了"), ("zh", "我不想死，就是累"), ("zh", "这部电影好看死了"), ("zh", "跳槽以后很忙"), ("zh", "把这件事了结就好"),
     ("en", "I am dead tired"), ("en", "this deadline is killing me"), ("en", "I cut my hair"), ("en", "I want to diet")],
)  # fmt: skip
def test_everyday_words_are_not(lang: Lang, text: str) -> None:
    assert cue_in(text, lang) is None


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


@pytest.mark.parametrize("mark", ["<think>I see.</think> Hello?", "<Exploration> Hello?", "<探索阶段>你好？"])
async def test_no_reply_holds_delimiters_of_thought_or_stage(mark: str) -> None:
    with pytest.raises(AnswerRejected):
        await Live(reply=lambda call: answer(call) | {"reply": mark.replace("</think>", "")}).says("a")


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


@pytest.mark.parametrize(("stage_text", "thinks"), [(True, True), (False, True), (True, False), (False, False)])
@pytest.mark.parametrize("lang", LANGS)
async def test_the_four_ablations_are_one_switch_each(stage_text: bool, thinks: bool, lang: Lang) -> None:
    live = Live(lang=lang, stage_text=stage_text, thought=thinks)
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


def test_stages_and_techniques_belong_together() -> None:
    assert PLAN.ids == STAGES.ids == ("exploration", "insight", "action", "crisis")
    assert all(TECHNIQUES.children(stage) for stage in PLAN.ids)
    assert [PLAN[stage].min_turns for stage in PLAN.ids] == [2, 2, 2, 0]


def test_bundled_cases_bring_a_post_without_an_open_crisis() -> None:
    for one in read_jsonl(find_system("deeppsy").cases(), Case):
        assert one.post
        assert cue_in(one.post.text, one.lang) is None
