"""ESCoT: the chain before a reply, dialogues with a strategy in every supporter message, chains for known strategies."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.errors import AnswerRejected
from psyloom.formats.read import read
from psyloom.formats.read.escot import HEADINGS, instruction_row, strategies_in
from psyloom.formats.write import ExportOptions, export
from psyloom.knowledge import Term, label_set
from psyloom.llm import Decoding
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Element, Label, Lang, Post, Scenario, Session, Turn, read_jsonl
from psyloom.runs import pair
from psyloom.systems import find_system, make_role
from psyloom.systems.escot.system import EscotChain, EscotResponder
from psyloom.systems.escot.writer import ESCONV, NEW, PROBLEMS, STRATEGIES
from tests.support import Scripted, annotate, desk_for, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
# The paper's chain and its ablations, written out: not what the code says they are.
CHAIN = ("emotion", "emotion_stimuli", "individual_appraisal", "strategy_reason")
SETTINGS: dict[str, tuple[str, ...]] = {
    "re": (), "sr_re": ("strategy_reason",), "em_sr_re": ("emotion", "strategy_reason"), "em_es_ia_sr_re": CHAIN,
}  # fmt: skip
ANSWER: dict[Lang, dict[str, str]] = {
    "en": {
        "emotion": "The seeker feels lonely and unsure.",
        "emotion_stimuli": "They have eaten lunch alone since May.",
        "individual_appraisal": "They think that something about them keeps others away.",
        "recognized_strategy": "Reflection of Feelings",
        "strategy_reason": 'To let the seeker feel understood, the supporter can use "Reflection of Feelings" and name the loneliness.',
        "response": "That sounds like a lonely hour, day after day.",
    },
    "zh": {
        "emotion": "求助者感到孤单、没把握。",
        "emotion_stimuli": "从五月起一直一个人吃午饭。",
        "individual_appraisal": "觉得是自己哪里不好，别人才不愿靠近。",
        "recognized_strategy": "情感反映",
        "strategy_reason": "先让求助者觉得被听懂，支持者可以用“情感反映”，把那份孤单说出来。",
        "response": "每天中午那一个钟头，听着真是冷清。",
    },
}
OPENING = {
    "en": "I moved here in May and still eat lunch alone every day.",
    "zh": "我五月搬过来，到现在每天还是一个人吃午饭。",
}


def blocks(setting: str, lang: Lang) -> dict[str, str]:
    """The answer of one setting."""
    kept = {*SETTINGS[setting], "response", *(["recognized_strategy"] if SETTINGS[setting] else [])}
    return {key: text for key, text in ANSWER[lang].items() if key in kept}


async def reply(
    model: Any, lang: Lang = "en", *, said: str | None = None, decoding: Any = None, **options: Any
) -> tuple[Turn, Talk]:
    """One reply of the responder to the opening line."""
    counselor = EscotResponder(**options)
    desk = desk_for(Case(id="a", lang=lang), model, decoding=decoding or {})
    talk = Talk(desk.dialogue)
    talk.add(Turn.client(said or OPENING[lang]))
    return await counselor.reply(talk, Ask(desk, counselor, talk)), talk


# A. The responder


@pytest.mark.accepts("escot", 1, 9)
@pytest.mark.parametrize("lang", LANGS)
async def test_one_call_gives_all_five_elements_in_their_order(lang: Lang) -> None:
    model = Scripted(respond=ANSWER[lang])
    turn, _ = await reply(model, lang)
    assert len(model.calls) == 1
    assert list(model.calls[0].schema["properties"]) == [*CHAIN[:3], "recognized_strategy", CHAIN[3], "response"]
    assert turn.text == ANSWER[lang]["response"]
    assert turn.thought == [Element(name=name, text=ANSWER[lang][name]) for name in CHAIN]
    assert turn.labels == [Label(set="escot_strategy", id="reflection_of_feelings")]


@pytest.mark.accepts("escot", 1)
@pytest.mark.parametrize("missing", ANSWER["en"])
@pytest.mark.parametrize("blank", [True, False])
async def test_a_missing_or_blank_element_is_asked_for_again_and_in_the_end_an_error(missing: str, blank: bool) -> None:
    torn: dict[str, str] = {key: text for key, text in ANSWER["en"].items() if key != missing} | (
        {missing: " "} if blank else {}
    )
    mended = Scripted(respond=[torn, ANSWER["en"]])
    turn, _ = await reply(mended)
    assert turn.text == ANSWER["en"]["response"]
    assert len(mended.calls) == 2
    stubborn = Scripted(respond=torn)
    with pytest.raises(AnswerRejected, match=missing):
        await reply(stubborn)
    assert len(stubborn.calls) == 3


@pytest.mark.accepts("escot", 2)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("inventory", ["escot13", "esconv8"])
async def test_only_the_strategies_of_the_inventory_are_offered_and_accepted(inventory: str, lang: Lang) -> None:
    offered = {"escot13": STRATEGIES, "esconv8": ESCONV}[inventory]
    foreign = {"escot13": "Others", "esconv8": "Immediacy"}[inventory]
    wrong = ANSWER[lang] | {"recognized_strategy": foreign, "strategy_reason": f'The supporter can use "{foreign}".'}
    model = Scripted(respond=[wrong, ANSWER[lang]])
    turn, _ = await reply(model, lang, inventory=inventory)
    assert model.calls[0].schema["properties"]["recognized_strategy"]["enum"] == [
        term.name(lang) for term in offered.terms
    ]
    assert all(f"- {term.name(lang)}" in text_of(model.calls[0]) for term in offered.terms)
    assert turn.labels == [Label(set=offered.id, id="reflection_of_feelings")]
    assert len(model.calls) == 2


@pytest.mark.accepts("escot", 2)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_strategy_must_be_named_in_its_reason(lang: Lang) -> None:
    unnamed = ANSWER[lang] | {"strategy_reason": {"en": "Because they need it now.", "zh": "因为眼下需要。"}[lang]}
    other = ANSWER[lang] | {
        "strategy_reason": {"en": 'The supporter can use "Imagery".', "zh": "支持者可以用“意象想象”。"}[lang]
    }
    model = Scripted(respond=[unnamed, other, ANSWER[lang]])
    turn, _ = await reply(model, lang)
    assert turn.thought[-1].text == ANSWER[lang]["strategy_reason"]
    assert len(model.calls) == 3


@pytest.mark.accepts("escot", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_only_the_response_reaches_the_seeker_and_the_later_history(lang: Lang) -> None:
    model = Scripted(
        respond=[
            ANSWER[lang],
            ANSWER[lang] | {"response": {"en": "What is lunch like?", "zh": "午饭时是什么样子？"}[lang]},
        ]
    )
    counselor = EscotResponder()
    desk = desk_for(Case(id="a", lang=lang), model)
    talk = Talk(desk.dialogue)
    for line in (OPENING[lang], {"en": "Yes, it is.", "zh": "是啊。"}[lang]):
        talk.add(Turn.client(line))
        talk.add(await counselor.reply(talk, Ask(desk, counselor, talk)))
    later = text_of(model.calls[1])
    assert ANSWER[lang]["response"] in later
    assert not any(ANSWER[lang][name] in later for name in CHAIN)


@pytest.mark.accepts("escot", 3)
async def test_a_client_is_never_shown_the_chain() -> None:
    model = Scripted(respond=ANSWER["en"], client="I see.")
    case = Case(id="a", lang="en", post=Post(text=OPENING["en"]))
    await write(pair("escot", "escot", {"max_exchanges": 2}), case, model)
    assert model.asked("client")
    assert not any(ANSWER["en"][name] in text_of(call) for call in model.asked("client") for name in CHAIN)


@pytest.mark.accepts("escot", 4)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("setting", SETTINGS)
async def test_a_setting_asks_for_exactly_its_blocks(setting: str, lang: Lang) -> None:
    model = Scripted(respond=blocks(setting, lang))
    turn, _ = await reply(model, lang, setting=setting)
    assert tuple(element.name for element in turn.thought) == SETTINGS[setting]
    assert list(model.calls[0].schema["properties"]) == list(blocks(setting, lang))
    assert bool(turn.labels) == (setting != "re")
    left_out = set(ANSWER[lang]) - set(blocks(setting, lang))
    assert not any(
        f'"{name}"' in text_of(model.calls[0]) or f"- {name}" in text_of(model.calls[0]) for name in left_out
    )


@pytest.mark.parametrize(
    ("phrase", "calls"), [("You do take responsibility.", 1), ("This is a Reflection of Feelings.", 3)]
)
async def test_a_reply_that_announces_its_strategy_is_asked_for_again_but_an_everyday_phrase_is_not(
    phrase: str, calls: int
) -> None:
    model = Scripted(respond=ANSWER["en"] | {"response": phrase})
    await reply(model)
    assert len(model.calls) == calls


async def test_a_reply_becomes_an_instruction_row_of_the_released_shape() -> None:
    model = Scripted(respond=ANSWER["en"])
    turn, talk = await reply(model)
    talk.add(turn)
    row = instruction_row(talk.dialogue)
    assert row["input"] == f"seeker: {OPENING['en']}"
    assert row["output"].startswith("Emotion:\nThe seeker feels lonely")
    assert row["output"].endswith(f"Response:\n{ANSWER['en']['response']}")


@pytest.mark.accepts("escot", 7)
@pytest.mark.parametrize("lang", LANGS)
async def test_decoding_is_the_papers(lang: Lang) -> None:
    model = Scripted(respond=ANSWER[lang])
    await reply(model, lang)
    assert model.calls[0].decoding == {
        "temperature": 0.5, "top_k": 30, "top_p": 0.85, "repetition_penalty": 1.0, "max_tokens": 500,
    }  # fmt: skip


@pytest.mark.accepts("escot", 7)
async def test_every_decoding_parameter_can_be_changed_for_a_run() -> None:
    model = Scripted(respond=ANSWER["en"])
    own: Decoding = {"temperature": 0.9, "top_k": 5, "top_p": 0.5, "max_tokens": 200}
    await reply(model, decoding={"counselor": own})
    assert model.calls[0].decoding == {**own, "repetition_penalty": 1.0}


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        ('use "Imagery" rather than "Question"', ["imagery", "question"]),
        ("支持者可以用“情感反映”，而不是「提问」", ["reflection_of_feelings", "question"]),
        ("use Providing Suggestions, then information", ["providing_suggestions", "information"]),
        ('the seeker asked "why me", so self-disclosure helps', ["self_disclosure"]),
        ("say something kind", []),
    ],
)
def test_a_reason_names_its_quoted_strategies_or_else_those_it_mentions(reason: str, names: list[str]) -> None:
    assert [term.id for term in strategies_in(reason, STRATEGIES)] == names


@given(st.sampled_from(STRATEGIES.terms), st.sampled_from(LANGS), st.text(alphabet="abc ，。", max_size=12))
def test_a_strategy_in_quotes_is_always_found(term: Any, lang: Lang, around: str) -> None:
    assert strategies_in(f"{around}“{term.name(lang)}”{around}", STRATEGIES) == [term]


# B1. The writer


def script(lang: Lang, messages: int = 24, strategies: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    """A dialogue as the model writes it."""
    names = strategies or tuple(term.name(lang) for term in STRATEGIES.terms)
    line = {"en": "This is message number {}.", "zh": "这是第{}句话。"}[lang]
    return [
        {"speaker": "client", "strategy": None, "text": line.format(n)} if n % 2 == 0
        else {"speaker": "counselor", "strategy": names[n // 2 % len(names)], "text": line.format(n)}
        for n in range(messages)
    ]  # fmt: skip


CASE = Case(
    id="a", lang="en", scenario=Scenario(situation="I lost the job I had for nineteen years.", type=["job crisis"])
)


@pytest.mark.accepts("escot", 6, 9)
@pytest.mark.parametrize("lang", LANGS)
async def test_every_supporter_message_carries_one_strategy_and_no_seeker_message_does(lang: Lang) -> None:
    model = Scripted(dialogue={"turns": script(lang)})
    dialogue = await write("escot", CASE.model_copy(update={"lang": lang}), model)
    assert model.counts() == {"dialogue": 1}
    assert all(len(turn.labels) == (turn.speaker == "counselor") for turn in dialogue.turns)
    assert {label.id for turn in dialogue.turns for label in turn.labels} <= set(STRATEGIES.ids)
    assert CASE.scenario
    assert CASE.scenario.situation in text_of(model.calls[0])


async def test_a_seeker_message_may_have_its_strategy_left_blank() -> None:
    turns = [turn | {"strategy": turn["strategy"] or ""} for turn in script("en")]
    model = Scripted(dialogue={"turns": turns})
    assert len((await write("escot", CASE.model_copy(), model)).turns) == 24
    assert len(model.calls) == 1


def bare(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*turns[:5], turns[5] | {"strategy": None}, *turns[6:]]


def labelled_client(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [turns[0] | {"strategy": "Question"}, *turns[1:]]


def invented(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [turns[0], turns[1] | {"strategy": "Hypnosis"}, *turns[2:]]


@pytest.mark.parametrize(
    "faulty",
    [
        bare(script("en")), labelled_client(script("en")), invented(script("en")), script("en", 22), script("en", 54),
        script("en", strategies=("Question", "Imagery", "Information", "Specify", "Summarize")),
        [script("en")[0], *script("en")], [t for t in script("en") if t["speaker"] == "client"],
    ],
    ids=["a bare message", "a labelled seeker", "an invented strategy", "too short", "too long", "five strategies",
         "two in a row", "one side"],
)  # fmt: skip
async def test_a_dialogue_that_breaks_a_rule_is_written_again_and_in_the_end_the_case_fails(
    faulty: list[dict[str, Any]],
) -> None:
    model = Scripted(dialogue=[{"turns": faulty}, {"turns": script("en")}])
    assert len((await write("escot", CASE.model_copy(), model)).turns) == 24
    assert len(model.calls) == 2
    with pytest.raises(AnswerRejected):
        await write("escot", CASE.model_copy(), Scripted(dialogue={"turns": faulty}))


async def test_a_dialogue_without_any_of_the_new_strategies_is_written_again_and_then_kept_and_counted() -> None:
    old = tuple(term.en for term in STRATEGIES.terms if term not in NEW)
    model = Scripted(dialogue={"turns": script("en", strategies=old)})
    dialogue = await write("escot", CASE.model_copy(), model)
    assert len(model.calls) == 3
    assert dialogue.quality.kept == {"without_new": 1}


async def test_a_case_without_a_situation_gets_one_from_its_post() -> None:
    case = Case(id="a", lang="en", post=Post(text="They close our depot."))
    model = Scripted(situation="I drive a truck and my depot closes.", dialogue={"turns": script("en")})
    dialogue = await write("escot", case, model)
    assert "They close our depot." in text_of(model.asked("situation")[0])
    assert "They close our depot." not in text_of(model.asked("dialogue")[0])
    assert "I drive a truck and my depot closes." in text_of(model.asked("dialogue")[0])
    assert dialogue.case
    assert dialogue.case.derived == ["scenario"]


@pytest.mark.parametrize("lang", LANGS)
async def test_a_bare_case_gets_a_problem_type_by_the_seed_and_a_situation_from_it(lang: Lang) -> None:
    drawn = set()
    for seed in range(12):
        case = Case(id="a", lang=lang)
        model = Scripted(situation="…", dialogue={"turns": script(lang)})
        await write("escot", case, model, seed=seed)
        assert case.scenario
        assert [PROBLEMS[word].name(lang) for word in case.scenario.type] == case.scenario.type
        assert case.scenario.type[0] in text_of(model.asked("situation")[0])
        drawn.add(case.scenario.type[0])
    assert len(drawn) > 3


# B2. The annotator


def exported(dialogue: Dialogue, name: str, folder: Path, **options: Any) -> list[dict[str, Any]]:
    """What `psyloom export --to NAME` writes."""
    file = folder / f"{name}.json"
    export([dialogue], find_system("escot").exports()[name], file, ExportOptions(**options))
    rows: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))
    return rows


def talked(lang: Lang = "en", *, by: str = "escot_strategy") -> Dialogue:
    """A talk with a strategy on every counselor turn, and a marked word in each message."""
    turns = [
        Turn.counselor("Greeting zero.", [Label(set=by, id="question")]),
        Turn.client("Worry one."),
        Turn.counselor("Reply two is a whole sentence.", [Label(set=by, id="question")]),
        Turn.client("Worry three."),
        Turn.counselor("Reply four is a whole sentence.", [Label(set=by, id="Reflection of feelings")]),
        Turn.client("Worry five."),
        Turn.counselor("Reply six has none."),
        Turn.counselor("Reply seven is a whole sentence.", [Label(set=by, id="question")]),
    ]
    return Dialogue(id="d", lang=lang, sessions=[Session(turns=turns)])


def strategy_shown(call: Any) -> Term:
    shown = text_of(call)
    return next(
        term for term in [*STRATEGIES.terms, *ESCONV.terms] if f": {term.en} (" in shown or f"：{term.zh}（" in shown
    )


def steps(lang: Lang, strategy: str, evidence: str, **more: str) -> dict[str, dict[str, str]]:
    """A chain as the model writes it, each step with its evidence."""
    texts = {name: ANSWER[lang][name] for name in CHAIN[:3]} | {
        "strategy_reason": f"The supporter can use “{strategy}”."
    }
    return {name: {"explanation": text, "evidence": evidence} for name, text in (texts | more).items()}


def chain(call: Any) -> dict[str, dict[str, str]]:
    """A chain that names the strategy of the prompt and cites the client's first words."""
    lang: Lang = "zh" if "：" in call.messages[-1]["content"][:12] else "en"
    return steps(lang, strategy_shown(call).name(lang), "Worry one")


