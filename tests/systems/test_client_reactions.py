"""Client Reactions: sentence labels in context, groups that follow from them, the prior, and the advisor."""

import re
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.agents.annotating import coarse
from psyloom.agents.prompts import load_prompt
from psyloom.cli.analyze import analyze
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Dialogue, Label, Lang, Session, Turn, write_jsonl
from psyloom.records.sentences import spans
from psyloom.systems import find_system
from psyloom.systems.client_reactions.advice import CHALLENGE_SHARE, WHY, advise, prior
from psyloom.systems.client_reactions.system import BEHAVIORS, STRATEGIES, ReactionAnnotator, intentions, reaction
from tests.support import Scripted, annotate, text_of

LANGS: tuple[Lang, ...] = ("zh", "en")
SAID = {
    "zh": ["听起来这周你一直在硬撑。你最担心的是什么？", "担心搞砸面试。可能我对自己要求太满了。"],
    "en": [
        "It sounds as if you held on all week. What do you fear most?",
        "To spoil the interview. Perhaps I want too much of myself.",
    ],
}
EXPECTED = {
    "strategy": ["Reflection of Feelings", "Inquiring Subjective Information"],
    "behavior": ["Giving Information", "Extending"],
}


def session_of(lang: Lang, more: int = 0) -> Dialogue:
    texts = [f"{text}" for _ in range(more + 1) for text in SAID[lang]]
    turns = [Turn(speaker="client" if n % 2 else "counselor", text=text) for n, text in enumerate(texts)]
    return Dialogue(id="s1", lang=lang, sessions=[Session(turns=turns)])


def target(call: Call) -> list[str]:
    """The sentences of the message that a call is about."""
    return re.findall(r"^\d+\. (.+)$", text_of(call).split("# user")[-1], re.MULTILINE)[-2:]


def answers(prompt: str, order: int = 1, **fault: Any) -> Callable[[Call], Any]:
    def answer(call: Call) -> Any:
        rows = [
            {"sentence": n, "label": label, "evidence": said}
            for n, (label, said) in enumerate(zip(EXPECTED[prompt], target(call), strict=True), 1)
        ]
        return {"labels": [row | fault for row in rows[::order]]}

    return answer


def model(**more: Any) -> Scripted:
    return Scripted(**({name: answers(name) for name in EXPECTED} | more))


# Acceptance 1, 2, 10


@pytest.mark.accepts("client_reactions", 1, 2, 10)
@pytest.mark.parametrize("lang", LANGS)
async def test_every_sentence_has_one_label_whose_span_is_the_sentence_and_all_spans_cover_the_message(
    lang: Lang,
) -> None:
    dialogue = await annotate(ReactionAnnotator(), session_of(lang), model())
    for turn, prompt, labels in zip(dialogue.turns, ("strategy", "behavior"), (STRATEGIES, BEHAVIORS), strict=True):
        assert [label.id for label in turn.labels] == [labels[name].id for name in EXPECTED[prompt]]
        assert [label.span for label in turn.labels] == list(spans(turn.text))
        assert "".join(turn.text[slice(*label.span)] for label in turn.labels if label.span) == turn.text.replace(
            ". " if lang == "en" else "\0", "."
        )
        assert all(label.by == "client_reactions" for label in turn.labels)


async def test_the_order_of_the_answers_does_not_matter() -> None:
    dialogue = await annotate(ReactionAnnotator(), session_of("zh"), model(behavior=answers("behavior", -1)))
    assert [label.id for label in dialogue.turns[1].labels] == ["giving_information", "extending"]


@pytest.mark.accepts("client_reactions", 1)
@pytest.mark.parametrize(
    ("fault", "says"),
    [({"sentence": 1}, "不止一次"), ({"sentence": 3}, "没有编号 3"), ({"label": "Positive"}, "不在可选"), ({"label": "跳舞"}, "不在可选"),
     ({"evidence": "从来没有说过的话"}, "依据"), ({"evidence": ""}, "至少要写")],
    ids=["twice", "foreign", "a group", "no label", "not said", "empty"],
)  # fmt: skip
async def test_a_faulty_answer_is_told_what_is_wrong_in_the_language_of_the_talk(
    fault: dict[str, Any], says: str
) -> None:
    scripted = model(behavior=[answers("behavior", **fault), answers("behavior")])
    dialogue = await annotate(ReactionAnnotator(), session_of("zh"), scripted)
    repair = scripted.asked("behavior")[1]
    assert says in repair.messages[-1]["content"]
    assert [label.id for label in dialogue.turns[1].labels] == ["giving_information", "extending"]


@pytest.mark.accepts("client_reactions", 1)
@pytest.mark.parametrize("lang", LANGS)
async def test_only_labels_of_the_speakers_side_are_offered_and_no_group_ever(lang: Lang) -> None:
    scripted = model()
    await annotate(ReactionAnnotator(), session_of(lang), scripted)
    for prompt, labels, size in (("strategy", STRATEGIES, 13), ("behavior", BEHAVIORS, 12)):
        (call,) = scripted.asked(prompt)
        offered = call.schema["properties"]["labels"]["items"]["properties"]["label"]["enum"]
        assert offered == [labels[id_].name(lang) for id_ in labels.leaves.ids]
        assert len(offered) == size


