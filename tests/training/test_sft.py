"""Fine-tuning: what is learned, and that a dry run goes through."""

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from psyloom.cli.tune import tune
from psyloom.errors import MissingExtra, UsageError
from psyloom.records import Dialogue, Lang, Session, Turn, write_jsonl
from psyloom.training import sft
from psyloom.training.sft import SKIP, SFTRecipe, encode, samples_of

SAID = {
    "zh": [("我睡不着。", "多久了？"), ("两周了。", "那两周发生了什么？")],
    "en": [("I cannot sleep.", "Since when?"), ("For two weeks.", "What happened then?")],
}


def talk(lang: Lang = "zh", id_: str = "d", **more: Any) -> Dialogue:
    turns = [turn for asked, told in SAID[lang] for turn in (Turn.client(asked), Turn.counselor(told))]
    return Dialogue(id=id_, lang=lang, sessions=[Session(turns=turns)], **more)


class Letters:
    """A tokenizer with letters for tokens and a template, so that the mask can be seen without torch."""

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": [ord(c) for c in text]}

    def apply_chat_template(self, rows: list[dict[str, str]], *, add_generation_prompt: bool, **_: Any) -> str:
        told = "".join(f"<{row['role'][0]}>{row['content']}|" for row in rows)
        return told + ("<a>" if add_generation_prompt else "")


def learned(sample: sft.Sample) -> str:
    return "".join("·" if token == SKIP else chr(token) for token in sample.learned)


@pytest.mark.accepts("emollm", 9)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_only_what_the_counselor_says_and_its_end_is_learned(lang: Lang) -> None:
    (sample,) = samples_of([talk(lang, extra={"system": "请倾听。"})], Letters(), SFTRecipe())
    read = "".join(map(chr, sample.ids))
    assert read.startswith("<s>请倾听。|<u>")
    shown = learned(sample)
    assert len(shown) == len(read)
    assert shown.replace("·", "") == "".join(f"{told}|" for _, told in SAID[lang])
    assert all("·" * len(asked) == shown[read.index(asked) :][: len(asked)] for asked, _ in SAID[lang])
    assert shown[read.index("请倾听。")] == "·"


@pytest.mark.accepts("emollm", 9)
def test_a_turn_of_weight_0_is_read_and_not_learned() -> None:
    one = talk()
    one.turns[1].extra["weight"] = 0
    (sample,) = samples_of([one], Letters(), SFTRecipe(system="S"))
    assert learned(sample).replace("·", "") == "那两周发生了什么？|"
    assert "多久了？" in "".join(map(chr, sample.ids))


def test_a_long_dialogue_is_cut_at_its_end() -> None:
    (sample,) = samples_of([talk()], Letters(), SFTRecipe(limit=16))
    assert len(sample.ids) == len(sample.learned) == 16


def test_a_template_that_rewrites_what_stands_before_is_refused() -> None:
    class Counting(Letters):
        def apply_chat_template(self, rows: list[dict[str, str]], **more: Any) -> str:
            return f"{len(rows)}" + super().apply_chat_template(rows, **more)

    with pytest.raises(UsageError, match="template"):
        encode([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], [0, 1], Counting(), 100)


@pytest.mark.accepts("emollm", 9)
def test_a_dry_run_on_the_cpu_with_a_tiny_model_finishes_learns_and_saves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    write_jsonl(tmp_path / "d.jsonl", [talk("zh", "a"), talk("en", "b")])
    words = [str(tmp_path / "d.jsonl"), "--dry-run", "--set", "steps=30", "--set", "rate=0.01"]
    done = CliRunner().invoke(tune, words, catch_exceptions=False)
    told = sum(len(reply) + 1 for lang in ("zh", "en") for _, reply in SAID[lang])
    assert f"{told} of " in done.output
    first, last = (float(word) for word in done.output.split("loss ")[1].split("\n")[0].split(" -> "))
    assert last < first / 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.jsonl"]


def test_a_tuned_model_is_saved_and_can_be_tuned_on(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    sft.train([talk()], SFTRecipe(steps=2), tmp_path / "one")
    again = sft.train([talk()], SFTRecipe(base=str(tmp_path / "one"), steps=2))
    assert len(again.losses) == 2


def test_nothing_to_learn_is_told() -> None:
    pytest.importorskip("torch")
    silent = Dialogue(id="d", lang="zh", sessions=[Session(turns=[Turn.client("有人吗？")])])
    with pytest.raises(UsageError, match="no counselor's message"):
        sft.train([silent], SFTRecipe(steps=1))


@pytest.mark.parametrize(
    ("words", "told"), [((), "--dry-run or --out"), (("--dry-run", "--set", "epochs=3"), "no recipe")]
)
def test_a_wrong_wish_is_told(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk()])
    with pytest.raises(UsageError, match=told):
        CliRunner().invoke(tune, [str(tmp_path / "d.jsonl"), *words], catch_exceptions=False)


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"psyloom\[train\]"):
        sft.train([talk()], SFTRecipe())