@pytest.mark.accepts("escot", 9)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_chain_is_written_for_every_turn_with_a_strategy_that_the_seeker_spoke_before(lang: Lang) -> None:
    model = Scripted(chain=chain)
    dialogue = await annotate(EscotChain(), talked(lang), model)
    with_chain = [at for at, turn in enumerate(dialogue.turns) if turn.thought]
    assert with_chain == [2, 4, 7]
    assert all(tuple(e.name for e in dialogue.turns[at].thought) == CHAIN for at in with_chain)
    written = [step for turn in dialogue.turns for step in turn.thought]
    assert {(step.by, step.evidence, step.origin) for step in written} == {("escot", "Worry one", "inferred")}
    assert dialogue.quality.measures == {"escot_chains": 3}
    assert [turn.text for turn in dialogue.turns] == [turn.text for turn in talked().turns]
    assert [turn.labels for turn in dialogue.turns] == [turn.labels for turn in talked().turns]


@pytest.mark.accepts("escot", 6)
async def test_the_annotator_never_sees_a_turn_after_the_reply_it_explains() -> None:
    model = Scripted(chain=chain)
    dialogue = await annotate(EscotChain(), talked(), model)
    texts = [turn.text for turn in dialogue.turns]
    for call in model.calls:
        shown = text_of(call)
        at = next(n for n, text in enumerate(texts) if f"The supporter's reply: {text}" in shown)
        assert all(text in shown for text in texts[: at + 1])
        assert not any(text in shown for text in texts[at + 1 :])


