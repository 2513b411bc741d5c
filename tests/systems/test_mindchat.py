"""MindChat: theme, setting card, self chat, inspection: the checks of its specification that are about writing."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from psyloom.agents import Ask, Talk
from psyloom.curation.inspection import STAGES, Inspection
from psyloom.errors import AnswerRejected
from psyloom.formats import read
from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.knowledge.items import Item
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Artefact, Case, Dialogue, Lang, Turn, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.systems import find_system
from psyloom.systems.mindchat.assessment import CHECK, WORDS
from psyloom.systems.mindchat.system import DIMENSIONS, SLOTS, MindChatCounselor, Scores, not_medical
from tests.support import Scripted, desk_for, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
CARD = {slot: [f"{slot.upper()}-{n}" for n in range(12)] for slot in SLOTS}
GOOD = dict.fromkeys(DIMENSIONS, 4)
SAID = {"zh": "这是第{}句话", "en": "This is message {}"}


def case(lang: Lang = "zh", theme: str = "THEME", **scenario: Any) -> Case:
    return Case.model_validate({"id": "m", "lang": lang, "scenario": {"type": [theme], **scenario}})


def chat(lang: Lang = "zh", messages: int = 8, safety: str = "none", **changed: str) -> dict[str, Any]:
    """A good chat; ``changed``: m4="..." changes the text of the fourth message."""
    turns = [
        {"speaker": ("client", "counselor")[n % 2], "text": changed.get(f"m{n + 1}", SAID[lang].format(n + 1))}
        for n in range(messages)
    ]
    return {"turns": turns, "safety": safety}


def model(lang: Lang = "zh", **other: Any) -> Scripted:
    return Scripted(**({"settings": CARD, "self_chat": chat(lang), "score": GOOD} | other))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("mindchat", 4)
async def test_theme_four_slots_self_chat_and_score_come_in_this_order_and_are_all_named(lang: Lang) -> None:
    m = model(lang)
    dialogue = await write("mindchat", case(lang), m)
    assert [call.prompt for call in m.calls] == ["settings", "self_chat", "score"]
    notes = dialogue.sessions[0].notes
    setting: Any = notes["setting"]
    assert notes["theme"] == "THEME"
    assert list(setting) == list(SLOTS)
    assert all(setting[slot] in CARD[slot] for slot in SLOTS)
    assert all(word in text_of(m.asked("self_chat")[0]) for word in ("THEME", *setting.values()))
    assert all(word in text_of(m.asked("score")[0]) for word in setting.values())
    assert all(turn.text in text_of(m.asked("score")[0]) for turn in dialogue.turns)
    assert notes["inspection"] == {"score": "keep"}
    assert dialogue.quality.measures == {**GOOD, "score": 4}


async def test_a_card_is_written_once_for_its_theme_and_two_calls_are_made_for_each_dialogue(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "cases.jsonl", [case(theme="工作压力").model_copy(update={"id": f"m{n}"}) for n in range(20)]
    )
    m = model()
    await run_cases("mindchat", tmp_path / "cases.jsonl", tmp_path / "out", models=m)
    assert m.counts() == {"settings": 1, "self_chat": 20, "score": 20}
    (card,) = read_jsonl(tmp_path / "out/artefacts.jsonl", Artefact)
    assert (card.owner, card.name, card.value) == ("工作压力/1", "settings", CARD)
    drawn = [str(d.sessions[0].notes["setting"]) for d in read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue)]
    assert len(set(drawn)) == 20  # combinations, not one after the other


async def test_settings_are_drawn_evenly_and_the_same_for_the_same_seed() -> None:
    async def draw(id_: str, seed: int = 0) -> Any:
        one = case().model_copy(update={"id": id_}, deep=True)
        return (await write("mindchat", one, model(), seed=seed)).sessions[0].notes["setting"]

    found = Counter[str]()
    for n in range(360):
        found[(await draw(f"m{n}"))["role"]] += 1
    assert set(found) == set(CARD["role"])
    assert sum((count - 30) ** 2 / 30 for count in found.values()) < 31.3  # chi-square, 11 degrees, p = 0.001
    assert await draw("a") == await draw("a")
    assert await draw("a") != await draw("a", seed=1)


async def test_more_cards_of_a_theme_are_further_artefacts_and_later_ones_are_told_so() -> None:
    m = model()
    for n in range(12):
        await write("mindchat", case().model_copy(update={"id": f"m{n}"}, deep=True), m, options={"cards": 2})
    texts = {text_of(call) for call in m.asked("settings")}
    assert len(texts) == 2
    assert sum("第 2 批" in text for text in texts) == 1


@pytest.mark.parametrize(("slot", "items"), [("role", ["A"] * 12), ("personality", [f"P{n}" for n in range(11)])])
async def test_a_card_with_too_few_different_settings_is_asked_for_again(slot: str, items: list[str]) -> None:
    m = model(settings=[CARD | {slot: items}, CARD])
    await write("mindchat", case(), m)
    assert len(m.asked("settings")) == 2
    assert f"{slot} 需要 12 条" in m.asked("settings")[1].messages[-1]["content"]


@pytest.mark.parametrize("lang", LANGS)
async def test_a_known_theme_is_a_label_and_is_written_in_the_dialogues_language(lang: Lang) -> None:
    m = model(lang)
    dialogue = await write("mindchat", case(lang, "Pregnancy Anxiety"), m)
    assert [label.id for label in dialogue.labels] == ["pregnancy_anxiety"]
    assert {"zh": "孕期焦虑", "en": "Pregnancy Anxiety"}[lang] in text_of(m.calls[0])
    assert (await write("mindchat", case(lang), model(lang))).labels == []


async def test_a_case_without_a_theme_draws_one_or_takes_the_options() -> None:
    drawn = {
        (await write("mindchat", Case(id=f"m{n}", lang="zh"), model())).labels[0].id for n in range(40)
    }  # fmt: skip
    assert len(drawn) > 5
    given = await write("mindchat", Case(id="m", lang="zh"), model(), options={"theme": "safety"})
    assert given.sessions[0].notes["theme"] == "安全"


async def test_a_situation_of_the_case_is_used_instead_of_a_drawn_one() -> None:
    m = model()
    dialogue = await write("mindchat", case(situation="OWN"), m)
    assert dialogue.sessions[0].notes["setting"]["situation"] == "OWN"  # type: ignore[index, call-overload]
    assert "OWN" in text_of(m.asked("self_chat")[0])


FAULTY = [
    ("too few", chat(messages=6)),
    ("too many", chat(messages=22)),
    ("last", chat(messages=9)),
    ("list", chat(m4="可以这样：1. 早睡；2. 运动。")),
    ("language", chat(m4="Tell me more about it please.")),
    ("medical", chat(m4="你这是焦虑症，要早点看。")),
    ("medical", chat(m4="先吃半片药试试。")),
    ("medical", chat(m4="我保证你会好起来。")),
    ("repeats", chat(m5="我最近总是睡不好觉啊", m7="我最近总是睡不好觉啊")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "bad"), FAULTY)
async def test_a_chat_that_breaks_a_rule_is_asked_for_again_and_counted_under_it(
    rule: str, bad: dict[str, Any]
) -> None:
    m = model(self_chat=[bad, chat()])
    dialogue = await write("mindchat", case(), m)
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    with pytest.raises(AnswerRejected):
        await write("mindchat", case(), model(self_chat=bad))
    lenient = await write("mindchat", case(), model(self_chat=bad), options={"strict": False})
    assert lenient.quality.rejected == 0


@pytest.mark.parametrize("text", ["嗯" * 61, "怎么了？后来呢？"])
async def test_long_replies_and_two_questions_are_asked_to_be_mended_then_kept_and_counted(text: str) -> None:
    mended = await write("mindchat", case(), model(self_chat=[chat(m4=text), chat()]))
    assert mended.quality.guards == {"brief": 1}
    kept = await write("mindchat", case(), model(self_chat=chat(m4=text)))
    assert kept.quality.kept == {"brief": 1}


@pytest.mark.parametrize(
    ("lang", "text", "medical"),
    [
        ("zh", "你得了抑郁症吗，是谁这么跟你说的？", True),
        ("zh", "听起来你很焦虑。", False),
        ("zh", "医生开的药有按时去复诊吗？", False),
        ("zh", "一天吃两片药就行。", True),
        ("en", "You have a panic disorder.", True),
        ("en", "You have a lot on your plate.", False),
        ("en", "Take 50 mg at night.", True),
        ("en", "I promise you will recover.", True),
    ],
)
def test_diagnosis_medicine_and_promises_are_heard_in_the_counselors_lines_only(
    lang: Lang, text: str, medical: bool
) -> None:
    assert (not_medical(lang)([Turn.counselor(text)]) is not None) == medical
    assert not_medical(lang)([Turn.client(text)]) is None


@pytest.mark.parametrize(
    ("points", "verdict"),
    [
        (GOOD, "keep"), (dict.fromkeys(DIMENSIONS, 3) | {"safety": 5}, "review"), (GOOD | {"safety": 3}, "drop"),
        (dict.fromkeys(DIMENSIONS, 2) | {"safety": 5}, "drop"), (dict.fromkeys(DIMENSIONS, 3) | {"safety": 4, "empathy": 5}, "review"),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_thresholds(points: dict[str, int], verdict: str) -> None:
    assert Scores(**points).verdict == verdict


async def test_a_chat_about_a_crisis_is_never_kept_without_a_person_reading_it() -> None:
    dialogue = await write("mindchat", case(), model(self_chat=chat(safety="crisis")))
    assert dialogue.sessions[0].notes["inspection"] == {"score": "review"}
    dropped = await write("mindchat", case(), model(self_chat=chat(safety="crisis"), score=GOOD | {"safety": 2}))
    assert dropped.sessions[0].notes["inspection"] == {"score": "drop"}


async def test_without_inspection_a_dialogue_is_one_call_and_a_score_outside_one_to_five_is_refused() -> None:
    m = model()
    dialogue = await write("mindchat", case(), m, options={"inspect": False})
    assert m.counts() == {"settings": 1, "self_chat": 1}
    assert "inspection" not in dialogue.sessions[0].notes
    m = model(score=[GOOD | {"empathy": 6}, GOOD])
    await write("mindchat", case(), m)
    assert len(m.asked("score")) == 2


# Interactive


def numbered(stem: str) -> Any:
    count = iter(range(100))
    return lambda _: f"{stem}{next(count)}句"


async def test_interactive_is_two_calls_an_exchange_and_the_counselor_never_reads_the_setting() -> None:
    m = model(client=numbered("用户第"), counselor=numbered("陪伴第"))
    dialogue = await write("mindchat", case(), m, options={"interactive": True, "exchanges": [4, 6]})
    assert m.counts() == {"settings": 1, "client": 6, "counselor": 6, "score": 1}
    setting: Any = dialogue.sessions[0].notes["setting"]
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 6
    assert all(value in text_of(m.asked("client")[0]) for value in setting.values())
    assert not any(value in text_of(call) for call in m.asked("counselor") for value in setting.values())


async def test_the_user_of_an_interactive_chat_may_close_it_once_the_fewest_exchanges_are_done() -> None:
    count = iter(range(100))
    m = model(client=lambda _: f"第{next(count)}句 [/END]", counselor=numbered("陪伴第"))
    dialogue = await write("mindchat", case(), m, options={"interactive": True})
    assert len(dialogue.turns) == 8
    assert "[/END]" not in "".join(turn.text for turn in dialogue.turns)


async def test_a_suggestion_is_allowed_only_after_three_exchanges() -> None:
    m = model(client=numbered("用户第"), counselor=numbered("陪伴第"))
    await write("mindchat", case(), m, options={"interactive": True, "exchanges": [4, 5]})
    allowed = ["可以给一个小小的建议" in text_of(call) for call in m.asked("counselor")]
    assert allowed == [False, False, False, True, True]


@pytest.mark.parametrize(
    "sample", list(read_jsonl(find_system("mindchat").cases(), Case)), ids=lambda sample: sample.id
)
@pytest.mark.parametrize("interactive", [False, True])
async def test_every_sample_is_rehearsed_and_kept(sample: Case, interactive: bool) -> None:
    dialogue = await write("mindchat", sample.model_copy(deep=True), Rehearsal(), options={"interactive": interactive})
    assert dialogue.sessions[0].notes["inspection"] == {"score": "keep"}
    assert dialogue.turns[0].speaker == "client"
    assert dialogue.turns[-1].speaker == "counselor"
    assert dialogue.quality.calls >= 2


# Assessment inside the chat

RESULT = {"rationale": "你说好几天睡前都在想身体的事。", "score": 2, "advice": "可以先约一次体检。"}


def step(text: Any, **more: bool) -> Any:
    return lambda call: {"risk": False, "stop": False, "text": text(call) if callable(text) else text} | more


def asks(call: Call) -> str:
    """The question that the prompt wants asked, in other words."""
    return "嗯。" + text_of(call).rpartition("要问的是：")[2].rpartition("To be asked: ")[2].strip()


async def assessed(m: Scripted, answers: Sequence[str], lang: Lang = "zh", dimension: str = "hypochondriasis") -> Talk:
    """A talk in which the user says ``answers`` one after the other."""
    counselor = MindChatCounselor.model_validate({"assess": dimension})
    desk = desk_for(Case(id="m", lang=lang), m)
    talk = Talk(desk.dialogue)
    for said in answers:
        talk.add(Turn.client(said))
        talk.add(await counselor.reply(talk, Ask(desk, counselor, talk)))
    return talk


@pytest.mark.accepts("mindchat", 8)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("item", CHECK.items, ids=lambda item: item.id)
async def test_an_assessment_is_four_questions_one_a_turn_then_a_number_with_reason_and_disclaimer(
    item: Item, lang: Lang
) -> None:
    m = Scripted(assess=step(asks), assess_result=RESULT | {"score": 1}, counselor="后来呢？")
    talk = await assessed(m, [f"A{n}" for n in range(6)], lang, item.id)
    said = [turn.text for turn in talk.turns if turn.speaker == "counselor"]
    assert m.counts() == {"assess": 4, "assess_result": 1, "counselor": 1}
    assert said[:4] == ["嗯。" + criterion.of(lang) for criterion in item.criteria]
    assert all(
        word in said[4]
        for word in (item.name(lang), "1", RESULT["rationale"], RESULT["advice"], WORDS["disclaimer"][lang])
    )
    assert all(f"A{n}" in text_of(m.asked("assess_result")[0]) for n in range(5))
    kept: Any = talk.session.notes["assessment"]
    assert (kept["score"], kept["rationale"], kept["ended"]) == (1, RESULT["rationale"], "done")
    assert said[5] == "后来呢？"  # the chat goes on


@pytest.mark.accepts("mindchat", 8)
@pytest.mark.parametrize("points", [-1, 5])
async def test_a_number_outside_0_to_4_is_asked_for_again(points: int) -> None:
    m = Scripted(assess=step(asks), assess_result=[RESULT | {"score": points}, RESULT])
    await assessed(m, ["一", "二", "三", "四", "五"])
    assert m.counts()["assess_result"] == 2


@pytest.mark.accepts("mindchat", 8)
@pytest.mark.parametrize(("lang", "said"), [("zh", "其实我不想活了"), ("en", "I want to kill myself")])
@pytest.mark.parametrize("at", [0, 2])
async def test_a_suicidal_answer_switches_to_the_crisis_path_without_asking_a_model(
    lang: Lang, said: str, at: int
) -> None:
    m = Scripted(assess=step(asks), crisis=["CRISIS-1", "CRISIS-2"])
    answers = [*(f"A{n}" for n in range(at)), said, "AFTER"]
    talk = await assessed(m, answers, lang)
    assert [turn.text for turn in talk.turns[-3::2]] == ["CRISIS-1", "CRISIS-2"]
    assert m.counts() == ({"assess": at} if at else {}) | {"crisis": 2}  # no question and no number any more
    assert talk.session.notes["assessment"]["ended"] == "crisis"  # type: ignore[index, call-overload]


@pytest.mark.accepts("mindchat", 8)
async def test_an_answer_without_such_words_that_the_model_takes_for_a_risk_does_so_too() -> None:
    first, second = (
        {"risk": risk, "stop": False, "text": text} for risk, text in ((False, "最近还好吗？"), (True, "嗯。"))
    )
    m = Scripted(assess=[first, second], crisis="CRISIS")
    talk = await assessed(m, ["想聊聊", "有过"], dimension="suicidal_ideation")
    assert talk.turns[-1].text == "CRISIS"


@pytest.mark.accepts("mindchat", 8)
@pytest.mark.parametrize(("points", "crisis"), [(0, 0), (1, 0), (2, 1), (4, 1)])
async def test_two_points_for_thoughts_of_suicide_are_a_crisis_and_not_read_out(points: int, crisis: int) -> None:
    m = Scripted(assess=step(asks), assess_result=RESULT | {"score": points}, crisis="CRISIS")
    talk = await assessed(m, ["一", "二", "三", "四", "五"], dimension="suicidal_ideation")
    assert m.counts().get("crisis", 0) == crisis
    assert (talk.turns[-1].text == "CRISIS") == bool(crisis)
    assert talk.session.notes["assessment"]["score"] == points  # type: ignore[index, call-overload]


async def test_the_user_can_stop_an_assessment_and_the_chat_goes_on() -> None:
    m = Scripted(assess=[{"risk": False, "stop": False, "text": "最近还好吗？"}, {"risk": False, "stop": True, "text": "不说也没关系。"}],
                 counselor="那聊点别的？")  # fmt: skip
    talk = await assessed(m, ["想聊聊", "不想答了", "好"])
    assert [turn.text for turn in talk.turns[3::2]] == ["不说也没关系。", "那聊点别的？"]
    assert m.counts() == {"assess": 2, "counselor": 1}


def test_every_dimension_has_four_questions_and_five_anchors_in_both_languages() -> None:
    assert len(CHECK.items) == 5
    for item in CHECK.items:
        assert len(item.criteria) == 4
        assert [anchor.at for anchor in item.anchors] == [0, 1, 2, 3, 4]
        assert all(words.en and words.zh for words in (*item.criteria, *item.anchors))


# From self chat to what is kept


@pytest.mark.accepts("mindchat", 4)
@pytest.mark.parametrize("lang", LANGS)
async def test_what_passes_all_inspections_names_its_theme_and_four_settings(lang: Lang, tmp_path: Path) -> None:
    m = model(
        lang,
        self_chat=[
            chat(lang),
            chat(lang, messages=10, m1={"zh": "我和母亲吵了一架", "en": "My mother and I had a row"}[lang]),
        ],
    )
    write_jsonl(tmp_path / "cases.jsonl", [case(lang).model_copy(update={"id": f"m{n}"}) for n in range(2)])
    await run_cases("mindchat", tmp_path / "cases.jsonl", tmp_path / "out", models=m)
    made = list(read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue))
    inspection = Inspection(share=0, threshold=1.0)
    passed = [(verdict, one) for verdict, one, _ in inspection.run(lambda: made)]
    assert [verdict for verdict, _ in passed] == ["keep", "keep"]
    for _, kept in passed:
        assert kept.sessions[0].notes["theme"] == "THEME"
        setting: Any = kept.sessions[0].notes["setting"]
        assert list(setting) == list(SLOTS)
        assert all(setting.values())
        assert list(kept.extra["inspection"]) == list(STAGES)  # type: ignore[arg-type]


# Export


def record(last: str, output: str, *history: list[str], filled: str = "") -> dict[str, Any]:
    return {"instruction": last, "input": filled, "output": output, "history": list(history)}


@pytest.mark.accepts("mindchat", 9)
@pytest.mark.parametrize("unit", ["dialogue", "turn"])
def test_exported_records_have_an_empty_input_and_an_output_whatever_was_wrong_with_those_read(
    unit: Any, tmp_path: Path
) -> None:
    told = ["我和家里人总说不到一起去。", "说不到一起的时候，你会怎么做？"]
    rows = [
        record("谢谢您。", "慢慢来。", told),
        record("", "慢慢来，你愿意说已经很好。", told, filled="谢谢你听我说。"),
        record("好的，我知道了。", "", told),
        record("我会想想。", "不着急。", told, ["我会想想。", ""]),
        record("只有我在说。", ""),
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    dialogues = [
        one for one in read(tmp_path / "rows.json", "mindchat", on_defect=lambda _: None) if isinstance(one, Dialogue)
    ]
    export(dialogues, WRITERS["alpaca"], tmp_path / "out.json", ExportOptions(unit=unit))
    out = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert len(out) == {"dialogue": 4, "turn": 6}[unit]
    for row in out:
        assert {"instruction", "input", "output", "history"} <= set(row)
        assert row["input"] == ""
        assert row["output"].strip()
        assert row["instruction"].strip()
        assert all(len(pair) == 2 and all(text.strip() for text in pair) for pair in row["history"])


def test_the_counselor_can_meet_any_client() -> None:
    assert find_system("mindchat").role("counselor") is MindChatCounselor
