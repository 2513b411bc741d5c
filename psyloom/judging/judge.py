"""Judges: language models that fill in an instrument, with quotes that are checked and failures that are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Literal

from pydantic import Field

from psyloom.agents import Ask, Role, Sight, Talk
from psyloom.agents.together import gather
from psyloom.errors import AnswerRejected, MissingFacet, Refused
from psyloom.judging.evidence import Passages
from psyloom.judging.excerpts import Excerpt
from psyloom.judging.forms import Form, Marks, answer_type, form_type, shape
from psyloom.judging.material import material, pair, shown
from psyloom.judging.reading import both, fault, parts, spans
from psyloom.judging.shots import Example, shots
from psyloom.judging.weights import TOP, expected, points
from psyloom.knowledge.instruments import Instrument
from psyloom.knowledge.items import Item
from psyloom.knowledge.trees import END, following
from psyloom.llm import Answer, Decoding
from psyloom.records import Case, Dialogue, ItemRating, Rater, Rating

NO_QUOTE, NO_ANSWER, REFUSED = "quote not found", "no usable answer", "refused"
"""Why a judgment failed: the beginning of an item's ``failure``, before a colon and the details."""


class Judge(Role):
    """Fills in one instrument.

    A rating's value stays what the judge said; with ``logprobs`` its ``extra`` also has, under "weighted", the mean of
    the judge's own alternatives.
    """

    instrument: Instrument
    per: Literal["item", "instrument"] | None = Field(
        None, description="one call for each item, or one for all of them; null: as the instrument says"
    )
    logprobs: bool = Field(False, description="also weight values by their probability, where the back end tells it")
    temperature: float | None = Field(None, ge=0, le=2, description="instead of the prompts' own 0")
    examples: tuple[Example, ...] = Field(
        (), description="what people rated: shown with reasons, for each item its own"
    )
    shots: int = Field(5, ge=1, description="examples shown at most")

    def seen_by(self) -> Sight:
        return {"judge": frozenset(seen.path for seen in self.instrument.sees)}

    async def rate(self, excerpt: Excerpt, ask: Ask, sample: int = 0) -> Rating:
        """Fill in the instrument for one excerpt.

        Args:    ask: on the desk of the excerpt's dialogue.
        Returns: a rating of every item that came up; one without a usable answer has a ``failure`` and no value.
        Raises:  MissingFacet when a rating before the dialogue has no case to go by; what the back end raises, but for
                 a content filter's refusal, which is a failure of its item.
        """
        dialogue = Dialogue(id=ask.desk.dialogue.id, lang=ask.lang, sessions=excerpt.read())
        sitting = _Sitting(self, excerpt, ask.as_(self, Talk(dialogue)))
        items = await sitting.fill_in()
        model = ask.desk.models.of("judge", "judge").name
        return Rating(
            id="/".join((self.instrument.id, excerpt.name, model, str(sample))),
            subject=excerpt.subject,
            rater=Rater(kind="model", name=model, perspective=self.instrument.perspective),
            instrument=self.instrument.id,
            instrument_version=self.instrument.version,
            scale=self.instrument.scale,
            items=items,
            sample=sample,
            extra=_groups(ask.desk.case, ask.desk.dialogue) | sitting.extra(),
        )


