"""The data augmentation pipeline: the checks of its specification. arXiv 2406.08718."""

import asyncio
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from psyloom.agents.desk import Shelf
from psyloom.cli import main
from psyloom.errors import AnswerRejected, BadRecord, UsageError
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Answer, Artefact, Case, Dialogue, Lang, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.systems import find_system
from psyloom.systems.posts import per_answer
from psyloom.systems.psyaug.board import best_answer, traces_of
from psyloom.systems.psyaug.information import ClientInfo, TherapistInfo
from psyloom.systems.psyaug.system import ABOUT_THERAPY, BLOCKS, DISORDERS, TOPICS, PsyAug
from tests.support import Scripted, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
CLIENT = {
    "age_group": "AGE", "gender": "GENDER", "duration": "DURATION", "symptoms": ["SYMPTOM"], "triggers": ["TRIGGER"],
    "relationships": [], "coping_tried": ["TRIED"], "goal": "GOAL", "emotional_tone": "EMOTION", "quotes": ["QUESTION"],
}  # fmt: skip
THERAPIST = {
    "credentials": "PROFESSION", "specialities": ["FIELD"], "approach": "APPROACH", "techniques": ["TECHNIQUE"],
    "tone": "TONE", "question_style": "ASKS", "advice_style": "ADVISES", "self_disclosure": False, "referral_habit": "REFERS",
}  # fmt: skip
SAID = {
    "zh": ("第{}次想起来还是难受。", "第{}点我听见了，我们一起看看。"),
    "en": ("It is number {} and it hurts.", "I hear number {} and stay with you there."),
}


def answer(text: str = "ADVICE", who: str = "Ana Example, LMFT", **extra: Any) -> dict[str, Any]:
    return {"text": text, "author": who, "about_author": "ABOUT calm", "extra": extra}


def case(lang: Lang = "en", id_: str = "q", topic: str = "anxiety", answers: Any = None, **more: Any) -> Case:
    post = {"title": "TITLE", "text": "QUESTION", "topic": topic, "answers": answers or [answer()]}
    return Case.model_validate({"id": id_, "lang": lang, "post": post, **more})


def session(lang: Lang = "en", exchanges: int = 7, **changed: str) -> dict[str, Any]:
    """A good session; ``changed``: m3="..." changes the text of the third message."""
    turns = [
        {"speaker": ("client", "counselor")[n % 2], "text": SAID[lang][n % 2].format(n + 1)}
        for n in range(2 * exchanges)
    ]
    for at, text in changed.items():
        turns[int(at[1:]) - 1]["text"] = text
    return {"turns": turns}


def answers_all(lang: Lang = "en", **more: Any) -> Scripted:
    found = {"client": CLIENT, "therapist": THERAPIST, "session": session(lang), "coverage": judged([True])}
    return Scripted(**(found | more))


@pytest.mark.accepts("psyaug", 1, 2)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_row_goes_through_two_steps_and_the_record_keeps_x_y_m_c_t_and_the_turns(lang: Lang) -> None:
    model = answers_all(lang)
    dialogue = await write("psyaug", case(lang), model)
    assert sorted(call.prompt for call in model.calls[:2]) == ["client", "therapist"]
    assert [call.prompt for call in model.calls[2:]] == ["session", "coverage"]
    notes = dialogue.sessions[0].notes
    assert (notes["client_info"], notes["therapist_info"]) == (CLIENT, THERAPIST)
    assert (notes["question"], notes["disorder"]) == ("q", TOPICS["anxiety"].name(lang))
    assert dialogue.case is not None
    assert dialogue.case.post is not None
    assert dialogue.case.post.text == "QUESTION"
    assert [one.text for one in dialogue.case.post.answers] == ["ADVICE"]
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 7
    assert [label.id for label in dialogue.labels] == ["anxiety"]


