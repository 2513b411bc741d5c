"""Talk written as text: prefixes in all their spellings, directions, names nobody knows."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psyloom.errors import BadRecord
from psyloom.formats import read
from psyloom.formats.read._lines import left_open, names, said
from psyloom.formats.read._speakers import SPEAKERS, side, sides
from psyloom.records import Defect, Dialogue

# Machines that are busy with something else make no test fail.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
plain = (
    st.text(st.characters(codec="utf-8", exclude_characters=":：\n\r[]【】()（）*#><-"), min_size=1)
    .map(str.strip)
    .filter(bool)
)
PREFIXES = [
    "Client: ",
    "client：",
    "来访者：",
    "来访者: ",
    "[patient] ",
    "**Counselor:** ",
    "咨询师：",
    "心理咨询师 ：",
    "Therapist 1: ",
    "- 求助者：",
]


@calm
@given(
    st.lists(st.tuples(st.sampled_from(PREFIXES), plain), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_prefixed_lines_come_apart_into_who_said_what(lines: list[tuple[str, str]], end: str) -> None:
    before, passages = said(end.join(prefix + text for prefix, text in lines))
    assert before == ""
    assert [passage.text for passage in passages] == [text for _, text in lines]
    expected = ["client" if any(word in prefix.lower() for word in ("client", "patient", "来访者", "求助者")) else "counselor"
                for prefix, _ in lines]  # fmt: skip
    assert [side(passage.name) for passage in passages] == expected


def test_lines_without_a_prefix_go_on_and_bracketed_ones_are_directions() -> None:
    _, (first, second) = said("来访者：我好多了。\n\n（一段时间后）\n咨询师：很高兴。\n下次见。")
    assert (first.text, first.directions) == ("我好多了。", ["（一段时间后）"])
    assert (second.text, second.directions) == ("很高兴。\n下次见。", [])


def test_a_message_that_is_nothing_but_a_direction_stays_text() -> None:
    _, (only,) = said("Client: (cries)")
    assert (only.text, only.directions) == ("(cries)", [])


def test_what_stands_before_the_first_prefix_is_kept_apart() -> None:
    before, passages = said("Session 3, June.\n\nClient: Hi")
    assert (before, len(passages)) == ("Session 3, June.", 1)


def test_a_prefix_inside_a_sentence_is_none() -> None:
    _, passages = said("Client: my doctor: he is kind, and my client: too")
    assert len(passages) == 1


@pytest.mark.parametrize("text", ["I feel better. Client:", "好的。来访者：", "Thank you!\nCounselor: ", "Client:"])
def test_an_open_prefix_at_the_end_is_found(text: str) -> None:
    found = left_open(text.rstrip())
    assert found is not None
    assert not text[:found].rstrip().endswith((":", "："))


@pytest.mark.parametrize("text", ["this is what I told my doctor:", "我告诉医生：", "He said:", "They call me Client"])
def test_words_before_a_colon_at_the_end_of_a_sentence_stay(text: str) -> None:
    assert left_open(text) is None


def test_every_speaker_word_means_one_side() -> None:
    assert set(SPEAKERS.values()) == {"client", "counselor", "system"}
    assert side("Help-Seeker") == side("help_seeker") == side("求助者2") == side("[patient]") == "client"
    assert side("Counsellor") == side("心理咨询师") == side("THERAPIST") == "counselor"
    assert side("Anna") is None


def test_of_two_speakers_the_unknown_one_is_the_other_side() -> None:
    assert sides(["Therapist", "Anna"]) == {"Therapist": "counselor", "Anna": "client"}
    assert sides(["Anna", "Ben"]) == {"Anna": None, "Ben": None}
    assert sides(["Therapist", "Anna", "Ben"])["Anna"] is None


def test_names_are_those_that_begin_lines_again_and_again() -> None:
    pattern = names("Dr. Li: Hello.\nAnna: Hi.\nNote: she smiles.\nDr. Li: Sit down.\nAnna: Thanks.")
    assert pattern is not None
    assert [passage.name for passage in said("Dr. Li: Hello.\nAnna: Hi.\nNote: x", pattern)[1]] == ["Dr. Li", "Anna"]
    assert names("Just prose.\nIt has no speakers.") is None
    assert names("At 10:30 we met.\nAt 11:00 we left.") is None


def test_the_user_may_say_who_is_who(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Anna: Hi.\nBen: Hello.\nAnna: I sleep badly.\n")
    with pytest.raises(BadRecord, match=r"nobody is known.*Anna.*say who is who, e.g. Anna=client"):
        list(read(tmp_path, "transcript"))
    (found,) = read(tmp_path, "transcript", speakers={"Anna": "client"})
    assert isinstance(found, Dialogue)
    assert [turn.speaker for turn in found.turns] == ["client", "counselor", "client"]
    assert [turn.extra for turn in found.turns] == [{"speaker": "Anna"}, {"speaker": "Ben"}, {"speaker": "Anna"}]


def test_a_third_person_is_kept_in_the_notes_and_reported(tmp_path: Path) -> None:
    messages = [("client", "Hi"), ("counselor", "Hello"), ("mother", "He is shy."), ("client", "Mum!")]
    (tmp_path / "a.json").write_text(json.dumps({"messages": [{"role": r, "content": c} for r, c in messages]}))
    defects: list[Defect] = []
    (found,) = read(tmp_path, "messages", on_defect=defects.append)
    assert isinstance(found, Dialogue)
    assert len(found.turns) == 3
    assert found.sessions[0].notes["others"] == [{"before_turn": 2, "role": "mother", "content": "He is shy."}]
    assert defects[0].field == "messages.2"


def transcript(tmp_path: Path, text: str, **speakers: Any) -> tuple[Dialogue, list[Defect]]:
    (tmp_path / "a.txt").write_text(text)
    defects: list[Defect] = []
    (found,) = read(tmp_path, "transcript", on_defect=defects.append, speakers=speakers)
    assert isinstance(found, Dialogue)
    return found, defects


@pytest.mark.parametrize(
    "text",
    [
        "Therapist: Hi\nMother: He is bad.\nClient: no",
        "Therapist: Hi\nand welcome.\nMother: He is bad.\nClient: no",
        "Therapist: Hi\nMrs. Ruiz: He is bad.\nClient: no",
    ],
)
def test_nobody_gets_the_words_of_a_third_person(text: str, tmp_path: Path) -> None:
    found, (defect,) = transcript(tmp_path, text)
    assert [turn.text.split("\n")[0] for turn in found.turns] == ["Hi", "no"]
    assert [one["content"] for one in found.sessions[0].notes["others"]] == ["He is bad."]
    assert "neither client nor counselor" in defect.what


def test_a_heading_within_a_message_of_several_lines_stays_there_and_is_told(tmp_path: Path) -> None:
    found, (defect,) = transcript(tmp_path, "Therapist: A plan.\nStep one: breathe.\nThen rest.\nClient: Okay.")
    assert found.turns[0].text == "A plan.\nStep one: breathe.\nThen rest."
    assert "'Step one'" in defect.what


def test_kin_in_a_transcript_do_not_make_a_named_client_a_third_person(tmp_path: Path) -> None:
    found, _ = transcript(tmp_path, "Therapist: Hi\nAnna: Hello\nMother: She is shy.\nTherapist: Yes?\nAnna: Mum!")
    assert [turn.speaker for turn in found.turns] == ["counselor", "client", "counselor", "client"]


def test_clients_told_apart_by_letters_keep_them(tmp_path: Path) -> None:
    found, _ = transcript(tmp_path, "咨询师：你们好。\n来访者A：他不说话。\n来访者B：我说了。\nClient C: Hm.")
    assert [turn.speaker for turn in found.turns] == ["counselor", "client", "client", "client"]
    assert [turn.extra.get("speaker") for turn in found.turns] == [None, "来访者A", "来访者B", "Client C"]


def test_the_manner_of_speaking_is_a_direction_and_no_reason_to_lose_the_message(tmp_path: Path) -> None:
    found, defects = transcript(tmp_path, "咨询师（微笑）：你好。\n来访者（低头）：嗯。\nTherapist (softly): Go on.")
    assert [(turn.speaker, turn.text) for turn in found.turns] == [
        ("counselor", "你好。"), ("client", "嗯。"), ("counselor", "Go on.")]  # fmt: skip
    assert [turn.extra["directions"] for turn in found.turns] == [["（微笑）"], ["（低头）"], ["(softly)"]]
    assert not defects


def test_of_three_strangers_two_who_are_named_are_enough(tmp_path: Path) -> None:
    found, (defect,) = transcript(tmp_path, "Anna: Hi\nBob: Hello\nCarl: Me too\n", Anna="client", Bob="counselor")
    assert [(turn.speaker, turn.text) for turn in found.turns] == [("client", "Hi"), ("counselor", "Hello")]
    assert "'Carl'" in defect.what


def chat(tmp_path: Path, *messages: dict[str, object]) -> tuple[Dialogue, list[Defect]]:
    (tmp_path / "a.json").write_text(json.dumps({"messages": messages}))
    defects: list[Defect] = []
    (found,) = read(tmp_path, "messages", on_defect=defects.append)
    assert isinstance(found, Dialogue)
    return found, defects


def test_several_messages_in_a_row_by_one_speaker_stay_several(tmp_path: Path) -> None:
    found, defects = chat(tmp_path, {"role": "user", "content": "Hi"}, {"role": "user", "content": "Anyone?"},
                          {"role": "assistant", "content": "Yes."})  # fmt: skip
    assert [turn.speaker for turn in found.turns] == ["client", "client", "counselor"]
    assert defects == []


def test_a_missing_role_is_the_other_side_and_reported(tmp_path: Path) -> None:
    found, defects = chat(tmp_path, {"content": "Hi"}, {"role": "assistant", "content": "Hello"}, {"content": "I am sad"},
                          {"role": None, "content": "Since when?"})  # fmt: skip
    assert [turn.speaker for turn in found.turns] == ["client", "counselor", "client", "counselor"]
    assert [one.field for one in defects] == ["messages.0", "messages.2", "messages.3"]


def test_an_empty_message_is_kept_and_reported(tmp_path: Path) -> None:
    found, defects = chat(tmp_path, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": None})
    assert [turn.text for turn in found.turns] == ["Hi", ""]
    assert (defects[0].field, defects[0].what) == ("messages.1", "empty message (record kept)")


def test_a_prefix_left_in_a_message_is_taken_off(tmp_path: Path) -> None:
    found, defects = chat(tmp_path, {"role": "user", "content": "Client: Hi"},
                          {"role": "assistant", "content": "Hello. How are you?\nClient:"})  # fmt: skip
    assert [turn.text for turn in found.turns] == ["Hi", "Hello. How are you?"]
    assert "left at its end" in defects[0].what


def test_a_message_with_the_other_sides_prefix_is_reported_and_kept(tmp_path: Path) -> None:
    found, defects = chat(
        tmp_path, {"role": "user", "content": "支持者：你好"}, {"role": "assistant", "content": "你好"}
    )
    assert found.turns[0].text == "支持者：你好"
    assert "begins with" in defects[0].what


def test_system_messages_become_the_prompt_of_the_dialogue(tmp_path: Path) -> None:
    found, _ = chat(tmp_path, {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": "Hello"})  # fmt: skip
    assert found.extra["system"] == "Be kind."
    assert len(found.turns) == 2


def test_reasoning_becomes_the_thought_of_its_turn(tmp_path: Path) -> None:
    found, _ = chat(tmp_path, {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": "<think>\nGreet.\n</think>\n\nHello"},
                    {"role": "assistant", "reasoning_content": "Ask.", "content": "How are you?"})  # fmt: skip
    assert [[(one.name, one.text) for one in turn.thought] for turn in found.turns[1:]] == [
        [("think", "Greet.")], [("reasoning_content", "Ask.")]]  # fmt: skip
    assert found.turns[1].text == "Hello"


def test_content_in_parts_is_joined_and_other_parts_are_kept(tmp_path: Path) -> None:
    image = {"type": "image_url", "image_url": "x.png"}
    found, _ = chat(tmp_path, {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
                    {"role": "assistant", "content": "I see"})  # fmt: skip
    assert (found.turns[0].text, found.turns[0].extra) == ("Look", {"parts": [image]})


def test_unknown_fields_of_record_and_message_are_kept_under_their_names(tmp_path: Path) -> None:
    row = {"id": "a", "rated": 4, "messages": [{"role": "user", "content": "Hi", "mood": {"sad": 1}},
                                               {"role": "assistant", "content": "Hello"}]}  # fmt: skip
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    (found,) = read(tmp_path, "messages")
    assert isinstance(found, Dialogue)
    assert (found.id, found.extra, found.turns[0].extra) == ("a", {"rated": 4}, {"mood": {"sad": 1}})


def test_a_dialogue_without_messages_is_left_out_and_reported(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"messages": []}\n{"messages": "none"}\n{"messages": [{"role": "user", "content": "Hi"},'
                                      ' {"role": "assistant", "content": "Hello"}]}\n')  # fmt: skip
    defects: list[Defect] = []
    assert len(list(read(tmp_path, "messages", on_defect=defects.append))) == 1
    assert [(one.line, one.field, one.what) for one in defects] == [
        (1, "", "holds no message (record left out)"), (2, "messages", "is not a list of objects (record left out)")]  # fmt: skip


talks = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), plain), min_size=1, max_size=8)


@calm
@given(talks, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from([None, 2]), st.booleans())
def test_any_talk_comes_back_from_json_word_for_word(
    told: list[tuple[str, str]], encoding: str, indent: int | None, escaped: bool
) -> None:
    row = {"messages": [{"role": role, "content": text} for role, text in told]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.json")
        path.write_bytes(json.dumps([row, row], ensure_ascii=escaped, indent=indent).encode(encoding))
        found = list(read(path, "messages", on_defect=lambda _: None))
    for one in found:
        assert isinstance(one, Dialogue)
        assert [(turn.speaker, turn.text) for turn in one.turns] == [
            ("client" if role == "user" else "counselor", text) for role, text in told
        ]
    assert len(found) == 2
