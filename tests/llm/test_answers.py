"""Typed answers: what a model is told, what it may answer, and what it hears when it did not."""

import json
import re
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, field_validator

from psyloom.knowledge import OneOf, label_set
from psyloom.llm.answer_words import FAULTS_ZH, WORDS
from psyloom.llm.answers import NotTyped, form, parse, schema

STAGES = label_set("helping_stage")
Stage = Annotated[str, OneOf(STAGES)]


class Mood(Enum):
    LOW = "low"
    CALM = "calm"


class Line(BaseModel):
    """One line. This sentence is for those who read the code."""

    speaker: Literal["client", "counselor"]
    text: str = Field(min_length=1)


class Plain(BaseModel):
    score: int = Field(ge=0, le=10, description="how heavy it is")
    reason: str = Field(max_length=200)


class Nested(BaseModel):
    turns: list[Line] = Field(min_length=1, max_length=4)
    next: Line | None = None
    mood: Mood = Mood.LOW


class Odd(BaseModel):
    """Field names that are also words of JSON schema, and fields with defaults."""

    title: str
    labels: list[Stage]
    type: str = "x"
    properties: dict[str, int] = Field(default_factory=dict)
    default: float | None = None
    enum: bool = False
    pair: tuple[int, str] = (1, "a")
    seen: frozenset[Literal["a", "b"]] = frozenset()


KINDS: list[Any] = [Plain, Nested, Odd, Line, list[int], dict[str, list[str]], Stage, int, Line | None]
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
lines = st.builds(Line, text=words.filter(bool))
VALUES = {
    Plain: st.builds(Plain, score=st.integers(0, 10), reason=words),
    Nested: st.builds(Nested, turns=st.lists(lines, min_size=1, max_size=4), next=st.none() | lines),
    Odd: st.builds(Odd, title=words, labels=st.lists(st.sampled_from(STAGES.ids), max_size=3), type=words,
                   properties=st.dictionaries(words, st.integers(), max_size=3), default=st.none() | st.floats(-1e9, 1e9),
                   pair=st.tuples(st.integers(), words), seen=st.frozensets(st.sampled_from(["a", "b"]))),
    list[int]: st.lists(st.integers(), max_size=4),
    dict[str, list[str]]: st.dictionaries(words, st.lists(words, max_size=2), max_size=3),
}  # fmt: skip
typed = st.one_of(*(st.tuples(st.just(kind), values) for kind, values in VALUES.items()))

# There and back

WRAPPED = [
    "{}",
    "  \n{}\n ",
    "```json\n{}\n```",
    "```\n{}\n```",
    "```json {} ```",
    "Here is the answer you asked for:\n\n{}\n\nLet me know if you need {{something}} else.",
    "好的，下面是结果：{}希望有帮助。",
    'First I thought of {{"score": 1, "note": "a draft"}}, then:\n```json\n{}\n```',
    "Step [1]: think. Step [2]: answer {{in JSON}}.\n{}",
]


@settings(max_examples=150)
@given(typed, st.sampled_from(WRAPPED), st.booleans(), st.sampled_from([None, 2]))
def test_any_value_survives_being_written_down_wrapped_in_chatter_and_read(
    given_: tuple[Any, Any], wrapped: str, ascii_only: bool, indent: int | None
) -> None:
    kind, value = given_
    dumped = json.dumps(TypeAdapter(kind).dump_python(value, mode="json"), ensure_ascii=ascii_only, indent=indent)
    assert parse(wrapped.format(dumped), kind, "en") == value


