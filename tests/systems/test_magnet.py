"""MAGneT as its paper describes it: who is called, who reads what, what is kept."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from psyloom.agents import Ask, Talk
from psyloom.agents.prompts import prompts_in
from psyloom.agents.roles import GREETING
from psyloom.errors import AnswerRejected, UsageError
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Lang, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.systems import find_system, make_role
from psyloom.systems.cactus.system import CactusClient
from psyloom.systems.magnet.system import TECHNIQUES, Magnet, unannounced_in
from tests.runs.workshop import psyloom
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
@pytest.mark.accepts("magnet", 1)
async def test_a_full_session_takes_161_calls_one_plan_and_eight_an_exchange(lang: Lang) -> None:
    scripted = model()
    dialogue = await session(scripted, lang=lang, exchanges=None)
    twenty = ("choose", "merge", "client", *SPECIALISTS)
    assert scripted.counts() == {"plan": 1} | dict.fromkeys(twenty, 20)
    assert dialogue.quality.calls == 161
    assert dialogue.quality.rejected == 0


@pytest.mark.accepts("magnet", 1)
async def test_of_several_sessions_each_gets_one_plan_of_its_own() -> None:
    scripted = model(record={"summary": "s", "learnt": [], "homework": [], "ratings": []})
    await session(scripted, exchanges=2, sessions=2)
    assert len(scripted.asked("plan")) == 2


@pytest.mark.accepts("magnet", 5)
async def test_a_full_session_has_42_messages_counselor_first_and_strictly_in_turn() -> None:
    dialogue = await session(model(), exchanges=None)
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 21
    assert dialogue.turns[0].text == "FIRST-WORD hello"
    assert dialogue.sessions[0].ended == "limit"


async def test_a_case_without_a_seeded_answer_also_comes_to_42_messages() -> None:
    dialogue = await write("magnet", case(opening=[]), model())
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 21


@pytest.mark.accepts("magnet", 5)
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
@pytest.mark.accepts("magnet", 4)
async def test_in_faithful_mode_only_the_chooser_reads_the_plan(lang: Lang) -> None:
    scripted = model()
    await session(scripted, lang=lang)
    assert {call.prompt for call in scripted.calls if PLAN in text_of(call)} == {"choose"}


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("magnet", 4)
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
@pytest.mark.accepts("magnet", 6)
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
@pytest.mark.accepts("magnet", 6)
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


@pytest.mark.accepts("magnet", 3)
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


@pytest.mark.accepts("magnet", 3)
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
    assert all(f"CANDIDATE {name} of this turn" in answers[name] for name in SPECIALISTS)
    assert json.loads(answers["choose"]) == {"techniques": ["Reflection", "Questioning"]}


async def test_plan_and_technique_are_notes_of_the_session() -> None:
    dialogue = await session(model())
    assert dialogue.sessions[0].notes == {"cbt_technique": "reality_testing", "cbt_plan": PLAN}


# Answers that are not good enough


@pytest.mark.parametrize("bad", [[], ["Confrontation"], "Reflection, Questioning", ["Reflection", "Silence"]])
@pytest.mark.accepts("magnet", 2)
async def test_anything_but_a_non_empty_subset_of_the_five_is_asked_for_again(bad: Any) -> None:
    scripted = model(choose=[{"techniques": bad}, {"techniques": ["心理教育"]}])
    dialogue = await session(scripted, exchanges=1)
    assert len(scripted.asked("choose")) == 2
    assert [label.id for label in generated(dialogue)[0].labels] == ["psychoeducation"]


@pytest.mark.accepts("magnet", 2)
async def test_a_chooser_that_never_names_one_of_the_five_fails_the_case_and_every_attempt_is_logged(
    tmp_path: Path,
) -> None:
    with pytest.raises(AnswerRejected, match="chooser"):
        await session(model(choose={"techniques": ["Silence"]}))
    write_jsonl(tmp_path / "cases.jsonl", [case()])
    scripted = model(choose={"techniques": ["Silence"]})
    summary = await run_cases("magnet", tmp_path / "cases.jsonl", tmp_path / "out", models=scripted)
    assert (summary.dialogues, summary.failures) == (0, 1)
    (line,) = (tmp_path / "out" / "failures.jsonl").read_text("utf-8").splitlines()
    told = json.loads(line)
    assert told["id"] == "m"
    assert [asked["answer"] for asked in told["attempts"] if asked["prompt"] == "choose"] == [
        '{"techniques": ["Silence"]}'
    ] * 3


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
@pytest.mark.accepts("magnet", 7)
def test_an_announcing_phrase_is_recognized(text: str) -> None:
    assert all(unannounced_in(lang)(text) for lang in LANGS)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_speech_is_not_taken_for_an_announcement(text: str) -> None:
    assert not any(unannounced_in(lang)(text) for lang in LANGS)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("magnet", 7)
async def test_a_reply_that_announces_its_technique_is_asked_for_again(lang: Lang) -> None:
    plain = {"en": "You sound tired of it all.", "zh": "听起来，你已经很累了。"}[lang]
    scripted = model(merge=[ANNOUNCED[lang][1], plain])
    dialogue = await session(scripted, lang=lang, exchanges=1)
    assert generated(dialogue)[0].text == plain
    assert dialogue.quality.guards == {"unannounced": 1}
    said = {"en": "it announces what it is about to do", "zh": "先宣布了要用什么方法"}[lang]
    assert said in scripted.asked("merge")[1].messages[-1]["content"]


@pytest.mark.accepts("magnet", 7)
async def test_a_candidate_that_announces_its_technique_is_asked_for_again() -> None:
    announced, plain = ({"utterance": text} for text in (ANNOUNCED["en"][0], "You sound tired of it all."))
    dialogue = await session(model(reflection=[announced, plain]), exchanges=1)
    assert generated(dialogue)[0].extra["candidates"]["reflection"] == plain["utterance"]  # type: ignore[index,call-overload]


@pytest.mark.accepts("magnet", 7)
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


# Evaluation and training


def numbered_session(number: int, lang: Lang = "en") -> Dialogue:
    """A full session as one is read: 42 messages, the first two of them given."""
    sides = ("counselor", "client")
    texts = ["FIRST-WORD hello", "CLIENT-ANSWER well then", *(f"session {number} message {n}" for n in range(2, 42))]
    turns = [Turn(speaker=sides[n % 2], text=text) for n, text in enumerate(texts)]
    told = case(lang).model_copy(update={"id": f"case-{number}"})
    return Dialogue(id=f"magnet-session_{number}", lang=lang, case=told, sessions=[Session(turns=turns)])


def exported(folder: Path, *numbers: int) -> dict[str, list[dict[str, str]]]:
    """split -> the examples that the command writes of these sessions."""
    write_jsonl(folder / "d.jsonl", map(numbered_session, numbers))
    split = ("--splits", "270/30/150", "--by", "number")
    done = psyloom("export", folder / "d.jsonl", "--to", "magnet", "--out", folder / "out", *split)
    assert done.code == 0, done.err
    return {file.stem: json.loads(file.read_text("utf-8"))["data"] for file in (folder / "out").iterdir()}


@pytest.mark.accepts("magnet", 9)
def test_the_training_file_has_one_example_for_each_generated_counselor_message(tmp_path: Path) -> None:
    (examples,) = [found for found in exported(tmp_path, 1).values() if found]
    talk = numbered_session(1).turns
    assert [one["response"] for one in examples] == [talk[n].text for n in range(2, 42, 2)]
    assert len(examples) == 20
    for one, until in zip(examples, range(2, 42, 2), strict=True):
        said = [f"{turn.speaker.title()}: {turn.text}" for turn in talk[:until]]
        assert one["history"].split("\n") == said
        assert one["client_information"] == "Name:\nIlse\nAge:\n52\nOccupation: tailor"
        assert one["reason_counseling"] == "REASON-FOR-COMING"
        assert not any(word in str(one) for word in ("PROBLEM", "HISTORY", "WORK", "SISTER"))


@pytest.mark.accepts("magnet", 9)
def test_sessions_are_split_270_30_150_by_their_number_whatever_numbers_are_missing(tmp_path: Path) -> None:
    found = exported(tmp_path, 1, 270, 271, 300, 301, 450)
    sessions = {split: [one["id"].partition("#")[0] for one in examples[::20]] for split, examples in found.items()}
    assert sessions == {
        "train": ["magnet-session_1", "magnet-session_270"],
        "valid": ["magnet-session_271", "magnet-session_300"],
        "test": ["magnet-session_301", "magnet-session_450"],
    }


def test_only_what_was_generated_is_learned_of_a_session_that_began_with_a_fixed_greeting(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case(opening=[])])
    assert not psyloom("run", "magnet", tmp_path / "cases.jsonl", "--out", tmp_path / "m").err
    made = tmp_path / "m" / "dialogues.jsonl"
    assert not psyloom("export", made, "--to", "magnet", "--out", tmp_path / "out.json", "--force").err
    examples = json.loads((tmp_path / "out.json").read_text("utf-8"))["data"]
    (dialogue,) = read_jsonl(made, Dialogue)
    assert dialogue.turns[0].text == GREETING["en"]
    assert [one["response"] for one in examples] == [turn.text for turn in generated(dialogue)]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("magnet", 8)
def test_a_session_is_rated_with_6_12_and_20_and_20_values_each_as_often_as_asked_for(
    lang: Lang, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case(lang)])
    assert not psyloom(
        "run", "magnet", tmp_path / "cases.jsonl", "--out", tmp_path / "m", "--set", "max_exchanges=3"
    ).err
    shown = psyloom(
        "rate", tmp_path / "m", "--with", "ctrs,wai,panas", "--samples", 3, "--out", tmp_path / "r", "--json"
    )
    found = json.loads(shown.out)["results"]
    sizes = {name: [(one["moment"], len(one["items"]), one["asked"]) for one in each] for name, each in found.items()}
    assert sizes == {
        "ctrs": [(None, 6, 18)], "wai_o_s": [(None, 12, 36)], "panas": [("before", 20, 60), ("after", 20, 60)]
    }  # fmt: skip


@pytest.mark.accepts("magnet", 8)
def test_variety_is_told_as_distinct_1_2_and_3_and_as_ead(tmp_path: Path) -> None:
    turns = [Turn.counselor("a b a b"), Turn.client("a c d")]
    write_jsonl(tmp_path / "d.jsonl", [Dialogue(id="d", lang="en", sessions=[Session(turns=turns)])])
    done = psyloom("analyze", "diversity", tmp_path / "d.jsonl", "--vocabulary", 10)
    head, row = (line.split() for line in done.out.splitlines() if re.match("side|both", line))
    told = dict(zip(head, row[: head.index("PUW")], strict=False))
    # 4 words of 7; ab, ba, ab, ac, cd; aba, bab, acd; 4 / (10 (1 - 0.9 ** 7)) is EAD.
    assert told == {"side": "both", "D-1": "0.571", "D-2": "0.800", "D-3": "1.000", "EAD": "0.767"}


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
