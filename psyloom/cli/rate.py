"""psyloom rate DIALOGUES --with ctrs,wai; psyloom instruments; psyloom ratings SHEET --with sudosys"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.cli.place import Place
from psyloom.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from psyloom.judging.results import Change, Result
    from psyloom.judging.shots import Example
    from psyloom.knowledge.instruments import Instrument
    from psyloom.records import Lang
    from psyloom.runs.rate import RatingSummary


@click.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--with", "names", required=True, metavar="ID,ID", help="Instruments, or TOML files of yours; wai@1-5.")
@click.option("--out", required=True, type=Place(), help="Output folder; the same one continues.")
@click.option(
    "--model", "models", multiple=True, default=["rehearsal"], show_default=True, help="A judge; several may."
)
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Judgments of the same thing.")
@click.option("--per", type=click.Choice(["item", "instrument"]), help="One call for; default: as the instrument says.")
@click.option("--against", type=click.Path(path_type=Path), help="The other dialogues of pairs, matched by id.")
@click.option("--logprobs", is_flag=True, help="Also weight values by their probability, where the server tells it.")
@click.option("--temperature", type=click.FloatRange(0, 2), help="Of the judges. Default: 0.")
@click.option("--examples", type=click.Path(path_type=Path), help="Ratings of people, which judges explain and go by.")
@click.option(
    "--examples-of", type=click.Path(path_type=Path), help="The dialogues that were rated. Default: DIALOGUES."
)
@click.option("--shots", type=click.IntRange(1), default=5, show_default=True, help="Examples shown at most.")
@click.option("--wording", "wordings", multiple=True, type=click.Path(path_type=Path), help="A file of licensed words.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N dialogues.")
@click.option("--concurrency", type=click.IntRange(1), default=64, show_default=True, help="Most calls in flight.")
@click.option("--tries", type=click.IntRange(1), default=3, show_default=True, help="How often an answer is asked for.")
@click.option("--max-calls", type=click.IntRange(0), help="Stop, resumably, after so many calls.")
@click.option("--max-cost", type=click.FloatRange(0), help="Stop, resumably, after so many US dollars.")
@click.option("--max-minutes", type=click.FloatRange(0), help="Stop, resumably, after so many minutes.")
@click.option("--price", "prices", multiple=True, metavar="MODEL=IN/OUT", help="US dollars per million tokens.")
@click.option("--traces/--no-traces", default=True, show_default=True, help="Write every prompt and answer.")
@click.option("--by", type=click.Choice(["topic", "attitude"]), help="Results for each of these, and their mean.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def rate(
    dialogues: Path, names: str, examples: Path | None, examples_of: Path | None, wordings: tuple[Path, ...],
    max_calls: int | None, max_cost: float | None, max_minutes: float | None, prices: tuple[str, ...], as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Rate DIALOGUES (a file or a run's folder) with instruments.

    Example: psyloom rate runs/magnet --with ctrs,wai,panas --model openai:gpt-4o --out runs/magnet-rated
    """
    from psyloom.cli.loop import finished
    from psyloom.cli.progress import Bar
    from psyloom.llm.limits import Budget
    from psyloom.llm.prices import parse_price
    from psyloom.runs.rate import rate as rate_dialogues

    options["by"] = options["by"] or ""
    tools = _tools(names, wordings)
    if examples:
        options["examples"] = _examples(examples, examples_of or dialogues)
    options["budget"], options["prices"] = Budget(max_calls, max_cost, max_minutes), dict(map(parse_price, prices))
    with Bar() as bar:
        work = rate_dialogues(dialogues, tools, **options, on_progress=bar.show, signals=True)
        found = finished(work)
    click.echo(json.dumps(_facts(found), ensure_ascii=False)) if as_json else _tell(found)
    if found.run.stopped:
        raise found.run.stopped
    if found.run.failures and not found.ratings:
        sys.exit(1)


