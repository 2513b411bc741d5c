"""psyloom show."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.errors import BadRecord, UnknownName

if TYPE_CHECKING:
    from psyloom.records import Dialogue, Element, Label, Turn

_SHORT = 6  # notes that are shown when not all are wanted


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("id_", required=False, metavar="[ID]")
@click.option("--thoughts/--no-thoughts", default=True, help="Show the reasoning before replies.")
@click.option("--reasons/--no-reasons", default=True, help="Show the reasons of labels, and the words they rest on.")
@click.option(
    "--notes",
    is_flag=True,
    help="Show the case and all notes in full, not a line of each, and what was kept beside the messages: steps, candidates, earlier versions.",
)
def show(path: Path, id_: str | None, thoughts: bool, reasons: bool, notes: bool) -> None:
    """Read dialogues: a run folder or a file; one dialogue with ID, else the first and a list of all."""
    from psyloom.records import Dialogue, read_jsonl
    from psyloom.runs.folder import dialogues_in

    file = dialogues_in(path)
    seen: list[str] = []  # ids up to the one that is wanted
    _refuse_cases(file)
    for dialogue in read_jsonl(file, Dialogue):
        if id_ in (None, dialogue.id) and (id_ or not seen):
            print_dialogue(dialogue, thoughts=thoughts, reasons=reasons, notes=notes)
        seen.append(dialogue.id)
        if id_ == dialogue.id:
            return
    if id_:
        near = get_close_matches(id_, seen) or seen[:8]
        raise UnknownName("dialogue", id_, near, see=f"in {file}; all: `psyloom show {path}`")
    if len(seen) > 1:
        more = ", ".join(seen[1:9]) + (" ..." if len(seen) > 9 else "")
        click.echo(f"\n{len(seen)} dialogues; more: psyloom show {path} ID  ({more})")


def _refuse_cases(file: Path) -> None:
    """Cases may be written without the field that says what they are: they are told as cases, not as bad dialogues."""
    from psyloom.records import Case, Defect, Dialogue
    from psyloom.records.jsonl import scan_jsonl

    first = next(scan_jsonl(file, Dialogue))
    if not isinstance(first, Defect) or first.field == "psyloom":
        return
    if not isinstance(next(scan_jsonl(file, Case)), Defect):
        raise BadRecord(
            f"{file} holds cases, not dialogues", do="make dialogues of them: `psyloom run SYSTEM CASES --out DIR`"
        )


def print_dialogue(
    dialogue: "Dialogue", *, thoughts: bool = True, reasons: bool = True, notes: bool = False
) -> None:  # fmt: skip
    """One dialogue as a reader likes it: who speaks, labels and thoughts beside, what explains them below.

    notes: the case and the notes in full, and what is kept beside the messages, such as the steps to a reply, candidates
    and earlier versions; else a line of each note, so that they do not drown the dialogue.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from psyloom.runs.notes import facets_of, lines, names_in, short, spaced
    from psyloom.runs.words import measured

    console = Console(highlight=False)
    zh = dialogue.lang == "zh"
    made = dialogue.lineage
    source = (
        f"{made.system}, {'rehearsal' if made.rehearsal else ', '.join(sorted(set(made.models.values())))}"
        if made
        else "read"
    )
    several = len(annotators(dialogue)) > 1

    def below(lines: Iterable[str], style: str = "dim", indent: int = 2) -> None:
        for line in lines:
            console.print(Padding(f"[{style}]{escape(line)}[/]", (0, 0, 0, indent)))

    def told(labels: "Sequence[Label]", indent: int = 2) -> None:
        name = _explained if reasons else _name
        below((name(label, dialogue.lang, several) for label in labels), indent=indent)

    labelled, cut = names_in(dialogue), list[str]()

    def in_full(given: Mapping[str, Any], indent: int = 2) -> None:
        for depth, name, text in chain.from_iterable(lines(spaced(k), v, labelled) for k, v in given.items()):
            below([f"{f'{name}:' if name else '•'} {text}".rstrip()], indent=indent + 2 * depth)

    def beside(extra: Mapping[str, Any], indent: int = 2) -> None:
        if notes:
            in_full(extra, indent)
        else:
            cut.extend(extra)

    def noted(given: Mapping[str, Any]) -> None:
        if notes:
            in_full(given)
            return
        if len(given) > _SHORT:
            cut.append("notes")
        for name, note in list(given.items())[:_SHORT]:
            brief = Text(f"  {spaced(name)}: {short(note, labelled)}", style="dim")
            if brief.cell_len > console.width:
                cut.append(name)
                brief.truncate(console.width, overflow="ellipsis")
            console.print(brief)

    console.print(Panel.fit(f"[bold]{escape(dialogue.id)}[/]  {dialogue.lang}  {escape(source)}", border_style="dim"))
    names = {"client": "来访者" if zh else "Client", "counselor": "咨询师" if zh else "Counselor"}
    told(dialogue.labels)
    quality = dialogue.quality
    asked = ("再问" if zh else "asked again", quality.guards), ("仍保留" if zh else "kept all the same", quality.kept)
    for what, counts in (("测得" if zh else "measured", quality.measures), *asked):
        below(
            [f"{what}: {', '.join(f'{measured(name, dialogue.lang)} {count}' for name, count in counts.items())}"]
            if counts
            else []
        )
    if facets := facets_of(dialogue):
        noted({"个案" if zh else "case": facets})
    for number, session in enumerate(dialogue.sessions, 1):
        if len(dialogue.sessions) > 1:
            console.rule(f"session {number}")
        noted(session.notes)
        told(session.labels)
        for turn in session.turns:
            if thoughts:
                below(_thoughts(turn, several, reasons), "dim italic", 6)
            color = "cyan" if turn.speaker == "client" else "green"
            grounded = [label for label in turn.labels if reasons and (label.reason or label.evidence)]
            names_of = ", ".join(_name(label, dialogue.lang, several) for label in turn.labels if label not in grounded)
            line = Table.grid(padding=(0, 2, 0, 0))
            line.add_column(no_wrap=True)
            line.add_column(overflow="fold")
            labels = f"  [dim]{escape(names_of)}[/]" if names_of else ""
            line.add_row(f"[bold {color}]{names[turn.speaker]}[/]", f"{escape(turn.text)}{labels}")
            console.print(line)
            told(grounded, 6)
            beside(turn.extra, 6)
        if session.ended:
            console.print(f"[dim]({escape(session.ended)})[/]")
    beside(dialogue.extra)
    if cut:
        console.print("[dim](some of the case and the notes is cut off: --notes shows all of it)[/]")


