"""Steps 2 and 3 of Psy-Insight: explanations of a session and of its turns, the gaps completed window by window."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, Field, JsonValue

from psyloom.agents import Ask
from psyloom.agents.annotating import Explanation, explained, labels_in, once_each, said_by, strictly
from psyloom.agents.grounds import Grounds
from psyloom.agents.guards import fold
from psyloom.agents.together import gather
from psyloom.knowledge import label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Dialogue, Label, Lang, Session, Turn

EXPLANATIONS = label_set("psyinsight_explanation")
# Fewest and most words in English, characters in Chinese.
LENGTHS: dict[str, dict[Lang, tuple[int, int]]] = {
    "background": {"en": (1, 20), "zh": (20, 100)},
    "theme": {"en": (1, 20), "zh": (1, 20)},
    "guide": {"en": (30, 60), "zh": (50, 100)},
}
WORDS: dict[str, dict[Lang, str]] = {
    "length": {"en": "{} has {} words, wanted are {} to {}", "zh": "{} 有 {} 个字，应当在 {} 到 {} 个字之间"},
    "at": {"en": "turn {}: {}", "zh": "第 {} 句：{}"},
    "empty": {"en": "the explanation is empty", "zh": "解释是空的"},
}
GAP = "***"
CONTINUED = 3  # how often a completion that breaks off is asked to be continued


class OfTurn(BaseModel):
    """What is said about one turn; empty where nothing can be told."""

    turn: int = Field(ge=1)
    explanation: str
    evidence: str


class Completion(BaseModel):
    """Explanations of some turns."""

    turns: list[OfTurn]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"turns": _rehearsed_turns(actor)}


class Extraction(BaseModel):
    """Explanations of a session and of its turns."""

    background: Explanation
    session_reasoning: Explanation
    summary: Explanation
    turns: list[OfTurn]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        acts = {"background": "background", "session_reasoning": "plan", "summary": "summary"}
        whole = {key: {"explanation": actor.text(act), "evidence": said_by(actor)} for key, act in acts.items()}
        return {**whole, "turns": _rehearsed_turns(actor)}


def _rehearsed_turns(actor: Actor) -> list[dict[str, Any]]:
    told = (actor.text("reasoning" if who == "counselor" else "observation") for who, _ in actor.cue.turns)
    rows = enumerate(zip(told, actor.cue.turns, strict=True), 1)
    return [{"turn": n, "explanation": why, "evidence": text} for n, (why, (_, text)) in rows]


OF_SESSION = ("background", "session_reasoning", "summary")


class Commentary(NamedTuple):
    """What an expert wrote around a session: heading, paragraphs before it and after it."""

    heading: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @classmethod
    def of(cls, dialogue: Dialogue, session: Session) -> "Commentary":
        """From the session's notes; of a dialogue with one session also from its extra, where the reader puts units."""
        given = {**(dialogue.extra if len(dialogue.sessions) == 1 else {}), **session.notes}
        before, after = (_texts(given.get(f"{at}_reasoning")) for at in ("pre", "post"))
        return cls(" ".join(_texts(given.get("case_theme"))), before, after)

    @property
    def texts(self) -> tuple[str, ...]:
        return (*self.before, *self.after)


async def explain(turns: Sequence[Turn], commentary: Commentary, ask: Ask) -> dict[str, Label]:
    """2: one call for a session. Returns the explanations of the session; those of turns are put there.

    A turn whose explanation still rests on nothing after the repair stays open, for its window to complete.
    """
    grounds = Grounds.of(turns, commentary.texts)

    def wrong(answer: Extraction) -> str | None:
        numbers = [one.turn for one in answer.turns]
        counted = once_each(numbers, [n for n in range(1, len(turns) + 1) if n in numbers], ask.lang)
        faults = (grounds.fault(getattr(answer, key).evidence, ask.lang) for key in OF_SESSION)
        return counted or next((fault for fault in faults if fault), None)

    def background_length_or_evidence(answer: Extraction) -> str | None:
        written = [one for one in answer.turns if one.explanation.strip()]
        return length_fault("background", answer.background.explanation, ask.lang) or _first_fault(
            written, grounds, ask.lang
        )

    answer = await strictly(ask, turns)(
        "extract", Extraction, check=wrong, prefer=background_length_or_evidence, rows=rows(turns),
        before=commentary.before, after=commentary.after,
    )  # fmt: skip
    for one in answer.turns:
        if not _first_fault([one], grounds, ask.lang):
            _put(turns[one.turn - 1], one, grounds, ask)
    return {key: explained(ask, EXPLANATIONS, key, getattr(answer, key), grounds) for key in OF_SESSION}


