"""Duplicates by SimHash, evaluation data inside training data, and rows whose history is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.cli.curate import curate
from psyloom.curation.duplicates import Duplicates, alike, simhash, text_of
from psyloom.curation.leaks import Known, defective
from psyloom.errors import BadRecord
from psyloom.formats import read
from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.records import Dialogue, Session, Turn, write_jsonl

WORDS = "今天我和妈妈又为了换工作的事情吵起来她说外面不好找可是这里每天加班到很晚周末也要回消息心里堵得慌睡前总在想要不要走朋友劝我再等等爸爸不说话只是叹气孩子明年上学房贷还有几年同事一个个离开主管说年底会涨我不太信身体也开始出毛病胃疼头疼医生让我少想一点可是怎么可能不想呢"
sentence = st.lists(st.sampled_from(WORDS), min_size=12, max_size=40).map("".join)
pairs = st.lists(st.tuples(sentence, sentence), min_size=5, max_size=9)


def talk(said: list[tuple[str, str]], id_: str = "d", system: str = "", **more: Any) -> Dialogue:
    turns = [turn for asked, told in said for turn in (Turn.client(asked), Turn.counselor(told))]
    return Dialogue(
        id=id_, lang="zh", sessions=[Session(turns=turns)], extra={"system": system} if system else {}, **more
    )


@pytest.mark.accepts("emollm", 5)
@settings(deadline=None, max_examples=25)
@given(pairs, st.booleans())
def test_a_dialogue_and_its_copy_without_the_last_pair_are_duplicates_whichever_comes_first(
    said: list[tuple[str, str]], short_first: bool
) -> None:
    whole, short = talk(said, "whole"), talk(said[:-1], "short")
    first, second = (short, whole) if short_first else (whole, short)
    known = Duplicates(0.8)
    assert known.twin(first) is None
    assert known.twin(second) == first.id


@pytest.mark.accepts("emollm", 5)
@settings(deadline=None, max_examples=25)
@given(pairs, sentence, sentence)
def test_the_system_text_does_not_influence_the_hash(said: list[tuple[str, str]], one: str, other: str) -> None:
    assert simhash(text_of(talk(said, system=one))) == simhash(text_of(talk(said, system=other)))
    known = Duplicates()
    known.twin(talk(said, "a", one))
    assert known.twin(talk(said, "b", other)) == "a"


@pytest.mark.accepts("emollm", 5)
def test_a_system_text_in_common_makes_no_twins() -> None:
    system = "你是一名心理健康助手，" * 40
    known = Duplicates()
    assert known.twin(talk([("我睡不着。", "多久了？")], "a", system)) is None
    assert known.twin(talk([("妈妈不理我。", "后来呢？")], "b", system)) is None


@settings(deadline=None, max_examples=25)
@given(pairs)
def test_blanks_width_and_case_make_no_difference(said: list[tuple[str, str]]) -> None:
    known = Duplicates(1.0)
    known.twin(talk(said, "a"))
    assert known.twin(talk([(f" {asked}\n", told.replace("，", "， ")) for asked, told in said], "b")) == "a"


@pytest.mark.parametrize(("bits", "same"), [(0, 1.0), (12, 1 - 12 / 64), (64, 0.0)])
def test_likeness_is_one_less_the_share_of_different_bits(bits: int, same: float) -> None:
    assert alike(0, (1 << bits) - 1) == same


def test_dialogues_that_share_their_first_pair_only_are_no_twins() -> None:
    known, first = Duplicates(), ("总和室友吵架怎么办？", "是哪些事情最容易吵起来？")
    assert known.twin(talk([first, ("她外放声音。", "你跟她说过吗？")], "a")) is None
    assert known.twin(talk([first, ("水电费的事。", "以前是怎么分的？")], "b")) is None
    assert known.twin(talk([("她外放声音。", "你跟她说过吗？")], "c")) is None


# Leaks

LINE = "对话：\n来访者：{}\n医生：{}\n来访者：{}\n医生："
SAID = [
    [("医生，我最近总和同学比较。", "比较的时候，你心里在想什么？"), ("觉得自己怎么都追不上。", "追不上的感觉，从什么时候有的？")],
    [("老师，孩子最近不肯上学。", "不肯上学，是从哪天开始的？"), ("从换了班主任以后。", "他跟你说过班里的事吗？")],
]  # fmt: skip


def released(folder: Path) -> tuple[Path, Path]:
    """A training and an evaluation file in EmoLLM's shapes, the second made of the first, one dialogue not."""
    train = [
        {"conversation": [{"system": "心理健康助手", "input": a, "output": b}, {"input": c, "output": d}]}
        for (a, b), (c, d) in SAID
    ]
    fresh = [("室友半夜打游戏，我睡不着。", "你跟他提过这件事吗？"), ("提过，没有用。", "提的时候他是怎么回你的？")]
    rows = [
        {"instruction": "现在你是一个心理专家。\n\n" + LINE.format(a, b, c), "output": d}
        for (a, b), (c, d) in [*SAID, fresh]
    ]
    (folder / "train.json").write_text(json.dumps(train, ensure_ascii=False), "utf-8")
    (folder / "eval.json").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return folder / "train.json", folder / "eval.json"


