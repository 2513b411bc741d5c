"""Interactive Agents: the checks of its specification. arXiv 2408.15787."""

import pytest

from psyloom.judging.ranking import Match, elo
from psyloom.llm import Call
from psyloom.records import Case, Dialogue, Lang
from psyloom.systems.interactive_agents.system import END_PHRASES, InteractiveCounselor, selections
from tests.support import Scripted, numbered, text_of, write

HELLO = {"zh": "你好", "en": "Hello"}


def case(lang: Lang = "zh") -> Case:
    return Case.model_validate(
        {"id": "c", "lang": lang, "post": {"title": "TITLE", "text": "PROFILE 升职以后我总睡不着。"}}
    )


async def play(model: Scripted, lang: Lang = "zh", **options: object) -> Dialogue:
    return await write("interactive_agents", case(lang), model, options={k: str(v) for k, v in options.items()})


def ending_at(exchange: int, phrase: str) -> Scripted:
    count = iter(range(1, 99))
    return Scripted(
        client=numbered("words"),
        counselor=lambda _: f"reply {n}{phrase if n == exchange else ''}" if (n := next(count)) else "",
    )


async def test_the_counselor_never_reads_the_profile_the_client_always_does() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    await play(model, max_exchanges=4)
    assert all("PROFILE" in text_of(call) for call in model.asked("client"))
    assert not any("PROFILE" in text_of(call) or "TITLE" in text_of(call) for call in model.asked("counselor"))


async def test_roles_are_mirrored_own_lines_are_the_assistants() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    await play(model, max_exchanges=3)
    for prompt, own in (("client", "word"), ("counselor", "reply")):
        for call in model.asked(prompt):
            chat = call.messages[1:]
            assert all((m["role"] == "assistant") == (own in m["content"]) for m in chat if m["content"] != "你好")
            assert chat[-1]["role"] == "user"


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_session_opens_with_the_fixed_greeting_without_a_call_and_ends_with_the_counselor(lang: Lang) -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    dialogue = await play(model, lang, max_exchanges=3)
    assert (dialogue.turns[0].speaker, dialogue.turns[0].text) == ("client", HELLO[lang])
    assert model.calls[0].prompt == "counselor"
    assert dialogue.turns[-1].speaker == "counselor"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("exchange", [1, 4])
async def test_an_end_phrase_of_the_counselor_ends_the_session_in_that_exchange(lang: Lang, exchange: int) -> None:
    model = ending_at(exchange, END_PHRASES[lang][0])
    dialogue = await play(model, lang)
    assert dialogue.sessions[0].exchanges() == exchange
    assert len(model.calls) == 2 * exchange - 1


async def test_each_of_the_eleven_phrases_ends_a_session() -> None:
    assert len(END_PHRASES["zh"]) == 11
    for phrase in END_PHRASES["zh"]:
        assert (await play(ending_at(2, phrase))).sessions[0].exchanges() == 2


async def test_an_end_phrase_of_the_client_does_not_stop_the_session() -> None:
    words = iter([f"{n} 再见" for n in range(99)])
    dialogue = await play(Scripted(client=lambda _: next(words), counselor=numbered()), max_exchanges=5)
    assert dialogue.sessions[0].exchanges() == 5


async def test_patience_ends_at_50_exchanges_and_99_calls() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    dialogue = await play(model)
    assert dialogue.sessions[0].exchanges() == 50
    assert len(model.calls) == 2 * 50 - 1
    assert dialogue.sessions[0].ended == "limit"


@pytest.mark.parametrize(
    ("reply", "says"), [("长" * 201, "200"), ("第一句\n第二句", "换行"), ("你可以：1、早睡；2、运动。", "列举")]
)
def test_the_response_check_catches_length_line_breaks_and_enumerations(reply: str, says: str) -> None:
    assert says in str(InteractiveCounselor().fault(reply, "zh"))
    assert InteractiveCounselor().fault("长" * 200, "zh") is None


async def test_a_reply_that_fails_the_check_is_asked_for_again_and_the_check_can_be_switched_off() -> None:
    model = Scripted(client=numbered(), counselor=["长" * 201, "那天发生了什么？", "后来呢，你怎么想？"])
    dialogue = await play(model, max_exchanges=1)
    assert dialogue.turns[-1].text == "那天发生了什么？"
    assert dialogue.quality.guards == {"response_check": 1}
    model = Scripted(client=numbered(), counselor="长" * 201)
    assert (await play(model, max_exchanges=1, response_check=False)).turns[-1].text == "长" * 201


async def test_decoding_is_the_papers() -> None:
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    await play(model, max_exchanges=2)
    assert {tuple(sorted(call.decoding.items())) for call in model.calls} == {
        (("max_tokens", 500), ("temperature", 1.0), ("top_p", 1.0))
    }


def arena(judge: object) -> Scripted:
    """Three counselors that can be told apart: the prompts of all of them are called counselor."""
    numbers = iter(range(1, 999))

    def reply(call: Call) -> str:
        return f"{'own' if '小天' in text_of(call) else 'plain'} reply {next(numbers)}"

    return Scripted(client=numbered("word"), counselor=reply, judge=judge)


async def test_the_arena_shows_shuffled_nameless_candidates_of_one_history_and_says_only_the_winner() -> None:
    model = arena({"best": "B"})
    dialogue = await play(model, max_exchanges=6, rivals='["plain"]')
    logs = [turn.extra["candidates"] for turn in dialogue.turns if turn.speaker == "counselor"]
    assert len(logs) == 6
    assert all({one["from"] for one in log} == {"interactive_agents", "plain"} for log in logs)
    assert len({log[0]["from"] for log in logs}) == 2, "the order is shuffled anew every turn"
    for turn, log in zip([t for t in dialogue.turns if t.speaker == "counselor"], logs, strict=True):
        assert [one["text"] for one in log if one["chosen"]] == [turn.text] == [log[1]["text"]]
    losers = {one["text"] for log in logs for one in log if not one["chosen"]}
    assert not any(loser in text_of(call) for call in model.asked("client") for loser in losers)
    assert not any(name in text_of(call) for call in model.asked("judge") for name in ("interactive_agents", "plain:"))


async def test_an_invalid_letter_is_asked_for_again_and_in_the_end_drawn_and_counted() -> None:
    model = arena({"best": "Z"})
    dialogue = await play(model, max_exchanges=1, rivals='["plain"]')
    assert len(model.asked("judge")) == 3
    assert dialogue.quality.kept == {"arena_by_chance": 1}
    assert sum(one["chosen"] for one in dialogue.turns[-1].extra["candidates"]) == 1


async def test_the_score_is_selections_by_dialogues_and_elo_can_be_made_from_the_stored_log() -> None:
    played = [await play(arena({"best": "A"}), max_exchanges=4, rivals='["plain"]', longest=200 + n) for n in range(2)]
    score = selections(played)
    assert sum(picked for picked, _, _ in score.values()) == 8
    assert all(met == 2 and value == picked / 2 for picked, met, value in score.values())
    logs = [turn.extra["candidates"] for dialogue in played for turn in dialogue.turns if "candidates" in turn.extra]
    matches = [
        Match(a=next(o["from"] for o in log if o["chosen"]), b=other["from"], score=1, unit="d")
        for log in logs for other in log if not other["chosen"]
    ]  # fmt: skip
    assert elo(matches) == elo(matches)
    assert set(elo(matches)) == {"interactive_agents", "plain"}