@pytest.mark.parametrize(
    "text",
    [
        '{"score": 3, "reason": "she\nsaid so"}',  # a raw line break in a string
        '{"score": 3, "reason": "she\\nsaid so", "extra": 1}',
        '{"score": "3", "reason": "she\\nsaid so"}',
        '[/END] {"score": 3, "reason": "she\\nsaid so"}',
        'He said "well. {"score": 3, "reason": "she\\nsaid so"}',
        '{"score": 9, "reason": "a draft"}\nOn second thought:\n{"score": 3, "reason": "she\\nsaid so"}',
        '{"score": 3, "reason": "she\\nsaid so"}\nThis follows the form {"score": 1-10}.',
    ],
)
def test_what_is_meant_is_read(text: str) -> None:
    assert parse(text, Plain, "en") == Plain(score=3, reason="she\nsaid so")


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9, 0.99])
def test_half_an_answer_is_never_taken_for_a_whole_one(cut: float) -> None:
    whole = Nested(
        turns=[Line(speaker="client", text="我"), Line(speaker="counselor", text="嗯")],
        next=Line(speaker="client", text="好"),
    ).model_dump_json()
    for kind in (Nested, dict[str, Any], Line):
        with pytest.raises(NotTyped, match="not valid JSON"):
            parse(whole[: int(len(whole) * cut)], kind, "en")


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_answer_is_called_empty(text: str) -> None:
    for lang in ("zh", "en"):
        with pytest.raises(NotTyped, match=WORDS[lang]["empty"]):
            parse(text, Plain, lang)


@given(
    words | st.sampled_from(["[" * 3000, "{" * 3000, '{"a":' * 2000, "```json", "}{", '"', "{]"]),
    st.sampled_from(["zh", "en"]),
)
def test_no_text_whatever_breaks_the_reader(text: str, lang: Any) -> None:
    with pytest.raises(NotTyped) as caught:
        parse(text, Plain, lang)
    assert str(caught.value)


# What the model hears

FAULTY: list[tuple[Any, Any, str, str, str]] = [
    (Plain, {"score": 11, "reason": ""}, "score", "less than or equal to 10", "不能大于 10"),
    (Plain, {"score": -1, "reason": ""}, "score", "greater than or equal to 0", "不能小于 0"),
    (Plain, {"score": "high", "reason": ""}, "score", "valid integer", "应当是整数"),
    (Plain, {"score": 1.5, "reason": ""}, "score", "valid integer", "应当是整数"),
    (Plain, {"reason": ""}, "score", "required", "缺少"),
    (Plain, {"score": 1, "reason": "长" * 201}, "reason", "at most 200 characters", "至多写 200 个字"),
    (Plain, {"score": 1, "reason": None}, "reason", "valid string", "应当是文字"),
    (Nested, {"turns": []}, "turns", "at least 1 item", "至少要有 1 项"),
    (Nested, {"turns": [{"speaker": "client", "text": ""}]}, "turns.0.text", "at least 1 character", "至少要写 1 个字"),
    (Nested, {"turns": [{"speaker": "nurse", "text": "a"}]}, "turns.0.speaker", "'client' or 'counselor'", "'client' 或 'counselor'"),
    (Nested, {"turns": "a"}, "turns", "valid list", "应当是列表"),
    (Nested, {"turns": ["a"]}, "turns.0", "valid dictionary", "应当是 JSON 对象"),
    (Odd, {"title": "a", "labels": ["Nonsense"]}, "labels.0", "Nonsense is not in the list", "“Nonsense”不在可选的名称里"),
    (Odd, {"title": "a", "labels": [], "enum": "perhaps"}, "enum", "valid boolean", "应当是 true 或 false"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "field", "en", "zh"), FAULTY)
def test_a_rejected_answer_names_the_field_and_what_to_mend_in_the_prompts_language(
    kind: Any, value: Any, field: str, en: str, zh: str
) -> None:
    for lang, reason, colon in (("en", en, ": "), ("zh", zh, "：")):
        with pytest.raises(NotTyped) as caught:
            parse(json.dumps(value), kind, lang)
        fault = next(f for f in re.split("; |；", str(caught.value)) if f.startswith(field + colon))
        assert reason in fault
        assert lang == "en" or not re.search(r"Input|should|valid", fault)


