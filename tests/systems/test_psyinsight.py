"""Psy-Insight: explanations, windows, labels of turns and sessions, links, and the five views for fine-tuning."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.cli.export import export as export_command
from psyloom.errors import AnswerRejected
from psyloom.formats.read import read
from psyloom.formats.write.chat import messages_rows
from psyloom.formats.write.options import ExportOptions
from psyloom.formats.write.table import writer_for
from psyloom.formats.write.writer import make_plan
from psyloom.knowledge import label_set
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Element, Label, Lang, Scenario, Session, Turn, write_jsonl
from psyloom.runs import run_cases
from psyloom.systems.psyinsight.explain import EXPLANATIONS, LENGTHS, explanation, length_fault
from psyloom.systems.psyinsight.system import PsyInsightAnnotator
from psyloom.systems.psyinsight.told import PREFIX, session_row
from psyloom.systems.psyinsight.views import HISTORY, MIX, VIEWS, View, estimate, examples
from tests.support import Scripted, annotate, text_of

LANGS: tuple[Lang, ...] = ("zh", "en")
GUIDE = {
    "zh": "先听清他怕的是什么，用朴素的话说回去，再用评量的办法让小小的进步看得见；问题要具体，一次只问一个。留意他回避目光的时候，那往往是最要紧的地方。",
    "en": "Listen first for what he is afraid of and say it back in plain words. Then make small progress visible with a scale, one concrete question at a time. Watch for the moments in which he looks away; they often matter most, and they need time.",
}
BACKGROUND = {
    "zh": "一名怕考试的中学生，话不多，最近常常失眠，不愿和家里人说。",
    "en": "A pupil afraid of exams who speaks little.",
}


def talk(lang: Lang = "en", turns: int = 6, sessions: int = 1, first: str = "counselor", **more: Any) -> Dialogue:
    """Every message says which it is, and nothing twice."""
    made = []
    for s in range(sessions):
        sides = ("counselor", "client") if first == "counselor" else ("client", "counselor")
        texts = [
            f"{'第' if lang == 'zh' else 'message '}{s}-{n}{'句话。' if lang == 'zh' else ' is here.'}"
            for n in range(turns)
        ]
        made.append(Session(turns=[Turn(speaker=sides[n % 2], text=text) for n, text in enumerate(texts)]))  # type: ignore[arg-type]
    return Dialogue(id="d", lang=lang, sessions=made, **more)


def rows_of(call: Call) -> list[tuple[int, str]]:
    """The numbered turns that a prompt shows."""
    shown = re.findall(r"^(\d+)\. (?:Client|Therapist|来访者|治疗师)[:：] ?(.+)$", text_of(call), re.MULTILINE)
    return [(int(n), re.sub(r"\s?[\[【][^\]】]*[\]】]$", "", text)) for n, text in shown]


def told(call: Call, **more: Any) -> dict[str, Any]:
    return {"explanation": "because", "evidence": rows_of(call)[-1][1], **more}


def extract(skip: set[int] | None = None, **fault: Any) -> Callable[[Call], Any]:
    def answer(call: Call) -> Any:
        rows = rows_of(call)
        lang: Lang = "zh" if "来访者：" in text_of(call) or "治疗师：" in text_of(call) else "en"
        turns = [{"turn": n, "explanation": f"why {n}", "evidence": text} for n, text in rows if n not in (skip or ())]
        whole = {key: told(call) for key in ("session_reasoning", "summary")}
        return {"turns": turns, "background": told(call, explanation=BACKGROUND[lang]), **whole, **fault}

    return answer


def complete(call: Call) -> Any:
    return {"turns": [{"turn": n, "explanation": f"filled {text}", "evidence": text} for n, text in rows_of(call)]}


def marked(*labels: str, **more: Any) -> Callable[[Call], Any]:
    return lambda call: {"labels": list(labels), "evidence": rows_of(call)[-1][1], **more}


def chosen(label: str, **more: Any) -> Callable[[Call], Any]:
    return lambda call: {"label": label, "evidence": rows_of(call)[-1][1], **more}


def guide(call: Call) -> Any:
    return told(call, explanation=GUIDE["zh" if "督导" in text_of(call) else "en"])


def model(**more: Any) -> Scripted:
    return Scripted(**({
        "extract": extract(), "complete": complete, "theme": lambda call: told(call, explanation="a scale of calm"[: 15]),
        "guide": guide, "therapy": chosen("SFBT", reason="A scaling question."), "topic": chosen("Academic Pressure"),
        "strategy": marked("Question"), "emotion": marked("Fear", "Shame"),
        "same_qa": lambda call: told(call, result=True), "same_session": lambda call: told(call, result=True),
    } | more))  # fmt: skip


def kinds(turn: Turn) -> set[str]:
    return {label.id if label.set == EXPLANATIONS.id else label.set for label in turn.labels}


# Acceptance 1, 2, 3


@pytest.mark.accepts("psyinsight", 1)
@pytest.mark.parametrize("lang", LANGS)
async def test_therapist_turns_have_reasoning_and_strategy_client_turns_observation_and_emotion(lang: Lang) -> None:
    dialogue = await annotate(PsyInsightAnnotator(), talk(lang), model())
    for turn in dialogue.turns:
        wanted = (
            {"reasoning", "psyinsight_strategy"}
            if turn.speaker == "counselor"
            else {"observation", "psyinsight_emotion"}
        )
        assert kinds(turn) == wanted
    assert [label.id for label in dialogue.turns[1].labels] == ["observation", "fear", "shame"]
    assert [turn.text for turn in dialogue.turns] == [turn.text for turn in talk(lang).turns]


@pytest.mark.accepts("psyinsight", 2)
@pytest.mark.parametrize("fault", [("Fear", "Shame", "Anger", "Guilty", "Anxiety"), ("Fear", "fear"), ("Disgust",), ()])
async def test_a_list_with_more_than_four_labels_a_label_twice_a_foreign_one_or_none_is_asked_for_again(
    fault: tuple[str, ...],
) -> None:
    scripted = model(emotion=[marked(*fault), marked("Neutral")])
    dialogue = await annotate(PsyInsightAnnotator(), talk(turns=2), scripted)
    assert len(scripted.asked("emotion")) == 2
    assert kinds(dialogue.turns[1]) == {"observation", "psyinsight_emotion"}
    assert dialogue.turns[1].labels[-1].id == "neutral"
    with pytest.raises(AnswerRejected, match="2 tries"):
        await annotate(PsyInsightAnnotator(), talk(turns=2), model(emotion=marked(*fault)))


@pytest.mark.accepts("psyinsight", 2)
async def test_only_labels_that_can_be_asked_are_offered_and_topic_groups_follow() -> None:
    scripted = model()
    dialogue = await annotate(PsyInsightAnnotator(), talk(), scripted)
    sizes = {"strategy": 10, "emotion": 11, "topic": 12, "therapy": 17}
    for prompt, size in sizes.items():
        schema = scripted.asked(prompt)[0].schema
        assert schema
        fields = schema["properties"]
        assert len(fields["label"]["enum"] if "label" in fields else fields["labels"]["items"]["enum"]) == size
    topic = next(label for label in dialogue.sessions[0].labels if label.set == "psyinsight_topic")
    above = label_set(topic.set).above(topic.id)
    assert above
    assert above.id == "stress"


# 2. Explanations


async def test_without_a_commentary_every_explanation_was_inferred() -> None:
    dialogue = await annotate(PsyInsightAnnotator(), talk(), model())
    told_ = [label for place in (*dialogue.sessions, *dialogue.turns) for label in place.labels if label.reason]
    assert len(told_) == 6 + len(("background", "session_reasoning", "summary", "theme", "guide", "therapy"))
    assert {label.origin for label in told_} == {"inferred"}


COMMENTARY = {"pre_reasoning": ["A scale helps a shy pupil to show small progress."], "post_reasoning": "The method makes it visible.",
              "case_theme": "Chapter 3: Scaling question"}  # fmt: skip


async def test_what_is_drawn_from_a_commentary_is_marked_as_the_sources_and_the_commentary_is_shown() -> None:
    whole = {
        key: {"explanation": "as written", "evidence": "show small progress"}
        for key in ("session_reasoning", "summary")
    }
    scripted = model(extract=extract(**whole))
    dialogue = await annotate(PsyInsightAnnotator(), talk(extra=COMMENTARY), scripted)
    origins = {label.id: label.origin for label in dialogue.sessions[0].labels if label.set == EXPLANATIONS.id}
    assert origins == {"background": "inferred", "session_reasoning": "source", "summary": "source", "guide": "inferred",
                       "theme": "source"}  # fmt: skip
    for prompt in ("extract", "guide", "therapy"):
        assert "A scale helps a shy pupil" in text_of(scripted.asked(prompt)[0])
        assert "The method makes it visible." in text_of(scripted.asked(prompt)[0])


async def test_the_first_call_reads_the_whole_session_once_and_numbers_its_turns() -> None:
    scripted = model()
    await annotate(PsyInsightAnnotator(), talk(turns=7), scripted)
    (call,) = scripted.asked("extract")
    assert [n for n, _ in rows_of(call)] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "fault",
    [
        {"turns": [{"turn": 9, "explanation": "x", "evidence": "y"}]},
        {"turns": [{"turn": 1, "explanation": "x", "evidence": "message 0-0"}] * 2},
        {"summary": {"explanation": "x", "evidence": "never said"}},
        {"background": {"explanation": "", "evidence": "message 0-0"}},
    ],
    ids=["a turn that is not there", "a turn twice", "evidence that was not said", "no background"],
)
async def test_a_faulty_extraction_is_asked_for_again_and_fails_the_dialogue_the_second_time(
    fault: dict[str, Any],
) -> None:
    scripted = model(extract=[extract(**fault), extract()])
    await annotate(PsyInsightAnnotator(), talk(), scripted)
    assert len(scripted.asked("extract")) == 2
    with pytest.raises(AnswerRejected):
        await annotate(PsyInsightAnnotator(), talk(), model(extract=extract(**fault)))


# 3. Windows: acceptance 4


@pytest.mark.accepts("psyinsight", 4)
async def test_only_windows_of_five_with_a_gap_are_sent_and_only_the_gap_is_filled() -> None:
    scripted = model(extract=extract(skip={7, 9}))
    dialogue = await annotate(PsyInsightAnnotator(), talk(turns=12), scripted)
    (call,) = scripted.asked("complete")
    assert [text for _, text in rows_of(call)] == [f"message 0-{n} is here." for n in range(5, 10)]
    assert re.findall(r"^(\d)\..*\[\*\*\*\]$", text_of(call), re.MULTILINE) == ["2", "4"]
    assert [explanation(turn) for turn in dialogue.turns] == [
        f"filled message 0-{n - 1} is here." if n in (7, 9) else f"why {n}" for n in range(1, 13)
    ]
    explained = [[label for label in turn.labels if label.set == EXPLANATIONS.id] for turn in dialogue.turns]
    assert [len(labels) for labels in explained] == [1] * 12


async def test_a_turn_without_a_word_is_neither_explained_nor_labelled_and_the_others_are() -> None:
    given = talk(turns=6)
    given.turns[3].text = "……"
    dialogue = await annotate(PsyInsightAnnotator(), given, model(extract=extract(skip={4})))
    assert dialogue.turns[3].labels == []
    assert all(turn.labels for turn in dialogue.turns if turn.text != "……")


async def test_what_rests_on_nothing_even_after_the_repair_is_left_to_its_window() -> None:
    rows = [{"turn": n, "explanation": f"why {n}", "evidence": f"message 0-{n - 1}"} for n in range(1, 6)]
    rows.append({"turn": 6, "explanation": "a guess", "evidence": "nobody said this"})
    scripted = model(extract=extract(turns=rows))
    dialogue = await annotate(PsyInsightAnnotator(), talk(), scripted)
    assert len(scripted.asked("extract")) == 2
    assert len(scripted.asked("complete")) == 1
    assert explanation(dialogue.turns[5]) == "filled message 0-5 is here."
    assert dialogue.quality.kept == {"background_length_or_evidence": 1}


@pytest.mark.accepts("psyinsight", 9)
async def test_a_window_that_leaves_a_gap_open_twice_fails_and_is_never_sent_a_third_time() -> None:
    scripted = model(extract=extract(skip={2}), complete={"turns": []})
    with pytest.raises(AnswerRejected, match="have no answer: 2"):
        await annotate(PsyInsightAnnotator(), talk(), scripted)
    assert len(scripted.asked("complete")) == 2


class Long(Scripted):
    """Completions that break off so many times."""

    def __init__(self, breaks: int, pieces: list[Any], **more: Any) -> None:
        super().__init__(**model(complete=pieces, **more).replies)
        self.breaks = breaks

    async def __call__(self, call: Call, /) -> Answer:
        answer = await super().__call__(call)
        cut = call.prompt == "complete" and len(self.asked("complete")) <= self.breaks
        return replace(answer, finish="length") if cut else answer


@pytest.mark.accepts("psyinsight", 4)
async def test_a_completion_that_breaks_off_is_continued_at_most_three_times_and_joined() -> None:
    whole = json.dumps({"turns": [{"turn": 2, "explanation": "a long one", "evidence": "message 0-1 is here."}]})
    pieces = [whole[at : at + 20] for at in range(0, 60, 20)] + [whole[60:]]
    scripted = Long(3, pieces, extract=extract(skip={2}))
    dialogue = await annotate(PsyInsightAnnotator(), talk(), scripted)
    assert explanation(dialogue.turns[1]) == "a long one"
    assert len(scripted.asked("complete")) == 4
    stubborn = Long(99, ["{"], extract=extract(skip={2}))
    with pytest.raises(AnswerRejected, match="breaks off"):
        await annotate(PsyInsightAnnotator(), talk(), stubborn)
    assert len(stubborn.asked("complete")) == 2 * (1 + 3)  # and the repair again


# 1: misread characters, acceptance 3


def read_again(*changes: tuple[int, str, str]) -> Callable[[Call], Any]:
    """Every turn of a piece as it stands, but those (place, text, reason)."""

    def answer(call: Call) -> Any:
        changed = {n: (text, reason) for n, text, reason in changes}
        rows = [(n, *changed.get(n, (text, ""))) for n, text in rows_of(call)]
        return {"turns": [{"turn": n, "text": text, "reason": reason} for n, text, reason in rows]}

    return answer


def misread() -> Dialogue:
    dialogue = talk("zh", 12)
    dialogue.turns[1].text = "我每夭晚上都睡不看。"
    return dialogue


RIGHT = "我每天晚上都睡不着。"


@pytest.mark.accepts("psyinsight", 3)
async def test_a_corrected_text_stands_with_its_reason_beside_the_text_which_stays_as_it_is() -> None:
    def first(call: Call) -> Any:
        return read_again(*([(2, RIGHT, "“天”误作“夭”")] if rows_of(call)[1][1] == "我每夭晚上都睡不看。" else []))(
            call
        )

    scripted = model(ocr=first)
    dialogue = await annotate(PsyInsightAnnotator(ocr=True), misread(), scripted)
    assert [len(rows_of(call)) for call in scripted.asked("ocr")] == [10, 2]
    assert [turn.text for turn in dialogue.turns] == [turn.text for turn in misread().turns]
    assert [turn.extra for turn in dialogue.turns] == [
        {"psyinsight_ocr": {"psyinsight": {"text": RIGHT, "reason": "“天”误作“夭”"}}} if at == 1 else {}
        for at in range(12)
    ]
    assert dialogue.quality.measures["psyinsight_corrected"] == 1
    assert session_row(dialogue)["dialog"][1]["content"] == RIGHT
    assert RIGHT in next(examples(dialogue, "d")).messages[0].text


@pytest.mark.accepts("psyinsight", 3)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((2, RIGHT, " "), "第 2 句：改动了，却没有写理由"),
        ((2, "失眠很久了，心里烦得很。", "更通顺"), "不能改写句子"),
        ((13, RIGHT, "x"), "没有编号 13"),
    ],
    ids=["no reason", "rebuilt", "a turn that is not there"],
)
async def test_a_correction_without_a_reason_or_one_that_rebuilds_the_sentence_is_asked_for_again(
    change: tuple[int, str, str], says: str
) -> None:
    def faulty(call: Call) -> Any:
        given = read_again(change)(call)
        extra = [{"turn": 13, "text": RIGHT, "reason": "x"}] if change[0] == 13 else []
        return {"turns": [*given["turns"], *extra]}

    short = misread()
    short.sessions[0].turns = short.turns[:4]
    scripted = model(ocr=[faulty, read_again()])
    await annotate(PsyInsightAnnotator(ocr=True), short, scripted)
    assert says in scripted.asked("ocr")[1].messages[-1]["content"]
    with pytest.raises(AnswerRejected, match="2 tries"):
        await annotate(PsyInsightAnnotator(ocr=True), misread(), model(ocr=faulty))


@pytest.mark.accepts("psyinsight", 3)
async def test_number_ids_and_texts_of_the_turns_are_those_of_the_source() -> None:
    dialogue = talk(turns=4)
    for n, turn in enumerate(dialogue.turns):
        turn.extra = {"id": f"7-{n + 3}", "participant": "Lin" if n % 2 else "Therapist"}
    before = dialogue.model_copy(deep=True)
    done = await annotate(PsyInsightAnnotator(), dialogue, model())
    assert [(turn.speaker, turn.text, turn.extra) for turn in done.turns] == [
        (turn.speaker, turn.text, turn.extra) for turn in before.turns
    ]
    assert [(row["id"], row["content"]) for row in session_row(done)["dialog"]] == [
        (f"7-{n + 3}", turn.text) for n, turn in enumerate(before.turns)
    ]


# 5, 6: labels


async def test_a_strategy_is_judged_with_the_four_turns_before_and_the_motives_an_emotion_by_the_utterance_alone() -> (
    None
):
    scripted = model()
    await annotate(PsyInsightAnnotator(), talk(turns=8), scripted)
    last = scripted.asked("strategy")[-1]
    assert [n for n, _ in rows_of(last)] == [3, 4, 5, 6, 7]
    assert re.findall(r"^(\d)\..*\[(why \d)\]$", text_of(last), re.MULTILINE) == [
        ("3", "why 3"),
        ("5", "why 5"),
        ("7", "why 7"),
    ]
    assert [rows_of(call) for call in scripted.asked("emotion")] == [
        [(n, f"message 0-{n - 1} is here.")] for n in (2, 4, 6, 8)
    ]
    wider = model()
    await annotate(PsyInsightAnnotator(emotion_context=2), talk(turns=8), wider)
    assert [n for n, _ in rows_of(wider.asked("emotion")[-1])] == [6, 7, 8]


async def test_school_and_topic_are_judged_by_the_first_ten_turns_and_the_topic_also_by_the_theme() -> None:
    scripted = model()
    await annotate(PsyInsightAnnotator(), talk(turns=14), scripted)
    for prompt in ("therapy", "topic"):
        assert [n for n, _ in rows_of(scripted.asked(prompt)[0])] == list(range(1, 11))
    assert "a scale of calm" in text_of(scripted.asked("topic")[0])


async def test_a_school_that_the_source_names_is_not_asked_for() -> None:
    named, unknown = talk(), talk()
    named.sessions[0].labels = [Label(set="psyinsight_psychotherapy", id="SFBT")]
    unknown.sessions[0].labels = [Label(set="psyinsight_psychotherapy", id="unknown")]
    scripted = model()
    await annotate(PsyInsightAnnotator(), named, scripted)
    assert not scripted.asked("therapy")
    await annotate(PsyInsightAnnotator(), unknown, scripted)
    assert len(scripted.asked("therapy")) == 1


@pytest.mark.parametrize(
    ("heading", "asked", "theme"),
    [
        ("Example 2: Scaling question", 0, "scaling question"),
        ("Cognitive Behaviour Therapy", 1, "a scale of calm"),
        ("A heading that goes on and on and on and on until nobody would call it one", 1, "a scale of calm"),
        ("", 1, "a scale of calm"),
    ],
)
async def test_the_sources_heading_is_the_theme_unless_it_is_too_long_or_names_a_school(
    heading: str, asked: int, theme: str
) -> None:
    scripted = model()
    dialogue = await annotate(PsyInsightAnnotator(), talk(extra={"case_theme": heading}), scripted)
    assert len(scripted.asked("theme")) == asked
    assert next(label.reason for label in dialogue.sessions[0].labels if label.id == "theme") == theme


async def test_calls_of_a_bare_session_of_twelve_turns() -> None:
    scripted = model()
    dialogue = await annotate(PsyInsightAnnotator(), talk(turns=12), scripted)
    assert scripted.counts() == {
        "emotion": 6,
        "extract": 1,
        "guide": 1,
        "strategy": 6,
        "theme": 1,
        "therapy": 1,
        "topic": 1,
    }
    assert dialogue.quality.calls == 17


# 4. Links: acceptance 7


@pytest.mark.accepts("psyinsight", 7)
@pytest.mark.parametrize(
    ("turns", "schools", "asked"),
    [
        (4, ("SFBT", "SFBT"), {"same_session", "same_qa"}),
        (3, ("SFBT", "SFBT"), {"same_session"}),  # the counselor ends the one and begins the other
        (4, ("SFBT", "Gestalt Therapy"), set()),
    ],
)
async def test_links_are_asked_only_within_one_school_and_one_exchange_only_between_different_speakers(
    turns: int, schools: tuple[str, str], asked: set[str]
) -> None:
    def therapy(call: Call) -> Any:
        return chosen(schools["message 1-0" in text_of(call)], reason="So it seems.")(call)

    scripted = model(therapy=therapy)
    dialogue = await annotate(PsyInsightAnnotator(), talk(turns=turns, sessions=2), scripted)
    assert {call.prompt for call in scripted.calls if call.prompt.startswith("same")} == asked
    assert {label.id for label in dialogue.sessions[1].labels} >= asked
    assert not {label.id for label in dialogue.sessions[0].labels} & {"same_session", "same_qa"}


@pytest.mark.accepts("psyinsight", 7)
async def test_a_link_sees_four_turns_of_each_side_or_the_two_turns_that_meet() -> None:
    scripted = model()
    await annotate(PsyInsightAnnotator(), talk(turns=6, sessions=2), scripted)
    seen = {name: [text for _, text in rows_of(scripted.asked(name)[0])] for name in ("same_session", "same_qa")}
    assert seen["same_session"] == [
        f"message {s}-{n} is here." for s, n in [(0, 2), (0, 3), (0, 4), (0, 5), (1, 0), (1, 1), (1, 2), (1, 3)]
    ]
    assert seen["same_qa"] == ["message 0-5 is here.", "message 1-0 is here."]


async def test_a_link_that_is_denied_leaves_no_label() -> None:
    no = lambda call: told(call, result=False)  # noqa: E731
    dialogue = await annotate(PsyInsightAnnotator(), talk(sessions=2), model(same_qa=no, same_session=no))
    row = session_row(dialogue, 1)
    assert (row["is_same_qa"], row["is_same_session"]) == (0, 0)


# Acceptance 5: the session as released

FIELDS = ("dialog_id", "theme", "psychotherapy", "topic", "stage", "guide", "is_same_qa", "is_same_session",
          "background", "reasoning", "dialog", "summary")  # fmt: skip


@pytest.mark.accepts("psyinsight", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_all_twelve_fields_are_filled_and_guide_theme_and_background_keep_their_lengths(lang: Lang) -> None:
    dialogue = await annotate(PsyInsightAnnotator(), talk(lang, sessions=2), model())
    row = session_row(dialogue, 1, by="psyinsight")
    assert tuple(row) == FIELDS
    assert all(row[field] not in ("", None, []) for field in FIELDS)
    assert (row["is_same_qa"], row["is_same_session"], row["stage"]) == (1, 1, "2nd Session")
    assert (row["psychotherapy"], row["topic"]) == ("Solution-Focused Brief Therapy", "Academic Pressure")
    assert all(length_fault(what, row[what], lang) is None for what in LENGTHS)
    seeker, supporter = (next(t for t in row["dialog"] if t["speaker"] == who) for who in ("Seeker", "Supporter"))
    assert list(seeker) == ["speaker", "participant", "content", "id", "emotional label", "observation"]
    assert list(supporter) == ["speaker", "participant", "content", "id", "strategy", "reasoning"]
    assert (seeker["emotional label"], supporter["strategy"]) == (["Fear", "Shame"], ["Question"])
    assert [turn["id"] for turn in row["dialog"]] == [f"1-{n}" for n in range(6)]


@pytest.mark.accepts("psyinsight", 5)
@pytest.mark.parametrize(("what", "lang", "text"), [("guide", "zh", "好" * 49), ("guide", "zh", "好" * 101), ("guide", "en", "word " * 29),
                                                     ("guide", "en", "word " * 61), ("theme", "zh", "好" * 21), ("theme", "en", "word " * 21)])  # fmt: skip
async def test_a_guide_or_theme_outside_its_length_is_asked_for_again(what: str, lang: Lang, text: str) -> None:
    scripted = model(**{what: [lambda call: told(call, explanation=text), model().replies[what]]})
    await annotate(PsyInsightAnnotator(), talk(lang), scripted)
    assert len(scripted.asked(what)) == 2


def test_what_the_source_says_stands_in_the_row_where_no_annotator_said_it() -> None:
    turns = [Turn(speaker="counselor", text="Where are you today?", thought=[Element(name="reasoning", text="A number is easy.")]),
             Turn(speaker="client", text="A 3.", extra={"observation": "He shrugs.", "participant": "Lin"})]  # fmt: skip
    session = Session(turns=turns, notes={"theme": "scaling", "reasoning": "He is shy."}, summary="It went well.",
                      labels=[Label(set="psyinsight_stage", id="Early Session")])  # fmt: skip
    case = Case(id="c", lang="en", scenario=Scenario(situation="A shy pupil."))
    links: dict[str, Any] = {"is_same_qa": "", "is_same_session": 1}
    row = session_row(Dialogue(id="psyinsight-000432", lang="en", sessions=[session], case=case, extra=links))
    assert (row["dialog_id"], row["is_same_qa"], row["is_same_session"]) == ("000432", 0, 1)
    assert (row["theme"], row["reasoning"], row["background"], row["summary"], row["stage"]) == (
        "scaling", "He is shy.", "A shy pupil.", "It went well.", "Early Session",
    )  # fmt: skip
    assert (row["dialog"][0]["reasoning"], row["dialog"][1]["observation"], row["dialog"][1]["participant"]) == (
        "A number is easy.", "He shrugs.", "Lin",
    )  # fmt: skip


# Acceptance 6: the views


def explained(lang: Lang = "en", turns: int = 6, first: str = "client", sessions: int = 1, **skip: Any) -> Dialogue:
    dialogue = talk(lang, turns, sessions, first)
    for n, turn in enumerate(dialogue.turns):
        kind = "reasoning" if turn.speaker == "counselor" else "observation"
        if n not in skip.get("without", ()):
            turn.labels = [EXPLANATIONS.label(kind, reason=f"{kind} {n}", by="psyinsight")]
    return dialogue


WANTED: dict[View, str] = {
    "d": "{T}message 0-1 is here.",
    "r_d": "{R}reasoning 1\n{T}message 0-1 is here.",
    "o_r_d": "{O}observation 0\n{R}reasoning 1\n{T}message 0-1 is here.",
    "only_r": "{R}reasoning 1",
    "only_o": "{O}observation 0",
}


@pytest.mark.accepts("psyinsight", 6)
@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_exactly_its_prefixes(view: View) -> None:
    (example,) = examples(explained(turns=2), view)
    prefixes = {"T": "Therapist: ", "R": "Reasoning: ", "O": "Observation: "}
    assert example.target.text == WANTED[view].format(**prefixes)
    both = "\nTherapist: message 0-1 is here." if view.startswith("only") else ""
    assert example.messages[0].text == f"Client: message 0-0 is here.{both}"
    (zh,) = examples(explained("zh", turns=2), view)
    assert zh.target.text.startswith(
        {"d": "治疗师：", "r_d": "推理：", "o_r_d": "观察：", "only_r": "推理：", "only_o": "观察："}[view]
    )


def test_first_the_explaining_views_then_the_dialogue() -> None:
    assert MIX == (("only_r", "only_o"), ("d",))
    assert {view for step in MIX for view in step} <= set(VIEWS)


speakers = st.lists(st.sampled_from(["client", "counselor"]), min_size=1, max_size=14)


@pytest.mark.accepts("psyinsight", 6)
@settings(deadline=None)
@given(
    sides=st.lists(speakers, min_size=1, max_size=3),
    view=st.sampled_from(VIEWS),
    limit=st.integers(60, 400),
    data=st.data(),
)
def test_user_and_assistant_alternate_the_user_first_whoever_spoke_and_wherever_a_session_is_cut(
    sides: list[list[str]], view: View, limit: int, data: Any
) -> None:
    sessions = []
    for s, speakers_ in enumerate(sides):
        turns = [Turn(speaker=who, text=f"message {s}-{n}. " + "word " * 9) for n, who in enumerate(speakers_)]  # type: ignore[arg-type]
        links = [EXPLANATIONS.label("same_session", reason="x")] if s and data.draw(st.booleans()) else []
        sessions.append(Session(turns=turns, labels=links))
    dialogue = Dialogue(id="d", lang="en", sessions=sessions)
    for n, turn in enumerate(dialogue.turns):
        if data.draw(st.integers(0, 4)):
            kind = "reasoning" if turn.speaker == "counselor" else "observation"
            turn.labels = [EXPLANATIONS.label(kind, reason=f"{kind} {n}")]
    learned: list[int] = []
    for example in examples(dialogue, view, limit=limit):
        roles = [message.role for message in example.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        learned += [message.turn for message in example.messages if message.weight]
    assert len(learned) == len(set(learned))  # nothing is learned twice, history never
    assert all(dialogue.turns[at].speaker == "counselor" for at in learned)


@pytest.mark.accepts("psyinsight", 6)
def test_every_reply_after_the_client_first_spoke_is_learned_once_when_a_session_is_cut() -> None:
    dialogue = explained(turns=20)
    budget = estimate(next(examples(dialogue, "d")).system) + 60
    pieces = list(examples(dialogue, "d", limit=budget))
    assert len(pieces) > 2
    assert [message.turn for piece in pieces for message in piece.messages if message.weight] == list(range(1, 20, 2))
    for before, piece in pairwise(pieces):
        history = [message for message in piece.messages if message.turn <= before.messages[-1].turn + 1][:HISTORY]
        assert [message.role for message in history] == ["user", "assistant", "user"]
        assert [message.text for message in history[:2]] == [message.text for message in before.messages[-2:]]
        assert not any(message.weight for message in history)
    assert all(sum(estimate(m.text) for m in piece.messages) <= 60 + 40 for piece in pieces)


def test_a_linked_session_that_the_therapist_opens_begins_with_the_last_three_turns_before_it_unlearned() -> None:
    dialogue = explained(turns=6, sessions=2, first="counselor")
    dialogue.sessions[1].labels = [EXPLANATIONS.label("same_session", reason="x")]
    _, second = examples(dialogue, "d")
    texts = [(message.text.split(" is")[0], message.weight) for message in second.messages]
    assert texts[:4] == [
        ("Client: message 0-3", 0), ("Therapist: message 0-4", 0), ("Client: message 0-5", 0), ("Therapist: message 1-0", 1),
    ]  # fmt: skip
    unlinked = explained(turns=6, sessions=2, first="counselor")
    assert list(examples(unlinked, "d"))[1].messages[0].text.startswith("Client: message 1-1")


def test_a_reply_without_what_the_view_teaches_is_read_and_not_learned() -> None:
    dialogue = explained(turns=6, without={3})
    (d,), (r_d,), (only_r,) = (list(examples(dialogue, view)) for view in ("d", "r_d", "only_r"))
    assert [m.weight for m in d.messages if m.role == "assistant"] == [1, 1, 1]
    assert [m.weight for m in r_d.messages if m.role == "assistant"] == [1, 0, 1]
    assert [m.turn for m in only_r.messages if m.role == "assistant"] == [1, 5]


def test_messages_in_a_row_by_one_side_are_joined_with_their_explanations() -> None:
    turns = [Turn.client("a"), Turn.client("b"), Turn.counselor("c"), Turn.counselor("e")]
    for turn in turns:
        turn.labels = [
            EXPLANATIONS.label("observation" if turn.speaker == "client" else "reasoning", reason=f"why {turn.text}")
        ]
    (example,) = examples(Dialogue(id="d", lang="en", sessions=[Session(turns=turns)]), "o_r_d")
    assert example.messages[0].text == "Client: a\nb"
    assert example.target.text == "Observation: why a\nwhy b\nReasoning: why c\nwhy e\nTherapist: c\ne"


def test_the_background_and_the_task_stand_in_the_system_prompt() -> None:
    dialogue = explained(turns=2)
    dialogue.sessions[0].labels = [EXPLANATIONS.label("background", reason="A shy pupil.")]
    systems = {view: next(examples(dialogue, view)).system for view in VIEWS}
    assert len(set(systems.values())) == len(VIEWS)
    assert all("A shy pupil." in system for system in systems.values())


@pytest.mark.accepts("psyinsight", 6)
@pytest.mark.parametrize("view", VIEWS)
def test_a_command_writes_each_view_as_chat_messages_with_the_history_unlearned(view: View, tmp_path: Path) -> None:
    dialogue = explained(turns=6, sessions=2, first="counselor")
    dialogue.sessions[1].labels = [EXPLANATIONS.label("same_session", reason="x", by="psyinsight")]
    write_jsonl(tmp_path / "d.jsonl", [dialogue])

    def rows(*more: str) -> list[dict[str, Any]]:
        words = [str(tmp_path / "d.jsonl"), "--to", f"psyinsight.{view}", "--out", str(tmp_path / "v.jsonl"), *more]
        assert CliRunner().invoke(export_command, words, catch_exceptions=False).exit_code == 0
        return [json.loads(line) for line in (tmp_path / "v.jsonl").read_text("utf-8").splitlines()]

    wanted = list(examples(dialogue, view))
    for row, example in zip(rows(), wanted, strict=True):
        system, *said = row["messages"]
        assert (system["role"], system["content"]) == ("system", example.system)
        assert [(one["role"], one["content"]) for one in said] == [(m.role, m.text) for m in example.messages]
        assert [one["weight"] for one in said[1::2]] == [int(m.weight > 0) for m in example.messages[1::2]]
    assert 0 in [one["weight"] for one in rows()[1]["messages"][2::2]]
    assert not any("weight" in one for row in rows("--weights", "ignore") for one in row["messages"])
    assert (rows("--annotator", "nobody") == []) == (view != "d")


@pytest.mark.accepts("psyinsight", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_command_writes_sessions_with_the_twelve_fields(lang: Lang, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [await annotate(PsyInsightAnnotator(), talk(lang, sessions=2), model())])
    words = [str(tmp_path / "d.jsonl"), "--to", "psyinsight.sessions", "--out", str(tmp_path / "s.json")]
    assert CliRunner().invoke(export_command, words, catch_exceptions=False).exit_code == 0
    rows = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert [tuple(row) for row in rows] == [FIELDS, FIELDS]
    back = [one for one in read(tmp_path / "s.json", "psyinsight") if isinstance(one, Dialogue)]
    assert [[turn.text for turn in one.turns] for one in back] == [
        [turn["content"] for turn in row["dialog"]] for row in rows
    ]


def test_a_view_can_be_written_by_every_row_writer_of_chat_messages() -> None:
    plan = make_plan(writer_for("messages"), ExportOptions(weights="write"))
    (row,) = (row for example in examples(explained(turns=4), "r_d") for row in messages_rows(example, plan))
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    assert [message.get("weight") for message in row["messages"]] == [None, None, 1, None, 1]


@pytest.mark.parametrize("lang", LANGS)
async def test_views_take_one_annotators_explanations_when_two_stand_there(lang: Lang) -> None:
    dialogue = await annotate(PsyInsightAnnotator(), talk(lang, turns=3, first="client"), Rehearsal(), by="one")
    for turn in dialogue.turns:
        kind = "reasoning" if turn.speaker == "counselor" else "observation"
        turn.labels = [*turn.labels, EXPLANATIONS.label(kind, reason="by a person", by="Anna")]
    (example,) = examples(dialogue, "only_r", by="Anna")
    assert example.target.text == PREFIX[lang]["reasoning"] + "by a person"


# Acceptance 9, and the rehearsal


@pytest.mark.accepts("psyinsight", 9)
async def test_a_dialogue_that_fails_twice_is_listed_and_the_others_go_on(tmp_path: Path) -> None:
    bad = talk("zh")
    bad.id = "bad"
    write_jsonl(tmp_path / "d.jsonl", [bad, talk("en")])

    def topic(call: Call) -> Any:
        return chosen("Weather" if "治疗师" in text_of(call) else "Job Crisis")(call)

    summary = await run_cases(PsyInsightAnnotator(), tmp_path / "d.jsonl", tmp_path / "out", models=model(topic=topic))
    assert (summary.dialogues, summary.failures) == (1, 1)
    assert '"bad"' in (tmp_path / "out/failures.jsonl").read_text("utf-8")


@pytest.mark.parametrize("lang", LANGS)
async def test_the_rehearsal_annotates_sessions_without_a_repair(lang: Lang) -> None:
    dialogue = await annotate(PsyInsightAnnotator(), talk(lang, turns=8, sessions=2), Rehearsal())
    assert dialogue.quality.rejected == 0
    assert all(explanation(turn) for turn in dialogue.turns)
