"""Asking: typed answers, repair, guards, trace."""

import asyncio
import re
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from psyloom.agents import Ask, Client, Counselor, Desk, Models, Pairing, Sight, Talk, converse
from psyloom.agents.derive import derive, lacking
from psyloom.agents.desk import Shelf
from psyloom.agents.dials import nobody_says
from psyloom.agents.roles import Rules
from psyloom.errors import AnswerRejected, MissingFacet
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import FACETS, Case, Dialogue, Lang, Turn
from tests.support import Scripted, desk_for, numbered, text_of

RECORD = {"summary": "They met.", "learnt": [], "homework": [], "ratings": []}


class Mood(BaseModel):
    mood: str = Field(min_length=2, description="one word")
    score: int = Field(ge=0, le=10)


class Listener(Counselor):
    """A counselor for these tests; its prompts lie beside this file."""

    sight: ClassVar[Sight] = {"listener": {"intake.reason"}}

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.counselor(await ask("reply", talk=talk))


class Talker(Client):
    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        text = await ask("say", talk=talk)
        return Turn(speaker="client", text=text.replace("[END]", "").strip(), closes="[END]" in text)


def case(lang: Lang = "en") -> Case:
    return Case.model_validate({"id": "c", "lang": lang, "intake": {"reason": "I cannot sleep."}})


def asking(model: Scripted, lang: Lang = "en", **more: object) -> tuple[Ask, Desk]:
    desk = desk_for(case(lang), model, **more)
    return Ask(desk, Listener(), Talk(desk.dialogue)), desk


async def test_an_answer_becomes_a_value_of_the_wanted_type() -> None:
    ask, _ = asking(Scripted(judge='Here you are:\n```json\n{"mood": "sad", "score": 3}\n```'))
    assert await ask("judge", Mood) == Mood(mood="sad", score=3)


@pytest.mark.parametrize(
    ("lang", "says"), [("en", "Your answer cannot be used: score"), ("zh", "刚才的回答无法使用：score")]
)
async def test_a_faulty_answer_is_asked_for_again_with_the_reason(lang: Lang, says: str) -> None:
    model = Scripted(judge=[{"mood": "sad", "score": 99}, {"mood": "sad", "score": 9}])
    ask, desk = asking(model, lang)
    assert (await ask("judge", Mood)).score == 9
    repair = model.calls[1].messages
    assert repair[: len(model.calls[0].messages)] == model.calls[0].messages
    assert repair[-2]["role"] == "assistant"
    assert says in repair[-1]["content"]
    assert (desk.dialogue.quality.calls, desk.dialogue.quality.rejected) == (2, 1)
    assert [asked.rejected is None for asked in desk.trace] == [False, True]


async def test_after_its_tries_the_case_fails_with_every_attempt_on_the_trace() -> None:
    ask, desk = asking(Scripted(judge="no idea"), tries=4)
    with pytest.raises(AnswerRejected, match="'judge' in 4 tries; last fault: it is not valid JSON"):
        await ask("judge", Mood)
    assert [asked.answer for asked in desk.trace] == ["no idea"] * 4


async def test_the_wanted_form_stands_in_the_prompt_whatever_the_back_end_can_enforce() -> None:
    model = Scripted(judge={"mood": "sad", "score": 3})
    ask, _ = asking(model)
    await ask("judge", Mood)
    assert '"score": whole number 0-10' in text_of(model.calls[0])
    assert "// one word" in text_of(model.calls[0])
    assert model.calls[0].schema is not None


async def test_a_check_must_hold_and_a_preference_is_kept_and_counted_in_the_end() -> None:
    ask, desk = asking(Scripted(judge={"mood": "sad", "score": 3}))
    with pytest.raises(AnswerRejected, match="too low"):
        await ask("judge", Mood, check=lambda m: "too low" if m.score < 5 else None)
    assert (await ask("judge", Mood, prefer=rather_higher)).score == 3
    assert desk.dialogue.quality.kept == {"rather_higher": 1}


