"""psyloom systems, system, cases, schema."""

import json
from typing import Any

import click
from pydantic_core import to_jsonable_python

from psyloom.systems import System, find_system, find_systems


@click.command()
@click.option("--tag", help="Only systems with this tag, e.g. 'Specific Therapy'.")
@click.option(
    "--role",
    type=click.Choice(["writer", "client", "counselor", "annotator"]),
    help="Only systems that offer this role.",
)
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Only systems whose paper works in this language.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def systems(tag: str | None, role: str | None, lang: str | None, as_json: bool) -> None:
    """List the systems.

    Example: psyloom systems --tag "Specific Therapy" --lang zh
    """
    found = [
        s
        for s in find_systems().values()
        if (not tag or tag.casefold() in (t.casefold() for t in s.card.tags))
        and (not role or role in s.card.roles)
        and (not lang or lang in s.card.paper_languages)
    ]
    if as_json:
        click.echo(json.dumps([_facts(s) for s in found], ensure_ascii=False, indent=2))
        return
    for s in found:
        click.secho(s.slug, bold=True, nl=False)
        click.echo(f"  {', '.join(s.card.roles)}; {', '.join(s.card.paper_languages)}; {', '.join(s.card.tags)}")
        summary = s.card.summary.of("zh" if lang == "zh" else "en")
        click.echo(f"  {summary}" if lang == "zh" else click.wrap_text(summary, 100, "  ", "  "))
    if not found:
        click.echo("no system fits; all: `psyloom systems`")


def _facts(system: System) -> dict[str, Any]:
    return {
        "slug": system.slug,
        **system.card.model_dump(mode="json"),
        "options": {r: options_of(system, r) for r in system.card.roles},
    }


def options_of(system: System, role: str) -> dict[str, dict[str, Any]]:
    """A role's options: name -> default and description."""
    return {
        name: {
            "default": to_jsonable_python(field.get_default(call_default_factory=True), fallback=str),
            "description": field.description or "",
        }
        for name, field in system.role(role).model_fields.items()
    }


@click.command()
@click.argument("slug")
@click.option(
    "--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="Language of the summary."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def system(slug: str, lang: str, as_json: bool) -> None:
    """Show one system: whose it is, what it does, what is the paper's and what is ours."""
    found = find_system(slug)
    if as_json:
        click.echo(json.dumps(_facts(found), ensure_ascii=False, indent=2))
        return
    card = found.card
    click.secho(f"{slug}  {card.title}", bold=True)
    click.echo(f"{card.authors}. {card.venue}, {card.year}. {'; '.join(card.ids)}")
    click.echo(f"code: {card.code or 'none'}; licence: {card.licence or 'not stated'}; tags: {', '.join(card.tags)}")
    click.echo(f"\n{card.summary.zh if lang == 'zh' else card.summary.en}")
    for role in card.roles:
        click.secho(f"\n{role}", bold=True)
        doc = (found.role(role).__doc__ or "").strip().splitlines()
        click.echo(f"  {doc[0] if doc else ''}")
        for name, facts in options_of(found, role).items():
            click.echo(f"  --set {name}={json.dumps(facts['default'], ensure_ascii=False)}  {facts['description']}")
    for title, lines in (
        ("the paper's", card.paper),
        ("ours (DEFAULT)", card.defaults),
        ("departures", card.departures),
    ):
        click.secho(f"\n{title}", bold=True)
        click.echo("\n".join(f"  - {line}" for line in lines) or "  none")


@click.command()
@click.argument("slug")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Only cases in this language.")
def cases(slug: str, lang: str | None) -> None:
    """Print a system's bundled sample cases as JSON Lines.

    Example: psyloom cases magnet > cases.jsonl
    """
    from psyloom.records import Case, read_jsonl, to_line

    for case in read_jsonl(find_system(slug).cases(), Case):
        if lang in (None, case.lang):
            click.echo(to_line(case).decode(), nl=False)


@click.command()
@click.argument("record", type=click.Choice(["case", "dialogue", "rating"]))
def schema(record: str) -> None:
    """Print the JSON Schema of a record."""
    from psyloom.records import Case, Dialogue, Rating, Record

    kinds: dict[str, type[Record]] = {"case": Case, "dialogue": Dialogue, "rating": Rating}
    kind = kinds[record]
    body = kind.model_json_schema()
    body["properties"] = {"psyloom": {"const": kind.tag(), "description": "kind and version of the record"}} | body[
        "properties"
    ]
    click.echo(
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **body}, ensure_ascii=False, indent=2)
    )