@pytest.mark.accepts("psyaug", 1)
async def test_extraction_can_be_edited_before_generation() -> None:
    model = answers_all()
    edited = {"client_info": CLIENT | {"goal": "EDITED-GOAL"}, "therapist_info": THERAPIST | {"tone": "EDITED-TONE"}}
    await write("psyaug", case(extra=edited), model)
    assert model.counts() == {"coverage": 1, "session": 1}
    assert "EDITED-GOAL" in text_of(model.calls[0])
    assert "EDITED-TONE" in text_of(model.calls[0])
    with pytest.raises(BadRecord, match="ClientInfo"):
        await write("psyaug", case(extra={"client_info": {"goal": "x"}}), answers_all())


@pytest.mark.accepts("psyaug", 1, 2)
async def test_the_steps_can_be_run_apart_with_the_results_edited_in_between(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case(id_="a"), case(id_="b", answers=[answer(who="Ben Muster")])])
    first, second = answers_all(), answers_all()
    options: dict[str, Any] = {"steps": "extraction"}
    await run_cases("psyaug", tmp_path / "cases.jsonl", tmp_path / "step1", options=options, models=first)
    assert first.counts() == {"client": 2, "therapist": 2}
    stored = list(read_jsonl(tmp_path / "step1/dialogues.jsonl", Dialogue))
    assert [(one.turns, one.sessions[0].notes["client_info"]) for one in stored] == [([], CLIENT)] * 2
    stored[1].sessions[0].notes["client_info"] = CLIENT | {"goal": "EDITED-GOAL"}
    stored[1].sessions[0].notes["therapist_info"] = THERAPIST | {"tone": "EDITED-TONE"}
    write_jsonl(tmp_path / "step1/dialogues.jsonl", stored)
    options = {"extracted": str(tmp_path / "step1")}
    await run_cases(
        "psyaug", tmp_path / "cases.jsonl", tmp_path / "step2", options=options, models=second, concurrency=1
    )
    assert second.counts() == {"coverage": 2, "session": 2}
    asked = [text_of(call) for call in second.asked("session")]
    assert [("EDITED-GOAL" in text, "EDITED-TONE" in text) for text in asked] == [(False, False), (True, True)]
    made = list(read_jsonl(tmp_path / "step2/dialogues.jsonl", Dialogue))
    assert [one.sessions[0].notes["client_info"]["goal"] for one in made] == ["GOAL", "EDITED-GOAL"]  # type: ignore[index, call-overload]
    assert [one.sessions[0].notes["therapist"] for one in made] == [
        one.sessions[0].notes["therapist"] for one in stored
    ]
    with pytest.raises(UsageError, match="steps=extraction"):
        await write("psyaug", case(id_="c"), answers_all(), options=options)


@pytest.mark.accepts("psyaug", 5)
@pytest.mark.parametrize("judge", [True, False])
async def test_a_session_is_two_calls_a_judge_and_a_therapist_one_more_whoever_asks_first(judge: bool) -> None:
    model, shelf = answers_all(), Shelf()
    rows = [case(id_="a"), case(id_="b"), case(id_="c", answers=[answer(who="Ben Muster, PhD")])]
    made = await asyncio.gather(*(write(PsyAug(judge=judge), row, model, shelf=shelf) for row in rows))
    assert model.counts() == {"client": 3, "session": 3, "therapist": 2} | ({"coverage": 3} if judge else {})
    keys = [dialogue.sessions[0].notes["therapist"] for dialogue in made]
    assert keys[0] == keys[1] != keys[2]
    assert {artefact.owner for artefact in shelf.kept.values()} == set(keys)


@pytest.mark.accepts("psyaug", 1, 5)
async def test_the_style_cards_of_a_run_are_written_beside_its_dialogues(tmp_path: Path) -> None:
    summary = await run_cases("psyaug", find_system("psyaug").cases(), tmp_path / "out")
    cards = list(read_jsonl(tmp_path / "out/artefacts.jsonl", Artefact))
    assert len(cards) == 3
    assert summary.progress.calls == 3 * 5 + 3