def _examples(ratings: Path, dialogues: Path) -> "list[Example]":
    from psyloom.judging.shots import examples
    from psyloom.records import Dialogue, Rating, read_jsonl

    talks = dialogues / "dialogues.jsonl" if dialogues.is_dir() else dialogues
    return examples(read_jsonl(ratings, Rating), read_jsonl(talks, Dialogue))


def _tools(names: str, wordings: tuple[Path, ...]) -> "list[Instrument]":
    from psyloom.knowledge.instruments import instrument, instrument_in

    words = {instrument_in(path): path for path in wordings}
    plain = [instrument(name.strip()) for name in names.split(",") if name.strip()]
    if not plain:
        raise UsageError("--with names no instrument", do="e.g. --with ctrs,wai; all: `psyloom instruments`")
    if strange := set(words) - {tool.id for tool in plain}:
        raise UnknownName("instrument in --with", min(strange), (tool.id for tool in plain))
    return [instrument(name.strip(), words.get(tool.id)) for name, tool in zip(names.split(","), plain, strict=True)]


def _facts(found: "RatingSummary") -> dict[str, Any]:
    p = found.run.progress
    return {
        "out": str(found.run.out), "dialogues": found.run.dialogues, "failures": found.run.failures,
        "reasons": found.run.reasons, "ratings": found.ratings, "judgments": found.judgments, "failed": found.failed,
        "calls": p.calls, "replayed": p.replayed, "cost_usd": p.cost, "tokens_in": found.run.tokens_in,
        "tokens_out": found.run.tokens_out, "seconds": round(p.seconds, 3),
        "results": {name: [asdict(one) for one in each] for name, each in found.results.items()},
        "means": {name: [asdict(one) for one in each] for name, each in found.means.items()},
        "changes": {name: [asdict(one) for one in each] for name, each in found.changes.items()},
        "stopped": found.run.stopped.happened if found.run.stopped else None,
    }  # fmt: skip


def _tell(found: "RatingSummary") -> None:
    from psyloom.runs.words import counted

    p = found.run.progress
    cost = "cost unknown (give --price)" if p.cost is None else f"{p.cost:.4f} USD"
    replayed = f", {p.replayed} replayed" if p.replayed else ""
    for name, each in found.results.items():
        for one in (*each, *found.means[name]):
            _table(one)
        for moved in found.changes.get(name, ()):
            _moved(moved)
    failed = f" ({', '.join(f'{n} {why}' for why, n in found.failed.most_common())})" if found.failed else ""
    made = counted(f"{found.ratings} ratings, {found.judgments} judgments")
    click.echo(f"{made}, {found.failed.total()} failed{failed}")
    rated = counted(f"{found.run.dialogues} dialogues rated, {found.run.failures} not; {p.calls} calls")
    click.echo(f"{rated}{replayed}, {cost}")
    for reason, count in sorted(found.run.reasons.items()):
        click.echo(f"  {count} x {reason}, first: {found.run.examples[reason]}")
    if any(one.rater == "model rehearsal" for each in found.results.values() for one in each):
        click.echo("rated by the rehearsal back end: the numbers mean nothing; give --model for a judge")
    if found.ratings:
        click.echo(f"ratings: {found.run.out / 'ratings.jsonl'}")


def _table(one: "Result") -> None:
    from rich.console import Console
    from rich.table import Table

    moment = f", {one.moment}" if one.moment else ""
    group = f", {one.group}" if one.group else ""
    title = f"{one.title}  by {one.rater}{moment}{group}: {one.dialogues} dialogues, {one.failed} of {one.asked} judgments failed"
    table = Table(box=None, show_header=False)
    for name, value in (*one.items.items(), *one.values.items()):
        n = "" if one.counts[name] == one.dialogues else f"n = {one.counts[name]}"
        table.add_row(f"[bold]{name}[/bold]" if name in one.values else f"  {name}", f"{value:.2f}", n)
    for dimension, outcomes in one.outcomes.items():
        table.add_row(f"  {dimension}", ", ".join(f"{word} {n}" for word, n in outcomes.items()), "")
    for alarm, rung in one.alarms.items():
        table.add_row(f"[red]{alarm}[/red]", str(rung), "alarms")
    console = Console(highlight=False)
    console.print(title, style="bold", markup=False, soft_wrap=True)
    console.print(table)


