"""MDD-5k: a doctor who walks a symptom inquiry tree, and a patient with an invented past. arXiv 2408.12142.

The names of the symbolic operations (RandVisit, IsTopicEnd, ParseExp, DupDetect, TriggerExp, FicExpGen) are the
paper's. The tool that judges when a topic is over belongs to the doctor, the one that sets off the experience to the
patient, so that each works with any other side.
"""

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, create_model

from psyloom.agents import Ask, Counselor, Rules, Sight, Steady, Talk
from psyloom.agents.together import gather
from psyloom.knowledge.inquiry import InquiryTree, Leaf, age_group, inquiry_tree
from psyloom.records import Case, Label, Lang, Turn
from psyloom.systems.mdd5k.background import Doctor, doctors, gender_of, years_of
from psyloom.systems.mdd5k.patient import Mdd5kPatient

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

__all__ = ["Mdd5kDoctor", "Mdd5kPatient"]

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Tree = Annotated[str | Path, AfterValidator(lambda name: Path(name) if str(name).endswith(".toml") else name)]
CLOSING: dict[str, dict[Lang, str]] = {
    "end": {"zh": "好，今天的问诊就到这里。", "en": "Well, that is all I need to ask today."},
    "diagnosis": {"zh": "综合你说的情况，诊断为：{}。", "en": " From what you have told me, the diagnosis is: {}."},
    "treatment": {"zh": "处理意见：{}。", "en": " What I recommend: {}."},
    "open": {
        "zh": "我会把你说的整理好，再和你商量下一步怎么安排。",
        "en": " I will go over what you have told me, and then we will talk about the next steps.",
    },
    "and": {"zh": "、", "en": ", "},
}


class Topic(BaseModel):
    """One item of the doctor's queue. parsed: it came out of the talk, in place of the slot."""

    leaf: str
    text: str
    probe: str = ""
    parsed: bool = False


class Ended(BaseModel):
    """IsTopicEnd's answer."""

    end: bool


class Over(Ended):
    """The same of the whole interview."""

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, bool]:
        return {"end": sum(who == "client" for who, _ in actor.cue.turns) >= 10}


class Angles(BaseModel):
    """ParseExp's answer: what a doctor would follow up."""

    angles: list[Words] = Field(min_length=2, max_length=3)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, list[str]]:
        return {"angles": list(actor.stock["inquiry"]["angles"])}


class Duplicate(BaseModel):
    """DupDetect's answer about one topic."""

    duplicate: bool

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, bool]:
        return {"duplicate": False}


class Duplicates(BaseModel):
    """DupDetect's answer about all remaining topics at once: the numbers of those that are covered."""

    numbers: list[Annotated[int, Field(ge=1)]]


class Said(BaseModel):
    """What the doctor says. ``topic``: what the rehearsal back end asks about; "": it follows the talk."""

    topic: ClassVar[str] = ""
    utterance: str = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, str]:
        said = "\n".join(text for who, text in actor.cue.turns if who == "counselor")
        inquiry = actor.stock["inquiry"]
        asked = inquiry["ask"] if actor.cue.turns else [inquiry["first"]]
        lines = [line.format(t=cls.topic) for line in asked] if cls.topic else []
        fresh = [line for line in lines if line not in said]
        return {"utterance": fresh[0] if fresh else actor.utterance("counselor", actor.cue.turns, may_close=False)}


class Memory(BaseModel):
    """Where the interview stands. at: place in the queue; begin: index of the turn with which the topic began."""

    persona: int = 0
    queue: list[Topic] = Field(default_factory=list)
    at: int = 0
    begin: int = 0
    end_log: list[bool] = Field(default_factory=list)


@cache
def said_about(topic: str) -> type[Said]:
    """`Said` about one topic of a tree; a tree's topics are few, those of a talk have no end."""
    return create_model("Said", __base__=Said, topic=(ClassVar[str], topic))


def damped(log: Sequence[bool], rng: random.Random) -> bool:
    """What counts instead of the last entry of ``log``: the model's verdicts "this topic is over", damped.

    With six entries or more no topic is continued a third time in a row.
    Source: MDD-5k, arXiv 2408.12142, released code.
    """
    last = log[-1]
    if len(log) < 6:
        return last
    if not log[-2]:
        return last if log[-3] and rng.random() < 1 / 3 else True
    return last or rng.random() < 1 / 3


