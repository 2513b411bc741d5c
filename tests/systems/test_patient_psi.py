"""PATIENT-Psi: the checks of its specification. arXiv 2405.19660."""

import asyncio
import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from psyloom.agents import Ask, Client, Pairing, Talk
from psyloom.errors import AnswerRejected, MissingFacet, UnknownName
from psyloom.formats import read
from psyloom.formats.write.patient_psi import profiles
from psyloom.knowledge import label_set
from psyloom.records import Case, Cognition, Dialogue, Lang, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import pair
from psyloom.systems import find_system, make_role
from psyloom.systems.patient_psi.generator import EMOTIONS, HELPLESS, UNLOVABLE, WORTHLESS, CcdGenerator
from psyloom.systems.patient_psi.system import CAPS, STYLES, PatientPsi, at_most, unlisted, without_jargon
from psyloom.systems.patient_psi.trainer import NOT_FILLED, Answers, Practice, sampled
from tests.canary import canary_case, faults_of_sight
from tests.runs.workshop import psyloom, server
from tests.support import Scripted, annotate, desk_for, numbered, text_of, write

MODEL: dict[str, Any] = {
    "history": "HISTORY a strict home.",
    "core_beliefs": {"helpless": ["I am needy."], "unlovable": ["I am unlovable."], "worthless": ["I am immoral."], "other": ["OTHER belief"]},
    "intermediate_beliefs": ["RULE never ask."], "intermediate_beliefs_during_depression": ["LOW all is lost."],
    "coping_strategies": ["COPING hides."],
    "situations": [
        {"situation": "FIRST the phone rang.", "automatic_thoughts": ["THOUGHT bad news."], "emotions": ["guilty"], "behaviors": ["DID nothing."]},
        {"situation": "SECOND a letter came.", "automatic_thoughts": ["ALARM again."], "emotions": ["hurt"], "behaviors": ["LEFT it closed."]},
    ],
}  # fmt: skip


def case(lang: Lang = "en", *, style: str | None = None, model: dict[str, Any] = MODEL, **more: Any) -> Case:
    disposition = {"style": style} if style else None
    given = {"id": "c", "lang": lang, "demographics": {"name": "Noor"}, "cognition": model, "disposition": disposition}
    return Case.model_validate(given | more)


async def play(model: Scripted, case: Case, exchanges: int = 2, **options: Any) -> Dialogue:
    given = {f"client.{k}": str(v) for k, v in options.items()} | {"max_exchanges": str(exchanges)}
    return await write(pair("plain", "patient_psi", given), case, model)


def talkers(**more: Any) -> Scripted:
    return Scripted(**{"client": numbered("word"), "counselor": numbered("reply"), **more})


# The prompt


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.accepts("patient_psi", 1)
async def test_the_prompt_holds_every_field_exactly_once_and_no_placeholder(lang: Lang) -> None:
    model = talkers()
    await play(model, case(lang), 1)
    system = text_of(model.asked("client")[0])
    one = case(lang)
    assert one.cognition is not None
    first = one.cognition.model_copy(update={"situations": one.cognition.situations[:1]})
    told = ["Noor", *(text for _, text in first.leaves())]
    assert len(told) == 13
    assert {text: system.count(text) for text in told} == dict.fromkeys(told, 1)
    assert not re.search(r"undefined|None|null|Missing|\[\]", system)
    assert "SECOND" not in system


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.accepts("patient_psi", 1)
async def test_beliefs_during_depression_may_be_missing_and_leave_no_heading(lang: Lang) -> None:
    bare = {k: v for k, v in MODEL.items() if k != "intermediate_beliefs_during_depression"}
    model = talkers()
    await play(model, case(lang, model=bare), 1)
    assert not re.search("when you are low|情绪低落的时候", text_of(model.asked("client")[0]))