async def complete(turns: Sequence[Turn], commentary: Commentary, size: int, ask: Ask) -> None:
    """3: walk the session in windows of ``size`` turns; only windows with a gap are asked about."""
    windows = [turns[start : start + size] for start in range(0, len(turns), size)]
    await gather(*(_fill(window, commentary, ask) for window in windows if _gaps(window, ask.by)))


async def _fill(window: Sequence[Turn], commentary: Commentary, ask: Ask) -> None:
    """Only what is open is taken from the answer."""
    gaps, grounds = _gaps(window, ask.by), Grounds.of(window, commentary.texts)

    def wrong(answer: Completion) -> str | None:
        filled = [one for one in answer.turns if one.turn in gaps]
        return once_each([one.turn for one in filled], gaps, ask.lang) or _first_fault(filled, grounds, ask.lang)

    notes = {n: explanation(turn, ask.by) or GAP for n, turn in enumerate(window, 1)}
    answer = await strictly(ask, window)(
        "complete", Completion, check=wrong, goes_on=CONTINUED, rows=rows(window, notes), before=commentary.before,
        after=commentary.after,
    )  # fmt: skip
    for one in answer.turns:
        if one.turn in gaps:
            _put(window[one.turn - 1], one, grounds, ask)


async def written(what: str, turns: Sequence[Turn], source: Sequence[str], ask: Ask, **slots: Any) -> Label:
    """An explanation of limited length through the prompt of that name."""
    grounds = Grounds.of(turns, source)

    def wrong(answer: Explanation) -> str | None:
        return length_fault(what, answer.explanation, ask.lang) or grounds.fault(answer.evidence, ask.lang)

    answer = await strictly(ask, turns)(what, Explanation, check=wrong, rows=rows(turns), **slots)
    return explained(ask, EXPLANATIONS, what, answer, grounds)


def rows(turns: Sequence[Turn], notes: Mapping[int, str | None] | None = None, first: int = 1) -> list[dict[str, Any]]:
    """Turns as the prompts list them; ``notes``: place from 1 -> what stands in brackets; ``first``: the first number."""
    given = notes or {}
    return [
        {"n": first + at, "who": turn.speaker, "text": turn.text, "note": given.get(at + 1)}
        for at, turn in enumerate(turns)
    ]


def kind_of(turn: Turn) -> str:
    """What an explanation of this turn is follows from who speaks: it is never asked, and so never wrong."""
    return "reasoning" if turn.speaker == "counselor" else "observation"


def explanation(turn: Turn, by: str | None = None) -> str | None:
    """Why a therapist said this, or what a client's words show; None where nobody wrote it."""
    found = labels_in(turn.labels, EXPLANATIONS, by)
    return next((label.reason for label in found if label.id == kind_of(turn)), None)


def length_fault(what: str, text: str, lang: Lang) -> str | None:
    """Why a text is too short or too long; None when it is neither."""
    fewest, most = LENGTHS[what][lang]
    length = len(text.split()) if lang == "en" else len(re.sub(r"\s", "", text))
    return None if fewest <= length <= most else WORDS["length"][lang].format(what, length, fewest, most)


def _gaps(window: Sequence[Turn], by: str) -> list[int]:
    """What has no explanation yet; a turn without a word has nothing to explain."""
    return [n for n, turn in enumerate(window, 1) if fold(turn.text) and not explanation(turn, by)]


def _first_fault(found: Sequence[OfTurn], grounds: Grounds, lang: Lang) -> str | None:
    for one in found:
        empty = None if one.explanation.strip() else WORDS["empty"][lang]
        if fault := empty or grounds.fault(one.evidence, lang):
            return WORDS["at"][lang].format(one.turn, fault)
    return None


def _put(turn: Turn, found: OfTurn, grounds: Grounds, ask: Ask) -> None:
    told = Explanation(explanation=found.explanation, evidence=found.evidence)
    turn.labels = [*turn.labels, explained(ask, EXPLANATIONS, kind_of(turn), told, grounds)]


def _texts(value: JsonValue) -> tuple[str, ...]:
    """Paragraphs, however the source keeps them."""
    given = value if isinstance(value, list) else [value]
    return tuple(one.strip() for one in given if isinstance(one, str) and one.strip())
