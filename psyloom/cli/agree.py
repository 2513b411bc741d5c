"""``psyloom agree RATINGS...``: how far raters agree, item by item."""

import json
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from psyloom.judging.agreement import Agreement, Estimate

KINDS = ("flag", "nominal", "ordinal", "continuous", "ranking", "sets")


@click.command()
@click.argument("ratings", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind", "kinds", multiple=True, metavar="ITEM=KIND", help=f"Kind of an item's values: {', '.join(KINDS)}."
)
@click.option(
    "--repeats",
    type=click.Choice(["pool", "first", "raters"]),
    default="pool",
    help="Repeated judgments of one rater: pool them, keep the first, or count each as a rater.",
)
@click.option("--resamples", type=click.IntRange(0), default=1000, help="Bootstrap resamples for the intervals.")
@click.option("--seed", type=int, default=0)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def agree(
    ratings: tuple[Path, ...], kinds: tuple[str, ...], repeats: str, resamples: int, seed: int, as_json: bool
) -> None:
    """Agreement of the raters in one or more rating files, with the statistic that fits each item's values.

    Example: psyloom agree experts.jsonl judge.jsonl --kind preference=ranking
    """
    from psyloom.judging.agreement import agree as agree_on
    from psyloom.records import Rating, read_jsonl

    found = agree_on(
        chain.from_iterable(read_jsonl(path, Rating) for path in ratings),
        kinds=dict(map(_kind, kinds)),  # type: ignore[arg-type]
        repeats=repeats,  # type: ignore[arg-type]
        resamples=resamples,
        seed=seed,
    )
    if as_json:
        click.echo(json.dumps([_plain(agreement) for agreement in found], ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for agreement in found:
        _show(console, agreement)


def _kind(given: str) -> tuple[str, str]:
    from psyloom.errors import UnknownName, UsageError

    item, equals, kind = given.rpartition("=")
    if not equals:
        raise UsageError(f"--kind {given!r} names no item", do="write --kind ITEM=KIND, e.g. --kind rank=ranking")
    if kind not in KINDS:
        raise UnknownName("kind of values", kind, KINDS)
    return item, kind


def _plain(agreement: "Agreement") -> dict[str, object]:
    def numbers(estimates: "dict[str, Estimate]") -> dict[str, object]:
        return {name: estimate.to_json() for name, estimate in estimates.items()}

    both = {"statistics": dict(agreement.statistics), "centered": dict(agreement.centered)}
    return asdict(agreement) | {name: numbers(estimates) for name, estimates in both.items()}


def _show(console: "Console", found: "Agreement") -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from psyloom.judging.agreement import reading

    failed = f", {found.failed} failed judgments" if found.failed else ""
    title = f"{found.instrument} / {found.item}"
    size = f"{found.units} units, {found.raters} raters, {found.missing:.0%} missing{failed}"
    console.print(Text.assemble((title, "bold"), f"  {found.kind}: {size}"))
    table = Table(box=None, pad_edge=False)
    for name in ("statistic", "[95 %]", "raters centered", "conventional reading"):
        table.add_column(name)
    for name, estimate in found.statistics.items():
        centered = found.centered.get(name)
        table.add_row(name, str(estimate), str(centered) if centered else "", reading(name, estimate.value))
    console.print(Padding(table, (0, 0, 0, 2)))
    lines = [found.why]
    if found.prevalence:
        lines.append("prevalence: " + ", ".join(f"{value} {share:.0%}" for value, share in found.prevalence.items()))
    if found.means:
        raters = (f"{rater} {mean:.2f} ({found.severity[rater]:+.2f})" for rater, mean in found.means.items())
        lines.append("mean of each rater (above the others by): " + ", ".join(raters))
    for line in [*lines, ""]:
        console.print(Padding(Text(line), (0, 0, 0, 2)))
