"""psyloom analyze reactions|transitions|annotators DIALOGUES"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from psyloom.judging.analysis import Finding


@click.group()
def analyze() -> None:
    """What labelled dialogues show: tables with intervals, and pictures."""


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--seed", type=int, default=0),
        click.option(
            "--resamples", type=click.IntRange(0), default=1000, help="Bootstrap resamples for the intervals."
        ),
        click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the labels' names."),
        click.option("--out", type=click.Path(path_type=Path), help="Folder for the pictures (SVG)."),
        click.option("--strategies", default="client_reactions_strategy", help="Label set of the counselor."),
        click.option("--by", help="Whose labels count, when several annotators labelled."),
    ):
        command = option(command)
    return command


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--behaviors", default="client_reaction", help="Label set of the client.")
@click.option("--outcome", type=click.Path(path_type=Path), help="Ratings: their numbers, added up, are the score.")
@click.option("--instrument", help="With which instrument, when the ratings are with several.")
@_common
def reactions(
    dialogues: Path,
    behaviors: str,
    outcome: Path | None,
    instrument: str | None,
    strategies: str,
    by: str | None,
    **more: Any,
) -> None:
    """How clients react: given the strategy, over the session, and against the outcome.

    Example: psyloom analyze reactions labelled/dialogues.jsonl --outcome survey.jsonl --out pictures
    """
    from psyloom.judging.analysis import Scheme, coded, outcomes, reactions_report
    from psyloom.records import Dialogue, Rating, read_jsonl

    scores = outcomes(read_jsonl(outcome, Rating), instrument) if outcome else None
    sessions = coded(read_jsonl(dialogues, Dialogue), Scheme(strategies, behaviors), by=by, outcome=scores)
    _show(reactions_report, sessions, **more)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@_common
def transitions(dialogues: Path, strategies: str, by: str | None, **more: Any) -> None:
    """Which strategy follows which.

    Example: psyloom analyze transitions labelled/dialogues.jsonl --strategies escot_strategy --by escot
    """
    from psyloom.judging.analysis import Scheme, coded, transitions_report
    from psyloom.records import Dialogue, read_jsonl

    sessions = coded(read_jsonl(dialogues, Dialogue), Scheme(strategies), by=by)
    _show(transitions_report, sessions, **more)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--set", "label_set", help="Only labels of this set.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Ratings file for `psyloom agree`.")
def annotators(dialogues: Path, label_set: str | None, out: Path) -> None:
    """Write what annotators labelled as ratings, a sentence or a message each, so that they can be compared.

    Example: psyloom analyze annotators both.jsonl --out ratings.jsonl && psyloom agree ratings.jsonl
    """
    from psyloom.judging.analysis.annotators import ratings_of_labels
    from psyloom.records import Dialogue, read_jsonl, write_jsonl

    count = write_jsonl(out, ratings_of_labels(read_jsonl(dialogues, Dialogue), label_set))
    click.echo(f"{out}: {count} ratings    compare them: psyloom agree {out}")


def _show(report: "Callable[..., Iterable[Finding]]", sessions: Any, *, out: Path | None, **more: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for finding in report(sessions, **more):
        table = Table(title=finding.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for name in finding.columns:
            table.add_column(name)
        for row in finding.rows:
            table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
        console.print(table)
        if finding.note:
            console.print(f"  {finding.note}")
        if out:
            console.print(f"  {finding.save(out)}")
        console.print()
