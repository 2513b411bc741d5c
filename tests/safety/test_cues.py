"""Crisis cues: what is said openly is found, in either language, and figures of speech are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.records import Lang
from psyloom.safety.cues import cue_in

SAID: dict[Lang, tuple[str, ...]] = {
    "zh": (
        "我有时候想死。", "我好想去死", "我不想活了", "真的不想再活了", "活不下去了", "活着也没什么意思", "活着不如死了", "遗书都写好了",
        "我想结束这一切", "结束自己的生命", "有没有想过死？", "要是再也不用醒过来就好了", "站在那里想跳楼", "从楼上跳下去算了",
        "昨天又割腕了", "我拿刀划手臂", "你会伤害自己吗？", "真想弄死他", "干脆同归于尽",
    ),
    "en": (
        "Sometimes I want to die.", "I could kill myself", "I don't want to live", "I don't want to live like this",
        "I just don’t want to wake up", "feeling suicidal", "I wish I was dead", "I want to end it all", "taking my own life",
        "they'd be better off dead", "everyone would be better off without me", "there is nothing to live for",
        "I keep thinking about dying", "I nearly jumped off the bridge", "have you thought of ending your life?",
        "I have been cutting myself", "thoughts of harming yourself", "I want to kill him",
    ),
}  # fmt: skip
EVERYDAY: dict[Lang, tuple[str, ...]] = {
    "zh": (
        "今天累死了", "我不想死，就是累", "这部电影好看死了", "想死你了", "我周末不想活动", "跳槽以后很忙", "跳楼价甩卖", "把这件事了结就好",
        "结束一切工作再走", "院子里烧炭烤肉", "明天不用早起", "伤心死了",
    ),
    "en": (
        "I am dead tired", "this deadline is killing me", "the queue was killing him", "I cut my hair", "I cut myself shaving",
        "cut yourself some slack", "I want to diet", "I thought I was going to die", "I don't want to live in London",
        "I take my life seriously", "I would kill for a coffee", "I don't want to hurt her", "I jumped off the sofa",
    ),
}  # fmt: skip


def each(texts: dict[Lang, tuple[str, ...]]) -> list[tuple[Lang, str]]:
    return [(lang, text) for lang, some in texts.items() for text in some]


@pytest.mark.parametrize(("lang", "text"), each(SAID))
def test_open_words_are_found(lang: Lang, text: str) -> None:
    assert cue_in(text, lang)


@pytest.mark.parametrize(("lang", "text"), each(EVERYDAY))
def test_everyday_words_are_not(lang: Lang, text: str) -> None:
    assert cue_in(text, lang) is None


@pytest.mark.parametrize(("lang", "text"), each(SAID))
def test_a_cue_is_found_whatever_the_language_of_the_talk(lang: Lang, text: str) -> None:
    assert cue_in(text, "en" if lang == "zh" else "zh") == cue_in(text, lang)


@given(st.sampled_from(each(SAID)), st.text(" ,.，。…\n", max_size=5), st.text(" ,.，。…\n", max_size=5))
def test_a_cue_is_told_in_the_very_words_of_the_text(said: tuple[Lang, str], before: str, after: str) -> None:
    lang, text = said
    whole = f"{before}{text}{after}"
    found = cue_in(whole, lang)
    assert found
    assert found in whole


def test_words_that_are_denied_count_too() -> None:
    assert cue_in("我没有想过自杀", "zh")
    assert cue_in("I would never kill myself", "en")
