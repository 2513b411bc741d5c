from pathlib import Path

import pytest

from psyloom.judging.metrics import bertscore, transformer

VECTORS = {"sad": [1.0, 0.0], "happy": [0.0, 2.0], "blue": [3.0, 4.0]}


def embed(text: str) -> tuple[list[list[float]], list[float]]:
    return [VECTORS[word] for word in text.split()], [1.0] * len(text.split())


def test_each_token_is_matched_with_its_most_similar_one() -> None:
    # blue is (0.6, 0.8) of length 1. sad-blue 0.6, happy-blue 0.8.
    # Text "sad happy", reference "blue": precision (0.6 + 0.8) / 2, recall max(0.6, 0.8).
    found = bertscore("sad happy", "blue", embed)
    assert (found.precision, found.recall) == pytest.approx((0.7, 0.8))
    assert found.f1 == pytest.approx(2 * 0.7 * 0.8 / 1.5)


def test_scores_are_averaged_over_texts() -> None:
    assert bertscore(["sad", "sad"], ["sad", "blue"], embed).f1 == pytest.approx((1 + 0.6) / 2)


def test_a_token_of_no_weight_can_be_matched_but_does_not_count() -> None:
    def special_first(text: str) -> tuple[list[list[float]], list[float]]:
        rows, weights = embed(f"happy {text}")
        return rows, [0.0, *weights[1:]]

    # happy stands before both: blue finds it (0.8) rather than sad (0.6); it is not averaged in itself.
    assert bertscore("blue", "sad", special_first).precision == pytest.approx(0.8)


@pytest.mark.filterwarnings("ignore")
def test_a_transformer_gives_what_the_authors_package_gives(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    package = pytest.importorskip("bert_score")
    import torch

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "i", "feel", "sad", "happy", "today", "我", "很", "难", "过"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=len(words), initializer_range=1.0, **small)
    transformers.BertModel(config).save_pretrained(tmp_path)
    transformers.BertTokenizer(vocab=str(tmp_path / "vocab.txt"), model_max_length=64).save_pretrained(tmp_path)

    texts, wanted = ["i feel sad", "我 很 难 过 today"], ["i feel happy today", "我 难 过"]
    theirs = package.score(texts, wanted, model_type=str(tmp_path), num_layers=2)
    ours = bertscore(texts, wanted, transformer(str(tmp_path), layer=2))
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx([float(part.mean()) for part in theirs], abs=1e-5)
