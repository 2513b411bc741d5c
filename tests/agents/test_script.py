"""Scripts: whole dialogues in one call."""

import pytest

from psyloom.agents.script import ScriptRules, is_list, parse_lines
from psyloom.records import Speaker

SMILE = ScriptRules(prefixes={"求助者": "client", "支持者": "counselor"}, messages=(3, 5), first="client")
TYPED = ScriptRules(messages=(2, 4), first="counselor", last="client", no_lists=True)


def turns(*pairs: str) -> list[tuple[Speaker, str]]:
    return [("client" if p[0] == "c" else "counselor", p[2:]) for p in pairs]


@pytest.mark.parametrize("colon", ["：", ":"])
def test_prefixed_lines_are_read_with_either_colon(colon: str) -> None:
    text = f"求助者{colon}我睡不着。\n\n支持者{colon}有多久了？\n求助者{colon}一个月。\n"
    assert parse_lines(text, SMILE, "zh") == turns("c 我睡不着。", "s 有多久了？", "c 一个月。")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("好的，下面是对话：\n求助者：我睡不着。", "start"),
        ("求助者：我睡不着。支持者：有多久了？", "lines"),
        ("求助者：我睡不着。\n有多久了？", "prefix"),
        ("求助者：我睡不着。\n支持者：有多久了？ I hope this dialogue helps you.", "english"),
    ],
)
def test_text_that_is_no_script_is_refused_with_the_rule_it_breaks(text: str, rule: str) -> None:
    found = parse_lines(text, SMILE, "zh")
    assert isinstance(found, tuple)
    assert found[0] == rule


@pytest.mark.parametrize(
    ("script", "rules", "rule"),
    [
        (turns("s hello"), TYPED, "too few"),
        (turns("s a", "c b", "s c", "c d", "s e"), TYPED, "too many"),
        (turns("c a", "s b"), TYPED, "first"),
        (turns("s a", "c b", "s c"), TYPED, "last"),
        (turns("s a", "s b", "c c"), TYPED, "alternate"),
        (turns("s 1. sleep\n2. eat", "c b"), TYPED, "list"),
        (turns("s a", "c "), TYPED, "empty"),
        (turns("c a", "c b", "c d"), ScriptRules(alternate=False), "one side"),
    ],
)
def test_a_script_that_breaks_a_rule_is_told_which(
    script: list[tuple[Speaker, str]], rules: ScriptRules, rule: str
) -> None:
    for lang in ("zh", "en"):
        found = rules.fault(script, lang)
        assert found is not None
        assert found[0] == rule


def test_a_good_script_has_no_fault() -> None:
    assert TYPED.fault(turns("s How are you?", "c Tired."), "en") is None


@pytest.mark.parametrize(
    "text", ["1. 早睡\n2. 运动", "- go out\n- eat", "你可以：1、早睡；2、运动。", "First: 1. sleep, 2. eat"]
)
def test_enumerations_are_noticed(text: str) -> None:
    assert is_list(text)


@pytest.mark.parametrize(
    "text", ["我 3 点才睡。", "It was 1. May when it began.", "从零到十打分，大概 2 分。", "I ran 2.5 km."]
)
def test_numbers_in_speech_are_no_enumeration(text: str) -> None:
    assert not is_list(text)
