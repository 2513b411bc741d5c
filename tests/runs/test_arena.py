"""The arena: identical clients, honest numbers, nothing asked twice."""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import EndpointDown, OtherRun, UnknownName, UsageError
from psyloom.judging.scoreboard import board, groups, measures
from psyloom.knowledge.instruments import instrument
from psyloom.llm import Answer, Call
from psyloom.llm.limits import Budget
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Clinical, Diagnosis, Disposition, ItemRating, read_jsonl, write_jsonl
from psyloom.runs.arena import ArenaSummary, arena
from psyloom.runs.entrants import Entrant, entrant
from tests.judging.talks import filled, rating
from tests.runs.workshop import ROOT, case, cases, psyloom, server

TALK = {"max_exchanges": 2}


class Recording(Rehearsal):
    """The rehearsal under another name; keeps what it was asked."""

    def __init__(self, name: str, down: Callable[[Call], bool] = lambda _: False) -> None:
        super().__init__()
        self.name, self.down, self.calls = name, down, []  # type: ignore[var-annotated]

    async def __call__(self, call: Call, /) -> Answer:
        if self.down(call):
            raise EndpointDown("it is down", do="wait")
        self.calls.append(call)
        return await super().__call__(call)


class Says:
    """A counselor who says the same at length or in short, each line with a number of its own."""

    def __init__(self, name: str, words: str) -> None:
        self.name, self.words, self.calls = name, words, 0

    async def __call__(self, call: Call, /) -> Answer:
        self.calls += 1
        return Answer(f"{self.words} {len(call.messages)}?")

    async def aclose(self) -> None: ...


class Judge:
    """Prefers the dialogue with more of a word; ``blind``: always the one shown first. Rates everything 3."""

    def __init__(self, word: str = "slowly", blind: bool = False, dies_at: int = 0) -> None:
        self.name, self.word, self.blind, self.calls, self.dies_at = "judge", word, blind, 0, dies_at

    async def __call__(self, call: Call, /) -> Answer:
        self.calls += 1
        if self.calls == self.dies_at:
            os._exit(9)
        text = call.messages[-1]["content"]
        quote = re.findall(r"^Counselor: (.+)$", text, re.MULTILINE)[-1]
        return Answer(json.dumps({"evidence": [quote], "reason": "so", "value": self._value(call, text)}))

    def _value(self, call: Call, text: str) -> Any:
        if call.prompt == "rate":
            return 3
        a, b = (part.count(self.word) for part in text.split("# Dialogue A")[1].split("# Dialogue B"))
        return "A" if self.blind or a > b else "B" if b > a else "tie"

    async def aclose(self) -> None: ...


def talkers(*words: str) -> list[Entrant]:
    return [Entrant(word, "plain", Says(word, f"Tell me {word}, and what then")) for word in words]


async def hold(path: Path, out: Path, counselors: Any, **more: Any) -> ArenaSummary:
    given = {"instruments": ["ctrs"], "options": TALK, "resamples": 50} | more
    return await arena(counselors, "interactive_agents", path, out, **given)


def numbers(summary: ArenaSummary) -> dict[str, Any]:
    assert summary.stopped is None
    assert summary.data
    return json.loads(summary.data.read_text("utf-8"))  # type: ignore[no-any-return]


async def test_every_counselor_meets_the_identical_client(tmp_path: Path) -> None:
    """Until the counselors differ, the clients are asked the very same: prompt, facts, decoding and model."""
    client = Recording("client")
    counselors = [Entrant(name, "plain", Says(name, name)) for name in ("one", "two", "three")]
    found = await hold(cases(tmp_path / "c.jsonl", 4), tmp_path / "out", counselors, models={"client": client}, seed=5)
    first = Counter(call.content for call in client.calls if call.agent == "client" and len(call.messages) <= 2)
    assert len(first) == 4
    assert set(first.values()) == {3}
    facts = numbers(found)["client"]
    assert (facts["system"], facts["model"], facts["seed"]) == ("interactive_agents", "client", 5)


