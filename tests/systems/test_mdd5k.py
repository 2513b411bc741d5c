"""MDD-5k: the checks of its specification. arXiv 2408.12142."""

import itertools
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.knowledge.inquiry import inquiry_tree
from psyloom.knowledge.labels import label_set
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import phrases
from psyloom.records import Case, Clinical, Dialogue, Lang, read_jsonl
from psyloom.runs import pair
from psyloom.systems import find_system
from psyloom.systems.mdd5k.background import doctors, event_graph, gender_of, years_of
from psyloom.systems.mdd5k.system import damped
from tests.support import Scripted, numbered, text_of, write

TREE, TOPICS = inquiry_tree("symptom_inquiry"), label_set("mdd5k_topic")
RECORD = {
    "complaint": "COMPLAINT tired and sad", "present_illness": "ILLNESS wakes at four", "personal_history": {"work": "WORK baker"},
    "mental_state": {"affect": "AFFECT low"}, "diagnoses": [{"name": "DIAGNOSIS depressive episode", "code": "F32.9"}],
    "treatment": "TREATMENT therapy and a review",
}  # fmt: skip
ANGLES = ["how the shop closed", "what your brother said"]
HIDDEN = ("DIAGNOSIS", "F32.9", "COMPLAINT", "ILLNESS", "WORK", "AFFECT", "TREATMENT", "STORY")


def patient(lang: Lang = "en", age: Any = 30, gender: str = "female") -> Case:
    return Case.model_validate(
        {"id": "p", "lang": lang, "demographics": {"age": age, "gender": gender}, "clinical": RECORD}
    )


def said(stem: str) -> Any:
    say = numbered(stem)
    return lambda call: {"utterance": say(call)}


def model(**more: Any) -> Scripted:
    given: dict[str, Any] = {
        "opening": said("greeting"), "doctor": said("question"), "direct": said("question"), "patient": numbered("answer"),
        "patient_story": numbered("told"), "trigger": {"trigger": False}, "story": "STORY The shop closed in a week.",
        "topic_end": {"end": True}, "parse": {"angles": ANGLES}, "duplicate": {"duplicate": False},
    }  # fmt: skip
    return Scripted(**given | more)


async def simulate(with_: Scripted, case: Case | None = None, seed: int = 0, **options: str) -> Dialogue:
    return await write(pair("mdd5k", "mdd5k", options), case or patient(), with_, seed=seed)


def topics(dialogue: Dialogue) -> list[str]:
    return [turn.labels[0].id for turn in dialogue.turns if turn.labels]


def unseen(call: Call) -> list[str]:
    return [word for word in HIDDEN if word in text_of(call)]


# The queue


async def test_each_planned_topic_is_asked_once_when_every_topic_ends_at_once_and_the_slot_becomes_the_angles() -> None:
    dialogue = await simulate(model())
    plan = dialogue.sessions[0].notes["topic_plan"]
    assert isinstance(plan, list)
    assert len(plan) == 20
    assert plan[1] == "experience"
    assert topics(dialogue) == ["present_state", "experience", *plan[1:]]
    assert [t.extra["topic"] for t in dialogue.turns if t.extra.get("topic_source") == "parsed"] == ANGLES


@pytest.mark.accepts("mdd5k", 3)
@pytest.mark.parametrize(("age", "gender"), [*itertools.product([17, 40, 66], ["male", "female"])])
async def test_the_slot_is_replaced_and_duplicates_go_for_both_genders_and_all_ages(age: int, gender: str) -> None:
    def twice(call: Call) -> dict[str, bool]:
        return {"duplicate": "The topic: personality" in text_of(call)}

    dialogue = await simulate(model(duplicate=twice), patient(age=age, gender=gender))
    notes = dialogue.sessions[0].notes
    assert notes["parsed_topics"] == ANGLES
    assert notes["deleted_topics"] == ["personality"]
    assert "personality" not in topics(dialogue)
    assert "menses" not in topics(dialogue) or (gender == "female" and age < 60)


