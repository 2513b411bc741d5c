"""The counselor that CATCH trains: thinks in three paragraphs, then replies; and the clients it is evaluated with.

Any chat model can take the part: the manual and the way of thinking stand in its system prompt, which is also that of
the training samples.
"""

from collections.abc import Iterator
from typing import ClassVar, get_args

from psyloom.agents import Ask, Counselor, Sight, Talk
from psyloom.agents.prompts import load_prompt
from psyloom.agents.words import localized
from psyloom.formats.read.catch import elements
from psyloom.knowledge import LabelSet
from psyloom.llm import Answer
from psyloom.records import Attitude, Case, Disposition, Lang, Turn
from psyloom.systems.catch.writer import PLAN, TECHNIQUES


class CatchCounselor(Counselor):
    """Thinks first, then replies, in one call; a model's ``<think>`` becomes the turn's thought."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = (TECHNIQUES,)

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        heard: list[Answer] = []
        text = await ask("reply", talk=talk, manual=PLAN, techniques=TECHNIQUES, on_answer=heard.append)
        return Turn(speaker="counselor", text=text, thought=elements(heard[-1].reasoning))


def instructions(lang: Lang) -> str:
    """The system prompt of the counselor: the manual of single-session therapy and how to think and reply."""
    words = {"manual": PLAN, "techniques": TECHNIQUES}
    slots = {"lang": lang} | {name: localized(value, lang) for name, value in words.items()}
    return load_prompt(CatchCounselor.prompts(), "reply", lang).render(slots)[0]["content"]


def attitudes(case: Case) -> Iterator[Case]:
    """The same client three times, with a positive, a neutral and a negative attitude, as the evaluation needs it."""
    given = case.disposition or Disposition()
    for attitude in get_args(Attitude):
        # The case's own words for its attitude do not fit another one.
        words = {"attitude": attitude} | ({} if given.attitude == attitude else {"instruction": None})
        disposition = given.model_copy(update=words)
        yield case.model_copy(update={"id": f"{case.id}-{attitude}", "disposition": disposition})
