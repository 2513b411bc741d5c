"""NoteChat: the checks of its specification. arXiv 2310.15959."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import AnswerRejected, UsageError
from psyloom.formats import read
from psyloom.knowledge.lexicon import Concept, lexicon
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Lang, Turn, read_jsonl, write_jsonl
from psyloom.runs import pair, writer_for
from psyloom.systems import find_system
from psyloom.systems.notechat.concepts import RANK, coverage, in_order, in_pairs, standing_alone, stated_too_early
from psyloom.systems.notechat.talkers import FAREWELLS, GREETINGS, HISTORY
from tests.runs.workshop import psyloom
from tests.support import Scripted, numbered, text_of, write

LEX = lexicon("mental_health_note")
NOTE: dict[Lang, str] = {
    "en": "Low mood and early waking. Denies suicidal thoughts. Asthma. PHQ-9 18. Diagnosis: depressive episode. Sertraline 50 mg, CBT, review in two weeks.",
    "zh": "情绪低落，早醒。否认自杀念头。哮喘。PHQ-9评分18分。诊断：抑郁发作。舍曲林50毫克，认知行为治疗，两周后复诊。",
}  # fmt: skip
WORDS: dict[Lang, list[str]] = {
    "en": ["Low mood", "early waking", "suicidal thoughts", "Asthma", "PHQ-9 18", "depressive episode", "Sertraline", "50 mg", "CBT", "review in two weeks"],
    "zh": ["情绪低落", "早醒", "自杀念头", "哮喘", "PHQ-9评分18分", "抑郁发作", "舍曲林", "50毫克", "认知行为治疗", "两周后复诊"],
}  # fmt: skip


def note(lang: Lang = "en") -> Case:
    return Case.model_validate({"id": "n", "lang": lang, "note": {"text": NOTE[lang]}})


def said(stem: str) -> Any:
    say = numbered(stem)
    return lambda call: {"utterance": say(call)}


def draft(*texts: str) -> dict[str, Any]:
    return {
        "turns": [
            {"speaker": "client" if n % 2 else "counselor", "text": text} for n, text in enumerate((*texts, "ok"))
        ]
    }


def polished(*texts: str) -> dict[str, Any]:
    doses = [text[:1].isdigit() for text in texts]  # the doctor's to say
    lines = [
        {"speaker": "client" if n % 2 and not doses[n] else "counselor", "text": text} for n, text in enumerate(texts)
    ]
    return {"lines": lines or [{"speaker": "counselor", "text": "a"}, {"speaker": "client", "text": "b"}]}


def model(lang: Lang = "en", **more: Any) -> Scripted:
    given_: dict[str, Any] = {
        "complaint": said("trouble"), "history": said("past"), "patient": said("answer"), "physician": said("question"),
        "draft": draft(*WORDS[lang]), "covered": {"covered": False}, "polish": polished(*WORDS[lang]),
    }  # fmt: skip
    return Scripted(**given_ | more)


async def chat(with_: Scripted, lang: Lang = "en", **options: Any) -> Dialogue:
    return await write("notechat", note(lang), with_, options={k: str(v) for k, v in options.items()})


def targets(dialogue: Dialogue) -> list[list[str]]:
    played = dialogue.sessions[0].notes["roleplay"]
    return [turn["targets"] for turn in played if turn["targets"]]  # type: ignore[union-attr,index,call-overload]


# Planning


@pytest.mark.accepts("notechat", 1)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_first_two_lines_come_from_the_pools_and_the_first_answer_is_about_the_complaint(lang: Lang) -> None:
    asked = model(lang)
    dialogue = await chat(asked, lang, polish="false")
    turns = dialogue.turns
    assert turns[0].text in GREETINGS[lang]
    assert turns[2].text in HISTORY[lang]
    assert turns[-1].text in FAREWELLS[lang]
    assert [call.prompt for call in asked.calls[:2]] == ["complaint", "history"]
    assert turns[3].extra["directions"]


@pytest.mark.accepts("notechat", 1)
async def test_a_first_answer_with_history_in_it_is_asked_for_again() -> None:
    tells = [{"utterance": "I sleep badly and I take sertraline."}, {"utterance": "I sleep badly these days."}]
    dialogue = await chat(model(complaint=tells), polish="false")
    assert dialogue.turns[1].text == "I sleep badly these days."
    assert dialogue.quality.guards == {"patients_part": 1}


@pytest.mark.accepts("notechat", 1)
@pytest.mark.parametrize(
    ("lang", "slip", "left"),
    [("en", "I sleep badly. I take sertraline. It wears me out.", "I sleep badly. It wears me out."),
     ("zh", "我睡不好。我在吃舍曲林。白天没劲。", "我睡不好。白天没劲。")],
)  # fmt: skip
async def test_a_first_answer_never_tells_history_however_often_it_slips(lang: Lang, slip: str, left: str) -> None:
    dialogue = await chat(model(lang, complaint={"utterance": slip}), lang, polish="false")
    assert dialogue.turns[1].text == left
    assert dialogue.quality.kept["patients_part"] == 1


@pytest.mark.accepts("notechat", 4)
@pytest.mark.parametrize(
    ("lang", "slip", "left"),
    [("en", "They said PHQ-9 18. I was sad.", "I was sad."), ("zh", "医生让我吃50毫克。我挺难受的。", "我挺难受的。")],
)
async def test_a_patient_never_states_what_is_the_clinicians_however_often_it_slips(
    lang: Lang, slip: str, left: str
) -> None:
    dialogue = await chat(model(lang, history={"utterance": slip}), lang, polish="false")
    assert dialogue.turns[3].text == left


@pytest.mark.accepts("notechat", 4)
@pytest.mark.parametrize(
    ("lang", "slip", "left"),
    [("en", "You have panic attacks. How do you sleep?", "How do you sleep?"), ("zh", "你有惊恐发作。睡得怎么样？", "睡得怎么样？"),
     # A question that is too long and would be cut to a statement loses that sentence, too.
     ("en", "How do you sleep? Well, you have panic attacks, " + "and so on, " * 20 + "do you?", "How do you sleep?")],
)  # fmt: skip
async def test_a_physician_never_states_what_the_patient_has_not_told_however_often_it_slips(
    lang: Lang, slip: str, left: str
) -> None:
    dialogue = await chat(model(lang, physician={"utterance": slip}), lang, polish="false")
    assert dialogue.turns[4].text == left


@pytest.mark.accepts("notechat", 1, 4)
@pytest.mark.parametrize("prompt", ["complaint", "physician"])
async def test_a_message_that_is_nothing_but_a_slip_fails_the_case_with_the_reason(prompt: str) -> None:
    slip = {"complaint": "I take sertraline.", "physician": "You have panic attacks."}[prompt]
    with pytest.raises(AnswerRejected, match=r"sertraline|panic attacks"):
        await chat(model(**{prompt: {"utterance": slip}}), polish="false")


@pytest.mark.accepts("notechat", 5)
@pytest.mark.parametrize(
    ("lang", "long", "short"),
    [("en", "How do you sleep? " + "word " * 30, "How do you sleep?"), ("en", "word " * 40, ("word " * 29).strip()),
     ("zh", "睡得怎么样？" + "嗯" * 60, "睡得怎么样？"), ("zh", "睡" * 70, "睡" * 60)],
)  # fmt: skip
async def test_a_message_of_the_physician_that_stays_too_long_is_cut(lang: Lang, long: str, short: str) -> None:
    dialogue = await chat(model(lang, physician={"utterance": long}), lang, polish="false")
    assert dialogue.turns[4].text == short
    assert dialogue.quality.kept["physicians_part"] > 0


@pytest.mark.accepts("notechat", 2)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_plan_has_at_most_two_concepts_an_item_and_every_concept_of_the_note_once(lang: Lang) -> None:
    shuffled = [WORDS[lang][n] for n in (1, 0, 3, 2, 5)]
    dialogue = await chat(model(lang, draft=draft(*shuffled)), lang, polish="false")
    plan = dialogue.sessions[0].notes["plan"]
    flat = [word for item in plan for word in item]  # type: ignore[union-attr]
    assert sorted(flat) == sorted(WORDS[lang])
    assert all(1 <= len(item) <= 2 for item in plan)  # type: ignore[union-attr,arg-type]
    assert flat[:2] == [WORDS[lang][1], WORDS[lang][0]]
    assert flat.index(WORDS[lang][3]) < flat.index(WORDS[lang][2])


async def test_the_planner_is_given_every_concept_and_the_opening_and_a_length_from_the_note() -> None:
    asked = model()
    await chat(asked, polish="false")
    shown = text_of(asked.asked("draft")[0])
    assert all(f"- {word}" in shown for word in WORDS["en"])
    assert "past number 1" in shown
    assert f"about {len(WORDS['en'])} messages" in shown


@pytest.mark.accepts("notechat", 2, 7)
@given(st.permutations(WORDS["en"]), st.sets(st.sampled_from(WORDS["en"])))
def test_left_out_concepts_find_their_place_and_no_treatment_comes_before_the_first_symptom(
    order: list[str], named: set[str]
) -> None:
    concepts = LEX.find(NOTE["en"], "en")
    by_text = {c.text: c for c in concepts}
    result = in_order([by_text[word] for word in order if word in named], concepts)
    assert sorted(c.code for c in result) == sorted(c.code for c in concepts)
    kinds = [c.type for c in result]
    assert "treatment" not in kinds[: kinds.index("symptom")]
    assert [c for pair_ in in_pairs(result) for c in pair_] == result


def test_without_a_draft_concepts_that_are_inserted_follow_the_clinical_order() -> None:
    concepts = LEX.find(NOTE["en"], "en")
    ranks = [RANK[c.type] for c in in_order([], list(reversed(concepts)))]
    assert ranks == sorted(ranks)


async def test_a_model_may_extract_but_only_words_that_stand_in_the_note() -> None:
    found = {"concepts": [{"text": "early waking", "type": "symptom"}, {"text": "sleepless nights", "type": "symptom"}]}
    asked = model(extract=found)
    dialogue = await chat(asked, polish="false", extractor="llm")
    assert [c["text"] for c in dialogue.sessions[0].notes["concepts"]] == ["early waking"]  # type: ignore[union-attr,index,call-overload]
    assert dialogue.quality.kept == {"exact": 1}
    both = await chat(model(extract=found), polish="false", extractor="both")
    assert len(both.sessions[0].notes["concepts"]) == len(WORDS["en"])  # type: ignore[arg-type]


async def test_of_two_concepts_one_of_which_stands_only_inside_the_other_the_longer_is_talked_about() -> None:
    whole = {"concepts": [{"text": "Denies suicidal thoughts", "type": "risk"}]}
    dialogue = await chat(model(extract=whole), polish="false", extractor="both")
    planned = [w for item in dialogue.sessions[0].notes["plan"] for w in item]  # type: ignore[union-attr]
    assert "Denies suicidal thoughts" in planned
    assert "suicidal thoughts" not in planned
    worry, disorder = (Concept(text=w, type="symptom", code=w) for w in ("焦虑", "焦虑障碍"))
    assert standing_alone([worry, disorder], "诊断：焦虑障碍。") == [disorder]
    assert standing_alone([worry, disorder], "焦虑三个月。诊断：焦虑障碍。") == [worry, disorder]


async def test_a_note_without_a_known_concept_is_planned_by_its_sentences() -> None:
    case = Case.model_validate({"id": "n", "lang": "en", "note": {"text": "He keeps bees. He misses the sea."}})
    dialogue = await write("notechat", case, model(), options={"polish": "false"})
    assert dialogue.sessions[0].notes["plan"] == [["He keeps bees.", "He misses the sea."]]


# Role-play


@pytest.mark.accepts("notechat", 3)
async def test_an_executed_item_makes_one_turn_of_each_and_an_item_that_is_covered_makes_none() -> None:
    items = in_pairs(WORDS["en"])  # type: ignore[type-var]

    def covers_all(call: Call) -> dict[str, str]:
        keywords = text_of(call).split("Keywords for now: ")[1].split("\n")[0]
        return {"utterance": f"About this, do you know it: {keywords}?"}

    dialogue = await chat(model(physician=covers_all), polish="true")
    assert targets(dialogue) == items
    tells = {"utterance": "I have low mood and early waking, and I have asthma."}
    early = await chat(model(physician=covers_all, history=tells), polish="true")
    assert targets(early) == [["suicidal thoughts"], *items[2:]][: len(targets(early))]
    assert len(targets(early)) == 4


async def test_what_was_not_covered_is_carried_to_the_next_item_and_once_more_at_the_end() -> None:
    dialogue = await chat(model())
    assert targets(dialogue)[0] == WORDS["en"][:2]
    assert targets(dialogue)[1] == WORDS["en"][:4]
    assert targets(dialogue)[-1] == targets(dialogue)[-2] == WORDS["en"]


async def test_a_model_is_asked_only_about_keywords_that_were_not_said() -> None:
    tells = {"utterance": "I have low mood."}
    asked = model(covered={"covered": True}, history=tells)
    dialogue = await chat(asked, polish="false")
    assert [text_of(c).split("The keyword: ")[1].split("\n")[0] for c in asked.asked("covered")] == WORDS["en"][1:]
    assert not asked.asked("physician")
    assert len(dialogue.turns) == 5
    silent = model(covered={"covered": True})
    await chat(silent, polish="false", ask_coverage="false")
    assert not silent.asked("covered")


@pytest.mark.accepts("notechat", 4)
@pytest.mark.parametrize(
    ("lang", "slip", "mended"),
    [("en", "They said PHQ-9 18.", "I filled in a form."), ("en", "I should take 50 mg of it.", "They gave me some pills."),
     ("en", "My blood count was fine.", "They drew some blood."), ("zh", "血常规没什么。", "抽过血。"),
     ("en", "My BP 134/86 was fine.", "They took my pulse."), ("zh", "量表是PHQ-9评分18分。", "填过一张表。"),
     ("zh", "医生让我吃50毫克。", "开了点药。"), ("zh", "血压134/86mmHg。", "量过血压。")],
)  # fmt: skip
async def test_a_patient_who_states_results_doses_or_vital_signs_is_asked_again(
    lang: Lang, slip: str, mended: str
) -> None:
    dialogue = await chat(
        model(lang, patient=[{"utterance": slip}, {"utterance": mended}, {"utterance": mended + "..."}]),
        lang,
        polish="false",
    )
    assert not any(slip in turn.text for turn in dialogue.turns)
    assert dialogue.quality.guards["patients_part"] == 1


@pytest.mark.accepts("notechat", 4)
@pytest.mark.parametrize(
    ("lang", "states", "asks"),
    [("en", "You have panic attacks, I see.", "Do you have panic attacks?"), ("zh", "你有惊恐发作。", "你有惊恐发作吗？")],
)  # fmt: skip
async def test_a_physician_who_states_a_symptom_before_the_patient_told_it_is_asked_again(
    lang: Lang, states: str, asks: str
) -> None:
    say = said("question")
    tries = iter([{"utterance": states}, {"utterance": asks}])
    dialogue = await chat(model(lang, physician=lambda call: next(tries, None) or say(call)), lang, polish="false")
    assert dialogue.turns[4].text == asks
    assert dialogue.quality.guards["physicians_part"] == 1
    told = {"utterance": {"en": "I have these panic attacks.", "zh": "我有惊恐发作。"}[lang]}
    tries = iter([{"utterance": states}])
    allowed = await chat(
        model(lang, history=told, physician=lambda call: next(tries, None) or say(call)), lang, polish="false"
    )
    assert allowed.turns[4].text == states


@pytest.mark.accepts("notechat", 4)
@pytest.mark.parametrize(
    ("text", "early"),
    [("These are panic attacks, I would guess.", []), ("You have nightmares, too.", ["nightmares"]), ("You have thoughts of death.", ["thoughts of death"]),
     ("Do you have thoughts of death?", []), ("You have had a headache, you say.", []),
     ("I have to ask about something hard: suicidal thoughts. Have you had any?", []),
     ("You have suicidal thoughts. How do you sleep?", ["suicidal thoughts"]),
     ("I ask about suicidal thoughts. You have nightmares. Have you had any?", ["suicidal thoughts", "nightmares"])],
)  # fmt: skip
def test_a_symptom_whose_turn_it_is_may_be_named_but_a_risk_has_to_be_asked_about(text: str, early: list[str]) -> None:
    targets = LEX.find("panic attacks, suicidal thoughts", "en")
    told = [Turn.client("My heart pounds, and I get a headache.")]
    assert stated_too_early(text, told, targets, "en") == early


def test_a_finding_with_a_symptom_in_its_name_may_be_stated() -> None:
    affect = Concept(text="情感紧张", type="mental_state", code="情感紧张")
    assert not stated_too_early("我记一下：情感紧张。", [], [affect], "zh")
    assert stated_too_early("我记一下：情感紧张。你这是紧张。", [], [affect], "zh") == ["紧张"]


@pytest.mark.accepts("notechat", 5)
async def test_physicians_stay_under_30_words_and_the_token_limits_are_sent() -> None:
    long = {"utterance": "word " * 30}
    say = said("question")
    tries = iter([long])
    asked = model(physician=lambda call: next(tries, None) or say(call))
    dialogue = await chat(asked, polish="false")
    assert all(len(turn.text.split()) < 30 for turn in dialogue.turns)
    assert {call.decoding["max_tokens"] for call in asked.asked("physician")} == {200}
    assert {call.decoding["max_tokens"] for call in asked.asked("patient")} == {100}
    assert [call.decoding["temperature"] for name in ("complaint", "physician", "patient", "covered", "draft", "polish") for call in (asked.asked(name) or (await _polishing()).asked(name))[:1]] == [0.7, 0.7, 0.5, 0.0, 0.7, 0.9]  # fmt: skip


@pytest.mark.accepts("notechat", 5)
async def test_a_chinese_message_of_the_physician_has_at_most_60_characters() -> None:
    say = said("问")
    tries = iter([{"utterance": "睡" * 61}, {"utterance": "睡" * 60}])
    dialogue = await chat(model("zh", physician=lambda call: next(tries, None) or say(call)), "zh", polish="false")
    assert dialogue.turns[4].text == "睡" * 60
    assert dialogue.quality.guards["physicians_part"] == 1


async def _polishing() -> Scripted:
    asked = model()
    await chat(asked)
    return asked


# Polish


@pytest.mark.accepts("notechat", 6)
async def test_the_version_that_misses_fewest_concepts_of_up_to_three_is_kept_and_the_lost_ones_are_named() -> None:
    words = WORDS["en"]
    versions = [polished(*words[:4]), polished(*words[:8]), polished(*words[:6])]
    asked = model(polish=versions)
    dialogue = await chat(asked)
    assert [turn.text for turn in dialogue.turns] == words[:8]
    assert len(asked.asked("polish")) == 3
    assert f"Missing from the last version: {'; '.join(words[4:])}" in text_of(asked.asked("polish")[1])
    assert dialogue.quality.measures["concept_recall"] == 0.8


async def test_polishing_stops_when_nothing_is_missing() -> None:
    asked = model()
    dialogue = await chat(asked)
    assert len(asked.asked("polish")) == 1
    assert dialogue.quality.measures["concept_recall"] == 1


@pytest.mark.accepts("notechat", 6)
async def test_a_polish_that_covers_less_than_the_role_play_is_not_kept() -> None:
    tells = {"utterance": "I have low mood, early waking and asthma."}
    dialogue = await chat(model(history=tells, polish=polished("Good day.", "Good day to you.")))
    assert dialogue.quality.measures["concept_recall"] == dialogue.quality.measures["roleplay_recall"] == 0.3
    assert dialogue.turns[3].text == tells["utterance"]
    assert dialogue.quality.kept == {"polish_lost_concepts": 1}


@pytest.mark.accepts("notechat", 4)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_of_versions_that_lose_nothing_the_one_whose_patient_says_no_dose_is_kept(lang: Lang) -> None:
    lines = polished(*WORDS[lang])["lines"]
    slip = {"lines": [*lines, {"speaker": "client", "text": WORDS[lang][7]}]}
    asked = model(lang, polish=[slip, polished(*WORDS[lang])])
    dialogue = await chat(asked, lang)
    assert [turn.text for turn in dialogue.turns] == WORDS[lang]
    assert not dialogue.quality.kept
    assert WORDS[lang][7] in text_of(asked.asked("polish")[1]).split("\n\n")[-1]
    always = model(lang, polish=slip)
    assert (await chat(always, lang)).quality.kept == {"polish_patients_part": 1}
    assert len(always.asked("polish")) == 3


@given(st.lists(st.sampled_from(WORDS["en"]), max_size=12))
def test_coverage_counts_each_concept_once_and_more_text_never_covers_less(texts: list[str]) -> None:
    concepts = LEX.find(NOTE["en"], "en")
    found = coverage(concepts, texts, "en")
    assert sorted(found.covered + found.missing) == sorted(c.text for c in concepts)
    assert set(texts) <= set(found.covered)
    assert found.recall == len(found.covered) / len(concepts)
    assert coverage(concepts, [*texts, "more words"], "en").recall >= found.recall


@pytest.mark.accepts("notechat", 9)
async def test_the_recorded_coverage_equals_a_recomputation_from_the_record() -> None:
    dialogue = await chat(model(polish=polished(*WORDS["en"][:6])))
    again = Dialogue.model_validate_json(dialogue.model_dump_json())
    concepts = [Concept.model_validate(c) for c in again.sessions[0].notes["concepts"]]  # type: ignore[union-attr]
    assert coverage(concepts, (t.text for t in again.turns), "en").model_dump() == again.sessions[0].notes["coverage"]


@pytest.mark.accepts("notechat", 8)
async def test_only_two_speak_and_stage_directions_stand_apart() -> None:
    lines = polished(*WORDS["en"])["lines"]
    told = {
        "lines": [
            {"speaker": "direction", "text": "morning"},
            *lines[:2],
            {"speaker": "direction", "text": "after the examination"},
            *lines[2:],
        ]
    }
    dialogue = await chat(model(polish=told))
    assert {turn.speaker for turn in dialogue.turns} == {"client", "counselor"}
    assert dialogue.turns[0].extra == {"before": ["morning"]}
    assert dialogue.turns[1].extra == {"directions": ["after the examination"]}
    assert not any("examination" in turn.text for turn in dialogue.turns)
    one_sided = {"lines": [{"speaker": "counselor", "text": "I talk alone."}]}
    mended = await chat(model(polish=[one_sided, told]))
    assert mended.quality.rejected == 1


# Steps one by one, and calls


@pytest.mark.accepts("notechat", 10)
async def test_planning_role_play_and_polish_can_be_left_out_one_by_one() -> None:
    asked = model()
    unplanned = await chat(asked, plan="false", polish="false")
    assert [w for item in unplanned.sessions[0].notes["plan"] for w in item] == WORDS["en"]  # type: ignore[union-attr]
    assert not {"draft", "polish"} & set(asked.counts())
    one = Scripted(single=polished(*WORDS["en"][:5]))
    baseline = await chat(one, single_prompt="true")
    assert one.counts() == {"single": 1}
    assert baseline.quality.measures == {"concept_recall": 0.5}


@pytest.mark.accepts("notechat", 3)
async def test_calls_are_two_for_the_opening_one_draft_two_an_item_and_the_polish() -> None:
    asked = model()
    dialogue = await chat(asked, ask_coverage="false")
    items = len(targets(dialogue))
    assert asked.counts() == {
        "complaint": 1,
        "history": 1,
        "draft": 1,
        "physician": items,
        "patient": items,
        "polish": 1,
    }


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_physician_and_patient_play_in_a_pairing_and_the_checklist_ends_it(lang: Lang) -> None:
    asked = model(lang)
    dialogue = await write(pair("notechat", "notechat"), note(lang), asked)
    assert dialogue.sessions[0].ended == "counselor closed"
    assert not asked.asked("polish")
    assert all(NOTE[lang] in text_of(call) for name in ("physician", "patient") for call in asked.asked(name))


@pytest.mark.accepts("notechat", 10)
async def test_one_run_shows_what_each_step_made() -> None:
    dialogue = await chat(model())
    notes = dialogue.sessions[0].notes
    assert [turn["text"] for turn in notes["draft"]][: len(WORDS["en"])] == WORDS["en"]  # type: ignore[union-attr,index,call-overload]
    assert notes["plan"] == in_pairs(WORDS["en"])  # type: ignore[type-var]
    assert notes["roleplay"][1]["text"].startswith("trouble")  # type: ignore[index,call-overload,union-attr]
    assert [turn.text for turn in dialogue.turns] == WORDS["en"]


@pytest.mark.accepts("notechat", 10)
async def test_planning_and_polish_can_be_run_without_a_role_play() -> None:
    asked = model()
    planned = await chat(asked, roleplay="false", polish="false")
    assert asked.counts() == {"draft": 1}
    assert planned.sessions[0].notes["plan"] == in_pairs(WORDS["en"])  # type: ignore[type-var]
    lines = [{"counselor": "ROUGH how are you?"}, {"client": "ROUGH so so."}]
    rough = Case.model_validate(note().model_dump() | {"opening": lines})
    alone = model()
    dialogue = await write("notechat", rough, alone, options={"roleplay": "false", "plan": "false"})
    assert alone.counts() == {"polish": 1}
    assert "Doctor: ROUGH how are you?\nPatient: ROUGH so so." in text_of(alone.asked("polish")[0])
    assert [turn.text for turn in dialogue.turns] == WORDS["en"]


@pytest.mark.accepts("notechat", 9)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_dialogue_written_in_the_released_form_is_read_back_with_speakers_and_directions(
    lang: Lang, tmp_path: Path
) -> None:
    told = polished(*WORDS[lang])["lines"]
    told.insert(2, {"speaker": "direction", "text": {"en": "after the examination", "zh": "检查之后"}[lang]})
    dialogue = await chat(model(lang, polish={"lines": told}), lang)
    write_jsonl(tmp_path / "made.jsonl", [dialogue])
    out = tmp_path / "pairs.jsonl"
    ran = psyloom("export", str(tmp_path / "made.jsonl"), "--to", "notechat.pairs", "--out", str(out))
    assert ran.code == 0, ran.err
    (found,) = read(out, "notechat")
    assert isinstance(found, Dialogue)
    assert [(turn.speaker, turn.text) for turn in found.turns] == [(turn.speaker, turn.text) for turn in dialogue.turns]
    assert found.case
    assert found.case.get("note.text") == NOTE[lang]
    assert "direction" not in json.dumps([turn.text for turn in found.turns])
    assert {"en": "after the examination", "zh": "检查之后"}[lang] in str(found.turns[1].extra)
    concepts = LEX.find(NOTE[lang], lang)
    assert (
        coverage(concepts, (turn.text for turn in found.turns), lang).model_dump()
        == dialogue.sessions[0].notes["coverage"]
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_risk_that_is_named_and_then_asked_about_is_not_stripped_of_its_name(lang: Lang) -> None:
    asks = {
        "zh": "有件事我每个人都要问：自杀念头。最近有过吗？",
        "en": "I ask everybody about suicidal thoughts. Have you had any?",
    }
    asked = model(lang, physician={"utterance": asks[lang]})
    risky = Case.model_validate(
        note(lang).model_dump() | {"note": {"text": {"zh": "有自杀念头。", "en": "Suicidal thoughts."}[lang]}}
    )
    dialogue = await write("notechat", risky, asked, options={"polish": "false"})
    assert asks[lang] in [turn.text for turn in dialogue.turns]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_physician_asks_about_a_risk_by_its_name(lang: Lang) -> None:
    found = 0
    for case in read_jsonl(find_system("notechat").cases(), Case):
        if case.lang != lang:
            continue
        dialogue = await write(pair("notechat", "notechat"), case, Rehearsal())
        for turn in dialogue.turns:
            known = [
                c for c in LEX.find(str(case.note and case.note.text), lang) if c.text in turn.extra.get("targets", [])
            ]  # type: ignore[operator]
            if any(c.type == "risk" for c in known) and turn.text.endswith(("?", "？")):
                found += any(LEX.mentions(c, turn.text, lang) for c in known)
                assert any(LEX.mentions(c, turn.text, lang) for c in known), turn.text
    assert found


async def test_a_talk_that_nobody_plays_is_polished_from_the_note_in_rehearsal_too() -> None:
    dialogue = await write("notechat", note(), Rehearsal(), options={"roleplay": "false"})
    assert {turn.speaker for turn in dialogue.turns} == {"client", "counselor"}


@pytest.mark.parametrize("option", ["single_prompt", "roleplay"])
def test_dials_are_refused_where_nobody_plays_the_client(option: str) -> None:
    options = {option: "true" if option == "single_prompt" else "false", "dials.resistance": "0.5"}
    with pytest.raises(UsageError, match="dials are for a client that plays its role"):
        writer_for("notechat", options)
