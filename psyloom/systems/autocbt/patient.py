"""The patient of AutoCBT: retells its problem, completely and unaltered."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Client, Sight, Talk
from psyloom.llm.rehearsal.speech import ended
from psyloom.records import Turn

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor


class Retold(BaseModel):
    """The problem as the patient tells it."""

    text: str = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        return {
            "text": ("" if actor.cue.lang == "zh" else " ").join(ended(said, actor.cue.lang) for said in actor.story)
        }


class AutoCBTPatient(Client):
    """Agent 0: one long question; to a counselor that asks back or meets it again it answers from the same problem."""

    sight: ClassVar[Sight] = {"patient": {"post.title", "post.text"}}
    needs: ClassVar[frozenset[str]] = frozenset({"post"})

    retell: bool = Field(True, description="false: the post is said as it stands, which saves a call")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        if talk.of_client:
            return Turn.client(await ask("answer", talk=talk))
        if not self.retell:
            post = ask.sees("patient", aloud=True).post
            return Turn.client("\n".join(part for part in (post.title, post.text) if part))
        return Turn.client((await ask("retell", Retold)).text)
