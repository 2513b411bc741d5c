import math

import pytest

from psyloom.errors import UnknownName, UsageError
from psyloom.judging.metrics import entropy, label_counts, label_distribution, topic_entropy
from psyloom.records import Dialogue, Label, Session, Turn
from tests.judging.metrics.given import dialogue, labelled


def counselor(*ids: str, by: str | None = None) -> Turn:
    return Turn.counselor("…", labels=[Label(set="strategy", id=label, by=by) for label in ids])


TALK = Dialogue(
    id="d",
    lang="zh",
    sessions=[
        Session(
            turns=[
                counselor("question"),
                counselor("question", "reflection"),
                Turn.client("嗯", labels=[Label(set="strategy", id="other")]),
            ],
            labels=[Label(set="stage", id="explore")],
        )
    ],
)


def test_the_distribution_gives_each_label_its_share_most_frequent_first() -> None:
    assert label_distribution(TALK, "strategy", side="counselor") == {"question": 2 / 3, "reflection": 1 / 3}


def test_labels_of_sessions_and_turns_are_all_counted_without_a_side() -> None:
    assert label_counts(TALK, "strategy").total() == 4
    assert label_counts(TALK, "stage") == {"explore": 1}


def test_labels_can_be_those_of_one_annotator() -> None:
    talk = Dialogue(id="d", lang="zh", sessions=[Session(turns=[counselor("a", by="x"), counselor("b", by="y")])])
    assert label_counts(talk, "strategy", annotator="y") == {"b": 1}


def test_a_label_set_that_does_not_occur_is_an_error_that_names_those_that_do() -> None:
    with pytest.raises(UnknownName, match="did you mean strategy"):
        label_counts(TALK, "strategies")


def test_unlabelled_dialogues_are_an_error() -> None:
    with pytest.raises(UsageError, match="no labels"):
        label_distribution(dialogue("c: a"), "strategy")


@pytest.mark.accepts("smile", 9)
def test_normalized_topic_entropy_is_over_shares_that_sum_to_one() -> None:
    # family once, work twice: H(1/3, 2/3).
    found = topic_entropy([labelled("family", "work"), labelled("work")], "topic")
    assert found == pytest.approx(-(1 / 3) * math.log2(1 / 3) - (2 / 3) * math.log2(2 / 3))


@pytest.mark.accepts("smile", 9)
def test_the_smile_variant_takes_the_share_of_dialogues_with_the_topic() -> None:
    # p(work) = 1 gives 0 bits, p(family) = 1/2 gives 0.5.
    assert topic_entropy([labelled("family", "work"), labelled("work")], "topic", variant="smile") == pytest.approx(0.5)


def test_only_the_smile_variant_can_exceed_the_bits_of_its_topics() -> None:
    many = [str(topic) for topic in range(56)]
    half = [labelled(*many, id_="a"), labelled(set_="other", id_="b")]
    assert topic_entropy(half, "topic") == pytest.approx(math.log2(56))
    assert topic_entropy(half, "topic", variant="smile") == pytest.approx(28)


def test_a_topic_counts_once_a_dialogue() -> None:
    assert topic_entropy([labelled("a", "a", "b")], "topic") == pytest.approx(1)


def test_topics_must_be_there() -> None:
    with pytest.raises(UsageError, match="no dialogue carries"):
        topic_entropy(labelled("a", set_="other"), "topic")


def test_one_topic_has_no_entropy() -> None:
    assert entropy([1.0]) == 0.0
