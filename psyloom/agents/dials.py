"""Dials: how difficult any simulated client is, and what can be measured of it afterwards.

Not of any one paper: several describe clients that are too open, too agreeable and too talkative. With no dial set
a client plays as its own system has it.
"""

import re
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from psyloom.agents.guards import fold
from psyloom.agents.prompts import load_prompt
from psyloom.agents.sight import Veil, in_sight
from psyloom.agents.words import localized
from psyloom.errors import UsageError
from psyloom.knowledge import OneOf, label_set
from psyloom.records import Case, Lang, Speaker, Turn, sentences

REACTIONS = label_set("client_reaction")
_PROMPTS = Path(__file__).parent / "prompts"
HIDDEN: dict[Lang, str] = {"en": "(does not come to mind yet)", "zh": "（还想不起来）"}

# Facts about a client that nobody says as a sentence: whole facets, and fields by their name.
_NOT_TOLD = {"demographics", "personality", "disposition"}
_NOT_TOLD_FIELDS = {
    "distortions", "topic", "answers", "id", "author", "about_author", "type", "method", "group", "focus", "path",
    "diagnoses", "code", "system", "age", "gender", "occupation", "emotions", "hobbies", "mental_state", "treatment",
}  # fmt: skip


# What a client comes to speak of later than of all the rest, in this order.
_DEEP = ("cognition.coping_strategies", "cognition.history", "cognition.intermediate_beliefs", "cognition.core_beliefs")
_LABELS = {"scenario.type", "scenario.cause"}  # nobody says them as they stand, but they name the trouble


def told(case: Case, seen: Set[str]) -> Iterator[str]:
    """The sentences of a case, of what lies in sight, that its client could say: events before beliefs."""
    return (fact for path, fact in sorted(told_where(case, seen), key=_depth) if path not in _LABELS)


def _depth(found: tuple[str, str]) -> int:
    return next((n for n, deep in enumerate(_DEEP, 1) if found[0].startswith(deep)), 0)


def nobody_says(facet: str, *fields: str) -> bool:
    """Does no sentence of a client stand there, but what somebody wrote down of it?"""
    return facet in _NOT_TOLD or bool(_NOT_TOLD_FIELDS.intersection(fields))


def told_where(case: Case, seen: Set[str]) -> Iterator[tuple[str, str]]:
    """The same with the path of each, and with the labels that name the client's trouble."""
    for path, text in case.leaves():
        if in_sight(path, seen) and (path in _LABELS or not nobody_says(*path.split("."))):
            yield from ((path, sentence) for sentence in sentences(text))


class Dials(BaseModel):
    """Settings for any client; each from 0 to 1, None: as the client's own system has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    resistance: float | None = Field(None, ge=0, le=1, description="how much the client resists")
    openness: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of its facts, events before beliefs, the client knows from the start; others open when asked for",
    )
    verbosity: float | None = Field(None, ge=0, le=1, description="how much the client says at a time")
    trajectory: tuple[Annotated[str, OneOf(REACTIONS)], ...] = Field(
        (), description="reactions to be shown turn by turn, session after session; the last one stays"
    )
    may_end: bool | None = Field(
        None,
        description="true: the client may end the session, whichever client it is; false: it cannot; none: as its system "
        "has it",
    )

    @field_validator("trajectory", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        """A word, or words between commas, as a command line gives them."""
        return [word.strip() for word in re.split("[,，、]", given)] if isinstance(given, str) else given

    def followed_by(self, client: str, follows: Set[str]) -> None:
        """Raise UsageError for a dial that is set but that the client, which ``follows`` only some, would not heed."""
        for name in self.model_dump(exclude_defaults=True):
            if name not in follows:
                what = f"option dials.{name}: no model plays the client of {client}, so that nothing would change"
                takes = (
                    f"it follows {', '.join(f'dials.{one}' for one in sorted(follows))}" if follows else "leave it out"
                )
                raise UsageError(what, do=f"{takes}; or take another client")

    def over(self, case: Case) -> "Dials":
        """These dials; where one is not set, what the case itself says of its client, unless a model made that up."""
        own = case.disposition
        if own is None or "disposition" in case.derived:
            return self
        said = {name: getattr(own, name) for name in ("resistance", "openness", "verbosity")}
        return self.model_copy(update={n: v for n, v in said.items() if v is not None and getattr(self, n) is None})

    def instruction(self, turn: int, lang: Lang, end: str | None = None) -> str:
        """What the client is told for its ``turn``-th message (from 0, over all sessions); empty when no dial asks for words.

        end: the token with which it may end the session, when its own prompt names none.
        """
        reaction = self.reaction(turn)
        if (
            self.resistance is None
            and self.verbosity is None
            and not reaction
            and not end
            and self.may_end is not False
        ):
            return ""
        slots = {
            "resistance": self.resistance,
            "verbosity": self.verbosity,
            "reaction": localized(REACTIONS[reaction], lang) if reaction else None,
            "end": end,
            "stays": self.may_end is False,
        }
        messages = load_prompt(_PROMPTS, "dials", lang).render(slots)
        return messages[0]["content"] if messages else ""

    def reaction(self, turn: int) -> str | None:
        """The reaction that the client is to show in its ``turn``-th message; None without a trajectory."""
        return self.trajectory[min(turn, len(self.trajectory) - 1)] if self.trajectory else None

    def veil(self, case: Case, seen: Set[str], turns: Sequence[tuple[Speaker, str]], lang: Lang) -> Veil | None:
        """What the client does not remember yet; None when everything is open."""
        if self.openness is None or self.openness >= 1:
            return None
        facts = list(dict.fromkeys(told(case, seen)))
        return Veil(frozenset(facts) - unlocked(facts, self.openness, turns), HIDDEN[lang])


Dialled = Annotated[Dials | None, Field(description="how difficult the client is made, whichever client it is")]
"""Option of a writer that lets a client talk."""


def unlocked(facts: Sequence[str], openness: float, turns: Sequence[tuple[Speaker, str]]) -> set[str]:
    """The facts open to the client: its share, the first at least, and what the counselor's questions opened."""
    found = set(facts[: max(1, round(openness * len(facts)))])
    for who, text in turns:
        if who == "counselor":
            found.update(opened(text, [fact for fact in facts if fact not in found]))
    return found


