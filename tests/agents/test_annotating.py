"""The strict way of annotating: closed sets, one repair, evidence that was said, and labels that belong to a name."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from psyloom.agents.annotating import FAILED, coarse, labels_in, once_each, own
from psyloom.agents.grounds import WORDS as GROUND_WORDS
from psyloom.agents.grounds import Grounds
from psyloom.agents.guards import fold
from psyloom.errors import AnswerRejected
from psyloom.knowledge import label_set, label_sets
from psyloom.llm import Call
from psyloom.llm.limits import Budget
from psyloom.records import Dialogue, Element, Label, Session, Turn, read_jsonl, write_jsonl
from psyloom.records.dialogue import Quality
from psyloom.runs import run_cases
from psyloom.runs.report import write_report
from psyloom.systems import find_systems, make_role
from tests.runs.test_report import words_of
from tests.support import Scripted, annotate, text_of

SAID = ("听起来这周你一直在硬撑。你最担心的是什么？", "I feel “hurt”, and tired. So tired...", "……")


# Evidence


@pytest.mark.parametrize(
    "quote",
    [
        "一直在硬撑",
        "「一直在硬撑。」",
        "你 最担心的\n是什么",
        "i feel hurt, and TIRED",
        "ｔｉｒｅｄ",
        "听起来…你最担心的是什么",
        "So tired.",
        "……",
        "咨询师：一直在硬撑",
    ],
)
def test_evidence_is_found_whatever_its_quotation_marks_white_space_width_and_case(quote: str) -> None:
    assert Grounds(SAID).origin(quote) == "inferred"
    assert Grounds(SAID).fault(quote, "zh") is None


@pytest.mark.parametrize("quote", ["你一直很勇敢", "", "。", "tired of it", "硬撑…没有说过的话"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_evidence_that_was_not_said_is_told_so_in_the_languages_of_the_talk(quote: str, lang: Any) -> None:
    fault = Grounds(SAID).fault(quote, lang)
    assert fault
    assert ("evidence" in fault) == (lang == "en")


def test_a_letter_or_two_are_no_evidence_unless_they_are_all_of_a_sentence() -> None:
    assert "太短" in str(Grounds(("我很累。",)).fault("累", "zh"))
    assert Grounds(("累。我很累。",)).fault("累", "zh") is None
    assert "too short" in str(Grounds(("No, I am tired.",)).fault("am", "en"))


@pytest.mark.parametrize(
    ("quote", "lang", "scrap"),
    [("I…a…e…d", "en", "I"), ("and tired…hurt", "en", "hurt"), ("听起来…硬…心", "zh", "硬"), ("I feel hurt\nand tired", "en", ""),
     ("I feel…and tired", "en", ""), ("So tired…hurt, and tired", "en", ""), ("听起来…最担心", "zh", "")],
)  # fmt: skip
def test_words_between_two_omissions_are_evidence_only_when_they_are_a_phrase(
    quote: str, lang: Any, scrap: str
) -> None:
    assert Grounds(SAID).origin(quote) == "inferred"
    assert Grounds(SAID).fault(quote, lang) == (GROUND_WORDS["short"][lang].format(scrap) if scrap else None)


def test_what_only_the_source_says_comes_from_the_source_and_what_was_said_was_inferred() -> None:
    grounds = Grounds(("我睡不着。",), ("治疗师先稳住他的情绪。他说“我睡不着”。",))
    assert grounds.origin("先稳住他的情绪") == "source"
    assert grounds.origin("我睡不着") == "inferred"
    assert grounds.origin("先稳住…我睡不着") == "source"


@settings(deadline=None)
@given(texts=st.lists(st.text("我睡不着觉ab，。 ", min_size=1, max_size=12), min_size=1, max_size=3), data=st.data())
def test_every_piece_of_what_was_said_is_evidence_and_comes_from_what_was_said(texts: list[str], data: Any) -> None:
    text = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(text) - 1))
    quote = text[start : data.draw(st.integers(start + 1, len(text)))]
    assume(fold(quote))
    assert Grounds(tuple(texts), ("别的话",)).origin(quote) == "inferred"


def test_every_number_is_answered_once_and_no_other() -> None:
    assert once_each([2, 1], [1, 2], "en") is None
    assert "no number 3" in str(once_each([1, 2, 3], [1, 2], "en"))
    assert "more than once" in str(once_each([1, 1, 2], [1, 2], "en"))
    assert "2" in str(once_each([1], [1, 2], "en"))


# Groups


@pytest.mark.parametrize("name", label_sets())
def test_only_labels_with_none_below_them_can_be_asked_and_each_has_one_group(name: str) -> None:
    labels = label_set(name)
    assert all(not labels.children(id_) for id_ in labels.leaves.ids)
    assert set(labels.leaves.ids) | {term.parent for term in labels.terms if term.parent} == set(labels.ids)
    for id_ in labels.leaves.ids:
        assert coarse(labels, id_) == (labels[id_].parent or id_)


# What holds for every annotator


def talk(lang: Any = "zh") -> Dialogue:
    texts = {
        "zh": [
            "你好，想聊点什么？",
            "我睡不着。可能是怕面试。",
            "听起来这周你一直在硬撑。你最担心的是什么？",
            "担心搞砸。",
            "要是真的搞砸了，会怎么样？",
        ],
        "en": [
            "Hello, what brings you here?",
            "I cannot sleep. Perhaps it is the interview.",
            "You have held on all week. What do you fear most?",
            "To mess it up.",
            "And if you did, what then?",
        ],
    }[lang]
    turns = [Turn(speaker="client" if n % 2 else "counselor", text=text) for n, text in enumerate(texts)]
    for turn in turns[::2]:
        turn.labels = [Label(set="esconv_strategy", id="question")]  # the chains are written for known strategies
    return Dialogue(id=f"d-{lang}", lang=lang, sessions=[Session(turns=turns)])


STRICT = [slug for slug in ("client_reactions", "psyinsight") if slug in find_systems()]
CHAINS = [slug for slug in ("escot", "intentionesc") if slug in find_systems()]


def everything(dialogue: Dialogue) -> list[Label | Element]:
    """What annotators put there."""
    parts: list[Any] = [dialogue, *dialogue.sessions, *dialogue.turns]
    thoughts = [step for turn in dialogue.turns for step in turn.thought]
    return [*(label for part in parts for label in part.labels if label.by), *thoughts]


async def run(slug: str, dialogues: Path, out: Path, by: str = "") -> list[Dialogue]:
    summary = await run_cases(make_role(slug, "annotator"), dialogues, out, by=by)  # type: ignore[arg-type]
    assert summary.failures == 0
    return list(read_jsonl(out / "dialogues.jsonl", Dialogue))


@pytest.mark.parametrize("slug", STRICT)
async def test_its_bundled_cases_become_dialogues_by_another_system_and_can_be_annotated(
    slug: str, tmp_path: Path
) -> None:
    made = await run_cases(
        "interactive_agents", find_systems()[slug].cases(), tmp_path / "0", options={"max_exchanges": 3}
    )
    assert made.failures == 0
    annotated = await run(slug, tmp_path / "0/dialogues.jsonl", tmp_path / "1")
    assert {dialogue.lang for dialogue in annotated} == {"zh", "en"}
    assert all(turn.labels for dialogue in annotated for turn in dialogue.turns)


@pytest.mark.parametrize("slug", STRICT + CHAINS)
async def test_annotating_twice_changes_nothing_and_texts_stay_as_they_are(slug: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk("zh"), talk("en")])
    once = await run(slug, tmp_path / "d.jsonl", tmp_path / "1")
    twice = await run(slug, tmp_path / "1/dialogues.jsonl", tmp_path / "2")
    for first, second, given_ in zip(once, twice, [talk("zh"), talk("en")], strict=True):
        assert everything(first) == everything(second) != []
        assert first == second
        assert [turn.text for turn in second.turns] == [turn.text for turn in given_.turns]
    assert (tmp_path / "1/dialogues.jsonl").read_bytes() == (tmp_path / "2/dialogues.jsonl").read_bytes()


@pytest.mark.parametrize("slug", STRICT + CHAINS)
async def test_what_annotating_took_stands_with_the_annotation_and_what_making_took_stays(
    slug: str, tmp_path: Path
) -> None:
    made = talk("en")
    made.quality = Quality(calls=40, rejected=3, guards={"repeats": 2}, measures={"openness": 0.5})
    write_jsonl(tmp_path / "d.jsonl", [made])
    (done,) = await run(slug, tmp_path / "d.jsonl", tmp_path / "1")
    took = done.annotations[slug].took
    assert took
    assert took.calls > 0
    assert done.quality.model_copy(update={"measures": {}}) == made.quality.model_copy(update={"measures": {}})
    assert done.quality.measures["openness"] == 0.5
    assert f"calls in these dialogues {took.calls}" in words_of(write_report(tmp_path / "1").read_text("utf-8"))


@pytest.mark.parametrize("slug", STRICT + CHAINS)
async def test_two_annotators_stand_beside_each_other_and_each_takes_back_only_its_own(
    slug: str, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk()])
    await run(slug, tmp_path / "d.jsonl", tmp_path / "1", by="one")
    (both,) = await run(slug, tmp_path / "1/dialogues.jsonl", tmp_path / "2", by="two")
    counts = {by: sum(label.by == by for label in everything(both)) for by in ("one", "two")}
    assert counts["one"] == counts["two"] > 0
    assert set(both.annotations) == {"one", "two"}
    both.forget("one")
    assert {label.by for label in everything(both)} == {"two"}
    assert [turn.labels[0].by for turn in both.turns[::2]] == [None] * 3  # nobody takes back what is the source's


@pytest.mark.parametrize("slug", STRICT + CHAINS)
async def test_every_label_and_step_of_an_annotator_has_evidence_that_was_said_and_every_explanation_an_origin(
    slug: str, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk("zh"), talk("en")])
    for dialogue in await run(slug, tmp_path / "d.jsonl", tmp_path / "1"):
        grounds = Grounds.of(dialogue.turns)
        for found in everything(dialogue):
            assert found.evidence is not None
            assert grounds.origin(found.evidence) == "inferred"
            if isinstance(found, Label):
                assert found.id in label_set(found.set).leaves
                assert (found.origin is None) == (found.reason is None)
            else:
                assert found.origin == "inferred"


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_reason_leaves_no_gap_where_a_name_should_stand(lang: Any, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk(lang)])
    (dialogue,) = await run("psyinsight", tmp_path / "d.jsonl", tmp_path / "1")
    reasons = [one.reason for one in everything(dialogue) if isinstance(one, Label) and one.reason]
    assert reasons
    assert not [one for one in reasons if re.search("“”|“strategy”|“rationale”|;  | strategy serves", one)]


def sentences_of(call: Call) -> int:
    listed = text_of(call).rsplit(
        "sentence by sentence:" if "sentence by sentence:" in text_of(call) else "逐句列出：", 1
    )[1]
    return sum(line[:1].isdigit() for line in listed.splitlines())


def coded(label: str, **fault: Any) -> Callable[[Call], Any]:
    """All sentences labelled alike, with the message's own first words as evidence."""

    def answer(call: Call) -> Any:
        shown = text_of(call).rstrip().splitlines()
        line = next(one for one in reversed(shown) if one.startswith("1. "))
        rows = [{"sentence": n, "label": label, "evidence": line[3:]} | fault for n in range(1, sentences_of(call) + 1)]
        return {"labels": rows}

    return answer


