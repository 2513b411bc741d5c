"""DiaCBT turn by turn: the counselor with its plan of six sessions, the simulated client, the grader."""

from collections import Counter
from dataclasses import replace
from functools import cache
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, Field, create_model

from psyloom.agents import Ask, Check, Client, Counselor, Rules, Sight, Talk
from psyloom.agents.course import Text
from psyloom.agents.together import gather
from psyloom.agents.wording import shortened, size
from psyloom.errors import AnswerRejected
from psyloom.knowledge import LabelSet, OneOf, label_set
from psyloom.llm.rehearsal.speech import crisis_lines
from psyloom.records import Case, Dialogue, Lang, Meeting, Session, Turn
from psyloom.systems.diacbt.record import PLAN, STRATEGIES, Strategies, keep_record
from psyloom.systems.diacbt.rehearsed import client_line, closing_line, counselor_line, in_session, week_of
from psyloom.systems.patient_psi.system import PatientPsi, of_text, without_jargon

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

OUTCOMES = label_set("diacbt_outcome")
# Who asks a boss for feedback or gathers information about a school names no strategy.
UNSAID = STRATEGIES.without("gather_info", "feedback", "other")
REWARDS = {"worse": -1.0, "same": -0.5, "better": 0.5, "solved": 1.0}  # DEFAULT: the release has no mapping
LONG: dict[Lang, str] = {"en": "it has {} words, at most {} are allowed", "zh": "有 {} 个字，最多 {} 个"}


# The counselor


class Reply(BaseModel):
    """The counselor's answer; done: this message ends the session."""

    foreseen: ClassVar[tuple[str, ...]] = ()
    last: ClassVar[bool] = False
    strategies: Strategies
    text: Text
    done: bool

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        if urgent := crisis_lines(actor, actor.cue.turns):
            return {"strategies": ["other"], "text": urgent[-1 if cls.last else 0], "done": cls.last}
        if cls.last:
            return {"strategies": ["summary"], "text": closing_line(actor), "done": True}
        text = counselor_line(actor, cls.foreseen, actor.cue.turns)
        return {"strategies": list(cls.foreseen), "text": text, "done": False}


@cache
def reply_type(foreseen: tuple[str, ...], last: bool) -> type[Reply]:
    """The reply of a place in the plan; to a model all are the same type."""
    return create_model(
        "Reply", __base__=Reply, foreseen=(ClassVar[tuple[str, ...]], foreseen), last=(ClassVar[bool], last)
    )


