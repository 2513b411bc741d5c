"""Inquiry trees: what an interview asks about, in which order."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import BadRecord, UnknownName
from psyloom.knowledge.inquiry import age_group, inquiry_tree, inquiry_trees

TREE = inquiry_tree("symptom_inquiry")
AGES, GENDERS = st.sampled_from(["teen", "adult", "elder"]), st.sampled_from(["female", "male", None])


@pytest.mark.parametrize("name", inquiry_trees())
def test_every_bundled_tree_loads_and_its_probes_speak_both_languages(name: str) -> None:
    tree = inquiry_tree(name)
    assert tree.id == name
    assert all(bool(leaf.probe.en) == bool(leaf.probe.zh) for leaf in tree.leaves)
    assert sum(leaf.slot for leaf in tree.leaves) == 1


@pytest.mark.accepts("mdd5k", 1)
@given(AGES, GENDERS, st.integers(), st.booleans())
def test_a_queue_keeps_sections_and_groups_together_and_has_each_applicable_leaf_once(
    age, gender, seed, shuffle
) -> None:
    queue = TREE.queue(age, gender, random.Random(seed), shuffle_groups=shuffle)
    ids = [leaf.id for leaf in queue]
    assert sorted(ids) == sorted(leaf.id for leaf in TREE.leaves_for(age, gender))
    sections = list(dict.fromkeys(TREE.path(one)[0] for one in ids))
    assert sections[:3] == ["mental_state", "event_inquiry", "symptom_judgment"]
    assert set(sections[3:]) == {"personal_history", "family_history"}
    for depth in (1, 2):
        heads = [TREE.path(one)[:depth] for one in ids]
        changes = 1 + sum(a != b for a, b in pairwise(heads))
        assert changes == len(set(heads))


@pytest.mark.accepts("mdd5k", 1)
def test_personal_and_family_history_change_places_in_about_half_of_a_thousand_seeds() -> None:
    last = [TREE.queue("adult", "female", random.Random(seed))[-1].id for seed in range(1000)]
    assert 430 < last.count("relatives") < 570


def test_queues_have_the_lengths_of_the_released_trees() -> None:
    lengths = {(a, g): len(TREE.queue(a, g, random.Random(0))) for a in ("teen", "adult") for g in ("female", "male")}
    # Male trees with the root that the released code loses.
    assert lengths == {("teen", "female"): 21, ("teen", "male"): 20, ("adult", "female"): 20, ("adult", "male"): 19}


def test_a_fixed_order_keeps_the_groups_of_symptoms_as_the_file_has_them() -> None:
    groups = [
        tuple(dict.fromkeys(TREE.path(leaf.id)[1] for leaf in TREE.queue("adult", "male", random.Random(seed), shuffle_groups=False)
                            if TREE.path(leaf.id)[0] == "symptom_judgment"))
        for seed in range(9)
    ]  # fmt: skip
    assert len(set(groups)) == 1
    shuffled = {tuple(leaf.id for leaf in TREE.queue("adult", "male", random.Random(seed))) for seed in range(9)}
    assert len(shuffled) == 9


@pytest.mark.parametrize(
    ("years", "group"), [(17, "teen"), (20, "teen"), (21, "adult"), (60, "elder"), (None, "adult")]
)
def test_the_tree_goes_by_age(years: int | None, group: str) -> None:
    assert age_group(years) == group


HEAD = 'id = "t"\nen = "t"\nzh = "树"\nlabels = "mdd5k_topic"\nsections = ["event_inquiry"]\n'


def test_a_tree_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(HEAD + '[[leaf]]\nid = "study"\n', "utf-8")
    assert [leaf.id for leaf in inquiry_tree(path).queue("adult", None, random.Random(0))] == ["study"]


@pytest.mark.parametrize(
    ("rest", "what"),
    [('[[leaf]]\nid = "study"\n[[leaf]]\nid = "study"\n', "twice"), ('[[leaf]]\nid = "sleep"\n', "none of the sections"),
     ('[[leaf]]\nid = "event_inquiry"\n', "none of the sections"), ('[[leaf]]\nid = "horoscope"\n', "horoscope")],
)  # fmt: skip
def test_a_tree_with_a_fault_is_refused_with_the_fault(rest: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(HEAD + rest, "utf-8")
    with pytest.raises(BadRecord, match=what):
        inquiry_tree(path)


def test_an_unknown_tree_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="symptom_inquiry"):
        inquiry_tree("symptoms_inquiry")
