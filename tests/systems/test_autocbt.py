"""AutoCBT: routing over edges that are used up, revision from the first draft, five supervisors."""

import json
from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import UsageError
from psyloom.judging.panel import rate_one
from psyloom.judging.results import results
from psyloom.knowledge.instruments import instrument
from psyloom.records import Case, Dialogue, Lang, Post, read_jsonl, write_jsonl
from psyloom.runs import pair, run_cases
from psyloom.runs.rate import rate
from psyloom.systems import find_system
from psyloom.systems.autocbt.system import NUMBER, SALUTATION, S
from tests.runs.workshop import psyloom
from tests.support import Scripted, numbered, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
SCORES = instrument("autocbt")
QUESTION = {"zh": "每到周会我就想请假，觉得自己一定会出丑。", "en": "Before every team meeting I want to call in sick."}
ADVICE = {"zh": "【心理咨询师你好】第{}条意见。", "en": "Hello counselor, this is advice number {}."}
HERE = {"zh": "你是{}", "en": "You are the {}"}
PATIENT = {"method": "[Unicast]", "target": [0]}


def to(*targets: int, method: str | None = None) -> dict[str, Any]:
    return {"method": method or ("[Multicast]" if len(targets) > 1 else "[Unicast]"), "target": [*targets]}


class Team(Scripted):
    """Routes as told; every draft and every piece of advice says which one it is."""

    def __init__(self, *routes: Any, lang: Lang = "en", **more: Any) -> None:
        drafts, advice = iter(range(1, 99)), iter(range(1, 99))
        replies: dict[str, Any] = {
            "retell": {"text": QUESTION[lang]},
            "route": list(routes),
            "write": lambda _: {
                "reply": f"DRAFT-{next(drafts)} " + {"zh": "我听到了你的害怕。", "en": "I hear your fear."}[lang]
            },
            "advise": lambda _: ADVICE[lang].format(next(advice)),
        }
        super().__init__(**replies | more)

    def supervisors(self) -> list[str]:
        """Who was consulted, in order."""
        return [
            term.id for call in self.asked("advise") for term in S.terms
            if any(HERE[lang].format(term.name(lang)) in text_of(call) for lang in LANGS)
        ]  # fmt: skip


async def answer(model: Scripted, lang: Lang = "en", **options: Any) -> Dialogue:
    case = Case(id="q", lang=lang, post=Post(text=QUESTION[lang]))
    return await write(pair("autocbt", "autocbt", options), case, model)


def steps(dialogue: Dialogue) -> list[dict[str, Any]]:
    found = dialogue.turns[-1].extra["steps"]
    assert isinstance(found, list)
    return found  # type: ignore[return-value]


@pytest.mark.accepts("autocbt", 1)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_router_that_turns_to_the_patient_at_once_makes_one_message_and_calls_nobody(lang: Lang) -> None:
    model = Team(PATIENT, lang=lang)
    dialogue = await answer(model, lang)
    assert model.counts() == {"retell": 1, "route": 1, "write": 1}
    assert [step["agent"] for step in steps(dialogue)] == ["counselor"]
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"]


@pytest.mark.accepts("autocbt", 2)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("targets", "called"), [((2, 4), ["empathy", "reflection"]), ((3, 5, 6), ["belief", "strategies", "encouragement"])]
)
async def test_a_multicast_calls_exactly_those_supervisors_and_then_the_counselor_once_with_all_their_advice(
    targets: tuple[int, ...], called: list[str], lang: Lang
) -> None:
    model = Team(to(*targets), PATIENT, lang=lang)
    dialogue = await answer(model, lang)
    assert model.supervisors() == called
    first, second = map(text_of, model.asked("write"))
    assert [ADVICE[lang].format(n + 1) in second for n in range(4)] == [n < len(called) for n in range(4)]
    assert not any(ADVICE[lang].format(n + 1) in first for n in range(4))
    assert dialogue.turns[-1].text.startswith("DRAFT-2")
    assert [step["agent"] for step in steps(dialogue)] == ["counselor", *called, "counselor"]
    assert [step.get("final", False) for step in steps(dialogue)] == [False, *(False for _ in called), True]