@pytest.mark.accepts("mdd5k", 3)
@pytest.mark.parametrize(("count", "taken"), [(1, False), (2, True), (3, True), (4, False)])
async def test_the_slot_becomes_two_or_three_topics_never_more_or_fewer(count: int, taken: bool) -> None:
    angles = [f"angle {n}" for n in range(count)]
    dialogue = await simulate(model(parse=[{"angles": angles}, {"angles": ANGLES}]))
    assert dialogue.sessions[0].notes["parsed_topics"] == (angles if taken else ANGLES)
    assert dialogue.quality.rejected == (0 if taken else 1)


async def test_the_opening_exchange_is_judged_against_the_first_topic() -> None:
    asked = model()
    await simulate(asked)
    assert "how things have been lately" in text_of(asked.asked("topic_end")[0])


async def test_a_topic_is_judged_by_what_was_said_since_it_began() -> None:
    asked = model(topic_end=[{"end": True}, {"end": False}, {"end": True}])
    await simulate(asked)
    shown = [text_of(call) for call in asked.asked("topic_end")[:3]]
    assert "greeting number 1 " in shown[0]
    assert "greeting number 1 " not in shown[1]
    assert all(word in shown[2] for word in ("question number 1 ", "question number 2 ", "answer number 3 "))
    assert "answer number 1 " not in shown[2]


@pytest.mark.accepts("mdd5k", 2)
async def test_five_seeds_give_five_stories_and_not_one_order_and_not_one_persona() -> None:
    made = [(await simulate(model(trigger={"trigger": True}), seed=seed)).sessions[0].notes for seed in range(5)]
    triplets = {tuple(notes["experience"][k] for k in ("time", "people", "event")) for notes in made}  # type: ignore[index,call-overload]
    assert len(triplets) == 5
    assert len({str(notes["topic_plan"]) for notes in made}) == 5
    assert len({notes["persona"] for notes in made}) > 1
    again = await simulate(model(trigger={"trigger": True}), seed=3)
    assert again.sessions[0].notes == made[3]


# The damper


@pytest.mark.accepts("mdd5k", 4)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers())
def test_no_topic_gets_a_third_continue_in_a_row_once_there_are_six_decisions(verdicts: list[bool], seed: int) -> None:
    rng, log = random.Random(seed), []
    for verdict in verdicts:
        log.append(verdict)
        log[-1] = damped(log, rng)
    assert all(any(log[at - 2 : at + 1]) for at in range(5, len(log)))


@given(st.lists(st.booleans(), min_size=1, max_size=5), st.integers())
def test_the_first_five_decisions_are_the_models_own(log: list[bool], seed: int) -> None:
    assert damped(log, random.Random(seed)) == log[-1]


@pytest.mark.parametrize(
    ("third", "second", "last", "share"),
    [(False, False, False, 1), (True, False, False, 2 / 3), (True, False, True, 1), (True, True, True, 1), (False, True, False, 1 / 3)],
)  # fmt: skip
def test_topics_end_as_often_as_the_released_damper_says(third: bool, second: bool, last: bool, share: float) -> None:
    log = [True, True, True, third, second, last]
    ended = sum(damped(log, random.Random(seed)) for seed in range(3000))
    assert abs(ended / 3000 - share) < 0.04


@pytest.mark.accepts("mdd5k", 4)
async def test_the_damped_verdict_is_what_counts_and_both_are_kept() -> None:
    dialogue = await simulate(model(topic_end={"end": False}))
    judged = [turn.extra for turn in dialogue.turns if "topic_ended" in turn.extra]
    assert not any(extra["topic_ended"] for extra in judged)
    assert [extra["topic_ended_damped"] for extra in judged[:5]] == [False] * 5
    assert dialogue.sessions[0].ended == "counselor closed"
    runs = [len(list(run)) for over, run in itertools.groupby(e["topic_ended_damped"] for e in judged[5:]) if not over]
    assert max(runs, default=0) <= 2


# The experience


