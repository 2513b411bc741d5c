"""Self-CoT: people's ratings, explained by the judge, as examples."""

from pathlib import Path
from typing import Any

import pytest

from psyloom.errors import UsageError
from psyloom.judging.judge import NO_ANSWER
from psyloom.judging.panel import rate_one
from psyloom.judging.shots import Example, examples
from psyloom.knowledge.instruments import Instrument, instrument
from psyloom.records import Artefact, Dialogue, Lang, Rating, Turn, read_jsonl, write_jsonl
from psyloom.runs.rate import rate
from tests.judging.talks import dialogue, judged, rating
from tests.runs.workshop import psyloom
from tests.support import Scripted, text_of

WHOLE = instrument("amie_specialist")
TOOL = Instrument.model_validate(
    WHOLE.model_dump(by_alias=True) | {"item": [WHOLE["empathy"], WHOLE["welfare"]], "subscale": [], "total": None}
)
WHY = {"good": "GOOD it listens", "bad": "BAD it hurries", "summary": "SUMMARY fair"}


def talk(name: str, lang: Lang = "en") -> Dialogue:
    """A dialogue whose every message names it."""
    made = dialogue(lang, name)
    for turn in made.turns:
        turn.text = f"{name} {turn.text}"
    return made


def rated(*names: str, lang: Lang = "en", value: Any = 4) -> list[Example]:
    return [Example(dialogue=talk(n, lang), rating=rating(TOOL, {"empathy": value, "welfare": 2}, n)) for n in names]


def judge(quote: str, *values: Any) -> Scripted:
    return Scripted(explain=WHY, rate=[judged(value, quote) for value in values or (3,)])


@pytest.mark.accepts("amie", 9)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_judge_explains_each_rating_of_a_person_and_shows_dialogue_reasons_and_rating(lang: Lang) -> None:
    new = talk("NEW", lang)
    model = judge(new.turns[1].text)
    (found,) = await rate_one(new, TOOL, model, examples=rated("A", "B", lang=lang), shots=5)
    assert [part.value for part in found.items] == [3, 3]
    asked = model.asked("explain")
    assert len(asked) == 4
    assert {("A " in text_of(call), "B " in text_of(call)) for call in asked} == {(True, False), (False, True)}
    for call, value in zip(model.asked("rate"), (4, 2), strict=True):
        shown = text_of(call)
        assert shown.count("GOOD it listens") == 2
        for name in ("A", "B"):
            part = shown[shown.index(f"{name} {dialogue(lang).turns[0].text}") :]
            order = [part.index(word) for word in ("GOOD", "BAD", "SUMMARY")] + [
                part.index({"en": f"Rating: {value}", "zh": f"评分：{value}"}[lang])
            ]
            assert order == sorted(order)
        assert shown.index("SUMMARY") < shown.index("NEW ")


@pytest.mark.accepts("amie", 9)
async def test_the_reason_is_written_before_the_rating_and_a_rating_is_a_whole_number_from_1_to_5() -> None:
    new = talk("NEW")
    model = judge(new.turns[1].text)
    await rate_one(new, TOOL, model, examples=rated("A"))
    schema = model.asked("rate")[0].schema
    assert schema
    fields = list(schema["properties"])
    assert fields.index("reason") < fields.index("value")
    for value in (0, 6, 2.5):
        (bad,) = await rate_one(new, TOOL, judge(new.turns[1].text, value), examples=rated("A"))
        assert all(part.value is None and str(part.failure).startswith(NO_ANSWER) for part in bad.items)


@pytest.mark.accepts("amie", 9)
async def test_the_judged_dialogue_is_never_an_example_under_whatever_name() -> None:
    new = talk("NEW")
    again = new.model_copy(update={"id": "copy"})
    given = [*rated("NEW", "A"), Example(dialogue=again, rating=rating(TOOL, {"empathy": 1}, "copy"))]
    model = judge(new.turns[1].text)
    await rate_one(new, TOOL, model, examples=given)
    assert all("NEW " not in text_of(call) for call in model.asked("explain"))
    for call in model.asked("rate"):
        assert text_of(call).count(new.turns[0].text) == 1
        assert text_of(call).count(talk("A").turns[0].text) == 1


