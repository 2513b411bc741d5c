"""The analyses on made-up sessions whose numbers are known; what they do with too little data; the commands."""

import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.agents.annotating import coarse
from psyloom.cli.analyze import analyze
from psyloom.errors import UsageError
from psyloom.judging.agreement import agree
from psyloom.judging.analysis import (
    Coded,
    Move,
    Scheme,
    against_outcome,
    coded,
    distances,
    history,
    lasso_path,
    next_behavior,
    next_reaction,
    outcomes,
    reactions_report,
    shares,
    stages,
    transitions,
    with_any,
)
from psyloom.judging.analysis.annotators import ratings_of_labels
from psyloom.judging.analysis.history import PATTERNS, logistic
from psyloom.judging.analysis.outcome import lasso
from psyloom.judging.analysis.rates import early_late, stage_of
from psyloom.knowledge import label_set
from psyloom.records import (
    Dialogue,
    ItemRating,
    Label,
    Lineage,
    Rater,
    Rating,
    Session,
    Subject,
    Turn,
    read_jsonl,
    write_jsonl,
)

STRATEGIES, BEHAVIORS = label_set("client_reactions_strategy"), label_set("client_reaction")


def session(*moves: str, outcome: float | None = None, id_: str = "s") -> Coded:
    """``session("answer+restatement > confirming")``: a move of the counselor, then one of the client."""
    made: list[Move] = []
    for move in moves:
        said, _, heard = move.partition(" > ")
        made.append(Move("counselor", tuple(said.split("+"))))
        made += [Move("client", tuple(heard.split("+")))] if heard else []
    return Coded(id_, tuple(made), outcome=outcome)


# What follows what


@pytest.mark.accepts("client_reactions", 5, 7)
def test_each_strategy_of_a_move_is_paired_with_the_first_behavior_of_the_move_right_after_it() -> None:
    rates = next_behavior(
        [session("restatement+answer > confirming+defending", "answer > extending", "answer")], resamples=0
    )
    assert rates.share("restatement", "confirming").value == 1
    assert rates.share("answer", "confirming").value == rates.share("answer", "extending").value == 0.5
    assert rates.share("answer", "defending").value == 0
    assert math.isnan(rates.share("confrontation", "defending").value)
    assert rates.counts.sum() == 3


@pytest.mark.accepts("client_reactions", 7)
def test_a_client_who_is_silent_or_speaks_later_is_no_answer() -> None:
    moves = (
        Move("counselor", ("answer",)),
        Move("client", ()),
        Move("counselor", ("restatement",)),
        Move("client", ("confirming",)),
    )
    rates = next_behavior([Coded("s", moves)], resamples=0)
    assert rates.counts.sum() == 1
    assert rates.share("restatement", "confirming").value == 1


def test_reactions_after_intentions_are_the_groups_of_what_was_labelled() -> None:
    rates = next_reaction(
        [session("interpretation > defending", "confrontation > extending", "answer > confirming")], resamples=0
    )
    assert rates.share("challenging", "negative").value == rates.share("challenging", "positive").value == 0.5
    assert rates.share("supporting", "positive").value == 1


@pytest.mark.accepts("client_reactions", 5)
def test_strategy_transitions_go_from_sentence_to_sentence_within_a_session() -> None:
    rates = transitions(
        [session("answer+restatement > confirming", "restatement > others"), session("answer")], resamples=0
    )
    assert rates.counts.sum() == 2
    assert rates.share("answer", "restatement").value == 1
    assert rates.share("restatement", "restatement").value == 1


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(STRATEGIES.leaves.ids), min_size=2, max_size=6), min_size=1, max_size=5))
def test_every_row_that_was_seen_is_a_distribution_inside_its_interval(sequences: list[list[str]]) -> None:
    rates = transitions([session(*one) for one in sequences], resamples=50)
    for row, of in zip(rates.shares, rates.of[:, 0], strict=True):
        values = [one.value for one in row]
        assert math.isclose(sum(values), 1) if of else all(map(math.isnan, values))
        assert all(one.low <= one.high for one in row if not math.isnan(one.low))


