"""One record that is not what it should be costs nothing but itself, and is told."""

import copy
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from released_samples import RELEASES, Released

from psyloom.formats import formats, read, save
from psyloom.records import Defect, Dialogue, Rating, Record, to_line

# A record that takes the place of another: what stands there, what could stand there, and nothing at all.
OTHER: list[Any] = [None, 5, -1.5, True, "", "x", [], {}, [None], ["a"], [[1, 2]], {"a": 1}, [{}]]
GONE = object()


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*above, key))


def changed(value: Any, place: tuple[Any, ...], to: Any) -> Any:
    if not place:
        return None if to is GONE else to
    value = copy.deepcopy(value)
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    if to is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = copy.deepcopy(to)
    return value


def lines(released: Released, folder: Path) -> tuple[list[bytes], list[Defect]]:
    defects: list[Defect] = []
    return [to_line(one) for one in read(released.lay(folder), released.format, on_defect=defects.append)], defects


def told_in(found: list[bytes]) -> list[str]:
    """What dialogues and cases say, without their ids, which may tell their place."""
    records = [json.loads(line) for line in found]
    return [json.dumps(one | {"id": ""}) for one in records if not one["psyloom"].startswith("rating")]


def held(released: Released, kind: type) -> list[str]:
    return [name for name, content in released.files.items() if isinstance(content, kind) and content]


GROUPED = {one.name for one in formats().values() if any(layout.group for layout in one.layouts)}
calm = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("released", [one for one in RELEASES if held(one, list)], ids=str)
@calm
@given(data=st.data())
def test_a_mangled_record_neither_stops_the_reading_nor_vanishes_in_silence(
    released: Released, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = data.draw(st.sampled_from(held(released, list)))
    given = released.files[name]
    mangled = changed(
        given[-1], data.draw(st.sampled_from(list(places(given[-1])))), data.draw(st.sampled_from([GONE, *OTHER]))
    )
    folder = tmp_path_factory.mktemp("mangled")
    others = told_in(lines(released, folder)[0])
    sound = told_in(lines(replace(released, files=released.files | {name: [*given, given[-1]]}), folder)[0])
    found, defects = lines(replace(released, files=released.files | {name: [*given, mangled]}), folder)
    assert defects or len(told_in(found)) >= len(sound)
    if released.format not in GROUPED and len(sound) > len(others):  # else a list makes one record together
        assert not Counter(others) - Counter(told_in(found))


@pytest.mark.parametrize("released", [one for one in RELEASES if held(one, dict)], ids=str)
@calm
@given(data=st.data())
def test_a_mangled_file_is_told_where_it_gives_no_record(
    released: Released, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = data.draw(st.sampled_from(held(released, dict)))
    given = released.files[name]
    mangled = changed(
        given, data.draw(st.sampled_from(list(places(given)))), data.draw(st.sampled_from([GONE, *OTHER]))
    )
    found, defects = lines(
        replace(released, files=released.files | {name: mangled}), tmp_path_factory.mktemp("mangled")
    )
    assert found or defects


TALK = [{"role": "user", "content": "我很累。"}, {"role": "assistant", "content": "说说看。"}]


def rows(path: Path, *given: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in given))
    return path


def told(path: Path, name: str = "messages") -> tuple[list[Record], list[Defect]]:
    defects: list[Defect] = []
    return list(read(path, name, on_defect=defects.append)), defects


@pytest.mark.parametrize(("odd", "what"), [(None, "null"), (5, "a number"), ("x", "a text")])
def test_a_line_that_is_no_object_says_what_it_is(odd: Any, what: str, tmp_path: Path) -> None:
    found, defects = told(rows(tmp_path / "a.jsonl", {"messages": TALK}, odd, {"messages": TALK}))
    assert [one.id for one in found if isinstance(one, Dialogue)] == ["a-1", "a-3"]
    assert [(one.line, one.what) for one in defects] == [(2, f"is {what}, not an object (record left out)")]


def test_a_record_without_its_keys_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps([{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, {"x": 1}])
    )
    found, defects = told(tmp_path, "sharegpt")
    assert len(found) == 1
    assert [(one.line, one.what) for one in defects] == [(2, "lacks conversations (record left out)")]


def test_half_a_character_is_replaced_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"messages": [{"role": "user", "content": "a\\ud83d \\ud83d\\ude00"}, {"role": "assistant", "content": "b"}]}')  # fmt: skip
    (found,), (defect,) = told(tmp_path)
    assert isinstance(found, Dialogue)
    assert found.turns[0].text == "a\ufffd 😀"
    assert "U+FFFD" in defect.what
    assert to_line(found)


