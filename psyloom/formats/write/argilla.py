"""An Argilla dataset: records as ``DatasetRecords.to_json`` writes them and ``settings.json``. One turn is one record.

Argilla 2: load with ``Settings.from_json`` and ``dataset.records.from_json``. A question is a label set: a span question
where labels mark spans, a multi-label question else. A question takes one suggestion: the labels of the annotator that
stands first; all labels, with their annotators and reasons, stand in the record's metadata, so that nothing is lost.

The browser counts in UTF-16, so spans are suggested, and come back, in its units (argilla issue 5729). The server checks
them against the length in characters: what an emoji pushes over the end is suggested up to there.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import Row, dumps, rows_file
from psyloom.formats.write.labels import Offered, units
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue, Label

SETTINGS = "settings.json"
CONTEXT = 10  # messages before a turn that are shown with it


@contextmanager
def open_argilla(path: Path, plan: Plan) -> Iterator[Put]:
    offered, spans = Offered(plan), set[str]()
    # Which sets mark spans is known at the end: until then the records wait for their suggestions.
    with rows_file(path) as put, TemporaryFile("w+", encoding="utf-8") as waiting:

        def write(dialogue: Dialogue) -> int:
            for turn in dialogue.turns:
                offered.see(turn.labels, dialogue.lang)
                spans.update(label.set for label in turn.labels if label.span)
            waiting.writelines(f"{dumps(row)}\n" for row in records(dialogue, plan))
            return len(dialogue.turns)

        yield write
        waiting.seek(0)
        for row in map(json.loads, waiting):
            labels = [Label.model_validate(one) for one in json.loads(row["metadata"]["labels"])]
            put(row | {"suggestions": _suggestions(row["fields"]["text"], labels, spans)})
    text = dumps(settings(offered, spans))
    path.with_name(SETTINGS).write_text(text, encoding="utf-8", newline="\n")


def records(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    """One record a turn; sessions and turns count from 1. Labels of sessions and of the dialogue go with its first turn."""
    colon = "：" if dialogue.lang == "zh" else ": "
    for number, session in enumerate(dialogue.sessions, 1):
        said = [f"{plan.options.name(turn.speaker, dialogue.lang)}{colon}{turn.text}" for turn in session.turns]
        for at, turn in enumerate(session.turns, 1):
            about = {
                "dialogue": dialogue.id, "lang": dialogue.lang, "session": number, "turn": at, "speaker": turn.speaker,
                "labels": _json(turn.labels),
            }  # fmt: skip
            if at == 1:
                about["labels_of_session"] = _json(session.labels)
                about |= {"labels_of_dialogue": _json(dialogue.labels)} if number == 1 else {}
            yield {
                "id": f"{dialogue.id}/{number}/{at}",
                "fields": {"text": turn.text, "context": "\n".join(said[max(0, at - 1 - CONTEXT) : at - 1]) or "…"},
                "metadata": about,
                "suggestions": {},
                "responses": {},
                "vectors": {},
            }


def _json(labels: list[Label]) -> str:
    return dumps([label.model_dump(mode="json", exclude_none=True) for label in labels])


def _suggestions(text: str, labels: list[Label], spans: set[str]) -> Row:
    """For each set the labels of whoever stands first; in a set that marks spans, a label of the turn marks all of it."""
    found: Row = {}
    for name in dict.fromkeys(label.set for label in labels):
        by = next(label.by for label in labels if label.set == name)
        first = [label for label in labels if (label.set, label.by) == (name, by)]
        value: list[Any] = [_span(text, one) for one in first] if name in spans else [label.id for label in first]
        distinct = [one for at, one in enumerate(value) if one and one not in value[:at]]
        if distinct:
            found[name] = {"value": distinct, "score": None, "agent": by}
    return found


def _span(text: str, label: Label) -> Row | None:
    start, end = (min(units(text, at), len(text)) for at in label.span or (0, len(text)))
    return {"start": start, "end": end, "label": label.id} if start < end else None


def settings(offered: Offered, spans: set[str]) -> Row:
    """Fields, questions and guidelines. Sets the options name and nobody has used yet label whole turns."""
    questions = []
    for name, title in offered.titles():
        options = [
            {"value": id_, "text": text, "description": hint or None} for id_, text, hint in offered.choices(name)
        ]
        if name in spans:
            kind: Row = {"type": "span", "field": "text", "allow_overlapping": True}
        else:
            kind = {"type": "multi_label_selection", "options_order": "natural"}
        questions.append({"name": name, "title": title, "required": False, "settings": kind | {"options": options}})
    fields = [
        {"name": name, "title": name, "required": name == "text", "settings": {"type": "text", "use_markdown": False}}
        for name in ("context", "text")
    ]
    return {
        "guidelines": None, "fields": fields, "questions": questions, "vectors": [], "metadata": [],
        "allow_extra_metadata": True,
    }  # fmt: skip
