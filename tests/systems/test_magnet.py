"""MAGneT as its paper describes it: who is called, who reads what, what is kept."""

import asyncio
from typing import Any

import pytest

from psyloom.agents import Ask, Talk
from psyloom.agents.prompts import prompts_in
from psyloom.errors import AnswerRejected, UsageError
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Lang, Turn, read_jsonl
from psyloom.systems import find_system, make_role
from psyloom.systems.cactus.system import CactusClient
from psyloom.systems.magnet.system import TECHNIQUES, Magnet, tidy, unannounced_in
from tests.support import Scripted, desk_for, numbered, text_of, write

PLAN = "PLAN-OF-THE-SESSION: weigh the evidence, then agree on a step"
SPECIALISTS = ("reflection", "questioning", "solutions", "normalization", "psychoeducation")
LANGS: tuple[Lang, ...] = ("en", "zh")


def case(lang: Lang = "en", **more: Any) -> Case:
    opening: list[Any] = [{"counselor": "FIRST-WORD hello"}, {"client": "CLIENT-ANSWER well then"}]
    facts = {"demographics": {"name": "Ilse", "age": 52, "occupation": "tailor"}}
    intake = {
        "reason": "REASON-FOR-COMING",
        "problem": "PROBLEM",
        "history": "HISTORY",
        "functioning": "WORK",
        "support": "SISTER",
    }
    return Case.model_validate(
        {"id": "m", "lang": lang, "intake": intake, "disposition": {"attitude": "negative"}, "opening": opening}
        | facts
        | more
    )


def model(**replies: Any) -> Scripted:
    """Every agent answered: candidates are recognizable, replies never repeat."""
    drafts = {name: {"utterance": f"CANDIDATE {name} of this turn"} for name in SPECIALISTS}
    plan = {"cbt_technique": "Reality Testing", "cbt_plan": PLAN}
    choice = {"techniques": ["Reflection", "Questioning"]}
    base = {"plan": plan, "choose": choice, "merge": numbered("merged reply"), "client": numbered("client answer")}
    return Scripted(**(drafts | base | replies))


async def session(scripted: Scripted, *, lang: Lang = "en", exchanges: int | None = 3, **options: Any) -> Dialogue:
    limit = {"max_exchanges": exchanges} if exchanges else {}
    return await write("magnet", case(lang), scripted, options=limit | options)


def generated(dialogue: Dialogue) -> list[Turn]:
    """The counselor's turns after the seeded one."""
    return [turn for turn in dialogue.turns if turn.speaker == "counselor"][1:]


# Calls and the session's frame


@pytest.mark.parametrize("lang", LANGS)
async def test_a_full_session_takes_161_calls_one_plan_and_eight_an_exchange(lang: Lang) -> None:
    scripted = model()
    dialogue = await session(scripted, lang=lang, exchanges=None)
    twenty = ("choose", "merge", "client", *SPECIALISTS)
    assert scripted.counts() == {"plan": 1} | dict.fromkeys(twenty, 20)
    assert dialogue.quality.calls == 161
    assert dialogue.quality.rejected == 0


async def test_a_full_session_has_42_messages_counselor_first_and_strictly_in_turn() -> None:
    dialogue = await session(model(), exchanges=None)
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 21
    assert dialogue.turns[0].text == "FIRST-WORD hello"
    assert dialogue.sessions[0].ended == "limit"


async def test_a_case_without_a_seeded_answer_also_comes_to_42_messages() -> None:
    dialogue = await write("magnet", case(opening=[]), model())
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 21


async def test_the_end_token_closes_the_session_and_is_never_stored() -> None:
    dialogue = await session(model(client=["not yet, I think", "that is all I need [/END]"]), exchanges=None)
    assert len(dialogue.turns) == 6
    assert dialogue.sessions[0].ended == "client closed"
    assert not any("[/END]" in turn.text for turn in dialogue.turns)


async def test_the_client_is_the_one_of_cactus() -> None:
    assert find_system("magnet").role("client") is CactusClient


async def test_the_five_specialists_and_the_chooser_of_a_turn_are_in_flight_together() -> None:
    class Slow(Scripted):
        now = most = 0

        async def __call__(self, call: Call, /) -> Answer:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.now -= 1
            return await super().__call__(call)

    slow = Slow(**model().replies)
    await session(slow)
    assert slow.most == 6


