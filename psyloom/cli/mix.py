"""psyloom mix talks.jsonl=2 posts.jsonl=1 --out mixed.jsonl"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from psyloom.cli.place import Place
from psyloom.errors import UsageError

if TYPE_CHECKING:
    from psyloom.curation.mix import Count, Part


@click.command()
@click.argument("parts", nargs=-1, required=True, metavar="FILE=SHARE...")
@click.option("--out", required=True, type=Place(), help="JSON Lines file to write.")
@click.option(
    "--count", type=click.Choice(["replies", "dialogues"]), default="replies", show_default=True,
    help="What the shares are shares of: counselor messages or dialogues.",
)  # fmt: skip
@click.option("--most", type=click.IntRange(1), help="Of them altogether; if not given: as many as there are.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws others.")
def mix(parts: tuple[str, ...], out: Path, count: "Count", most: int | None, seed: int) -> None:
    """Mix files of dialogues at a chosen ratio. Cases with post and answers count as single-turn dialogues.

    Example: psyloom mix conversations.jsonl=2 posts.jsonl=1 --out mixed.jsonl
    """
    from psyloom.curation.mix import mix as mixed
    from psyloom.records import write_jsonl

    given = [_part(word) for word in parts]
    number = write_jsonl(out, mixed(given, count=count, most=most, seed=seed))
    whole = sum(part.taken for part in given)
    click.echo(f"{out}: {number} dialogues")
    for part in given:
        click.echo(
            f"  {part.path}: {part.taken} of {part.there} {count}, {part.taken / max(1, whole):.1%} of the whole"
        )


def _part(word: str) -> "Part":
    from psyloom.curation.mix import Part

    path, _, share = word.rpartition("=")
    if not path or not re.fullmatch(r"\d+(?:\.\d+)?", share):
        raise UsageError(f"cannot read {word!r}", do="write FILE=SHARE, e.g. conversations.jsonl=2")
    return Part(Path(path), float(share))
