"""An Argilla dataset: records as ``DatasetRecords.to_json`` writes them and ``settings.json``. One turn is one record.

Argilla 2: load with ``Settings.from_json`` and ``dataset.records.from_json``. A question is a label set: a span question
where labels mark spans, a multi-label question else. A question takes one suggestion: the labels of the annotator that
stands first; all labels, with their annotators and reasons, stand in the record's metadata, so that nothing is lost.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import Row, dumps, rows_file
from psyloom.formats.write.labels import Offered
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue, Label, Turn

SETTINGS = "settings.json"
CONTEXT = 10  # messages before a turn that are shown with it


@contextmanager
def open_argilla(path: Path, plan: Plan) -> Iterator[Put]:
    offered, spans = Offered(plan), dict[str, bool]()
    with rows_file(path) as put:

        def write(dialogue: Dialogue) -> int:
            for turn in dialogue.turns:
                offered.see(turn.labels)
                spans.update({label.set: spans.get(label.set, False) or bool(label.span) for label in turn.labels})
            for row in records(dialogue, plan):
                put(row)
            return len(dialogue.turns)

        yield write
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
                "suggestions": _suggestions(turn),
                "responses": {},
                "vectors": {},
            }


def _json(labels: list[Label]) -> str:
    return dumps([label.model_dump(mode="json", exclude_none=True) for label in labels])


def _suggestions(turn: Turn) -> Row:
    found: Row = {}
    for name in dict.fromkeys(label.set for label in turn.labels):
        labels = [label for label in turn.labels if label.set == name]
        first = [label for label in labels if label.by == labels[0].by]
        if any(label.span for label in first):
            ends = [(label, label.span or (0, len(turn.text))) for label in first]
            value: list[object] = [{"start": start, "end": end, "label": label.id} for label, (start, end) in ends]
        else:
            value = list(dict.fromkeys(label.id for label in first))
        found[name] = {"value": value, "score": None, "agent": labels[0].by}
    return found


def settings(offered: Offered, spans: dict[str, bool]) -> Row:
    """Fields, questions and guidelines. Sets the options name and nobody has used yet label whole turns."""
    questions = []
    for name, title in offered.titles():
        options = [
            {"value": id_, "text": text, "description": hint or None} for id_, text, hint in offered.choices(name)
        ]
        if spans.get(name):
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
