"""Splits: no group on two sides, the same deal every time."""

from collections import defaultdict

import pytest
from export_samples import rows_of, talk
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import FolderTrouble, MissingFacet, UsageError
from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.formats.write.splits import group_of, split_of
from psyloom.records import Case, Demographics, Post


def of(number, name=None, post=None):
    case = Case(
        id=f"case{number}",
        lang="zh",
        demographics=Demographics(name=name) if name else None,
        post=Post(text=post) if post else None,
    )
    return talk(f"c{number} s好", id=f"d{number}", case=case)


shares = st.sampled_from(["80/10/10", "50/50", "1/1/1", "0/1/1", "0.7/0.3"])
few = st.sampled_from(["阿宁", "小李", "Ann", None])
posts = st.sampled_from(["睡不着怎么办", "和父母吵架了", "I feel empty"])


@given(
    st.lists(st.tuples(few, posts), min_size=2, max_size=30),
    shares,
    st.sampled_from(["client", "question"]),
    st.integers(),
)
def test_no_group_stands_in_two_splits(clients, share, by, seed):
    options = ExportOptions(splits=share, by=by, seed=seed)
    where = defaultdict(set)
    for number, (name, post) in enumerate(clients):
        dialogue = of(number % 7, name, post)
        where[group_of(dialogue, options)].add(split_of(dialogue, options))
    assert all(len(splits) == 1 for splits in where.values())


@given(st.text(min_size=1), shares, st.integers())
def test_a_split_depends_on_seed_and_group_alone_and_has_a_share(name, share, seed):
    options = ExportOptions(splits=share, seed=seed)
    split = split_of(talk("c一 s二", id=name), options)
    assert split == split_of(talk("c另 s外", id=name), options)
    assert dict(zip(("train", "valid", "test"), options.splits, strict=True))[split] > 0


def test_shares_are_met_on_average():
    options = ExportOptions(splits="80/10/10")
    drawn = [split_of(talk("c一 s二", id=str(number)), options) for number in range(5000)]
    assert [drawn.count(split) / 5000 for split in ("train", "valid", "test")] == pytest.approx(
        [0.8, 0.1, 0.1], abs=0.015
    )


def test_another_seed_deals_anew():
    first, second = (
        [split_of(talk("c一 s二", id=str(n)), ExportOptions(splits="50/50", seed=seed)) for n in range(50)]
        for seed in (0, 1)
    )
    assert first != second


def test_a_client_is_known_by_name_across_cases_else_by_case():
    by_client = ExportOptions(splits="50/50", by="client")
    assert group_of(of(1, "Ann Lee"), by_client) == group_of(of(2, "ann lee "), by_client)
    assert group_of(of(1), by_client) != group_of(of(2), by_client)
    assert group_of(of(1), by_client) == group_of(of(1), by_client)


def test_a_question_is_known_by_its_text_whatever_its_width_and_space():
    by_question = ExportOptions(splits="50/50", by="question")
    assert group_of(of(1, post="睡不着，怎么办？"), by_question) == group_of(
        of(2, post="睡不着, 怎么办?\n"), by_question
    )


@pytest.mark.parametrize("key", ["question_id", "questionID", "source_id", "post_id"])
def test_a_question_is_known_by_its_source_id_when_its_text_is_missing(key):
    by_question = ExportOptions(splits="50/50", by="question")
    first, second = talk("c一 s二", extra={key: 7}), talk("c三 s四", id="e", extra={key: "7"})
    assert group_of(first, by_question) == group_of(second, by_question)


@pytest.mark.parametrize("by", ["client", "question"])
def test_a_dialogue_that_does_not_say_its_group_is_refused(by):
    with pytest.raises(MissingFacet, match=f"'d' does not say which {by} it belongs to"):
        split_of(talk("c一 s二"), ExportOptions(splits="50/50", by=by))


@pytest.mark.parametrize(("number", "split"), [(1, "train"), (3, "train"), (4, "test"), (5, "test")])
def test_numbered_dialogues_are_dealt_out_by_count_in_order_of_their_numbers(number, split):
    options = ExportOptions(splits="3/0/2", by="number")
    assert split_of(talk("c一 s二", id=f"set2-{number}"), options) == split


@pytest.mark.parametrize(("name", "trouble"), [("d0", UsageError), ("d6", UsageError), ("3b", MissingFacet)])
def test_a_dialogue_whose_number_has_no_place_is_refused(name, trouble):
    with pytest.raises(trouble, match=f"dialogue '{name}'"):
        split_of(talk("c一 s二", id=name), ExportOptions(splits="3/0/2", by="number"))


@pytest.mark.parametrize("share", ["", "a/b", "-1/2", "0/0/0", "1/1/1/1", "nan/1", (1, "x"), 5])
def test_shares_that_are_none_are_refused(share):
    with pytest.raises(UsageError, match="no shares of train, valid and test"):
        ExportOptions(splits=share)


def test_every_split_becomes_a_file_and_every_dialogue_lands_in_one(tmp_path):
    given_dialogues = [of(number) for number in range(60)]
    done = export(given_dialogues, WRITERS["messages"], tmp_path / "out", ExportOptions(splits="60/20/20", seed=3))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.jsonl", "train.jsonl", "valid.jsonl"]
    ids = [row["id"] for counted in done.splits.values() for row in rows_of(counted.path)]
    assert sorted(ids) == sorted(dialogue.id for dialogue in given_dialogues)
    assert [counted.dialogues for counted in done.splits.values()] == [
        len(rows_of(c.path)) for c in done.splits.values()
    ]


def test_the_same_export_twice_writes_the_same_bytes_in_any_order_of_reading_the_same_splits(tmp_path):
    given_dialogues = [of(number) for number in range(20)]
    options = ExportOptions(splits="50/50", seed=8)
    for out in ("a", "b"):
        export(given_dialogues, WRITERS["sharegpt"], tmp_path / out, options)
    export(given_dialogues[::-1], WRITERS["sharegpt"], tmp_path / "c", options)
    for name in ("train.json", "valid.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert rows_of(tmp_path / "a" / name) == rows_of(tmp_path / "c" / name)[::-1]


def test_splits_of_an_earlier_deal_are_not_mixed_with_a_new_one(tmp_path):
    export([of(1)], WRITERS["messages"], tmp_path / "out", ExportOptions(splits="50/50"))
    with pytest.raises(FolderTrouble, match="already holds files"):
        export([of(1)], WRITERS["messages"], tmp_path / "out", ExportOptions(splits="50/50", seed=1))
