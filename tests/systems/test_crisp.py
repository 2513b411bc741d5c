"""CRDial: sub-steps in order, channels, loops, a strategy on every sentence, a tree whose paths share their beginning."""

import re
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import AnswerRejected, BadRecord
from psyloom.llm import Call
from psyloom.records import Case, Dialogue, Lang, Scenario, read_jsonl
from psyloom.systems import find_system
from psyloom.systems.crisp.commonsense import table
from psyloom.systems.crisp.system import PLAN, Crisp
from psyloom.systems.crisp.tree import DISTORTIONS, STRATEGIES, Node, leaf_ids, leaves
from tests.support import Scripted, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
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
    return await write(Crisp(**{"commonsense": "off"} | options), case(lang), answers or model(lang))


# The way of a path


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("loops", [1, 2, 3])
async def test_every_loop_goes_through_the_six_sub_steps_in_order(loops: int, lang: Lang) -> None:
    dialogue = await written(lang, model(lang, remaining=[True] * (loops - 1) + [False]), paths="one")
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
    await written(answers=answers, paths="one")
    assert answers.counts() == {"substep": 12, "loop_check": 2, "closing": 1}


async def test_a_model_that_writes_the_inferences_is_asked_once_more_in_each_sub_step() -> None:
    answers = model()
    await written(answers=answers, paths="one", commonsense="model")
    assert answers.counts() == {"substep": 6, "commonsense": 6, "loop_check": 1, "closing": 1}


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_loops_never_exceed_the_limit_and_the_check_follows_every_verdict(limit: int) -> None:
    answers = model(remaining=True)
    dialogue = await written(answers=answers, paths="one", loops=limit)
    assert [call.prompt for call in answers.calls] == (["substep"] * 6 + ["loop_check"]) * limit + ["closing"]
    assert dialogue.sessions[0].ended == "limit"


async def test_a_false_ends_the_dialogue_with_a_closing_turn_of_the_therapist() -> None:
    dialogue = await written(paths="one")
    assert dialogue.sessions[0].ended == "no distorted belief remains"
    assert dialogue.turns[-1].speaker == "counselor"
    assert dialogue.turns[-1].text == LINE["en"].format(0)
    assert not any(label.set == "crisp_step" for label in dialogue.turns[-1].labels)


async def test_sides_alternate_over_all_stretches_and_the_therapist_opens() -> None:
    dialogue = await written(answers=model(remaining=[True, False]), paths="one")
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 12 + ["counselor"]


# Channels and verdicts


@pytest.mark.parametrize(
    ("names", "calls"),
    [(["Mind Reading"], 1), (["Mind Reading", "Blaming", "Fortune Telling"], 1), ([], 3), (["Blaming"] * 2, 3), (["Laziness"], 3),
     (["Mind Reading", "Blaming", "Fortune Telling", "Catastrophizing"], 3)],
)  # fmt: skip
async def test_core_beliefs_give_one_to_three_different_distortions_of_the_fifteen(
    names: list[str], calls: int
) -> None:
    def play(call: Call) -> Any:
        answer = player("en")(call)
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


async def test_a_branch_treats_exactly_one_distortion_and_a_path_none_twice() -> None:
    for path in leaves(await written(answers=model(remaining=True))):
        treated = [label.id for label in path.sessions[0].labels]
        loops = path.sessions[0].notes["loops"]
        assert isinstance(loops, list)
        assert len(treated) == len(set(treated)) == len(loops) == 3


async def test_a_distortion_that_was_on_trial_is_not_accepted_as_a_channel_again() -> None:
    def stubborn(call: Call) -> Any:
        answer = player("en")(call)
        if "channels" in answer:
            answer["channels"] = [{"distortion": "Blaming", "thought": "It is all their doing."}]
        return answer

    with pytest.raises(AnswerRejected, match="Blaming has been treated already"):
        await written(answers=model(remaining=True, substep=stubborn))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("new", [None, "", "the old one"])
