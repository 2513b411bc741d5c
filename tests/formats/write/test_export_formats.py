"""Each target's format, as its trainer or tool documents it."""

import csv
import json

import pytest
from export_samples import rich, rows_of, talk, written

from psyloom.errors import MissingExtra
from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.records import Label, Turn


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


SYSTEM = {"role": "system", "content": "请倾听。"}


def test_openai_messages(tmp_path):
    (row,) = written([rich()], "messages", tmp_path)
    assert row == {
        "id": "案例/1",
        "messages": [
            SYSTEM,
            user("我总是失眠。"),
            assistant("听起来很累。\n多久了？"),
            user("三个月。"),
            assistant("这周呢？"),
            user("好些了。"),
        ],
    }


def test_openai_messages_per_turn_mask_the_replies_of_the_history(tmp_path):
    _, second = written([talk("c一 s二 c三 s四")], "messages", tmp_path, unit="turn")
    assert second["messages"] == [user("一"), assistant("二", weight=0), user("三"), assistant("四", weight=1)]


def test_ids_can_be_left_out(tmp_path):
    (row,) = written([rich()], "messages", tmp_path, ids=False)
    assert set(row) == {"messages"}


def test_sharegpt(tmp_path):
    (row,) = written([talk("c一 s二")], "sharegpt", tmp_path)
    assert row == {
        "id": "d",
        "conversations": [{"from": "human", "value": "一"}, {"from": "gpt", "value": "二"}],
        "system": "",
    }


def test_alpaca_has_the_last_question_and_the_pairs_before_it(tmp_path):
    *_, last = written([talk("c一 s二 c三 s四")], "alpaca", tmp_path, system_text="听。")
    assert last == {
        "id": "d#3",
        "instruction": "三",
        "input": "",
        "output": "四",
        "system": "听。",
        "history": [["一", "二"]],
    }


def test_llamafactory_describes_every_split(tmp_path):
    out = tmp_path / "cbt"
    dialogues = [talk("c一 s二", id=str(number)) for number in range(9)]
    done = export(dialogues, WRITERS["llamafactory"], out, ExportOptions(splits="50/50"))
    info = json.loads((out / "dataset_info.json").read_text())
    assert set(info) == {"cbt_train", "cbt_valid"}
    for split, counted in done.splits.items():
        described = info[f"cbt_{split}"]
        assert out / described["file_name"] == counted.path
        assert described["formatting"] == "sharegpt"
        for row in rows_of(counted.path):
            assert set(described["columns"].values()) <= set(row)


def test_llamafactory_without_splits_has_one_data_set(tmp_path):
    export([talk("c一 s二")], WRITERS["llamafactory"], tmp_path / "心理")
    assert list(json.loads((tmp_path / "心理" / "dataset_info.json").read_bytes())) == ["心理_train"]
    assert (tmp_path / "心理" / "dataset_info.json").read_bytes().isascii()


def test_swift_has_loss_and_on_demand_its_scale(tmp_path):
    dialogue = talk("c一 s二 c三 s四")
    dialogue.turns[3].extra["weight"] = 0.5
    (row,) = written([dialogue], "swift", tmp_path, weights="write")
    assert row["messages"][1::2] == [
        assistant("二", loss=True, loss_scale=1.0),
        assistant("四", loss=True, loss_scale=0.5),
    ]
    dialogue.turns[3].extra["weight"] = 1
    _, second = written([dialogue], "swift", tmp_path, unit="turn")
    assert second["messages"][1::2] == [assistant("二", loss=False), assistant("四", loss=True)]


def test_xtuner_has_loss_and_thinking_but_no_empty_thinking(tmp_path):
    _, last = written([rich()], "xtuner", tmp_path, unit="turn", thoughts="hidden")
    assert [m for m in last["messages"] if m["role"] == "assistant"] == [
        assistant("听起来很累。\n多久了？", loss=False),
        assistant("这周呢？", loss=True),
    ]
    first, _ = written([rich()], "xtuner", tmp_path, unit="turn", thoughts="hidden")
    assert first["messages"][-1] == assistant(
        "听起来很累。\n多久了？", loss=True, thinking="共情：先接住\n计划：问时间"
    )


def test_xtuner_pairs_have_the_system_prompt_once(tmp_path):
    (row,) = written([talk("c一 s二 c三 s四", extra={"system": "听。"})], "xtuner-pairs", tmp_path, weights="write")
    assert row["conversation"] == [
        {"system": "听。", "input": "一", "output": "二", "output_with_loss": True},
        {"input": "三", "output": "四", "output_with_loss": True},
    ]


