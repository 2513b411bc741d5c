"""psyloom export dialogues.jsonl --to sharegpt --out train.json"""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from pydantic import ValidationError

from psyloom.cli.place import Place
from psyloom.errors import UnknownName, UsageError
from psyloom.formats.write import WRITERS, Exported, ExportOptions, Writer, writer_for
from psyloom.formats.write import export as write
from psyloom.formats.write.examples import own_system
from psyloom.records import Dialogue, read_jsonl

if TYPE_CHECKING:
    from psyloom.curation.sources import Use


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
@click.option(
    "--to", required=True, metavar="FORMAT",
    help=f"One of: {', '.join(WRITERS)}; or a system's own, such as psychat.generator (`psyloom system SLUG`).",
)  # fmt: skip
@click.option("--out", required=True, type=Place(), help="File or folder to write.")
@click.option("--register", type=click.Path(path_type=Path), help="TOML file that says what each source allows.")
@click.option("--use", type=click.Choice(["train", "release"]), default="release", help="What --register must allow.")
@_options
def export(dialogues: Path, to: str, out: Path, register: Path | None, use: "Use", **given: Any) -> None:
    """Write DIALOGUES, a file or a run folder, in the format of a trainer, a tool or a reader."""
    from psyloom.runs.folder import dialogues_in

    try:
        options = ExportOptions(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        what = f"--{'-'.join(map(str, error['loc']))} {error['input']}: {error['msg']}"
        raise UsageError(what, do="see: psyloom export --help") from trouble
    refused: Counter[str] = Counter()
    given_dialogues: Iterable[Dialogue] = read_jsonl(dialogues_in(dialogues), Dialogue)
    if register:
        from psyloom.curation.sources import Register, released

        given_dialogues = released(given_dialogues, Register.read(register), use, refused)
    for line in report(write(given_dialogues, _writer(to), out, options, system_of=_system_prompt)):
        click.echo(line)
    for source, count in refused.most_common():
        click.echo(f"{count} dialogues of {source} left out: no right to {use}")


def _writer(name: str) -> Writer:
    slug, dot, _ = name.partition(".")
    if not dot:
        return writer_for(name)
    from psyloom.systems import find_system

    own = find_system(slug).exports()
    if name not in own:
        raise UnknownName(f"export format of {slug}", name, own)
    return own[name]


def _system_prompt(dialogue: Dialogue) -> str:
    """The system prompt that the dialogue carries; of one made here without any, that of its counselor's system."""
    if (own := own_system(dialogue)) or not dialogue.lineage:
        return own
    from psyloom.systems import find_systems

    roles = dialogue.lineage.roles
    made_by = find_systems().get(roles.get("counselor") or roles.get("writer") or dialogue.lineage.system)
    return made_by.card.system_prompt.of(dialogue.lang) if made_by else ""


def report(exported: Exported) -> list[str]:
    """What was written, line by line."""
    lines = [
        f"{counted.path}: {counted.examples} examples from {counted.dialogues} dialogues"
        for counted in exported.splits.values()
    ]
    if exported.left_out:
        why = ", ".join(f"{label} {count}" for label, count in exported.left_out.most_common())
        lines.append(f"{exported.left_out.total()} dialogues left out: {why}")
    if exported.barren:
        lines.append(f"{exported.barren} dialogues gave no example")
    if exported.writer.strict:
        lines.append("note: this format begins with the user: what the other side said before that is left out")
    if exported.writer.note:
        lines.append(f"note: {exported.writer.note}")
    return lines
