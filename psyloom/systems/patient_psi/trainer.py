"""PATIENT-Psi-TRAINER: a trainee talks with the patient, writes down its cognitive model, then sees the true one beside it.

What is shown when is decided here; asking and printing is left to whoever shows it. Source: arXiv 2405.19660.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict

from psyloom.errors import MissingFacet
from psyloom.knowledge import LabelSet, OneOf, Term, label_set
from psyloom.records import Case, Cognition, Lang
from psyloom.systems.patient_psi.generator import EMOTIONS, HELPLESS, UNLOVABLE, WORTHLESS
from psyloom.systems.patient_psi.system import STYLES, beliefs_of

PARTS = label_set("ccd_part")
# In the order of the form: first one situation, then what the whole talk shows. History is given, not asked.
ASKED = tuple(
    PARTS[part] for part in ("situation", "automatic_thoughts", "emotions", "behaviors", "core_beliefs",
                             "intermediate_beliefs", "coping_strategies")
)  # fmt: skip
BELIEFS: dict[str, LabelSet] = {"helpless": HELPLESS, "unlovable": UNLOVABLE, "worthless": WORTHLESS}
MINUTES = 10
NOT_CHOSEN: dict[Lang, str] = {"en": "not chosen", "zh": "未选择"}
NOT_FILLED: dict[Lang, str] = {"en": "not filled in", "zh": "未填写"}


class Answers(BaseModel):
    """What a trainee found out. Labels may be given by id or by name in either language."""

    model_config = ConfigDict(extra="forbid")

    situation: str = ""
    automatic_thoughts: str = ""
    emotions: list[Annotated[str, OneOf(EMOTIONS)]] = []
    behaviors: str = ""
    helpless: list[Annotated[str, OneOf(HELPLESS)]] = []
    unlovable: list[Annotated[str, OneOf(UNLOVABLE)]] = []
    worthless: list[Annotated[str, OneOf(WORTHLESS)]] = []
    intermediate_beliefs: str = ""
    coping_strategies: str = ""


class Compared(NamedTuple):
    """One line of the review; core beliefs have one for each category."""

    item: str
    name: str
    answer: tuple[str, ...]
    reference: tuple[str, ...]


@dataclass(frozen=True)
class Practice:
    """One session of one trainee. ``number``: of the situation, counted from 0."""

    case: Case
    style: Term
    lang: Lang
    number: int = 0

    @property
    def model(self) -> Cognition:
        if self.case.cognition is None:
            raise MissingFacet(f"case {self.case.id!r} has no cognitive model", do="choose another case")
        return self.case.cognition

    def card(self) -> tuple[str, Term, str]:
        """All that the trainee knows until the answers are handed in: name, style, relevant history."""
        name = self.case.get("demographics.name") or {"en": "The client", "zh": "来访者"}[self.lang]
        return name, STYLES[self.style.id], self.model.history or ""

    def cautious(self) -> bool:
        """May the patient speak of not wanting to live? Then the trainee has to be told before."""
        return any(WORTHLESS.find(belief) is WORTHLESS["deserve"] for belief in beliefs_of(self.model))

    def review(self, answers: Answers) -> list[Compared]:
        """Answer and reference of every item that was asked; to be shown once the answers are handed in."""
        true = self.model.situations[self.number % len(self.model.situations)]
        found: list[Compared] = []
        for part in ASKED:
            if part.id == "core_beliefs":
                found += self._beliefs(answers)
                continue
            given, name = getattr(answers, part.id), part.name(self.lang)
            known = getattr(true, part.id, None) or getattr(self.model, part.id, None) or ()
            reference = (known,) if isinstance(known, str) else tuple(known)
            if part.id == "emotions":
                found.append(Compared(part.id, name, self._chosen(EMOTIONS, given), self._chosen(EMOTIONS, reference)))
            else:
                nothing = (NOT_FILLED[self.lang],)
                found.append(
                    Compared(part.id, name, (given.strip(),) if given.strip() else nothing, reference or nothing)
                )
        return found

    def _beliefs(self, answers: Answers) -> list[Compared]:
        core = self.model.core_beliefs
        found = [
            Compared(
                "core_beliefs", getattr(labels, self.lang), self._chosen(labels, getattr(answers, kind)),
                self._chosen(labels, getattr(core, kind)),
            )
            for kind, labels in BELIEFS.items()
        ]  # fmt: skip
        if core.other:  # on no list, so nothing a trainee could have chosen
            found.append(Compared("core_beliefs", PARTS["core_beliefs"].name(self.lang), (), tuple(core.other)))
        return found

    def _chosen(self, labels: LabelSet, words: Sequence[str]) -> tuple[str, ...]:
        named = (term.name(self.lang) if (term := labels.find(word)) else word for word in words)
        return tuple(dict.fromkeys(named)) or (NOT_CHOSEN[self.lang],)


def sampled(cases: Sequence[str], assigned: Sequence[str], used: Sequence[str], rng: random.Random) -> tuple[str, bool]:
    """Which case comes next: the trainee's own queue first, each entry once, then any case by chance.

    Args:    assigned: case ids in their order; used: the entries of it that earlier sessions took.
    Returns: the case's id, and whether it was assigned.
    """
    left = list(assigned)
    for one in used:
        if one in left:
            left.remove(one)
    return (left[0], True) if left else (rng.choice(cases), False)