async def test_the_chooser_answers_at_temperature_0_and_all_others_at_0_7_with_512_tokens() -> None:
    scripted = model()
    await session(scripted, exchanges=1)
    decoding = {call.prompt: call.decoding for call in scripted.calls}
    assert decoding.pop("choose") == {"temperature": 0}
    assert all(found == {"temperature": 0.7, "max_tokens": 512} for found in decoding.values())


# Who reads what


@pytest.mark.parametrize("lang", LANGS)
async def test_in_faithful_mode_only_the_chooser_reads_the_plan(lang: Lang) -> None:
    scripted = model()
    await session(scripted, lang=lang)
    assert {call.prompt for call in scripted.calls if PLAN in text_of(call)} == {"choose"}


@pytest.mark.parametrize("lang", LANGS)
async def test_in_faithful_mode_the_merger_reads_candidates_and_techniques_and_no_history(lang: Lang) -> None:
    scripted = model()
    dialogue = await session(scripted, lang=lang)
    for call in scripted.asked("merge"):
        text = text_of(call)
        assert all(f"CANDIDATE {name} of this turn" in text for name in SPECIALISTS)
        assert text.count(TECHNIQUES["reflection"].name(lang)) == 2  # once before its draft, once as suggested
        assert text.count(TECHNIQUES["solutions"].name(lang)) == 1
        assert not any(turn.text in text for turn in dialogue.turns)


async def test_specialists_read_the_facts_the_reason_and_the_whole_history_but_not_each_other() -> None:
    scripted = model()
    dialogue = await session(scripted)
    last = [scripted.asked(name)[-1] for name in SPECIALISTS]
    before = [turn.text for turn in dialogue.turns[:-2]]
    for call in last:
        text = text_of(call)
        assert all(word in text for word in ("Ilse", "52", "tailor", "REASON-FOR-COMING", *before))
        assert "CANDIDATE" not in text


async def test_the_chooser_reads_the_history_and_the_names_of_the_five() -> None:
    scripted = model()
    dialogue = await session(scripted)
    text = text_of(scripted.asked("choose")[-1])
    assert all(turn.text in text for turn in dialogue.turns[:-2])
    assert all(term.en in text for term in TECHNIQUES.terms)
    assert "Ilse" not in text
    assert "REASON-FOR-COMING" not in text


async def test_no_agent_of_the_counselor_reads_the_rest_of_the_intake_form() -> None:
    scripted = model()
    await session(scripted)
    counselor = [text_of(call) for call in scripted.calls if call.prompt != "client"]
    assert not any(word in text for text in counselor for word in ("PROBLEM", "HISTORY", "WORK", "SISTER", "negative"))


async def test_the_planner_reads_the_facts_the_reason_and_the_clients_first_words() -> None:
    scripted = model()
    await session(scripted)
    text = text_of(scripted.asked("plan")[0])
    assert all(word in text for word in ("Ilse", "REASON-FOR-COMING", "CLIENT-ANSWER"))
    assert "FIRST-WORD" not in text


async def test_the_five_specialists_share_all_of_their_prompt_but_the_end() -> None:
    scripted = model()
    await session(scripted)
    systems = {scripted.asked(name)[-1].messages[0]["content"] for name in SPECIALISTS}
    histories = {scripted.asked(name)[-1].messages[1]["content"].rpartition("\n\n")[0] for name in SPECIALISTS}
    assert (len(systems), len(histories)) == (1, 1)


# The ablations: the table of the paper


@pytest.mark.parametrize(
    ("options", "calls_an_exchange", "chooser_reads_plan", "merger_reads"),
    [
        ({}, 8, True, {"techniques"}),
        ({"planner": False}, 8, False, {"techniques"}),
        ({"chooser": False}, 7, None, {"plan", "history"}),
        ({"planner": False, "chooser": False}, 7, None, {"history"}),
        ({"generator_context": "history"}, 8, True, {"techniques", "history"}),
        ({"generator_context": "history+plan"}, 8, True, {"techniques", "history", "plan"}),
    ],
)
async def test_the_variants_differ_exactly_as_in_the_table(
    options: dict[str, Any], calls_an_exchange: int, chooser_reads_plan: bool | None, merger_reads: set[str]
) -> None:
    scripted = model()
    dialogue = await session(scripted, **options)
    assert len(scripted.asked("plan")) == options.get("planner", True)
    assert len(scripted.calls) - len(scripted.asked("plan")) == 3 * calls_an_exchange
    choosing = [PLAN in text_of(call) for call in scripted.asked("choose")]
    assert choosing == ([] if chooser_reads_plan is None else [chooser_reads_plan] * 3)
    text = text_of(scripted.asked("merge")[-1])
    found = {"plan": PLAN in text, "history": dialogue.turns[-3].text in text, "techniques": "Suggested" in text}
    assert {what for what, there in found.items() if there} == merger_reads
    assert ("cbt_plan" in dialogue.sessions[0].notes) == options.get("planner", True)


