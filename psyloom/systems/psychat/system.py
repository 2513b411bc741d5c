"""PsyChat: how does the client react, which strategies follow, and only then the reply. CSCWD 2024, arXiv 2312.04262.

1 behavior recognition, 2 strategy selection by retrieval, 3 input packer, 4 response generator (N candidates),
5 response selection. Modules 1, 2 and 5 can each be a language model, retrieval, a trained classifier, or a function
of one's own; what a function gets and gives, the description of the option says.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from psyloom.agents import Ask, Counselor, Sight, Talk
from psyloom.agents.annotating import strictly
from psyloom.agents.plugs import Classifies, Plug, classifier, takes
from psyloom.agents.retrieval import Metric, Nearest
from psyloom.agents.together import gather
from psyloom.knowledge import LabelSet
from psyloom.records import Lang, Turn
from psyloom.systems.psychat.answers import (
    Chosen,
    behaviors_type,
    candidate_type,
    likeliest,
    one_each,
    pieces,
    scores_type,
    voted,
)
from psyloom.systems.psychat.base import BEHAVIORS, BUNDLED, STRATEGIES, Base, Entry, base, held, told

# Names of one word ("Answer", "Confrontation") are everyday words: hearing them announces nothing.
UNSAID = STRATEGIES.model_copy(update={"terms": tuple(t for t in STRATEGIES.terms if re.search(r"[ -]", t.en))})


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
    recognizer: Literal["llm", "retrieval"] | Annotated[Plug, takes("context", "sentences")] = Field(
        "llm",
        description="module 1: a model, the nearest labelled sentence, psyloom.training.classifier:load(FOLDER) for a "
        "trained classifier of client_reaction, or module:function (context, sentences) -> labels",
    )
    strategist: Literal["retrieval", "policy", "llm"] | Annotated[Plug, takes("history", "behaviors")] = Field(
        "retrieval",
        description="module 2: the nearest talk's strategies (the paper), the likeliest after these behaviors in the "
        "base, a model, psyloom.training.classifier:load(FOLDER) for one of client_reactions_strategy trained with "
        "ahead=true, or module:function (history, behaviors) -> labels",
    )
    selector: Literal["llm", "retrieval"] | Annotated[Plug, takes("history", "candidates")] = Field(
        "llm",
        description="module 5: a model, closeness to the demonstration's reply, psyloom.training.classifier:load(FOLDER) for "
        "how clearly one of client_reactions_strategy finds the strategies in it, or module:function (history, candidates) "
        "-> scores",
    )
    candidates: int = Field(10, ge=1, description="N, the candidates to choose from")
    neighbors: int = Field(
        1, ge=1, description="j, the talks retrieved; with more than one, the strategies that most of them use"
    )
    metric: Metric = Field("euclidean", description="distance of two histories")
    embed: Plug | None = Field(
        None,
        description="a sentence encoder, module:function texts -> vectors; without one, n-grams of the last 4 messages",
    )
    base: Path | None = Field(None, description="labelled dialogues to retrieve from; without one, the bundled samples")

    @model_validator(mode="after")
    def _can_retrieve(self) -> Self:
        """A base or an encoder of one's own is tried here, not by case after case that paid for calls before."""
        if self.mode == "full" and (self.base or self.embed):
            for lang in held(self.base or BUNDLED):
                base(self.base, lang, self.embed, self.metric)
        return self

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        if self.mode == "simplified":
            return Turn.counselor(await ask("simplified", talk=talk))
        known = base(self.base, ask.lang, self.embed, self.metric)
        history = told(talk.turns, ask.lang)
        behaviors = await self._recognize(talk, ask, known)
        nearest = known.nearest(talk.turns, self.neighbors)
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
        at, turn = _last_of_the_client(talk)
        places = pieces(turn.text) if turn else []
        if turn is None or not places:
            return ()
        said, before = [turn.text[start:end] for start, end in places], talk.turns[:at]
        if self.recognizer == "retrieval":
            labels = [known.behavior(sentence) for sentence in said]
        elif self.recognizer == "llm":
            answer = await strictly(ask, talk.turns)(
                "behaviors", behaviors_type(len(said)), check=one_each(len(said), ask.lang),
                context=told(before, ask.lang), sentences=said, labels=BEHAVIORS.leaves,
            )  # fmt: skip
            labels = answer.labels
        elif trained := classifier(self.recognizer):
            labels = [label for chances in trained.classify(turn, before, places) for label in likeliest([chances], 1)]
        else:
            labels = list(self.recognizer(told(before, ask.lang), said))
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
        if trained := classifier(self.strategist):
            at, turn = _last_of_the_client(talk)
            chances = trained.classify(turn, talk.turns[:at], pieces(turn.text)) if turn and pieces(turn.text) else []
            return likeliest(chances) or near[0].strategies
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
        if trained := classifier(self.selector):
            return [_carried_out(trained, draft, packed.strategies, talk.turns) for draft in drafts]
        return [float(score) for score in self.selector(history, list(drafts))]


def slots(packed: Packed, turns: Sequence[Turn], lang: Lang) -> dict[str, Any]:
    """What the packer's template reads."""
    return {
        "demo_behaviors": BEHAVIORS.some(packed.demo.behaviors), "demo_strategies": STRATEGIES.some(packed.demo.strategies),
        "demonstration": told([*packed.demo.history, Turn.counselor(packed.demo.response)], lang),
        "behaviors": BEHAVIORS.some(packed.behaviors), "strategies": STRATEGIES.some(packed.strategies),
        "history": told(turns, lang),
    }  # fmt: skip


def _last_of_the_client(talk: Talk) -> tuple[int, Turn | None]:
    """Place and turn of what the client said last."""
    found = [(at, turn) for at, turn in enumerate(talk.turns) if turn.speaker == "client"]
    return found[-1] if found else (0, None)


def _carried_out(trained: Classifies, draft: str, strategies: Sequence[str], before: Sequence[Turn]) -> float:
    """How clearly a draft carries out its strategies, [0, 1]: the mean over them of the likeliest sentence."""
    chances = trained.classify(Turn.counselor(draft), before, pieces(draft)) if pieces(draft) else []
    found = [max((one.get(strategy, 0.0) for one in chances), default=0.0) for strategy in strategies]
    return fmean(found) if found else 0.0
