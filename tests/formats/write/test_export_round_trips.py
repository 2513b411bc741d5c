"""What is written in a format comes back when that format is read."""

import json
from itertools import groupby, pairwise

import pytest
from export_samples import rich, talk
from hypothesis import assume, given
from hypothesis import strategies as st

from psyloom.formats.read import formats, read, sniff
from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.formats.write.spans import tokens
from psyloom.records import Dialogue, Element, Label, Session, Turn

# Without colons and brackets: "Name:" and stage directions mean something to a reader of transcripts.
inner = st.text(st.sampled_from("我们昨晚睡不着，。？！“” abcXYZ.?'\\<|/#\t\n\u2028"), max_size=10)
texts = st.builds("我{}B".format, inner)
TOPIC = Label(set="soulchat_topic", id="marriage")
turns = st.builds(Turn, speaker=st.sampled_from(["client", "counselor"]), text=texts)
dialogues = st.builds(
    lambda sessions: Dialogue(
        id="d",
        lang="zh",
        sessions=[Session(turns=one) for one in sessions],
        labels=[TOPIC],
        extra={"system": "请倾听。"},
    ),
    st.lists(st.lists(turns, min_size=1, max_size=5), min_size=1, max_size=2),
)

# writer -> reader, options that keep a dialogue whole
WHOLE = {
    "messages": ("messages", {}),
    "parquet": ("messages", {}),
    "sharegpt": ("sharegpt", {}),
    "sdialog": ("sdialog", {}),
    "csv": ("csv", {}),
    "text": ("transcript", {}),
    "llamafactory": ("sharegpt", {}),
    "swift": ("messages", {}),
    "xtuner": ("messages", {}),
    "xtuner-pairs": ("alpaca", {}),
    "alpaca": ("alpaca", {"unit": "dialogue"}),
    "trl-sft": ("messages", {"unit": "dialogue"}),
}


# Known only by their topic and prompt: the other formats do not carry the one, so these stand in no chain of two.
TOPICAL = {"soulchat": ("soulchat", {}), "psydt": ("psydt", {})}
READERS = WHOLE | TOPICAL | {
    "labelstudio": ("labelstudio", {}),
    "argilla": ("argilla", {}),
    "soulchat-samples": ("soulchat", {}),
}  # fmt: skip
# What has no reader, and why.
ONE_WAY = {
    "trl-dpo": "a choice between two replies", "trl-kto": "a reply and a verdict", "markdown": "for people",
    "conll": "columns of tokens", "inspect": "a log of judging", "patient_psi": "read as cases",
    "smile": "the last nine messages of each reply", "magnet": "prompts of one system",
}  # fmt: skip


def said(dialogue):
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def pairs_of(told):
    """What a strict format keeps: the client first, runs of one speaker merged, the counselor last."""
    runs = [(who, "\n".join(text for _, text in run)) for who, run in groupby(told, key=lambda one: one[0])]
    runs = runs[1:] if runs and runs[0][0] == "counselor" else runs
    return runs[:-1] if len(runs) % 2 else runs


def there_and_back(dialogues, name, folder, **options):
    writer = WRITERS[name]
    out = folder / ("out" if writer.finish or not writer.suffixes else f"out{writer.suffixes[0]}")
    export(dialogues, writer, out, ExportOptions(**READERS[name][1], **options))
    return list(read(out, READERS[name][0], on_defect=lambda defect: None))


def written(name):
    if name == "parquet":
        pytest.importorskip("pyarrow")


@pytest.mark.parametrize("name", sorted(name for name in WHOLE if not WRITERS[name].strict))
@given(dialogue=dialogues)
@pytest.mark.accepts("emollm", 7)
def test_a_lax_format_brings_back_every_turn(name, dialogue, tmp_path_factory):
    written(name)
    assume({turn.speaker for turn in dialogue.turns} == {"client", "counselor"})
    (back,) = there_and_back([dialogue], name, tmp_path_factory.mktemp("trip"))
    assert said(back) == said(dialogue)