def rather_higher(mood: Mood) -> str | None:
    return "rather higher" if mood.score < 5 else None


async def test_an_utterance_is_cleaned_and_a_guarded_fault_is_said_again() -> None:
    model = Scripted(reply=["Counselor: I see.\nClient: Yes.", 'Counselor: "I see. Since when?"'])
    ask, desk = asking(model)
    assert await ask("reply", talk=ask.talk) == "I see. Since when?"
    assert desk.dialogue.quality.guards == {"role_flip": 1}


async def test_what_a_guard_cannot_mend_is_kept_and_counted_under_its_name() -> None:
    ask, desk = asking(Scripted(reply="<think>hm"))
    assert await ask("reply", talk=ask.talk) == "<think>hm"
    assert desk.dialogue.quality.kept == {"leaked_reasoning": 1}
    assert desk.dialogue.quality.guards == {"leaked_reasoning": 2}


async def test_an_answer_that_was_cut_off_is_asked_for_again() -> None:
    class Cut(Scripted):
        async def __call__(self, call: Call, /) -> Answer:
            answer = await super().__call__(call)
            return Answer(answer.text, finish="length" if len(self.calls) == 1 else "stop")

    ask, desk = asking(Cut(reply=["I was just about to", "I see. Since when?"]))
    assert await ask("reply", talk=ask.talk) == "I see. Since when?"
    assert desk.dialogue.quality.guards == {"cut_off": 1}


class Breaking(Scripted):
    """Every answer but the last one breaks off."""

    def __init__(self, *pieces: str) -> None:
        super().__init__(judge=list(pieces))
        self.many = len(pieces)

    async def __call__(self, call: Call, /) -> Answer:
        answer = await super().__call__(call)
        return Answer(answer.text, finish="stop" if len(self.calls) == self.many else "length")


@pytest.mark.parametrize(("lang", "says"), [("en", "exactly where you stopped"), ("zh", "从断开的地方接着写")])
async def test_an_answer_that_breaks_off_can_be_continued_where_it_stopped_instead(lang: Lang, says: str) -> None:
    model = Breaking('{"mood": "ti', 'red", "sc', 'ore": 3}')
    ask, desk = asking(model, lang)
    assert await ask("judge", Mood, goes_on=3) == Mood(mood="tired", score=3)
    said, told = (message["content"] for message in model.calls[2].messages[-2:])
    assert said == '{"mood": "tired", "sc'
    assert says in told
    assert [call.schema is None for call in model.calls] == [False, True, True]  # a schema would make it begin anew
    assert desk.dialogue.quality.rejected == 0
    assert len(desk.trace) == 3


async def test_an_answer_is_continued_only_so_often_and_then_asked_for_again() -> None:
    model = Breaking('{"mood": ', '"tir', 'ed", ', '{"mood": "tired", "score": 3}')
    ask, desk = asking(model)
    assert await ask("judge", Mood, goes_on=2) == Mood(mood="tired", score=3)
    assert "breaks off" in model.calls[3].messages[-1]["content"]
    assert desk.dialogue.quality.rejected == 1


async def test_an_empty_answer_is_no_answer() -> None:
    ask, _ = asking(Scripted(note=["  ", "A note."]))
    assert await ask("note") == "A note."


async def test_an_empty_answer_is_not_sent_back_and_what_was_wrong_follows_the_last_words_of_the_user() -> None:
    model = Scripted(judge=["", {"mood": "sad", "score": 1}])
    ask, _ = asking(model)
    await ask("judge", Mood)
    first, again = model.asked("judge")
    assert [message["role"] for message in again.messages] == [message["role"] for message in first.messages]
    assert again.messages[-1]["content"].startswith(first.messages[-1]["content"])
    assert all(message["content"].strip() for message in again.messages)


