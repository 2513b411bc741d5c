"""Replying: a counselor answers given dialogues."""

import pytest

from psyloom.agents import Counselor, Replying
from psyloom.agents.replying import opened
from psyloom.errors import MissingFacet
from psyloom.records import Case, Dialogue, Session, Turn
from psyloom.systems.plain.system import Plain
from tests.support import Scripted, desk_for, numbered


def said(words: str) -> list[Turn]:
    """``said("s你好 c我累")``: s is the counselor, c the client."""
    return [Turn(speaker={"c": "client", "s": "counselor"}[one[0]], text=one[1:]) for one in words.split()]  # type: ignore[arg-type]


async def replied(*sessions: str, free_running: bool = False) -> tuple[Dialogue, Scripted]:
    model = Scripted(counselor=numbered("own"))
    desk = desk_for(Case(id="c", lang="zh"), model)
    desk.dialogue.sessions = [Session(turns=said(one)) for one in sessions]
    return await Replying(counselor=Plain(), free_running=free_running).reply(desk), model


async def test_a_greeting_stays_messages_in_a_row_are_answered_once_and_the_last_one_needs_no_reference() -> None:
    dialogue, model = await replied("s你好 c我累 c真的 s多久了 s说说看 c三月")
    assert [(turn.speaker, turn.text[:3]) for turn in dialogue.turns] == [
        ("counselor", "你好"), ("client", "我累"), ("client", "真的"), ("counselor", "own"), ("client", "三月"), ("counselor", "own"),
    ]  # fmt: skip
    assert [turn.extra.get("reference") for turn in dialogue.turns] == [None, None, None, "多久了\n说说看", None, None]
    assert [one["content"] for one in model.calls[1].messages[-3:]] == ["多久了", "说说看", "三月"]


async def test_every_session_is_answered_and_starts_anew() -> None:
    dialogue, model = await replied("c我累 s多久了", "c好些了 s真好")
    assert [len(session.turns) for session in dialogue.sessions] == [2, 2]
    assert [one["content"] for one in model.calls[1].messages if one["role"] != "system"] == ["好些了"]


async def test_what_was_given_is_left_as_it_was() -> None:
    model = Scripted(counselor="own")
    desk = desk_for(Case(id="c", lang="zh"), model)
    desk.dialogue.sessions = [Session(turns=said("c我累 s多久了"))]
    before = desk.dialogue.model_copy(deep=True)
    await Replying(counselor=Plain()).reply(desk)
    assert desk.dialogue.sessions == before.sessions


async def test_a_counselor_that_needs_what_the_case_lacks_is_refused() -> None:
    class Needy(Plain):
        def wants(self) -> frozenset[str]:
            return frozenset({"intake"})

    needy: Counselor = Needy()
    with pytest.raises(MissingFacet, match="intake"):
        await Replying(counselor=needy).reply(desk_for(Case(id="c", lang="zh"), Scripted()))


@pytest.mark.parametrize(
    ("words", "first", "exchanges"),
    [("", 0, []), ("s你好", 1, []), ("c我累", 0, [(1, 0)]), ("s你 s好 c累 s嗯 c对 c是 s好", 2, [(1, 1), (2, 1)])],
)
def test_turns_are_parted_into_an_opening_and_exchanges(
    words: str, first: int, exchanges: list[tuple[int, int]]
) -> None:
    found, rest = opened(said(words))
    assert (len(found), [(len(asked), len(answered)) for asked, answered in rest]) == (first, exchanges)
