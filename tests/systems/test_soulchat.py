"""SoulChat: the checks of its specification. EMNLP 2023 Findings 83."""

from typing import Any

import pytest

from psyloom.agents import Ask, Talk
from psyloom.errors import AnswerRejected
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Lang, Turn, read_jsonl
from psyloom.systems import find_system
from psyloom.systems.posts import per_answer
from psyloom.systems.soulchat.system import EMPATHY, LEAD_IN, TOPICS, SoulChatCounselor
from tests.support import Scripted, desk_for, text_of, write

LANGS: tuple[Lang, ...] = ("zh", "en")
NAMES = {"zh": ("用户：", "心理咨询师："), "en": ("User: ", "Counselor: ")}
SAID = {"zh": "这是第{}句话。", "en": "This is message {}."}


def case(lang: Lang = "zh", **post: Any) -> Case:
    answers = [{"text": "ANSWER-1", "author": "AUTHOR"}, {"text": "ANSWER-2"}]
    given = {"title": "TITLE", "text": "QUESTION", "topic": "家庭", "answers": answers} | post
    return Case.model_validate({"id": "q", "lang": lang, "post": given})


def script(lang: Lang = "zh", messages: int = 10, first: int = 0) -> str:
    return "\n".join(NAMES[lang][(n + first) % 2] + SAID[lang].format(n + 1) for n in range(messages))


@pytest.mark.parametrize("lang", LANGS)
async def test_a_pair_is_one_call_and_two_answers_become_two_dialogues_of_one_question(lang: Lang) -> None:
    model = Scripted(rewrite=script(lang))
    pairs = per_answer(case(lang))
    made = [await write("soulchat", pair, model) for pair in pairs]
    assert len(model.calls) == 2
    assert [dialogue.id for dialogue in made] == ["q-a1", "q-a2"]
    assert {dialogue.sessions[0].notes["question"] for dialogue in made} == {"q"}
    for n, call in enumerate(model.calls, 1):
        assert f"ANSWER-{n}" in text_of(call)
        assert f"ANSWER-{3 - n}" not in text_of(call)
        assert call.decoding == {"temperature": 1.0, "max_tokens": 2048}
        assert [message["role"] for message in call.messages] == ["user"]


def test_a_case_without_answers_stays_one_case() -> None:
    assert per_answer(case(answers=[])) == [case(answers=[])]
    assert per_answer(Case(id="x", lang="en")) == [Case(id="x", lang="en")]


@pytest.mark.parametrize("lang", LANGS)
async def test_the_request_holds_four_demands_seven_kinds_of_empathy_and_the_range(lang: Lang) -> None:
    for messages in ((8, 20), (4, 12)):
        model = Scripted(rewrite=script(lang))
        await write("soulchat", case(lang), model, options={"messages": messages})
        text = text_of(model.calls[0])
        assert [f"\n{n}. " in text for n in range(1, 6)] == [True] * 4 + [False]
        assert len(EMPATHY) == 7
        assert all(term.name(lang) in text and term.definition.of(lang) in text for term in EMPATHY.terms)
        assert {"zh": "在 {} 到 {} 条", "en": ": {} to {}, both"}[lang].format(*messages) in text
        assert LEAD_IN[lang] in text
        assert "AUTHOR" not in text


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("announced", [True, False])
async def test_analysis_before_the_dialogue_is_cut_off(lang: Lang, announced: bool) -> None:
    said = {
        "zh": "分析：\n心理咨询师：原文里以倾听和认可为主。\n需求：被理解。\n\n",
        "en": "Analysis:\nCounselor: listens, recognizes.\nNeeds: to be understood.\n\n",
    }[lang]
    if announced:  # an analysis that begins a line like a message does not fool the reader then
        said += f"{NAMES[lang][0]}想被听见\n**{LEAD_IN[lang]}**\n\n"
    model = Scripted(rewrite=said + script(lang))
    dialogue = await write("soulchat", case(lang), model)
    assert [turn.text for turn in dialogue.turns] == [SAID[lang].format(n) for n in range(1, 11)]
    assert dialogue.quality.rejected == 0


