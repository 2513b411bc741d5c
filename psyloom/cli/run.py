"""psyloom run, simulate."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from psyloom.cli.loop import finished
from psyloom.cli.place import Place
from psyloom.errors import FolderTrouble, UnknownName, UsageError

if TYPE_CHECKING:
    from psyloom.agents import Annotator
    from psyloom.llm import Decoding
    from psyloom.records import Lang
    from psyloom.runs import Summary
    from psyloom.runs.engine import Work

Command = Callable[..., None]


def run_options(command: Command) -> Command:
    """The options that every run shares."""
    for option in reversed(
        (
            click.option(
                "--out",
                required=True,
                type=Place(),
                help="Output folder; the same one continues a run.",
            ),
            click.option(
                "--model",
                "models",
                multiple=True,
                metavar="[AGENT=]MODEL",
                help="e.g. openai:gpt-4o-mini, client=ollama:qwen3, http://host/v1#NAME. Default: rehearsal.",
            ),
            click.option(
                "--lang", type=click.Choice(["zh", "en"]), help="Language of the prompts. Default: each case's own."
            ),
            click.option("--limit", type=click.IntRange(1), help="Only the first N cases."),
            click.option(
                "--seed", type=int, default=0, show_default=True, help="Decides what a system leaves to chance."
            ),
            click.option(
                "--concurrency", type=click.IntRange(1), default=64, show_default=True, help="Most calls in flight."
            ),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="KEY=VALUE",
                help="An option of the system; see `psyloom system SLUG`.",
            ),
            click.option(
                "--decode",
                "decoding",
                multiple=True,
                metavar="[AGENT.]KEY=VALUE",
                help="A decoding parameter instead of the prompt's own, e.g. temperature=0.2.",
            ),
            click.option(
                "--tries",
                type=click.IntRange(1),
                default=3,
                show_default=True,
                help="How often an answer is asked for.",
            ),
            click.option("--max-calls", type=click.IntRange(0), help="Stop, resumably, after so many calls."),
            click.option("--max-cost", type=click.FloatRange(0), help="Stop, resumably, after so many US dollars."),
            click.option("--max-minutes", type=click.FloatRange(0), help="Stop, resumably, after so many minutes."),
            click.option(
                "--price", "prices", multiple=True, metavar="MODEL=IN/OUT", help="US dollars per million tokens."
            ),
            click.option("--derive", is_flag=True, help="Let a model write the facets that a case lacks."),
            click.option(
                "--traces/--no-traces",
                default=True,
                show_default=True,
                help="Write every prompt and answer to traces.jsonl.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("system")
@click.argument("cases", type=click.Path(path_type=Path))
@run_options
def run(system: str, cases: Path, settings: tuple[str, ...], **options: Any) -> None:
    """Run a system over a file of cases.

    Example: psyloom run magnet cases.jsonl --out runs/magnet --model openai:gpt-4o-mini
    """
    from psyloom.runs import writer_for

    _execute(writer_for(system, pairs(settings)), cases, **options)


@click.command()
@click.option("--counselor", required=True, help="System whose counselor takes part.")
@click.option("--client", required=True, help="System whose client takes part.")
@click.argument("cases", type=click.Path(path_type=Path))
@run_options
def simulate(counselor: str, client: str, cases: Path, settings: tuple[str, ...], **options: Any) -> None:
    """Let any counselor talk with any client.

    Options of one side: --set client.KEY=VALUE, --set counselor.KEY=VALUE.

    Of the session: max_exchanges, min_exchanges, sessions (in a row; what each leaves to the next is written down on
    the case), record (write that down after a single one too).

    Of any client that a model plays: dials.resistance, dials.openness, dials.verbosity (0 to 1), dials.trajectory
    (reactions turn by turn), dials.may_end (true, false).

    Example: psyloom simulate --counselor magnet --client cactus cases.jsonl --out runs/pair
    """
    from psyloom.runs import pair

    _execute(pair(counselor, client, pairs(settings)), cases, **options)


@click.command()
@click.option("--counselor", required=True, help="System whose counselor replies.")
@click.option("--free-running", is_flag=True, help="Read its own earlier replies instead of those that were given.")
@click.argument("dialogues", type=click.Path(path_type=Path))
@run_options
def reply(counselor: str, free_running: bool, dialogues: Path, settings: tuple[str, ...], **options: Any) -> None:
    """Let a counselor answer every client message of given dialogues, to be rated or compared with what was said.

    Example: psyloom reply --counselor cpsycoun benchmark.jsonl --out runs/replies && psyloom rate runs/replies --with cpsycoune_turn
    """
    from psyloom.agents import Counselor, Replying
    from psyloom.systems import make_role

    talker = make_role(counselor, "counselor", dict(pairs(settings)))
    assert isinstance(talker, Counselor)
    _execute(Replying(counselor=talker, free_running=free_running), dialogues, **options)


@click.command()
@click.argument("system")
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option(
    "--as", "by", default="", metavar="NAME", help="The annotator's name on its labels. Default: the system's."
)
@run_options
def annotate(system: str, dialogues: Path, settings: tuple[str, ...], by: str, **options: Any) -> None:
    """Label dialogues with a system's annotator. Texts stay as they are; labels of other annotators stay too.

    Example: psyloom annotate escot runs/a/dialogues.jsonl --out runs/a-labelled --model openai:gpt-4o-mini
    """
    from psyloom.agents import Annotator
    from psyloom.systems import make_role

    annotator = make_role(system, "annotator", dict(pairs(settings)))
    assert isinstance(annotator, Annotator)
    _execute(annotator, dialogues, by=by, **options)


def pairs(settings: tuple[str, ...]) -> dict[str, str]:
    """``("a=1", "b=x")`` as a mapping. Raises UsageError for a piece without ``=``."""
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"cannot read --set {setting!r}", do="write it as KEY=VALUE")
        found[key.strip()] = value
    return found


def models_of(given: tuple[str, ...]) -> dict[str, str]:
    """``("client=ollama:x", "openai:y")`` as agent -> model; "" for all others."""
    found: dict[str, str] = {}
    for spec in given:
        agent, equals, name = spec.partition("=")
        # An address may hold "=" in its query; an agent's name holds neither ":" nor "/".
        key, value = (agent.strip(), name) if equals and not any(c in agent for c in ":/#") else ("", spec)
        if key in found:
            raise UsageError(f"two models are given for {key or 'all agents'}", do="give one --model for each agent")
        found[key] = value
    return found or {"": "rehearsal"}


def decoding_of(given: tuple[str, ...]) -> "dict[str, Decoding]":
    """``("temperature=0.2", "client.top_p=0.9")`` as agent -> parameters. Raises UsageError for what is none."""
    from psyloom.llm import Decoding
    from psyloom.systems.catalog import json_or_text

    found: dict[str, dict[str, Any]] = {}
    for key, text in pairs(given).items():
        agent, _, name = key.rpartition(".")
        if name not in Decoding.__annotations__:
            raise UnknownName("decoding parameter", name, Decoding.__annotations__)
        value = json_or_text(text)
        if isinstance(value, str):
            raise UsageError(f"cannot read --decode {key}={text}", do="give a number, true or false, or a JSON list")
        found.setdefault(agent, {})[name] = value
    return cast("dict[str, Decoding]", found)


def _execute(
    work: "Work", cases: Path, *, out: Path, models: tuple[str, ...], lang: "Lang | None", limit: int | None, seed: int,
    concurrency: int, tries: int, max_calls: int | None, max_cost: float | None, max_minutes: float | None,
    prices: tuple[str, ...], derive: bool, traces: bool, as_json: bool, decoding: tuple[str, ...], by: str = "",
) -> None:  # fmt: skip
    from psyloom.agents import Annotator
    from psyloom.cli.progress import Bar
    from psyloom.llm.limits import Budget
    from psyloom.llm.prices import parse_price
    from psyloom.runs import run_cases
    from psyloom.runs.engine import roles_of
    from psyloom.runs.report import write_report
    from psyloom.runs.run import agents_of, check_decoding

    given = decoding_of(decoding)
    check_decoding(given, agents_of(roles_of(work).values()))
    with Bar() as bar:
        summary = finished(
            run_cases(
                work,
                cases,
                out,
                models=models_of(models),
                lang=lang,
                limit=limit,
                seed=seed,
                concurrency=concurrency,
                tries=tries,
                budget=Budget(max_calls, max_cost, max_minutes),
                prices=dict(map(parse_price, prices)),
                derive_missing=derive,
                traces=traces,
                by=by,
                decoding=given,
                on_progress=bar.show,
                signals=True,
            )
        )
    report: Path | None = None
    idle = _idle(work, by, out) if isinstance(work, Annotator) else None
    try:
        report = write_report(out)
    except FolderTrouble as trouble:  # why the run itself stopped comes first
        summary.stopped = summary.stopped or trouble
    if as_json:
        click.echo(json.dumps(_facts(summary, report) | ({"idle": idle} if idle else {}), ensure_ascii=False))
    else:
        _tell(summary, report)
        if idle:
            click.echo(idle)
    if summary.stopped:
        raise summary.stopped
    if summary.failures and not summary.dialogues:
        sys.exit(1)


def _idle(annotator: "Annotator", by: str, out: Path) -> str | None:
    """How many dialogues took no call of an annotator that knows why, and why; None when each took one."""
    from psyloom.records import Dialogue, read_jsonl
    from psyloom.runs.folder import DIALOGUES

    if not annotator.idle:
        return None
    noted = [d.annotations[by or annotator.system()] for d in read_jsonl(out / DIALOGUES, Dialogue)]
    bare = sum(not (one.took and one.took.calls) for one in noted)
    return f"nothing to annotate in {bare} of {len(noted)} dialogues: {annotator.idle}" if bare else None


def _facts(summary: "Summary", report: Path | None) -> dict[str, Any]:
    p = summary.progress
    return {
        "out": str(summary.out), "dialogues": summary.dialogues, "failures": summary.failures, "apart": summary.apart,
        "reasons": summary.reasons, "examples": summary.examples, "guards": summary.guards,
        "calls": p.calls, "replayed": p.replayed, "cost_usd": p.cost, "tokens_in": summary.tokens_in, "tokens_out": summary.tokens_out,
        "seconds": round(p.seconds, 3), "report": str(report) if report else None,
        "stopped": summary.stopped.happened if summary.stopped else None,
    }  # fmt: skip


def _tell(summary: "Summary", report: Path | None) -> None:
    from psyloom.runs.folder import APART
    from psyloom.runs.words import counted

    p = summary.progress
    cost = "cost unknown (give --price)" if p.cost is None else f"{p.cost:.4f} USD"
    replayed = f", {p.replayed} replayed" if p.replayed else ""
    click.echo(
        counted(f"{summary.dialogues} dialogues, {summary.failures} failures; {p.calls} calls")
        + f"{replayed}, {cost}, {p.seconds:.1f} s"
    )
    for reason, count in sorted(summary.reasons.items()):
        click.echo(f"  {count} x {reason}, first: {summary.examples[reason]}")
    if summary.guards:
        click.echo(f"  rules broken there: {', '.join(f'{count} x {rule}' for rule, count in summary.guards.items())}")
    if summary.failures:
        click.echo(f"every failure with all its attempts: {summary.out / 'failures.jsonl'}")
    if summary.apart:
        click.echo(counted(f"{summary.apart} dialogues kept apart, each with its reason: {summary.out / APART}"))
    if summary.dialogues:
        click.echo(f"read them: psyloom show {summary.out}{f'    report: {report}' if report else ''}")