@pytest.mark.accepts("escot", 6)
async def test_the_annotator_is_told_the_gold_strategy_whatever_its_spelling() -> None:
    model = Scripted(chain=chain)
    await annotate(EscotChain(), talked(), model)
    assert sum("Its strategy: Reflection of Feelings" in text_of(call) for call in model.calls) == 1
    assert sum("Its strategy: Question" in text_of(call) for call in model.calls) == 2


async def test_strategies_of_esconv_are_taken_too_and_other_labels_are_not() -> None:
    assert (await annotate(EscotChain(), talked(by="esconv_strategy"), Scripted(chain=chain))).turns[2].thought
    foreign = await annotate(EscotChain(), talked(by="cbt_technique"), Scripted())
    assert foreign.quality.measures == {"escot_chains": 0}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"strategy_reason": {"explanation": "It fits now."}}, "must name the strategy"),
        (
            {"strategy_reason": {"explanation": 'The supporter can use "Imagery" before "Question".'}},
            "before any other",
        ),
        ({"individual_appraisal": {"explanation": "They hear: reply two is a whole sentence!"}}, "repeats the words"),
        ({"emotion": {"explanation": ""}}, "emotion"),
        ({"emotion": {"evidence": "nobody said this"}}, "emotion: the evidence “nobody said this”"),
        ({"emotion_stimuli": {"evidence": "Reply two"}}, "does not stand in the text"),
    ],
    ids=["unnamed", "another first", "quotes the reply", "blank", "evidence not said", "evidence from the reply"],
)
async def test_a_chain_that_fails_a_check_is_repaired_once_and_twice_wrong_fails_the_dialogue(
    fault: dict[str, dict[str, str]], says: str
) -> None:
    talk = talked()
    talk.sessions[0].turns = talk.sessions[0].turns[:3]
    good = steps("en", "Question", "Worry one")
    torn = {name: told | fault.get(name, {}) for name, told in good.items()}
    model = Scripted(chain=[torn, good])
    dialogue = await annotate(EscotChain(), talk, model)
    assert len(model.calls) == 2
    assert says in model.calls[1].messages[-1]["content"]
    assert [step.text for step in dialogue.turns[2].thought] == [good[name]["explanation"] for name in CHAIN]
    stubborn = Scripted(chain=torn)
    alone = talked()
    alone.sessions[0].turns = alone.sessions[0].turns[:3]
    with pytest.raises(AnswerRejected, match="2 tries"):
        await annotate(EscotChain(), alone, stubborn)
    assert len(stubborn.calls) == 2