@pytest.mark.accepts("mdd5k", 5)
async def test_once_set_off_the_experience_stays_and_before_that_no_prompt_of_the_patient_has_it() -> None:
    asked = model(trigger=[{"trigger": False}, {"trigger": False}, {"trigger": True}])
    dialogue = await simulate(asked)
    used = [turn.extra["experience_used"] for turn in dialogue.turns if turn.speaker == "client"]
    assert used == [False, False] + [True] * (len(used) - 2)
    assert not any("STORY" in text_of(call) for call in asked.asked("patient"))
    assert all("STORY" in text_of(call) for call in asked.asked("patient_story"))
    assert asked.counts()["trigger"] == 3
    assert asked.counts()["story"] == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_patient_goes_on_reading_what_it_first_said_of_the_experience_when_its_window_has_dropped_it(
    lang: Lang,
) -> None:
    asked = model(trigger=[{"trigger": False}, {"trigger": True}])
    dialogue = await simulate(asked, patient(lang), **{"client.window": "2"})
    before, first, second = [turn.text for turn in dialogue.turns if turn.speaker == "client"][:3]
    at_first, *later = [text_of(call) for call in asked.asked("patient_story")]
    assert first not in at_first
    assert len(later) > 9
    assert all(text.count(first) == 1 for text in later[1:])
    assert not any(before in text or second in text for text in later[2:])


@pytest.mark.accepts("mdd5k", 2)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_five_runs_with_five_stories_tell_of_one_and_the_same_record(lang: Lang) -> None:
    records: set[str] = set()
    for seed in range(5):
        asked = model(trigger=[{"trigger": False}, {"trigger": True}], story=f"STORY of seed {seed}.")
        await simulate(asked, patient(lang), seed=seed)
        shown = [text_of(call) for call in asked.asked("patient") + asked.asked("patient_story")]
        # The record is everything between its first and its last line.
        records |= {text[text.index("COMPLAINT") : text.index("AFFECT")] for text in shown}
    assert len(records) == 1


@pytest.mark.accepts("mdd5k", 2)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_what_the_patient_says_against_the_record_is_said_again(lang: Lang) -> None:
    against = {"contradictions": ["says ELEVEN, the record has four"]}
    say = numbered("answer")

    def eleven_at_first(call: Call) -> str:
        return "I wake at eleven." if len(asked.asked("patient")) == 1 else say(call)

    asked = model(verify=[against, {"contradictions": []}], patient=eleven_at_first)
    dialogue = await simulate(asked, patient(lang), **{"client.verify": "true"})
    assert not any("eleven" in turn.text for turn in dialogue.turns)
    assert dialogue.quality.guards == {"off_record": 1}
    assert "says ELEVEN" in text_of(asked.asked("patient")[1])
    assert not any("ELEVEN" in text_of(call) for call in asked.asked("patient")[2:])
    first = text_of(asked.asked("verify")[0])
    assert all(word in first for word in ("COMPLAINT", "ILLNESS", "AFFECT", "I wake at eleven.", "greeting number 1 "))
    assert not any(word in first for word in ("TREATMENT", "DIAGNOSIS", "F32.9"))


async def test_a_patient_who_keeps_to_it_is_kept_and_counted() -> None:
    asked = model(verify={"contradictions": ["no"]})
    dialogue = await simulate(asked, **{"client.verify": "true", "counselor.max_exchanges": "2"})
    assert dialogue.quality.guards == {"off_record": 6}
    assert dialogue.quality.kept == {"off_record": 2}
    assert asked.counts()["patient"] == 6


async def test_without_the_experience_no_story_is_asked_for() -> None:
    asked = model()
    await simulate(asked, **{"client.experience": "false"})
    assert not {"trigger", "story", "patient_story"} & set(asked.counts())


