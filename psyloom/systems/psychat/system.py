"""PsyChat: how does the client react, which strategies follow, and only then the reply. CSCWD 2024, arXiv 2312.04262.

1 behavior recognition, 2 strategy selection by retrieval, 3 input packer, 4 response generator (N candidates),
5 response selection. Every module can be a language model, retrieval, or a function of your own, e.g. a classifier.
"""

import re
from asyncio import gather
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, Field, ImportString, PlainSerializer, create_model

from psyloom.agents import Ask, Check, Counselor, Sight, Talk
from psyloom.agents.annotating import coarse, strictly
from psyloom.agents.guards import fold
from psyloom.agents.retrieval import Metric, Nearest
from psyloom.knowledge import LabelSet, OneOf
from psyloom.records import Lang, Turn
from psyloom.records.sentences import spans
from psyloom.systems.psychat.base import BEHAVIORS, STRATEGIES, Base, Entry, base, told

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

# A function of one's own; on the command line "package.module:function". What it gets and gives, each option says.
Plug = Annotated[ImportString[Callable[..., Any]], PlainSerializer(lambda f: f"{f.__module__}:{f.__qualname__}")]
# Names of one word ("Answer", "Confrontation") are everyday words: hearing them announces nothing.
UNSAID = STRATEGIES.model_copy(update={"terms": tuple(t for t in STRATEGIES.terms if re.search(r"[ -]", t.en))})
COUNT: dict[Lang, str] = {
    "en": "labels: {} sentences need {} labels, one each",
    "zh": "labels：{} 句话要有 {} 个标签，一句一个",
}


class Behaviors(BaseModel):
    """One label for each sentence, in order."""

    labels: list[Annotated[str, OneOf(BEHAVIORS.leaves)]]
    count: ClassVar[int] = 1

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        return {
            "labels": [
                actor.rng.choice(("giving_information", "giving_information", "extending")) for _ in range(cls.count)
            ]
        }


class Chosen(BaseModel):
    """Strategies for the next reply."""

    strategies: list[Annotated[str, OneOf(STRATEGIES.leaves)]] = Field(min_length=1, max_length=3)


class Candidate(BaseModel):
    """One possible reply. Typed, so that no candidate is shown before one is chosen."""

    reply: str = Field(min_length=1)
    number: ClassVar[int] = 0

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, str]:
        """Not every candidate the same, as sampling would have it."""
        from psyloom.llm.rehearsal.speech import counselor_lines

        lines = list(islice(counselor_lines(actor, actor.cue.turns, True), 4 + actor.cue.take))
        return {"reply": lines[(cls.number + actor.cue.take) % len(lines)]}


class Packed(NamedTuple):
    """What the packer gets: the demonstration, then the task."""

    demo: Entry
    behaviors: tuple[str, ...]
    strategies: tuple[str, ...]