async def test_what_a_case_lacks_is_derived_once_for_all(tmp_path: Path) -> None:
    deriver = Recording("deriver")
    await arena(
        ["plain", "interactive_agents"], "cactus", cases(tmp_path / "c.jsonl", 2), tmp_path / "out", instruments=["ctrs"],
        models={"deriver": deriver}, derive_missing=True, options=TALK,
    )  # fmt: skip
    assert len({call.content for call in deriver.calls}) == len(deriver.calls) > 0
    prepared = {c.id: c for c in read_jsonl(tmp_path / "out" / "cases.jsonl", Case)}
    assert all(c.intake and c.derived for c in prepared.values())


async def test_a_judge_that_prefers_one_ranks_it_first_whatever_stands_first(tmp_path: Path) -> None:
    path = cases(tmp_path / "c.jsonl", 6, "en")
    for order in (("slowly", "fast", "loudly"), ("loudly", "fast", "slowly")):
        found = await hold(
            path, tmp_path / order[0], talkers(*order), instruments=[], pairwise=["overall"], judges=[Judge()]
        )
        facts = numbers(found)
        assert facts["ranking"]["overall"][0]["name"] == "slowly"
        assert facts["ranking"]["overall"][0]["wins"] == 12
        assert facts["ranking"]["overall"][0]["best"] == 1
        scores = facts["measures"][0]["scores"]
        assert {who: cell["value"] for who, cell in scores.items()} == {"slowly": 1, "fast": 0.25, "loudly": 0.25}


async def test_a_judge_that_goes_by_the_order_makes_nothing_but_ties(tmp_path: Path) -> None:
    found = await hold(
        cases(tmp_path / "c.jsonl", 3, "en"), tmp_path / "out", talkers("slowly", "fast"), instruments=[],
        pairwise=["overall"], judges=[Judge(blind=True)],
    )  # fmt: skip
    facts = numbers(found)
    assert [(row["wins"], row["ties"], row["losses"]) for row in facts["ranking"]["overall"]] == [(0, 3, 0)] * 2
    assert facts["pairs"] == [{"a": "slowly", "b": "fast", "of a": {"overall": {"tie": 3}}, "turned": {"overall": 3}}]


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
async def test_a_budget_stops_it_anywhere_and_the_same_call_ends_it_with_the_same_numbers(
    tmp_path: Path, share: float
) -> None:
    path = cases(tmp_path / "c.jsonl", 3, "en")
    more: dict[str, Any] = {"pairwise": ["overall"], "judges": [Judge()]}
    spent = Budget()
    whole = numbers(await hold(path, tmp_path / "whole", talkers("slowly", "fast"), budget=spent, **more))
    first = Budget(int(spent.spent_calls * share))
    stopped = await hold(path, tmp_path / "cut", talkers("slowly", "fast"), budget=first, concurrency=2, **more)
    assert stopped.stopped is not None
    assert stopped.data is None
    rest = Budget()
    assert numbers(await hold(path, tmp_path / "cut", talkers("slowly", "fast"), budget=rest, **more)) == whole
    assert first.spent_calls + rest.spent_calls == spent.spent_calls


_TO_BE_KILLED = """
import asyncio, sys
from pathlib import Path
from tests.runs.test_arena import Judge, hold, talkers
asyncio.run(hold(Path(sys.argv[1]), Path(sys.argv[2]), talkers("slowly", "fast"), pairwise=["overall"],
                 judges=[Judge(dies_at=int(sys.argv[3]))], concurrency=1))
"""


async def test_killed_among_the_judgments_it_goes_on_where_it_was(tmp_path: Path) -> None:
    path = cases(tmp_path / "c.jsonl", 2, "en")
    words = [sys.executable, "-c", _TO_BE_KILLED, str(path), str(tmp_path / "out"), "15"]
    killed = await asyncio.create_subprocess_exec(*words, cwd=ROOT)
    assert await killed.wait() == 9
    judge, counselors = Judge(), talkers("slowly", "fast")
    found = await hold(path, tmp_path / "out", counselors, pairwise=["overall"], judges=[judge], concurrency=1)
    assert numbers(found)["ranking"]["overall"][0]["name"] == "slowly"
    # Of the first two dialogues all six items were filed; those asked beside the call that died were not answered.
    assert judge.calls == 2 * 2 * 6 + 2 * 2 - 12
    assert all(one.model.calls == 0 for one in counselors)  # type: ignore[union-attr]