@pytest.mark.parametrize(
    ("lang", "hopeful", "sober"),
    [("en", "It was bad. With my doctor's help I got better.", "It was bad."), ("zh", "后来我终于走出来了。", "后来我谁也没说。")],
)  # fmt: skip
async def test_a_story_with_a_hopeful_end_is_asked_for_again(lang: Lang, hopeful: str, sober: str) -> None:
    asked = model(trigger={"trigger": True}, story=[hopeful, sober])
    dialogue = await simulate(asked, patient(lang))
    assert dialogue.sessions[0].notes["experience"]["story"] == sober  # type: ignore[index,call-overload]
    assert dialogue.quality.guards == {"stays_with_the_trouble": 1}


@given(st.integers(), st.sampled_from([None, 12, 25, 38, 47, 71]), st.sampled_from(["female", "male", None]))
def test_every_age_and_gender_finds_a_triplet_of_its_own_decade(seed: int, years: int | None, gender: Any) -> None:
    time, people, event = event_graph().draw(years, gender, "zh", random.Random(seed))
    assert all((time, people, event))
    if years and years >= 30:
        assert people not in ("班主任", "室友", "导师")
        assert "小学" not in time
    if gender != "female":
        assert people != "丈夫"
        assert event != "重男轻女"


def test_a_category_comes_up_in_proportion_to_its_persons() -> None:
    graph = event_graph()
    sizes = {c.id: len(c.narrowed(40, "male")[0]) for c in graph.category}
    rng = random.Random(1)
    drawn = Counter(graph.draw(40, "male", "en", rng).people for _ in range(6000))
    whole = sum(sizes.values())
    assert abs(drawn["you yourself"] / 6000 - sizes["self"] / whole) < 0.03
    assert abs((drawn["your son"] + drawn["your daughter"]) / 6000 - sizes["own_family"] / whole) < 0.03


@pytest.mark.parametrize(
    ("word", "gender"),
    [
        ("女", "female"),
        ("男性", "male"),
        ("Female", "female"),
        ("male", "male"),
        ("man", "male"),
        ("women's", None),
        ("", None),
        (None, None),
    ],
)
def test_gender_is_read_from_records_of_both_languages(word: str | None, gender: str | None) -> None:
    assert gender_of(word) == gender


@pytest.mark.parametrize(
    ("age", "years"), [(30, 30), ("20多岁", 20), ("about 45", 45), ("middle-aged", None), (None, None)]
)
def test_years_are_the_first_number_in_an_age(age: object, years: int | None) -> None:
    assert years_of(age) == years


# Who sees what


@pytest.mark.accepts("mdd5k", 6)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("direct", ["false", "true"])
async def test_the_doctor_never_reads_diagnosis_code_complaint_story_or_treatment(lang: Lang, direct: str) -> None:
    asked = model(trigger={"trigger": True}, talk_end={"end": False})
    await simulate(asked, patient(lang), direct=direct)
    for name in ("opening", "doctor", "direct", "topic_end", "parse", "duplicate", "talk_end"):
        assert not any(unseen(call) for call in asked.asked(name))


@pytest.mark.accepts("mdd5k", 6)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_patient_reads_its_record_and_the_topic_but_never_the_treatment(lang: Lang) -> None:
    asked = model(trigger=[{"trigger": False}, {"trigger": True}])
    await simulate(asked, patient(lang))
    for call in asked.asked("patient") + asked.asked("patient_story"):
        assert all(word in text_of(call) for word in ("COMPLAINT", "ILLNESS", "WORK", "AFFECT", "DIAGNOSIS"))
        assert "TREATMENT" not in text_of(call)
        assert "F32.9" not in text_of(call)
    assert TOPICS["present_state"].name(lang) in text_of(asked.asked("patient")[0])


async def test_doctor_and_patient_see_at_most_six_and_eight_utterances_and_exactly_so_many_without_steady() -> None:
    seen: dict[str, dict[str, list[int]]] = {}
    for steady in ("true", "false"):
        asked = model()
        await simulate(asked, **{"counselor.steady": steady, "client.steady": steady})
        seen[steady] = {
            name: [text_of(call).count("of this talk") for call in asked.asked(name)[5:13]]
            for name in ("doctor", "patient")
        }
    assert seen["true"] == {"doctor": [6, 4] * 4, "patient": [6, 8] * 4}
    assert seen["false"] == {"doctor": [6] * 8, "patient": [8] * 8}


