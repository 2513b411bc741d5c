"""AMIE's consultation: a doctor who thinks in three hidden steps, a patient with a vignette, and a moderator.

arXiv 2401.05654, procedures B and E. The moderator is asked by the doctor after every exchange; when it says that the
talk is over, the doctor fills in the questionnaire and takes leave, so that the doctor can play with any client.
"""

import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Client, Counselor, Rules, Sight, Talk
from psyloom.records import Case, Element, Lang, Turn, sentences
from psyloom.safety.cues import cue_in
from psyloom.systems.amie.outer import conditions

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

OPENING: dict[Lang, str] = {"zh": "你好，请问有什么可以帮到你？", "en": "Hello, how can I help you today?"}
PARTING: dict[Lang, str] = {
    "zh": "那我们今天先谈到这里。照顾好自己，情况有变化或者加重，请尽快就医。",
    "en": "Let us leave it there for today. Look after yourself, and seek care soon if anything changes or gets worse.",
}
PARTING_URGENT: dict[Lang, str] = {
    "zh": "先说到这里，就照刚才说的做，别耽搁。等人来的时候别断了联系；见到医生，把刚才跟我讲的也告诉对方。",
    "en": "Let us stop here, so that you can do now what we have said. While you wait for help, stay in touch with somebody, and "
    "tell the doctors there what you have told me.",
}  # fmt: skip
CRISIS: dict[Lang, str] = {
    "zh": "你现在的情况需要马上有人帮助：请立刻去最近的急诊，或者拨打当地的急救电话，在这之前让信得过的人陪着你，不要一个人待着。",
    "en": "What you describe needs help right now: please go to the nearest emergency department or call your local emergency "
    "number at once, and until then let somebody you trust stay with you.",
}  # fmt: skip
NO_MORE = ("limit", "patient")  # ends after which nothing more can be asked
GOODBYE = re.compile(r"再见|拜拜|\b(?:good ?bye|bye)\b", re.IGNORECASE)
DOSE = re.compile(r"\d\s?(?:mg|mcg|milligrams?|毫克|微克|片)", re.IGNORECASE)
WORDS: dict[str, dict[Lang, str]] = {
    "questions": {"zh": "一次最多问两个问题", "en": "ask at most two questions in one message"},
    "dose": {"zh": "不要说药物的剂量", "en": "do not name doses of drugs"},
    "risk": {
        "zh": "这一次要直接问有没有自杀或自伤的念头",
        "en": "this time ask openly about thoughts of suicide or self-harm",
    },
    "twice": {"zh": "鉴别诊断里有重复的病名", "en": "the differential names a condition twice"},
}


class Analysis(BaseModel):
    """Step 1: what is known, what is thought, what is missing."""

    positive_symptoms: list[str]
    negative_symptoms: list[str]
    medical_history: list[str]
    family_history: list[str]
    social_history: list[str]
    demographics: list[str]
    ddx: list[str]
    missing_info: list[str]
    confidence: Literal["low", "medium", "high"]
    urgency: Literal["none", "soon", "emergency"]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        heard = [text for who, text in actor.cue.turns if who == "client"]
        names = (
            "negative_symptoms",
            "medical_history",
            "family_history",
            "social_history",
            "demographics",
            "missing_info",
        )
        given: dict[str, Any] = {name: [] for name in names}
        return given | {
            "positive_symptoms": heard[-3:], "ddx": _some_names(actor, 3), "confidence": "low", "urgency": "none"
        }  # fmt: skip

    def elements(self) -> list[Element]:
        """The filled parts as a turn's thought."""
        told = {name: "; ".join(value) if isinstance(value, list) else value for name, value in self}
        return [Element(name=name, text=text) for name, text in told.items() if text]