async def test_a_case_that_comes_good_later_is_added_and_no_answered_call_is_repeated(tmp_path: Path) -> None:
    path = cases(tmp_path / "c.jsonl", 3, "en")
    down = Recording("bot", down=lambda call: call.scope == "case-1")
    judge, again = Judge(), Judge()
    more: dict[str, Any] = {"pairwise": ["overall"]}
    first = await hold(
        path, tmp_path / "out", [*talkers("slowly"), Entrant("bot", "plain", down)], judges=[judge], **more
    )
    facts = numbers(first)
    assert [c["failures"] for c in facts["counselors"]] == [0, 1]
    assert any("bot: 1 cases failed" in warning for warning in facts["warnings"])
    assert facts["measures"][0]["scores"]["bot"]["n"] == 2
    second = await hold(
        path, tmp_path / "out", [*talkers("slowly"), Entrant("bot", "plain", Recording("bot"))], judges=[again], **more
    )
    assert numbers(second)["measures"][0]["scores"]["bot"]["n"] == 3
    assert again.calls == 6 + 2  # the one dialogue, and the one pair


async def test_counselors_and_instruments_can_be_added_to_an_arena_but_its_client_stays(tmp_path: Path) -> None:
    path = cases(tmp_path / "c.jsonl", 2)
    await hold(path, tmp_path / "out", ["plain", "interactive_agents"])
    judge = Recording("rehearsal")
    found = await hold(
        path,
        tmp_path / "out",
        ["plain", "interactive_agents", "plain=rehearsal"],
        instruments=["ctrs", "wai"],
        judges=[judge],
    )
    assert {m["instrument"] for m in numbers(found)["measures"]} == {"ctrs", "wai_o_s"}
    assert len(judge.calls) == 2 * 6 + 3 * 2 * 12
    with pytest.raises(OtherRun, match="rounds"):
        await hold(path, tmp_path / "out", ["plain", "interactive_agents"], options=TALK | {"client.rounds": 9})


def test_the_command_makes_one_page_with_pictures_and_the_dialogues_behind_the_numbers(tmp_path: Path) -> None:
    words = (
        "arena", "--counselor", "plain", "--counselor", "interactive_agents", "--counselor", "plain=rehearsal", "--client",
        "interactive_agents", cases(tmp_path / "c.jsonl", 3), "--out", tmp_path / "out", "--rate", "ctrs,wai,panas",
        "--pairwise", "overall,safety", "--set", "max_exchanges=2",
    )  # fmt: skip
    ended = psyloom(*words)
    assert ended.code == 0, ended.err
    assert "ranking: overall" in ended.out
    page, data = (tmp_path / "out" / name for name in ("arena.html", "arena.json"))
    text, facts = page.read_text("utf-8"), json.loads(data.read_text("utf-8"))
    assert not re.search(r"https?:|@import|<script|<link|<img|<iframe|url\(|src=", text)
    assert text.count("<polygon") >= 3 + 4  # lines and rings of the radar
    assert text.count('aria-label="forest plot') == len(facts["measures"]) == 2 + 4 + 2 + 2
    links, places = (set(re.findall(rf'{name}="#?(d\d+-\d+)"', text)) for name in ("href", "id"))
    assert links == places
    assert len(places) == 3 * 3
    assert "its numbers mean nothing" in text
    assert "nan" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL).lower().split()
    assert all(
        {"guards_again", "guards_kept", "n", "failed"} <= set(c)
        for m in facts["measures"]
        for c in m["scores"].values()
    )
    assert psyloom(*words, "--json").code == 0
    assert (json.loads(data.read_text("utf-8")), page.read_text("utf-8")) == (facts, text)


