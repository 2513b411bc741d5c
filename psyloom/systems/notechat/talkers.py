"""NoteChat's physician, who works through a checklist made from the note, and its patient. arXiv 2310.15959."""

import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Client, Counselor, Line, Role, Rules, Sight, Talk
from psyloom.agents.together import gather
from psyloom.agents.wording import shortened, size
from psyloom.errors import AnswerRejected
from psyloom.knowledge.lexicon import Concept
from psyloom.llm.rehearsal.voice import low
from psyloom.records import Case, Lang, Turn, sentences
from psyloom.systems.notechat.concepts import (
    CLINICIAN_ONLY,
    COMPLAINT,
    LEXICON,
    RANK,
    Extractor,
    extract,
    in_order,
    in_pairs,
    only_clinicians_say,
    stated_too_early,
)

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

GREETINGS: dict[Lang, tuple[str, ...]] = {
    "zh": ("早上好，请坐。今天感觉怎么样？", "你好，请进。最近身体和心情怎么样？", "你好，坐吧。今天是哪里不舒服？", "上午好，这阵子过得怎么样？"),
    "en": ("Good morning, please have a seat. How are you today?", "Good morning. How have you been lately?",
           "Hello, come in. What is troubling you?", "Good afternoon. How are you feeling these days?"),
}  # fmt: skip
HISTORY: dict[Lang, tuple[str, ...]] = {
    "zh": ("我明白了。以前得过什么病、看过什么医生？带病历了吗？", "好的。在这之前有没有过类似的情况，平时身体怎么样？", "嗯。把你以前的病史也跟我说说吧。"),
    "en": ("I see. What illnesses have you had before, and do you have your record with you?",
           "All right. Has there been anything like this before, and how is your health otherwise?",
           "Thank you. Please tell me about your medical history as well."),
}  # fmt: skip
FAREWELLS: dict[Lang, tuple[str, ...]] = {
    "zh": ("好，今天就先到这里，路上慢走。", "那我们今天先谈到这儿，有情况随时来。", "好的，先这样安排，回去好好休息。"),
    "en": ("Good, let us leave it there for today. Take care.", "That is all for today. Come back any time if something changes.",
           "All right, that is our plan. Have a good rest."),
}  # fmt: skip
RECORD_READ: dict[Lang, str] = {"zh": "医生更新了病史记录", "en": "the doctor has updated the record of the history"}
WORDS: dict[str, dict[Lang, str]] = {
    "long": {"zh": "超过了 {} 个字", "en": "it has {} words or more"},
    "early": {
        "zh": "患者还没说过“{}”：先问，不要直接下结论",
        "en": "the patient has not told of “{}” yet: ask about it, do not state it",
    },
    "clinician": {
        "zh": "“{}”这类检查结果、剂量、生命体征和检查用语由医生说，患者不说",
        "en": "“{}”: results, doses, vital signs and terms of the examination are the doctor's to say",
    },
    "complaint": {
        "zh": "这时只说哪里不舒服，不说“{}”这样的病史和用药",
        "en": "only the complaint for now; “{}” belongs to the history",
    },
}


_RELATIVES = re.compile(r"家族|[父母兄弟姐妹]|famil|mother|father|brother|sister", re.IGNORECASE)


class Draft(BaseModel):
    """The planner's draft of the whole talk; only the order in which it names the concepts is used."""

    turns: list[Line] = Field(min_length=2)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        speakers = {word: "counselor" if _clinical(word, actor.cue.lang) else "client" for word in actor.words}
        lines = [{"speaker": who, "text": word} for word, who in speakers.items()]
        return {"turns": lines if len(lines) > 1 else [*lines, {"speaker": "counselor", "text": "…"}] * 2}


class Mentioned(BaseModel):
    """The checker's answer about one keyword."""

    covered: bool

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, bool]:
        return {"covered": False}