@pytest.mark.parametrize("element", ["emotion", "emotion_stimuli", "individual_appraisal", "strategy_reason"])
async def test_the_counselors_words_are_no_evidence_of_what_is_the_seekers(element: str) -> None:
    talk = talked()
    talk.sessions[0].turns = talk.sessions[0].turns[:3]
    cited = steps("en", "Question", "Worry one")
    cited[element] = cited[element] | {"evidence": "Greeting zero"}
    model = Scripted(chain=[cited, steps("en", "Question", "Worry one")])
    await annotate(EscotChain(), talk, model)
    assert len(model.calls) == (1 if element == "strategy_reason" else 2)
    if len(model.calls) == 2:
        assert "“Greeting zero” was said by the other side" in model.calls[1].messages[-1]["content"]


async def test_the_one_repair_of_a_chain_is_told_all_that_is_wrong() -> None:
    talk = talked()
    talk.sessions[0].turns = talk.sessions[0].turns[:3]
    good = steps("en", "Question", "Worry one")
    torn = good | {
        "strategy_reason": good["strategy_reason"] | {"explanation": "It fits now."},
        "emotion": good["emotion"] | {"evidence": "nobody said this"},
    }
    model = Scripted(chain=[torn, good])
    await annotate(EscotChain(), talk, model)
    asked = model.calls[1].messages[-1]["content"]
    assert "must name the strategy" in asked
    assert "emotion: the evidence “nobody said this”" in asked


