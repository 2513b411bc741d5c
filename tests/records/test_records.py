"""Records and their JSON Lines files."""

import json
import re
from math import inf, nan
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from psyloom.errors import BadRecord
from psyloom.records import (
    FACETS,
    Case,
    Defect,
    Dialogue,
    Label,
    Quality,
    Rating,
    Record,
    Session,
    Turn,
    read_jsonl,
    sentences,
    to_line,
    write_jsonl,
)
from psyloom.records.jsonl import parse_line
from psyloom.records.sentences import spans
from tests.strategies import any_of

records = st.sampled_from([Case, Dialogue, Rating]).flatmap(any_of)


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=150)
@given(records)
def test_any_record_comes_back_from_its_line_as_it_was(record: Record) -> None:
    line = to_line(record)
    assert line.count(b"\n") == 1
    assert parse_line(line, type(record)) == record


def test_a_line_says_which_kind_and_version_it_is() -> None:
    assert json.loads(to_line(Case(id="1", lang="en"))) == {"psyloom": "case/1", "id": "1", "lang": "en"}


def test_a_line_of_another_kind_or_a_newer_version_is_a_defect_that_says_so() -> None:
    found = parse_line('{"psyloom": "case/2", "id": "1", "lang": "en"}', Case)
    assert isinstance(found, Defect)
    assert "'case/2'" in found.what


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ('{"id": "1", "lang": "en", "posts": {}}', "posts", "did you mean 'post'"),
        ('{"id": "1", "lang": "en", "post": {"titel": "x", "text": "y"}}', "post.titel", "no such field"),
        ('{"id": "1", "lang": "en", "post": {}}', "post.text", "is missing"),
        ('{"id": "1", "lang": "fr"}', "lang", "'zh' or 'en'"),
        (
            '{"id": "1", "lang": "en", "disposition": {"attitude": "angry"}}',
            "disposition.attitude",
            "'positive', 'neutral' or 'negative'",
        ),
        ('{"id": 1, "lang": "en"}', "id", "valid string"),
        ('{"id": "1", ', "", "not valid JSON"),
        ("[1, 2]", "", "JSON object"),
    ],
)
def test_a_defect_names_the_field_and_what_is_wrong(line: str, field: str, says: str) -> None:
    found = parse_line(line, Case, "cases.jsonl", 7)
    assert isinstance(found, Defect)
    assert found.field == field
    assert says in found.what
    assert str(found).startswith("cases.jsonl:7: ")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    ("kind", "more", "field"),
    [
        (Case, '"scenario": {"severity_before": %s}', "scenario.severity_before"),
        (Case, '"course": [{"summary": "s", "ratings": [{"what": "w", "score": %s, "out_of": 1}]}]', "course.0.ratings.0.score"),
        (Case, '"extra": {"a": [{"b": %s}]}', "extra.a.0.b"),
        (Dialogue, '"quality": {"measures": {"a": %s}}', "quality.measures.a"),
    ],
)  # fmt: skip
def test_what_json_has_no_number_for_is_refused_wherever_it_stands(
    number: str, kind: type[Record], more: str, field: str
) -> None:
    found = parse_line(f'{{"id": "1", "lang": "en", {more % number}}}', kind)
    assert isinstance(found, Defect)
    assert (found.field, found.more) == (field, "")
    assert "finite number" in found.what


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_no_record_can_be_made_with_a_number_that_would_come_back_as_another(number: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Turn.client("Hello", deep=[number])
    with pytest.raises(ValidationError, match="finite"):
        Quality().measures = {"a": number}


def test_every_field_of_a_line_that_is_wrong_is_named_once_and_of_many_a_few_and_a_count() -> None:
    found = parse_line('{"lang": "fr", "post": {"text": 5}, "demographics": {"age": [1]}, "foo": 1}', Case, "c", 3)
    told = str(found)
    assert told.startswith("c:3: id: is missing; lang: input should be 'zh' or 'en' (got 'fr'); ")
    assert "; demographics.age: input should be a valid integer or a valid string (got [1])" in told
    assert "; post.text: " in told
    assert "; foo: there is no such facet or field" in told
    many = parse_line(json.dumps({"id": "1", "lang": "en"} | dict.fromkeys("abcdefgh", 1)), Case)
    assert [f"{name}: " in str(many) for name in "abcdefgh"] == [True] * 5 + [False] * 3
    assert str(many).endswith("; and 3 more")


def test_a_line_in_another_encoding_is_told_as_such_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes('{"id": "a", "lang": "zh", "post": {"text": "睡不着"}}\n'.encode("gbk"))
    with pytest.raises(BadRecord, match=r"cases.jsonl:1: is not UTF-8") as caught:
        list(read_jsonl(file, Case))
    assert "psyloom read auto" in caught.value.do


def test_reading_goes_on_after_a_defect_and_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"id": "a", "lang": "zh"}\r\n\r\n{broken\n{"id": "b", "lang": "en"}')
    defects: list[Defect] = []
    assert [case.id for case in read_jsonl(file, Case, defects.append)] == ["a", "b"]
    assert [(d.file, d.line) for d in defects] == [(str(file), 3)]
    with pytest.raises(BadRecord, match=r"cases.jsonl:3.*not valid JSON"):
        list(read_jsonl(file, Case))


def test_line_separators_inside_a_text_do_not_end_a_line(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    case = Case.model_validate({"id": "a", "lang": "en", "post": {"text": "one\u2028two\u0085three\x0bfour"}})
    assert write_jsonl(file, [case]) == 1
    raw = file.read_bytes().replace(b"\\u2028", "\u2028".encode())
    file.write_bytes(raw)
    assert list(read_jsonl(file, Case)) == [case]


@pytest.mark.parametrize("content", [None, "", "\n \n"])
def test_a_missing_or_empty_file_is_one_clear_error(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "cases.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadRecord, match=r"cases\.jsonl"):
        list(read_jsonl(file, Case))


def test_a_label_must_lie_inside_the_text_it_is_on() -> None:
    with pytest.raises(ValidationError, match="lies outside the text"):
        Turn(speaker="client", text="four", labels=[Label(set="s", id="x", span=(2, 9))])


def test_several_messages_in_a_row_are_one_side_of_an_exchange() -> None:
    session = Session(turns=[Turn.client("a"), Turn.client("b"), Turn.counselor("c"), Turn.client("d")])
    assert session.exchanges() == 1


def test_every_facet_can_be_reached_by_path_and_lists_its_texts() -> None:
    case = Case.model_validate(
        {
            "id": "1",
            "lang": "en",
            "intake": {"reason": "sleep"},
            "cognition": {"situations": [{"situation": "x", "emotions": ["sad"]}]},
        }
    )
    assert case.get("intake.reason") == "sleep"
    assert case.get("intake.problem") is None
    assert case.get("nothing.at.all") is None
    assert dict(case.leaves()) == {
        "intake.reason": "sleep",
        "cognition.situations.situation": "x",
        "cognition.situations.emotions": "sad",
    }
    assert set(FACETS) < set(Case.model_fields)


@given(st.text(alphabet='ab1 。！？.!?\n“”"：', max_size=40))
def test_sentences_cover_every_word_in_order_and_never_overlap(said: str) -> None:
    last = 0
    for start, end in spans(said):
        assert said[last:start].strip() == ""
        assert start < end
        last = end
    assert said[last:].strip() == ""
    assert len([one for one in sentences(said) if not re.search("[ab]", one)]) <= (not re.search("[ab]", said))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("我睡不着。真的？嗯……好吧", ["我睡不着。", "真的？", "嗯……", "好吧"]),
        ("她说：“我累了。”然后走了。", ["她说：“我累了。”", "然后走了。"]),
        ("I met Dr. Lee at 3.5 km. Then home!", ["I met Dr. Lee at 3.5 km.", "Then home!"]),
        ("One line\nanother", ["One line", "another"]),
        ("……我想走。真的。", ["……我想走。", "真的。"]),
        ("我想走。\n……", ["我想走。\n……"]),
        ("好。……那就这样吧。", ["好。……", "那就这样吧。"]),
        ("I go. ... And you?", ["I go.", "... And you?"]),
        ("1. Rest first.\n2. Then talk.", ["1. Rest first.", "2. Then talk."]),
        ("1. 先休息。\n2. 再谈。", ["1. 先休息。", "2. 再谈。"]),
        (
            "It began at 3 p.m. on Monday. I left at 5 p.m. Then I slept.",
            ["It began at 3 p.m. on Monday.", "I left at 5 p.m.", "Then I slept."],
        ),
        (
            "E.g. my mom, i.e. Anna. I saw Prof. Li in St. John. Yes.",
            ["E.g. my mom, i.e. Anna.", "I saw Prof. Li in St. John.", "Yes."],
        ),
        ("i am tired. i cannot sleep.", ["i am tired.", "i cannot sleep."]),
        ("他说“你走！”我就走了。好。", ["他说“你走！”我就走了。", "好。"]),
        ("“你走！”他说。", ["“你走！”他说。"]),
        ("你问“她们在说我吗？”，现在还问吗？好。", ["你问“她们在说我吗？”，现在还问吗？", "好。"]),
        ('"Go away!" he said. "Now." Then he left.', ['"Go away!" he said.', '"Now."', "Then he left."]),
        ("……", ["……"]),
        ("12. 3!", ["12. 3!"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(said: str, expected: list[str]) -> None:
    assert sentences(said) == expected


def test_a_field_of_a_facet_can_be_set_without_losing_the_others() -> None:
    case = Case.model_validate({"id": "1", "lang": "en", "clinical": {"complaint": "low mood", "questions": None}})
    assert case.clinical is not None
    case.clinical.treatment = "talk"
    assert (case.clinical.family_history, case.clinical.questions, case.clinical.complaint) == (None, [], "low mood")
