"""psyloom analyze reactions|transitions|advice|annotators|diversity|profile|selections|predictions DIALOGUES, deviations RATINGS"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.cli.place import Place

if TYPE_CHECKING:
    from psyloom.judging.analysis import Finding
    from psyloom.records import Dialogue, Lang


@click.group()
def analyze() -> None:
    """What dialogues (a file or a run's folder) and their labels show: tables with intervals, and pictures."""


def _read(path: Path) -> "Iterator[Dialogue]":
    """The dialogues of a file or of a run's folder; at their end it is told which labels no model gave."""
    from psyloom.records import Dialogue, read_jsonl
    from psyloom.runs.folder import dialogues_in

    rehearsed: dict[str, None] = {}
    for dialogue in read_jsonl(dialogues_in(path), Dialogue):
        if dialogue.lineage and dialogue.lineage.rehearsal:
            rehearsed["the dialogues themselves"] = None
        rehearsed |= {f"labels by {by}": None for by, made in dialogue.annotations.items() if made.rehearsal}
        yield dialogue
    if rehearsed:
        click.echo(f"warning: made by the rehearsal back end, no data: {', '.join(rehearsed)}", err=True)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--seed", type=int, default=0),
        click.option(
            "--resamples", type=click.IntRange(0), default=1000, help="Bootstrap resamples for the intervals."
        ),
        click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of titles and names."),
        click.option("--out", type=Place(), help="Folder for the pictures (SVG)."),
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
    from psyloom.records import Rating, read_jsonl

    scores = outcomes(read_jsonl(outcome, Rating), instrument) if outcome else None
    sessions = coded(_read(dialogues), Scheme(strategies, behaviors), by=by, outcome=scores)
    _show(reactions_report, sessions, **more)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@_common
def transitions(dialogues: Path, strategies: str, by: str | None, **more: Any) -> None:
    """Which strategy follows which.

    Example: psyloom analyze transitions labelled/dialogues.jsonl --strategies escot_strategy
    """
    from psyloom.judging.analysis import Scheme, coded, transitions_report

    sessions = coded(_read(dialogues), Scheme(strategies), by=by)
    _show(transitions_report, sessions, **more)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--set", "name", required=True, help="The label set.")
@click.option("--by", help="Whose labels count, when several annotators labelled.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of titles and names.")
def labels(dialogues: Path, name: str, by: str | None, lang: "Lang") -> None:
    """How often each label of a set occurs, on how many dialogues, those that never occur included.

    Example: psyloom analyze labels reviewed/dialogues.jsonl --set soulchat_review
    """
    from rich.console import Console
    from rich.table import Table

    from psyloom.judging.analysis.words import say
    from psyloom.judging.metrics.labels import occurrences
    from psyloom.knowledge import label_set, label_sets

    found = occurrences(_read(dialogues), name, annotator=by)
    terms = label_set(name) if name in label_sets() else None
    title = say("{}: {} dialogues", lang, name, found[0].of if found else 0)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("label", "dialogues", "share", "labels"):
        table.add_column(say(column, lang), justify="left" if column == "label" else "right")
    for one in found:
        called = terms[one.label].name(lang) if terms and one.label in terms else one.label
        table.add_row(called, str(one.dialogues), f"{one.share:.1%}", str(one.labels))
    Console(highlight=False).print(table)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option(
    "--fifth", type=click.IntRange(1, 5), default=3, show_default=True, help="Which fifth of the session it is."
)
@click.option("--by", help="Whose labels count, when several annotators labelled.")
def advice(dialogues: Path, fifth: int, by: str | None) -> None:
    """Support or challenge next? For the point at which each labelled dialogue ends, after Client Reactions.

    Example: psyloom analyze advice labelled/dialogues.jsonl --fifth 4
    """
    from psyloom.systems.client_reactions.advice import advise

    for dialogue in _read(dialogues):
        given = advise(dialogue.sessions[-1].turns if dialogue.sessions else (), fifth=fifth, by=by)
        click.echo(f"{dialogue.id}: {given.step}. {given.words(dialogue.lang)}")


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--set", "label_set", help="Only labels of this set.")
@click.option("--out", required=True, type=Place(), help="Ratings file for `psyloom agree`.")
def annotators(dialogues: Path, label_set: str | None, out: Path) -> None:
    """Write what annotators labelled as ratings, a sentence or a message each, so that they can be compared.

    Example: psyloom analyze annotators both.jsonl --out ratings.jsonl && psyloom agree ratings.jsonl
    """
    from psyloom.judging.analysis.annotators import ratings_of_labels
    from psyloom.records import write_jsonl

    count = write_jsonl(out, ratings_of_labels(_read(dialogues), label_set))
    click.echo(f"{out}: {count} ratings    compare them: psyloom agree {out}")


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["words", "characters"]), default="words", help="What words are counted by.")
@click.option("--vocabulary", type=click.IntRange(2), help="Size of the vocabulary: adds EAD.")
@click.option("--embedder", default="lexical", help="Likeness: lexical, or module:function, from texts to vectors.")
@click.option("--sample", type=click.IntRange(2), default=500, help="Pairs are taken among so many dialogues.")
@click.option("--seed", type=int, default=0, help="Draws the sample.")
@click.option("--out", type=Place(), help="Folder for the pictures (SVG).")
def diversity(dialogues: Path, embedder: str, out: Path | None, **more: Any) -> None:
    """How varied dialogues are: distinct-n, EAD, LDD, likeness of pairs and to the source, entropy of their labels.

    Example: psyloom analyze diversity runs/smile/dialogues.jsonl
    """
    from psyloom.agents.retrieval import embedder_named
    from psyloom.judging.analysis import diversity_report
    from psyloom.judging.metrics import lexical

    embed = embedder_named(embedder) or lexical
    _show(diversity_report, list(_read(dialogues)), embed=embed, out=out, **more)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--facet", "facets", multiple=True, metavar="PATH", help="The profile, e.g. post. Default: all facets.")