@pytest.mark.parametrize("lang", LANGS)
async def test_each_variant_tells_the_merger_by_what_to_combine(lang: Lang) -> None:
    told = set()
    for options in ({}, {"chooser": False}, {"planner": False, "chooser": False}):
        scripted = model()
        await session(scripted, lang=lang, exchanges=1, **options)
        told.add(scripted.asked("merge")[0].messages[0]["content"].splitlines()[2])
    assert len(told) == 3


async def test_writers_chosen_asks_only_the_specialists_that_the_chooser_names() -> None:
    scripted = model()
    dialogue = await session(scripted, writers="chosen")
    assert {name: len(scripted.asked(name)) for name in SPECIALISTS if scripted.asked(name)} == {
        "reflection": 3,
        "questioning": 3,
    }
    assert list(generated(dialogue)[0].extra["candidates"]) == ["reflection", "questioning"]  # type: ignore[arg-type]


def test_writers_chosen_without_a_chooser_is_refused() -> None:
    with pytest.raises(UsageError, match="needs the chooser"):
        make_role("magnet", "counselor", {"writers": "chosen", "chooser": False})


# What is kept


async def test_each_counselor_turn_keeps_five_candidates_and_the_chosen_techniques_as_labels() -> None:
    dialogue = await session(model())
    for turn in generated(dialogue):
        assert turn.extra["candidates"] == {name: f"CANDIDATE {name} of this turn" for name in SPECIALISTS}
        assert [(label.set, label.id) for label in turn.labels] == [
            ("magnet_technique", "reflection"), ("magnet_technique", "questioning"),
        ]  # fmt: skip


async def test_without_a_chooser_turns_carry_no_technique() -> None:
    dialogue = await session(model(), chooser=False)
    assert not any(turn.labels for turn in dialogue.turns)


async def test_the_trace_holds_candidates_choice_and_merged_text_of_every_turn() -> None:
    desk = desk_for(case(), model())
    dialogue = Dialogue(id="m", lang="en")
    talk = Talk(dialogue)
    for line in case().opening:
        for who, text in line.items():
            talk.add(Turn(speaker=who, text=text))
    turn = await Magnet().reply(talk, Ask(desk, Magnet(), talk))
    answers = {asked.prompt: asked.answer for asked in desk.trace}
    assert set(answers) == {"plan", "choose", "merge", *SPECIALISTS}
    assert answers["merge"] == turn.text


async def test_plan_and_technique_are_notes_of_the_session() -> None:
    dialogue = await session(model())
    assert dialogue.sessions[0].notes == {"cbt_technique": "reality_testing", "cbt_plan": PLAN}


# Answers that are not good enough


@pytest.mark.parametrize("bad", [[], ["Confrontation"], "Reflection, Questioning", ["Reflection", "Silence"]])
async def test_anything_but_a_non_empty_subset_of_the_five_is_asked_for_again(bad: Any) -> None:
    scripted = model(choose=[{"techniques": bad}, {"techniques": ["心理教育"]}])
    dialogue = await session(scripted, exchanges=1)
    assert len(scripted.asked("choose")) == 2
    assert [label.id for label in generated(dialogue)[0].labels] == ["psychoeducation"]


async def test_a_chooser_that_never_names_one_of_the_five_fails_the_case() -> None:
    with pytest.raises(AnswerRejected, match="chooser"):
        await session(model(choose={"techniques": ["Silence"]}))


async def test_a_technique_named_twice_counts_once() -> None:
    dialogue = await session(model(choose={"techniques": ["Normalizing", "正常化"]}), exchanges=1)
    assert [label.id for label in generated(dialogue)[0].labels] == ["normalization"]