def test_intervals_come_from_sessions_drawn_anew_and_are_the_same_for_the_same_seed() -> None:
    made = [session(f"answer > {'confirming' if n % 2 else 'defending'}") for n in range(20)]
    first, again = (next_behavior(made, seed=0).share("answer", "confirming") for _ in range(2))
    assert first == again
    assert len({next_behavior(made, seed=n, resamples=25).share("answer", "confirming") for n in range(5)}) > 1
    assert first.low < 0.5 < first.high
    assert 0.2 < first.high - first.low < 0.6
    assert math.isnan(next_behavior(made[:1]).share("answer", "defending").low)


def test_rows_that_differ_are_told_apart_by_the_test_and_equal_ones_are_not() -> None:
    apart = [session("answer > confirming", "confrontation > defending") for _ in range(20)]
    alike = [
        session("answer > confirming", "confrontation > confirming", "answer > extending", "confrontation > extending")
        for _ in range(9)
    ]
    assert next_behavior(apart, resamples=0).p < 1e-6
    assert next_behavior(alike, resamples=0).p > 0.9


def test_the_distance_of_rows_is_euclidean_and_averaged_over_the_rows_of_a_group() -> None:
    made = [session("answer > confirming", "restatement > confirming", "confrontation > defending")]
    rates = next_behavior(made, resamples=0)
    groups = [coarse(STRATEGIES, row) for row in rates.rows]
    found = distances(rates, groups)
    assert found["answer"] == {"supporting": 0.0, "challenging": pytest.approx(math.sqrt(2))}
    assert found["confrontation"]["supporting"] == pytest.approx(math.sqrt(2))
    assert math.isnan(found["confrontation"]["challenging"])  # no other row to compare with


# Stages


@pytest.mark.accepts("client_reactions", 6)
@settings(deadline=None)
@given(st.integers(1, 200))
def test_a_session_is_cut_into_five_parts_that_differ_by_one_move_at_most(length: int) -> None:
    parts = [stage_of(at, length) for at in range(length)]
    assert parts == sorted(parts)
    assert set(parts) <= {1, 2, 3, 4, 5}
    if length >= 5:
        sizes = [parts.count(part) for part in range(1, 6)]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.accepts("client_reactions", 5)
def test_the_stage_table_counts_challenges_and_what_directly_follows_them() -> None:
    quiet, loud = "answer > confirming", "interpretation > extending+defending"
    rates = stages([session(quiet, quiet, loud, loud, quiet)], resamples=0)
    table = {row: [one.value for one in shares_] for row, shares_ in zip(rates.rows, rates.shares, strict=True)}
    assert [table[str(part)][0] for part in range(1, 6)] == [0, 0, 1, 1, 0]
    assert table["3"][1:] == table["4"][1:] == [0.5, 0.5]
    assert all(map(math.isnan, table["1"][1:]))


@pytest.mark.accepts("client_reactions", 6)
def test_parts_one_and_five_are_shown_and_set_aside() -> None:
    moves = ["answer > confirming", *["interpretation > extending"] * 3, "answer > confirming"]
    found = {one.name: one for one in reactions_report([session(*moves)], resamples=0)}
    assert [row[0] for row in found["stages"].rows] == ["1 *", "2", "3", "4", "5 *"]
    assert "greeting" in found["stages"].note
    moves = ["interpretation > extending", *moves[1:-1], "confrontation > defending"]
    other = {one.name: one for one in reactions_report([session(*moves)], resamples=0)}
    assert other["stages"].rows != found["stages"].rows
    assert other["early_late"].rows == found["early_late"].rows  # what stands in part 1 and in part 5 does not count


def test_late_minus_early_compares_part_four_with_part_two_and_sets_the_ends_aside() -> None:
    quiet, loud = "answer > confirming", "interpretation > extending"
    found = early_late([session(loud, quiet, quiet, loud, quiet) for _ in range(4)], resamples=20)
    assert found["challenging"].value == 1.0
    assert (found["challenging"].low, found["challenging"].high) == (1.0, 1.0)
    assert math.isnan(found["extending"].value)  # nobody was challenged in part two


# Outcome


