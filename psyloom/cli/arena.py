"""psyloom arena --counselor A --counselor B --client C CASES --out DIR --rate ctrs,wai --pairwise overall"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.cli.loop import finished
from psyloom.cli.run import decoding_of, models_of, pairs, run_options

if TYPE_CHECKING:
    from psyloom.runs.arena import ArenaSummary


@click.command()
@click.argument("cases", type=click.Path(path_type=Path))
@click.option(
    "--counselor", "counselors", multiple=True, required=True, metavar="SYSTEM[=MODEL]|MODEL",
    help="A system, one with a model of its own, or a chat endpoint alone, e.g. http://host/v1#NAME. Two or more.",
)  # fmt: skip
@click.option("--client", required=True, help="System whose client all of them meet.")
@click.option("--rate", "names", default="", metavar="ID,ID", help="Instruments; see `psyloom instruments`.")
@click.option("--pairwise", default="", metavar="ASPECT,ASPECT", help="Aspects of `preference`, or all.")
@click.option("--by", "paths", multiple=True, metavar="PATH", help="Break down by this too, e.g. demographics.age.")
@click.option("--rounds", type=click.IntRange(1), help="Swiss rounds of pairwise comparison. Default: by their number.")
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Judgments of the same thing.")
@run_options
def arena(
    cases: Path, models: tuple[str, ...], names: str, pairwise: str, paths: tuple[str, ...], settings: tuple[str, ...],
    decoding: tuple[str, ...], max_calls: int | None, max_cost: float | None, max_minutes: float | None,
    prices: tuple[str, ...], derive: bool, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Let counselors meet the identical client on the same CASES, have them judged, and rank them.

    --model judge=MODEL may be given several times. Options: --set client.KEY=VALUE, --set dials.KEY=VALUE, --set
    max_exchanges=10, --set counselor.KEY=VALUE for all counselors, --set SYSTEM.KEY=VALUE for one.

    Example: psyloom arena --counselor magnet --counselor http://host/v1#my-bot --client cactus cases.jsonl
    --out arenas/one --rate ctrs,wai,panas --pairwise overall --model openai:gpt-4o-mini --model judge=openai:gpt-4o
    """
    from psyloom.cli.progress import Bar
    from psyloom.llm.limits import Budget
    from psyloom.llm.prices import parse_price
    from psyloom.runs.arena import ATTRIBUTES
    from psyloom.runs.arena import arena as hold

    judges = [spec.removeprefix("judge=") for spec in models if spec.startswith("judge=")]
    with Bar() as bar:
        found = finished(
            hold(
                cases=cases, instruments=_listed(names), pairwise=_listed(pairwise), judges=judges,
                models=models_of(tuple(spec for spec in models if not spec.startswith("judge="))),
                options=pairs(settings), by=(*ATTRIBUTES, *paths), decoding=decoding_of(decoding),
                budget=Budget(max_calls, max_cost, max_minutes), prices=dict(map(parse_price, prices)),
                derive_missing=derive, on_progress=bar.show, signals=True, **options,
            )
        )  # fmt: skip
    data = json.loads(found.data.read_text("utf-8")) if found.data else None
    click.echo(json.dumps(data, ensure_ascii=False)) if as_json else _tell(found, data)
    if found.stopped:
        raise found.stopped
    if data is None:
        sys.exit(1)


def _listed(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _tell(found: "ArenaSummary", data: dict[str, Any] | None) -> None:
    from psyloom.runs.words import counted

    for name, talks in found.talks.items():
        click.echo(f"{name}: {counted(f'{talks.dialogues} dialogues, {talks.failures} failures')}")
        for reason, count in sorted(talks.reasons.items()):
            click.echo(f"  {count} x {reason}, first: {talks.examples[reason]}")
    if data is None:
        return
    _tables(data)
    for warning in data["warnings"]:
        click.echo(f"note: {warning}")
    if data["rehearsal"]:
        click.echo("the rehearsal back end had a part in this: the numbers mean nothing; give --model")
    click.echo(f"page: {found.page}    numbers: {found.data}")


def _tables(data: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for aspect, rows in data["ranking"].items():
        table = Table(title=f"ranking: {aspect}", box=None, header_style="bold", title_justify="left")
        for column in ("counselor", "points", "won/tied/lost", "first"):
            table.add_column(column, overflow="fold")
        for row in rows:
            first = "" if row["best"] is None else f"{row['best']:.0%}"
            table.add_row(row["name"], _words(row["points"], 0), f"{row['wins']}/{row['ties']}/{row['losses']}", first)
        console.print(table)
    for measure in data["measures"]:
        table = Table(title=measure["title"], box=None, header_style="bold", title_justify="left")
        for column in ("counselor", "mean", "n", "said again", "kept"):
            table.add_column(column, overflow="fold")
        for name, cell in measure["scores"].items():
            counts = (cell["n"], cell["guards_again"], cell["guards_kept"])
            table.add_row(name, _words(cell, 2), *map(str, counts))
        console.print(table)


def _words(cell: dict[str, Any], digits: int) -> str:
    reach = "" if cell["low"] is None else f" [{cell['low']:.{digits}f}, {cell['high']:.{digits}f}]"
    return f"{cell['value']:.{digits}f}{reach}"
