"""psyloom show."""

from difflib import get_close_matches
from pathlib import Path

import click

from psyloom.errors import UnknownName
from psyloom.knowledge.labels import loaded
from psyloom.records import Dialogue, Label, read_jsonl


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("id_", required=False, metavar="[ID]")
@click.option("--thoughts/--no-thoughts", default=True, help="Show the reasoning before replies.")
def show(path: Path, id_: str | None, thoughts: bool) -> None:
    """Read dialogues: a run folder or a file; one dialogue with ID, else the first and a list of all."""
    file = path / "dialogues.jsonl" if path.is_dir() else path
    seen: list[str] = []  # ids up to the one that is wanted
    for dialogue in read_jsonl(file, Dialogue):
        if id_ in (None, dialogue.id) and (id_ or not seen):
            print_dialogue(dialogue, thoughts=thoughts)
        seen.append(dialogue.id)
        if id_ == dialogue.id:
            return
    if id_:
        near = get_close_matches(id_, seen) or seen[:8]
        raise UnknownName("dialogue", id_, near, see=f"in {file}; all: `psyloom show {path}`")
    if len(seen) > 1:
        more = ", ".join(seen[1:9]) + (" ..." if len(seen) > 9 else "")
        click.echo(f"\n{len(seen)} dialogues; more: psyloom show {path} ID  ({more})")


def print_dialogue(dialogue: Dialogue, *, thoughts: bool = True) -> None:
    """One dialogue as a reader likes it: who speaks, labels and thoughts beside."""
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table

    console = Console(highlight=False)
    zh = dialogue.lang == "zh"
    made = dialogue.lineage
    source = (
        f"{made.system}, {'rehearsal' if made.rehearsal else ', '.join(sorted(set(made.models.values())))}"
        if made
        else "read"
    )
    console.print(Panel.fit(f"[bold]{escape(dialogue.id)}[/]  {dialogue.lang}  {escape(source)}", border_style="dim"))
    names = {"client": "来访者" if zh else "Client", "counselor": "咨询师" if zh else "Counselor"}
    for number, session in enumerate(dialogue.sessions, 1):
        if len(dialogue.sessions) > 1:
            console.rule(f"session {number}")
        for key, note in session.notes.items():
            console.print(Padding(f"[dim]{escape(key)}: {escape(str(note))}[/]", (0, 0, 0, 2)))
        for turn in session.turns:
            if thoughts and turn.thought:
                thought = " / ".join(f"{e.name}: {e.text}" for e in turn.thought)
                console.print(Padding(f"[dim italic]{escape(thought)}[/]", (0, 0, 0, 6)))
            color = "cyan" if turn.speaker == "client" else "green"
            names_of = ", ".join(label_name(label, dialogue.lang) for label in turn.labels)
            line = Table.grid(padding=(0, 2, 0, 0))
            line.add_column(no_wrap=True)
            line.add_column(overflow="fold")
            labels = f"  [dim]{escape(names_of)}[/]" if turn.labels else ""
            line.add_row(f"[bold {color}]{names[turn.speaker]}[/]", f"{escape(turn.text)}{labels}")
            console.print(line)
        if session.ended:
            console.print(f"[dim]({escape(session.ended)})[/]")


def label_name(label: Label, lang: str) -> str:
    """A label's name in the dialogue's language; its id where the set is not known here."""
    try:
        return loaded(label.set)[label.id].name("zh" if lang == "zh" else "en")
    except UnknownName:
        return label.id