@pytest.mark.accepts("autocbt", 3)
@pytest.mark.parametrize(
    ("routes", "calls"),
    [
        ([PATIENT], 3),
        ([to(3), PATIENT], 6),
        ([to(2, 3, 4, 5, 6)], 9),
        ([to(2, 3, 4, 5, 6, method="[Broadcast]")], 9),
        ([to(n) for n in (2, 3, 4, 5, 6)], 17),
    ],
)
async def test_calls_per_question_are_those_of_the_sheet(routes: list[Any], calls: int) -> None:
    model = Team(*routes)
    await answer(model)
    assert len(model.calls) == calls
    assert len(model.asked("route")) == len(routes), "with only the patient left, nobody is asked where to go"


@pytest.mark.accepts("autocbt", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_no_supervisor_is_consulted_twice(lang: Lang) -> None:
    model = Team(to(2), to(2, 3), PATIENT, lang=lang)
    dialogue = await answer(model, lang)
    assert model.supervisors() == ["empathy", "belief"]
    assert [step.get("targets") for step in steps(dialogue) if step["agent"] == "counselor"] == [[2], [3], None]
    assert f"{NUMBER['empathy']}{'：' if lang == 'zh' else ': '}" not in text_of(model.asked("route")[-1])


async def test_a_target_that_was_consulted_before_is_no_answer() -> None:
    model = Team(to(2), to(2), PATIENT)
    await answer(model)
    assert model.supervisors() == ["empathy"]
    assert model.counts()["route"] == 3
    assert "none of these targets" in text_of(model.asked("route")[-1])


@pytest.mark.accepts("autocbt", 4)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    "wrong", [to(0, 2), to(1), to(0, method="[Loopback]"), to(9), "no json", to(2, method="[Endcast]")]
)
async def test_a_routing_answer_that_cannot_stand_is_asked_again_and_in_the_end_the_patient_is_answered(
    wrong: Any, lang: Lang
) -> None:
    mended = Team(wrong, to(4), PATIENT, lang=lang)
    await answer(mended, lang)
    assert mended.supervisors() == ["reflection"]
    stubborn = Team(wrong, lang=lang)
    dialogue = await answer(stubborn, lang)
    assert stubborn.counts() == {"retell": 1, "route": 3, "write": 1}
    assert dialogue.turns[-1].text.startswith("DRAFT-1")
    assert dialogue.quality.kept["routing"] == 1


@pytest.mark.accepts("autocbt", 5, 8)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_supervisor_without_the_salutation_is_asked_again_then_mended_and_counted(lang: Lang) -> None:
    model = Team(to(2), PATIENT, lang=lang, advise="Dear patient, breathe." if lang == "en" else "患者你好，先深呼吸。")
    dialogue = await answer(model, lang)
    assert len(model.asked("advise")) == 3
    assert dialogue.quality.kept["salutation"] == 1
    assert steps(dialogue)[1]["text"].startswith(SALUTATION[lang])
    assert SALUTATION[lang] in text_of(model.asked("advise")[0])


@pytest.mark.accepts("autocbt", 6)
async def test_a_supervisor_reads_the_question_and_the_draft_and_nothing_of_the_others() -> None:
    model = Team(to(2), to(3, 4), PATIENT)
    await answer(model)
    later = model.asked("advise")[1:]
    assert all(QUESTION["en"] in text_of(call) and "DRAFT-2" in text_of(call) for call in later)
    assert not any("advice number" in text_of(call) or "DRAFT-1" in text_of(call) for call in later)


@pytest.mark.accepts("autocbt", 7)
@pytest.mark.parametrize(("revise_from", "shown"), [("first", "DRAFT-1"), ("latest", "DRAFT-2")])
async def test_the_first_message_has_empty_slots_and_later_ones_the_draft_and_all_advice(
    revise_from: str, shown: str
) -> None:
    model = Team(to(2), to(3), PATIENT)
    await answer(model, revise_from=revise_from)
    first, _, third = map(text_of, model.asked("write"))
    assert first.count("\nNone") == 2
    assert [name for name in ("DRAFT-1", "DRAFT-2") if name in third] == [shown]
    assert "【Hello counselor, this is advice number 1.】" in third
    assert "【Hello counselor, this is advice number 2.】" in third


