"""DiaCBT: six sessions of cognitive behavioral therapy with one client, guided by a diagram of the client. arXiv 2509.02999.

For each session s = 1..6 and each block b = 1..B_s a model re-creates five exchanges for this client: the strategies of
the counselor's turns are given by an annotated treatment, every fact comes from the diagram. What is carried from
session to session is a record of what was said.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import BaseModel, Field, JsonValue, create_model, model_validator

from psyloom.agents import Ask, Check, Pairing, Sight, Talk, Writer
from psyloom.agents.course import Text
from psyloom.agents.dials import Dialled
from psyloom.agents.guards import fold
from psyloom.knowledge.plans import spread
from psyloom.records import (
    Case,
    Cognition,
    CoreBeliefs,
    Demographics,
    Dialogue,
    Lang,
    Situation,
    Speaker,
    Turn,
)
from psyloom.systems.diacbt.record import PLAN, STRATEGIES, Strategies, keep_record
from psyloom.systems.diacbt.rehearsed import client_line, closing_line, counselor_line
from psyloom.systems.diacbt.talkers import DiaCbtClient, DiaCbtCounselor
from psyloom.systems.diacbt.treatment import Segment, TreatmentFile, invented, treatment
from psyloom.systems.patient_psi.system import without_jargon

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

__all__ = ["DiaCbt", "DiaCbtClient", "DiaCbtCounselor"]

BLOCK, TAIL = 5, 10  # exchanges of a block; messages of the session that the next block reads
LIKE = 0.9  # the released cases are 0.92 to 0.97 like one another
WORDS: dict[str, dict[Lang, str]] = {
    "client": {"en": "exchange {}, client: {}", "zh": "第 {} 个来回，client：{}"},
    "plan": {
        "en": "exchange {}: the strategies must be {}",
        "zh": "第 {} 个来回：strategies 应当是{}",
    },
    "said": {"en": "this was said before in the session: {!r}", "zh": "这句话在这次咨询里已经说过：“{}”"},
    "copied": {"en": "this is copied from an example: {!r}", "zh": "这句话是照抄例子的：“{}”"},
}


class Exchange(BaseModel):
    """The counselor's message with its strategies, and the client's."""

    strategies: Strategies
    counselor: Text
    client: Text


class Block(BaseModel):
    """Some exchanges that re-create a segment for this client."""

    session: ClassVar[int] = 1
    plan: ClassVar[tuple[tuple[str, ...], ...]] = ()
    last: ClassVar[bool] = False
    exchanges: list[Exchange]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        turns: list[tuple[Speaker, str]] = list(actor.cue.turns)
        exchanges = []
        for at, strategies in enumerate(cls.plan, 1):
            ends = cls.last and at == len(cls.plan)
            said = closing_line(actor) if ends else counselor_line(actor, strategies, turns)
            answer = client_line(actor, [*turns, ("counselor", said)], cls.session)
            turns += [("counselor", said), ("client", answer)]
            exchanges.append({"strategies": list(strategies), "counselor": said, "client": answer})
        return {"exchanges": exchanges}


@cache
def block_type(session: int, plan: tuple[tuple[str, ...], ...], last: bool) -> type[Block]:
    """A block with as many exchanges as the plan has; to a model all of one size are the same type."""
    return create_model(
        "Block", __base__=Block, session=(ClassVar[int], session), plan=(ClassVar[tuple[tuple[str, ...], ...]], plan),
        last=(ClassVar[bool], last), exchanges=(list[Exchange], Field(min_length=len(plan), max_length=len(plan))),
    )  # fmt: skip


class Diagram(BaseModel):
    """The ten fields of a client's diagram, as the conceptualizer writes them."""

    name: Text
    history: Text
    core_beliefs: list[Text] = Field(min_length=1)
    intermediate_beliefs: list[Text] = Field(min_length=1)
    intermediate_beliefs_during_depression: list[Text]
    coping_strategies: list[Text] = Field(min_length=1)
    situation: Text
    automatic_thoughts: list[Text] = Field(min_length=1)
    emotions: list[Text] = Field(min_length=1)
    behaviors: Text

    def cognition(self) -> Cognition:
        """The diagram as a facet of the case."""
        situation = Situation(
            situation=self.situation, automatic_thoughts=self.automatic_thoughts, emotions=self.emotions,
            behaviors=[self.behaviors],
        )  # fmt: skip
        return Cognition(
            history=self.history, core_beliefs=CoreBeliefs(other=self.core_beliefs),
            intermediate_beliefs=self.intermediate_beliefs,
            intermediate_beliefs_during_depression=self.intermediate_beliefs_during_depression,
            coping_strategies=self.coping_strategies, situations=[situation],
        )  # fmt: skip


