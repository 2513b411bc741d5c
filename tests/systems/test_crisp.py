"""CRDial: sub-steps in order, channels, loops, a strategy on every sentence, a tree whose paths share their beginning."""

import json
import re
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import AnswerRejected, BadRecord, UsageError
from psyloom.knowledge import label_set
from psyloom.knowledge.instruments import instrument
from psyloom.knowledge.plans import FOLDER, stage_plan
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import phrases
from psyloom.records import Case, Dialogue, Lang, Scenario, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.runs.rate import rate
from psyloom.systems import find_system
from psyloom.systems.crisp.commonsense import table
from psyloom.systems.crisp.system import PLAN, Crisp
from psyloom.systems.crisp.tree import DISTORTIONS, STRATEGIES, Node, leaf_ids, leaves
from tests.support import Scripted, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
CRDIAL = (FOLDER / "crdial.toml").read_text("utf-8")
CRITERIA = [item.id for item in instrument("crisp_expert").items]
SITUATION = {
    "en": "My demo went to a colleague and I keep thinking they will let me go.",
    "zh": "我的演示给了同事去做，我总觉得公司要让我走。",
}
LINE = {"en": "Line {} is what I say here.", "zh": "这是我说的第{}句话。"}


def case(lang: Lang) -> Case:
    return Case(id="s", lang=lang, scenario=Scenario(situation=SITUATION[lang]))


def sentence(strategy: str, text: str) -> dict[str, str]:
    return {"strategy": strategy, "text": text}


def player(lang: Lang, *, channels: int = 3, shifted: bool = True) -> Callable[[Call], Any]:
    """Answers every sub-step: two sentences a turn, ``channels`` new distortions each time they are asked for."""
    n = count(1)

    def play(call: Call) -> dict[str, Any]:
        assert call.schema
        asked, said = text_of(call), LINE[lang].format
        strategies = [STRATEGIES["restatement"].name(lang), STRATEGIES["question"].name(lang)]
        exchange = {"therapist": [sentence(one, said(next(n))) for one in strategies], "help_seeker": said(next(n))}
        answer: dict[str, Any] = {"exchanges": [exchange]}
        if "channels" in call.schema["properties"]:
            left = [t.name(lang) for t in DISTORTIONS.terms if not treated_before(t.name(lang), asked)]
            answer["channels"] = [{"distortion": name, "thought": said(next(n))} for name in left[:channels]]
        if "verdict" in call.schema["properties"]:
            answer["verdict"] = {"restructured": shifted, "new_thought": said(next(n)) if shifted else None}
        return answer

    return play


def treated_before(name: str, asked: str) -> bool:
    found = re.search(r"(?:taken up again|不再重提的有)[:：](.*)", asked)
    return bool(found and name in found.group(1))


def model(lang: Lang = "en", *, remaining: Any = False, **more: Any) -> Scripted:
    checks = remaining if isinstance(remaining, list) else [remaining]
    replies: dict[str, Any] = {
        "substep": player(lang),
        "loop_check": [{"reason": "-", "remaining": one} for one in checks],
        "closing": {
            "sentences": [
                sentence("肯定与安慰" if lang == "zh" else "Affirmation and Reassurance", LINE[lang].format(0))
            ]
        },
        "commonsense": {"inferences": [{"relation": "xWant", "text": "to be asked once"}]},
    }
    return Scripted(**replies | more)


def steps_of(dialogue: Dialogue) -> list[tuple[int, str]]:
    """(loop, sub-step) of a dialogue, each stretch once."""
    ids = [
        (turn.extra["loop"], label.id) for turn in dialogue.turns for label in turn.labels if label.set == "crisp_step"
    ]
    return [one for before, one in pairwise([None, *ids]) if one and one != before]  # type: ignore[misc]


def nodes_of(dialogue: Dialogue) -> list[Node]:
    listed = dialogue.extra["tree"]
    assert isinstance(listed, list)
    return [Node.model_validate(node) for node in listed]


async def written(lang: Lang = "en", answers: Scripted | None = None, **options: Any) -> Dialogue:
    plain = {"commonsense": "off", "filters": False}
    return await write(Crisp(**plain | options), case(lang), answers or model(lang))


# The way of a path