ANNOUNCED = {
    "en": [
        "Using the technique of reflection, I hear that you are tired.",
        "As a counselor trained in CBT, I would ask what happened.",
        "Reflection: you sound tired.",
        "Combined response: you sound tired.",
        "Here is a response that combines the drafts. You sound tired.",
        "I'd like to use normalization here, many people feel like this.",
    ],
    "zh": [
        "作为提问技术，我想问问你当时的感受。",
        "作为一名心理咨询师，我听到你很累。",
        "使用情感反映技术：你很累。",
        "接下来，我会采用心理教育的技术。你知道吗？",
        "以下是综合后的回应：你很累。",
        "情感与内容反映：听起来你很累。",
    ],
}
PLAIN = [
    "It sounds as though this uses up a lot of your energy.",
    "As a tailor you look closely at every seam. Is it like that with yourself, too?",
    "You got no reply: how was that for you?",
    "Here is what I hear: you are tired of explaining yourself.",
    "作为一个妈妈，你已经很不容易了。",
    "用你自己的话说，那是什么感觉？",
    "你说没有收到回复：当时你怎么想？",
    "你用的深呼吸这个技巧，帮到你了吗？",
]


@pytest.mark.parametrize("text", ANNOUNCED["en"] + ANNOUNCED["zh"])
def test_an_announcing_phrase_is_recognized(text: str) -> None:
    assert all(unannounced_in(lang)(text) for lang in LANGS)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_speech_is_not_taken_for_an_announcement(text: str) -> None:
    assert not any(unannounced_in(lang)(text) for lang in LANGS)


@pytest.mark.parametrize("lang", LANGS)
async def test_a_reply_that_announces_its_technique_is_asked_for_again(lang: Lang) -> None:
    plain = {"en": "You sound tired of it all.", "zh": "听起来，你已经很累了。"}[lang]
    scripted = model(merge=[ANNOUNCED[lang][1], plain])
    dialogue = await session(scripted, lang=lang, exchanges=1)
    assert generated(dialogue)[0].text == plain
    assert dialogue.quality.guards == {"unannounced": 1}
    said = {"en": "it announces what it is about to do", "zh": "先宣布了要用什么方法"}[lang]
    assert said in scripted.asked("merge")[1].messages[-1]["content"]


async def test_a_reply_that_names_a_technique_is_asked_for_again() -> None:
    scripted = model(merge=["Perhaps some Psycho-education helps: sleep follows the day.", "Sleep follows the day."])
    dialogue = await session(scripted, exchanges=1)
    assert generated(dialogue)[0].text == "Sleep follows the day."
    assert dialogue.quality.guards == {"names_label": 1}


async def test_a_candidate_that_repeats_the_counselor_word_for_word_is_asked_for_again() -> None:
    again = {"utterance": "FIRST-WORD hello"}
    scripted = model(questioning=[again, {"utterance": "What was it like?"}])
    dialogue = await session(scripted, exchanges=1)
    assert generated(dialogue)[0].extra["candidates"]["questioning"] == "What was it like?"  # type: ignore[index,call-overload]
    assert dialogue.quality.guards == {"repeats": 1}


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Sure, here it is. Counselor: I hear you.", "I hear you."),
        ('She said \\"no\\"\n\nand you left.', "She said no and you left."),
        ("咨询师：我听到了。\n后来呢？", "我听到了。后来呢？"),
        ("他说“不行”，你就走了。", "他说“不行”，你就走了。"),
    ],
)
def test_counselor_texts_are_cleaned_as_released(raw: str, clean: str) -> None:
    assert tidy(raw) == clean
    assert tidy(clean) == clean


# Sample cases and rehearsal


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("magnet").cases(), Case)), ids=lambda sample: sample.id)
async def test_every_sample_case_is_rehearsed_without_a_fault(sample: Case) -> None:
    dialogue = await write("magnet", sample, Rehearsal())
    assert len(dialogue.turns) >= 20
    assert all(set(turn.extra["candidates"]) == set(SPECIALISTS) for turn in generated(dialogue))  # type: ignore[arg-type]
    assert not dialogue.quality.kept


def test_every_specialist_has_a_prompt_of_the_techniques_name() -> None:
    specialists = {
        prompt.name for prompt in prompts_in(Magnet.home() / "prompts") if prompt.front.agent == "specialist"
    }
    assert specialists == set(TECHNIQUES.ids) == set(SPECIALISTS)
