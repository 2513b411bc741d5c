"""``psyloom compare A B``: two files of dialogues side by side."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from psyloom.judging.compare import Comparison, Measure


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["words", "characters"]), default="words", help="What a token is.")
@click.option("--duplicate", type=click.FloatRange(0.5, 1), default=0.8, help="Shingle overlap of near-duplicates.")
@click.option("--sample", type=click.IntRange(1), default=5000, help="Draw at most this many dialogues of each file.")
@click.option("--resamples", type=click.IntRange(0), default=1000, help="Bootstrap resamples for the intervals.")
@click.option("--seed", type=int, default=0)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def compare(a: Path, b: Path, by: str, duplicate: float, sample: int, resamples: int, seed: int, as_json: bool) -> None:
    """Compare two dialogue files or run folders, for example synthetic A with real B.

    Length, words, labels, questions, repetition, emotion and copies, each with an effect size and its 95 % interval.

    Example: psyloom compare runs/magnet real.jsonl
    """
    from psyloom.judging.compare import compare as compare_files
    from psyloom.records import Dialogue, read_jsonl

    found = compare_files(
        *(read_jsonl(path / "dialogues.jsonl" if path.is_dir() else path, Dialogue) for path in (a, b)),
        by=by,  # type: ignore[arg-type]
        duplicate=duplicate,
        sample=sample,
        resamples=resamples,
        seed=seed,
    )
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"A  {_drawn(found, 0, a)}\nB  {_drawn(found, 1, b)}\n", markup=False)
    console.print(_table(found))
    console.print(f"\n{_LEGEND}")
    for note in found.notes:
        console.print(f"note: {note}", markup=False)


def _plain(found: "Comparison") -> dict[str, object]:
    measures = [asdict(measure) | {"size": measure.size.to_json()} for measure in found.measures]
    return asdict(found) | {"measures": measures}


def _table(found: "Comparison") -> "Table":
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("measure", "A", "B", "effect [95 %]", "reading"):
        table.add_column(name, no_wrap=True, justify="right" if len(name) == 1 else "left")
    for group in dict.fromkeys(measure.group for measure in found.measures):
        table.add_row(f"[bold]{group}[/bold]")
        for measure in found.measures:
            if measure.group == group:
                table.add_row(*_cells(measure))
    return table


_LEGEND = (
    "δ: Cliff's delta, -1 to 1, above 0 where A has more. JS: Jensen-Shannon divergence, 0 to 1 bit, beside what "
    "chance gives at most, 95 times in 100."
)
_SHORT = {"Cliff's delta": "δ", "Jensen-Shannon": "JS", "share": "of A"}


def _cells(measure: "Measure") -> tuple[str, ...]:
    means = ("" if value is None else f"{value:.{2 if abs(value) < 10 else 1}f}" for value in (measure.a, measure.b))
    reading = measure.reading
    if measure.chance is not None:
        reading = f"{'>' if measure.size.value > measure.chance else '<='} chance {measure.chance:.2f}"
    return f" {measure.name}", *means, f"{_SHORT[measure.effect]} {measure.size}", reading


def _drawn(found: "Comparison", place: int, path: Path) -> str:
    drawn, held = found.drawn[place], found.dialogues[place]
    return f"{path}: {drawn} dialogues" + (f" drawn of {held}" if drawn < held else "")
