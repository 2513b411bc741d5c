"""DeepPsy's data: hotline conversations become records of stage, history, thought and answer. arXiv 2503.15876.

Three experts make a record: one extracts who the client is and what they feel, one writes the client's message anew, one
thinks and answers. A conversation is rebuilt message by message, so that no record holds a word of the real one that
was not written anew; the answers know nothing of it but what was extracted.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field

from psyloom.agents import Ask, Sight, Talk, Writer
from psyloom.agents.annotating import talk_of
from psyloom.errors import MissingFacet
from psyloom.knowledge import LabelSet, OneOf, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Lang, Turn
from psyloom.safety.entities import entities
from psyloom.safety.private import private
from psyloom.safety.review import violation
from psyloom.systems.deeppsy.stages import FIRST, PLAN, STAGES, Memory, Text, detect, rehearsed
from psyloom.systems.deeppsy.thinking import UNSAID, think
from psyloom.systems.sessions import forget_client, session_of

REVIEW = label_set("deeppsy_review")
_UNKNOWN = re.compile(
    r"\s*(?:未知|不详|不明|不清楚|未提(?:及|到)|没有?提到|无法(?:判断|推断)|无|unknown|not (?:mentioned|known|stated)|n/?a|none|null|[-/]*)[.。]?\s*",
    re.IGNORECASE,
)
WORDS: dict[str, dict[Lang, str]] = {
    "name": {"en": "it holds a real name or number ({}); leave it out or say it in general words", "zh": "里面留着真实的姓名或号码（{}），去掉，或者换成概括的说法"},
    "stage": {"en": "read as {}, labelled {}", "zh": "复核读作“{}”，标注为“{}”"},
}  # fmt: skip


def _known(given: Any) -> Any:
    """What is not known is null, however a model says so."""
    return (
        None
        if isinstance(given, str) and _UNKNOWN.fullmatch(given)
        else str(given)
        if isinstance(given, int)
        else given
    )


Known = Annotated[Text | None, BeforeValidator(_known)]


class Basic(BaseModel):
    """Who the client is; null: nobody said it."""

    age: Known
    gender: Known
    occupation: Known
    education: Known


class Psych(BaseModel):
    """How the client is, and what they seek; null: nobody said it."""

    emotion: Known
    symptoms: Annotated[list[Text] | None, BeforeValidator(lambda given: given or None)]
    demand: Known


class State(BaseModel):
    """What the extraction expert finds: four base facts, three psychological features."""

    basic: Basic
    psych: Psych

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        psych = {"emotion": actor.text("emotion"), "symptoms": None, "demand": actor.text("problem")}
        return {"basic": dict.fromkeys(Basic.model_fields), "psych": psych}

    def facts(self) -> dict[str, str | list[str] | None]:
        """The seven fields by name."""
        return {**self.basic.model_dump(), **self.psych.model_dump()}


class Question(BaseModel):
    """What the question expert writes: the client's message."""

    question: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"question": actor.utterance("client", actor.cue.turns)}


class Review(BaseModel):
    """The consistency check of one record; the reviewer votes on the stage without knowing the label."""

    unfounded: list[Text]
    stage: Annotated[str, OneOf(STAGES)]
    fits: bool
    reason: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"unfounded": [], "stage": rehearsed(actor), "fits": True, "reason": actor.text("default")}


