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
        "我割过手腕", "吞过安眠药", "吞了一把药", "吃了一整瓶安眠药", "我攒了好多安眠药", "真想一了百了", "我想离开这个世界",
        "要是我离开这个世界，他们会轻松", "有过离开人世的念头", "差点寻了短见", "希望睡着了别再醒来", "一睡不醒就好了", "我活够了",
        "没有活下去的勇气", "死的心都有了", "想从这个世界上消失",
    ),
    "en": (
        "Sometimes I want to die.", "I could kill myself", "I don't want to live", "I don't want to live like this",
        "I just don’t want to wake up", "feeling suicidal", "I wish I was dead", "I want to end it all", "taking my own life",
        "they'd be better off dead", "everyone would be better off without me", "there is nothing to live for",
        "I keep thinking about dying", "I nearly jumped off the bridge", "have you thought of ending your life?",
        "I have been cutting myself", "thoughts of harming yourself", "I want to kill him",
        "I wanna die", "don't wanna live", "I’d rather be dead", "I'd rather die", "I want to be dead", "I wish to be dead",
        "I wish I didn't exist", "I wish I wouldn't wake up", "I nearly killed myself", "I almost took my own life",
        "I lost the will to live", "I could sleep forever", "I took a whole bottle of pills", "I cut my wrists",
        "I cut myself on purpose", "I cut myself on the arm", "I cut my arms on purpose",
    ),
}  # fmt: skip
EVERYDAY: dict[Lang, tuple[str, ...]] = {
    "zh": (
        "今天累死了", "我不想死，就是累", "这部电影好看死了", "想死你了", "我周末不想活动", "跳槽以后很忙", "跳楼价甩卖", "把这件事了结就好",
        "结束一切工作再走", "院子里烧炭烤肉", "明天不用早起", "伤心死了",
        "吃了一片安眠药才睡着", "我每天要吃一大把药", "辞职算了，一了百了", "我想离开这个城市", "爷爷离开这个世界三年了", "外婆去年离开了人世",
        "我想起奶奶离开人世的那天", "我不想让爸爸离开这个世界", "希望半夜别再醒来", "奶奶一直没醒过来", "我切菜时割到手腕了",
    ),
    "en": (
        "I am dead tired", "this deadline is killing me", "the queue was killing him", "I cut my hair", "I cut myself shaving",
        "cut yourself some slack", "I want to diet", "I thought I was going to die", "I don't want to live in London",
        "I take my life seriously", "I would kill for a coffee", "I don't want to hurt her", "I jumped off the sofa",
        "I cut myself while shaving", "I cut myself when I was cooking", "I accidentally cut myself", "I cut myself on broken glass",
        "I cut myself off from everyone", "I would rather die than speak in class", "I want to be dead sure", "I wanna diet",
        "I don't wanna live in London", "I nearly killed myself laughing", "I cut my arm on a fence", "I take my pills every day",
    ),
}  # fmt: skip
LOST: dict[Lang, tuple[str, ...]] = {
    "zh": ("我同事自杀了", "上个月我表哥跳楼了", "大学时最好的朋友自杀身亡，我也很难过", "后来他自杀了"),
    "en": (
        "My colleague died by suicide", "My best friend committed suicide last year", "I lost my brother to suicide",
        "since my father’s suicide", "She committed suicide when I was ten",
    ),
}  # fmt: skip
IN_DANGER: dict[Lang, tuple[str, ...]] = {
    "zh": (
        "我朋友说他想自杀", "我朋友可能自杀了", "如果我妈自杀了怎么办", "我妈昨天自杀了，正在抢救", "我室友差点自杀了",
        "我同事自杀了，我也快了", "我妹妹自杀了，我不想活了", "我要是自杀了，他会后悔吗", "为了男朋友自杀了两次",
        "我和朋友一起自杀了算了",
    ),
    "en": (
        "my friend is suicidal", "she wants to kill herself", "what if he committed suicide", "I would commit suicide",
        "if my best friend committed suicide", "since my mother's suicide attempt", "My brother died by suicide and I might be next",
        "I lost my sister to suicide and I want to follow her", "She committed suicide and I want to die",
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


@pytest.mark.parametrize(("lang", "text"), each(LOST))
def test_that_somebody_else_died_by_suicide_is_a_loss_and_no_cue(lang: Lang, text: str) -> None:
    assert cue_in(text, lang) is None


@pytest.mark.parametrize(("lang", "text"), each(IN_DANGER))
def test_whoever_may_still_be_in_danger_is_heard(lang: Lang, text: str) -> None:
    assert cue_in(text, lang)


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