async def test_the_same_request_made_twice_has_two_occurrences_and_two_keys() -> None:
    model = Scripted(note="A note.")
    ask, _ = asking(model)
    await ask("note")
    await ask("note")
    first, second = model.calls
    assert (first.occurrence, second.occurrence) == (0, 1)
    assert first.content == second.content
    assert first.key("m") != second.key("m")
    assert first.key("m") != first.key("other")


async def test_each_agent_is_answered_by_its_own_model_then_by_its_roles_then_by_the_default() -> None:
    listener, client, rest = (
        Scripted(reply="I see you."),
        Scripted(say="I am here now."),
        Scripted(judge={"mood": "sad", "score": 1}),
    )
    desk = Desk.for_case(case(), Models({"listener": listener, "client": client, "": rest}))
    talk = Talk(desk.dialogue)
    await Listener().reply(talk, Ask(desk, Listener(), talk))
    await Talker().reply(talk, Ask(desk, Talker(), talk))
    await Ask(desk, Listener(), talk)("judge", Mood)
    assert [len(m.calls) for m in (listener, client, rest)] == [1, 1, 1]


async def test_the_talk_stands_in_the_prompt_as_chat_with_own_lines_as_the_assistants() -> None:
    model = Scripted(say="Since May.")
    desk = desk_for(case(), model)
    talk = Talk(desk.dialogue)
    talk.add(Turn.counselor("Since when?"))
    talk.add(Turn.client("I forget."))
    talk.add(Turn.counselor("Try."))
    await Talker().reply(talk, Ask(desk, Talker(), talk))
    assert [m["role"] for m in model.calls[0].messages] == ["system", "user", "assistant", "user"]


async def test_choices_by_chance_depend_on_seed_dialogue_and_purpose_only() -> None:
    ask, _ = asking(Scripted(), seed=1)
    again, _ = asking(Scripted(), seed=1)
    other, _ = asking(Scripted(), seed=2)
    assert ask.rng("topic").random() == again.rng("topic").random() != other.rng("topic").random()
    assert ask.rng("topic").random() != ask.rng("other").random()


async def test_a_missing_facet_is_named_and_can_be_derived_once_each_with_a_note_on_the_case() -> None:
    model = Scripted(
        derive=lambda call: (
            {"reason": "I want to sleep again."} if "the intake form" in text_of(call) else {"attitude": "neutral"}
        )
    )
    poor = Case.model_validate({"id": "c", "lang": "en", "post": {"text": "I cannot sleep."}})
    assert lacking(poor, {"intake.reason", "disposition.attitude", "post"}) == ["disposition.attitude", "intake.reason"]
    await derive(poor, {"intake.reason", "disposition.attitude"}, Ask(desk_for(poor, model), Listener()))
    assert poor.get("intake.reason") == "I want to sleep again."
    assert sorted(poor.derived) == ["disposition", "intake"]
    assert "I cannot sleep." in text_of(model.calls[0])
    assert "I want to sleep again." in text_of(model.calls[1]), "the form before the manner, which must agree with it"
    with pytest.raises(MissingFacet, match="no facet to derive from"):
        await derive(Case(id="e", lang="en"), {"intake"}, Ask(desk_for(poor, model), Listener()))


@pytest.mark.parametrize(
    ("post", "missing"),
    [
        ({"text": "   "}, ["post", "post.answers", "post.text"]),
        ({"text": "SAID", "answers": [{"text": " ", "extra": {"upvotes": 3}}]}, ["post.answers"]),
        ({"text": "SAID", "answers": [{"text": ""}, {"text": "GIVEN"}]}, []),
    ],
)
def test_blank_text_is_missing(post: dict[str, Any], missing: list[str]) -> None:
    case = Case.model_validate({"id": "c", "lang": "en", "post": post})
    assert lacking(case, {"post", "post.text", "post.answers"}) == missing