@pytest.mark.accepts("crisp", 1, 10)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("loops", [1, 2, 3])
async def test_every_loop_goes_through_the_six_sub_steps_in_order(loops: int, lang: Lang) -> None:
    dialogue = await written(lang, model(lang, remaining=[True] * (loops - 1) + [False]), most_paths=1)
    assert PLAN.ids == (
        "automatic_thoughts",
        "intermediate_beliefs",
        "core_beliefs",
        "defense",
        "prosecution",
        "verdict",
    )
    assert steps_of(dialogue) == [(loop, step) for loop in range(1, loops + 1) for step in PLAN.ids]
    assert len(dialogue.sessions[0].notes["loops"]) == loops


async def test_a_loop_costs_seven_calls_and_a_path_one_more_to_close() -> None:
    answers = model(remaining=[True, False])
    await written(answers=answers, most_paths=1)
    assert answers.counts() == {"substep": 12, "loop_check": 2, "closing": 1}


async def test_a_model_that_writes_the_inferences_is_asked_once_more_in_each_sub_step() -> None:
    answers = model()
    await written(answers=answers, most_paths=1, commonsense="model")
    assert answers.counts() == {"substep": 6, "commonsense": 6, "loop_check": 1, "closing": 1}


@pytest.mark.accepts("crisp", 6)
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_loops_never_exceed_the_limit_and_the_check_follows_every_verdict(limit: int) -> None:
    answers = model(remaining=True)
    dialogue = await written(answers=answers, most_paths=1, loops=limit)
    assert [call.prompt for call in answers.calls] == (["substep"] * 6 + ["loop_check"]) * limit + ["closing"]
    assert dialogue.sessions[0].ended == "limit"


@pytest.mark.accepts("crisp", 6)
async def test_a_false_ends_the_dialogue_with_a_closing_turn_of_the_therapist() -> None:
    dialogue = await written(most_paths=1)
    assert dialogue.sessions[0].ended == "no distorted belief remains"
    assert dialogue.turns[-1].speaker == "counselor"
    assert dialogue.turns[-1].text == LINE["en"].format(0)
    assert not any(label.set == "crisp_step" for label in dialogue.turns[-1].labels)


async def test_sides_alternate_over_all_stretches_and_the_therapist_opens() -> None:
    dialogue = await written(answers=model(remaining=[True, False]), most_paths=1)
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 12 + ["counselor"]


# Channels and verdicts


@pytest.mark.parametrize("lang", LANGS)
async def test_the_loop_check_reads_each_thought_on_trial_and_the_next_loop_offers_other_distortions(
    lang: Lang,
) -> None:
    answers = model(lang, remaining=[True, False])
    dialogue = await written(lang, answers, most_paths=1)
    tried = [(label.id, label.reason) for label in dialogue.sessions[0].labels]
    colon = "：" if lang == "zh" else ": "
    told = [f"- {DISTORTIONS[which].name(lang)}{colon}{thought}" for which, thought in tried]
    assert [[line in text_of(call) for line in told] for call in answers.asked("loop_check")] == [
        [True, False],
        [True, True],
    ]
    first = DISTORTIONS[tried[0][0]]
    offered = f"- {first.name(lang)}{colon}{first.definition.of(lang)}"
    one, two = (answers.asked("substep")[at] for at in (2, 8))
    assert offered in text_of(one)
    assert offered not in text_of(two)


@pytest.mark.accepts("crisp", 2)
@pytest.mark.parametrize(
    ("names", "calls"),
    [(["Mind Reading"], 1), (["Mind Reading", "Blaming", "Fortune Telling"], 1), ([], 3), (["Blaming"] * 2, 3), (["Laziness"], 3),
     (["Mind Reading", "Blaming", "Fortune Telling", "Catastrophizing"], 3)],
)  # fmt: skip
async def test_core_beliefs_give_one_to_three_different_distortions_of_the_fifteen(
    names: list[str], calls: int
) -> None:
    said = player("en")

    def play(call: Call) -> Any:
        answer = said(call)
        if "channels" in answer:
            answer["channels"] = [{"distortion": name, "thought": "They will let me go."} for name in names]
        return answer

    answers = model(substep=play)
    if calls == 1:
        dialogue = await written(answers=answers)
        assert len(leaf_ids(nodes_of(dialogue))) == len(names)
    else:
        with pytest.raises(AnswerRejected):
            await written(answers=answers)
        assert len(answers.calls) == 2 + calls


@pytest.mark.accepts("crisp", 2)
async def test_a_branch_treats_exactly_one_distortion_and_a_path_none_twice() -> None:
    for path in leaves(await written(answers=model(remaining=True))):
        treated = [label.id for label in path.sessions[0].labels]
        loops = path.sessions[0].notes["loops"]
        assert isinstance(loops, list)
        assert len(treated) == len(set(treated)) == len(loops) == 3


