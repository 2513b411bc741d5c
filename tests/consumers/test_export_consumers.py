"""Each export loads in the tool it was written for. A tool that is not installed is left out.

pip install datasets trl sdialog inspect_ai pyarrow
python -m pytest tests/consumers
"""

import json

import pytest

from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.records import Dialogue, Element, Label, Session, Turn

# The tools' own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


def dialogue(number):
    first = Turn(
        speaker="counselor",
        text="听起来很累。\n多久了？",
        thought=[Element(name="think", text="先接住")],
        labels=[Label(set="skill", id="question")],
        extra={"rejected": ["早点睡。"]},
    )
    turns = [Turn.client(f"我总是失眠\u2028{number}。"), first, Turn.client("三个月。"), Turn.counselor("说说看。")]
    return Dialogue(
        id=f"d{number}", lang="zh", sessions=[Session(turns=turns)], extra={"system": "请倾听。"} if number % 2 else {}
    )


DIALOGUES = [dialogue(number) for number in range(40)]


def put(folder, name, **options):
    writer = WRITERS[name]
    out = folder / name if writer.finish or not writer.suffixes else folder / f"{name}{writer.suffixes[0]}"
    return export(DIALOGUES, writer, out, ExportOptions(**options)).splits["train"].path


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load a file as Hugging Face datasets do, without a network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")

    def load_file(path, kind="json"):
        return datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))

    return load_file


ROWS = sorted(name for name, writer in WRITERS.items() if writer.units and name != "parquet")


@pytest.mark.parametrize("thoughts", ["out", "hidden"])
@pytest.mark.parametrize(("name", "unit"), [(name, unit) for name in ROWS for unit in WRITERS[name].units])
def test_datasets_load_every_trainers_file(name, unit, thoughts, load, tmp_path):
    path = put(tmp_path, name, unit=unit, thoughts=thoughts)
    data = load(path)
    text = path.read_text()
    rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n")[:-1]]
    assert data["id"] == [row["id"] for row in rows]
    assert "\u2028" in json.dumps(data[0], ensure_ascii=False)


@pytest.mark.parametrize("unit", ["turn", "dialogue"])
def test_datasets_load_parquet(unit, load, tmp_path):
    pytest.importorskip("pyarrow")
    data = load(put(tmp_path, "parquet", unit=unit, thoughts="hidden"), "parquet")
    assert data[0]["messages"][1]["reasoning_content"] == "先接住"
    assert len(data) == (80 if unit == "turn" else 40)
    assert set(data["lang"]) == {"zh"}


def test_parquet_comes_in_many_groups_and_loses_no_row(tmp_path, monkeypatch):
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("psyloom.formats.write.parquet.ROWS_A_GROUP", 7)
    file = pq.ParquetFile(put(tmp_path, "parquet"))
    assert file.num_row_groups > 3
    assert [row["id"] for row in file.read().to_pylist()] == [d.id for d in DIALOGUES]


def test_datasets_load_csv_without_the_spreadsheets_mark_in_a_column(load, tmp_path):
    data = load(put(tmp_path, "csv"), "csv")
    assert data.column_names[:2] == ["dialogue", "lang"]
    assert data[1]["text"] == "听起来很累。\n多久了？"