@pytest.mark.parametrize("lang", LANGS)
async def test_a_reply_that_speaks_of_supervisors_is_asked_for_again_but_a_supervisor_at_work_is_not(
    lang: Lang,
) -> None:
    leak = {"zh": "我和督导师都觉得你很不容易。", "en": "Supervisor 1 and I both feel for you."}[lang]
    work = {"zh": "主管那句话让你一直放不下。", "en": "What your supervisor said at work stayed with you."}[lang]
    model = Team(PATIENT, lang=lang, write=[{"reply": leak}, {"reply": work}])
    dialogue = await answer(model, lang)
    assert dialogue.turns[-1].text == work
    assert dialogue.quality.guards == {"unsupervised": 1}


async def test_loopback_goes_on_alone_and_endcast_gives_up_an_edge_when_they_are_allowed() -> None:
    allowed = ("unicast", "multicast", "broadcast", "loopback", "endcast")
    model = Team(to(1, method="[Loopback]"), to(2, 3, method="[Endcast]"), to(2, 4), PATIENT)
    await answer(model, routing=allowed)
    assert model.supervisors() == ["reflection"]
    assert len(model.asked("write")) == 3
    endless = Team(to(1, method="[Loopback]"))
    dialogue = await answer(endless, routing=allowed)
    assert len(steps(dialogue)) + 1 <= 16
    assert steps(dialogue)[-1]["final"]


@pytest.mark.accepts("autocbt", 10)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("mode", ["prompt_cbt", "generation"])
async def test_the_baselines_answer_the_same_question_with_one_call(mode: str, lang: Lang) -> None:
    model = Scripted(**{mode: {"zh": "我听见了。", "en": "I hear you."}[lang]})
    await answer(model, lang, mode=mode, **{"client.retell": False})
    assert [call.messages[-1]["content"] for call in model.calls] == [QUESTION[lang]]
    assert len(model.calls[0].messages) == (2 if mode == "prompt_cbt" else 1)


async def test_temperature_is_the_papers_for_every_call_and_can_be_lower_for_routing() -> None:
    model = Team(to(2), PATIENT)
    await answer(model)
    assert {call.decoding["temperature"] for call in model.calls} == {0.98}
    cool = Team(to(2), PATIENT)
    await answer(cool, route_temperature=0.2)
    assert {call.decoding["temperature"] for call in cool.asked("route")} == {0.2}


@pytest.mark.parametrize("lang", LANGS)
async def test_with_a_counselor_that_asks_back_the_patient_answers_from_its_post(lang: Lang) -> None:
    lines = iter(range(9))
    model = Team(
        PATIENT, lang=lang, counselor=lambda _: f"question {next(lines)}?", answer=lambda _: f"answer {next(lines)}."
    )
    await write(
        pair("plain", "autocbt", {"max_exchanges": 2}), Case(id="q", lang=lang, post=Post(text=QUESTION[lang])), model
    )
    assert model.counts() == {"answer": 1, "counselor": 1, "retell": 1}
    assert QUESTION[lang] in text_of(model.asked("answer")[0])


def test_a_lone_number_is_a_target_as_in_the_released_files() -> None:
    from psyloom.systems.autocbt.system import Route

    assert Route.model_validate(json.loads('{"method": "[单播]", "target": 0}')).target == [0]


# What follows the locale


@pytest.mark.accepts("autocbt", 8)
async def test_one_code_speaks_either_language_and_every_word_of_the_trace_follows_the_locale() -> None:
    shown = {}
    for lang in LANGS:
        model = Team(to(2, 4), PATIENT, lang=lang)
        dialogue = await answer(model, lang)
        shown[lang] = [text_of(call) for call in model.calls]
        assert [step["text"].startswith(SALUTATION[lang]) for step in steps(dialogue)] == [False, True, True, False]
    ways = {"zh": ("[单播]", "[组播]"), "en": ("[Unicast]", "[Multicast]")}
    marks = {"zh": ("无", SALUTATION["zh"], *ways["zh"]), "en": ("None", SALUTATION["en"], *ways["en"])}
    for lang, other in (("zh", "en"), ("en", "zh")):
        everything = "\n".join(shown[lang])
        assert all(mark in everything for mark in marks[lang])
        assert not [mark for mark in marks[other] if mark in everything]
    assert len(shown["zh"]) == len(shown["en"])


# Scoring


