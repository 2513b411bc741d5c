"""Several sessions: what one leaves to the next stands on the case, and each side is told its part of it."""

from pathlib import Path
from typing import Any

import pytest

from psyloom.agents import Replying
from psyloom.errors import UsageError
from psyloom.llm import Call
from psyloom.records import Case, Dialogue, Lang, Session, Turn, read_jsonl
from psyloom.runs import pair, run_cases
from psyloom.systems import make_role
from tests.support import Scripted, desk_for, numbered, text_of, write

PLAN = {"cbt_technique": "pie_chart", "cbt_plan": "x"}
MAGNET = ("reflection", "questioning", "solutions", "normalization", "psychoeducation")


def case(lang: Lang = "en", **more: Any) -> Case:
    given = {"id": "c", "lang": lang, "demographics": {"name": "Lin"}, "intake": {"problem": "PROFILE sleep", "reason": "REASON tired"},
             "opening": [{"counselor": "OPENING hello."}, {"client": "OPENING hi."}]}  # fmt: skip
    return Case.model_validate(given | more)


def model(**more: Any) -> Scripted:
    count = iter(range(1, 99))

    def record(_: Call) -> dict[str, Any]:
        n = next(count)
        score = {"what": "mood", "score": n, "out_of": 10}
        return {"summary": f"SUMMARY{n}", "learnt": [f"LEARNT{n}"], "homework": [f"TASK{n}"], "ratings": [score]}

    drafts = {name: {"utterance": f"{name} draft"} for name in MAGNET}
    given = {"client": numbered("word"), "counselor": numbered("reply"), "plan": PLAN, "record": record, **drafts,
             "choose": {"techniques": ["reflection"]}, "merge": numbered("merged")}  # fmt: skip
    return Scripted(**(given | more))


async def meet(
    counselor: str, sessions: int = 2, lang: Lang = "en", given: Case | None = None
) -> tuple[Dialogue, Scripted]:
    answers = model()
    options = {"sessions": sessions, "max_exchanges": 2}
    return await write(pair(counselor, "cactus", options), given or case(lang), answers), answers


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("counselor", ["cactus", "magnet"])
async def test_what_each_session_left_stands_on_the_case_and_on_the_session(counselor: str, lang: Lang) -> None:
    dialogue, _ = await meet(counselor, 3, lang)
    assert dialogue.case is not None
    assert [(one.summary, one.homework, one.learnt) for one in dialogue.case.course] == [
        (f"SUMMARY{n}", [f"TASK{n}"], [f"LEARNT{n}"]) for n in (1, 2, 3)
    ]
    assert [one.ratings[0].score for one in dialogue.case.course] == [1, 2, 3]
    assert [session.summary for session in dialogue.sessions] == ["SUMMARY1", "SUMMARY2", "SUMMARY3"]
    assert "LEARNT" not in "".join(text for _, text in dialogue.case.leaves()), "apart from the client's facets"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("counselor", ["cactus", "magnet"])
async def test_each_side_is_told_of_earlier_sessions_what_it_may_know(counselor: str, lang: Lang) -> None:
    _, answers = await meet(counselor, 2, lang)
    client, talker = answers.asked("client"), answers.asked("counselor" if counselor == "cactus" else "reflection")
    assert not any("SUMMARY" in text_of(call) for call in (*client[:2], *talker[:2])), (
        "two exchanges, the first session"
    )
    for call in client[2:]:
        assert all(word in text_of(call) for word in ("SUMMARY1", "TASK1", "1/10")), "it said the number itself"
        assert "LEARNT" not in text_of(call)
    for call in talker[2:]:
        assert all(word in text_of(call) for word in ("SUMMARY1", "TASK1", "LEARNT1", "mood", "1/10"))
    stable = [call.messages[0]["content"] for call in client[2:]]
    assert len(set(stable)) == 1, "told once, before the history, so that the beginning of the prompt stays the same"
    assert not any("SUMMARY" in text_of(call) for call in answers.asked("merge")), (
        "who is not shown the talk is not told"
    )


@pytest.mark.parametrize("counselor", ["cactus", "magnet"])
async def test_each_session_has_a_plan_of_its_own(counselor: str) -> None:
    dialogue, answers = await meet(counselor, 3)
    assert len(answers.asked("plan")) == 3
    assert all("cbt_plan" in session.notes for session in dialogue.sessions)
    assert "SUMMARY1" in text_of(answers.asked("plan")[1])


