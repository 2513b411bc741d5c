"""Annotating: the one strict way in which labels and explanations are asked for.

Closed label sets, one repair and then a failure, spans that are sentences, and words of the dialogue as evidence of
every answer. What follows from an answer (the group of a label, whether a source said it) is worked out, never asked.
"""

from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, Field, JsonValue, StringConstraints, create_model

from psyloom.agents.ask import Ask
from psyloom.agents.grounds import Grounds as Grounds
from psyloom.agents.guards import fold
from psyloom.agents.talk import Talk
from psyloom.agents.together import gather
from psyloom.errors import AnswerRejected
from psyloom.knowledge import LabelSet, OneOf
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Dialogue, Element, Label, Lang, Session, Speaker, Turn, sentences
from psyloom.records.sentences import spans

T = TypeVar("T")
TRIES = 2  # an answer and one repair
FAILED = "not_annotated"  # annotator -> turns that stayed without an answer, in a dialogue's ``extra``
WORDS: dict[str, dict[Lang, str]] = {
    "missing": {"en": "these numbers have no answer: {}", "zh": "这些编号没有答案：{}"},
    "twice": {"en": "number {} is answered more than once", "zh": "编号 {} 答了不止一次"},
    "foreign": {"en": "there is no number {}", "zh": "没有编号 {}"},
    "repeated": {"en": "a label stands there twice", "zh": "同一个标签出现了两次"},
}
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def strictly(ask: Ask, turns: Iterable[Turn]) -> Ask:
    """The same asker about ``turns``: an answer is asked for once more when it is wrong; twice wrong is AnswerRejected."""
    desk, dialogue = ask.desk, Dialogue(id=ask.desk.dialogue.id, lang=ask.lang, sessions=[Session(turns=list(turns))])
    return Ask(replace(desk, tries=min(desk.tries, TRIES)), ask.role, Talk(dialogue))


def talk_of(turns: Iterable[Turn], lang: Lang) -> Talk:
    """Some turns as a talk that a prompt can read."""
    return Talk(Dialogue(id="excerpt", lang=lang, sessions=[Session(turns=list(turns))]))


def once_each(numbers: Sequence[int], wanted: Sequence[int], lang: Lang) -> str | None:
    """Is every wanted number answered exactly once, and no other?"""
    if foreign := [n for n in numbers if n not in wanted]:
        return WORDS["foreign"][lang].format(foreign[0])
    given = Counter(numbers)
    if twice := [n for n in given if given[n] > 1]:
        return WORDS["twice"][lang].format(twice[0])
    missing = [str(n) for n in wanted if n not in given]
    return WORDS["missing"][lang].format(", ".join(missing)) if missing else None


async def where_it_comes_right(ask: Ask, about: Mapping[tuple[int, int], Awaitable[T]]) -> dict[tuple[int, int], T]:
    """What was asked about single turns, by (session, turn); a turn whose answer was rejected stays without one.

    Those turns stand with their reasons in `FAILED` of the dialogue, by annotator; how many, in ``quality.measures``.
    Raises: AnswerRejected when not a single answer came right.
    """
    failed: dict[tuple[int, int], AnswerRejected] = {}

    async def tried(at: tuple[int, int], answer: Awaitable[T]) -> list[tuple[tuple[int, int], T]]:
        try:
            return [(at, await answer)]
        except AnswerRejected as trouble:
            failed[at] = trouble
            return []

    found = dict(one for came in await gather(*(tried(*one) for one in about.items())) for one in came)
    if failed and not found:
        raise failed[min(failed)]
    rows: list[JsonValue] = [
        {"session": s, "turn": n, "reason": one.happened} for (s, n), one in sorted(failed.items())
    ]
    beside(ask.desk.dialogue.extra, FAILED, ask.by, rows or None)
    measures = ask.desk.dialogue.quality.measures
    measures.pop(f"{ask.by}_failed", None)
    measures |= {f"{ask.by}_failed": len(failed)} if failed else {}
    return found


# Labels of sentences


class OneSentence(BaseModel):
    """The label of one sentence."""

    sentence: int = Field(ge=1)


class BySentence(BaseModel):
    """A label for every sentence of a message."""

    asked: ClassVar[LabelSet]
    labels: list[Any]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        names = [term.name(actor.cue.lang) for term in cls.asked.terms]
        text = actor.cue.turns[-1][1]
        rows = enumerate((text[start:end] for start, end in spans(text)), 1)
        return {"labels": [{"sentence": n, "label": actor.rng.choice(names), "evidence": s} for n, s in rows]}


@cache
def _by_sentence(asked: LabelSet) -> type[BySentence]:
    one = create_model("One", __base__=OneSentence, label=(Annotated[str, OneOf(asked)], ...), evidence=(Text, ...))
    return create_model("BySentence", __base__=BySentence, asked=(ClassVar[LabelSet], asked), labels=(list[one], ...))


async def label_sentences(ask: Ask, prompt: str, labels: LabelSet, turns: Sequence[Turn], **slots: Any) -> list[Label]:
    """Exactly one label for each sentence of the last of ``turns``, with the sentence as its span.

    The prompt reads ``labels`` (those that can be asked), ``sentences`` (the message cut up), ``talk`` (the turns
    before it) and ``slots``.
    Raises: AnswerRejected after one repair.
    """
    *before, turn = turns
    parts, grounds = list(spans(turn.text)), Grounds.of(turns)
    numbers = range(1, len(parts) + 1)

    def wrong(answer: BySentence) -> str | None:
        counted = once_each([one.sentence for one in answer.labels], numbers, ask.lang)
        return counted or _first(grounds.fault(one.evidence, ask.lang) for one in answer.labels)

    if not parts:
        return []
    answer = await strictly(ask, turns)(
        prompt, _by_sentence(labels.leaves), check=wrong, labels=labels.leaves, talk=talk_of(before, ask.lang),
        sentences=[turn.text[start:end] for start, end in parts], **slots,
    )  # fmt: skip
    found = sorted(answer.labels, key=lambda one: one.sentence)
    return [labels.label(one.label, span=parts[one.sentence - 1], by=ask.by, evidence=one.evidence) for one in found]


