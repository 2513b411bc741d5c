"""What counselors of several systems say aloud: no name of a technique, no end token, one question at a time."""

import re
from typing import Any

import pytest

from psyloom.agents import Ask, Talk
from psyloom.llm.rehearsal import Rehearsal
from psyloom.llm.rehearsal.actor import phrases
from psyloom.records import Case, Lang, Turn
from psyloom.runs import pair
from psyloom.systems import find_system
from tests.support import Reply, Scripted, desk_for, numbered, write

CASE = Case.model_validate(
    {"id": "c", "lang": "en", "intake": {"reason": "sleep", "problem": "I lie awake."}, "demographics": {"name": "A"}}
)
PLAN = {"cbt_technique": "pie_chart", "cbt_plan": "P"}
SPECIALISTS = ("reflection", "questioning", "solutions", "normalization", "psychoeducation")


def answered(*texts: str) -> list[dict[str, Any]]:
    return [{"strategies": ["summary"], "text": text, "done": False} for text in texts]


@pytest.mark.parametrize(
    ("slug", "name", "replies"),
    [
        (
            "cactus",
            "Reality Testing",
            {"plan": PLAN, "counselor": ["Let us do Reality Testing.", "What would show it?"]},
        ),
        ("catch", "Handling Resistance", {"reply": ["Now comes Handling Resistance.", "You would rather not?"]}),
        ("diacbt", "agenda setting", {"counselor": answered("First, agenda setting.", "What comes first today?")}),
    ],
)
async def test_a_talking_counselor_is_asked_again_when_it_says_the_name_of_a_technique(
    slug: str, name: str, replies: dict[str, Reply]
) -> None:
    role = find_system(slug).role("counselor")()
    desk = desk_for(CASE, Scripted(**replies))
    talk = Talk(desk.dialogue)
    talk.add(Turn.client("I lie awake."))
    turn: Turn = await role.reply(talk, Ask(desk, role, talk))  # type: ignore[attr-defined]
    assert name not in turn.text
    assert desk.dialogue.quality.guards == {"names_label": 1}


async def test_who_asks_a_boss_for_feedback_names_no_strategy_of_diacbt() -> None:
    role = find_system("diacbt").role("counselor")()
    desk = desk_for(
        CASE, Scripted(counselor=answered("So asking for feedback and the homework of your son scare you?"))
    )
    talk = Talk(desk.dialogue)
    talk.add(Turn.client("I lie awake."))
    await role.reply(talk, Ask(desk, role, talk))  # type: ignore[attr-defined]
    assert desk.dialogue.quality.guards == {}


@pytest.mark.parametrize("slug", ["cactus", "magnet", "interactive_agents"])
@pytest.mark.parametrize("token", ["[/END]", "**[/end]**.", "【/END】"])
async def test_an_end_token_that_a_counselor_writes_is_neither_stored_nor_heard(slug: str, token: str) -> None:
    speaks = numbered("The counselor says line")
    says: Reply = lambda call: f"{speaks(call)}. {token}"  # noqa: E731
    drafts = {name: lambda _, name=name: {"utterance": f"The {name} draft"} for name in SPECIALISTS}
    model = Scripted(
        plan=PLAN,
        choose={"techniques": ["reflection"]},
        counselor=says,
        merge=says,
        client=numbered("client"),
        **drafts,
    )
    dialogue = await write(pair(slug, "cactus", {"max_exchanges": "2"}), CASE, model)
    assert dialogue.sessions[0].ended == "limit"
    assert not any("end" in turn.text.lower() or "**" in turn.text for turn in dialogue.turns)
    assert dialogue.quality.rejected == 0


@pytest.mark.parametrize("token", ["[/end]", "[END].", "【/END】", "**[/END]**"])
async def test_an_end_token_that_a_client_writes_in_its_own_way_closes_the_session(token: str) -> None:
    model = Scripted(plan=PLAN, counselor=numbered("go on"), client=["I feel low.", f"Enough for now. {token}"])
    dialogue = await write(pair("cactus", "cactus", {"max_exchanges": "5"}), CASE, model)
    assert dialogue.sessions[0].ended == "client closed"
    assert dialogue.turns[-1].text == "Enough for now."


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_rehearsed_counselor_asks_one_thing_at_a_time_as_mindchat_wants_it(lang: Lang) -> None:
    lines = [line for stock in phrases(lang)["counselor"].values() for line in stock if isinstance(line, str)]
    assert len(lines) > 20
    assert not [line for line in lines if len(re.findall("[?？]", line)) > 1]


async def test_a_rehearsed_companion_of_mindchat_is_never_sent_back() -> None:
    # With a clause to be quoted in every message: that is where the longest questions of the stock come from.
    story = "三个月前我从县医院调到市里，护士长说我换药太慢。我丈夫总说想开点就好了。夜里两点我还醒着，手心全是汗。"
    case = Case.model_validate({"id": "m", "lang": "zh", "post": {"text": story}})
    dialogue = await write(pair("mindchat", "interactive_agents", {"max_exchanges": "12"}), case, Rehearsal())
    assert dialogue.quality.guards == {}