class Questionnaire(BaseModel):
    """What the doctor concludes after the consultation. ddx: the most likely first."""

    ddx: list[str] = Field(min_length=3, max_length=10)
    escalation: Literal["none", "video", "in_person", "emergency"]
    investigations: list[str]
    treatments: list[str]
    management_plan: str = Field(min_length=1)
    follow_up: str = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        given: dict[str, Any] = actor.fill()
        return given | {"ddx": _some_names(actor, 3), "investigations": [], "treatments": []}


def _some_names(actor: "Actor", count: int) -> list[str]:
    return [one.name(actor.cue.lang) for one in actor.rng.sample(conditions(), count)]


class Ended(BaseModel):
    """The moderator's verdict."""

    ended: bool

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, bool]:
        return {"ended": sum(who == "client" for who, _ in actor.cue.turns) >= 10}


class Lesson(BaseModel):
    """What the inner loop gives the doctor: its own earlier dialogue and the critic's feedback."""

    dialogue: str
    feedback: str


class Memory(BaseModel):
    """The doctor's state. verdicts: the moderator's; warned: the crisis message was said."""

    lesson: Lesson | None = None
    verdicts: list[bool] = Field(default_factory=list)
    warned: bool = False
    reminded: bool = False


class AmieDoctor(Counselor):
    """Analyse, respond, refine; only the third is said."""

    meets_once: ClassVar[bool] = True
    sight: ClassVar[Sight] = {
        "analyst": frozenset(), "responder": frozenset(), "counselor": frozenset(), "moderator": frozenset(),
    }  # fmt: skip

    reasoning: bool = Field(True, description="false: one call a turn, as in the paper's self-play")
    mental_health: bool = Field(
        False,
        description="ask about risk once, rule out physical causes and substances, name no doses; end on a hand-over",
    )
    goodbye: bool = Field(False, description="end without asking the moderator when the patient says goodbye")
    max_exchanges: int = Field(
        30,
        ge=1,
        description="cap; the questionnaire is filled in at the cap too",
    )

    def rules(self, case: Case, lang: Lang) -> Rules:
        """A fixed first line, or the case's own; the doctor has the last word."""
        opening = super().rules(case, lang).opening if case.opening else [Turn.counselor(OPENING[lang])]
        return Rules(opening=opening, max_exchanges=self.max_exchanges, last="counselor")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, Memory)
        over = await self._over(memory, talk, ask)
        due = bool(over) and self.mental_health and not risk_asked(talk)
        if over and (not due or over in NO_MORE or memory.reminded):
            return await self._part(over, due, memory, talk, ask)
        memory.reminded = memory.reminded or due
        slots: dict[str, Any] = {"talk": talk, "mental_health": self.mental_health, "ask_risk": due}
        slots["rules"] = "risk" if due else None  # of a rehearsed doctor
        within = self._limits(due, ask.lang)
        if not self.reasoning:
            text = await ask("doctor", prefer=within, lesson=memory.lesson, **slots)
            return Turn.counselor(two_questions(text, ask.lang))
        analysis = await ask("analyse", Analysis, **slots)
        crisis = CRISIS[ask.lang] if analysis.urgency == "emergency" and not memory.warned else ""
        slots |= {"analysis": analysis, "lesson": memory.lesson, "crisis": crisis}
        draft = await ask("respond", **slots)
        text = two_questions(await ask("refine", prefer=within, draft=draft, **slots), ask.lang)
        if crisis:
            memory.warned, text = True, text + ("" if ask.lang == "zh" else " ") + crisis
        thought = [*analysis.elements(), Element(name="draft", text=draft)]
        return Turn(speaker="counselor", text=text, thought=thought, extra={"urgency": analysis.urgency})

    async def _over(self, memory: Memory, talk: Talk, ask: Ask) -> str | None:
        """Why the consultation is over: the patient ended it or took leave, the moderator says so, or the cap is reached."""
        if talk.turns and talk.turns[-1].closes:
            return "patient"
        if self.goodbye and GOODBYE.search(talk.last("client")):
            return "goodbye"
        if talk.session.exchanges() >= self.max_exchanges:
            return "limit"
        if talk.session.exchanges() == 0:
            return None
        memory.verdicts.append((await ask("moderator", Ended, talk=talk, mental_health=self.mental_health)).ended)
        return "moderator" if memory.verdicts[-1] else None

    def _limits(self, due: bool, lang: Lang) -> Any:
        def within_limits(text: str) -> str | None:
            if questions(text) > 2:
                return WORDS["questions"][lang]
            if self.mental_health and DOSE.search(text):
                return WORDS["dose"][lang]
            return WORDS["risk"][lang] if due and not cue_in(text, lang) else None

        return within_limits

    async def _part(self, over: str, due: bool, memory: Memory, talk: Talk, ask: Ask) -> Turn:
        """Fill in the questionnaire, note how it ended, take leave."""
        if self.reasoning:

            def each_once(answer: Questionnaire) -> str | None:
                names = [name.strip().casefold() for name in answer.ddx]
                return WORDS["twice"][ask.lang] if len(set(names)) < len(names) else None

            found = await ask("questionnaire", Questionnaire, check=each_once, talk=talk)
            talk.session.notes["questionnaire"] = found.model_dump(mode="json")
        talk.session.notes |= {"ended_by": over, "moderator": [*memory.verdicts]}
        if due:
            talk.session.notes["risk_not_asked"] = over if over in NO_MORE else "the doctor was told to ask and did not"
        urgent = any(turn.extra.get("urgency") == "emergency" for turn in talk.turns[-2:])
        return Turn(speaker="counselor", text=(PARTING_URGENT if urgent else PARTING)[ask.lang], closes=True)


