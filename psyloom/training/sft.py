"""Supervised fine-tuning of a chat model: plain torch, loss on the counselor's words only. Extra ``train``.

Meant for dry runs and small models: what a recipe does is seen in seconds, on a CPU, before a large run is paid for
elsewhere (`psyloom export` writes for LLaMA-Factory, ms-swift, XTuner and TRL). The mask is the one that EmoLLM's and
SMILE's trainers apply: what the client says, the system prompt and the template are read, not learned.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import cycle, islice
from math import cos, pi
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from psyloom.errors import MissingExtra, UsageError
from psyloom.formats.write import WRITERS, ExportOptions
from psyloom.formats.write.chat import chat
from psyloom.formats.write.examples import cut
from psyloom.formats.write.writer import make_plan
from psyloom.records import Dialogue

SKIP = -100  # torch's own word for a token that is not learned
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_ROLES = ("<|system|>", "<|user|>", "<|assistant|>")


class SFTRecipe(BaseModel):
    """How a model is tuned. The defaults are for a dry run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    base: str | None = Field(None, description="chat model by name or path; if not given: a tiny new one")
    system: str | None = Field(None, description="system prompt; if not given: each dialogue's own")
    steps: int = Field(20, ge=1, description="optimizer steps")
    batch: int = Field(4, ge=1, description="dialogues in a step")
    limit: int = Field(2048, ge=16, description="tokens of a dialogue; longer ones are cut at their end")
    rate: float = Field(
        1e-4, gt=0, description="learning rate of AdamW, warmed up over 3 % of the steps, then cosine to 0"
    )
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    width: int = Field(64, ge=8, description="hidden size of a new model")
    layers: int = Field(2, ge=1, description="layers of a new model")
    seed: int = 0


class Sample(NamedTuple):
    """Tokens of a dialogue. learned: the same tokens, SKIP where nothing is learned."""

    ids: list[int]
    learned: list[int]


class Trained(NamedTuple):
    """What came of it: loss of each step, tokens read and learned."""

    losses: list[float]
    read: int
    learned: int


def train(dialogues: Iterable[Dialogue], recipe: SFTRecipe, out: Path | None = None) -> Trained:
    """Tune a model on whole dialogues; it is saved to ``out``, a dry run without it is not.

    Raises:  UsageError when nothing can be learned; MissingExtra without torch and transformers.
    """
    torch, _ = _libraries()
    torch.manual_seed(recipe.seed)
    given = list(dialogues)
    tokenizer, model = _model(given, recipe)
    samples = [one for one in samples_of(given, tokenizer, recipe) if any(token != SKIP for token in one.learned)]
    if not samples:
        raise UsageError("there is no counselor's message to learn", do="give dialogues in which a counselor speaks")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, betas=(0.9, 0.999))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, recipe.steps))
    losses, stream = [], cycle(samples)
    for _ in range(recipe.steps):
        ids, learned = _padded(list(islice(stream, recipe.batch)), tokenizer.pad_token_id, device)
        loss = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long(), labels=learned).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    if out:
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
    read = sum(len(one.ids) for one in samples)
    return Trained(losses, read, sum(token != SKIP for one in samples for token in one.learned))


def samples_of(dialogues: Iterable[Dialogue], tokenizer: Any, recipe: SFTRecipe) -> Iterator[Sample]:
    """Dialogues as tokens, cut as the exports are: the user first, a learned message last, weights 0 masked."""
    system = {"system": "given", "system_text": recipe.system} if recipe.system else {}
    plan = make_plan(WRITERS["swift"], ExportOptions(unit="dialogue", weights="write", **system))
    for dialogue in dialogues:
        for example in cut(dialogue, plan):
            weights = [1.0] * bool(example.system) + [message.weight for message in example.messages]
            rows = [{"role": row["role"], "content": row["content"]} for row in chat(example, plan)]
            yield encode(rows, weights, tokenizer, recipe.limit)


