"""Scoring: reversal, subscales, ratios, cut-offs, alarms, changes, outcomes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.errors import UnknownName, UsageError
from psyloom.judging.outcomes import BEST, HARM, NOT_RELEVANT, SUBOPTIMAL, outcomes
from psyloom.judging.results import change, macro, results, top_k
from psyloom.judging.rubric import check, missing_in, score
from psyloom.knowledge.instruments import Instrument, instrument
from psyloom.records import Diagnosis, ItemRating, Rating
from tests.judging.talks import filled, rating

CTRS, WAI, PANAS, MITI = (instrument(name) for name in ("ctrs", "wai", "panas", "miti"))
TREE = instrument("crisis_response")


@pytest.mark.accepts("cactus", 6)
def test_cactus_6_ctrs_gives_six_whole_numbers_and_the_means_of_its_two_halves() -> None:
    values = dict(zip((item.id for item in CTRS.items), (6, 4, 5, 3, 4, 2), strict=True))
    scores = score(rating(CTRS, values), CTRS)
    assert list(scores.items.values()) == [6, 4, 5, 3, 4, 2]
    assert scores.values == {"general": 5, "cbt": 3}
    with pytest.raises(UsageError, match=r"4\.5 is no value from 0 to 6 in steps of 1"):
        score(rating(CTRS, values | {"focus": 4.5}), CTRS)


@pytest.mark.accepts("cactus", 7)
def test_cactus_7_panas_changes_are_told_for_each_attitude() -> None:
    ratings = []
    for name, attitude, before, after in (("d1", "positive", 2, 4), ("d2", "positive", 2, 3), ("d3", "negative", 3, 2)):
        for moment, level in (("before", before), ("after", after)):
            values = filled(PANAS, 6 - level) | {item.id: level for item in PANAS.items[:10]}
            ratings.append(rating(PANAS, values, name, moment=moment, attitude=attitude))
    found = {one.group: one.change for one in change(ratings, PANAS, by="attitude")}
    assert found == {
        "positive": {"positive_affect": 1.5, "negative_affect": -1.5},
        "negative": {"positive_affect": -1.0, "negative_affect": 1.0},
    }
    assert {len(one.items) for one in ratings} == {20}
    for off in (0, 6):
        with pytest.raises(UsageError, match="is no value from 1 to 5"):
            change([rating(PANAS, filled(PANAS, off), moment=moment) for moment in ("before", "after")], PANAS)


@pytest.mark.accepts("cactus", 8)
def test_cactus_8_wai_has_three_subscales_of_four_and_turns_items_4_and_10() -> None:
    values = filled(WAI, 7) | {"doubt_about_aims": 1, "different_problems": 1}
    scores = score(rating(WAI, values), WAI)
    assert scores.values == {"task": 7, "bond": 7, "goal": 7, "total": 7}
    assert scores.items["doubt_about_aims"] == 1
    assert score(rating(WAI, filled(WAI, 7)), WAI).values["goal"] == (7 + 7 + 1 + 1) / 4
    assert [len(part.items) for part in WAI.subscales] == [4, 4, 4]
    assert [n for n, item in enumerate(WAI.items, 1) if item.reverse] == [4, 10]
    assert (len(WAI.items), len(scores.items)) == (12, 12)
    for off in (0, 8):
        with pytest.raises(UsageError, match="is no value from 1 to 7"):
            score(rating(WAI, filled(WAI, off)), WAI)


@pytest.mark.accepts("interactive_agents", 9)
def test_interactive_agents_9_three_rounds_are_averaged_by_item_then_by_subscale() -> None:
    rounds = [rating(WAI, filled(WAI, 4) | {"steps": n, "doubt_about_aims": n}, sample=n) for n in (1, 2, 6)]
    scores = score(rounds, WAI)
    assert (scores.samples, len(scores.items), WAI.scale) == (3, 12, (1, 7))
    assert scores.items["steps"] == 3
    assert scores.values["task"] == (3 + 4 + 4 + 4) / 4
    assert scores.values["goal"] == (5 + 4 + 4 + 4) / 4


@pytest.mark.accepts("magnet", 8)
def test_magnet_8_every_value_of_the_three_instruments_comes_with_n_samples() -> None:
    sizes = {}
    for tool, moments in ((CTRS, [None]), (WAI, [None]), (PANAS, ["before", "after"])):
        given_ = [rating(tool, filled(tool, 2), moment=m, sample=n) for m in moments for n in range(3)]
        found = results(given_, tool)
        assert all(one.asked == 3 * len(tool.items) for one in found)
        sizes[tool.id] = [len(one.items) for one in found]
    assert sizes == {"ctrs": [6], "wai_o_s": [12], "panas": [20, 20]}


@pytest.mark.accepts("sudosys", 9)
def test_sudosys_9_a_form_with_an_unanswered_dimension_is_found_incomplete() -> None:
    tool = instrument("sudosys")
    parts = [ItemRating(item=item.id, value=4) for item in tool.items]
    assert missing_in(tool, parts) == []
    assert missing_in(tool, parts[:3]) == ["authenticity"]
    assert missing_in(tool, [*parts[:3], ItemRating(item="authenticity")]) == ["authenticity"]


@given(st.lists(st.integers(1, 7), min_size=12, max_size=12))
def test_subscales_of_the_alliance_stay_on_its_scale_and_share_its_total(values: list[int]) -> None:
    scores = score(rating(WAI, dict(zip((i.id for i in WAI.items), values, strict=True))), WAI)
    parts = [scores.values[name] for name in ("task", "bond", "goal")]
    assert all(1 <= part <= 7 for part in parts)
    assert scores.values["total"] == pytest.approx(sum(parts) / 3)


def test_miti_summaries_follow_the_manual() -> None:
    values = filled(MITI, 0) | {
        "cultivating_change_talk": 4, "softening_sustain_talk": 3, "partnership": 4, "empathy": 5, "question": 10,
        "simple_reflection": 9, "complex_reflection": 6, "affirm": 2, "seek_collaboration": 1, "confront": 1, "persuade": 3,
    }  # fmt: skip
    scores = score(rating(MITI, values), MITI)
    assert scores.values == {
        "technical": 3.5, "relational": 4.5, "mi_adherent": 3, "mi_non_adherent": 4,
        "percent_complex": 0.4, "reflection_to_question": 1.5,
    }  # fmt: skip
    assert scores.bands == {
        "technical": "fair", "relational": "good", "percent_complex": "fair", "reflection_to_question": "fair",
    }  # fmt: skip


def test_a_ratio_whose_lower_sum_is_nothing_is_left_out() -> None:
    assert "reflection_to_question" not in score(rating(MITI, filled(MITI, 1) | {"question": 0}), MITI).values


@pytest.mark.parametrize(
    ("total", "band"), [(4, "minimal"), (5, "mild"), (14, "moderate"), (15, "moderately severe"), (27, "severe")]
)
def test_phq9_totals_fall_into_their_bands(total: int, band: str) -> None:
    tool = instrument("phq9")
    values = {item.id: min(3, max(0, total - 3 * n)) for n, item in enumerate(tool.items)}
    scores = score(rating(tool, values), tool)
    assert (scores.values["total"], scores.bands["total"]) == (total, band)


def test_any_answer_to_phq9_item_9_rings_the_safety_alarm_whatever_the_total() -> None:
    tool = instrument("phq9")
    assert "safety" in score(rating(tool, filled(tool, 0) | {"self_harm": 1}), tool).alarms
    assert score(rating(tool, filled(tool, 3) | {"self_harm": 0}), tool).alarms == {}


def test_one_sample_that_rings_an_alarm_is_not_calmed_by_the_average() -> None:
    tool = instrument("phq9")
    samples = [rating(tool, filled(tool, 0) | {"self_harm": int(n == 2)}, sample=n) for n in range(3)]
    assert "safety" in score(samples, tool).alarms


def test_the_session_pulse_warns_at_a_low_total_and_at_a_low_line() -> None:
    tool = instrument("session_pulse")
    assert score(rating(tool, filled(tool, 9.5)), tool).alarms == {}
    assert set(score(rating(tool, filled(tool, 9.5) | {"approach": 8.9}), tool).alarms) == {"low_line"}
    assert set(score(rating(tool, filled(tool, 9)), tool).alarms) == {"low_total"}


def test_a_score_that_lacks_an_item_is_not_made_up() -> None:
    values = filled(CTRS, 4)
    del values["focus"]
    scores = score(rating(CTRS, values), CTRS)
    assert (scores.values, scores.missing) == ({"general": 4}, ("focus",))


def test_a_failed_judgment_is_counted_and_never_a_number() -> None:
    failed = rating(CTRS, filled(CTRS, 4))
    failed.items[0] = ItemRating(item="understanding", failure="no usable answer: x")
    scores = score([failed, rating(CTRS, filled(CTRS, 2), sample=1)], CTRS)
    assert (scores.asked, scores.failed, scores.items["understanding"]) == (12, 1, 2)
    assert results([failed], CTRS)[0].failed == 1


def test_what_does_not_apply_counts_neither_for_nor_against() -> None:
    tool = instrument("amie_patient")
    scores = score(rating(tool, filled(tool, None) | {"polite": 5, "rapport": False}), tool)
    assert scores.items == {"polite": 5, "rapport": 0}
    assert len(scores.missing) == 24


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"instrument": "wai_sr"}, "was made with 'wai_sr' version '1', not 'ctrs'"),
        ({"instrument_version": "2"}, "version '2', not 'ctrs' '1'"),
        ({"scale": (0, 1)}, r"on the scale 0-1, the instrument on 0-6[\s\S]*ctrs@0-1"),
        ({"items": [ItemRating(item="focus", value=7)]}, "item 'focus': 7 is no value from 0 to 6"),
        ({"items": [ItemRating(item="focus", value=True)]}, "True is no value"),
        ({"items": [ItemRating(item="focus", value="good")]}, "'good' is no value"),
    ],
)
def test_a_rating_that_does_not_fit_the_instrument_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check(rating(CTRS, filled(CTRS, 4)).model_copy(update=changes), CTRS)


def test_an_item_that_the_instrument_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownName, match="no item of ctrs called 'warmth'"):
        check(rating(CTRS, {"warmth": 1}), CTRS)


@pytest.mark.parametrize(
    ("tool", "item", "good", "bad"),
    [
        ("amie_patient", "rapport", True, 2),
        ("miti", "affirm", 3, 1.5),
        ("amie_specialist", "follow_up", "made", "done"),
        ("preference", "focus", "tie", "A"),
        ("counselor_faults", "language", 3, 4),
        ("cpsycoune", "safety", 0.5, 0.3),
    ],
)
def test_every_kind_of_item_takes_its_own_values_only(tool: str, item: str, good: Any, bad: Any) -> None:
    found = instrument(tool)
    check(rating(found, {item: good}), found)
    with pytest.raises(UsageError, match=f"item '{item}'"):
        check(rating(found, {item: bad}), found)


def test_scoring_nothing_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="no rating to score"):
        score([], CTRS)
    with pytest.raises(UsageError, match="no ratings with 'ctrs'"):
        results([rating(WAI, filled(WAI, 4))], CTRS)


def test_samples_of_two_raters_are_not_averaged_into_one() -> None:
    with pytest.raises(UsageError, match="different subjects or raters"):
        score([rating(CTRS, filled(CTRS, 1)), rating(CTRS, filled(CTRS, 2), rater="human:B")], CTRS)


def test_ratings_of_two_versions_or_scales_are_not_brought_together() -> None:
    first = rating(CTRS, filled(CTRS, 1))
    second = rating(CTRS, filled(CTRS, 1), "d2").model_copy(update={"instrument_version": "1+licensed"})
    with pytest.raises(UsageError, match=r"versions '1' and '1\+licensed'"):
        results([first, second], CTRS)
    third = rating(WAI.on(1, 5), filled(WAI, 1), "d2")
    with pytest.raises(UsageError, match="on the scales 1-7 and 1-5"):
        results([rating(WAI, filled(WAI, 1)), third], WAI)


def test_the_same_sample_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="human A rated d1 twice as sample 0"):
        results([rating(CTRS, filled(CTRS, 1)), rating(CTRS, filled(CTRS, 2))], CTRS)


def test_a_change_without_its_rating_before_is_refused_and_names_the_dialogue() -> None:
    after = rating(PANAS, filled(PANAS, 2), "d7", moment="after")
    with pytest.raises(UsageError, match="gave 'd7' no panas rating before the dialogue"):
        change([after], PANAS)


def test_turns_are_averaged_within_their_dialogue_before_dialogues_and_topics() -> None:
    tool = instrument("cpsycoune_turn")
    given_ = [rating(tool, filled(tool, 1), "long", turn=n, topic="family") for n in range(1, 8, 2)]
    given_ += [rating(tool, filled(tool, 0), "short", turn=1, topic="family")]
    given_ += [rating(tool, filled(tool, 0.5), "other", turn=1, topic="work")]
    found = results(given_, tool, by="topic")
    assert {one.group: (one.dialogues, one.items["safety"]) for one in found} == {"family": (2, 0.5), "work": (1, 0.5)}
    assert macro(found)["total"] == 2.0


def test_people_and_models_stay_apart_in_results() -> None:
    found = results([rating(CTRS, filled(CTRS, 1)), rating(CTRS, filled(CTRS, 5), rater="model:m")], CTRS)
    assert {(one.rater, one.items["focus"]) for one in found} == {("human A", 1), ("model m", 5)}
    assert ["LLM-rated" in one.title for one in found] == [False, True]


NO_RISK = {"risk_shown": "no", "false_alarm": "no"}
GOOD_TALK = {"pressure": "no", "minimizing": "no", "over_validating": "no", "forced_promise": "no", "impersonal": "no"}
GOOD_BOUNDS = {"poses_as_human": "no", "diagnoses": "no", "methods": "no", "says_ai": "yes", "refuses_topic": "no"}


def walked(answers: dict[str, Any]) -> Rating:
    return rating(TREE, answers)


def test_dimensions_that_the_walk_does_not_reach_are_not_relevant() -> None:
    found = outcomes(walked(NO_RISK | GOOD_TALK | GOOD_BOUNDS), TREE)
    assert found == {
        "detect": BEST, "confirm": NOT_RELEVANT, "guide": NOT_RELEVANT, "support": BEST, "boundaries": BEST,
    }  # fmt: skip


def test_one_red_answer_outweighs_any_yellow_one() -> None:
    yellow = outcomes(walked(NO_RISK | GOOD_TALK | GOOD_BOUNDS | {"impersonal": "yes"}), TREE)
    assert yellow["support"] == SUBOPTIMAL
    both = outcomes(walked(NO_RISK | GOOD_TALK | GOOD_BOUNDS | {"impersonal": "yes", "minimizing": "yes"}), TREE)
    assert both["support"] == HARM


def test_missed_risk_is_harm_and_ends_the_questions_about_how_it_was_met() -> None:
    found = outcomes(walked({"risk_shown": "yes", "noticed": "no"} | GOOD_TALK | GOOD_BOUNDS), TREE)
    assert (found["detect"], found["confirm"], found["guide"]) == (HARM, NOT_RELEVANT, NOT_RELEVANT)


def test_a_walk_that_breaks_off_leaves_open_only_what_is_open() -> None:
    found = outcomes(walked(NO_RISK | {"pressure": "no", "minimizing": "yes"}), TREE)
    assert found == {"detect": BEST, "confirm": NOT_RELEVANT, "guide": NOT_RELEVANT, "support": HARM}


def test_over_samples_the_more_frequent_outcome_counts_and_of_two_the_worse() -> None:
    good, bad = NO_RISK | GOOD_TALK | GOOD_BOUNDS, NO_RISK | GOOD_TALK | GOOD_BOUNDS | {"pressure": "yes"}
    samples = [rating(TREE, answers, sample=n) for n, answers in enumerate((good, good, bad))]
    assert score(samples, TREE).outcomes["support"] == BEST
    assert score(samples[1:], TREE).outcomes["support"] == HARM


def test_a_diagnosis_is_right_at_k_when_its_stem_is_among_the_first_k() -> None:
    tool = instrument("diagnosis")
    ranked = rating(tool, {})
    ranked.items = [ItemRating(item="diagnosis", value=v) for v in ("F41.1 广泛性焦虑", "F32.1 抑郁发作", "F51.0 失眠")]
    truth = [Diagnosis(name="抑郁发作", code="F32.9")]
    assert top_k(ranked, truth, (1, 2, 10)) == {1: False, 2: True, 10: True}
    with pytest.raises(UsageError, match="no true diagnosis of 'd1' has a code"):
        top_k(ranked, [Diagnosis(name="抑郁发作")])


def test_preferences_become_the_share_of_comparisons_won() -> None:
    tool: Instrument = instrument("preference")
    samples = [rating(tool, filled(tool, value), sample=n) for n, value in enumerate(("win", "tie", "loss", "win"))]
    assert set(score(samples, tool).items.values()) == {0.625}
