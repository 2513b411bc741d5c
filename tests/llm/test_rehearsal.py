"""The back end without a model: what it plays must hold as a talk and as data."""

import asyncio
import json
import re
from collections import Counter
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from psyloom.agents import Pairing
from psyloom.agents.guards import fold
from psyloom.agents.script import Script, ScriptRules
from psyloom.knowledge import OneOf, label_set
from psyloom.llm import Call, Cue, Message
from psyloom.llm.answers import parse
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import Actor, phrases
from psyloom.records import FACETS, Case, Dialogue, Intake, Lang, Post, Speaker
from psyloom.runs import pair
from psyloom.systems.interactive_agents.system import END_PHRASES
from tests.support import write

LANGS: tuple[Lang, ...] = ("zh", "en")
ASKED: list[Message] = [{"role": "user", "content": "?"}]
EN = Case(
    id="en-1",
    lang="en",
    post=Post(
        text="I moved to a new town in May. Everybody at work has known each other for years. "
        "When they go to lunch I say I have errands. I tell my brother that it is all great. On Sundays my stomach hurts."
    ),
)
ZH = Case(
    id="zh-1",
    lang="zh",
    post=Post(
        text="我上个月当了组长，手下的人都比我年纪大。每次布置任务我都要先打草稿。"
        "有一次老周当着大家说“你先搞清楚流程”，我脸一下子就烫了。晚上我反复想那一幕，常常两点还醒着。"
    ),
)


def session(case: Case, exchanges: int = 10) -> Dialogue:
    """A session of interactive_agents that goes on for so many exchanges, whatever is said."""
    counselor, client = "interactive_agents", "interactive_agents" if case.post else "cactus"
    runs: Pairing = pair(counselor, client, {"max_exchanges": exchanges, "min_exchanges": exchanges})
    return asyncio.run(write(runs, case, Rehearsal()))


def texts(dialogue: Dialogue, speaker: Speaker | None = None) -> list[str]:
    return [turn.text for turn in dialogue.turns if speaker in (None, turn.speaker)]


def repeated(said: list[str]) -> list[str]:
    return [text for text, count in Counter(map(fold, said)).items() if count > 1]


# Talks

zh_words = st.text("我你他她的了不想总是怕孩子工作晚上妈妈学校心里难受睡哭说，、", min_size=1, max_size=25)
en_words = st.lists(
    st.sampled_from(
        [
            "I",
            "my",
            "she",
            "he",
            "work",
            "cry",
            "sleep",
            "alone",
            "never",
            "the",
            "and",
            "so",
            "afraid,",
            "tired",
            "mother",
            "it",
            "is",
        ]
    ),
    min_size=1,
    max_size=12,
)
said_zh = st.lists(st.tuples(zh_words, st.sampled_from("。！？…；\n")).map("".join), min_size=1, max_size=8).map(
    "".join
)
said_en = st.lists(en_words.map(" ".join).map(str.capitalize), min_size=1, max_size=8).map(lambda s: ". ".join(s) + ".")
spoken = st.tuples(st.just("zh"), said_zh) | st.tuples(st.just("en"), said_en)
cases = st.builds(
    lambda spoken, title, as_post, number: Case(
        id=f"case {number}", lang=spoken[0],
        **({"post": Post(text=spoken[1], title=title)} if as_post else {"intake": Intake(problem=spoken[1])}),
    ),
    spoken, st.none() | st.just("?"), st.booleans(), st.integers(0, 99),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases)
def test_ten_exchanges_of_any_case_repeat_nothing_and_keep_to_its_language(case: Case) -> None:
    dialogue = session(case)
    assert len(texts(dialogue, "counselor")) >= 10
    assert repeated(texts(dialogue)) == []
    for text in texts(dialogue):
        assert bool(re.search(r"[\u4e00-\u9fff]", text)) == (case.lang == "zh"), text
        assert "{" not in text
        assert case.lang == "en" or not re.search(r"[A-Za-z]{2}", text), text