async def test_one_turn_a_dialogue_is_chosen_by_the_seed_with_strategies_spread_evenly() -> None:
    chosen = []
    for seed in range(60):
        dialogue = await annotate(EscotChain(turns="one"), talked(), Scripted(chain=chain), seed=seed)
        [at] = [at for at, turn in enumerate(dialogue.turns) if turn.thought]
        chosen.append(at)
    assert set(chosen) == {2, 4, 7}
    assert 20 <= chosen.count(4) <= 40  # one of two strategies, though one of three turns


async def test_the_thought_of_the_turns_own_author_is_kept_and_stays_alone() -> None:
    talk = talked()
    talk.turns[2].thought = [Element(name="emotion", text="told by its author")]
    model = Scripted(chain=chain)
    dialogue = await annotate(EscotChain(), talk, model)
    assert [step.text for step in dialogue.turns[2].thought] == ["told by its author"]
    assert len(model.calls) == 2


async def test_a_second_annotators_chain_stands_beside_the_firsts() -> None:
    both = await annotate(EscotChain(), await annotate(EscotChain(), talked(), Scripted(chain=chain), by="one"),
                          Scripted(chain=chain), by="two")  # fmt: skip
    turn = both.turns[2]
    assert [step.by for step in turn.thought] == ["one"] * 4 + ["two"] * 4
    assert turn.reasoning() == turn.reasoning("one") == turn.thought[:4]
    assert turn.reasoning("two") == turn.thought[4:]