@pytest.mark.parametrize("field", ["history", "intermediate_beliefs", "coping_strategies", "situations"])
def test_a_model_without_a_required_part_is_told_by_name_before_anything_is_asked(field: str) -> None:
    assert f"cognition.{field}" in PatientPsi().wants()


async def test_a_model_without_any_core_belief_fails() -> None:
    with pytest.raises(MissingFacet, match="no core belief"):
        await play(talkers(), case(model=MODEL | {"core_beliefs": {}}))


async def styled(style: str, lang: Lang) -> str:
    model = talkers()
    await play(model, case(lang), 1, style=style)
    return text_of(model.asked("client")[0])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.accepts("patient_psi", 2)
async def test_the_style_changes_only_its_guideline_and_the_cap(lang: Lang) -> None:
    assert {term.id: CAPS[term.id] for term in STYLES.terms} == {
        "plain": 5, "upset": 3, "verbose": 8, "reserved": 3, "tangent": 5, "pleasing": 5
    }  # fmt: skip
    plain = (await styled("plain", lang)).splitlines()
    for term in STYLES.terms:
        lines = (await styled(term.id, lang)).splitlines()
        fresh = [line for line in lines if line not in plain]
        guideline = [line for line in fresh if term.definition.of(lang) in line]
        cap = [line for line in fresh if line not in guideline]
        assert len(guideline) == (term.id != "plain")
        assert len(cap) == (CAPS[term.id] != 5)
        assert all(str(CAPS[term.id]) in line for line in cap)
        assert len([line for line in plain if line not in lines]) == len(cap)


@pytest.mark.parametrize(("lang", "listens", "natural", "softens"),
                         [("en", "listen more", "talk normally", "it shows less"), ("zh", "更愿意听", "正常说", "淡下去")])  # fmt: skip
async def test_special_styles_show_in_some_messages_and_soften_with_trust_the_talkative_one_listens_more(
    lang: Lang, listens: str, natural: str, softens: str
) -> None:
    for style in CAPS:
        text = await styled(style, lang)
        assert (natural in text and softens in text) == (style != "plain")
        assert (listens in text) == (style == "verbose")


async def test_the_style_is_the_cases_own_by_any_name_else_plain_and_an_unknown_one_is_told_the_nearest() -> None:
    async def noted(**more: Any) -> Any:
        return (await play(talkers(), case(**more), 1)).sessions[0].notes["patient"]["style"]  # type: ignore[index,call-overload]

    assert await noted() == "plain"
    assert await noted(style="戒备型") == "reserved"
    assert await noted(style="Go off on tangents") == "tangent"
    with pytest.raises(UnknownName, match="did you mean upset"):
        await noted(style="upsett")


@pytest.mark.parametrize(
    ("lang", "manner"),
    [("zh", "说话快，想到哪儿说到哪儿"), ("en", "Dry humor; changes the subject when it gets close.")],
)
async def test_a_manner_in_the_cases_own_words_is_shown_to_the_patient_as_it_stands(lang: Lang, manner: str) -> None:
    model = talkers()
    dialogue = await play(model, case(lang, style=manner), 1)
    assert manner in text_of(model.asked("client")[0])
    assert dialogue.sessions[0].notes["patient"]["style"] == "own"  # type: ignore[index,call-overload]


async def test_a_drawn_style_is_one_the_model_is_suited_for_and_stays_for_the_whole_talk() -> None:
    async def drawn(seed: int, **more: Any) -> set[str]:
        model = talkers()
        await write(
            pair("plain", "patient_psi", {"client.style": "drawn", "max_exchanges": "3"}),
            case(**more),
            model,
            seed=seed,
        )
        systems = {call.messages[0]["content"] for call in model.asked("client")}
        assert len(systems) == 1
        return {term.id for term in STYLES.terms if any(term.definition.en in text for text in systems)}

    fit = {"extra": {"type": ["upset", "verbose"]}}
    assert set.union(*[await drawn(seed, **fit) for seed in range(12)]) == {"upset", "verbose"}
    assert await drawn(3) == await drawn(3)
    assert len(set.union(*[await drawn(seed) for seed in range(30)])) == 5