def annotators(dialogue: "Dialogue") -> set[str | None]:
    """Whose labels and reasoning stand in a dialogue."""
    labels = {label.by for place in dialogue.places for label in place.labels}
    return labels | {step.by for turn in dialogue.turns for step in turn.thought}


def _thoughts(turn: "Turn", several: bool, reasons: bool) -> Iterator[str]:
    """Each author's reasoning before a reply: one line, or one for each step that says on what it rests."""
    for by in dict.fromkeys(step.by for step in turn.thought):
        own = f"{by}: " if by and several else ""
        steps = [f"{step.name}: {step.text}{_grounds(step) if reasons else ''}" for step in turn.reasoning(by)]
        if reasons and any(step.evidence for step in turn.reasoning(by)):
            yield from (f"{own}{step}" for step in steps)
        else:
            yield own + " / ".join(steps)


def _explained(label: "Label", lang: str, several: bool) -> str:
    reason = f": {label.reason}" if label.reason else ""
    return f"{_name(label, lang, several)}{reason}{_grounds(label)}"


def _grounds(one: "Label | Element") -> str:
    """The words a label or a step rests on, and where they come from."""
    where = f"{one.origin}: " if one.origin else ""
    return f" [{where}“{one.evidence}”]" if one.evidence else f" [{one.origin}]" if one.origin else ""


def _name(label: "Label", lang: str, several: bool) -> str:
    from psyloom.runs.notes import label_name

    return f"{label.by}: {label_name(label, lang)}" if label.by and several else label_name(label, lang)
