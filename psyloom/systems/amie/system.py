"""AMIE: consultations by self-play, with a critic who knows the truth and a doctor who starts again. arXiv 2401.05654.

A vignette, a simulated consultation, a critique, the same consultation from scratch: twice. The last one is the
product, the earlier ones are kept as worse versions of it. Counselor and client are those of the consultation; the
outer loop stands in ``outer.py``.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from psyloom.agents import Ask, Sight, Talk, Writer, converse
from psyloom.agents.dials import Dialled
from psyloom.agents.talk import TalkView
from psyloom.records import Case, Dialogue, Lang, Session
from psyloom.systems.amie.consult import AmieDoctor, AmiePatient, Lesson, Memory, seen_besides
from psyloom.systems.amie.outer import Earlier
from psyloom.systems.amie.vignette import write_vignette

__all__ = ["Amie", "AmieDoctor", "AmiePatient"]

SPEAKERS: dict[Lang, tuple[str, str]] = {"zh": ("患者", "医生"), "en": ("Patient", "Doctor")}
UNNAMED: dict[Lang, str] = {"zh": "（病名略）", "en": "(the condition)"}
NO_NAME: dict[Lang, str] = {
    "zh": "写出了病名“{}”：医生不能从反馈里知道答案，换一种说法",
    "en": "it names “{}”: the doctor must not learn the answer from the feedback; put it in another way",
}


class Amie(Writer):
    """The inner self-play loop."""

    sight: ClassVar[Sight] = {
        **AmieDoctor.sight,
        **AmiePatient.sight,
        "critic": {"clinical.diagnoses.name"},
        "vignette_writer": {"clinical.diagnoses.name"},
    }
    needs: ClassVar[frozenset[str]] = frozenset({"clinical.diagnoses"})

    rounds: int = Field(
        2, ge=0, description="critiques, each followed by a new simulation; 0: the first one is the product"
    )
    reasoning: bool = Field(False, description="let the self-play doctor think in three steps too")
    mental_health: bool = Field(
        False, description="the carry-over to mental health, for vignette, doctor, patient, moderator and critic"
    )
    passages: str = Field(
        "", description="folder of passages for vignettes, CONDITION/ASPECT*.txt; none: the model's own knowledge"
    )
    max_exchanges: int = Field(30, ge=1, description="cap of one simulation")
    dials: Dialled = None

    def seen_by(self) -> Sight:
        return {**self.sight, "client": {*self.sight["client"], *seen_besides(mental_health=self.mental_health)}}

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        if not case.get("clinical.complaint"):
            await write_vignette(case, ask, mental_health=self.mental_health, passages=self.passages)
        played: list[Session] = []
        feedback: list[str] = []
        lesson: Lesson | None = None
        for inner_round in range(self.rounds + 1):
            talk = await self._simulate(case, lesson, ask)
            played.append(talk.session)
            if inner_round < self.rounds:
                feedback.append(await self._critique(talk, ask))
                lesson = Lesson(dialogue=self._lines(talk, ask.lang), feedback=feedback[-1])
        *earlier, final = played
        prefer_over(final, earlier)
        dialogue = ask.desk.dialogue
        dialogue.sessions.append(final)
        dialogue.extra["earlier"] = [
            Earlier(inner_round=n, feedback=feedback[n], session=session).model_dump(mode="json", exclude_defaults=True)
            | {"inner_round": n}
            for n, session in enumerate(earlier)
        ]
        return dialogue

    async def _simulate(self, case: Case, lesson: Lesson | None, ask: Ask) -> Talk:
        """One consultation from scratch; of the last one the doctor knows what the lesson says, the patient nothing."""
        doctor = AmieDoctor(
            reasoning=self.reasoning, mental_health=self.mental_health, max_exchanges=self.max_exchanges
        )
        patient = AmiePatient(mental_health=self.mental_health)
        talk = Talk(Dialogue(id=ask.desk.dialogue.id, lang=ask.lang))
        talk.memory(doctor, Memory).lesson = lesson
        rules = doctor.rules(case, ask.lang)
        await converse(ask, client=patient, counselor=doctor, rules=rules, talk=talk, dials=self.dials)
        return talk

    @staticmethod
    def _lines(talk: Talk, lang: Lang) -> str:
        client, counselor = SPEAKERS[lang]
        return TalkView(talk, lang).lines(client=client, counselor=counselor)

    async def _critique(self, talk: Talk, ask: Ask) -> str:
        """The critic's feedback; a diagnosis that it names in spite of all is blotted out."""
        names = [one.name for one in ask.sees("critic").clinical.diagnoses]

        def unnamed(text: str) -> str | None:
            found = next((name for name in names if name.lower() in text.lower()), None)
            return NO_NAME[ask.lang].format(found) if found else None

        told = await ask.as_(self, talk)("critic", prefer=unnamed, talk=talk, mental_health=self.mental_health)
        for name in names:
            told = re.sub(re.escape(name), UNNAMED[ask.lang], told, flags=re.IGNORECASE)
        return told


def prefer_over(final: Session, earlier: Sequence[Session]) -> None:
    """Mark what the doctor said before in the same place as a rejected alternative.

    Only the first turn in which two versions differ has the same history in both; it counts when it is the doctor's.
    """
    for other in earlier:
        at = next((n for n, (a, b) in enumerate(zip(final.turns, other.turns, strict=False)) if a.text != b.text), None)
        if at is not None and final.turns[at].speaker == other.turns[at].speaker == "counselor":
            rejected = final.turns[at].extra.setdefault("rejected", [])
            assert isinstance(rejected, list)
            if other.turns[at].text not in rejected:
                rejected.append(other.turns[at].text)
