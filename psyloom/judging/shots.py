"""Shots: what people rated, with the reasons for it, as examples for a judge.

Self-CoT of AMIE, arXiv 2401.05654, auto-evaluation: the judge first reads a dialogue with a person's rating and writes
why (what was good, what was bad, a summary); dialogue, reasons and rating are then shown when it rates another one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, Field

from psyloom.agents import Ask
from psyloom.agents.together import gather
from psyloom.errors import UsageError
from psyloom.judging.excerpts import Excerpt, excerpts
from psyloom.judging.material import shown, transcript
from psyloom.knowledge.instruments import Instrument
from psyloom.knowledge.items import Item
from psyloom.records import Dialogue, Rating


class Example(BaseModel):
    """A dialogue, and how a person rated it or a piece of it."""

    dialogue: Dialogue
    rating: Rating

    def excerpt(self, instrument: Instrument) -> Excerpt:
        """What was rated. Raises UsageError when the dialogue has no such piece."""
        found = [one for one in excerpts(self.dialogue, instrument) if one.subject == self.rating.subject]
        if not found:
            raise UsageError(
                f"{self.dialogue.id!r} has no piece like the one that the rating {self.rating.id!r} is about",
                do="give the dialogues that were rated",
            )
        return found[0]

    def value(self, item: Item) -> Any:
        return next((part.value for part in self.rating.items if part.item == item.id), None)


class Explained(BaseModel):
    """Why a rating is what it is."""

    good: str = Field(min_length=1)
    bad: str = Field(min_length=1)
    summary: str = Field(min_length=1)


def examples(ratings: Iterable[Rating], dialogues: Iterable[Dialogue]) -> list[Example]:
    """Ratings by people with the dialogues they are about, in the order of the ratings.

    Raises: UsageError when none of the dialogues was rated by a person.
    """
    by_id = {dialogue.id: dialogue for dialogue in dialogues}
    people = [one for one in ratings if one.rater.kind == "human" and one.subject.dialogue in by_id]
    if not people:
        raise UsageError("no person rated any of these dialogues", do="give ratings of people and what they rated")
    return [Example(dialogue=by_id[one.subject.dialogue], rating=one) for one in people]


async def shots(
    ask: Ask, instrument: Instrument, item: Item, given: Sequence[Example], judged: Excerpt, most: int
) -> list[dict[str, Any]]:
    """At most ``most`` examples of an item, with the judge's reasons for them: lines, reasons, value.

    What is judged is never among them, under whatever id. The reasons are written once in a run.
    """
    kept = list(_others(ask, instrument, item, given, judged))[:most]
    model = ask.desk.models.of("judge", "judge").name

    async def explained(example: Example, lines: str) -> dict[str, Any]:
        value = example.value(item)
        value = f"{value:g}" if isinstance(value, float) else value
        owner = f"{model}/{instrument.id}/{item.id}/{example.rating.id}"
        told = await ask.once(owner, "explain", Explained, lines=lines, item=shown(item, ask.lang), value=value)
        return {"lines": lines, "value": value, **told.model_dump()}

    return await gather(*(explained(example, lines) for example, lines in kept))


def _others(
    ask: Ask, instrument: Instrument, item: Item, given: Sequence[Example], judged: Excerpt
) -> Iterator[tuple[Example, str]]:
    own = {transcript(judged.read(), ask.lang)}
    for example in given:
        usable = example.rating.instrument == instrument.id and example.value(item) is not None
        if not usable or example.dialogue.lang != ask.lang or example.dialogue.id == judged.subject.dialogue:
            continue
        lines = transcript(example.excerpt(instrument).read(), ask.lang)
        if lines not in own:
            own.add(lines)
            yield example, lines
