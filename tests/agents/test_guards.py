"""Guards: what no turn may look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents.guards import GUARDS, Said, clean, faults
from psyloom.knowledge import label_set
from psyloom.records import Lang, Speaker

TECHNIQUES = label_set("magnet_technique")


def found(
    text: str, speaker: Speaker = "counselor", lang: Lang = "en", turns: list[tuple[Speaker, str]] | None = None
) -> set[str]:
    return {name for name, _ in faults(Said(text, speaker, lang, turns or [], (TECHNIQUES,)))}


@pytest.mark.parametrize(
    ("text", "speaker", "expected"),
    [
        ("Counselor: How are you?", "counselor", "How are you?"),
        ("咨询师：你好吗？", "counselor", "你好吗？"),
        ("**Client:** Fine.", "client", "Fine."),
        ("【来访者】：还行。", "client", "还行。"),
        ('"How are you?"', "counselor", "How are you?"),
        ("“你好吗？”", "counselor", "你好吗？"),
        ("“今天”和“明天”", "counselor", "“今天”和“明天”"),
        ('She said "no" and "yes"', "client", 'She said "no" and "yes"'),
    ],
)
def test_cleaning_takes_the_prefix_and_the_quotes_around_everything(text: str, speaker: Speaker, expected: str) -> None:
    assert clean(text, speaker) == expected


def test_an_end_token_inside_or_outside_the_quotes_stays_as_the_last_thing() -> None:
    assert clean('"Client: I feel better. [/END]"', "client", "[/END]") == "I feel better. [/END]"
    assert clean('"I feel better." [/END]', "client", "[/END]") == "I feel better. [/END]"


@given(st.text(max_size=60), st.sampled_from(["client", "counselor"]))
def test_cleaning_twice_is_cleaning_once_for_texts_without_a_prefix_inside(text: str, speaker: Speaker) -> None:
    once = clean(text, speaker)
    assert len(once) <= len(text)
    assert once == once.strip()


@pytest.mark.parametrize(
    ("guard", "text", "lang"),
    [
        ("empty", " … ", "zh"),
        ("role_flip", "I see.\nClient: I am fine.", "en"),
        ("role_flip", "我明白。\n来访者：我还好。", "zh"),
        ("leaked_reasoning", "<think>hm</think> How are you?", "en"),
        ("leaked_reasoning", '{"response": "How are you?"}', "en"),
        ("leaked_reasoning", "作为一个AI语言模型，我没有感受。", "zh"),
        ("leaked_reasoning", "思考：他很难过。\n你好。", "zh"),
        ("names_label", "Let us try some psycho-education now.", "en"),
        ("names_label", "I will use Reflection here.", "en"),
        ("names_label", "这里用一下提问技术。", "zh"),
        ("names_label", "我们来做提供解决方案。", "zh"),
    ],
)
def test_each_guard_hears_its_fault(guard: str, text: str, lang: Lang) -> None:
    assert guard in found(text, lang=lang)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("How did you feel when he said that?", "en"),
        ("That is a good question, and your reflection on it matters.", "en"),
        ("Questioning yourself like that must be tiring.", "en"),
        ("我想先提问一下：那天发生了什么？", "zh"),
        ("医生是怎么说的？", "zh"),
        ("One client of the shop shouted at you, did I get that right?", "en"),
    ],
)
def test_ordinary_speech_passes(text: str, lang: Lang) -> None:
    assert found(text, lang=lang) == set()


def test_words_said_before_by_either_side_may_not_come_again_but_short_answers_may() -> None:
    turns: list[tuple[Speaker, str]] = [("client", "I cannot sleep at night."), ("counselor", "Mm-hm, yes.")]
    assert found("I cannot sleep, at night!", turns=turns) == {"repeats"}
    assert found("Mm-hm, yes.", turns=turns) == set()


def test_a_goodbye_is_fine_until_both_have_said_it() -> None:
    assert found("Goodbye, and take care of yourself.", turns=[("client", "Thank you for today.")]) == set()
    turns: list[tuple[Speaker, str]] = [("counselor", "再见，路上小心。"), ("client", "好的，老师再见。")]
    assert found("再见，保重身体。", lang="zh", turns=turns) == {"farewell_loop"}


def test_every_guard_has_its_reason_in_both_languages() -> None:
    assert all(set(reasons) == {"zh", "en"} and all(reasons.values()) for _, reasons in GUARDS.values())
