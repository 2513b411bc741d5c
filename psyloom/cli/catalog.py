"""psyloom systems, system, cases, labels, schema."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.errors import UsageError

if TYPE_CHECKING:
    from psyloom.knowledge import Term
    from psyloom.records import Lang
    from psyloom.systems import System


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
    from psyloom.systems import find_systems

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


def _facts(system: "System") -> dict[str, Any]:
    return {
        "slug": system.slug,
        **system.card.model_dump(mode="json"),
        "options": {r: options_of(system, r) for r in system.card.roles},
    }


def options_of(system: "System", role: str) -> dict[str, dict[str, Any]]:
    """A role's options: name -> default and description."""
    from pydantic_core import to_jsonable_python

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
    from psyloom.systems import find_system
    from psyloom.systems.making import Maker

    found = find_system(slug)
    if as_json:
        click.echo(json.dumps(_facts(found), ensure_ascii=False, indent=2))
        return
    card = found.card
    click.secho(f"{slug}  {card.title}", bold=True)
    click.echo(f"{card.authors.rstrip('.')}. {card.venue}, {card.year}. {'; '.join(card.ids)}")
    click.echo(f"code: {card.code or 'none'}; licence: {card.licence or 'not stated'}; tags: {', '.join(card.tags)}")
    click.echo(f"\n{card.summary.zh if lang == 'zh' else card.summary.en}")
    for role in card.roles:
        click.secho(f"\n{role}", bold=True)
        doc = (found.role(role).__doc__ or "").strip().splitlines()
        click.echo(f"  {doc[0] if doc else ''}")
        for name, facts in options_of(found, role).items():
            click.echo(f"  --set {name}={json.dumps(facts['default'], ensure_ascii=False)}  {facts['description']}")
    if own := found.exports():
        click.secho("\nexports", bold=True)
        for name, writer in own.items():
            click.echo(f"  psyloom export DIALOGUES --to {name}  {writer.title}")
    for way in card.cases:
        maker = Maker(f"{slug}:{way}", found.maker(way))
        file = f" {maker.reads.kind.upper()}S" if maker.reads else ""
        click.secho(f"\ncases --make {way}{file}", bold=True)
        click.echo(f"  {maker.told}")
        for name, default in maker.options.items():
            click.echo(f"  --set {name}={json.dumps(default, ensure_ascii=False)}")
    for title, lines in (
        ("the paper's", card.paper),
        ("ours (DEFAULT)", card.defaults),
        ("departures", card.departures),
    ):
        click.secho(f"\n{title}", bold=True)
        click.echo("\n".join(f"  - {line}" for line in lines) or "  none")


@click.command()
@click.argument("slug")
@click.argument("records", required=False, type=click.Path(path_type=Path))
@click.option("--make", "way", help="How to make cases, e.g. grid; see `psyloom system SLUG`.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of that way.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Only cases in this language.")
def cases(slug: str, records: Path | None, way: str | None, settings: tuple[str, ...], lang: str | None) -> None:
    """Print cases as JSON Lines: those bundled with a system, or those it makes, some of them of RECORDS.

    Example: psyloom cases magnet > cases.jsonl; psyloom cases psydial --make session talks.jsonl > cases.jsonl
    """
    from psyloom.cli.run import pairs
    from psyloom.records import Case, read_jsonl, to_line
    from psyloom.systems import find_system
    from psyloom.systems.making import Maker

    found = find_system(slug)
    if way is None and (records or settings):
        raise UsageError(
            "records and settings are for cases that are made", do=f"add --make; see `psyloom system {slug}`"
        )
    given: Iterable[Case] = read_jsonl(found.cases(), Case)
    if way is not None:
        maker = Maker(f"{slug}:{way}", found.maker(way))
        read = read_jsonl(records, maker.reads or Case) if records else None
        given = maker.make(read, **({"lang": lang} if lang and "lang" in maker.options else {}), **pairs(settings))
    for case in given:
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


@click.command()
@click.argument("name", required=False)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="Language of the names.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The whole set as JSON: names, definitions, and which label stands over which.",
)
def labels(name: str | None, lang: "Lang", as_json: bool) -> None:
    """List the label sets, or show one with its groups.

    Example: psyloom labels client_reaction --lang zh
    """
    from psyloom.knowledge import label_set, label_sets

    if name is None:
        found = [label_set(one) for one in label_sets()]
        facts = [{"id": one.id, "en": one.en, "zh": one.zh, "labels": len(one)} for one in found]
        click.echo(
            json.dumps(facts, ensure_ascii=False, indent=2)
            if as_json
            else "\n".join(f"{one.id}  {one.zh if lang == 'zh' else one.en}, {len(one)}" for one in found)
        )
        return
    chosen = label_set(name)
    if as_json:
        click.echo(json.dumps(chosen.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2))
        return
    click.secho(f"{chosen.id}  {chosen.zh if lang == 'zh' else chosen.en}", bold=True)
    click.echo(chosen.source)

    def show(terms: "Iterable[Term]", depth: int) -> None:
        for term in terms:
            colon = "：" if lang == "zh" else ": "
            told = f"{colon}{term.definition.of(lang)}" if term.definition.of(lang) else ""
            click.echo(f"{'  ' * depth}{term.id}  {term.name(lang)}{told}")
            show(chosen.children(term.id), depth + 1)

    show((term for term in chosen.terms if term.parent is None), 1)