def encode(rows: Sequence[dict[str, Any]], weights: Sequence[float], tokenizer: Any, limit: int) -> Sample:
    """Messages under the tokenizer's chat template; learned is what an assistant says, up to the end of its turn.

    Raises:  UsageError for a template that writes a message otherwise when another follows: then nobody can tell
             where it begins.
    """
    ids: list[int] = []
    learned: list[int] = []
    done = ""
    for at, (row, weight) in enumerate(zip(rows, weights, strict=True)):
        opened = _templated(tokenizer, rows[:at], prompt=True) if row["role"] == "assistant" else done
        whole = _templated(tokenizer, rows[: at + 1])
        if not (opened.startswith(done) and whole.startswith(opened)):
            raise UsageError("the chat template changes what stands before", do="take a model with another template")
        for text, wanted in (
            (opened[len(done) :], False),
            (whole[len(opened) :], row["role"] == "assistant" and weight > 0),
        ):
            tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
            ids += tokens
            learned += tokens if wanted else [SKIP] * len(tokens)
        done = whole
    return Sample(ids[:limit], learned[:limit])


def _templated(tokenizer: Any, rows: Sequence[dict[str, Any]], *, prompt: bool = False) -> str:
    if not rows and not prompt:
        return ""
    text: str = tokenizer.apply_chat_template(list(rows), tokenize=False, add_generation_prompt=prompt)
    return text


def _share(step: int, steps: int) -> float:
    """Of the learning rate, at a step."""
    warm = max(1, round(0.03 * steps))
    return (step + 1) / warm if step < warm else 0.5 * (1 + cos(pi * (step - warm) / max(1, steps - warm)))


def _padded(samples: Sequence[Sample], pad: int, device: str) -> tuple[Any, Any]:
    torch, _ = _libraries()
    longest = max(len(one.ids) for one in samples)

    def filled(rows: Iterable[list[int]], with_: int) -> Any:
        return torch.tensor([row + [with_] * (longest - len(row)) for row in rows], device=device)

    return filled((one.ids for one in samples), pad), filled((one.learned for one in samples), SKIP)


def _model(dialogues: Sequence[Dialogue], recipe: SFTRecipe) -> tuple[Any, Any]:
    """(tokenizer, model): the given one, or a tiny one whose tokens are the characters of these dialogues."""
    _, transformers = _libraries()
    if recipe.base:
        tokenizer = transformers.AutoTokenizer.from_pretrained(recipe.base)
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        return tokenizer, transformers.AutoModelForCausalLM.from_pretrained(recipe.base)
    tokenizer = characters(turn.text for dialogue in dialogues for turn in dialogue.turns)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=recipe.width, intermediate_size=2 * recipe.width,
        num_hidden_layers=recipe.layers, num_attention_heads=max(1, recipe.width // 32),
        max_position_embeddings=recipe.limit, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    return tokenizer, transformers.LlamaForCausalLM(config)


def characters(texts: Iterable[str]) -> Any:
    """A tokenizer whose tokens are characters, with a chat template: it needs no download."""
    _, transformers = _libraries()
    tk = import_module("tokenizers")
    special = ["[PAD]", "[UNK]", "[END]", *_ROLES]
    seen = Counter(c for text in texts for c in text)
    raw = tk.Tokenizer(
        tk.models.WordLevel({token: at for at, token in enumerate([*special, *seen])}, unk_token="[UNK]")
    )
    raw.pre_tokenizer = tk.pre_tokenizers.Split(tk.Regex(r"[\s\S]"), "isolated")
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="[PAD]",
        unk_token="[UNK]",
        eos_token="[END]",
        additional_special_tokens=list(_ROLES),
    )
    made.chat_template = TEMPLATE
    return made


def _libraries() -> tuple[Any, Any]:
    try:
        return import_module("torch"), import_module("transformers")
    except ModuleNotFoundError as absent:
        raise MissingExtra("fine-tuning (torch and transformers)", "train") from absent