async def test_a_verdict_that_says_restructured_needs_a_new_thought_other_than_the_old(
    new: str | None, lang: Lang
) -> None:
    old: list[str] = []

    def play(call: Call) -> Any:
        answer = player(lang, channels=1)(call)
        if "channels" in answer:
            old[:] = [answer["channels"][0]["thought"]]
        if "verdict" in answer:
            answer["verdict"]["new_thought"] = old[0] if new == "the old one" else new
        return answer

    answers = model(lang, substep=play)
    with pytest.raises(AnswerRejected):
        await written(lang, answers, paths="one")
    assert len(answers.calls) == 5 + 3


async def test_a_verdict_may_say_that_nothing_has_shifted() -> None:
    answers = model(substep=player("en", shifted=False))
    dialogue = await written(answers=answers, paths="one")
    assert dialogue.sessions[0].notes["loops"][0]["verdict"] == {"restructured": False, "new_thought": None}  # type: ignore[index, call-overload]
    assert answers.counts()["substep"] == 6


async def test_a_second_trial_prosecutes_and_judges_once_more_only_what_has_not_shifted() -> None:
    unmoved, moved = model(substep=player("en", shifted=False)), model()
    dialogue = await written(answers=unmoved, paths="one", second_trial=True)
    await written(answers=moved, paths="one", second_trial=True)
    assert [step for _, step in steps_of(dialogue)] == [*PLAN.ids, "prosecution", "verdict"]
    assert (unmoved.counts()["substep"], moved.counts()["substep"]) == (8, 6)


@pytest.mark.parametrize("lang", LANGS)
async def test_defense_asks_for_facts_that_support_and_prosecution_for_facts_against(lang: Lang) -> None:
    answers = model(lang)
    await written(lang, answers, paths="one")
    defense, prosecution = (text_of(call) for call in answers.asked("substep")[3:5])
    for text, one in ((defense, PLAN["defense"]), (prosecution, PLAN["prosecution"])):
        assert one.leave.of(lang) in text
    assert PLAN["prosecution"].leave.of(lang) not in defense


# Sentences and strategies


@pytest.mark.parametrize("lang", LANGS)
async def test_every_sentence_of_the_therapist_carries_one_strategy_on_its_span_and_the_help_seeker_none(
    lang: Lang,
) -> None:
    dialogue = await written(lang, paths="one")
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


@pytest.mark.parametrize("each", [1, 4])
async def test_too_few_or_too_many_strategies_a_turn_are_asked_for_again_and_in_the_end_kept_and_counted(
    each: int,
) -> None:
    def play(call: Call) -> Any:
        answer = player("en")(call)
        answer["exchanges"][0]["therapist"] = [sentence("Question", f"What is it, number {n}?") for n in range(each)]
        return answer

    dialogue = await written(answers=model(substep=play), paths="one")
    assert dialogue.quality.kept["strategies"] == 6
    assert dialogue.quality.guards["strategies"] == 12
    lenient = await written(answers=model(substep=play), paths="one", strict=False)
    assert not lenient.quality.guards


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("list", "1. breathe, 2. write"),
        ("names", "I will use Reflection of Feelings now."),
        ("language", "我们慢慢来，先说说当时的情形。"),
    ],
)
async def test_a_stretch_that_breaks_the_form_is_asked_for_again_and_logged_by_reason(rule: str, text: str) -> None:
    broken = [True]

    def play(call: Call) -> Any:
        answer = player("en")(call)
        if broken:
            answer["exchanges"][0]["therapist"][0]["text"] = text
            broken.clear()
        return answer

    dialogue = await written(answers=model(substep=play), paths="one")
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    broken.append(True)
    assert not (await written(answers=model(substep=play), paths="one", strict=False)).quality.guards


async def test_without_self_disclosure_the_strategy_is_neither_offered_nor_accepted() -> None:
    used = [True]

    def play(call: Call) -> Any:
        answer = player("en")(call)
        if used:
            answer["exchanges"][0]["therapist"][0]["strategy"] = "Self-disclosure"
            used.clear()
        return answer

    answers = model(substep=play)
    dialogue = await written(answers=answers, paths="one", self_disclosure=False)
    assert "- Self-disclosure:" not in text_of(answers.calls[0])
    assert dialogue.quality.guards == {"script: strategy": 1}