@pytest.mark.parametrize("text", ["我今天又没有睡着，", "It’s “hard” for me – very – and I’m “fine”, "])
def test_one_damaged_byte_does_not_change_the_encoding_of_a_file(text: str, tmp_path: Path) -> None:
    talks = [json.dumps({"messages": [{"role": "user", "content": f"{text}{at}"}, *TALK]}, ensure_ascii=False) for at in range(5)]  # fmt: skip
    whole = "\n".join(talks).encode()
    at = next(at for at in range(len(whole) // 2, len(whole)) if whole[at] > 0xE0)
    (tmp_path / "a.jsonl").write_bytes(whole[: at + 1] + whole[at + 2 :])
    found, (defect,) = told(tmp_path)
    spoken = [one.turns[0].text for one in found if isinstance(one, Dialogue)]
    assert sum(one.startswith(text.strip()) for one in spoken) >= 4
    assert "U+FFFD" in defect.what


def test_an_id_that_comes_twice_is_told_and_made_another(tmp_path: Path) -> None:
    talk = {"id": "same", "messages": TALK}
    found, defects = told(rows(tmp_path / "a.jsonl", talk, talk, {"id": "same-2", "messages": TALK}, talk))
    ids = [one.id for one in found if isinstance(one, Dialogue)]
    assert ids[:2] == ["same", "same-2"]
    assert len(set(ids)) == 4
    assert [(one.line, one.field) for one in defects] == [(2, "id"), (3, "id"), (4, "id")]


def test_the_ratings_of_a_dialogue_follow_its_new_id(tmp_path: Path) -> None:
    session = {"session_id": "s", "turns": [{"speaker": "咨询师", "text": "你好"}, {"speaker": "来访者", "text": "嗯"}]}
    found, _ = told(rows(tmp_path / "a.jsonl", *[session | {"survey": [5, 4]}] * 2), "client_reactions")
    talks = [one.id for one in found if isinstance(one, Dialogue)]
    assert len(set(talks)) == 2
    assert [one.subject.dialogue for one in found if isinstance(one, Rating)] == talks


@pytest.mark.parametrize("column", ["对话", "会话", "会话id", "会话编号", "对话编号"])
def test_a_chinese_column_keeps_dialogues_apart_and_rows_that_lie_apart_are_told(column: str, tmp_path: Path) -> None:
    said = [("1", "来访者", "我睡不着"), ("1", "咨询师", "说说看"), ("2", "来访者", "我怕"), ("2", "咨询师", "怕什么"), ("1", "来访者", "还有")]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join([f"{column},说话人,文本", *map(",".join, said)]))
    found, defects = told(tmp_path, "csv")
    assert [(one.id, len(one.turns)) for one in found if isinstance(one, Dialogue)] == [("1", 2), ("2", 2), ("1-2", 1)]
    assert any(one.field == "id" and "stand together" in one.what for one in defects)


def test_a_damaged_archive_in_a_folder_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    rows(tmp_path / "1.jsonl", {"messages": TALK})
    (tmp_path / "2.zip").write_bytes(b"PK\x03\x04 broken")
    with zipfile.ZipFile(tmp_path / "3.zip", "w") as archive:
        archive.writestr("a.json", json.dumps({"messages": TALK}))
    found, (defect,) = told(tmp_path)
    assert len(found) == 2
    assert defect.file.endswith("2.zip")


def test_what_was_begun_is_not_left_behind_when_reading_stops(tmp_path: Path) -> None:
    def broken() -> Iterator[Record]:
        yield Dialogue(id="d", lang="zh")
        raise KeyboardInterrupt

    (tmp_path / "out.jsonl").write_text("before")
    with pytest.raises(KeyboardInterrupt):
        save(broken(), tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert (tmp_path / "out.jsonl").read_text() == "before"
