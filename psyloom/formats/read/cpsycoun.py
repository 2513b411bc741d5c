"""CPsyCoun (arXiv 2405.16433): reports, CPsyCounD as text files or rows, and the benchmark CPsyCounE."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from psyloom.formats.read._exchange import exchange
from psyloom.formats.read._fields import labels, text
from psyloom.formats.read._files import File
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._lines import prefixes, said, speaks
from psyloom.formats.read._talk import case, dialogue, lines, prefixed, session
from psyloom.records import Case, Dialogue, Report, Source, Turn

TOPICS = (
    "Self-growth", "Emotion&Stress", "Education", "Love&Marriage", "Family Relationship",
    "Social Relationship", "Sex", "Career", "Mental Disease",
)  # fmt: skip
# Field of a report -> its names. Only 案例简述 is known from the release, the Chinese others are translations.
_REPORT = {
    "title": ("title", "案例标题"),
    "type": ("type", "案例类型"),
    "method": ("method", "咨询方法"),
    "brief": ("case_brief", "案例简述"),
    "process": ("consultation_process", "咨询经过"),
    "reflections": ("experience_thoughts", "经验感想"),
}
_COUNTED = re.compile(r"首先|其次|最后，|第一[，,、]|第二[，,、]|(?:^|[：；。])\s*\d[.、）)]")
_DANGER = ("自杀", "自残", "自伤", "轻生", "割腕", "跳楼", "不想活", "结束生命", "了结生命")
_D = prefixes("来访者", "心理咨询师", "咨询师")


def _is_d(value: Any) -> str | None:
    passages = said(value, _D)[1] if isinstance(value, str) else []
    names = {passage.name for passage in passages}
    # Strategy lists right behind the prefix are DiaCBT's.
    good = {"来访者", "心理咨询师"} <= names and not any(passage.text.startswith("[") for passage in passages)
    return "lines by 来访者 and 心理咨询师" if good else None


def _is_e(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(one, str) for one in value)
    return "a list of lines by 求助者 and 支持者" if good and speaks(value, "求助者", "支持者") else None


def _topic(file: File) -> str | None:
    return next((part for part in file.name.split("/")[::-1] if part in TOPICS), None)


def _read_d(item: Item) -> Iterator[Dialogue]:
    """The paper asks for a talk that the counselor ends, strict alternation and 5 to 15 exchanges: else a note.

    The release breaks these and more; notes of one kind are counted together, so that a cleaner can be checked by them.
    """
    told = lines(item, "text", item.value, prefix=_D)
    speakers = [turn.speaker for turn in told.turns]
    if speakers[-1:] == ["client"]:
        item.note("text", "ends with a client line")
    if any(one == other for one, other in pairwise(speakers)):
        item.note("text", "two lines of one speaker in a row")
    if speakers and told.exchanges() < 5:
        item.note("text", f"fewer than 5 exchanges ({told.exchanges()})")
    if told.exchanges() > 15:
        item.note("text", f"more than 15 exchanges ({told.exchanges()})")
    for number, turn in enumerate(told.turns, 1):
        _note_line(item, f"line {number}", turn)
    if any(word in turn.text for turn in told.turns for word in _DANGER):
        item.note("text", "touches suicide or self-harm")
    yield dialogue(item, told)


def _note_line(item: Item, where: str, turn: Turn) -> None:
    """What the paper rules out in a single line: length, the source by name; and what its users complain of."""
    if len(turn.text) > 50:
        item.note(where, f"{turn.speaker} line of more than 50 characters ({len(turn.text)})")
    if turn.speaker == "counselor" and any(word in turn.text for word in ("报告", "笔记")):
        item.note(where, "the counselor mentions the report or the notes")
    if turn.speaker == "counselor" and _COUNTED.search(turn.text):
        item.note(where, "the counselor counts off points")


def _read_e(item: Item) -> Iterator[Dialogue]:
    topic = _topic(item.file)
    own = f"{topic}-{item.file.place.rpartition('/')[2]}" if topic else None
    told = session(item, "lines", prefixed(item, "lines", item.value))
    yield dialogue(item, told, own=own, labels=labels("cpsycoun_topic", topic))


def _read_row(item: Item) -> Iterator[Dialogue]:
    row = dict(item.value)
    yield dialogue(item, exchange(item, row), extra=row)


def _read_report(item: Item) -> Iterator[Case]:
    row = dict(item.value)
    fields = {
        field: next((found for name in names if (found := text(row, name)) is not None), None)
        for field, names in _REPORT.items()
    }
    yield case(item, report=Report(**fields), extra=row)


FORMAT = Format(
    "cpsycoun",
    "CPsyCoun reports, dialogues (CPsyCounD) and benchmark (CPsyCounE)",
    Source(
        name="CPsyCoun",
        # The repository says CC-BY-4.0, the card of the same data CC-BY-SA-4.0: the stricter one holds until cleared.
        licence="CC-BY-SA-4.0",
        url="https://github.com/CAS-SIAT-XinHai/CPsyCoun",
        synthetic=True,
    ),
    (
        Layout("text", _is_d, _read_d),
        Layout("whole", _is_e, _read_e, mark=lambda _, file: (t := _topic(file)) and f"in a folder {t!r}"),
        Layout("each", keys("案例简述"), _read_report),
        Layout("each", keys("case_brief", "consultation_process"), _read_report),
        Layout("each", keys("instruction", "input", "output", "history"), _read_row, mark=lambda *_: None),
    ),
    lang="zh",
    distinct=True,
)
