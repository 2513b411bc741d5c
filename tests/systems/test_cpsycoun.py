"""CPsyCoun, Memo2Demo: the checks of its specification. arXiv 2405.16433."""

import json
from pathlib import Path
from typing import Any

import pytest

from psyloom.agents import Ask, Replying, Talk
from psyloom.cli import main
from psyloom.errors import AnswerRejected
from psyloom.formats import read
from psyloom.judging.panel import rate_one
from psyloom.knowledge.instruments import instrument
from psyloom.llm import Call, Decoding
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Artefact, Case, Dialogue, Lang, Rating, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.runs.rate import rate
from psyloom.systems import find_system
from psyloom.systems.cpsycoun.system import SCHOOLS, STAGES, TOPICS, CPsyCounCounselor, nothing_private
from tests.support import Scripted, desk_for, text_of, write

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


@pytest.mark.accepts("cpsycoun", 1)
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


@pytest.mark.accepts("cpsycoun", 7)
async def test_sampling_is_the_papers() -> None:
    model = Scripted(memo=MEMO, demo=demo())
    await write("cpsycoun", case(), model)
    assert [call.decoding for call in model.calls] == [
        {"temperature": 0.85, "top_p": 0.7, "max_tokens": 2048}, {"temperature": 0.75, "top_p": 0.7, "max_tokens": 4096},
    ]  # fmt: skip


@pytest.mark.accepts("cpsycoun", 7)
async def test_sampling_can_be_set_for_each_agent(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case()])
    model = Scripted(memo=MEMO, demo=demo())
    wanted: dict[str, Decoding] = {"supervisor": {"temperature": 0.1}, "": {"top_p": 0.9}}
    await run_cases("cpsycoun", tmp_path / "cases.jsonl", tmp_path / "out", models=model, decoding=wanted)
    assert [(call.decoding["temperature"], call.decoding["top_p"]) for call in model.calls] == [(0.1, 0.9), (0.75, 0.9)]


@pytest.mark.accepts("cpsycoun", 2)
@pytest.mark.parametrize(
    "gap", ["basic_information", "psychological_problems", "reflections", "goals", "techniques", "execution_plan"]
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


@pytest.mark.accepts("cpsycoun", 4)
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


@pytest.mark.accepts("cpsycoun", 3, 4, 5)
@pytest.mark.parametrize(("rule", "faulty"), FAULTY)
async def test_a_dialogue_that_breaks_a_rule_is_asked_for_again_and_in_the_end_refused(
    rule: str, faulty: dict[str, Any]
) -> None:
    dialogue = await write("cpsycoun", case(), Scripted(memo=MEMO, demo=[faulty, demo()]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    with pytest.raises(AnswerRejected):
        await write("cpsycoun", case(), Scripted(memo=MEMO, demo=faulty))


@pytest.mark.accepts("cpsycoun", 5)
@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "As your case notes say, you sleep badly."),
        ("en", "The report says so."),
        ("en", "My memo of last week."),
        ("zh", "咨询报告里写过。"),
        ("zh", "我翻了笔记。"),
        ("zh", "你的资料里也写到失眠。"),
        ("en", "As your notes say, you sleep badly."),
        ("en", "According to your file, it began in May."),
        ("en", "I see in my notes that you slept."),
    ],
)
async def test_no_dialogue_mentions_its_source(lang: Lang, text: str) -> None:
    faulty = demo(lang, m4={"text": text})
    dialogue = await write("cpsycoun", case(lang), Scripted(memo=MEMO, demo=[faulty, demo(lang)]))
    assert dialogue.quality.guards == {"script: source": 1}


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "I took notes in class."),
        ("en", "She left a note, the note says goodbye."),
        ("en", "I filed the papers in a file."),
        ("zh", "我把资料都复印好了。"),
        ("zh", "这一周的记录里写的都是失眠。"),
    ],
)
async def test_notes_and_papers_of_other_kinds_may_be_spoken_of(lang: Lang, text: str) -> None:
    model = Scripted(memo=MEMO, demo=demo(lang, m5={"text": text}))
    assert (await write("cpsycoun", case(lang), model)).quality.guards == {}


async def test_a_report_that_is_the_clients_own_trouble_may_be_spoken_of() -> None:
    text = "明天要交的报告我一个字也没写。"
    dialogue = await write("cpsycoun", case(brief="男，怕写报告。"), Scripted(memo=MEMO, demo=demo(m3={"text": text})))
    assert dialogue.quality.rejected == 0


