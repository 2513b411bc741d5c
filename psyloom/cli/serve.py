"""psyloom serve."""

from contextlib import suppress
from typing import TYPE_CHECKING, cast

import click

from psyloom.cli.run import models_of

if TYPE_CHECKING:
    from psyloom.records import Lang


@click.command()
@click.option(
    "--counselor", "counselors", multiple=True, required=True, help="SLUG or SLUG:option=value; may be repeated."
)
@click.option("--model", "models", multiple=True, metavar="[AGENT=]MODEL", help="Who answers. Default: rehearsal.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the prompts. Default: the user's.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; by default this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8088, show_default=True, help="0: any free one.")
def serve(counselors: tuple[str, ...], models: tuple[str, ...], lang: str | None, host: str, port: int) -> None:
    """Serve counselors to any client of the OpenAI chat API, for research and teaching.

    No talk is written anywhere. A crisis cue in a user's message brings fixed words of help before the reply.

    Example: psyloom serve --counselor emollm --counselor emollm:persona=scientist --model ollama:qwen3
    """
    from aiohttp import web

    from psyloom.cli.chat import NOTICE
    from psyloom.runs import open_models
    from psyloom.serving.api import Server

    server = Server(counselors, open_models(models_of(models)), cast("Lang | None", lang))
    click.echo(NOTICE["zh" if lang == "zh" else "en"].splitlines()[0], err=True)
    click.echo(f"http://{host}:{port}/v1: {', '.join(counselors)}")
    with suppress(KeyboardInterrupt):
        web.run_app(server.app(), host=host, port=port, print=None, access_log=None)
