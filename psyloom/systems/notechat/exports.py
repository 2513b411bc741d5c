"""NoteChat's released form: ``psyloom export --to notechat.pairs`` writes a note and its conversation as text."""

from collections.abc import Iterator

from psyloom.formats.write import Writer
from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import Row
from psyloom.formats.write.writer import by_dialogue
from psyloom.records import Dialogue, Lang, Speaker, Turn

NAMES: dict[Lang, dict[Speaker, str]] = {
    "en": {"counselor": "Doctor: ", "client": "Patient: "},
    "zh": {"counselor": "医生：", "client": "患者："},
}


def _pair(dialogue: Dialogue, plan: Plan) -> Iterator[Row]:
    if note := dialogue.case.get("note.text") if dialogue.case else None:
        yield {"data": note, "conversation": "\n".join(_lines(dialogue.turns, dialogue.lang))}


def _lines(turns: list[Turn], lang: Lang) -> Iterator[str]:
    """A line for each message, and one in brackets for each stage direction."""
    for turn in turns:
        yield from map("[{}]".format, _told(turn, "before"))
        yield NAMES[lang][turn.speaker] + " ".join(turn.text.split("\n"))
        yield from map("[{}]".format, _told(turn, "directions"))


def _told(turn: Turn, key: str) -> list[str]:
    found = turn.extra.get(key, [])
    return [str(one) for one in found] if isinstance(found, list) else []


WRITERS = (
    Writer(
        "notechat.pairs", "NoteChat's columns: data (the note) and conversation", by_dialogue(_pair), (".jsonl", ".json"), frozenset(),
        note="dialogues without a note give no example",
    ),
)  # fmt: skip
