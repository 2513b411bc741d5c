"""PsyDT: the digital twin of one counselor. ACL 2025 long 55, arXiv 2412.13660.

From a handful of the counselor's own sessions, one for each topic, B1 learns the style and B2 the therapy, once for
each session; B3 looks the therapy up. For every post, C writes the client's personality and D the session, with the
counselor's session of the same topic as the one example.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Ask, Check, Counselor, Range, ScriptRules, Sight, Talk, TurnsCheck, Writer, write_script
from psyloom.agents.guards import fold
from psyloom.agents.prompts import load_prompt
from psyloom.agents.together import gather
from psyloom.agents.words import localized
from psyloom.errors import BadRecord, UsageError
from psyloom.knowledge import OneOf, Term, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Lang, Personality, Session, Speaker, Turn, read_jsonl

TOPICS, SCHOOLS, THERAPIES = label_set("soulchat_topic"), label_set("psydt_school"), label_set("psydt_therapy")
THERAPIES_OF = {
    "psychodynamic": ("psychoanalysis", "object_relations"),
    "cognitive_behavioral": ("rebt", "systematic_desensitization", "act", "cbt"),
    "humanistic": ("person_centered", "existential"),
    "postmodern": ("narrative", "solution_focused"),
}
OCEAN = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
PREFIXES: dict[Lang, dict[str, Speaker]] = {
    "zh": {"来访者": "client", "咨询师": "counselor"},
    "en": {"Client": "client", "Counselor": "counselor"},
}
LEAD_IN: dict[Lang, str] = {"zh": "多轮对话：", "en": "The session:"}
WORDS: dict[str, dict[Lang, str]] = {
    "learned": {
        "en": "study the case once more until you have learned the style",
        "zh": "请再读一遍案例，学会这种风格",
    },
    "school": {"en": "{} does not belong to {}", "zh": "{}不属于{}"},
    "copied": {
        "en": "the client's opening copies the post ({!r}); let it be said in other words",
        "zh": "来访者开头的话照搬了求助帖（“{}”），请换自己的话说",
    },
}
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Style(BaseModel):
    """B1: how the counselor of a case speaks."""

    style_summary: Text
    learned: bool

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"style_summary": actor.text("style"), "learned": True}


class Technique(BaseModel):
    """B2: the therapy a case works with."""

    school: Annotated[str, OneOf(SCHOOLS)]
    technique: Annotated[str, OneOf(THERAPIES)]
    analysis: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"school": "cognitive_behavioral", "technique": "rebt", "analysis": actor.text("appraisal")}


class Ocean(BaseModel):
    """C: one paragraph for each of the five factors."""

    openness: Text
    conscientiousness: Text
    extraversion: Text
    agreeableness: Text
    neuroticism: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, str]:
        return {trait: actor.text("personality") for trait in OCEAN}


class PsyDT(Writer):
    """D, with what A to C prepare: two calls a post, and two more for each case of the counselor."""

    sight: ClassVar[Sight] = {
        "personality_writer": {"post.title", "post.text"},
        "script_writer": {"post.title", "post.text", "post.answers.text", *(f"personality.{trait}" for trait in OCEAN)},
    }
    needs: ClassVar[frozenset[str]] = frozenset({"post.text", "post.answers"})
    unsaid = (THERAPIES,)

    counselor: Path | None = Field(
        None,
        description="JSON Lines file of the counselor's own sessions, one dialogue a topic; without one, a bundled sample",
    )
    missing: Literal["error", "closest"] = Field(
        "error", description="no case of the post's topic: an error, or the case whose client sounds most like the post"
    )
    style: bool = Field(True, description="imitate the counselor's style; false: the paper's ablation")
    therapy: bool = Field(True, description="work with the counselor's therapy; false: the paper's ablation")
    personality: bool = Field(True, description="give the client a personality; false: the paper's ablation")
    exchanges: Range = Field((20, 30), description="fewest and most exchanges asked for")
    copied: int | None = Field(
        None, ge=1, description="the client must not open with so many characters (zh) or words (en) of the post in a row; default 10 and 7"
    )  # fmt: skip
    strict: bool = Field(True, description="ask again for a script that breaks a rule; false keeps and flags it")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        c, at = self._case_of_the_topic(case, ask.lang)  # dynamic one-shot: c of C_N with the post's topic
        owner = f"{self.counselor.stem if self.counselor else 'sample'}/{c.id}"
        style, therapy, _ = await gather(
            self._style(owner, c, ask), self._therapy(owner, c, ask), self._personality(case, ask)
        )
        turns = await write_script(
            ask, "session", self._rules(case, ask.lang), strict=self.strict, learned_case=Talk(c) if style else None,
            style=style, therapy=therapy, personality=self.personality,
            fewest=self.exchanges[0], most=self.exchanges[1], lead_in=LEAD_IN[ask.lang],
        )  # fmt: skip
        if topic := TOPICS.find(case.get("post.topic") or ""):
            ask.desk.dialogue.labels.append(TOPICS.label(topic.id))
        ask.desk.dialogue.quality.measures["exchanges"] = len(turns) / 2
        if therapy:  # E: what the tuned model reads before every talk
            ask.desk.dialogue.extra["system"] = persona(therapy, ask.lang)
        used = {"style": style, "therapy": therapy and therapy.id}
        return ask.dialogue(turns, learned_from=owner, topic_of_case=at, **{k: v for k, v in used.items() if v})

    def _case_of_the_topic(self, case: Case, lang: Lang) -> tuple[Dialogue, str]:
        """The counselor's case to learn from, and its topic.

        Raises: UsageError when the counselor has no case of the post's topic and none may stand in.
        """
        file = self.counselor or self.home() / f"counselor.{lang}.jsonl"
        cases = counselor_cases(file)
        given = case.get("post.topic") or ""
        topic = TOPICS.find(given)
        if topic and topic.id in cases:
            return cases[topic.id], topic.id
        if topic and self.missing == "error":
            there = ", ".join(TOPICS[id_].name(lang) for id_ in cases)
            raise UsageError(
                f"{file.name} has no case of the topic {topic.name(lang)!r}; it has {there}",
                do="add one, or use --set missing=closest",
            )
        # A post of no known topic has no case of its own.
        post = f"{case.get('post.title') or ''} {case.get('post.text')}"
        closest = max(cases, key=lambda id_: closeness(post, _said_by_client(cases[id_]), lang))
        return cases[closest], closest

    async def _style(self, owner: str, c: Dialogue, ask: Ask) -> str:
        """B1: how the counselor speaks; empty in the ablation."""
        if not self.style:
            return ""
        return (await ask.once(owner, "style", Style, check=learned(ask.lang), learned_case=Talk(c))).style_summary

    async def _therapy(self, owner: str, c: Dialogue, ask: Ask) -> Term | None:
        """B2 and B3: the therapy's entry in the knowledge base; None in the ablation."""
        if not self.therapy:
            return None
        schools = [(SCHOOLS[school], THERAPIES.some(ids)) for school, ids in THERAPIES_OF.items()]
        found = await ask.once(
            owner, "technique", Technique, check=of_its_school(ask.lang), learned_case=Talk(c), schools=schools
        )
        return THERAPIES[found.technique]

    async def _personality(self, case: Case, ask: Ask) -> None:
        """C: all five factors stand in the case."""
        if self.personality and not all(case.get(f"personality.{trait}") for trait in OCEAN):
            case.personality = Personality(**(await ask("personality", Ocean)).model_dump())
            case.derived.append("personality")

    def _rules(self, case: Case, lang: Lang) -> ScriptRules:
        post = [text for text in (case.get("post.title"), case.get("post.text")) if text]
        longest = self.copied or (10 if lang == "zh" else 7)
        return ScriptRules(
            PREFIXES[lang], messages=(2 * self.exchanges[0], 2 * self.exchanges[1]), first="client", last="counselor",
            after=LEAD_IN[lang], no_lists=True, language=True, guarded=True, unsaid=self.unsaid,
            anywhere=[in_own_words(post, longest, lang)],
            # The paper asks for 20 to 30 turns and got 18: the length is asked for again, and reported.
            soft=frozenset({"too few", "too many"}),
        )  # fmt: skip