def test_a_counselor_may_be_nothing_but_an_address_and_only_the_counselor_is_asked_there(tmp_path: Path) -> None:
    with server(tmp_path) as (url, log):
        ended = psyloom(
            "arena", "--counselor", "plain", "--counselor", f"{url}#bot", "--client", "plain", cases(tmp_path / "c.jsonl", 2, "en"),
            "--out", tmp_path / "out", "--rate", "ctrs", "--set", "max_exchanges=2",
        )  # fmt: skip
        asked = log.read_text("utf-8").splitlines()
    assert ended.code == 0, ended.err
    counselor = json.loads((tmp_path / "out" / "arena.json").read_text("utf-8"))["counselors"][1]
    assert (counselor["name"], counselor["system"], counselor["model"]) == (f"{url}#bot", "plain", f"{url}#bot")
    assert len(asked) == 2  # one reply in each talk: greeting, client, reply, client


@pytest.mark.parametrize(
    ("spec", "name", "system", "model"),
    [
        ("magnet", "magnet", "magnet", None),
        ("magnet=openai:gpt-4o", "magnet=openai:gpt-4o", "magnet", "openai:gpt-4o"),
        ("plain=openai:gpt-4o", "openai:gpt-4o", "plain", "openai:gpt-4o"),
        ("http://host/v1?a=b#bot", "http://host/v1?a=b#bot", "plain", "http://host/v1?a=b#bot"),
        ("ollama:qwen3", "ollama:qwen3", "plain", "ollama:qwen3"),
    ],
)
def test_a_counselor_is_a_system_a_system_with_a_model_or_a_model_alone(
    spec: str, name: str, system: str, model: str | None
) -> None:
    found = entrant(spec)
    assert (found.name, found.system, found.model) == (name, system, model)
    assert re.fullmatch(r"[\w.-]+", found.folder)


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"counselors": ["plain"]}, UsageError, "two counselors or more"),
        ({"counselors": ["plain", "plain"]}, UsageError, "two counselors are called 'plain'"),
        ({"counselors": ["plain", "nobody"]}, UnknownName, "no system called 'nobody'"),
        ({"instruments": []}, UsageError, "nothing is to be judged"),
        ({"instruments": ["preference"]}, UsageError, "compares pairs"),
        ({"pairwise": ["beauty"]}, UnknownName, "beauty"),
        ({"rounds": 2}, UsageError, "rounds are of pairwise"),
        ({"options": {"longest": 5}}, UsageError, "not clear whose option 'longest'"),
        ({"options": {"cactus.plan": 5}}, UsageError, "not clear whose option 'cactus.plan'"),
        ({"models": {"nobody": "rehearsal"}}, UnknownName, "no agent called 'nobody'"),
    ],
)
async def test_wrong_use_is_said_before_anything_starts(
    tmp_path: Path, more: dict[str, Any], error: type[Exception], says: str
) -> None:
    given = {"counselors": ["plain", "interactive_agents"], "instruments": ["ctrs"]} | more
    with pytest.raises(error, match=says):
        await arena(client="interactive_agents", cases=cases(tmp_path / "c.jsonl", 1), out=tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


async def test_an_option_of_one_system_reaches_that_counselor_alone(tmp_path: Path) -> None:
    found = await hold(
        cases(tmp_path / "c.jsonl", 1), tmp_path / "out", ["plain", "interactive_agents"],
        options=TALK | {"interactive_agents.longest": 90, "client.rounds": 9},
    )  # fmt: skip
    facts = numbers(found)
    assert [c["options"] for c in facts["counselors"]] == [{}, {"longest": 90}]
    assert facts["client"]["options"]["rounds"] == 9


async def test_results_are_broken_down_by_attitude_and_small_groups_are_marked(tmp_path: Path) -> None:
    found_cases = [case(n, "en") for n in range(4)]
    for n, one in enumerate(found_cases):
        one.disposition = Disposition(attitude="negative" if n % 2 else "positive")
    write_jsonl(tmp_path / "c.jsonl", found_cases)
    facts = numbers(await hold(tmp_path / "c.jsonl", tmp_path / "out", ["plain", "interactive_agents"]))
    split = facts["measures"][0]["groups"]
    assert set(split) == {"disposition.attitude"}  # the language does not vary
    cells = split["disposition.attitude"]["negative"]["plain"]
    assert (cells["n"], cells["few"]) == (2, True)
    assert any("only 4 cases" in warning for warning in facts["warnings"])
    assert "disposition.attitude = negative" in (tmp_path / "out" / "arena.html").read_text("utf-8")


def test_differences_are_taken_case_by_case_on_shared_cases() -> None:
    tool = instrument("ctrs")
    given = {"a": (1, 3, 5), "b": (2, 4, 6), "c": (6,)}
    made = {
        who: [rating(tool, filled(tool, v), f"d{n}") for n, v in enumerate(values)] for who, values in given.items()
    }
    found = measures(made, tool)
    assert [one.id for one in found] == [s.id for s in tool.subscales]
    assert (found[0].low, found[0].high) == (0, 6)
    cells = board(found[0], ["a", "b", "c"])
    assert cells["a"].difference is None
    assert cells["b"].difference
    assert (cells["b"].difference.value, cells["b"].difference.low, cells["b"].difference.high) == (1, 1, 1)
    assert cells["c"].difference
    assert (cells["c"].mean.value, cells["c"].difference.value, cells["c"].n) == (6, 5, 1)
    assert board(found[0], ["a", "b"], only=["d0"])["b"].n == 1


def test_a_change_is_after_less_before_and_has_no_scale_and_judges_are_averaged() -> None:
    tool = instrument("panas")
    made = [
        rating(tool, filled(tool, value), rater=judge, moment=moment)
        for judge, moment, value in (("model:x", "before", 2), ("model:x", "after", 4), ("model:y", "before", 3), ("model:y", "after", 3))
    ]  # fmt: skip
    one = measures({"a": [*made, rating(tool, filled(tool, 5), "d9", moment="before")]}, tool)[0]
    assert (one.values, one.low, one.change) == ({"a": {"d1": 1.0}}, None, True)
    assert one.by_judge == {"model x": {"a": 2.0}, "model y": {"a": 0.0}}


def test_a_failed_judgment_is_in_no_score_and_a_ranked_list_is_right_at_k() -> None:
    tool = instrument("diagnosis")
    one, other = rating(tool, {}, "d1"), rating(tool, {}, "d2")
    one.items = [ItemRating(item="diagnosis", value=v) for v in ("F41.1 焦虑", "F32.1 抑郁发作")]
    other.items = [ItemRating(item="diagnosis", failure="no usable answer: ?")]
    truth = Clinical(diagnoses=[Diagnosis(name="抑郁症", code="F32.9")])
    known = {id_: Case(id=id_, lang="zh", clinical=truth) for id_ in ("d1", "d2")}
    found = {m.id: m.values["a"] for m in measures({"a": [one, other]}, tool, known)}
    assert found == {"top 1": {"d1": 0.0}, "top 3": {"d1": 1.0}, "top 5": {"d1": 1.0}}


@pytest.mark.parametrize(("name", "drawn"), [("ctrs", True), ("panas", False), ("counselor_faults", False)])
def test_only_measures_whose_high_end_is_the_good_one_have_a_scale_to_be_drawn_on(name: str, drawn: bool) -> None:
    tool = instrument(name)
    moments = ("before", "after") if tool.moments else (None,)
    found = measures({"a": [rating(tool, {item.id: item.low for item in tool.items}, moment=m) for m in moments]}, tool)
    assert found
    assert all((one.low is not None) == drawn for one in found)


def test_groups_leave_out_what_does_not_vary() -> None:
    zh, en = Case(id="a", lang="zh"), Case(id="b", lang="en")
    assert groups([zh, en], ["lang", "post.topic"]) == {"lang": {"zh": ["a"], "en": ["b"]}}
