"""psyloom read and psyloom formats."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from released_samples import release

from psyloom.cli.read import formats as formats_command
from psyloom.cli.read import read as read_command
from psyloom.errors import BadRecord, Failure, FolderTrouble, UnknownName, UsageError
from psyloom.formats import formats, save
from psyloom.records import Dialogue, Rating, read_jsonl

ONE_SIDED = '{"messages": [{"role": "user", "content": "Hi"}]}\n'


def run(*words: object) -> Result:
    return CliRunner().invoke(read_command, [str(word) for word in words])


def test_dialogues_go_to_the_file_and_ratings_beside_it(tmp_path: Path) -> None:
    folder = release("esconv-all").lay(tmp_path / "in")
    result = run("esconv", folder, "--out", tmp_path / "new" / "esconv.jsonl")
    assert result.exit_code == 0
    assert len(list(read_jsonl(tmp_path / "new" / "esconv.jsonl", Dialogue))) == 2
    assert len(list(read_jsonl(tmp_path / "new" / "esconv.ratings.jsonl", Rating))) == 3
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["esconv.jsonl", "esconv.ratings.jsonl"]
    assert "esconv.ratings.jsonl: 3 ratings" in result.stderr


def test_auto_says_what_it_chose_and_why(tmp_path: Path) -> None:
    result = run("auto", release("psydt-corpus").lay(tmp_path / "in"), "--out", tmp_path / "out.jsonl")
    assert result.stderr.startswith("psydt: objects with normalizedTag, messages in 1 of 1 files")


def test_without_out_records_are_printed_and_only_records(tmp_path: Path) -> None:
    result = run("psydt", release("psydt-corpus").lay(tmp_path / "in"))
    assert json.loads(result.stdout)["psyloom"] == "dialogue/1"


def test_defects_are_shown_counted_and_do_not_stop_the_reading(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{broken\n" * 15 + ONE_SIDED)
    result = run("messages", tmp_path, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 0
    assert result.stderr.count("a.jsonl:") == 10
    assert "16 defects, 15 of them losses: 15 x not valid JSON" in result.stderr


def test_a_reading_that_yields_nothing_fails_with_one_clear_line_and_writes_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{broken\n")
    result = run("messages", tmp_path, "--out", tmp_path / "out.jsonl")
    assert isinstance(result.exception, Failure)
    assert "no record could be read" in str(result.exception)
    assert not (tmp_path / "out.jsonl").exists()


def test_all_defects_go_to_the_file_asked_for(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("{broken\n" * 14 + ONE_SIDED)
    run("messages", tmp_path / "in", "--out", tmp_path / "out.jsonl", "--defects", tmp_path / "defects.txt")
    assert len((tmp_path / "defects.txt").read_text().splitlines()) == 15


def test_speakers_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Anna: Hi.\nBen: Hello.\n")
    told = json.loads(run("transcript", tmp_path, "--speaker", "Anna=client").stdout)
    assert [turn["speaker"] for turn in told["sessions"][0]["turns"]] == ["client", "counselor"]
    assert isinstance(run("transcript", tmp_path, "--speaker", "Anna=guest").exception, UsageError)


def test_mistakes_are_our_own_errors(tmp_path: Path) -> None:
    assert isinstance(run("cactsu", tmp_path).exception, UnknownName)
    assert isinstance(run("cactus", tmp_path / "nowhere").exception, BadRecord)


def test_a_target_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    records = [Dialogue(id="d", lang="en")]
    with pytest.raises(FolderTrouble, match="cannot write"):
        save(records, tmp_path / "file" / "out.jsonl")


def test_formats_lists_every_format_with_its_licence() -> None:
    lines = CliRunner().invoke(formats_command).stdout.splitlines()
    assert len(lines) == len(formats())
    assert next(line for line in lines if line.startswith("esconv")).endswith("[CC-BY-NC-4.0]")
