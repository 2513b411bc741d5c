"""The command line. Commands live in files of their own and load when used, so that --help is quick."""

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from psyloom import __version__
from psyloom.errors import PsyloomError

# command -> (module, one line for --help); the order of the way of the data.
COMMANDS: dict[str, tuple[str, str]] = {
    "systems": ("psyloom.cli.catalog", "List the systems."),
    "system": ("psyloom.cli.catalog", "Show one system: its card, roles and options."),
    "cases": ("psyloom.cli.catalog", "Print a system's bundled cases as JSON Lines."),
    "labels": ("psyloom.cli.catalog", "List the label sets, or show one with its groups."),
    "run": ("psyloom.cli.run", "Run a system over a file of cases."),
    "simulate": ("psyloom.cli.run", "Let any counselor talk with any client."),
    "reply": ("psyloom.cli.run", "Let a counselor answer every client message of given dialogues."),
    "annotate": ("psyloom.cli.run", "Label dialogues with a system's annotator."),
    "analyze": ("psyloom.cli.analyze", "Show what dialogues hold: reactions, transitions, annotators, diversity."),
    "classifier": ("psyloom.cli.classifier", "Learn a label set from annotated dialogues, and annotate with it."),
    "tune": ("psyloom.cli.tune", "Fine-tune a small chat model, or try a recipe out."),
    "export": ("psyloom.cli.export", "Write dialogues for a trainer, a tool or a reader."),
    "read": ("psyloom.cli.read", "Read a released data set into our records."),
    "mix": ("psyloom.cli.mix", "Mix files of dialogues at a chosen ratio."),
    "curate": ("psyloom.cli.curate", "Inspect, review and check dialogues before they become a data set."),
    "formats": ("psyloom.cli.read", "List the formats that can be read."),
    "rate": ("psyloom.cli.rate", "Let models rate dialogues with instruments."),
    "instruments": ("psyloom.cli.rate", "List the instruments, or show one."),
    "ratings": ("psyloom.cli.rate", "Read ratings of people from a CSV file."),
    "arena": ("psyloom.cli.arena", "Let counselors meet the same clients, and rank them."),
    "compare": ("psyloom.cli.compare", "Compare two files of dialogues."),
    "agree": ("psyloom.cli.agree", "How far raters agree, item by item."),
    "serve": ("psyloom.cli.serve", "Serve counselors to any client of the OpenAI chat API."),
    "chat": ("psyloom.cli.chat", "Talk with a client or a counselor in the terminal."),
    "practice": ("psyloom.cli.practice", "Practice with a simulated patient, and find its cognitive model."),
    "show": ("psyloom.cli.show", "Read dialogues in the terminal."),
    "schema": ("psyloom.cli.catalog", "Print the JSON Schema of a record."),
    "doctor": ("psyloom.cli.doctor", "Check back ends, keys and endpoints."),
}


class Lazy(click.Group):
    """A group whose commands load when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="psyloom %(version)s")
@click.option("--systems", "folders", multiple=True, metavar="PATH", help="Look for systems in this folder too.")
@click.pass_context
def app(ctx: click.Context, folders: tuple[str, ...]) -> None:
    """Systems for mental-health dialogue as running code: synthesize, simulate, counsel, annotate, rate.

    For research and teaching. Nothing here diagnoses, treats or replaces a counselor.
    """
    if folders:
        from pathlib import Path

        from psyloom.systems.catalog import add_systems

        add_systems(map(Path, folders))
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: list[str] | None = None) -> Any:
    """Run the command line; a user's mistake is one clear message, never a traceback."""
    try:
        return app.main(args, prog_name="psyloom", standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as mistake:
        asked = mistake.ctx.command_path if isinstance(mistake, click.UsageError) and mistake.ctx else "psyloom"
        _leave(f"{mistake.format_message()}\n  -> see: {asked} --help", mistake.exit_code)
    except PsyloomError as trouble:
        _leave(str(trouble), trouble.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _leave("interrupted", 1)
    except OSError as trouble:  # a file that a command reads or writes for its user
        _leave(f"{trouble.filename or 'input or output'}: {trouble.strerror or trouble}", 1)


def _leave(message: str, code: int) -> NoReturn:
    print(f"psyloom: {message}", file=sys.stderr)
    sys.exit(code)