class Said(BaseModel):
    """What the physician says."""

    utterance: str = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, str]:
        """Asks for what the patient has not told yet, then states what is the clinician's to say."""
        lay, own = _parted(actor)
        if lay:
            known = LEXICON.find(lay[0], actor.cue.lang)
            kind = known[0].type if known else "ask"
            kind = "ask" if kind != "risk" and not (kind == "family" and _RELATIVES.search(lay[0])) else kind
            lines = [line.format(t=low(known[0].text)) for line in actor.stock["inquiry"][kind]] if known else []
            fresh = [line for line in lines if line not in {text for _, text in actor.cue.turns}]
            if fresh:
                return {"utterance": fresh[0]}
        if own and not lay:
            findings = actor.stock["inquiry"]["finding"]
            line = findings[len(actor.cue.turns) // 2 % len(findings)]
            return {"utterance": line.format(w=re.sub(r"\b(?:his|her)\b", "your", own[0].rstrip("。.")))}
        return {"utterance": actor.utterance("counselor", actor.cue.turns, may_close=False)}


class Told(Said):
    """What the patient says."""

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, str]:
        lay, _ = _parted(actor)
        if not any(
            who == "client" for who, _ in actor.cue.turns
        ):  # a complaint comes first, whatever the note begins with
            lay.sort(key=lambda word: "symptom" not in {c.type for c in LEXICON.find(word, actor.cue.lang)})
        told = "\n".join(text for _, text in actor.cue.turns)
        findings = tuple(line.split("{w}")[0] for line in actor.stock["inquiry"]["finding"])
        explained = bool(actor.cue.turns) and actor.cue.turns[-1][1].startswith(findings)
        replies = actor.stock["inquiry"]["thanks"] if explained else actor.stock["client"]["respond"]
        # When all replies were said, one comes again: what else the note has is the doctor's to say.
        again = replies[len(actor.cue.turns) // 2 % len(replies) :]
        left = [actor.said_of(word) for word in lay[actor.cue.take :]] or (
            (actor.left(replies, told) or again) if actor.words else []
        )
        return {"utterance": left[0] if left else actor.utterance("client", actor.cue.turns, may_close=False)}


def _parted(actor: "Actor") -> tuple[list[str], list[str]]:
    """Sentences of the note that nobody has said yet: (the patient's, the clinician's)."""
    told = "\n".join(text for _, text in actor.cue.turns)
    heard = "\n".join(text for who, text in actor.cue.turns if who == "client")
    words = [re.sub(r"^\w{2,4}：", "", word) for word in actor.words]
    own = [word for word in words if _clinical(word, actor.cue.lang)]
    lay = [word for word in words if word not in own]
    lay = [word for word in lay if not any(said.rstrip("。.") in heard for said in (word, actor.said_of(word)))]
    return lay, [word for word in own if re.sub(r"\b(?:his|her)\b", "your", word.rstrip("。.")) not in told]


def _clinical(sentence: str, lang: Lang) -> bool:
    return any(RANK[c.type] >= RANK["test"] or c.type in CLINICIAN_ONLY for c in LEXICON.find(sentence, lang))


def kept_to(text: str, slip: Callable[[str], str | None], lang: Lang) -> str:
    """What is left of a message that keeps slipping: its sentences without a slip.

    Raises: AnswerRejected when nothing is left.
    """
    if not (fault := slip(text)):
        return text
    left = ("" if lang == "zh" else " ").join(one for one in sentences(text) if not slip(one))
    if not left or slip(left):
        raise AnswerRejected(f"notechat: no sentence of “{text}” can be said here: {fault}", do="try a stronger model")
    return left


class Checklist(BaseModel):
    """The physician's plan and how far it is. open: asked about in the last item, not covered yet."""

    begun: bool = False
    concepts: list[Concept] = Field(default_factory=list)
    items: list[list[Concept]] = Field(default_factory=list)
    at: int = 0
    open: list[Concept] = Field(default_factory=list)


class Planning(Role):
    """The options of the checklist, which physician and writer share."""

    extractor: Extractor = Field(
        "lexicon",
        description="what finds the concepts of the note: the bundled lexicon (the paper: UMLS), a model, or both; in any "
        "case only words that stand in the note exactly",
    )
    plan: bool = Field(True, description="false: no draft; the checklist follows the note")
    ask_coverage: bool = Field(
        True, description="let a model look once more for a keyword that was not said literally; false: lexicon only"
    )


class NotechatPhysician(Planning, Counselor):
    """Two fixed lines, then item by item of a checklist planned from the note."""

    meets_once: ClassVar[bool] = True
    sight: ClassVar[Sight] = {
        "extractor": {"note"}, "planner": {"note"}, "counselor": {"note"},
        "checker": {"note"},  # its keyword is taken from the note
    }  # fmt: skip
    needs: ClassVar[frozenset[str]] = frozenset({"note"})

    words: int = Field(30, ge=1, description="an English message has fewer words than this")
    characters: int = Field(60, ge=1, description="most characters of a Chinese message")
    max_exchanges: int = Field(80, ge=1, description="cap of a talk; the checklist ends it before that")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """A greeting from the pool; the physician ends the talk when the checklist is done."""
        opening = [Turn.counselor(random.Random(case.id).choice(GREETINGS[lang]))]
        return Rules(
            opening=super().rules(case, lang).opening if case.opening else opening, max_exchanges=self.max_exchanges
        )

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory, lang = talk.memory(self, Checklist), ask.lang
        if not memory.begun:
            memory.begun = True
            return Turn.counselor(ask.rng("history").choice(HISTORY[lang]), asks="history")
        if not memory.items:
            talk.turns[-1].extra["directions"] = [RECORD_READ[lang]]
            await self.make_plan(talk, ask)
        targets = await self._next(memory, talk, ask)
        if not targets:
            return Turn(speaker="counselor", text=ask.rng("farewell").choice(FAREWELLS[lang]), closes=True)

        def too_early(text: str) -> str | None:
            findings = (c for c in memory.concepts if c.type in CLINICIAN_ONLY)
            early = stated_too_early(text, talk.turns, [*targets, *findings], lang)
            return WORDS["early"][lang].format(early[0]) if early else None

        def physicians_part(said: Said) -> str | None:
            if size(said.utterance, lang) > longest:
                return WORDS["long"][lang].format(limit)
            return too_early(said.utterance)

        limit, longest = (self.words, self.words - 1) if lang == "en" else (self.characters, self.characters)
        said = await ask(
            "physician", Said, prefer=physicians_part, talk=talk, targets=[c.text for c in targets], limit=limit
        )
        short = shortened(kept_to(said.utterance, too_early, lang), longest, lang)
        # A question that was cut short may have become a statement.
        return Turn.counselor(kept_to(short, too_early, lang), targets=[c.text for c in targets])

    async def make_plan(self, talk: Talk, ask: Ask) -> None:
        """Concepts, then a draft whose order they take, then pairs."""
        memory = talk.memory(self, Checklist)
        memory.concepts = order = await extract(ask, self.extractor)
        if self.plan:
            most = min(50, max(len(sentences(str(ask.sees("planner").note.text))), len(order)))
            draft = await ask("draft", Draft, talk=talk, keywords=[c.text for c in order], messages=most)
            said = "\n".join(line.text for line in draft.turns)
            order = in_order(_named(said, memory.concepts, ask.lang), memory.concepts)
            talk.session.notes["draft"] = [line.model_dump(mode="json") for line in draft.turns]
        memory.items = [*in_pairs(order), []]  # the empty one: what the last item leaves open is asked about once more
        talk.session.notes["concepts"] = [c.model_dump() for c in memory.concepts]
        talk.session.notes["plan"] = [[c.text for c in item] for item in memory.items if item]

    async def _next(self, memory: Checklist, talk: Talk, ask: Ask) -> list[Concept]:
        """What to talk about now: the next item with what is still open; an item that is covered makes no turn."""
        while memory.at < len(memory.items):
            item = [*memory.open, *memory.items[memory.at]]
            memory.at += 1
            covered = await gather(*(self._covered(concept, talk, ask) for concept in item))
            memory.open = [concept for concept, is_covered in zip(item, covered, strict=True) if not is_covered]
            if memory.open:
                return memory.open
        return []

    async def _covered(self, concept: Concept, talk: Talk, ask: Ask) -> bool:
        """Concept match, literal match, then a model's yes or no."""
        if LEXICON.mentions(concept, "\n".join(turn.text for turn in talk.turns), ask.lang):
            return True
        return self.ask_coverage and (await ask("covered", Mentioned, talk=talk, keyword=concept.text)).covered


def _named(said: str, concepts: list[Concept], lang: Lang) -> list[Concept]:
    """The concepts in the order in which ``said`` names them, by their words or by others of the same concept."""
    places = {c.code: at for at, _, c in reversed(list(LEXICON.spans(said, lang)))}
    for concept in concepts:
        if (at := said.lower().find(concept.text.lower())) >= 0:
            places[concept.code] = min(at, places.get(concept.code, at))
    return sorted((c for c in concepts if c.code in places), key=lambda c: places[c.code])


class NotechatPatient(Client):
    """The person of the note: lay words, only what is asked."""

    sight: ClassVar[Sight] = {"client": {"note"}}
    needs: ClassVar[frozenset[str]] = frozenset({"note"})

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        first = not any(turn.speaker == "client" for turn in talk.turns)
        asks = bool(talk.turns) and talk.turns[-1].extra.get("asks") == "history"

        def slip(text: str) -> str | None:
            if found := only_clinicians_say(text, ask.lang):
                return WORDS["clinician"][ask.lang].format(found[0])
            other = [c.text for c in LEXICON.find(text, ask.lang) if c.type not in COMPLAINT] if first else []
            return WORDS["complaint"][ask.lang].format(other[0]) if other else None

        def patients_part(told: Told) -> str | None:
            return slip(told.utterance)

        prompt = "complaint" if first else "history" if asks else "patient"
        told = await ask(prompt, Told, prefer=patients_part, talk=talk)
        return Turn.client(kept_to(told.utterance, slip, ask.lang))