async def test_a_distortion_that_was_on_trial_is_not_accepted_as_a_channel_again() -> None:
    said = player("en")

    def stubborn(call: Call) -> Any:
        answer = said(call)
        if "channels" in answer:
            answer["channels"] = [{"distortion": "Blaming", "thought": "It is all their doing."}]
        return answer

    with pytest.raises(AnswerRejected, match="Blaming has been treated already"):
        await written(answers=model(remaining=True, substep=stubborn))


@pytest.mark.accepts("crisp", 5)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("new", [None, "", "the old one"])
async def test_a_verdict_that_says_restructured_needs_a_new_thought_other_than_the_old(
    new: str | None, lang: Lang
) -> None:
    old: list[str] = []
    said = player(lang, channels=1)

    def play(call: Call) -> Any:
        answer = said(call)
        if "channels" in answer:
            old[:] = [answer["channels"][0]["thought"]]
        if "verdict" in answer:
            answer["verdict"]["new_thought"] = old[0] if new == "the old one" else new
        return answer

    answers = model(lang, substep=play)
    with pytest.raises(AnswerRejected):
        await written(lang, answers, most_paths=1)
    assert len(answers.calls) == 5 + 3


@pytest.mark.accepts("crisp", 5)
async def test_a_verdict_may_say_that_nothing_has_shifted() -> None:
    answers = model(substep=player("en", shifted=False))
    dialogue = await written(answers=answers, most_paths=1)
    assert dialogue.sessions[0].notes["loops"][0]["verdict"] == {"restructured": False, "new_thought": None}  # type: ignore[index, call-overload]
    assert answers.counts()["substep"] == 6


async def test_a_second_trial_prosecutes_and_judges_once_more_only_what_has_not_shifted() -> None:
    unmoved, moved = model(substep=player("en", shifted=False)), model()
    dialogue = await written(answers=unmoved, most_paths=1, second_trial=True)
    await written(answers=moved, most_paths=1, second_trial=True)
    assert [step for _, step in steps_of(dialogue)] == [*PLAN.ids, "prosecution", "verdict"]
    assert (unmoved.counts()["substep"], moved.counts()["substep"]) == (8, 6)


@pytest.mark.accepts("crisp", 4)
@pytest.mark.parametrize("lang", LANGS)
async def test_defense_asks_for_facts_that_support_and_prosecution_for_facts_against(lang: Lang) -> None:
    answers = model(lang)
    await written(lang, answers, most_paths=1)
    defense, prosecution = (text_of(call) for call in answers.asked("substep")[3:5])
    for text, one in ((defense, PLAN["defense"]), (prosecution, PLAN["prosecution"])):
        assert one.leave.of(lang) in text
    assert PLAN["prosecution"].leave.of(lang) not in defense


@pytest.mark.parametrize("lang", LANGS)
async def test_a_rehearsed_path_asks_in_each_sub_step_what_belongs_there_through_all_loops(lang: Lang) -> None:
    stock = phrases(lang)["restructuring"]
    options = {"commonsense": "off", "filters": False, "most_paths": 1}
    for seed in range(20):
        dialogue = await write("crisp", case(lang), Rehearsal(), options=options, seed=seed)
        opening, *later = [turn for turn in dialogue.turns[:-1] if turn.speaker == "counselor"]
        assert any(opening.text == line for line in phrases(lang)["counselor"]["open"])
        for turn in later:
            step = next(label.id for label in turn.labels if label.set == "crisp_step")
            assert any(turn.text.endswith(line) for line in stock[step]), (step, turn.text)
        loops: Any = dialogue.sessions[0].notes["loops"]
        assert all(loop["verdict"]["new_thought"] in stock["verdict_answer"] for loop in loops)


# Sentences and strategies