def test_datasets_find_the_splits_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    done = export(DIALOGUES, WRITERS["messages"], tmp_path / "cbt", ExportOptions(splits="60/20/20"))
    data = datasets.load_dataset(str(tmp_path / "cbt"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in data.items()} == {
        "train": done.splits["train"].examples,
        "validation": done.splits["valid"].examples,
        "test": done.splits["test"].examples,
    }


CHAT = (
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<end>"
    "{% endgeneration %}{% else %}{{ m.content }}<end>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture
def trl(tmp_path, monkeypatch):
    """TRL with a model of a few hundred weights and one token for each character."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    trl = pytest.importorskip("trl")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    signs = ["<pad>", "<unk>", "<end>", "<user>", "<assistant>", "<system>"]
    chars = sorted({char for d in DIALOGUES for turn in d.turns for char in turn.text} | set("请倾听早点睡。"))
    core = Tokenizer(models.WordLevel({sign: i for i, sign in enumerate(signs + chars)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", unk_token="<unk>", eos_token="<end>", chat_template=CHAT,
        additional_special_tokens=signs[3:],
    )  # fmt: skip
    config = transformers.LlamaConfig(
        vocab_size=len(signs) + len(chars), hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, pad_token_id=0, eos_token_id=2, bos_token_id=2,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "tiny")
    common = {"output_dir": str(tmp_path / "run"), "report_to": "none", "max_steps": 1, "use_cpu": True}
    common |= {"per_device_train_batch_size": 2, "bf16": False}

    def train(kind, data, **more):
        trainer = getattr(trl, f"{kind}Trainer")(
            model=str(tmp_path / "tiny"),
            args=getattr(trl, f"{kind}Config")(**common, **more),
            train_dataset=data,
            processing_class=tokenizer,
        )
        trainer.train()
        return trainer.train_dataset, tokenizer

    return train


def learned(row, tokenizer):
    return tokenizer.decode([token for token in row["labels"] if token != -100]).replace(" ", "")


def test_trl_fine_tunes_on_turns_and_learns_nothing_but_the_target(trl, load, tmp_path):
    rows, tokenizer = trl("SFT", load(put(tmp_path, "trl-sft", unit="turn")))
    assert len(rows) == 80
    assert learned(rows[0], tokenizer) == "听起来很累。\n多久了？<end>"
    assert learned(rows[1], tokenizer) == "说说看。<end>"


def test_trl_fine_tunes_on_whole_dialogues_and_learns_the_counselor_alone(trl, load, tmp_path):
    rows, tokenizer = trl("SFT", load(put(tmp_path, "trl-sft", unit="dialogue")), assistant_only_loss=True)
    assert len(rows) == 40
    assert learned(rows[0], tokenizer) == "听起来很累。\n多久了？<end>说说看。<end>"


def test_trl_prefers_on_pairs(trl, load, tmp_path):
    rows, tokenizer = trl("DPO", load(put(tmp_path, "trl-dpo")))
    assert len(rows) == 40
    assert tokenizer.decode(rows[0]["chosen_ids"]).replace(" ", "") == "听起来很累。\n多久了？<end>"
    assert tokenizer.decode(rows[0]["rejected_ids"]).replace(" ", "") == "早点睡。<end>"


def test_trl_prefers_on_single_replies(trl, load, tmp_path):
    rows, _ = trl("KTO", load(put(tmp_path, "trl-kto")))
    assert sorted(rows["label"]) == [False] * 40 + [True] * 80


def test_sdialog_loads_the_folder(tmp_path):
    sdialog = pytest.importorskip("sdialog")
    dialogs = sdialog.Dialog.from_file(str(put(tmp_path, "sdialog", thoughts="hidden")))
    assert sorted(dialog.id for dialog in dialogs) == sorted(d.id for d in DIALOGUES)
    turns = [(turn.speaker, turn.text) for turn in dialogs[0].turns]
    (ours,) = (d for d in DIALOGUES if d.id == dialogs[0].id)
    assert turns == [(turn.speaker, turn.text) for turn in ours.turns]
    assert [event.content for event in dialogs[0].events if event.action == "think"] == ["先接住"]


def test_inspect_reads_the_log(tmp_path):
    inspect_log = pytest.importorskip("inspect_ai.log")
    log = inspect_log.read_eval_log(str(put(tmp_path, "inspect", thoughts="hidden")))
    assert (log.status, len(log.samples)) == ("success", 40)
    sample = log.samples[0]
    assert [message.role for message in sample.messages] == ["user", "assistant", "user", "assistant"]
    assert sample.messages[1].text == "听起来很累。\n多久了？"
    assert sample.messages[1].content[0].reasoning == "先接住"
    assert sample.output.completion == "说说看。"


def test_inspect_reads_the_head_of_the_log_alone_and_writes_it_anew(tmp_path):
    inspect_log = pytest.importorskip("inspect_ai.log")
    path = put(tmp_path, "inspect")
    assert inspect_log.read_eval_log(str(path), header_only=True).eval.task == "inspect"
    inspect_log.write_eval_log(inspect_log.read_eval_log(str(path)), str(tmp_path / "again.eval"))
    assert len(inspect_log.read_eval_log(str(tmp_path / "again.eval")).samples) == 40


def test_llamafactory_takes_every_example_of_every_split(tmp_path, load):
    parser = pytest.importorskip("llamafactory.data.parser", exc_type=ImportError)
    converter = pytest.importorskip("llamafactory.data.converter", exc_type=ImportError)
    done = export(DIALOGUES, WRITERS["llamafactory"], tmp_path / "cbt", ExportOptions(splits="80/20"))
    for split, counted in done.splits.items():
        (data,) = parser.get_dataset_list([f"cbt_{split}"], str(tmp_path / "cbt"))
        convert = converter.get_dataset_converter(data.formatting, data, None)
        taken = [convert(row) for row in load(tmp_path / "cbt" / data.dataset_name)]
        assert len(taken) == counted.examples
        # A broken example would come out without a prompt.
        assert all([m["role"] for m in row["_prompt"]] == ["user", "assistant", "user"] for row in taken)
        assert {row["_response"][0]["content"] for row in taken} == {"说说看。"}
        assert {row["_system"] for row in taken} == {"", "请倾听。"}


@pytest.mark.parametrize(("options", "key"), [({"unit": "turn"}, "loss"), ({"weights": "write"}, "loss_scale")])
def test_swift_takes_every_example_and_its_losses(options, key, tmp_path, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "cache"))
    swift = pytest.importorskip("swift.dataset", exc_type=ImportError)
    path = put(tmp_path, "swift", **options)
    data, _ = swift.load_dataset([str(path)], strict=True)
    kept = [[message.get(key) for message in row["messages"] if message["role"] == "assistant"] for row in data]
    rows = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    assert kept == [[m[key] for m in row["messages"] if m["role"] == "assistant"] for row in rows]
