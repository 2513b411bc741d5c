"""Training and evaluation of the sentence classifier.

Recipe: arXiv 2306.15334; not followed: the masked language model as a second loss, and the domain post-training.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from psyloom.errors import UsageError
from psyloom.formats.write import ExportOptions
from psyloom.formats.write.splits import split_of
from psyloom.records import Dialogue
from psyloom.training.classifier import Classifier, Recipe, libraries, load, new
from psyloom.training.sentences import Message, foretelling, labelled, messages


@dataclass(frozen=True)
class Scores:
    """How well sentences are classified. f1: class -> F1, for every class that occurs or is predicted.

    chance: accuracy of always giving the most frequent class.
    """

    sentences: int
    accuracy: float
    macro_f1: float
    chance: float
    f1: dict[str, float]


def train(
    dialogues: Iterable[Dialogue],
    recipe: Recipe,
    out: Path | str,
    on_epoch: Callable[[int, float], None] = lambda epoch, macro_f1: None,
) -> dict[str, Scores]:
    """Learn from labelled dialogues; the epoch with the best macro-F1 on the validation part is saved to ``out``.

    Dialogues are split 70/15/15 as a whole. ``on_epoch`` hears after each epoch, from 1 on, how well it went.
    Returns: part -> scores: train, valid and test, those that hold a labelled sentence.
    Raises:  UsageError when there is nothing to learn from; MissingExtra without torch and transformers.
    """
    torch, _ = libraries()
    given, out = list(dialogues), Path(out)
    parts = _parts(given, recipe)
    torch.manual_seed(recipe.seed)
    classifier = new(recipe, given)
    optimizer = torch.optim.AdamW(
        [*classifier.encoder.parameters(), *classifier.head.parameters()], lr=recipe.rate, weight_decay=recipe.decay
    )
    steps = recipe.epochs * -(-len(parts["train"]) // recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    best, watched = -1.0, parts["valid"] or parts["train"]
    for epoch in range(recipe.epochs):
        _epoch(classifier, parts["train"], optimizer, schedule, random.Random(f"{recipe.seed}/{epoch}"))
        score = evaluate(classifier, watched).macro_f1
        on_epoch(epoch + 1, score)
        if score > best:
            best = score
            classifier.save(out)
    load.cache_clear()
    kept = load(str(out))
    scores = {part: evaluate(kept, found) for part, found in parts.items() if found}
    (out / "scores.json").write_text(json.dumps({part: asdict(one) for part, one in scores.items()}, indent=2), "utf-8")
    return scores


def _parts(dialogues: Sequence[Dialogue], recipe: Recipe) -> dict[str, list[Message]]:
    """train, valid, test: messages with a labelled sentence."""
    parts: dict[str, list[Message]] = {"train": [], "valid": [], "test": []}
    options = ExportOptions(splits=(70, 15, 15), seed=recipe.seed)
    for dialogue in dialogues:
        for message in messages(dialogue, recipe.speaker, recipe.context):
            known = (foretelling if recipe.ahead else labelled)(message, recipe.labels, recipe.by, recipe.learned)
            if any(known.labels):
                parts[split_of(dialogue, options)].append(known)
    if not parts["train"]:
        what = f"no {'answer to the' if recipe.ahead else 'sentence of the'} {recipe.speaker} carries a label of {recipe.labels!r}"
        raise UsageError(what, do="annotate dialogues first, or choose another label set")
    return parts


def _epoch(classifier: Classifier, given: Sequence[Message], optimizer: Any, schedule: Any, rng: random.Random) -> None:
    torch, _ = libraries()
    classes, recipe = classifier.recipe.classes(), classifier.recipe
    classifier.encoder.train()
    order = rng.sample(given, len(given))
    for start in range(0, len(order), recipe.batch):
        sequences = [
            (one, message) for message in order[start : start + recipe.batch] for one in classifier.sequences(message)
        ]
        wanted = [message.labels[at] for one, message in sequences for at in one.own]
        # -100: a sentence without a label is read and not learned.
        target = torch.tensor([classes.index(w) if w else -100 for w in wanted], device=classifier.device)
        loss = torch.nn.functional.cross_entropy(classifier.logits([one for one, _ in sequences]), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], recipe.clip)
        optimizer.step()
        schedule.step()


def evaluate(classifier: Classifier, given: Sequence[Message]) -> Scores:
    """Scores on messages whose labels are known."""
    classes = classifier.recipe.classes()
    pairs = [
        (wanted, classes[max(range(len(classes)), key=row.__getitem__)])
        for message, rows in zip(given, classifier.chances(given), strict=True)
        for wanted, row in zip(message.labels, rows, strict=True)
        if wanted
    ]
    hits = Counter(wanted for wanted, found in pairs if wanted == found)
    gold, said = Counter(wanted for wanted, _ in pairs), Counter(found for _, found in pairs)
    f1 = {c: 2 * hits[c] / (gold[c] + said[c]) for c in classes if gold[c] + said[c]}
    return Scores(
        len(pairs), hits.total() / len(pairs), sum(f1.values()) / len(f1), max(gold.values()) / len(pairs), f1
    )
