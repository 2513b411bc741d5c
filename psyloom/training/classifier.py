"""A sentence classifier: an encoder, and one linear layer over the mean of the hidden states of each sentence.

Source of form and recipe: arXiv 2306.15334 (client_reactions).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from psyloom.errors import BadRecord, MissingExtra
from psyloom.knowledge import LabelSet, label_set
from psyloom.records import Dialogue, Speaker, Turn
from psyloom.training.sentences import SPEAKERS, Input, Marks, Message, inputs, texts

RECIPE, HEAD = "recipe.json", "head.pt"


class Recipe(BaseModel):
    """How a classifier is trained; the defaults are the paper's, but for the encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    labels: str = Field(description="label set to learn")
    speaker: Speaker = Field(description="whose sentences are labelled")
    level: Literal["fine", "coarse"] = Field(
        "fine", description="coarse: the groups of the labels instead of the labels"
    )
    drop: tuple[str, ...] = Field((), description="labels too rare to be learned; the paper drops three behaviors")
    ahead: bool = Field(
        False, description="learn to foretell the label of the answer to a message, not the message's own"
    )
    by: str | None = Field(None, description="whose labels are learned; if not given: all annotators'")
    base: str | None = Field(None, description="pretrained encoder, by name or path; if not given: a small new one")
    context: int = Field(10, ge=0, description="messages before the target that are read")
    limit: int = Field(510, ge=16, description="tokens of a sequence")
    epochs: int = Field(10, ge=1)
    batch: int = Field(8, ge=1, description="messages in a batch")
    rate: float = Field(5e-5, gt=0, description="learning rate of AdamW, falling linearly to 0")
    decay: float = Field(0.01, ge=0, description="weight decay")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    width: int = Field(64, ge=8, description="hidden size of a new encoder")
    layers: int = Field(2, ge=1, description="layers of a new encoder")
    seed: int = 0

    def set(self) -> LabelSet:
        return label_set(self.labels)

    def classes(self) -> tuple[str, ...]:
        """What can be predicted: label ids."""
        found = self.set()
        leaves = [id_ for id_ in found.leaves.ids if id_ not in self.drop]
        return tuple(dict.fromkeys(self._learned(found, id_) for id_ in leaves))

    def learned(self, word: str) -> str | None:
        """The class of a label that stands in the data; None for what is not learned."""
        found = self.set()
        term = found.find(word)
        class_ = self._learned(found, term.id) if term and term.id not in self.drop else None
        return class_ if class_ in self.classes() else None

    def _learned(self, found: LabelSet, id_: str) -> str:
        above = found.above(id_) if self.level == "coarse" else None
        return above.id if above else id_


@dataclass
class Classifier:
    """An encoder, a tokenizer and a linear layer over the mean of each sentence's hidden states."""

    recipe: Recipe
    tokenizer: Any
    encoder: Any
    head: Any

    @property
    def marks(self) -> Marks:
        ids = {who: self.tokenizer.convert_tokens_to_ids(token) for who, token in SPEAKERS.items()}
        return Marks(self.tokenizer.cls_token_id, self.tokenizer.sep_token_id, ids)

    def sequences(self, message: Message) -> list[Input]:
        def encode(text: str) -> list[int]:
            ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            return ids

        return inputs(message, encode, self.marks, self.recipe.limit)

    def logits(self, batch: Sequence[Input]) -> Any:
        """(sentences, classes), the sentences of all sequences in order."""
        torch, _ = libraries()
        longest = max(len(one.ids) for one in batch)

        def padded(rows: Iterable[Sequence[int]], fill: int) -> Any:
            return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], device=self.device)

        given = {
            "input_ids": padded((one.ids for one in batch), self.tokenizer.pad_token_id),
            "attention_mask": padded(([1] * len(one.ids) for one in batch), 0),
        }
        if getattr(self.encoder.config, "type_vocab_size", 0) > 1:
            given["token_type_ids"] = padded((one.types for one in batch), 0)
        hidden = self.encoder(**given).last_hidden_state
        means = [
            hidden[row, start:end].mean(dim=0)
            for row, one in enumerate(batch)
            for start, end in zip(one.starts, [*one.starts[1:], len(one.ids)], strict=True)
        ]
        return self.head(torch.stack(means))

    @property
    def device(self) -> Any:
        return self.head.weight.device

    def chances(self, given: Sequence[Message]) -> Iterator[list[list[float]]]:
        """For each message: for each of its sentences the probability of every class."""
        torch, _ = libraries()
        self.encoder.eval()
        with torch.no_grad():
            for message in given:
                yield torch.softmax(self.logits(self.sequences(message)), dim=-1).tolist()

    def classify(self, turn: Turn, before: Sequence[Turn], pieces: Sequence[tuple[int, int]]) -> list[dict[str, float]]:
        """For each piece of a message: class -> probability. Of ``before`` as much is read as was in training."""
        known = tuple(before[-self.recipe.context :]) if self.recipe.context else ()
        (rows,) = self.chances([Message(turn, known, tuple(pieces))])
        return [dict(zip(self.recipe.classes(), row, strict=True)) for row in rows]

    def save(self, folder: Path) -> None:
        torch, _ = libraries()
        folder.mkdir(parents=True, exist_ok=True)
        self.encoder.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        torch.save(self.head.state_dict(), folder / HEAD)
        (folder / RECIPE).write_text(self.recipe.model_dump_json(indent=2), "utf-8")


