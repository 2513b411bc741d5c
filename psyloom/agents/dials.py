"""Dials: how difficult any simulated client is, and what can be measured of it afterwards.

Not of any one paper: several describe clients that are too open, too agreeable and too talkative. With no dial set
a client plays as its own system has it.
"""

import re
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from psyloom.agents.guards import fold
from psyloom.agents.prompts import load_prompt
from psyloom.agents.sight import in_sight
from psyloom.agents.words import localized
from psyloom.knowledge import OneOf, label_set
from psyloom.records import Case, Lang, Speaker, Turn, sentences

REACTIONS = label_set("client_reaction")
_PROMPTS = Path(__file__).parent / "prompts"

# Facts about a client that nobody says as a sentence: whole facets, and fields by their name.
_NOT_TOLD = {"demographics", "personality", "disposition"}
_NOT_TOLD_FIELDS = {
    "distortions", "topic", "answers", "id", "author", "about_author", "type", "method", "group", "focus", "path",
    "diagnoses", "code", "system", "age", "gender", "occupation", "emotions", "hobbies",
}  # fmt: skip


def told(case: Case, seen: Set[str]) -> Iterator[str]:
    """The sentences of a case, of what lies in sight, that its client could say."""
    for path, text in case.leaves():
        facet, *fields = path.split(".")
        if in_sight(path, seen) and facet not in _NOT_TOLD and not _NOT_TOLD_FIELDS.intersection(fields):
            yield from sentences(text)


class Dials(BaseModel):
    """Settings for any client; each from 0 to 1, None: as the client's own system has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    resistance: float | None = Field(None, ge=0, le=1, description="how much the client resists")
    openness: float | None = Field(
        None, ge=0, le=1, description="share of its facts the client knows from the start; others open when asked for"
    )
    verbosity: float | None = Field(None, ge=0, le=1, description="how much the client says at a time")
    trajectory: tuple[Annotated[str, OneOf(REACTIONS)], ...] = Field(
        (), description="reactions to be shown turn by turn; the last one stays"
    )
    may_end: bool = Field(True, description="false: the client cannot end the session")

    def instruction(self, turn: int, lang: Lang) -> str:
        """What the client is told for its ``turn``-th message (from 0); empty when no dial asks for words."""
        if self.resistance is None and self.verbosity is None and not self.trajectory:
            return ""
        reaction = REACTIONS[self.trajectory[min(turn, len(self.trajectory) - 1)]] if self.trajectory else None
        slots = {"resistance": self.resistance, "verbosity": self.verbosity, "reaction": localized(reaction, lang)}
        messages = load_prompt(_PROMPTS, "dials", lang).render(slots)
        return messages[0]["content"] if messages else ""

    def veil(self, case: Case, seen: Set[str], turns: Sequence[tuple[Speaker, str]]) -> "Veil | None":
        """What the client does not remember yet; None when everything is open."""
        if self.openness is None or self.openness >= 1:
            return None
        facts = list(dict.fromkeys(told(case, seen)))
        return Veil(frozenset(facts) - unlocked(facts, self.openness, turns))


class Veil:
    """Hides the facts that were not asked for yet from a text of the case."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden

    def __call__(self, text: str) -> str:
        parts = sentences(text)
        if not self.hidden.intersection(parts):
            return text
        return ("" if re.search(r"[\u4e00-\u9fff]", text) else " ").join(p for p in parts if p not in self.hidden)


def unlocked(facts: Sequence[str], openness: float, turns: Sequence[tuple[Speaker, str]]) -> set[str]:
    """The facts open to the client: the first, its share of the rest, and what the counselor's questions opened.

    A question opens every fact it has a word in common with, or else the next one in the case's order.
    """
    count = max(1, round(openness * len(facts)))
    found = set(facts[:count])
    for who, text in turns:
        if who != "counselor" or not re.search(r"[?？]|吗|呢", text):
            continue
        locked = [fact for fact in facts if fact not in found]
        found.update([fact for fact in locked if alike(text, fact) > 0] or locked[:1])
    return found


def measures(case: Case, seen: Set[str], turns: Sequence[Turn]) -> dict[str, float]:
    """What a session shows of its client, each from 0 to 1.

    facts_told:   share of the case's facts that the client said (half of a fact's words, or more).
    unasked:      share of the facts told that had no word in common with what the counselor had said before.
    cooperation_1 ... cooperation_4: share of messages without signs of resistance, by quarter of the session.
    """
    facts = [fact for fact in dict.fromkeys(told(case, seen)) if _units(fact)]
    said, asked, free = 0, "", 0
    left = list(facts)
    for turn in turns:
        if turn.speaker == "counselor":
            asked += "\n" + turn.text
            continue
        for fact in [fact for fact in left if alike(fact, turn.text) >= 0.5]:
            left.remove(fact)
            said += 1
            free += alike(asked, fact) == 0
    own = [not _RESISTING.search(turn.text) for turn in turns if turn.speaker == "client"]
    found = {"facts_told": said / len(facts)} if facts else {}
    found |= {"unasked": free / said} if said else {}
    for quarter in range(4):
        part = own[len(own) * quarter // 4 : len(own) * (quarter + 1) // 4]
        found |= {f"cooperation_{quarter + 1}": sum(part) / len(part)} if part else {}
    return {name: round(value, 4) for name, value in found.items()}


_RESISTING = re.compile(
    r"不想说|不想谈|没什么好说|没用|随便|关你|你不懂|你根本|说了也|算了吧|无所谓|凭什么|"
    r"\b(?:whatever|pointless|useless|what's the point|none of your|don't want to talk|you don't (?:get|understand)|"
    r"leave me alone|doesn't help|waste of time|i guess so, if you say)\b",
    re.IGNORECASE,
)
_COMMON_WORDS = """
the and that with have this from what when your about would there been were they them then than just like you for are
was how feel felt did does had has can could now not
自己 觉得 感觉 时候 没有 可以 现在 一下 还是 还有 还没 因为 所以 如果 已经 知道 起来 出来 一直 一点 有点 以后 之后 以前 之前
然后 说说 后来 这样 那样
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_PARTICLES = re.compile("[的了着是么吗呢吧啊呀这那哪我你您他她它们个些很也又]")  # a pair with one of them is no word


def _units(text: str) -> set[str]:
    """Words of a text that mean something: English stems, Chinese pairs of characters."""
    english = {word[:5] for word in re.findall(r"[a-z']{3,}", text.lower()) if word not in _COMMON}
    chinese = "".join(re.findall(r"[\u4e00-\u9fff]", fold(text)))
    pairs = {chinese[i : i + 2] for i in range(len(chinese) - 1)} - _COMMON
    return english | {pair for pair in pairs if not _PARTICLES.search(pair)}


def alike(one: str, other: str) -> float:
    """Share of the words of ``one`` that ``other`` has too: 0 to 1."""
    units = _units(one)
    return len(units & _units(other)) / len(units) if units else 0.0
