"""Dials: how difficult a client is, whichever client it is, and what is measured of it."""

import pytest

from psyloom.agents.dials import alike, measures, told, unlocked
from psyloom.errors import UsageError
from psyloom.records import Case, Lang, Turn
from psyloom.runs import pair
from tests.support import Scripted, numbered, text_of, write

POST = {
    "zh": "我升职以后睡不着。老周当众说了我一句。我妈让我别多想。跑步的时候好一点。",
    "en": "I cannot sleep since my promotion. A colleague mocked my plan in front of everybody. My mother says I think too much. "
    "Running helps a little.",
}  # fmt: skip


def case(lang: Lang) -> Case:
    return Case.model_validate({"id": "c", "lang": lang, "post": {"title": "T", "text": POST[lang]}})


async def play(lang: Lang, replies: list[str] | None = None, **dials: str) -> tuple[Scripted, object]:
    model = Scripted(client=numbered("word"), counselor=replies or numbered("reply"))
    options = {f"dials.{k}": v for k, v in dials.items()} | {"max_exchanges": "4"}
    return model, await write(pair("interactive_agents", "interactive_agents", options), case(lang), model)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_closed_client_knows_only_what_it_was_asked_for(lang: Lang) -> None:
    asked = {
        "zh": ["老周那天说了什么？", "嗯。", "嗯嗯。", "好。"],
        "en": ["What did that colleague do?", "Mm.", "Mm-hm.", "Right."],
    }[lang]
    model, _ = await play(lang, asked, openness="0")
    secret = {"zh": "我妈让我别多想", "en": "My mother says"}[lang]
    opened = {"zh": "老周当众说了我一句", "en": "A colleague mocked"}[lang]
    first, *_, last = (text_of(call) for call in model.asked("client"))
    assert opened in first, "the question opened the fact that it is about"
    assert secret not in first
    assert secret not in last


async def test_a_question_about_nothing_in_particular_opens_the_next_fact() -> None:
    facts = list(told(case("zh"), {"post.text"}))
    assert unlocked(facts, 0, []) == set(facts[:1])
    assert unlocked(facts, 0, [("counselor", "后来怎么样了？")]) == set(facts[:2])
    assert unlocked(facts, 0, [("counselor", "嗯。")]) == set(facts[:1])
    assert unlocked(facts, 1, []) == set(facts)


async def test_without_dials_nothing_is_hidden_and_nothing_is_added() -> None:
    model, _ = await play("zh")
    plain = text_of(model.asked("client")[0])
    assert POST["zh"] in plain
    model, _ = await play("zh", openness="1")
    assert text_of(model.asked("client")[0]) == plain


@pytest.mark.parametrize(
    ("lang", "low", "high"), [("zh", "愿意配合", "处处防备"), ("en", "work along willingly", "on your guard")]
)
async def test_resistance_is_told_to_the_client_alone_in_its_language(lang: Lang, low: str, high: str) -> None:
    for value, words in (("0.1", low), ("0.9", high)):
        model, _ = await play(lang, resistance=value)
        assert all(words in call.messages[-1]["content"] for call in model.asked("client"))
        assert not any(words in text_of(call) for call in model.asked("counselor"))


@pytest.mark.parametrize(("lang", "note"), [("zh", "不是对方说的"), ("en", "not said by the other side")])
async def test_what_a_dial_tells_the_client_is_marked_as_no_words_of_the_counselor(lang: Lang, note: str) -> None:
    model, _ = await play(lang, verbosity="0.1")
    for call in model.asked("client"):
        said, _, told_ = call.messages[-1]["content"].partition("\n\n")
        assert note not in said
        assert note in told_.splitlines()[0]


def test_a_word_that_only_holds_a_sentence_together_opens_no_fact() -> None:
    facts = ["我升职了。", "晚上备课到很晚，还是没底。", "老周当众说了我一句。"]
    assert unlocked(facts, 0, [("counselor", "你最怕的是老周，还是别人？")]) == {facts[0], facts[2]}


async def test_a_trajectory_is_shown_turn_by_turn_and_its_last_reaction_stays() -> None:
    model, _ = await play("zh", trajectory='["defending", "拓展"]')
    shown = [call.messages[-1]["content"] for call in model.asked("client")]
    assert "防御" in shown[0]
    assert all("拓展" in text and "防御" not in text for text in shown[1:])


async def test_a_client_that_may_not_end_the_session_does_not() -> None:
    says = iter(f"enough of it {n} [/END]" for n in range(99))
    script = {
        "client": lambda _: next(says),
        "counselor": numbered(),
        "plan": {"cbt_technique": "pie_chart", "cbt_plan": "x"},
    }
    form = Case.model_validate({"id": "c", "lang": "en", "intake": {"reason": "sleep"}})
    ended = await write(pair("cactus", "cactus", {"max_exchanges": "3"}), form, Scripted(**script))
    kept = await write(
        pair("cactus", "cactus", {"max_exchanges": "3", "dials.may_end": "false"}), form, Scripted(**script)
    )
    assert (ended.sessions[0].ended, kept.sessions[0].ended) == ("client closed", "limit")


@pytest.mark.parametrize(
    ("option", "value"), [("dials.resistance", "2"), ("dials.trajectory", '["angry"]'), ("dials.mood", "1")]
)
def test_a_wrong_dial_is_one_clear_error(option: str, value: str) -> None:
    with pytest.raises(UsageError, match=option.replace(".", r"\.")):
        pair("cactus", "cactus", {option: value})


def test_measures_count_facts_told_those_told_unasked_and_cooperation_by_quarter() -> None:
    turns = [
        Turn.counselor("Hello."), Turn.client("I cannot sleep since my promotion."),
        Turn.counselor("Did a colleague say anything?"), Turn.client("A colleague mocked my plan in front of everybody."),
        Turn.counselor("I see."), Turn.client("Whatever, this is pointless."),
        Turn.counselor("Take your time."), Turn.client("Sorry. It is hard."),
    ]  # fmt: skip
    found = measures(case("en"), {"post.text"}, turns)
    assert found == {
        "facts_told": 0.5, "unasked": 0.5, "cooperation_1": 1.0, "cooperation_2": 1.0, "cooperation_3": 0.0, "cooperation_4": 1.0
    }  # fmt: skip


def test_likeness_is_the_share_of_meaning_words_in_common() -> None:
    assert alike("睡不着", "晚上总是睡不着觉") == 1.0
    assert alike("我妈", "老周") == 0.0
    assert alike("sleeping badly", "I slept and sleep") == 0.5