@pytest.mark.accepts("crisp", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_every_sentence_of_the_therapist_carries_one_strategy_on_its_span_and_the_help_seeker_none(
    lang: Lang,
) -> None:
    dialogue = await written(lang, most_paths=1)
    for turn in dialogue.turns:
        spans = [label.span for label in turn.labels if label.set == "crisp_strategy"]
        if turn.speaker == "client":
            assert not spans
            continue
        assert "".join(turn.text[a:b] for a, b in filter(None, spans)) == re.sub(r"(?<=\.) ", "", turn.text)
        assert len(spans) == len(set(spans)) > 0
    assert 1.5 <= dialogue.quality.measures["strategies_per_turn"] <= 3


@given(
    st.lists(st.text(alphabet="abc 好的", min_size=1).filter(str.strip), min_size=1, max_size=5), st.sampled_from(LANGS)
)
@settings(max_examples=30)
def test_spans_cut_the_text_into_its_sentences(texts: list[str], lang: Lang) -> None:
    from psyloom.systems.crisp.answers import Sentence
    from psyloom.systems.crisp.system import joined

    said = [Sentence(strategy="question", text=text) for text in texts]
    text, spans = joined(said, lang)
    assert [text[a:b] for a, b in spans] == [one.text for one in said]


@pytest.mark.accepts("crisp", 3)
@pytest.mark.parametrize("each", [1, 4])
async def test_too_few_or_too_many_strategies_a_turn_are_asked_for_again_and_in_the_end_kept_and_counted(
    each: int,
) -> None:
    said, number = player("en"), count(1)

    def play(call: Call) -> Any:
        answer = said(call)
        answer["exchanges"][0]["therapist"] = [
            sentence("Question", f"What is it, number {next(number)}?") for _ in range(each)
        ]
        return answer

    dialogue = await written(answers=model(substep=play), most_paths=1)
    assert dialogue.quality.kept["strategies"] == 6
    assert dialogue.quality.guards["strategies"] == 12
    lenient = await written(answers=model(substep=play), most_paths=1, strict=False)
    assert not lenient.quality.guards


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("list", "1. breathe, 2. write"),
        ("names", "I will use Reflection of Feelings now."),
        ("language", "我们慢慢来，先说说当时的情形。"),
        ("sentence", "I hear how hard that was. What happened then?"),
    ],
)
async def test_a_stretch_that_breaks_the_form_is_asked_for_again_and_logged_by_reason(rule: str, text: str) -> None:
    broken, said = [True], player("en")

    def play(call: Call) -> Any:
        answer = said(call)
        if broken:
            answer["exchanges"][0]["therapist"][0]["text"] = text
            broken.clear()
        return answer

    dialogue = await written(answers=model(substep=play), most_paths=1)
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    broken.append(True)
    assert not (await written(answers=model(substep=play), most_paths=1, strict=False)).quality.guards


@pytest.mark.parametrize(
    ("lang", "two"),
    [
        ("en", "I hear how hard that was. I was in your place once. You should sleep more. What happened then?"),
        ("zh", "听得出来很难。我也有过这样的时候。后来怎么样了？"),
    ],
)
async def test_a_strategy_stands_for_one_sentence_also_in_the_closing_turn(lang: Lang, two: str) -> None:
    closing = {"sentences": [sentence(STRATEGIES["information"].name(lang), two)]}
    with pytest.raises(AnswerRejected, match=r"one sentence|不止一句"):
        await written(lang, model(lang, closing=closing), most_paths=1)
    await written(lang, model(lang, closing=closing), most_paths=1, strict=False)


@pytest.mark.parametrize(
    ("lang", "one"), [("en", "Well... that sounds hard to carry."), ("zh", "嗯……听起来真不容易。")]
)
async def test_a_pause_inside_a_sentence_asks_for_no_strategy_of_its_own(lang: Lang, one: str) -> None:
    closing = {"sentences": [sentence(STRATEGIES["affirmation_and_reassurance"].name(lang), one)]}
    dialogue = await written(lang, model(lang, closing=closing), most_paths=1)
    assert not dialogue.quality.guards
    assert dialogue.turns[-1].text == one


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (lambda at, who: "Thank you for coming, let us look at it." if who == 0 else f"Here is thing {at} I tell.", "repeats"),
        (lambda at, who: f"That was thing {at}, goodbye." if who == 0 else f"Goodbye, said I the {at}th time.", "farewell_loop"),
    ],
)  # fmt: skip
async def test_what_was_said_in_an_earlier_sub_step_is_not_said_again_nor_taken_leave_of_twice(
    words: Callable[[int, int], str], rule: str
) -> None:
    said, at = player("en"), count(1)

    def play(call: Call) -> Any:
        answer, number = said(call), next(at)
        (exchange,) = answer["exchanges"]
        exchange |= {"therapist": [sentence("Question", words(number, 0))], "help_seeker": words(number, 1)}
        return answer

    answers = model(substep=play)
    with pytest.raises(AnswerRejected):
        await written(answers=answers, most_paths=1)
    assert len(answers.calls) == 3 + 3, "the first is fine, kept for its one strategy at last; the second never is"
    assert await written(answers=model(substep=play), most_paths=1, strict=False)


