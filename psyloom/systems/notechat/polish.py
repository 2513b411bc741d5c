"""NoteChat's polish: the role-play becomes natural talk, and no concept of the note may get lost on the way."""

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Talk
from psyloom.knowledge.lexicon import Concept
from psyloom.records import Lang, Turn
from psyloom.systems.notechat.concepts import coverage, only_clinicians_say

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

ONE_SIDED: dict[Lang, str] = {"zh": "双方都要说话", "en": "both sides have to speak"}


class PolishedLine(BaseModel):
    """A message, or a stage direction such as "after the examination"."""

    speaker: Literal["counselor", "client", "direction"]
    text: str = Field(min_length=1)


class Polished(BaseModel):
    """A whole talk with its stage directions."""

    lines: list[PolishedLine]

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        turns = [*(actor.cue.turns or [("counselor", actor.stock["counselor"]["open"][0])])]
        if len({who for who, _ in turns}) == 1:  # nobody has played it
            turns += [("client", word) for word in actor.words]
        return {"lines": [{"speaker": who, "text": text} for who, text in turns]}


def said_again(told: Polished) -> list[Turn]:
    """The messages as turns; a stage direction goes to the message it comes after, one at the very start to the first."""
    turns: list[Turn] = []
    waiting: list[str] = []
    for line in told.lines:
        if line.speaker != "direction":
            turns.append(Turn(speaker=line.speaker, text=line.text, extra={"before": [*waiting]} if waiting else {}))
            waiting = []
        elif turns:
            earlier = turns[-1].extra.get("directions", [])
            turns[-1].extra["directions"] = [*(earlier if isinstance(earlier, list) else []), line.text]
        else:
            waiting.append(line.text)
    return turns


async def polish(
    ask: Ask, talk: Talk, concepts: Sequence[Concept], messages: tuple[int, int], tries: int
) -> list[Turn]:
    """Have the role-play rewritten, up to ``tries`` times or until nothing is wrong; the best version is kept.

    A version that covers less than the role-play is no better than it: then the role-play itself stays, and is counted.
    Of versions that miss as many, that one is kept whose patient says least of what is the clinician's to say.
    Source: best-of logic of the released code, which runs it once.
    """

    def both_speak(told: Polished) -> str | None:
        sides = {line.speaker for line in told.lines} - {"direction"}
        return None if len(sides) == 2 else ONE_SIDED[ask.lang]

    best = rough = talk.turns
    least: tuple[float, float] = (len(coverage(concepts, (t.text for t in rough), ask.lang).missing), inf)
    lost, slips = list[str](), list[str]()
    for _ in range(tries):
        told = await ask.as_(ask.role, talk)(
            "polish",
            Polished,
            check=both_speak,
            talk=talk,
            keywords=[c.text for c in concepts],
            messages=messages,
            lost=lost,
            slips=slips,
        )
        turns = said_again(told)
        lost = coverage(concepts, (turn.text for turn in turns), ask.lang).missing
        slips = [w for turn in turns if turn.speaker == "client" for w in only_clinicians_say(turn.text, ask.lang)]
        if (len(lost), len(slips)) < least:
            best, least = turns, (len(lost), len(slips))
        if not lost and not slips:
            break
    if best is rough or least[1]:
        counts = ask.desk.dialogue.quality.kept
        named = "polish_lost_concepts" if best is rough else "polish_patients_part"
        counts[named] = counts.get(named, 0) + 1
    return best
