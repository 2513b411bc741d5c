"""The baseline: a client without a model, which says given lines or what the case has of it."""

from itertools import pairwise

import pytest

from psyloom.errors import MissingFacet
from psyloom.records import Case, Dialogue, Lang
from psyloom.runs import pair
from tests.canary import canary_case
from tests.support import Scripted, numbered, write

POST = {
    "zh": "我升职以后睡不着。老周当众说了我一句。我妈让我别多想。",
    "en": "I cannot sleep since my promotion. A colleague mocked my plan. My mother says I think too much.",
}


def post(lang: Lang) -> Case:
    return Case.model_validate({"id": "c", "lang": lang, "post": {"text": POST[lang]}})


async def play(case: Case, replies: object = None, **options: str) -> Dialogue:
    model = Scripted(counselor=replies or numbered("I see that"))
    case.opening = [{"counselor": "Hello."}]
    return await write(pair("plain", "plain", options), case, model)


def said(dialogue: Dialogue) -> list[str]:
    return [turn.text for turn in dialogue.turns if turn.speaker == "client"]


async def test_the_client_says_nothing_that_only_others_know_plan_or_judge() -> None:
    spoken = "\n".join(said(await play(canary_case("en"), max_exchanges="60")))
    for path in (
        "post.text",
        "intake.reason",
        "cognition.history",
        "thought.thought",
        "clinical.complaint",
        "portrait.mood",
    ):
        assert f"canary<{path}>" in spoken
    for path in (
        "post.answers", "report", "note", "scenario", "disposition", "personality", "demographics", "thought.persona",
        "clinical.diagnoses", "clinical.treatment", "clinical.mental_state", "clinical.risk",
    ):  # fmt: skip
        assert f"canary<{path}" not in spoken


async def test_a_case_that_only_others_wrote_gives_the_client_nothing_to_say() -> None:
    note = Case.model_validate({"id": "n1", "lang": "en", "note": {"text": "Assessment: panic disorder."}})
    with pytest.raises(MissingFacet, match="'n1' has nothing that its client could say"):
        await play(note)
    assert said(await play(note, **{"client.lines": '["Hi.", "Bye."]'})) == ["Hi.", "Bye."]


async def test_the_client_ends_with_its_last_line_and_is_measured() -> None:
    dialogue = await play(post("en"))
    assert " ".join(said(dialogue)) == POST["en"]
    assert dialogue.sessions[0].ended == "client closed"
    assert dialogue.quality.measures["facts_told"] == 1
    assert dialogue.quality.measures["volunteered"] == 0.6667, "the first sentence is what it comes with"


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_client_kept_in_the_session_never_says_the_same_twice_in_a_row(lang: Lang) -> None:
    lines = said(await play(post(lang), min_exchanges="9", max_exchanges="9"))
    assert len(lines) == 9
    assert all(one != other for one, other in pairwise(lines))


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_closed_client_says_of_the_case_what_questions_opened_and_stays_while_there_is_more(lang: Lang) -> None:
    asked = {
        "zh": ["嗯。", "她让你别多想？", "嗯。", "还有吗？", "好。"],
        "en": ["Mm.", "What does your mother say?", "Mm.", "Go on?", "Right."],
    }
    dialogue = await play(post(lang), asked[lang], **{"dials.openness": "0"})
    told, lines = POST[lang].replace("。", "。|").replace(". ", ".|").split("|"), said(dialogue)
    assert [line for line in lines if line in told] == [told[0], told[2], told[1]]
    assert [lines.index(told[n]) for n in (0, 2, 1)] == [0, 2, 4]
    assert dialogue.quality.measures["volunteered"] == 0
    assert dialogue.sessions[0].ended == "client closed"


async def test_given_lines_go_on_in_the_next_session_where_they_stopped() -> None:
    record = {"summary": "s", "learnt": [], "homework": [], "ratings": []}
    options = {"client.lines": '["One.", "Two.", "Three.", "Four."]', "sessions": "2", "max_exchanges": "2"}
    model = Scripted(counselor=numbered("I see that"), record=record)
    dialogue = await write(pair("plain", "plain", options), post("en"), model)
    assert said(dialogue) == ["One.", "Two.", "Three.", "Four."]
