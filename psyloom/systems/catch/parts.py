"""The stages of PDS: what a model writes of each, and whether it has reached its end.

The end conditions are data (plan ``sst``); here is seen what they are about, in the messages themselves.
"""

import re
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Ask
from psyloom.agents.guards import fold
from psyloom.agents.script import reject
from psyloom.knowledge.plans import Stage
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Lang, Speaker
from psyloom.systems.catch.outline import Outline, Text

WORDS: dict[str, dict[Lang, str]] = {
    "length": {"en": "this part has {} exchanges; it should have {} to {}", "zh": "这一部分有 {} 个来回，应当是 {} 到 {} 个"},
    "quote": {"en": "{} must be copied word for word from a message of {}", "zh": "{} 要从{}的话里逐字照抄"},
}  # fmt: skip
_WHO: dict[Lang, dict[Speaker | None, str]] = {
    "en": {"client": "the client", "counselor": "the counselor", None: "this part"},
    "zh": {"client": "来访者", "counselor": "咨询师", None: "这一部分"},
}  # fmt: skip
NEARLY = 0.6  # share of the goal's pairs of neighbouring words with which a message says it


class Exchange(BaseModel):
    """The client's message and the counselor's."""

    client: Text
    counselor: Text


class Part(BaseModel):
    """What one stage adds to the dialogue.

    quotes: fields that quote whoever reaches the stage's end with these words; None: either side.
    named:  what the rehearsal has to speak of; a model reads it in its prompt.
    """

    stage: ClassVar[Stage]
    quotes: ClassVar[dict[str, Speaker | None]] = {}
    named: ClassVar[tuple[str, ...]] = ()
    exchanges: list[Exchange] = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        turns, exchanges = list(actor.cue.turns), []
        for _ in range(cls.stage.min_turns):
            heard = actor.utterance("client", turns, may_close=False)
            turns.append(("client", heard))
            spoken = actor.utterance("counselor", turns, may_close=False)
            turns.append(("counselor", spoken))
            exchanges.append({"client": heard, "counselor": spoken})
        return cls.turned(actor, exchanges) | {"exchanges": exchanges}

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        """Put the stage's turning point into rehearsed exchanges; the fields that quote it."""
        return {}


class Target(Part):
    """The goal stage."""

    quotes = {"goal_said": None, "agreement": "client"}
    goal_said: Text
    agreement: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        stock = actor.stock["single_session"]
        goal, agreement = (actor.left(stock[key], "")[0] for key in ("goal", "agree"))
        exchanges[-2]["counselor"], exchanges[-1]["client"] = goal, agreement
        return {"goal_said": goal, "agreement": agreement}


class Working(Part):
    """The working stage."""

    quotes = {"willingness": "client"}
    willingness: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        stock = actor.stock["single_session"]
        for exchange, question in zip(exchanges, actor.left(stock["resource"], "")[:3], strict=False):
            exchange["counselor"] = question
        answers = [line.format(n=name) for name, line in zip(cls.named, actor.left(stock["named"], ""), strict=False)]
        for exchange, answer in zip(exchanges[1:], answers, strict=False):
            exchange["client"] = answer
        exchanges[-1]["client"] = actor.left(stock["willing"], "")[0]
        return {"willingness": exchanges[-1]["client"]}


class Ending(Part):
    """The ending."""

    quotes = {"homework": "counselor"}
    homework: Text

    @classmethod
    def turned(cls, actor: Actor, exchanges: list[dict[str, str]]) -> dict[str, Any]:
        homework, leave = (
            actor.left(actor.stock["single_session"]["homework"], "")[0],
            actor.left(actor.stock["counselor"]["close"], "")[0],
        )
        exchanges[0]["counselor"] = f"{homework}{'' if actor.cue.lang == 'zh' else ' '}{leave}"
        return {"homework": homework}


PARTS: dict[str, type[Part]] = {"target": Target, "working": Working, "ending": Ending}


@cache
def part_type(stage: Stage, named: tuple[str, ...]) -> type[Part]:
    """The answer of one stage."""
    base = PARTS.get(stage.id, Part)
    fields: dict[str, Any] = {"stage": (ClassVar[Stage], stage), "named": (ClassVar[tuple[str, ...]], named)}
    return create_model(base.__name__, __base__=base, **fields)


def messages(exchanges: list[Exchange]) -> list[tuple[Speaker, str]]:
    """Exchanges as messages: the client opens, the counselor has the last word."""
    return [message for one in exchanges for message in (("client", one.client), ("counselor", one.counselor))]


def unfinished(part: Part, outline: Outline, ask: Ask) -> str | None:
    """What a stage still lacks: its length, the words it quotes, or what the plan wants at its end."""
    size, stage, lang = len(part.exchanges), part.stage, ask.lang
    if not stage.min_turns <= size <= (stage.max_turns or size):
        return reject(ask, "length", WORDS["length"][lang].format(size, stage.min_turns, stage.max_turns))
    for field, speaker in part.quotes.items():
        if not said_in(part, getattr(part, field), speaker):
            return reject(ask, field, WORDS["quote"][lang].format(field, _WHO[lang][speaker]))
    lack = stage.lacks(state_of(part, outline), lang)
    return lack and reject(ask, "unfinished", lack)


def state_of(part: Part, outline: Outline) -> dict[str, list[Any]]:
    """What the plan's conditions are about.

    Returns: for each quote the number of the last message that holds it, for the goal those of all messages that say
             it, be it in the outline's words; second_half, last_third, after_goal: the numbers of the messages there;
             resources_used, resources_named: names, of those in the solution and of those that are spoken of.
    """
    texts = [text for _, text in messages(part.exchanges)]
    size = len(part.exchanges)
    found: dict[str, list[Any]] = {
        field: said_in(part, getattr(part, field), speaker)[-1:] for field, speaker in part.quotes.items()
    }
    if isinstance(part, Target):
        told = (n for n, text in enumerate(texts, 1) if tells(text, outline.goal))
        found["goal_said"] = sorted({*said_in(part, part.goal_said, None), *told})
    after = min(found.get("goal_said", ()), default=len(texts))
    spoken = fold(" ".join(texts))
    return found | {
        "second_half": numbers(2 * (size // 2), texts),
        "last_third": numbers(2 * (size * 2 // 3), texts),
        "after_goal": numbers(after, texts),
        "resources_used": [one.name for one in outline.used],
        "resources_named": [one.name for _, one in outline.resources if fold(one.name) in spoken],
    }


def numbers(after: int, texts: list[str]) -> list[int]:
    """The numbers of the messages after the first ``after`` ones."""
    return list(range(after + 1, len(texts) + 1))


def said_in(part: Part, words: str, speaker: Speaker | None) -> list[int]:
    """The numbers of the messages that hold ``words``; punctuation, spaces, width and case do not count."""
    wanted = fold(words)
    return [
        n
        for n, (who, text) in enumerate(messages(part.exchanges), 1)
        if speaker in (None, who) and wanted and wanted in fold(text)
    ]


def tells(text: str, goal: str) -> bool:
    """Does a message say the goal in nearly its own words?"""
    wanted = _pairs(goal)
    return len(wanted & _pairs(text)) >= max(1, NEARLY * len(wanted))


def _pairs(text: str) -> set[tuple[str, str]]:
    """Neighbouring words; a Chinese character counts as one."""
    return set(pairwise(re.findall(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+", text.casefold())))