@pytest.mark.parametrize(
    ("faulty", "rule"),
    [
        (script(first=1), "first"),
        (script(messages=9), "last"),
        (script(messages=6), "too few"),
        (script(messages=22), "too many"),
        (script() + "\n旁白：天黑了。", "prefix"),
        (script(messages=8) + "\n用户：嗯。\n用户：好。\n用户：谢谢。\n心理咨询师：不客气。", "alternate"),
        (script(messages=9) + "\n心理咨询师：1. 早睡；2. 运动；3. 记录；4. 复诊。", "list"),
        (script(messages=8) + "\n用户：Please tell me what to do.\n心理咨询师：我在听。", "language"),
        (script(messages=8) + "\n用户：我今天想说一件旧事。\n心理咨询师：我今天想说一件旧事。", "repeats"),
    ],
)
async def test_a_dialogue_that_breaks_a_rule_is_asked_for_again_under_the_rules_name(faulty: str, rule: str) -> None:
    dialogue = await write("soulchat", case(), Scripted(rewrite=[faulty, script()]))
    assert dialogue.quality.guards == {f"script: {rule}": 1}
    with pytest.raises(AnswerRejected):
        await write("soulchat", case(), Scripted(rewrite=faulty))


@pytest.mark.parametrize("messages", [6, 22])
async def test_the_papers_leniency_keeps_a_dialogue_of_any_length_and_flags_it(messages: int) -> None:
    model = Scripted(rewrite=script(messages=messages))
    dialogue = await write("soulchat", case(), model, options={"strict": "false"})
    assert len(dialogue.turns) == messages
    assert len(model.calls) == 1
    assert dialogue.quality.kept == {f"script: {'too few' if messages == 6 else 'too many'}": 1}


async def test_the_dialogue_is_labelled_with_the_posts_topic_when_it_is_one_of_the_twelve() -> None:
    assert len(TOPICS) == 12
    for given, found in (("婚恋", ["marriage"]), ("Career", ["career"]), ("钓鱼", []), (None, [])):
        dialogue = await write("soulchat", case(topic=given), Scripted(rewrite=script()))
        assert [label.id for label in dialogue.labels] == found


async def reply(past: int | None, exchanges: int, lang: Lang = "zh") -> tuple[str, str]:
    """(prompt, reply) of the chat after so many whole exchanges and one message more."""
    model = Scripted(reply="嗯。\n\n\n我在听。")
    counselor = SoulChatCounselor() if past is None else SoulChatCounselor(past=past)
    desk = desk_for(Case(id="c", lang=lang), model)
    talk = Talk(desk.dialogue)
    for n in range(exchanges):
        talk.turns.extend([Turn.client(f"client {n}."), Turn.counselor(f"counselor {n}.")])
    talk.add(Turn.client("now."))
    turn = await counselor.reply(talk, Ask(desk, counselor, talk))
    assert model.calls[0].decoding == {"temperature": 0.95, "top_p": 0.75, "max_tokens": 512}
    return text_of(model.calls[0]), turn.text


@pytest.mark.parametrize("lang", LANGS)
async def test_the_chat_reads_at_most_five_past_exchanges_and_ends_with_the_open_prefix(lang: Lang) -> None:
    text, said = await reply(None, 8, lang)
    user, counselor = NAMES[lang]
    lines = [f"{who} {n}." for n in range(3, 8) for who in ("client", "counselor")]
    kept = [(user, counselor)[n % 2] + line for n, line in enumerate([*lines, "now."])]
    assert text == "\n".join([*kept, counselor.strip()])
    assert said == "嗯。\n我在听。"
    assert "client 0" in (await reply(9, 8))[0]
    assert "client" in (await reply(None, 1))[0]


@pytest.mark.parametrize("sample", list(read_jsonl(find_system("soulchat").cases(), Case)), ids=lambda s: s.id)
async def test_every_answer_of_every_sample_case_is_rehearsed_in_one_call(sample: Case) -> None:
    assert sample.post
    assert sample.post.topic in TOPICS
    for pair in per_answer(sample):
        dialogue = await write("soulchat", pair, Rehearsal())
        assert dialogue.quality.calls == 1
        assert 8 <= len(dialogue.turns) <= 20
        assert (dialogue.turns[0].speaker, dialogue.turns[-1].speaker) == ("client", "counselor")
