"""A data augmentation pipeline: (x, y, m) of a question board becomes a session. arXiv 2406.08718.

Step 1, information extraction: c from the client's question, t from the therapist's answers. Step 2, multi-turn
counseling generation from a prompt of four blocks. x client utterance, y therapist response, m disorder, k exchanges.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from psyloom.agents import Ask, Range, ScriptRules, Sight, Talk, TurnsCheck, Writer, write_script
from psyloom.agents.together import gather
from psyloom.errors import AnswerRejected, UsageError
from psyloom.knowledge import OneOf, label_set
from psyloom.records import Answer, Case, Dialogue, Lang, Session, Turn
from psyloom.systems.posts import question_of
from psyloom.systems.psyaug.board import (
    Board,
    answers_of,
    best_answer,
    examples_for,
    traces_of,
    unsigned,
    without_identity,
)
from psyloom.systems.psyaug.information import (
    ClientInfo,
    Coverage,
    TherapistInfo,
    edited,
    extracted_of,
    nameless,
    placed,
    quoted,
)

TOPICS = label_set("counselchat_topic")
DISORDERS = ("depression", "anxiety", "anger_management", "trauma")
ABOUT_THERAPY = ("professional_ethics", "legal_regulatory", "counseling_fundamentals", "diagnosis")
BLOCKS = ("description", "condition", "information", "answer")
WORDS: dict[str, dict[Lang, str]] = {
    "said": {"en": "message {} tells who the therapist is: {!r}", "zh": "第 {} 条透露了咨询师的身份：“{}”"},
    "share": {
        "en": "the therapist has {} % of the words; it should be {} to {} %",
        "zh": "咨询师的话占 {}%，应在 {}% 到 {}% 之间",
    },
}


class PsyAug(Writer):
    """Two steps: two calls a session and one for each therapist; a judge of the session is one call more."""

    sight: ClassVar[Sight] = {
        "client_extractor": {"post.title", "post.text", "post.topic"},
        "therapist_extractor": {"post.answers.text", "post.answers.about_author"},
        "script_writer": {"post.title", "post.text", "post.topic", "post.answers.text"},
        "coverage_judge": {"post.title", "post.text", "post.answers.text"},
    }
    needs: ClassVar[frozenset[str]] = frozenset({"post.text", "post.topic", "post.answers"})

    topics: tuple[Annotated[str, OneOf(TOPICS)], ...] = Field(DISORDERS, description="topics of CounselChat to use")
    every_topic: bool = Field(False, description="all topics but the four about therapy itself")
    other_topics: bool = Field(
        False, description="use posts with topics of another board as well, as they are; false: an error"
    )
    board: Path | None = Field(
        None, description="JSON Lines file of cases: a therapist is learned from up to 5 answers there; without one, from the answer at hand"
    )  # fmt: skip
    examples: Path | None = Field(
        None, description="few-shot: JSON Lines file of this system's dialogues; those of the same topic by another therapist to another question are shown; without one, zero-shot"
    )  # fmt: skip
    shots: int = Field(2, ge=1, description="most example sessions in few-shot mode")
    steps: Literal["both", "extraction"] = Field(
        "both",
        description="extraction: stop after step 1; its results stand in the dialogues' notes, where they can be edited",
    )
    extracted: Path | None = Field(
        None, description="folder or file of dialogues of such a run: what stands in their notes, edited or not, is used instead of step 1"
    )  # fmt: skip
    exchanges: Range = Field((6, 10), description="k: fewest and most exchanges asked for")
    accepted: Range = Field((5, 12), description="fewest and most exchanges of a session that is kept")
    talk_share: tuple[float, float] = Field((0.4, 0.7), description="share of the words that should be the therapist's")
    blocks: dict[Literal["description", "condition", "information", "answer"], str] = Field(
        {}, description="own words for blocks of the generation prompt"
    )
    judge: bool = Field(
        True,
        description="one call more: look for y's advice and for contradictions in the session; false: two calls only",
    )
    coverage: float = Field(0.8, ge=0, le=1, description="share of y's advice that the judge must find")
    regenerations: int = Field(2, ge=0, description="new sessions after the judge's objections, before the case fails")
    salt: str = Field("", description="secret that goes into the therapist's key")
    strict: bool = Field(True, description="ask again for a script that breaks a rule; false keeps and flags it")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        assert case.post is not None
        m = self._disorder(case, ask)
        y = best_answer(case.post, ask.lang)
        board = Board.of(self.board)
        therapist = self._key(board.key(y) or f"{case.id}/{case.post.answers.index(y)}")
        shown = examples_for(self.examples, m, therapist, case, ask) if self.examples and self.steps == "both" else []
        case.post = case.post.model_copy(update={"answers": [without_identity(y)]})
        given = case.extra | (extracted_of(self.extracted, case.id) if self.extracted else {})
        t, c = await gather(self._therapist(case, y, board, therapist, given, ask), self._client(case, m, given, ask))
        known: dict[str, Any] = {"question": question_of(case), "therapist": therapist, "disorder": m}
        known |= {"client_info": c.model_dump(), "therapist_info": t.model_dump()}
        if self.steps == "extraction":
            return ask.dialogue([], **known)
        examples = shown[: self.shots]
        turns = await self._session(y, ask, m=m, c=c, t=t, examples=[Talk(example) for example in examples])
        mode = "few-shot" if examples else "zero-shot"
        return ask.dialogue(turns, **known, mode=mode, examples=[example.id for example in examples])

    def _disorder(self, case: Case, ask: Ask) -> str:
        """m: the name of the topic. Raises: UsageError for a topic that is unknown or not chosen."""
        given = str(case.get("post.topic"))
        if (term := TOPICS.find(given)) is None:
            if self.other_topics:
                return given
            raise UsageError(
                f"case {case.id!r} has the topic {given!r}, which is none of the {len(TOPICS)} of CounselChat:"
                f" {', '.join(term.en for term in TOPICS.terms)}",
                do="correct it, or use --set other_topics=true for topics of another board",
            )
        chosen = tuple(id_ for id_ in TOPICS.ids if id_ not in ABOUT_THERAPY) if self.every_topic else self.topics
        if term.id not in chosen:
            raise UsageError(
                f"case {case.id!r} is about {term.en}, which is not among {', '.join(chosen)}",
                do="choose other topics, e.g. --set 'topics=[\"marriage\"]', or --set every_topic=true",
            )
        ask.desk.dialogue.labels.append(TOPICS.label(term.id))
        return term.name(ask.lang)

    def _key(self, who: str) -> str:
        """The therapist as records call them: not to be traced back without the salt."""
        return blake2b(f"{self.salt}/{who}".encode(), digest_size=8).hexdigest()

    async def _client(self, case: Case, m: str, given: Mapping[str, Any], ask: Ask) -> ClientInfo:
        """c, or what was edited by hand: ``client_info`` of the extraction, or in the case's extra."""
        if "client_info" in given:
            return edited(ClientInfo, given["client_info"], case)
        return await ask("client", ClientInfo, check=quoted(case, ask.lang), disorder=m)

    async def _therapist(
        self, case: Case, y: Answer, board: Board, therapist: str, given: Mapping[str, Any], ask: Ask
    ) -> TherapistInfo:
        """t, once for each therapist, or what was edited by hand: ``therapist_info``, as c."""
        if "therapist_info" in given:
            return edited(TherapistInfo, given["therapist_info"], case)
        answers = answers_of(board, y)
        return await ask.once(
            therapist, "therapist", TherapistInfo, check=nameless(y, ask.lang),
            answers=[without_identity(answer).text for answer in answers], about=unsigned(y, y.about_author or ""),
        )  # fmt: skip

    async def _session(self, y: Answer, ask: Ask, **slots: Any) -> list[Turn]:
        """Step 2, again with the judge's objections as long as it has some.

        Raises: AnswerRejected when objections remain.
        """
        blocks = dict.fromkeys(BLOCKS, "") | {str(name): words for name, words in self.blocks.items()}
        objections: list[str] = []
        for _ in range(1 + self.regenerations):
            turns = await write_script(
                ask, "session", self._rules(y, ask.lang), strict=self.strict, blocks=blocks, answer=without_identity(y).text,
                fewest=self.exchanges[0], most=self.exchanges[1], objections=objections, **slots,
            )  # fmt: skip
            ask.desk.dialogue.quality.measures["talk_share"] = share_of_counselor(turns, ask.lang)
            if not (objections := await self._objections(turns, y, ask, slots["c"])):
                return turns
        raise AnswerRejected(
            f"psyaug: the judge still objects after {self.regenerations} new sessions: {'; '.join(objections)}",
            do="see the trace; lower --set coverage=, or try a stronger model",
        )

    async def _objections(self, turns: list[Turn], y: Answer, ask: Ask, c: ClientInfo) -> list[str]:
        if not self.judge:
            return []
        session = Talk(Dialogue(id="session", lang=ask.lang, sessions=[Session(turns=turns)]))
        found = await ask(
            "coverage", Coverage, check=placed(turns, ask.lang), session=session, answer=without_identity(y).text, c=c
        )
        ask.desk.dialogue.quality.measures["coverage"] = found.share
        missing = [one.item for one in found.advice if one.message is None] if found.share < self.coverage else []
        return missing + found.contradictions

    def _rules(self, y: Answer, lang: Lang) -> ScriptRules:
        return ScriptRules(
            messages=(2 * self.accepted[0], 2 * self.accepted[1]), first="client", last="counselor", no_lists=True,
            language=True, guarded=True, more=[anonymous(y, lang), balanced(self.talk_share, lang)],
            soft=frozenset({"talk_share"}),
        )  # fmt: skip


def anonymous(y: Answer, lang: Lang) -> TurnsCheck:
    """No message tells the therapist's name, credentials or page."""

    def identity(turns: Sequence[Turn]) -> str | None:
        found = ((at, traces_of(y, turn.text)) for at, turn in enumerate(turns, 1))
        return next((WORDS["said"][lang].format(at, trace) for at, trace in found if trace), None)

    return identity


def balanced(bounds: tuple[float, float], lang: Lang) -> TurnsCheck:
    """The therapist's share of the words lies in ``bounds``."""

    def talk_share(turns: Sequence[Turn]) -> str | None:
        share = share_of_counselor(turns, lang)
        good = bounds[0] <= share <= bounds[1]
        return None if good else WORDS["share"][lang].format(*(round(100 * part) for part in (share, *bounds)))

    return talk_share


def share_of_counselor(turns: Sequence[Turn], lang: Lang) -> float:
    """The counselor's part of all words (en) or characters (zh): 0-1."""
    sizes = [(turn.speaker, len(turn.text if lang == "zh" else turn.text.split())) for turn in turns]
    return sum(size for who, size in sizes if who == "counselor") / max(1, sum(size for _, size in sizes))
