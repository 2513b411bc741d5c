"""Label sets: data that code can rely on."""

import re
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from psyloom.errors import BadRecord, UnknownName
from psyloom.knowledge import OneOf, label_set, label_sets

TECHNIQUES = label_set("magnet_technique")


class Choice(BaseModel):
    technique: Annotated[str, OneOf(TECHNIQUES)]


class Lenient(BaseModel):
    technique: Annotated[str, OneOf(TECHNIQUES, strict=False)]


@pytest.mark.parametrize("name", label_sets())
def test_every_bundled_set_is_named_and_defined_in_both_languages(name: str) -> None:
    labels = label_set(name)
    assert labels.id == name
    assert labels.source, "says which paper it is from"
    for term in labels.terms:
        assert re.search(r"[\u4e00-\u9fffA-Z]", term.zh), term.id
        assert term.en, term.id
        assert bool(term.definition.zh) == bool(term.definition.en), term.id
        assert all(labels[word] is term for word in term.words())
        assert term.parent is None or term.parent in labels


@pytest.mark.parametrize("word", ["reflection", "Reflection", " REFLECTIONS ", "情感与内容反映", "反映"])
def test_a_label_is_found_by_any_name_or_alias_in_either_language(word: str) -> None:
    assert TECHNIQUES[word].id == "reflection"


def test_an_unknown_label_is_an_error_that_offers_the_nearest() -> None:
    assert TECHNIQUES.find("reflecktion") is None
    with pytest.raises(UnknownName, match="did you mean Reflection"):
        TECHNIQUES["Reflecton"]


def test_a_typed_label_becomes_its_id_whatever_it_was_called() -> None:
    assert Choice(technique="心理教育").technique == "psychoeducation"
    with pytest.raises(ValidationError, match="Hypnosis is not in the list: Reflection"):
        Choice(technique="Hypnosis")


def test_a_lenient_label_lets_other_words_through_to_be_marked() -> None:
    assert Lenient(technique="Hypnosis").technique == "Hypnosis"
    assert Lenient(technique="提问").technique == "questioning"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("id = 'x'", "label"),
        ("id = ", "Invalid value"),
        (
            "id='x'\nen='x'\nzh='x'\n[[label]]\nid='a'\nen='Same'\nzh='甲'\n[[label]]\nid='b'\nen='same'\nzh='乙'\n",
            "'same' names both 'a' and 'b'",
        ),
    ],
)
def test_a_broken_file_is_one_clear_error(tmp_path: Path, body: str, says: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(body, "utf-8")
    with pytest.raises(BadRecord, match=says):
        label_set(file)