async def test_a_message_of_three_thousand_sentences_is_checked_in_time_that_grows_with_its_length() -> None:
    said = [f"Thing number {n} happened that day." for n in range(3000)]
    rows = [{"sentence": n, "label": "Giving Information", "evidence": one} for n, one in enumerate(said, 1)]
    dialogue = Dialogue(id="d", lang="en", sessions=[Session(turns=[Turn.client(" ".join(said))])])
    began = time.process_time()
    done = await annotate(ReactionAnnotator(), dialogue, Scripted(behavior={"labels": rows}))
    assert time.process_time() - began < 4
    assert len(done.turns[0].labels) == 3000


async def test_one_call_a_message_and_none_for_silence() -> None:
    dialogue = session_of("zh", more=2)
    dialogue.turns[0].text = "  "
    scripted = model()
    done = await annotate(ReactionAnnotator(), dialogue, scripted)
    assert scripted.counts() == {"behavior": 3, "strategy": 2}
    assert done.turns[0].labels == []


async def test_the_last_ten_messages_are_shown_and_nothing_that_comes_later_or_from_another_session() -> None:
    turns = [Turn(speaker="client" if n % 2 else "counselor", text=f"第{n:02}句话。第{n:02}句完。") for n in range(14)]
    other = Session(turns=[Turn.counselor("另一次会谈。真的。")])
    dialogue = Dialogue(id="d", lang="zh", sessions=[Session(turns=turns), other])
    scripted = model()
    await annotate(ReactionAnnotator(), dialogue, scripted)
    shown = text_of(next(call for call in scripted.calls if target(call) == ["第12句话。", "第12句完。"]))
    assert [n for n in range(14) if f"第{n:02}句" in shown] == list(range(2, 13))
    assert "另一次" not in shown
    alone = text_of(next(call for call in scripted.calls if target(call) == ["另一次会谈。", "真的。"]))
    assert "第13句" not in alone


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("prompt", "labels"), [("strategy", STRATEGIES), ("behavior", BEHAVIORS)])
def test_the_prompt_has_an_example_of_every_label(prompt: str, labels: Any, lang: Lang) -> None:
    text = load_prompt(ReactionAnnotator.prompts(), prompt, lang).path.read_text("utf-8")
    for id_ in labels.leaves.ids:
        name = labels[id_].name(lang)
        assert re.search(rf"^- .+ → {re.escape(name)}$", text, re.MULTILINE), name


@pytest.mark.accepts("client_reactions", 10)
async def test_the_rehearsal_labels_every_sentence() -> None:
    for lang in LANGS:
        dialogue = await annotate(ReactionAnnotator(), session_of(lang, more=1), Rehearsal())
        assert dialogue.quality.rejected == 0
        assert all(len(turn.labels) == 2 for turn in dialogue.turns)


# Groups


@pytest.mark.accepts("client_reactions", 1)
def test_intentions_and_reactions_follow_from_the_labels_by_the_fixed_mapping() -> None:
    def groups(labels: Any) -> dict[str, int]:
        found = [coarse(labels, id_) for id_ in labels.leaves.ids]
        return {group: found.count(group) for group in dict.fromkeys(found)}

    assert groups(STRATEGIES) == {"supporting": 8, "challenging": 4, "others": 1}
    assert groups(BEHAVIORS) == {"positive": 5, "negative": 6, "others": 1}


@pytest.mark.parametrize(
    ("ids", "group"),
    [
        (["extending", "defending"], "negative"),
        (["others", "confirming"], "positive"),
        (["others"], "others"),
        ([], None),
    ],
)
def test_one_negative_sentence_makes_a_message_negative(ids: list[str], group: str | None) -> None:
    assert reaction([BEHAVIORS.label(id_) for id_ in ids]) == group


def test_a_message_may_have_both_intentions_and_each_annotator_has_its_own() -> None:
    labels = [STRATEGIES.label("answer", by="a"), STRATEGIES.label("Confrontation", by="b"), Label(set="x", id="y")]
    assert intentions(labels) == {"supporting", "challenging"}
    assert intentions(labels, by="b") == {"challenging"}


# Acceptance 3: in tests/formats too


@pytest.mark.accepts("client_reactions", 3)
@pytest.mark.parametrize(
    ("alias", "id_"),
    [("Changing Topics", "shifting_topics"), ("Shifting Topics", "shifting_topics"), ("Reformulation", "reformulating"),
     ("Reasonable Requesting", "reasonable_request"), ("Confirmation", "confirming"), ("自责或绝望", "self_criticism_or_hopelessness")],
)  # fmt: skip
def test_every_spelling_names_one_canonical_id(alias: str, id_: str) -> None:
    assert BEHAVIORS[alias].id == id_


# Acceptance 8: the prior


