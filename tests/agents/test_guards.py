"""Guards: what no turn may look like."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents.guards import END, GUARDS, Said, clean, faults, take_end
from psyloom.knowledge import label_set
from psyloom.records import Lang, Speaker

SPEAKERS: tuple[Speaker, ...] = ("client", "counselor")
TECHNIQUES, STRATEGIES = label_set("magnet_technique"), label_set("escot_strategy")


def found(
    text: str, speaker: Speaker = "counselor", lang: Lang = "en", turns: list[tuple[Speaker, str]] | None = None
) -> set[str]:
    return {name for name, _ in faults(Said(text, speaker, lang, turns or [], (TECHNIQUES, STRATEGIES)))}


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
        ("Counselor (warmly): Go on.", "counselor", "Go on."),
        ("Dr. Smith: How are you?", "counselor", "How are you?"),
        ("心理医生：你好吗？", "counselor", "你好吗？"),
        ("（叹气）来访者：我累了。", "client", "我累了。"),
        ("我：还行。", "client", "还行。"),
        ("我：你去哪儿了？\n他：加班。", "client", "我：你去哪儿了？\n他：加班。"),
        ("**Reply:** I hear you.", "counselor", "I hear you."),
    ],
)
def test_cleaning_takes_the_prefix_and_the_quotes_around_everything(text: str, speaker: Speaker, expected: str) -> None:
    assert clean(text, speaker) == expected


def test_an_end_token_inside_or_outside_the_quotes_stays_as_the_last_thing() -> None:
    assert clean('"Client: I feel better. [/END]"', "client", "[/END]") == "I feel better. [/END]"
    assert clean('"I feel better." [/END]', "client", "[/END]") == "I feel better. [/END]"


ENDINGS = [
    "[/END]",
    "[/end]",
    "[END]",
    "[/ END]",
    "(END)",
    "【/END】",
    "［／ＥＮＤ］",
    "**[/END]**",
    "`[/END]`",
    "<END>",
]


@pytest.mark.parametrize("written", ENDINGS)
@pytest.mark.parametrize("text", ["I feel better.", "好多了。"])
def test_an_end_token_is_heard_however_it_is_written_and_leaves_nothing_behind(text: str, written: str) -> None:
    for whole in (f"{text} {written}", f"{text}{written}.", f"{text}\n{written}", f"{written} {text}"):
        assert take_end(whole, END) == (text, True)
        assert clean(whole, "client", END) == f"{text} {END}"


@pytest.mark.parametrize("written", ENDINGS)
def test_nobody_without_a_say_in_the_end_keeps_an_end_token_in_what_is_said(written: str) -> None:
    assert clean(f"Go on. {written}", "counselor") == "Go on."
    assert clean(f"I go. {written}", "client") == "I go."


@pytest.mark.parametrize("text", ["It ended (end of May).", "[the end] is near", "the weekend", "(endless)"])
def test_words_about_an_end_are_no_end_token(text: str) -> None:
    assert take_end(text, END) == (text, False)


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
        ("names_label", "【提问】那天怎么了？", "zh"),
        ("names_label", "（情感反映）听起来你很累。", "zh"),
        ("names_label", "具体化：比如哪一次？", "zh"),
        ("names_label", "Question: how was it?", "en"),
        ("names_label", "[Reflection of Feelings] You sound tired.", "en"),
        ("names_label", "Here I use some self-disclosure.", "en"),
        ("role_flip", "I hear you. Client: yes. Counselor: good.", "en"),
        ("role_flip", "我不知道。咨询师：没关系。来访者：嗯。", "zh"),
        ("role_flip", "“我知道了。”咨询师：好的。", "zh"),
        ("role_flip", "嗯。（叹气）来访者：我累。", "zh"),
        ("role_flip", "I see. Doctor: come in. Patient: thanks.", "en"),
        ("role_flip", "I see.\nCounselor (warmly): go on.", "en"),
        ("role_flip", "I see.\nDr. Smith: go on.", "en"),
        ("role_flip", "I see.\nAssistant: go on.", "en"),
        ("role_flip", "I see.\n[User] go on.", "en"),
        ("role_flip", "Hello **Counselor:** go on.", "en"),
        ("role_flip", "嗯。\n心理师：你说。", "zh"),
        ("role_flip", "嗯。\n心理医生：你说。", "zh"),
        ("role_flip", "嗯。\n【来访者】我累。", "zh"),
        ("leaked_reasoning", "**Thought:** she is sad. **Reply:** I hear you.", "en"),
        ("leaked_reasoning", "[Thought] She is sad. I hear you.", "en"),
        ("leaked_reasoning", "【思考】她很难过。我听到了。", "zh"),
        ("leaked_reasoning", "思考过程：她很难过。\n我听到了。", "zh"),
        ("leaked_reasoning", "She is sad.\nReply: I hear you.", "en"),
        ("leaked_reasoning", "策略：换个角度\n你怎么看？", "zh"),
        ("leaked_reasoning", "Stage: exploration\nHow are you?", "en"),
        ("leaked_reasoning", "I hear you. (Strategy: listening)", "en"),
        ("leaked_reasoning", "（策略：倾听）我听到了。", "zh"),
        ("leaked_reasoning", "<think>\nSituation: work.\n</think> I hear you.", "en"),
        ("leaked_reasoning", "As an AI, I cannot feel.", "en"),
        ("leaked_reasoning", "I'm an AI assistant here for you.", "en"),
        ("leaked_reasoning", "作为AI，我没有感受。", "zh"),
        ("leaked_reasoning", "作为一名人工智能助手，我会陪着你。", "zh"),
        ("leaked_reasoning", "我只是个 AI，没有身体。", "zh"),
        ("leaked_reasoning", "Sure! Here is the client's reply:\nI am sad.", "en"),
        ("leaked_reasoning", "Here's a possible response: I hear you.", "en"),
        ("leaked_reasoning", "以下是来访者的回复：我很累。", "zh"),
        ("leaked_reasoning", "好的，以下是修改后的回复：我很累。", "zh"),
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
        ("he said: you are useless.", "en"),
        ("My mother said: “rest.” I could not.", "en"),
        ("我妈说：你别想太多。", "zh"),
        ("我妈说：“你要坚强。”可是我做不到。", "zh"),
        ("my plan: walk for ten minutes every day.", "en"),
        ("我的计划：每天走十分钟。", "zh"),
        ("As a counselor I hear this often.", "en"),
        ("作为一名咨询师，我很想听听你的感受。", "zh"),
        ("作为一个母亲，我觉得自己很失败。", "zh"),
        ("As a nurse, I never sit down.", "en"),
        ("（叹气）我真的不知道该怎么办。", "zh"),
        ("(sighs) I do not know.", "en"),
        ("[pauses] It is hard.", "en"),
        ("【沉默】……我不想说。", "zh"),
        ("焦虑、委屈、愤怒——这些都在。", "zh"),
        ("Anger, shame, sadness: all at once.", "en"),
        ("我去看了医生。医生：多休息。我没听进去。", "zh"),
        ("I asked my doctor. She said: take it slowly.", "en"),
        ("医生说：没有大问题。", "zh"),
        ("我那位心理咨询师说：慢慢来。", "zh"),
        ("The therapist told me: breathe.", "en"),
        ("no need for self-disclosure here", "en"),
        ("I thank you for your thoughts: they help.", "en"),
        ("It is 3:30 at night and I lie awake.", "en"),
        ("两点：我醒了；四点：还醒着。", "zh"),
        ("I was thinking: what if it never ends?", "en"),
        ("我在想：是不是我不够好？", "zh"),
        ("我一直在思考：这份工作值得吗？", "zh"),
        ("My thought was: I am a failure.", "en"),
        ("Situation: the meeting.\nThought: they hate me.\nFeeling: fear.", "en"),
        ("情境：开会。\n想法：他们讨厌我。\n情绪：害怕。", "zh"),
        ("I work as an AI engineer and the deadlines kill me.", "en"),
        ("I'm an AI researcher, and I feel replaced.", "en"),
        ("作为AI工程师，我天天加班。", "zh"),
        ("我是一名人工智能专业的学生。", "zh"),
        ("AI took my job: that is how it feels.", "en"),
        ("你是AI吗？", "zh"),
        ("Are you an AI?", "en"),
        ("Here is the message he sent me: we are done.", "en"),
        ("Here's what she said: leave.", "en"),
        ("以下是我想对你说的话，希望有帮助。", "zh"),
        ("这是他发给我的回复：“算了。”", "zh"),
        ("我们的策略：先睡好觉。", "zh"),
        ("“我没事。”我是这么跟她说的。", "zh"),
        ("这句“我没事”是说给别人听的，对吗？", "zh"),
        ("你愿意给自己一点鼓励吗？", "zh"),
        ("我想给你一个反馈：你比自己以为的坚强。", "zh"),
        ("今天的作业是：每天写三件小事。", "zh"),
        ("You could write to her: “I miss you.”", "en"),
        ("Between the two of us: I have not told anyone.", "en"),
        ("老师：您好，我最近睡不着。", "zh"),
        ("I have a question: is this normal?", "en"),
        ("总结一下：你害怕的不是考试，是让妈妈失望。", "zh"),
        ("Let me sum up: you feel alone.", "en"),
        ("我（苦笑）也不知道。", "zh"),
        ("那一刻你对自己说：“我完了。”是吗？", "zh"),
        ("当时的想法：完了；当时的感受：害怕。", "zh"),
        ("This is the end. [laughs]", "en"),
        ("我们公司的用户：十个有九个在骂我。", "zh"),
        ("My AI assistant keeps reminding me to sleep.", "en"),
        ("I asked for her analysis: she said leave.", "en"),
        ("One reason: I am tired.", "en"),
        ("你说的“支持”是什么样的？", "zh"),
        ("客户：永远不满意。这就是我的工作。", "zh"),
        ("来访者中心疗法，我听说过。", "zh"),
    ],
)
def test_ordinary_speech_passes_untouched(text: str, lang: Lang) -> None:
    for speaker in SPEAKERS:
        assert clean(text, speaker) == text
        assert found(text, speaker, lang) == set()


def test_who_is_asked_may_say_to_be_a_machine() -> None:
    turns: list[tuple[Speaker, str]] = [("client", "你是真人吗？")]
    assert found("我是一个AI助手，不过我在听。", lang="zh", turns=turns) == set()


def test_a_name_that_the_client_brought_up_may_be_taken_up_by_the_counselor() -> None:
    says: Speaker
    for says, expected in (("client", set()), ("counselor", {"names_label"})):
        assert (
            found("Let us try some psycho-education once more.", turns=[(says, "Psycho-education is no use.")])
            == expected
        )


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


@pytest.mark.parametrize("stuck", ["*", " ", "\n", "(", "[END] ", "here is "])
def test_a_model_that_is_stuck_does_not_hold_the_guards_up(stuck: str) -> None:
    text, began = stuck * 20_000 + "a:", time.perf_counter()
    found(clean(text, "client", END), "client")
    assert time.perf_counter() - began < 5  # with a pattern that looks back over the marks: a minute
