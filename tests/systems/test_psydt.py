"""PsyDT: the checks of its specification. ACL 2025 long 55."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from psyloom.agents import Ask, Talk
from psyloom.agents.desk import Shelf
from psyloom.errors import AnswerRejected, BadRecord, UsageError
from psyloom.formats import read
from psyloom.formats.write import WRITERS, ExportOptions, export
from psyloom.knowledge.instruments import instrument
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Artefact, Case, Dialogue, Label, Lang, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.runs.rate import rate
from psyloom.systems import find_system
from psyloom.systems.psydt.system import (
    OCEAN,
    SCHOOLS,
    THERAPIES,
    THERAPIES_OF,
    TOPICS,
    PsyDTCounselor,
    closeness,
    common_run,
    counselor_cases,
    persona,
)  # fmt: skip
from tests.support import Scripted, desk_for, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
STYLE = {"style_summary": "STYLE", "learned": True}
TECHNIQUE = {"school": "认知行为取向", "technique": "理情行为疗法", "analysis": "WHY"}
TRAITS = {trait: f"TRAIT-{trait}" for trait in OCEAN}
NAMES = {"zh": ("来访者：", "咨询师："), "en": ("Client: ", "Counselor: ")}
SAID = {"zh": "第{}句，我慢慢说。", "en": "Word {} of mine."}
BLOCKS = {"zh": "【{} ", "en": "[{} "}


def case(lang: Lang = "zh", topic: str | None = "家庭", id_: str = "p", **more: Any) -> Case:
    post = {"title": "TITLE", "text": "DETAIL", "topic": topic, "answers": [{"text": "ANSWER"}, {"text": "OTHER"}]}
    return Case.model_validate({"id": id_, "lang": lang, "post": post | more})


def own(topic: str, words: str, id_: str | None = None, **more: Any) -> Dialogue:
    turns = [Turn.client(f"client {words}"), Turn.counselor(f"counselor {words}")]
    return Dialogue(id=id_ or topic, lang="zh", sessions=[Session(turns=turns)], labels=[Label(set="soulchat_topic", id=topic)], **more)  # fmt: skip


@pytest.fixture
def counselor(tmp_path: Path) -> str:
    """A counselor with two cases."""
    write_jsonl(tmp_path / "lin.jsonl", [own("家庭", "FAMILY my mother again"), own("career", "CAREER the meeting")])
    return str(tmp_path / "lin.jsonl")


def script(lang: Lang = "zh", exchanges: int = 20, opening: str = "") -> str:
    lines = [NAMES[lang][n % 2] + SAID[lang].format(n + 1) for n in range(2 * exchanges)]
    return "\n".join([NAMES[lang][0] + opening, *lines[1:]] if opening else lines)


def twin(lang: Lang = "zh", **more: Any) -> Scripted:
    return Scripted(**({"style": STYLE, "technique": TECHNIQUE, "personality": TRAITS, "session": script(lang)} | more))


async def made(counselor: str, model: Scripted, case_: Case | None = None, **options: Any) -> Dialogue:
    return await write("psydt", case_ or case(), model, options={"counselor": counselor, **options})


@pytest.mark.accepts("psydt", 1, 4)
async def test_a_case_of_the_counselor_is_read_in_two_calls_once_for_all_posts_and_kept(counselor: str) -> None:
    model, shelf = twin(), Shelf()
    options = {"counselor": counselor}
    posts = [case(id_="a"), case(id_="b"), case(id_="c", topic="职场")]
    done = await asyncio.gather(*(write("psydt", post, model, options=options, shelf=shelf) for post in posts))
    assert model.counts() == {"personality": 3, "session": 3, "style": 2, "technique": 2}
    assert sorted((a.owner, a.name) for a in shelf.kept.values()) == [
        ("lin/career", "style"), ("lin/career", "technique"), ("lin/家庭", "style"), ("lin/家庭", "technique"),
    ]  # fmt: skip
    assert all(a.value["technique"] == "rebt" for a in shelf.kept.values() if a.name == "technique")
    assert [d.sessions[0].notes["learned_from"] for d in done] == ["lin/家庭", "lin/家庭", "lin/career"]
    assert [d.quality.calls for d in done] == [2, 2, 2]


@pytest.mark.accepts("psydt", 1)
async def test_the_artefacts_of_a_run_are_written_beside_its_dialogues(counselor: str, tmp_path: Path) -> None:
    told = {"title": "我睡不着", "text": "妈妈天天打电话来。我不敢不接。"}
    write_jsonl(tmp_path / "cases.jsonl", [case(id_="a", **told), case(id_="b", **told)])
    summary = await run_cases("psydt", tmp_path / "cases.jsonl", tmp_path / "out", options={"counselor": counselor})
    assert summary.progress.calls == 2 + 2 * 2
    found = list(read_jsonl(tmp_path / "out/artefacts.jsonl", Artefact))
    assert {a.name for a in found} == {"style", "technique"}


@pytest.mark.accepts("psydt", 1)
def test_ten_therapies_stand_in_four_schools_and_have_an_entry_in_both_languages() -> None:
    assert len(TOPICS) == 12
    assert tuple(THERAPIES_OF) == SCHOOLS.ids
    assert [id_ for ids in THERAPIES_OF.values() for id_ in ids] == list(THERAPIES.ids)
    assert len(THERAPIES) == 10
    assert all(mark in THERAPIES["REBT"].definition.zh for mark in "一二三四")
    assert all(f"{n} " in term.definition.en for term in THERAPIES.terms for n in range(1, 5))


@pytest.mark.accepts("psydt", 1)
@pytest.mark.parametrize(
    "wrong",
    [{**TECHNIQUE, "technique": "催眠"}, {**TECHNIQUE, "school": "人本主义取向"}, {**TECHNIQUE, "analysis": ""}],
)
async def test_a_therapy_outside_the_list_or_its_school_is_asked_for_again(counselor: str, wrong: Any) -> None:
    model = twin(technique=[wrong, TECHNIQUE])
    dialogue = await made(counselor, model)
    assert len(model.asked("technique")) == 2
    assert dialogue.sessions[0].notes["therapy"] == "rebt"


async def test_a_style_that_was_not_learned_is_asked_for_again_and_in_the_end_fails_the_case(counselor: str) -> None:
    failed = {**STYLE, "learned": False}
    model = twin(style=[failed, STYLE])
    await made(counselor, model)
    assert len(model.asked("style")) == 2
    with pytest.raises(AnswerRejected):
        await made(counselor, twin(style=failed))


@pytest.mark.accepts("psydt", 2)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("topic", "there", "not_there"), [("家庭", "FAMILY", "CAREER"), ("Career", "CAREER", "FAMILY")]
)
async def test_the_session_is_asked_for_with_case_style_and_therapy_of_the_posts_topic(
    counselor: str, lang: Lang, topic: str, there: str, not_there: str
) -> None:
    model = twin(lang)
    dialogue = await made(counselor, model, case(lang, topic))
    call = model.asked("session")[0]
    assert [message["role"] for message in call.messages] == ["user", "assistant", "user"]
    learned, answer, rewrite = (message["content"] for message in call.messages)
    assert there in learned
    assert not_there not in text_of(call)
    assert text_of(model.asked("style")[0]).startswith(learned)
    assert answer == "STYLE"
    assert THERAPIES["rebt"].definition.of(lang) in rewrite
    assert all(word in rewrite for word in ("TITLE", "DETAIL", "ANSWER", *TRAITS.values()))
    assert "OTHER" not in rewrite
    assert [label.id for label in dialogue.labels] == [TOPICS[topic].id]


@pytest.mark.accepts("psydt", 2)
async def test_without_a_case_of_the_topic_it_is_an_error_or_the_closest_case_which_is_recorded(counselor: str) -> None:
    with pytest.raises(UsageError, match="missing=closest"):
        await made(counselor, twin(), case(topic="治疗"))
    post = case(topic="治疗", text="client the meeting went wrong")
    dialogue = await made(counselor, twin(), post, missing="closest")
    assert dialogue.sessions[0].notes["topic_of_case"] == "career"
    for topic in (None, "钓鱼"):  # a post of no known topic has no case of its own
        dialogue = await made(counselor, twin(), case(topic=topic, text="mother again"))
        assert dialogue.sessions[0].notes["topic_of_case"] in ("family", "career")
        assert dialogue.labels == []


@pytest.mark.parametrize("lang", LANGS)
def test_closeness_counts_what_two_texts_share(lang: Lang) -> None:
    a, b, c = {
        "zh": ("妈妈翻我手机", "我妈妈又翻手机了", "老板开会点名"),
        "en": ("my mother reads my letters", "mother opened letters again", "the boss called a meeting"),
    }[lang]
    assert 1 >= closeness(a, b, lang) > closeness(a, c, lang) == 0
    assert closeness(a, a, lang) == pytest.approx(1)
    assert closeness("", a, lang) == 0


def test_a_counselor_has_exactly_one_case_for_each_topic(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "twice.jsonl", [own("家庭", "a", "1"), own("Family", "b", "2")])
    write_jsonl(tmp_path / "none.jsonl", [own("钓鱼", "a")])
    for name, says in (("twice", "second one about family"), ("none", "none of the twelve")):
        with pytest.raises(BadRecord, match=says):
            counselor_cases(tmp_path / f"{name}.jsonl")
    with pytest.raises(BadRecord, match="cannot read"):
        counselor_cases(tmp_path / "nowhere.jsonl")
    many = own("x", "a", extra={"topic": "人际"})
    many.sessions.append(Session(turns=[Turn.client("later")]))
    write_jsonl(tmp_path / "extra.jsonl", [many])
    found = counselor_cases(tmp_path / "extra.jsonl")
    assert [turn.text for turn in Talk(found["relationship"]).turns] == ["client a", "counselor a", "later"]


@pytest.mark.accepts("psydt", 3)
@pytest.mark.parametrize("gap", OCEAN)
async def test_all_five_factors_are_written_and_none_is_empty(counselor: str, gap: str) -> None:
    model = twin(personality=[TRAITS | {gap: " "}, TRAITS])
    dialogue = await made(counselor, model)
    assert len(model.asked("personality")) == 2
    assert dialogue.case is not None
    assert {trait: dialogue.case.get(f"personality.{trait}") for trait in OCEAN} == TRAITS
    assert dialogue.case.derived == ["personality"]


async def test_the_personality_is_written_from_the_post_without_its_answers(counselor: str) -> None:
    model = twin()
    await made(counselor, model)
    text = text_of(model.asked("personality")[0])
    assert "TITLE" in text
    assert "DETAIL" in text
    assert "ANSWER" not in text


@pytest.mark.accepts("psydt", 4)
async def test_a_dialogue_is_two_calls_and_a_case_that_brings_a_personality_keeps_it(counselor: str) -> None:
    model = twin()
    await made(counselor, model)
    assert len(model.asked("personality") + model.asked("session")) == 2
    model, given = twin(), case()
    given = given.model_copy(update={"personality": Case.model_validate({**given.model_dump(), "personality": TRAITS}).personality})  # fmt: skip
    await made(counselor, model, given)
    assert model.asked("personality") == []


async def test_decoding_is_0_for_reading_and_1_for_writing(counselor: str) -> None:
    model = twin()
    await made(counselor, model)
    found = {call.prompt: call.decoding for call in model.calls}
    warm, cold = ({"temperature": t, "max_tokens": 4096} for t in (1.0, 0.0))
    assert found == {"style": cold, "technique": cold, "personality": warm, "session": warm}


@pytest.mark.accepts("psydt", 5)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_five_blocks_come_in_order_and_each_ablation_removes_exactly_its_own(
    counselor: str, lang: Lang
) -> None:
    async def asked(**options: Any) -> tuple[str, Scripted]:
        model = twin(lang)
        await made(counselor, model, case(lang), **options)
        return text_of(model.asked("session")[0]), model

    full, _ = await asked()
    places = [full.index(BLOCKS[lang].format(n)) for n in range(1, 6)]
    assert places == sorted(places)
    definition = THERAPIES["rebt"].definition.of(lang)
    parts = {"style": ("FAMILY", "STYLE"), "therapy": (definition,), "personality": tuple(TRAITS.values())}
    blocks = {"style": 5, "therapy": 4, "personality": 4}
    calls = {"style": "style", "therapy": "technique", "personality": "personality"}
    for off in parts:
        text, model = await asked(**{off: "false"})
        assert {name for name, words in parts.items() if all(word in text for word in words)} == set(parts) - {off}
        assert not any(word in text for word in parts[off])
        assert [BLOCKS[lang].format(n) in text for n in range(1, 6)] == [n <= blocks[off] for n in range(1, 6)]
        assert model.asked(calls[off]) == []


@pytest.mark.accepts("psydt", 6)
@pytest.mark.parametrize(
    ("faulty", "rule"),
    [
        (script() + "\n来访者：谢谢你。", "last"),
        (script(exchanges=19) + "\n咨询师：嗯，你说。\n来访者：好。\n咨询师：好的。", "alternate"),
        (script(opening="你好，我是来说一说DETAILDETAILDETAIL这件事的。"), "copied"),
        (script(exchanges=19) + "\n来访者：怎么做？\n咨询师：我们用理情行为疗法来谈。", "names"),
        (script(exchanges=19) + "\n来访者：怎么做？\n咨询师：1. 记录；2. 放松。", "list"),
    ],
)
async def test_a_session_that_breaks_a_rule_is_asked_for_again(counselor: str, faulty: str, rule: str) -> None:
    post = case(text="求助：DETAILDETAILDETAIL")
    dialogue = await made(counselor, twin(session=[faulty, script()]), post)
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 20
    with pytest.raises(AnswerRejected):
        await made(counselor, twin(session=faulty), post)


@pytest.mark.accepts("psydt", 6)
@pytest.mark.parametrize("exchanges", [18, 31])
async def test_a_session_outside_20_to_30_exchanges_is_asked_for_again_then_kept_counted_and_reported(
    counselor: str, exchanges: int
) -> None:
    model = twin(session=script(exchanges=exchanges))
    dialogue = await made(counselor, model)
    assert dialogue.quality.measures == {"exchanges": exchanges}
    assert dialogue.quality.kept == {f"script: {'too few' if exchanges < 20 else 'too many'}": 1}
    assert len(model.asked("session")) == 3
    lenient = await made(counselor, twin(session=script(exchanges=exchanges)), strict="false")
    assert lenient.quality.kept == dialogue.quality.kept
    assert lenient.quality.calls == 2


async def test_the_analysis_before_the_session_is_cut_off(counselor: str) -> None:
    said = f"1 角色：已明白。\n来访者：要表现得慌。\n多轮对话：\n{script()}"
    assert len((await made(counselor, twin(session=said))).turns) == 40


@pytest.mark.accepts("psydt", 6)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("first", "rule"), [(1, "first"), (0, "last")])
async def test_the_client_opens_and_the_counselor_closes_or_it_is_asked_for_again(
    counselor: str, lang: Lang, first: int, rule: str
) -> None:
    lines = script(lang, exchanges=21).splitlines()
    faulty = "\n".join(lines[first : first + 41])
    dialogue = await made(counselor, twin(lang, session=[faulty, script(lang)]), case(lang))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 20


@pytest.mark.accepts("psydt", 7)
@pytest.mark.parametrize("where", ["title", "text"])
@pytest.mark.parametrize(
    ("lang", "post", "copy", "free"),
    [
        ("zh", "妈妈每天晚上都要翻我的手机", "你好，我妈妈每天晚上都要翻我的手机呀。", "你好，手机老是被我妈妈翻，每天晚上都这样。"),
        (
            "en", "My mother reads my letters every single evening", "Hello. My mother reads my letters every single evening.",
            "Hello. Every evening my mother goes through my letters.",
        ),
    ],
)  # fmt: skip
async def test_the_client_does_not_open_with_the_words_of_title_or_detail(
    counselor: str, where: str, lang: Lang, post: str, copy: str, free: str
) -> None:
    told = case(lang, **{where: f"1 {post}!"})
    asked_again = await made(
        counselor, twin(lang, session=[script(lang, opening=copy), script(lang, opening=free)]), told
    )
    assert asked_again.quality.guards == {"script: copied": 1}
    assert asked_again.turns[0].text == free
    with pytest.raises(AnswerRejected):
        await made(counselor, twin(lang, session=script(lang, opening=copy)), told)


@pytest.mark.accepts("psydt", 7)
@pytest.mark.parametrize(
    ("lang", "post", "greeting"),
    [
        ("zh", "领导总在群里点名我，是我太敏感吗？", "老师好。"),
        ("zh", "领导总在群里点名我，是我太敏感吗？", "老师您好，我有点事情想跟您聊聊。"),
        ("en", "My boss calls me out before everybody, am I too sensitive?", "Hello, is this a good time?"),
    ],
)
async def test_a_greeting_is_not_taken_for_the_opening_and_later_words_are_free(
    counselor: str, lang: Lang, post: str, greeting: str
) -> None:
    def opened(at: int) -> str:
        lines = script(lang, opening=greeting).splitlines()
        lines[at] = NAMES[lang][0] + post
        return "\n".join(lines)

    told = case(lang, title=post)
    dialogue = await made(counselor, twin(lang, session=[opened(2), script(lang)]), told)
    assert dialogue.quality.guards == {"script: copied": 1}
    assert (await made(counselor, twin(lang, session=opened(16)), told)).quality.guards == {}


@pytest.mark.parametrize(
    ("a", "b", "lang", "run"),
    [
        ("你好！我异地两年，很累", "标题：我异地，两年了", "zh", "我异地两年"),
        ("So I froze, in my first talk.", "I froze in my first presentation", "en", "i froze in my first"),
        ("完全不同", "毫无关系", "zh", ""),
    ],
)
def test_the_longest_common_run_ignores_marks_and_case(a: str, b: str, lang: Lang, run: str) -> None:
    assert (" " if lang == "en" else "").join(common_run(a, b, lang)) == run


@pytest.mark.parametrize("lang", LANGS)
async def test_the_twin_answers_with_the_system_message_of_its_therapy(lang: Lang) -> None:
    model, counselor = Scripted(reply="I see."), PsyDTCounselor()
    desk = desk_for(Case(id="c", lang=lang), model)
    talk = Talk(desk.dialogue)
    talk.add(Turn.client("HELLO"))
    turn = await counselor.reply(talk, Ask(desk, counselor, talk))
    (call,) = model.calls
    assert [message["role"] for message in call.messages] == ["system", "user"]
    assert THERAPIES["rebt"].definition.of(lang) in call.messages[0]["content"]
    assert call.decoding == {"temperature": 0.9, "top_p": 0.75, "top_k": 20, "max_tokens": 1024}
    assert turn.text == "I see."


# Records and ratings


@pytest.mark.accepts("psydt", 8)
@pytest.mark.parametrize("lang", LANGS)
async def test_a_record_has_topic_persona_and_talk_and_can_be_read_again(
    counselor: str, lang: Lang, tmp_path: Path
) -> None:
    dialogue = await made(counselor, twin(lang), case(lang))
    export([dialogue], WRITERS["psydt"], tmp_path / "psydt.json")
    (row,) = json.loads((tmp_path / "psydt.json").read_text("utf-8"))
    assert list(row) == ["id", "normalizedTag", "messages"]
    assert row["normalizedTag"] == TOPICS["family"].name(lang)
    assert [message["role"] for message in row["messages"]] == ["system", *["user", "assistant"] * 20]
    assert row["messages"][0]["content"] == persona(THERAPIES["rebt"], lang)
    (back,) = read(tmp_path / "psydt.json", "psydt")
    assert isinstance(back, Dialogue)
    assert [(turn.speaker, turn.text) for turn in back.turns] == [(turn.speaker, turn.text) for turn in dialogue.turns]
    assert [label.id for label in back.labels] == ["family"]


@pytest.mark.accepts("psydt", 8)
def test_a_released_record_loads_and_comes_back_as_it_was(tmp_path: Path) -> None:
    """Shaped like the one of the README: a persona of several lines, an odd number of messages in all."""
    said = [("system", "你是一位咨询师。\n（1）**检查**：听。\n（2）**辩论**：问。")]
    said += [(("user", "assistant")[n % 2], f"第{n}句，“慢慢说”。") for n in range(30)]
    released = [
        {"id": 0, "normalizedTag": "婚恋", "messages": [{"role": role, "content": text} for role, text in said]}
    ]
    (tmp_path / "readme.json").write_text(json.dumps(released, ensure_ascii=False, indent=4), "utf-8")
    found = [one for one in read(tmp_path / "readme.json", "psydt") if isinstance(one, Dialogue)]
    assert [len(one.turns) for one in found] == [30]
    assert [label.id for label in found[0].labels] == ["marriage"]
    export(found, WRITERS["psydt"], tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == released


@pytest.mark.accepts("psydt", 8)
def test_a_talk_without_a_persona_is_exported_with_a_given_one_only(tmp_path: Path) -> None:
    bare = own("家庭", "words")
    assert export([bare], WRITERS["psydt"], tmp_path / "a.json").examples == 0
    export([bare], WRITERS["psydt"], tmp_path / "b.json", ExportOptions(system_text="PERSONA"))  # type: ignore[call-arg]
    (row,) = json.loads((tmp_path / "b.json").read_text("utf-8"))
    assert row["messages"][0] == {"role": "system", "content": "PERSONA"}


@pytest.mark.accepts("psydt", 9)
def test_the_judges_and_experts_forms_have_the_papers_dimensions_and_scales() -> None:
    def scales(name: str) -> dict[str, tuple[float, float] | str]:
        return {item.id: (item.low, item.high) if item.scaled else item.kind for item in instrument(name).items}

    assert scales("psydt_reply") == dict.fromkeys(
        ("emotional_empathy", "cognitive_empathy", "conversation_strategy", "state_and_attitude"), (0, 3)
    ) | {"safety": "binary"}
    assert scales("psydt_similarity") == {"style": (0, 100), "therapy": (0, 100)}
    four = ("conversation_strategy", "state_and_attitude", "relationship", "therapy_technique")
    assert scales("psydt_expert") == dict.fromkeys(four, (0, 10)) | {"fluency": "binary", "safety": "binary"}


@pytest.mark.accepts("psydt", 9)
async def test_two_judges_are_averaged(tmp_path: Path) -> None:
    class Judge(Scripted):
        def __init__(self, name: str, value: int) -> None:
            judged = {"evidence": [], "reason": "WHY", "value": value}
            super().__init__(rate=judged)
            self.name = name

    talk = own("家庭", "words")
    write_jsonl(tmp_path / "talks.jsonl", [talk, talk.model_copy(update={"id": "again"})])
    form = instrument("psydt_reply")
    graded = form.model_copy(
        update={"items": tuple(item.model_copy(update={"silent": (0, 1, 2, 3)}) for item in form.items[:4])}
    )
    judges = [Judge("one", 1), Judge("other", 2)]
    found = await rate(tmp_path / "talks.jsonl", [graded], tmp_path / "out", models=judges)
    assert {one.rater: set(one.items.values()) for one in found.results["psydt_reply"]} == {
        "model one": {1},
        "model other": {2},
    }
    (mean,) = found.means["psydt_reply"]
    assert (mean.rater, set(mean.items.values()), mean.dialogues) == ("mean of 2 judges", {1.5}, 2)


@pytest.mark.parametrize("lang", LANGS)
def test_the_bundled_counselors_have_cases_of_different_topics(lang: Lang) -> None:
    cases = counselor_cases(find_system("psydt").folder / f"counselor.{lang}.jsonl")
    assert len(cases) == 4
    assert all(one.lang == lang and len(one.turns) >= 15 for one in cases.values())


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("psydt").cases(), Case)), ids=lambda s: s.id)
async def test_every_sample_case_is_rehearsed_without_a_fault(sample: Case) -> None:
    dialogue = await write("psydt", sample, Rehearsal())
    assert (dialogue.quality.rejected, dialogue.quality.kept) == (0, {})
    assert 20 <= dialogue.quality.measures["exchanges"] <= 30
