"""The review desk: two reviewers, a third for conflicts, undo, tables."""

import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.cli.curate import curate
from psyloom.curation.desk import COLUMNS, Desk, edited_in
from psyloom.errors import BadRecord, UsageError
from psyloom.knowledge.instruments import instrument
from psyloom.records import Dialogue, Rating, Session, Turn, read_jsonl, write_jsonl

CODES = [option.id for option in instrument("review_desk")["code"].options]


def talk(id_: str) -> Dialogue:
    return Dialogue(
        id=id_, lang="zh", sessions=[Session(turns=[Turn.client(f"{id_}：我很累。"), Turn.counselor("我在听。")])]
    )


def desk(folder: Path, *ids: str) -> Desk:
    write_jsonl(folder / "review.jsonl", [talk(id_) for id_ in ids or ("a", "b", "c")])
    return Desk(folder)


def decide(table: Desk, reviewer: str, **verdicts: str) -> None:
    queue = {one.id: one for one in table.queue()}
    for id_, verdict in verdicts.items():
        edited = [Turn.client("改过的话。"), Turn.counselor("我在听。")] if verdict == "edit" else []
        table.decide(reviewer, queue[id_], verdict, "none" if verdict == "keep" else "unnatural", edited=edited)


def ids(found: Any) -> list[str]:
    return [one.id for one in found]


@pytest.mark.accepts("mindchat", 7)
def test_two_reviewers_see_each_dialogue_and_a_third_only_where_they_differ(tmp_path: Path) -> None:
    table = desk(tmp_path)
    assert ids(table.waiting("anna")) == ids(table.waiting("ben")) == ["a", "b", "c"]
    decide(table, "anna", a="keep", b="keep", c="drop")
    decide(table, "ben", a="keep", b="drop", c="drop")
    assert (ids(table.waiting("anna")), ids(table.waiting("ben"))) == ([], [])
    assert table.conflicts() == ids(table.waiting("chen")) == ["b"]
    assert ids(table.settled()) == ["a"]
    decide(table, "chen", b="keep")
    assert table.conflicts() == []
    assert ids(table.settled()) == ["a", "b"]


@pytest.mark.accepts("mindchat", 7)
def test_two_corrections_that_differ_are_a_conflict_and_what_wins_keeps_the_original(tmp_path: Path) -> None:
    table = desk(tmp_path, "a")
    (one,) = table.queue()
    table.decide("anna", one, "edit", "unnatural", edited=[Turn.client("累。"), Turn.counselor("我在听。")])
    decide(table, "ben", a="edit")
    assert table.conflicts() == ["a"]
    decide(table, "chen", a="edit")
    (kept,) = table.settled()
    assert [turn.text for turn in kept.turns] == ["改过的话。", "我在听。"]
    assert kept.extra["before_review"] == [["client", "a：我很累。"], ["counselor", "我在听。"]]
    assert kept.extra["reviewers"] == ["anna", "ben", "chen"]


@pytest.mark.accepts("mindchat", 7)
def test_kappa_is_that_of_the_verdicts_of_two(tmp_path: Path) -> None:
    # anna keep keep drop drop, ben keep drop drop drop: agreement 3/4, by chance (1/2 x 1/4) + (1/2 x 3/4) = 1/2.
    table = desk(tmp_path, *"abcd")
    assert math.isnan(table.kappa())
    decide(table, "anna", a="keep", b="keep", c="drop", d="drop")
    decide(table, "ben", a="keep", b="drop", c="drop", d="drop")
    assert table.kappa() == pytest.approx(0.5)


@pytest.mark.accepts("mindchat", 7)
def test_a_decision_can_be_taken_back_and_made_anew_also_after_a_restart(tmp_path: Path) -> None:
    table = desk(tmp_path)
    decide(table, "anna", a="keep", b="drop")
    decide(table, "ben", a="keep")
    again = Desk(tmp_path)
    assert again.undo("anna").subject.dialogue == "b"
    assert [(one.rater.name, one.subject.dialogue) for one in Desk(tmp_path).reviews] == [("anna", "a"), ("ben", "a")]
    decide(again, "anna", b="keep")
    assert [one.items[0].value for one in Desk(tmp_path).of("b")] == ["keep"]
    with pytest.raises(UsageError, match="decided nothing"):
        again.undo("dora")


