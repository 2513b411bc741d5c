"""What a model reads and what it learns: the laws that hold for every trainer's format."""

import re

import pytest
from export_samples import UNITS, several, talk
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import BadRecord, UsageError
from psyloom.formats.write import WRITERS, ExportOptions
from psyloom.formats.write.examples import cut
from psyloom.formats.write.writer import make_plan
from psyloom.records import Element, Session, Turn

MARK = re.compile(r"〔(\d+)\.(\d+)〕")
names_and_units = st.sampled_from(UNITS)
targets = st.sampled_from(["client", "counselor"])


def examples(dialogue, name="messages", **options):
    return list(cut(dialogue, make_plan(WRITERS[name], ExportOptions(**options))))


def plain(example):
    return [f"{message.role[0]}{message.text}" for message in example.messages]


def marks(messages):
    return [tuple(map(int, mark)) for message in messages for mark in MARK.findall(message.text)]


@given(several(), names_and_units, targets, st.none() | st.integers(1, 9), st.sampled_from(["joined", "apart"]))
@pytest.mark.accepts("emollm", 7)
def test_no_target_stands_inside_its_own_history(given_dialogues, kind, target, history, sessions):
    name, _ = kind
    for dialogue in given_dialogues:
        for example in examples(dialogue, name, unit="turn", target=target, history=history, sessions=sessions):
            assert example.target.role == "assistant"
            assert not set(marks([example.target])) & set(marks(example.history))
            assert all(earlier < min(marks([example.target])) for earlier in marks(example.history))


@given(several(least=2), names_and_units, targets)
@pytest.mark.accepts("smile", 8)
def test_an_example_holds_no_text_of_another_dialogue(given_dialogues, kind, target):
    name, unit = kind
    for number, dialogue in enumerate(given_dialogues):
        for example in examples(dialogue, name, unit=unit, target=target):
            assert {owner for owner, _ in marks(example.messages)} == {number}


@given(several(), names_and_units, targets)
def test_every_message_that_is_read_stands_in_the_dialogue_in_that_order_and_once(given_dialogues, kind, target):
    name, unit = kind
    for dialogue in given_dialogues:
        for example in examples(dialogue, name, unit=unit, target=target):
            assert marks(example.messages) == sorted(set(marks(example.messages)))