async def test_a_therapist_is_learned_from_up_to_five_answers_of_the_training_split_of_the_board(
    tmp_path: Path,
) -> None:
    board = [case(id_=f"b{n}", answers=[answer(f"BOARD-{n}", split="test" if n == 0 else "train"), answer(f"ELSE-{n}", "Ben")]) for n in range(8)]  # fmt: skip
    write_jsonl(tmp_path / "board.jsonl", board)
    model = answers_all()
    await write("psyaug", case(), model, options={"board": str(tmp_path / "board.jsonl")})
    text = text_of(model.asked("therapist")[0])
    assert [f"BOARD-{n}" in text for n in range(8)] == [False, True, True, True, True, True, False, False]
    assert "ELSE" not in text
    assert "ABOUT calm" in text
    alone = answers_all()
    await write(
        "psyaug", case(answers=[answer(who="Nobody There")]), alone, options={"board": str(tmp_path / "board.jsonl")}
    )
    assert "ADVICE" in text_of(alone.asked("therapist")[0])


@pytest.mark.accepts("psyaug", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_prompt_has_four_blocks_in_order_and_each_can_be_replaced(lang: Lang) -> None:
    heads = {
        "zh": ("一、任务说明", "二、写作条件", "三、依据的信息", "四、作答"),
        "en": ("[Description]", "[Condition]", "[Information]", "[Answer]"),
    }[lang]

    async def asked(**options: Any) -> str:
        model = answers_all(lang)
        await write("psyaug", case(lang), model, options=options)
        return text_of(model.asked("session")[0])

    def parts(text: str) -> list[str]:
        places = [*(text.index(head) for head in heads), len(text)]
        assert places == sorted(places)
        return [text[a:b] for a, b in pairwise(places)]

    plain = parts(await asked())
    for at, block in enumerate(BLOCKS):
        own = parts(await asked(blocks=json.dumps({block: "OWN WORDS"})))
        assert "OWN WORDS" in own[at]
        assert own[at] != plain[at]
        assert [a == b for a, b in zip(own, plain, strict=True)] == [n != at for n in range(4)]
    said = [
        word
        for value in [*CLIENT.values(), *THERAPIST.values()]
        for word in (value if isinstance(value, list) else [value])
    ]
    assert all(str(word) in plain[2] for word in [*said, "TITLE", "QUESTION", "ADVICE"] if not isinstance(word, bool))


async def test_decoding_is_0_for_extraction_and_warm_for_the_session() -> None:
    model = answers_all()
    await write("psyaug", case(), model)
    assert {call.prompt: call.decoding for call in model.calls} == {
        "client": {"temperature": 0.0, "max_tokens": 1024}, "therapist": {"temperature": 0.0, "max_tokens": 1024},
        "session": {"temperature": 0.7, "top_p": 0.9, "max_tokens": 2500},
        "coverage": {"temperature": 0.0, "max_tokens": 2048},
    }  # fmt: skip


async def made_before(tmp_path: Path) -> str:
    """A file of sessions: four about anxiety by different therapists, one about depression."""
    rows = [case(id_=f"e{n}", answers=[answer(who=f"Therapist Number{n}")]) for n in range(4)]
    rows += [case(id_="e-same", answers=[answer()]), case(id_="other", topic="depression")]
    made = []
    for row in rows:
        lines = session(m1=f"EXAMPLE {row.id} begins.")
        made.append(await write("psyaug", row, answers_all(session=lines)))
    write_jsonl(tmp_path / "dialogues.jsonl", made)
    return str(tmp_path)


@pytest.mark.accepts("psyaug", 4)
async def test_few_shot_shows_two_sessions_of_the_topic_by_others_to_other_questions(tmp_path: Path) -> None:
    options = {"examples": await made_before(tmp_path)}
    seen: set[str] = set()
    for n in range(30):
        model = answers_all()
        row = case(id_=f"t{n}", extra={"question": "e1"})
        dialogue = await write("psyaug", row, model, options=options)
        shown = dialogue.sessions[0].notes["examples"]
        assert dialogue.sessions[0].notes["mode"] == "few-shot"
        text = text_of(model.asked("session")[0])
        assert [f"EXAMPLE {id_} begins." in text for id_ in ("e0", "e2", "e3")] == [id_ in shown for id_ in ("e0", "e2", "e3")]  # fmt: skip
        assert text.index("EXAMPLE") < text.index("[Information]")
        assert len(shown) == 2
        seen |= set(shown)
    assert seen == {"e0", "e2", "e3"}  # not e1: the same question; not e-same: the same therapist


@pytest.mark.accepts("psyaug", 4)
async def test_zero_shot_is_the_default_and_few_shot_without_a_fitting_example_is_an_error(tmp_path: Path) -> None:
    dialogue = await write("psyaug", case(), answers_all())
    assert dialogue.sessions[0].notes["mode"] == "zero-shot"
    options = {"examples": await made_before(tmp_path)}
    model = answers_all()
    with pytest.raises(UsageError, match="zero-shot"):
        await write("psyaug", case(topic="trauma"), model, options=options)
    assert model.calls == [], "nothing was paid for before"


async def test_parallel_sessions_one_client_and_several_therapists() -> None:
    row = case(answers=[answer("ADVICE-1"), answer("ADVICE-2", "Ben Muster")])
    made = [await write("psyaug", one, answers_all()) for one in per_answer(row)]
    assert [dialogue.id for dialogue in made] == ["q-a1", "q-a2"]
    notes = [dialogue.sessions[0].notes for dialogue in made]
    assert [one["question"] for one in notes] == ["q", "q"]
    assert notes[0]["therapist"] != notes[1]["therapist"]


@pytest.mark.accepts("psyaug", 6, 8)
@pytest.mark.parametrize(
    ("rule", "faulty"),
    [
        ("too few", session(exchanges=4)),
        ("too many", session(exchanges=13)),
        ("first", {"turns": session()["turns"][1:]}),
        ("last", {"turns": session()["turns"][:-1]}),
        ("alternate", {"turns": session()["turns"] + session(exchanges=9)["turns"][15:]}),
        ("identity", session(m2="I am Ana, and I am glad that you are here.")),
        ("identity", session(m4="Look at www.example.org tonight, it may help you.")),
        ("identity", session(m4="Ask for Ana Example when you call next time.")),
        ("identity", session(m4="As an LMFT I see this very often in my practice.")),
        ("identity", session(m3="It hurts all the same. Thank you, Ana.")),
        ("list", session(m4="Try this: 1. breathe; 2. sleep; 3. write it down.")),
    ],
)
async def test_a_session_that_breaks_a_rule_is_asked_for_again_and_in_the_end_refused(rule: str, faulty: Any) -> None:
    dialogue = await write("psyaug", case(), answers_all(session=[faulty, session()]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    with pytest.raises(AnswerRejected):
        await write("psyaug", case(), answers_all(session=faulty))


@pytest.mark.accepts("psyaug", 6)
@pytest.mark.parametrize("exchanges", [5, 12])
async def test_5_to_12_exchanges_are_kept(exchanges: int) -> None:
    dialogue = await write("psyaug", case(), answers_all(session=session(exchanges=exchanges)))
    assert dialogue.quality.rejected == 0


async def test_a_therapist_who_talks_too_much_is_asked_to_be_mended_then_kept_and_counted() -> None:
    lecture = session(**{f"m{n}": f"Lecture {n} " + "goes on and on " * 9 for n in (2, 4, 6, 8, 10, 12, 14)})
    dialogue = await write("psyaug", case(), answers_all(session=lecture))
    assert dialogue.quality.kept == {"script: talk_share": 1}
    assert dialogue.quality.measures["talk_share"] > 0.7
    assert (await write("psyaug", case(), answers_all(session=[lecture, session()]))).quality.kept == {}


async def test_the_papers_leniency_keeps_any_readable_session_and_flags_it() -> None:
    model = answers_all(session=session(exchanges=4, m4="I am Ana."))
    dialogue = await write("psyaug", case(), model, options={"strict": "false"})
    assert dialogue.quality.kept == {"script: too few": 1, "script: identity": 1}
    assert len(model.asked("session")) == 1


def judged(found: list[bool], *contradictions: str) -> dict[str, Any]:
    return {
        "advice": [{"item": f"ITEM-{n}", "message": 2 if f else None} for n, f in enumerate(found)],
        "contradictions": list(contradictions),
    }


@pytest.mark.accepts("psyaug", 7)
async def test_the_judge_keeps_a_session_with_80_percent_of_the_advice_and_is_one_call_more() -> None:
    model = answers_all(coverage=judged([True] * 4 + [False]))
    dialogue = await write("psyaug", case(), model)
    assert model.counts() == {"client": 1, "coverage": 1, "session": 1, "therapist": 1}
    assert dialogue.quality.measures["coverage"] == 0.8
    text = text_of(model.asked("coverage")[0])
    assert all(word in text for word in ("QUESTION", "ADVICE", "AGE", SAID["en"][1].format(14)))


@pytest.mark.accepts("psyaug", 7)
@pytest.mark.parametrize("verdict", [judged([True, True, True, False]), judged([True], "CONTRADICTION")])
async def test_the_judges_objections_are_told_to_at_most_two_new_sessions_before_the_case_fails(verdict: Any) -> None:
    objection = "ITEM-3" if len(verdict["advice"]) > 1 else "CONTRADICTION"
    model = answers_all(coverage=[verdict, judged([True])])
    await write("psyaug", case(), model)
    first, second = map(text_of, model.asked("session"))
    assert objection not in first
    assert objection in second
    stubborn = answers_all(coverage=verdict)
    with pytest.raises(AnswerRejected, match=objection):
        await write("psyaug", case(), stubborn)
    assert stubborn.counts()["session"] == 3


@pytest.mark.accepts("psyaug", 7)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("number", [1, 0, 99])
async def test_advice_counts_only_where_a_message_of_the_therapist_gives_it(lang: Lang, number: int) -> None:
    """Message 1 is the client's."""
    wrong = {"advice": [{"item": "ITEM", "message": number}], "contradictions": []}
    model = answers_all(lang, coverage=[wrong, judged([True])])
    dialogue = await write("psyaug", case(lang), model)
    assert len(model.asked("coverage")) == 2
    assert dialogue.quality.measures["coverage"] == 1
    names = {"zh": ("1 来访者：", "14 治疗师："), "en": ("1 Client: ", "14 Therapist: ")}[lang]
    assert all(name in text_of(model.asked("coverage")[0]) for name in names)


async def test_quotes_stand_in_the_question_and_the_style_card_names_nobody() -> None:
    model = answers_all(
        client=[CLIENT | {"quotes": ["never said"]}, CLIENT],
        therapist=[THERAPIST | {"credentials": "Dr. Ana Example"}, THERAPIST],
    )
    dialogue = await write("psyaug", case(), model)
    assert (len(model.asked("client")), len(model.asked("therapist"))) == (2, 2)
    assert dialogue.sessions[0].notes["client_info"] == CLIENT


async def test_no_record_holds_the_therapists_name_page_or_profile_and_the_key_depends_on_the_salt() -> None:
    page = "https://board.example/therapists/ana-example-lmft"
    row = case(answers=[answer(therapistURL=page, upvotes=3)])
    plain = await write("psyaug", row.model_copy(deep=True), answers_all())
    text = plain.model_dump_json()
    assert not any(word in text for word in ("Ana", "LMFT", "ABOUT calm", page))
    assert plain.case is not None
    assert plain.case.post is not None
    assert plain.case.post.answers[0].extra == {"upvotes": 3}
    salted = await write("psyaug", row, answers_all(), options={"salt": "s"})
    assert plain.sessions[0].notes["therapist"] != salted.sessions[0].notes["therapist"]


@pytest.mark.accepts("psyaug", 8)
async def test_a_signature_below_the_answer_is_in_no_prompt_and_no_record() -> None:
    text = "ADVICE. Call me Ana if you like.\nWarmly,\nAna Example, LMFT\nwww.ana-example.org/talk"
    row = case(answers=[answer(text)])
    model = answers_all()
    dialogue = await write("psyaug", row, model)
    shown = "\n".join(map(text_of, model.calls))
    for place in (shown, dialogue.model_dump_json()):
        assert "ADVICE. Call me … if you like." in place
        assert not any(trace in place for trace in ("Ana", "LMFT", "ana-example"))


ANA = Answer(text="x", author=None, extra={"therapistURL": "https://b.example/dr-ana-king-lmft/"})
MAY = Answer(text="x", author="May Will, LPC")
WEI = Answer(text="x", author="周维老师（国家二级心理咨询师）")


@pytest.mark.accepts("psyaug", 8)
@pytest.mark.parametrize(
    ("who", "text", "trace"),
    [
        (ANA, "Ask Ana King about it.", "Ana King"),
        (ANA, "Call me Ana if you like.", "Call me Ana"),
        (ANA, "She played the king in the school play.", ""),
        (ANA, "We made room for LGBT friends.", ""),
        (ANA, "I work as an LCSW.", "LCSW"),
        (ANA, "It was Dr. King who said it.", "Dr. King"),
        (ANA, "Thank you, Ana.", "Thank you, Ana"),
        (ANA, "Hello, Ana here.", "Hello, Ana"),
        (ANA, "Ana here. How are you?", "Ana"),
        (ANA, "I asked Ana about it.", "Ana"),
        (ANA, "Kings and queens. King size beds.", ""),
        (
            ANA,
            "As a licensed marriage and family therapist I see it often.",
            "As a licensed marriage and family therapist",
        ),
        (ANA, "I trained long, with an MA and a DBH.", "an MA"),
        (ANA, "My DBH taught me.", "DBH"),
        (ANA, "Look for a licensed marriage and family therapist near you.", ""),
        (ANA, "My mother has MS, we live in MA.", ""),
        (MAY, "Dear May, I slept.", "Dear May"),
        (MAY, "In May I slept. Will you ask? May I?", ""),
        (WEI, "谢谢周维，我好多了。", "周维"),
        (WEI, "作为执业心理咨询师，我听过很多。", "作为执业心理咨询师"),
        (WEI, "我是周维老师，你慢慢说。", "周维老师"),
        (WEI, "作为国家二级心理咨询师，我建议你……", "国家二级心理咨询师"),
        (WEI, "老师说的话我记住了。", ""),
    ],
)
def test_traces_of_a_therapist_are_found_and_plain_words_are_free(who: Answer, text: str, trace: str) -> None:
    assert traces_of(who, text) == trace


def test_the_best_answer_has_the_right_length_then_most_upvotes_then_views() -> None:
    def best(lang: Lang, *answers: dict[str, Any]) -> str:
        post = case(lang, answers=list(answers)).post
        assert post
        return best_answer(post, lang).text[:1]

    long, fits = "word " * 401, "word " * 50
    assert best("en", answer(f"a {fits}", upvotes="1", views="9"), answer(f"b {fits}", upvotes="2", views="1")) == "b"
    assert best("en", answer(f"a {fits}", upvotes="2", views="9"), answer(f"b {fits}", upvotes="2", views="10")) == "b"
    assert best("en", answer(f"a {fits}"), answer(f"b {long}", upvotes=9), answer("c short", upvotes=9)) == "a"
    assert best("zh", answer("甲" * 100), answer("乙" * 10, upvotes=9)) == "甲"


@pytest.mark.accepts("psyaug", 9)
def test_the_default_topics_are_the_four_disorders_and_an_unknown_one_is_told_all_31() -> None:
    assert len(TOPICS) == 31
    assert PsyAug().topics == DISORDERS
    with pytest.raises(UsageError) as trouble:
        find_and_make(topics='["knitting"]')
    assert all(term.en in str(trouble.value) for term in TOPICS.terms)


@pytest.mark.accepts("psyaug", 9)
async def test_a_row_with_an_unknown_topic_fails_alone_and_is_told_all_31(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case(id_="good"), case(id_="typo", topic="anxeity")])
    await run_cases("psyaug", tmp_path / "cases.jsonl", tmp_path / "out", models=answers_all())
    assert [one.id for one in read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue)] == ["good"]
    model = answers_all()
    with pytest.raises(UsageError, match="anxeity") as trouble:
        await write("psyaug", case(topic="anxeity"), model)
    assert all(term.en in str(trouble.value) for term in TOPICS.terms)
    assert model.calls == []


def find_and_make(**options: str) -> PsyAug:
    from psyloom.systems import make_role

    made = make_role("psyaug", "writer", options)
    assert isinstance(made, PsyAug)
    return made


async def test_a_topic_that_is_not_chosen_is_an_error_and_one_of_another_board_is_used_as_it_is() -> None:
    with pytest.raises(UsageError, match="Marriage"):
        await write("psyaug", case(topic="marriage"), answers_all())
    for options in ({"topics": '["marriage"]'}, {"every_topic": "true"}):
        dialogue = await write("psyaug", case(topic="marriage"), answers_all(), options=options)
        assert [label.id for label in dialogue.labels] == ["marriage"]
    for topic in ABOUT_THERAPY:
        with pytest.raises(UsageError):
            await write("psyaug", case(topic=topic), answers_all(), options={"every_topic": "true"})
    model, row = answers_all("zh"), case("zh", topic="恋后心理")
    dialogue = await write("psyaug", row, model, options={"other_topics": "true"})
    assert dialogue.sessions[0].notes["disorder"] == "恋后心理"
    assert dialogue.labels == []


BOARD = """,questionID,questionTitle,questionText,questionLink,topic,therapistInfo,therapistURL,answerText,upvotes,views,split
0,901,I snap at my kids,Small noise makes me shout. I hate it afterwards.,https://b.example/901,anger-management,"Ana Example, LMFT Calm and practical",https://b.example/therapists/ana-example-lmft,"<p>Notice the drive home. Try two minutes in the parked car.</p>",3,90,train
1,901,I snap at my kids,Small noise makes me shout. I hate it afterwards.,https://b.example/901,anger-management,Ben MusterPhD,https://b.example/therapists/ben-muster,"Ask yourself what came before. Tell your children that you are sorry.",1,40,train
2,902,I cannot sleep,"I lie awake, and count my mistakes.",https://b.example/902,anxiety,"Ana Example, LMFT Calm and practical",https://b.example/therapists/ana-example-lmft,Write the worries down before you go to bed.,2,20,train
3,903,Is she right?,My wife wants me to move.,https://b.example/903,marriage,Ben MusterPhD,https://b.example/therapists/ben-muster,Talk about what moving means to both of you.,0,10,val
"""


@pytest.mark.accepts("psyaug", 2, 10)
def test_a_board_as_it_was_released_becomes_valid_records_offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "board.csv").write_text(BOARD, "utf-8")
    main(["read", "psyaug", str(tmp_path / "board.csv"), "--per-answer", "--out", str(tmp_path / "cases.jsonl")])
    with_topic = [
        one for one in read_jsonl(tmp_path / "cases.jsonl", Case) if one.post and one.post.topic != "marriage"
    ]
    write_jsonl(tmp_path / "four.jsonl", with_topic)
    main(["run", "psyaug", str(tmp_path / "four.jsonl"), "--out", str(tmp_path / "out")])
    assert "3 dialogues, 0 failures" in capsys.readouterr().out
    made = list(read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue))
    assert [one.id for one in made] == ["psyaug-901-a1", "psyaug-901-a2", "psyaug-902-a1"]
    for one in made:
        notes = one.sessions[0].notes
        assert ClientInfo.model_validate(notes["client_info"])
        assert TherapistInfo.model_validate(notes["therapist_info"])
        assert one.case is not None
        assert one.case.get("post.text")
        assert len(one.case.post.answers if one.case.post else ()) == 1
        assert [label.id for label in one.labels] == [TOPICS[str(notes["disorder"])].id]
        assert [turn.speaker for turn in one.turns] == ["client", "counselor"] * (len(one.turns) // 2)
        assert 10 <= len(one.turns) <= 24
        text = one.model_dump_json(exclude={"source": True, "lineage": True, "case": {"extra", "source"}})
        assert not re.search("Ana|Muster|LMFT|PhD|https?:", text)
    keys = [one.sessions[0].notes["therapist"] for one in made]
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("psyaug").cases(), Case)), ids=lambda s: s.id)
async def test_every_answer_of_every_sample_case_is_rehearsed(sample: Case) -> None:
    for one in per_answer(sample):
        dialogue = await write("psyaug", one, Rehearsal())
        assert 10 <= len(dialogue.turns) <= 24
        assert dialogue.quality.calls >= 3