@pytest.mark.accepts("mindchat", 7)
@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from(["anna", "ben", "陈"]), st.sampled_from(["keep", "edit", "drop"]),
            st.sampled_from(CODES), st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8).map(str.strip),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8),
        ),
        unique_by=lambda one: one[:2],
        max_size=9,
    )
)  # fmt: skip
def test_decisions_go_to_a_table_and_come_back_without_loss(
    tmp_path_factory: pytest.TempPathFactory, given_: list[Any]
) -> None:
    one, other = desk(tmp_path_factory.mktemp("one")), desk(tmp_path_factory.mktemp("other"))
    queue = {dialogue.id: dialogue for dialogue in one.queue()}
    for id_, reviewer, verdict, code, comment, text in given_:
        edited = [Turn.client(text), Turn.counselor("嗯，“好”,\n")] if verdict == "edit" else []
        one.decide(reviewer, queue[id_], verdict, code, comment=comment, edited=edited)
    table = one.folder / "reviews.csv"
    assert one.to_csv(table) == other.from_csv(table) == len(given_)
    assert other.reviews == one.reviews
    assert other.from_csv(table) == 0  # what is there already is not taken in again


@pytest.mark.parametrize(
    ("line", "told"),
    [("z,anna,keep,none,,", "not in the queue"), ("a,anna,maybe,none,,", "no answer to verdict called 'maybe'"),
     ("a,anna,edit,none,,", "go together"), ("a,anna,keep,because,,", "answer to code"), ("a,anna,edit,ad,,[broken", "reviews.csv:2")],
)  # fmt: skip
def test_a_table_that_cannot_be_taken_in_names_its_line(line: str, told: str, tmp_path: Path) -> None:
    table = desk(tmp_path)
    (tmp_path / "reviews.csv").write_text(",".join(COLUMNS) + "\n" + line + "\n", "utf-8")
    with pytest.raises(BadRecord, match=told):
        table.from_csv(tmp_path / "reviews.csv")


def test_a_reviewer_decides_once(tmp_path: Path) -> None:
    table = desk(tmp_path)
    decide(table, "anna", a="keep")
    with pytest.raises(UsageError, match="undo"):
        decide(table, "anna", a="drop")


def test_an_edited_text_becomes_messages_again_and_an_unchanged_one_none() -> None:
    one = talk("a")
    assert edited_in(lambda text: text + "\n", one) == []
    assert edited_in(lambda _: None, one) == []
    changed = edited_in(lambda text: text.replace("我很累。", "累。\n真的。"), one)
    assert [(turn.speaker, turn.text) for turn in changed] == [("client", "a：累。\n真的。"), ("counselor", "我在听。")]


@pytest.mark.accepts("mindchat", 7)
def test_the_terminal_leads_through_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk(tmp_path)
    monkeypatch.setattr("click.edit", lambda text: text.replace("我很累", "好累"))

    def ran(reviewer: str, *keys: str) -> str:
        done = CliRunner().invoke(
            curate, ["desk", str(tmp_path), "--as", reviewer], input="\n".join(keys) + "\n", catch_exceptions=False
        )
        return done.output

    ran("anna", "k", "u", "k", "d", "ad", "e", "unnatural")
    out = ran("ben", "k", "k", "q")
    assert "3 decisions" not in out
    assert "5 decisions, 1 conflicts, kappa" in out
    verdicts = [
        (one.rater.name, one.subject.dialogue, one.items[0].value)
        for one in read_jsonl(tmp_path / "reviews.jsonl", Rating)
    ]
    assert verdicts == [
        ("anna", "a", "keep"),
        ("anna", "b", "drop"),
        ("anna", "c", "edit"),
        ("ben", "a", "keep"),
        ("ben", "b", "keep"),
    ]
    told = (
        CliRunner()
        .invoke(curate, ["reviews", str(tmp_path), "--to", str(tmp_path / "r.csv")], catch_exceptions=False)
        .output
    )
    assert "conflict: b: anna drop, ben keep" in told
    done = CliRunner().invoke(
        curate, ["settle", str(tmp_path), "--out", str(tmp_path / "clean.jsonl")], catch_exceptions=False
    )
    assert "clean.jsonl: 1 dialogues" in done.output
    assert "2 dialogues still wait" in done.output
