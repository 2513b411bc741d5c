"""Every dial moves every client, in both languages; one that a client cannot follow is refused."""

import pytest

from psyloom.agents.dials import told
from psyloom.errors import UsageError
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Lang, Note
from psyloom.runs import pair
from psyloom.systems import find_systems, make_role
from tests.canary import canary_case
from tests.support import text_of, write

CLIENTS = [slug for slug, system in find_systems().items() if "client" in system.card.roles]
PLAYED = [slug for slug in CLIENTS if make_role(slug, "client").follows() >= {"resistance", "may_end"}]  # type: ignore[attr-defined]
FORMS = {
    "resistance": ("0.9", {"zh": "处处防备", "en": "on your guard"}),
    "verbosity": ("0.9", {"zh": "你一开口就说得多", "en": "You say a lot"}),
    "trajectory": ("defending", {"zh": "你的反应是“防御”", "en": "you react like this: Defending"}),
    "may_end": ("true", {"zh": "[/END]", "en": "[/END]"}),
}  # fmt: skip


class Listening(Rehearsal):
    """The rehearsal back end without the case's words, and a counselor that asks nothing."""

    def __init__(self) -> None:
        super().__init__(own_words=False)
        self.client: list[Call] = []
        self.others: list[Call] = []

    async def __call__(self, call: Call, /) -> Answer:
        assert call.cue is not None
        speaks = call.cue().speaks
        (self.client if speaks == "client" else self.others).append(call)
        return (
            Answer(f"I see that, number {len(self.others)}.") if speaks == "counselor" else await super().__call__(call)
        )


async def heard(client: str, lang: Lang, **dials: str) -> tuple[Listening, Case]:
    """What was asked while a client, with every facet of a case, met a counselor that says three things."""
    model, case = Listening(), canary_case(lang)
    case.opening, case.note = [{"counselor": "Hello."}], Note(text="I cannot sleep. My cat died.")
    options = {f"dials.{name}": value for name, value in dials.items()} | {"max_exchanges": "3"}
    await write(pair("interactive_agents", client, options), case, model)
    assert model.client, "a model plays it"
    return model, case


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("dial", FORMS)
@pytest.mark.parametrize("client", PLAYED)
async def test_every_client_is_told_of_a_dial_in_whatever_form_it_answers(client: str, dial: str, lang: Lang) -> None:
    value, words = FORMS[dial]
    model, _ = await heard(client, lang, **{dial: value})
    assert all(words[lang] in text_of(call) for call in model.client)
    assert not any(words[lang] in text_of(call) for call in model.others)


@pytest.mark.parametrize(("lang", "words"), [("zh", "不由你来结束"), ("en", "You do not end this session")])
@pytest.mark.parametrize("client", PLAYED)
async def test_every_client_that_may_not_end_the_session_is_told_so_last(client: str, lang: Lang, words: str) -> None:
    model, _ = await heard(client, lang, may_end="false")
    assert all(words in call.messages[-1]["content"].splitlines()[-1] for call in model.client)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("client", PLAYED)
async def test_every_closed_client_that_nobody_asks_knows_the_first_of_its_facts_alone(client: str, lang: Lang) -> None:
    open_, case = await heard(client, lang, openness="1")
    closed, _ = await heard(client, lang, openness="0")
    sight = make_role(client, "client").seen_by()
    for call in closed.client:
        facts = list(told(case, sight[call.agent]))
        assert {fact for fact in facts if fact in text_of(call)} <= set(facts[:1])
    assert any(fact in text_of(call) for call in open_.client for fact in list(told(case, sight[call.agent]))[1:])


@pytest.mark.parametrize("client", sorted(set(CLIENTS) - set(PLAYED)))
@pytest.mark.parametrize("dial", [*FORMS, "openness"])
def test_a_dial_that_no_model_would_heed_is_one_clear_error(client: str, dial: str) -> None:
    if dial in make_role(client, "client").follows():  # type: ignore[attr-defined]
        assert pair("plain", client, {f"dials.{dial}": "0.5"})
        return
    with pytest.raises(UsageError, match=rf"dials\.{dial}: no model plays the client of {client}"):
        pair("plain", client, {f"dials.{dial}": FORMS[dial][0]})