def judgment(value: int, lang: Lang) -> dict[str, Any]:
    quote = {"zh": "我听到了你的害怕", "en": "I hear your fear"}[lang]
    return {"evidence": [quote], "reason": "r", "value": value}


def judge(lang: Lang, *values: int) -> Scripted:
    """A judge that gives the six dimensions these values, one judgment after another."""
    forms = [{item.id: judgment(value, lang) for item in SCORES.items} for value in values]
    return Scripted(rate=forms)


@pytest.mark.accepts("autocbt", 9)
@pytest.mark.parametrize("lang", LANGS)
async def test_every_counselor_message_of_a_trace_gets_six_numbers_from_0_to_7_as_means_of_three_judgments(
    lang: Lang, tmp_path: Path
) -> None:
    dialogue = await answer(Team(to(2, 4), to(3), PATIENT, lang=lang), lang)
    write_jsonl(tmp_path / "made.jsonl", [dialogue])
    out = tmp_path / "messages.jsonl"
    ran = psyloom("export", str(tmp_path / "made.jsonl"), "--to", "autocbt.messages", "--out", str(out))
    assert ran.code == 0, ran.err
    messages = list(read_jsonl(out, Dialogue))
    written = [step["text"] for step in steps(dialogue) if step["agent"] == "counselor"]
    assert [one.turns[-1].text for one in messages] == written
    assert [one.extra["final"] for one in messages] == [False, False, True]
    assert all(one.turns[0].text == dialogue.turns[0].text for one in messages)
    for one in messages:
        asked = judge(lang, 3, 7, 5)
        (result,) = results(await rate_one(one, SCORES, asked, samples=3), SCORES)
        assert len(asked.calls) == 3
        assert result.items == {item.id: 5 for item in SCORES.items}
        assert result.values == {"total": 30}
        assert all({"zh": item.zh, "en": item.en}[lang] in text_of(asked.calls[0]) for item in SCORES.items)


@pytest.mark.accepts("autocbt", 9)
async def test_a_score_outside_0_to_7_is_no_score_and_the_total_lies_between_0_and_42() -> None:
    dialogue = await answer(Team(PATIENT))
    found = {}
    for value in (0, 7, 8, -1):
        (rating,) = await rate_one(dialogue, SCORES, judge("en", value))
        (result,) = results([rating], SCORES)
        found[value] = (result.values.get("total"), result.failed)
    assert found == {0: (0, 0), 7: (42, 0), 8: (None, 6), -1: (None, 6)}


@pytest.mark.accepts("autocbt", 10)
async def test_the_baselines_run_on_the_same_file_and_are_rated_by_the_same_scorer(tmp_path: Path) -> None:
    cases = find_system("autocbt").cases()
    for mode in ("autocbt", "prompt_cbt", "generation"):
        ran = await run_cases("autocbt", cases, tmp_path / mode, options={"mode": mode})
        assert (ran.dialogues, ran.failures) == (len(list(read_jsonl(cases, Case))), 0)
        rated = await rate(tmp_path / mode, ["autocbt"], tmp_path / f"{mode}-rated")
        (result,) = rated.results["autocbt"]
        assert set(result.items) == {item.id for item in SCORES.items}
        assert result.dialogues == ran.dialogues
        assert 0 <= result.values["total"] <= 42


@pytest.mark.parametrize("counselor", ["autocbt", "plain"])
async def test_a_patient_who_comes_again_does_not_tell_its_whole_problem_again(counselor: str) -> None:
    record = {"summary": "s", "learnt": [], "homework": [], "ratings": []}
    model = Team(PATIENT, answer="ANSWER it was a bad week.", record=record, counselor=numbered("reply"))
    options = {"sessions": "2", "max_exchanges": "1"}
    dialogue = await write(pair(counselor, "autocbt", options), Case(id="q", lang="en", post=Post(text="POST")), model)
    assert len(model.asked("retell")) == 1
    spoken = [turn.text for turn in dialogue.sessions[1].turns if turn.speaker == "client"]
    assert spoken == ["ANSWER it was a bad week."]
    assert dialogue.sessions[1].turns[0].speaker == "counselor", "it is greeted, so that there is something to answer"


def test_no_way_of_routing_at_all_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="routing"):
        pair("autocbt", "autocbt", {"counselor.routing": "[]"})
