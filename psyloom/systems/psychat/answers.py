"""What PsyChat asks models for, and what it makes of sentences, neighbors and behaviors."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Check
from psyloom.agents.annotating import coarse
from psyloom.agents.guards import fold
from psyloom.knowledge import OneOf
from psyloom.records import Lang
from psyloom.records.sentences import spans
from psyloom.systems.psychat.base import BEHAVIORS, STRATEGIES

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

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


def one_each(count: int, lang: Lang) -> Check:
    """The rule that every sentence has its label."""

    def counted(found: Behaviors) -> str | None:
        return None if len(found.labels) == count else COUNT[lang].format(count, count)

    return counted


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


def likeliest(chances: Sequence[dict[str, float]], count: int = 2) -> tuple[str, ...]:
    """The labels that are likeliest over all pieces of a message, the likeliest first."""
    together = Counter[str]()
    for one in chances:
        together.update(one)
    return tuple(label for label, _ in together.most_common(count))