# Labels


@pytest.mark.accepts("patient_psi", 3)
def test_there_are_9_6_and_4_core_beliefs_and_9_emotions() -> None:
    assert [len(labels) for labels in (HELPLESS, UNLOVABLE, WORTHLESS, EMOTIONS)] == [9, 6, 4, 9]
    assert len(label_set("ccd_part")) == 8


@pytest.mark.accepts("patient_psi", 3)
def test_unknown_beliefs_and_emotions_are_reported_with_the_nearest_label() -> None:
    model = Cognition.model_validate({
        "core_beliefs": {"helpless": ["I am a failture.", "我很无助。"], "unlovable": ["I am unlovabel."],
                         "worthless": ["I am immoral.", "I am imoral."], "other": ["I am odd."]},
        "situations": [{"situation": "s", "emotions": ["disapointed", "angry, mad, irritated, annoyed", "焦虑"]},
                       {"situation": "t", "emotions": ["guilty", "xyz"]}],
    })  # fmt: skip
    assert unlisted(model) == {
        "I am a failture.": "I am a failure, loser.", "I am unlovabel.": "I am unlovable.", "I am imoral.": "I am immoral.",
        "disapointed": "disappointed", "xyz": "",
    }  # fmt: skip


@pytest.mark.accepts("patient_psi", 3)
async def test_the_session_notes_say_what_stood_outside_the_lists_and_warn_of_a_belief_about_not_living() -> None:
    beliefs = {"helpless": ["I am trapt."], "worthless": ["我不配活着。"]}
    dialogue = await play(talkers(), case(model=MODEL | {"core_beliefs": beliefs}), 1)
    assert dialogue.sessions[0].notes["patient"] == {
        "style": "plain", "situation": 1, "unlisted": {"I am trapt.": "I am trapped."}, "caution": "deserve"
    }  # fmt: skip


# The talk


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.accepts("patient_psi", 4)
async def test_the_therapist_speaks_first_and_each_patient_turn_is_one_call_with_the_whole_talk(lang: Lang) -> None:
    model = talkers()
    dialogue = await play(model, case(lang), 4)
    assert dialogue.turns[0].speaker == "counselor"
    calls = model.asked("client")
    assert len(calls) == sum(turn.speaker == "client" for turn in dialogue.turns) == 4
    chat = calls[-1].messages[1:]
    assert [m["content"] for m in chat] == [turn.text for turn in dialogue.turns[:-1]]
    assert [m["role"] for m in chat] == ["user", "assistant"] * 3 + ["user"]
    assert calls[0].decoding == {"temperature": 1.0, "max_tokens": 256}


@pytest.mark.parametrize(("lang", "text"), [
    ("en", "I guess that's my core belief."), ("en", "My Automatic Thoughts were awful."), ("en", "It's in my cognitive model."),
    ("zh", "我的核心信念就是我不行。"), ("zh", "那个自动化思维又来了。"), ("zh", "这是我的应对策略吧。"),
    ("en", "It's an intermediate belief of mine."), ("en", "It's in my diagram, the conceptualization diagram."),
    ("en", "The CCD says so."), ("en", "That is one of my coping strategies."),
    ("zh", "这就是中间信念吧。"), ("zh", "我的认知概念化图上写着呢。"), ("zh", "我的认知模型就是这样。"),
])  # fmt: skip
@pytest.mark.accepts("patient_psi", 4)
async def test_a_patient_who_names_the_diagram_or_a_part_is_asked_again_and_never_kept(lang: Lang, text: str) -> None:
    model = talkers(client=[text, "mended words"])
    dialogue = await play(model, case(lang), 1)
    assert dialogue.turns[1].text == "mended words"
    with pytest.raises(AnswerRejected):
        await play(talkers(client=text), case(lang), 1)


