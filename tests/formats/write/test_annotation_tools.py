"""Label Studio and Argilla: what is handed to people comes back with every label, its place, its reason and its annotator."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from psyloom.cli.analyze import analyze
from psyloom.cli.read import read as read_command
from psyloom.errors import BadRecord, UnknownName
from psyloom.formats.onto import onto
from psyloom.formats.read import read, sniff
from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.formats.write.labels import characters, units
from psyloom.knowledge import label_set
from psyloom.records import Case, Dialogue, Element, Label, Session, Turn, write_jsonl

TOOLS = ("labelstudio", "argilla")
SETS = ("client_reaction", "psyinsight_emotion", "psyinsight_explanation", "a_set_of_my_own")
words = st.text(st.sampled_from("我睡不着，。？ ab.?😀"), max_size=8)


@st.composite
def labels(draw: Any, length: int) -> Label:
    name = draw(st.sampled_from(SETS))
    id_ = draw(st.sampled_from(label_set(name).ids if name != SETS[-1] else ("一", "two")))
    start = draw(st.integers(0, length - 1)) if length else 0
    span = draw(st.sampled_from([None, (start, draw(st.integers(start + 1, length)))])) if length else None
    reason = draw(st.sampled_from([None, "因为他说了。\nTwo lines."]))
    by = draw(st.sampled_from([None, "client_reactions", "Anna", "小李"]))
    return Label(
        set=name, id=id_, span=span, by=by, reason=reason, evidence=reason and "“睡不着”", origin=reason and "inferred"
    )


@st.composite
def dialogues(draw: Any) -> Dialogue:
    def turn(speaker: str) -> Turn:
        text = f"我{draw(words)}呢"
        return Turn(speaker=speaker, text=text, labels=draw(st.lists(labels(len(text)), max_size=3)))

    sides = st.lists(st.sampled_from(["client", "counselor"]), min_size=1, max_size=4)
    sessions = [
        Session(
            turns=[turn("client"), turn("counselor"), *map(turn, draw(sides))],
            labels=draw(st.lists(labels(0), max_size=2)),
        )
        for _ in range(draw(st.integers(1, 2)))
    ]
    return Dialogue(id="对话/1", lang="zh", sessions=sessions, labels=draw(st.lists(labels(0), max_size=2)))


def there_and_back(dialogue: Dialogue, tool: str, folder: Path, **options: Any) -> tuple[Dialogue, Path]:
    out = folder / "out"
    export([dialogue], WRITERS[tool], out, ExportOptions(**options))
    (back,) = read(out, tool)
    assert isinstance(back, Dialogue)
    return back, out


def placed(dialogue: Dialogue) -> list[list[str]]:
    """The labels, place by place; their order in one place says nothing."""
    places = [dialogue.labels, *(s.labels for s in dialogue.sessions), *(turn.labels for turn in dialogue.turns)]
    return [sorted(label.model_dump_json() for label in place) for place in places]


@pytest.mark.parametrize("tool", TOOLS)
@given(dialogue=dialogues())
def test_every_label_comes_back_where_it_was_with_its_reason_and_its_annotator(
    tool: str, dialogue: Dialogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    back, _ = there_and_back(dialogue, tool, tmp_path_factory.mktemp("trip"))
    assert (back.id, back.lang) == (dialogue.id, dialogue.lang)
    assert [[(turn.speaker, turn.text) for turn in session.turns] for session in back.sessions] == [
        [(turn.speaker, turn.text) for turn in session.turns] for session in dialogue.sessions
    ]
    assert placed(back) == placed(dialogue)


def talk(*labelled: Label) -> Dialogue:
    turns = [Turn.counselor("多久了？ 说说看。"), Turn.client("三个月。没人知道。", labelled)]
    return Dialogue(id="d", lang="zh", sessions=[Session(turns=turns)])


MODEL = Label(set="client_reaction", id="giving_information", span=(0, 4), by="model")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_folder_that_was_handed_over_is_recognized_by_its_content(tool: str, tmp_path: Path) -> None:
    _, out = there_and_back(talk(MODEL), tool, tmp_path)
    assert sniff(out).format.name == tool


def test_what_people_mark_in_label_studio_comes_back_under_their_names_beside_the_model(tmp_path: Path) -> None:
    _, out = there_and_back(talk(MODEL), "labelstudio", tmp_path)
    (task,) = json.loads((out / "train.json").read_text("utf-8"))
    region = {"type": "paragraphlabels", "from_name": "client_reaction", "to_name": "dialogue", "id": "x"}
    marked = {"start": "1", "end": "1", "startOffset": 4, "endOffset": 9, "paragraphlabels": ["拓展 / Extending"]}
    users = [{"first_name": "李", "last_name": ""}, {"email": "anna@example.org", "id": 3}, 7]
    task["annotations"] = [{"completed_by": user, "result": [region | {"value": marked}]} for user in users]
    task["annotations"].append({"completed_by": 8, "was_cancelled": True, "result": [region | {"value": marked}]})
    (tmp_path / "export.json").write_text(json.dumps([task]), "utf-8")
    (back,) = read(tmp_path / "export.json", "labelstudio")
    assert isinstance(back, Dialogue)
    assert back.turns[1].labels[0] == MODEL
    assert [(one.by, one.id, one.span) for one in back.turns[1].labels[1:]] == [
        (name, "extending", (4, 9)) for name in ("李", "anna@example.org", "user 7")
    ]


def test_a_region_over_two_messages_becomes_a_span_on_each(tmp_path: Path) -> None:
    value = {"start": 0, "end": 1, "startOffset": 6, "endOffset": 4, "paragraphlabels": ["Others"]}
    region = {"type": "paragraphlabels", "from_name": "client_reaction", "value": value}
    paragraphs = [{"author": "咨询师", "text": "多久了？ 说说看。"}, {"author": "来访者", "text": "三个月。没人知道。"}]
    task = {"id": 4, "data": {"text": paragraphs}, "annotations": [{"completed_by": 1, "result": [region]}]}
    (tmp_path / "export.json").write_text(json.dumps([task]), "utf-8")
    (back,) = read(tmp_path / "export.json", "labelstudio")
    assert isinstance(back, Dialogue)
    assert [turn.labels[0].span for turn in back.turns] == [(6, 9), (0, 4)]


def test_what_people_answer_in_argilla_comes_back_under_their_ids_beside_the_model(tmp_path: Path) -> None:
    _, out = there_and_back(talk(MODEL), "argilla", tmp_path)
    rows = json.loads((out / "train.json").read_text("utf-8"))
    rows[1]["responses"] = {
        "client_reaction": [{"value": [{"start": 4, "end": 9, "label": "extending"}], "user_id": "u-1"}],
        "psyinsight_emotion": [{"value": ["shame", "fear"], "user_id": "u-2"}],
    }
    (tmp_path / "export.json").write_text(json.dumps(rows), "utf-8")
    (back,) = read(tmp_path / "export.json", "argilla")
    assert isinstance(back, Dialogue)
    assert [(one.by, one.id, one.span) for one in back.turns[1].labels] == [
        ("model", "giving_information", (0, 4)), ("u-1", "extending", (4, 9)), ("u-2", "shame", None), ("u-2", "fear", None),
    ]  # fmt: skip


def test_people_are_offered_the_labels_that_can_be_asked_with_both_names_and_no_groups(tmp_path: Path) -> None:
    _, out = there_and_back(talk(), "labelstudio", tmp_path, labels="client_reaction,psyinsight_emotion")
    view = ET.fromstring((out / "config.xml").read_text("utf-8"))
    tags = {tag.get("name"): [one.get("value") for one in tag] for tag in view.iter("ParagraphLabels")}
    assert {name: len(listed) for name, listed in tags.items()} == {"client_reaction": 12, "psyinsight_emotion": 11}
    assert "防御 / Defending" in tags["client_reaction"]
    assert not any("reaction" in str(word) for word in tags["client_reaction"])


def test_a_set_that_marks_spans_is_a_span_question_and_any_other_a_choice_of_several(tmp_path: Path) -> None:
    emotion = Label(set="psyinsight_emotion", id="fear", by="model")
    _, out = there_and_back(talk(MODEL, emotion), "argilla", tmp_path)
    settings = json.loads((out / "settings.json").read_text("utf-8"))
    kinds = {one["name"]: one["settings"]["type"] for one in settings["questions"]}
    assert kinds == {"client_reaction": "span", "psyinsight_emotion": "multi_label_selection"}


FEAR = Label(set="psyinsight_emotion", id="fear", by="model")


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_predicted_is_offered_though_other_sets_were_asked_for(tool: str, tmp_path: Path) -> None:
    _, out = there_and_back(talk(MODEL, FEAR), tool, tmp_path, labels="psyinsight_explanation")
    rows = json.loads((out / "train.json").read_text("utf-8"))
    if tool == "argilla":
        offered = {one["name"] for one in json.loads((out / "settings.json").read_text("utf-8"))["questions"]}
        predicted = {name for row in rows for name in row["suggestions"]}
    else:
        view = ET.fromstring((out / "config.xml").read_text("utf-8"))
        offered = {str(tag.get("name")) for tag in view.iter("ParagraphLabels")}
        predicted = {one["from_name"] for row in rows for made in row["predictions"] for one in made["result"]}
    assert predicted == {"client_reaction", "psyinsight_emotion"}
    assert offered == predicted | {"psyinsight_explanation"}


@pytest.mark.parametrize(("langs", "told"), [(["zh"], "zh"), (["en"], "en"), (["zh", "en"], "en")])
def test_hints_are_in_the_language_of_the_dialogues(langs: list[str], told: str, tmp_path: Path) -> None:
    talks = [talk(MODEL).model_copy(update={"id": lang, "lang": lang}) for lang in langs]
    export(talks, WRITERS["labelstudio"], tmp_path / "out")
    view = ET.fromstring((tmp_path / "out" / "config.xml").read_text("utf-8"))
    hints = {one.get("hint") for one in view.iter("Label")}
    assert getattr(label_set("client_reaction")["defending"].definition, told) in hints


def test_spans_behind_an_emoji_are_suggested_and_read_where_a_browser_counts_them(tmp_path: Path) -> None:
    dialogue = talk(MODEL.model_copy(update={"span": (2, 4)}))
    dialogue.turns[1].text = "😀我很累。"
    _, out = there_and_back(dialogue, "argilla", tmp_path)
    rows = json.loads((out / "train.json").read_text("utf-8"))
    (suggested,) = rows[1]["suggestions"]["client_reaction"]["value"]
    assert (suggested["start"], suggested["end"]) == (3, 5)
    rows[1]["responses"] = {"client_reaction": [{"value": [suggested | {"label": "extending"}], "user_id": "u"}]}
    (tmp_path / "export.json").write_text(json.dumps(rows), "utf-8")
    (back,) = read(tmp_path / "export.json", "argilla")
    assert isinstance(back, Dialogue)
    assert [label.span for label in back.turns[1].labels] == [(2, 4), (2, 4)]


@given(dialogue=dialogues())
def test_every_suggestion_has_the_shape_of_its_question_and_lies_in_its_text(
    dialogue: Dialogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, out = there_and_back(dialogue, "argilla", tmp_path_factory.mktemp("trip"))
    questions = json.loads((out / "settings.json").read_text("utf-8"))["questions"]
    kinds = {one["name"]: one["settings"]["type"] for one in questions}
    for row in json.loads((out / "train.json").read_text("utf-8")):
        for name, suggested in row["suggestions"].items():
            assert suggested["value"]
            for one in suggested["value"]:
                assert isinstance(one, dict if kinds[name] == "span" else str)
                assert isinstance(one, str) or 0 <= one["start"] < one["end"] <= len(row["fields"]["text"])


@given(st.text())
def test_a_place_in_a_text_survives_the_counting_of_browsers(text: str) -> None:
    assert [characters(text, units(text, at)) for at in range(len(text) + 1)] == list(range(len(text) + 1))


def test_a_label_set_that_does_not_exist_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="client_reaction"):
        ExportOptions(labels="client_reactionz")


# Back onto the dialogues that were handed over


EXTENDING = Label(set="client_reaction", id="extending", span=(4, 9), by="anna@example.org")


def handed_over(folder: Path) -> tuple[Dialogue, Path]:
    """A labelled dialogue with all that no tool keeps, and what Anna made of it in Label Studio."""
    original = talk(
        MODEL, Label(set="psyinsight_emotion", id="fear", by="model", reason="他这么说。", origin="inferred")
    )
    original.case = Case(id="c", lang="zh")
    original.turns[0].thought = [Element(name="plan", text="先问多久。")]
    original.turns[1].extra = {"mood": 3}
    original.turns[1].text = " " + original.turns[1].text  # the tool shows it, the reader of its export strips it
    original.turns[1].labels[0] = MODEL.model_copy(update={"span": (1, 5)})
    out = folder / "out"
    export([original], WRITERS["labelstudio"], out)
    (task,) = json.loads((out / "train.json").read_text("utf-8"))
    marked = {"start": "1", "end": "1", "startOffset": 5, "endOffset": 10, "paragraphlabels": ["拓展 / Extending"]}
    region = {
        "type": "paragraphlabels",
        "from_name": "client_reaction",
        "to_name": "dialogue",
        "id": "x",
        "value": marked,
    }
    task["annotations"] = [{"completed_by": {"email": "anna@example.org"}, "result": [region]}]
    (folder / "export.json").write_text(json.dumps([task]), "utf-8")
    return original, folder / "export.json"


def test_what_people_marked_is_put_onto_the_original_which_keeps_everything_else(tmp_path: Path) -> None:
    original, file = handed_over(tmp_path)
    before = original.model_copy(deep=True)
    (merged,) = onto([original], read(file, "labelstudio"))
    assert merged.turns[1].labels[-1] == EXTENDING.model_copy(update={"span": (5, 10)})
    merged.turns[1].labels.pop()
    assert merged == before


@given(dialogue=dialogues())
@pytest.mark.parametrize("tool", TOOLS)
def test_what_was_handed_over_and_came_back_untouched_changes_nothing(
    tool: str, dialogue: Dialogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    back, _ = there_and_back(dialogue, tool, tmp_path_factory.mktemp("trip"))
    (merged,) = onto([dialogue.model_copy(deep=True)], [back])
    assert placed(merged) == placed(dialogue)
    assert [turn.text for turn in merged.turns] == [turn.text for turn in dialogue.turns]


def test_a_second_import_replaces_the_annotators_labels_of_that_set_and_no_others(tmp_path: Path) -> None:
    own = Label(set="psyinsight_emotion", id="shame", by="anna@example.org")
    first, again = talk(MODEL, EXTENDING, own), talk(EXTENDING.model_copy(update={"id": "defending"}))
    (merged,) = onto([first], [again])
    assert [(one.by, one.id) for one in merged.turns[1].labels] == [
        ("model", "giving_information"), ("anna@example.org", "shame"), ("anna@example.org", "defending"),
    ]  # fmt: skip


def test_another_text_and_a_dialogue_that_is_not_there_are_said(tmp_path: Path) -> None:
    changed = talk(EXTENDING)
    changed.turns[1].text = "两个月。没人知道。"
    with pytest.raises(BadRecord, match="message 2 is not the text"):
        list(onto([talk(MODEL)], [changed]))
    shorter = talk(EXTENDING)
    shorter.sessions[0].turns.pop(0)
    with pytest.raises(BadRecord, match=r"sessions of \[2\] messages"):
        list(onto([talk(MODEL)], [shorter]))
    stranger = talk(EXTENDING).model_copy(update={"id": "somebody else's"})
    with pytest.raises(BadRecord, match="no original: somebody else's"):
        list(onto([talk(MODEL)], [stranger]))


def test_a_command_brings_them_back_so_that_people_and_models_can_be_compared(tmp_path: Path) -> None:
    original, file = handed_over(tmp_path)
    write_jsonl(tmp_path / "d.jsonl", [original])
    words = ["labelstudio", file, "--onto", tmp_path / "d.jsonl", "--out", tmp_path / "both.jsonl"]
    done = CliRunner().invoke(read_command, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0
    ratings = tmp_path / "ratings.jsonl"
    words = ["annotators", tmp_path / "both.jsonl", "--set", "client_reaction", "--out", ratings]
    done = CliRunner().invoke(analyze, [str(word) for word in words], catch_exceptions=False)
    raters = {json.loads(line)["rater"]["name"] for line in ratings.read_text("utf-8").splitlines()}
    assert raters == {"model", "anna@example.org"}
