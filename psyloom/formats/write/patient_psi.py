"""PATIENT-Psi's profile records: one for each situation of a cognitive model that was rebuilt from a dialogue.

Source: arXiv 2405.19660, the released generator and ``profiles.json``. What is written can be read as cases again, and a
patient played from them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psyloom.errors import MissingFacet
from psyloom.formats.read.patient_psi import released
from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import rows_file
from psyloom.formats.write.writer import Put
from psyloom.records import Case, Cognition, Dialogue


@contextmanager
def open_profiles(path: Path, plan: Plan) -> Iterator[Put]:
    with rows_file(path) as put:

        def write(dialogue: Dialogue) -> int:
            count = 0
            for by in _models(dialogue):
                for case in profiles(dialogue, by):
                    put(released(case))
                    count += 1
            return count

        yield write


def profiles(dialogue: Dialogue, by: str) -> Iterator[Case]:
    """The model that the annotator ``by`` made, as one case for each situation, with ids ID-1, ID-2 ...

    Where several made one, their names stand in the ids.
    Raises: MissingFacet when ``by`` made no model of this dialogue.
    """
    made = _models(dialogue)
    if by not in made:
        raise MissingFacet(
            f"dialogue {dialogue.id!r} has no cognitive model by {by!r}", do="annotate it: psyloom annotate patient_psi"
        )
    whole, name = made[by], f"{dialogue.id}-{by}" if len(made) > 1 else dialogue.id
    for number, situation in enumerate(whole.situations, 1):
        case = Case(id=f"{name}-{number}", lang=dialogue.lang, source=dialogue.source, derived=["cognition"])
        case.cognition = whole.model_copy(update={"situations": [situation]})
        case.demographics = dialogue.case.demographics if dialogue.case else None
        yield case


def _models(dialogue: Dialogue) -> dict[str, Cognition]:
    """Annotator -> the model it made."""
    made = dialogue.extra.get("cognition")
    return {by: Cognition.model_validate(one) for by, one in made.items()} if isinstance(made, dict) else {}