async def test_the_closing_turn_repeats_nothing_of_the_whole_path() -> None:
    closing = {"sentences": [sentence("Restatement", LINE["en"].format(1)), sentence("Question", LINE["en"].format(2))]}
    with pytest.raises(AnswerRejected, match="the same words were said before"):
        await written(answers=model(closing=closing), most_paths=1)


# The plan


def changed(monkeypatch: pytest.MonkeyPatch, folder: Path, old: str, new: str) -> None:
    """Let the system go by a plan whose file reads otherwise."""
    assert old in CRDIAL
    file = folder / f"{len(list(folder.iterdir()))}.toml"
    file.write_text(CRDIAL.replace(old, new), "utf-8")
    monkeypatch.setattr("psyloom.systems.crisp.system.PLAN", stage_plan(file))


@pytest.mark.accepts("crisp", 2)
@pytest.mark.parametrize(("channels", "fine"), [(1, False), (2, True), (3, False)])
async def test_the_plan_says_how_many_channels_an_identification_needs(
    channels: int, fine: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changed(monkeypatch, tmp_path, "at_least = 1, at_most = 3", "at_least = 2, at_most = 2")
    answers = model(substep=player("en", channels=channels))
    if fine:
        assert len(leaf_ids(nodes_of(await written(answers=answers)))) == 2
    else:
        with pytest.raises(AnswerRejected, match="channels has"):
            await written(answers=answers)
    assert "channels: at least 2, at most 2" in text_of(answers.asked("substep")[2])


async def test_the_plan_says_which_sub_steps_there_are_and_how_long_they_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (stage,) = re.findall(r'\[\[stage\]\]\nid = "intermediate_beliefs".*?(?=\[\[stage)', CRDIAL, re.DOTALL)
    changed(monkeypatch, tmp_path, stage, "")
    assert steps_of(await written(most_paths=1)) == [(1, step) for step in PLAN.ids if step != "intermediate_beliefs"]
    changed(monkeypatch, tmp_path, "min_turns = 1", "min_turns = 2")
    with pytest.raises(AnswerRejected, match="at least 2"):
        await written()


def test_the_plan_says_how_many_loops_there_are_at_most() -> None:
    assert Crisp().loops == PLAN.loops == 3


async def test_without_self_disclosure_the_strategy_is_neither_offered_nor_accepted() -> None:
    used, said = [True], player("en")

    def play(call: Call) -> Any:
        answer = said(call)
        if used:
            answer["exchanges"][0]["therapist"][0]["strategy"] = "Self-disclosure"
            used.clear()
        return answer

    answers = model(substep=play)
    dialogue = await written(answers=answers, most_paths=1, self_disclosure=False)
    assert "- Self-disclosure:" not in text_of(answers.calls[0])
    assert dialogue.quality.guards == {"script: strategy": 1}


# The tree


@pytest.mark.accepts("crisp", 7)
async def test_three_channels_give_three_dialogues_that_share_the_identical_identification() -> None:
    dialogue = await written()
    paths = list(leaves(dialogue))
    assert [path.id for path in paths] == ["s-l1c1", "s-l1c2", "s-l1c3"]
    shared = nodes_of(dialogue)[0].turns
    assert len(shared) == 6
    assert all(path.turns[:6] == shared for path in paths)
    assert len({tuple(turn.text for turn in path.turns[6:]) for path in paths}) == 3
    assert len({path.sessions[0].labels[0].id for path in paths}) == 3


async def test_shared_sub_steps_are_written_once() -> None:
    answers = model(remaining=True)
    dialogue = await written(answers=answers, loops=2)
    assert len(leaf_ids(nodes_of(dialogue))) == 9
    assert answers.counts() == {"substep": 3 + 3 * 3 + 3 * 3 + 9 * 3, "loop_check": 3 + 9, "closing": 9}


@pytest.mark.parametrize("most", [1, 2, 4, 9, 20])
async def test_the_tree_never_has_more_paths_than_asked_for(most: int) -> None:
    dialogue = await written(answers=model(remaining=True), most_paths=most)
    assert len(leaf_ids(nodes_of(dialogue))) == most


async def test_where_there_are_more_channels_than_paths_the_seed_draws_those_that_are_followed() -> None:
    one = Crisp(commonsense="off", filters=False, most_paths=1)
    drawn = {seed: await write(one, case("en"), model(), seed=seed) for seed in range(12)}
    assert {str(dialogue.sessions[0].notes["leaf"]) for dialogue in drawn.values()} == {"l1c1", "l1c2", "l1c3"}
    again = await write(one, case("en"), model(), seed=3)
    assert again.sessions == drawn[3].sessions


async def test_paths_keep_the_case_and_lose_the_tree() -> None:
    for path in leaves(await written()):
        assert path.case == case("en")
        assert path.extra == {"situation": "s"}


@pytest.mark.accepts("crisp", 7)
async def test_a_run_writes_every_path_as_a_dialogue_and_the_tree_costs_what_it_costs_once(
    tmp_path: Path,
) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case("en"), Case(id="t", lang="zh", scenario=case("zh").scenario)])
    options = {"commonsense": "off"}
    summary = await run_cases("crisp", tmp_path / "cases.jsonl", tmp_path / "out", options=options)
    found = list(read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue))
    assert summary.dialogues == len(found) == len({dialogue.id for dialogue in found}) > 2
    for situation in "st":
        paths = [one for one in found if one.extra["situation"] == situation]
        assert len(paths) >= 3
        assert all(one.case and one.case.id == situation and one.lineage for one in paths)
        first = [[turn.text for turn in one.turns if turn.extra["loop"] == 1][:6] for one in paths]
        assert all(texts == first[0] for texts in first)
    assert sum(one.quality.calls for one in found) == summary.progress.calls


