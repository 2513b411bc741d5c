"""Scripts: whole dialogues in one call."""

import pytest

from psyloom.agents.script import Line, ScriptRules, is_foreign, is_list, parse_lines
from psyloom.knowledge import label_set
from psyloom.records import Lang, Speaker, Turn

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
    "text",
    [
        "1. 早睡\n2. 运动", "- go out\n- eat", "你可以：1、早睡；2、运动。", "First: 1. sleep, 2. eat", "– go out\n– eat",
        "一、早睡\n二、运动", "你可以：一、早睡；二、运动。", "可以：①早睡②运动", "建议：第一，早睡；第二，运动。",
        "可以：（1）早睡；（2）运动", "（一）早睡\n（二）运动", "Try this. (1) sleep (2) eat",
    ],
)  # fmt: skip
def test_enumerations_are_noticed(text: str) -> None:
    assert is_list(text)


@pytest.mark.parametrize(
    "text",
    [
        "我 3 点才睡。", "It was 1. May when it began.", "从零到十打分，大概 2 分。", "I ran 2.5 km.",
        "It was 1.5 and then 2.5 hours", "1.5 hours a night, no more.", "从 1.5 小时到 2.5 小时。",
        "三、四天没睡了。", "一、二、三，慢慢呼气。", "1、2、3，我们一起数。", "第一次是去年，第二次是上周。",
        "——我不知道。", "十一、十二月最忙。", "周一、周二都没去。",
    ],
)  # fmt: skip
def test_numbers_in_speech_are_no_enumeration(text: str) -> None:
    assert not is_list(text)


FREE = ScriptRules(alternate=False)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Please go on.", "zh"), ("你说吧。", "en"), ("嗯嗯", "en"), ("好，I think you should rest a little now.", "zh"),
        ("最近、眠れなくて仕事に集中できません。", "zh"), ("요즘 잠을 못 자서 너무 힘들어요.", "zh"),
        ("요즘 잠을 못 자요.", "en"), ("Я не могу спать.", "en"),
        ("Ich schlafe seit Wochen schlecht und kann nicht mehr arbeiten.", "en"),
        ("Je suis très fatigué en ce moment et je ne dors plus.", "en"),
        ("No puedo dormir por la noche y me siento muy solo.", "en"), ("Ik kan niet slapen en ik ben erg moe.", "en"),
    ],
)  # fmt: skip
def test_a_message_in_another_language_is_noticed(text: str, lang: Lang) -> None:
    assert is_foreign(text, lang)
    found = ScriptRules(language=True).fault(turns(f"c {text}", "s 12%"), lang)
    assert found is not None
    assert found[0] == "language"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("我在做 PPT。", "zh"), ("OK", "zh"), ("……", "zh"), ("My nai nai (奶奶) died.", "en"),
        ("我在看《となりのトトロ》。", "zh"), ("他叫 김민수。", "zh"), ("他说“I don't care about you at all”，就走了。", "zh"),
        ("我喜欢 Taylor Swift 的 Cruel Summer。", "zh"), ("She said “你怎么这么没用” and left.", "en"),
        ("Maria de la Cruz and Jean-Luc Picard de Beaulieu.", "en"), ("He only said \"je ne sais pas quoi faire\".", "en"),
        ("Tired, lonely, angry, ashamed, scared, numb.", "en"), ("Awful.", "en"),
    ],
)  # fmt: skip
def test_names_quotes_and_single_foreign_words_are_free(text: str, lang: Lang) -> None:
    assert not is_foreign(text, lang)


def test_the_counselor_must_not_say_a_labels_name_and_the_client_may() -> None:
    rules = ScriptRules(alternate=False, unsaid=(label_set("cbt_technique"),))
    name = label_set("cbt_technique")["decatastrophizing"].en
    assert rules.fault(turns(f"c I read about {name}.", "s Tell me."), "en") is None
    found = rules.fault(turns("c I am afraid.", f"s Let us try {name} now."), "en")
    assert found is not None
    assert found[0] == "names"


@pytest.mark.parametrize(
    ("script", "rule"),
    [
        (turns("c I cannot sleep at night.", "s I cannot sleep at night."), "repeats"),
        (turns("c I am tired.", "s Thought: the client is tired."), "leaked_reasoning"),
        (turns("c I am tired.", "s I see.\nClient: Yes."), "role_flip"),
    ],
)
def test_guarded_scripts_are_listened_to_like_spoken_turns(script: list[tuple[Speaker, str]], rule: str) -> None:
    found = ScriptRules(guarded=True, alternate=False).fault(script, "en")
    assert found is not None
    assert found[0] == rule
    assert FREE.fault(script, "en") is None


def test_further_rules_go_by_their_functions_names_and_all_faults_are_told() -> None:
    def polite(said: object) -> str:
        return "say please"

    rules = ScriptRules(messages=(4, None), more=[polite])
    spoken = [Turn.client("a"), Turn.client("b")]
    assert [rule for rule, _ in rules.faults(spoken, "en")] == ["too few", "one side", "alternate", "polite"]


LED = ScriptRules(prefixes={"求助者": "client", "支持者": "counselor"}, first="client", after="改写结果：")


@pytest.mark.parametrize(
    "analysis",
    [
        "",
        "先看需求。\n支持者：用了倾听。\n",
        "求助者：想被听见\n**改写结果：**\n",
        "分析……改写结果:\n",
        "改写结果：稍后给出。\n改写结果：\n",
    ],
)
def test_what_stands_before_an_announced_script_is_cut_off(analysis: str) -> None:
    assert parse_lines(f"{analysis}求助者：我累。\n支持者：我在。", LED, "zh") == turns("c 我累。", "s 我在。")


def test_without_announced_words_a_script_must_still_begin_at_once() -> None:
    found = parse_lines("先看需求。\n求助者：我累。\n支持者：我在。", SMILE, "zh")
    assert found[0] == "start"
    assert parse_lines("没有对话。", LED, "zh")[0] == "start"


def test_a_typed_line_becomes_a_turn() -> None:
    assert Line(speaker="client", text=" I am tired. ").turn() == Turn.client("I am tired.")