@pytest.mark.accepts("patient_psi", 4)
@pytest.mark.parametrize("option", ["baseline", "trust"])
async def test_no_variant_of_the_patient_names_the_diagram(option: str) -> None:
    said = "I guess that's my core belief."
    model = talkers(baseline=said, client={"trust": 2, "text": said})
    with pytest.raises(AnswerRejected):
        await play(model, case(), 1, **{option: True})


@pytest.mark.parametrize("text", ["The whole situation makes me anxious.", "这种情境我真受不了，情绪一下就上来了。"])
def test_everyday_words_are_no_jargon(text: str) -> None:
    assert without_jargon("en")(text) is None


@pytest.mark.parametrize(("style", "cap"), list(CAPS.items()))
async def test_a_message_over_the_styles_cap_is_asked_for_again_and_at_last_kept_and_counted(
    style: str, cap: int
) -> None:
    fits, long = ("I went. " * cap).strip(), ("I went. " * (cap + 1)).strip()
    model = talkers(client=[long, fits])
    assert (await play(model, case(style=style), 1)).turns[1].text == fits
    kept = await play(talkers(client=long), case(style=style), 1)
    assert kept.turns[1].text == long
    assert kept.quality.kept == {"over_the_cap": 1}


@pytest.mark.parametrize("text", ["Well... I don't know...", "嗯……我不知道……", "“嗯……”我说不上来。"])
def test_a_pause_does_not_end_a_sentence(text: str) -> None:
    assert at_most(1, "zh")(text) is None


async def test_a_second_session_is_about_the_next_situation() -> None:
    model, client = talkers(), PatientPsi()
    desk = desk_for(case(), model)
    talk = Talk(desk.dialogue)
    for _ in range(3):
        talk.add(Turn.counselor("How was your week?"))
        talk.add(await client.reply(talk, Ask(desk, client, talk)))
        talk.begin_session()
    told = [("FIRST" in text_of(call), "SECOND" in text_of(call)) for call in model.asked("client")]
    assert told == [(True, False), (False, True), (True, False)]


@pytest.mark.accepts("patient_psi", 9)
async def test_a_person_as_therapist_leaves_the_same_record_as_a_model() -> None:
    by_model = await play(talkers(counselor=["How was it?", "And then?"]), case(), 2)
    client = make_role("patient_psi", "client")
    assert isinstance(client, Client)
    desk = desk_for(case(), talkers())
    talk = Talk(desk.dialogue)
    for line in [turn.text for turn in by_model.turns if turn.speaker == "counselor"]:
        talk.add(Turn.counselor(line))
        talk.add(await client.reply(talk, Ask(desk, client, talk)))
    assert talk.turns == by_model.turns
    assert talk.session.notes == by_model.sessions[0].notes


# Options


async def test_trust_moves_one_step_a_message_and_hides_the_style_the_more_of_it_there_is() -> None:
    count = iter(range(1, 999))
    trusting = {"client": lambda _: {"trust": 10, "text": f"message number {next(count)}"}}
    model = talkers(**trusting)
    dialogue = await play(model, case(style="upset"), 12, trust=True)
    said = [turn for turn in dialogue.turns if turn.speaker == "client"]
    assert [turn.extra["trust"] for turn in said] == [3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10]
    assert not any(turn.extra["style_shows"] for turn in said[8:])
    assert {turn.extra["style_shows"] for turn in said} == {True, False}
    assert "3 of 10" in model.asked("client")[1].messages[-1]["content"]
    assert model.asked("client")[0].messages[0] == model.asked("client")[5].messages[0]


