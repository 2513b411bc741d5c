"""What a writer is, and the one loop that drives them all."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psyloom.errors import FolderTrouble, UsageError
from psyloom.formats.write.examples import Example, Mark, Plan, cut, own_system
from psyloom.formats.write.files import Row, fresh, rows_file
from psyloom.formats.write.options import SPLITS, ExportOptions, Split, Unit
from psyloom.formats.write.splits import split_of
from psyloom.records import Dialogue

Put = Callable[[Dialogue], int]
"""Writes one dialogue and returns how many examples it gave."""
Open = Callable[[Path, Plan], AbstractContextManager[Put]]
"""Opens one output file or folder; what is written appears when the context ends well."""

EVERY_WRITER = frozenset({"splits", "by", "seed", "force", "without"})
EVERY_TRAINER = frozenset(
    {"unit", "target", "history", "sessions", "weights", "thoughts", "hidden", "annotator", "system", "ids"}
)


@dataclass(frozen=True)
class Writer:
    """One format that dialogues can be written in."""

    name: str
    title: str
    open: Open
    suffixes: tuple[str, ...]
    """File names it may have, the usual one first; empty: it is a folder."""
    carries: frozenset[str]
    """Names of the options it honours, and of what it can hold besides: 'hidden' thoughts, a loss 'mask', 'weight'."""
    units: tuple[Unit, ...] = ()
    """What an example may be, the usual one first; empty: the format is for reading, not for training."""
    strict: bool = False
    """The trainer demands that speakers alternate, the user first, a learned message last."""
    finish: Callable[[Path, str, tuple[Split, ...]], None] | None = None
    """Given the folder, its name to be and the splits in it: writes what describes the folder as a whole."""
    note: str = ""
    """What whoever loads the files should know."""


@dataclass
class Counted:
    """How much went into one file or folder."""

    path: Path
    dialogues: int = 0
    examples: int = 0


@dataclass
class Exported:
    """What an export wrote.

    barren: dialogues in which nothing could be learned; left_out: unwanted label -> dialogues left out for it.
    """

    writer: Writer
    splits: dict[Split, Counted] = field(default_factory=dict)
    barren: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def examples(self) -> int:
        return sum(counted.examples for counted in self.splits.values())


def export(
    dialogues: Iterable[Dialogue],
    writer: Writer,
    out: Path | str,
    options: ExportOptions | None = None,
    *,
    system_of: Callable[[Dialogue], str] = own_system,
) -> Exported:
    """Write dialogues in one pass and constant memory.

    Args:    out: the file or folder to write; with splits, the folder that gets one file or folder for each.
             system_of: where the system prompt of a dialogue comes from when options.system is 'own'.
    Raises:  UsageError for an option the format cannot honour and for rehearsal dialogues; BadRecord, MissingFacet for
             a dialogue that cannot be cut or dealt out; FolderTrouble when the output cannot be written. Nothing is
             left behind then.
    """
    out, options = Path(out), options or ExportOptions()
    plan = make_plan(writer, options, system_of)
    names = _names(writer, out, options)
    exported = Exported(writer, {split: Counted(out / name) for split, name in names.items()})
    try:
        with ExitStack() as stack:
            # A folder of splits comes to stand as one: a test file of an earlier deal must not lie beside a new train.
            root = stack.enter_context(fresh(out)) if any(names.values()) else out
            puts = {split: stack.enter_context(writer.open(root / name, plan)) for split, name in names.items()}
            for dialogue in dialogues:
                _refuse_rehearsal(dialogue, options)
                if unwanted := _unwanted(dialogue, options):
                    exported.left_out[unwanted] += 1
                    continue
                split = split_of(dialogue, options)
                _count(exported, split, puts[split](dialogue))
            if writer.finish:
                writer.finish(root, out.resolve().name, tuple(names))
    except OSError as trouble:
        raise FolderTrouble(
            f"cannot write {out}: {trouble}", do="check the path and the space on its disk"
        ) from trouble
    return exported


def make_plan(writer: Writer, options: ExportOptions, system_of: Callable[[Dialogue], str] = own_system) -> Plan:
    """Settle the options with the format, or say why they do not go together."""
    _refuse_unknown(writer, options)
    unit = options.unit or (writer.units[0] if writer.units else "dialogue")
    if writer.units and unit not in writer.units:
        raise UsageError(f"{writer.name} has one example per {writer.units[0]}", do=f"leave out unit={unit}")
    if options.history is not None and unit == "dialogue":
        raise UsageError("a whole dialogue has no history to limit", do="set unit=turn, or leave out the limit")
    if writer.units and options.thoughts == "in" and unit == "dialogue":
        raise UsageError(
            "thoughts inside whole dialogues would become part of the history of later turns",
            do="set unit=turn, or thoughts=hidden",
        )
    given = options.system_text or ""
    return Plan(
        options=options,
        unit=unit,
        strict=writer.strict,
        merge=options.consecutive == "merge" or (options.consecutive == "auto" and writer.strict),
        mark=_mark(writer, options, unit),
        system_of=system_of if options.system == "own" else lambda dialogue: given,
    )


def _refuse_unknown(writer: Writer, options: ExportOptions) -> None:
    given = set(options.model_dump(exclude_defaults=True)) - {"system_text"}
    if options.thoughts == "hidden":
        given.add("hidden")
    for name in sorted(given - writer.carries - EVERY_WRITER):
        what = "a field for hidden thoughts" if name == "hidden" else f"the option {name}"
        raise UsageError(
            f"{writer.name} has no use for {what}",
            do=f"leave it out; {writer.name} knows: {', '.join(sorted(writer.carries & set(ExportOptions.model_fields)))}",
        )


def _mark(writer: Writer, options: ExportOptions, unit: Unit) -> Mark:
    able: Mark = "weight" if "weight" in writer.carries else "mask" if "mask" in writer.carries else "no"
    if options.weights == "write":
        if able == "no":
            raise UsageError(f"{writer.name} has no place for loss masks", do="take messages, swift or xtuner")
        return able
    return "mask" if options.weights == "auto" and unit == "turn" and able != "no" else "no"


def _names(writer: Writer, out: Path, options: ExportOptions) -> dict[Split, str]:
    """The file or folder of every split inside ``out``; an empty name is ``out`` itself."""
    if options.splits or writer.finish:
        shares = options.splits or (1.0, 0.0, 0.0)
        suffix = writer.suffixes[0] if writer.suffixes else ""
        return {split: split + suffix for split, share in zip(SPLITS, shares, strict=True) if share}
    if writer.suffixes and out.suffix not in writer.suffixes:
        raise UsageError(
            f"{writer.name} is written as {' or '.join(writer.suffixes)}, not {out.name!r}",
            do=f"name it {out.stem}{writer.suffixes[0]}",
        )
    return {"train": ""}


def _unwanted(dialogue: Dialogue, options: ExportOptions) -> str | None:
    """The first of the unwanted labels that stands on the dialogue, a session or a turn."""
    labels = (label for place in dialogue.places if options.without for label in place.labels)
    known = {word for label in labels for word in (label.set, f"{label.set}:{label.id}")}
    return next((word for word in options.without if word in known), None)


def _refuse_rehearsal(dialogue: Dialogue, options: ExportOptions) -> None:
    if options.force:
        return
    if dialogue.lineage and dialogue.lineage.rehearsal:
        raise UsageError(
            f"dialogue {dialogue.id!r} is a rehearsal: it was made without a model and is no data",
            do="run the system with a real model, or export with force",
        )
    if by := next((by for by, how in dialogue.annotations.items() if how.rehearsal), None):
        raise UsageError(
            f"the annotations of {by} in dialogue {dialogue.id!r} are a rehearsal: no model has read it, they are no data",
            do="annotate with a real model, or export with force",
        )


def _count(exported: Exported, split: Split, examples: int) -> None:
    exported.splits[split].dialogues += 1
    exported.splits[split].examples += examples
    exported.barren += not examples


def by_rows(rows: Callable[[Example, Plan], Iterable[Row]]) -> Open:
    """A writer of JSON rows: ``rows`` turns one example into its rows."""
    return by_dialogue(lambda dialogue, plan: (row for one in cut(dialogue, plan) for row in rows(one, plan)))


def by_dialogue(rows: Callable[[Dialogue, Plan], Iterable[Row]]) -> Open:
    """A writer of JSON rows that a system cuts in its own way: ``rows`` turns one dialogue into its rows."""

    @contextmanager
    def open_rows(path: Path, plan: Plan) -> Iterator[Put]:
        with rows_file(path) as put:

            def write(dialogue: Dialogue) -> int:
                count = 0
                for row in rows(dialogue, plan):
                    put(row)
                    count += 1
                return count

            yield write

    return open_rows