class DeepPsyData(Writer):
    """Training records from hotline conversations: three expert calls each, one that labels the stage, one that checks.

    A case brings a conversation in ``extra.session``, as turns (`psyloom cases deeppsy TALKS --make session`), or a post
    as its only message.
    """

    sight: ClassVar[Sight] = {
        "extractor": {"post.title", "post.text"},
        "questioner": {"post.title", "post.text"},
        "detector": frozenset(),
        "counselor": frozenset(),
        "reviewer": frozenset(),
    }
    unsaid: ClassVar[tuple[LabelSet, ...]] = UNSAID

    utterances: int = Field(20, ge=2, description="most messages of a rebuilt conversation")
    once: bool = Field(
        False, description="extract once from the whole conversation; false: for every record from what was said so far"
    )
    check: bool = Field(True, description="one more call a record: are its thought and its stage borne out by the talk")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        real = conversation(case)
        named, memory, talk = names(real), Memory(), Talk(ask.desk.dialogue)
        state: State | None = None
        for heard in records(real)[: self.utterances // 2]:
            if state is None or not self.once:
                state = await self._extract(real if self.once else heard, named, ask)
            talk.add(await self._question(heard, state, named, talk, ask))
            talk.add(await self._answer(state, memory, talk, ask))
        ask.desk.dialogue.quality.measures |= {
            "records": len(talk.turns) // 2, "consistent": sum(sound(turn) for turn in talk.turns[1::2]),
        }  # fmt: skip
        return talk.dialogue

    async def _extract(self, heard: list[Turn], named: tuple[str, ...], ask: Ask) -> State:
        """1. Information extraction."""

        def identifying(found: State) -> str | None:
            return survives(str(found.facts()), named, ask.lang)

        return await ask("extract", State, check=identifying, heard=talk_of(heard, ask.lang))

    async def _question(self, heard: list[Turn], state: State, named: tuple[str, ...], talk: Talk, ask: Ask) -> Turn:
        """2. Question construction: the client's last message, said anew."""

        def identifying(found: Question) -> str | None:
            return survives(found.question, named, ask.lang)

        found = await ask.as_(self, talk)(
            "question", Question, check=identifying, heard=talk_of(heard, ask.lang), talk=talk, state=state.facts()
        )  # fmt: skip
        return Turn.client(found.question)

    async def _answer(self, state: State, memory: Memory, talk: Talk, ask: Ask) -> Turn:
        """3. and 4. The stage is labelled; then a thought and an answer that keep to it. 5. They are checked."""
        ask = ask.as_(self, talk)
        detector = await detect(memory, talk, ask)

        def unfit(reply: str) -> str | None:
            broken = violation([("counselor", reply)], ask.lang)
            return broken[1] if broken else survives(reply, (), ask.lang)

        stage = PLAN[memory.stage or FIRST]
        turn = await think("answer", stage, talk, ask, unfit=unfit, state=state.facts())
        turn.closes = False
        turn.extra |= {"stage": stage.id, "detector": detector, "state": state.model_dump()}
        if self.check:
            await self._review(turn, stage.id, talk, ask)
        return turn

    async def _review(self, turn: Turn, stage: str, talk: Talk, ask: Ask) -> None:
        """Does the talk bear out the thought, and the label of the stage? What it does not goes to people, as labels."""
        thought = [element for element in turn.thought if element.name != "stage"]
        found = await ask("review", Review, talk=talk, plan=PLAN, thought=thought, reply=turn.text)
        voted, labelled = STAGES[found.stage].name(ask.lang), STAGES[stage].name(ask.lang)
        faults = {"unfounded": "; ".join(found.unfounded)} if found.unfounded else {}
        faults |= {"stage_disputed": WORDS["stage"][ask.lang].format(voted, labelled)} if found.stage != stage else {}
        faults |= {} if found.fits else {"off_stage": found.reason}
        turn.labels += [REVIEW.label(fault, by=ask.by, reason=reason) for fault, reason in faults.items()]
        turn.extra["review"] = {"consistency": not faults, "by": "ai"}


def conversation(case: Case) -> list[Turn]:
    """What a case brings: the turns of its session, or its post as the client's only message.

    Messages in a row by one side are one. From here on the case holds nothing of the client of a real session.
    Raises: MissingFacet when there is nothing that a client says.
    """
    if own := session_of(case):
        forget_client(case)
    post = [Turn.client("\n".join(filter(None, (case.post.title, case.post.text))))] if case.post else []
    said = [(who, "\n".join(t.text for t in some)) for who, some in groupby(own or post, lambda turn: turn.speaker)]
    if "client" not in dict(said):
        raise MissingFacet(
            f"case {case.id!r} has neither a session with a client nor a post",
            do="make cases of conversations: psyloom cases deeppsy TALKS --make session",
        )
    return [Turn(speaker=who, text=text) for who, text in said]


def records(real: list[Turn]) -> list[list[Turn]]:
    """What had been said up to and with each message of the client that somebody answers; a lone one needs no answer."""
    asked = [at for at, turn in enumerate(real) if turn.speaker == "client"]
    return [real[: at + 1] for at in asked if at + 1 < len(real) or len(asked) == 1]


def names(real: list[Turn]) -> tuple[str, ...]:
    """Names and numbers of persons in a conversation, found by their form."""
    found = (one for turn in real for one in entities(turn.text))
    kinds = ("PERSON", "PHONE", "ID", "ACCOUNT")
    return tuple(dict.fromkeys(words for kind, words in found if kind in kinds and len(words) > 1))


def survives(text: str, named: tuple[str, ...], lang: Lang) -> str | None:
    """A real name, or what looks private by its form, in words for the model; None for a clean text."""
    forms: Iterator[str] = (text[start:end] for _, start, end in private(text))
    found = next((name for name in named if name in text), None) or next(forms, None)
    return WORDS["name"][lang].format(found) if found else None


def sound(turn: Turn) -> bool:
    """Has the check found nothing against a record?"""
    return not any(label.set == REVIEW.id for label in turn.labels)