async def test_trust_that_is_lost_goes_down_to_nothing_and_the_guards_listen_to_typed_messages_too() -> None:
    lost = [
        {"trust": 0, "text": text}
        for text in ("It's my core belief.", "I don't want to.", "No, really not.", "Leave it.")
    ]
    dialogue = await play(talkers(client=lost), case(), 3, trust=True)
    assert [turn.extra["trust"] for turn in dialogue.turns[1::2]] == [1, 0, 0]
    assert dialogue.turns[1].text == "I don't want to."


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_baseline_is_told_the_situation_and_neither_model_nor_style(lang: Lang) -> None:
    model = Scripted(baseline=numbered("word"), counselor=numbered("reply"))
    await play(model, case(lang, style="upset"), 2, baseline=True)
    told = text_of(model.asked("baseline")[0])
    assert "FIRST" in told
    assert not any(word in told for word in ("HISTORY", "RULE", "LOW", "COPING", "THOUGHT", "DID", "guilty", "needy"))
    assert STYLES["upset"].definition.of(lang) not in told


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("options", [{"style": "verbose"}, {"style": "upset", "trust": True}, {"baseline": True}])
async def test_the_patient_reads_its_own_model_and_nothing_else_of_the_case(
    options: dict[str, Any], lang: Lang
) -> None:
    counselor, client = make_role("plain", "counselor"), PatientPsi.model_validate(options)
    work = Pairing.model_validate({"counselor": counselor, "client": client, "max_exchanges": 2})
    assert await faults_of_sight(work, canary_case(lang)) == []


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("options", [{}, {"trust": True}, {"baseline": True}])
async def test_a_rehearsal_of_the_bundled_cases_keeps_every_rule(options: dict[str, Any], lang: Lang) -> None:
    from psyloom.llm.rehearsal import Rehearsal

    styles = set()
    for one in read_jsonl(find_system("patient_psi").cases(), Case):
        if one.lang != lang:
            continue
        dialogue = await play(Rehearsal(), one, 6, **options)  # type: ignore[arg-type]
        note = dialogue.sessions[0].notes["patient"]
        styles.add(note["style"])  # type: ignore[index,call-overload]
        assert "unlisted" not in note  # type: ignore[operator]
        assert dialogue.sessions[0].exchanges() == 6
        assert "names_the_diagram" not in dialogue.quality.kept
    assert len(styles) == (1 if options.get("baseline") else 2)


# The trainer

ITEMS = [
    "situation",
    "automatic_thoughts",
    "emotions",
    "behaviors",
    "core_beliefs",
    "intermediate_beliefs",
    "coping_strategies",
]


REFERENCE = "reference:|参考："


def practiced(folder: Path, *typed: str, lang: Lang = "en", model: dict[str, Any] = MODEL, **options: object) -> str:
    """All that a trainee sees who types these lines. The patient's answers say nothing of its model."""
    write_jsonl(folder / "cases.jsonl", [case(lang, style="reserved", model=model)])
    words = [f"--{name}={value}" for name, value in options.items()]
    with server(folder) as (url, _):
        done = psyloom(
            "practice", "--cases", folder / "cases.jsonl", "--model", f"{url}#tiny", *words, typed="\n".join(typed)
        )
    assert done.code == 0, done.err
    return done.out


TALK = ("How was your week?", "?", "Tell me more.", "")
FORM = ("a quarrel", "nobody cares", "1 2", "left", "1", "", "2", "never ask", "hides")


@pytest.mark.accepts("patient_psi", 5)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_until_the_answers_are_in_the_trainee_sees_name_style_and_history_and_no_other_field(
    lang: Lang, tmp_path: Path
) -> None:
    shown = practiced(tmp_path, *TALK, *FORM, lang=lang)
    submitted = re.search(REFERENCE, shown)
    assert submitted
    before = shown[: submitted.start()]
    style = STYLES["reserved"]
    for told in ("Noor", style.name(lang), style.definition.of(lang), "HISTORY a strict home."):
        card, during = before.split("client: " if lang == "en" else "来访者: ", 1)
        assert told in card
        assert told in during, "the card can be seen again during the session"
    hidden = [text for _, text in case(lang).cognition.leaves() if text != "HISTORY a strict home."]  # type: ignore[union-attr]
    assert len(hidden) == 15
    listed = [
        name for labels in (HELPLESS, UNLOVABLE, WORTHLESS, EMOTIONS) for t in labels.terms for name in (t.en, t.zh)
    ]
    assert not [text for text in hidden if text in before and not any(text in name for name in listed)]
    assert "FIRST the phone rang." in shown[submitted.start() :]


