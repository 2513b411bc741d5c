"""Whose words a rehearsed client says: its own, never a record's."""

import asyncio
import re
from typing import Any

import pytest

from psyloom.llm import Cue
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import Actor, phrases
from psyloom.llm.rehearsal.third_person import mine_en, mine_zh
from psyloom.records import Case, Clinical, Dialogue, Intake, Lang, Report, Scenario, read_jsonl, sentences
from psyloom.runs import pair
from psyloom.systems import find_system
from tests.support import write

REPORT: dict[Lang, Report] = {
    "en": Report(
        title="A widower who talks to nobody", brief="A man of sixty-eight whose wife died in spring. He eats standing up.",
        process="Six sessions. In the third he described the morning and wept.", reflections="Waiting was the work.",
    ),
    "zh": Report(
        title="一名大二男生的考前失眠", brief="男，二十岁，大二。白天靠咖啡撑着，他总怕挂科。",
        process="共三次。第一次请他记录入睡时间。", reflections="来访者配合度高。",
    ),
}  # fmt: skip


def said(dialogue: Dialogue) -> str:
    return "\n".join(turn.text for turn in dialogue.turns if turn.speaker == "client")


def played(system: str, case: Case, lang: Lang | None = None, **options: Any) -> Dialogue:
    return asyncio.run(write(system, case, Rehearsal(), options=options, **({"lang": lang} if lang else {})))


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("method", ["memo2demo", "role_play"])
def test_a_report_is_told_in_the_first_person_and_without_what_its_counselor_did(lang: Lang, method: str) -> None:
    told = said(played("cpsycoun", Case(id="r", lang=lang, report=REPORT[lang]), method=method))
    assert ("我二十岁" if lang == "zh" else "I eat standing up") in told
    assert not re.search(
        r"[他她]|来访者|大二男生|[共第].次|\b(?:he|his|widower|sessions|wait\w*)\b", told, re.IGNORECASE
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_note_of_a_report_takes_each_part_from_the_part_of_the_report_it_is_about(lang: Lang) -> None:
    memo: Any = played("cpsycoun", Case(id="r", lang=lang, report=REPORT[lang])).sessions[0].notes["memo"]
    report, gap = REPORT[lang], "" if lang == "zh" else " "
    assert gap.join([memo["basic_information"], memo["psychological_problems"]]) == report.brief
    assert memo["plan"]["execution_plan"] == report.process
    assert memo["reflections"] == report.reflections


@pytest.mark.parametrize(
    ("record", "own"),
    [
        ("She sleeps four hours and has begun to call in sick.", "I sleep four hours and have begun to call in sick."),
        ("41-year-old nurse, married.", "I am 41, a nurse, married."),
        ("Low mood since the death of his wife.", "Low mood since the death of my wife."),
        ("his aunt took tablets for her nerves", "my aunt took tablets for her nerves"),
        ("Her mother says she is lazy.", None),
        ("The counselor let him wait.", None),
    ],
)
def test_an_english_record_is_turned_or_left_out(record: str, own: str | None) -> None:
    assert mine_en(record) == own


@pytest.mark.parametrize(
    ("record", "own"),
    [
        ("女，三十一岁，孩子七个月。", "我三十一岁，孩子七个月。"),
        ("丈夫不说话，她觉得自己像个外人。", "丈夫不说话，我觉得自己像个外人。"),
        ("患者男，26岁，程序员。", "我26岁，程序员。"),
        ("其他人都走了，她还在。", "其他人都走了，我还在。"),
        ("有个同事刚当爸爸，偶尔聊两句。", "有个同事刚当爸爸，偶尔聊两句。"),
        ("婆婆说她不会带孩子。", None),
        ("共三次。", None),
    ],
)
def test_a_chinese_record_is_turned_or_left_out(record: str, own: str | None) -> None:
    assert mine_zh(record) == own


@pytest.mark.parametrize(("lang", "area", "feeling"), [("zh", "就业", "怀旧"), ("en", "friends", "envy")])
def test_a_cell_of_a_grid_is_named_in_a_sentence_never_as_a_bare_label(lang: Lang, area: str, feeling: str) -> None:
    told = said(played("emollm", Case(id="c", lang=lang, scenario=Scenario(type=[area], emotion=feeling))))
    assert area in told
    assert feeling in told
    assert not {part.strip("。. ").lower() for part in sentences(told)} & {area, feeling}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("system", ["emollm", "mindchat", "cadss"])
def test_what_the_seed_draws_for_an_empty_case_is_what_its_client_speaks_of(system: str, lang: Lang) -> None:
    dialogue = played(system, Case(id="nothing given", lang=lang))
    assert dialogue.case
    assert dialogue.case.scenario
    assert dialogue.case.scenario.type[0].lower() in said(dialogue).lower()


@pytest.mark.parametrize(("lang", "other"), [("zh", "en"), ("en", "zh")])
@pytest.mark.parametrize(
    "system", ["cpsycoun", "emollm", "cadss", "mindchat", "soulchat", "psydt", "psyaug", "notechat"]
)
def test_a_case_in_the_other_language_gives_a_session_no_words_and_no_faults(
    system: str, lang: Lang, other: Lang
) -> None:
    case = next(case for case in read_jsonl(find_system(system).cases(), Case) if case.lang == other)
    for turn in played(system, case, lang).turns:
        assert bool(re.search(r"[\u4e00-\u9fff]", turn.text)) == (lang == "zh")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_denied_risk_is_told_when_asked_for_and_not_before(lang: Lang) -> None:
    words = ("我睡不好。", "没有自杀的念头。") if lang == "zh" else ("I sleep badly.", "I have no thoughts of suicide.")
    asked = "有没有想过自杀？" if lang == "zh" else "Have you thought of suicide?"
    for question, wanted in (("？" if lang == "zh" else "And?", words[0]), (asked, words[1])):
        cue = Cue("reply", "client", lang, "0/x/client/0", "client", words=words, turns=(("counselor", question),))
        assert wanted in (told := str(Actor(cue).answer()))
        assert (words[1] in told) == (wanted == words[1])


def test_two_fields_of_a_psychiatric_record_are_named_by_what_they_are() -> None:
    record = Clinical(
        complaint="睡不好三个多月", personal_history={"工作": "单子多，常常跑到夜里"}, mental_state={"情感": "低落"}
    )
    runs = pair("interactive_agents", "amie", {"max_exchanges": 8, "min_exchanges": 8})
    told = said(asyncio.run(write(runs, Case(id="r", lang="zh", clinical=record), Rehearsal())))
    assert "主要是睡不好三个多月。" in told
    assert "工作方面，单子多，常常跑到夜里。" in told
    assert "低落" not in told


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_client_of_whom_nothing_is_known_still_has_a_trouble_to_tell(lang: Lang) -> None:
    turns = (("counselor", "？"),)
    first = str(Actor(Cue("reply", "client", lang, "0/x/client/0", "client", turns=turns)).answer())
    assert any(trouble in first for trouble in phrases(lang)["client"]["trouble"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_script_asks_nothing_right_before_its_goodbyes(lang: Lang) -> None:
    problem = "我睡不好。" if lang == "zh" else "I sleep badly."
    for number in range(6):
        case = Case(id=f"{number}", lang=lang, intake=Intake(problem=problem), scenario=Scenario(type=[problem]))
        *_, before, client, counselor = played("emollm", case).turns
        assert not re.search("[?？]", before.text + client.text + counselor.text)
