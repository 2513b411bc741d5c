"""psyloom doctor."""

import json
import os
import re
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import Any

import click

from psyloom import __version__
from psyloom.errors import PsyloomError


@click.command()
@click.option("--model", "models", multiple=True, help="Also ask this model one short question.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(models: tuple[str, ...], as_json: bool) -> None:
    """Check what is installed, which keys are set, and whether endpoints answer. Keys are never shown."""
    import asyncio

    from psyloom.llm.connect import providers

    named = {name: p.get("key") or p.get("key_optional") for name, p in providers().items()}
    keys = {name: key for name, key in named.items() if key}
    facts: dict[str, Any] = {
        "psyloom": __version__,
        "extras": {extra: not missing for extra, missing in _missing().items()},
        "keys": {name: bool(os.environ.get(key, "").strip()) for name, key in keys.items()},
        "models": {spec: asyncio.run(_probe(spec)) for spec in models},
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        _tell(facts, keys)
    if any(not facts["reachable"] for facts in facts["models"].values()):
        raise SystemExit(1)


def _missing() -> dict[str, list[str]]:
    """Extra of psyloom -> those of its packages that are not installed."""
    found: dict[str, list[str]] = {}
    for line in (requires("psyloom") if _there("psyloom") else None) or ():  # a bare checkout says nothing of extras
        package, extra = re.match(r"[\w.-]+", line), re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if package and extra:
            found.setdefault(extra[1], []).extend([] if _there(package[0]) else [package[0]])
    return found


def _there(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _tell(facts: dict[str, Any], keys: dict[str, str]) -> None:
    click.echo(f"psyloom {facts['psyloom']}")
    for extra, there in facts["extras"].items():
        click.echo(f"extra {extra}: {'installed' if there else f'not installed (pip install psyloom[{extra}])'}")
    for name, there in facts["keys"].items():
        who = "http://host/v1#MODEL" if name == "url" else name
        click.echo(f"{who}: {keys[name]} is {'set' if there else 'not set'}")
    for spec, found in facts["models"].items():
        answer = (
            f"reachable, structured answers: {found['json']}"
            if found["reachable"]
            else f"not usable: {found['trouble']}"
        )
        click.echo(f"{spec}: {answer}")


async def _probe(spec: str) -> dict[str, Any]:
    """Ask one question with a schema: is the endpoint there, and what constrained decoding does it support?"""
    from pydantic import create_model

    from psyloom.llm import Call, connect
    from psyloom.llm.answers import NotTyped, parse, schema

    probe = create_model("Probe", ok=(bool, ...))
    try:
        model = connect(spec, tries=3) if spec.partition(":")[0] not in ("rehearsal", "llamacpp") else connect(spec)
    except PsyloomError as trouble:
        return {"reachable": False, "trouble": trouble.happened}
    if model.name == "rehearsal":
        return {"reachable": True, "json": "schema"}
    question = 'Answer with this JSON object and nothing else: {"ok": true}'
    call = Call([{"role": "user", "content": question}], {"max_tokens": 64}, schema(probe, "en"))
    try:
        answer = await model(call)
        parse(answer.text, probe, "en")
        return {"reachable": True, "json": getattr(model, "json", "schema")}
    except NotTyped as trouble:
        return {"reachable": True, "json": f"unreliable ({trouble})"}
    except PsyloomError as trouble:
        return {"reachable": False, "trouble": trouble.happened}
    finally:
        await model.aclose()