@pytest.mark.parametrize("case", [ZH, EN], ids=LANGS)
def test_even_fifty_exchanges_repeat_nothing(case: Case) -> None:
    dialogue = session(case, 50)
    assert repeated(texts(dialogue, "client")) == repeated(texts(dialogue, "counselor")) == []


@pytest.mark.parametrize("case", [ZH, EN], ids=LANGS)
def test_the_same_case_is_played_the_same_way_every_time(case: Case) -> None:
    assert texts(session(case)) == texts(session(case))


@pytest.mark.parametrize("case", [ZH, EN], ids=LANGS)
def test_two_cases_become_two_dialogues_even_with_the_same_words(case: Case) -> None:
    dialogues = [texts(session(case.model_copy(update={"id": name}))) for name in "abcdefgh"]
    assert all(one != other for n, one in enumerate(dialogues) for other in dialogues[:n])
    assert len({tuple(said[:6]) for said in dialogues}) >= 5, "not all begin alike"


@pytest.mark.parametrize("case", [ZH, EN], ids=LANGS)
def test_the_client_tells_the_whole_case_in_its_own_words(case: Case) -> None:
    said = "".join(texts(session(case, 12), "client"))
    assert case.post
    assert all(part.strip() in said for part in re.split(r"[。.]", case.post.text) if part.strip("”"))


def quotes(text: str) -> list[str]:
    return re.findall("“([^“”]*)”", text)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases)
def test_the_counselor_quotes_only_what_the_client_said_of_itself(case: Case) -> None:
    dialogue, heard = session(case), ""
    stock = Actor(Cue("reply", "client", case.lang, "0/x/client/0")).client_stock
    for turn in dialogue.turns:
        if turn.speaker == "client":
            heard += turn.text
            continue
        for quote in quotes(turn.text):
            assert quote in heard
            assert not any(quote in line for line in stock if len(line) > 12)


@pytest.mark.parametrize("case", [ZH, EN], ids=LANGS)
def test_no_clause_is_quoted_twice(case: Case) -> None:
    found = [quote for text in texts(session(case, 20), "counselor") for quote in quotes(text)]
    assert found
    assert len(found) == len(set(found))


def test_a_client_who_says_the_same_again_is_not_quoted_again() -> None:
    heard: tuple[Speaker, str] = ("client", "I never sleep at night.")
    first = Actor(Cue("reply", "counselor", "en", "0/x/reply/1", "counselor", turns=(heard,))).answer()
    assert quotes(first) == ["I never sleep at night"]
    again = Actor(
        Cue("reply", "counselor", "en", "0/x/reply/3", "counselor", turns=(heard, ("counselor", first), heard))
    ).answer()
    assert quotes(again) == []


@pytest.mark.parametrize("lang", LANGS)
def test_a_question_of_the_counselors_stock_is_answered_to_the_point(lang: Lang) -> None:
    answers, counselor = phrases(lang)["client"]["answer"], phrases(lang)["counselor"]
    met = 0
    for question in (line for phase in ("explore", "examine", "solve") for line in counselor[phase]):
        asked = re.sub("“[^”]*”", "", question).lower()
        fitting = [line for entry in answers if any(word in asked for word in entry["to"]) for line in entry["say"]]
        turns: tuple[tuple[Speaker, str], ...] = (("client", "hm"), ("client", "hm hm"), ("counselor", question))
        said = Actor(Cue("reply", "client", lang, "0/x/client/0", "client", turns=turns)).answer()
        assert said in fitting or not fitting
        met += bool(fitting)
    assert met >= 20


@pytest.mark.parametrize("lang", LANGS)
def test_only_closing_lines_say_goodbye(lang: Lang) -> None:
    counselor = phrases(lang)["counselor"]
    for phase, lines in counselor.items():
        said = [line for half in lines for line in half] if phase == "more" else lines
        for line in said:
            assert any(word in line for word in END_PHRASES[lang]) == (phase == "close"), line


