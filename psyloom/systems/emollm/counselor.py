"""EmoLLM's counselor: one model under a system text, in a plain voice or a persona's.

The project trains a model for each persona and serves it under that persona's system text, top_p 0.8, temperature 0.7 to
0.8. A persona changes the voice and the sampling; what holds for every voice stands in the prompt beside it.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from psyloom.agents import Ask, Counselor, Sight, Talk
from psyloom.knowledge import OneOf, label_set
from psyloom.llm import Decoding
from psyloom.records import Turn

PERSONAS = label_set("emollm_persona")
UNHEALTHY = ("airen",)
SAMPLING: dict[str, Decoding] = {
    "none": {"temperature": 0.7, "top_p": 0.8},
    "aiwei": {"temperature": 0.8, "top_p": 0.8},
    "mother": {"temperature": 0.8, "top_p": 0.8},
    "scientist": {"temperature": 0.7, "top_p": 0.7},
    "father_boyfriend": {"temperature": 0.8, "top_p": 0.8},
    "airen": {"temperature": 0.8, "top_p": 0.8},
}
Persona = Annotated[str, OneOf(PERSONAS)] | Literal["none"]


class EmoLLMCounselor(Counselor):
    """One call a reply, in the chosen voice."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}

    persona: Persona = Field(
        "none", description="the voice: aiwei, mother, scientist, father_boyfriend, airen; none: a plain one"
    )
    unhealthy: bool = Field(False, description="allow a voice that is no healthy model of closeness (airen)")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        allowed(self.persona, self.unhealthy)
        return self

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        persona = None if self.persona == "none" else PERSONAS[self.persona]
        return Turn.counselor(await ask("reply", talk=talk, persona=persona, decoding=SAMPLING[self.persona]))


def allowed(persona: str, unhealthy: bool) -> None:
    """Raises ValueError for a voice that pleases at any price, unless it is asked for twice."""
    if persona in UNHEALTHY and not unhealthy:
        raise ValueError(f"{persona} pleases at any price; set unhealthy=true if that is what you study")
