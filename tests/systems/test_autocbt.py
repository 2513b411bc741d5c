"""AutoCBT: routing over edges that are used up, revision from the first draft, five supervisors."""

import json
from typing import Any

import pytest

from psyloom.records import Case, Dialogue, Lang, Post
from psyloom.runs import pair
from psyloom.systems.autocbt.system import NUMBER, SALUTATION, S
from tests.support import Scripted, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
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


@pytest.mark.parametrize("lang", LANGS)
async def test_a_router_that_turns_to_the_patient_at_once_makes_one_message_and_calls_nobody(lang: Lang) -> None:
    model = Team(PATIENT, lang=lang)
    dialogue = await answer(model, lang)
    assert model.counts() == {"retell": 1, "route": 1, "write": 1}
    assert [step["agent"] for step in steps(dialogue)] == ["counselor"]
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"]


@pytest.mark.parametrize("lang", LANGS)
async def test_a_multicast_calls_exactly_those_supervisors_and_then_the_counselor_once_with_all_their_advice(
    lang: Lang,
) -> None:
    model = Team(to(2, 4), PATIENT, lang=lang)
    dialogue = await answer(model, lang)
    assert model.supervisors() == ["empathy", "reflection"]
    first, second = map(text_of, model.asked("write"))
    assert all(ADVICE[lang].format(n) in second for n in (1, 2))
    assert not any(ADVICE[lang].format(n) in first for n in (1, 2))
    assert dialogue.turns[-1].text.startswith("DRAFT-2")
    assert [step["agent"] for step in steps(dialogue)] == ["counselor", "empathy", "reflection", "counselor"]
    assert [step.get("final", False) for step in steps(dialogue)] == [False, False, False, True]


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


@pytest.mark.parametrize("lang", LANGS)
async def test_a_supervisor_without_the_salutation_is_asked_again_then_mended_and_counted(lang: Lang) -> None:
    model = Team(to(2), PATIENT, lang=lang, advise="Dear patient, breathe." if lang == "en" else "患者你好，先深呼吸。")
    dialogue = await answer(model, lang)
    assert len(model.asked("advise")) == 3
    assert dialogue.quality.kept["salutation"] == 1
    assert steps(dialogue)[1]["text"].startswith(SALUTATION[lang])
    assert SALUTATION[lang] in text_of(model.asked("advise")[0])


async def test_a_supervisor_reads_the_question_and_the_draft_and_nothing_of_the_others() -> None:
    model = Team(to(2), to(3, 4), PATIENT)
    await answer(model)
    later = model.asked("advise")[1:]
    assert all(QUESTION["en"] in text_of(call) and "DRAFT-2" in text_of(call) for call in later)
    assert not any("advice number" in text_of(call) or "DRAFT-1" in text_of(call) for call in later)


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