def test_the_stocks_of_both_languages_have_the_same_parts() -> None:
    zh, en = phrases("zh"), phrases("en")
    assert {k: set(v) for k, v in zh.items()} == {k: set(v) for k, v in en.items()}
    assert len(zh["client"]["answer"]) == len(en["client"]["answer"])


@pytest.mark.parametrize("lang", LANGS)
def test_an_utterance_asked_for_again_is_another_one(lang: Lang) -> None:
    for speaker in ("client", "counselor"):
        turns = (("client", "我总是睡不着。" if lang == "zh" else "I never sleep."), ("counselor", "?"))
        takes = [
            Actor(Cue("reply", speaker, lang, "0/x/reply/3", speaker, turns=turns, take=n)).answer() for n in range(4)
        ]
        assert len(set(takes)) == 4


def test_the_end_token_comes_with_the_clients_goodbye_and_never_before() -> None:
    end, turns = "[/END]", []
    for n in range(40):
        speaker: Speaker = "client" if n % 2 else "counselor"
        seed = f"0/x/{speaker}/{n}"
        said = Actor(
            Cue("reply", speaker, "en", seed, speaker, end if n % 2 else None, ("I never sleep.",), tuple(turns))
        ).answer()
        turns.append((speaker, said))
        if end in said:
            break
    closes = phrases("en")["client"]["close"]
    assert turns[-1][1] in [f"{line} {end}" for line in closes]
    assert not any(line in text for line in closes for _, text in turns[:-1])


async def test_streamed_and_plain_answers_are_the_same() -> None:
    pieces: list[str | None] = []
    call = Call(ASKED, cue=lambda: Cue("reply", "client", "zh", "0/x/client/0", "client"), on_text=pieces.append)
    assert "".join(p or "" for p in pieces) + (await Rehearsal()(call)).text == "".join(p or "" for p in pieces)


async def test_without_the_cases_words_none_of_them_is_said() -> None:
    cue = Cue(
        "reply",
        "client",
        "en",
        "0/x/client/0",
        "client",
        words=("Xylophones frighten me.",),
        turns=(("counselor", "?"),),
    )
    for own_words, expected in ((True, True), (False, False)):
        answer = await Rehearsal(own_words=own_words)(Call(ASKED, cue=lambda: cue))
        assert ("Xylophones" in answer.text) == expected


# Scripts


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("messages", [(2, 2), (2, None), (10, 12), (21, 35), (40, 40), (5, 7)])
@pytest.mark.parametrize("first", [None, "client", "counselor"])
@pytest.mark.parametrize("last", [None, "client", "counselor"])
def test_a_script_keeps_its_rules_and_repeats_nothing(lang: Lang, messages: Any, first: Any, last: Any) -> None:
    rules = ScriptRules(messages=messages, first=first, last=last, no_lists=True)
    if messages[0] == messages[1] and first and last and (messages[0] % 2 == 0) == (first == last):
        return  # no script can keep these rules
    played = Actor(
        Cue("script", "writer", lang, "0/x/script/0", words=("我怕。", "I am afraid.")[lang == "en" :][:1], rules=rules)
    ).answer()
    turns = [(line.speaker, line.text) for line in Script.model_validate(played).turns]
    assert rules.fault(turns, lang) is None
    assert repeated([text for _, text in turns]) == []


# Typed answers


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


STAGES = label_set("helping_stage")
small = st.integers(-20, 20)


@st.composite
def bounded(draw: st.DrawFn, kind: type) -> Any:
    """A number with any bounds that leave room for one."""
    low = draw(st.none() | small)
    high = draw(st.none() | st.integers(low if low is not None else -20, 45))
    lower, upper = draw(st.sampled_from(["ge", "gt"])), draw(st.sampled_from(["le", "lt"]))
    if low is not None and high is not None and high - low < 2:
        lower, upper = "ge", "le"
    bounds = {lower: low} if low is not None else {}
    return Annotated[kind, Field(**(bounds | ({upper: high} if high is not None else {})))]