@pytest.mark.accepts("mdd5k", 7)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_empathy_instruction_is_there_exactly_when_the_persona_has_empathy(lang: Lang) -> None:
    word = {"zh": "理解和关心", "en": "you understand and care"}[lang]
    for number, doctor in enumerate(doctors(), 1):
        asked = model()
        await simulate(asked, patient(lang), persona=str(number))
        assert all((word in text_of(call)) == doctor.empathy for call in asked.asked("doctor") + asked.asked("opening"))
        assert doctor.style.of(lang) in text_of(asked.asked("doctor")[0])


async def test_probes_are_told_only_when_asked_for() -> None:
    probe = TREE.leaves[[leaf.id for leaf in TREE.leaves].index("sleep")].probe.en
    for option in ("false", "true"):
        asked = model()
        await simulate(asked, probes=option)
        assert any(probe in text_of(call) for call in asked.asked("doctor")) == (option == "true")


# The end


@pytest.mark.accepts("mdd5k", 8)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_interview_ends_with_its_last_topic_and_the_closing_turn_is_the_label(lang: Lang) -> None:
    dialogue = await simulate(model(), patient(lang))
    *_, last = dialogue.turns
    assert dialogue.sessions[0].ended == "counselor closed"
    assert "DIAGNOSIS depressive episode" in last.text
    assert "TREATMENT therapy and a review" in last.text
    assert not any("DIAGNOSIS" in turn.text for turn in dialogue.turns[:-1])
    assert [(one.set, one.id) for one in dialogue.labels] == [
        ("mdd5k_icd", "F32.9"), ("mdd5k_diagnosis", "DIAGNOSIS depressive episode")
    ]  # fmt: skip
    assert topics(dialogue)[-1] == dialogue.sessions[0].notes["topic_plan"][-1]  # type: ignore[index,call-overload]


@pytest.mark.accepts("mdd5k", 8)
@pytest.mark.parametrize(
    ("lang", "both"), [("zh", "DIAGNOSIS one、DIAGNOSIS two。"), ("en", "DIAGNOSIS one, DIAGNOSIS two.")]
)
async def test_every_diagnosis_of_the_record_is_said_at_the_end_and_becomes_a_label(lang: Lang, both: str) -> None:
    several = [{"name": "DIAGNOSIS one", "code": "F32.9"}, {"name": "DIAGNOSIS two", "code": "F41.1"}]
    given = patient(lang).model_copy(update={"clinical": Clinical.model_validate(RECORD | {"diagnoses": several})})
    dialogue = await simulate(model(), given)
    assert both in dialogue.turns[-1].text
    assert [(one.set, one.id) for one in dialogue.labels] == [
        ("mdd5k_icd", "F32.9"), ("mdd5k_icd", "F41.1"),
        ("mdd5k_diagnosis", "DIAGNOSIS one"), ("mdd5k_diagnosis", "DIAGNOSIS two"),
    ]  # fmt: skip


@pytest.mark.accepts("mdd5k", 8)
async def test_a_last_topic_that_goes_on_holds_the_end_back() -> None:
    def over(call: Call) -> dict[str, bool]:
        return {"end": len(asked.asked("topic_end")) not in (21, 22)}

    asked = model(topic_end=over)
    longer, usual = await simulate(asked), await simulate(model())
    held = [turn.extra for turn in longer.turns if turn.extra.get("topic_ended_damped") is False]
    assert held
    assert longer.sessions[0].exchanges() == usual.sessions[0].exchanges() + len(held)
    assert topics(longer)[-1 - len(held) :] == [topics(usual)[-1]] * (1 + len(held))
    assert longer.turns[-1].text == usual.turns[-1].text


async def test_a_case_without_a_diagnosis_is_closed_without_one() -> None:
    open_ = {key: text for key, text in RECORD.items() if key not in ("diagnoses", "treatment")}
    dialogue = await simulate(model(), patient().model_copy(update={"clinical": Clinical.model_validate(open_)}))
    assert "diagnosis" not in dialogue.turns[-1].text
    assert dialogue.labels == []


