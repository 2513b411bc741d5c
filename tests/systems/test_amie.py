"""AMIE: the checks of its specification about generation and the consultation. arXiv 2401.05654."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import AnswerRejected, BadRecord, UsageError
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import phrases
from psyloom.records import Case, Dialogue, Lang, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import pair, run_cases
from psyloom.safety.cues import cue_in
from psyloom.systems import find_system
from psyloom.systems.amie.consult import CRISIS, OPENING, PARTING, PARTING_URGENT, questions, two_questions
from psyloom.systems.amie.outer import (
    Condition,
    conditions,
    earlier_versions,
    planned_cases,
    preference_pairs,
    training_dialogues,
)
from psyloom.systems.amie.system import prefer_over
from tests.runs.workshop import psyloom
from tests.support import Scripted, numbered, text_of, write

RECORD = {
    "complaint": "SYMPTOM my heart races on the bus", "physical_illness": "PAST asthma", "questions": ["QUESTION is it my heart?"],
    "diagnoses": [{"name": "panic disorder"}], "treatment": "PLAN therapy and a review",
}  # fmt: skip
ANALYSIS = {
    "positive_symptoms": ["racing heart"], "negative_symptoms": [], "medical_history": [], "family_history": [], "social_history": [],
    "demographics": [], "ddx": ["HYPOTHESIS one"], "missing_info": ["MISSING since when"], "confidence": "low", "urgency": "none",
}  # fmt: skip
FORM = {
    "ddx": ["a", "b", "c"], "escalation": "none", "investigations": [], "treatments": [], "management_plan": "wait", "follow_up": "soon",
}  # fmt: skip
HIDDEN = ("SYMPTOM", "PAST", "QUESTION", "PLAN", "panic disorder")


def patient(lang: Lang = "en", **more: Any) -> Case:
    return Case.model_validate({"id": "p", "lang": lang, "demographics": {"age": 30}, "clinical": RECORD} | more)


def ends_after(exchanges: int) -> Any:
    """A moderator that ends each simulation with its n-th exchange."""

    def verdict(call: Call) -> dict[str, bool]:
        said = text_of(call)
        return {"ended": said.count("\nPatient: ") + said.count("\n患者：") >= exchanges}

    return verdict


def model(exchanges: int = 3, **more: Any) -> Scripted:
    given: dict[str, Any] = {
        "doctor": numbered("question"), "patient": numbered("answer"), "moderator": ends_after(exchanges), "analyse": ANALYSIS,
        "respond": numbered("DRAFT"), "refine": numbered("reply"), "critic": numbered("FEEDBACK"), "questionnaire": FORM,
    }  # fmt: skip
    return Scripted(**given | more)


async def consult(with_: Scripted, case: Case | None = None, **options: str) -> Dialogue:
    return await write(pair("amie", "amie", options), case or patient(), with_)


async def self_play(with_: Scripted, case: Case | None = None, **options: str) -> Dialogue:
    return await write("amie", case or patient(), with_, options=options)


# The consultation


@pytest.mark.accepts("amie", 2)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_first_line_is_fixed_roles_alternate_and_the_doctor_takes_leave(lang: Lang) -> None:
    dialogue = await consult(model(), patient(lang))
    assert dialogue.turns[0].text == OPENING[lang]
    assert dialogue.turns[-1].text == PARTING[lang]
    assert all(a.speaker != b.speaker for a, b in pairwise(dialogue.turns))


@pytest.mark.accepts("amie", 6)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_turn_makes_three_ordered_calls_each_reads_the_former_and_only_the_third_is_said(lang: Lang) -> None:
    asked = model()
    dialogue = await consult(asked, patient(lang))
    steps = [call.prompt for call in asked.calls if call.prompt in ("analyse", "respond", "refine")]
    assert steps == ["analyse", "respond", "refine"] * 2
    assert "HYPOTHESIS one" in text_of(asked.asked("respond")[0])
    assert all(word in text_of(asked.asked("refine")[0]) for word in ("MISSING since when", "DRAFT number 1 "))
    said = "\n".join(turn.text for turn in dialogue.turns)
    assert "DRAFT" not in said
    assert "HYPOTHESIS" not in said
    thought = {element.name: element.text for element in dialogue.turns[2].thought}
    assert thought["ddx"] == "HYPOTHESIS one"
    assert thought["draft"].startswith("DRAFT")
    assert not any("DRAFT" in text_of(call) for call in asked.asked("patient"))


@pytest.mark.accepts("amie", 6)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_an_emergency_changes_what_is_told_and_adds_the_crisis_message_once(lang: Lang) -> None:
    asked = model(analyse=ANALYSIS | {"urgency": "emergency"})
    calm = model(analyse=ANALYSIS | {"urgency": "soon"})
    dialogue = await consult(asked, patient(lang))
    assert not any(CRISIS[lang] in turn.text for turn in (await consult(calm, patient(lang))).turns)
    replies = [turn.text for turn in dialogue.turns if turn.extra.get("urgency") == "emergency"]
    assert [text.endswith(CRISIS[lang]) for text in replies] == [True, False]
    urgent = {"zh": "情况紧急：", "en": "This is urgent:"}[lang]
    for step in ("respond", "refine"):
        assert urgent in text_of(asked.asked(step)[0])
        assert urgent not in text_of(calm.asked(step)[0])
        assert [CRISIS[lang] in text_of(call).split(urgent)[-1] for call in asked.asked(step)] == [True, False]
    assert not any(ch.isdigit() for ch in CRISIS[lang])


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_doctor_whose_last_reply_was_urgent_takes_leave_with_other_words(lang: Lang) -> None:
    urgent, calm = ANALYSIS | {"urgency": "emergency"}, ANALYSIS
    for analyses, parting in (([calm, urgent], PARTING_URGENT), ([urgent, calm], PARTING)):
        dialogue = await consult(model(analyse=analyses), patient(lang))
        assert dialogue.turns[-1].text == parting[lang]


@pytest.mark.accepts("amie", 2)
@pytest.mark.parametrize("reasoning", ["true", "false"])
async def test_a_doctor_with_more_than_two_questions_in_a_message_is_asked_again(reasoning: str) -> None:
    three, two = "Since when? How often? Where?", "Since when? How often?"
    dialogue = await consult(model(2, refine=[three, two], doctor=[three, two]), reasoning=reasoning)
    assert dialogue.turns[2].text == two
    assert dialogue.quality.guards == {"within_limits": 1}


@pytest.mark.accepts("amie", 2)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("reasoning", ["true", "false"])
async def test_a_doctor_who_insists_on_a_third_question_is_heard_with_two(lang: Lang, reasoning: str) -> None:
    four = {
        "zh": "我听到了。多久了？多频繁？在哪里？还有谁？别急。",
        "en": "I hear you. Since when? How often? Where? Who? No hurry.",
    }
    said = {"zh": "我听到了。多久了？多频繁？别急。", "en": "I hear you. Since when? How often? No hurry."}
    insisting = model(2, refine=four[lang], doctor=four[lang])
    dialogue = await consult(insisting, patient(lang), reasoning=reasoning)
    assert dialogue.turns[2].text == said[lang]
    assert dialogue.quality.kept == {"within_limits": 1}


@pytest.mark.accepts("amie", 3)
async def test_the_moderator_ends_the_talk_and_its_verdicts_are_kept() -> None:
    dialogue = await consult(model(3))
    notes = dialogue.sessions[0].notes
    assert notes["moderator"] == [False, False, True]
    assert notes["ended_by"] == "moderator"
    assert dialogue.sessions[0].exchanges() == 3


@pytest.mark.accepts("amie", 3)
async def test_the_cap_and_a_goodbye_end_it_too_and_the_record_says_which() -> None:
    capped = await consult(model(99), **{"counselor.max_exchanges": "2"})
    assert capped.sessions[0].notes["ended_by"] == capped.sessions[0].ended == "limit"
    assert capped.sessions[0].exchanges() == 2
    assert "questionnaire" in capped.sessions[0].notes
    leaves = ["I worry about it.", "Thank you, goodbye!"]
    asked = model(99, patient=leaves)
    left = await consult(asked, goodbye="true")
    assert left.sessions[0].notes["ended_by"] == "goodbye"
    assert len(asked.asked("moderator")) == 1


@pytest.mark.accepts("amie", 3)
async def test_nobody_but_the_moderator_ends_the_talk_when_nothing_else_is_asked_for() -> None:
    dialogue = await consult(model(4, patient="Thank you, goodbye!", refine="Goodbye, take care."))
    assert dialogue.sessions[0].notes["ended_by"] == "moderator"
    assert dialogue.sessions[0].exchanges() == 4


async def test_a_consultation_with_ten_exchanges_makes_three_doctor_calls_a_turn_and_one_questionnaire() -> None:
    asked = model(10)
    await consult(asked)
    assert asked.counts() == {
        "analyse": 9,
        "moderator": 10,
        "patient": 10,
        "questionnaire": 1,
        "refine": 9,
        "respond": 9,
    }


@pytest.mark.accepts("amie", 7)
async def test_the_questionnaire_ranks_three_to_ten_distinct_conditions() -> None:
    twice, few, many = (FORM | {"ddx": ddx} for ddx in (["a", "A ", "b"], ["a", "b"], [str(n) for n in range(11)]))
    asked = model(questionnaire=[twice, few, FORM])
    dialogue = await consult(asked)
    assert dialogue.sessions[0].notes["questionnaire"]["ddx"] == ["a", "b", "c"]  # type: ignore[index,call-overload]
    with pytest.raises(AnswerRejected, match="questionnaire"):
        await consult(model(questionnaire=many))


# Who sees what


@pytest.mark.accepts("amie", 1)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_doctor_and_moderator_read_nothing_of_the_vignette_the_patient_not_the_plan_the_critic_the_diagnosis(
    lang: Lang,
) -> None:
    played, consulted = model(), model()
    await self_play(played, patient(lang))
    await consult(consulted, patient(lang))
    for call in [*played.calls, *consulted.calls]:
        shown = text_of(call)
        if call.agent == "client":
            assert all(word in shown for word in ("SYMPTOM", "PAST", "QUESTION"))
            assert "PLAN" not in shown
            assert "panic disorder" not in shown
        elif call.agent == "critic":
            assert "panic disorder" in shown
            assert "SYMPTOM" not in shown
        else:
            assert not [word for word in HIDDEN if word in shown], call.prompt


async def test_a_patient_may_be_shown_its_diagnosis() -> None:
    asked = model()
    await consult(asked, **{"client.knows_diagnosis": "true"})
    assert "panic disorder" in text_of(asked.asked("patient")[0])


# The inner loop


@pytest.mark.accepts("amie", 4)
async def test_the_inner_loop_is_three_simulations_and_two_critiques_and_about_ninety_calls() -> None:
    asked = model(10)
    dialogue = await self_play(asked)
    assert asked.counts() == {"critic": 2, "doctor": 27, "moderator": 30, "patient": 30}
    assert 85 <= len(asked.calls) <= 95
    order = [call.prompt for call in asked.calls if call.prompt in ("critic", "moderator")]
    assert [n for n, name in enumerate(order) if name == "critic"] == [10, 21]
    assert len(dialogue.sessions) == 1


@pytest.mark.accepts("amie", 4)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_each_round_starts_empty_with_the_last_dialogue_and_its_feedback_in_the_doctors_context(
    lang: Lang,
) -> None:
    asked = model()
    dialogue = await self_play(asked, patient(lang))
    rounds = [asked.asked("doctor")[n : n + 2] for n in (0, 2, 4)]
    assert "FEEDBACK" not in text_of(rounds[0][0])
    for n in (1, 2):
        shown = text_of(rounds[n][0])
        assert f"FEEDBACK number {n} " in shown
        assert f"FEEDBACK number {n - 1} " not in shown
        kept = earlier_versions(dialogue)[n - 1]
        assert kept.feedback.startswith(f"FEEDBACK number {n} ")
        assert all(turn.text in shown for turn in kept.session.turns)
        user = rounds[n][0].messages[-1]["content"]
        assert user.count("answer number") == 1
    assert not any("FEEDBACK" in text_of(call) for call in asked.asked("patient"))


@pytest.mark.parametrize(("lang", "name"), [("en", "Panic Disorder"), ("zh", "惊恐障碍")])
async def test_feedback_that_names_the_condition_is_asked_for_again_and_in_the_end_blotted_out(
    lang: Lang, name: str
) -> None:
    case = patient(lang, clinical=RECORD | {"diagnoses": [{"name": name.lower()}]})
    asked = model(critic=f"FEEDBACK think of {name} here")
    dialogue = await self_play(asked, case)
    assert len(asked.asked("critic")) == 2 * 3
    assert dialogue.quality.kept == {"unnamed": 2}
    for call in asked.asked("doctor"):
        assert name.lower() not in text_of(call).lower()


@pytest.mark.accepts("amie", 3)
async def test_the_record_of_self_play_says_how_each_simulation_ended() -> None:
    capped = await self_play(model(99), max_exchanges="2")
    ended = [capped.sessions[0], *(kept.session for kept in earlier_versions(capped))]
    assert [session.notes["ended_by"] for session in ended] == ["limit"] * 3
    moderated = await self_play(model(2))
    assert moderated.sessions[0].notes["ended_by"] == "moderator"


async def test_no_round_at_all_gives_the_first_simulation() -> None:
    asked = model()
    dialogue = await self_play(asked, rounds="0")
    assert "critic" not in asked.counts()
    assert dialogue.extra["earlier"] == []


def session(*texts: str) -> Session:
    return Session(turns=[Turn(speaker="client" if n % 2 else "counselor", text=text) for n, text in enumerate(texts)])


def test_the_first_different_doctors_turn_is_a_rejected_alternative_and_nothing_after_it() -> None:
    final = session("hello", "I am tired", "since when?", "May", "go on")
    prefer_over(
        final, [session("hello", "I am tired", "sleep more", "May", "bye"), session("hello", "I am sad", "sleep less")]
    )
    assert [turn.extra for turn in final.turns] == [{}, {}, {"rejected": ["sleep more"]}, {}, {}]


async def test_earlier_versions_make_preference_pairs_of_whole_dialogues() -> None:
    dialogue = await self_play(model(patient="the same words"))
    pairs = preference_pairs(Dialogue.model_validate_json(dialogue.model_dump_json()))
    assert [(better.id, worse.id) for better, worse in pairs] == [("p@1", "p@0"), ("p", "p@1")]
    assert all(better.turns != worse.turns for better, worse in pairs)
    rejected = dialogue.turns[2].extra["rejected"]
    assert rejected == [worse.turns[2].text for _, worse in pairs]


# Vignettes and the outer loop


def vignette(symptoms: str, **more: Any) -> dict[str, Any]:
    return {
        "demographics": "30-year-old nurse", "symptoms": symptoms, "past_medical_history": "N/A", "past_surgical_history": "N/A",
        "past_social_history": "lives alone", "patient_questions": ["Is it my heart?"], "management_plan": "MANAGE it",
    } | more  # fmt: skip


TWO = {"vignettes": [vignette("FIRST fear"), vignette("SECOND fear")]}
MENTAL = {
    name: f"{name} told"
    for name in ("onset_and_course", "stressors", "functioning", "sleep_appetite", "substance_use", "trauma_history",
                 "past_psychiatric_history", "family_psychiatric_history", "medication", "communication_style")
} | {
    "risk": dict.fromkeys(("suicide", "self_harm", "violence", "protective_factors"), "none"),
    "mental_state": dict.fromkeys(("affect", "thought", "perception", "insight"), "plain"),
}  # fmt: skip


def only_a_name(number: int = 0) -> Case:
    clinical = {"diagnoses": [{"name": "panic disorder"}]}
    return Case.model_validate({"id": f"v{number}", "lang": "en", "clinical": clinical, "extra": {"vignette": number}})


async def test_a_case_with_a_diagnosis_only_gets_its_vignette_with_one_call_and_unknown_fields_stay_empty() -> None:
    asked = model(vignette=TWO)
    dialogue = await self_play(asked, only_a_name(1), rounds="0")
    assert len(asked.asked("vignette")) == 1
    assert dialogue.case
    assert dialogue.case.clinical
    assert dialogue.case.clinical.complaint == "SECOND fear"
    assert dialogue.case.clinical.physical_illness is None
    assert dialogue.case.clinical.treatment == "MANAGE it"
    assert dialogue.case.clinical.diagnoses[0].name == "panic disorder"
    assert dialogue.case.derived == ["clinical"]
    assert dialogue.case.extra["grounded"] is False
    assert "SECOND fear" in text_of(asked.asked("patient")[0])
    assert not any("MANAGE it" in text_of(call) for call in asked.calls)


async def test_two_vignettes_that_are_the_same_are_asked_for_again() -> None:
    asked = model(vignette=[{"vignettes": [vignette("same"), vignette("same")]}, TWO])
    await self_play(asked, only_a_name(), rounds="0")
    assert len(asked.asked("vignette")) == 2


async def test_four_cases_of_a_common_condition_take_two_generations(tmp_path: Path) -> None:
    common = next(c for c in conditions() if c.tier == "common")
    path = tmp_path / "cases.jsonl"
    path.write_text(
        "".join(
            f'{{"psyloom": "case/1", {case.model_dump_json(exclude_defaults=True)[1:]}\n'
            for case in planned_cases([common], "en")
        )
    )
    asked = model(vignette=TWO)
    summary = await run_cases("amie", path, tmp_path / "run", models=asked, options={"rounds": "0"})
    assert summary.failures == 0, (tmp_path / "run/failures.jsonl").read_text()
    assert len(asked.asked("vignette")) == 2
    told = [
        d.case.clinical.complaint
        for d in read_jsonl(tmp_path / "run/dialogues.jsonl", Dialogue)
        if d.case and d.case.clinical
    ]
    assert told == ["FIRST fear", "SECOND fear"] * 2


async def test_passages_are_filtered_one_by_one_and_what_is_kept_grounds_the_vignette(tmp_path: Path) -> None:
    folder = tmp_path / "panic disorder"
    folder.mkdir()
    for name in ("demographics1", "symptoms1", "symptoms2", "management1"):
        (folder / f"{name}.txt").write_text(f"PASSAGE {name}", "utf-8")
    asked = model(vignette=TWO, passage=lambda call: {"fits": "symptoms2" not in text_of(call)})
    dialogue = await self_play(asked, only_a_name(), rounds="0", passages=str(tmp_path))
    shown = text_of(asked.asked("vignette")[0])
    assert len(asked.asked("passage")) == 4
    assert all(f"PASSAGE {name}" in shown for name in ("demographics1", "symptoms1", "management1"))
    assert "PASSAGE symptoms2" not in shown
    assert dialogue.case
    assert dialogue.case.extra["grounded"] is True
    with pytest.raises(UsageError, match="holds no passage"):
        await self_play(model(vignette=TWO), only_a_name(), passages=str(tmp_path / "empty"))


@pytest.mark.accepts("amie", 5)
def test_an_iteration_plans_four_dialogues_of_a_common_and_two_of_a_rare_condition() -> None:
    listed = [
        Condition(id=f"c{n}", en=f"c{n}", zh=f"病{n}", tier="common" if n < 613 else "rare") for n in range(613 + 4617)
    ]
    cases = list(planned_cases(listed, "zh"))
    assert len(cases) == 11_686
    assert len({case.id for case in cases}) == 11_686
    assert [case.extra["vignette"] for case in cases[:5]] == [0, 1, 2, 3, 0]


def test_the_bundled_conditions_speak_both_languages_and_are_confused_with_one_another() -> None:
    ids = {one.id for one in conditions()}
    assert len(ids) == len(conditions())
    assert {one.tier for one in conditions()} == {"common", "rare"}
    assert all(
        one.en.isascii() and not one.zh.isascii() and set(one.confused_with) < ids - {one.id} for one in conditions()
    )


async def test_about_three_long_turns_of_a_side_are_learned_and_the_client_learns_with_its_vignette() -> None:
    dialogue = await self_play(model(8), rounds="0")
    for number, turn in enumerate(dialogue.turns):
        turn.text = f"{number} " + ("a message that is long enough to be learned" if number % 3 else "short")
    plan = {side: next(training_dialogues([dialogue], side)) for side in ("counselor", "client")}
    for side, marked in plan.items():
        learned = [t for t in marked.turns if t.speaker == side and t.extra["weight"] == 1]
        assert len(learned) == 3
        assert all(len(t.text) >= 30 for t in learned)
        assert all(t.extra["weight"] == 0 for t in marked.turns if t.speaker == side and t not in learned)
    assert "SYMPTOM" in str(plan["client"].extra["system"])
    assert "PLAN" not in str(plan["client"].extra["system"])
    assert "panic disorder" not in str(plan["client"].extra["system"])
    assert "weight" not in dialogue.turns[0].extra
    bare = dialogue.model_copy(update={"case": None})
    with pytest.raises(BadRecord, match="no vignette"):
        list(training_dialogues([bare], "client"))


# Mental health


@pytest.mark.accepts("amie", 10)
@pytest.mark.parametrize(
    ("lang", "question"),
    [("en", "Have you had thoughts of ending your life?"), ("zh", "你有没有过不想活、伤害自己的念头？")],
)  # fmt: skip
@pytest.mark.parametrize("reasoning", ["true", "false"])
async def test_in_mental_health_no_consultation_ends_before_risk_was_asked_about(
    lang: Lang, question: str, reasoning: str
) -> None:
    say = numbered("reply")
    due = {"en": "nearly over", "zh": "谈话快结束了"}[lang]
    if reasoning == "true":
        due = {"en": "This time the reply has to ask", "zh": "这一次一定要问到"}[lang]

    def speak(call: Call) -> str:
        return question if due in text_of(call) else say(call)

    dialogue = await consult(
        model(2, refine=speak, doctor=speak), patient(lang), mental_health="true", reasoning=reasoning
    )
    assert [t.text for t in dialogue.turns if t.speaker == "counselor"][-2] == question
    assert "risk_not_asked" not in dialogue.sessions[0].notes


@pytest.mark.accepts("amie", 10)
async def test_in_mental_health_a_question_that_was_not_asked_has_its_reason_in_the_record() -> None:
    refused = await consult(model(2), mental_health="true")
    assert refused.sessions[0].notes["risk_not_asked"] == "the doctor was told to ask and did not"
    capped = await consult(model(99), mental_health="true", **{"counselor.max_exchanges": "2"})
    assert capped.sessions[0].notes["risk_not_asked"] == "limit"
    general = await consult(model(2))
    assert "risk_not_asked" not in general.sessions[0].notes


@pytest.mark.accepts("amie", 10)
async def test_in_mental_health_every_version_of_self_play_has_a_risk_question_or_a_reason() -> None:
    question = "Have you had thoughts of ending your life?"
    say = numbered("reply")
    asks = await self_play(
        model(2, doctor=lambda call: question if "nearly over" in text_of(call) else say(call)), mental_health="true"
    )
    refuses = await self_play(model(2), mental_health="true")
    for dialogue, asked in ((asks, True), (refuses, False)):
        versions = [dialogue.sessions[0], *(kept.session for kept in earlier_versions(dialogue))]
        assert len(versions) == 3
        for session in versions:
            assert (question in [turn.text for turn in session.turns]) == asked
            assert ("risk_not_asked" in session.notes) != asked


async def test_in_mental_health_a_dose_is_asked_to_be_left_out() -> None:
    dialogue = await consult(
        model(2, refine=["Take 50 mg at night.", "Let us talk about treatment."]), mental_health="true"
    )
    assert dialogue.turns[2].text == "Let us talk about treatment."


async def test_in_mental_health_the_vignette_has_risk_and_style_and_patient_critic_and_moderator_know_more() -> None:
    two = {"vignettes": [vignette("FIRST fear", **MENTAL), vignette("SECOND fear", **MENTAL)]}
    asked = model(vignette=two)
    dialogue = await self_play(asked, only_a_name(), mental_health="true")
    assert dialogue.case
    assert dialogue.case.clinical
    assert dialogue.case.disposition
    assert dialogue.case.clinical.risk["suicide"] == "none"
    assert dialogue.case.clinical.present_illness == "onset_and_course told"
    assert dialogue.case.disposition.style == "communication_style told"
    for prompt, word in {
        "patient": "communication_style told",
        "critic": "Risk was asked about",
        "moderator": "handed the patient over",
        "doctor": "physical illness, medicines",
    }.items():
        assert word in text_of(asked.asked(prompt)[0])
    plain = model()
    await self_play(plain, patient(disposition={"style": "STYLE"}))
    assert not any(
        word in text_of(call)
        for call in plain.calls
        for word in ("STYLE", "Risk was asked about", "handed the patient over")
    )


async def test_the_bundled_cases_start_from_vignettes_and_from_bare_diagnoses_in_both_languages() -> None:
    cases = list(read_jsonl(find_system("amie").cases(), Case))
    assert {(case.lang, bool(case.get("clinical.complaint"))) for case in cases} == {
        ("zh", True),
        ("zh", False),
        ("en", True),
        ("en", False),
    }


# Commands


@pytest.mark.accepts("amie", 5)
def test_the_cases_of_an_iteration_come_from_the_command_line(tmp_path: Path) -> None:
    ran = psyloom("cases", "amie", "--make", "iteration", "--lang", "zh")
    cases = [
        Case.model_validate({k: v for k, v in json.loads(line).items() if k != "psyloom"})
        for line in ran.out.splitlines()
    ]
    expected = {"common": 4, "rare": 2}
    assert len(cases) == sum(expected[one.tier] for one in conditions())
    assert {case.lang for case in cases} == {"zh"}
    own = tmp_path / "own.toml"
    own.write_text('[[condition]]\nid = "x"\nen = "X"\nzh = "某"\ntier = "rare"\n', "utf-8")
    mine = psyloom("cases", "amie", "--make", "iteration", "--set", f"conditions_from={own}")
    assert [json.loads(line)["id"] for line in mine.out.splitlines()] == ["x-1", "x-2"]


async def test_what_the_outer_loop_learns_comes_from_the_command_line(tmp_path: Path) -> None:
    dialogue = await self_play(model(8), rounds="1")
    for turn in dialogue.turns:
        turn.text += " and so on, long enough to be learned"
    made, learned = tmp_path / "made.jsonl", tmp_path / "learned.jsonl"
    write_jsonl(made, [dialogue])
    assert psyloom("export", str(made), "--to", "amie.learned", "--target", "client", "--out", str(learned)).code == 0
    (marked,) = read_jsonl(learned, Dialogue)
    assert sum(turn.extra.get("weight", 0) for turn in marked.turns if turn.speaker == "client") == 3  # type: ignore[misc,arg-type]
    rows = tmp_path / "rows.jsonl"
    ran = psyloom(
        "export", str(learned), "--to", "messages", "--unit", "turn", "--target", "client", "--out", str(rows)
    )
    assert ran.out.startswith(f"{rows}: 3 examples")
    pairs = tmp_path / "pairs.jsonl"
    assert psyloom("export", str(made), "--to", "amie.preferences", "--out", str(pairs)).code == 0
    (row,) = map(json.loads, pairs.read_text("utf-8").splitlines())
    assert [one["content"] for one in row["chosen"]] == [turn.text for turn in dialogue.turns]
    assert [one["content"] for one in row["rejected"]] == [t.text for t in earlier_versions(dialogue)[0].session.turns]


@pytest.mark.accepts("amie", 7)
async def test_top_k_over_dialogues_matches_a_hand_example_and_never_falls_with_k(tmp_path: Path) -> None:
    answers = [
        ["panic disorder", "b", "c"],
        ["a", "panic disorder", "c"],
        ["a", "b", "panic disorder"],
        ["a", "b", "c"],
    ]
    dialogues = [
        (await consult(model(2, questionnaire=FORM | {"ddx": ddx}))).model_copy(update={"id": f"d{n}"})
        for n, ddx in enumerate(answers)
    ]
    write_jsonl(tmp_path / "d.jsonl", dialogues)
    ran = psyloom("analyze", "diagnoses", str(tmp_path / "d.jsonl"))
    shares = [float(line.split()[1]) for line in ran.out.splitlines()[2:]]
    assert shares == [0.25, 0.5, 0.75] + [0.75] * 7
    assert shares == sorted(shares)


# Marks in a row, and the cap of a pairing


@pytest.mark.parametrize(
    ("lang", "text"), [("zh", "多久了？？？"), ("en", "Since when??? ok"), ("en", "Really?! How often??")]
)
def test_question_marks_in_a_row_belong_to_one_question(lang: Lang, text: str) -> None:
    assert questions(text) <= 2
    assert two_questions(text, lang) == text


async def test_the_cap_of_a_pairing_is_the_doctors_who_takes_leave_at_it() -> None:
    dialogue = await consult(model(99), max_exchanges="2")
    assert dialogue.turns[-1].text == PARTING["en"]
    assert dialogue.sessions[0].notes["ended_by"] == "limit"
    assert "questionnaire" in dialogue.sessions[0].notes
    own = await consult(model(99), max_exchanges="2", **{"counselor.max_exchanges": "1"})
    assert own.sessions[0].exchanges() == 1


@pytest.mark.parametrize("mental_health", ["false", "true"])
async def test_a_patient_who_ends_the_consultation_is_taken_leave_of_with_the_questionnaire_filled_in(
    mental_health: str,
) -> None:
    options = {
        "client.lines": '["I have panic attacks.", "That is all, goodbye."]',
        "counselor.mental_health": mental_health,
    }
    dialogue = await write(pair("amie", "plain", options), patient(), model(99))
    assert [turn.text for turn in dialogue.turns][-2:] == ["That is all, goodbye.", PARTING["en"]]
    notes = dialogue.sessions[0].notes
    assert notes["ended_by"] == "patient"
    assert "questionnaire" in notes
    assert ("risk_not_asked" in notes) == (mental_health == "true")


async def test_a_dialogue_without_earlier_versions_makes_no_pairs() -> None:
    assert preference_pairs(await self_play(model(), rounds="0")) == []


@pytest.mark.parametrize("reasoning", ["true", "false"])
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_doctor_asks_about_risk_once_in_mental_health(lang: Lang, reasoning: str) -> None:
    options = {"counselor.mental_health": "true", "counselor.reasoning": reasoning}
    dialogue = await write(pair("amie", "amie", options), patient(lang), Rehearsal())
    said = [turn.text for turn in dialogue.turns if turn.speaker == "counselor"]
    asked = [text for text in said if text in phrases(lang)["counselor"]["risk"]]
    assert len(asked) == 1
    assert cue_in(asked[0], lang)
    assert "risk_not_asked" not in dialogue.sessions[0].notes
