import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from psyloom.cli.agree import agree
from psyloom.errors import PsyloomError, UnknownName, UsageError
from psyloom.records import Rating, write_jsonl
from tests.judging.agreement.given import column


def run(*words: str) -> str:
    done = CliRunner().invoke(agree, words)
    if isinstance(done.exception, PsyloomError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    parts: dict[str, list[Rating]] = {
        "a.jsonl": column("A", [1, 3, 5, 6]),
        "b.jsonl": column("B", [0, 2, 4, 5]),
    }
    for name, ratings in parts.items():
        write_jsonl(tmp_path / name, ratings)
    return str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")


def test_raters_in_several_files_are_put_side_by_side(files: tuple[str, str]) -> None:
    shown = run(*files, "--resamples", "50")
    for part in (
        "ctrs / empathy",
        "4 units, 2 raters, 0% missing",
        "ICC(2,1)",
        "human A 3.75 (+0.50)",
        "ordered levels",
    ):
        assert part in shown.replace("\n", " ")


def test_json_holds_every_number(files: tuple[str, str]) -> None:
    (found,) = json.loads(run(*files, "--json", "--resamples", "50"))
    assert found["kind"] == "ordinal"
    assert found["severity"] == {"human A": 0.5, "human B": -0.5}
    assert found["statistics"]["ICC(2,1)"]["low"] <= found["statistics"]["ICC(2,1)"]["value"]


def test_undefined_values_are_null_in_json(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "flat.jsonl", column("A", [3, 3]) + column("B", [3, 3]))
    (found,) = json.loads(run(str(tmp_path / "flat.jsonl"), "--json", "--resamples", "10"))
    assert found["statistics"]["ICC(2,1)"] == {"value": None, "low": None, "high": None}


def test_the_kind_of_an_item_can_be_named(files: tuple[str, str]) -> None:
    assert "Kendall tau-b" in run(*files, "--kind", "empathy=ranking", "--resamples", "10")


def test_a_wrong_kind_is_one_clear_message(files: tuple[str, str]) -> None:
    with pytest.raises(UnknownName, match="did you mean ranking"):
        run(*files, "--kind", "empathy=rankings")
    with pytest.raises(UsageError, match="names no item"):
        run(*files, "--kind", "ranking")


def test_one_file_of_one_rater_is_an_error(files: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="1 rater"):
        run(files[0])