class DiaCbtCounselor(Counselor):
    """Knows the six sessions' plan, the strategies, its own records of earlier sessions, and the talk."""

    recalls: ClassVar[bool] = True

    sight: ClassVar[Sight] = {"counselor": {"demographics.name"}, "recorder": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = (UNSAID,)

    max_exchanges: int = Field(30, ge=1, description="most exchanges of a session; the plan is thinned to as many")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """The counselor opens, unless the case brings opening lines, and the client has the last word."""
        rules = super().rules(case, lang)
        opening = rules.opening if case.opening else ()
        return replace(rules, opening=opening, max_exchanges=self.max_exchanges, first="counselor", last="client")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        earlier = await self._earlier(talk, ask)
        number = len(earlier) + 1
        stage = PLAN.stages[min(number, len(PLAN.stages)) - 1]
        course = stage.messages(self.max_exchanges)
        done = sum(turn.speaker == "counselor" for turn in talk.turns)
        left = max(1, self.max_exchanges - done)
        foreseen = tuple(dict.fromkeys(course[min(done, len(course) - 1)]))
        talk.session.notes.setdefault("session", stage.id)
        reply = await ask(
            "counselor", reply_type(foreseen, left == 1), talk=talk, plan=PLAN, strategies=STRATEGIES, stage=stage, number=number,
            earlier=earlier, left=left, foreseen=STRATEGIES.some(foreseen),
        )  # fmt: skip
        labels = [STRATEGIES.label(one) for one in dict.fromkeys(reply.strategies)]
        return Turn(speaker="counselor", text=reply.text, labels=labels, closes=reply.done)

    async def record(self, talk: Talk, ask: Ask) -> None:
        await keep_record(talk, ask)

    @staticmethod
    async def _earlier(talk: Talk, ask: Ask) -> list[Meeting]:
        """What the sessions before left; a runner that knows nothing of records leaves the last one to be written."""
        course = ask.desk.case.course
        for session in talk.dialogue.sessions[:-1]:
            if session.summary is None:
                past = Talk(Dialogue(id=talk.dialogue.id, lang=talk.dialogue.lang, sessions=[session]))
                await keep_record(past, ask.as_(ask.role, past))
        return course


# The client


class Week(BaseModel):
    """What the client lived through since the last session; the counselor hears of it only what the client tells."""

    session: ClassVar[int] = 1
    homework: Text
    events: Text
    mood: int = Field(ge=0, le=10)
    belief: int = Field(ge=0, le=100)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        homework, events = week_of(actor, cls.session)
        mood, belief = actor.rng.randint(4, 7), actor.rng.randrange(40, 80, 5)
        return {"homework": homework, "events": events, "mood": mood, "belief": belief}


class Felt(BaseModel):
    """A message, and the client's mood when saying it."""

    session: ClassVar[int] = 1
    mood: int = Field(ge=0, le=10)
    text: Text

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        mood = min(10, 3 + len(actor.cue.turns) // 15 + cls.session // 2)
        return {"mood": mood, "text": client_line(actor, actor.cue.turns, cls.session)}


class Verdict(BaseModel):
    """The grader's answer."""

    outcome: Annotated[str, OneOf(OUTCOMES)]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        heard = sum(who == "client" for who, _ in actor.cue.turns)
        return {"outcome": "solved" if heard >= 12 else actor.rng.choice(["same", "better", "better"])}


def short_in(lang: Lang, words: int, characters: int) -> Check:
    """The wish for a message of at most so many words, in Chinese characters."""

    def too_long(text: str) -> str | None:
        most = characters if lang == "zh" else words
        return LONG[lang].format(size(text, lang), most) if size(text, lang) > most else None

    return too_long


class DiaCbtClient(Client):
    """The client of a diagram, with a memory of earlier sessions and of the weeks between them."""

    recalls: ClassVar[bool] = True

    sight: ClassVar[Sight] = {"client": {"demographics.name", "cognition"}, "grader": {"demographics", "intake"}}
    needs: ClassVar[frozenset[str]] = PatientPsi.needs

    words: int = Field(50, ge=1, description="most words of an English message")
    characters: int = Field(80, ge=1, description="most characters of a Chinese message")
    first: bool = Field(
        False, description="the first session is the first of the treatment; false: some weeks have passed, as released"
    )
    mood: bool = Field(
        False, description="with each message the client also says how it feels, 0 to 10, kept with the turn"
    )
    samples: int = Field(
        0, ge=0, description="answers of the grader after each exchange; 0: nobody grades. 10 for an evaluation"
    )
    threshold: float = Field(
        0.7, ge=-1, le=1, description="mean reward of the answers at which the session is a success and ends"
    )

    class Memory(BaseModel):
        weeks: dict[int, Week] = Field(default_factory=dict)

    def wants(self) -> frozenset[str]:
        return self.needs | ({"intake"} if self.samples else frozenset())

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        before = [one.model_dump(include={"summary", "homework", "ratings"}) for one in ask.desk.case.course]
        number = len(before) + 1
        weeks = talk.memory(self, self.Memory).weeks
        if before and number not in weeks:
            past = [weeks[n] for n in sorted(weeks)]
            weeks[number] = await ask("week", in_session(Week, number), number=number, before=before, weeks=past)
            talk.session.notes["week"] = weeks[number].model_dump()
        longest = self.characters if ask.lang == "zh" else self.words
        check, prefer = without_jargon(ask.lang), short_in(ask.lang, self.words, self.characters)
        slots: dict[str, Any] = {
            "talk": talk,
            "number": number,
            "before": before,
            "week": weeks.get(number),
            "longest": longest,
            "first": self.first and number == 1,
            "mood": self.mood,
        }
        if self.mood:
            felt = await ask("client", in_session(Felt, number), check=of_text(check), prefer=of_text(prefer), **slots)
            turn = Turn.client(felt.text, mood=felt.mood)
        else:
            turn = Turn.client(await ask("client", check=check, prefer=prefer, **slots))
        turn.text = shortened(turn.text, longest, ask.lang)
        return await self._graded(turn, talk, ask) if self.samples else turn

    async def _graded(self, turn: Turn, talk: Talk, ask: Ask) -> Turn:
        """The turn with what the grader makes of the talk up to it; at the threshold it ends the session."""
        so_far = Session(turns=[*talk.turns, turn])
        past = Talk(Dialogue(id=talk.dialogue.id, lang=talk.dialogue.lang, sessions=[so_far]))
        outcomes = await gather(*(self._verdict(past, ask.as_(self, past)) for _ in range(self.samples)))
        reward = mean(REWARDS[outcome] for outcome in outcomes)
        turn.extra |= {"outcomes": dict(Counter(outcomes)), "reward": reward}
        turn.closes = reward >= self.threshold
        talk.session.notes["outcome"] = {"reward": reward, "success": turn.closes, "exchanges": so_far.exchanges()}
        return turn

    @staticmethod
    async def _verdict(past: Talk, ask: Ask) -> str:
        """One of the four; answers that stay outside count as "same"."""
        try:
            return (await ask("grade", Verdict, talk=past, outcomes=OUTCOMES)).outcome
        except AnswerRejected:
            kept = ask.desk.dialogue.quality.kept
            kept["grader_same"] = kept.get("grader_same", 0) + 1
            return "same"