@pytest.mark.accepts("emollm", 6)
def test_evaluation_data_made_of_the_training_data_are_flagged_and_fresh_ones_are_not(tmp_path: Path) -> None:
    files = []
    for file in released(tmp_path):
        files.append(tmp_path / f"{file.stem}.jsonl")
        write_jsonl(files[-1], list(read(file, "emollm")))
    done = CliRunner().invoke(curate, ["leaks", str(files[1]), "--against", str(files[0])], catch_exceptions=False)
    lines = done.output.splitlines()
    assert lines[-1] == "2 of 3 evaluation dialogues stand in the training data"
    assert all("opening as in" in line and "target as in" in line and "near as in" in line for line in lines[:-1])
    assert [line.partition(":")[0] for line in lines[:-1]] == ["emollm-eval-1", "emollm-eval-2"]


@pytest.mark.parametrize(
    ("said", "how"),
    [
        ([SAID[0][0], ("别的话，换一个说法讲。", "另一个问题，和训练里的不同。")], {"opening"}),
        ([("换一个开头来说这件事情。", "先说说今天过得怎么样？"), ("还行吧，一般。", SAID[0][1][1])], {"target"}),
        ([("换一个开头来说这件事情。", SAID[0][0][1]), ("嗯，谢谢。", "不客气，慢慢来就好。")], set()),
    ],
)
def test_a_leak_is_told_by_how_it_is_known(said: Any, how: set[str]) -> None:
    known = Known.of([talk(one, f"t{n}") for n, one in enumerate(SAID)])
    assert set(known.leak(talk(said))) == how


# Rows


def swift() -> list[dict[str, Any]]:
    """Rows as EmoLLM released them for ms-swift: each asks the first question, its own exchange is its history."""
    rows = []
    for (asked, told), *later in [*SAID, SAID[0][:1]]:
        first = {"query": asked, "response": told, "history": []}
        rows += [first, *({**first, "history": [{"query": a, "response": b}]} for a, b in later)]
    return rows


@pytest.mark.accepts("emollm", 7)
def test_released_rows_whose_history_is_what_came_later_are_found(tmp_path: Path) -> None:
    assert list(defective(swift())) == [(2, "later"), (4, "later")]
    (tmp_path / "swift.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in swift()), "utf-8")
    done = CliRunner().invoke(curate, ["rows", str(tmp_path / "swift.jsonl")], catch_exceptions=False)
    assert done.output.splitlines()[-1] == "2 of 5 rows are defective"


@pytest.mark.accepts("emollm", 7)
@pytest.mark.parametrize("name", ["swift", "alpaca", "messages", "xtuner"])
def test_rows_that_are_exported_per_turn_pass_the_same_check(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"out{WRITERS[name].suffixes[0]}"
    export([talk(said, f"d{n}") for n, said in enumerate(SAID)], WRITERS[name], file, ExportOptions(unit="turn"))
    text = file.read_text("utf-8")
    rows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    assert len(rows) == 4
    assert list(defective(rows)) == []


def test_a_row_that_holds_its_target_in_its_history_is_defective() -> None:
    asked, told = SAID[0][0]
    row = {"instruction": "后来呢，你是怎么想的？", "output": told, "history": [[asked, told]]}
    chat = {
        "messages": [
            {"role": role, "content": text}
            for role, text in [("user", asked), ("assistant", told), ("user", "后来呢？"), ("assistant", told)]
        ]
    }
    assert list(defective([row, chat])) == [(1, "own"), (2, "own")]


def test_what_is_no_training_row_is_told() -> None:
    with pytest.raises(BadRecord, match="no training row"):
        list(defective([{"text": "一段话"}]))
