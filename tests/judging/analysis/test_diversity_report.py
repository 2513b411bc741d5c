"""`psyloom analyze diversity`: what the metrics of SMILE and PsyDial say of a file of dialogues."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from psyloom.cli.analyze import analyze
from psyloom.judging.analysis import diversity_report
from psyloom.judging.analysis.diversity import source_text
from psyloom.records import Case, Dialogue, Label, Post, Session, Turn, write_jsonl
from psyloom.records.case import Answer


def letters(texts: Sequence[str]) -> list[list[int]]:
    """How many a and b a text holds: an embedding that can be worked out by hand."""
    return [[text.count("a"), text.count("b")] for text in texts]


def made(id_: str, client: str, counselor: str, post: str | None = None, *topics: str) -> Dialogue:
    case = Case(id=id_, lang="en", post=Post(text=post) if post else None)
    turns = [Turn.client(client), Turn.counselor(counselor)]
    labels = [Label(set="topic", id=topic) for topic in topics]
    return Dialogue(id=id_, lang="en", case=case, sessions=[Session(turns=turns)], labels=labels)


SET = [made("1", "a", "a b", "a", "family", "work"), made("2", "b", "b", "b", "work")]


def tables(dialogues: list[Dialogue]) -> dict[str, dict[object, dict[str, object]]]:
    """Name of the table -> name of the row -> its cells."""
    found = diversity_report(dialogues, embed=letters)
    return {one.name: {row[0]: dict(zip(one.columns, row, strict=True)) for row in one.rows} for one in found}


@pytest.mark.accepts("smile", 9)
@pytest.mark.accepts("psydial", 8)
def test_words_are_counted_for_each_side_and_for_both() -> None:
    # Counselor: a b / b. T = 3, U = 2, N = 2: PUW 66.67, UWPD 1; pairs of words: a-b alone.
    words = tables(SET)["words"]
    assert words["counselor"]["D-1"] == pytest.approx(2 / 3)
    assert words["counselor"]["D-2"] == 1
    assert (words["counselor"]["PUW %"], words["counselor"]["UWPD"], words["counselor"]["LDD"]) == (66.67, 1, 66.67)
    assert words["both"]["D-1"] == pytest.approx(2 / 5)
    assert words["client"]["D-2"] != words["client"]["D-2"]  # no message has two words: not a number


@pytest.mark.accepts("smile", 9)
def test_likeness_is_of_pairs_of_own_sources_and_of_others() -> None:
    # a, ab is (2, 1), b, b is (0, 2); the sources are (1, 0) and (0, 1).
    cosines = tables(SET)["cosines"]
    assert cosines["pairs of dialogues"]["median"] == pytest.approx(5**-0.5)
    assert cosines["own source"]["mean"] == pytest.approx((2 * 5**-0.5 + 1) / 2)
    assert cosines["another's source"]["mean"] == pytest.approx((5**-0.5 + 0) / 2)


@pytest.mark.accepts("smile", 9)
def test_entropy_of_topics_is_told_both_ways() -> None:
    # work twice, family once: H(2/3, 1/3); as shares of dialogues work is 1 and family 1/2.
    cells = tables(SET)["topics"]["topic"]
    assert cells["bits"] == pytest.approx(0.9182958)
    assert cells["bits, p = share of dialogues"] == pytest.approx(0.5)


def test_the_source_is_the_post_with_the_answer_that_was_used() -> None:
    one = made("1", "a", "b", "question")
    assert one.case
    assert one.case.post
    one.case.post.title, one.case.post.answers = "title", [Answer(text="first"), Answer(text="second")]
    assert source_text(one) == "title\nquestion\nfirst"
    one.sessions[0].notes["answer"] = 1
    assert source_text(one) == "title\nquestion\nsecond"


def test_dialogues_without_posts_and_labels_are_measured_by_their_words_alone() -> None:
    assert set(tables([made("1", "a", "b")])) == {"words"}


def test_a_post_that_gave_two_dialogues_is_no_control_of_itself() -> None:
    twins = tables([made("1", "a", "a", "a"), made("2", "a", "a", "a")])
    assert "another's source" not in twins["cosines"]


def test_the_command_prints_the_tables_and_writes_their_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.letters", letters, raising=False)
    write_jsonl(tmp_path / "d.jsonl", SET)
    words = ["diversity", str(tmp_path / "d.jsonl"), "--out", str(tmp_path), "--embedder", "tests.support:letters"]
    done = CliRunner().invoke(analyze, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert all(word in done.output for word in ("D-3", "own source", "0.947", "0.918"))
    assert {file.stem for file in tmp_path.glob("*.svg")} == {"words", "cosines", "topics"}
