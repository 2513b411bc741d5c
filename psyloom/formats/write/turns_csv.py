"""CSV with one line per turn, for spreadsheets and annotation."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psyloom.formats.write.examples import Plan, thought_text
from psyloom.formats.write.files import text_file
from psyloom.formats.write.transcripts import label_text, spoken
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue

COLUMNS = ("dialogue", "lang", "session", "turn", "speaker", "text", "labels", "thought")


@contextmanager
def open_csv(path: Path, plan: Plan) -> Iterator[Put]:
    """Sessions and turns count from 1, turns anew in every session; speakers are client and counselor unless named."""
    # The mark at the start tells spreadsheets that this is UTF-8; without it they garble Chinese.
    with text_file(path, encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)

        def write(dialogue: Dialogue) -> int:
            for row in _rows(dialogue, plan):
                out.writerow(row)
            return len(dialogue.turns)

        yield write


def _rows(dialogue: Dialogue, plan: Plan) -> Iterator[tuple[str | int, ...]]:
    for at, session in enumerate(dialogue.sessions, 1):
        for number, turn in enumerate(session.turns, 1):
            speaker = plan.options.name(turn.speaker, None)
            labels = " ".join(map(label_text, turn.labels))
            thought = thought_text(turn, dialogue.lang) if plan.options.thoughts == "hidden" else ""
            text = spoken(turn, dialogue, plan)
            yield dialogue.id, dialogue.lang, at, number, speaker, text, labels, thought