# The writer


class DiaCbt(Writer):
    """Six sessions of one case, written block by block; or its counselor and its client talk for six sessions."""

    sight: ClassVar[Sight] = {
        "conceptualizer": {"demographics", "thought.thought", "thought.scene", "thought.persona", "scenario.situation"},
        "block_writer": {"demographics", "cognition"},
        **DiaCbtCounselor.sight,
        **DiaCbtClient.sight,
    }

    how: Literal["blocks", "talk"] = Field(
        "blocks",
        description="blocks: as the corpus was made; talk: the system's counselor and client talk turn by turn",
    )
    sessions: int = Field(6, ge=1, le=6, description="sessions of the treatment, from the first")
    share: float = Field(
        1.0, gt=0, le=1, description="blocks: share of the plan's exchanges that is written, evenly spread"
    )
    exemplar: TreatmentFile | None = Field(
        None,
        description="blocks: JSON Lines file whose first dialogue is a treatment labelled with these strategies; its labels "
        "are the plan and its exchanges the examples. none: the bundled plan, with one invented exchange a strategy",
    )
    filter: bool = Field(
        True,
        description="keep apart, with the reason, a treatment with a session less than 0.9 like its plan or one that comes "
        "back to nothing that the session before agreed on or left open",
    )
    max_exchanges: int = Field(30, ge=1, description="talk: most exchanges of a session")
    samples: int = Field(0, ge=0, description="talk: answers of the grader after each exchange; 0: nobody grades")
    dials: Dialled = None

    @model_validator(mode="after")
    def _somebody_plays_the_client(self) -> Self:
        if self.dials and self.how != "talk":
            raise ValueError("dials are for a client that talks: how=talk")
        return self

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        if case.cognition is None:
            await self._conceptualize(case, ask)
        dialogue = await (self._talk(case, ask) if self.how == "talk" else self._blocks(ask))
        dialogue.quality.apart = unfit(dialogue) if self.filter else None
        return dialogue

    async def _conceptualize(self, case: Case, ask: Ask) -> None:
        """A ready diagram stays as it is; without one it is written from a scenario."""
        diagram = await ask("ccd", Diagram)
        case.cognition = diagram.cognition()
        person = case.demographics or Demographics()
        case.demographics = person.model_copy(update={"name": person.name or diagram.name})
        case.derived.append("cognition")

    async def _blocks(self, ask: Ask) -> Dialogue:
        talk = Talk(ask.desk.dialogue)
        for number, planned in enumerate(treatment(self.exemplar)[: self.sessions], 1):
            if number > 1:
                talk.begin_session()
            segments = spread(planned, max(1, round(self.share * len(planned))))
            await self._session(talk, ask, number, segments)
            await keep_record(talk, ask)
        return talk.dialogue

    async def _session(self, talk: Talk, ask: Ask, number: int, segments: list[Segment]) -> None:
        """One session: as many blocks as the annotated one has, each continuing the one before."""
        stage, strange = PLAN.stages[number - 1], list[JsonValue]()
        for start in range(0, len(segments), BLOCK):
            segment = segments[start : start + BLOCK]
            left = len(segments) - start - len(segment)
            block = await ask.as_(self, talk)(
                "block", block_type(number, tuple(one.strategies for one in segment), left == 0), check=self._client_plain(ask.lang),
                prefer=self._as_planned(segment, talk, ask.lang), talk=talk, tail=TAIL, stage=stage, number=number,
                earlier=ask.desk.case.course, strategies=STRATEGIES, invented=None if self.exemplar else invented(),
                segment=segment, plan=[STRATEGIES.some(one.strategies) for one in segment], size=len(segment),
                left=left,
            )  # fmt: skip
            strange += [start + n for n, (one, made) in enumerate(zip(segment, block.exchanges, strict=True), 1)
                        if set(one.strategies) != set(made.strategies)]  # fmt: skip
            for one in block.exchanges:
                talk.add(Turn.counselor(one.counselor, [STRATEGIES.label(s) for s in dict.fromkeys(one.strategies)]))
                talk.add(Turn.client(one.client))
        talk.session.notes |= {"session": stage.id, "plan_similarity": similarity(segments, talk.turns)}
        if strange:
            talk.session.notes["off_plan"] = strange

    @staticmethod
    def _client_plain(lang: Lang) -> Check:
        names = without_jargon(lang)

        def names_the_diagram(block: Block) -> str | None:
            wrong = ((at, names(one.client)) for at, one in enumerate(block.exchanges, 1))
            return next((WORDS["client"][lang].format(at, words) for at, words in wrong if words), None)

        return names_the_diagram

    @staticmethod
    def _as_planned(segment: Sequence[Segment], talk: Talk, lang: Lang) -> Check:
        """The wish for the plan's strategies in the plan's order, nothing said twice, and no line of an example."""
        said = {fold(turn.text) for turn in talk.turns}
        examples = {fold(one.counselor) for one in segment} | {
            fold(side[lang]) for sides in invented().values() for side in sides.values()
        }

        def off_plan(block: Block) -> str | None:
            for at, (one, made) in enumerate(zip(segment, block.exchanges, strict=True), 1):
                if set(one.strategies) != set(made.strategies):
                    return WORDS["plan"][lang].format(at, _listed(one.strategies, lang))
                for text in (made.counselor, made.client):
                    if len(fold(text)) >= 12 and fold(text) in said | examples:
                        return WORDS["said" if fold(text) in said else "copied"][lang].format(text)
            return None

        return off_plan

    async def _talk(self, case: Case, ask: Ask) -> Dialogue:
        """Multi-session: the two meet six times; in between the counselor writes its record and the client lives."""
        counselor = DiaCbtCounselor(max_exchanges=self.max_exchanges)
        client = DiaCbtClient(first=True, mood=True, samples=self.samples)
        pairing = Pairing(counselor=counselor, client=client, sessions=self.sessions, record=True, dials=self.dials)
        return await pairing.write(case, ask)


def unfit(dialogue: Dialogue) -> str | None:
    """Why a treatment is no good as data: off its plan, or sessions that know nothing of one another."""
    for number, session in enumerate(dialogue.sessions, 1):
        like = session.notes.get("plan_similarity", 1.0)
        if isinstance(like, float) and like < LIKE:
            return f"plan: session {number} is {like:.2f} like it, under {LIKE:g}"
        before = dialogue.sessions[number - 2].notes if number > 1 else {}
        if (before.get("homework") or before.get("left_open")) and not session.notes.get("taken_up"):
            return f"continuity: session {number} comes back to nothing of session {number - 1}"
    return None


def _listed(strategies: Sequence[str], lang: Lang) -> str:
    return ("、" if lang == "zh" else ", ").join(f"“{STRATEGIES[one].name(lang)}”" for one in strategies)


def similarity(segments: Sequence[Segment], turns: Sequence[Turn]) -> float:
    """How like the planned sequence of strategies the written one is: difflib's ratio over turns, 0 to 1."""
    planned = [frozenset(one.strategies) for one in segments]
    written = [frozenset(label.id for label in turn.labels) for turn in turns if turn.speaker == "counselor"]
    return round(SequenceMatcher(None, planned, written, autojunk=False).ratio(), 4)
