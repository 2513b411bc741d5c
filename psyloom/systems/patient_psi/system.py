"""PATIENT-Psi: a patient whose speech is steered by a cognitive model and one of six styles. arXiv 2405.19660.

One call a patient turn. The second role rebuilds a cognitive model from a transcript, as the released generator does.
`trainer` is the practice around it: a trainee talks, writes down the patient's model, and sees the true one.
"""

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, Field

from psyloom.agents import Ask, Check, Client, Sight, Talk
from psyloom.errors import MissingFacet
from psyloom.knowledge import LabelSet, Term, label_set
from psyloom.knowledge.labels import Bilingual
from psyloom.records import Case, Cognition, Lang, Turn, sentences
from psyloom.systems.patient_psi.generator import EMOTIONS, HELPLESS, UNLOVABLE, WORTHLESS, CcdGenerator, Text

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

__all__ = ["CcdGenerator", "PatientPsi"]

STYLES = label_set("patient_style")
# Most sentences of a message. The released prompt caps all styles at 5, which contradicts the talkative one.
CAPS = {"plain": 5, "upset": 3, "verbose": 8, "reserved": 3, "tangent": 5, "pleasing": 5}
WORDS: dict[str, dict[Lang, str]] = {
    "long": {"en": "it has {} sentences, at most {} are allowed", "zh": "有 {} 句话，最多 {} 句"},
    "jargon": {
        "en": "it says {!r}; a client does not know or use such terms, so say it in everyday words",
        "zh": "里面说了“{}”；来访者不懂、也不用这种术语，换成平常的话",
    },
}


class Trusting(BaseModel):
    """A message, and how far the patient trusts the therapist when saying it."""

    trust: int = Field(ge=0, le=10)
    text: Text

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        heard = sum(who == "counselor" for who, _ in actor.cue.turns)
        return {"trust": min(10, 2 + heard), "text": actor.utterance("client", actor.cue.turns)}


class PatientPsi(Client):
    """The patient: history, beliefs, coping, one situation of the past week, and a style."""

    sight: ClassVar[Sight] = {
        "client": {"demographics.name", "cognition"},
        "baseline": {"demographics.name", "cognition.situations.situation"},
    }
    needs: ClassVar[frozenset[str]] = frozenset(
        {"cognition.history", "cognition.intermediate_beliefs", "cognition.coping_strategies", "cognition.situations"}
    )

    style: Literal["case", "drawn", "plain", "upset", "verbose", "reserved", "tangent", "pleasing"] = Field(
        "case",
        description="case: the case's own (disposition.style), plain where it has none; drawn: by the seed, from those "
        "the model is suited for (extra.type) or from all six; else the same for all",
    )
    trust: bool = Field(
        False,
        description="with each message the patient also rates its trust, 0 to 10; it moves one step at a time, and the "
        "more there is, the more seldom the style shows; false: the patient is only told to soften",
    )
    baseline: bool = Field(
        False, description="the study's baseline: the same model without cognitive model and style, told the situation"
    )

    class Memory(BaseModel):
        trust: int = Field(2, ge=0, le=10)

    def seen_by(self) -> Sight:
        """The patient reads its own manner where it plays the case's."""
        manner = {"disposition.style"} if self.style == "case" else set()
        return {**self.sight, "client": {*self.sight["client"], *manner}}

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        case, number = ask.desk.case, len(talk.dialogue.sessions) - 1
        style = STYLES["plain"] if self.baseline else self.style_of(case, ask)
        if "patient" not in talk.session.notes:
            talk.session.notes["patient"] = self._note(case, style, number)
        check, cap = without_jargon(ask.lang), at_most(CAPS.get(style.id, CAPS["plain"]), ask.lang)
        slots: dict[str, Any] = {
            "talk": talk,
            "style": style,
            "cap": CAPS.get(style.id, CAPS["plain"]),
            "number": number,
            "trust": None,
            "shows": True,
        }
        if self.baseline:
            return Turn.client(await ask("baseline", check=check, prefer=cap, **slots))
        if not self.trust:
            return Turn.client(await ask("client", check=check, prefer=cap, **slots))
        memory = talk.memory(self, self.Memory)
        shows = ask.rng(f"style/{number}/{len(talk.turns)}").random() * 10 >= memory.trust
        slots |= {"trust": memory.trust, "shows": shows}
        said = await ask("client", Trusting, check=of_text(check), prefer=of_text(cap), **slots)
        memory.trust += max(-1, min(1, said.trust - memory.trust))
        return Turn.client(said.text, trust=memory.trust, style_shows=shows)

    def style_of(self, case: Case, ask: Ask) -> Term:
        """The style in force. A case may describe a manner of its own in free words; it has the plain style's cap.

        Raises UnknownName for what looks like one of the six misspelt.
        """
        if self.style == "drawn":
            fit = case.extra.get("type")
            return ask.rng("style").choice(
                STYLES.some(map(str, fit)) if isinstance(fit, list) and fit else STYLES.terms
            )
        own = (case.disposition and case.disposition.style) or "plain"
        if self.style != "case":
            return STYLES[self.style]
        known = {word.casefold() for term in STYLES.terms for word in term.words()}
        if own in STYLES or get_close_matches(own.casefold(), known, n=1, cutoff=0.7):
            return STYLES[own]
        return Term(id="own", en=own, zh=own, definition=Bilingual(en=own, zh=own))

    @staticmethod
    def _note(case: Case, style: Term, number: int) -> dict[str, Any]:
        """What whoever watches should know: style, situation, words outside the lists, a belief to be careful with."""
        model = case.cognition
        if model is None or not any(beliefs_of(model)):
            raise MissingFacet(f"case {case.id!r} has no core belief", do="give cognition.core_beliefs a statement")
        caution = any(WORTHLESS.find(word) is WORTHLESS["deserve"] for word in beliefs_of(model))
        return (
            {"style": style.id, "situation": number % len(model.situations) + 1}
            | ({"unlisted": found} if (found := unlisted(model)) else {})
            | ({"caution": "deserve"} if caution else {})
        )