def test_trl_learns_completions_per_turn_and_messages_per_dialogue(tmp_path):
    dialogue = talk("c一 s二 c三 s四")
    _, second = written([dialogue], "trl-sft", tmp_path)
    assert second["prompt"] == [user("一"), assistant("二"), user("三")]
    assert second["completion"] == [assistant("四")]
    (whole,) = written([dialogue], "trl-sft", tmp_path, unit="dialogue")
    assert whole["messages"] == [user("一"), assistant("二"), user("三"), assistant("四")]


def test_a_dpo_row_pairs_the_turn_with_each_of_its_rejected_alternatives(tmp_path):
    (row,) = written([rich()], "trl-dpo", tmp_path)
    assert row["prompt"] == [SYSTEM, user("我总是失眠。")]
    assert (row["chosen"], row["rejected"]) == ([assistant("听起来很累。\n多久了？")], [assistant("早点睡。")])


def test_a_dpo_pair_differs_in_the_reply_alone(tmp_path):
    (row,) = written([rich()], "trl-dpo", tmp_path, thoughts="in")
    thought = "<think>\n共情：先接住\n计划：问时间\n</think>\n\n"
    assert row["chosen"][0]["content"] == thought + "听起来很累。\n多久了？"
    assert row["rejected"][0]["content"] == thought + "早点睡。"


def test_kto_labels_what_was_said_true_and_what_was_rejected_false(tmp_path):
    rows = written([rich()], "trl-kto", tmp_path)
    assert [(row["completion"][0]["content"], row["label"]) for row in rows] == [
        ("听起来很累。\n多久了？", True),
        ("早点睡。", False),
        ("这周呢？", True),
    ]


@pytest.mark.parametrize("name", ["messages", "sharegpt", "alpaca", "swift", "trl-sft", "xtuner-pairs"])
def test_thoughts_can_stand_before_the_reply_and_are_left_out_unless_asked_for(name, tmp_path):
    first, *_ = written([rich()], name, tmp_path, unit="turn", thoughts="in")
    assert "<think>\\n共情：先接住\\n计划：问时间\\n</think>\\n\\n听起来很累。" in json.dumps(first, ensure_ascii=False)
    assert "共情" not in json.dumps(written([rich()], name, tmp_path, unit="turn"), ensure_ascii=False)


@pytest.mark.parametrize("name", ["messages", "sharegpt", "swift", "trl-sft"])
def test_hidden_thoughts_have_their_field_in_every_learned_message_so_that_columns_agree(name, tmp_path):
    rows = written([rich(), talk("c一 s二", id="e")], name, tmp_path, unit="turn", thoughts="hidden")
    for row in rows:
        learned = (row.get("completion") or row.get("messages") or row["conversations"])[-1]
        assert {"reasoning_content", "thought"} & set(learned)


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_line_per_turn(tmp_path):
    export([rich()], WRITERS["csv"], tmp_path / "t.csv", ExportOptions(thoughts="hidden"))
    rows = read_csv(tmp_path / "t.csv")
    assert [(row["session"], row["turn"], row["speaker"]) for row in rows] == [
        ("1", "1", "client"), ("1", "2", "counselor"), ("1", "3", "client"), ("2", "1", "counselor"), ("2", "2", "client"),
    ]  # fmt: skip
    assert [row["labels"] for row in rows] == ["distortion:overgeneralization@1-3", "skill:question", "", "", ""]
    assert rows[1]["text"] == "听起来很累。\n多久了？"
    assert rows[1]["thought"] == "共情：先接住\n计划：问时间"


