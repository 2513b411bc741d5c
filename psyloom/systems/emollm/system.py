"""EmoLLM: a grid of areas of life and emotions becomes dialogues, books become questions and answers.

Three recipes of the project: A, one call for each cell of the grid; B, the same in the voice of a persona; C, question
and answer from every window of a book, each pair judged once more. A case that brings a book is recipe C.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from psyloom.agents import Ask, Check, Range, ScriptRules, Sight, TurnsCheck, Writer, write_script
from psyloom.agents.annotating import talk_of
from psyloom.agents.guards import fold
from psyloom.agents.together import gather
from psyloom.errors import BadRecord
from psyloom.knowledge import LabelSet, OneOf, Term, label_set
from psyloom.llm.rehearsal.actor import Actor, short
from psyloom.records import Case, Dialogue, Lang, Scenario, Session, Source, Speaker, Turn, sentences
from psyloom.systems.emollm.counselor import PERSONAS, Persona, allowed
from psyloom.systems.emollm.counselor import EmoLLMCounselor as EmoLLMCounselor

AREAS, EMOTIONS, MORE = label_set("emollm_area"), label_set("emollm_emotion"), label_set("emollm_emotion_more")
THEMES = label_set("emollm_qa_theme")
PREFIXES: dict[Lang, dict[str, Speaker]] = {
    "zh": {"病人": "client", "医生": "counselor"},
    "en": {"Patient": "client", "Doctor": "counselor"},
}
WORDS: dict[str, dict[Lang, str]] = {
    "stage": {
        "en": "message {} holds stage directions in brackets ({}); write only what is said",
        "zh": "第 {} 条用括号写了动作或说明（{}），只写说出口的话",
    },
    "pairs": {"en": "there are {} pairs; {} to {} are needed", "zh": "现在有 {} 对，需要 {} 到 {} 对"},
    "same": {"en": "this question stands there twice: {}", "zh": "这个问题重复了：{}"},
}
_BRACKETED = re.compile(r"[（(【\[][^）)】\]]{2,}[）)】\]]")
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Pair(BaseModel):
    """A question and a short answer from one window of a book."""

    theme: Annotated[str, OneOf(THEMES)]
    question: Text
    answer: Text


class Pairs(BaseModel):
    """What one window gives."""

    pairs: list[Pair]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        """The passage is the talk: one question about a few words of each of its sentences, until there are enough."""
        asked, told = actor.stock["book"]["question"], actor.stock["book"]["answer"]
        read = [text for _, text in actor.cue.turns]
        about = list(dict.fromkeys(filter(None, map(actor.quote, read))))
        about += [short(text) for text in read if len(about) < 3 and not any(word in text for word in about)]
        leads, pairs = ["", *actor.stock["client"]["lead"]], []
        for n in range(actor.cue.rules[0]):
            again, one = divmod(n, len(asked) * len(about))
            form = (one + one // len(about)) % len(asked)
            question = leads[again % len(leads)] + asked[form].format(q=about[one % len(about)])
            pairs.append({"theme": THEMES.ids[n % len(THEMES)], "question": question, "answer": told[form]})
        return {"pairs": pairs}


class Verdict(BaseModel):
    """The cleaner's answer: does the pair belong to psychology?"""

    belongs: Annotated[Literal["1", "0"], BeforeValidator(str)]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, str]:
        return {"belongs": "1"}