class Mdd5kDoctor(Counselor):
    """Leads through the topics of the tree, one at a time, and closes with the record's diagnosis by rule."""

    meets_once: ClassVar[bool] = True
    sight: ClassVar[Sight] = {
        "counselor": {"demographics.age", "demographics.gender"},
        "tool": frozenset(),
        # No agent of these names is ever asked: code reads the age for the tree, and the label for the last turn.
        "closing": {"clinical.diagnoses", "clinical.treatment"},
    }

    persona: int | None = Field(None, ge=1, le=5, description="which of the five doctors; none: drawn by the seed")
    tree: Tree = Field("symptom_inquiry", description="inquiry tree: a bundled one by id, or a TOML file of your own")
    shuffle_groups: bool = Field(
        True, description="groups of symptoms in random order, as released; false: in the tree's order, as in the paper"
    )
    batch_duplicates: bool = Field(
        False, description="one call for all remaining topics after the experience; the paper asks about each by itself"
    )
    probes: bool = Field(False, description="tell the doctor what to ask for in detail about each topic")
    window: int = Field(6, ge=1, description="most utterances that the doctor sees")
    steady: Steady = True
    direct: bool = Field(
        False,
        description="the paper's baseline: no tree, a judge ends the interview, or 22 utterances have been passed; the "
        "doctor sees 8",
    )
    max_exchanges: int = Field(60, ge=1, description="cap of an interview that does not come to its end")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """The doctor opens with a call and closes; the case's opening lines are used when it has some."""
        opening = super().rules(case, lang).opening if case.opening else ()
        return Rules(max_exchanges=self.max_exchanges, opening=opening)

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, Memory)
        begins = not memory.persona
        if begins:
            self._begin(memory, talk, ask)
        if self.direct:
            return await self._direct(memory, talk, ask)
        if begins:
            return await self._say("opening", memory, talk, ask)
        verdict = (
            await ask("topic_end", Ended, talk=talk, topic=self._topic(memory), since=self._since(memory, talk))
        ).end
        memory.end_log.append(verdict)
        memory.end_log[-1] = over = damped(memory.end_log, ask.rng(f"end {len(memory.end_log)}"))
        if over and memory.at + 1 == len(memory.queue):
            return self._close(talk, ask, topic_ended=verdict, topic_ended_damped=over)
        if over:
            await self._next(memory, talk, ask)
        return await self._say("doctor", memory, talk, ask, topic_ended=verdict, topic_ended_damped=over)

    def _begin(self, memory: Memory, talk: Talk, ask: Ask) -> None:
        """Draw the persona and RandVisit the tree."""
        memory.persona = self.persona or ask.rng("persona").randint(1, len(doctors()))
        person, tree = ask.sees("counselor").demographics, self._tree()
        age, gender = age_group(years_of(person.age or None)), gender_of(person.gender or None)
        leaves = tree.queue(age, gender, ask.rng("topics"), shuffle_groups=self.shuffle_groups)
        memory.queue = [self._named(leaf, tree, ask.lang) for leaf in leaves]
        talk.session.notes["persona"] = memory.persona
        if not self.direct:
            talk.session.notes |= {"tree": tree.id, "topic_plan": [leaf.id for leaf in leaves], "deleted_topics": []}

    def _tree(self) -> InquiryTree:
        return inquiry_tree(self.tree)

    @staticmethod
    def _named(leaf: Leaf, tree: InquiryTree, lang: Lang) -> Topic:
        """PromptGen, as released: by a template, not by a call."""
        return Topic(leaf=leaf.id, text=tree.labels[leaf.id].name(lang), probe=leaf.probe.of(lang))

    @staticmethod
    def _topic(memory: Memory) -> Topic:
        return memory.queue[memory.at]

    @staticmethod
    def _since(memory: Memory, talk: Talk) -> int:
        """How many utterances the current topic has had."""
        return len(talk.turns) - memory.begin

    async def _next(self, memory: Memory, talk: Talk, ask: Ask) -> None:
        """Go to the next topic; the slot becomes what the talk itself brought up."""
        memory.at, memory.begin = memory.at + 1, len(talk.turns)
        slot = next((leaf.id for leaf in self._tree().leaves if leaf.slot), None)
        if self._topic(memory).leaf != slot or self._topic(memory).parsed:
            return
        angles = (await ask("parse", Angles, talk=talk)).angles
        rest = memory.queue[memory.at + 1 :]
        twice = await self._duplicates(rest, angles, ask)
        deleted = [topic.leaf for topic, dup in zip(rest, twice, strict=True) if dup]
        kept = [topic for topic, dup in zip(rest, twice, strict=True) if not dup]
        parsed = [Topic(leaf=slot, text=angle, parsed=True) for angle in angles]
        memory.queue = [*memory.queue[: memory.at], *parsed, *kept]
        talk.session.notes |= {"parsed_topics": list(angles), "deleted_topics": [*deleted]}

    async def _duplicates(self, topics: Sequence[Topic], angles: list[str], ask: Ask) -> list[bool]:
        """DupDetect: for each remaining topic, is it covered by one of the angles?"""
        names = [topic.text for topic in topics]
        if not self.batch_duplicates:
            return [
                a.duplicate for a in await gather(*(ask("duplicate", Duplicate, topic=n, angles=angles) for n in names))
            ]
        numbers = (await ask("duplicates", Duplicates, topics=names, angles=angles)).numbers
        return [number in numbers for number in range(1, len(names) + 1)]

    async def _say(self, prompt: str, memory: Memory, talk: Talk, ask: Ask, **more: Any) -> Turn:
        """DocGen, or EmpathGen when the persona has empathy: the same prompt with one more instruction."""
        topic, tree = self._topic(memory), self._tree()
        said = await ask(
            prompt, said_about("" if topic.parsed else topic.text), talk=talk, doctor=self._doctor(memory, ask.lang),
            topic=topic, probe=topic.probe if self.probes else "", window=self.window, steady=self.steady,
        )  # fmt: skip
        source = "parsed" if topic.parsed else "fixed"
        return Turn.counselor(
            said.utterance, [tree.labels.label(topic.leaf)], topic=topic.text, topic_source=source, **more
        )

    @staticmethod
    def _doctor(memory: Memory, lang: Lang) -> dict[str, Any]:
        """The persona in one language."""
        doctor: Doctor = doctors()[memory.persona - 1]
        words = {name: getattr(doctor, name).of(lang) for name in ("specialties", "pace", "style", "explains")}
        return words | doctor.model_dump(include={"age", "gender", "empathy"})

    async def _direct(self, memory: Memory, talk: Talk, ask: Ask) -> Turn:
        """Direct role-play, the baseline of the paper."""
        if len(talk.turns) > 22 or (len(talk.turns) > 1 and (await ask("talk_end", Over, talk=talk)).end):
            return self._close(talk, ask)
        said = await ask("direct", Said, talk=talk, doctor=self._doctor(memory, ask.lang), window=8, steady=self.steady)
        return Turn.counselor(said.utterance)

    def _close(self, talk: Talk, ask: Ask, **more: Any) -> Turn:
        """The last turn, by rule: diagnosis and treatment of the record become words and labels."""
        record = ask.sees("closing").clinical
        diagnoses, treatment = list(record.diagnoses), record.treatment
        names = CLOSING["and"][ask.lang].join(one.name for one in diagnoses)
        text = CLOSING["end"][ask.lang]
        text += CLOSING["diagnosis"][ask.lang].format(names) if names else ""
        text += CLOSING["treatment"][ask.lang].format(treatment.rstrip("。. ")) if treatment else ""
        text += "" if names or treatment else CLOSING["open"][ask.lang]
        talk.dialogue.labels = [
            *(Label(set="mdd5k_icd", id=one.code) for one in diagnoses if one.code),
            *(Label(set="mdd5k_diagnosis", id=one.name) for one in diagnoses),
        ]
        return Turn(speaker="counselor", text=text, closes=True, extra=more)