async def test_a_wrong_answer_is_asked_for_once_more_and_two_wrong_ones_fail_the_dialogue() -> None:
    annotator: Any = make_role("client_reactions", "annotator")
    good, bad = coded("Extending"), coded("Extending", evidence="never said at all")
    model = Scripted(strategy=coded("Answer"), behavior=[bad, good])
    dialogue = Dialogue(id="d", lang="en", sessions=[Session(turns=[Turn.client("I see it now.")])])
    done = await annotate(annotator, dialogue, model)
    assert len(model.calls) == 2
    assert "never said at all" in text_of(model.calls[1])
    assert [label.id for label in done.turns[0].labels] == ["extending"]
    stubborn = Scripted(behavior=bad)
    with pytest.raises(AnswerRejected, match="2 tries"):
        await annotate(
            annotator, Dialogue(id="d", lang="en", sessions=[Session(turns=[Turn.client("I see.")])]), stubborn
        )
    assert len(stubborn.calls) == 2


@pytest.mark.parametrize("slug", ["client_reactions", "escot"])
async def test_a_turn_whose_answer_is_wrong_twice_is_noted_with_its_reason_and_the_others_are_kept(slug: str) -> None:
    def torn(call: Call) -> Any:  # of what stands in the prompt only the last message is about
        return {"labels": []} if "1. To mess it up." in text_of(call) else coded("Extending")(call)

    def chain(call: Call) -> Any:
        named = {"explanation": "The supporter can use “Question”.", "evidence": "I cannot sleep."}
        names = ("emotion", "emotion_stimuli", "individual_appraisal", "strategy_reason")
        return {} if "And if you did" in text_of(call) else dict.fromkeys(names, named)

    model = Scripted(strategy=coded("Answer"), behavior=torn, chain=chain)
    at = {"client_reactions": 3, "escot": 4}[slug]
    annotator: Any = make_role(slug, "annotator")
    done = await annotate(annotator, talk("en"), model)
    (noted,) = own(done.extra, FAILED, slug)  # type: ignore[misc]
    assert (noted["session"], noted["turn"]) == (0, at)  # type: ignore[call-overload,index]
    assert "2 tries" in noted["reason"]  # type: ignore[call-overload,index,operator]
    assert done.quality.measures[f"{slug}_failed"] == 1
    assert not done.turns[at].thought
    assert not any(label.by for label in done.turns[at].labels)
    assert everything(done)