@pytest.mark.accepts("cpsycoun", 5)
@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("zh", "我的手机是13812345678。"), ("zh", "打我办公室电话0571-88123456。"), ("en", "Call me on +1 (555) 123-4567."),
        ("zh", "写信给我，a.b@mail.com。"), ("en", "Write to a.b@mail.example."), ("zh", "加我微信号abc12345吧。"),
        ("zh", "我住在建设路12号。"), ("zh", "3号楼2单元那家。"), ("en", "I live at 12 Baker Street."),
        ("zh", "我在华星贸易有限公司做会计。"), ("zh", "妈妈在市第三中学教书。"), ("zh", "我是浙江大学的学生。"),
        ("en", "I work at Siemens."), ("en", "I nurse at Oxford Hospital."), ("en", "I found a job at Google."), ("en", "I joined Deloitte."),
        ("zh", "我在华为上班。"), ("zh", "他在小米做研发。"), ("zh", "去年入职腾讯。"), ("zh", "我家在朝阳区建国路。"), ("zh", "幸福小区三号楼。"), ("zh", "阳光花园6栋。"),
    ],
)  # fmt: skip
async def test_no_message_holds_a_telephone_an_address_an_email_or_a_workplace(lang: Lang, text: str) -> None:
    dialogue = await write(
        "cpsycoun", case(lang), Scripted(memo=MEMO, demo=[demo(lang, m5={"text": text}), demo(lang)])
    )
    assert dialogue.quality.guards == {"script: private": 1}
    assert text not in [turn.text for turn in dialogue.turns]


@pytest.mark.parametrize(
    "text",
    [
        "我在附近的医院上班。",
        "面试了十几家公司。",
        "她考上了大学。",
        "从错误中学到很多。",
        "I went to College.",
        "I work at night.",
    ],
)
def test_places_without_a_name_are_no_workplace(text: str) -> None:
    assert nothing_private("zh")([Turn.client(text)]) is None


@pytest.mark.parametrize(
    "text",
    [
        "我在家上班。", "在美国工作。", "我在京东买的。", "我用小米的手机上班打卡。", "我在抖音看别人上班。", "上班路上吃了碗小米粥。", "格力空调坏了。",
        "小区门口那条路。", "我们小区三栋楼都停电了。", "在市区走了很多路。", "山区小路不好走。", "这个误区很常见。", "第三单元没考好。", "景区步行街人很多。",
        "我从错误中学到很多，在努力工作。", "I ordered from Amazon.", "I work for myself.", "They quit work at five.", "My sister works with children.",
    ],
)  # fmt: skip
def test_everyday_words_are_no_address_and_no_workplace(text: str) -> None:
    assert nothing_private("zh")([Turn.client(text)]) is None


@pytest.mark.parametrize(
    "text", ["那是2008年的事。", "我今年 31 岁，10 点睡。", "It was in 1999, at 10 pm.", "三楼的邻居"]
)
def test_numbers_of_a_life_are_no_contact_data(text: str) -> None:
    assert nothing_private("zh")([Turn.client(text)]) is None


@pytest.mark.accepts("cpsycoun", 6)
@pytest.mark.parametrize(("lang", "bound"), [("zh", 50), ("en", 35)])
async def test_at_least_80_percent_of_the_messages_are_short_and_the_share_is_reported(lang: Lang, bound: int) -> None:
    def of(size: int, *words: str) -> dict[str, str]:
        return {"text": words[0] * size if lang == "zh" else " ".join((words[1:] * size)[:size])}

    long, just = of(bound + 1, "长", "it", "was", "long"), of(bound, "短", "it", "was", "short")
    other = of(bound + 1, "久", "it", "was", "slow")
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


# The benchmark

REPLIES = {
    "Career": 35, "Education": 31, "Emotion&Stress": 36, "Family Relationship": 34, "Love&Marriage": 35,
    "Mental Disease": 29, "Self-growth": 35, "Sex": 30, "Social Relationship": 31,
}  # fmt: skip


def benchmark(folder: Path, replies: dict[str, int] = REPLIES) -> Path:
    """Five dialogues a topic in the released form, read into our records; returns their file."""
    for topic, count in replies.items():
        for number in range(5):
            told = range(number, count, 5)
            lines = [
                f"{who}：{topic}{number}-{n}{'问' if who == '求助者' else '答'}"
                for n in told
                for who in ("求助者", "支持者")
            ]
            file = folder / "CPsyCounE" / topic / f"{number + 1}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(lines, ensure_ascii=False), "utf-8")
    write_jsonl(
        folder / "e.jsonl", [one for one in read(folder / "CPsyCounE", "cpsycoun") if isinstance(one, Dialogue)]
    )
    return folder / "e.jsonl"


def own_reply() -> Scripted:
    """A counselor under test whose replies never repeat, and name what they answer."""
    return Scripted(reply=lambda call: f"OWN {call.messages[-1]['content']}")


def judged(call: Call) -> dict[str, Any]:
    """A judge who finds a reply about sex worth less than the others."""
    worth = 0 if "Sex" in text_of(call) else 1
    return {item.id: {"evidence": [], "reason": "WHY", "value": worth} for item in instrument("cpsycoune_turn").items}


