"""PsyDial, RMRR: the checks of its specification. ACL 2025 long 1049."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from psyloom.cli.catalog import cases
from psyloom.errors import AnswerRejected, BadRecord, MissingFacet, UsageError
from psyloom.llm import Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Lang, Session, Turn, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.systems import find_system
from psyloom.systems.psydial.answers import windows
from psyloom.systems.psydial.gates import RealClient, longest_run
from psyloom.systems.psydial.mask import PLACEHOLDER, masked, tokens
from psyloom.systems.psydial.pool import complaints
from psyloom.systems.sessions import case_of
from tests.support import Scripted, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
REAL = {
    "zh": [("client", "我在云雀银行上班，这周又被刘行长当众骂了"), ("counselor", "被刘行长骂的时候，你心里是什么感觉？"),
           ("client", "就想辞职，可是房贷还有十一年"), ("counselor", "“就想辞职”，又有现实的担子。以前遇到过这种两难吗？")],
    "en": [("client", "I work at Larkspur Bank and Mrs Hollis shouted at me again"), ("counselor", "When Mrs Hollis shouts, what do you feel?"),
           ("client", "I want to quit but the mortgage runs for years"), ("counselor", "So “I want to quit”, and yet there is a burden. Have you known that before?")],
}  # fmt: skip
NEW = {"zh": "组会上他又说我的东西没有价值{}", "en": "my adviser found my results useless number {}"}
SAID = {"zh": "那一刻你心里是什么感觉，第{}次？", "en": "What did you feel at that moment, time {}?"}


def turns(lang: Lang = "zh", exchanges: int = 2) -> list[Turn]:
    more = [
        Turn(speaker=who, text=f"{text}{n}")
        for n in range(2, exchanges)
        for who, text in (
            ("client", {"zh": "还有一件很丢脸的事情", "en": "there was one more shameful thing"}[lang]),
            ("counselor", {"zh": "多讲讲好吗", "en": "Tell me more please"}[lang]),
        )
    ]  # fmt: skip
    return [*(Turn(speaker=who, text=text) for who, text in REAL[lang]), *more][: 2 * exchanges]


def case(lang: Lang = "zh", exchanges: int = 2, session: list[Turn] | None = None) -> Case:
    said = session or turns(lang, exchanges)
    return case_of(Dialogue(id="r", lang=lang, sessions=[Session(turns=said)]))


def reconstruct(call: Call) -> dict[str, Any]:
    """One good line for each number that the prompt asks for."""
    wanted = next(re.finditer(r"^(?:请写出|Write the messages).*[：:](.*)$", text_of(call), re.MULTILINE))
    asked = [int(n) for n in re.findall(r"\d+", wanted[1])]
    lang: Lang = "zh" if "来访者" in text_of(call) else "en"
    return {"lines": [{"number": n, "text": NEW[lang].format(n)} for n in asked]}


def refine(call: Call) -> dict[str, Any]:
    """Edits of just those counselor lines that hold a placeholder."""
    found = re.findall(r"^(\d+)\. (咨询师：|Counselor: )(.*)$", text_of(call), re.MULTILINE)
    gaps = [(int(n), "zh" if who == "咨询师：" else "en") for n, who, text in found if PLACEHOLDER.search(text)]
    return {"edits": [{"number": n, "text": SAID[lang].format(n), "reason": "x"} for n, lang in gaps]}


def model(**other: Any) -> Scripted:
    return Scripted(**({"reconstruct": reconstruct, "refine": refine} | other))


def lines_once(first: dict[int, str]) -> Any:
    """The good answer, but the first time with some lines replaced."""
    asked = iter(range(100))

    def answer(call: Call) -> dict[str, Any]:
        good = reconstruct(call)
        if next(asked) == 0:
            good["lines"] = [line | {"text": first.get(line["number"], line["text"])} for line in good["lines"]]
        return good

    return answer


# The four steps


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("psydial", 1)
async def test_four_stages_in_order_each_with_something_saved(lang: Lang) -> None:
    m = model()
    dialogue = await write("psydial", case(lang), m)
    assert [call.prompt for call in m.calls] == ["reconstruct", "refine"]
    assert set(dialogue.sessions[0].notes) == {"complaint", "similarity", "flags"}
    stages = dialogue.extra["stages"]
    assert isinstance(stages, dict)
    assert list(stages) == ["masked", "reconstructed", "refined"]
    assert stages["refined"] == [turn.text for turn in dialogue.turns]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("psydial", 2)
async def test_a_secret_of_the_client_is_in_no_prompt_and_no_output(lang: Lang, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", [case(lang)])
    m = model()
    await run_cases("psydial", tmp_path / "cases.jsonl", tmp_path / "out", models=m)
    secrets = {"zh": ["云雀", "刘行长", "辞职", "房贷"], "en": ["Larkspur", "Hollis", "runs for years"]}[lang]
    shown = "\n".join(map(text_of, m.calls))
    kept = "\n".join(
        file.read_bytes().decode("utf-8", "ignore") for file in (tmp_path / "out").rglob("*") if file.is_file()
    )
    assert "r" in json.loads((tmp_path / "out/dialogues.jsonl").read_text())["id"]
    assert [word for word in secrets if word in shown] == []
    assert [word for word in secrets if word in kept] == []


async def test_what_else_a_case_tells_of_the_real_client_is_not_kept() -> None:
    private = case()
    more = {"demographics": {"name": "云雀"}, "intake": {"reason": "云雀"}, "extra": {**private.extra, "room": "云雀"}}
    dialogue = await write("psydial", Case.model_validate(private.model_dump() | more), model())
    assert "云雀" not in dialogue.model_dump_json()


@given(
    st.lists(
        st.builds(Turn, speaker=st.sampled_from(["client", "counselor"]), text=st.text("在行里骂我abc。 ", min_size=1)),
        min_size=1,
        max_size=12,
    )
)
@pytest.mark.accepts("psydial", 2, 3)
def test_masking_keeps_number_order_and_speakers_and_no_character_of_the_client(session: list[Turn]) -> None:
    hidden = masked(session, "zh")
    assert [turn.speaker for turn in hidden] == [turn.speaker for turn in session]
    own = [turn.text for turn in hidden if turn.speaker == "client"]
    assert own == [f"[CLIENT_{k}]" for k in range(1, len(own) + 1)]


@pytest.mark.parametrize(
    ("lang", "said", "repeated", "left"),
    [
        ("zh", "我叫林小岚", "小岚，林小岚，你好", "[PERSON]，[PERSON]，你好"),
        ("zh", "怕我爱人觉得我没用", "怕爱人觉得你没用？", "怕[QUOTE]？"),
        ("zh", "妹妹小满出国了", "小满会怎么看？", "[PERSON]会怎么看？"),
        ("zh", "我在东湖银行上班", "东湖银行的工作怎么样？", "[ORG]的工作怎么样？"),
        ("zh", "嗯。", "打13812345678找我，或写信到a.b@mail.com", "打[PHONE]找我，或写信到[ACCOUNT]"),
        ("zh", "我三十岁了还怕他", "三十岁也可以怕", "[DATE]也可以怕"),
        ("zh", "他说我早晚要被换掉", "“早晚要被换掉”，这句话很重", "[QUOTE]，这句话很重"),
        ("zh", "我总觉得这个家散了", "这个家散了，你很难过", "[QUOTE]，你很难过"),
        ("en", "my boss Mr Brook shouts", "What does Mr Brook say?", "What does [PERSON] say?"),
        ("en", "I moved to Leeds on March 3", "How is Leeds since March 3?", "How is [PLACE] since [DATE]?"),
        ("en", "I cannot breathe in there", "So you cannot breathe in there.", "So [QUOTE]."),
        ("en", "I teach on Sundays", "What are your Sundays like?", "What are your Sundays like?"),
        ("zh", "我在杭州长大", "杭州那边还有谁？", "[PLACE]那边还有谁？"),
        ("en", "I grew up here", "What was Leeds like?", "What was [PLACE] like?"),
        ("zh", "同事阿May走了", "阿May走了以后呢？", "[PERSON]走了以后呢？"),
        ("zh", "他伤害了我", "被强暴以后，你跟谁说过？", "被[QUOTE]以后，你跟谁说过？"),
        ("en", "I got the result.", "How did the HIV change things?", "How did the [QUOTE] change things?"),
        ("zh", "做裁缝。", "裁缝？做裁缝累吗？", "裁缝？[QUOTE]累吗？"),
        ("en", "We were there.", "Who were you with?", "Who were you with?"),
        ("en", "I was so scared then", "You were so scared then?", "[QUOTE]?"),
        ("en", "My friend Will left, he was from the US", "Tell us: will you call?", "Tell us: will you call?"),
        ("en", "It was so with Ann", "Had you planned it?", "Had you planned it?"),
        ("zh", "嗯，好的。", "嗯，好的。我们把东西安排一下。", "嗯，好的。我们把东西安排一下。"),
    ],
)
def test_a_counselor_line_loses_what_it_repeats_of_the_client(lang: Lang, said: str, repeated: str, left: str) -> None:
    assert masked([Turn.client(said), Turn.counselor(repeated)], lang)[1].text == left


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("psydial", 3)
async def test_role_sequence_and_number_of_messages_stay_even_with_several_in_a_row(lang: Lang) -> None:
    session = [turns(lang)[0], *turns(lang), turns(lang)[-1]]
    dialogue = await write("psydial", case(lang, session=session), model())
    assert [turn.speaker for turn in dialogue.turns] == [turn.speaker for turn in session]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("psydial", 4)
async def test_reconstruct_changes_only_client_lines_and_refine_only_counselor_lines(lang: Lang) -> None:
    dialogue = await write("psydial", case(lang, 6), model())
    stages: Any = dialogue.extra["stages"]
    for at, turn in enumerate(dialogue.turns):
        before, between, after = (stages[name][at] for name in ("masked", "reconstructed", "refined"))
        if turn.speaker == "client":
            assert between == after != before
        else:
            assert before == between
            assert (after == between) == (not PLACEHOLDER.search(before))
    assert all(
        bool(turn.thought) == (text != turn.text)
        for turn, text in zip(dialogue.turns, stages["reconstructed"], strict=True)
    )


@pytest.mark.accepts("psydial", 5)
async def test_every_result_names_a_public_complaint_and_its_likeness() -> None:
    dialogue = await write("psydial", case(), model())
    pool, _ = complaints(find_system("psydial").folder / "complaints.zh.jsonl", "lexical")
    note = dialogue.sessions[0].notes
    found = next(one for one in pool if one.id == note["complaint"])
    assert dialogue.case
    assert dialogue.case.post == found.post
    assert dialogue.case.extra == {}
    assert note["similarity"] == dialogue.quality.measures["similarity"]
    assert (
        "weak_match"
        in (await write("psydial", case(), model(), options={"threshold": 0.99})).sessions[0].notes["flags"]
    )  # type: ignore[operator]


async def test_the_closest_complaint_is_taken_and_among_spreads_the_uses() -> None:
    session = [Turn.client("导师组会上又当众说我，换导师又怕毕不了业"), Turn.counselor("嗯。")]
    ids = {
        (await write("psydial", case(session=session), model(), seed=n)).sessions[0].notes["complaint"]
        for n in range(4)
    }
    assert ids == {"complaint-zh-1"}
    spread = {
        (await write("psydial", case(session=session), model(), seed=n, options={"among": 3}))
        .sessions[0]
        .notes["complaint"]
        for n in range(12)
    }
    assert len(spread) == 3


async def test_an_embedder_of_ones_own_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.support.toy_embedder", lambda texts: [[float("妈妈走了" in t), 1.0] for t in texts], raising=False
    )
    session = [Turn.client("妈妈走了以后我没哭过"), Turn.counselor("嗯。")]
    dialogue = await write(
        "psydial", case(session=session), model(), options={"embedder": "tests.support:toy_embedder"}
    )
    assert dialogue.sessions[0].notes["complaint"] == "complaint-zh-6"


@pytest.mark.parametrize("name", ["nowhere:at_all", "json:nothing", "json"])
async def test_an_embedder_that_cannot_be_loaded_is_said_so(name: str) -> None:
    with pytest.raises(UsageError, match="module:function"):
        await write("psydial", case(), model(), options={"embedder": name})


# The gates


LEAKS = [
    ("zh", "copied", "我跟你说，可是房贷还有十一年呢"),
    ("zh", "near", "这一周我又当众被骂了！"),
    ("zh", "entity", "那天去云雀银行取钱"),
    ("zh", "placeholder", "就是 [PERSON] 说的那样"),
    ("zh", "role_flip", "嗯。\n咨询师：好的"),
    ("zh", "list", "我想了两件事：1. 换导师；2. 退学。"),
    ("en", "copied", "but the mortgage runs for years and years"),
    ("en", "near", "I want to quit, the mortgage still runs for years"),
    ("en", "entity", "someone at Larkspur Bank told me"),
    ("en", "language", "我也不知道该怎么说才好"),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "rule", "text"), LEAKS)
@pytest.mark.accepts("psydial", 6)
async def test_a_leak_is_asked_for_again_counted_by_reason_and_in_the_end_rejects(
    lang: Lang, rule: str, text: str
) -> None:
    session = turns(lang)
    if rule == "near" and lang == "zh":
        session[0] = Turn.client("这一周我又被当众骂了")
    m = model(reconstruct=lines_once({2: text}))
    dialogue = await write("psydial", case(lang, session=session), m)
    assert len(m.asked("reconstruct")) == 2
    assert list(dialogue.quality.guards) == [f"script: {rule}"]
    always = model(reconstruct=lambda call: {"lines": [
        line | {"text": text if line["number"] == 2 else line["text"]} for line in reconstruct(call)["lines"]
    ]})  # fmt: skip
    with pytest.raises(AnswerRejected):
        await write("psydial", case(lang, session=session), always)


async def test_the_words_that_ask_again_hold_nothing_of_the_real_session() -> None:
    m = model(reconstruct=lines_once({2: "我跟你说，可是房贷还有十一年呢"}))
    await write("psydial", case(), m)
    again = m.asked("reconstruct")[1].messages[-1]["content"]
    assert "第 2 条" in again
    assert not any(word in again for word in ("房贷", "十一年"))


async def test_too_many_shared_phrases_reject_even_when_each_is_short() -> None:
    session = [Turn.client("天黑以后走在路上。花开的时候没人看。水冷得像一把刀。"), Turn.counselor("嗯。")]
    m = model(reconstruct={"lines": [{"number": 1, "text": "天黑以后，花开的时候，水冷得像"}]})
    with pytest.raises(AnswerRejected, match="太多"):
        await write("psydial", case(session=session), m)


@pytest.mark.parametrize(
    ("lang", "real", "new", "leaks"),
    [
        ("en", "I was raped.", "Last year, I was raped.", True),
        ("en", "He hits me.", "He hits me!", True),
        ("zh", "我流产了。他不管。", "说实话，我流产了", True),
        ("zh", "流产。", "流产", True),
        ("en", "Thank you. Yes, I know.", "Yes, I know!", False),
        ("zh", "嗯。是的，谢谢你。", "谢谢你！", False),
        ("zh", "怕。", "怕。", False),
        ("en", "He hits me.", "He hits the table.", False),
    ],
)
async def test_a_sentence_of_the_real_client_is_found_however_short_unless_it_is_everybodys(
    lang: Lang, real: str, new: str, leaks: bool
) -> None:
    """With and without the gate: what is not asked for again is measured."""
    session = [Turn.client(real), Turn.counselor({"zh": "慢慢说。", "en": "Take your time."}[lang])]
    once = lines_once({1: new})
    strict = await write("psydial", case(lang, session=session), model(reconstruct=once, refine={"edits": []}))
    assert strict.quality.guards == ({"script: copied": 1} if leaks else {})
    told = {"strict": False}
    lenient = model(reconstruct={"lines": [{"number": 1, "text": new}]}, refine={"edits": []})
    kept = await write("psydial", case(lang, session=session), lenient, options=told)
    assert kept.quality.measures["leaked_sentences"] == leaks


async def test_names_that_leaked_are_measured_wherever_they_stand_as_words() -> None:
    told = [Turn.client("Ann said so, my friend Ann from Iran."), Turn.counselor("Take your time.")]
    said = {"reconstruct": lines_once({1: "My friend Ann came with me."}), "refine": {"edits": []}}
    kept = await write("psydial", case("en", session=told), model(**said), options={"strict": False})
    assert kept.quality.measures["leaked_entities"] == 1
    said["reconstruct"] = lines_once({1: "I ran away, and nobody had planned it."})
    clean = await write("psydial", case("en", session=told), model(**said), options={"strict": False})
    assert clean.quality.measures["leaked_entities"] == 0


async def test_a_counselors_edit_that_is_a_list_is_asked_for_again_but_a_real_list_stays() -> None:
    listed = "两件事：1. 早睡；2. 散步。"
    edits = iter([{"edits": [{"number": 2, "text": listed, "reason": "x"}]}])
    dialogue = await write("psydial", case(), model(refine=lambda call: next(edits, None) or refine(call)))
    assert dialogue.quality.guards == {"script: list": 1}
    real = [Turn.client("睡不好"), Turn.counselor(listed)]
    dialogue = await write("psydial", case(session=real), model(refine={"edits": []}))
    assert (dialogue.quality.guards, dialogue.turns[1].text) == ({}, listed)


async def test_lenient_keeps_and_counts_what_leaked_and_the_measures_tell() -> None:
    m = model(reconstruct=lines_once({2: "就想辞职，可是房贷还有十一年"}))
    dialogue = await write("psydial", case(), m, options={"strict": False})
    measures = dialogue.quality.measures
    assert dialogue.quality.kept["script: copied"] == 1
    assert (measures["leaked_sentences"], measures["nearest_sentence"]) == (1, 1)
    assert measures["longest_run"] == 13
    clean = (await write("psydial", case(), model())).quality.measures
    assert (clean["leaked_sentences"], clean["leaked_entities"], clean["overlap"]) == (0, 0, 0)
    assert clean["longest_run"] < 8
    assert clean["nearest_sentence"] < 0.7


@given(st.text("我在银行被骂了很难过想辞职", min_size=8, max_size=24))
@pytest.mark.accepts("psydial", 6)
def test_every_run_of_eight_characters_is_found_wherever_it_stands(text: str) -> None:
    real = RealClient((text,), "zh")
    assert real.leak(f"那天{text[2:10]}啊" if len(text) >= 10 else f"那天{text}啊") is not None
    assert longest_run([text], [text]) == len(tokens(text))


async def test_a_name_that_the_public_complaint_holds_too_is_no_leak() -> None:
    assert RealClient(("我在云雀银行上班",), "zh", public="云雀银行的柜台").leak("去了云雀银行") is None
    assert RealClient(("我在云雀银行上班",), "zh").leak("去了云雀银行") == "entity"


def test_a_number_is_found_in_full_width_digits_too() -> None:
    assert RealClient.of([Turn.client("打13812345678找我")], "zh").leak("电话是１３８１２３４５６７８") == "entity"


async def test_a_placeholder_left_in_a_counselor_line_is_asked_to_be_written_out() -> None:
    m = model(refine=[{"edits": []}, {"edits": [
        {"number": 2, "text": "被他骂的时候，你心里是什么感觉？", "reason": "人名"},
        {"number": 4, "text": "想走，又有现实的担子。以前遇到过这种两难吗？", "reason": "引用"},
    ]}])  # fmt: skip
    dialogue = await write("psydial", case(), m)
    assert dialogue.quality.guards == {"script: placeholder": 1}
    assert not any(PLACEHOLDER.search(turn.text) for turn in dialogue.turns)


@pytest.mark.parametrize("number", [1, 9])
async def test_an_edit_of_a_client_line_or_of_no_line_is_refused(number: int) -> None:
    wrong = iter([{"edits": [{"number": number, "text": "改一下", "reason": "x"}]}])
    dialogue = await write("psydial", case(), model(refine=lambda call: next(wrong, None) or refine(call)))
    assert dialogue.quality.guards == {"script: edits": 1}


async def test_missing_doubled_and_foreign_numbers_are_asked_for_again() -> None:
    wrong = iter([[1], [1, 1, 2], [1, 2, 3]])

    def answer(call: Call) -> dict[str, Any]:
        numbers = next(wrong, [1, 2])
        return {"lines": [{"number": n, "text": NEW["zh"].format(n)} for n in numbers]}

    dialogue = await write("psydial", case(), model(reconstruct=answer), tries=4)
    assert dialogue.quality.guards == {"script: gaps": 3}


async def test_a_heavy_edit_is_measured_and_flagged() -> None:
    dialogue = await write("psydial", case(), model())
    assert dialogue.quality.measures["edit_ratio"] > 0.5
    assert dialogue.sessions[0].notes["flags"] == ["weak_match", "heavy_edit"]


# Windows


@pytest.mark.parametrize("exchanges", [20, 21, 45])
@pytest.mark.accepts("psydial", 7)
async def test_long_sessions_are_two_calls_a_window_and_lose_or_repeat_nothing(exchanges: int) -> None:
    m = model()
    dialogue = await write("psydial", case(exchanges=exchanges), m)
    needed = -(-exchanges // 20)
    assert m.counts() == {"reconstruct": needed, "refine": needed}
    assert [t.text for t in dialogue.turns if t.speaker == "client"] == [
        NEW["zh"].format(k) for k in range(1, exchanges + 1)
    ]
    if needed > 1:
        assert NEW["zh"].format(1) in text_of(m.asked("reconstruct")[1])


@given(
    st.lists(st.sampled_from(["client", "counselor"]), min_size=1, max_size=60), st.integers(min_value=1, max_value=9)
)
@pytest.mark.accepts("psydial", 7)
def test_windows_laid_end_to_end_are_the_session(speakers: list[Any], exchanges: int) -> None:
    session = [Turn(speaker=who, text=str(n)) for n, who in enumerate(speakers)]
    found = list(windows(session, exchanges))
    assert [turn for window in found for turn in window] == session
    assert all(Session(turns=window).exchanges() >= exchanges for window in found[:-1])


# Where sessions and complaints come from


def test_a_file_of_sessions_becomes_cases_by_a_command(tmp_path: Path) -> None:
    talk = Dialogue(id="r", lang="zh", sessions=[Session(turns=turns())], extra={"room": "云雀"})
    write_jsonl(tmp_path / "talks.jsonl", [talk])
    words = ["psydial", str(tmp_path / "talks.jsonl"), "--make", "session"]
    done = CliRunner().invoke(cases, words, catch_exceptions=False)
    (made,) = map(json.loads, done.output.splitlines())
    assert made["extra"] == {"session": [{"speaker": who, "text": text} for who, text in REAL["zh"]]}


async def test_a_post_without_a_session_is_rebuilt_on_the_closest_masked_session() -> None:
    lone = Case.model_validate({"id": "p", "lang": "zh", "post": {"text": "我们一说话就吵起来，吵完谁也不理谁"}})
    dialogue = await write("psydial", lone, Rehearsal())
    assert dialogue.sessions[0].notes["session"] == "session-zh-2"
    assert dialogue.sessions[0].notes["complaint"] == "p"


async def test_a_case_with_neither_session_nor_post_says_what_is_missing() -> None:
    with pytest.raises(MissingFacet, match=r"extra\.session"):
        await write("psydial", Case(id="n", lang="zh"), model())


async def test_a_broken_session_is_refused_without_quoting_it() -> None:
    bad = Case(id="b", lang="zh", extra={"session": [{"speaker": "teller", "text": "云雀"}]})
    with pytest.raises(BadRecord, match=r"extra\.session\.0\.speaker") as told:
        await write("psydial", bad, model())
    assert "云雀" not in str(told.value)


async def test_profile_is_one_call_for_each_complaint(tmp_path: Path) -> None:
    twice = [case().model_copy(update={"id": name}, deep=True) for name in "ab"]
    write_jsonl(tmp_path / "cases.jsonl", twice)
    m = model(profile="我是研二的学生，从小怕让人失望。")
    await run_cases("psydial", tmp_path / "cases.jsonl", tmp_path / "out", models=m, options={"profile": True})
    assert m.counts() == {"profile": 1, "reconstruct": 2, "refine": 2}
    assert "从小怕让人失望" in text_of(m.asked("reconstruct")[0])


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("psydial").cases(), Case)), ids=lambda sample: sample.id)
async def test_every_sample_is_rehearsed_in_two_calls_and_nothing_leaks(sample: Case) -> None:
    dialogue = await write("psydial", sample.model_copy(deep=True), Rehearsal())
    assert dialogue.quality.calls == 2
    assert dialogue.quality.measures["leaked_sentences"] == dialogue.quality.measures["leaked_entities"] == 0
