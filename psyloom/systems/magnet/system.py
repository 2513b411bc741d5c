"""MAGneT: a planner, five specialists, a technique chooser and a merger speak as one counselor. arXiv 2509.04183.

Once a session: a plan. Every turn: five candidates, the techniques to use, one merged reply. The client is CACTUS's.
The paper's ablations are the options ``planner`` and ``chooser``.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from psyloom.agents import Ask, Check, Counselor, Rules, Sight, Talk
from psyloom.agents.together import gather
from psyloom.knowledge import LabelSet, OneOf, Term, label_set
from psyloom.records import Case, Lang, Turn
from psyloom.systems.cactus.system import TECHNIQUES as CBT_TECHNIQUES
from psyloom.systems.cactus.system import Plan, on_list_in, plan_notes, tidy

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

TECHNIQUES = label_set("magnet_technique")


class Draft(BaseModel):
    """A specialist's candidate. Typed, so that no half-written candidate is ever shown as the reply."""

    utterance: str = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, str]:
        """A line of the stock that goes with the specialist's act and was not said yet."""
        turns = actor.cue.turns
        heard = actor.quote(next((text for who, text in reversed(turns) if who == "client"), ""))
        lines = [line.format(q=heard) for line in actor.stock["counselor"][actor.cue.act] if heard or "{q}" not in line]
        fresh = [line for line in lines if line not in {text for _, text in turns}]
        return {"utterance": actor.rng.choice(fresh or [actor.utterance("counselor", turns)])}


class Choice(BaseModel):
    """The chooser's answer: one technique or several, each once."""

    techniques: Annotated[
        list[Annotated[str, OneOf(TECHNIQUES)]], AfterValidator(lambda found: list(dict.fromkeys(found)))
    ] = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, list[str]]:
        """Understand, then normalise, then solve, as the session goes on."""
        done = len(actor.cue.turns)
        if done < 12:
            return {"techniques": ["reflection", "questioning"]}
        return {"techniques": ["normalization"] if done < 20 else ["solutions", "psychoeducation"]}


class Magnet(Counselor):
    """Planner, five specialists, chooser, merger."""

    sight: ClassVar[Sight] = {
        "planner": {"demographics", "intake.reason"},
        "specialist": {"demographics", "intake.reason"},
        "chooser": frozenset(),
        "merger": frozenset(),
    }
    needs: ClassVar[frozenset[str]] = frozenset({"intake.reason"})
    unsaid: ClassVar[tuple[LabelSet, ...]] = (TECHNIQUES,)

    planner: bool = Field(True, description="false: no CBT agent; nobody reads a plan")
    chooser: bool = Field(
        True, description="false: no technique agent; the merger reads the history, and the plan where there is one"
    )
    generator_context: Literal["none", "history", "history+plan"] = Field(
        "none", description="what the merger reads besides candidates and techniques, when there is a chooser"
    )
    writers: Literal["all", "chosen"] = Field(
        "all", description="chosen: the chooser comes first, and only the specialists it names write"
    )

    class Memory(BaseModel):
        plan: Plan | None = None

    @model_validator(mode="after")
    def _somebody_chooses(self) -> Self:
        if self.writers == "chosen" and not self.chooser:
            raise ValueError("writers=chosen needs the chooser")
        return self

    def rules(self, case: Case, lang: Lang) -> Rules:
        """20 exchanges after the seeded one: 42 messages. A case that seeds no answer to the greeting has it generated."""
        rules = super().rules(case, lang)
        return replace(rules, max_exchanges=20 if rules.opening[-1].speaker == "client" else 21, stop=())

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, self.Memory, session=True)
        if self.planner and memory.plan is None:
            memory.plan = await ask("plan", Plan, prefer=on_list_in(ask.lang), talk=talk, techniques=CBT_TECHNIQUES)
            talk.session.notes |= plan_notes(memory.plan)
        if self.writers == "chosen":
            chosen = await self._choose(talk, ask, memory.plan)
            candidates = await self._draft(talk, ask, chosen)
        else:  # specialists and chooser do not read each other, so nobody waits
            candidates, chosen = await gather(
                self._draft(talk, ask, TECHNIQUES.terms), self._choose(talk, ask, memory.plan)
            )
        reply = await self._merge(talk, ask, memory.plan, candidates, chosen)
        labels = [TECHNIQUES.label(technique.id) for technique in chosen]
        return Turn.counselor(reply, labels, candidates={**candidates})

    async def _draft(self, talk: Talk, ask: Ask, techniques: Sequence[Term]) -> dict[str, str]:
        """Technique -> candidate, by the specialist whose prompt has the technique's name."""
        drafts = await gather(*(ask(t.id, Draft, prefer=unannounced_in(ask.lang), talk=talk) for t in techniques))
        return {t.id: tidy(draft.utterance) for t, draft in zip(techniques, drafts, strict=True)}

    async def _choose(self, talk: Talk, ask: Ask, plan: Plan | None) -> list[Term]:
        """The techniques of this turn; none without a chooser."""
        if not self.chooser:
            return []
        choice = await ask("choose", Choice, talk=talk, plan=plan, techniques=TECHNIQUES)
        return TECHNIQUES.some(choice.techniques)

    async def _merge(
        self, talk: Talk, ask: Ask, plan: Plan | None, candidates: dict[str, str], chosen: list[Term]
    ) -> str:
        """The reply. The full system's merger is blind to history and plan; the ablations' is not."""
        reads = self.generator_context if self.chooser else "history+plan"
        return tidy(
            await ask(
                "merge", prefer=unannounced_in(ask.lang), techniques=chosen,
                candidates=[(TECHNIQUES[name], text) for name, text in candidates.items()],
                talk=talk if "history" in reads else None, plan=plan if "plan" in reads else None,
            )
        )  # fmt: skip