def scored_sessions() -> list[Coded]:
    """Ten sentences a client, 0 to 4 of them defending; the score falls by 2 for each."""
    made = []
    for n in range(10):
        bad = n % 5
        heard = ["defending"] * bad + ["extending"] * 2 + ["confirming"] * (8 - bad)
        made.append(session(*(f"answer > {one}" for one in heard), outcome=20.0 - 2 * bad, id_=f"s{n}"))
    return made


def test_shares_are_of_all_the_clients_sentences_by_behavior_and_by_reaction() -> None:
    found = shares(session("answer > confirming+defending", "answer > others+defending"))
    assert (found["confirming"], found["defending"], found["negative"], found["positive"]) == (0.25, 0.5, 0.5, 0.25)


@pytest.mark.accepts("client_reactions", 5)
def test_a_score_that_falls_with_every_negative_reaction_correlates_perfectly() -> None:
    found = against_outcome(scored_sessions(), bins=(0.0, 0.15, 0.35), resamples=50)
    assert found.r.value == pytest.approx(-1)
    assert found.p < 1e-9
    assert [(low, one.value, number) for low, _, one, number in found.groups] == [(0.0, 19.0, 4), (0.15, 14.0, 6)]


@pytest.mark.accepts("client_reactions", 5)
def test_pearson_is_what_a_table_of_numbers_gives() -> None:
    made = [session(*(["answer > defending"] * bad + ["answer > confirming"] * (10 - bad)), outcome=score) for bad, score in
            [(0, 16.0), (1, 18.0), (2, 13.0), (5, 14.0)]]  # fmt: skip
    assert against_outcome(made, resamples=0).r.value == pytest.approx(
        np.corrcoef([0, 1, 2, 5], [16, 18, 13, 14])[0, 1]
    )


def test_sessions_with_a_negative_behavior_are_compared_with_all() -> None:
    found = with_any(scored_sessions(), resamples=0)
    assert {name: (one.value, number) for name, (one, number) in found.items()} == {
        "defending": (15.0, 8), "negative": (15.0, 8), "all": (16.0, 10),
    }  # fmt: skip