@pytest.mark.parametrize(("lang", "again"), [("zh", "又见面了"), ("en", "see you again")])
async def test_the_cases_opening_lines_open_the_first_session_only(lang: Lang, again: str) -> None:
    dialogue, _ = await meet("magnet", 2, lang)
    assert dialogue.sessions[0].turns[0].text == "OPENING hello."
    assert "OPENING" not in "".join(turn.text for turn in dialogue.sessions[1].turns)
    assert again in dialogue.sessions[1].turns[0].text


async def test_the_record_is_written_from_the_talk_and_the_records_before_it_alone() -> None:
    _, answers = await meet("cactus", 2)
    first, second = (text_of(call) for call in answers.asked("record"))
    assert "PROFILE" not in first + second
    assert "REASON" not in first + second
    assert "OPENING hi." in first
    assert "OPENING hi." not in second
    assert all(word in second for word in ("SUMMARY1", "LEARNT1", "TASK1"))


async def test_one_session_asks_for_no_record_unless_it_is_wanted_and_then_the_case_can_go_on_from_it() -> None:
    alone, answers = await meet("cactus", 1)
    assert "record" not in answers.counts()
    assert alone.case is not None
    assert alone.case.course == []
    answers = model()
    noted = await write(pair("cactus", "cactus", {"record": "true", "max_exchanges": 1}), case(), answers)
    assert noted.case is not None
    later, answers = await meet("cactus", 1, given=noted.case.model_copy(deep=True))
    assert "SUMMARY1" in text_of(answers.asked("client")[0])
    assert "OPENING" not in "".join(turn.text for turn in later.turns)


async def test_the_last_session_of_diacbt_has_its_record_too(tmp_path: Path) -> None:
    made = pair("diacbt", "diacbt", {"sessions": "3", "max_exchanges": "1"})
    given = make_cases("diacbt")
    await run_cases(made, given, tmp_path / "out", limit=1)
    (dialogue,) = read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue)
    assert all(session.summary and "homework" in session.notes for session in dialogue.sessions)
    assert dialogue.case is not None
    assert len(dialogue.case.course) == 3


def make_cases(slug: str) -> Path:
    from psyloom.systems import find_system

    return find_system(slug).cases()


@pytest.mark.parametrize("counselor", ["mdd5k", "notechat", "amie"])
def test_a_counselor_whose_work_is_done_after_one_session_refuses_several_and_a_least_length(counselor: str) -> None:
    with pytest.raises(UsageError, match=f"sessions: the counselor of {counselor} meets a client once"):
        pair(counselor, "cactus", {"sessions": "2"})
    with pytest.raises(
        UsageError, match=f"min_exchanges: the counselor of {counselor} takes leave when its work is done"
    ):
        pair(counselor, "cactus", {"min_exchanges": "2"})


async def test_a_counselor_that_replies_to_a_given_dialogue_does_not_know_what_only_came_later() -> None:
    given, _ = await meet("cactus", 2)
    answers = model()
    desk = desk_for(given.case or case(), answers)
    desk.dialogue = given
    await Replying(counselor=make_role("cactus", "counselor")).reply(desk)  # type: ignore[arg-type]
    assert not any("SUMMARY" in text_of(call) for call in answers.calls)
    assert given.case is not None
    assert len(given.case.course) == 2


def test_what_a_case_brought_stays_known_when_its_dialogue_is_replied_to() -> None:
    from psyloom.agents.course import before

    brought = case(course=[{"summary": "BEFORE"}, {"summary": "ADDED"}])
    dialogue = Dialogue(id="c", lang="en", sessions=[Session(turns=[Turn.client("Hi.")], summary="ADDED")])
    assert [one.summary for one in before(dialogue, brought)] == ["BEFORE"]


@pytest.mark.parametrize(("lang", "told"), [("zh", "问一问约好的事"), ("en", "come back to what was agreed")])
async def test_only_who_speaks_is_told_how_to_go_on_from_the_records(lang: Lang, told: str) -> None:
    _, answers = await meet("magnet", 2, lang)
    speaks, looks_on = (text_of(answers.asked(name)[-1]) for name in ("reflection", "choose"))
    assert "SUMMARY1" in speaks
    assert "SUMMARY1" in looks_on
    assert told in speaks
    assert told not in looks_on