@dataclass
class _Sitting:
    """One judge with one excerpt. ``orders``: of pairs, what was said in each of the two orders."""

    judge: Judge
    excerpt: Excerpt
    ask: Ask
    weighted: dict[str, float] = field(default_factory=dict)
    spans: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    orders: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.instrument, self.lang = self.judge.instrument, self.ask.lang
        self.known = self._known()
        other = [text for _, text in self.known]
        other += [turn.text for turn in self.excerpt.against.turns] if self.excerpt.against else []
        self.passages = Passages(self.excerpt.read(), self.lang, other, self.excerpt.first)
        side = self.instrument.rates if self.instrument.rates in ("client", "counselor") else None
        self.markable = Passages(self.excerpt.read(), self.lang, first=self.excerpt.first, side=side)

    def _known(self) -> list[tuple[str, str]]:
        """What the judge reads of the case, by name."""
        view: Any = self.ask.sees("judge")
        seen = [(s.of(self.lang), reduce(getattr, s.path.split("."), view)) for s in self.instrument.sees]
        known = [(name, str(value)) for name, value in seen if value]
        if self.excerpt.subject.moment == "before" and not known:
            facets = ", ".join(sorted({s.path.split(".")[0] for s in self.instrument.sees}))
            raise MissingFacet(
                f"dialogue {self.excerpt.subject.dialogue!r} has no case to rate {self.instrument.id} before it from",
                do=f"give its case one of: {facets}",
            )
        return known

    async def fill_in(self) -> list[ItemRating]:
        items = self.instrument.items
        if self.instrument.dimensions:
            return await self._walk()
        together = (self.judge.per or self.instrument.per) == "instrument" and not self.judge.examples
        flat = [item for item in items if together and item.kind not in ("span", "ranked")]
        groups = [flat] * bool(flat) + [[item] for item in items if item not in flat]
        found = [part for group in await gather(*map(self._judge, groups)) for part in group]
        order = [item.id for item in items]
        return sorted(found, key=lambda part: order.index(part.item))

    async def _walk(self) -> list[ItemRating]:
        """Along the decision tree, until its end or until a question has no usable answer."""
        found: list[ItemRating] = []
        at = self.instrument.items[0].id
        while at != END:
            question = self.instrument[at]
            found += await self._judge([question])
            if found[-1].value is None:
                break
            at = following(self.instrument.items, question, str(found[-1].value))
        return found

    async def _judge(self, items: Sequence[Item]) -> list[ItemRating]:
        """Ask about some items in one call; about a preference in two, for the two orders."""
        one = await self._ask(items)
        if not any(item.kind == "pairwise" for item in items):
            return one
        other = await self._ask(items, swapped=True)
        for a, b in zip(one, other, strict=True):
            self.orders[a.item] = [a.value, b.value]
        return [both(a, b) for a, b in zip(one, other, strict=True)]

    async def _ask(self, items: Sequence[Item], *, swapped: bool = False) -> list[ItemRating]:
        heard: list[Answer] = []
        wrong: list[str] = []

        def quoted(answer: Any) -> str | None:
            wrong[:] = self._faults(items, answer)
            return wrong[0] if wrong else None

        try:
            answer = await self.ask(
                "compare" if self.excerpt.against else "rate", self._kind(items), check=quoted,
                decoding=self._decoding(items), on_answer=heard.append,
                asked=[shown(item, self.lang) for item in items], **self._material(swapped), **await self._shots(items),
            )  # fmt: skip
        except (AnswerRejected, Refused) as trouble:
            unquoted = bool(wrong) and trouble.happened.endswith(wrong[0])
            reason = REFUSED if isinstance(trouble, Refused) else NO_QUOTE if unquoted else NO_ANSWER
            return [ItemRating(item=item.id, failure=f"{reason}: {trouble.happened}") for item in items]
        self._weigh(items, heard)
        return [part for item, one in self._each(items, answer) for part in self._parts(item, one, swapped)]

    async def _shots(self, items: Sequence[Item]) -> dict[str, Any]:
        if self.excerpt.against:
            return {}
        judge = self.judge
        return {"shots": await shots(self.ask, self.instrument, items[0], judge.examples, self.excerpt, judge.shots)}

    def _kind(self, items: Sequence[Item]) -> Any:
        if len(items) > 1:
            return form_type(tuple((item.id, shape(item)) for item in items), self.lang)
        return answer_type(shape(items[0]), self.lang)

    def _material(self, swapped: bool) -> dict[str, Any]:
        if self.excerpt.against:
            return pair(self.excerpt, self.instrument, self.lang, swapped=swapped)
        return material(self.excerpt, self.instrument, self.known, self.lang)

    def _decoding(self, items: Sequence[Item]) -> Decoding:
        decoding = Decoding(max_tokens=800 + 400 * len(items))
        if self.judge.temperature is not None:
            decoding["temperature"] = self.judge.temperature
        if self.judge.logprobs and len(items) == 1 and points(items[0]):
            decoding["logprobs"], decoding["top_logprobs"] = True, TOP
        return decoding

    def _each(self, items: Sequence[Item], answer: Any) -> list[tuple[Item, Any]]:
        return list(zip(items, answer.judgments().values() if isinstance(answer, Form) else [answer], strict=True))

    def _faults(self, items: Sequence[Item], answer: Any) -> list[str]:
        each = [(item.id, fault(item, one, self._quotable(item), self.lang)) for item, one in self._each(items, answer)]
        return [f"{name}.{wrong}" if len(items) > 1 else wrong for name, wrong in each if wrong]

    def _quotable(self, item: Item) -> Passages:
        """What may be quoted: anything shown, but marks are put on what is rated alone."""
        return self.markable if item.kind == "span" else self.passages

    def _weigh(self, items: Sequence[Item], heard: Sequence[Answer]) -> None:
        mean = expected(heard[0].logprobs, points(items[0])) if len(items) == 1 and self.judge.logprobs else None
        if mean is not None:
            self.weighted[items[0].id] = mean

    def _parts(self, item: Item, answer: Any, swapped: bool) -> list[ItemRating]:
        if isinstance(answer, Marks):
            self.spans[item.id] = spans(answer, self.markable)
        return parts(item, answer, swapped=swapped)

    def extra(self) -> dict[str, Any]:
        turned = [item for item, (one, other) in self.orders.items() if None not in (one, other) and one != other]
        said = {"weighted": self.weighted, "spans": self.spans, "orders": self.orders, "order_decided": turned}
        return {name: value for name, value in said.items() if value}


def _groups(case: Case, dialogue: Dialogue) -> dict[str, Any]:
    """What results are broken down by."""
    topic = next((label.id for label in dialogue.labels if label.set.endswith("_topic")), case.get("post.topic"))
    groups = {"attitude": case.get("disposition.attitude"), "topic": topic}
    return {name: value for name, value in groups.items() if value}