async def test_a_blank_text_gives_way_to_what_is_derived_and_is_nothing_to_derive_from() -> None:
    poor = Case.model_validate({"id": "c", "lang": "en", "post": {"text": " ", "title": "TITLE"}})
    model = Scripted(derive={"text": "DERIVED", "title": "OTHER"})
    await derive(poor, {"post.text"}, Ask(desk_for(poor, model), Listener()))
    assert (poor.get("post.text"), poor.get("post.title")) == ("DERIVED", "TITLE")
    blank = Case.model_validate({"id": "b", "lang": "en", "post": {"text": " "}})
    with pytest.raises(MissingFacet, match="no facet to derive from"):
        await derive(blank, {"post.text"}, Ask(desk_for(blank, model), Listener()))


@pytest.mark.parametrize(
    ("lang", "says"), [("en", "intake.reason must not be empty"), ("zh", "intake.reason 不能空着")]
)
async def test_what_is_needed_may_not_be_left_empty(lang: Lang, says: str) -> None:
    model = Scripted(
        derive=[{"problem": "Sleep.", "reason": None}, {"problem": "Sleep.", "reason": "I want to sleep."}]
    )
    poor = Case.model_validate(
        {"id": "c", "lang": lang, "demographics": {"age": 33}, "post": {"text": "I cannot sleep."}}
    )
    await derive(poor, {"intake.reason"}, Ask(desk_for(poor, model), Listener()))
    assert poor.get("intake.reason") == "I want to sleep."
    assert says in model.calls[1].messages[-1]["content"]
    assert "demographics.age: 33" in text_of(model.calls[0]), "numbers are known, too"


@pytest.mark.parametrize("needs", [{"post.text"}, {"post.text", "post.answers"}])
async def test_what_others_answered_is_made_up_only_for_a_role_that_needs_it(needs: set[str]) -> None:
    answers = {"answers": [{"text": "Rest."}]} if len(needs) == 2 else {}
    model = Scripted(derive={"title": None, "text": "I cannot sleep.", "topic": None} | answers)
    poor = Case.model_validate({"id": "c", "lang": "en", "thought": {"thought": "I will never sleep."}})
    await derive(poor, needs, Ask(desk_for(poor, model), Listener()))
    assert ("answers" in text_of(model.calls[0])) == bool(answers)
    assert len(poor.get("post.answers")) == len(answers)


