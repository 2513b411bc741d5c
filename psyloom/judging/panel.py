"""A panel: every judge with every instrument on one dialogue."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from psyloom.agents import Annotator, Ask, Desk, Models
from psyloom.agents.together import gather
from psyloom.judging.excerpts import excerpts
from psyloom.judging.judge import Judge
from psyloom.judging.shots import Example
from psyloom.knowledge.instruments import Instrument
from psyloom.llm import Model
from psyloom.records import Case, Dialogue, Rating


class Panel(Annotator):
    """Rates dialogues. Options as in `Judge`; ``samples``: judgments of the same thing by the same judge."""

    instruments: tuple[Instrument, ...] = Field(min_length=1)
    samples: int = Field(1, ge=1)
    per: Literal["item", "instrument"] | None = None
    logprobs: bool = False
    temperature: float | None = Field(None, ge=0, le=2)
    examples: tuple[Example, ...] = ()
    shots: int = Field(5, ge=1)

    async def rate(
        self, desk: Desk, judges: Sequence[Model], against: Dialogue | None = None, name: str = ""
    ) -> list[Rating]:
        """All ratings of the desk's dialogue, by judge, instrument, sample and place.

        Args:    against, name: the other dialogue of pair instruments; see `excerpts`.
        Raises:  UsageError when an instrument finds nothing to rate; else as `Judge.rate`.
        """
        each = await gather(*(self._by(judge, desk, against, name) for judge in judges))
        return [rating for ratings in each for rating in ratings]

    async def _by(self, model: Model, desk: Desk, against: Dialogue | None, name: str) -> list[Rating]:
        # Occurrences are counted for each judge by itself: which of two judges is quicker must not matter.
        ask = Ask(replace(desk, models=Models({"": model}), _made=Counter()), self)
        found: list[Rating] = []
        for instrument in self.instruments:
            judge = Judge(
                instrument=instrument, per=self.per, logprobs=self.logprobs, temperature=self.temperature,
                examples=self.examples, shots=self.shots,
            )  # fmt: skip
            pieces = excerpts(desk.dialogue, instrument, against, name)
            for sample in range(self.samples):  # one after the other, so that a replayed run numbers them alike
                found += await gather(*(judge.rate(piece, ask, sample) for piece in pieces))
        return found

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """The dialogue with the ratings of the agent "judge" under ``extra["ratings"]``."""
        ratings = await self.rate(ask.desk, [ask.desk.models.of("judge", "judge")])
        dialogue.extra["ratings"] = [rating.model_dump(mode="json", exclude_defaults=True) for rating in ratings]
        return dialogue


async def rate_one(
    dialogue: Dialogue, instrument: Instrument, model: Model, *, against: Dialogue | None = None, samples: int = 1,
    per: Literal["item", "instrument"] | None = None, tries: int = 3, examples: Sequence[Example] = (), shots: int = 5,
) -> list[Rating]:  # fmt: skip
    """Rate one dialogue, without a run: for a reward, a notebook, a test.

    Returns: a rating for each sample of each piece (session, turn, moment) that the instrument rates; score them with
             `rubric.score` or `results.results`.
    """
    case = dialogue.case or Case(id=dialogue.id, lang=dialogue.lang)
    desk = Desk(dialogue.model_copy(deep=True), case, Models({"": model}), tries=tries)
    panel = Panel(instruments=(instrument,), samples=samples, per=per, examples=tuple(examples), shots=shots)
    return await panel.rate(desk, [model], against)
