"""Cases that systems make: `psyloom cases SLUG [RECORDS] --make WAY`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from psyloom.cli.catalog import cases, system
from psyloom.errors import BadRecord, UnknownName, UsageError
from psyloom.records import Case, Post
from psyloom.records.case import Answer
from psyloom.systems import Card, System, find_systems
from psyloom.systems.making import Maker
from psyloom.systems.posts import per_answer

WAYS = [(slug, way) for slug, found in find_systems().items() for way in found.card.cases]


def ran(*words: object) -> list[dict[str, Any]]:
    done = CliRunner().invoke(cases, [str(word) for word in words], catch_exceptions=False)
    return [json.loads(line) for line in done.output.splitlines()]


@pytest.mark.parametrize(("slug", "way"), WAYS)
def test_every_way_a_card_names_is_there_and_is_explained_by_the_command(slug: str, way: str) -> None:
    maker = Maker(f"{slug}:{way}", find_systems()[slug].maker(way))
    assert maker.told
    told = CliRunner().invoke(system, [slug], catch_exceptions=False).output
    assert f"--make {way}" in told
    assert all(f"--set {name}=" in told for name in maker.options)


def test_one_record_may_become_several_cases() -> None:
    post = Post(text="睡不着", answers=[Answer(text="一"), Answer(text="二")])
    made = Maker("smile:answer", per_answer).make([Case(id="p", lang="zh", post=post)])
    assert [(one.id, [a.text for a in one.post.answers]) for one in made if one.post] == [
        ("p-a1", ["一"]),
        ("p-a2", ["二"]),
    ]


def test_the_language_asked_for_is_that_of_the_cases_made() -> None:
    assert {one["lang"] for one in ran("emollm", "--make", "grid", "--lang", "en")} == {"en"}


@pytest.mark.parametrize(
    ("maker", "records", "options", "told"),
    [
        (("psydial", "session"), None, {}, "give a file of dialogues"),
        (("emollm", "grid"), [Case(id="c", lang="zh")], {}, "leave out the file"),
        (("emollm", "grid"), None, {"each": "0"}, "greater than or equal to 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_a_way_is_told(maker: tuple[str, str], records: Any, options: Any, told: str) -> None:
    slug, way = maker
    with pytest.raises(UsageError, match=told):
        list(Maker(f"{slug}:{way}", find_systems()[slug].maker(way)).make(records, **options))


def test_an_option_or_a_way_that_does_not_exist_names_the_nearest() -> None:
    grid = find_systems()["emollm"]
    with pytest.raises(UnknownName, match="did you mean each"):
        list(Maker("emollm:grid", grid.maker("grid")).make(eech=1))
    with pytest.raises(UnknownName, match="did you mean grid"):
        grid.maker("gird")


def test_a_file_or_settings_without_a_way_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="add --make"):
        ran("smile", tmp_path / "posts.jsonl")


def test_a_card_that_names_no_function_is_told(tmp_path: Path) -> None:
    (tmp_path / "system.py").write_text("")
    card = Card.model_validate(
        {"title": "t", "year": 1, "summary": {"en": "e", "zh": "中"}, "roles": {}, "cases": {"a": "b"}}
    )
    with pytest.raises(BadRecord, match="has no b"):
        System("nowhere", tmp_path, card).maker("a")
