"""psyloom tune."""

from pathlib import Path

import click

from psyloom.cli.place import Place
from psyloom.errors import UsageError


@click.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--base", help="Chat model by name or path. Default: a tiny new one.")
@click.option("--out", type=Place(), help="Folder for the tuned model.")
@click.option("--dry-run", is_flag=True, help="Go through all of it and save nothing.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Anything else of the recipe, e.g. steps=100."
)
def tune(dialogues: Path, base: str | None, out: Path | None, dry_run: bool, settings: tuple[str, ...]) -> None:
    """Fine-tune a small chat model on the counselor's words, or try a recipe out. Needs the extra ``train``.

    Example: psyloom tune dialogues.jsonl --dry-run
    """
    from pydantic import ValidationError

    from psyloom.cli.run import pairs
    from psyloom.records import Dialogue, read_jsonl
    from psyloom.systems.catalog import json_or_text
    from psyloom.training.sft import SFTRecipe, train

    if dry_run == bool(out):
        raise UsageError("a dry run saves nothing, a run needs a folder", do="give --dry-run or --out DIR")
    try:
        recipe = SFTRecipe(base=base, **{key: json_or_text(value) for key, value in pairs(settings).items()})
    except (ValidationError, TypeError) as trouble:
        raise UsageError(
            f"this is no recipe: {trouble}", do=f"--set takes {', '.join(SFTRecipe.model_fields)}"
        ) from trouble
    done = train(read_jsonl(dialogues, Dialogue), recipe, out)
    click.echo(f"{done.learned} of {done.read} tokens are learned, the counselor's; {len(done.losses)} steps")
    click.echo(f"loss {done.losses[0]:.3f} -> {done.losses[-1]:.3f}" + (f"    {out}" if out else ""))