# The tree


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
    assert len(leaf_ids(nodes_of(dialogue))) == min(most, 20)
    assert dialogue.quality.measures["paths"] == most


async def test_the_dialogue_of_the_case_is_one_of_the_paths_and_the_seed_draws_it() -> None:
    drawn = {seed: await write(Crisp(commonsense="off"), case("en"), model(), seed=seed) for seed in range(12)}
    for dialogue in drawn.values():
        (session,) = dialogue.sessions
        assert session in [path.sessions[0] for path in leaves(dialogue)]
    assert len({str(d.sessions[0].notes["leaf"]) for d in drawn.values()}) > 1
    again = await write(Crisp(commonsense="off"), case("en"), model(), seed=3)
    assert again.sessions == drawn[3].sessions


async def test_paths_keep_the_case_and_lose_the_tree() -> None:
    for path in leaves(await written()):
        assert path.case == case("en")
        assert path.extra == {"situation": "s"}


# Common sense


@pytest.mark.parametrize("lang", LANGS)
async def test_inferences_stand_in_the_prompt_and_in_the_tree_and_can_be_switched_off(lang: Lang) -> None:
    on, off = model(lang), model(lang)
    dialogue = await written(lang, on, paths="one", commonsense="model")
    await written(lang, off, paths="one")
    assert all("xWant" in text_of(call) and "to be asked once" in text_of(call) for call in on.asked("substep"))
    assert nodes_of(dialogue)[0].commonsense["core_beliefs"][0].text == "to be asked once"
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
    dialogue = await written(answers=answers, paths="one", commonsense=file)
    assert "commonsense" not in answers.counts()
    assert "to be asked next time" in text_of(answers.calls[0])
    assert not any(word in text_of(answers.calls[0]) for word in ("unlucky", "proud"))
    assert [one.text for one in nodes_of(dialogue)[0].commonsense["automatic_thoughts"]] == ["to be asked next time"]


def test_a_table_that_cannot_be_read_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text('{"head": "a", "relation": "xWant", "tail": "b"}\n{"head": 1}\n')
    with pytest.raises(BadRecord, match="line 2"):
        table(file)
    with pytest.raises(BadRecord, match="nowhere"):
        table(tmp_path / "nowhere.jsonl")


def test_a_table_finds_chinese_events_by_shared_characters(tmp_path: Path) -> None:
    file = tmp_path / "zh.jsonl"
    file.write_text('{"head": "演示给了同事", "relation": "xReact", "tail": "委屈"}\n', "utf-8")
    assert [one.text for one in table(file).about(SITUATION["zh"], 3)] == ["委屈"]
    assert table(file).about("天气很好", 3) == []


# Who reads what


@pytest.mark.parametrize("lang", LANGS)
async def test_the_loop_judge_reads_the_whole_dialogue_and_not_the_situation(lang: Lang) -> None:
    answers = model(lang)
    dialogue = await written(lang, answers, paths="one")
    (judged,) = answers.asked("loop_check")
    assert all(turn.text in text_of(judged) for turn in dialogue.turns[:-1])
    assert SITUATION[lang] not in text_of(judged)
    assert judged.decoding.get("temperature") == 0.0


@pytest.mark.parametrize("lang", LANGS)
async def test_only_the_sub_step_at_hand_is_told_the_thought_on_trial(lang: Lang) -> None:
    answers = model(lang)
    await written(lang, answers, paths="one")
    marks = {"en": "The thought on trial", "zh": "要审的想法"}[lang]
    assert [marks in text_of(call) for call in answers.asked("substep")] == [False] * 3 + [True] * 3


def test_label_sets_hold_what_the_paper_counts() -> None:
    assert (len(STRATEGIES), len(DISTORTIONS)) == (8, 15)
    assert [term.id for term in PLAN.labels.children("identification")] == list(PLAN.ids[:3])
    assert [term.id for term in PLAN.labels.children("restructuring")] == list(PLAN.ids[3:])


def test_bundled_cases_bring_a_situation() -> None:
    assert all(case.get("scenario.situation") for case in read_jsonl(find_system("crisp").cases(), Case))
