"""Dials: how difficult a client is, whichever client it is, and what is measured of it."""

import re

import pytest

from psyloom.agents.dials import REACTIONS, Dials, alike, cooperates, measures, told, unlocked
from psyloom.agents.sight import look
from psyloom.errors import UnknownName, UsageError
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Dialogue, Disposition, Lang, Turn, read_jsonl
from psyloom.runs import pair, writer_for
from psyloom.systems import find_system
from tests.support import Scripted, numbered, text_of, write


class Overheard(Rehearsal):
    """The rehearsal back end, with what clients are told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    async def __call__(self, call: Call, /) -> Answer:
        self.told.append(text_of(call))
        return await super().__call__(call)


POST = {
    "zh": "我升职以后睡不着。老周当众说了我一句。我妈让我别多想。跑步的时候好一点。",
    "en": "I cannot sleep since my promotion. A colleague mocked my plan in front of everybody. My mother says I think too much. "
    "Running helps a little.",
}  # fmt: skip


def case(lang: Lang) -> Case:
    return Case.model_validate({"id": "c", "lang": lang, "post": {"title": "T", "text": POST[lang]}})


async def play(lang: Lang, replies: list[str] | None = None, **dials: str) -> tuple[Scripted, Dialogue]:
    model = Scripted(client=numbered("word"), counselor=replies or numbered("reply"))
    options = {f"dials.{k}": v for k, v in dials.items()} | {"max_exchanges": "4"}
    return model, await write(pair("interactive_agents", "interactive_agents", options), case(lang), model)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_closed_client_knows_only_what_it_was_asked_for(lang: Lang) -> None:
    asked = {
        "zh": ["老周那天说了什么？", "嗯。", "嗯嗯。", "好。"],
        "en": ["What did that colleague do?", "Mm.", "Mm-hm.", "Right."],
    }[lang]
    model, _ = await play(lang, asked, openness="0")
    secret = {"zh": "我妈让我别多想", "en": "My mother says"}[lang]
    opened = {"zh": "老周当众说了我一句", "en": "A colleague mocked"}[lang]
    first, *_, last = (text_of(call) for call in model.asked("client"))
    assert opened in first, "the question opened the fact that it is about"
    assert secret not in first
    assert secret not in last


async def test_a_question_about_nothing_in_particular_opens_the_next_fact() -> None:
    facts = list(told(case("zh"), {"post.text"}))
    assert unlocked(facts, 0, []) == set(facts[:1])
    assert unlocked(facts, 0, [("counselor", "后来怎么样了？")]) == set(facts[:2])
    assert unlocked(facts, 0, [("counselor", "嗯。")]) == set(facts[:1])
    assert unlocked(facts, 1, []) == set(facts)


async def test_without_dials_nothing_is_hidden_and_nothing_is_added() -> None:
    model, _ = await play("zh")
    plain = text_of(model.asked("client")[0])
    assert POST["zh"] in plain
    model, _ = await play("zh", openness="1")
    assert text_of(model.asked("client")[0]) == plain


@pytest.mark.parametrize(
    ("lang", "low", "high"), [("zh", "愿意配合", "处处防备"), ("en", "work along willingly", "on your guard")]
)
async def test_resistance_is_told_to_the_client_alone_in_its_language(lang: Lang, low: str, high: str) -> None:
    for value, words in (("0.1", low), ("0.9", high)):
        model, _ = await play(lang, resistance=value)
        assert all(words in call.messages[-1]["content"] for call in model.asked("client"))
        assert not any(words in text_of(call) for call in model.asked("counselor"))


@pytest.mark.parametrize(("lang", "note"), [("zh", "不是对方说的"), ("en", "not said by the other side")])
async def test_what_a_dial_tells_the_client_is_marked_as_no_words_of_the_counselor(lang: Lang, note: str) -> None:
    model, _ = await play(lang, verbosity="0.1")
    for call in model.asked("client"):
        said, _, told_ = call.messages[-1]["content"].partition("\n\n")
        assert note not in said
        assert note in told_.splitlines()[0]


def test_a_word_that_only_holds_a_sentence_together_opens_no_fact() -> None:
    facts = ["我升职了。", "晚上备课到很晚，还是没底。", "老周当众说了我一句。"]
    assert unlocked(facts, 0, [("counselor", "你最怕的是老周，还是别人？")]) == {facts[0], facts[2]}


async def test_a_trajectory_is_shown_turn_by_turn_and_its_last_reaction_stays() -> None:
    model, _ = await play("zh", trajectory='["defending", "拓展"]')
    shown = [call.messages[-1]["content"] for call in model.asked("client")]
    assert "防御" in shown[0]
    assert all("拓展" in text and "防御" not in text for text in shown[1:])


@pytest.mark.parametrize("given", ["defending", "defending, 拓展", "defending，拓展", '["defending", "extending"]'])
def test_a_trajectory_is_a_word_or_several_between_commas(given: str) -> None:
    made = pair("cactus", "cactus", {"dials.trajectory": given}).dials
    assert made
    assert made.trajectory == (("defending",) if given == "defending" else ("defending", "extending"))


async def test_the_reaction_that_was_asked_for_stays_on_the_turn_as_no_label() -> None:
    _, dialogue = await play("zh", trajectory="defending, confirming")
    given, *turns = [turn for turn in dialogue.turns if turn.speaker == "client"]
    assert [turn.extra.get("reaction_asked") for turn in turns] == ["defending", *["confirming"] * (len(turns) - 1)]
    assert not given.extra
    assert not any(turn.labels for turn in turns)


async def test_a_trajectory_goes_on_in_the_next_session_where_it_stopped_and_given_lines_are_no_part_of_it() -> None:
    record = {"summary": "s", "learnt": [], "homework": [], "ratings": []}
    model = Scripted(
        client=numbered("word"),
        counselor=numbered("reply"),
        record=record,
        plan={"cbt_technique": "pie_chart", "cbt_plan": "x"},
    )
    options = {"dials.trajectory": '["defending", "confirming", "extending"]', "sessions": "2", "max_exchanges": "2"}
    given = {
        "id": "c",
        "lang": "en",
        "intake": {"reason": "sleep"},
        "opening": [{"counselor": "Hello."}, {"client": "Hi."}],
    }
    await write(pair("cactus", "cactus", options), Case.model_validate(given), model)
    shown = [call.messages[-1]["content"] for call in model.asked("client")]
    names = [name for text in shown for name in ("Defending", "Confirming", "Extending") if name in text]
    assert names == ["Defending", "Confirming", "Extending", "Extending"]


async def test_a_client_that_may_not_end_the_session_does_not() -> None:
    says = iter(f"enough of it {n} [/END]" for n in range(99))
    script = {
        "client": lambda _: next(says),
        "counselor": numbered(),
        "plan": {"cbt_technique": "pie_chart", "cbt_plan": "x"},
    }
    form = Case.model_validate({"id": "c", "lang": "en", "intake": {"reason": "sleep"}})
    ended = await write(pair("cactus", "cactus", {"max_exchanges": "3"}), form, Scripted(**script))
    kept = await write(
        pair("cactus", "cactus", {"max_exchanges": "3", "dials.may_end": "false"}), form, Scripted(**script)
    )
    assert (ended.sessions[0].ended, kept.sessions[0].ended) == ("client closed", "limit")


@pytest.mark.parametrize(
    ("option", "value"), [("dials.resistance", "2"), ("dials.trajectory", '["angry"]'), ("dials.mood", "1")]
)
def test_a_wrong_dial_is_one_clear_error(option: str, value: str) -> None:
    with pytest.raises(UsageError, match=option.replace(".", r"\.")):
        pair("cactus", "cactus", {option: value})


def test_measures_count_facts_told_those_volunteered_and_cooperation_by_quarter() -> None:
    turns = [
        Turn.counselor("Hello."), Turn.client("I cannot sleep since my promotion."),
        Turn.counselor("Did a colleague say anything?"), Turn.client("A colleague mocked my plan in front of everybody."),
        Turn.counselor("I see."), Turn.client("Whatever, this is pointless. Running helps a little, though."),
        Turn.counselor("Take your time."), Turn.client("Sorry. It is hard."),
    ]  # fmt: skip
    found = measures(case("en"), {"post.text"}, turns)
    assert found == {
        "facts_told": 0.75, "volunteered": 0.25, "cooperation_1": 1.0, "cooperation_2": 1.0, "cooperation_3": 0.0, "cooperation_4": 1.0
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_client_that_tells_what_openness_0_opens_to_it_and_no_more_volunteers_nothing(lang: Lang) -> None:
    own, turns = case(lang), [Turn.counselor({"zh": "你好。", "en": "Hello."}[lang])]
    facts = list(told(own, {"post.text"}))
    for n, question in enumerate({"zh": ["后来怎么样了？", "还有吗？", ""], "en": ["And then?", "Go on?", ""]}[lang]):
        open_ = unlocked(facts, 0, [(turn.speaker, turn.text) for turn in turns])
        turns += [Turn.client(next(fact for fact in facts[n:] if fact in open_)), Turn.counselor(question)]
    assert measures(own, {"post.text"}, turns)["volunteered"] == 0
    assert measures(own, {"post.text"}, [*turns, Turn.client(facts[3])])["volunteered"] == 0.25


@pytest.mark.parametrize(("messages", "quarters"), [(1, "1"), (2, "13"), (3, "123"), (4, "1234"), (9, "1234")])
def test_the_first_message_of_a_talk_counts_for_its_first_quarter(messages: int, quarters: str) -> None:
    refused = [Turn.client("Whatever."), *[Turn.client("It is hard.")] * (messages - 1)]
    found = measures(Case(id="c", lang="en"), set(), refused)
    assert "".join(name[-1] for name in found) == quarters
    assert found["cooperation_1"] == (0 if messages < 5 else 0.6667)


FALL = "周四放学，班上一个学生在楼梯上摔了，磕破膝盖，家长在班级群里连发五条质问。"
SURGERY = "我妈妈去年做了手术，我一个人在医院陪她。"


@pytest.mark.parametrize(
    ("lang", "fact", "lines", "share"),
    [
        ("zh", FALL, ["上周四放学……我们班一个孩子在楼梯上摔了，膝盖破了。家长在群里连着发了五条。"], 1.0),
        ("zh", FALL, ["上周四放学的时候，班上出了点事。", "有孩子在楼梯上摔了，磕破膝盖。"], 1.0),
        ("zh", SURGERY, ["去年我换了工作。", "我一直怕手术刀。", "我一个人在家。", "昨天路过医院门口。"], 0.0),
        ("zh", FALL, ["这几天我睡不好，手机一响就揪一下。"], 0.0),
        ("en", "I drive back at night to see whether the greenhouse is locked.", ["Sunday night, the greenhouse...", "I drove back. It was locked."], 1.0),
        ("en", "I drive back at night to see whether the greenhouse is locked.", ["I cannot sleep at night."], 0.0),
    ],
)  # fmt: skip
def test_a_fact_counts_as_told_in_other_words_and_over_several_messages(
    lang: Lang, fact: str, lines: list[str], share: float
) -> None:
    own = Case.model_validate({"id": "c", "lang": lang, "post": {"title": "T", "text": fact}})
    assert measures(own, {"post.text"}, [Turn.client(line) for line in lines])["facts_told"] == share


def test_likeness_is_the_share_of_meaning_words_in_common() -> None:
    assert alike("睡不着", "晚上总是睡不着觉") == 1.0
    assert alike("我妈", "老周") == 0.0
    assert alike("sleeping badly", "I slept and sleep") == 0.5


# Openness


CCD: dict[str, object] = {
    "history": "HISTORY of praise.", "core_beliefs": {"helpless": ["I am weak.", "I cannot cope."]},
    "intermediate_beliefs": ["RULE never ask."], "coping_strategies": ["COPING hides."],
    "situations": [{"situation": "EVENT a slide was wrong.", "automatic_thoughts": ["THOUGHT fraud."], "behaviors": ["DID nothing."]}],
}  # fmt: skip


@pytest.mark.parametrize(("lang", "words"), [("zh", "（还想不起来）"), ("en", "(does not come to mind yet)")])
@pytest.mark.parametrize("client", ["patient_psi", "diacbt"])
async def test_what_is_held_back_leaves_no_hole_that_a_model_would_fill(client: str, lang: Lang, words: str) -> None:
    given = Case.model_validate({"id": "c", "lang": lang, "demographics": {"name": "Lin"}, "cognition": CCD})
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    options = {"dials.openness": "0", "max_exchanges": "2"}
    await write(pair("interactive_agents", client, options), given, model)
    told_ = text_of(model.asked("client")[0])
    assert words in told_
    assert "COPING" not in told_
    assert not re.search(r"[：:-] *$", re.sub(r"(?m)^[^\-\n]*[：:]\n(?=\s*-)", "", told_), re.MULTILINE), told_


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("client", ["patient_psi", "diacbt"])
async def test_a_part_of_a_diagram_that_a_case_lacks_makes_no_empty_line(client: str, lang: Lang) -> None:
    given = Case.model_validate({"id": "c", "lang": lang, "demographics": {"name": "Lin"}, "cognition": CCD})
    model = Scripted(client=numbered("word"), counselor=numbered("reply"))
    await write(pair("interactive_agents", client, {"max_exchanges": "2"}), given, model)
    told_ = text_of(model.asked("client")[0])
    assert "THOUGHT" in told_
    assert not re.search(r"^- .*[：:] *$", told_, re.MULTILINE)


async def test_what_was_told_in_one_session_is_remembered_in_the_next() -> None:
    asked = iter(["老周那天说了什么？", *(f"嗯，我在听，第{n}句" for n in range(9))])
    record = {"summary": "x", "learnt": [], "homework": [], "ratings": []}
    model = Scripted(client=numbered("word"), counselor=lambda _: next(asked), record=record)
    options = {"dials.openness": "0", "max_exchanges": "2", "sessions": "2"}
    await write(pair("interactive_agents", "interactive_agents", options), case("zh"), model)
    assert all("老周当众说了我一句" in text_of(call) for call in model.asked("client"))


async def test_a_post_that_is_said_as_it_stands_is_said_without_what_is_held_back() -> None:
    model = Scripted(counselor=numbered("reply"), answer=numbered("word"))
    options = {"client.retell": "false", "dials.openness": "0", "max_exchanges": "2"}
    dialogue = await write(pair("interactive_agents", "autocbt", options), case("zh"), model)
    said = next(turn.text for turn in dialogue.turns[1:] if turn.speaker == "client")
    assert said == "T"


def test_texts_under_headings_are_held_back_too() -> None:
    given = Case.model_validate(
        {
            "id": "c",
            "lang": "en",
            "clinical": {"complaint": "I am tired.", "personal_history": {"work": "A secret.", "home": "A cat."}},
        }
    )
    veil = Dials(openness=0).veil(given, {"clinical"}, [], "en")
    seen = look(given, {"client": {"clinical"}}, "client", veil).clinical
    assert seen.complaint == "I am tired."
    assert seen.personal_history == {"work": "(does not come to mind yet)"}


# The right to end


@pytest.mark.parametrize(("lang", "note"), [("zh", "可以自己结束"), ("en", "you may end it")])
async def test_any_client_may_be_given_the_right_to_end_the_session(lang: Lang, note: str) -> None:
    says = ["word one of it", "enough of it, really [/END]"]
    model = Scripted(client=says, counselor=numbered("reply"))
    options = {"dials.may_end": "true", "max_exchanges": "9"}
    dialogue = await write(pair("interactive_agents", "interactive_agents", options), case(lang), model)
    assert all(
        note in call.messages[-1]["content"] and "[/END]" in call.messages[-1]["content"]
        for call in model.asked("client")
    )
    closing = [turn for turn in dialogue.turns if turn.closes]
    assert [turn.text for turn in closing] == ["enough of it, really"]
    assert dialogue.sessions[0].ended == "client closed"
    assert len(model.asked("client")) == 2


# The case's own


async def test_what_the_case_says_of_its_client_holds_where_no_dial_is_set_unless_a_model_made_it_up() -> None:
    async def told_to(derived: list[str], **dials: str) -> str:
        given = case("en").model_copy(deep=True)
        given.disposition, given.derived = Disposition(resistance=0.9), derived
        model = Scripted(client=numbered("word"), counselor=numbered("reply"))
        options = {f"dials.{k}": v for k, v in dials.items()} | {"max_exchanges": "2"}
        await write(pair("interactive_agents", "interactive_agents", options), given, model)
        return text_of(model.asked("client")[0])

    assert "on your guard" in await told_to([])
    assert "on your guard" in await told_to([], verbosity="0.5")
    assert "work along willingly" in await told_to([], resistance="0.1")
    assert "on your guard" not in await told_to(["disposition"])


# Writers that let a client talk


@pytest.mark.parametrize(("slug", "more"), [("amie", {}), ("diacbt", {"how": "talk"}), ("notechat", {})])
def test_a_writer_that_lets_a_client_talk_takes_dials(slug: str, more: dict[str, str]) -> None:
    writer = writer_for(slug, {"dials.resistance": "0.9", **more})
    assert writer.dials == Dials(resistance=0.9)  # type: ignore[attr-defined]


def test_a_writer_that_lets_no_client_talk_refuses_dials() -> None:
    for slug, error in (("cactus", UnknownName), ("diacbt", UsageError)):
        with pytest.raises(error, match="dials"):
            writer_for(slug, {"dials.resistance": "0.9"})


@pytest.mark.parametrize(
    ("slug", "options"),
    [
        ("amie", {"rounds": "1", "max_exchanges": "2"}),
        ("diacbt", {"how": "talk", "sessions": "1", "max_exchanges": "2"}),
    ],
)
async def test_a_writers_own_client_is_told_of_its_dials_and_measured(slug: str, options: dict[str, str]) -> None:
    given = next(read_jsonl(find_system(slug).cases(), Case))
    model = Overheard()
    dialogue = await write(slug, given, model, options=options | {"dials.resistance": "0.9"})
    assert any(re.search("on your guard|处处防备", text) for text in model.told)
    assert {"facts_told", "volunteered", "cooperation_1", "cooperation_3"} <= set(dialogue.quality.measures)


# What a session may be


@pytest.mark.parametrize("options", [{"min_exchanges": "9", "max_exchanges": "3"}, {"min_exchanges": "21"}])
def test_more_exchanges_at_least_than_at_most_is_one_clear_error(options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"min_exchanges: .* is more than the most there may be"):
        pair("cactus", "cactus", options)


# Cooperation


@pytest.mark.parametrize(
    "text",
    ["我觉得自己特别没用。", "对我来说什么都无所谓了，我很累。", "我妈说我没用。", "我随便吃了点东西。", "凭什么升职的是他？", "I feel useless.",
     "Everything seems pointless to me.", "Whatever I do, it goes wrong.", "My pills are useless, they do not work.",
     "What's the point of living like this?"],
)  # fmt: skip
def test_somebody_who_feels_useless_does_not_refuse_the_talk(text: str) -> None:
    assert cooperates(Turn.client(text))


@pytest.mark.parametrize(
    "text",
    ["谈这些有什么用。", "跟你聊这个没用。", "随便。", "无所谓吧", "我不想说。", "关你什么事？", "凭什么要告诉你？", "This is pointless.", "Talking doesn't help.",
     "What's the point of talking?", "Whatever.", "You don't understand."],
)  # fmt: skip
def test_somebody_who_refuses_the_talk_does_not_cooperate(text: str) -> None:
    assert not cooperates(Turn.client(text))


def test_a_labelled_reaction_goes_before_the_words() -> None:
    assert not cooperates(Turn.client("Yes.", [REACTIONS.label("defending")]))
    assert cooperates(Turn.client("This is pointless.", [REACTIONS.label("extending")]))


def test_what_the_doctor_found_is_nothing_a_client_could_tell() -> None:
    given = Case.model_validate(
        {
            "id": "c",
            "lang": "en",
            "clinical": {"complaint": "I am tired.", "mental_state": {"mood": "Mood is low."}, "treatment": "Rest."},
        }
    )
    assert list(told(given, {"clinical"})) == ["I am tired."]


def test_a_closed_client_speaks_of_what_happened_before_it_speaks_of_what_it_believes() -> None:
    cognition = {
        "history": "My mother drank.", "core_beliefs": {"helpless": ["I am weak."]}, "intermediate_beliefs": ["I must cope."],
        "coping_strategies": ["I clean."], "situations": [{"situation": "My son cried.", "behaviors": ["I left."]}],
    }  # fmt: skip
    facts = list(told(Case.model_validate({"id": "c", "lang": "en", "cognition": cognition}), {"cognition"}))
    assert facts == ["My son cried.", "I left.", "I clean.", "My mother drank.", "I must cope.", "I am weak."]
