"""Diagnostic dialogues: labels of several classifications and two languages, topics asked, concepts said."""

import pytest

from psyloom.errors import UsageError
from psyloom.judging.diagnosis import (
    FAMILIES,
    accuracy,
    codes,
    concepts,
    families,
    named_early,
    planned_topics,
    ranked_in,
    same,
    top_k,
    topic_coverage,
)
from psyloom.knowledge.instruments import instrument
from psyloom.records import Diagnosis, Dialogue, ItemRating, Label, Session, Turn
from tests.judging.talks import rating


def talk(*turns: Turn, lang: str = "zh") -> Dialogue:
    return Dialogue(id="d1", lang=lang, sessions=[Session(turns=list(turns))])


@pytest.mark.parametrize(
    ("label", "kinds"),
    [
        ("F32.1 中度抑郁发作", {"depressive"}),
        ("f33", {"depressive"}),
        ("6A70.1", {"depressive"}),
        ("296.32 Major depressive disorder, recurrent", {"depressive"}),
        ("F34.0", {"bipolar"}),
        ("F34.1 恶劣心境", {"depressive"}),
        ("F31.3 双相情感障碍，目前为抑郁发作", {"bipolar"}),
        ("双相抑郁", {"bipolar"}),
        ("bipolar depression", {"bipolar"}),
        ("抑郁状态", {"depressive"}),
        ("焦虑抑郁状态", {"anxiety", "depressive"}),
        ("F41.2", {"anxiety", "depressive"}),
        ("6A73", {"anxiety", "depressive"}),
        ("Ｆ４１．１　广泛性焦虑障碍", {"anxiety"}),
        ("301.13", {"bipolar"}),
        ("社交恐惧症", {"anxiety"}),
        ("generalised anxiety disorder", {"anxiety"}),
        ("失眠", {"sleep"}),
        ("PTSD", {"stress"}),
        ("Z63.0 婚姻问题", set()),
        ("没什么特别的", set()),
    ],
)
def test_a_label_belongs_to_a_kind_by_its_code_or_else_by_its_name(label: str, kinds: set[str]) -> None:
    assert families(label) == kinds


def test_no_beginning_of_a_code_stands_for_two_kinds_but_that_of_the_mixed_disorder() -> None:
    every = [(code, name) for name, family in FAMILIES.items() for code in family.codes]
    shared = {code for code, name in every for other, kind in every if code == other and name != kind}
    assert shared == {"6A73"}


def test_codes_are_found_in_a_label_and_nowhere_inside_words_or_numbers() -> None:
    assert codes("F32.1/F41.1 抑郁、焦虑") == ("F32.1", "F41.1")
    assert codes("6B00 and 7A00") == ("6B00", "7A00")
    assert codes("XF32 sat 1995, 300 mg, PHQ9") == ()


def test_two_labels_are_the_same_more_often_the_wider_the_level() -> None:
    pair = ("F32.1", "F32.9")
    assert [same(*pair, level) for level in ("code", "stem", "family")] == [False, True, True]
    pair = ("F32.1", "F33.0")
    assert [same(*pair, level) for level in ("code", "stem", "family")] == [False, False, True]
    pair = ("抑郁症", "6A70 single episode depressive disorder")
    assert [same(*pair, level) for level in ("code", "stem", "family")] == [False, False, True]
    assert same("中度抑郁发作", " 中度抑郁发作 ", "code")
    assert not same("Z63", "Z56", "family")


def test_a_diagnosis_counts_from_the_place_on_at_which_it_stands() -> None:
    ranked = ["F41.1 广泛性焦虑障碍", "F32.1 抑郁发作", "F51.0 失眠"]
    truth = [Diagnosis(name="抑郁发作", code="F32.9")]
    assert top_k(ranked, truth, (1, 2, 10)) == {1: False, 2: True, 10: True}
    assert top_k(ranked, truth, (2,), "code") == {2: False}
    assert top_k(["抑郁症"], truth, (1,), "family") == {1: True}
    assert top_k([], truth, (1,)) == {1: False}
    with pytest.raises(UsageError, match="no true diagnosis"):
        top_k(ranked, [])