@given(several(), st.sampled_from([kind for kind in UNITS if WRITERS[kind[0]].strict]), targets, st.integers(1, 9))
def test_a_strict_trainer_gets_user_and_assistant_in_turns_from_the_first_to_the_last(
    given_dialogues, kind, target, history
):
    name, unit = kind
    limit = history if unit == "turn" else None
    for dialogue in given_dialogues:
        for example in examples(dialogue, name, unit=unit, target=target, history=limit):
            roles = [message.role for message in example.messages]
            assert roles == ["user", "assistant"] * (len(roles) // 2)


@given(several(), st.sampled_from(["joined", "apart"]))
def test_a_lax_format_keeps_every_text_of_a_dialogue_that_has_something_to_learn(given_dialogues, sessions):
    for dialogue in given_dialogues:
        talks = [dialogue.turns] if sessions == "joined" else [session.turns for session in dialogue.sessions]
        kept = [[t.text for t in turns] for turns in talks if any(t.speaker == "counselor" for t in turns)]
        got = examples(dialogue, "messages", unit="dialogue", sessions=sessions)
        assert [[message.text for message in example.messages] for example in got] == kept


@given(several(), names_and_units, st.sampled_from(["in", "hidden"]), targets)
def test_no_thought_is_part_of_a_history(given_dialogues, kind, thoughts, target):
    for dialogue in given_dialogues:
        for example in examples(dialogue, kind[0], unit="turn", thoughts=thoughts, target=target):
            assert not any(message.thought for message in example.history)
            own = dialogue.turns[example.target.turn]
            assert all(element.text in example.target.thought for element in own.thought)


@given(several(), names_and_units)
def test_ids_tell_examples_apart(given_dialogues, kind):
    name, unit = kind
    for sessions in ("joined", "apart"):
        ids = [e.id for d in given_dialogues for e in examples(d, name, unit=unit, sessions=sessions)]
        assert len(ids) == len(set(ids))


@given(several(), st.integers(1, 9))
@pytest.mark.accepts("smile", 8)
def test_a_history_is_never_longer_than_its_limit_and_ends_right_before_the_target(given_dialogues, limit):
    for dialogue in given_dialogues:
        for example in examples(dialogue, unit="turn", history=limit):
            before = dialogue.turns[: example.target.turn]
            assert [message.text for message in example.history] == [turn.text for turn in before[-limit:]]


@pytest.mark.accepts("smile", 8)
def test_six_alternating_messages_give_three_samples():
    six = talk("c一 s二 c三 s四 c五 s六")
    assert [plain(e) for e in examples(six, "alpaca", unit="turn", history=9)] == [
        ["u一", "a二"],
        ["u一", "a二", "u三", "a四"],
        ["u一", "a二", "u三", "a四", "u五", "a六"],
    ]


def test_a_history_cut_in_the_middle_still_begins_with_the_user_where_that_is_demanded():
    (*_, last) = examples(talk("c一 s二 c三 s四 c五 s六"), "swift", unit="turn", history=4)
    assert plain(last) == ["u三", "a四", "u五", "a六"]


def test_messages_in_a_row_are_merged_where_speakers_must_alternate_and_kept_elsewhere():
    dialogue = talk("c一 c二 s三 s四")
    assert [plain(e) for e in examples(dialogue, "llamafactory")] == [["u一\n二", "a三\n四"]]
    assert [plain(e) for e in examples(dialogue, "messages")] == [["u一", "u二", "a三", "a四"]]
    assert [plain(e) for e in examples(dialogue, "messages", consecutive="merge")] == [["u一\n二", "a三\n四"]]
    assert [plain(e) for e in examples(dialogue, "swift", consecutive="keep")] == [["u一", "u二", "a三", "a四"]]


def test_pairs_cannot_keep_messages_in_a_row():
    with pytest.raises(UsageError, match="alpaca has no use for the option consecutive"):
        examples(talk("c一 s二"), "alpaca", consecutive="keep")


def test_a_greeting_before_the_first_client_message_is_left_out_where_the_user_must_begin():
    dialogue = talk("s你好 c一 s二 c再见")
    assert [plain(e) for e in examples(dialogue, "llamafactory")] == [["u一", "a二"]]
    assert [plain(e) for e in examples(dialogue, "trl-sft")] == [["u一", "a二"]]
    assert [plain(e) for e in examples(dialogue, "messages")] == [["a你好", "u一", "a二", "u再见"]]


def test_a_dialogue_without_the_learned_side_gives_no_example():
    for name, unit in UNITS:
        assert examples(talk("c一 c二"), name, unit=unit) == []


def test_blank_turns_are_neither_read_nor_learned():
    dialogue = talk("c一 s二")
    dialogue.sessions[0].turns[1:1] = [Turn.client(" \n"), Turn.counselor("　")]
    assert [plain(e) for e in examples(dialogue, "messages", unit="turn")] == [["u一", "a二"]]


def test_the_client_can_be_the_one_who_is_learned():
    dialogue = talk("s怎么了？ c累 s多久？ c很久")
    assert [plain(e) for e in examples(dialogue, "xtuner", target="client")] == [
        ["u怎么了？", "a累", "u多久？", "a很久"]
    ]


def test_sessions_apart_begin_with_no_history():
    dialogue = talk("c一 s二")
    dialogue.sessions.append(Session(turns=[Turn.client("三"), Turn.counselor("四")]))
    assert [plain(e) for e in examples(dialogue, unit="turn")][1] == ["u一", "a二", "u三", "a四"]
    assert [plain(e) for e in examples(dialogue, unit="turn", sessions="apart")][1] == ["u三", "a四"]


def weighted(*weights):
    dialogue = talk(" ".join(f"c{n} s{n}" for n, _ in enumerate(weights)))
    for turn, weight in zip(dialogue.turns[1::2], weights, strict=True):
        turn.extra["weight"] = weight
    return dialogue


def test_a_masked_turn_is_history_but_never_a_target():
    got = examples(weighted(0, 1), "trl-sft", unit="turn")
    assert [plain(e) for e in got] == [["u0", "a0", "u1", "a1"]]


def test_a_mask_outlives_merging():
    dialogue = talk("c一 s二 s三 c四 s五")
    dialogue.turns[1].extra["weight"] = 0
    assert [plain(e) for e in examples(dialogue, "swift", unit="turn")] == [["u一", "a二\n三", "u四", "a五"]]


def test_history_weighs_nothing_and_the_target_what_its_turn_says():
    got = examples(weighted(1, 0.5), "swift", unit="turn", weights="write")
    assert [[message.weight for message in e.messages] for e in got] == [[0, 1], [0, 0, 0, 0.5]]


@pytest.mark.parametrize(
    ("name", "unit", "weights", "weight"),
    [
        ("sharegpt", "dialogue", "auto", 0),  # has no place for a mask
        ("messages", "dialogue", "auto", 0),  # has one, but was not told to write it
        ("messages", "dialogue", "write", 0.5),  # has masks, not weights
        ("trl-sft", "turn", "auto", 2),
        ("swift", "turn", "auto", 0.5),
    ],
)
def test_a_weight_that_would_be_lost_is_refused(name, unit, weights, weight):
    with pytest.raises(UsageError, match=r"dialogue 'd', turn 3: its weight .* would be lost"):
        examples(weighted(1, weight), name, unit=unit, weights=weights)


def test_weights_can_be_ignored():
    (whole,) = examples(weighted(0, 0.5), "sharegpt", weights="ignore")
    assert [message.weight for message in whole.messages] == [0, 1, 0, 1]


def test_a_format_without_masks_refuses_to_write_them():
    with pytest.raises(UsageError, match="trl-sft has no place for loss masks"):
        examples(weighted(1), "trl-sft", weights="write")


@pytest.mark.parametrize("weight", [-1, "1", True, float("nan"), None])
def test_a_weight_that_is_none_is_named_with_its_place(weight):
    with pytest.raises(BadRecord, match="dialogue 'd', turn 1: weight"):
        examples(weighted(weight))


@pytest.mark.parametrize("rejected", ["text", [1], [""], {"a": "b"}])
def test_rejected_alternatives_that_are_no_texts_are_named_with_their_place(rejected):
    dialogue = talk("c一 s二")
    dialogue.turns[1].extra["rejected"] = rejected
    with pytest.raises(BadRecord, match="dialogue 'd', turn 1: rejected"):
        examples(dialogue)


def test_an_alternative_to_one_of_merged_messages_keeps_the_others():
    dialogue = talk("c一 s二 s三")
    dialogue.turns[1].extra["rejected"] = ["贰"]
    dialogue.turns[2].extra["rejected"] = ["叁", "三"]  # the last is what was said: no alternative
    (only,) = examples(dialogue, "trl-dpo")
    assert only.target.rejected == ("贰\n三", "二\n叁")


def test_thoughts_inside_whole_dialogues_are_refused():
    with pytest.raises(UsageError, match="part of the history"):
        examples(talk("c一 s二"), "messages", unit="dialogue", thoughts="in")


def test_one_element_of_thought_needs_no_name_and_several_have_theirs():
    dialogue = talk("c一 s二 c三 s四")
    dialogue.turns[1].thought = [Element(name="think", text="想")]
    dialogue.turns[3].thought = [Element(name="共情", text="先听"), Element(name="计划", text="再问")]
    got = examples(dialogue, unit="turn", thoughts="hidden")
    assert [e.target.thought for e in got] == ["想", "共情：先听\n计划：再问"]


def test_the_system_prompt_is_the_dialogues_own_or_a_given_one_or_none():
    dialogue = talk("c一 s二", extra={"system": "请倾听。"})
    assert [e.system for e in examples(dialogue)] == ["请倾听。"]
    assert [e.system for e in examples(dialogue, system_text="你是咨询师。")] == ["你是咨询师。"]
    assert [e.system for e in examples(dialogue, system="none")] == [""]


def test_whole_dialogues_have_no_history_to_limit():
    with pytest.raises(UsageError, match="no history to limit"):
        examples(talk("c一 s二"), "messages", history=9)


def test_preference_pairs_are_cut_per_turn_only():
    with pytest.raises(UsageError, match="trl-dpo has one example per turn"):
        examples(talk("c一 s二"), "trl-dpo", unit="dialogue")