@pytest.mark.accepts("patient_psi", 6)
@pytest.mark.parametrize(("lang", "empty"), [("en", "not chosen"), ("zh", "未选择")])
def test_after_submission_each_of_the_seven_items_shows_answer_and_reference(lang: Lang, empty: str) -> None:
    given = Practice(case(lang, model=MODEL | {"core_beliefs": {"helpless": ["I am needy."]}}), STYLES["plain"], lang)
    answers = Answers(
        situation="a quarrel", emotions=["guilty", "sad"], worthless=["immoral"], coping_strategies="hides"
    )
    rows = given.review(answers)
    assert list(dict.fromkeys(row.item for row in rows)) == [
        "situation", "automatic_thoughts", "emotions", "behaviors", "core_beliefs", "intermediate_beliefs", "coping_strategies"
    ]  # fmt: skip
    assert all(row.answer and row.reference for row in rows)
    found = {row.name: (row.answer, row.reference) for row in rows}
    nothing = (NOT_FILLED[lang],)
    parts = label_set("ccd_part")
    assert found[parts["situation"].name(lang)] == (("a quarrel",), ("FIRST the phone rang.",))
    assert found[parts["automatic_thoughts"].name(lang)] == (nothing, ("THOUGHT bad news.",))
    assert found[parts["emotions"].name(lang)][1] == (EMOTIONS["guilty"].name(lang),)
    assert found[parts["behaviors"].name(lang)] == (nothing, ("DID nothing.",))
    assert found[parts["intermediate_beliefs"].name(lang)] == (nothing, ("RULE never ask.",))
    assert found[parts["coping_strategies"].name(lang)] == (("hides",), ("COPING hides.",))
    beliefs = [found[getattr(labels, lang)] for labels in (HELPLESS, UNLOVABLE, WORTHLESS)]
    needy, immoral = HELPLESS["needy"].name(lang), WORTHLESS["immoral"].name(lang)
    assert beliefs == [((empty,), (needy,)), ((empty,), (empty,)), ((immoral,), (empty,))]


@pytest.mark.accepts("patient_psi", 6)
def test_the_command_compares_lets_an_item_be_changed_and_compares_again_and_keeps_both_sides(tmp_path: Path) -> None:
    shown = practiced(tmp_path, *TALK, *FORM, "4", "went home", "", record=tmp_path / "kept.jsonl")
    first, second = (shown.split("1. situation\n")[n] for n in (1, 2))
    assert "you: left" in first
    assert "you: went home" in second
    for part in (first, second):
        assert len(re.findall(r"^   you: ", part, re.MULTILINE)) == len(ITEMS) - 1 + 3, (
            "core beliefs have a line for each category"
        )
        assert "you: not chosen\n   reference: I am unlovable." in part
    (kept,) = read_jsonl(tmp_path / "kept.jsonl", Dialogue)
    practice: Any = kept.extra["practice"]
    assert practice["answers"]["behaviors"] == "went home"
    assert {row[0] for row in practice["review"]} == set(ITEMS)
    assert [turn.speaker for turn in kept.turns] == ["counselor", "client"] * 2


@pytest.mark.accepts("patient_psi", 7)
def test_the_assigned_queue_comes_first_each_entry_once_and_then_any_patient_by_chance() -> None:
    queue, used, met = ["b", "a", "b"], [], []
    for n in range(40):
        chosen, assigned = sampled(["a", "b", "c"], queue, used, Random(n))
        assert assigned == (n < 3)
        used += [chosen] if assigned else []
        met.append(chosen)
    assert met[:3] == queue
    assert set(met[3:]) == {"a", "b", "c"}


