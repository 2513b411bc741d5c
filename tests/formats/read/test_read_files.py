"""Files as they really are: folders, archives, encodings, marks and damage."""

import gzip
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import BadRecord, MissingExtra
from psyloom.formats import read
from psyloom.formats.read._contents import Contents
from psyloom.formats.read._files import files
from psyloom.records import Defect, Dialogue

TALK = [{"role": "client", "content": "我很烦。"}, {"role": "counselor", "content": "听起来你很累。"}]


def row(**more: Any) -> str:
    return json.dumps({"messages": TALK, **more}, ensure_ascii=False)


def turns(path: Path, name: str = "messages") -> list[tuple[str, str]]:
    (found,) = read(path, name)
    assert isinstance(found, Dialogue)
    return [(turn.speaker, turn.text) for turn in found.turns]


EXPECTED = [("client", "我很烦。"), ("counselor", "听起来你很累。")]


def test_files_come_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.json", "9.json", "1.json", "b/2.json", "a/11.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(row())
    assert [file.place for file in files(tmp_path)] == ["1", "9", "10", "a/11", "b/2"]


def test_hidden_files_registrations_and_other_kinds_are_no_data(tmp_path: Path) -> None:
    for name in (".DS_Store", "README.md", "dataset_info.json", "state.json", "script.py", ".git/x.json", "data.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [file.place for file in files(tmp_path)] == ["data"]


def test_a_given_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "export.backup"
    path.write_text(row())
    assert turns(path) == EXPECTED


def test_an_archive_among_other_files_is_read_with_them(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(row())
    with zipfile.ZipFile(tmp_path / "2.zip", "w") as archive:
        archive.writestr("inner/1.json", row())
        archive.writestr("__MACOSX/inner/._1.json", "no")
    assert len(list(read(tmp_path, "messages"))) == 2


def test_gzip_is_opened(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(row(id="g1") + "\n")
    assert turns(tmp_path / "a.jsonl.gz") == EXPECTED
    (found,) = read(tmp_path, "messages")
    assert found.id == "g1"  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_chinese_in_any_usual_encoding_is_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes((row() + "\r\n").encode(encoding))
    assert turns(tmp_path) == EXPECTED
    text = "来访者：我很烦。\r\n\r\n咨询师：听起来你很累。\r\n"
    (tmp_path / "b.txt").write_bytes(text.encode(encoding))
    assert turns(tmp_path / "b.txt", "transcript") == EXPECTED


def test_typographic_quotes_of_western_windows_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Client: I can\x92t sleep.\nTherapist: Since when?\n".encode("latin-1"))
    assert turns(tmp_path, "transcript")[0] == ("client", "I can’t sleep.")


def test_damaged_bytes_are_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = "".join(row(id=str(number)) + "\n" for number in range(4000)).encode()
    (tmp_path / "a.jsonl").write_bytes(whole + b'{"messages": "\xff\xfe\xff"}\n' + row(id="last").encode())
    defects: list[Defect] = []
    found = list(read(tmp_path, "messages", on_defect=defects.append))
    assert len(found) == 4001
    assert "U+FFFD" in defects[-1].what


@pytest.mark.accepts("emollm", 4)
def test_a_broken_record_names_file_record_and_field_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(row() + "\n{broken\n" + '{"messages": [{"role": 5}]}\n' + row() + "\n")
    defects: list[Defect] = []
    assert len(list(read(tmp_path, "messages", on_defect=defects.append))) == 2
    assert [(Path(one.file).name, one.line) for one in defects] == [("a.jsonl", 2), ("a.jsonl", 3)]


def test_a_damaged_archive_member_is_reported(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.json", row())
        archive.writestr("2.json", row())
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"messages", b"massages", 1))
    defects: list[Defect] = []
    assert len(list(read(tmp_path / "a.zip", "messages", on_defect=defects.append))) == 1
    assert "CRC" in defects[0].what


def test_nothing_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match="No such file"):
        list(read(tmp_path / "nowhere", "messages"))
    with pytest.raises(BadRecord, match="holds no data files"):
        list(read(tmp_path, "messages"))
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(BadRecord, match="damaged archive"):
        list(read(tmp_path / "a.zip", "messages"))


def test_tables_may_hold_line_breaks_tabs_semicolons_and_long_cells(tmp_path: Path) -> None:
    long = "很长" * 100_000
    (tmp_path / "a.csv").write_text(
        f'speaker;text\r\nclient;"one\r\ntwo {long}"\r\ncounselor;ok\r\n', "utf-8", newline=""
    )
    assert turns(tmp_path, "csv") == [("client", f"one\r\ntwo {long}"), ("counselor", "ok")]
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.tsv").write_text("speaker\ttext\nclient\ta, b\u2028c\ncounselor\tok\n", "utf-8")
    assert turns(tmp_path, "csv")[0] == ("client", "a, b\u2028c")


def test_a_row_with_too_few_cells_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("speaker,text\nclient,Hi\ncounselor\ncounselor,Hello\n")
    defects: list[Defect] = []
    (found,) = read(tmp_path, "csv", on_defect=defects.append)
    assert len(found.turns) == 2  # type: ignore[attr-defined]
    assert defects[0].what == "has 1 cells, the header has 2 (record left out)"
    assert defects[0].line == 3


def test_an_empty_file_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text("")
    (tmp_path / "2.json").write_text(row())
    defects: list[Defect] = []
    assert len(list(read(tmp_path, "messages", on_defect=defects.append))) == 1
    assert Path(defects[0].file).name == "1.json"


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1....")
    with pytest.raises(MissingExtra, match=r"psyloom\[formats\]"):
        list(read(tmp_path, "messages"))


def test_a_damaged_parquet_file_is_reported(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "b.json").write_text(row())
    defects: list[Defect] = []
    assert len(list(read(tmp_path, on_defect=defects.append))) == 1
    assert "damaged parquet file" in defects[0].what


ROWS = [{"id": "p1", "messages": TALK, "score": 1.5}, {"id": "p2", "messages": TALK, "score": None}]


def test_parquet_is_read_row_by_row(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "train-00000-of-00001.parquet")
    found = list(read(tmp_path))
    assert [one.id for one in found] == ["p1", "p2"]  # type: ignore[attr-defined]
    assert found[0].extra == {"score": 1.5}  # type: ignore[attr-defined]


def test_a_folder_saved_by_datasets_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist(ROWS)
    (tmp_path / "train").mkdir()
    with pyarrow.ipc.new_stream(tmp_path / "train" / "data-00000-of-00001.arrow", table.schema) as writer:
        writer.write_table(table)
    for name in ("dataset_dict.json", "train/dataset_info.json", "train/state.json"):
        (tmp_path / name).write_text("{}")
    assert [one.id for one in read(tmp_path)] == ["p1", "p2"]  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore")  # of a library that is not ours
def test_a_folder_saved_by_the_real_datasets_library_is_read(tmp_path: Path) -> None:
    pyarrow, datasets = pytest.importorskip("pyarrow"), pytest.importorskip("datasets")
    table = datasets.table.InMemoryTable(pyarrow.Table.from_pylist(ROWS))
    datasets.Dataset(table, fingerprint="rows").save_to_disk(str(tmp_path / "saved"))
    assert [one.id for one in read(tmp_path / "saved")] == ["p1", "p2"]  # type: ignore[attr-defined]


def test_a_record_longer_than_the_head_of_a_file_is_recognized_and_read(tmp_path: Path) -> None:
    long = {
        "session_id": "s1",
        "survey": [1],
        "turns": [
            {"speaker": "client", "text": "很长" * 300_000, "annotation": []},
            {"speaker": "counselor", "text": "嗯"},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(long, ensure_ascii=False), "utf-8")
    found, _ = read(tmp_path)
    assert found.id == "client_reactions-s1"  # type: ignore[attr-defined]


def test_columns_of_lists_are_turned_into_messages(tmp_path: Path) -> None:
    columns = {"role": ["client", "counselor"], "content": ["我很烦。", "听起来你很累。"]}
    (tmp_path / "a.json").write_text(json.dumps({"messages": columns}))
    assert turns(tmp_path) == EXPECTED


def test_a_file_is_closed_after_its_head_was_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(row())
    (file,) = files(tmp_path)
    with Contents(file) as contents:
        assert contents.head("each")[0]["messages"] == TALK
    with pytest.raises(ValueError, match="closed"):
        list(contents.items("text"))