@click.option("--by", type=click.Choice(["words", "characters"]), default="words", help="What words are counted by.")
@click.option("--embedder", default="lexical", help="Likeness: lexical, or module:function, from texts to vectors.")
@click.option("--seed", type=int, default=0, help="Draws the other profiles.")
@click.option("--out", type=Place(), help="Folder for the pictures (SVG).")
def profile(dialogues: Path, embedder: str, out: Path | None, **more: Any) -> None:
    """Do clients follow their profiles? Shared words and likeness, beside those with a random other profile.

    Example: psyloom analyze profile runs/interactive_agents/dialogues.jsonl --facet post
    """
    from psyloom.agents.retrieval import embedder_named
    from psyloom.judging.analysis import profile_report
    from psyloom.judging.metrics import lexical

    embed = embedder_named(embedder) or lexical
    _show(profile_report, list(_read(dialogues)), embed=embed, out=out, **more)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option(
    "--shuffles", type=click.IntRange(0), default=100, help="Orders that Elo is averaged over; 0: as they stand."
)
@click.option("--seed", type=int, default=0, help="Draws the orders.")
def selections(dialogues: Path, shuffles: int, seed: int) -> None:
    """Whose answers were picked, where several counselors answered every turn: score = selections / dialogues, and Elo.

    Example: psyloom analyze selections arena/dialogues.jsonl
    """
    from rich.console import Console
    from rich.table import Table

    from psyloom.judging.analysis import selections as selected

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("counselor", "dialogues", "selections", "score", "Elo"):
        table.add_column(column, justify="left" if column == "counselor" else "right")
    for one in selected(_read(dialogues), shuffles=shuffles, seed=seed):
        table.add_row(one.name, str(one.dialogues), str(one.selections), f"{one.score:.2f}", f"{one.elo:.2f}")
    Console(highlight=False).print(table)