def questions(text: str) -> int:
    """How many questions a text has; marks in a row belong to one."""
    return len(re.findall("[?？]+", text))


def two_questions(text: str, lang: Lang) -> str:
    """A message as it is sent: a doctor who insists on more than two questions gets no answer to the rest."""
    kept: list[str] = []
    for sentence in sentences(text) if questions(text) > 2 else ():
        asked = questions(sentence)
        if not asked or asked + sum(map(questions, kept)) <= 2:
            kept.append(sentence)
    return ("" if lang == "zh" else " ").join(kept) or text


def risk_asked(talk: Talk) -> bool:
    """Has the doctor asked about suicide or self-harm in this session?"""
    return any(
        turn.speaker == "counselor" and cue_in(turn.text, talk.dialogue.lang) and re.search("[?？]", turn.text)
        for turn in talk.turns
    )


def seen_besides(*, knows_diagnosis: bool = False, mental_health: bool = False) -> set[str]:
    """What the patient's options show it beyond the paper's vignette."""
    more = {"clinical.diagnoses.name": knows_diagnosis, "disposition.style": mental_health}
    return {path for path, shown in more.items() if shown}


class AmiePatient(Client):
    """The person of the vignette in an online chat with a doctor who knows nothing yet."""

    sight: ClassVar[Sight] = {
        "client": {
            "demographics", "scenario.situation", "clinical.complaint", "clinical.present_illness", "clinical.physical_illness",
            "clinical.family_history", "clinical.personal_history", "clinical.mental_state", "clinical.risk", "clinical.questions",
        },
    }  # fmt: skip
    needs: ClassVar[frozenset[str]] = frozenset({"clinical.complaint"})

    knows_diagnosis: bool = Field(False, description="show the patient the diagnosis of its vignette")
    mental_health: bool = Field(
        False, description="tell sensitive facts only when asked with care, and keep the case's conversational style"
    )

    def seen_by(self) -> Sight:
        more = seen_besides(knows_diagnosis=self.knows_diagnosis, mental_health=self.mental_health)
        return {**self.sight, "client": {*self.sight["client"], *more}}

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        text = await ask("patient", talk=talk, knows_diagnosis=self.knows_diagnosis, mental_health=self.mental_health)
        return Turn.client(text)