# Filters


def expert(call: Call, mark: int) -> dict[str, Any]:
    assert call.schema
    return {"reason": "-"} | {name: mark for name in call.schema["properties"] if name != "reason"}


def judges(lang: Lang = "en", *, faults: Any = (), harmful: bool = False, mark: Any = 4, **more: Any) -> Scripted:
    """A model that writes and then filters what it wrote; ``mark``: of every criterion, or a function of the call."""
    marks = mark if callable(mark) else lambda call: expert(call, mark)
    safety = {"reason": "a threat", "harmful": harmful}
    return model(lang, filter_basic={"faults": list(faults)}, filter_safety=safety, filter_expert=marks, **more)


QUOTED = {"kind": "coherence", "quote": LINE["en"].format(4), "why": "It answers nothing."}


@pytest.mark.accepts("crisp", 9)
@pytest.mark.parametrize(
    ("answers", "reason", "asked"),
    [
        (judges(faults=[QUOTED]), f"basic, coherence: '{QUOTED['quote']}', It answers nothing.", (1, 0, 0)),
        (judges(harmful=True), "safety: a threat", (1, 1, 0)),
        (judges(mark=3), "expert: mean 3.00 of 16 criteria, under 3.5", (1, 1, 3)),
    ],
)
async def test_a_dialogue_that_fails_a_filter_is_kept_apart_with_the_reason_and_is_not_in_the_set(
    answers: Scripted, reason: str, asked: tuple[int, int, int], tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case("en")])
    options = {"most_paths": 1, "commonsense": "off"}
    for _ in range(2):  # a second start finds it there
        summary = await run_cases("crisp", tmp_path / "cases.jsonl", tmp_path / "out", options=options, models=answers)
        (kept,) = read_jsonl(tmp_path / "out/apart.jsonl", Dialogue)
        assert (kept.quality.apart, summary.apart, summary.dialogues) == (reason, 1, 0)
        assert (tmp_path / "out/dialogues.jsonl").read_bytes() == b""
        assert json.loads((tmp_path / "out/failures.jsonl").read_text("utf-8"))["reason"] == "kept apart"
    assert tuple(len(answers.asked(f"filter_{one}")) for one in ("basic", "safety", "expert")) == asked
    assert kept.turns


@pytest.mark.accepts("crisp", 9)
@pytest.mark.parametrize(("low", "kept"), [(3, True), (2, False)])
async def test_the_mean_of_all_sixteen_criteria_decides_and_3_5_is_enough(low: int, kept: bool) -> None:
    def half(call: Call) -> dict[str, Any]:
        names = [name for name in expert(call, 4) if name != "reason"]
        return expert(call, 4) | {name: low for name in names if CRITERIA.index(name) % 2}

    dialogue = await written(answers=judges(mark=half), most_paths=1, filters=True)
    assert dialogue.extra["filter"]["expert"].keys() == {"therapist", "help_seeker", "supervisor"}  # type: ignore[call-overload,index,union-attr]
    assert len(dialogue.extra["filter"]["scores"]) == 16  # type: ignore[call-overload,index,arg-type]
    assert (dialogue.quality.apart is None) == kept


