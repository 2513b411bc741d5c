"""CPsyCoun, Memo2Demo: the checks of its specification. arXiv 2405.16433."""

import json
from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import AnswerRejected
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Artefact, Case, Dialogue, Lang, Turn, read_jsonl
from psyloom.runs import run_cases
from psyloom.systems import find_system
from psyloom.systems.cpsycoun.system import SCHOOLS, STAGES, TOPICS, nothing_private
from tests.support import Scripted, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
REPORT = {
    "title": "TITLE", "type": "TYPE", "method": "METHOD", "brief": "BRIEF", "process": "PROCESS", "reflections": "REFLECTIONS",
}  # fmt: skip
MEMO = {
    "basic_information": "BASICS", "psychological_problems": "PROBLEMS", "reflections": "LEARNED",
    "plan": {"goals": "GOALS", "techniques": "WAYS", "execution_plan": "STEPS"},
}  # fmt: skip
SAID = {"zh": "这是第{}句话", "en": "This is message {}"}


def case(lang: Lang = "zh", **report: str) -> Case:
    return Case.model_validate({"id": "r", "lang": lang, "report": REPORT | report})


def stages(messages: int) -> list[str]:
    return [STAGES.ids[n * 4 // messages] for n in range(messages)]


def demo(lang: Lang = "zh", messages: int = 12, **changed: Any) -> dict[str, Any]:
    """A good dialogue; ``changed``: m3={"text": ...} changes the third message."""
    turns: list[dict[str, Any]] = [
        {"speaker": ("client", "counselor")[n % 2], "text": SAID[lang].format(n + 1), "stage": stage}
        for n, stage in enumerate(stages(messages))
    ]
    for at, change in changed.items():
        turns[int(at[1:]) - 1] |= change
    return {"turns": turns}


@pytest.mark.parametrize("lang", LANGS)
async def test_a_dialogue_is_two_calls_and_the_second_reads_report_and_memo(lang: Lang) -> None:
    model = Scripted(memo=MEMO, demo=demo(lang))
    dialogue = await write("cpsycoun", case(lang), model)
    assert [call.prompt for call in model.calls] == ["memo", "demo"]
    memo, script = map(text_of, model.calls)
    assert all(word in memo for word in REPORT.values())
    assert all(word in script for word in [*REPORT.values(), *flat(MEMO)])
    assert [[message["role"] for message in call.messages] for call in model.calls] == [["user"], ["user"]]
    assert dialogue.sessions[0].notes == {"method": "memo2demo", "memo": MEMO}


def flat(value: dict[str, Any]) -> list[str]:
    return [w for v in value.values() for w in (flat(v) if isinstance(v, dict) else [v])]


async def test_sampling_is_the_papers() -> None:
    model = Scripted(memo=MEMO, demo=demo())
    await write("cpsycoun", case(), model)
    assert [call.decoding for call in model.calls] == [
        {"temperature": 0.85, "top_p": 0.7, "max_tokens": 2048}, {"temperature": 0.75, "top_p": 0.7, "max_tokens": 4096},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "gap", ["basic_information", "psychological_problems", "reflections", "goals", "execution_plan"]
)
async def test_a_memo_with_an_empty_part_is_asked_for_again(gap: str) -> None:
    empty = MEMO | {gap: " "} if gap in MEMO else MEMO | {"plan": {**MEMO["plan"], gap: ""}}  # type: ignore[dict-item]
    model = Scripted(memo=[empty, MEMO], demo=demo())
    dialogue = await write("cpsycoun", case(), model)
    assert len(model.asked("memo")) == 2
    assert dialogue.sessions[0].notes["memo"] == MEMO


async def test_the_memo_is_an_artefact_of_its_report(tmp_path: Path) -> None:
    cases = find_system("cpsycoun").cases()
    await run_cases("cpsycoun", cases, tmp_path / "out")
    memos = list(read_jsonl(tmp_path / "out/artefacts.jsonl", Artefact))
    assert {memo.owner for memo in memos} == {case.id for case in read_jsonl(cases, Case)}
    assert {memo.name for memo in memos} == {"memo"}
    made = {dialogue.id: dialogue for dialogue in read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue)}
    assert all(made[memo.owner].sessions[0].notes["memo"] == memo.value for memo in memos)


@pytest.mark.parametrize("lang", LANGS)
async def test_every_message_carries_one_of_four_stages_that_never_go_back(lang: Lang) -> None:
    dialogue = await write("cpsycoun", case(lang), Scripted(memo=MEMO, demo=demo(lang)))
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 6
    assert [[label.id for label in turn.labels] for turn in dialogue.turns] == [[stage] for stage in stages(12)]
    script = text_of_demo = Scripted(memo=MEMO, demo=demo(lang))
    await write("cpsycoun", case(lang), script)
    said = text_of(text_of_demo.asked("demo")[0])
    places = [said.index(f"{n}. {term.name(lang)}") for n, term in enumerate(STAGES.terms, 1)]
    assert places == sorted(places)


FAULTY: list[tuple[str, dict[str, Any]]] = [
    ("too few", demo(messages=8)),
    ("too many", demo(messages=32)),
    ("last", demo(messages=11)),
    ("first", {"turns": demo(messages=13)["turns"][1:]}),
    ("alternate", demo(m3={"speaker": "counselor"}, m4={"speaker": "client"})),
    ("stages", demo(m12={"stage": "diagnostic"})),
    ("stages", {"turns": [line for line in demo(messages=16)["turns"] if line["stage"] != "diagnostic"]}),
    ("source", demo(m4={"text": "你的报告里写了这一点。"})),
    ("source", demo(m4={"text": "我看了之前的咨询笔记。"})),
    ("private", demo(m5={"text": "我的手机是13812345678。"})),
    ("private", demo(m5={"text": "写信给我吧，a.b@mail.com。"})),
    ("list", demo(m6={"text": "可以这样：1. 早睡；2. 运动。"})),
    ("language", demo(m6={"text": "Let us begin with your sleep."})),
]


@pytest.mark.parametrize(("rule", "faulty"), FAULTY)
async def test_a_dialogue_that_breaks_a_rule_is_asked_for_again_and_in_the_end_refused(
    rule: str, faulty: dict[str, Any]
) -> None:
    dialogue = await write("cpsycoun", case(), Scripted(memo=MEMO, demo=[faulty, demo()]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    with pytest.raises(AnswerRejected):
        await write("cpsycoun", case(), Scripted(memo=MEMO, demo=faulty))


@pytest.mark.parametrize(
    ("lang", "text"), [("en", "As your case notes say, you sleep badly."), ("en", "The report says so.")]
)
async def test_the_english_dialogue_does_not_mention_its_source_either(lang: Lang, text: str) -> None:
    faulty = demo(lang, m4={"text": text})
    dialogue = await write("cpsycoun", case(lang), Scripted(memo=MEMO, demo=[faulty, demo(lang)]))
    assert dialogue.quality.guards == {"script: source": 1}


async def test_a_report_that_is_the_clients_own_trouble_may_be_spoken_of() -> None:
    text = "明天要交的报告我一个字也没写。"
    dialogue = await write("cpsycoun", case(brief="男，怕写报告。"), Scripted(memo=MEMO, demo=demo(m3={"text": text})))
    assert dialogue.quality.rejected == 0


@pytest.mark.parametrize(
    "text", ["那是2008年的事。", "我今年 31 岁，10 点睡。", "It was in 1999, at 10 pm.", "三楼的邻居"]
)
def test_numbers_of_a_life_are_no_contact_data(text: str) -> None:
    assert nothing_private("zh")([Turn.client(text)]) is None


@pytest.mark.parametrize(("lang", "bound"), [("zh", 50), ("en", 35)])
async def test_at_least_80_percent_of_the_messages_are_short_and_the_share_is_reported(lang: Lang, bound: int) -> None:
    long = {"text": "长" * (bound + 1) if lang == "zh" else "long " * bound + "word"}
    just = {"text": "短" * bound if lang == "zh" else " ".join(["short"] * bound)}
    other = {"text": long["text"].replace("长", "久") if lang == "zh" else long["text"].replace("word", "day")}
    fine = demo(lang, 10, m2=long, m4=other, m6=just)
    dialogue = await write("cpsycoun", case(lang), Scripted(memo=MEMO, demo=fine))
    assert dialogue.quality.measures == {"short_messages": 0.8}
    assert dialogue.quality.rejected == 0
    model = Scripted(memo=MEMO, demo=demo(lang, 10, m2=long, m4=just, m6=other, m8={"text": long["text"] * 2}))
    dialogue = await write("cpsycoun", case(lang), model)
    assert dialogue.quality.measures == {"short_messages": 0.7}
    assert dialogue.quality.kept == {"script: short": 1}
    assert len(model.asked("demo")) == 3


async def test_counting_off_points_is_asked_to_be_mended_and_in_the_end_kept_and_counted() -> None:
    counted = demo(m6={"text": "首先早点睡，其次少喝咖啡，最后多走走。"})
    assert (await write("cpsycoun", case(), Scripted(memo=MEMO, demo=[counted, demo()]))).quality.kept == {}
    kept = await write("cpsycoun", case(), Scripted(memo=MEMO, demo=counted))
    assert kept.quality.kept == {"script: uncounted": 1}
    client = demo(m5={"text": "首先我睡不着，其次我怕。"})
    assert (await write("cpsycoun", case(), Scripted(memo=MEMO, demo=client))).quality.rejected == 0


async def test_the_papers_leniency_keeps_any_readable_dialogue_and_flags_it() -> None:
    model = Scripted(memo=MEMO, demo=demo(messages=9))
    dialogue = await write("cpsycoun", case(), model, options={"strict": "false"})
    assert len(dialogue.turns) == 9
    assert dialogue.quality.kept == {"script: too few": 1, "script: last": 1}
    assert len(model.calls) == 2


@pytest.mark.parametrize("lang", LANGS)
async def test_role_play_is_one_call_without_memo_and_stages(lang: Lang) -> None:
    model = Scripted(demo=demo(lang))
    dialogue = await write("cpsycoun", case(lang), model, options={"method": "role_play"})
    text = text_of(model.calls[0])
    assert len(model.calls) == 1
    assert all(word in text for word in REPORT.values())
    assert not any(term.name(lang) in text for term in STAGES.terms)
    assert dialogue.sessions[0].notes == {"method": "role_play"}
    assert not any(turn.labels for turn in dialogue.turns)


async def test_topic_and_school_are_one_call_more_over_the_closed_lists_at_temperature_0() -> None:
    assert (len(TOPICS), len(SCHOOLS), len(STAGES)) == (9, 7, 4)
    kind = {"topic": "Love&Marriage", "school": "认知行为疗法"}
    model = Scripted(memo=MEMO, demo=demo(), classify=kind)
    dialogue = await write("cpsycoun", case(), model, options={"classify": "true"})
    assert [label.id for label in dialogue.labels] == ["love_marriage", "cognitive_behavioral"]
    (call,) = model.asked("classify")
    assert call.decoding == {"temperature": 0.0}
    assert all(term.zh in text_of(call) for terms in (TOPICS, SCHOOLS) for term in terms.terms)


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("cpsycoun").cases(), Case)), ids=lambda s: s.id)
async def test_every_sample_case_is_rehearsed_without_a_fault(sample: Case) -> None:
    dialogue = await write("cpsycoun", sample, Rehearsal())
    assert dialogue.quality.rejected == 0
    assert {label.id for turn in dialogue.turns for label in turn.labels} == set(STAGES.ids)
    assert json.dumps(dialogue.sessions[0].notes["memo"])