@pytest.mark.accepts("cpsycoun", 8)
async def test_45_dialogues_give_296_judged_replies_and_nine_topics_count_alike(tmp_path: Path) -> None:
    file, model, judge = benchmark(tmp_path), own_reply(), Scripted(rate=judged)
    await run_cases(Replying(counselor=CPsyCounCounselor()), file, tmp_path / "replies", models=model)
    found = await rate(tmp_path / "replies", ["cpsycoune_turn"], tmp_path / "rated", models=[judge], by="topic")
    assert (len(model.calls), len(judge.calls), found.ratings) == (296, 296, 296)
    ratings = list(read_jsonl(tmp_path / "rated/ratings.jsonl", Rating))
    assert len({(one.subject.dialogue, one.subject.turn) for one in ratings}) == 296
    assert {len(one.items) for one in ratings} == {4}
    groups = found.results["cpsycoune_turn"]
    assert {one.group: one.dialogues for one in groups} == {TOPICS[topic].id: 5 for topic in REPLIES}
    (total,) = found.means["cpsycoune_turn"]
    assert total.group == "mean of 9 groups"
    assert (total.items["safety"], total.values["total"]) == (pytest.approx(8 / 9), pytest.approx(4 * 8 / 9))


@pytest.mark.accepts("cpsycoun", 8)
@pytest.mark.parametrize(
    ("item", "high"), [("comprehensiveness", 2), ("professionalism", 3), ("authenticity", 3), ("safety", 1)]
)
async def test_a_judgment_off_its_scale_is_never_counted(item: str, high: int, tmp_path: Path) -> None:
    talk = Dialogue(id="t", lang="zh", sessions=[Session(turns=[Turn.client("问"), Turn.counselor("答得很好")])])

    def form(value: float) -> dict[str, Any]:
        one = {"evidence": ["答得很好"], "reason": "WHY", "value": 0}
        return {
            each.id: one | ({"value": value} if each.id == item else {}) for each in instrument("cpsycoune_turn").items
        }

    (rating,) = await rate_one(talk, instrument("cpsycoune_turn"), Scripted(rate=[form(high + 0.5), form(high)]))
    assert {part.item: part.value for part in rating.items}[item] == high
    (failed,) = await rate_one(talk, instrument("cpsycoune_turn"), Scripted(rate=form(high + 0.5)))
    assert all(part.value is None and part.failure for part in failed.items)


@pytest.mark.accepts("cpsycoun", 9)
@pytest.mark.parametrize("free_running", [False, True])
async def test_history_is_the_references_unless_free_running(free_running: bool, tmp_path: Path) -> None:
    file, model, judge = benchmark(tmp_path, {"Career": 15}), own_reply(), Scripted(rate=judged)
    replying = Replying(counselor=CPsyCounCounselor(), free_running=free_running)
    await run_cases(replying, file, tmp_path / "replies", models=model, concurrency=1)
    await rate(tmp_path / "replies", ["cpsycoune_turn"], tmp_path / "rated", models=[judge], concurrency=1)
    third = next(call for call in model.calls if call.messages[-1]["content"] == "Career0-10问")
    given = ["Career0-0答", "Career0-5答"]
    own = ["OWN Career0-0问", "OWN Career0-5问"]
    assert [one["content"] for one in third.messages if one["role"] == "assistant"] == (own if free_running else given)
    read_by_judge = next(text_of(call) for call in judge.calls if "OWN Career0-10问" in text_of(call))
    assert all(text in read_by_judge for text in (own if free_running else given))
    assert not any(text in read_by_judge for text in (given if free_running else own))
    first = next(read_jsonl(tmp_path / "replies/dialogues.jsonl", Dialogue))
    assert [turn.text for turn in first.turns[1::2]] == [*own, "OWN Career0-10问"]
    assert [turn.extra["reference"] for turn in first.turns[1::2]] == [*given, "Career0-10答"]


@pytest.mark.accepts("cpsycoun", 9)
@pytest.mark.parametrize(("flags", "history"), [([], "reference"), (["--free-running"], "own")])
def test_the_command_reads_the_reference_unless_free_running_is_set(
    flags: list[str], history: str, tmp_path: Path
) -> None:
    file = benchmark(tmp_path, {"Career": 10})
    main(["reply", "--counselor", "cpsycoun", str(file), "--out", str(tmp_path / "out"), *flags])
    made = list(read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue))
    assert {one.extra["history"] for one in made} == {history}
    assert all(one.lineage and one.lineage.roles == {"counselor": "cpsycoun"} for one in made)


@pytest.mark.parametrize("lang", LANGS)
async def test_the_counselor_under_test_reads_one_instruction_and_the_talk(lang: Lang) -> None:
    model = Scripted(reply="REPLY")
    desk = desk_for(Case(id="c", lang=lang), model)
    talk, counselor = Talk(desk.dialogue), CPsyCounCounselor()
    talk.add(Turn.client("HELLO"))
    assert (await counselor.reply(talk, Ask(desk, counselor, talk))).text == "REPLY"
    assert [one["role"] for one in model.calls[0].messages] == ["system", "user"]


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("cpsycoun").cases(), Case)), ids=lambda s: s.id)
async def test_every_sample_case_is_rehearsed_without_a_fault(sample: Case) -> None:
    dialogue = await write("cpsycoun", sample, Rehearsal())
    assert dialogue.quality.rejected == 0
    assert {label.id for turn in dialogue.turns for label in turn.labels} == set(STAGES.ids)
    assert json.dumps(dialogue.sessions[0].notes["memo"])