@pytest.mark.parametrize("name", sorted(name for name in WHOLE | TOPICAL if WRITERS[name].strict))
@given(dialogue=dialogues)
@pytest.mark.accepts("emollm", 7)
def test_a_strict_format_brings_back_what_alternates(name, dialogue, tmp_path_factory):
    expected = pairs_of(said(dialogue))
    assume(expected)
    (back,) = there_and_back([dialogue], name, tmp_path_factory.mktemp("trip"))
    assert said(back) == expected


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_format_is_recognized_by_its_content(name, tmp_path):
    written(name)
    writer = WRITERS[name]
    out = tmp_path / ("out" if writer.finish or not writer.suffixes else f"out{writer.suffixes[0]}")
    many = [talk("c我总是失眠。 s听起来很累。 c是的。 s多久了？", id=f"d{number}") for number in range(3)]
    export(many, writer, out, ExportOptions(**WHOLE[name][1]))
    assert sniff(out).format.name == WHOLE[name][0]


def labels_of(places):
    return [[(label.set, label.id, label.span) for label in place.labels] for place in places]


# What a dialogue holds beside who says what.
HOLDS = {
    "id": lambda one: one.id,
    "lang": lambda one: one.lang,
    "sessions": lambda one: [len(session.turns) for session in one.sessions],
    "system": lambda one: one.extra.get("system"),
    "thoughts": lambda one: [[element.text for element in turn.thought] for turn in one.turns],
    "labels": lambda one: labels_of(one.turns),
    "whose": lambda one: [[(label.by, label.reason) for label in turn.labels] for turn in one.turns],
    "wholes": lambda one: labels_of(one.sessions),
    "topic": lambda one: labels_of([one]),
}
CHAT = {"id", "system", "thoughts"}
LABELLED = {"id", "lang", "sessions", "labels", "whose"}
KEEPS = {
    **dict.fromkeys(["messages", "sharegpt", "llamafactory", "swift", "xtuner", "xtuner-pairs", "trl-sft", "parquet"], CHAT),
    "alpaca": {"id", "system"},
    "soulchat": {"lang", "system", "topic"},
    "psydt": {"lang", "system", "topic"},
    "soulchat-samples": {"lang"},
    "text": {"id"},
    "csv": {"id", "lang", "sessions", "thoughts", "labels"},
    "labelstudio": LABELLED | {"wholes", "topic"},
    "argilla": LABELLED | {"wholes", "topic"},
    "sdialog": LABELLED | {"thoughts"},
}  # fmt: skip


def test_every_writer_has_a_reader_or_a_reason_to_have_none():
    assert set(KEEPS) == set(READERS)
    assert set(READERS) ^ set(ONE_WAY) == set(WRITERS)


@pytest.mark.parametrize("name", sorted(KEEPS))
@pytest.mark.accepts("emollm", 7)
def test_a_format_brings_back_all_that_it_can_carry(name, tmp_path):
    written(name)
    turns = [
        Turn.client(
            "我总是失眠。", [Label(set="client_reaction", id="extending", span=(1, 3), by="m", reason="他说了。")]
        ),
        Turn.counselor("听起来很累。\n多久了？", [Label(set="my_own", id="question")]),
    ]
    turns[1].thought = [Element(name="think", text="先接住。")]
    more = Session(turns=[Turn.client("三个月。"), Turn.counselor("这周呢？")], labels=[Label(set="my_own", id="x")])
    whole = Dialogue(  # where a format may be in English, the language cannot be told from this text
        id="d",
        lang=formats()[READERS[name][0]].lang or "en",
        sessions=[Session(turns=turns), more],
        labels=[TOPIC],
        extra={"system": "请倾听。"},
    )
    hidden = {"thoughts": "hidden"} if "hidden" in WRITERS[name].carries and name != "alpaca" else {}
    *_, back = there_and_back([whole], name, tmp_path, **hidden)
    assert said(back) == said(whole)
    assert {what for what, of in HOLDS.items() if of(back) == of(whole)} == KEEPS[name]


FIRST, *OTHERS = sorted(set(WHOLE) - {"parquet"})