def test_a_validators_own_words_are_passed_on() -> None:
    class Even(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def _even(cls, n: int) -> int:
            if n % 2:
                raise ValueError(f"{n} 不是偶数")
            return n

    for lang in ("zh", "en"):
        with pytest.raises(NotTyped, match=r"n(：|: ).*3 不是偶数"):
            parse('{"n": 3}', Even, lang)


def test_every_chinese_fault_uses_only_what_pydantic_tells() -> None:
    known = {"expected", "word", "le", "lt", "ge", "gt", "multiple_of", "min_length", "max_length", "pattern", "error"}
    assert {name for text in FAULTS_ZH.values() for name in re.findall(r"\{(\w+)\}", text)} <= known


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["zh"].keys() == WORDS["en"].keys()
    assert all(WORDS["zh"][k].count("{}") == WORDS["en"][k].count("{}") for k in WORDS["en"])


# Labels


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_labels_are_offered_in_the_prompts_language(lang: Any) -> None:
    names = [term.name(lang) for term in STAGES.terms]
    assert schema(Odd, lang)["properties"]["labels"]["items"]["enum"] == names
    assert all(f'"{name}"' in form(Odd, lang) for name in names)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_any_name_or_alias_of_a_label_in_any_language_is_accepted_and_becomes_its_id(lang: Any) -> None:
    for term in STAGES.terms:
        for word in term.words():
            assert parse(json.dumps(word), Stage, lang) == term.id


# The schema


def nodes(node: Any) -> Any:
    """Every schema inside a schema: property names are no keywords."""
    yield node
    for key, inner in node.items():
        if key == "properties":
            for field in inner.values():
                yield from nodes(field)
        elif key in ("anyOf", "prefixItems"):
            for option in inner:
                yield from nodes(option)
        elif key in ("items", "additionalProperties") and isinstance(inner, dict):
            yield from nodes(inner)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_schema_has_every_field_required_and_no_reference_title_or_default(kind: Any, lang: Any) -> None:
    for node in nodes(schema(kind, lang)):
        assert not node.keys() & {"$ref", "$defs", "title", "default", "labels", "oneOf", "discriminator"}
        if "properties" in node:
            assert node["required"] == list(node["properties"])
            assert node["additionalProperties"] is False


def test_fields_keep_their_names_even_where_those_are_words_of_json_schema() -> None:
    assert list(schema(Odd, "en")["properties"]) == list(Odd.model_fields)


def test_a_docstring_is_not_sent_and_a_fields_description_is() -> None:
    assert "for those who read the code" not in json.dumps(schema(Nested, "en"))
    assert "how heavy it is" in json.dumps(schema(Plain, "en"))


# The form, as a model reads it

FORMS = {
    "en": """\
Answer with one JSON object and nothing else, in this form:
{
  "stage": one of "Exploration" | "Insight" | "Action",
  "score": whole number 0-10,  // how heavy it is
  "share": number (above 0, up to 1),
  "summary": text (at most 40 characters),
  "turns": [list of {
    "speaker": one of "client" | "counselor",
    "text": text
  }] (at least 1, at most 4),
  "note": text or null,
  "risk": {name: true or false, ...},
  "span": [whole number, whole number]
}""",
    "zh": """\
只回答一个 JSON 对象，不写别的内容，格式如下：
{
  "stage": 以下之一 "探索" | "领悟" | "行动",
  "score": 整数 0-10,
  "share": 数字（大于 0，不大于 1）,
  "summary": 文字（至多 40 字）,
  "turns": [列表，每项为 {
    "speaker": 以下之一 "client" | "counselor",
    "text": 文字
  }]（至少 1 项，至多 4 项）,
  "note": 文字 或 null,
  "risk": {名称: true 或 false, ...},
  "span": [整数, 整数]
}""",
}


class Example(BaseModel):
    stage: Stage
    score: int = Field(ge=0, le=10, description="how heavy it is")
    share: float = Field(gt=0, le=1)
    summary: str = Field(max_length=40)
    turns: list[Line] = Field(min_length=1, max_length=4)
    note: str | None
    risk: dict[str, bool]
    span: tuple[int, int]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_form_reads_as_follows(lang: Any) -> None:
    assert form(Example, lang) == FORMS[lang]


def test_a_field_is_described_only_in_the_language_of_the_prompt() -> None:
    class Mixed(BaseModel):
        plan: str = Field(description="three steps")
        goal: str = Field(description="一句话")

    assert ("three steps" in form(Mixed, "en"), "一句话" in form(Mixed, "en")) == (True, False)
    assert ("three steps" in form(Mixed, "zh"), "一句话" in form(Mixed, "zh")) == (False, True)