def _moved(one: "Change") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in ("", "before", "after", "change"):
        table.add_column(column, justify="right" if column else "left")
    for name, value in one.change.items():
        table.add_row(f"  {name}", f"{one.before[name]:.2f}", f"{one.after[name]:.2f}", f"{value:+.2f}")
    clients = f"{one.group} clients, " if one.group else ""
    title = f"{one.title}  by {one.rater}, change: {clients}{one.dialogues} dialogues"
    console = Console(highlight=False)
    console.print(title, style="bold", markup=False, soft_wrap=True)
    console.print(table)


@click.command()
@click.argument("name", required=False)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="Print the header of a sheet for people to fill in.")
def instruments(name: str | None, lang: "Lang", as_csv: bool) -> None:
    """List the instruments, or show the items of one.

    Example: psyloom instruments ctrs --lang zh
    """
    from rich.console import Console
    from rich.table import Table

    from psyloom.knowledge.instruments import all_instruments, instrument

    if name and as_csv:
        click.echo(",".join(["dialogue", "rater", *(item.id for item in instrument(name).items)]))
        return
    table = Table(box=None, header_style="bold")
    for column in ("item", "scale", "what is asked") if name else ("id", "items", "scale", "rates", "name"):
        table.add_column(column, overflow="fold")
    if name is None:
        for tool in all_instruments():
            kinds = {item.kind for item in tool.items}
            mixed = "tree" if tool.dimensions else kinds.pop() if len(kinds) == 1 and "likert" not in kinds else "mixed"
            scale = f"{tool.scale[0]:g}-{tool.scale[1]:g}" if tool.scale else mixed
            table.add_row(tool.id, str(len(tool.items)), scale, f"{tool.rates}, {tool.unit}", tool.name(lang))
    else:
        tool = instrument(name)
        click.echo(f"{tool.name(lang)}\n{tool.source}\n{tool.licence}\n{tool.note}")
        for item in tool.items:
            scale = f"{item.low:g}-{item.high:g}" if item.scaled else item.kind
            table.add_row(
                item.id, f"{scale}{', reversed' if item.reverse else ''}", item.ask.of(lang) or item.name(lang)
            )
    Console(highlight=False).print(table)


@click.command()
@click.argument("sheet", type=click.Path(path_type=Path))
@click.option("--with", "name", required=True, metavar="ID", help="The instrument that was filled in.")
@click.option("--out", required=True, type=Place(), help="JSON Lines file of ratings.")
@click.option("--rater", default="", help="Who rated, where the sheet does not say it.")
@click.option("--kind", type=click.Choice(["human", "client", "student"]), default="human", show_default=True)
@click.option("--column", "columns", multiple=True, metavar="THEIRS=OURS", help="Rename a column; THEIRS= drops it.")
@click.option("--gaps", is_flag=True, help="Accept forms with unanswered items.")
@click.option("--wording", type=click.Path(path_type=Path), help="The file of licensed words that was used.")
def ratings(
    sheet: Path, name: str, out: Path, rater: str, kind: Any, columns: tuple[str, ...], gaps: bool, wording: Path | None
) -> None:
    """Read ratings of people from a CSV SHEET into the records that judges make.

    Example: psyloom ratings experts.csv --with ctrs --out experts.jsonl
    """
    from psyloom.judging.sheets import read_sheet
    from psyloom.knowledge.instruments import instrument
    from psyloom.records import write_jsonl

    renamed = {theirs: ours for theirs, _, ours in (column.partition("=") for column in columns)}
    found = read_sheet(sheet, instrument(name, wording), rater=rater, kind=kind, columns=renamed, gaps=gaps)
    click.echo(f"{write_jsonl(out, found)} ratings: {out}")
