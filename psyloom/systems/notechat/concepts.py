"""NoteChat's checklist: which concepts of a note, in which order, and which of them a talk covers. arXiv 2310.15959."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Check
from psyloom.knowledge.lexicon import Concept, lexicon, once
from psyloom.records import Lang, Turn, sentences

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

LEXICON = lexicon("mental_health_note")
# The clinical order of mental health: what a type comes after.
ORDER = (
    ("symptom", "functioning", "stressor"), ("risk",), ("history",), ("substance",),
    ("physical", "medication", "dose"), ("family",), ("test", "score", "vital", "mental_state"), ("diagnosis",),
    ("treatment",),
)  # fmt: skip
RANK = {kind: rank for rank, kinds in enumerate(ORDER) for kind in kinds}
COMPLAINT = frozenset(ORDER[0] + ORDER[1])  # of this a patient's first words may speak
CLINICIAN_ONLY = frozenset({"dose", "score", "vital", "test", "mental_state"})  # of this a patient never speaks
PATIENT_FIRST = frozenset({"symptom", "risk"})  # the clinician asks about this before stating it
Kind = Literal[
    "symptom", "functioning", "stressor", "risk", "history", "substance", "physical", "medication", "dose", "family",
    "test", "score", "vital", "mental_state", "diagnosis", "treatment",
]  # fmt: skip
Extractor = Literal["lexicon", "llm", "both"]
_TAKES_UP = re.compile(r"有过|有没有|这样|这种|这些|这方面|\b(?:any|anything|that|this|those|such)\b", re.IGNORECASE)
NOT_THERE: dict[Lang, str] = {
    "zh": "病历里没有一字不差的这些词：{}；照抄原文",
    "en": "these words do not stand in the note as written: {}; copy them exactly",
}


class Found(BaseModel):
    """One concept that a model found."""

    text: str = Field(min_length=1)
    type: Kind


class Extracted(BaseModel):
    """The extractor's answer."""

    concepts: list[Found] = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, list[dict[str, str]]]:
        found = [c for word in actor.words for c in LEXICON.find(word, actor.cue.lang)]
        return {
            "concepts": [c.model_dump(include={"text", "type"}) for c in found] or [{"text": "-", "type": "symptom"}]
        }


async def extract(ask: Ask, extractor: Extractor) -> list[Concept]:
    """The concepts of the note in its order, each once; only words that stand in the note exactly as written.

    A note in which nothing is found is planned by its sentences.
    """
    note = str(ask.sees("extractor").note.text)
    found = LEXICON.find(note, ask.lang) if extractor != "llm" else []
    if extractor != "lexicon":
        answer = await ask("extract", Extracted, prefer=exact_in(note, ask.lang))
        told = [one for one in answer.concepts if one.text in note]
        found += [Concept(text=one.text, type=one.type, code=_code(one.text, ask.lang)) for one in told]
    found = found or [Concept(text=one, type="symptom", code=one) for one in sentences(note)]
    return sorted(standing_alone(once(found), note), key=lambda concept: note.find(concept.text))


def standing_alone(found: Sequence[Concept], note: str) -> list[Concept]:
    """The concepts without those that stand in the note only inside a longer one: to say that one is to say both."""

    def alone(one: Concept) -> bool:
        rest = note
        for longer in sorted((c.text for c in found if len(c.text) > len(one.text)), key=len, reverse=True):
            rest = rest.replace(longer, "\n")
        return one.text in rest

    return [one for one in found if alone(one)]


def exact_in(note: str, lang: Lang) -> Check:
    """The wish that all that was extracted stands in the note."""

    def exact(answer: Extracted) -> str | None:
        strays = [one.text for one in answer.concepts if one.text not in note]
        return NOT_THERE[lang].format(("、" if lang == "zh" else "; ").join(strays)) if strays else None

    return exact


def _code(text: str, lang: Lang) -> str:
    """The lexicon's code for a whole word, so that its synonyms count as the same; else the word itself."""
    known = [c for start, end, c in LEXICON.spans(text, lang) if (start, end) == (0, len(text))]
    return known[0].code if known else text.lower()


def in_order(found: Sequence[Concept], all_: Sequence[Concept]) -> list[Concept]:
    """The concepts of ``all_`` in the order of a draft that named ``found``.

    What the draft left out is put where its kind demands; so is a treatment that came before the first symptom.
    """
    known = {c.code: c for c in all_}
    order = once(known[c.code] for c in found if c.code in known)
    first = next((at for at, c in enumerate(order) if c.type == "symptom"), 0)
    early = [c for c in order[:first] if c.type == "treatment"]
    order = [c for c in order if c not in early]
    for concept in [c for c in all_ if c not in order]:
        at = next((n for n, other in enumerate(order) if RANK[other.type] > RANK[concept.type]), len(order))
        order.insert(at, concept)
    return order


def in_pairs(concepts: Sequence[Concept]) -> list[list[Concept]]:
    """The checklist: at most two concepts an item."""
    return [list(concepts[at : at + 2]) for at in range(0, len(concepts), 2)]


class Coverage(BaseModel):
    """Which of a note's concepts a text names. recall: covered / all, [0, 1]."""

    covered: list[str]
    missing: list[str]
    recall: float


def coverage(concepts: Sequence[Concept], texts: Iterable[str], lang: Lang) -> Coverage:
    """Compare the note's concepts with what was said; a number has to be said as written.

    Source: working version of the check in the released code, which compared each keyword with itself.
    """
    said = "\n".join(texts)
    covered = [c.text for c in concepts if LEXICON.mentions(c, said, lang)]
    missing = [c.text for c in concepts if c.text not in covered]
    return Coverage(covered=covered, missing=missing, recall=len(covered) / len(concepts) if concepts else 1.0)


def only_clinicians_say(text: str, lang: Lang) -> list[str]:
    """Words in a patient's message that are the clinician's: results, doses, vital signs, terms of the examination."""
    return [c.text for c in LEXICON.find(text, lang) if c.type in CLINICIAN_ONLY]


def stated_too_early(text: str, turns: Sequence[Turn], sayable: Sequence[Concept], lang: Lang) -> list[str]:
    """Symptoms and risks that a clinician's message states, not asks about, before the patient has told of them.

    A symptom whose turn it is (one of ``sayable``) may be given its name: the patient may have described it in lay
    words. So may a finding whose name has a symptom in it ("anxious affect"). A risk may not, unless the next sentence
    takes it up and asks ("suicidal thoughts. Have you had any?").
    """
    told = "\n".join(turn.text for turn in turns if turn.speaker == "client")
    named = [c for c in sayable if c.type != "risk"]
    stated = [
        _without(sayable if _taken_up(then) else named, s)
        for s, then in pairwise([*sentences(text), ""])
        if not _asks(s)
    ]
    found = once(c for s in stated for c in LEXICON.find(s, lang) if c.type in PATIENT_FIRST)
    codes = {c.code for c in named}
    return [c.text for c in found if c.code not in codes and not LEXICON.mentions(c, told, lang)]


def _without(concepts: Iterable[Concept], sentence: str) -> str:
    words = "|".join(re.escape(c.text) for c in concepts)
    return re.sub(words, "…", sentence, flags=re.IGNORECASE) if words else sentence


def _taken_up(sentence: str) -> bool:
    """Does it ask about what the sentence before it named?"""
    return _asks(sentence) and bool(_TAKES_UP.search(sentence))


def _asks(sentence: str) -> bool:
    return sentence.rstrip("”\"’') ").endswith(("?", "？", "吗", "呢"))