def test_csv_opens_as_utf8_in_a_spreadsheet(tmp_path):
    export([rich()], WRITERS["csv"], tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_plain_transcript_has_names_and_a_gap_between_sessions(tmp_path):
    export([rich()], WRITERS["text"], tmp_path / "t", ExportOptions(client_name="阿宁"))
    (file,) = (tmp_path / "t").iterdir()
    assert file.name == "案例%2F1.txt"
    assert (
        file.read_text()
        == "阿宁：我总是失眠。\n咨询师：听起来很累。\n多久了？\n阿宁：三个月。\n\n咨询师：这周呢？\n阿宁：好些了。\n"
    )


def test_a_plain_transcript_can_have_a_file_per_session(tmp_path):
    export([rich()], WRITERS["text"], tmp_path / "t", ExportOptions(sessions="apart"))
    assert sorted(file.name for file in (tmp_path / "t").iterdir()) == [
        "案例%2F1#session1.txt",
        "案例%2F1#session2.txt",
    ]


def test_english_transcripts_have_english_names(tmp_path):
    export([talk("chi shello", lang="en")], WRITERS["text"], tmp_path / "t")
    assert (tmp_path / "t" / "d.txt").read_text() == "Client: hi\nCounselor: hello\n"


def test_markdown_shows_sessions_labels_and_thoughts(tmp_path):
    export([rich()], WRITERS["markdown"], tmp_path / "t", ExportOptions(thoughts="hidden"))
    text = (tmp_path / "t" / "案例%2F1.md").read_text()
    for part in (
        "# 案例/1\n\n## 会谈 1\n\n**来访者：** 我总是失眠。\n\n> `distortion:overgeneralization@1-3`\n",
        "**咨询师：** 听起来很累。  \n多久了？\n\n> 思考：共情：先接住  \n> 计划：问时间\n\n> `skill:question`\n",
        "## 会谈 2\n",
        "### 小结\n\n睡眠好转。\n",
    ):
        assert part in text


def test_spans_become_tags_of_characters(tmp_path):
    export([rich()], WRITERS["conll"], tmp_path / "t.conll")
    first, *_ = (tmp_path / "t.conll").read_text().split("\n\n")
    assert first == (
        '# dialogue = 案例/1\n# turn = 1.1\n# speaker = client\n# text = "我总是失眠。"\n'
        "我\t0\t1\tO\n总\t1\t2\tB-distortion:overgeneralization\n是\t2\t3\tI-distortion:overgeneralization\n"
        "失\t3\t4\tO\n眠\t4\t5\tO\n。\t5\t6\tO"
    )


def test_spans_may_overlap_and_cut_words(tmp_path):
    turn = Turn.client("I can't sleep", [Label(set="a", id="x", span=(2, 13)), Label(set="b", id="y", span=(2, 5))])
    dialogue = talk("shi")
    dialogue.sessions[0].turns = [turn]
    export([dialogue], WRITERS["conll"], tmp_path / "t.conll")
    lines = [line for line in (tmp_path / "t.conll").read_text().split("\n") if line and line[0] != "#"]
    assert lines == ["I\t0\t1\tO", "can\t2\t5\tB-a:x|B-b:y", "'t\t5\t7\tI-a:x", "sleep\t8\t13\tI-a:x"]


def test_sdialog_keeps_speakers_labels_and_thoughts(tmp_path):
    export([rich()], WRITERS["sdialog"], tmp_path / "t", ExportOptions(thoughts="hidden"))
    dialog = json.loads((tmp_path / "t" / "案例%2F1.json").read_text())
    assert dialog["id"] == "案例/1"
    assert dialog["turns"][0] == {"speaker": "client", "text": "我总是失眠。"}
    assert dialog["model"] == {"client": "m1", "counselor": "m2"}
    assert dialog["personas"] == {"client": {"name": "阿宁", "age": 30}}
    assert [event["action"] for event in dialog["events"]] == ["utter", "think", "utter", "utter", "utter", "utter"]
    assert dialog["annotations"]["labels"][0] == {
        "turn": 0,
        "set": "distortion",
        "id": "overgeneralization",
        "span": [1, 3],
    }
    assert dialog["annotations"]["sessions"] == [3, 2]


def test_an_inspect_log_has_a_sample_per_dialogue(tmp_path):
    export([rich(), talk("s你好 c一 s二")], WRITERS["inspect"], tmp_path / "t.json", ExportOptions(thoughts="hidden"))
    log = json.loads((tmp_path / "t.json").read_text())
    assert (log["version"], log["status"], log["eval"]["model"]) == (2, "success", "m2")
    first, second = log["samples"]
    assert first["input"] == [
        SYSTEM,
        user("我总是失眠。")
        | {"metadata": {"labels": [{"set": "distortion", "id": "overgeneralization", "span": [1, 3]}]}},
    ]
    assert first["messages"][2]["content"] == [
        {"type": "reasoning", "reasoning": "共情：先接住\n计划：问时间"},
        {"type": "text", "text": "听起来很累。\n多久了？"},
    ]
    assert first["output"]["choices"][0]["message"]["content"] == "这周呢？"
    assert (second["input"], len(second["messages"])) == ("", 3)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="Parquet"):
        export([talk("c一 s二")], WRITERS["parquet"], tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []
