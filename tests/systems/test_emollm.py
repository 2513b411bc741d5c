"""EmoLLM: grid, persona and books: the checks of its specification that are about writing."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from psyloom.cli.catalog import cases
from psyloom.errors import AnswerRejected, BadRecord, UsageError
from psyloom.knowledge import label_set
from psyloom.knowledge.labels import FOLDER
from psyloom.llm import Call
from psyloom.llm.limits import Budget
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Lang, read_jsonl, write_jsonl
from psyloom.runs import run_cases
from psyloom.systems import find_system, make_role
from psyloom.systems.emollm.system import AREAS, EMOTIONS, MORE, PERSONAS, THEMES, grid, windows
from tests.support import Scripted, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
NAMES = {"zh": ("病人：", "医生："), "en": ("Patient: ", "Doctor: ")}
SAID = {"zh": "这是第{}句话。", "en": "This is message {}."}


def script(lang: Lang = "zh", messages: int = 6, **changed: str) -> str:
    """A good dialogue; ``changed``: m4="..." changes the text of the fourth message."""
    said = (changed.get(f"m{n + 1}", SAID[lang].format(n + 1)) for n in range(messages))
    return "\n".join(NAMES[lang][n % 2] + text for n, text in enumerate(said))


def case(lang: Lang = "zh", area: str = "AREA", emotion: str = "EMOTION") -> Case:
    return Case.model_validate({"id": "e", "lang": lang, "scenario": {"type": [area], "emotion": emotion}})


# The grid


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("emollm", 2)
def test_the_grid_has_16_areas_and_27_distinct_emotions_as_often_as_asked(lang: Lang) -> None:
    assert (len(AREAS), len(EMOTIONS), len(MORE)) == (16, 27, 5)
    cells = list(grid(lang=lang, each=2))
    assert len(cells) == 16 * 27 * 2
    assert len({one.id for one in cells}) == len(cells)
    assert set(Counter((one.scenario.type[0], one.scenario.emotion) for one in cells if one.scenario).values()) == {2}
    assert len(list(grid(lang=lang, more_emotions=True))) == 16 * 32


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.accepts("emollm", 1)
async def test_a_dialogue_is_one_call_for_its_cell_and_ends_with_the_doctor(lang: Lang) -> None:
    model = Scripted(dialogue=script(lang))
    dialogue = await write("emollm", case(lang), model)
    assert len(model.calls) == 1
    quoted = {"zh": "“{}”", "en": '"{}"'}[lang]
    assert all(quoted.format(word) in text_of(model.calls[0]) for word in ("AREA", "EMOTION"))
    assert [turn.speaker for turn in dialogue.turns] == ["client", "counselor"] * 3
    assert dialogue.sessions[0].notes == {"area": "AREA", "emotion": "EMOTION"}


@pytest.mark.parametrize("lang", LANGS)
async def test_known_areas_and_emotions_are_labels_and_stand_in_the_dialogues_language(lang: Lang) -> None:
    model = Scripted(dialogue=script(lang))
    dialogue = await write("emollm", case(lang, "Employment", "孤独"), model)
    assert [(label.set, label.id) for label in dialogue.labels] == [
        ("emollm_area", "employment"), ("emollm_emotion_more", "loneliness"),
    ]  # fmt: skip
    assert all(
        word in text_of(model.calls[0]) for word in {"zh": ("就业", "孤独"), "en": ("Employment", "Loneliness")}[lang]
    )


async def test_a_bare_case_draws_its_cell_by_the_seed() -> None:
    async def draw(n: int, **options: Any) -> list[str]:
        dialogue = await write("emollm", Case(id=f"e{n}", lang="zh"), Scripted(dialogue=script()), options=options)
        return [label.set + label.id for label in dialogue.labels]

    drawn = [await draw(n) for n in range(160)]
    assert drawn == [await draw(n) for n in range(160)]
    assert len({area for area, _ in drawn}) == 16
    assert all(emotion.startswith("emollm_emotion") and "more" not in emotion for _, emotion in drawn)
    more = [await draw(n, more_emotions=True) for n in range(60)]
    assert any("emollm_emotion_more" in emotion for _, emotion in more)


async def test_the_whole_grid_can_be_run_and_taken_up_again_without_a_second_call(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "cases.jsonl", list(grid(lang="zh"))[:40])
    model = Scripted(dialogue=script())
    for limit in (15, None):
        await run_cases("emollm", tmp_path / "cases.jsonl", tmp_path / "out", models=model, limit=limit)
    assert len(model.calls) == 40
    assert all(d.turns[-1].speaker == "counselor" for d in read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue))


@pytest.mark.accepts("emollm", 1)
async def test_the_released_16_x_28_cells_are_one_call_each_are_taken_up_again_and_end_with_the_doctor(
    tmp_path: Path,
) -> None:
    words = ["emollm", "--make", "grid", "--lang", "zh", "--set", "as_listed=true"]
    made = CliRunner().invoke(cases, words, catch_exceptions=False).output
    (tmp_path / "cases.jsonl").write_text(made, "utf-8")
    cells = Counter(
        (one.scenario.type[0], one.scenario.emotion)
        for one in read_jsonl(tmp_path / "cases.jsonl", Case)
        if one.scenario
    )
    assert len(made.splitlines()) == cells.total() == 16 * 28
    assert set(cells.values()) == {1, 2}  # sympathy stands twice in the list
    model = Scripted(dialogue=script())
    for budget in (Budget(200), None):
        await run_cases(
            "emollm", tmp_path / "cases.jsonl", tmp_path / "out", models=model, budget=budget, concurrency=8
        )
    assert len(model.calls) == 16 * 28
    found = list(read_jsonl(tmp_path / "out/dialogues.jsonl", Dialogue))
    assert len({one.id for one in found}) == 16 * 28
    assert all(one.turns[-1].speaker == "counselor" and one.quality.calls == 1 for one in found)


@pytest.mark.accepts("emollm", 1)
@pytest.mark.parametrize("each", [1, 3])
def test_as_many_cases_are_made_for_every_cell_as_asked(each: int) -> None:
    made = list(grid(each=each, as_listed=True))
    assert len(made) == 16 * 28 * each
    assert len({one.id for one in made}) == len(made)


@pytest.mark.accepts("emollm", 2)
async def test_areas_and_emotions_can_be_ones_own_lists_in_any_words() -> None:
    made = list(grid(areas=["工作", "养宠物"], emotions=["内疚", "松了一口气"]))
    assert [(one.id, one.scenario.emotion) for one in made if one.scenario] == [
        ("work-guilt-zh-1", "内疚"), ("work-松了一口气-zh-1", "松了一口气"),
        ("养宠物-guilt-zh-1", "内疚"), ("养宠物-松了一口气-zh-1", "松了一口气"),
    ]  # fmt: skip
    model = Scripted(dialogue=script())
    dialogue = await write("emollm", made[-1], model)
    assert "“养宠物”" in text_of(model.calls[0])
    assert dialogue.labels == []


@pytest.mark.accepts("emollm", 2)
def test_the_lists_are_files_that_another_file_may_stand_in_for(tmp_path: Path) -> None:
    for name in ("emollm_area", "emollm_emotion"):
        assert (FOLDER / f"{name}.toml").is_file()
    text = (FOLDER / "emollm_emotion.toml").read_text("utf-8").replace('id = "emollm_emotion"', 'id = "own_emotion"')
    (tmp_path / "own.toml").write_text(
        text + '\n[[label]]\nid = "awkward_pride"\nen = "Awkward pride"\nzh = "别扭的骄傲"\n', "utf-8"
    )
    assert len(label_set(tmp_path / "own.toml")) == len(EMOTIONS) + 1 == 28


async def test_top_p_varies_between_a_tenth_and_nine_tenths_only_when_asked() -> None:
    model = Scripted(dialogue=script())
    for n in range(30):
        one = case().model_copy(update={"id": f"e{n}"})
        dialogue = await write("emollm", one, model, options={"vary": True})
        assert dialogue.sessions[0].notes["top_p"] == model.calls[-1].decoding["top_p"]
    values = [call.decoding["top_p"] for call in model.calls]
    assert all(0.1 <= value <= 0.9 and round(value, 2) == value for value in values)
    assert len(set(values)) > 20
    plain = Scripted(dialogue=script())
    await write("emollm", case(), plain)
    assert plain.calls[0].decoding == {"max_tokens": 2048}


FAULTY = [
    ("too few", script(messages=4)),
    ("last", script(messages=7)),
    ("start", f"案例一\n{script()}"),
    ("prefix", script().replace("医生：这是第4句话。", "这是第4句话。")),
    ("alternate", script().replace("医生：这是第4", "病人：这是第4")),
    ("list", script(m4="可以这样：1. 早睡；2. 运动。")),
    ("directions", script(m4="（点点头）我在听。")),
    ("language", script(m4="Tell me more about it.")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "bad"), FAULTY)
async def test_a_dialogue_that_breaks_a_rule_is_asked_for_again_and_counted_under_it(rule: str, bad: str) -> None:
    dialogue = await write("emollm", case(), Scripted(dialogue=[bad, script()]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    with pytest.raises(AnswerRejected):
        await write("emollm", case(), Scripted(dialogue=bad))


async def test_lenient_keeps_what_can_be_read_and_flags_it() -> None:
    dialogue = await write("emollm", case(), Scripted(dialogue=script(messages=7)), options={"strict": False})
    assert dialogue.quality.kept == {"script: last": 1}


# Personas


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("persona", ["aiwei", "mother", "scientist", "father_boyfriend"])
@pytest.mark.accepts("emollm", 8)
async def test_a_persona_adds_a_voice_and_leaves_everything_else_of_the_prompt(lang: Lang, persona: str) -> None:
    plain, voiced = Scripted(dialogue=script(lang)), Scripted(dialogue=script(lang))
    await write("emollm", case(lang), plain)
    dialogue = await write("emollm", case(lang), voiced, options={"persona": persona})
    before, after = text_of(plain.calls[0]).splitlines(), text_of(voiced.calls[0]).splitlines()
    (added,) = [line for line in after if line not in before]
    assert [line for line in before if line not in after] == []  # the lines about risk and bounds are all still there
    assert PERSONAS[persona].definition.of(lang) in added
    assert dialogue.sessions[0].notes["persona"] == persona


def test_the_voice_that_pleases_at_any_price_must_be_asked_for_twice() -> None:
    with pytest.raises(UsageError, match="unhealthy"):
        make_role("emollm", "writer", {"persona": "airen"})
    assert make_role("emollm", "writer", {"persona": "舔狗", "unhealthy": True}).model_dump()["persona"] == "airen"


def test_a_persona_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError):
        make_role("emollm", "writer", {"persona": "pirate"})


@pytest.mark.accepts("emollm", 8)
def test_the_counselors_voice_that_pleases_at_any_price_must_be_asked_for_twice_too() -> None:
    with pytest.raises(UsageError, match="unhealthy"):
        make_role("emollm", "counselor", {"persona": "airen"})


# Books


BOOK = "".join(f"第{n}句讲一件事。" for n in range(1, 21))


def book(text: str = BOOK, lang: Lang = "zh") -> Case:
    return Case(id="b", lang=lang, extra={"book": text})


def pairs(call: Call | None = None, count: int = 5, stem: str = "") -> dict[str, Any]:
    text = stem or (text_of(call).rsplit('"""', 2)[1].strip()[:5] if call else "")
    return {
        "pairs": [{"theme": THEMES.ids[n % 4], "question": f"{text}问{n}？", "answer": f"答{n}"} for n in range(count)]
    }


@given(st.integers(0, 40), st.integers(1, 12), st.data())
@pytest.mark.accepts("emollm", 3)
def test_windows_cover_every_sentence_and_neighbours_share_the_overlap(
    count: int, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    text = [str(n) for n in range(count)]
    found = list(windows(text, size, overlap))
    assert [one for at, window in enumerate(found) for one in window[(overlap if at else 0) :]] == text
    assert all(len(window) <= size for window in found)
    assert all(len(window) > overlap for window in found[1:])


@pytest.mark.accepts("emollm", 3)
async def test_a_book_is_one_call_a_window_and_one_a_pair_and_every_pair_is_a_session() -> None:
    model = Scripted(qa=pairs, clean={"belongs": "1"})
    dialogue = await write("emollm", book(), model)
    assert model.counts() == {"clean": 15, "qa": 3}  # 20 sentences, 8 at a time, 2 shared
    assert dialogue.quality.measures == {"windows": 3, "pairs": 15, "duplicates": 0, "kept": 15}
    assert [len(session.turns) for session in dialogue.sessions] == [2] * 15
    assert [session.labels[0].id for session in dialogue.sessions][:5] == [*THEMES.ids, THEMES.ids[0]]
    assert [session.notes["window"] for session in dialogue.sessions] == [1] * 5 + [2] * 5 + [3] * 5
    assert "第7句讲一件事。第8句讲一件事。" in text_of(model.asked("qa")[1])


@pytest.mark.accepts("emollm", 3)
async def test_the_released_stride_can_be_had() -> None:
    model = Scripted(qa=pairs, clean={"belongs": "1"})
    await write("emollm", book(), model, options={"overlap": 6})
    assert len(model.asked("qa")) == 7
    with pytest.raises(UsageError, match="smaller than window"):
        make_role("emollm", "writer", {"overlap": 8})


@pytest.mark.parametrize("wrong", [pairs(count=4), pairs(count=11), {"pairs": pairs(count=4)["pairs"] * 2}])
@pytest.mark.accepts("emollm", 3)
async def test_too_few_too_many_or_repeated_pairs_are_asked_for_again(wrong: dict[str, Any]) -> None:
    model = Scripted(qa=[wrong, pairs()], clean={"belongs": "1"})
    dialogue = await write("emollm", book("只有一句。"), model)
    assert len(model.asked("qa")) == 2
    assert len(dialogue.sessions) == 5


@pytest.mark.accepts("emollm", 3)
async def test_only_pairs_judged_1_are_kept_and_any_other_answer_is_asked_for_again() -> None:
    def judge(call: Call) -> dict[str, str]:
        return {"belongs": "0" if "问1？" in text_of(call) else "1"}

    dialogue = await write("emollm", book("只有一句。"), Scripted(qa=pairs(), clean=judge))
    assert dialogue.quality.measures["kept"] == 4
    assert "问1？" not in [turn.text for turn in dialogue.turns]
    model = Scripted(qa=pairs(), clean=[{"belongs": "maybe"}, {"belongs": 1}])
    await write("emollm", book("只有一句。"), model)
    assert len(model.asked("clean")) == 6


async def test_a_question_that_comes_up_in_two_windows_is_judged_and_kept_once() -> None:
    model = Scripted(qa=pairs(stem="同"), clean={"belongs": "1"})
    dialogue = await write("emollm", book(), model)
    assert dialogue.quality.measures == {"windows": 3, "pairs": 15, "duplicates": 10, "kept": 5}
    assert len(model.asked("clean")) == 5


@pytest.mark.parametrize(
    ("given", "told"), [(" \n　", "no words"), ("", "no words"), (["第一章。", "第二章。"], "is a list")]
)
async def test_a_book_without_words_or_that_is_no_text_is_refused_before_any_call(given: Any, told: str) -> None:
    model = Scripted(qa=pairs(), clean={"belongs": "1"})
    with pytest.raises(BadRecord, match=told):
        await write("emollm", Case(id="e", lang="zh", extra={"book": given}), model)
    assert model.calls == []


@pytest.mark.parametrize("fewest", [5, 8])
async def test_rehearsed_questions_are_about_their_window_and_as_many_as_asked_for(fewest: int) -> None:
    options = {"pairs": [fewest, 10], "window": 2, "overlap": 0}
    made = [
        await write("emollm", book(text), Rehearsal(), options=options)
        for text in ("我怕高。猫会怕水。", "雨下了一整天。")
    ]
    asked = [[turn.text for turn in one.turns if turn.speaker == "client"] for one in made]
    assert [len(set(questions)) for questions in asked] == [fewest, fewest]
    assert not set(asked[0]) & set(asked[1])
    assert not any("（" in question for question in asked[0] + asked[1])


async def test_the_text_of_a_book_is_not_kept_with_its_pairs() -> None:
    dialogue = await write(
        "emollm", book(), Scripted(qa=pairs(stem="问"), clean={"belongs": "1"}), options={"clean": False}
    )
    assert "讲一件事" not in dialogue.model_dump_json()
    assert dialogue.quality.calls == 3


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("emollm").cases(), Case)), ids=lambda sample: sample.id)
async def test_every_sample_is_rehearsed(sample: Case) -> None:
    dialogue = await write("emollm", sample.model_copy(deep=True), Rehearsal())
    assert dialogue.turns[-1].speaker == "counselor"
    if "book" in sample.extra:
        assert dialogue.quality.measures["kept"] == dialogue.quality.measures["pairs"] >= 10
    else:
        assert dialogue.quality.calls == 1
