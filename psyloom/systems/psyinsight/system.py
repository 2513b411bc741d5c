"""Psy-Insight: labels and explanations of every turn and of the session as a whole. arXiv 2503.03607.

The order of the released pipeline: 1 corrections of misread characters (an option), 2 explanations, drawn from an expert's commentary where there is one, 3 the gaps in
windows of five turns, 5 labels of the session, 6 labels of the turns, 4 links between sessions (which need the school).
Explanations are labels of the set ``psyinsight_explanation`` whose reason is the text; each says on which words it
rests and whether the commentary said it ("source") or it was inferred.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from pydantic import Field

from psyloom.agents import Annotator, Ask, Sight
from psyloom.agents.annotating import Explanation, explained, label_whole, strictly
from psyloom.agents.grounds import Grounds
from psyloom.agents.guards import fold
from psyloom.agents.together import gather
from psyloom.knowledge import LabelSet, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Dialogue, Label, Session, Turn
from psyloom.systems.psyinsight.explain import (
    EXPLANATIONS,
    Commentary,
    complete,
    explain,
    explanation,
    length_fault,
    rows,
    written,
)
from psyloom.systems.psyinsight.ocr import propose

STRATEGIES, EMOTIONS, TOPICS, THERAPIES = (
    label_set(f"psyinsight_{name}") for name in ("strategy", "emotion", "topic", "psychotherapy")
)
FIRST, STRATEGY_BEFORE, LINK = 10, 4, 4  # turns by which a session, a strategy and a link are judged
_SECTION = re.compile(
    r"^(?:chapter|example|case study|case|part)\b[\s\d.:]*|^(?:第.{1,4}[章节]|案例|示例|例)[\s\d.:：、]*", re.IGNORECASE
)


class Linked(Explanation):
    """Do two sessions belong together?"""

    result: bool

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return super().rehearse(actor) | {"result": actor.rng.random() < 0.5}


class PsyInsightAnnotator(Annotator):
    """Explains each turn and the session, then labels strategy, emotion, school, topic, and what belongs together."""

    sight: ClassVar[Sight] = {"annotator": frozenset()}

    window: int = Field(5, ge=1, description="turns of a window in which missing explanations are completed")
    most: int = Field(4, ge=1, description="labels a turn may have; more were an echo of the list in the released data")
    ocr: bool = Field(
        False, description="first propose corrections of misread characters, with reasons; the texts themselves stay"
    )
    emotion_context: int = Field(
        0, ge=0, description="turns before an utterance that are shown with it; the paper shows the utterance alone"
    )

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """Adds labels to turns and sessions; what the source says of school and theme is not asked again."""
        sessions = [session for session in dialogue.sessions if session.turns]
        if self.ocr:  # 1
            corrected = await gather(*(propose(session.turns, ask) for session in sessions))
            dialogue.quality.measures[f"{ask.by}_corrected"] = sum(corrected)
        await gather(*(self._session(session, Commentary.of(dialogue, session), ask) for session in sessions))
        for before, session in pairwise(sessions):
            session.labels = [*session.labels, *await self._links(before, session, ask)]
        return dialogue

    async def _session(self, session: Session, commentary: Commentary, ask: Ask) -> None:
        turns = session.turns
        told = await explain(turns, commentary, ask)  # 2
        await complete(turns, commentary, self.window, ask)  # 3
        of_session, of_turns = await gather(  # 5 and 6
            self._of_session(session, commentary, told["background"], ask),
            gather(*(self._of_turn(turns, at, ask) for at in range(len(turns)))),
        )
        session.labels = [*session.labels, *told.values(), *of_session]
        for turn, labels in zip(turns, of_turns, strict=True):
            turn.labels = [*turn.labels, *labels]

    # 5. Labels of the session

    async def _of_session(self, session: Session, commentary: Commentary, background: Label, ask: Ask) -> list[Label]:
        """School, theme, guide; then the topic, which reads the theme."""
        before, after, first = commentary.before, commentary.after, session.turns[:FIRST]
        therapy, theme, guide = await gather(
            self._therapy(session, commentary, ask),
            self._theme(session.turns, commentary.heading, ask),
            written(
                "guide", session.turns, commentary.texts, ask, background=background.reason, before=before, after=after
            ),
        )
        topic = await label_whole(ask, "topic", TOPICS, first, rows=rows(first), theme=theme.reason)
        return [theme, guide, *therapy, *topic]

    @staticmethod
    async def _therapy(session: Session, commentary: Commentary, ask: Ask) -> list[Label]:
        if known(session, THERAPIES):
            return []
        first = session.turns[:FIRST]
        return await label_whole(
            ask, "therapy", THERAPIES, first, reasoned=True, source=commentary.texts, rows=rows(first),
            before=commentary.before, after=commentary.after,
        )  # fmt: skip

    @staticmethod
    async def _theme(turns: Sequence[Turn], given: str, ask: Ask) -> Label:
        """The source's heading where it is one; else a heading is asked for."""
        heading = _SECTION.sub("", given.strip().lower()).strip()
        a_school = heading.endswith(" therapy")
        if heading and len(heading) <= 50 and not a_school and not length_fault("theme", heading, ask.lang):
            return EXPLANATIONS.label("theme", by=ask.by, reason=heading, evidence=given, origin="source")
        return await written("theme", turns, (given,), ask, heading=given)

    # 6. Labels of the turns

    async def _of_turn(self, turns: Sequence[Turn], at: int, ask: Ask) -> list[Label]:
        """A therapist's turn has strategies, a client's has emotions; one without a word has nothing to label."""
        if not fold(turns[at].text):
            return []
        if turns[at].speaker == "client":
            prompt, labels, before = "emotion", EMOTIONS, self.emotion_context
        else:
            prompt, labels, before = "strategy", STRATEGIES, STRATEGY_BEFORE
        start = max(0, at - before)
        shown = turns[start : at + 1]
        motives = {n: explanation(turn, ask.by) for n, turn in enumerate(shown, 1) if turn.speaker == "counselor"}
        notes = motives if prompt == "strategy" else None
        return await label_whole(ask, prompt, labels, shown, most=self.most, rows=rows(shown, notes, first=start + 1))

    # 4. Links

    async def _links(self, before: Session, session: Session, ask: Ask) -> list[Label]:
        """Asked only between sessions of one school; one exchange only between different speakers."""
        if school(before, ask.by) != school(session, ask.by):
            return []
        last, first = before.turns[-LINK:], session.turns[:LINK]
        asked = [("same_session", last, first)]
        if last[-1].speaker != first[0].speaker:
            asked.append(("same_qa", last[-1:], first[:1]))
        found = await gather(*(self._linked(*one, ask) for one in asked))
        return [label for label in found if label]

    @staticmethod
    async def _linked(kind: str, last: Sequence[Turn], first: Sequence[Turn], ask: Ask) -> Label | None:
        shown = [*last, *first]
        grounds = Grounds.of(shown)

        def wrong(answer: Linked) -> str | None:
            return grounds.fault(answer.evidence, ask.lang)

        answer = await strictly(ask, shown)(kind, Linked, check=wrong, rows=rows(shown), first=len(last) + 1)
        return explained(ask, EXPLANATIONS, kind, answer, grounds) if answer.result else None


def known(session: Session, labels: LabelSet, by: str | None = None) -> str | None:
    """The id of a session's label that is not "unknown"; without ``by`` only what the source says counts."""
    given = (labels[one.id].id for one in session.labels if one.set == labels.id and one.by == by and one.id in labels)
    return next((id_ for id_ in given if id_ != "unknown"), None)


def school(session: Session, by: str | None = None) -> str:
    """The school of therapy: the source's word first, else this annotator's; "unknown" when neither tells."""
    return known(session, THERAPIES) or known(session, THERAPIES, by) or "unknown"
