"""Lexicons: concepts as exact spans, in Chinese and English."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import BadRecord, UnknownName
from psyloom.knowledge.lexicon import Concept, lexicon
from psyloom.records import Lang

LEX = lexicon("mental_health_note")
PIECES = {
    "en": ["low mood", "early waking", "sertraline 50 mg", "PHQ-9 18", "and", "denies", "panic disorder", "."],
    "zh": ["情绪低落", "早醒", "舍曲林50毫克", "PHQ-9评分18分", "并且", "否认", "惊恐障碍", "。"],
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@given(data=st.data())
def test_every_span_holds_exactly_its_words_and_spans_do_not_overlap(lang: Lang, data: st.DataObject) -> None:
    text = " ".join(data.draw(st.lists(st.sampled_from(PIECES[lang]), max_size=12)))
    last = 0
    for start, end, concept in LEX.spans(text, lang):
        assert last <= start < end
        assert text[start:end] == concept.text
        assert concept.type in LEX.types
        last = end


@pytest.mark.parametrize(
    ("text", "lang", "found"),
    [("Low mood and insomnia disorder", "en", [("Low mood", "symptom"), ("insomnia disorder", "diagnosis")]),
     ("start sertraline 50 mg daily", "en", [("sertraline", "medication"), ("50 mg daily", "dose")]),
     ("allowed moods", "en", []),
     ("服舍曲林50毫克每日一次，两周后复诊", "zh", [("舍曲林", "medication"), ("50毫克每日一次", "dose"), ("两周后复诊", "treatment")]),
     ("血压120/80，PHQ-9：18分", "zh", [("血压120/80", "vital"), ("PHQ-9：18分", "score")])],
)  # fmt: skip
def test_the_longest_word_wins_and_numbers_are_found_by_their_form(
    text: str, lang: Lang, found: list[tuple[str, str]]
) -> None:
    assert [(c.text, c.type) for c in LEX.find(text, lang)] == found


def test_another_word_of_the_same_concept_counts_as_a_mention_and_a_number_only_as_it_stands() -> None:
    mood, dose = (
        Concept(text="low mood", type="symptom", code="low_mood"),
        Concept(text="50 mg", type="dose", code="50 mg"),
    )
    assert LEX.mentions(mood, "I am feeling down.", "en")
    assert not LEX.mentions(mood, "I sleep badly.", "en")
    assert LEX.mentions(dose, "Take 50 mg.", "en")
    assert not LEX.mentions(dose, "Take 20 mg.", "en")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_word_is_found_as_its_own_type_and_none_belongs_to_two_concepts(lang: Lang) -> None:
    seen: dict[str, str] = {}
    for kind, concepts in LEX.term.items():
        for code, words in concepts.items():
            for word in words.of(lang):
                assert seen.setdefault(word.lower(), code) == code
                assert [(c.text, c.type, c.code) for c in LEX.find(word, lang)] == [(word, kind, code)]


def test_an_unknown_lexicon_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="mental_health_note"):
        lexicon("mental_health_notes")
    path = tmp_path / "own.toml"
    path.write_text('id = "o"\nen = "o"\nzh = "词"\nterm = 3\n', "utf-8")
    with pytest.raises(BadRecord, match=r"own\.toml"):
        lexicon(path)