# The files


@pytest.mark.accepts("escot", 5, 6)
@pytest.mark.parametrize("lang", LANGS)
async def test_chains_become_records_whose_gold_strategy_is_the_recognized_one_and_come_back(
    lang: Lang, tmp_path: Path
) -> None:
    dialogue = await annotate(EscotChain(), talked(lang), Scripted(chain=chain))
    rows = exported(dialogue, "escot.records", tmp_path)
    assert [row["original_data"]["strategy"] for row in rows] == ["Question", "Reflection of Feelings", "Question"]
    assert all(row["cot_data"]["recognized_strategy"] == row["original_data"]["strategy"] for row in rows)
    assert list(rows[0]["cot_data"]) == [*CHAIN[:3], "recognized_strategy", "strategy_reason"]
    assert [len(row["original_data"]["dialog"]) for row in rows] == [2, 4, 7]
    back = list(read(tmp_path / "escot.records.json", "escot"))
    for one, at in zip(back, (2, 4, 7), strict=True):
        assert isinstance(one, Dialogue)
        assert [turn.text for turn in one.turns] == [turn.text for turn in dialogue.turns[: at + 1]]
        assert [(e.name, e.text) for e in one.turns[-1].thought] == [
            (e.name, e.text) for e in dialogue.turns[at].thought
        ]
        assert not any(turn.labels for turn in one.turns[:-1])


