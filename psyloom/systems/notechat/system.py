"""NoteChat: from a clinical note to the talk it could have come from: planning, role-play, polish. arXiv 2310.15959.

Physician and patient both read the note; the checklist decides what is talked about next. They play in any pairing;
the writer lets the two play and has their talk polished.
"""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from psyloom.agents import Ask, Range, Sight, Talk, Writer, converse
from psyloom.agents.dials import Dialled, measures
from psyloom.knowledge.lexicon import Concept
from psyloom.records import Case, Dialogue
from psyloom.systems.notechat.concepts import coverage, extract
from psyloom.systems.notechat.polish import Polished, polish, said_again
from psyloom.systems.notechat.talkers import Checklist, NotechatPatient, NotechatPhysician, Planning

__all__ = ["Notechat", "NotechatPatient", "NotechatPhysician"]


class Notechat(Planning, Writer):
    """Planning and role-play by the two, then the polish; each step can be left out."""

    sight: ClassVar[Sight] = {
        **NotechatPhysician.sight, **NotechatPatient.sight, "polisher": {"note"}, "script_writer": {"note"},
    }  # fmt: skip
    needs: ClassVar[frozenset[str]] = frozenset({"note"})

    roleplay: bool = Field(
        True, description="false: only the plan of what the case's opening lines begin, or only their polish"
    )
    polish: bool = Field(True, description="false: the role-play is the product")
    single_prompt: bool = Field(False, description="the paper's baseline: the whole talk in one call from the note")
    messages: Range = Field((80, 150), description="messages that the polish (or the one prompt) is told to write")
    tries: int = Field(3, ge=1, description="polished versions at most; the one that misses fewest concepts is kept")

    dials: Dialled = None

    @model_validator(mode="after")
    def _somebody_plays_the_client(self) -> Self:
        if self.dials and (self.single_prompt or not self.roleplay):
            raise ValueError("dials are for a client that plays its role: roleplay=true, single_prompt=false")
        return self

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        talk = Talk(ask.desk.dialogue)
        if self.single_prompt:
            concepts = await extract(ask, self.extractor)
            told = await ask("single", Polished, messages=self.messages)
            talk.session.turns = said_again(told)
            talk.session.notes["concepts"] = [c.model_dump() for c in concepts]
        else:
            concepts = await self._role_play(case, talk, ask)
        found = coverage(concepts, (turn.text for turn in talk.turns), ask.lang)
        talk.session.notes["coverage"] = found.model_dump()
        talk.dialogue.quality.measures["concept_recall"] = found.recall
        return talk.dialogue

    async def _role_play(self, case: Case, talk: Talk, ask: Ask) -> list[Concept]:
        physician = NotechatPhysician(extractor=self.extractor, plan=self.plan, ask_coverage=self.ask_coverage)
        rules = physician.rules(case, ask.lang)
        if self.roleplay:
            await converse(ask, client=NotechatPatient(), counselor=physician, rules=rules, talk=talk, dials=self.dials)
        else:
            talk.session.turns = list(rules.opening)
            await physician.make_plan(talk, ask.as_(physician, talk))
        concepts = talk.memory(physician, Checklist).concepts
        talk.dialogue.quality.measures["roleplay_recall"] = coverage(
            concepts, (t.text for t in talk.turns), ask.lang
        ).recall
        if self.polish:
            talk.session.notes["roleplay"] = [
                {"speaker": t.speaker, "text": t.text, "targets": t.extra.get("targets", [])} for t in talk.turns
            ]
            talk.session.turns = await polish(ask, talk, concepts, self.messages, self.tries)
            talk.dialogue.quality.measures |= measures(ask.desk.case, NotechatPatient.sight["client"], talk.turns)
        return concepts