_NAMES = "|".join(re.escape(word) for term in TECHNIQUES.terms for word in (term.en, term.zh, *term.aliases))
_WILL = r"(?:(?:by|now|let me|let['’]s|i['’]ll|i will|i want to|i['’]d like to|i would like to) )"
_ANNOUNCING = re.compile(
    r"^[\s“(（【\[*]*(?:"
    + "|".join(
        (
            rf"(?:{_NAMES})[\]】*\s]*[:：]",
            r"(?:(?:the|my|our|final|merged|combined) )*(?:response|reply|message)[\]*\s]*:",
            r"(?:(?:我|综合|合并|最终)后?的?)?(?:回应|回复|回答)[】*\s]*[:：]",
            r"here(?: is|['’]s) (?:a|an|the|my) [^.?!]*?\b(?:response|reply|message)\b",
            r"as (?:an?|your) [^.?!,]{0,40}?\b(?:counsell?or|therapist|specialist|technique)\b",
            rf"{_WILL}?(?:us(?:e|ing)|apply(?:ing)?|combin(?:e|ing)) [^.?!,]{{0,40}}?\b(?:techniques?|{_NAMES})\b",
            r"(?:以下|下面)是[^。？！，]{0,12}(?:回应|回复|回答)",
            r"(?:作为|身为)[^。？！，]{0,14}(?:咨询师|治疗师|专家|技术|技巧)",
            r"(?:(?:让我|我们?|接下来|现在)[来会将想要，]{0,2}){0,2}(?:使用|运用|采用|结合|用)[^。？！，]{0,14}(?:技术|技巧|疗法)",
        )
    )
    + ")",
    re.IGNORECASE,
)
_JUST_SAY_IT: dict[Lang, str] = {
    "en": "it announces what it is about to do; just say it",
    "zh": "一开口就先宣布了要用什么方法，直接说就好",
}


def unannounced_in(lang: Lang) -> Check:
    """The wish that a message does not announce its technique ("Using the technique of ...") before using it."""

    def unannounced(said: Draft | str) -> str | None:
        text = tidy(said if isinstance(said, str) else said.utterance)
        return _JUST_SAY_IT[lang] if _ANNOUNCING.search(text) else None

    return unannounced