async def test_so_many_are_shown_at_most_and_an_axis_nobody_rated_has_none() -> None:
    new, many = talk("NEW"), rated(*"ABCDEFG")
    model = judge(new.turns[1].text)
    await rate_one(new, TOOL, model, examples=many, shots=2)
    assert all(text_of(call).count("GOOD it listens") == 2 for call in model.asked("rate"))
    without = judge(new.turns[1].text)
    await rate_one(new, TOOL, without, examples=rated("A", value=None))
    assert [text_of(call).count("GOOD") for call in without.asked("rate")] == [0, 1]
    other = judge(new.turns[1].text)
    await rate_one(new, TOOL, other, examples=rated("A", lang="zh"))
    assert not other.asked("explain")


async def test_without_examples_nothing_is_explained() -> None:
    new = talk("NEW")
    model = judge(new.turns[1].text)
    await rate_one(new, TOOL, model)
    assert not model.asked("explain")
    assert all("Example 1" not in text_of(call) for call in model.asked("rate"))


async def test_what_is_quoted_from_an_example_does_not_count() -> None:
    new = talk("NEW")
    (found,) = await rate_one(new, TOOL, judge(talk("A").turns[1].text), examples=rated("A"))
    assert all(part.failure for part in found.items)


def test_examples_are_ratings_by_people_of_dialogues_that_are_there() -> None:
    human, machine, gone = (
        rating(TOOL, {"empathy": 4}, n, r) for n, r in (("A", "human:P"), ("A", "model:m"), ("X", "human:P"))
    )
    assert [one.rating for one in examples([human, machine, gone], [talk("A")])] == [human]
    with pytest.raises(UsageError, match="no person rated"):
        examples([machine, gone], [talk("A")])


async def test_reasons_are_written_once_in_a_run_and_kept(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk(f"N{n}") for n in range(4)])
    model = Scripted(
        explain=WHY,
        rate=lambda call: judged(3, None) | {"evidence": [text_of(call).split("\nClient: ")[-1].split("\n")[0]]},
    )
    summary = await rate(tmp_path / "d.jsonl", [TOOL], tmp_path / "run", models=[model], examples=rated("A", "B"))
    assert (summary.ratings, summary.failed.total()) == (4, 0)
    assert len(model.asked("explain")) == 4
    assert len(list(read_jsonl(tmp_path / "run/artefacts.jsonl", Artefact))) == 4


def test_the_command_line_takes_ratings_of_people_as_examples(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [talk("N1"), talk("A")])
    write_jsonl(tmp_path / "people.jsonl", [rating(WHOLE, {"empathy": 4}, "A")])
    words = ("rate", str(tmp_path / "d.jsonl"), "--with", "amie_specialist", "--out", str(tmp_path / "run"))
    ran = psyloom(*words, "--examples", str(tmp_path / "people.jsonl"), "--shots", "3")
    assert ran.code == 0, ran.err
    shown = (tmp_path / "run/traces.jsonl").read_text("utf-8")
    assert "Example 1" in shown
    found = list(read_jsonl(tmp_path / "run/ratings.jsonl", Rating))
    assert {one.subject.dialogue for one in found} == {"N1", "A"}
    other = psyloom(*words, "--examples", str(tmp_path / "people.jsonl"), "--shots", "1")
    assert other.code == 2, "another number of shots is another run"


def test_a_turn_of_an_example_is_the_one_that_was_rated() -> None:
    tool = instrument("autocbt")
    example = Example(dialogue=talk("A"), rating=rating(tool, {"empathy": 4}, "A", turn=4))
    reply = example.excerpt(tool).reply
    assert isinstance(reply, Turn)
    assert reply.text == talk("A").turns[4].text
    with pytest.raises(UsageError, match="no piece like"):
        Example(dialogue=talk("A"), rating=rating(tool, {"empathy": 4}, "A", turn=1)).excerpt(tool)
