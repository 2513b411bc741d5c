"""sdialog's Dialog as JSON, one file per dialogue (sdialog.Dialog.from_file reads a file or the folder)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psyloom.formats.write.examples import Plan, thought_text
from psyloom.formats.write.files import Row, new_folder
from psyloom.formats.write.transcripts import spoken
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue


@contextmanager
def open_sdialog(path: Path, plan: Plan) -> Iterator[Put]:
    with new_folder(path) as put:

        def write(dialogue: Dialogue) -> int:
            put(dialogue.id, ".json", json.dumps(dialog(dialogue, plan), ensure_ascii=False, indent=2) + "\n")
            return 1

        yield write


def dialog(dialogue: Dialogue, plan: Plan) -> Row:
    """The fields of sdialog.Dialog; labels, language and the length of each session stand in ``annotations``."""
    lineage = dialogue.lineage
    return {
        "timestamp": None,  # unknown; left out, sdialog would take the moment of reading
        "model": lineage.models if lineage and lineage.models else None,
        "seed": lineage.seed if lineage else None,
        "id": dialogue.id,
        "personas": _personas(dialogue, plan),
        "turns": [
            {"speaker": plan.options.name(turn.speaker, None), "text": spoken(turn, dialogue, plan)}
            for turn in dialogue.turns
        ],
        "events": _events(dialogue, plan) if plan.options.thoughts == "hidden" else None,
        "annotations": {
            "lang": dialogue.lang,
            "sessions": [len(session.turns) for session in dialogue.sessions],
            "labels": [
                {"turn": index} | label.model_dump(exclude_none=True)
                for index, turn in enumerate(dialogue.turns)
                for label in turn.labels
            ],
        },
    }


def _personas(dialogue: Dialogue, plan: Plan) -> Row | None:
    if not dialogue.case or not dialogue.case.demographics:
        return None
    return {plan.options.name("client", None): dialogue.case.demographics.model_dump(exclude_none=True)}


def _events(dialogue: Dialogue, plan: Plan) -> list[Row]:
    """Thoughts and utterances in order. No time of day is known, so the timestamps only count."""
    events: list[Row] = []
    for turn in dialogue.turns:
        agent = plan.options.name(turn.speaker, None)
        if turn.thought:
            thought = thought_text(turn, dialogue.lang)
            events.append({"agent": agent, "action": "think", "content": thought, "timestamp": len(events)})
        events.append({"agent": agent, "action": "utter", "content": turn.text, "timestamp": len(events)})
    return events
