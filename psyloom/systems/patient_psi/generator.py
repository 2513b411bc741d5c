"""The generator of PATIENT-Psi: a cognitive model rebuilt from a transcript in one call. arXiv 2405.19660."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Annotator, Ask, Sight, Talk
from psyloom.knowledge import LabelSet, OneOf, label_set
from psyloom.records import Cognition, CoreBeliefs, Dialogue, Lang, Session, Situation

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

HELPLESS, UNLOVABLE, WORTHLESS = (label_set(f"{kind}_belief") for kind in ("helpless", "unlovable", "worthless"))
EMOTIONS = label_set("ccd_emotion")
NO_BELIEF: dict[Lang, str] = {
    "en": "core_beliefs: at least one statement of one category is needed",
    "zh": "core_beliefs：至少要有一类里的一条",
}
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Beliefs(BaseModel):
    """Core beliefs as statements of the released lists."""

    helpless: list[Annotated[str, OneOf(HELPLESS)]]
    unlovable: list[Annotated[str, OneOf(UNLOVABLE)]]
    worthless: list[Annotated[str, OneOf(WORTHLESS)]]


class SituationModel(BaseModel):
    """One situation of the generator's answer."""

    situation: Text
    automatic_thoughts: Text
    emotion: list[Annotated[str, OneOf(EMOTIONS)]] = Field(min_length=1, max_length=3)
    behavior: Text


class CognitiveModel(BaseModel):
    """The generator's answer; field names as released, core beliefs with their statements in one field."""

    life_history: Text
    core_beliefs: Beliefs
    intermediate_beliefs: Text
    intermediate_beliefs_during_depression: str
    coping_strategies: Text
    cognitive_models: list[SituationModel] = Field(min_length=3)

    def cognition(self, lang: Lang) -> Cognition:
        """The facet that a case carries, label names in ``lang``."""

        def named(labels: LabelSet, ids: list[str]) -> list[str]:
            return [term.name(lang) for term in labels.some(dict.fromkeys(ids))]

        core = self.core_beliefs
        return Cognition(
            history=self.life_history,
            core_beliefs=CoreBeliefs(
                helpless=named(HELPLESS, core.helpless), unlovable=named(UNLOVABLE, core.unlovable),
                worthless=named(WORTHLESS, core.worthless),
            ),
            intermediate_beliefs=[self.intermediate_beliefs],
            intermediate_beliefs_during_depression=[t for t in (self.intermediate_beliefs_during_depression.strip(),) if t],
            coping_strategies=[self.coping_strategies],
            situations=[
                Situation(
                    situation=one.situation, automatic_thoughts=[one.automatic_thoughts],
                    emotions=named(EMOTIONS, one.emotion), behaviors=[one.behavior],
                )
                for one in self.cognitive_models
            ],
        )  # fmt: skip

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        given: dict[str, Any] = actor.fill()
        heard = [text for who, text in actor.cue.turns if who == "client"] or [actor.text("problem")]
        for n, one in enumerate(given["cognitive_models"]):
            one["situation"], one["automatic_thoughts"] = heard[n % len(heard)], actor.text("appraisal")
        return given | {"life_history": " ".join(heard[:2])}


class CcdGenerator(Annotator):
    """Rebuilds the client's cognitive model from a transcript; the dialogue keeps it under ``extra.cognition``.

    ``psyloom export --to patient_psi`` makes profile records of it, one for each situation.
    """

    sight: ClassVar[Sight] = {"generator": frozenset()}

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        def no_belief(model: CognitiveModel) -> str | None:
            core = model.core_beliefs
            return None if core.helpless or core.unlovable or core.worthless else NO_BELIEF[ask.lang]

        whole = Talk(Dialogue(id=dialogue.id, lang=dialogue.lang, sessions=[Session(turns=dialogue.turns)]))
        model = await ask.as_(self, whole)("ccd", CognitiveModel, check=no_belief, talk=whole, emotions=EMOTIONS)
        found = dialogue.extra.get("cognition")
        others = found if isinstance(found, dict) else {}
        made = model.cognition(ask.lang).model_dump(mode="json", exclude_defaults=True)
        dialogue.extra["cognition"] = others | {ask.by: made}
        return dialogue