def beliefs_of(model: Cognition) -> list[str]:
    """All statements of core beliefs, category by category."""
    core = model.core_beliefs
    return [*core.helpless, *core.unlovable, *core.worthless, *core.other]


def unlisted(model: Cognition) -> dict[str, str]:
    """Core beliefs and emotions that are none of the 9 + 6 + 4 and 9 labels -> the nearest label, "" when none is near.

    Statements outside the three categories (``other``) are free.
    """
    core = model.core_beliefs
    lists = [(HELPLESS, core.helpless), (UNLOVABLE, core.unlovable), (WORTHLESS, core.worthless)]
    lists += [(EMOTIONS, [one for situation in model.situations for one in situation.emotions])]
    return {word: _nearest(word, labels) for labels, words in lists for word in words if word not in labels}


def _nearest(word: str, labels: LabelSet) -> str:
    near = get_close_matches(word, [name for term in labels.terms for name in (term.en, term.zh)], n=1, cutoff=0.5)
    return near[0] if near else ""


_JARGON = re.compile(
    r"\b(?:core|intermediate)[ _]beliefs?(?:\b|_)|\bautomatic[ _]thoughts?\b|\bcoping[ _]strateg(?:y|ies)\b|\brelevant history\b|"
    r"\bcognitive (?:conceptuali[sz]ation|model)\b|\bconceptuali[sz]ation diagram\b|\bCCD\b|"
    r"核心信念|中间信念|自动(?:化)?思维|应对策略|相关经历|认知概念化|概念化图|认知模型",
    re.IGNORECASE,
)


def without_jargon(lang: Lang) -> Check:
    """The rule that a client never names the diagram or its parts. Everyday words (situation, 情绪) are free."""

    def names_the_diagram(text: str) -> str | None:
        found = _JARGON.search(text)
        return WORDS["jargon"][lang].format(found.group()) if found else None

    return names_the_diagram


def at_most(cap: int, lang: Lang) -> Check:
    """The wish for no more than ``cap`` sentences; a pause ("Well...", "嗯……") does not end one."""

    def over_the_cap(text: str) -> str | None:
        count = max(1, sum(not re.search(r"(?:…|\.\.)[\"'”’」』)）]*$", one) for one in sentences(text)))
        return WORDS["long"][lang].format(count, cap) if count > cap else None

    return over_the_cap


def of_text(check: Check) -> Check:
    """The same check for a typed answer with a ``text``, counted under the same name."""

    def checked(said: Any) -> str | None:
        return check(said.text)

    checked.__name__ = check.__name__
    return checked