@pytest.mark.accepts("patient_psi", 7)
def test_the_command_takes_the_queue_from_a_file_and_knows_from_its_record_what_was_used(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "c.jsonl", [case().model_copy(update={"id": id_}) for id_ in ("a", "b", "c")])
    (tmp_path / "queue.txt").write_text("c\na\n")
    words = ("--cases", tmp_path / "c.jsonl", "--assigned", tmp_path / "queue.txt", "--record", tmp_path / "kept.jsonl")
    for _ in range(4):
        psyloom("practice", *words, "--seed", 1, typed="Hello.\n")
    kept = list(read_jsonl(tmp_path / "kept.jsonl", Dialogue))
    assert [(one.case.id, one.extra["practice"]["assigned"]) for one in kept[:2]] == [("c", True), ("a", True)]  # type: ignore[index,call-overload,union-attr]
    assert not any(one.extra["practice"]["assigned"] for one in kept[2:])  # type: ignore[index,call-overload]
    assert len({one.id for one in kept}) == 4


def test_a_trainee_is_told_before_a_session_with_a_patient_who_may_speak_of_not_wanting_to_live(tmp_path: Path) -> None:
    care = "not wanting to live"
    assert care not in practiced(tmp_path, "")
    dark = MODEL | {"core_beliefs": {"worthless": ["I don't deserve to live."]}}
    assert care in practiced(tmp_path, "", model=dark)


def test_a_number_that_is_not_on_the_list_is_asked_for_again(tmp_path: Path) -> None:
    shown = practiced(tmp_path, "Hello.", "", "", "", "12", "9", *[""] * 8)
    assert f"you: {EMOTIONS.terms[8].en}" in shown


# The generator

FOUND: dict[str, Any] = {
    "life_history": "Grew up in a strict home.",
    "core_beliefs": {"helpless": ["I am a failure, loser.", "I am a failure."], "unlovable": [], "worthless": []},
    "intermediate_beliefs": "If I ask, I am weak.", "intermediate_beliefs_during_depression": " ", "coping_strategies": "Hides.",
    "cognitive_models": [
        {"situation": f"situation {n}", "automatic_thoughts": f"thought {n}", "emotion": ["sad", "hurt", *(["guilty"] if n == 2 else [])], "behavior": f"behavior {n}"}
        for n in range(3)
    ],
}  # fmt: skip


