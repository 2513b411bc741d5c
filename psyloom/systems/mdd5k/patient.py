"""The patient of MDD-5k: answers from the record, and from a past that was invented for it. arXiv 2408.12142."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, Field, StringConstraints

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


class Verified(BaseModel):
    """What of a reply does not go with the record."""

    contradictions: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, list[str]]:
        return {"contradictions": []}


class Memory(BaseModel):
    """The invented past, once it was set off."""

    story: str = ""


RECORD = {
    "clinical.complaint", "clinical.present_illness", "clinical.physical_illness", "clinical.family_history",
    "clinical.personal_history", "clinical.mental_state", "clinical.risk",
}  # fmt: skip


class Mdd5kPatient(Client):
    """Answers from the record; once an invented experience is set off, it stays to the end."""

    sight: ClassVar[Sight] = {
        "client": {"demographics.age", "demographics.gender", *RECORD, "clinical.diagnoses.name"},
        "tool": frozenset(),
        "verifier": RECORD,
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
    verify: bool = Field(
        False,
        description="one more call a reply: what does not go with the record is said again, in the end kept and counted",
    )
    window: int = Field(8, ge=1, description="most utterances that the patient sees")
    steady: Steady = True

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, Memory)
        if self.experience and not memory.story and talk.turns and (await ask("trigger", Trigger, talk=talk)).trigger:
            memory.story = await self._imagine(talk, ask)
        text = await (self._verified if self.verify else self._say)(memory, talk, ask)
        return Turn.client(text, experience_used=bool(memory.story))

    async def _say(self, memory: Memory, talk: Talk, ask: Ask, wrong: Sequence[str] = ()) -> str:
        """PatGen; ``wrong``: what did not go with the record when it was said before."""
        asked = next((turn.extra for turn in reversed(talk.turns) if turn.speaker == "counselor"), {})
        past: dict[str, Any] = {"story": memory.story, "told": _told(talk)} if memory.story else {}
        return await ask(
            "patient_story" if memory.story else "patient", talk=talk, window=self.window, steady=self.steady,
            topic=asked.get("topic", ""), articulate=self.articulate, wrong=wrong, **past,
        )  # fmt: skip

    async def _verified(self, memory: Memory, talk: Talk, ask: Ask) -> str:
        """Say it again as long as it does not go with the record."""
        quality, text, wrong = ask.desk.dialogue.quality, "", list[str]()
        for _ in range(ask.desk.tries):
            text = await self._say(memory, talk, ask, wrong)
            wrong = (await ask("verify", Verified, talk=talk, reply=text)).contradictions
            if not wrong:
                return text
            quality.guards["off_record"] = quality.guards.get("off_record", 0) + 1
        quality.kept["off_record"] = quality.kept.get("off_record", 0) + 1
        return text

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


def _told(talk: Talk) -> str:
    """What the patient said when the experience came up; a window drops it, and it must not be told twice."""
    own = (turn for turn in talk.dialogue.turns if turn.speaker == "client")
    return next((turn.text for turn in own if turn.extra.get("experience_used")), "")