class EmoLLM(Writer):
    """One call a dialogue; for a book one call a window and one a pair.

    A case may bring its area (``scenario.type``) and emotion (``scenario.emotion``); what it does not bring is drawn by
    the seed. See `grid` for the cases of the whole grid. A book's text stands in ``extra.book``.
    """

    sight: ClassVar[Sight] = {
        "script_writer": {"scenario.type", "scenario.emotion"},
        "qa_writer": frozenset(),
        "qa_cleaner": frozenset(),
    }

    persona: Persona = Field(
        "none", description="the voice of the counselor: aiwei, mother, scientist, father_boyfriend, airen; none: a plain one"
    )  # fmt: skip
    unhealthy: bool = Field(False, description="allow a voice that is no healthy model of closeness (airen)")
    exchanges: Range = Field((3, 30), description="fewest and most exchanges of a dialogue")
    vary: bool = Field(False, description="draw top_p between 0.1 and 0.9 for each dialogue, as one of its scripts did")
    more_emotions: bool = Field(False, description="draw from anger, guilt, shame, loneliness, hopelessness, too")
    strict: bool = Field(True, description="ask again for a dialogue that breaks a rule; false keeps and flags it")
    window: int = Field(8, ge=1, description="sentences of a book that are read at a time")
    overlap: int = Field(2, ge=0, description="sentences that two windows share; the released code shared window - 2")
    pairs: Range = Field((5, 10), description="fewest and most pairs from a window")
    clean: bool = Field(True, description="judge every pair once more, one call each")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        allowed(self.persona, self.unhealthy)
        if self.overlap >= self.window:
            raise ValueError("overlap must be smaller than window")
        return self

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        # The book itself does not go into the data.
        book = case.extra.pop("book", None)
        return await (self._cell(case, ask) if book is None else self._book(text_of(book, case.id), ask))

    async def _cell(self, case: Case, ask: Ask) -> Dialogue:
        """A and B: the dialogue of one cell."""
        scenario = ask.sees("script_writer").scenario
        area = self._one("area", next(iter(scenario.type), ""), [AREAS], ask)
        emotion = self._one("emotion", scenario.emotion or "", [EMOTIONS, *([MORE] if self.more_emotions else [])], ask)
        case.scenario = (case.scenario or Scenario()).model_copy(
            update={
                "type": scenario.type or [name_of(area, ask.lang)],
                "emotion": scenario.emotion or name_of(emotion, ask.lang),
            }
        )
        persona = None if self.persona == "none" else PERSONAS[self.persona]
        decoding = {"top_p": round(ask.rng("top_p").uniform(0.1, 0.9), 2)} if self.vary else None
        rules = ScriptRules(
            PREFIXES[ask.lang], messages=(2 * self.exchanges[0], 2 * self.exchanges[1]), first="client", last="counselor",
            no_lists=True, language=True, guarded=True, more=[no_directions(ask.lang)],
        )  # fmt: skip
        turns = await write_script(
            ask, "dialogue", rules, strict=self.strict, decoding=decoding, area=area, emotion=emotion, persona=persona,
            fewest=self.exchanges[0],
        )  # fmt: skip
        notes = {"area": name_of(area, ask.lang), "emotion": name_of(emotion, ask.lang)}
        return ask.dialogue(turns, **notes, **({"persona": persona.id} if persona else {}), **(decoding or {}))

    def _one(self, what: str, given: str, sets: list[LabelSet], ask: Ask) -> Term | str:
        """The case's own word, or one drawn by the seed; a known one labels the dialogue."""
        known = next((term for one in (*sets, MORE) if given and (term := one.find(given))), None)
        drawn = known or (None if given else ask.rng(what).choice([term for one in sets for term in one.terms]))
        if drawn:
            home = next(one for one in (*sets, MORE) if drawn.id in one.ids)
            ask.desk.dialogue.labels.append(home.label(drawn.id))
        return drawn or given

    async def _book(self, book: str, ask: Ask) -> Dialogue:
        """C: every window becomes pairs, every pair that passes a session of its own."""
        read = list(windows(sentences(book), self.window, self.overlap))
        found = await gather(*(self._pairs(passage, ask) for passage in read))
        told = [(at, pair) for at, pairs in enumerate(found, 1) for pair in pairs]
        first = {fold(pair.question): (at, pair) for at, pair in reversed(told)}
        distinct = [(at, pair) for at, pair in told if first[fold(pair.question)][1] is pair]
        passes = await gather(*(self._passes(pair, ask) for _, pair in distinct))
        dialogue, kept = ask.desk.dialogue, [one for one, good in zip(distinct, passes, strict=True) if good]
        dialogue.sessions = [
            Session(
                turns=[Turn.client(pair.question), Turn.counselor(pair.answer)], labels=[THEMES.label(pair.theme)], notes={"window": at}
            )
            for at, pair in kept
        ]  # fmt: skip
        dialogue.quality.measures |= {
            "windows": len(read), "pairs": len(told), "duplicates": len(told) - len(distinct), "kept": len(kept),
        }  # fmt: skip
        return dialogue

    async def _pairs(self, passage: list[str], ask: Ask) -> list[Pair]:
        text = ("" if ask.lang == "zh" else " ").join(passage)
        read = ask.as_(ask.role, talk_of([Turn.client(sentence) for sentence in passage], ask.lang))
        found = await read(
            "qa", Pairs, check=in_number(self.pairs, ask.lang), rules=self.pairs, passage=text, themes=THEMES,
            fewest=self.pairs[0], most=self.pairs[1],
        )  # fmt: skip
        return found.pairs

    async def _passes(self, pair: Pair, ask: Ask) -> bool:
        return (
            not self.clean or (await ask("clean", Verdict, question=pair.question, answer=pair.answer)).belongs == "1"
        )


