"""SuDoSys: a language model walked through the six problem-management steps of PM+ by a small state machine.

arXiv 2411.10681. One call a client turn gives the reply and what it adds to the topic database. The model never sees
the history: its memory is the topic database and the last exchange.
"""

from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, StringConstraints, create_model

from psyloom.agents import Ask, Client, Counselor, Rules, Sight, Steady, Talk
from psyloom.agents.wording import is_foreign, is_list, shortened, size
from psyloom.errors import AnswerRejected
from psyloom.knowledge.plans import Over, Stage, stage_plan
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Lang, Turn, sentences

PLAN = stage_plan("pm_plus")
HELLO: dict[Lang, str] = {"zh": "你好", "en": "Hello"}
FALLBACK: dict[Lang, str] = {
    "zh": "不好意思，我刚才没有跟上。你能换个说法，再跟我说一遍吗？",
    "en": "I am sorry, I did not quite follow just now. Could you tell me that again in other words?",
}
WORDS: dict[str, dict[Lang, str]] = {
    "early": {"zh": "finished 还不能是 true：{}", "en": "finished cannot be true yet: {}"},
    "list": {"zh": "response 要像说话一样，不要分行、分条", "en": "response must be plain speech, without line breaks or lists"},
    "foreign": {"zh": "response 要用中文说", "en": "response must be in English"},
    "long": {"zh": "超过了 {} 个字", "en": "it has more than {} words"},
}  # fmt: skip
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Memory(BaseModel):
    """The controller's place and the topic database. The keys are spelled as in the released state."""

    stage: int = Field(1, ge=1, le=len(PLAN.stages))
    current_stage_turns: int = Field(0, ge=0)
    problems: list[Words] = Field(default_factory=list)
    problemSelected: Annotated[str, StringConstraints(strip_whitespace=True)] = ""  # noqa: N815
    factors: list[Words] = Field(default_factory=list)
    solutions: list[Words] = Field(default_factory=list)
    solutionsOK: list[Words] = Field(default_factory=list)  # noqa: N815
    summary: str = Field("", description="running summary, an improvement")
    over: bool = Field(False, description="stage 6 has been finished")

    def worksheet(self) -> dict[str, Any]:
        """What the client has worked out, without the controller's own keys."""
        return self.model_dump(exclude={"stage", "current_stage_turns", "over"}, exclude_defaults=True)


