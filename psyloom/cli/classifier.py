"""psyloom classifier train|annotate"""

import asyncio
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from psyloom.errors import UsageError


@click.group()
def classifier() -> None:
    """Learn a label set with a small encoder, and label dialogues with it. Needs the extra ``train``."""


@classifier.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--labels", required=True, help="Label set to learn.")
@click.option("--speaker", required=True, type=click.Choice(["client", "counselor"]), help="Whose sentences.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the classifier.")
@click.option("--base", help="Pretrained encoder, by name or path. Default: a small new one.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Anything else of the recipe, e.g. epochs=3."
)
def train(dialogues: Path, out: Path, settings: tuple[str, ...], **given: Any) -> None:
    """Learn from labelled dialogues, split 70/15/15.

    Example: psyloom classifier train labelled.jsonl --labels client_reaction --speaker client --out reactions
    """
    from psyloom.cli.run import pairs
    from psyloom.records import Dialogue, read_jsonl
    from psyloom.systems.catalog import json_or_text
    from psyloom.training.classifier import Recipe
    from psyloom.training.learn import train as learn

    named = {key: json_or_text(value) for key, value in pairs(settings).items()}
    try:
        recipe = Recipe(**{key: value for key, value in given.items() if value is not None}, **named)
    except (ValidationError, TypeError) as trouble:
        fields = ", ".join(Recipe.model_fields)
        raise UsageError(f"this is no recipe: {trouble}", do=f"--set takes {fields}") from trouble
    for part, scores in learn(read_jsonl(dialogues, Dialogue), recipe, out).items():
        click.echo(
            f"{part}: {scores.sentences} sentences, accuracy {scores.accuracy:.3f} (chance {scores.chance:.3f}), "
            f"macro-F1 {scores.macro_f1:.3f}"
        )
    click.echo(
        f"F1 of each label: {out / 'scores.json'}    use it: psyloom classifier annotate {out} DIALOGUES --out DIR"
    )


@classifier.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Output folder; the same one continues a run."
)
@click.option("--as", "by", default="", metavar="NAME", help="The annotator's name on its labels. Default: classifier.")
@click.option(
    "--favor", "favored", multiple=True, metavar="LABEL=P", help="Give a rare label from this probability on."
)
def annotate(folder: Path, dialogues: Path, out: Path, by: str, favored: tuple[str, ...]) -> None:
    """Label dialogues with a trained classifier; labels of other annotators stay.

    Example: psyloom classifier annotate reactions dialogues.jsonl --out labelled --favor negative=0.2
    """
    from psyloom.cli.run import pairs
    from psyloom.runs import run_cases
    from psyloom.training.annotator import ClassifierAnnotator
    from psyloom.training.classifier import load

    classes = load(str(folder)).recipe.classes()
    favor = {label: _chance(label, value, classes) for label, value in pairs(favored).items()}
    summary = asyncio.run(run_cases(ClassifierAnnotator(path=folder, favor=favor), dialogues, out, by=by))
    click.echo(f"{summary.dialogues} dialogues, {summary.failures} failures    read them: psyloom show {out}")


def _chance(label: str, value: str, classes: tuple[str, ...]) -> float:
    from psyloom.errors import UnknownName

    if label not in classes:
        raise UnknownName("label of this classifier", label, classes)
    try:
        return float(value)
    except ValueError as trouble:
        raise UsageError(f"--favor {label}={value}: no probability", do="write e.g. --favor negative=0.2") from trouble
