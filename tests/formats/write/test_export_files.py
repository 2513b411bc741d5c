"""Output that is whole or not there, streamed."""

import json
import tracemalloc
from pathlib import Path

import pytest
from export_samples import several, talk
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import BadRecord, FolderTrouble, UnknownName, UsageError
from psyloom.formats.write import WRITERS, ExportOptions, export, writer_for
from psyloom.formats.write.files import file_name, rows_file
from psyloom.records import Lineage

PLAIN = sorted(set(WRITERS) - {"parquet"})


def place(folder: Path, name: str) -> Path:
    writer = WRITERS[name]
    return folder / ("out" if writer.finish or not writer.suffixes else "out" + writer.suffixes[0])


@pytest.mark.parametrize("name", PLAIN)
def test_an_export_that_fails_leaves_nothing_behind(name, tmp_path):
    def failing():
        yield talk("c一 s二")
        raise RuntimeError("the reader fell over")

    with pytest.raises(RuntimeError):
        export(failing(), WRITERS[name], place(tmp_path, name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PLAIN)
def test_a_rehearsal_is_refused_unless_forced(name, tmp_path):
    rehearsed = talk("c一 s二", lineage=Lineage(system="magnet", version="0", rehearsal=True))
    with pytest.raises(UsageError, match="'d' is a rehearsal"):
        export([rehearsed], WRITERS[name], place(tmp_path, name))
    assert list(tmp_path.iterdir()) == []
    assert (
        export([rehearsed], WRITERS[name], place(tmp_path, name), ExportOptions(force=True)).splits["train"].dialogues
        == 1
    )


@pytest.mark.parametrize("name", PLAIN)
def test_nothing_to_write_is_still_a_valid_file(name, tmp_path):
    done = export([], WRITERS[name], place(tmp_path, name))
    assert done.examples == 0
    for path in tmp_path.rglob("*.json"):
        json.loads(path.read_text())


@pytest.mark.parametrize("name", PLAIN)
def test_memory_does_not_grow_with_the_number_of_dialogues(name, tmp_path):
    text = "c" + "我睡不着" * 50 + " s" + "说说看" * 50

    def peak(count):
        many = (talk(text, id=f"d{number}") for number in range(count))
        tracemalloc.start()
        export(many, WRITERS[name], place(tmp_path / f"{name}{count}", name))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(5)  # what is loaded once
    assert peak(240) < peak(40) + 100_000  # 200 dialogues more take over 500 kB when they are held


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3)),
    st.sampled_from([".json", ".jsonl"]),
)
def test_rows_come_back_as_they_were(tmp_path_factory, rows, suffix):
    path = tmp_path_factory.mktemp("rows") / f"rows{suffix}"
    with rows_file(path) as put:
        for row in rows:
            put(row)
    text = path.read_bytes().decode()
    read = json.loads(text) if suffix == ".json" else [json.loads(line) for line in text.split("\n")[:-1]]
    assert read == rows


@given(st.text(min_size=1), st.text(min_size=1))
def test_file_names_are_safe_and_distinct(first, second):
    safe = file_name(first)
    assert not set(safe) & set('/\\:*?"<>|\n\0')
    assert not safe.startswith(".")
    assert (file_name(first) == file_name(second)) == (first == second)


def test_chinese_file_names_stay_readable():
    assert file_name("案例 1/失眠") == "案例 1%2F失眠"


@pytest.mark.parametrize("name", ["text", "markdown", "sdialog"])
def test_two_dialogues_of_one_id_do_not_overwrite_each_other(name, tmp_path):
    with pytest.raises(BadRecord, match="two dialogues are called 'd'"):
        export([talk("c一 s二"), talk("c三 s四")], WRITERS[name], tmp_path / "out")


@pytest.mark.parametrize("name", ["text", "llamafactory"])
def test_a_folder_that_holds_something_is_not_touched(name, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(FolderTrouble, match="already holds files"):
        export([talk("c一 s二")], WRITERS[name], tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_a_file_is_replaced_only_by_a_complete_one(tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    with pytest.raises(UsageError):
        export([talk("c一 s二", lineage=Lineage(system="x", version="0", rehearsal=True))], WRITERS["messages"], out)
    assert out.read_text() == "old"
    export([talk("c一 s二")], WRITERS["messages"], out)
    assert json.loads(out.read_text())["id"] == "d"


def test_an_output_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderTrouble, match="cannot write"):
        export([talk("c一 s二")], WRITERS["messages"], tmp_path / "file" / "out.jsonl")


def test_a_file_name_that_hides_the_format_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"name it out\.jsonl"):
        export([talk("c一 s二")], WRITERS["xtuner"], tmp_path / "out.json")


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean sharegpt"):
        writer_for("sharegtp")


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("csv", {"unit": "turn"}),
        ("text", {"system": "none"}),
        ("text", {"thoughts": "hidden"}),
        ("conll", {"thoughts": "in"}),
        ("messages", {"client_name": "小李"}),
        ("inspect", {"history": 3}),
    ],
)
def test_an_option_a_format_cannot_honour_is_refused(name, option, tmp_path):
    with pytest.raises(UsageError, match=f"{name} has no use for"):
        export([talk("c一 s二")], WRITERS[name], place(tmp_path, name), ExportOptions(**option))


@given(several(), st.sampled_from(PLAIN))
def test_every_dialogue_is_counted_and_none_is_lost_unsaid(tmp_path_factory, given_dialogues, name):
    done = export(given_dialogues, WRITERS[name], place(tmp_path_factory.mktemp("all"), name))
    assert done.splits["train"].dialogues == len(given_dialogues)
    assert done.barren <= len(given_dialogues)