class Overheard(Rehearsal):
    """The rehearsal back end, with what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    async def __call__(self, call: Call, /) -> Answer:
        self.told.append(text_of(call))
        return await super().__call__(call)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("facet", FACETS)
async def test_every_facet_can_be_derived_and_is_explained_in_the_language_of_the_case(facet: str, lang: Lang) -> None:
    text = {"zh": "我睡不着。", "en": "I cannot sleep."}[lang]
    known = {"thought": {"thought": text}} if facet == "post" else {"post": {"text": text}}
    poor, model = Case.model_validate({"id": "c", "lang": lang} | known), Overheard()
    await derive(poor, {facet}, Ask(desk_for(poor, model), Listener()))
    assert poor.derived == [facet]
    begins = {"zh": "要补写的部分：\n", "en": "The part to be written:\n"}[lang]
    _, _, explained = model.told[0].partition(begins)
    assert len(explained.splitlines()) >= 2
    assert bool(re.search("[\u4e00-\u9fff]", explained)) == (lang == "zh")


@pytest.mark.parametrize(("lang", "unknown"), [("zh", "不详"), ("en", "unknown")])
@pytest.mark.parametrize("facet", [facet for facet in FACETS if facet != "post"])
async def test_a_rehearsed_facet_tells_the_story_where_a_client_could_and_nothing_else(
    facet: str, lang: Lang, unknown: str
) -> None:
    story = {"zh": ["我睡不着。", "我爸一生气就不理我。"], "en": ["I cannot sleep.", "My father never talks to me."]}[
        lang
    ]
    poor = Case.model_validate({"id": "c", "lang": lang, "post": {"text": " ".join(story)}})
    await derive(poor, {facet}, Ask(desk_for(poor, Rehearsal()), Listener()))
    for path, text in poor.leaves():
        if path.startswith(facet) and path != "disposition.attitude":
            label = nobody_says(*path.split(".")) or "diagnoses" in path
            assert text == unknown if label else text in story, path


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_one_sentence_is_never_told_again_under_a_number(lang: Lang) -> None:
    text = {"zh": "我睡不着。", "en": "I cannot sleep."}[lang]
    for number in range(6):
        poor = Case.model_validate({"id": f"c{number}", "lang": lang, "post": {"text": text}})
        await derive(poor, {"cognition", "intake"}, Ask(desk_for(poor, Rehearsal()), Listener()))
        assert {said for _, said in poor.leaves()} <= {text, "不详", "unknown"}


class Frame(Listener):
    """A listener with a frame of its own."""

    most: int = 5

    def rules(self, case: Case, lang: Lang) -> Rules:
        return Rules(opening=[Turn.counselor("Hello."), Turn.client("Hi.")], max_exchanges=self.most)


async def test_a_session_alternates_and_ends_at_its_limit_the_opening_not_counted() -> None:
    pairing = Pairing(counselor=Frame(most=3), client=Talker())
    dialogue = await pairing.write(
        case(), Ask(desk_for(case(), Scripted(reply=numbered("reply"), say=numbered("word"))), pairing)
    )
    assert [t.speaker for t in dialogue.turns] == ["counselor", "client"] * 4
    assert dialogue.sessions[0].ended == "limit"


async def test_a_wish_to_end_is_heard_but_not_before_the_minimum() -> None:
    says = ["first thing", "enough now [END]", "still here I am", "really enough [END]"]
    model = Scripted(reply=numbered("reply"), say=says)
    early = await converse(ask_for(model), client=Talker(), counselor=Frame(), rules=Frame().rules(case(), "en"))
    assert early.sessions[0].ended == "client closed"
    assert len(early.turns) == 2 + 4
    assert "[END]" not in early.turns[-1].text
    model = Scripted(reply=numbered("reply"), say=says)
    pairing = Pairing(counselor=Frame(), client=Talker(), min_exchanges=3)
    late = await pairing.write(case(), ask_for(model))
    assert len(late.turns) == 2 + 8


def ask_for(model: Scripted) -> Ask:
    return Ask(desk_for(case(), model), Frame())


async def met(reply: list[str], say: list[str], **frame: Any) -> Dialogue:
    pairing = Pairing(counselor=Listener(), client=Talker(), **frame)
    return await pairing.write(case(), ask_for(Scripted(reply=reply, say=say)))


@pytest.mark.parametrize(
    ("reply", "say"),
    [
        (["Let us leave it there for today. Take care."], ["My work is hard.", "Thank you, goodbye."]),
        (["那我们今天先到这里，下次见。"], ["最近老睡不好。", "好的，谢谢老师，再见。"]),
    ],
)
async def test_a_session_ends_when_both_have_taken_leave_but_not_before_the_minimum(
    reply: list[str], say: list[str]
) -> None:
    dialogue = await met(reply, say)
    assert [turn.text for turn in dialogue.turns[-2:]] == [reply[0], say[1]]
    assert (len(dialogue.turns), dialogue.sessions[0].ended) == (4, "both took leave")
    assert (await met(reply, say, min_exchanges=4)).sessions[0].exchanges() == 4


@pytest.mark.parametrize(
    ("reply", "say"),
    [
        (["That goodbye never came, and that weighs on you."], ["I never got to say goodbye."]),
        (["连再见都没说，你心里放不下。"], ["他走的时候我们连再见都没说。"]),
        (["You take care of her every day. I see you are tired."], ["I have to take care of my mother."]),
        (["Before we say goodbye: what do you take with you?"], ["Thank you, goodbye."]),
    ],
)
async def test_who_tells_of_a_goodbye_or_still_asks_something_does_not_take_leave(
    reply: list[str], say: list[str]
) -> None:
    assert (await met(reply, say, max_exchanges=3)).sessions[0].ended == "limit"


async def test_the_last_word_can_be_the_counselors() -> None:
    rules = Rules(first="client", max_exchanges=2, last="counselor")
    model = Scripted(reply=numbered("reply"), say=numbered("word"))
    dialogue = await converse(ask_for(model), client=Talker(), counselor=Frame(), rules=rules)
    assert [t.speaker for t in dialogue.turns] == ["client", "counselor"] * 2


async def test_memory_belongs_to_the_talk_and_survives_being_stored() -> None:
    class Memory(BaseModel):
        count: int = 0

    desk = desk_for(case(), Scripted())
    talk = Talk(desk.dialogue)
    talk.memory(Frame(), Memory).count += 2
    talk.add(Turn.client("Hi."))
    stored = talk.dump()
    again = Talk.load(stored)
    assert again.dump() == stored
    assert again.memory(Frame(), Memory) == Memory(count=2)
    assert again.memory(Frame(), Memory) is again.memory(Frame(), Memory)
    assert again.memory(Talker(), Memory) == Memory()
    assert again.turns[0].text == "Hi."


async def test_two_sessions_of_one_talk_keep_their_turns_apart() -> None:
    model = Scripted(reply=numbered("reply"), say=numbered("word"))
    ask = ask_for(model)
    talk = Talk(ask.desk.dialogue)
    rules = Rules(max_exchanges=1)
    await converse(ask, client=Talker(), counselor=Frame(), rules=rules, talk=talk)
    await converse(ask, client=Talker(), counselor=Frame(), rules=rules, talk=talk)
    assert [len(s.turns) for s in ask.desk.dialogue.sessions] == [2, 2]


async def test_what_is_written_once_for_an_owner_is_asked_once_however_many_dialogues_want_it() -> None:
    model, shelf = Scripted(judge={"mood": "calm", "score": 7}), Shelf()
    desks = [desk_for(case(), model, shelf=shelf) for _ in range(3)]
    cards = await asyncio.gather(*(Ask(desk, Listener()).once("Dr. Gao", "judge", Mood) for desk in desks))
    await Ask(desks[0], Listener()).once("Dr. Lin", "judge", Mood)
    assert cards == [Mood(mood="calm", score=7)] * 3
    assert [call.scope for call in model.calls] == ["agents/judge.en/Dr. Gao", "agents/judge.en/Dr. Lin"]
    assert all(desk.dialogue.quality.calls == 0 for desk in desks), "the calls are the owner's, whoever came first"
    kept = shelf.kept["agents/judge.en/Dr. Gao"]
    assert (kept.owner, kept.value) == ("Dr. Gao", {"mood": "calm", "score": 7})


async def test_a_run_may_set_other_decoding_parameters_for_all_agents_or_for_one() -> None:
    model = Scripted(judge={"mood": "sad", "score": 1}, reply="I see you.")
    ask, _ = asking(model, decoding={"": {"temperature": 0.2}, "judge": {"top_p": 0.5}})
    await ask("judge", Mood)
    await ask("reply", talk=ask.talk)
    assert [call.decoding for call in model.calls] == [{"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2}]


async def test_a_pairing_may_meet_for_several_sessions_whose_turns_stay_apart() -> None:
    pairing = Pairing(counselor=Frame(most=2), client=Talker(), sessions=3)
    dialogue = await pairing.write(
        case(), ask_for(Scripted(reply=numbered("reply"), say=numbered("word"), record=RECORD))
    )
    assert [len(session.turns) for session in dialogue.sessions] == [6, 6, 6]
    assert [session.ended for session in dialogue.sessions] == ["limit"] * 3