class SuDoSys(Counselor):
    """Stage controller, instruction generator, topic database, response unpacker around one call a turn."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}

    strict: bool = Field(
        True,
        description="an answer that stays unusable fails the case; false says a fixed sentence and stays where it is, "
        "for live talks",
    )
    hold: bool = Field(
        False, description="do not leave a stage at its limit of turns while what it must find is missing"
    )
    summarize: bool = Field(False, description="keep a running summary and show it beside the last exchange")
    closing: bool = Field(False, description="after stage 6 say goodbye and end the session")
    max_exchanges: int = Field(20, ge=1, description="exchanges of a simulated session, the greeting's included")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """The frame of the paper's simulated dialogues: the client greets, the counselor has the last word."""
        opening = super().rules(case, lang).opening if case.opening else [Turn.client(HELLO[lang])]
        return Rules(opening=opening, max_exchanges=self.max_exchanges, last="counselor")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, Memory, session=True)
        if memory.over and self.closing:
            return Turn(speaker="counselor", text=await ask("closing", talk=talk, sheet=memory), closes=True)
        stage, before, asked = PLAN.stages[memory.stage - 1], memory.model_dump(), len(ask.desk.trace)
        try:
            found = await self._instruct(stage, memory, talk, ask)
        except AnswerRejected:
            if self.strict:
                raise
            kept = ask.desk.dialogue.quality.kept
            kept["fallback"] = kept.get("fallback", 0) + 1
            return self._turn(FALLBACK[ask.lang], stage, before, before, attempts=ask.desk.tries, fallback=True)
        finished, response = found.pop("finished"), found.pop("response")
        reason = self._advance(memory, stage, found, finished)
        talk.session.notes["worksheet"] = memory.worksheet()
        return self._turn(
            response, stage, before, memory.model_dump(), attempts=len(ask.desk.trace) - asked, advance_reason=reason
        )  # fmt: skip

    async def _instruct(self, stage: Stage, memory: Memory, talk: Talk, ask: Ask) -> dict[str, Any]:
        """Ask for the stage's answer: its keys, ``finished`` and ``response``."""
        state = memory.model_dump()

        def invalid(answer: BaseModel) -> str | None:
            return stage.invalid(state | answer.model_dump(), ask.lang)

        def early_or_unspoken(answer: BaseModel) -> str | None:
            given = answer.model_dump()
            if given["finished"] and (lack := stage.lacks(state | given, ask.lang)):
                return WORDS["early"][ask.lang].format(lack)
            if is_foreign(given["response"], ask.lang):
                return WORDS["foreign"][ask.lang]
            as_list = "\n" in given["response"].strip() or is_list(given["response"])
            return WORDS["list"][ask.lang] if as_list else None

        keys = (*stage.returns, *(("summary",) if self.summarize else ()))
        answer = await ask(
            stage.id, answer_type(keys), check=invalid, prefer=early_or_unspoken, talk=talk, sheet=memory, stage=stage,
            number=memory.stage, total=len(PLAN.stages), summarize=self.summarize,
        )  # fmt: skip
        return answer.model_dump()

    def _advance(self, memory: Memory, stage: Stage, found: dict[str, Any], finished: bool) -> Over | None:
        """Update the topic database and move the controller: at most one stage on, never back, never past the last."""
        for key, value in found.items():
            setattr(memory, key, value)
        memory.current_stage_turns += 1
        turns = memory.current_stage_turns
        reason = stage.over(memory.model_dump(), finished=finished, turns=turns, hold=self.hold)
        if reason:
            memory.over = PLAN.after(stage.id) is None
            memory.stage, memory.current_stage_turns = min(memory.stage + 1, len(PLAN.stages)), 0
        return reason

    @staticmethod
    def _turn(text: str, stage: Stage, before: dict[str, Any], after: dict[str, Any], **more: Any) -> Turn:
        return Turn.counselor(
            text, [PLAN.labels.label(stage.id)], turn_in_stage=before["current_stage_turns"] + 1, before=before,
            after=after, **more,
        )  # fmt: skip


class PortraitClient(Client):
    """A taciturn person in trouble who answers the counselor's last words and sees little of what was said before."""

    sight: ClassVar[Sight] = {"client": {"portrait"}}
    needs: ClassVar[frozenset[str]] = frozenset({"portrait"})

    window: int = Field(5, ge=1, description="most utterances that the client sees")
    steady: Steady = True
    characters: int = Field(50, ge=1, description="most characters of a Chinese reply")
    words: int = Field(30, ge=1, description="most words of an English reply")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        longest = self.characters if ask.lang == "zh" else self.words

        def too_long(text: str) -> str | None:
            return WORDS["long"][ask.lang].format(longest) if size(text, ask.lang) > longest else None

        text = await ask(
            "client", prefer=too_long, talk=talk, longest=longest, window=self.window, steady=self.steady
        )  # fmt: skip
        return Turn.client(shortened(text, longest, ask.lang))


class Answer(BaseModel):
    """What every stage's answer is made from; the rehearsal back end plays it from the talk alone."""

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        heard = [sentences(text)[0].strip("。.!！?？…") for who, text in actor.cue.turns if who == "client"]
        topics = heard[1:3]  # what comes after the greeting
        given: dict[str, Any] = {
            "problems": topics, "problemSelected": topics[0] if topics else "", "factors": [actor.text("factor")],
            "solutions": [actor.text("solution")], "solutionsOK": [actor.text("solution")],
            "summary": actor.text("summary"), "finished": len(topics) == 2,
            "response": actor.utterance("counselor", actor.cue.turns, may_close=False),
        }  # fmt: skip
        if "solutionsOK" in cls.model_fields:
            given["solutions"] = []
        return {key: given[key] for key in cls.model_fields}


@cache
def answer_type(keys: tuple[str, ...]) -> type[Answer]:
    """The answer of a stage that returns ``keys``, each typed as in `Memory`; what was found comes before what is said."""
    fields: dict[str, Any] = {key: (Memory.model_fields[key].annotation, ...) for key in keys}
    fields |= {"finished": (bool, ...), "response": (str, Field(min_length=1))}
    return create_model("Answer", __base__=Answer, **fields)