@pytest.mark.accepts("escot", 4, 5)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("setting", SETTINGS)
async def test_a_setting_becomes_instruction_rows_with_exactly_its_blocks_that_come_back(
    setting: str, lang: Lang, tmp_path: Path
) -> None:
    dialogue = await annotate(EscotChain(), talked(lang), Scripted(chain=chain))
    rows = exported(dialogue, f"escot.{setting}", tmp_path)
    assert len(rows) == 3
    wanted = [HEADINGS[lang][name] for name in (*SETTINGS[setting], "response")]
    assert re.findall(r"^(.+?)[:：]$", rows[0]["output"], re.MULTILINE) == wanted
    named = [name for name in CHAIN if re.search(rf"{HEADINGS[lang][name]}(?=[,，、。.])", rows[0]["instruction"])]
    assert named == list(SETTINGS[setting])
    back = list(read(tmp_path / f"escot.{setting}.json", "escot"))
    for one, row in zip(back, rows, strict=True):
        assert isinstance(one, Dialogue)
        assert instruction_row(one.model_copy(update={"lang": lang})) == row


async def test_the_files_take_the_chains_of_the_annotator_that_is_named(tmp_path: Path) -> None:
    def second(call: Any) -> Any:
        return chain(call) | {"emotion": {"explanation": "They feel torn.", "evidence": "Worry one"}}

    both = await annotate(EscotChain(), await annotate(EscotChain(), talked(), Scripted(chain=chain), by="one"),
                          Scripted(chain=second), by="two")  # fmt: skip
    for by, emotion in ((None, ANSWER["en"]["emotion"]), ("two", "They feel torn."), ("nobody", None)):
        rows = exported(both, "escot.records", tmp_path / str(by), annotator=by)
        assert {row["cot_data"]["emotion"] for row in rows} == ({emotion} if emotion else set())


# Label sets


@pytest.mark.accepts("escot", 8)
@pytest.mark.parametrize(
    ("labels", "old", "new"),
    [
        ("esconv_strategy", "Questions", "question"), ("esconv_strategy", "Other", "others"),
        ("esconv_strategy", "Direct Guidance", "providing_suggestions"),
        ("esconv_strategy", "Reflection of feelings", "reflection_of_feelings"),
        ("esconv_strategy", "Restatement", "restatement_or_paraphrasing"),
        ("esconv_strategy", "Approval and Reassurance", "affirmation_and_reassurance"),
        ("escot_strategy", "Self Disclosure", "self_disclosure"), ("escot_strategy", "家庭作业", "homework_assignments"),
        ("esconv_problem", "Issues with Parents", "issues_with_parents"),
    ],
)  # fmt: skip
def test_old_spellings_name_the_same_label(labels: str, old: str, new: str) -> None:
    assert label_set(labels)[old].id == new


def test_esd_cot_has_esconvs_strategies_without_others_and_six_new_ones() -> None:
    assert (len(STRATEGIES), len(ESCONV), len(PROBLEMS)) == (13, 8, 12)
    assert {term.id for term in STRATEGIES.terms} - {term.id for term in NEW} == set(ESCONV.ids) - {"others"}
    assert len(NEW) == 6
    assert [STRATEGIES[id_] for id_ in ESCONV.ids[:-1]] == [ESCONV[id_] for id_ in ESCONV.ids[:-1]]


# The rehearsal back end plays all three


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("setting", SETTINGS)
async def test_a_rehearsed_reply_keeps_the_rules_of_every_setting(setting: str, lang: Lang) -> None:
    for inventory in ("escot13", "esconv8"):
        turn, talk = await reply(Rehearsal(), lang, setting=setting, inventory=inventory)
        assert tuple(e.name for e in turn.thought) == SETTINGS[setting]
        assert talk.dialogue.quality.rejected == 0


async def test_rehearsed_dialogues_can_be_written_and_then_given_chains() -> None:
    for case in read_jsonl(find_system("escot").cases(), Case):
        dialogue = await write("escot", case, Rehearsal())
        assert dialogue.quality.rejected == 0
        annotator = make_role("escot", "annotator")
        assert isinstance(annotator, EscotChain)
        dialogue = await annotate(annotator, dialogue, Rehearsal())
        assert dialogue.quality.measures["escot_chains"] == sum(turn.speaker == "counselor" for turn in dialogue.turns)