async def test_the_cap_ends_an_interview_that_goes_on() -> None:
    dialogue = await simulate(model(topic_end={"end": False}), **{"counselor.max_exchanges": "4"})
    assert dialogue.sessions[0].ended == "limit"
    assert len(dialogue.turns) == 8


# Calls


async def test_calls_are_one_of_each_agent_an_exchange_plus_one_parse_one_story_and_a_duplicate_check_a_topic() -> None:
    asked = model(trigger=[{"trigger": False}, {"trigger": True}])
    dialogue = await simulate(asked)
    exchanges = dialogue.sessions[0].exchanges()
    assert exchanges == 21
    assert asked.counts() == {
        "opening": 1, "doctor": exchanges - 1, "topic_end": exchanges, "patient": 1, "patient_story": exchanges - 1,
        "trigger": 2, "story": 1, "parse": 1, "duplicate": 18,
    }  # fmt: skip
    assert 80 <= dialogue.quality.calls <= 115


async def test_one_call_can_stand_for_all_duplicate_checks() -> None:
    asked = model(duplicates={"numbers": [1, 18]})
    dialogue = await simulate(asked, batch_duplicates="true")
    plan, deleted = (dialogue.sessions[0].notes[k] for k in ("topic_plan", "deleted_topics"))
    assert deleted == [plan[2], plan[-1]]  # type: ignore[index,call-overload]
    assert asked.counts()["duplicates"] == 1
    assert "duplicate" not in asked.counts()


async def test_the_baseline_asks_without_a_tree_and_stops_when_its_judge_or_22_utterances_say_so() -> None:
    dialogue = await simulate(model(talk_end={"end": False}), direct="true")
    assert len(dialogue.turns) == 25
    assert "topic_plan" not in dialogue.sessions[0].notes
    asked = model(talk_end=[{"end": False}, {"end": True}])
    early = await simulate(asked, direct="true")
    assert len(early.turns) == 5
    assert "TREATMENT" in early.turns[-1].text
    assert asked.counts() == {"direct": 2, "patient": 2, "talk_end": 2, "trigger": 2}


# Rehearsal


def sample(number: int, lang: Lang) -> Case:
    """One of the bundled cases."""
    return [one for one in read_jsonl(find_system("mdd5k").cases(), Case) if one.lang == lang][number]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_patient_answers_from_its_record_where_that_knows(lang: Lang, number: int) -> None:
    case = sample(number, lang)
    dialogue = await write(pair("mdd5k", "mdd5k"), case, Rehearsal())
    labels, record = label_set("mdd5k_topic"), case.clinical
    assert record
    known = {"relatives": record.family_history, "physical_illness": record.physical_illness}
    keys = {
        "relationship": ("婚恋情况", "relationship"),
        "personality": ("病前性格", "personality"),
        "work": ("工作、学习情况", "work"),
        "living_situation": ("living",),
    }
    known |= {
        leaf: next((fact for key, fact in record.personal_history.items() if key in keys[leaf]), None) for leaf in keys
    }
    stock = [line for entry in phrases(lang)["client"]["answer"] for line in entry["say"]]
    told = [turn.text for turn in dialogue.turns if turn.speaker == "client"]
    met = 0
    for question, answer in itertools.pairwise(dialogue.turns):
        fact = known.get(question.labels[0].id) if question.speaker == "counselor" and question.labels else None
        if fact and fact not in ("无", "none"):
            met += 1
            assert answer.text not in stock, (labels[question.labels[0].id].name(lang), answer.text)
    assert met >= 2
    assert len(told) == len(set(told))


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_direct_interview_goes_on_for_a_while(lang: Lang) -> None:
    dialogue = await write(pair("mdd5k", "mdd5k", {"direct": "true"}), sample(0, lang), Rehearsal())
    assert dialogue.sessions[0].exchanges() >= 8