@analyze.command()
@click.argument("ratings", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--with", "name", required=True, metavar="ID", help="The instrument.")
@click.option("--by", default="attitude", show_default=True, help="What the ratings are grouped by: attitude or topic.")
def deviations(ratings: tuple[Path, ...], name: str, by: str) -> None:
    """Scores by the clients' attitude, and how far each is from their mean. One file of RATINGS for each counselor.

    Example: psyloom analyze deviations rated/catch/ratings.jsonl rated/plain/ratings.jsonl --with catch_sst
    """
    from rich.console import Console
    from rich.table import Table

    from psyloom.judging.analysis import deviations as deviated
    from psyloom.knowledge.instruments import instrument
    from psyloom.records import Rating, read_jsonl

    for path in ratings:
        told = deviated(read_jsonl(path, Rating), instrument(name), by)
        groups = list(dict.fromkeys(group for one in told for group in one.scores))
        for rater in dict.fromkeys(one.rater for one in told):
            title = f"{path}  by {rater}"
            table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
            for column in ("score", "mean", *groups):
                table.add_column(column, justify="left" if column == "score" else "right")
            for one in (one for one in told if one.rater == rater):
                cells = (
                    f"{one.scores[group]:.2f} {_percent(one.of(group))}" if group in one.scores else ""
                    for group in groups
                )
                table.add_row(one.score, f"{one.mean:.2f}", *cells)
            Console(highlight=False).print(table)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option(
    "--level",
    type=click.Choice(["code", "stem", "family"]),
    default="stem",
    show_default=True,
    help="How alike diagnoses must be: the same code, the same up to the point, of one kind (also by name).",
)
def diagnoses(dialogues: Path, level: Any) -> None:
    """Top-k accuracy of the diagnoses that doctors ended with: is the case's own among the first k?

    Example: psyloom analyze diagnoses runs/amie/dialogues.jsonl --level family
    """
    from rich.console import Console
    from rich.table import Table

    from psyloom.judging.diagnosis import accuracy, concluded

    known = ((concluded(d), d.case.clinical.diagnoses if d.case and d.case.clinical else []) for d in _read(dialogues))
    answered = [(ranked, truth) for ranked, truth in known if ranked]
    table = Table(
        title=f"{len(answered)} dialogues", title_justify="left", box=None, header_style="bold", pad_edge=False
    )
    for column in ("k", "accuracy", "interval"):
        table.add_column(column, justify="right")
    for k, found in accuracy(answered, tuple(range(1, 11)), level).items():
        table.add_row(str(k), f"{found.value:.3f}", f"{found.low:.3f} to {found.high:.3f}")
    Console(highlight=False).print(table)


@analyze.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--set", "name", required=True, help="The label set that was predicted.")
@click.option("--by", required=True, help="Who predicted: the annotator's name.")
@click.option("--truth", help="Whose labels are the known ones. Default: those that came with the dialogues.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of titles and names.")
def predictions(dialogues: Path, name: str, by: str, truth: str | None, lang: "Lang") -> None:
    """Predicted labels against the known ones: accuracy, macro-F1, weighted F1, and what is taken for what.

    Example: psyloom annotate cadss esconv.jsonl --out predicted && psyloom analyze predictions predicted/dialogues.jsonl
    --set esconv_strategy --by cadss
    """
    from rich.console import Console
    from rich.table import Table

    from psyloom.judging.analysis.words import say
    from psyloom.judging.metrics.predictions import predictions as predicted
    from psyloom.knowledge import label_set, label_sets

    found = predicted(_read(dialogues), name, by, truth=truth)
    missing = say(", {} without a prediction", lang, found.missing) if found.missing else ""
    click.echo(say("{} by {}: {} turns", lang, name, by, found.confusion.total()) + missing)
    scores = (f"{score:.3f}" for score in (found.accuracy, found.macro_f1, found.weighted_f1))
    click.echo(say("accuracy {}  macro-F1 {}  weighted F1 {}", lang, *scores))
    terms = label_set(name) if name in label_sets() else None
    ordered = [one for one in terms.ids if one in found.f1] if terms else []
    labels = [*ordered, *(one for one in found.f1 if one not in ordered)]
    title = say("rows: known, columns: predicted", lang)
    table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    for column in ("", "", *map(str, range(1, len(labels) + 1)), "F1"):
        table.add_column(column, justify="right" if column else "left")
    for number, known in enumerate(labels, 1):
        called = terms[known].name(lang) if terms and known in terms else known
        counts = (str(found.confusion[known, said] or ".") for said in labels)
        table.add_row(str(number), called, *counts, f"{found.f1[known]:.2f}")
    Console(highlight=False).print(table)


def _cell(value: object) -> str:
    from psyloom.judging.agreement.bootstrap import Estimate

    number = value.value if isinstance(value, Estimate) else value
    if isinstance(number, float) and math.isnan(number):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _percent(share: float | None) -> str:
    return "" if share is None else f"({share:+.1%})"


def _show(report: "Callable[..., Iterable[Finding]]", sessions: Any, *, out: Path | None, **more: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for finding in report(sessions, **more):
        table = Table(title=finding.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for name in finding.columns:
            table.add_column(name)
        for row in finding.rows:
            table.add_row(*map(_cell, row))
        console.print(table)
        if finding.note:
            console.print(f"  {finding.note}")
        if out:
            console.print(f"  {finding.save(out)}")
        console.print()
