"""psyloom export dialogues.jsonl --to sharegpt --out train.json"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import ValidationError

from psyloom.errors import UsageError
from psyloom.formats.write import WRITERS, Exported, ExportOptions, writer_for
from psyloom.formats.write import export as write
from psyloom.records import Dialogue, read_jsonl


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """One command-line option for every field of ExportOptions, so that both say the same."""
    for name, field in reversed(ExportOptions.model_fields.items()):
        flag = "--" + name.replace("_", "-")
        if field.annotation is bool and field.default:
            flag += "/--no-" + name
        is_flag = field.annotation is bool
        kind = None if is_flag else _kind(field.annotation)
        help_text = f"{field.description}."
        command = click.option(flag, name, type=kind, is_flag=is_flag, default=None, help=help_text)(command)
    return command


def _kind(annotation: Any) -> Any:
    arms = [arm for arm in get_args(annotation) if arm is not type(None)] or [annotation]
    words = [word for arm in arms for word in (get_args(arm) or [arm]) if isinstance(word, str)]
    return click.Choice(words) if words else click.INT if int in arms else click.STRING


@click.command()
@click.argument("dialogues", type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="FORMAT", help=f"One of: {', '.join(WRITERS)}.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File or folder to write.")
@_options
def export(dialogues: Path, to: str, out: Path, **given: Any) -> None:
    """Write DIALOGUES in the format of a trainer, a tool or a reader."""
    try:
        options = ExportOptions(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        what = f"--{'-'.join(map(str, error['loc']))} {error['input']}: {error['msg']}"
        raise UsageError(what, do="see: psyloom export --help") from trouble
    for line in report(write(read_jsonl(dialogues, Dialogue), writer_for(to), out, options)):
        click.echo(line)


def report(exported: Exported) -> list[str]:
    """What was written, line by line."""
    lines = [
        f"{counted.path}: {counted.examples} examples from {counted.dialogues} dialogues"
        for counted in exported.splits.values()
    ]
    if exported.barren:
        lines.append(f"{exported.barren} dialogues gave no example")
    if exported.writer.strict:
        lines.append("note: this format begins with the user: what the other side said before that is left out")
    if exported.writer.note:
        lines.append(f"note: {exported.writer.note}")
    return lines
