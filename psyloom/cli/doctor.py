"""psyloom doctor."""

import asyncio
import json
import os
from importlib.util import find_spec
from typing import Any

import click
from pydantic import BaseModel

from psyloom import __version__
from psyloom.errors import PsyloomError
from psyloom.llm import Call, connect
from psyloom.llm.answers import NotTyped, parse, schema
from psyloom.llm.connect import providers


class _Probe(BaseModel):
    ok: bool


@click.command()
@click.option("--model", "models", multiple=True, help="Also ask this model one short question.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(models: tuple[str, ...], as_json: bool) -> None:
    """Check what is installed, which keys are set, and whether endpoints answer. Keys are never shown."""
    facts: dict[str, Any] = {
        "psyloom": __version__,
        "extras": {"local": find_spec("xllamacpp") is not None},
        "keys": {name: bool(os.environ.get(p["key"])) for name, p in providers().items() if "key" in p},
        "models": {spec: asyncio.run(_probe(spec)) for spec in models},
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        _tell(facts)
    if any(not facts["reachable"] for facts in facts["models"].values()):
        raise SystemExit(1)


def _tell(facts: dict[str, Any]) -> None:
    click.echo(f"psyloom {facts['psyloom']}")
    for extra, there in facts["extras"].items():
        click.echo(f"extra {extra}: {'installed' if there else f'not installed (pip install psyloom[{extra}])'}")
    for name, there in facts["keys"].items():
        click.echo(f"{name}: {providers()[name]['key']} is {'set' if there else 'not set'}")
    for spec, found in facts["models"].items():
        answer = (
            f"reachable, structured answers: {found['json']}"
            if found["reachable"]
            else f"not usable: {found['trouble']}"
        )
        click.echo(f"{spec}: {answer}")


async def _probe(spec: str) -> dict[str, Any]:
    """Ask one question with a schema: is the endpoint there, and what constrained decoding does it support?"""
    try:
        model = connect(spec, tries=3) if spec.partition(":")[0] not in ("rehearsal", "llamacpp") else connect(spec)
    except PsyloomError as trouble:
        return {"reachable": False, "trouble": trouble.happened}
    if model.name == "rehearsal":
        return {"reachable": True, "json": "schema"}
    question = 'Answer with this JSON object and nothing else: {"ok": true}'
    call = Call([{"role": "user", "content": question}], {"max_tokens": 64}, schema(_Probe, "en"))
    try:
        answer = await model(call)
        parse(answer.text, _Probe, "en")
        return {"reachable": True, "json": getattr(model, "json", "schema")}
    except NotTyped as trouble:
        return {"reachable": True, "json": f"unreliable ({trouble})"}
    except PsyloomError as trouble:
        return {"reachable": False, "trouble": trouble.happened}
    finally:
        await model.aclose()