def grid(
    *,
    lang: Lang = "zh",
    each: Annotated[int, Field(ge=1)] = 1,
    areas: Sequence[str] = (),
    emotions: Sequence[str] = (),
    more_emotions: bool = False,
    as_listed: bool = False,
) -> Iterator[Case]:
    """Yield the cases of the whole grid, ``each`` for every cell, area by area: 16 x 27 cells.

    Args:    areas, emotions: lists in place of the project's, in its own or any other words;
             more_emotions: five that counseling needs, too (16 x 32); as_listed: sympathy twice, as the project's list
             of 28 has it (16 x 28).
    """
    felt = [term.name(lang) for term in (*EMOTIONS.terms, *(MORE.terms if more_emotions else ()))]
    felt += [EMOTIONS["sympathy"].name(lang)] if as_listed else []
    made: Counter[str] = Counter()
    for area, emotion in product(areas or [term.name(lang) for term in AREAS.terms], emotions or felt):
        cell = f"{_id(area, [AREAS])}-{_id(emotion, [EMOTIONS, MORE])}"
        for _ in range(each):
            made[cell] += 1
            scenario = Scenario(type=[area], emotion=emotion)
            source = Source(name="EmoLLM grid", synthetic=True)
            yield Case(id=f"{cell}-{lang}-{made[cell]}", lang=lang, source=source, scenario=scenario)


def _id(word: str, sets: Sequence[LabelSet]) -> str:
    """A known word's id; another word stands for itself."""
    return next((term.id for one in sets if (term := one.find(word))), word)


def text_of(book: Any, case: str) -> str:
    """The book of a case. Raises: BadRecord when it is no text, or a text without a word."""
    if not isinstance(book, str):
        what = f"case {case!r}: extra.book is a {type(book).__name__}"
        raise BadRecord(what, do="give the book as one text; chapters may be joined by line breaks")
    if not re.search(r"[^\W_]", book):
        raise BadRecord(f"case {case!r}: extra.book holds no words", do="give the book's text, or leave extra.book out")
    return book


def windows(text: Sequence[str], size: int, overlap: int) -> Iterator[list[str]]:
    """Yield ``size`` sentences at a time, neighbours sharing ``overlap``; the last window may be shorter."""
    for at in range(0, max(1, len(text) - overlap), size - overlap):
        yield list(text[at : at + size])


def no_directions(lang: Lang) -> TurnsCheck:
    """Nobody writes gestures or notes in brackets."""

    def directions(turns: Sequence[Turn]) -> str | None:
        for at, turn in enumerate(turns, 1):
            if found := _BRACKETED.search(turn.text):
                return WORDS["stage"][lang].format(at, found[0][1:-1])
        return None

    return directions


def in_number(wanted: tuple[int, int], lang: Lang) -> Check:
    """As many pairs as asked for, no question twice."""

    def in_number(found: Pairs) -> str | None:
        fewest, most = wanted
        if not fewest <= len(found.pairs) <= most:
            return WORDS["pairs"][lang].format(len(found.pairs), fewest, most)
        asked = [fold(pair.question) for pair in found.pairs]
        twice = next((pair.question for n, pair in enumerate(found.pairs) if asked[n] in asked[:n]), None)
        return WORDS["same"][lang].format(twice) if twice else None

    return in_number


def name_of(word: Term | str, lang: Lang) -> str:
    return word if isinstance(word, str) else word.name(lang)
