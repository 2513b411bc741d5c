"""Rating runs, the command line, and rating sheets of people."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from psyloom.cli import app
from psyloom.errors import BadRecord, OtherRun, UsageError
from psyloom.judging.results import results
from psyloom.judging.sheets import read_sheet
from psyloom.knowledge.instruments import instrument
from psyloom.llm import Answer, Call
from psyloom.llm.limits import Budget
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Dialogue, Label, Rating, read_jsonl, write_jsonl
from psyloom.runs.rate import rate
from tests.judging.talks import dialogue, filled, judged, rating

CTRS = instrument("ctrs")


def dialogues(folder: Path, count: int = 3, **more: Any) -> Path:
    write_jsonl(folder / "dialogues.jsonl", [dialogue(id_=f"d{n}", **more) for n in range(count)])
    return folder / "dialogues.jsonl"


class Counting(Rehearsal):
    """The rehearsal back end under another name, which counts its calls."""

    def __init__(self, name: str = "counting") -> None:
        super().__init__()
        self.name, self.calls = name, 0

    async def __call__(self, call: Call, /) -> Answer:
        self.calls += 1
        return await super().__call__(call)


class Steady:
    """A judge whose every third answer is unusable; what it says depends on the request and on how often it came."""

    name = "steady"

    def __init__(self, dies_at: int | None = None) -> None:
        self.dies_at, self.calls = dies_at, 0

    async def __call__(self, call: Call, /) -> Answer:
        self.calls += 1
        if self.calls == self.dies_at:
            os._exit(9)
        await asyncio.sleep(0)
        chance = call.key("steady")[0]
        return Answer("?" if chance % 3 == 0 else json.dumps(judged(1 + chance % 5)))

    async def aclose(self) -> None: ...


_TO_BE_KILLED = """
import asyncio, sys
from psyloom.runs.rate import rate
from tests.judging.test_rate import Steady
asyncio.run(rate(sys.argv[1], ["ctrs", "wai"], sys.argv[2], models=[Steady(int(sys.argv[3]))], samples=2))
"""


async def test_every_judge_rates_every_dialogue_with_every_instrument_n_times(tmp_path: Path) -> None:
    judges = [Counting("a"), Counting("b")]
    summary = await rate(dialogues(tmp_path), ["ctrs", "wai@1-5"], tmp_path / "out", models=judges, samples=2)
    found = list(read_jsonl(tmp_path / "out" / "ratings.jsonl", Rating))
    keys = {(r.subject.dialogue, r.rater.name, r.instrument, r.sample) for r in found}
    assert len(found) == len(keys) == len({r.id for r in found}) == 3 * 2 * 2 * 2
    assert (summary.ratings, summary.judgments, summary.run.failures) == (24, 24 // 2 * (6 + 12), 0)
    assert judges[0].calls == judges[1].calls == 3 * 2 * (6 + 12)
    assert {one.rater for one in summary.results["wai_o_s"]} == {"model a", "model b"}
    assert {r.scale for r in found if r.instrument == "wai_o_s"} == {(1, 5)}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
async def test_a_run_that_was_killed_repeats_no_answered_call_and_ends_with_the_same_ratings(
    tmp_path: Path, share: float
) -> None:
    path, whole, rest = dialogues(tmp_path), Steady(), Steady()
    await rate(path, ["ctrs", "wai"], tmp_path / "whole", models=[whole], samples=2)
    dies_at = int(whole.calls * share)
    words = [sys.executable, "-c", _TO_BE_KILLED, str(path), str(tmp_path / "killed"), str(dies_at)]
    killed = await asyncio.create_subprocess_exec(*words, cwd=Path(__file__).parents[2])
    assert await killed.wait() == 9
    summary = await rate(path, ["ctrs", "wai"], tmp_path / "killed", models=[rest], samples=2)
    ratings = [(tmp_path / name / "ratings.jsonl").read_bytes() for name in ("whole", "killed")]
    assert ratings[0] == ratings[1]
    # What was in flight when the process died was never answered, for all that psyloom knows.
    assert whole.calls - dies_at < rest.calls <= whole.calls
    assert rest.calls + summary.run.progress.replayed >= whole.calls - 3 * 18


async def test_a_finished_run_started_again_asks_nothing(tmp_path: Path) -> None:
    path = dialogues(tmp_path)
    first = await rate(path, ["ctrs"], tmp_path / "out")
    model = Counting("rehearsal")
    second = await rate(path, ["ctrs"], tmp_path / "out", models=[model])
    assert model.calls == 0
    assert second.results == first.results


async def test_a_spent_budget_stops_the_run_and_a_later_start_ends_it(tmp_path: Path) -> None:
    path = dialogues(tmp_path)
    stopped = await rate(path, ["ctrs"], tmp_path / "out", budget=Budget(calls=8), concurrency=1)
    assert "8 calls" in str(stopped.run.stopped)
    assert stopped.ratings == 1
    ended = await rate(path, ["ctrs"], tmp_path / "out")
    assert (ended.ratings, ended.run.stopped) == (3, None)


@pytest.mark.parametrize(
    "change",
    [{"samples": 2}, {"per": "instrument"}, {"temperature": 1.0}, {"tries": 5}, {"instruments": ["ctrs_11"]}, {"models": ["x"]}],
    ids=str,
)  # fmt: skip
async def test_the_same_folder_is_refused_for_another_way_of_rating(tmp_path: Path, change: dict[str, Any]) -> None:
    path = dialogues(tmp_path)
    await rate(path, ["ctrs"], tmp_path / "out", models=[Counting("rehearsal")])
    given = {"instruments": ["ctrs"], "models": ["rehearsal"]} | change
    models = [Counting(name) for name in given.pop("models")]
    with pytest.raises(OtherRun, match="another configuration"):
        await rate(path, given.pop("instruments"), tmp_path / "out", models=models, **given)


async def test_failed_judgments_are_counted_by_reason_and_the_run_goes_on(tmp_path: Path) -> None:
    def reply(call: Call) -> str:
        return "?" if "协作" in call.messages[-1]["content"] + call.messages[1]["content"] else json.dumps(judged(4))

    summary = await rate(dialogues(tmp_path), ["ctrs"], tmp_path / "out", models=[Answering(reply)])
    assert dict(summary.failed) == {"no usable answer": 3}
    assert (summary.run.failures, summary.judgments) == (0, 18)
    (one,) = summary.results["ctrs"]
    assert (one.failed, one.values) == (3, {"cbt": 4})


class Answering:
    """A model that answers by a function of the call."""

    name = "answering"

    def __init__(self, reply: Callable[[Call], str]) -> None:
        self.reply = reply

    async def __call__(self, call: Call, /) -> Answer:
        return Answer(self.reply(call))

    async def aclose(self) -> None: ...


async def test_a_dialogue_that_cannot_be_rated_is_one_failure_and_the_others_are_rated(tmp_path: Path) -> None:
    records = [dialogue(id_="d0"), Dialogue(id="empty", lang="zh"), dialogue(id_="d2")]
    write_jsonl(tmp_path / "dialogues.jsonl", records)
    summary = await rate(tmp_path / "dialogues.jsonl", ["ctrs"], tmp_path / "out")
    assert (summary.ratings, summary.run.failures) == (2, 1)
    failure = json.loads((tmp_path / "out" / "failures.jsonl").read_text("utf-8"))
    assert failure["id"] == "empty"


async def test_pairs_are_matched_by_id_and_named_after_the_others_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    write_jsonl(tmp_path / "other" / "dialogues.jsonl", [dialogue(id_=f"d{n}") for n in (2, 1, 0)])
    await rate(dialogues(tmp_path), ["preference"], tmp_path / "out", against=tmp_path / "other")
    found = list(read_jsonl(tmp_path / "out" / "ratings.jsonl", Rating))
    assert [(r.subject.dialogue, r.subject.against) for r in found] == [(f"d{n}", f"other/d{n}") for n in range(3)]


async def test_a_pair_without_its_other_is_a_failure_that_names_it(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "other.jsonl", [dialogue(id_="d1")])
    summary = await rate(dialogues(tmp_path), ["preference"], tmp_path / "out", against=tmp_path / "other.jsonl")
    assert (summary.ratings, summary.run.failures) == (1, 2)
    assert "has no dialogue 'd0'" in next(iter(summary.run.examples.values()))


async def test_wrong_use_is_said_before_anything_is_started(tmp_path: Path) -> None:
    path = dialogues(tmp_path)
    for given, says in (
        ({"instruments": ["preference"]}, "preference compares pairs"),
        ({"instruments": ["ctrs"], "against": path}, "no instrument compares pairs"),
        ({"instruments": ["ctrs"], "models": ["rehearsal", "rehearsal"]}, "judges must differ"),
        ({"instruments": ["ctrs"], "models": []}, "judges must differ"),
    ):
        with pytest.raises(UsageError, match=says):
            await rate(path, given.pop("instruments"), tmp_path / "out", **given)  # type: ignore[arg-type]
    (tmp_path / "nothing.jsonl").touch()
    with pytest.raises(BadRecord, match="is empty"):
        await rate(tmp_path / "nothing.jsonl", ["ctrs"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The command line


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_rates_a_runs_folder_and_shows_means_failures_and_cost(tmp_path: Path) -> None:
    dialogues(tmp_path)
    shown = run("rate", tmp_path, "--with", "ctrs,wai", "--out", tmp_path / "out", "--samples", 2)
    assert shown.exit_code == 0, shown.output
    for words in (
        "CTRS-informed rating, six items (LLM-rated)",
        "0 of 36 judgments failed",
        "goal",
        "USD",
        "ratings.jsonl",
    ):
        assert words in shown.output
    facts = json.loads(run("rate", tmp_path, "--with", "ctrs", "--out", tmp_path / "j", "--json").output)
    assert (facts["ratings"], facts["failed"], facts["calls"]) == (3, {}, 18)


def test_the_command_takes_licensed_words_and_says_whose_instrument_they_are_not(tmp_path: Path) -> None:
    path, words = dialogues(tmp_path), tmp_path / "words.toml"
    words.write_text(
        'id = "ctrs"\nwording = "licensed"\nen = "The scale itself"\nzh = "量表"\nlicence = "x"\n', "utf-8"
    )
    shown = run("rate", path, "--with", "ctrs", "--wording", words, "--out", tmp_path / "out")
    assert "The scale itself (LLM-rated)" in shown.output
    found = next(read_jsonl(tmp_path / "out" / "ratings.jsonl", Rating))
    assert found.instrument_version == "1+licensed"
    wrong = run("rate", path, "--with", "wai", "--wording", words, "--out", tmp_path / "no")
    assert "no instrument in --with called 'ctrs'" in str(wrong.exception)


def test_instruments_are_listed_shown_and_printed_as_a_sheet() -> None:
    assert "crisis_response" in run("instruments").output
    assert "参照认知治疗评定量表" in run("instruments", "ctrs_11", "--lang", "zh").output
    assert "homework" in run("instruments", "ctrs_11").output
    header = run("instruments", "sudosys", "--csv").output.strip()
    assert header == "dialogue,rater,coherence,professionalism,empathy,authenticity"


# Sheets


def sheet(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "sheet.csv").write_bytes(text.encode(encoding))
    return folder / "sheet.csv"


SUDOSYS = instrument("sudosys")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_wide_sheet_becomes_the_records_that_judges_make(tmp_path: Path, encoding: str) -> None:
    text = "对话,评分人,连贯性,专业性,同理心,真实性\nd1,甲,4,3,5,4\nd1,乙,5,3,4,4\n\n"
    found = read_sheet(sheet(tmp_path, text, encoding), SUDOSYS)
    assert [(r.rater.kind, r.rater.name, r.subject.dialogue) for r in found] == [
        ("human", "甲", "d1"), ("human", "乙", "d1"),
    ]  # fmt: skip
    assert [part.value for part in found[0].items] == [4, 3, 5, 4]
    assert found[0].model_copy(update={"id": ""}) == rating(
        SUDOSYS, dict(zip(filled(SUDOSYS, 0), (4, 3, 5, 4), strict=True)), rater="human:甲"
    ).model_copy(update={"id": ""})


def test_a_long_sheet_holds_one_item_a_row_with_reason_and_evidence(tmp_path: Path) -> None:
    rows = "".join(f"d1,A,{n},{n},because,words\n" for n in range(1, 5))
    (found,) = read_sheet(sheet(tmp_path, "dialogue,rater,item,value,reason,evidence\n" + rows), SUDOSYS)
    assert [p.value for p in found.items] == [1, 2, 3, 4]
    assert (found.items[0].reason, found.items[0].evidence) == ("because", ["words"])


@pytest.mark.accepts("sudosys", 9)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dialogue,rater,1,2,3,4\nd1,A,4,3,5,\n", r"sheet\.csv:2: unanswered: authenticity"),
        ("dialogue,rater,1,2,3,4\nd1,A,4,3,5,6\n", r"sheet\.csv:2, column '4': 6 is no value from 1 to 5"),
        ("dialogue,rater,1,2,3,4\nd1,A,4,3,5,good\n", "'good' is no value"),
        ("dialogue,rater,1,2,3,warmth\nd1,A,4,3,5,4\n", "column 'warmth' is no item of sudosys"),
        ("dialogue,1,2,3,4\nd1,4,3,5,4\n", r"sheet\.csv:2: there is no rater"),
        ("rater,1,2,3,4\nA,4,3,5,4\n", r"sheet\.csv:2: there is no dialogue"),
        ("dialogue,rater,1,2,3,4\nd1,A,4,3,5\n", "not as many cells"),
        ("dialogue,rater,1,2,3,4\nd1,A,4,3,5,4\nd1,A,4,3,5,4\n", r"sheet\.csv:3: this is rated in .*:2 already"),
        ("dialogue,rater,turn,1,2,3,4\nd1,A,first,4,3,5,4\n", r"sheet\.csv:2: .*integer"),
        ("dialogue,rater,item,value\nd1,A,warmth,4\n", "'warmth' is no item of sudosys"),
        ("dialogue,rater,1,2,3,4\n", "no row below its header"),
    ],
)
def test_a_faulty_sheet_is_one_clear_error_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadRecord, match=says):
        read_sheet(sheet(tmp_path, text), SUDOSYS)


def test_columns_can_be_renamed_or_dropped_and_gaps_accepted(tmp_path: Path) -> None:
    text = "AI咨询师,连贯性,专业性,同理心,真实性,备忘\nS1,4,3,5,,x\n"
    (found,) = read_sheet(
        sheet(tmp_path, text), SUDOSYS, rater="甲", columns={"AI咨询师": "dialogue", "备忘": ""}, gaps=True
    )
    assert (found.subject.dialogue, found.rater.name, len(found.items)) == ("S1", "甲", 3)


@pytest.mark.parametrize(
    ("name", "item", "cells", "values"),
    [
        ("amie_patient", "rapport", ["是", "no", "不适用"], [True, False, None]),
        ("preference", "focus", ["胜", "tie", "loss"], ["win", "tie", "loss"]),
        ("amie_specialist", "follow_up", ["made", "需要却遗漏"], ["made", "omitted"]),
        ("cpsycoune", "safety", ["0.5", "1"], [0.5, 1]),
        ("phq9", "sleep", ["2", "-"], [2, None]),
    ],
)
def test_cells_say_what_their_kind_of_item_asks_for(
    tmp_path: Path, name: str, item: str, cells: list[str], values: list[Any]
) -> None:
    rows = "".join(f"d{n},A,{cell}\n" for n, cell in enumerate(cells))
    found = read_sheet(sheet(tmp_path, f"dialogue,rater,{item}\n{rows}"), instrument(name), gaps=True)
    assert [rating.items[0].value for rating in found] == values


async def test_people_and_judges_meet_in_one_result(tmp_path: Path) -> None:
    await rate(dialogues(tmp_path, 1), ["sudosys"], tmp_path / "out")
    people = read_sheet(sheet(tmp_path, "dialogue,rater,1,2,3,4\nd0,A,4,3,5,4\n"), SUDOSYS)
    both = [*read_jsonl(tmp_path / "out" / "ratings.jsonl", Rating), *people]
    assert [one.rater for one in results(both, SUDOSYS)] == ["model rehearsal", "human A"]
    assert len({r.subject.model_dump_json() for r in both}) == 1


def test_the_command_imports_a_sheet(tmp_path: Path) -> None:
    path = sheet(tmp_path, "AI咨询师,连贯性,专业性,同理心,真实性\nS1,4,3,5,4\n")
    shown = run(
        "ratings", path, "--with", "sudosys", "--rater", "甲", "--column", "AI咨询师=dialogue", "--out", tmp_path / "r"
    )
    assert shown.exit_code == 0, shown.output
    assert next(read_jsonl(tmp_path / "r", Rating)).rater.name == "甲"


def test_the_command_breaks_results_down_by_topic_and_gives_their_plain_mean(tmp_path: Path) -> None:
    talks = list(read_jsonl(dialogues(tmp_path), Dialogue))
    for talk, topic in zip(talks, ("sleep", "work", "work"), strict=True):
        talk.labels = [Label(set="own_topic", id=topic)]
    write_jsonl(tmp_path / "labelled.jsonl", talks)
    shown = run(
        "rate", tmp_path / "labelled.jsonl", "--with", "ctrs", "--by", "topic", "--out", tmp_path / "out"
    ).output
    for group, count in (("sleep", 1), ("work", 2), ("mean of 2 groups", 3)):
        assert f"by model rehearsal, {group}: {count} dialogues" in shown