async def test_of_a_tree_only_the_paths_that_fail_are_kept_apart(tmp_path: Path) -> None:
    def bad_for_blaming(call: Call) -> dict[str, Any]:
        return expert(call, 1 if "On trial were:\n- Blaming:" in text_of(call) else 5)

    def play(call: Call) -> Any:
        answer = named(call)
        for one, name in zip(answer.get("channels", ()), ("Mind Reading", "Blaming", "Fortune Telling"), strict=False):
            one["distortion"] = name
        return answer

    named = player("en")
    write_jsonl(tmp_path / "cases.jsonl", [case("en")])
    answers = judges(mark=bad_for_blaming, substep=play)
    options = {"commonsense": "off"}
    summary = await run_cases("crisp", tmp_path / "cases.jsonl", tmp_path / "out", options=options, models=answers)
    assert (summary.dialogues, summary.apart, summary.failures) == (2, 1, 0)
    found = list(read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue))
    assert {one.sessions[0].labels[0].id for one in found} == {"mind_reading", "fortune_telling"}
    (kept,) = read_jsonl(tmp_path / "out/apart.jsonl", Dialogue)
    assert kept.sessions[0].labels[0].id == "blaming"


async def test_a_fault_that_quotes_what_nobody_said_is_asked_for_again() -> None:
    stray = QUOTED | {"quote": "Nobody ever said this line."}
    answers = judges()
    answers.replies["filter_basic"] = [{"faults": [stray]}, {"faults": []}]
    dialogue = await written(answers=answers, most_paths=1, filters=True)
    assert dialogue.quality.apart is None
    assert "nobody says this" in text_of(answers.asked("filter_basic")[1])


@pytest.mark.parametrize("lang", LANGS)
async def test_experts_read_the_strategy_before_each_sentence_and_the_criteria_of_their_perspective(lang: Lang) -> None:
    answers = judges(lang)
    await written(lang, answers, most_paths=1, filters=True)
    texts = [text_of(call) for call in answers.asked("filter_expert")]
    assert [sum(f"- {name} " in text or f"- {name}（" in text for name in CRITERIA) for text in texts] == [5, 9, 2]
    strategy = STRATEGIES["question"].name(lang)
    assert all(f"[{strategy}] {LINE[lang].format(2)}" in text for text in texts)


# A judge on a sample


def trying() -> Callable[[Call], Any]:
    """Plays the therapist so that defense asks for facts in favor and prosecution for facts against."""
    play, says = (
        player("en", channels=1),
        {"Defense": "What was done that supports it?", "Prosecution": "When was it not so?"},
    )

    def tried(call: Call) -> Any:
        answer = play(call)
        step = re.search(r'Now write sub-step "(\w+)', text_of(call))
        if step and step[1] in says:
            answer["exchanges"][0]["therapist"][1]["text"] = says[step[1]]
        return answer

    return tried


def judge(call: Call) -> dict[str, Any]:
    """A judge that goes by the reply, which stands before the questions; it is not told the step."""
    reply = text_of(call).split("# The reply to be rated")[1].split("# The questions")[0]
    says = {"facts_for": "supports it" in reply, "facts_against": "not so" in reply}
    assert call.schema
    values = {name: says.get(name, True) for name in call.schema["properties"]}
    return {name: {"evidence": [reply.strip()], "reason": "-", "value": value} for name, value in values.items()}


@pytest.mark.accepts("crisp", 4)
async def test_a_judge_finds_that_defense_asks_for_facts_in_favor_and_prosecution_for_facts_against(
    tmp_path: Path,
) -> None:
    written_ = [await written(answers=model(substep=trying(), remaining=[True, False])) for _ in range(2)]
    for at, one in enumerate(written_):
        one.id = f"d{at}"
    write_jsonl(tmp_path / "d.jsonl", written_)
    for name, wanted in (("crisp_defense", (1, 0)), ("crisp_prosecution", (0, 1))):
        found = await rate(tmp_path / "d.jsonl", [name], tmp_path / name, models=[Scripted(rate=judge)], limit=1)
        (result,) = found.results[name]
        assert found.ratings == 2, "one turn of that step in each loop of the sampled dialogue"
        assert (result.items["facts_for"], result.items["facts_against"]) == wanted


# Common sense


