"""BERTScore: tokens of two texts matched by the cosine of their contextual embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.metrics.overlap import Overlap, aligned
from psyloom.judging.metrics.texts import Given
from psyloom.records import Speaker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
else:
    np = Lazy("numpy", "BERTScore")

torch = Lazy("torch", "BERTScore", "train")
transformers = Lazy("transformers", "BERTScore", "train")

TokenEmbedder: TypeAlias = Callable[[str], "tuple[ArrayLike, ArrayLike]"]
"""text -> (n, d) token embeddings and n weights; weight 0: may be matched, is not counted (special tokens)."""


def bertscore(given: Given, reference: Given, embed: TokenEmbedder, *, side: Speaker | None = None) -> Overlap:
    """Mean BERTScore precision, recall and F1, not rescaled with a baseline.

    Precision matches each token of the text with its most similar one of the reference, recall the other way round.
    Weights are 1, or inverse document frequencies when the embedder gives them.

    Args:    embed: for example ``transformer("bert-base-chinese", layer=8)``.
    Returns: each [-1, 1]; in practice 0.5 to 1, so compare systems, not texts.
    Raises:  UsageError as ``aligned``, MissingExtra.
    Source:  Zhang et al. 2020, ICLR. Equal to the authors' package 0.3.13, which no longer loads some models.
    """
    return Overlap.mean([_match(embed(a), embed(b)) for a, b in aligned(given, reference, side)])


def _match(found: tuple[ArrayLike, ArrayLike], wanted: tuple[ArrayLike, ArrayLike]) -> Overlap:
    similarity = _unit(found[0]) @ _unit(wanted[0]).T
    precision = _average(similarity.max(axis=1), found[1])
    recall = _average(similarity.max(axis=0), wanted[1])
    both = precision + recall
    return Overlap(precision, recall, 2 * precision * recall / both if both else 0.0)


def _average(best: NDArray[np.float64], weights: ArrayLike) -> float:
    weigh = np.asarray(weights, dtype=np.float64)
    return float(best @ weigh / weigh.sum()) if weigh.any() else 0.0


def _unit(rows: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(rows, dtype=np.float64)
    length = np.linalg.norm(array, axis=1, keepdims=True)
    return array / np.where(length, length, 1)


def transformer(model: str, layer: int, *, device: str = "cpu") -> TokenEmbedder:
    """Token embeddings of a Hugging Face encoder.

    Args:    model: name or folder; layer: whose hidden state is taken, 0 being the embedding layer (the paper tunes
             it: 9 for bert-base-uncased, 8 for bert-base-chinese, 17 for roberta-large, 40 for deberta-xlarge-mnli).
             Texts longer than the model takes are cut.
    Raises:  MissingExtra when torch or transformers is not installed.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    encoder = transformers.AutoModel.from_pretrained(model).to(device).eval()
    # Some tokenizers state no limit, which reads as 10**30.
    limit = min(tokenizer.model_max_length, getattr(encoder.config, "max_position_embeddings", 512))

    def embed(text: str) -> tuple[ArrayLike, ArrayLike]:
        cut = tokenizer(
            text, truncation=True, max_length=limit, return_special_tokens_mask=True, return_tensors="pt"
        ).to(device)
        special = cut.pop("special_tokens_mask")[0]
        with torch.no_grad():
            hidden = encoder(**cut, output_hidden_states=True).hidden_states[layer][0]
        return hidden.cpu().double().numpy(), (1 - special).cpu().double().numpy()

    return embed
