"""What the two steps of psyaug hand on: c and t of the information extraction, and the judge's answer."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from psyloom.agents import Check
from psyloom.errors import BadRecord, UsageError
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Answer, Case, Dialogue, Lang, Turn, read_jsonl
from psyloom.systems.psyaug.board import traces_of

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Info = TypeVar("Info", bound=BaseModel)
WORDS: dict[str, dict[Lang, str]] = {
    "quote": {"en": "quotes: {!r} does not stand in the question word for word", "zh": "quotes：“{}”不是提问里的原话"},
    "identity": {"en": "it tells who the therapist is: {!r}", "zh": "透露了咨询师的身份：“{}”"},
    "place": {
        "en": "advice: message {} is not one of the therapist's; give the number of one that is, or null",
        "zh": "advice：第 {} 条不是治疗师的发言，请写治疗师那一条的编号，没有就写 null",
    },
    "unknown": {"en": "unknown", "zh": "不详"},
}


class ClientInfo(BaseModel):
    """c: what the question says or strongly implies about the client."""

    age_group: Text
    gender: Text
    duration: Text
    symptoms: list[Text]
    triggers: list[Text]
    relationships: list[Text]
    coping_tried: list[Text]
    goal: Text
    emotional_tone: Text
    quotes: list[Text] = Field(max_length=2)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        unknown = dict.fromkeys(("age_group", "gender", "duration", "goal"), WORDS["unknown"][actor.cue.lang])
        told = {"symptoms": actor.words[:2], "triggers": actor.words[2:3], "quotes": actor.words[:1]}
        return {**unknown, **told, "relationships": [], "coping_tried": [], "emotional_tone": actor.text("emotion")}


class TherapistInfo(BaseModel):
    """t: the therapist's expertise and style, without who it is."""

    credentials: Text
    specialities: list[Text]
    approach: Text
    techniques: list[Text]
    tone: Text
    question_style: Text
    advice_style: Text
    self_disclosure: bool
    referral_habit: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        traits = re.split("[；;]", actor.text("style"))
        said = {name: traits[n % len(traits)].strip() for n, name in enumerate(cls.model_fields)}
        return {**said, "specialities": [], "techniques": [said["techniques"]], "self_disclosure": True}


class Advice(BaseModel):
    """One piece of advice in y, and the number of the therapist's message that gives it; null when none does."""

    item: Text
    message: int | None


class Coverage(BaseModel):
    """The judge's answer."""

    advice: list[Advice] = Field(min_length=1)
    contradictions: list[Text]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"advice": [{"item": actor.text("solution"), "message": 2}], "contradictions": []}

    @property
    def share(self) -> float:
        return sum(one.message is not None for one in self.advice) / len(self.advice)


def edited(kind: type[Info], given: Any, case: Case) -> Info:
    """An extraction result as a person has left it in the case. Raises: BadRecord when it is no ``kind``."""
    try:
        return kind.model_validate(given)
    except ValidationError as trouble:
        do = f"fields: {', '.join(kind.model_fields)}"
        raise BadRecord(
            f"case {case.id!r} has an edited {kind.__name__} that cannot be used: {trouble}", do=do
        ) from trouble


def extracted_of(path: Path, id_: str) -> dict[str, Any]:
    """The notes that a run of step 1 alone left for a case. Raises: UsageError when it left none."""
    if id_ not in (found := _extracted(path)):
        raise UsageError(f"{path} holds no extraction of case {id_!r}", do="run step 1 over it: --set steps=extraction")
    return found[id_]


@cache
def _extracted(path: Path) -> dict[str, dict[str, Any]]:
    file = path / "dialogues.jsonl" if path.is_dir() else path
    return {
        dialogue.id: dict(dialogue.sessions[0].notes) for dialogue in read_jsonl(file, Dialogue) if dialogue.sessions
    }


def quoted(case: Case, lang: Lang) -> Check:
    """Quotes stand in the question."""
    x = f"{case.get('post.title') or ''}\n{case.get('post.text')}"

    def quotes(info: ClientInfo) -> str | None:
        return next((WORDS["quote"][lang].format(quote) for quote in info.quotes if quote not in x), None)

    return quotes


def placed(turns: Sequence[Turn], lang: Lang) -> Check:
    """Advice that was found stands in a message of the therapist's."""
    said = {number for number, turn in enumerate(turns, 1) if turn.speaker == "counselor"}

    def placed(found: Coverage) -> str | None:
        wrong = (one.message for one in found.advice if one.message is not None and one.message not in said)
        return next((WORDS["place"][lang].format(number) for number in wrong), None)

    return placed


def nameless(y: Answer, lang: Lang) -> Check:
    """The style card does not tell whose it is; the profession may be named there."""

    def nameless(info: TherapistInfo) -> str | None:
        found = traces_of(y, info.model_dump_json(), credentials=False)
        return WORDS["identity"][lang].format(found) if found else None

    return nameless
