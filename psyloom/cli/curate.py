"""psyloom curate inspect|leaks|rows|coverage|cap|desk|reviews|settle|paths"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.cli.place import Place
from psyloom.errors import UsageError

if TYPE_CHECKING:
    from psyloom.curation.desk import Desk
    from psyloom.curation.inspection import Inspection
    from psyloom.records import Dialogue

FILES = {"keep": "kept.jsonl", "review": "review.jsonl", "drop": "dropped.jsonl"}
CHANGES, REPORT = "changes.jsonl", "report.json"


@click.group()
def curate() -> None:
    """From raw dialogues to a data set: inspect, review by people, check for leaks and coverage."""


@curate.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=Place(), help="Folder for what is kept, reviewed, dropped.")
@click.option("--stages", default="", help="Only these, with commas between. Default: all six, in their order.")
@click.option("--mode", type=click.Choice(["tag", "drop"]), default="tag", help="Private data: a placeholder, or cut.")
@click.option("--threshold", type=click.FloatRange(0.5, 1), default=0.8, help="SimHash likeness of a duplicate.")
@click.option(
    "--ratings", "rated", multiple=True, type=click.Path(path_type=Path), help="Ratings with inspection or in_domain."
)
@click.option(
    "--share", type=click.FloatRange(0, 1), default=0.05, help="Share of what is kept that people read all the same."
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A limit of the rules, e.g. exchanges=[1,30]."
)
@click.option("--seed", type=int, default=0, help="Draws what is reviewed.")
def inspect(
    dialogues: Path, out: Path, stages: str, rated: tuple[Path, ...], settings: tuple[str, ...], **more: Any
) -> None:
    """Clean and check dialogues, stage by stage: structure, desensitise, dedup, rules, score, review.

    OUT gets kept.jsonl, review.jsonl, dropped.jsonl, every finding in changes.jsonl, the counts in report.json. Threads
    of a board are read first (`psyloom read threads`).

    Example: psyloom curate inspect dialogues.jsonl --out inspected
    """
    from psyloom.curation.inspection import Inspection

    chosen: dict[str, Any] = {"stages": tuple(filter(None, map(str.strip, stages.split(","))))} if stages else {}
    scores, domain = _judged(rated)
    inspection = Inspection(standard=_standard(settings), scores=scores, domain=domain, **chosen, **more)
    counts = _inspect(inspection, dialogues, out)
    _tell(inspection)
    click.echo("; ".join(f"{out / FILES[verdict]}: {count}" for verdict, count in counts.items()))


def _standard(settings: tuple[str, ...]) -> Any:
    from pydantic import ValidationError

    from psyloom.cli.run import pairs
    from psyloom.curation.findings import Standard
    from psyloom.systems.catalog import json_or_text

    try:
        return Standard.model_validate({key: json_or_text(value) for key, value in pairs(settings).items()})
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        what = f"--set {'.'.join(map(str, error['loc']))}: {error['msg']}"
        raise UsageError(what, do=f"limits are: {', '.join(Standard.model_fields)}") from trouble


def _judged(files: Iterable[Path]) -> tuple[dict[str, tuple[float, float]], dict[str, bool]]:
    """(dialogue -> mean and safety, dialogue -> belongs to psychology) of rating files."""
    from statistics import fmean

    from psyloom.records import Rating, read_jsonl

    scores: dict[str, tuple[float, float]] = {}
    domain: dict[str, bool] = {}
    for rating in (one for file in files for one in read_jsonl(file, Rating)):
        values = {item.item: item.value for item in rating.items if item.value is not None}
        if rating.instrument == "in_domain" and "belongs" in values:
            domain[rating.subject.dialogue] = bool(values["belongs"])
        elif rating.instrument == "inspection" and "safety" in values:
            numbers = {item: float(value) for item, value in values.items()}
            scores[rating.subject.dialogue] = (fmean(numbers.values()), numbers["safety"])
    return scores, domain


def _inspect(inspection: "Inspection", dialogues: Path, out: Path) -> dict[str, int]:
    """Run it over a file and write what it gives. Returns how many got each verdict."""
    from psyloom.records import Dialogue, read_jsonl, to_line

    out.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(FILES, 0)
    with ExitStack() as stack:
        files = {verdict: stack.enter_context((out / name).open("wb")) for verdict, name in FILES.items()}
        changes = stack.enter_context((out / CHANGES).open("w", encoding="utf-8"))
        for verdict, dialogue, told in inspection.run(lambda: read_jsonl(dialogues, Dialogue)):
            files[verdict].write(to_line(dialogue))
            counts[verdict] += 1
            for stage, found in told:
                line = {"id": dialogue.id, "stage": stage, **found.to_json()}
                changes.write(json.dumps(line, ensure_ascii=False) + "\n")
    report = {stage: passed.to_json() for stage, passed in inspection.passed.items()} | {"verdicts": counts}
    (out / REPORT).write_text(json.dumps(report, ensure_ascii=False, indent=2), "utf-8")
    return counts


def _tell(inspection: "Inspection") -> None:
    from psyloom.curation.findings import RULES

    whole = next(iter(inspection.passed.values())).came
    for stage, passed in inspection.passed.items():
        kept = f"{passed.left / passed.came:.1%}" if passed.came else "-"
        click.echo(f"{stage:<12} in {passed.came}  out {passed.left}  kept {kept}  for review {passed.review}")
        for name, count in sorted(passed.rules.items()):
            rule, action = name.split()
            click.echo(f"    {rule.upper():<4} {RULES[rule].en}: {action} {count}")
    if whole and inspection.thanked > 0.6 * whole:
        click.echo(f"note: {inspection.thanked / whole:.0%} end with thanks; a set should know other endings, too")


@curate.command()
@click.argument("evaluation", type=click.Path(path_type=Path))
@click.option("--against", required=True, type=click.Path(path_type=Path), help="The training dialogues.")
@click.option("--threshold", type=click.FloatRange(0.5, 1), default=0.8, help="SimHash likeness that counts.")
def leaks(evaluation: Path, against: Path, threshold: float) -> None:
    """Find dialogues of EVALUATION that stand in the training data: by opening, by target, or nearly as a whole.

    Example: psyloom curate leaks test.jsonl --against train.jsonl
    """
    from psyloom.curation.leaks import Known
    from psyloom.records import Dialogue, read_jsonl

    known = Known.of(read_jsonl(against, Dialogue))
    whole = leaked = 0
    for dialogue in read_jsonl(evaluation, Dialogue):
        whole += 1
        if found := known.leak(dialogue, threshold):
            leaked += 1
            click.echo(f"{dialogue.id}: " + ", ".join(f"{how} as in {id_}" for how, id_ in found.items()))
    click.echo(f"{leaked} of {whole} evaluation dialogues stand in the training data")


@curate.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def rows(file: Path) -> None:
    """Check a training FILE (JSON or JSON Lines): no row may hold its target, or what came later, in its history.

    Example: psyloom curate rows train.jsonl
    """
    from psyloom.curation.leaks import defective

    given = list(_rows(file))
    found = list(defective(given))
    for number, how in found[:20]:
        told = "holds its own question or target" if how == "own" else "is what came after the question and answer"
        click.echo(f"{file}, row {number}: the history {told}")
    click.echo(f"{len(found)} of {len(given)} rows are defective")


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    text = file.read_text("utf-8-sig").strip()
    try:
        yield from json.loads(text) if text.startswith("[") else map(json.loads, text.splitlines())
    except ValueError as trouble:
        raise UsageError(f"{file} is no JSON: {trouble}", do="give a JSON array or JSON Lines") from trouble


@curate.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--cap", type=click.FloatRange(0, 1, min_open=True), default=0.005, help="Share that a setting may have.")
@click.option("--out", type=Place(), help="File for the dialogues that keep every setting within it.")
@click.option("--seed", type=int, default=0, help="Draws which.")
def coverage(dialogues: Path, cap: float, out: Path | None, seed: int) -> None:
    """Show themes and settings of dialogues as a matrix, the gaps in it, and settings that come too often.

    Example: psyloom curate coverage kept.jsonl --cap 0.005 --out even.jsonl
    """
    from psyloom.curation.coverage import Coverage, capped
    from psyloom.records import Dialogue, read_jsonl, write_jsonl

    found = Coverage.of(read_jsonl(dialogues, Dialogue))
    click.echo("\t".join(("theme", "dialogues", *(f"{slot} (different)" for slot in found.slots))))
    for theme, count in found.themes.most_common():
        click.echo(
            "\t".join((theme or "(none)", str(count), *(str(len(found.cells[theme][slot])) for slot in found.slots)))
        )
    over = found.over(cap)
    click.echo(
        f"{len(over)} of {len(found.items)} settings stand in more than {cap:.2%} of {found.dialogues} dialogues"
    )
    for (slot, text), count in over[:10]:
        click.echo(f"    {slot}: {text}: {count}")
    if out:
        kept = set(capped(read_jsonl(dialogues, Dialogue), cap, seed))
        write_jsonl(out, (one for one in read_jsonl(dialogues, Dialogue) if one.id in kept))
        click.echo(f"{out}: {len(kept)} dialogues, every setting within {cap:.2%}")


@curate.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--as", "reviewer", required=True, metavar="NAME", help="Who reviews.")
def desk(folder: Path, reviewer: str) -> None:
    """Review the queue of an inspection in the terminal: keep, edit, drop, undo, quit.

    Two reviewers see each dialogue; where they differ, whoever comes third decides. FOLDER is that of `curate inspect`.

    Example: psyloom curate desk inspected --as anna
    """
    from psyloom.curation.desk import Desk

    table = Desk(folder)
    while dialogue := next(table.waiting(reviewer), None):
        _show(table, dialogue)
        if not _decided(table, reviewer, dialogue):
            break
    else:
        click.echo("nothing waits for you")
    click.echo(f"{len(table.reviews)} decisions, {len(table.conflicts())} conflicts, kappa {table.kappa():.2f}")


def _show(table: "Desk", dialogue: "Dialogue") -> None:
    click.secho(f"\n{dialogue.id}", bold=True)
    for turn in dialogue.turns:
        click.echo(f"  {turn.speaker}: {turn.text}")
    for one in table.changes(dialogue.id):
        click.secho("  " + " ".join(f"{key}={value}" for key, value in one.items() if key != "id"), dim=True)
    for before in table.of(dialogue.id):
        click.secho(f"  {before.rater.name}: {before.items[0].value} ({before.items[1].value})", dim=True)


def _decided(table: "Desk", reviewer: str, dialogue: "Dialogue") -> bool:
    """Ask for one decision; False when the reviewer leaves."""
    from psyloom.curation.desk import edited_in
    from psyloom.knowledge.instruments import instrument

    keys = {"k": "keep", "e": "edit", "d": "drop"}
    key = click.prompt("[k]eep [e]dit [d]rop [u]ndo [q]uit", type=click.Choice([*keys, "u", "q"]), show_choices=False)
    if key == "u":
        taken = table.undo(reviewer)
        click.echo(f"taken back: {taken.subject.dialogue}")
    elif key != "q":
        codes = [option.id for option in instrument("review_desk")["code"].options]
        code = "none" if key == "k" else click.prompt("reason", type=click.Choice(codes))
        edited = edited_in(click.edit, dialogue) if key == "e" else []
        if key == "e" and not edited:
            click.echo("nothing was changed: not decided")
        else:
            table.decide(reviewer, dialogue, keys[key], code, edited=edited)
    return key != "q"


@curate.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", "to", type=click.Path(path_type=Path), help="CSV file to write all decisions to.")
@click.option("--from", "from_", type=click.Path(path_type=Path, exists=True), help="CSV file to take decisions from.")
def reviews(folder: Path, to: Path | None, from_: Path | None) -> None:
    """Decisions of reviewers to and from a CSV file, the conflicts among them, and their kappa.

    Example: psyloom curate reviews inspected --from anna.csv --to all.csv
    """
    from psyloom.curation.desk import Desk

    table = Desk(folder)
    if from_:
        click.echo(f"{from_}: {table.from_csv(from_)} new decisions")
    if to:
        click.echo(f"{to}: {table.to_csv(to)} decisions")
    for id_ in table.conflicts():
        click.echo(f"conflict: {id_}: " + ", ".join(f"{one.rater.name} {one.items[0].value}" for one in table.of(id_)))
    click.echo(f"{len(table.conflicts())} conflicts, kappa {table.kappa():.2f}")


@curate.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=Place(), help="JSON Lines file to write.")
def settle(folder: Path, out: Path) -> None:
    """Write what is kept in the end: what passed inspection, and what reviewers keep or corrected.

    Example: psyloom curate settle inspected --out clean.jsonl
    """
    from itertools import chain

    from psyloom.curation.desk import Desk
    from psyloom.records import Dialogue, read_jsonl, write_jsonl

    kept = folder / FILES["keep"]
    passed = read_jsonl(kept, Dialogue) if kept.is_file() and kept.stat().st_size else iter(())
    table = Desk(folder)
    click.echo(f"{out}: {write_jsonl(out, chain(passed, table.settled()))} dialogues")
    open_ = sum(1 for dialogue in table.queue() if len(table.of(dialogue.id)) < 2) + len(table.conflicts())
    if open_:
        click.echo(f"{open_} dialogues still wait for reviewers")


@curate.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=Place(), help="Folder for what is kept and dropped.")
def paths(dialogues: Path, out: Path) -> None:
    """Review support dialogues written along a path of strategies, such as those of cadss or a CPsDD file.

    OUT gets kept.jsonl and dropped.jsonl, in which each dialogue says why under quality.apart.

    Example: psyloom curate paths runs/cadss/dialogues.jsonl --out reviewed
    """
    from collections import Counter

    from psyloom.curation.paths import review
    from psyloom.records import Dialogue, read_jsonl, to_line

    out.mkdir(parents=True, exist_ok=True)
    counts, rules = dict.fromkeys(("keep", "drop"), 0), Counter[str]()
    with ExitStack() as stack:
        files = {verdict: stack.enter_context((out / FILES[verdict]).open("wb")) for verdict in counts}
        for dialogue, found in review(read_jsonl(dialogues, Dialogue)):
            verdict = "drop" if found else "keep"
            files[verdict].write(to_line(dialogue))
            counts[verdict] += 1
            rules.update({rule for rule, _ in found})
    for rule, count in sorted(rules.items()):
        click.echo(f"{rule:<12} {count}")
    click.echo("; ".join(f"{out / FILES[verdict]}: {count}" for verdict, count in counts.items()))