@pytest.mark.accepts("client_reactions", 8)
def test_the_bundled_rates_are_distributions_with_the_extremes_of_the_paper() -> None:
    rates = prior()
    assert len(rates) == 12
    as_bundled = tomllib.loads((find_system("client_reactions").folder / "prior.toml").read_text("utf-8"))
    assert all(sum(row.values()) == pytest.approx(1, abs=5e-4) for row in as_bundled.values())
    assert all(len(row) == 12 and sum(row.values()) == pytest.approx(1, abs=1e-12) for row in rates.values())
    extremes = {
        ("invite_to_take_new_perspectives", "extending"): 0.4227, ("confrontation", "extending"): 0.2123,
        ("invite_to_explore_new_actions", "extending"): 0.2116, ("interpretation", "extending"): 0.1766,
        ("confrontation", "defending"): 0.1341, ("interpretation", "defending"): 0.0580,
        ("invite_to_take_new_perspectives", "defending"): 0.0500, ("invite_to_explore_new_actions", "defending"): 0.0367,
        ("inquiring_objective_information", "giving_information"): 0.8728,
        ("inquiring_subjective_information", "giving_information"): 0.8304,
    }  # fmt: skip
    for (strategy, behavior), rate in extremes.items():
        assert rates[strategy][behavior] == pytest.approx(rate, abs=2e-4)
    supporting = [row for strategy, row in rates.items() if coarse(STRATEGIES, strategy) == "supporting"]
    assert max(row["extending"] for row in supporting) < 0.0935
    assert max(row["defending"] for row in supporting) < 0.0345


# Acceptance 9: the advisor


def said(*moves: str) -> list[Turn]:
    """Labelled turns by the ids of their labels; a strategy is the counselor's."""
    return [
        Turn.counselor("一", [STRATEGIES.label(one)]) if one in STRATEGIES and one != "others"
        else Turn.client("二", [BEHAVIORS.label(one)])
        for one in moves
    ]  # fmt: skip


strategies_ = st.sampled_from([id_ for id_ in STRATEGIES.leaves.ids if id_ != "others"])
behaviors_ = st.sampled_from([id_ for id_ in BEHAVIORS.leaves.ids if id_ != "others"])
negative = st.sampled_from([term.id for term in BEHAVIORS.children("negative")])


@pytest.mark.accepts("client_reactions", 9)
@settings(deadline=None)
@given(st.lists(st.tuples(strategies_, behaviors_), max_size=6), strategies_, negative, st.integers(1, 5))
def test_after_a_negative_reaction_the_advice_is_never_to_challenge(
    before: list[tuple[str, str]], move: str, answer: str, fifth: int
) -> None:
    turns = said(*(one for pair in before for one in pair), move, answer)
    advice = advise(turns, fifth=fifth)
    assert advice.step == "supporting"
    assert advice.why == ("missed" if coarse(STRATEGIES, move) == "challenging" else "repair")


def test_after_a_positive_reaction_to_a_challenge_it_may_go_on() -> None:
    assert advise(said("interpretation", "extending"), fifth=2) == ("challenging", "go on")


def test_with_little_challenge_so_far_a_reached_client_can_be_challenged_more_towards_the_fourth_fifth() -> None:
    moves = ["interpretation", "confirming", *["restatement", "confirming"] * 4]  # one challenge in five: 0.2
    steps = {fifth: advise(said(*moves), fifth=fifth).step for fifth in range(1, 6)}
    assert steps == {1: "supporting", 2: "supporting", 3: "supporting", 4: "challenging", 5: "challenging"}
    assert max(CHALLENGE_SHARE) == CHALLENGE_SHARE[3]


@pytest.mark.parametrize("moves", [(), ("interpretation",), ("restatement", "others")])
def test_without_a_reaction_to_go_by_the_advice_is_to_support(moves: tuple[str, ...]) -> None:
    assert advise(said(*moves), fifth=4) == ("supporting", "unanswered")


def test_the_advice_has_words_in_both_languages() -> None:
    for why, words in WHY.items():
        assert words["en"].isascii(), why
        assert re.search(r"[\u4e00-\u9fff]", words["zh"]), why
    assert advise(said("answer", "defending"), fifth=1).words("zh") == WHY["repair"]["zh"]


@pytest.mark.accepts("client_reactions", 9)
@pytest.mark.parametrize("lang", LANGS)
def test_a_command_advises_at_the_end_of_each_dialogue(lang: Lang, tmp_path: Path) -> None:
    ends = {"a": ("answer", "defending"), "b": ("interpretation", "extending"), "c": ("interpretation", "defending")}
    talks = [Dialogue(id=id_, lang=lang, sessions=[Session(turns=said(*moves))]) for id_, moves in ends.items()]
    write_jsonl(tmp_path / "d.jsonl", talks)
    done = CliRunner().invoke(analyze, ["advice", str(tmp_path / "d.jsonl"), "--fifth", "4"], catch_exceptions=False)
    assert done.output.splitlines() == [
        f"a: supporting. {WHY['repair'][lang]}", f"b: challenging. {WHY['go on'][lang]}", f"c: supporting. {WHY['missed'][lang]}",
    ]  # fmt: skip