@st.composite
def sized(draw: st.DrawFn, kind: Any, least: int = 0, most: int = 5) -> Any:
    low = draw(st.integers(least, most))
    return Annotated[kind, Field(min_length=low, max_length=draw(st.none() | st.integers(max(low, 1), most + 3)))]


scalars = (
    st.sampled_from([bool, Colour, Literal["a", "b", 3], Literal["only"], Annotated[str, OneOf(STAGES)], str, int, float, None])
    | bounded(int) | bounded(float) | sized(str, most=60) | st.integers(2, 7).map(lambda n: Annotated[int, Field(multiple_of=n)])
)  # fmt: skip


def inner(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        kinds.map(lambda kind: kind | None if kind is not None else None)
        | kinds.flatmap(lambda kind: sized(list[kind]))
        | kinds.flatmap(lambda kind: sized(dict[str, kind], most=3))
        | sized(frozenset[Literal["p", "q", "r"]], most=3)
        | sized(frozenset[Annotated[int, Field(ge=0, le=9)]], most=4)
        | sized(frozenset[str], most=3)
        | st.tuples(kinds, kinds).map(lambda pair: tuple[pair])
        | st.lists(kinds, min_size=1, max_size=4).map(made_of)
    )


def made_of(kinds: list[Any]) -> type[BaseModel]:
    names = ("summary", "response", "turns", "labels", "type", "emotion_reason")
    return create_model("Made", **{name: (kind, ...) for name, kind in zip(names, kinds, strict=False)})


models = st.lists(st.recursive(scalars, inner, max_leaves=5), min_size=1, max_size=4).map(made_of)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(models, st.sampled_from(LANGS), st.sampled_from(["plan", "reply", "derive", "label"]), st.integers(0, 3))
def test_every_typed_answer_is_valid_whatever_is_asked_for(
    kind: type[BaseModel], lang: Lang, act: str, number: int
) -> None:
    cue = Cue(
        act,
        "agent",
        lang,
        f"0/case/{act}/{number}",
        words=("我怕黑。", "我睡不着。") if lang == "zh" else ("I fear the dark.",),
        wanted=kind,
    )
    answer = asyncio.run(Rehearsal()(Call(ASKED, cue=lambda: cue)))
    assert isinstance(parse(answer.text, kind, lang), kind)


@pytest.mark.parametrize("facet", FACETS)
@pytest.mark.parametrize("case", [ZH, EN], ids=LANGS)
def test_every_facet_can_be_played_and_is_valid(facet: str, case: Case) -> None:
    annotation = Case.model_fields[facet].annotation
    kind = next(k for k in annotation.__args__ if k is not type(None))  # type: ignore[union-attr]
    assert case.post
    cue = Cue("derive", "deriver", case.lang, "0/case/derive/0", words=tuple(case.post.text.split("。")), wanted=kind)
    assert isinstance(parse(json.dumps(Actor(cue).answer()), kind, case.lang), kind)


def test_a_list_of_texts_says_different_things() -> None:
    kind = create_model("Steps", steps=(Annotated[list[str], Field(min_length=4)], ...))
    cue = Cue("plan", "planner", "en", "0/case/plan/0", wanted=kind)
    steps = Actor(cue).answer()["steps"]
    assert len(set(steps)) == len(steps)


def test_a_type_that_knows_how_to_be_rehearsed_is_asked() -> None:
    class Own(BaseModel):
        text: str

        @classmethod
        def rehearse(cls, actor: Actor) -> dict[str, str]:
            return {"text": f"mine, in {actor.cue.lang}"}

    assert Actor(Cue("plan", "planner", "en", "0/case/plan/0", wanted=Own)).answer() == {"text": "mine, in en"}


# Several sessions