async def test_a_dialogue_that_fails_twice_is_listed_with_every_attempt_and_the_others_go_on(tmp_path: Path) -> None:
    bad = Dialogue(id="bad", lang="en", sessions=[Session(turns=[Turn.client("Fail, please.")])])
    write_jsonl(tmp_path / "d.jsonl", [bad, talk("en")])

    def behavior(call: Call) -> Any:
        return coded("Dancing" if "Fail, please." in text_of(call) else "Extending")(call)

    annotator: Any = make_role("client_reactions", "annotator")
    model = Scripted(strategy=coded("Answer"), behavior=behavior)
    summary = await run_cases(annotator, tmp_path / "d.jsonl", tmp_path / "out", models=model)
    assert (summary.dialogues, summary.failures) == (1, 1)
    failure = (tmp_path / "out/failures.jsonl").read_text("utf-8")
    assert '"bad"' in failure
    assert "AnswerRejected" in failure
    assert (
        failure.count("Dancing is not in the list") == 5
    )  # twice in the trace, once told to the model, once as the last fault, once in the end


def test_labels_are_read_by_set_and_by_annotator() -> None:
    labels = [Label(set="a", id="1", by="x"), Label(set="a", id="2"), Label(set="b", id="3", by="x")]
    assert labels_in(labels, "a") == labels[:2]
    assert labels_in(labels, "a", "x") == labels[:1]


@pytest.mark.parametrize("slug", STRICT + CHAINS)
async def test_an_annotation_that_was_stopped_goes_on_and_repeats_no_answered_call(slug: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk("zh"), talk("en")])
    annotator: Any = make_role(slug, "annotator")
    whole = await run_cases(annotator, tmp_path / "d.jsonl", tmp_path / "whole")
    stopped = await run_cases(annotator, tmp_path / "d.jsonl", tmp_path / "torn", budget=Budget(2))
    assert stopped.stopped
    rest = await run_cases(annotator, tmp_path / "d.jsonl", tmp_path / "torn")
    assert stopped.progress.calls + rest.progress.calls == whole.progress.calls
    assert (tmp_path / "torn/dialogues.jsonl").read_bytes() == (tmp_path / "whole/dialogues.jsonl").read_bytes()
