"""Stage plans: protocols as data."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import BadRecord, UnknownName
from psyloom.knowledge import label_sets
from psyloom.knowledge.labels import Bilingual
from psyloom.knowledge.plans import Condition, Stage, stage_plan, stage_plans

PLAN = stage_plan("pm_plus")
STATE = st.fixed_dictionaries(
    {
        key: st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)
        for key in ("problems", "factors", "solutions", "solutionsOK")
    }
    | {"problemSelected": st.sampled_from(["", "a", "z"])}
)


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, "utf-8")
    return path


HEAD = 'id = "p"\nen = "p"\nzh = "计划"\nlabels = "pm_plus_stage"\n'
STAGE = '[[stage]]\nid = "deciding"\ngoal.en = "g"\ngoal.zh = "目标"\n'


@pytest.mark.parametrize("name", stage_plans())
def test_every_bundled_plan_loads_and_speaks_both_languages(name: str) -> None:
    plan = stage_plan(name)
    assert plan.id == name
    assert plan.labels.id in label_sets()
    for stage in plan.stages:
        assert stage.term in plan.labels.terms
        assert all((stage.goal.en, stage.goal.zh, stage.term.en, stage.term.zh))
        assert bool(stage.leave.en) == bool(stage.leave.zh)


def test_pm_plus_has_its_six_stages_in_order_with_at_most_three_turns_each() -> None:
    assert PLAN.ids == (
        "listing_problems",
        "choosing_problem",
        "defining_problem",
        "brainstorming",
        "deciding",
        "action_plan",
    )
    assert PLAN.ids == PLAN.labels.ids
    assert [stage.max_turns for stage in PLAN.stages] == [3] * 6


@pytest.mark.parametrize("stage", PLAN.stages, ids=lambda stage: stage.id)
def test_a_stage_of_pm_plus_reads_what_it_returned_before_unless_that_ends_it(stage: Stage) -> None:
    assert set(stage.returns) <= {*stage.reads, "problemSelected"}


def test_a_plan_is_read_by_id_and_a_wrong_id_is_told_the_nearest_ones() -> None:
    assert PLAN["deciding"].term.zh == "选出有帮助的方法"
    assert PLAN.after("deciding") is PLAN["action_plan"]
    assert PLAN.after("action_plan") is None
    with pytest.raises(UnknownName, match="did you mean brainstorming"):
        PLAN["brainstorm"]
    with pytest.raises(UnknownName, match="stage plan called 'pm_minus'"):
        stage_plan("pm_minus")


@pytest.mark.parametrize(
    ("value", "size"),
    [(None, 0), ("", 0), ("  ", 0), ("a", 1), (False, 0), (True, 1), ([], 0), (["a", "b"], 2), (("a",), 1), (0, 0)],
)
def test_a_condition_counts_items_and_a_filled_text_as_one(value: object, size: int) -> None:
    assert Condition(key="k", at_least=size).fault({"k": value}) is None
    assert Condition(key="k", at_most=size).fault({"k": value}) is None
    assert Condition(key="k", at_least=size + 1).fault({"k": value})
    assert size == 0 or Condition(key="k", at_most=size - 1).fault({"k": value})


def test_a_missing_key_counts_nothing() -> None:
    assert Condition(key="k", at_least=1).fault({}) == "k has 0, at least 1 needed"


def test_among_wants_every_item_in_the_other_list_and_names_the_stray_one() -> None:
    among = Condition(key="chosen", among="all")
    assert among.fault({"chosen": "", "all": []}) is None
    assert among.fault({"chosen": ["a", "b"], "all": ["b", "a"]}) is None
    assert among.fault({"chosen": "c", "all": ["a", "b"]}) == "chosen holds 'c', which is not one of all: a; b"
    assert among.fault({"chosen": "丙", "all": ["甲", "乙"]}, "zh") == "chosen 里的“丙”不在 all 之中，all 有：甲、乙"


def test_a_condition_is_told_in_its_own_words_or_by_its_bounds_and_its_fault_says_both() -> None:
    plain = Condition(key="k", at_least=1, at_most=2)
    assert (plain.told("en"), plain.told("zh")) == ("k: at least 1, at most 2", "k：至少 1 项，至多 2 项")
    own = Condition(key="k", at_least=1, words=Bilingual(en="something is found", zh="找到了一样"))
    assert (own.told("en"), own.told("zh")) == ("something is found", "找到了一样")
    assert own.fault({"k": []}) == "this does not hold: something is found (k has 0, at least 1 needed)"
    assert own.fault({"k": []}, "zh") == "这一点没有做到：找到了一样（k 只有 0 项，至少要有 1 项）"
    assert own.fault({"k": ["a"]}) is None


def test_the_stages_under_a_label_are_those_of_the_plan_in_its_order() -> None:
    plan = stage_plan("crdial")
    assert [stage.id for stage in plan.under("restructuring")] == ["defense", "prosecution", "verdict"]
    assert plan["core_beliefs"].bounds("channels") == (1, 3)
    assert plan["defense"].bounds("channels") == (0, None)


def test_a_condition_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs at_least, at_most or among"):
        Condition(key="k")


@given(STATE, st.sampled_from(PLAN.stages), st.integers(1, 5), st.booleans())
def test_a_stage_is_never_finished_while_something_is_lacking(
    state: dict[str, object], stage: Stage, turns: int, finished: bool
) -> None:
    reason = stage.over(state, finished=finished, turns=turns)
    assert (reason == "finished") <= (stage.lacks(state) is None)
    assert turns < 3 or reason is not None
    assert turns >= 3 or finished or stage.id == "brainstorming" or reason is None


@given(STATE, st.sampled_from(PLAN.stages), st.integers(1, 9))
def test_a_held_stage_is_left_only_when_nothing_is_lacking(state: dict[str, object], stage: Stage, turns: int) -> None:
    reason = stage.over(state, finished=False, turns=turns, hold=True)
    assert (reason is not None) <= (stage.lacks(state) is None)
    assert (reason is not None) >= (turns >= 3 and stage.lacks(state) is None)


def test_enough_finishes_a_stage_that_the_model_calls_unfinished() -> None:
    stage = PLAN["brainstorming"]
    assert stage.over({"solutions": list("abcde")}, finished=False, turns=1) is None
    assert stage.over({"solutions": list("abcdef")}, finished=False, turns=1) == "finished"


def test_fewest_turns_delay_the_end_and_no_limit_never_forces_it(tmp_path: Path) -> None:
    stage = stage_plan(write(tmp_path, HEAD + STAGE + "min_turns = 2\n"))["deciding"]
    assert stage.over({}, finished=True, turns=1) is None
    assert stage.over({}, finished=True, turns=2) == "finished"
    assert stage.over({}, finished=False, turns=99) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD, "stage"),
        (HEAD.replace("labels =", "label ="), "labels"),
        (HEAD + STAGE.replace("deciding", "resting"), "resting"),
        (HEAD.replace("pm_plus_stage", "nowhere") + STAGE, "nowhere"),
        (HEAD + STAGE + STAGE, "twice: deciding"),
        (HEAD + STAGE + "needs = [{ key = 'k' }]\n", "needs at_least, at_most or among"),
        (HEAD + STAGE + "limit = 3\n", "limit"),
        (HEAD + "[[stage]]\ngoal.en = 'g'\n", "term"),
        ("id = ", "no stage plan"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_the_fault_and_the_path(text: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadRecord, match=says) as caught:
        stage_plan(path)
    assert str(path) in str(caught.value)


def test_plans_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        PLAN["deciding"].max_turns = 9


def test_a_plan_may_say_message_by_message_which_strategies_come() -> None:
    plan = stage_plan("diacbt")
    assert plan.strategies is not None
    first = plan["intake"].messages()
    assert first[:5] == [
        ("gather_info",),
        ("other",),
        ("gather_info", "psychoeducation"),
        ("agenda",),
        ("gather_info",),
    ]
    assert PLAN["deciding"].messages() == []


def test_a_course_of_strategies_outside_the_plans_label_set_is_an_error(tmp_path: Path) -> None:
    file = write(
        tmp_path, HEAD + 'strategies = "diacbt_strategy"\n' + STAGE + 'course = [[["homework", "hypnosis"], 2]]\n'
    )
    with pytest.raises(BadRecord, match="hypnosis"):
        stage_plan(file)
