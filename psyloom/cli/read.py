"""psyloom read cactus PATH --out dialogues.jsonl, psyloom read auto PATH, psyloom formats"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from psyloom.cli.place import Place
from psyloom.errors import Failure, UsageError

if TYPE_CHECKING:
    from psyloom.records import Defect, Record, Speaker

_SHOWN = 10


@click.command()
@click.argument("format_name", metavar="FORMAT")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=Place(), help="JSON Lines file; without it, records are printed.")
@click.option("--defects", "defects_to", type=click.File("w", encoding="utf-8"), help="File for all defects.")
@click.option("--per-answer", is_flag=True, help="One case for each answer of a post, so that each gets its dialogue.")
@click.option(
    "--onto",
    type=click.Path(path_type=Path),
    help="Dialogues that were handed to annotators: what was read is put onto them, beside the labels of others.",
)
@click.option("--speaker", "named", multiple=True, metavar="NAME=SIDE", help="Who is who, e.g. Anna=client.")
def read(
    format_name: str,
    path: Path,
    out: Path | None,
    defects_to: IO[str] | None,
    onto: Path | None,
    per_answer: bool,
    named: tuple[str, ...],
) -> None:
    """Read the data set at PATH (file, folder or zip) into our records. FORMAT "auto" tells it from the content.

    Examples: psyloom read auto downloads/esconv --out esconv.jsonl;
    psyloom read labelstudio annotated.json --onto dialogues.jsonl --out labelled.jsonl
    """
    from psyloom.formats import read as read_records
    from psyloom.formats import save, sniff
    from psyloom.formats.onto import onto as put_onto
    from psyloom.records import Dialogue, read_jsonl, to_line

    if format_name == "auto":
        choice = sniff(path)
        click.echo(str(choice), err=True)
        format_name = choice.format.name
    counted: Counter[str] = Counter()
    lost: Counter[bool] = Counter()

    def on_defect(defect: "Defect") -> None:
        counted[defect.what.partition(" (")[0]] += 1
        lost[defect.what.endswith("left out)")] += 1
        if defects_to:
            defects_to.write(f"{defect}\n")
        elif counted.total() <= _SHOWN:
            click.echo(str(defect), err=True)

    records: Iterator[Record] = read_records(
        path, format_name, on_defect=on_defect, speakers=dict(map(_speaker, named))
    )
    records = _some(_each_answer(records) if per_answer else records, path)
    if onto:
        records = put_onto(read_jsonl(onto, Dialogue), records)
    lines: Counter[str] = Counter()
    records = _counted(records, lines)
    if out is None:
        for record in records:
            click.echo(to_line(record), nl=False)
    else:
        for saved in save(records, out):
            click.echo(f"{saved.path}: {saved.count} {saved.kind}s", err=True)
        if lines:
            click.echo(f"{lines['client']} messages by clients, {lines['counselor']} by counselors", err=True)
    if counted:
        click.echo(f"{counted.total()} defects, {lost[True]} of them losses: {_summary(counted)}", err=True)


def _some(records: "Iterable[Record]", path: Path) -> "Iterator[Record]":
    """The records; an error when there is none."""
    nothing = True
    for record in records:
        nothing = False
        yield record
    if nothing:
        raise Failure(
            f"no record could be read from {path}", do="see its defects, or name another format: `psyloom formats`"
        )


def _counted(records: "Iterable[Record]", lines: Counter[str]) -> "Iterator[Record]":
    from psyloom.records import Dialogue

    for record in records:
        if isinstance(record, Dialogue):
            lines.update(turn.speaker for turn in record.turns)
        yield record


def _each_answer(records: "Iterable[Record]") -> "Iterator[Record]":
    from psyloom.records import Case
    from psyloom.systems.posts import per_answer

    return (one for record in records for one in (per_answer(record) if isinstance(record, Case) else [record]))


@click.command()
def formats() -> None:
    """List the formats that can be read, with the licence of the data.

    Each may come as JSON, JSON Lines, CSV, Parquet or a folder saved by datasets, in folders, zip or gzip archives.
    """
    from psyloom.formats import formats as known

    wide = max(map(len, known()))
    for one in known().values():
        licence = "" if one.general else f"  [{one.source.licence}]"
        click.echo(f"{one.name:<{wide}}  {one.title}{licence}")


def _speaker(pair: str) -> "tuple[str, Speaker]":
    name, _, who = pair.partition("=")
    if who == "client":
        return name, "client"
    if who == "counselor":
        return name, "counselor"
    raise UsageError(f"--speaker {pair!r} names no side", do="write NAME=client or NAME=counselor")


def _summary(counted: Counter[str]) -> str:
    return "; ".join(f"{times} x {what}" for what, times in counted.most_common(12))
