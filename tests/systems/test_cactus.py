"""CACTUS: the checks of its specification. arXiv 2407.03103."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import AnswerRejected
from psyloom.records import Case, Dialogue, Lang, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.systems import find_system
from psyloom.systems.cactus.system import ATTITUDES, TECHNIQUES, tidy
from tests.runs.workshop import psyloom
from tests.support import Scripted, numbered, text_of, write

PLAN = {"cbt_technique": "Decatastrophizing", "cbt_plan": "Explore, then weigh the worst case, then close."}
FORM = {
    "problem": "PROBLEM I burn bread.", "reason": "REASON I sleep badly.", "history": "HISTORY nothing before.",
    "functioning": "FUNCTIONING slow at work.", "support": "SUPPORT my brother.",
}  # fmt: skip


def client(lang: Lang = "en", attitude: str | None = None) -> Case:
    return Case.model_validate(
        {
            "id": "c", "lang": lang, "demographics": {"name": "Mina", "age": 29}, "intake": FORM, "thought": {"thought": "THOUGHT I am useless."},
            "disposition": {"attitude": attitude} if attitude else None,
            "opening": [{"counselor": "Hello Mina."}, {"client": "I burnt a batch today."}],
        }
    )  # fmt: skip


def script(messages: int = 22, first: str = "counselor", lang: Lang = "en") -> dict[str, Any]:
    sides = ["counselor", "client"] if first == "counselor" else ["client", "counselor"]
    said = {"en": "message {} of the script", "zh": "这是对话的第{}条发言"}[lang]
    return {"turns": [{"speaker": sides[n % 2], "text": said.format(n)} for n in range(messages)]}


def with_message(at: int, **changed: str) -> dict[str, Any]:
    """A good script but for one message."""
    found = script()
    found["turns"][at] |= changed
    return found


def pairing(**more: object) -> Scripted:
    return Scripted(plan=PLAN, counselor=numbered("reply"), client=numbered("word"), **more)


async def simulate(model: Scripted, case: Case, **options: object) -> Dialogue:
    from psyloom.runs import pair

    return await write(pair("cactus", "cactus", {k: str(v) for k, v in options.items()}), case, model)


@pytest.mark.accepts("cactus", 1)
async def test_the_planner_is_called_once_a_session_and_before_any_generated_turn() -> None:
    model = pairing()
    await simulate(model, client())
    assert [call.prompt for call in model.calls].count("plan") == 1
    assert model.calls[0].prompt == "plan"


@pytest.mark.accepts("cactus", 1)
async def test_of_several_sessions_each_gets_one_plan_of_its_own() -> None:
    model = pairing(record={"summary": "s", "learnt": [], "homework": [], "ratings": []})
    await simulate(model, client(), max_exchanges=2, sessions=2)
    assert len(model.asked("plan")) == 2


async def test_a_technique_outside_the_twelve_is_asked_for_again_and_then_marked() -> None:
    assert len(TECHNIQUES) == 12
    off = {"cbt_technique": "Hypnosis", "cbt_plan": "Sleep."}
    mended = await write("cactus", client(), Scripted(plan_script=[off, PLAN], script=script()))
    assert mended.sessions[0].notes["cbt_technique"] == "decatastrophizing"
    assert "off_list" not in mended.sessions[0].notes
    marked = await write("cactus", client(), Scripted(plan_script=off, script=script()))
    assert marked.sessions[0].notes["off_list"] == "Hypnosis"


@pytest.mark.accepts("cactus", 1)
async def test_the_planner_of_a_simulated_session_is_held_to_the_twelve_too() -> None:
    off = {"cbt_technique": "Hypnosis", "cbt_plan": "Sleep."}
    talkers = {"counselor": numbered("reply"), "client": numbered("word")}
    mended = await simulate(Scripted(plan=[off, PLAN], **talkers), client(), max_exchanges=2)
    assert mended.sessions[0].notes == {"cbt_technique": "decatastrophizing", "cbt_plan": PLAN["cbt_plan"]}
    model = Scripted(plan=off, **talkers)
    marked = await simulate(model, client(), max_exchanges=2)
    assert marked.sessions[0].notes["off_list"] == "Hypnosis"
    assert [call.prompt for call in model.calls[:4]] == ["plan", "plan", "plan", "counselor"]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("over", "kept", "rule"), [(20, 21, "too few"), (36, 35, "too many")])
@pytest.mark.accepts("cactus", 2)
async def test_one_call_yields_the_whole_script_counselor_first_alternating_21_to_35_messages(
    over: int, kept: int, rule: str, lang: Lang
) -> None:
    faulty = [script(12, lang=lang), script(40, lang=lang), script(24, "client", lang), script(30, lang=lang)]
    model = Scripted(plan_script=PLAN, script=faulty)
    with pytest.raises(AnswerRejected):
        await write("cactus", client(lang), model)
    model = Scripted(plan_script=PLAN, script=[script(over, lang=lang), script(kept, lang=lang)])
    dialogue = await write("cactus", client(lang), model)
    assert [turn.speaker for turn in dialogue.turns[:3]] == ["counselor", "client", "counselor"]
    assert len(dialogue.turns) == kept
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    assert model.counts() == {"plan_script": 1, "script": 2}


@pytest.mark.parametrize(
    ("rule", "faulty"),
    [
        ("alternate", with_message(8, speaker="client")),
        ("names", with_message(8, text="We now use Decatastrophizing.")),
        ("language", with_message(8, text="我们再看看最坏会怎样。")),
        ("list", with_message(8, text="You could try this: 1. sleep; 2. run.")),
        ("repeats", with_message(8, text="message 6 of the script")),
    ],
)
@pytest.mark.accepts("cactus", 2)
async def test_a_script_that_breaks_what_the_prompt_asks_for_is_asked_for_again(rule: str, faulty: Any) -> None:
    dialogue = await write("cactus", client(), Scripted(plan_script=PLAN, script=[faulty, script()]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    lenient = await write("cactus", client(), Scripted(plan_script=PLAN, script=faulty), options={"strict": "false"})
    assert f"script: {rule}" in lenient.quality.kept


@pytest.mark.parametrize("strict", ["true", "false"])
@pytest.mark.accepts("cactus", 5)
async def test_an_end_token_in_a_script_is_not_stored(strict: str) -> None:
    model = Scripted(plan_script=PLAN, script=with_message(21, text="I feel better now. [/END]"))
    dialogue = await write("cactus", client(), model, options={"strict": strict})
    assert dialogue.turns[-1].text == "I feel better now."
    assert len(model.asked("script")) == 1


async def test_the_papers_leniency_keeps_a_script_of_any_length() -> None:
    model = Scripted(plan_script=PLAN, script=script(12))
    dialogue = await write("cactus", client(), model, options={"strict": "false"})
    assert len(dialogue.turns) == 12
    assert len(model.asked("script")) == 1


@pytest.mark.parametrize("attitude", ["positive", "neutral", "negative"])
@pytest.mark.accepts("cactus", 3)
async def test_the_same_form_runs_under_each_attitude_and_the_record_carries_exactly_that_one(attitude: str) -> None:
    model = Scripted(plan_script=PLAN, script=script())
    dialogue = await write("cactus", client(attitude="neutral"), model, options={"attitude": attitude})
    assert dialogue.sessions[0].notes["attitude"] == attitude
    assert dialogue.case is not None
    assert dialogue.case.get("disposition.attitude") == attitude
    assert ATTITUDES[attitude].definition.en in text_of(model.asked("script")[0])


@pytest.mark.parametrize("attitude", ["positive", "neutral", "negative"])
@pytest.mark.accepts("cactus", 3)
async def test_the_attitude_of_a_case_is_kept_where_no_other_is_asked_for(attitude: str) -> None:
    dialogue = await write("cactus", client(attitude=attitude), Scripted(plan_script=PLAN, script=script()))
    assert dialogue.sessions[0].notes["attitude"] == attitude


@pytest.mark.accepts("cactus", 3)
async def test_without_an_attitude_one_is_drawn_by_the_seed_and_all_three_come_up() -> None:
    async def drawn(seed: int) -> object:
        dialogue = await write("cactus", client(), Scripted(plan_script=PLAN, script=script()), seed=seed)
        return dialogue.sessions[0].notes["attitude"]

    assert await drawn(1) == await drawn(1)
    assert {await drawn(seed) for seed in range(20)} == {"positive", "neutral", "negative"}


async def test_a_case_without_a_form_gets_one_from_its_thought() -> None:
    bare = client().model_copy(update={"intake": None})
    model = Scripted(intake=FORM, plan_script=PLAN, script=script())
    dialogue = await write("cactus", bare, model)
    assert dialogue.case is not None
    assert dialogue.case.derived == ["intake"]
    assert "THOUGHT" in text_of(model.asked("intake")[0])
    assert "REASON" in text_of(model.asked("plan_script")[0])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.accepts("cactus", 4)
async def test_the_counselor_reads_sections_1_and_3_the_plan_and_the_talk_and_no_other_section(lang: Lang) -> None:
    model = pairing()
    await simulate(model, client(lang))
    for call in model.asked("counselor"):
        said = text_of(call)
        assert all(word in said for word in ("Mina", "REASON", PLAN["cbt_plan"], "I burnt a batch today."))
        assert not any(word in said for word in ("PROBLEM", "HISTORY", "FUNCTIONING", "SUPPORT", "THOUGHT"))
    assert "REASON" in text_of(model.asked("plan")[0])
    assert "PROBLEM" not in text_of(model.asked("plan")[0])


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Sure, here it is. Counselor: I hear you.", "I hear you."),
        ('She said \\"no\\"\n\nand you left.', "She said no and you left."),
        ("咨询师：我听到了。\n后来呢？", "我听到了。后来呢？"),
        ("他说“不行”，你就走了。", "他说“不行”，你就走了。"),
    ],
)
def test_counselor_texts_are_cleaned_as_released(raw: str, clean: str) -> None:
    assert tidy(raw) == clean
    assert tidy(clean) == clean


async def test_a_simulated_counselors_reply_is_cleaned_before_it_is_said() -> None:
    model = Scripted(
        plan=PLAN, counselor='Client said so. Counselor: I see "that".\nTell me \\more.', client=numbered("word")
    )
    dialogue = await simulate(model, client(), max_exchanges=1)
    assert dialogue.turns[-2].text == "I see that. Tell me more."


async def test_the_client_reads_form_and_attitude_only_unless_the_papers_slip_is_asked_for() -> None:
    model = pairing()
    await simulate(model, client(attitude="negative"))
    assert "SUPPORT" in text_of(model.asked("client")[0])
    assert ATTITUDES["negative"].definition.en in text_of(model.asked("client")[0])
    assert "THOUGHT" not in text_of(model.asked("client")[0])
    model = pairing()
    await simulate(model, client(), **{"client.client_sees_full_record": "true"})
    assert "THOUGHT" in text_of(model.asked("client")[0])


async def test_the_full_record_holds_nothing_that_an_openness_dial_holds_back() -> None:
    for openness, told in (("1", True), ("0", False)):
        model = pairing()
        options = {"client.client_sees_full_record": "true", "dials.openness": openness}
        await simulate(model, client(), **options)
        shown = [text_of(call) for call in model.asked("client")]
        assert all(("THOUGHT" in text) == ("HISTORY" in text) == told for text in shown)


@pytest.mark.accepts("cactus", 5)
async def test_the_end_token_is_never_stored_and_stops_the_session_at_once() -> None:
    says = iter(["first words of mine", "second words of mine", "I feel better now. [/END]"])
    model = Scripted(plan=PLAN, counselor=numbered(), client=lambda _: next(says))
    dialogue = await simulate(model, client())
    assert len(dialogue.turns) == 2 + 6
    assert dialogue.turns[-1].text == "I feel better now."
    assert "[/END]" not in json.dumps(dialogue.model_dump(mode="json"))
    assert dialogue.sessions[0].ended == "client closed"


@pytest.mark.accepts("cactus", 5, 10)
async def test_a_full_session_has_42_messages_with_the_seeded_pair_and_41_calls() -> None:
    model = pairing()
    dialogue = await simulate(model, client())
    assert len(dialogue.turns) == 42
    assert [t.speaker for t in dialogue.turns] == ["counselor", "client"] * 21
    assert len(model.calls) == dialogue.quality.calls == 41
    assert dialogue.sessions[0].ended == "limit"


async def test_the_bundled_cases_cover_both_entries_a_form_and_a_bare_thought_in_both_languages() -> None:
    cases = list(read_jsonl(find_system("cactus").cases(), Case))
    assert {(case.lang, case.intake is not None) for case in cases} == {
        ("zh", True),
        ("zh", False),
        ("en", True),
        ("en", False),
    }


async def test_balanced_techniques_are_dealt_out_evenly_over_a_file_and_the_planner_only_plans() -> None:
    def of(position: int, seed: int = 0) -> Any:
        model = Scripted(plan_script={"cbt_technique": "Reality Testing", "cbt_plan": "A plan."}, script=script())
        return write("cactus", client(), model, options={"technique": "balanced"}, position=position, seed=seed), model

    async def dealt(position: int, seed: int = 0) -> str:
        written, model = of(position, seed)
        notes = (await written).sessions[0].notes
        assert model.counts() == {"plan_script": 1, "script": 1}
        said, term = text_of(model.asked("plan_script")[0]), TECHNIQUES[notes["cbt_technique"]]
        assert f"is fixed: {term.en}." in said
        assert "cbt_technique" not in said
        return term.id

    deal = [await dealt(position) for position in range(30)]
    assert deal == [await dealt(position) for position in range(30)]
    assert set(Counter(deal).values()) == {2, 3}
    assert deal[:12] != deal[12:24]
    assert deal[:12] != [await dealt(position, seed=1) for position in range(12)]


async def test_a_file_deals_the_techniques_by_the_place_of_each_case_also_when_it_is_continued(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    write_jsonl(file, (client().model_copy(update={"id": f"c{n}"}) for n in range(24)))
    for limit in (7, None):
        await run_cases("cactus", file, tmp_path / "d", options={"technique": "balanced"}, limit=limit)
    dialogues = read_jsonl(tmp_path / "d/dialogues.jsonl", Dialogue)
    found = Counter(one.sessions[0].notes["cbt_technique"] for one in dialogues)
    assert (len(found), set(found.values())) == (12, {2})


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_score_filter_asks_six_items_and_keeps_apart_what_does_not_reach_a_mean_of_five(lang: Lang) -> None:
    for score, kept in ((5, True), (4, False)):
        model = Scripted(plan_script=PLAN, script=script(lang=lang), score={"reason": "Because.", "score": score})
        dialogue = await write("cactus", client(lang), model, options={"score": "true"})
        assert model.counts() == {"plan_script": 1, "script": 1, "score": 6}
        found = dialogue.extra["filter"]
        assert (found["mean"], len(found["scores"])) == (score, 6)
        assert (dialogue.quality.apart is None) == kept
        last = script(lang=lang)["turns"][-1]["text"]
        assert all(last in text_of(call) for call in model.asked("score"))
        assert not any("REASON" in text_of(call) for call in model.asked("score")), (
            "the judge reads the transcript alone"
        )


async def test_a_rehearsed_dialogue_passes_the_score_filter(tmp_path: Path) -> None:
    summary = await run_cases("cactus", find_system("cactus").cases(), tmp_path / "d", options={"score": "true"})
    assert summary.failures == summary.apart == 0


@pytest.mark.accepts("cactus", 6, 7, 8)
def test_the_reports_of_simulated_sessions_hold_every_item_every_mean_and_the_change_by_attitude(
    tmp_path: Path,
) -> None:
    attitudes = ("positive", "neutral", "negative")
    write_jsonl(tmp_path / "c.jsonl", (client(attitude=one).model_copy(update={"id": one}) for one in attitudes))
    pairing = ("--counselor", "cactus", "--client", "cactus", "--set", "max_exchanges=3")
    assert not psyloom("simulate", *pairing, tmp_path / "c.jsonl", "--out", tmp_path / "d").err
    shown = psyloom("rate", tmp_path / "d", "--with", "ctrs,panas,wai", "--out", tmp_path / "r", "--json")
    found = json.loads(shown.out)
    reports = {(name, one["moment"]): one for name, each in found["results"].items() for one in each}
    assert {key: (len(one["items"]), list(one["values"])) for key, one in reports.items()} == {
        ("ctrs", None): (6, ["general", "cbt"]),
        ("panas", "before"): (20, ["positive_affect", "negative_affect"]),
        ("panas", "after"): (20, ["positive_affect", "negative_affect"]),
        ("wai_o_s", None): (12, ["task", "bond", "goal", "total"]),
    }
    assert {one["group"] for one in found["changes"]["panas"]} == set(attitudes)
    for one in found["changes"]["panas"]:
        assert set(one["change"]) == {"positive_affect", "negative_affect"}
        assert all(one["change"][name] == one["after"][name] - one["before"][name] for name in one["change"])
    told = psyloom("rate", tmp_path / "d", "--with", "panas", "--out", tmp_path / "r2").out
    assert all(f"change: {attitude} clients, 1 dialogues" in told for attitude in attitudes)
