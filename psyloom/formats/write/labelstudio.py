"""A Label Studio project: tasks to import and ``config.xml``, its labeling interface. One dialogue is one task.

Tasks are in Label Studio's JSON format (guide "Label Studio task format"): ``data.dialogue`` for the Paragraphs tag,
labels that stand there already as predictions, one for each annotator, with its name as ``model_version``. What a
region cannot say (a label of the whole turn, reason, evidence) stands in its ``meta``.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import Row, rows_file
from psyloom.formats.write.labels import Offered, shown
from psyloom.formats.write.options import Split
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue, Label

CONFIG = "config.xml"
TALK = "dialogue"  # the name of the Paragraphs tag, and of its data
WHOLE = "of_session"  # appended to the name of a set where it labels sessions or dialogues


@contextmanager
def open_labelstudio(path: Path, plan: Plan) -> Iterator[Put]:
    turns, wholes = Offered(plan), Offered(plan)
    with rows_file(path) as put:

        def write(dialogue: Dialogue) -> int:
            turns.see((label for turn in dialogue.turns for label in turn.labels), dialogue.lang)
            on_sessions = (label for session in dialogue.sessions for label in session.labels)
            wholes.see([*dialogue.labels, *on_sessions], dialogue.lang)
            put(task(dialogue, plan))
            return 1

        yield write
    wholes.words = {name: seen for name, seen in wholes.words.items() if seen}
    path.with_name(CONFIG).write_text(config(turns, wholes), encoding="utf-8", newline="\n")


def beside(folder: Path, name: str, splits: tuple[Split, ...]) -> None:
    """The interface is written with the tasks: only they know which labels occur. That there are two makes a folder."""


def task(dialogue: Dialogue, plan: Plan) -> Row:
    """One task; sessions count from 1."""
    paragraphs = [
        {"author": plan.options.name(turn.speaker, dialogue.lang), "text": turn.text, "session": number}
        for number, session in enumerate(dialogue.sessions, 1)
        for turn in session.turns
    ]
    regions: dict[str | None, list[Row]] = defaultdict(list)
    ids = count(1)
    for region, label in _regions(dialogue):
        regions[label.by].append({"id": f"r{next(ids)}", **region})
    predictions = [{"model_version": by or "", "result": found} for by, found in regions.items()]
    return {"data": {"id": dialogue.id, "lang": dialogue.lang, TALK: paragraphs}, "predictions": predictions}


def _regions(dialogue: Dialogue) -> Iterator[tuple[Row, Label]]:
    for label in dialogue.labels:
        yield _choice(label, {}), label
    for number, session in enumerate(dialogue.sessions, 1):
        for label in session.labels:
            yield _choice(label, {"session": number}), label
    for at, turn in enumerate(dialogue.turns):
        for label in turn.labels:
            start, end = label.span or (0, len(turn.text))
            value = {
                "start": str(at),
                "end": str(at),
                "startOffset": start,
                "endOffset": end,
                "text": turn.text[start:end],
            }
            whole: Row = {} if label.span else {"whole": True}
            yield _region(label, "paragraphlabels", label.set, value, whole), label


def _choice(label: Label, meta: Row) -> Row:
    return _region(label, "choices", f"{label.set}.{WHOLE}", {}, meta)


def _region(label: Label, kind: str, name: str, value: Row, meta: Row) -> Row:
    meta = meta | {key: text for key in ("reason", "evidence", "origin") if (text := getattr(label, key))}
    value = value | {kind: [shown(label.set, label.id)]}
    region: dict[str, Any] = {"type": kind, "from_name": name, "to_name": TALK, "value": value}
    return region | ({"meta": meta} if meta else {})


def config(turns: Offered, wholes: Offered) -> str:
    """The labeling interface: a paragraph label tag for each set on turns, choices for each on sessions."""
    lines = ["<View>"]
    for name, title in turns.titles():
        lines += [
            f'  <Header value={quoteattr(title)} size="5"/>',
            f'  <ParagraphLabels name="{name}" toName="{TALK}">',
        ]
        for _, word, hint in turns.choices(name):
            lines.append(f"    <Label value={quoteattr(word)} hint={quoteattr(hint)}/>")
        lines.append("  </ParagraphLabels>")
    lines.append(f'  <Paragraphs name="{TALK}" value="${TALK}" layout="dialogue" nameKey="author" textKey="text"/>')
    for name, title in wholes.titles():
        lines += [f'  <Header value={quoteattr(title)} size="5"/>']
        lines.append(f'  <Choices name="{name}.{WHOLE}" toName="{TALK}" choice="multiple">')
        for _, word, hint in wholes.choices(name):
            lines.append(f"    <Choice value={quoteattr(word)} hint={quoteattr(hint)}/>")
        lines.append("  </Choices>")
    return "\n".join([*lines, "</View>", ""])
