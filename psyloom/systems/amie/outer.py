"""AMIE's outer loop as far as it needs no trainer: which dialogues an iteration plans, and what of them is learned.

One iteration: `planned_cases` -> a run of the writer with the model of the last iteration -> `training_dialogues` ->
``psyloom export`` -> fine-tuning elsewhere, together with the static data. The first iteration tunes on static data
alone. arXiv 2401.05654; the number of iterations is not stated.
"""

import random
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from psyloom.errors import BadRecord
from psyloom.records import Case, Clinical, Diagnosis, Dialogue, Lang, Session, Source, Speaker

PER_TIER = {"common": 4, "rare": 2}


class Condition(BaseModel):
    """A condition to make vignettes of. confused_with: ids of conditions that make a differential worth while."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    en: str
    zh: str
    tier: Literal["common", "rare"]
    family: str = ""
    confused_with: tuple[str, ...] = ()

    def name(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


@cache
def conditions(path: Path | None = None) -> list[Condition]:
    """The bundled conditions, or those of a TOML file of ``[[condition]]`` tables."""
    text = (path or Path(__file__).parent / "conditions.toml").read_text("utf-8")
    return TypeAdapter(list[Condition]).validate_python(tomllib.loads(text)["condition"])


def planned_cases(listed: Iterable[Condition], lang: Lang) -> Iterator[Case]:
    """The cases of one iteration: 4 for a common condition, 2 for a rare one, each with its vignette's number.

    The paper's 613 common and 4,617 less common conditions give 11,686 dialogues. A case holds its diagnosis only; the
    writer makes two vignettes with one call and takes the one with the case's number.
    """
    for condition in listed:
        for number in range(PER_TIER[condition.tier]):
            yield Case(
                id=f"{condition.id}-{number + 1}", lang=lang, source=Source(name="psyloom conditions", licence="Apache-2.0"),
                clinical=Clinical(diagnoses=[Diagnosis(name=condition.name(lang))]),
                extra={"vignette": number, "tier": condition.tier, "confused_with": list(condition.confused_with)},
            )  # fmt: skip


def iteration(*, conditions_from: Path | None = None, lang: Lang = "en") -> Iterator[Case]:
    """The cases of one iteration: 4 of each common condition, 2 of each rare one, of the bundled list or a TOML file."""
    return planned_cases(conditions(conditions_from), lang)


class Earlier(BaseModel):
    """A version of a dialogue before the critic was heard, and what the critic said to it."""

    inner_round: int = Field(ge=0)
    feedback: str
    session: Session


def earlier_versions(dialogue: Dialogue) -> list[Earlier]:
    """The versions that the writer kept in ``extra["earlier"]``, the first one first."""
    return TypeAdapter(list[Earlier]).validate_python(dialogue.extra.get("earlier", []))


def preference_pairs(dialogue: Dialogue) -> list[tuple[Dialogue, Dialogue]]:
    """(better, worse): each version with the one before it, as whole dialogues with the lineage of the last."""
    kept = [dialogue.model_copy(update={"id": f"{dialogue.id}@{e.inner_round}", "sessions": [e.session], "extra": {}})
            for e in earlier_versions(dialogue)]  # fmt: skip
    return [(better, worse) for worse, better in pairwise([*kept, dialogue])]


def training_dialogues(
    dialogues: Iterable[Dialogue], target: Speaker, *, per_dialogue: int = 3, shortest: int = 30, seed: int = 0
) -> Iterator[Dialogue]:
    """Refined dialogues with the turns to be learned marked, as exports read them (weight 0: not learned).

    From each about ``per_dialogue`` turns of ``target``, drawn at random among those of ``shortest`` characters or more;
    one without any is left out. The client is conditioned on its vignette, as the system prompt.
    Raises: BadRecord for a dialogue to be learned as the client that has no vignette.
    """
    for dialogue in dialogues:
        copy = dialogue.model_copy(deep=True)
        fit = [turn for turn in copy.turns if turn.speaker == target and len(turn.text) >= shortest]
        chosen = random.Random(f"{seed}/{dialogue.id}/{target}").sample(fit, min(per_dialogue, len(fit)))
        for turn in copy.turns:
            if turn.speaker == target:
                turn.extra["weight"] = int(any(turn is one for one in chosen))
        if target == "client":
            copy.extra["system"] = vignette_text(dialogue)
        if chosen:
            yield copy


_NOT_THE_PATIENTS = ("clinical.treatment", "clinical.diagnoses")


def vignette_text(dialogue: Dialogue) -> str:
    """What the patient knows, a line each, without diagnosis and plan."""
    found = (
        [text for path, text in dialogue.case.leaves() if not path.startswith(_NOT_THE_PATIENTS)]
        if dialogue.case
        else []
    )
    if not found:
        raise BadRecord(
            f"dialogue {dialogue.id!r} has no vignette", do="the client is learned from dialogues with their case"
        )
    return "\n".join(found)