@pytest.mark.accepts("crisp", 8)
@pytest.mark.parametrize("lang", LANGS)
async def test_inferences_stand_in_the_prompt_and_in_the_tree_and_can_be_switched_off(lang: Lang) -> None:
    on, off = model(lang), model(lang)
    dialogue = await written(lang, on, most_paths=1, commonsense="model")
    await written(lang, off, most_paths=1)
    assert all("xWant" in text_of(call) and "to be asked once" in text_of(call) for call in on.asked("substep"))
    used: Any = dialogue.extra["commonsense"]
    assert [list(loop) for loop in used] == [list(PLAN.ids)]
    assert used[0]["verdict"] == [{"relation": "xWant", "text": "to be asked once"}]
    assert "to be asked once" not in str(dialogue.sessions[0].notes), "what a reader meets first stays short"
    assert not any("xWant" in text_of(call) for call in off.calls)


async def test_a_table_is_looked_up_without_a_call(tmp_path: Path) -> None:
    file = tmp_path / "atomic.jsonl"
    rows = [
        ("PersonX loses the demo", "xWant", "to be asked next time"),
        ("PersonX loses the demo", "xAttr", "unlucky"),
        ("PersonX bakes a cake", "xReact", "proud"),
    ]
    file.write_text("".join(f'{{"head": "{h}", "relation": "{r}", "tail": "{t}", "split": "x"}}\n' for h, r, t in rows))
    answers = model()
    dialogue = await written(answers=answers, most_paths=1, commonsense=file)
    assert "commonsense" not in answers.counts()
    assert "to be asked next time" in text_of(answers.calls[0])
    assert not any(word in text_of(answers.calls[0]) for word in ("unlucky", "proud"))
    assert [one.text for one in nodes_of(dialogue)[0].commonsense["automatic_thoughts"]] == ["to be asked next time"]


def test_a_table_that_cannot_be_read_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text('{"head": "a", "relation": "xWant", "tail": "b"}\n{"head": 1}\n')
    with pytest.raises(BadRecord, match="line 2"):
        table(file)


async def test_a_run_with_a_table_that_is_not_there_does_not_begin(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case("en")])
    options = {"commonsense": str(tmp_path / "nowhere.jsonl")}
    with pytest.raises(UsageError, match=r"nowhere\.jsonl cannot be read: No such file") as told:
        await run_cases("crisp", tmp_path / "cases.jsonl", tmp_path / "out", options=options)
    assert "head, relation, tail" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_table_finds_chinese_events_by_shared_characters(tmp_path: Path) -> None:
    file = tmp_path / "zh.jsonl"
    file.write_text('{"head": "演示给了同事", "relation": "xReact", "tail": "委屈"}\n', "utf-8")
    assert [one.text for one in table(file).about(SITUATION["zh"], 3)] == ["委屈"]
    assert table(file).about("天气很好", 3) == []


# Who reads what


@pytest.mark.parametrize("lang", LANGS)
async def test_the_loop_judge_reads_the_whole_dialogue_and_not_the_situation(lang: Lang) -> None:
    answers = model(lang)
    dialogue = await written(lang, answers, most_paths=1)
    (judged,) = answers.asked("loop_check")
    assert all(turn.text in text_of(judged) for turn in dialogue.turns[:-1])
    assert SITUATION[lang] not in text_of(judged)
    assert judged.decoding.get("temperature") == 0.0


@pytest.mark.parametrize("lang", LANGS)
async def test_only_the_sub_step_at_hand_is_told_the_thought_on_trial(lang: Lang) -> None:
    answers = model(lang)
    await written(lang, answers, most_paths=1)
    marks = {"en": "The thought on trial", "zh": "要审的想法"}[lang]
    assert [marks in text_of(call) for call in answers.asked("substep")] == [False] * 3 + [True] * 3


@pytest.mark.accepts("crisp", 10)
async def test_labels_are_the_same_english_ids_in_both_languages_and_have_a_name_in_each() -> None:
    zh, en = [[label for turn in (await written(lang)).turns for label in turn.labels] for lang in LANGS]
    assert [(label.set, label.id) for label in zh] == [(label.set, label.id) for label in en]
    for label in en:
        term = label_set(label.set)[label.id]
        assert term.id.isascii()
        assert term.name("en").isascii()
        assert re.search(r"[\u4e00-\u9fff]", term.name("zh"))


def test_label_sets_hold_what_the_paper_counts() -> None:
    assert (len(STRATEGIES), len(DISTORTIONS)) == (8, 15)
    assert [term.id for term in PLAN.labels.children("identification")] == list(PLAN.ids[:3])
    assert [term.id for term in PLAN.labels.children("restructuring")] == list(PLAN.ids[3:])


def test_bundled_cases_bring_a_situation() -> None:
    assert all(case.get("scenario.situation") for case in read_jsonl(find_system("crisp").cases(), Case))