@cache
def load(folder: str) -> Classifier:
    """A trained classifier; on a GPU where there is one.

    Raises: BadRecord when the folder holds none, MissingExtra without torch and transformers.
    """
    torch, transformers = libraries()
    path = Path(folder)
    if not (path / RECIPE).is_file():
        raise BadRecord(f"{path} holds no classifier", do="train one first: psyloom classifier train")
    recipe = Recipe.model_validate_json((path / RECIPE).read_text("utf-8"))
    encoder = transformers.AutoModel.from_pretrained(path)
    head = torch.nn.Linear(encoder.config.hidden_size, len(recipe.classes()))
    head.load_state_dict(torch.load(path / HEAD, weights_only=True))
    return _placed(Classifier(recipe, transformers.AutoTokenizer.from_pretrained(path), encoder, head))


def new(recipe: Recipe, dialogues: Sequence[Dialogue]) -> Classifier:
    """A pretrained encoder, or a small one with the characters of these dialogues, under a fresh linear layer."""
    torch, transformers = libraries()
    if recipe.base:
        tokenizer = transformers.AutoTokenizer.from_pretrained(recipe.base)
        tokenizer.add_special_tokens({"additional_special_tokens": list(SPEAKERS.values())})
        encoder = transformers.AutoModel.from_pretrained(recipe.base)
        encoder.resize_token_embeddings(len(tokenizer))
    else:
        tokenizer = _characters(dialogues, transformers)
        config = transformers.BertConfig(
            vocab_size=len(tokenizer), hidden_size=recipe.width, num_hidden_layers=recipe.layers,
            num_attention_heads=max(1, recipe.width // 32), intermediate_size=2 * recipe.width,
            max_position_embeddings=recipe.limit + 2,
        )  # fmt: skip
        encoder = transformers.BertModel(config)
    head = torch.nn.Linear(encoder.config.hidden_size, len(recipe.classes()))
    return _placed(Classifier(recipe, tokenizer, encoder, head))


def _characters(dialogues: Sequence[Dialogue], transformers: Any) -> Any:
    """A tokenizer whose tokens are characters: it needs no download, and suits Chinese and English alike."""
    tk = import_module("tokenizers")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *SPEAKERS.values()]
    seen = Counter(c for text in texts(dialogues) for c in text.lower() if not c.isspace())
    vocabulary = {token: at for at, token in enumerate([*special, *(c for c, _ in seen.most_common())])}
    raw = tk.Tokenizer(tk.models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.normalizer = tk.normalizers.Sequence([tk.normalizers.Lowercase(), tk.normalizers.Replace(tk.Regex(r"\s+"), "")])
    raw.pre_tokenizer = tk.pre_tokenizers.Split(tk.Regex("."), "isolated")
    names = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, additional_special_tokens=list(SPEAKERS.values()), **names
    )


def _placed(classifier: Classifier) -> Classifier:
    torch, _ = libraries()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    classifier.encoder.to(device)
    classifier.head.to(device)
    return classifier


def libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ModuleNotFoundError as absent:
        raise MissingExtra("the classifier (torch and transformers)", "train") from absent
    return torch, transformers