def persona(therapy: Term, lang: Lang) -> str:
    """The system message of a record and of the twin: who speaks, and how its therapy goes."""
    prompt = load_prompt(PsyDTCounselor.prompts(), "reply", lang)
    return prompt.render({"therapy": localized(therapy, lang)})[0]["content"]


class PsyDTCounselor(Counselor):
    """The twin: the system message of PsyDTCorpus, with the decoding of the paper's tuned model."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}
    unsaid = (THERAPIES,)

    therapy: Annotated[str, OneOf(THERAPIES)] = Field("rebt", description="one of the ten therapies")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.counselor(await ask("reply", talk=talk, therapy=THERAPIES[self.therapy]))


@cache
def counselor_cases(file: Path) -> dict[str, Dialogue]:
    """A counselor's sessions by topic. The topic is a dialogue's label, or ``topic`` in its extra.

    Raises: BadRecord for a file that cannot be read, a case without one of the twelve topics, or two of one topic.
    """
    cases: dict[str, Dialogue] = {}
    for dialogue in read_jsonl(file, Dialogue):
        words = [*(label.id for label in dialogue.labels), str(dialogue.extra.get("topic", ""))]
        topic = next((term.id for word in words if (term := TOPICS.find(word))), None)
        if topic is None or topic in cases:
            wrong = "has none of the twelve topics" if topic is None else f"is the second one about {topic}"
            raise BadRecord(
                f"{file}: case {dialogue.id!r} {wrong}", do="give each case a label of soulchat_topic of its own"
            )
        cases[topic] = dialogue.model_copy(update={"sessions": [Session(turns=dialogue.turns)]})
    return cases


def _said_by_client(dialogue: Dialogue) -> str:
    return " ".join(turn.text for turn in dialogue.turns if turn.speaker == "client")


def closeness(a: str, b: str, lang: Lang) -> float:
    """How many pairs of characters (zh) or longer words (en) two texts share: 0 none, 1 all."""
    x, y = _pieces(a, lang), _pieces(b, lang)
    return len(x & y) / sqrt(len(x) * len(y)) if x and y else 0.0


def _pieces(text: str, lang: Lang) -> set[str]:
    if lang == "en":
        return {word for word in re.findall("[a-z]+", text.lower()) if len(word) > 3}
    folded = fold(text)
    return {folded[n : n + 2] for n in range(len(folded) - 1)}


def learned(lang: Lang) -> Check:
    """The model says that it has learned the style."""

    def learned(style: Style) -> str | None:
        return None if style.learned else WORDS["learned"][lang]

    return learned


def of_its_school(lang: Lang) -> Check:
    """The therapy belongs to the school that was settled first."""

    def of_its_school(found: Technique) -> str | None:
        school, therapy = SCHOOLS[found.school], THERAPIES[found.technique]
        wrong = found.technique not in THERAPIES_OF[found.school]
        return WORDS["school"][lang].format(therapy.name(lang), school.name(lang)) if wrong else None

    return of_its_school


def in_own_words(post: Sequence[str], longest: int, lang: Lang) -> TurnsCheck:
    """The client does not open with the post's own words."""

    def copied(turns: Sequence[Turn]) -> str | None:
        said = opening(turns, 2 * longest, lang)
        found = max((common_run(one, text, lang) for one in said for text in post), key=len, default=[])
        gap = "" if lang == "zh" else " "
        return WORDS["copied"][lang].format(gap.join(found)) if len(found) >= longest else None

    return copied


def opening(turns: Sequence[Turn], size: int, lang: Lang) -> Iterator[str]:
    """The client's first messages, up to the one that brings them to ``size`` characters (zh) or words (en).

    A greeting is a message, but tells nothing yet.
    """
    told = 0
    for turn in turns:
        if turn.speaker == "client" and told < size:
            told += len(_units(turn.text, lang))
            yield turn.text


def common_run(a: str, b: str, lang: Lang) -> Sequence[str]:
    """The longest run of characters (zh) or words (en) that stands in both texts, marks and case aside."""
    x, y = _units(a, lang), _units(b, lang)
    match = SequenceMatcher(None, x, y, autojunk=False).find_longest_match()
    return x[match.a : match.a + match.size]


def _units(text: str, lang: Lang) -> list[str]:
    return list(fold(text)) if lang == "zh" else re.findall(r"[\w']+", text.lower())
