"""Dialogues for the tests of the writers, invented here."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.records import Case, Demographics, Dialogue, Element, Label, Lineage, Post, Session, Turn

TRAINERS = sorted(name for name, writer in WRITERS.items() if writer.units and name != "parquet")
UNITS = [(name, unit) for name in TRAINERS for unit in WRITERS[name].units]

speakers = st.sampled_from(["client", "counselor"])
words = st.text(st.sampled_from("我们最近睡不着，。？！：“” abcXYZ.?:\"'\\\n<>|/#\u2028"), max_size=12)


@st.composite
def dialogues(draw, number=0, max_turns=7):
    """A dialogue in which no two texts are alike: each ends with its own mark 〔dialogue.turn〕."""
    sessions, at = [], 0
    for _ in range(draw(st.integers(1, 2))):
        turns = []
        for speaker in draw(st.lists(speakers, max_size=max_turns)):
            text = f"{draw(words)}〔{number}.{at}〕"
            thought = [Element(name="think", text=f"想{number}.{at}想")] if draw(st.booleans()) else []
            turns.append(Turn(speaker=speaker, text=text, thought=thought))
            at += 1
        sessions.append(Session(turns=turns))
    return Dialogue(id=f"d{number}", lang=draw(st.sampled_from(["zh", "en"])), sessions=sessions)


@st.composite
def several(draw, least=1):
    return [draw(dialogues(number=number)) for number in range(draw(st.integers(least, 4)))]


def talk(line, **more):
    """``talk("c我累 s多久了？")``: c is the client, s the supporter, i.e. the counselor."""
    turns = [Turn(speaker={"c": "client", "s": "counselor"}[said[0]], text=said[1:]) for said in line.split()]
    return Dialogue(**({"id": "d", "lang": "zh", "sessions": [Session(turns=turns)]} | more))


def rich():
    """One dialogue with everything a writer may carry."""
    return Dialogue(
        id="案例/1",
        lang="zh",
        case=Case(
            id="c1", lang="zh", demographics=Demographics(name="阿宁", age=30), post=Post(text="总是失眠怎么办？")
        ),
        sessions=[
            Session(
                turns=[
                    Turn.client("我总是失眠。", [Label(set="distortion", id="overgeneralization", span=(1, 3))]),
                    Turn(
                        speaker="counselor",
                        text="听起来很累。\n多久了？",
                        labels=[Label(set="skill", id="question")],
                        thought=[Element(name="共情", text="先接住"), Element(name="计划", text="问时间")],
                        extra={"rejected": ["早点睡。"]},
                    ),
                    Turn.client("三个月。"),
                ]
            ),
            Session(turns=[Turn.counselor("这周呢？"), Turn.client("好些了。")], summary="睡眠好转。"),
        ],
        lineage=Lineage(
            system="magnet",
            version="0",
            models={"client": "m1", "counselor": "m2"},
            options={"system_prompt": "请倾听。"},
        ),
    )


def written(dialogues, name, folder, **options) -> Any:
    """Export to a new file in ``folder`` and read the rows of the train split back."""
    writer = WRITERS[name]
    out = Path(folder) / f"out{len(list(Path(folder).iterdir()))}"
    out = out if writer.finish else out.with_suffix(writer.suffixes[0])
    done = export(dialogues, writer, out, ExportOptions(**options))
    return rows_of(done.splits["train"].path)


def rows_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n") if line]