class PsyChat(Counselor):
    """One pass for each client's message; the strategies of the nearest known talk lead the reply."""

    sight: ClassVar[Sight] = {"recognizer": frozenset(), "counselor": frozenset(), "selector": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = (UNSAID,)

    mode: Literal["full", "simplified"] = Field(
        "full", description="simplified: one prompt without base, behaviors and strategies, as released"
    )
    recognizer: Literal["llm", "retrieval"] | Plug = Field(
        "llm",
        description="module 1: a model, the nearest labelled sentence, or a function (context, sentences) -> labels",
    )
    strategist: Literal["retrieval", "policy", "llm"] | Plug = Field(
        "retrieval",
        description="module 2: the nearest talk's strategies (the paper), the likeliest after these behaviors in the "
        "base, a model, or a function (history, behaviors) -> labels",
    )
    selector: Literal["llm", "retrieval"] | Plug = Field(
        "llm",
        description="module 5: a model, closeness to the demonstration's reply, or a function (history, candidates) -> scores",
    )
    candidates: int = Field(10, ge=1, description="N, the candidates to choose from")
    neighbors: int = Field(
        1, ge=1, description="j, the talks retrieved; with more than one, the strategies that most of them use"
    )
    metric: Metric = Field("euclidean", description="distance of two histories")
    embed: Plug | None = Field(None, description="a sentence encoder, texts -> vectors; without one, n-grams")
    base: Path | None = Field(None, description="labelled dialogues to retrieve from; without one, the bundled samples")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        if self.mode == "simplified":
            return Turn.counselor(await ask("simplified", talk=talk))
        known = base(self.base, ask.lang, self.embed, self.metric)
        history = told(talk.turns, ask.lang)
        behaviors = await self._recognize(talk, ask, known)
        nearest = known.nearest(history, self.neighbors)
        (demo, found), *_ = nearest
        strategies = await self._strategies(talk, ask, known, [entry for entry, _ in nearest], behaviors, history)
        packed = Packed(demo, behaviors, strategies)
        drafts = await gather(*(self._draft(number, packed, talk, ask) for number in range(self.candidates)))
        scores = await self._score(drafts, packed, talk, ask, history)
        chosen = scores.index(max(scores))
        return Turn.counselor(
            drafts[chosen], [STRATEGIES.label(one) for one in strategies], client_behaviors=[*behaviors],
            demonstration_id=demo.id, distance=found.distance, chosen=chosen,
            candidates=[{"text": text, "score": score} for text, score in zip(drafts, scores, strict=True)],
        )  # fmt: skip

    async def _recognize(self, talk: Talk, ask: Ask, known: Base) -> tuple[str, ...]:
        """1. A behavior for every sentence of the client's last message, put on it; returned in order, each once."""
        turn = next((turn for turn in reversed(talk.turns) if turn.speaker == "client"), None)
        places = pieces(turn.text) if turn else []
        if turn is None or not places:
            return ()
        said = [turn.text[start:end] for start, end in places]
        context = talk.turns[: talk.turns.index(turn)]
        if self.recognizer == "retrieval":
            labels = [known.behavior(sentence) for sentence in said]
        elif self.recognizer == "llm":
            kind, check = behaviors_type(len(said)), one_each(len(said), ask.lang)
            asked = strictly(ask, talk.turns)
            labels = (
                await asked(
                    "behaviors",
                    kind,
                    check=check,
                    context=told(context, ask.lang),
                    sentences=said,
                    labels=BEHAVIORS.leaves,
                )
            ).labels
        else:
            labels = list(self.recognizer(told(context, ask.lang), said))
        turn.labels += [
            BEHAVIORS.label(label, span=place, by=ask.by) for label, place in zip(labels, places, strict=True)
        ]
        return tuple(dict.fromkeys(BEHAVIORS[label].id for label in labels))

    async def _strategies(
        self, talk: Talk, ask: Ask, known: Base, near: Sequence[Entry], behaviors: tuple[str, ...], history: str
    ) -> tuple[str, ...]:
        """2. The strategies of the reply to come."""
        if self.strategist == "retrieval":
            return voted([entry.strategies for entry in near])
        if self.strategist == "policy":
            return tuple([*known.policy(behaviors)][:2]) or near[0].strategies
        if self.strategist == "llm":
            found = await ask(
                "strategies", Chosen, talk=talk, behaviors=BEHAVIORS.some(behaviors), strategies=STRATEGIES.leaves
            )
            return tuple(dict.fromkeys(found.strategies))
        return tuple(STRATEGIES[one].id for one in self.strategist(history, list(behaviors)))

    @staticmethod
    async def _draft(number: int, packed: Packed, talk: Talk, ask: Ask) -> str:
        """3 and 4. One sample from the packed prompt."""
        return (await ask("respond", candidate_type(number), **slots(packed, talk.turns, ask.lang))).reply

    async def _score(self, drafts: Sequence[str], packed: Packed, talk: Talk, ask: Ask, history: str) -> list[float]:
        """5. How well each candidate fits; the highest is sent."""
        if len(drafts) == 1:
            return [0.0]
        if self.selector == "retrieval":
            index = Nearest(drafts, embed=self.embed, metric=self.metric)
            near = {found.at: -found.distance for found in index.nearest(packed.demo.response, len(drafts))}
            return [near[at] for at in range(len(drafts))]
        if self.selector == "llm":
            found = await ask(
                "select", scores_type(len(drafts)), talk=talk, behaviors=BEHAVIORS.some(packed.behaviors),
                strategies=STRATEGIES.some(packed.strategies), drafts=list(drafts),
            )  # fmt: skip
            return [float(score) for score in dict(found)["scores"]]
        return [float(score) for score in self.selector(history, list(drafts))]


def slots(packed: Packed, turns: Sequence[Turn], lang: Lang) -> dict[str, Any]:
    """What the packer's template reads."""
    return {
        "demo_behaviors": BEHAVIORS.some(packed.demo.behaviors), "demo_strategies": STRATEGIES.some(packed.demo.strategies),
        "demonstration": told([*packed.demo.history, Turn.counselor(packed.demo.response)], lang),
        "behaviors": BEHAVIORS.some(packed.behaviors), "strategies": STRATEGIES.some(packed.strategies),
        "history": told(turns, lang),
    }  # fmt: skip


def reactions(behaviors: Sequence[str]) -> list[str]:
    """The reaction each behavior belongs to: positive, negative or others."""
    return [coarse(BEHAVIORS, behavior) for behavior in behaviors]


def pieces(text: str) -> list[tuple[int, int]]:
    """Sentences as [start, end); one shorter than two characters joins the one before."""
    found: list[tuple[int, int]] = []
    for start, end in spans(text):
        if found and len(fold(text[start:end])) < 2:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def voted(strategies: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What more than half of the neighbors use, in the order of the nearest; the nearest one's own when nothing is."""
    votes = Counter(one for each in strategies for one in {*each})
    most = [one for one in dict.fromkeys(s for each in strategies for s in each) if votes[one] * 2 > len(strategies)]
    return tuple(most) or tuple(strategies[0])


def one_each(count: int, lang: Lang) -> Check:
    """The rule that every sentence has its label."""

    def counted(found: Behaviors) -> str | None:
        return None if len(found.labels) == count else COUNT[lang].format(count, count)

    return counted


@cache
def behaviors_type(count: int) -> type[Behaviors]:
    return create_model("Behaviors", __base__=Behaviors, count=(ClassVar[int], count))


@cache
def candidate_type(number: int) -> type[Candidate]:
    return create_model("Candidate", __base__=Candidate, number=(ClassVar[int], number))


@cache
def scores_type(count: int) -> type[BaseModel]:
    """A score from 0 to 100 for each of ``count`` candidates, in order."""
    scores = Annotated[list[Annotated[int, Field(ge=0, le=100)]], Field(min_length=count, max_length=count)]
    return create_model("Scores", scores=(scores, ...))