def test_accuracy_is_the_share_of_lists_that_hit_and_never_falls_with_k() -> None:
    answered = [(["F32", "F41"], ["F32.1"]), (["F41", "F32"], ["F32.1"]), (["F41"], ["F32.1"]), (["F32.0"], ["F32.1"])]
    found = accuracy(answered, (1, 2))
    assert [found[k].value for k in (1, 2)] == [0.5, 0.75]
    assert found[1].low < 0.5 < found[1].high
    with pytest.raises(UsageError, match="no ranked list"):
        accuracy([])


def test_a_failed_judgment_is_no_wrong_answer() -> None:
    made = rating(instrument("diagnosis"), {})
    made.items = [ItemRating(item="diagnosis", value="F32.1 抑郁发作"), ItemRating(item="diagnosis", value="焦虑")]
    assert ranked_in(made) == ["F32.1 抑郁发作", "焦虑"]
    made.items = [ItemRating(item="diagnosis", failure="no usable answer: ?")]
    with pytest.raises(UsageError, match="failed"):
        ranked_in(made)


def test_coverage_is_asked_over_planned_by_the_labels_on_the_counselors_turns() -> None:
    def asks(*topics: str) -> Turn:
        return Turn.counselor("说说看。", [Label(set="mdd5k_topic", id=topic) for topic in topics])

    dialogue = talk(
        asks("sleep"), Turn.client("睡不好。", [Label(set="mdd5k_topic", id="headache")]), asks("sleep", "study")
    )
    found = topic_coverage(dialogue, ["sleep", "headache", "poor_appetite", "sleep"])
    assert (found.asked, found.missing, found.beyond) == (("sleep",), ("headache", "poor_appetite"), ("study",))
    assert found.share == pytest.approx(1 / 3)
    with pytest.raises(UsageError, match="no topic is planned"):
        topic_coverage(dialogue, [])
    with pytest.raises(UsageError, match="no counselor turn of 'd1'"):
        topic_coverage(talk(Turn.counselor("睡得好吗？")), ["sleep"])


def test_the_plan_goes_by_age_and_leaves_out_places_for_what_arises() -> None:
    teen, adult = planned_topics("teen", None), planned_topics("adult", None)
    assert "study" in teen
    assert "study" not in adult
    assert "experience" not in teen
    assert "experience" in planned_topics("teen", None, slots=True)


@pytest.mark.parametrize(
    ("lang", "said", "note"),
    [
        ("zh", "最近总是睡不着，也没胃口。有时会心慌。", "失眠、食欲下降、头痛。"),
        ("en", "I cannot sleep and have no appetite. My heart is racing, palpitations.", "Insomnia, poor appetite, headache."),
    ],
)  # fmt: skip
def test_concepts_count_whatever_they_are_called(lang: str, said: str, note: str) -> None:
    """Said: insomnia, poor appetite, palpitations; noted: insomnia, poor appetite, headache."""
    found = concepts(talk(Turn.client(said), lang=lang), note)
    assert (found.shared, found.missing) == (("insomnia", "poor_appetite"), ("headache",))
    assert found.precision == found.recall == found.f1 == pytest.approx(2 / 3)


def test_a_chinese_talk_is_held_against_an_english_note_and_by_kinds_of_concept() -> None:
    found = concepts("总是睡不着，诊断是抑郁症。", "Insomnia; depression.", "zh", reference_lang="en")
    assert (found.recall, found.precision) == (1, 1)
    alone = concepts("总是睡不着，诊断是抑郁症。", "Insomnia.", "zh", reference_lang="en", types={"symptom"})
    assert (alone.shared, alone.added) == (("insomnia",), ())


def test_where_there_is_nothing_to_divide_by_there_is_no_number() -> None:
    assert concepts("今天天气不错。", "失眠。", "zh").precision is None
    assert concepts("失眠。", "今天天气不错。", "zh").recall is None
    with pytest.raises(UsageError, match="language"):
        concepts("失眠。", "失眠。")


def test_a_diagnosis_named_before_the_last_turn_is_found() -> None:
    truth = [Diagnosis(name="中度抑郁发作", code="F32.1")]
    clean = talk(Turn.counselor("睡得怎样？"), Turn.client("不好。"), Turn.counselor("考虑是中度抑郁发作（F32.1）。"))
    assert named_early(clean, truth) == []
    assert named_early(talk(Turn.client("我是 f32.1 吗？"), *clean.turns), truth) == [0]
