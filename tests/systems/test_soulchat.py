"""SoulChat: the checks of its specification. EMNLP 2023 Findings 83."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.cli import main
from psyloom.curation.mix import Part, mix
from psyloom.errors import AnswerRejected, BadRecord, UsageError
from psyloom.formats import read
from psyloom.formats.write import WRITERS, export
from psyloom.judging.agreement import agree
from psyloom.judging.agreement.categorical import fleiss_kappa
from psyloom.judging.metrics.labels import occurrences
from psyloom.judging.results import results
from psyloom.knowledge.instruments import instrument
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import (
    Case,
    Defect,
    Dialogue,
    ItemRating,
    Lang,
    Rater,
    Rating,
    Session,
    Speaker,
    Subject,
    Turn,
    read_jsonl,
    write_jsonl,
)
from psyloom.runs import run_cases
from psyloom.systems import find_system
from psyloom.systems.posts import per_answer
from psyloom.systems.soulchat.review import RULES, SoulChatReview
from psyloom.systems.soulchat.system import EMPATHY, LEAD_IN, TOPICS, SoulChatCounselor
from tests.support import Scripted, annotate, desk_for, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
NAMES = {"zh": ("用户：", "心理咨询师："), "en": ("User: ", "Counselor: ")}
SAID = {"zh": "这是第{}句话。", "en": "This is message {}."}


def case(lang: Lang = "zh", **post: Any) -> Case:
    answers = [{"text": "ANSWER-1", "author": "AUTHOR"}, {"text": "ANSWER-2"}]
    given = {"title": "TITLE", "text": "QUESTION", "topic": "家庭", "answers": answers} | post
    return Case.model_validate({"id": "q", "lang": lang, "post": given})


def script(lang: Lang = "zh", messages: int = 10, first: int = 0) -> str:
    return "\n".join(NAMES[lang][(n + first) % 2] + SAID[lang].format(n + 1) for n in range(messages))


@pytest.mark.accepts("soulchat", 1)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_pair_is_one_call_and_two_answers_become_two_dialogues_of_one_question(lang: Lang) -> None:
    model = Scripted(rewrite=script(lang))
    pairs = per_answer(case(lang))
    made = [await write("soulchat", pair, model) for pair in pairs]
    assert len(model.calls) == 2
    assert [dialogue.id for dialogue in made] == ["q-a1", "q-a2"]
    assert {dialogue.sessions[0].notes["question"] for dialogue in made} == {"q"}
    for n, call in enumerate(model.calls, 1):
        assert f"ANSWER-{n}" in text_of(call)
        assert f"ANSWER-{3 - n}" not in text_of(call)
        assert call.decoding == {"temperature": 1.0, "max_tokens": 2048}
        assert [message["role"] for message in call.messages] == ["user"]


@pytest.mark.accepts("soulchat", 1)
def test_the_command_that_reads_posts_makes_a_case_of_every_answer(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "posts.jsonl", [case(), case(answers=[]).model_copy(update={"id": "silent"})])
    out = tmp_path / "pairs.jsonl"
    assert main(["read", "psyloom", str(tmp_path / "posts.jsonl"), "--per-answer", "--out", str(out)]) is None
    found = list(read_jsonl(out, Case))
    assert [one.id for one in found] == ["q-a1", "q-a2", "silent"]
    assert [one.extra.get("question") for one in found] == ["q", "q", None]


def test_a_case_without_answers_stays_one_case() -> None:
    assert per_answer(case(answers=[])) == [case(answers=[])]
    assert per_answer(Case(id="x", lang="en")) == [Case(id="x", lang="en")]


@pytest.mark.accepts("soulchat", 2)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_request_holds_four_demands_seven_kinds_of_empathy_and_the_range(lang: Lang) -> None:
    for messages in ((8, 20), (4, 12)):
        model = Scripted(rewrite=script(lang))
        await write("soulchat", case(lang), model, options={"messages": messages})
        text = text_of(model.calls[0])
        assert [f"\n{n}. " in text for n in range(1, 6)] == [True] * 4 + [False]
        assert len(EMPATHY) == 7
        assert all(term.name(lang) in text and term.definition.of(lang) in text for term in EMPATHY.terms)
        assert {"zh": "在 {} 到 {} 条", "en": ": {} to {}, both"}[lang].format(*messages) in text
        assert LEAD_IN[lang] in text
        assert "AUTHOR" not in text


@pytest.mark.accepts("soulchat", 3)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("announced", [True, False])
async def test_analysis_before_the_dialogue_is_cut_off(lang: Lang, announced: bool) -> None:
    said = {
        "zh": "分析：\n心理咨询师：原文里以倾听和认可为主。\n需求：被理解。\n\n",
        "en": "Analysis:\nCounselor: listens, recognizes.\nNeeds: to be understood.\n\n",
    }[lang]
    if announced:  # an analysis that begins a line like a message does not fool the reader then
        said += f"{NAMES[lang][0]}想被听见\n**{LEAD_IN[lang]}**\n\n"
    model = Scripted(rewrite=said + script(lang))
    dialogue = await write("soulchat", case(lang), model)
    assert [turn.text for turn in dialogue.turns] == [SAID[lang].format(n) for n in range(1, 11)]
    assert dialogue.quality.rejected == 0


@pytest.mark.accepts("soulchat", 3, 4)
@pytest.mark.parametrize(
    ("faulty", "rule"),
    [
        (script(first=1), "first"),
        (script(messages=9), "last"),
        (script(messages=6), "too few"),
        (script(messages=22), "too many"),
        (script() + "\n旁白：天黑了。", "prefix"),
        (script(messages=8) + "\n用户：嗯。\n用户：好。\n用户：谢谢。\n心理咨询师：不客气。", "alternate"),
        (script(messages=9) + "\n心理咨询师：1. 早睡；2. 运动；3. 记录；4. 复诊。", "list"),
        (script(messages=8) + "\n用户：Please tell me what to do.\n心理咨询师：我在听。", "language"),
        (script(messages=8) + "\n用户：我今天想说一件旧事。\n心理咨询师：我今天想说一件旧事。", "repeats"),
    ],
)
async def test_a_dialogue_that_breaks_a_rule_is_asked_for_again_under_the_rules_name(faulty: str, rule: str) -> None:
    dialogue = await write("soulchat", case(), Scripted(rewrite=[faulty, script()]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    with pytest.raises(AnswerRejected):
        await write("soulchat", case(), Scripted(rewrite=faulty))


@pytest.mark.accepts("soulchat", 4)
@pytest.mark.parametrize("messages", [6, 22])
async def test_the_papers_leniency_keeps_a_dialogue_of_any_length_and_flags_it(messages: int) -> None:
    model = Scripted(rewrite=script(messages=messages))
    dialogue = await write("soulchat", case(), model, options={"strict": "false"})
    assert len(dialogue.turns) == messages
    assert len(model.calls) == 1
    assert dialogue.quality.kept == {f"script: {'too few' if messages == 6 else 'too many'}": 1}


async def test_the_dialogue_is_labelled_with_the_posts_topic_when_it_is_one_of_the_twelve() -> None:
    assert len(TOPICS) == 12
    for topic, found in (("婚恋", ["marriage"]), ("Career", ["career"]), ("钓鱼", []), (None, [])):
        dialogue = await write("soulchat", case(topic=topic), Scripted(rewrite=script()))
        assert [label.id for label in dialogue.labels] == found


async def reply(past: int | None, exchanges: int, lang: Lang = "zh") -> tuple[str, str]:
    """(prompt, reply) of the chat after so many whole exchanges and one message more."""
    model = Scripted(reply="嗯。\n\n\n我在听。")
    counselor = SoulChatCounselor() if past is None else SoulChatCounselor(past=past)
    desk = desk_for(Case(id="c", lang=lang), model)
    talk = Talk(desk.dialogue)
    for n in range(exchanges):
        talk.turns.extend([Turn.client(f"client {n}."), Turn.counselor(f"counselor {n}.")])
    talk.add(Turn.client("now."))
    turn = await counselor.reply(talk, Ask(desk, counselor, talk))
    assert model.calls[0].decoding == {"temperature": 0.95, "top_p": 0.75, "max_tokens": 512}
    return text_of(model.calls[0]), turn.text


@pytest.mark.accepts("soulchat", 10)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_chat_reads_at_most_five_past_exchanges_and_ends_with_the_open_prefix(lang: Lang) -> None:
    text, said = await reply(None, 8, lang)
    user, counselor = NAMES[lang]
    lines = [f"{who} {n}." for n in range(3, 8) for who in ("client", "counselor")]
    kept = [(user, counselor)[n % 2] + line for n, line in enumerate([*lines, "now."])]
    assert text == "\n".join([*kept, counselor.strip()])
    assert said == "嗯。\n我在听。"
    assert "client 0" in (await reply(9, 8))[0]
    assert "client" in (await reply(None, 1))[0]


# Cleaning


def talk(*said: str, id_: str = "d", lang: Lang = "zh", topic: str = "family") -> Dialogue:
    """A conversation in turns, the client first."""
    turns = [Turn(speaker=("client", "counselor")[n % 2], text=text) for n, text in enumerate(said)]  # type: ignore[arg-type]
    return Dialogue(id=id_, lang=lang, sessions=[Session(turns=turns)], labels=[TOPICS.label(topic)])


CALM = {
    "zh": ("最近睡不好。", "睡不好的时候，心里在想什么？", "想工作。", "工作里哪一件最放不下？", "开会。", "开会让你紧张。", "对。", "我们慢慢说。"),
    "en": ("I sleep badly.", "What is on your mind at night?", "Work.", "Which part of it?", "Meetings.", "They scare you.", "Yes.", "Tell me more."),
}  # fmt: skip


def found_in(dialogue: Dialogue) -> list[tuple[str, str | None]]:
    """(rule, words) of every mark."""
    parts = (dialogue, *dialogue.turns)
    return [(one.id, one.evidence) for part in parts for one in part.labels if one.set == "soulchat_review"]


@pytest.mark.accepts("soulchat", 5)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("said", "marks"),
    [
        ({}, []),
        ({"zh": {0: "我电话13812345678，最近睡不好。"}, "en": {0: "Call me on 555-123-4567."}}, ["privacy"]),
        ({"zh": {0: "我是老师。"}, "en": {0: "My name is of no matter."}}, ["keyword"]),
        ({"zh": {2: "想过自杀，想过跳楼。"}, "en": {2: "I think of suicide, I want to jump off."}}, ["keyword", "keyword"]),
        ({"zh": {6: None, 7: None}, "en": {6: None, 7: None}}, ["low_quality"]),
        ({"zh": {7: None}, "en": {7: None}}, ["low_quality", "low_quality"]),  # the close, and an exchange too few
        ({"zh": {6: "想工作的事，停不下来。", 2: "想工作的事，停不下来。"}, "en": {6: "I always do.", 2: "I always do."}}, ["low_quality"]),
        ({"zh": {3: "1. 早睡；2. 运动；3. 记录；4. 复诊。"}, "en": {3: "Try: 1. sleep; 2. run; 3. write; 4. rest."}}, ["low_quality"]),
        ({"zh": {3: "1. 早睡；2. 运动；3. 记录。"}, "en": {3: "Try: 1. sleep; 2. run; 3. write."}}, []),
    ],
)  # fmt: skip
async def test_rules_mark_private_data_words_and_broken_form(
    lang: Lang, said: dict[Lang, dict[int, str | None]], marks: list[str]
) -> None:
    changed = said.get(lang, {})
    texts = [text for n, one in enumerate(CALM[lang]) if (text := changed.get(n, one)) is not None]
    dialogue = talk(*texts, lang=lang)
    await annotate(SoulChatReview(), dialogue, Scripted(review={"findings": []}))
    assert sorted(rule for rule, _ in found_in(dialogue)) == sorted(marks)
    assert all(
        turn.text[slice(*one.span)] == one.evidence for turn in dialogue.turns for one in turn.labels if one.span
    )


@pytest.mark.accepts("soulchat", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_model_marks_harm_politics_and_what_rules_miss_in_words_that_stand_there(lang: Lang) -> None:
    first, second = CALM[lang][1], CALM[lang][3]
    good = [
        {"rule": "harm", "quote": first, "reason": "WHY"},
        {"rule": "politics", "quote": second[:5], "reason": "WHY"},
        {"rule": "privacy", "quote": f"{first}……{second}", "reason": "WHY"},
    ]
    model = Scripted(review=[{"findings": [{**good[0], "quote": "NEVER SAID THERE"}]}, {"findings": good}])
    dialogue = await annotate(SoulChatReview(), talk(*CALM[lang], lang=lang), model)
    assert found_in(dialogue) == [("privacy", good[2]["quote"]), ("harm", first), ("politics", second[:5])]
    assert [label.span for label in dialogue.turns[3].labels] == [(0, 5)]
    text = text_of(model.calls[0])
    assert all(RULES[rule].name(lang) in text for rule in ("privacy", "harm", "politics", "low_quality"))
    assert all(one in text for one in CALM[lang])
    alone = Scripted()
    assert found_in(await annotate(SoulChatReview(read=False), talk(*CALM[lang], lang=lang), alone)) == []


@pytest.mark.accepts("soulchat", 5)
async def test_cleaning_removes_nothing_counts_every_rule_and_an_export_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calm = CALM["zh"]
    given = [
        talk(*calm, id_="fine"),
        talk("我是老师。", *calm[1:], id_="word"),
        talk("我是医生，我是父亲。", *calm[1:], id_="words"),
        talk("写信到a@b.com给我。", *calm[1:], id_="mail"),
    ]
    write_jsonl(tmp_path / "in.jsonl", given)
    await run_cases(SoulChatReview(), tmp_path / "in.jsonl", tmp_path / "out")
    file = tmp_path / "out/dialogues.jsonl"
    kept = list(read_jsonl(file, Dialogue))
    assert [[turn.text for turn in one.turns] for one in kept] == [[turn.text for turn in one.turns] for one in given]
    counted = {one.label: (one.dialogues, one.labels) for one in occurrences(kept, "soulchat_review")}
    nothing = (0, 0)
    assert counted == {
        "privacy": (1, 1),
        "harm": nothing,
        "politics": nothing,
        "low_quality": nothing,
        "keyword": (2, 3),
    }
    main(["analyze", "labels", str(file), "--set", "soulchat_review"])
    assert re.search(r"Politics +0 +0.0% +0\n", capsys.readouterr().out)
    unwanted = "soulchat_review:privacy,soulchat_review:harm"
    main(
        ["export", str(file), "--to", "messages", "--out", str(tmp_path / "m.jsonl"), "--without", unwanted, "--force"]
    )
    assert "1 dialogues left out: soulchat_review:privacy 1" in capsys.readouterr().out
    left = [json.loads(line)["id"] for line in (tmp_path / "m.jsonl").read_text("utf-8").splitlines()]
    assert left == ["fine", "word", "words"]


# Exports, mixtures, ratings


@pytest.mark.accepts("soulchat", 6)
@given(st.lists(st.sampled_from(["client", "counselor"]), max_size=9), st.sampled_from(LANGS))
def test_k_counselor_messages_are_k_samples_that_end_in_the_open_prefix(who: list[Speaker], lang: Lang) -> None:
    turns = [Turn(speaker=speaker, text=SAID[lang].format(n)) for n, speaker in enumerate(who)]
    dialogue = Dialogue(id="d", lang=lang, sessions=[Session(turns=turns)])
    with TemporaryDirectory() as folder:
        export([dialogue], WRITERS["soulchat-samples"], Path(folder) / "s.json")
        rows = json.loads((Path(folder) / "s.json").read_text("utf-8"))
    names = dict(zip(("client", "counselor"), NAMES[lang], strict=True))
    ours = [n for n, speaker in enumerate(who) if speaker == "counselor"]
    assert [row["target"] for row in rows] == [turns[n].text for n in ours]
    assert [row["input"] for row in rows] == [
        "\n".join([*(names[turn.speaker] + turn.text for turn in turns[:n]), names["counselor"].strip()]) for n in ours
    ]
    assert not any(name.strip() in row["target"] for row in rows for name in names.values())


@pytest.mark.accepts("soulchat", 6)
@pytest.mark.parametrize("text", ["好的。\n心理咨询师：我在听。", "用户：嗯。"])
def test_no_sample_is_written_of_a_message_that_speaks_for_both(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match="prefix"):
        export([talk("我很累。", text)], WRITERS["soulchat-samples"], tmp_path / "s.json")


@pytest.mark.accepts("soulchat", 7)
def test_the_corpus_comes_back_as_it_was_released(tmp_path: Path) -> None:
    released = [
        {"id": n, "topic": topic.zh, "messages": [{"role": role, "content": f"{role}{n}"} for role in ("user", "assistant")]}
        for n, topic in enumerate(TOPICS.terms)
    ]  # fmt: skip
    (tmp_path / "corpus.json").write_text(json.dumps(released, ensure_ascii=False), "utf-8")
    found = [one for one in read(tmp_path / "corpus.json", "soulchat") if isinstance(one, Dialogue)]
    assert [[label.id for label in one.labels] for one in found] == [[term.id] for term in TOPICS.terms]
    export(found, WRITERS["soulchat"], tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == released


@pytest.mark.accepts("soulchat", 7)
async def test_what_was_made_is_exported_with_its_topic_and_can_be_read_again(tmp_path: Path) -> None:
    made = await write("soulchat", case(topic="Career"), Scripted(rewrite=script()))
    exported = export([made], WRITERS["soulchat"], tmp_path / "c.json")
    assert exported.examples == 1
    (row,) = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert list(row) == ["id", "topic", "messages"]
    assert row["topic"] == "职场"
    (back,) = read(tmp_path / "c.json", "soulchat")
    assert isinstance(back, Dialogue)
    assert [(turn.speaker, turn.text) for turn in back.turns] == [(turn.speaker, turn.text) for turn in made.turns]
    assert [label.id for label in back.labels] == ["career"]


@pytest.mark.accepts("soulchat", 7)
def test_a_topic_that_is_none_of_the_twelve_is_told_when_read_and_not_exported(tmp_path: Path) -> None:
    row = {
        "id": 1,
        "topic": "钓鱼",
        "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
    }
    (tmp_path / "corpus.json").write_text(json.dumps([row]), "utf-8")
    defects: list[Defect] = []
    (found,) = read(tmp_path / "corpus.json", "soulchat", on_defect=defects.append)
    assert [(one.field, one.what) for one in defects] == [
        ("topic", "is none of the twelve topics ('钓鱼') (record kept)")
    ]
    assert isinstance(found, Dialogue)
    exported = export([found], WRITERS["soulchat"], tmp_path / "c.json")
    assert (exported.examples, exported.barren) == (0, 1)


@pytest.mark.accepts("soulchat", 8)
@pytest.mark.parametrize(
    ("shares", "taken"), [((2, 1), (20, 10)), ((1, 1), (10, 10)), ((1, 4), (2, 10)), ((6, 1), (60, 10))]
)
def test_single_and_multi_turn_sets_are_mixed_at_a_chosen_ratio(
    shares: tuple[int, int], taken: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thirty conversations of two counselor messages, five posts of two answers."""
    write_jsonl(tmp_path / "multi.jsonl", [talk(*CALM["zh"][:4], id_=f"m{n}") for n in range(30)])
    write_jsonl(tmp_path / "single.jsonl", [case().model_copy(update={"id": f"s{n}"}) for n in range(5)])
    parts = [f"{tmp_path / name}.jsonl={share}" for name, share in zip(("multi", "single"), shares, strict=True)]
    main(["mix", *parts, "--out", str(tmp_path / "mixed.jsonl")])
    mixed = list(read_jsonl(tmp_path / "mixed.jsonl", Dialogue))
    sizes = [[len(one.turns) // 2 for one in mixed if one.id[0] == kind] for kind in "ms"]
    assert (sum(sizes[0]), sum(sizes[1])) == taken
    assert set(sizes[1]) == {1}
    assert len({one.id for one in mixed}) == len(mixed)
    assert (
        f"single.jsonl: {taken[1]} of 10 replies, {taken[1] / sum(taken):.1%} of the whole" in capsys.readouterr().out
    )


@pytest.mark.accepts("soulchat", 8)
def test_a_mixture_can_be_counted_in_dialogues_be_limited_and_depends_on_the_seed(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "multi.jsonl", [talk(*CALM["zh"], id_=f"m{n}") for n in range(30)])
    write_jsonl(tmp_path / "single.jsonl", [case().model_copy(update={"id": f"s{n}"}) for n in range(15)])

    def ids(seed: int) -> list[str]:
        parts = [Part(tmp_path / "multi.jsonl", 0.75), Part(tmp_path / "single.jsonl", 0.25)]
        return [one.id for one in mix(parts, count="dialogues", most=16, seed=seed)]

    assert sorted(id_[0] for id_ in ids(0)) == ["m"] * 12 + ["s"] * 4
    assert ids(0) == ids(0) != ids(1)
    with pytest.raises(UsageError, match="share"):
        list(mix([Part(tmp_path / "multi.jsonl", 0)]))


@pytest.mark.accepts("soulchat", 9)
def test_the_experts_form_has_three_scales_of_0_to_2_one_of_0_to_1_and_no_total() -> None:
    form = instrument("cehs")
    assert [(item.id, item.low, item.high) for item in form.items] == [
        ("content", 0, 2), ("empathy", 0, 2), ("helpfulness", 0, 2), ("safety", 0, 1),
    ]  # fmt: skip
    assert (form.total, form.subscales) == (None, ())
    (found,) = results(experts([2, 0, 1]), form)
    assert (found.items["empathy"], found.items["helpfulness"]) == (2, 0)
    assert found.values == {}


@pytest.mark.accepts("soulchat", 9)
def test_three_experts_agree_by_fleiss_kappa_on_every_scale() -> None:
    """The third expert is of another mind about helpfulness, always, and once about safety."""
    rows = [[[n % 3, (n + (who == 2)) % 3, int(n % 2 or (who == 2 and n == 0))] for who in range(3)] for n in range(6)]
    rated = [
        one for n, row in enumerate(rows) for who, values in enumerate(row) for one in experts(values, "abc"[who], n)
    ]
    found = {one.item: one.statistics["Fleiss kappa"].value for one in agree(rated, resamples=0)}
    assert list(found) == ["content", "empathy", "helpfulness", "safety"]
    assert found["content"] == found["empathy"] == 1.0
    assert found["helpfulness"] == pytest.approx(fleiss_kappa([[values[1] for values in row] for row in rows]))
    assert found["safety"] == pytest.approx(fleiss_kappa([[values[2] for values in row] for row in rows]))
    assert found["helpfulness"] < found["safety"] < 1.0


def experts(values: list[int], rater: str = "a", number: int = 0) -> list[Rating]:
    """One expert's form: content and empathy the same, helpfulness, safety."""
    scores = {"content": values[0], "empathy": values[0], "helpfulness": values[1], "safety": values[2]}
    items = [ItemRating(item=name, value=value) for name, value in scores.items()]
    who = Rater(kind="human", name=rater)
    return [
        Rating(
            id=f"{rater}/{number}",
            subject=Subject(dialogue=f"d{number}", turn=1),
            rater=who,
            instrument="soulchat",
            items=items,
        )
    ]


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("soulchat").cases(), Case)), ids=lambda s: s.id)
async def test_every_answer_of_every_sample_case_is_rehearsed_in_one_call(sample: Case) -> None:
    assert sample.post
    assert sample.post.topic in TOPICS
    for pair in per_answer(sample):
        dialogue = await write("soulchat", pair, Rehearsal())
        assert dialogue.quality.calls == 1
        assert 8 <= len(dialogue.turns) <= 20
        assert (dialogue.turns[0].speaker, dialogue.turns[-1].speaker) == ("client", "counselor")
