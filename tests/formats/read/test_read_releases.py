"""What holds for every format: all layouts are read, recognized by content, without loss."""

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from released_samples import RELEASES, Released, release

from psyloom.errors import BadRecord, UnknownName
from psyloom.formats import formats, read, sniff
from psyloom.formats.read._auto import layout_of
from psyloom.formats.read._contents import Contents
from psyloom.formats.read._files import files
from psyloom.knowledge import label_set, label_sets
from psyloom.records import Defect, Dialogue, Record, to_line
from psyloom.records.jsonl import parse_line

every_release = pytest.mark.parametrize("released", RELEASES, ids=str)


def read_all(released: Released, folder: Path) -> tuple[list[Record], list[Defect]]:
    defects: list[Defect] = []
    return list(read(released.lay(folder), released.format, on_defect=defects.append)), defects


@every_release
def test_every_release_becomes_its_records(released: Released, tmp_path: Path) -> None:
    records, _ = read_all(released, tmp_path)
    assert Counter(record.kind for record in records) == released.kinds


@every_release
def test_auto_chooses_the_format_by_content_and_says_why(released: Released, tmp_path: Path) -> None:
    choice = sniff(released.lay(tmp_path))
    if released.auto:
        assert choice.format.name == released.format
        assert choice.why in str(choice)
    else:  # another data set, or none, has the same shape
        assert choice.format.general
        assert released.format in choice.alike


# CPsyCounE has the shape of SMILECHAT: its topic folders are its mark.
NAMELESS = [one for one in RELEASES if one.auto and len(one.files) == 1 and str(one) != "cpsycoun-e"]


@pytest.mark.parametrize("released", NAMELESS, ids=str)
def test_auto_does_not_need_file_names(released: Released, tmp_path: Path) -> None:
    path = tmp_path / "data"
    (found,) = released.lay(tmp_path / "there").rglob("*.*")
    path.write_bytes(found.read_bytes())
    assert sniff(path).format.name == released.format


def test_the_samples_cover_every_layout_of_every_format(tmp_path: Path) -> None:
    seen = set()
    for number, released in enumerate(RELEASES):
        for file in files(released.lay(tmp_path / str(number))):
            with Contents(file) as contents:
                layout = layout_of(formats()[released.format], contents, file)
            seen.add((released.format, layout and layout.read, layout and layout.fits))
    every = {(name, layout.read, layout.fits) for name, one in formats().items() for layout in one.layouts}
    assert seen == every


# Words that are not meant to survive: markup, role words, and texts that are taken apart into fields.
DROPPED = {
    "notechat-pairs", "psyaug-newer", "transcript-files", "transcript-fields", "subtitles-vtt", "subtitles-srt",
    "cpsycoun-d", "interactive_agents-profiles", "sudosys-talks", "diacbt-sessions", "csv-turns", "psyaug-counselchat", "psyloom-records",
    "labelstudio-tasks", "argilla-records",
}  # fmt: skip
ROLES = {
    "role", "speaker", "from", "client", "counselor", "user", "assistant", "system", "seeker", "supporter", "Seeker",
    "Supporter", "listener", "咨询师", "来访者", "系统", "用户", "human", "gpt",
}  # fmt: skip


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str) and value.strip():
        yield value


def words(text: str) -> set[str]:
    """Pieces between the marks along which readers take texts apart."""
    for mark in ":：\n[]'\"、,;；<>/\\":
        text = text.replace(mark, "\0")
    return {piece.strip() for piece in text.split("\0") if piece.strip()}


@pytest.mark.parametrize("released", [one for one in RELEASES if str(one) not in DROPPED], ids=str)
def test_no_text_of_a_release_is_lost(released: Released, tmp_path: Path) -> None:
    records, _ = read_all(released, tmp_path)
    kept = words("\0".join(leaf for record in records for leaf in leaves(json.loads(record.model_dump_json()))))
    kept |= words("\n".join(str(leaf) for record in records for leaf in numbers(record.model_dump())))
    kept |= {word for record in records for word in label_words(json.loads(record.model_dump_json()))}
    wanted: set[str] = set()
    for name, content in released.files.items():
        if name != "dataset_info.json":
            wanted |= words("\0".join(leaves(json.loads(content) if isinstance(content, str) else content)))
    headings = {"Name", "Age", "Gender", "Occupation", "Education", "Marital Status", "Family Details",
                "2. Presenting Problem", "3. Reason for Seeking Counseling", "think", "N", "A", "未知", "无", "未提及",
                "4. Past History (including medical history)", "6. Social Support System", "Counselor", "Client",
                "5. Academic", "Strategy Reason", "Response", "心理咨询师", "医生", "对话", "求助者", "支持者", "consultant",
                "Therapist", "女", "（无法推断）", "during depression", "共情分数", "辨识分数", "occupational functioning level"}  # fmt: skip
    assert {piece for piece in wanted - kept - ROLES - headings if not any(piece in one for one in kept)} == set()