@pytest.mark.parametrize("first", [FIRST, *OTHERS])
@pytest.mark.parametrize("second", [FIRST, *OTHERS])
@pytest.mark.accepts("emollm", 7)
def test_a_dialogue_survives_any_two_formats_in_a_row(first, second, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    dialogue = talk("c我总是失眠。 s听起来很累。 c是的。 s多久了？")
    (once,) = there_and_back([dialogue], first, tmp_path / "1")
    (twice,) = there_and_back([once], second, tmp_path / "2")
    assert said(twice) == said(dialogue)


@pytest.mark.parametrize(
    "name", ["messages", "sharegpt", "llamafactory", "swift", "xtuner", "xtuner-pairs", "alpaca", "trl-sft"]
)
def test_the_system_prompt_comes_back(name, tmp_path):
    (back,) = there_and_back([talk("c一 s二", extra={"system": "请倾听。"})], name, tmp_path)
    assert back.extra["system"] == "请倾听。"


@pytest.mark.parametrize("name", ["messages", "sharegpt", "llamafactory", "swift", "xtuner", "trl-sft"])
def test_hidden_thoughts_come_back(name, tmp_path):
    dialogue = talk("c一 s二 c三 s四")
    dialogue.turns[1].thought = [Element(name="think", text="先听。")]
    (back,) = there_and_back([dialogue], name, tmp_path, thoughts="hidden")
    assert [[element.text for element in turn.thought] for turn in back.turns] == [[], ["先听。"], [], []]


@pytest.mark.parametrize("name", ["messages", "sharegpt", "swift"])
def test_thoughts_before_the_reply_come_back(name, tmp_path):
    writer, out = WRITERS[name], tmp_path / f"out{WRITERS[name].suffixes[0]}"
    dialogue = talk("c一 s二")
    dialogue.turns[1].thought = [Element(name="think", text="先听。\n再问。")]
    export([dialogue], writer, out, ExportOptions(unit="turn", thoughts="in"))
    (back,) = read(out)
    assert (back.turns[1].text, back.turns[1].thought) == ("二", dialogue.turns[1].thought)


def test_names_of_speakers_in_a_transcript_come_back_as_who_they_are(tmp_path):
    export([rich()], WRITERS["text"], tmp_path / "t", ExportOptions(client_name="阿宁", counselor_name="林老师"))
    (back,) = read(tmp_path / "t", speakers={"阿宁": "client", "林老师": "counselor"})
    assert said(back) == said(rich())


spans = st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)).filter(lambda span: span[0] < span[1]), max_size=3)


@given(st.text(st.sampled_from("我总是I can't so失败。\n"), min_size=12, max_size=12), spans)
def test_text_and_spans_can_be_read_back_from_the_columns(tmp_path_factory, text, marked):
    labels = [Label(set="s", id=str(number), span=span) for number, span in enumerate(marked)]
    dialogue = Dialogue(id="d", lang="zh", sessions=[Session(turns=[Turn.client(text, labels)])])
    out = tmp_path_factory.mktemp("spans") / "out.conll"
    export([dialogue], WRITERS["conll"], out)
    lines = out.read_text().split("\n")
    (told,) = [json.loads(line.removeprefix("# text = ")) for line in lines if line.startswith("# text = ")]
    assert told == text
    rows = [line.split("\t") for line in lines if "\t" in line]
    assert all(text[int(start) : int(end)] == token for token, start, end, _ in rows)
    for label in labels:
        inside = [row for row in rows if f"-s:{label.id}" in row[3]]
        covered = text[label.span[0] : label.span[1]]
        assert "".join(row[0] for row in inside) == "".join(covered.split())
        assert [f"B-s:{label.id}" in row[3].split("|") for row in inside] == [True, *[False] * (len(inside) - 1)][
            : len(inside)
        ]


@given(st.text(max_size=30))
def test_tokens_hold_every_sign_that_is_no_white_space_once_and_in_order(text):
    pieces = tokens(Turn.client(text))
    assert "".join(text[start:end] for start, end in pieces) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in pairwise(pieces))
