"""PGSim writes along a path of strategies and polishes; CADSS profiles, sums up, plans and supports."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.agents.roles import AGAIN
from psyloom.cli import app
from psyloom.errors import AnswerRejected, BadRecord, UnknownName, UsageError
from psyloom.formats import read
from psyloom.judging.metrics.predictions import predictions
from psyloom.knowledge import label_set
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import phrases
from psyloom.records import Case, Dialogue, Label, Lang, Post, Scenario, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import pair, run_cases
from psyloom.safety.review import RULES, violation
from psyloom.systems import find_system, make_role
from psyloom.systems.cadss.inspection import faults, path_of, strategy_of
from psyloom.systems.cadss.system import INVENTORIES, Cadss, CadssPredictions
from psyloom.systems.cadss.writer import QUADRUPLE, RECOMMENDED, STRATEGIES, Pgsim, draw_path
from tests.support import Scripted, annotate, desk_for, numbered, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
PATH = ("opening_greeting", "guiding_question", "comfort_and_encouragement", "suggest_methods", "closing_words")
SITUATION = {"zh": "大三学生，夜里睡不着。", "en": "A student who cannot sleep."}
LINE = {"zh": ("这是咨询师的第{}句。", "这是我的第{}句。"), "en": ("Supporter line {} here.", "Client line {} here.")}
LABELS = {
    "zh": {"group": ["大学生"], "type": ["自卑", "焦虑"], "cause": ["学业压力"], "focus": ["内驱力"]},
    "en": {
        "group": ["University students"],
        "type": ["Low self-worth", "Anxiety"],
        "cause": ["Study pressure"],
        "focus": ["Inner drive"],
    },
}


def case(lang: Lang, **more: Any) -> Case:
    given: dict[str, Any] = {
        **LABELS[lang],
        "situation": SITUATION[lang],
        "severity_before": 4,
        "severity_after": 2,
        "path": list(PATH),
    }
    return Case(id="c", lang=lang, scenario=Scenario(**given | more))


def steps(lang: Lang, path: tuple[str, ...] = PATH, **said: tuple[int, str]) -> list[dict[str, Any]]:
    """A draft along ``path``; ``said``: speaker -> (number of the step, words) in its place."""
    supporter, client = LINE[lang]
    made: list[dict[str, Any]] = [
        {"strategy": STRATEGIES[one].name(lang), "counselor": supporter.format(n), "client": client.format(n)}
        for n, one in enumerate(path)
    ]
    made[-1]["client"] = None
    for who, (at, words) in said.items():
        made[at][who] = words
    return made


def texts(draft: list[dict[str, Any]], prefix: str = "") -> list[str]:
    return [prefix + text for step in draft for text in (step["counselor"], step["client"]) if text]


def model(lang: Lang, **more: Any) -> Scripted:
    better = {"zh": "嗯，", "en": "Well, "}[lang]
    replies: dict[str, Any] = {
        "generate": {"steps": steps(lang)},
        "modify": {"texts": texts(steps(lang), better)},
        "situation": SITUATION[lang],
    }
    return Scripted(**replies | more)


# PGSim


@pytest.mark.accepts("cadss", 2, 4)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_k_th_supporter_turn_carries_the_k_th_strategy_of_the_path(lang: Lang) -> None:
    dialogue = await write(Pgsim(), case(lang), model(lang))
    supporter = [turn for turn in dialogue.turns if turn.speaker == "counselor"]
    assert [[label.id for label in turn.labels] for turn in supporter] == [[one] for one in PATH]
    assert [turn.speaker for turn in dialogue.turns] == ["counselor", "client"] * 4 + ["counselor"]
    assert not any(turn.labels for turn in dialogue.turns if turn.speaker == "client")
    assert dialogue.sessions[0].notes["path"] == list(PATH)


@pytest.mark.accepts("cadss", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_modifier_changes_the_words_and_nothing_else_and_the_draft_is_kept(lang: Lang) -> None:
    dialogue = await write(Pgsim(), case(lang), model(lang))
    plain = await write(Pgsim(modifier=False), case(lang), model(lang))
    assert dialogue.extra["draft"] == [turn.text for turn in plain.turns]
    assert all(a.text != b.text for a, b in zip(dialogue.turns, plain.turns, strict=True))
    assert [(t.speaker, t.labels) for t in dialogue.turns] == [(t.speaker, t.labels) for t in plain.turns]


async def test_a_dialogue_takes_two_calls_and_one_more_for_a_missing_situation() -> None:
    given, missing = model("en"), model("en")
    await write(Pgsim(), case("en"), given)
    dialogue = await write(Pgsim(), case("en", situation=None), missing)
    assert given.counts() == {"generate": 1, "modify": 1}
    assert missing.counts() == {"generate": 1, "modify": 1, "situation": 1}
    assert dialogue.case
    assert dialogue.case.get("scenario.situation") == SITUATION["en"]


@pytest.mark.accepts("cadss", 2, 4)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    "broken",
    [
        lambda lang: steps(lang)[:-1],
        lambda lang: [*steps(lang), steps(lang)[1]],
        lambda lang: steps(lang, (PATH[0], PATH[2], PATH[1], *PATH[3:])),
        lambda lang: steps(lang, client=(1, None)),  # type: ignore[arg-type]
        lambda lang: steps(lang, client=(4, "...")),
    ],
    ids=["too short", "too long", "swapped", "silent client", "word after the end"],
)
async def test_a_draft_off_the_path_is_asked_for_again_whatever_strict_says(broken: Any, lang: Lang) -> None:
    for strict in (True, False):
        mended = model(lang, generate=[{"steps": broken(lang)}, {"steps": steps(lang)}])
        dialogue = await write(Pgsim(strict=strict), case(lang), mended)
        assert dialogue.quality.guards == {"script: path": 1}
    with pytest.raises(AnswerRejected):
        await write(Pgsim(), case(lang), model(lang, generate={"steps": broken(lang)}))


@pytest.mark.accepts("cadss", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_modifier_that_drops_or_adds_a_message_is_asked_again(lang: Lang) -> None:
    for wrong in (texts(steps(lang))[:-1], [*texts(steps(lang)), "..."]):
        dialogue = await write(
            Pgsim(), case(lang), model(lang, modify=[{"texts": wrong}, {"texts": texts(steps(lang))}])
        )
        assert dialogue.quality.guards == {"script: messages": 1}


BROKEN: list[tuple[str, Lang, str, str]] = [
    ("diagnosis", "zh", "counselor", "听下来，你这是典型的抑郁症。"),
    ("diagnosis", "en", "counselor", "From what you say you have clinical depression."),
    ("medication", "zh", "counselor", "可以吃点安眠药，先睡着再说。"),
    ("medication", "en", "counselor", "Take some melatonin before bed."),
    ("cure", "zh", "counselor", "照我说的做，一定会好起来。"),
    ("cure", "en", "counselor", "I promise you that it will pass."),
    ("risk", "zh", "client", "有时候我真的不想活了。"),
    ("risk", "en", "client", "Sometimes I think of ending my life, I want to end it all."),
    ("list", "zh", "counselor", "1. 深呼吸 2. 写下来"),
    ("list", "en", "counselor", "1. breathe 2. write"),
    ("language", "zh", "counselor", "You can do this."),
    ("language", "en", "counselor", "你可以的。"),
    ("names", "en", "counselor", "This is my Guiding question for you."),
]


@pytest.mark.accepts("cadss", 6)
@pytest.mark.parametrize(("rule", "lang", "who", "words"), BROKEN)
async def test_the_review_names_and_counts_what_a_dialogue_must_not_hold(
    rule: str, lang: Lang, who: str, words: str
) -> None:
    bad = texts(steps(lang, **{who: (1, words)}))
    good = texts(steps(lang))
    dialogue = await write(Pgsim(), case(lang), model(lang, modify=[{"texts": bad}, {"texts": good}]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    lenient = await write(Pgsim(strict=False), case(lang), model(lang, modify={"texts": bad}))
    assert not lenient.quality.guards
    drafted = model(lang, generate=[{"steps": steps(lang, **{who: (1, words)})}, {"steps": steps(lang)}])
    plain = await write(Pgsim(modifier=False), case(lang), drafted)
    assert plain.quality.guards == {f"script: {rule}": 1}


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", "你最近心情很低落，这样多久了？"), ("zh", "医生开的药你有按时吃吗？"), ("zh", "不保证马上见效，可以慢慢试。"),
        ("en", "You have had a hard week."), ("en", "Take a walk before dinner."), ("en", "It may get easier with time."),
    ],
)  # fmt: skip
def test_the_review_lets_ordinary_words_pass(lang: Lang, words: str) -> None:
    assert violation([("counselor", words), ("client", "...")], lang) is None


@pytest.mark.parametrize(
    ("lang", "said", "answer"),
    [
        ("zh", "我不想活了。", "听你这么说我很在意，你现在安全吗，身边有人吗？"),
        ("en", "I want to die.", "Thank you for telling me. Are you safe right now?"),
    ],
)
def test_talk_of_dying_that_is_answered_with_a_word_of_safety_is_accepted(lang: Lang, said: str, answer: str) -> None:
    assert violation([("client", said), ("counselor", answer)], lang) is None
    assert violation([("client", said), ("counselor", "...")], lang) is not None
    assert violation([("client", said)], lang) is not None


def test_every_review_rule_speaks_both_languages() -> None:
    assert all(set(words) == set(LANGS) for _, words in RULES.values())


# Scenarios and paths


def test_the_four_lists_the_strategies_and_their_sizes() -> None:
    assert [len(QUADRUPLE[field]) for field in ("group", "type", "cause", "focus")] == [13, 16, 13, 12]
    assert [term.zh for term in STRATEGIES.terms] == [
        "先问候语", "安慰鼓励", "引导提问", "结尾语言", "推荐音乐", "推荐电影", "推荐书方", "建议方法", "其他推荐",
    ]  # fmt: skip


@pytest.mark.accepts("cadss", 1)
@pytest.mark.parametrize("lang", LANGS)
async def test_labels_of_the_scenario_keep_their_order_and_show_in_the_dialogues_language(lang: Lang) -> None:
    other: Lang = "en" if lang == "zh" else "zh"
    answers = model(lang)
    dialogue = await write(Pgsim(), case(lang, **LABELS[other]), answers)
    prompt = text_of(answers.asked("generate")[0])
    first, second = LABELS[lang]["type"]
    assert 0 < prompt.index(first) < prompt.index(second)
    assert [label.id for label in dialogue.labels if label.set == "cadss_problem"] == ["low_self_worth", "anxiety"]
    assert {label.set for label in dialogue.labels} == {labels.id for labels in QUADRUPLE.values()}


@pytest.mark.accepts("cadss", 1)
async def test_words_outside_the_lists_pass_as_they_stand_unless_the_lists_are_closed() -> None:
    odd = case("en", group=["Night-shift nurses"])
    answers = model("en")
    dialogue = await write(Pgsim(closed=False), odd.model_copy(deep=True), answers)
    assert "Night-shift nurses" in text_of(answers.asked("generate")[0])
    assert not any(label.set == "cadss_group" for label in dialogue.labels)
    for scenario in ({"group": ["Night-shift nurses"]}, {"type": ["Anxietyy"]}, {"path": [*PATH[:4], "Sing a song"]}):
        with pytest.raises(UnknownName):
            await write(Pgsim(), case("en", **scenario), model("en"))


async def test_what_a_case_lacks_is_drawn_by_the_seed_and_kept_on_the_case() -> None:
    def along(call: Call) -> dict[str, Any]:
        names = [line.split(". ")[1].split(":")[0] for line in text_of(call).split("The path:\n")[1].splitlines()]
        return {"steps": steps("en", tuple(STRATEGIES[name].id for name in names))}

    drawn = []
    for seed in (1, 1, 2):
        answers = Scripted(situation="A student.", generate=along)
        dialogue = await write(Pgsim(modifier=False), Case(id="c", lang="en"), answers, seed=seed)
        assert dialogue.case
        scenario = dialogue.case.scenario
        assert scenario
        assert all(word in labels for field, labels in QUADRUPLE.items() for word in getattr(scenario, field))
        assert 1 <= (scenario.severity_after or 0) < (scenario.severity_before or 0) <= 5
        assert dialogue.case.derived == ["scenario"]
        drawn.append((scenario, dialogue.sessions[0].notes["path"]))
    assert drawn[0] == drawn[1] != drawn[2]


async def test_severity_that_grows_and_paths_too_short_or_long_are_refused() -> None:
    for scenario in (
        {"severity_before": 2, "severity_after": 3},
        {"path": ["先问候语", "结尾语言"]},
        {"path": ["引导提问"] * 16},
    ):
        with pytest.raises(BadRecord):
            await write(Pgsim(), case("en", **scenario), model("en"))


@given(st.integers(), st.integers(0, 3))
@settings(max_examples=200)
def test_a_drawn_path_keeps_the_grammar(seed: int, most: int) -> None:
    path = draw_path(Random(seed), most)
    assert 7 <= len(path) <= 11
    assert (path[0], path[-2], path[-1]) == ("opening_greeting", "comfort_and_encouragement", "closing_words")
    recommended = [one for one in path if one in RECOMMENDED]
    assert min(1, most) <= len(recommended) == len(set(recommended)) <= most
    assert 2 <= path.count("guiding_question") <= 4
    assert path.count("suggest_methods") <= 2
    assert 2 <= path.count("comfort_and_encouragement") <= 3
    assert path[1] == "guiding_question"


# CADSS

PROFILE: dict[str, Any] = {
    "group": "University students", "problems": ["Anxiety"], "causes": [], "focuses": [], "severity": 3, "emotion": "tense", "traits": "brief",
    "evidence": [1],
}  # fmt: skip


def agents(**more: Any) -> Scripted:
    say = numbered("Supporter")
    replies: dict[str, Any] = {
        "profile": PROFILE, "summarize": "The client cannot sleep.", "plan": {"reason": "to learn more", "strategy": "Guiding question"}, "support": say,
    }  # fmt: skip
    return Scripted(**replies | more)


class Live:
    """A live talk: the client speaks, the counselor answers."""

    def __init__(self, answers: Scripted, lang: Lang = "en", **options: Any) -> None:
        self.model, self.counselor = answers, Cadss(**options)
        self.desk = desk_for(Case(id="a", lang=lang), answers)
        self.talk = Talk(self.desk.dialogue)

    async def says(self, *lines: str) -> Turn:
        for line in lines:
            self.talk.add(Turn.client(line))
            self.talk.add(await self.counselor.reply(self.talk, Ask(self.desk, self.counselor, self.talk)))
        return self.talk.turns[-1]


@pytest.mark.accepts("cadss", 7)
async def test_a_turn_takes_four_calls_in_the_order_of_the_agents_and_its_thought_shows_them() -> None:
    answers = agents()
    turn = await Live(answers).says("I cannot sleep.")
    assert [call.prompt for call in answers.calls] == ["profile", "summarize", "plan", "support"]
    assert [element.name for element in turn.thought] == ["profile", "summary", "strategy"]
    assert turn.labels == [Label(set="cadss_strategy", id="guiding_question")]
    assert turn.extra["summary"] == "The client cannot sleep."
    profile: Any = turn.extra["profile"]
    assert (profile["group"], profile["problems"]) == ("university_students", ["anxiety"])


@pytest.mark.accepts("cadss", 7)
@pytest.mark.parametrize("inventory", INVENTORIES)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_planner_returns_one_label_of_the_active_set_and_others_are_asked_for_again(
    lang: Lang, inventory: str
) -> None:
    active, other = INVENTORIES[inventory], INVENTORIES["esconv8" if inventory == "cpsdd9" else "cpsdd9"]
    good = {"reason": "-", "strategy": active.terms[1].name(lang)}
    foreign = next(term for term in other.terms if term.en not in active)
    answers = agents(
        plan=[good | {"strategy": foreign.name(lang)}, good],
        profile=PROFILE | {"group": None, "problems": []},
        support={"zh": "好的，我在听。", "en": "I hear you."}[lang],
    )
    turn = await Live(answers, lang, strategies=inventory).says("...")
    assert answers.counts()["plan"] == 2
    assert turn.labels == [Label(set=active.id, id=active.terms[1].id)]
    assert answers.asked("plan")[0].schema["properties"]["strategy"]["enum"] == [
        term.name(lang) for term in active.terms
    ]  # type: ignore[index]


@pytest.mark.accepts("cadss", 8)
async def test_the_supporter_reads_the_chosen_strategy_and_another_one_changes_its_prompt() -> None:
    shown = []
    for name in ("Suggest methods", "Recommend film"):
        answers = agents(plan={"reason": "-", "strategy": name})
        await Live(answers).says("I cannot sleep.")
        shown.append(text_of(answers.asked("support")[0]))
        assert f"- {name}: {STRATEGIES[name].definition.en}" in shown[-1]
        assert f"The strategy now: {name}\n" in shown[-1]
    assert shown[0] != shown[1]


@pytest.mark.accepts("cadss", 9)
async def test_profile_and_summary_receive_those_of_the_turn_before() -> None:
    answers = agents(
        profile=[PROFILE, PROFILE | {"emotion": "calmer"}, PROFILE],
        summarize=["First summary.", "Second summary.", "Third."],
    )
    await Live(answers).says("One.", "Two.", "Three.")
    profiles, summaries = answers.asked("profile"), answers.asked("summarize")
    assert ["tense" in text_of(call) for call in profiles] == [False, True, False]
    assert ["calmer" in text_of(call) for call in profiles] == [False, False, True]
    assert ["First summary." in text_of(call) for call in summaries] == [False, True, False]
    assert ["Second summary." in text_of(call) for call in summaries] == [False, False, True]


async def test_the_planner_knows_the_strategies_used_so_far() -> None:
    names = ["Guiding question", "Comfort and encouragement", "Suggest methods"]
    answers = agents(plan=[{"reason": "-", "strategy": name} for name in names])
    await Live(answers).says("One.", "Two.", "Three.")
    used = [text_of(call).split("Strategies used so far: ")[1] for call in answers.asked("plan")]
    assert used == ["none", names[0], f"{names[0]}, {names[1]}"]


@pytest.mark.parametrize(("refresh", "count"), [(1, 4), (2, 2), (3, 2), (9, 1)])
async def test_profile_and_summary_are_refreshed_every_so_many_turns(refresh: int, count: int) -> None:
    answers = agents()
    await Live(answers, refresh=refresh).says(*"abcd")
    assert answers.counts() == {"plan": 4, "profile": count, "summarize": count, "support": 4}


async def test_the_planner_and_the_supporter_read_the_last_messages_only_and_the_profiler_reads_all() -> None:
    answers = agents()
    await Live(answers, window=2).says("First words.", "Middle words.", "Last words.")
    for name, reads in (("plan", False), ("support", False), ("profile", True), ("summarize", True)):
        assert ("First words." in text_of(answers.asked(name)[-1])) == reads


async def test_a_profile_that_rests_on_messages_nobody_said_is_asked_for_again() -> None:
    answers = agents(profile=[PROFILE | {"evidence": [4]}, PROFILE])
    await Live(answers).says("I cannot sleep.")
    assert answers.counts()["profile"] == 2


async def test_a_summary_over_the_limit_is_asked_for_again_and_in_the_end_kept_and_counted() -> None:
    live = Live(agents(summarize="word " * 30), longest=20)
    await live.says("I cannot sleep.")
    assert live.model.counts()["summarize"] == 3
    assert live.desk.dialogue.quality.kept == {"long_summary": 1}


async def test_the_closing_strategy_ends_the_talk_and_the_greeting_is_said_without_a_call() -> None:
    names = ["Guiding question", "Comfort and encouragement", "Closing words"]
    answers = agents(plan=[{"reason": "-", "strategy": name} for name in names], client=numbered("Client"))
    dialogue: Dialogue = await write(
        pair("cadss", "cadss"), Case(id="a", lang="en", post=Post(text="I cannot sleep.")), answers
    )
    assert dialogue.sessions[0].ended == "counselor closed"
    supporter = [turn for turn in dialogue.turns if turn.speaker == "counselor"]
    assert [turn.labels[0].id for turn in supporter] == ["opening_greeting", *(STRATEGIES[name].id for name in names)]
    assert answers.counts()["support"] == 3


async def test_a_talk_that_nobody_closes_ends_at_the_limit() -> None:
    answers = agents(client=numbered("Client"))
    dialogue = await write(
        pair("cadss", "cadss", {"counselor.max_exchanges": 5}),
        Case(id="a", lang="en", post=Post(text="I cannot sleep.")),
        answers,
    )
    assert dialogue.sessions[0].ended == "limit"
    assert answers.counts()["support"] == 5


# Files: the raw record, the review, the strategy prediction


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


async def made(lang: Lang, id_: str = "c", **more: Any) -> Dialogue:
    one = case(lang, **more)
    return await write(Pgsim(), one.model_copy(update={"id": id_}), model(lang))


@pytest.mark.accepts("cadss", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_record_has_exactly_the_ten_raw_keys_and_comes_back_without_loss(lang: Lang, tmp_path: Path) -> None:
    dialogue = await made(lang)
    write_jsonl(tmp_path / "d.jsonl", [dialogue])
    run("export", tmp_path / "d.jsonl", "--to", "cadss.raw", "--out", tmp_path / "raw.json")
    (row,) = json.loads((tmp_path / "raw.json").read_text("utf-8"))
    assert set(row) == {
        "id", "start_level", "end_level", "dialog_path", "group", "problem_type", "problem_cause", "problem_focus",
        "situation", "dialog",
    }  # fmt: skip
    assert (row["start_level"], row["end_level"], row["problem_type"]) == ("4", "2", LABELS[lang]["type"])
    (back,) = read(tmp_path / "raw.json", "cadss", on_defect=pytest.fail)
    assert isinstance(back, Dialogue)
    assert back.case
    assert back.case.scenario
    assert dialogue.case
    assert dialogue.case.scenario
    assert back.case.scenario == dialogue.case.scenario.model_copy(update={"path": row["dialog_path"]})
    assert path_of(back) == [STRATEGIES[one].name(lang) for one in PATH]
    for one, other in zip(back.turns, dialogue.turns, strict=True):
        assert (one.speaker, one.text, strategy_of(one)) == (other.speaker, other.text, strategy_of(other))
    write_jsonl(tmp_path / "back.jsonl", [back.model_copy(update={"lang": lang})])
    run("export", tmp_path / "back.jsonl", "--to", "cadss.raw", "--out", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "raw.json").read_bytes()


def changed(dialogue: Dialogue, rule: str) -> Dialogue:
    """The same record with one rule broken."""
    one = dialogue.model_copy(deep=True)
    one.id = rule
    assert one.case
    assert one.case.scenario
    one.turns[1].text += f" {rule}!"  # no duplicate
    if rule == "schema":
        one.case.scenario.group = ["守夜人"]
    elif rule == "path":
        one.turns[2].labels, one.turns[4].labels = one.turns[4].labels, one.turns[2].labels
    elif rule == "greeting":
        one.sessions[0].turns = one.turns[1:]
    elif rule == "closing":
        one.turns[-1].labels = [STRATEGIES.label("guiding_question")]
    elif rule == "length":
        one.sessions[0].turns = one.turns[:5]
    elif rule == "severity":
        one.case.scenario.severity_after = 5
    elif rule == "duplicate":
        one.sessions = dialogue.model_copy(deep=True).sessions
    else:
        who, words = next((w, t) for r, lang, w, t in BROKEN if (r, lang) == (rule, dialogue.lang))
        at = next(n for n, turn in enumerate(one.turns) if turn.speaker == who and n > 1)
        one.turns[at].text = words
    return one


REVIEW = ("schema", "path", "greeting", "closing", "length", "duplicate", "severity", *RULES)


@pytest.mark.accepts("cadss", 6)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_review_of_a_file_rejects_every_broken_rule_with_its_name_and_counts_them(
    lang: Lang, tmp_path: Path
) -> None:
    good = await made(lang, "good")
    write_jsonl(tmp_path / "d.jsonl", [good, *(changed(good, rule) for rule in REVIEW)])
    told = run("curate", "paths", tmp_path / "d.jsonl", "--out", tmp_path / "out")
    counts = {line.split()[0]: int(line.split()[1]) for line in told.splitlines()[:-1]}
    assert set(counts) == set(REVIEW)
    assert all(count >= 1 for count in counts.values())
    assert [one.id for one in read_jsonl(tmp_path / "out/kept.jsonl", Dialogue)] == ["good"]
    for one in read_jsonl(tmp_path / "out/dropped.jsonl", Dialogue):
        rules = [fault.split(":")[0] for fault in str(one.quality.apart).split("; ")]
        assert one.id in rules


@pytest.mark.accepts("cadss", 4, 6)
async def test_the_first_message_must_be_the_counselors_and_a_greeting() -> None:
    good = await made("en")
    unlabelled, unspoken = good.model_copy(deep=True), good.model_copy(deep=True)
    unlabelled.turns[0].labels = [STRATEGIES.label("guiding_question")]
    unspoken.sessions[0].turns.insert(0, Turn.client("Hello?"))
    assert ["greeting" in dict(faults(one)) for one in (good, unlabelled, unspoken)] == [False, True, True]


def esconv() -> list[dict[str, Any]]:
    """Two talks as ESConv was released."""
    spoken = ["What is it?", "That must hurt.", "You could call her.", "Is there anybody else?", "You did well."]
    strategies = [
        "Question",
        "Reflection of feelings",
        "Providing Suggestions",
        "Question",
        "Affirmation and Reassurance",
    ]
    dialog = [{"speaker": "seeker", "annotation": {}, "content": "My friend left me."}]
    for number, (text, strategy) in enumerate(zip(spoken, strategies, strict=True)):
        dialog.append({"speaker": "supporter", "annotation": {"strategy": strategy}, "content": text})
        dialog.append({"speaker": "seeker", "annotation": {}, "content": f"I see, number {number}."})
    head = {
        "experience_type": "Previous Experience",
        "emotion_type": "sadness",
        "problem_type": "breakup",
        "situation": "She left.",
    }
    return [head | {"dialog": dialog, "survey_score": {}} for _ in range(2)]


@pytest.mark.accepts("cadss", 10)
async def test_strategies_are_predicted_for_cpsdd_and_esconv_files_and_scored_with_a_table_of_confusion(
    tmp_path: Path,
) -> None:
    write_jsonl(tmp_path / "made.jsonl", [await made("zh")])
    run("export", tmp_path / "made.jsonl", "--to", "cadss.raw", "--out", tmp_path / "cpsdd.json")
    (tmp_path / "esconv.json").write_text(json.dumps(esconv()), "utf-8")
    for name, labels, right in (("cadss", STRATEGIES, "引导提问"), ("esconv", INVENTORIES["esconv8"], "Question")):
        file = tmp_path / ("cpsdd.json" if name == "cadss" else "esconv.json")
        run("read", name, file, "--out", tmp_path / f"{name}.jsonl")
        answers = agents(plan={"reason": "-", "strategy": right})
        if name == "cadss":
            answers.replies |= {"profile": PROFILE | {"group": None, "problems": []}, "summarize": "睡不着。"}
        predictions = make_role("cadss", "annotator")
        await run_cases(predictions, tmp_path / f"{name}.jsonl", tmp_path / name, models=answers)
        told = run("analyze", "predictions", tmp_path / name / "dialogues.jsonl", "--set", labels.id, "--by", "cadss")
        lines = told.splitlines()
        turns, hits = (4, 1) if name == "cadss" else (10, 4)
        kinds = 4
        f1 = 2 * hits / (hits + turns)
        weighted = f1 * hits / turns
        assert lines[0].startswith(f"{labels.id} by cadss: {turns} turns")
        assert lines[1] == f"accuracy {hits / turns:.3f}  macro-F1 {f1 / kinds:.3f}  weighted F1 {weighted:.3f}"
        confusion = {line.split("  ")[1].strip(): line.split()[-kinds - 1 :] for line in lines[4:]}
        assert len(confusion) == kinds
        assert sum(int(cell) for row in confusion.values() for cell in row[:-1] if cell != ".") == turns
        assert answers.counts()["plan"] == turns


async def test_a_prediction_reads_only_what_came_before_and_the_true_strategies_of_earlier_turns() -> None:
    dialogue = await made("en")
    answers = agents(plan={"reason": "-", "strategy": "Recommend film"})
    predicted = await annotate(CadssPredictions(), dialogue, answers)
    for call, at in zip(answers.asked("plan"), (2, 4, 6, 8), strict=True):
        assert dialogue.turns[at - 1].text in text_of(call)
        assert not any(turn.text in text_of(call) for turn in dialogue.turns[at:])
    used = [text_of(call).split("Strategies used so far: ")[1] for call in answers.asked("plan")]
    assert used[0] == "none"
    assert used[-1] == ", ".join(STRATEGIES[one].en for one in PATH[1:-1])
    assert [label.by for turn in predicted.turns for label in turn.labels] == [None] + [None, "cadss"] * 4


def test_f1_is_that_of_the_textbook_and_turns_without_a_prediction_are_counted_apart() -> None:
    def turn(known: str, said: str | None) -> Turn:
        labels = [Label(set="s", id=known)] + ([Label(set="s", id=said, by="m")] if said else [])
        return Turn.counselor("-", labels)

    pairs = [("a", "a"), ("a", "b"), ("b", "b"), ("c", "a"), ("c", None)]
    dialogue = Dialogue(id="d", lang="en", sessions=[Session(turns=[turn(*pair) for pair in pairs])])
    found = predictions([dialogue], "s", "m")
    assert (found.accuracy, found.missing) == (0.5, 1)
    assert found.f1 == {"a": 0.5, "b": pytest.approx(2 / 3), "c": 0}
    assert found.macro_f1 == pytest.approx((0.5 + 2 / 3) / 3)
    assert found.weighted_f1 == pytest.approx((2 * 0.5 + 2 / 3) / 4)
    with pytest.raises(UsageError, match="no turn has a label of 's'"):
        predictions([dialogue], "s", "nobody")


def test_strategies_of_a_read_file_are_those_of_the_label_set() -> None:
    assert label_set("cadss_strategy")["推荐书方"].id == "recommend_books"


def test_bundled_cases_use_the_labels_of_the_lists() -> None:
    for one in read_jsonl(find_system("cadss").cases(), Case):
        assert one.scenario
        assert all(word in labels for field, labels in QUADRUPLE.items() for word in getattr(one.scenario, field))


@pytest.mark.parametrize(("strategies", "sets"), [("cpsdd9", {"cadss_strategy"}), ("esconv8", {"esconv_strategy"})])
async def test_one_dialogue_has_strategies_of_one_set_and_the_second_session_begins_as_one(
    strategies: str, sets: set[str]
) -> None:
    record = {"summary": "s", "learnt": [], "homework": [], "ratings": []}
    name = label_set(next(iter(sets))).terms[0].en
    answers = agents(plan={"reason": "-", "strategy": name}, client=numbered("Client"), record=record)
    options = {"counselor.strategies": strategies, "sessions": "2", "max_exchanges": "1"}
    given = Case(id="a", lang="en", post=Post(text="I cannot sleep."))
    dialogue: Dialogue = await write(pair("cadss", "cadss", options), given, answers)
    assert {label.set for turn in dialogue.turns for label in turn.labels} == sets
    assert dialogue.sessions[1].turns[0].text == AGAIN["en"]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_rehearsed_supporter_says_what_its_strategy_does(lang: Lang) -> None:
    sample = next(one for one in read_jsonl(find_system("cadss").cases(), Case) if one.lang == lang and one.post)
    dialogue = await write(pair("cadss", "interactive_agents"), sample, Rehearsal())
    stock = phrases(lang)
    asks, ends = stock["counselor"]["explore"], stock["counselor"]["close"]
    said = {turn.labels[0].id: turn.text for turn in dialogue.turns if turn.labels}
    assert said["closing_words"] in ends
    assert dialogue.turns[-1].labels[0].id == "closing_words"
    assert said["recommend_music"] in stock["recommendation"]["recommend_music"]
    assert any(max(re.split(r"\{\w\}", line), key=len).strip("“” ") in said["guiding_question"] for line in asks)