def opened(text: str, locked: list[str]) -> list[str]:
    """What a counselor's message opens: a question every fact it has a word in common with, or else the next one."""
    if not re.search(r"[?？]|吗|呢", text):
        return []
    return [fact for fact in locked if alike(text, fact) > 0] or locked[:1]


def measures(case: Case, seen: Set[str], turns: Sequence[Turn]) -> dict[str, float]:
    """What a session shows of its client, each from 0 to 1.

    facts_told:  share of the case's facts that the client has told, in one message or over several.
    volunteered: share of the case's facts that it told before a question had opened them to a client of openness 0.
    cooperation_1 ... cooperation_4: share of cooperative messages by quarter of the talk: without a negative reaction
    where reactions are labelled, else without words that refuse the talk.
    """
    facts = {fact: words for fact in told(case, seen) if (words := _units(fact))}
    asked_for = set(list(facts)[:1])  # what a client comes with is nothing that it volunteers
    messages: list[set[str]] = []
    volunteered: dict[str, bool] = {}  # the facts told
    for turn in turns:
        if turn.speaker == "counselor":
            asked_for.update(opened(turn.text, [fact for fact in facts if fact not in asked_for]))
            continue
        messages.append(_units(turn.text))
        new = [fact for fact, words in facts.items() if fact not in volunteered and _told(words, messages)]
        volunteered |= {fact: fact not in asked_for for fact in new}
    found = {"facts_told": len(volunteered), "volunteered": sum(volunteered.values())} if facts else {}
    return {name: round(count / len(facts), 4) for name, count in found.items()} | _cooperation(turns)


def _cooperation(turns: Sequence[Turn]) -> dict[str, float]:
    """Each message counts for the quarter in which it begins."""
    own = [cooperates(turn) for turn in turns if turn.speaker == "client"]
    quarters: dict[str, list[bool]] = {}
    for n, one in enumerate(own):
        quarters.setdefault(f"cooperation_{n * 4 // len(own) + 1}", []).append(one)
    return {name: round(sum(part) / len(part), 4) for name, part in quarters.items()}


def cooperates(turn: Turn) -> bool:
    """Does a client's message go along with the talk?"""
    found = [REACTIONS[label.id] for label in turn.labels if label.set == REACTIONS.id and label.id in REACTIONS]
    if found:
        return not any("negative" in (term.id, term.parent) for term in found)
    return not _RESISTING.search(turn.text)


# Only with what is refused: somebody who feels useless, or to whom all is one, does not refuse the talk.
_TALK = r"(?:(?<!来)说|谈|聊|讲|问|咨询)"
_TALKING = r"(?:this|that|it|talking|telling|(?:this )?(?:therapy|counsell?ing|talk|question)s?|coming here)"
_RESISTING = re.compile(
    r"不想(?:再|跟你|和你)?(?:说|谈|聊|讲)|没什么(?:好|可)(?:说|谈|聊|讲)|说了(?:你)?也|关你(?:什么|啥)?事|你不懂|你根本|"
    rf"{_TALK}[^，。！？我你他她]{{0,6}}(?:没有?用|有什么用|没意思|没意义|无所谓)|算了吧?[，,]?(?:不|别){_TALK}|"
    r"凭什么(?:要我|我要|要|我)?(?:跟你|和你|告诉你|回答|听你)|随便你|^\W*(?:都)?(?:随便|无所谓)(?:吧|了)?\W*$|"
    rf"\b{_TALKING} (?:is|are|was|feels?|seems?) (?:just |so |all |completely )?(?:pointless|useless|(?:a )?waste of time)\b|"
    rf"\bthat's (?:just |so )?(?:pointless|useless)\b|\b{_TALKING} (?:doesn't|does not|won't|isn't going to) help\b|"
    rf"\bwhat's the point (?:of|in) {_TALKING}|(?:^|[.!?] )whatever(?=[,.!]|$)|\bnone of your business\b|"
    r"\bdon't want to talk\b|\byou (?:just )?don't (?:get|understand)\b|(?:^|[.!?] )(?:just )?leave me alone\b|"
    r"\bi guess so, if you say",
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


def _told(fact: set[str], messages: Sequence[set[str]]) -> bool:
    """Was half of a fact said, and half of that at once? Of Chinese, whose pairs a paraphrase keeps less of, a third.

    Words that came one by one, in messages about other things, tell nothing.
    """
    chinese = any("\u4e00" <= word[0] <= "\u9fff" for word in fact)
    needed = len(fact) / (3 if chinese else 2)
    at_once = max(len(fact & words) for words in messages)
    return at_once >= needed / 2 and len(fact.intersection(set().union(*messages))) >= needed


def alike(one: str, other: str) -> float:
    """Share of the words of ``one`` that ``other`` has too: 0 to 1."""
    units = _units(one)
    return len(units & _units(other)) / len(units) if units else 0.0
