"""Step 1 of Psy-Insight, as far as it needs a model: characters that were misread when a book was scanned."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from pydantic import BaseModel, Field

from psyloom.agents import Ask
from psyloom.agents.annotating import Text, beside, once_each, own, strictly
from psyloom.agents.together import gather
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Lang, Turn
from psyloom.systems.psyinsight.explain import WORDS as AT
from psyloom.systems.psyinsight.explain import rows

CORRECTED = "psyinsight_ocr"  # annotator -> {text, reason}, in a turn's extra
PIECE = 10  # turns that are read together
FEW, SHARE = 2, 0.2  # characters, and share of a text, that may change; beyond both, the sentence was rebuilt
WORDS: dict[str, dict[Lang, str]] = {
    "why": {"en": "it was changed without a reason", "zh": "改动了，却没有写理由"},
    "rebuilt": {
        "en": "only misread characters and punctuation may change, the sentence may not",
        "zh": "只能改认错的字和标点，不能改写句子",
    },
}


class Corrected(BaseModel):
    """One turn as it should read, and what was changed; no reason where nothing was."""

    turn: int = Field(ge=1)
    text: Text
    reason: str


class Corrections(BaseModel):
    """Some turns as they should read."""

    turns: list[Corrected]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        read = enumerate((text for _, text in actor.cue.turns), 1)
        return {"turns": [{"turn": n, "text": text, "reason": ""} for n, text in read]}


async def propose(turns: Sequence[Turn], ask: Ask) -> int:
    """Put corrections, each with its reason, beside the texts, which stay as they are. Returns how many there are."""
    for turn in turns:
        beside(turn.extra, CORRECTED, ask.by, None)
    pieces = [turns[at : at + PIECE] for at in range(0, len(turns), PIECE)]
    return sum(await gather(*(_piece(piece, ask) for piece in pieces)))


async def _piece(turns: Sequence[Turn], ask: Ask) -> int:
    def wrong(answer: Corrections) -> str | None:
        numbers = [one.turn for one in answer.turns]
        counted = once_each(numbers, range(1, len(turns) + 1), ask.lang)
        return counted or next((fault for one in answer.turns if (fault := _fault(one, turns, ask.lang))), None)

    answer = await strictly(ask, turns)("ocr", Corrections, check=wrong, rows=rows(turns))
    changed = [one for one in answer.turns if one.text != turns[one.turn - 1].text.strip()]
    for one in changed:
        beside(turns[one.turn - 1].extra, CORRECTED, ask.by, {"text": one.text, "reason": one.reason})
    return len(changed)


def said(turn: Turn, by: str | None = None) -> str:
    """What a turn says, as ``by`` (whoever stands first when not given) corrected it."""
    found = own(turn.extra, CORRECTED, by)
    return str(found["text"]) if isinstance(found, dict) else turn.text


def _fault(one: Corrected, turns: Sequence[Turn], lang: Lang) -> str | None:
    before = turns[one.turn - 1].text.strip()
    if one.text == before:
        return None
    same = sum(block.size for block in SequenceMatcher(None, before, one.text, autojunk=False).get_matching_blocks())
    rebuilt = max(len(before), len(one.text)) - same > max(FEW, SHARE * len(before))
    fault = WORDS["why"] if not one.reason.strip() else WORDS["rebuilt"] if rebuilt else None
    return AT["at"][lang].format(one.turn, fault[lang]) if fault else None