def talked(lang: Lang = "en") -> Dialogue:
    first = [Turn.counselor("What brings you here?"), Turn.client("FIRST session words.")]
    return Dialogue(
        id="7", lang=lang, sessions=[Session(turns=first), Session(turns=[Turn.client("SECOND session words.")])]
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_generator_asks_once_about_the_whole_transcript_and_leaves_the_texts_alone(lang: Lang) -> None:
    model = Scripted(ccd=FOUND)
    dialogue = await annotate(CcdGenerator(), talked(lang), model)
    assert model.counts() == {"ccd": 1}
    assert all(text in text_of(model.calls[0]) for text in ("FIRST session words.", "SECOND session words."))
    assert model.calls[0].decoding["temperature"] == 1.0
    assert [turn.text for turn in dialogue.turns] == [turn.text for turn in talked().turns]


def wrong(**change: Any) -> dict[str, Any]:
    return FOUND | change


SITUATIONS = FOUND["cognitive_models"]


@pytest.mark.parametrize("answer", [
    wrong(cognitive_models=SITUATIONS[:2]),
    wrong(cognitive_models=[SITUATIONS[0] | {"emotion": ["sad", "hurt", "guilty", "angry"]}, *SITUATIONS[1:]]),
    wrong(cognitive_models=[SITUATIONS[0] | {"emotion": ["bored"]}, *SITUATIONS[1:]]),
    wrong(core_beliefs={"helpless": [], "unlovable": [], "worthless": []}),
    wrong(core_beliefs={"helpless": ["I am unlovable."], "unlovable": [], "worthless": []}),
], ids=["two situations", "four emotions", "no such emotion", "no belief", "belief of another category"])  # fmt: skip
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.accepts("patient_psi", 8)
async def test_a_generated_model_that_breaks_a_limit_is_asked_for_again(answer: dict[str, Any], lang: Lang) -> None:
    model = Scripted(ccd=[answer, FOUND])
    await annotate(CcdGenerator(), talked(lang), model)
    assert model.counts() == {"ccd": 2}, "the second answer, with three situations and three emotions, is good"
    if lang == "zh":
        assert re.search(r"[\u4e00-\u9fff]", model.calls[1].messages[-1]["content"])


@pytest.mark.accepts("patient_psi", 8)
async def test_a_generated_model_becomes_one_profile_record_a_situation_that_a_patient_can_be_played_from() -> None:
    dialogue = await annotate(CcdGenerator(), talked("zh"), Scripted(ccd=FOUND))
    found = list(profiles(dialogue, "patient_psi"))
    assert [one.id for one in found] == ["7-1", "7-2", "7-3"]
    assert [one.get("cognition").situations[0].situation for one in found] == [
        "situation 0",
        "situation 1",
        "situation 2",
    ]
    cognition = found[0].cognition
    assert cognition is not None
    assert cognition.core_beliefs.helpless == ["我是个失败者。"]
    assert cognition.situations[0].emotions == ["悲伤、低落、孤单、不快乐", "受伤"]
    assert cognition.intermediate_beliefs_during_depression == []
    assert unlisted(cognition) == {}
    played = await play(talkers(), found[1], 1)
    assert played.turns[1].text
    with pytest.raises(MissingFacet, match="no cognitive model by 'me'"):
        next(profiles(dialogue, "me"))


@pytest.mark.accepts("patient_psi", 8)
async def test_the_exported_profiles_are_records_of_the_released_layout_and_are_read_as_cases_again(
    tmp_path: Path,
) -> None:
    given = talked()
    given.case = Case.model_validate({"id": "7", "lang": "en", "demographics": {"name": "Abe", "age": 40}})
    dialogue = await annotate(CcdGenerator(), given, Scripted(ccd=FOUND))
    write_jsonl(tmp_path / "d.jsonl", [dialogue])
    await asyncio.to_thread(
        psyloom, "export", tmp_path / "d.jsonl", "--to", "patient_psi", "--out", tmp_path / "profiles.json"
    )
    records = json.loads((tmp_path / "profiles.json").read_text("utf-8"))
    assert [one["id"] for one in records] == ["7-1", "7-2", "7-3"]
    assert records[1] == {
        "name": "Abe", "id": "7-2", "type": [], "history": "Grew up in a strict home.",
        "helpless_belief": ["I am a failure, loser."], "unlovable_belief": [], "worthless_belief": [],
        "intermediate_belief": "If I ask, I am weak.", "coping_strategies": "Hides.", "situation": "situation 1",
        "auto_thought": "thought 1", "emotion": ["sad, down, lonely, unhappy", "hurt"], "behavior": "behavior 1",
    }  # fmt: skip
    (_, again, _) = read(tmp_path / "profiles.json", "patient_psi")
    assert isinstance(again, Case)
    assert again.cognition == list(profiles(dialogue, "patient_psi"))[1].cognition


async def test_a_second_generator_keeps_the_first_ones_model() -> None:
    dialogue = await annotate(CcdGenerator(), talked(), Scripted(ccd=FOUND), by="a")
    dialogue = await annotate(CcdGenerator(), dialogue, Scripted(ccd=FOUND), by="b")
    assert set(dialogue.extra["cognition"]) == {"a", "b"}  # type: ignore[arg-type]
