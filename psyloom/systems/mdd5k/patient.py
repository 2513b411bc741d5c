"""The patient of MDD-5k: answers from the record, and from a past that was invented for it. arXiv 2408.12142."""

import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Client, Sight, Steady, Talk
from psyloom.records import Lang, Turn
from psyloom.systems.mdd5k.background import event_graph, gender_of, years_of

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

HOPE: dict[Lang, tuple[str, ...]] = {
    "zh": ("康复", "痊愈", "走出来了", "走出阴影", "好起来了", "战胜", "充满希望", "重新开始", "在医生的帮助"),
    "en": ("recovered", "overcame", "got better", "am better now", "full of hope", "new beginning", "my doctor's help", "help of my doctor"),
}  # fmt: skip
NO_HOPE: dict[Lang, str] = {
    "zh": "写到了“{}”：故事停在难处，不写好转，也不写医生的帮助",
    "en": "it says “{}”: the story stays with the trouble, without recovery and without a doctor's help",
}


class Trigger(BaseModel):
    """TriggerExp's answer."""

    trigger: bool

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, bool]:
        return {"trigger": sum(who == "client" for who, _ in actor.cue.turns) >= 2}


class Memory(BaseModel):
    """The invented past, once it was set off."""

    story: str = ""


class Mdd5kPatient(Client):
    """Answers from the record; once an invented experience is set off, it stays to the end."""

    sight: ClassVar[Sight] = {
        "client": {
            "demographics.age", "demographics.gender", "clinical.complaint", "clinical.present_illness",
            "clinical.physical_illness", "clinical.family_history", "clinical.personal_history",
            "clinical.mental_state", "clinical.risk", "clinical.diagnoses.name",
        },
        "tool": frozenset(),
        "story_writer": {
            "demographics.age", "demographics.gender", "demographics.occupation", "clinical.personal_history",
            "clinical.diagnoses.name",
        },
    }  # fmt: skip
    needs: ClassVar[frozenset[str]] = frozenset({"clinical.complaint"})

    experience: bool = Field(True, description="false: no invented past experience")
    articulate: bool = Field(
        True, description="false: a patient who finds words with effort, is vague about dates and leaves things out"
    )
    window: int = Field(8, ge=1, description="utterances that the patient sees")
    steady: Steady = False

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, Memory)
        if self.experience and not memory.story and talk.turns and (await ask("trigger", Trigger, talk=talk)).trigger:
            memory.story = await self._imagine(talk, ask)
        asked = next((turn.extra for turn in reversed(talk.turns) if turn.speaker == "counselor"), {})
        told: dict[str, Any] = {"story": memory.story} if memory.story else {}
        text = await ask(
            "patient_story" if memory.story else "patient", talk=talk, window=self.window, steady=self.steady, topic=asked.get("topic", ""),
            articulate=self.articulate, **told,
        )  # fmt: skip
        return Turn.client(text, experience_used=bool(memory.story))

    async def _imagine(self, talk: Talk, ask: Ask) -> str:
        """FicExpGen: a triplet from the event graph, then one story about it."""
        person = ask.sees("client").demographics
        drawn = event_graph().draw(
            years_of(person.age or None), gender_of(person.gender or None), ask.lang, ask.rng("experience")
        )

        def stays_with_the_trouble(story: str) -> str | None:
            found = next((word for word in HOPE[ask.lang] if word in story.lower()), None)
            return NO_HOPE[ask.lang].format(found) if found else None

        story = await ask("story", prefer=stays_with_the_trouble, **drawn._asdict())
        story = re.sub(r"(?<=[\x00-\x7f])\s*\n\s*", " ", story).replace("\n", "")
        talk.session.notes["experience"] = drawn._asdict() | {"story": story}
        return story