# Labels of a turn, of a session


class Marked(BaseModel):
    """One or several labels of a whole, with the words they rest on."""

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        given: dict[str, Any] = actor.fill()
        return given | {"evidence": said_by(actor)}


def said_by(actor: Actor, speaker: Speaker | None = None) -> str:
    """A sentence of the last message (of a speaker) that a rehearsed annotator was shown, as its evidence."""
    heard = [text for who, text in reversed(actor.cue.turns) if speaker in (None, who)]
    shown = [one for text in heard for one in sentences(text) if fold(one)]
    return shown[0] if shown else "…"


@cache
def _marked(asked: LabelSet, most: int, reasoned: bool) -> type[Marked]:
    one = Annotated[str, OneOf(asked)]
    some = Annotated[list[one], Field(min_length=1, max_length=most)]
    fields: dict[str, Any] = {"reason": (Text, ...)} if reasoned else {}
    fields |= {"label": (one, ...)} if most == 1 else {"labels": (some, ...)}
    return create_model("Marked", __base__=Marked, **fields, evidence=(Text, ...))


async def label_whole(
    ask: Ask,
    prompt: str,
    labels: LabelSet,
    turns: Sequence[Turn],
    *,
    most: int = 1,
    reasoned: bool = False,
    source: Iterable[str] = (),
    **slots: Any,
) -> list[Label]:
    """One label, or up to ``most`` of them, of the last of ``turns`` or of all of them: which, the prompt says.

    The prompt reads ``labels`` (those that can be asked), ``most``, ``talk`` (the turns) and ``slots``.

    Args:    reasoned: the answer says why, and the label where that comes from; source: texts that may be quoted too.
    Raises:  AnswerRejected after one repair.
    """
    grounds = Grounds.of(turns, source)

    def wrong(answer: Marked) -> str | None:
        found = _chosen(answer)
        twice = WORDS["repeated"][ask.lang] if len(set(found)) < len(found) else None
        return twice or grounds.fault(answer.model_dump()["evidence"], ask.lang)

    answer = await strictly(ask, turns)(
        prompt, _marked(labels.leaves, most, reasoned), check=wrong, labels=labels.leaves, most=most,
        talk=talk_of(turns, ask.lang), **slots,
    )  # fmt: skip
    given = answer.model_dump()
    more = {"reason": given["reason"], "origin": grounds.origin(given["evidence"])} if reasoned else {}
    return [labels.label(one, by=ask.by, evidence=given["evidence"], **more) for one in _chosen(answer)]


def _chosen(answer: Marked) -> list[str]:
    given = answer.model_dump()
    return [given["label"]] if "label" in given else list(given["labels"])


# Explanations


class Explanation(BaseModel):
    """A text that explains, with the words it rests on."""

    explanation: Text
    evidence: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"explanation": actor.text(actor.cue.act), "evidence": said_by(actor)}


def explained(ask: Ask, kinds: LabelSet, kind: str, found: Explanation, grounds: Grounds) -> Label:
    """An explanation as a label: its text is the ``reason``, with its evidence and where it comes from."""
    return kinds.label(
        kind, by=ask.by, reason=found.explanation, evidence=found.evidence, origin=grounds.origin(found.evidence)
    )


def step(ask: Ask, name: str, found: Explanation, grounds: Grounds) -> Element:
    """An explanation as one step of the reasoning before a reply."""
    return Element(
        name=name, text=found.explanation, by=ask.by, evidence=found.evidence, origin=grounds.origin(found.evidence)
    )


def _first(faults: Iterator[str | None]) -> str | None:
    return next((fault for fault in faults if fault), None)


# Reading labels again


def labels_in(labels: Iterable[Label], kind: LabelSet | str, by: str | None = None) -> list[Label]:
    """The labels of a set, as they stand; ``by``: only this annotator's."""
    name = kind if isinstance(kind, str) else kind.id
    return [label for label in labels if label.set == name and by in (None, label.by)]


def coarse(labels: LabelSet, word: str) -> str:
    """The id of the group that a label belongs to; its own where it has none above it."""
    above = labels.above(word)
    return above.id if above else labels[word].id


# What is no label: kept in ``extra`` by annotator, so that it merges as labels do


def beside(extra: dict[str, JsonValue], key: str, by: str, value: JsonValue) -> None:
    """Keep an annotator's ``value`` beside those of others; None takes it away."""
    kept = extra.pop(key, None)
    now = {**(kept if isinstance(kept, dict) else {}), by: value}
    left: JsonValue = {name: one for name, one in now.items() if one is not None}
    if left:
        extra[key] = left


def own(extra: Mapping[str, JsonValue], key: str, by: str | None = None) -> JsonValue:
    """What an annotator kept under ``key``: ``by``, or whoever stands first when not given; None: nothing."""
    kept = extra.get(key)
    found = kept if isinstance(kept, dict) else {}
    return found.get(by or next(iter(found), ""))