def label_words(value: Any) -> Iterator[str]:
    """Every word that is now said by the id of a label, that of its group included."""
    if isinstance(value, dict) and {"set", "id", "span"} <= set(value) and value["set"] in label_sets():
        labels = label_set(value["set"])
        if value["id"] in labels:
            for term in (labels[value["id"]], labels.above(value["id"]) or labels[value["id"]]):
                yield from (piece for word in term.words() for piece in words(word))
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from label_words(inner)


def numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


@every_release
def test_records_survive_our_own_files(released: Released, tmp_path: Path) -> None:
    for record in read_all(released, tmp_path)[0]:
        assert parse_line(to_line(record), type(record)) == record


@every_release
def test_ids_are_unique_and_dialogues_carry_their_source(released: Released, tmp_path: Path) -> None:
    records, _ = read_all(released, tmp_path)
    assert max(Counter((record.kind, record.id) for record in records).values()) == 1  # type: ignore[attr-defined]
    if released.format != "psyloom":
        source = formats()[released.format].source
        assert all(record.source == source for record in records if isinstance(record, Dialogue))


@every_release
def test_a_zip_archive_reads_like_its_folder(released: Released, tmp_path: Path) -> None:
    folder = released.lay(tmp_path / "there")
    with zipfile.ZipFile(tmp_path / "there.zip", "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder).as_posix())
    assert str(sniff(tmp_path / "there.zip")) == str(sniff(folder))
    ours = [to_line(one) for one in read(folder, released.format, on_defect=lambda _: None)]
    assert [to_line(one) for one in read(tmp_path / "there.zip", released.format, on_defect=lambda _: None)] == ours


def test_a_damaged_file_does_not_keep_auto_from_choosing(tmp_path: Path) -> None:
    release("psydt-corpus").lay(tmp_path)
    (tmp_path / "a.csv.gz").write_bytes(b"\x1f\x8b broken")
    assert sniff(tmp_path).format.name == "psydt"
    (tmp_path / "train.json").unlink()
    with pytest.raises(BadRecord, match="empty or damaged"):
        sniff(tmp_path)


def test_every_format_names_its_licence() -> None:
    assert all(one.source.licence for one in formats().values())
    assert {name for name, one in formats().items() if not one.general and not one.source.url} == set()


def test_an_unknown_shape_names_its_keys_and_the_nearest_formats(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps([{"thought": "a", "patterns": [], "intake_form": "b"}]))
    with pytest.raises(BadRecord, match=r"thought, patterns, intake_form[\s\S]*nearest: cactus"):
        sniff(tmp_path)


def test_two_equally_good_formats_are_an_error_that_names_both(tmp_path: Path) -> None:
    release("cadss-raw").lay(tmp_path)
    (tmp_path / "other.json").write_text(json.dumps([release("psydt-corpus").files["train.json"][0]]))
    with pytest.raises(BadRecord, match=r"psydt.*cadss"):
        sniff(tmp_path)


def test_an_unknown_format_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match="cactus"):
        read("anywhere", "cactsu")


def test_without_on_defect_the_first_defect_raises(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text(json.dumps([{"role": "client", "content": "我很烦。", "annotation": []}]))
    with pytest.raises(BadRecord, match="only the client speaks"):
        list(read(tmp_path, "smile"))


def test_a_file_of_another_shape_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    release("psydt-corpus").lay(tmp_path)
    (tmp_path / "other.json").write_text('{"a": 1}')
    defects: list[Defect] = []
    assert len(list(read(tmp_path, on_defect=defects.append))) == 1
    assert [(Path(one.file).name, one.what) for one in defects] == [
        ("other.json", "not in any layout of psydt (file left out)")
    ]