@pytest.mark.parametrize("lang", LANGS)
def test_a_client_goes_on_in_its_next_session_with_its_homework_and_what_it_has_not_told_yet(lang: Lang) -> None:
    case = {"zh": ZH, "en": EN}[lang]
    assert case.post
    runs = pair(
        "interactive_agents", "interactive_agents", {"sessions": "3", "max_exchanges": "11", "min_exchanges": "11"}
    )
    dialogue = asyncio.run(write(runs, case.model_copy(deep=True), Rehearsal()))
    first, second, third = ([t.text for t in s.turns if t.speaker == "client"] for s in dialogue.sessions)
    facts = [fact.strip(" 。.") for fact in re.split(r"(?<=[。.])", case.post.text) if fact.strip()]
    times = [sum(fact in text for text in (*first, *second, *third)) for fact in facts]
    assert max(times) == 1, "no part of the story is told again"
    assert dialogue.case
    for told, meeting in zip((second, third), dialogue.case.course, strict=False):
        assert all(task in "".join(told[:2]) for task in meeting.homework[:1]), "after a greeting at most"
    assert any(meeting.homework for meeting in dialogue.case.course[:2])
    assert set(second[1:]).isdisjoint(first[1:])
    assert dialogue.case.course[0].learnt == dialogue.case.course[1].learnt[: len(dialogue.case.course[0].learnt)]


@pytest.mark.parametrize("lang", LANGS)
def test_a_counselor_that_opens_itself_greets_an_old_acquaintance(lang: Lang) -> None:
    before = (("counselor", "?"), ("client", "!"))
    seen = [Actor(Cue("reply", "counselor", lang, "0/x/r/0", "counselor", before=b)).answer() for b in ((), before)]  # type: ignore[arg-type]
    stock = phrases(lang)["counselor"]
    assert seen[0] in stock["open"]
    assert seen[1] in stock["again"]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("exchanges", ["2", "11"])
def test_no_homework_is_on_record_that_nobody_spoke_of(lang: Lang, exchanges: str) -> None:
    options = {"sessions": "2", "max_exchanges": exchanges, "min_exchanges": exchanges}
    runs = pair("interactive_agents", "interactive_agents", options)
    dialogue = asyncio.run(write(runs, {"zh": ZH, "en": EN}[lang].model_copy(deep=True), Rehearsal()))
    assert dialogue.case
    agreed = dialogue.case.course[0].homework
    said = "".join(turn.text for turn in dialogue.sessions[0].turns)
    stock = phrases(lang)["cbt"]
    assert bool(agreed) == (exchanges == "11")
    for task in agreed:
        assert any(words in said for words, promised in stock["promised"].items() if promised == task)


# Alarm


@pytest.mark.parametrize("lang", LANGS)
def test_words_that_sound_an_alarm_come_before_the_plan_the_story_and_the_end(lang: Lang) -> None:
    case = {"zh": ZH, "en": EN}[lang]
    assert case.post
    words = {"zh": "我不想活了。", "en": "I want to die."}[lang]
    alarmed = case.model_copy(update={"post": Post(text=words + case.post.text)})
    said = texts(session(alarmed))
    crisis = phrases(lang)["counselor"]["crisis"]
    heard = next(at for at, text in enumerate(said) if words in text)
    assert said[heard + 1] == crisis[0], "asked about at once"
    assert said[heard + 3] == crisis[1], "and the answer, which sounds the alarm again, is followed up"
    assert not set(crisis) & set(texts(session(case)))


@pytest.mark.parametrize("lang", LANGS)
def test_an_alarm_keeps_the_counselor_from_taking_leave(lang: Lang) -> None:
    turns: list[tuple[Speaker, str]] = [("client", "?"), ("counselor", "!")] * 20 + [("client", "?")]
    for alarming in (False, True):
        cue = Cue("reply", "c", lang, "0/x/r/1", "counselor", turns=tuple(turns), alarming=lambda _, is_=alarming: is_)
        assert (Actor(cue).answer() in phrases(lang)["counselor"]["close"]) != alarming
