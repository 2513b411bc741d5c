"""AMIE's vignettes: from a condition to the case of a patient. arXiv 2401.05654, procedure A."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Ask
from psyloom.agents.together import gather
from psyloom.errors import UsageError
from psyloom.records import Case, Clinical, Disposition, Lang, Scenario

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# Under these names the fields stand in the case; English ones are the fields' own, in words.
ZH = {
    "past_surgical_history": "手术史", "past_social_history": "社会史", "stressors": "压力", "functioning": "功能",
    "sleep_appetite": "睡眠和食欲", "substance_use": "物质使用", "trauma_history": "创伤经历", "past_psychiatric_history": "既往精神疾病",
    "medication": "用药", "suicide": "自杀", "self_harm": "自伤", "violence": "伤人", "protective_factors": "保护因素",
    "affect": "情感", "thought": "思维", "perception": "感知", "insight": "自知力",
}  # fmt: skip
ASPECTS = ("demographics", "symptoms", "management")
SAME: dict[Lang, str] = {
    "zh": "两个病例的症状写得一样，要写成两个不同的人",
    "en": "both vignettes have the same symptoms; make two different people",
}


class Vignette(BaseModel):
    """A patient, in the paper's fields; "N/A" where nothing is known."""

    demographics: Text
    symptoms: Text
    past_medical_history: Text
    past_surgical_history: Text
    past_social_history: Text
    patient_questions: list[Text] = Field(max_length=4)
    management_plan: Text

    def clinical(self) -> dict[str, Any]:
        """The fields as those of the clinical facet."""
        social = {"past_surgical_history": self.past_surgical_history, "past_social_history": self.past_social_history}
        return {
            "complaint": self.symptoms, "physical_illness": self.past_medical_history, "personal_history": social,
            "questions": list(self.patient_questions), "treatment": self.management_plan,
        }  # fmt: skip


class MentalRisk(BaseModel):
    """What a risk assessment would find."""

    suicide: Text
    self_harm: Text
    violence: Text
    protective_factors: Text


class MentalState(BaseModel):
    """What an examination of the mental state would find."""

    affect: Text
    thought: Text
    perception: Text
    insight: Text


class MentalVignette(Vignette):
    """The carry-over to mental health: what such a case needs besides. Ours, not the paper's."""

    onset_and_course: Text
    stressors: Text
    functioning: Text
    sleep_appetite: Text
    substance_use: Text
    trauma_history: Text
    past_psychiatric_history: Text
    family_psychiatric_history: Text
    medication: Text
    risk: MentalRisk
    mental_state: MentalState
    communication_style: Text

    def clinical(self) -> dict[str, Any]:
        told = super().clinical()
        more = self.model_dump(include={
            "stressors", "functioning", "sleep_appetite", "substance_use", "trauma_history", "past_psychiatric_history", "medication",
        })  # fmt: skip
        return told | {
            "present_illness": self.onset_and_course, "family_history": self.family_psychiatric_history,
            "personal_history": told["personal_history"] | more, "risk": self.risk.model_dump(),
            "mental_state": self.mental_state.model_dump(),
        }  # fmt: skip


class Vignettes(BaseModel):
    """The generator's answer: two different patients."""

    vignettes: list[Vignette] = Field(min_length=2, max_length=2)

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, Any]:
        stock, drawn = actor.stock["vignette"], actor.fill()["vignettes"]
        return {"vignettes": [_rehearsed(one, stock, n) for n, one in enumerate(drawn)]}


def _rehearsed(value: dict[str, Any], stock: dict[str, list[str]], number: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        said = stock[name][number] if name in stock else "N/A"
        found[name] = (
            _rehearsed(inner, stock, number) if isinstance(inner, dict) else [said] if isinstance(inner, list) else said
        )
    return found


class MentalVignettes(Vignettes):
    """The same, for mental health."""

    vignettes: list[MentalVignette] = Field(min_length=2, max_length=2)  # type: ignore[assignment]


class Fits(BaseModel):
    """The filter's answer about one passage."""

    fits: bool

    @classmethod
    def rehearse(cls, actor: "Actor") -> dict[str, bool]:
        return {"fits": True}


async def write_vignette(case: Case, ask: Ask, *, mental_health: bool, passages: str) -> None:
    """Fill the case with a vignette of its diagnosis; two vignettes are made with one call and shared by two cases.

    Which one a case takes stands in ``case.extra["vignette"]``, 0 without it.
    """
    names = [one.name for one in ask.sees("vignette_writer").clinical.diagnoses]
    condition = ("、" if ask.lang == "zh" else " and ").join(names)
    number = case.extra.get("vignette", 0)
    pair, place = divmod(number if isinstance(number, int) else 0, 2)
    kept = await _passages(condition, passages, ask) if passages else {}

    def differ(answer: Vignettes) -> str | None:
        first, second = answer.vignettes
        return SAME[ask.lang] if first.symptoms == second.symptoms else None

    kind = MentalVignettes if mental_health else Vignettes
    made = await ask.once(
        f"{condition}/{pair}",
        "vignette",
        kind,
        check=differ,
        condition=condition,
        passages=kept,
        mental_health=mental_health,
    )
    _fill(case, made.vignettes[place], ask.lang)
    case.extra["grounded"] = bool(kept)


def _fill(case: Case, vignette: Vignette, lang: Lang) -> None:
    told = {name: _told(value, lang) for name, value in vignette.clinical().items()}
    given = case.clinical.model_dump(exclude_defaults=True) if case.clinical else {}
    case.clinical = Clinical.model_validate({k: v for k, v in told.items() if v} | given)
    if case.scenario is None and case.demographics is None:
        case.scenario = Scenario(situation=vignette.demographics)
    if isinstance(vignette, MentalVignette) and case.disposition is None:
        case.disposition = Disposition(style=vignette.communication_style)
    case.derived.append("clinical")


def _told(value: Any, lang: Lang) -> Any:
    """A field as the case has it: named in its language, without what says "N/A"."""
    if isinstance(value, dict):
        named = {ZH[k] if lang == "zh" else k.replace("_", " "): _told(v, lang) for k, v in value.items()}
        return {k: v for k, v in named.items() if v}
    return None if isinstance(value, str) and value.strip().upper() in ("N/A", "NA") else value


async def _passages(condition: str, folder: str, ask: Ask) -> dict[str, list[str]]:
    """Aspect -> passages about the condition that the filter kept.

    A passage is a text file ``FOLDER/CONDITION/ASPECT*.txt``; aspects: demographics, symptoms, management.
    Raises: UsageError when there is none for the condition.
    """
    found = {aspect: sorted((Path(folder) / condition).glob(f"{aspect}*.txt")) for aspect in ASPECTS}
    if not any(found.values()):
        raise UsageError(
            f"{Path(folder) / condition} holds no passage",
            do=f"put text files there, named {', '.join(f'{a}1.txt' for a in ASPECTS)} ..., or leave passages out",
        )
    kept: dict[str, list[str]] = {}
    for aspect, files in found.items():
        texts = [file.read_text("utf-8") for file in files]
        verdicts = await gather(*(
            ask.once(f"{condition}/{file.name}", "passage", Fits, condition=condition, aspect=aspect, passage=text)
            for file, text in zip(files, texts, strict=True)
        ))  # fmt: skip
        kept[aspect] = [text for text, verdict in zip(texts, verdicts, strict=True) if verdict.fits]
    return kept