@pytest.mark.accepts("client_reactions", 5)
def test_lasso_on_uncorrelated_columns_is_soft_thresholding_to_the_last_digit() -> None:
    x = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=float)
    y = x @ np.array([3.0, -0.5]) + 7
    found = lasso(x, y, [0.1, 0.4, 1.0, 5.0])
    assert found == pytest.approx(np.array([[2.9, -0.4], [2.6, -0.1], [2.0, 0.0], [0.0, 0.0]]))


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 1))
def test_lasso_meets_the_conditions_of_its_optimum(seed: int, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    (w,) = lasso(x, y, [alpha])
    centered = x - x.mean(axis=0)
    pull = centered.T @ (y - y.mean() - centered @ w) / 12
    assert np.all(np.abs(pull) <= alpha + 1e-6)
    assert pull[w != 0] == pytest.approx(alpha * np.sign(w[w != 0]), abs=1e-6)


@pytest.mark.accepts("client_reactions", 5)
def test_the_behavior_that_carries_the_outcome_stays_longest_as_the_weight_grows() -> None:
    made = []
    for n in range(20):
        bad, told = n % 5, 3 * (n // 5 % 2)
        kinds = {"defending": bad, "giving_information": told, "extending": 2, "confirming": 8 - bad - told}
        heard = [kind for kind, times in kinds.items() for _ in range(times)]
        made.append(session(*(f"answer > {one}" for one in heard), outcome=20.0 - 2 * bad))
    path = lasso_path(made, alphas=(0.01, 0.1, 0.25, 1.0))
    survives = path.survives()
    assert next(iter(survives)) == "defending"
    assert survives["extending"] == 0  # the same share in every session
    assert path.coefficients[0][path.behaviors.index("defending")] < 0


# History


@pytest.mark.accepts("client_reactions", 5)
def test_logistic_coefficients_of_separate_groups_are_their_log_odds() -> None:
    x = np.repeat(np.eye(2), [4, 10], axis=0)
    y = np.array([1, 1, 1, 0] + [1] * 2 + [0] * 8, dtype=float)
    fitted, errors = logistic(x, y)
    assert fitted == pytest.approx([math.log(3), math.log(0.25)])
    assert errors == pytest.approx([math.sqrt(1 / 3 + 1), math.sqrt(1 / 2 + 1 / 8)])


def test_what_is_told_apart_without_fault_has_no_best_coefficient() -> None:
    fitted, _ = logistic(np.array([[1.0], [1.0]]), np.array([1.0, 1.0]))
    assert np.isnan(fitted).all()


@pytest.mark.accepts("client_reactions", 5)
def test_the_pairs_before_a_challenge_tell_how_it_is_answered() -> None:
    good, bad = "answer > confirming", "answer > defending"
    made = [session(good, f"interpretation > {'extending' if n % 4 else 'defending'}") for n in range(8)]
    made += [session(bad, f"interpretation > {'defending' if n % 5 else 'extending'}") for n in range(10)]
    found = history(made, resamples=0)
    assert (found.challenges, found.extending) == (18, 8)
    assert found.coefficients["supporting-positive"].value == pytest.approx(math.log(3))
    assert found.coefficients["supporting-negative"].value == pytest.approx(math.log(0.25))
    assert math.isnan(found.coefficients["challenging-negative"].value)
    assert found.accuracy == pytest.approx(14 / 18)
    assert tuple(found.p) == PATTERNS


@pytest.mark.accepts("client_reactions", 5)
def test_what_came_before_a_challenge_counts_by_its_proportion_however_long_the_session_was() -> None:
    good, bad = "answer > confirming", "answer > defending"
    made = [session(good, good, good, f"interpretation > {'extending' if n % 4 else 'defending'}") for n in range(8)]
    made += [session(bad, bad, f"interpretation > {'defending' if n % 5 else 'extending'}") for n in range(10)]
    found = history(made, resamples=0)
    assert found.coefficients["supporting-positive"].value == pytest.approx(math.log(3))
    assert found.coefficients["supporting-negative"].value == pytest.approx(math.log(0.25))


def test_the_report_begins_with_the_share_of_each_behavior_and_reaction_over_all_and_by_session() -> None:
    made = [session("answer > confirming+defending"), session("answer > confirming", "answer > extending+others")]
    shares = next(finding for finding in reactions_report(made, resamples=0) if finding.name == "shares")
    rows = {row[0]: (row[1], row[2], row[3].value) for row in shares.rows}  # type: ignore[attr-defined]
    assert rows["Confirming"] == (2, pytest.approx(2 / 5), pytest.approx((1 / 2 + 1 / 3) / 2))
    assert rows["Negative reaction"] == (1, pytest.approx(1 / 5), pytest.approx(1 / 4))
    assert rows["Positive reaction"] == (3, pytest.approx(3 / 5), pytest.approx((1 / 2 + 2 / 3) / 2))


def test_the_report_leaves_out_what_came_before_when_only_one_kind_of_answer_had_anything_before_it() -> None:
    made = [session("interpretation > extending", "interpretation > defending")]
    assert "history" not in [finding.name for finding in reactions_report(made, resamples=0)]


def test_a_challenge_with_nothing_before_it_or_with_another_answer_says_nothing() -> None:
    with pytest.raises(UsageError, match="0 extending and 0 defending"):
        history([session("interpretation > extending", "interpretation > confirming")])


# From dialogues


def dialogue(id_: str, *turns: tuple[str, str, str], by: str | None = "a") -> Dialogue:
    """(side, text, labels with + between them); each label has a sentence."""
    made = []
    for side, text, ids in turns:
        labels = STRATEGIES if side == "counselor" else BEHAVIORS
        made.append(Turn(speaker=side, text=text, labels=[labels.label(one, by=by) for one in ids.split("+") if one]))  # type: ignore[arg-type]
    return Dialogue(id=id_, lang="zh", sessions=[Session(turns=made)])


TALK = (
    ("counselor", "一", "answer"),
    ("counselor", "二", "restatement"),
    ("client", "三", "confirming"),
    ("client", "四", ""),
)


def test_messages_in_a_row_are_one_move_and_labels_stand_in_the_order_of_their_spans() -> None:
    given_ = dialogue("d", *TALK)
    given_.turns[2].text = "三三"
    given_.turns[2].labels = [
        BEHAVIORS.label("defending", span=(1, 2), by="a"),
        BEHAVIORS.label("confirming", span=(0, 1), by="a"),
    ]
    (found,) = coded([given_])
    assert found.moves == (Move("counselor", ("answer", "restatement")), Move("client", ("confirming", "defending")))


def test_with_two_annotators_one_must_be_chosen() -> None:
    both = dialogue("d", *TALK)
    both.turns[0].labels.append(STRATEGIES.label("others", by=None))
    with pytest.raises(UsageError, match="a, the source"):
        coded([both])
    assert coded([both], by="a")[0].moves[0].labels == ("answer", "restatement")


def test_dialogues_without_labels_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="psyloom annotate client_reactions"):
        coded([dialogue("d", ("client", "三", ""))])


def test_what_to_do_without_labels_names_the_sets_that_are_there() -> None:
    given_ = [dialogue("d", ("counselor", "一", "answer"))]
    with pytest.raises(UsageError, match="a label set that is there: client_reactions_strategy") as told:
        coded(given_, Scheme("escot_strategy"))
    assert "annotate client_reactions" not in told.value.do
    with pytest.raises(UsageError, match="psyloom systems --role annotator"):
        coded([dialogue("d", ("client", "三", ""))], Scheme("escot_strategy"))


def survey(id_: str, score: int, instrument: str = "survey", session_: int | None = None) -> Rating:
    items = [ItemRating(item=str(n), value=value) for n, value in enumerate((score - 6, 3, 3))]
    subject = Subject(dialogue=id_, session=session_)
    return Rating(
        id=f"{id_}-{score}", subject=subject, rater=Rater(kind="human", name="c"), instrument=instrument, items=items
    )


def test_the_score_is_the_sum_of_a_ratings_numbers_of_the_session_before_the_dialogue() -> None:
    scores = outcomes([survey("d", 10), survey("d", 14), survey("d", 20, session_=0), survey("e", 8)])
    assert scores == {("d", None): 12.0, ("d", 0): 20.0, ("e", None): 8.0}
    assert coded([dialogue("d", *TALK)], outcome=scores)[0].outcome == 20.0
    assert coded([dialogue("e", *TALK)], outcome=scores)[0].outcome == 8.0
    with pytest.raises(UsageError, match="ctrs, survey"):
        outcomes([survey("d", 10), survey("d", 9, instrument="ctrs")])


def test_fewer_than_three_scores_show_nothing_and_say_so() -> None:
    with pytest.raises(UsageError, match="2 labelled sessions"):
        against_outcome(scored_sessions()[:2])
    names = [finding.name for finding in reactions_report(scored_sessions()[:2], resamples=10)]
    assert "outcome" not in names
    assert "behavior_given_strategy" in names


def test_annotators_can_be_compared_sentence_by_sentence() -> None:
    text = "对。我累。真的。"
    made = []
    for n in range(6):
        labels = [Label(set="client_reaction", id=one, span=span, by=by)
                  for by, ids in (("model", ("confirming", "defending", "others")), ("Anna", ("confirming", "defending", "others" if n else "extending")))
                  for one, span in zip(ids, [(0, 2), (2, 5), (5, 8)], strict=True)]  # fmt: skip
        made.append(Dialogue(id=f"d{n}", lang="zh", sessions=[Session(turns=[Turn.client(text, labels)])]))
    found = list(ratings_of_labels(made))
    assert len(found) == 36
    assert found[0].subject == Subject(dialogue="d0 sentence 1", session=0, turn=0)
    (agreement,) = agree(found, resamples=0)
    assert (agreement.units, agreement.raters, agreement.kind) == (18, 2, "nominal")
    assert all(0.8 < one.value < 1 for one in agreement.statistics.values())


# Commands


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    made, ratings = [], []
    for n in range(12):
        answer = ("extending", "defending", "confirming")[n % 3]
        turns = [
            ("counselor", "一", "answer"),
            ("client", "二", "confirming"),
            ("counselor", "三", "interpretation"),
            ("client", "四", answer),
        ]
        made.append(dialogue(f"d{n}", *turns))
        ratings.append(survey(f"d{n}", 20 - 3 * (answer == "defending")))
    write_jsonl(tmp_path / "d.jsonl", made)
    write_jsonl(tmp_path / "r.jsonl", ratings)
    return tmp_path / "d.jsonl", tmp_path / "r.jsonl"


def ran(*words: object) -> str:
    done = CliRunner().invoke(analyze, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_reactions_prints_every_table_and_writes_a_picture_for_each(
    files: tuple[Path, Path], tmp_path: Path, lang: str
) -> None:
    said = ran(
        "reactions", files[0], "--outcome", files[1], "--out", tmp_path / "pictures", "--lang", lang, "--resamples", 50
    )
    pictures = sorted(path.stem for path in (tmp_path / "pictures").glob("*.svg"))
    assert pictures == ["behavior_given_strategy", "distances", "early_late", "history", "lasso", "outcome", "outcome_with",
                        "reaction_given_intention", "shares", "stages"]  # fmt: skip
    assert ("拓展" if lang == "zh" else "Extending") in said
    assert "Pearson r = -1.00" in said
    assert "nan" not in said
    tables = ran("reactions", files[0], "--outcome", files[1], "--lang", lang, "--resamples", 50)
    english = re.search(
        "Share of|strategy|behavior|session|challeng|difference|Early|Outcome|earlier|from|undefined", tables
    )
    assert bool(english) == (lang == "en")
    for path in (tmp_path / "pictures").glob("*.svg"):
        assert ET.fromstring(path.read_text("utf-8")).tag.endswith("svg")
        assert "nan" not in path.read_text("utf-8")


@pytest.mark.parametrize(
    "words",
    [("reactions",), ("transitions",), ("labels", "--set", "client_reaction"), ("advice",), ("annotators", "--out", "OUT"), ("diversity",),
     ("profile",), ("selections",), ("diagnoses",), ("predictions", "--set", "client_reaction", "--by", "x")],
    ids=lambda words: words[0],
)  # fmt: skip
def test_every_analysis_takes_a_runs_folder_as_it_takes_its_dialogues(
    words: tuple[str, ...], files: tuple[Path, Path], tmp_path: Path
) -> None:
    def told(where: Path) -> str:
        command, *more = (str(tmp_path / "o.jsonl") if word == "OUT" else word for word in words)
        done = CliRunner().invoke(analyze, [command, str(where), *more])
        return f"{done.output} {done.exception}"

    run = tmp_path / "run"
    run.mkdir()
    files[0].rename(run / "dialogues.jsonl")
    assert told(run) == told(run / "dialogues.jsonl")


def test_rehearsed_labels_are_told_in_one_line_and_labels_of_a_model_are_not(files: tuple[Path, Path]) -> None:
    made = list(read_jsonl(files[0], Dialogue))
    for one in made:
        one.annotations = {by: Lineage(system="s", version="0", rehearsal=by == "played") for by in ("played", "model")}
    write_jsonl(files[0], made)
    done = CliRunner().invoke(analyze, ["labels", str(files[0]), "--set", "client_reaction"], catch_exceptions=False)
    assert done.stderr == "warning: made by the rehearsal back end, no data: labels by played\n"


def test_transitions_takes_any_label_set_of_the_counselor(tmp_path: Path) -> None:
    esconv = label_set("esconv_strategy")
    turns = [
        Turn.counselor("一", [esconv.label("question")]),
        Turn.client("二"),
        Turn.counselor("三", [esconv.label("information")]),
    ]
    write_jsonl(tmp_path / "d.jsonl", [Dialogue(id="d", lang="en", sessions=[Session(turns=turns)])])
    said = ran("transitions", tmp_path / "d.jsonl", "--strategies", "esconv_strategy")
    assert any("Question" in line and "Information" in line and "1.00" in line for line in said.splitlines())


def test_annotators_writes_ratings_that_agree_reads(files: tuple[Path, Path], tmp_path: Path) -> None:
    said = ran("annotators", files[0], "--out", tmp_path / "ratings.jsonl", "--set", "client_reaction")
    assert "24 ratings" in said
    rows: list[Any] = [json.loads(line) for line in (tmp_path / "ratings.jsonl").read_text("utf-8").splitlines()]
    assert {row["instrument"] for row in rows} == {"client_reaction"}
