"""psyloom export, the command."""

import json

import pytest
from click.testing import CliRunner
from export_samples import rich, talk

from psyloom.cli.export import export
from psyloom.errors import UsageError
from psyloom.records import Lineage, write_jsonl
from psyloom.systems import find_system


def run(*words):
    result = CliRunner().invoke(export, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def given_file(tmp_path):
    write_jsonl(tmp_path / "d.jsonl", [rich(), talk("s你好", id="e")])
    return tmp_path / "d.jsonl"


def test_it_writes_and_says_how_much(given_file, tmp_path):
    out = tmp_path / "train.json"
    said = run(given_file, "--to", "alpaca", "--out", out, "--history", 9, "--system-text", "听。")
    assert [row["system"] for row in json.loads(out.read_text())] == ["听。", "听。"]
    assert f"{out}: 2 examples from 2 dialogues" in said
    assert "1 dialogues gave no example" in said
    assert "mask_history" in said


def test_every_option_of_the_library_is_an_option_of_the_command(given_file, tmp_path):
    out = tmp_path / "out"
    run(
        given_file, "--to", "messages", "--out", out, "--unit", "turn", "--target", "counselor", "--history", 3,
        "--sessions", "apart", "--consecutive", "merge", "--weights", "write", "--thoughts", "in", "--system", "none",
        "--no-ids", "--splits", "50/50", "--by", "dialogue", "--seed", 4, "--force",
    )  # fmt: skip
    rows = [json.loads(line) for path in sorted(out.iterdir()) for line in path.read_text().splitlines()]
    assert len(rows) == 3
    assert all(set(row) == {"messages"} for row in rows)


def test_names_of_the_speakers_can_be_given(given_file, tmp_path):
    run(given_file, "--to", "text", "--out", tmp_path / "t", "--client-name", "阿宁", "--counselor-name", "林老师")
    assert (tmp_path / "t" / "e.txt").read_text() == "林老师：你好\n"


def test_a_wrong_wish_reaches_the_person_as_a_usage_error(given_file, tmp_path):
    with pytest.raises(UsageError, match="no use for the option unit"):
        run(given_file, "--to", "csv", "--out", tmp_path / "t.csv", "--unit", "turn")


def test_a_number_out_of_range_is_a_usage_error_too(given_file, tmp_path):
    with pytest.raises(UsageError, match=r"--history 0: .* greater than or equal to 1"):
        run(given_file, "--to", "alpaca", "--out", tmp_path / "t.json", "--history", 0)


def test_an_export_of_pairs_without_rejected_replies_says_where_they_come_from(tmp_path):
    write_jsonl(tmp_path / "d.jsonl", [talk("c一 s二")])
    said = run(tmp_path / "d.jsonl", "--to", "trl-dpo", "--out", tmp_path / "t.jsonl")
    assert "0 examples from 1 dialogues" in said
    assert "Turn.extra['rejected']" in said


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_system_prompt_is_the_dialogues_own_else_that_of_its_counselors_system_else_none(lang, tmp_path):
    magnet, cactus, smile = (find_system(slug).card.system_prompt.of(lang) for slug in ("magnet", "cactus", "smile"))
    made = [
        ({}, {"counselor": "magnet", "client": "cactus"}, magnet),
        ({}, {"writer": "smile"}, smile),
        ({}, {"annotator": "psyinsight"}, ""),
        ({}, {"writer": "of somebody else"}, ""),
        ({"system": "Listen."}, {"writer": "smile"}, "Listen."),
    ]
    write_jsonl(
        tmp_path / "d.jsonl",
        (
            talk("c一 s二", id=str(n), lang=lang, extra=extra, lineage=Lineage(system="x", version="1", roles=roles))
            for n, (extra, roles, _) in enumerate(made)
        ),
    )
    run(tmp_path / "d.jsonl", "--to", "messages", "--out", tmp_path / "m.jsonl")
    rows = [json.loads(line)["messages"] for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    given = [row[0]["content"] if row[0]["role"] == "system" else "" for row in rows]
    assert given == [prompt for _, _, prompt in made]
    assert len({magnet, cactus, smile, ""}) == 4
