"""The baseline everyone compares with: one prompt, no plan, no stages. And a client that says what it is given."""

from collections.abc import Sequence, Set
from typing import ClassVar

from pydantic import Field

from psyloom.agents import Ask, Client, Counselor, Talk
from psyloom.agents.dials import told
from psyloom.agents.sight import Sight
from psyloom.errors import MissingFacet
from psyloom.records import Lang, Turn

_NOTHING_LEFT: dict[Lang, tuple[str, ...]] = {
    "zh": ("我没有别的要说了。", "差不多就是这些。", "别的我也想不起来了。"),
    "en": ("I have nothing more to say.", "That is about all of it.", "I cannot think of anything else."),
}
_NOT_ASKED: dict[Lang, tuple[str, ...]] = {
    "zh": ("嗯。", "是的。", "我不知道从哪儿说起。"),
    "en": ("Mm.", "Yes.", "I do not know where to begin."),
}


class Plain(Counselor):
    """A counselor made of one prompt that reads nothing but the talk."""

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.counselor(await ask("counselor", talk=talk))


class Scripted(Client):
    """Says given lines in order, over all sessions, without a model; without lines, what the case has of the client, event by event.

    It says nothing that only others know, plan or judge: no report, no note, no diagnosis, no treatment, no answer.
    """

    sight: ClassVar[Sight] = {
        "client": {
            "post.title", "post.text", "intake", "cognition", "thought.thought", "thought.scene", "portrait",
            "clinical.complaint", "clinical.present_illness", "clinical.physical_illness", "clinical.family_history",
            "clinical.personal_history", "clinical.questions",
        }
    }  # fmt: skip
    lines: tuple[str, ...] = Field(
        (), description="what the client says, one line a message; empty: the case's own words"
    )

    def follows(self) -> Set[str]:
        """Given lines are said whatever a dial asks for; of the case, openness says how much is told unasked."""
        return frozenset() if self.lines else frozenset({"openness"})

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        done, said = talk.of_client, {turn.text for turn in talk.dialogue.turns if turn.speaker == "client"}
        left = self.lines[done:] if self.lines else [fact for fact in own_words(ask) if fact not in said]
        held = () if self.lines else ask.held_back("client")
        line = next((line for line in left if line not in held), None)
        if line is not None:
            return Turn(speaker="client", text=line, closes=len(left) == 1)
        idle = (_NOT_ASKED if left else _NOTHING_LEFT)[ask.lang]
        return Turn(speaker="client", text=idle[done % len(idle)], closes=not left)


def own_words(ask: Ask) -> Sequence[str]:
    """The sentences of the case that the client could say, each once. Raises MissingFacet where there are none."""
    words = list(dict.fromkeys(told(ask.desk.case, Scripted.sight["client"])))
    if not words:
        what = f"case {ask.desk.case.id!r} has nothing that its client could say aloud"
        raise MissingFacet(what, do="give it a post or an intake form, or the client its words: --set client.lines=...")
    return words
