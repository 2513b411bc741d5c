"""The cleaning stage: what a conversation would be rewritten or dropped for, marked where it stands.

Rules find contact data, the words that sent a sample to review, and broken form; a model reads for the rest. Nothing is
changed or removed here: `psyloom analyze labels` counts the marks of each rule, `psyloom export --without` leaves out.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from psyloom.agents import Annotator, Ask, Sight
from psyloom.agents.annotating import Text, strictly, talk_of
from psyloom.agents.grounds import Grounds
from psyloom.agents.guards import fold
from psyloom.knowledge import OneOf, label_set
from psyloom.records import Dialogue, Lang, Speaker, Turn
from psyloom.safety.private import private

RULES = label_set("soulchat_review")
READ = RULES.only(("privacy", "harm", "politics", "low_quality"))
KEYWORDS: dict[Lang, tuple[str, ...]] = {"zh": ("我是", "自杀", "跳楼"), "en": ("my name is", "suicide", "jump off")}
_ADVICE = re.compile(r"(?:^|[\s：:；;，,。.])(?:\d{1,2}[.、)）．]|第[一二三四五六七八九]|[（(]\d{1,2}[)）])")
FAULTS: dict[str, dict[Lang, str]] = {
    "form": {"en": "the client must begin, the counselor close, both take turns", "zh": "应由用户开头、咨询师收尾，双方轮流说"},
    "short": {"en": "only {} exchanges", "zh": "只有 {} 个来回"},
    "repeated": {"en": "said before, word for word", "zh": "与前面某句一字不差"},
    "list": {"en": "a list of {} pieces of advice", "zh": "一口气列了 {} 条建议"},
    "form_of": {"en": "has the form of: {}", "zh": "形似：{}"},
    "word": {"en": "the word {}", "zh": "出现“{}”"},
}  # fmt: skip


class Found(BaseModel):
    """One thing that a reader objects to."""

    rule: Annotated[str, OneOf(READ)]
    quote: Text
    reason: Text


class Findings(BaseModel):
    """What a reader objects to; an unobjectionable conversation has none."""

    findings: list[Found] = Field(max_length=20)

    @classmethod
    def rehearse(cls, actor: Any) -> dict[str, Any]:
        return {"findings": []}


class SoulChatReview(Annotator):
    """Marks what the authors' rules and proofreaders looked for: one call a dialogue."""

    sight: ClassVar[Sight] = {"reviewer": frozenset()}

    read: bool = Field(True, description="let a model read for privacy, harm, politics and quality; false: rules only")
    keywords: tuple[str, ...] = Field(
        (), description="words that are marked; empty: 我是, 自杀, 跳楼, or their English likes"
    )
    fewest: int = Field(4, ge=0, description="fewer exchanges are low quality")
    advice: int = Field(3, ge=1, description="more pieces of advice in one numbered list are low quality")

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        self._mark_form(dialogue, ask)
        for turn in dialogue.turns:
            self._mark_words(turn, ask)
        if self.read and dialogue.turns:
            await self._mark_read(dialogue, ask)
        return dialogue

    def _mark_form(self, dialogue: Dialogue, ask: Ask) -> None:
        """Low quality of the whole: order, length, repetition, lists (DEFAULT)."""
        for what, *values in self._faults(dialogue):
            reason = FAULTS[what][ask.lang].format(*values)
            dialogue.labels.append(RULES.label("low_quality", by=ask.by, reason=reason))

    def _faults(self, dialogue: Dialogue) -> Iterator[tuple[Any, ...]]:
        turns = dialogue.turns
        order: list[Speaker] = [turn.speaker for turn in turns]
        if not order or order[0] != "client" or order[-1] != "counselor" or any(a == b for a, b in pairwise(order)):
            yield ("form",)
        if (exchanges := sum(session.exchanges() for session in dialogue.sessions)) < self.fewest:
            yield "short", exchanges
        said = Counter(text for turn in turns if len(text := fold(turn.text)) > 8)
        if any(times > 1 for times in said.values()):
            yield ("repeated",)
        listed = max((len(_ADVICE.findall(turn.text)) for turn in turns if turn.speaker == "counselor"), default=0)
        if listed > self.advice:
            yield "list", listed

    def _mark_words(self, turn: Turn, ask: Ask) -> None:
        """Contact data and the words to be looked at, with their place."""
        for kind, start, end in private(turn.text):
            self._mark(turn, "privacy", (start, end), ask, FAULTS["form_of"][ask.lang].format(kind))
        for word in self.keywords or KEYWORDS[ask.lang]:
            for found in re.finditer(re.escape(word), turn.text, re.IGNORECASE):
                self._mark(turn, "keyword", found.span(), ask, FAULTS["word"][ask.lang].format(word))

    async def _mark_read(self, dialogue: Dialogue, ask: Ask) -> None:
        """What the model objects to; its quotes must stand in the conversation."""
        grounds = Grounds.of(dialogue.turns)

        def quoted(answer: Findings) -> str | None:
            return next((wrong for one in answer.findings if (wrong := grounds.fault(one.quote, ask.lang))), None)

        talk = talk_of(dialogue.turns, ask.lang)
        answer = await strictly(ask, dialogue.turns)("review", Findings, check=quoted, talk=talk, kinds=READ)
        for one in answer.findings:
            place = next(((turn, turn.text.find(one.quote)) for turn in dialogue.turns if one.quote in turn.text), None)
            if place is None:  # the quote leaves something out, or joins two messages
                dialogue.labels.append(RULES.label(one.rule, by=ask.by, reason=one.reason, evidence=one.quote))
            else:
                self._mark(place[0], one.rule, (place[1], place[1] + len(one.quote)), ask, one.reason)

    def _mark(self, turn: Turn, rule: str, span: tuple[int, int], ask: Ask, reason: str) -> None:
        words = turn.text[slice(*span)]
        turn.labels.append(RULES.label(rule, span=span, by=ask.by, reason=reason, evidence=words))
