"""psyloom classifier train|annotate"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.cli.place import Place
from psyloom.errors import UsageError

if TYPE_CHECKING:
    from psyloom.training.classifier import Recipe


@click.group()
def classifier() -> None:
    """Learn a label set with a small encoder, and label dialogues with it. Needs the extra ``train``."""


@classifier.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--labels", required=True, help="Label set to learn.")
@click.option("--speaker", required=True, type=click.Choice(["client", "counselor"]), help="Whose sentences.")
@click.option("--out", required=True, type=Place(), help="Folder for the classifier.")
@click.option("--base", help="Pretrained encoder, by name or path. Default: a small new one.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Anything else of the recipe, e.g. epochs=3."
)
def train(dialogues: Path, out: Path, settings: tuple[str, ...], **given: Any) -> None:
    """Learn from labelled dialogues (a file or a run's folder), split 70/15/15.

    Learned are the labels themselves; with --set level=coarse the groups above them (client_reaction: positive,
    negative, others), which is what `annotate --favor negative=0.2` needs.

    Example: psyloom classifier train labelled.jsonl --labels client_reaction --speaker client --set level=coarse --out
    reactions
    """
    from pydantic import ValidationError

    from psyloom.cli.run import pairs
    from psyloom.records import Dialogue, read_jsonl
    from psyloom.runs.folder import dialogues_in
    from psyloom.systems.catalog import json_or_text
    from psyloom.training.classifier import Recipe
    from psyloom.training.learn import train as learn

    named = {key: json_or_text(value) for key, value in pairs(settings).items()}
    try:
        recipe = Recipe(**{key: value for key, value in given.items() if value is not None}, **named)
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        what = f"this is no recipe: {'.'.join(map(str, error['loc']))}={error['input']}: {error['msg']}"
        raise UsageError(what, do=f"--set takes {', '.join(Recipe.model_fields)}") from trouble
    except TypeError as trouble:
        raise UsageError(f"this is no recipe: {trouble}", do="--set is for what has no option of its own") from trouble

    def tell(epoch: int, macro_f1: float) -> None:
        click.echo(f"epoch {epoch} of {recipe.epochs}: macro-F1 {macro_f1:.3f}", err=True)

    for part, scores in learn(read_jsonl(dialogues_in(dialogues), Dialogue), recipe, out, tell).items():
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
@click.option("--out", required=True, type=Place(), help="Output folder; the same one continues a run.")
@click.option("--as", "by", default="", metavar="NAME", help="The annotator's name on its labels. Default: classifier.")
@click.option(
    "--favor",
    "favored",
    multiple=True,
    metavar="LABEL=P",
    help="Give a rare label from this probability on: one that the classifier learned, so a group only after training "
    "with --set level=coarse.",
)
def annotate(folder: Path, dialogues: Path, out: Path, by: str, favored: tuple[str, ...]) -> None:
    """Label dialogues (a file or a run's folder) with a trained classifier; labels of other annotators stay.

    Example, of one that was trained with --set level=coarse: psyloom classifier annotate reactions dialogues.jsonl --out
    labelled --favor negative=0.2
    """
    import asyncio

    from psyloom.cli.run import pairs
    from psyloom.runs import run_cases
    from psyloom.runs.words import counted
    from psyloom.training.annotator import ClassifierAnnotator
    from psyloom.training.classifier import load

    recipe = load(str(folder)).recipe
    favor = {label: _chance(label, value, recipe) for label, value in pairs(favored).items()}
    summary = asyncio.run(run_cases(ClassifierAnnotator(path=folder, favor=favor), dialogues, out, by=by))
    made = counted(f"{summary.dialogues} dialogues, {summary.failures} failures")
    click.echo(f"{made}    read them: psyloom show {out}")


def _chance(label: str, value: str, recipe: "Recipe") -> float:
    from psyloom.errors import UnknownName

    if label not in recipe.classes():
        if recipe.set().children(label):
            what = f"--favor {label}={value}: {label} is a group, and this classifier learned the labels below it"
            raise UsageError(what, do="train one with --set level=coarse, or favor one of its labels")
        raise UnknownName("label of this classifier", label, recipe.classes())
    try:
        return float(value)
    except ValueError as trouble:
        raise UsageError(f"--favor {label}={value}: no probability", do="write e.g. --favor negative=0.2") from trouble
