"""What a person may ask of an export: one typed set of options for all writers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from psyloom.errors import UsageError
from psyloom.knowledge import label_set
from psyloom.records import Lang, Speaker

Unit = Literal["turn", "dialogue"]
Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")

NAMES: Mapping[Lang, Mapping[Speaker, str]] = {
    "en": {"client": "Client", "counselor": "Counselor"},
    "zh": {"client": "来访者", "counselor": "咨询师"},
}


class ExportOptions(BaseModel):
    """Options of an export. A writer refuses an option it was given and cannot honour: nothing is lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Unit | None = Field(
        None, description="one example per learned turn or per dialogue; if not given: the format's own"
    )
    target: Speaker = Field("counselor", description="whose messages are learned; the other side is the user")
    history: int | None = Field(
        None, ge=1, description="messages before the target, at most; if not given: all of them"
    )
    sessions: Literal["joined", "apart"] = Field("joined", description="apart: history begins anew in every session")
    consecutive: Literal["auto", "merge", "keep"] = Field(
        "auto", description="messages in a row by one speaker; auto: merged where the target demands alternation"
    )
    weights: Literal["auto", "write", "ignore"] = Field(
        "auto",
        description="loss masks and weights (Turn.extra['weight'], default 1); auto: history is masked where the format"
        " can say so, and a weight that would be lost is refused; write: on every learned message; ignore: none",
    )
    thoughts: Literal["in", "out", "hidden"] = Field(
        "out", description="in: <think>...</think> before the reply; hidden: in a field of their own"
    )
    annotator: str | None = Field(
        None,
        description="whose reasoning and explanations are taken where several stand there; if not given: the first's",
    )
    system: Literal["own", "given", "none"] = Field(
        "own", description="own: the one that the dialogue carries, else that of the system that made it"
    )
    system_text: str | None = Field(None, min_length=1, description="for system = given")
    client_name: str | None = Field(None, min_length=1, description="how the client is called in transcripts")
    counselor_name: str | None = Field(None, min_length=1, description="how the counselor is called in transcripts")
    labels: tuple[str, ...] | None = Field(
        None,
        description="label sets that annotators choose from besides those that the dialogues carry, e.g."
        " 'client_reaction,psyinsight_emotion'",
    )
    without: tuple[str, ...] = Field(
        (), description="leave out, and count, dialogues with a label of these, e.g. 'soulchat_review:harm,soulchat_review:politics'"
    )  # fmt: skip
    base: Path | None = Field(
        None, description="labelled dialogues from which demonstrations come; if not given: the system's bundled ones"
    )
    ids: bool = Field(True, description="keep the dialogue's id in a field of its own")
    splits: tuple[float, float, float] | None = Field(
        None,
        description="shares of train, valid and test, e.g. '80/10/10'; with by=number how many, e.g. '270/30/150'; if not"
        " given: no splits",
    )
    by: Literal["dialogue", "client", "question", "number"] = Field(
        "dialogue",
        description="what never stands in two splits; number: in order of the number that ends each id, from 1",
    )
    seed: int = Field(0, description="another seed deals the groups out anew")
    force: bool = Field(False, description="export rehearsal dialogues, which are no data, all the same")

    @field_validator("splits", mode="before")
    @classmethod
    def _shares(cls, given: Any) -> Any:
        """Accept '80/10/10' or three numbers."""
        if given is None:
            return None
        try:
            parts = [float(part) for part in (given.split("/") if isinstance(given, str) else given)]
            parts += [0.0] * (3 - len(parts))
            if len(parts) != 3 or min(parts) < 0 or not 0 < sum(parts) < float("inf"):
                raise ValueError
        except (TypeError, ValueError) as trouble:
            raise UsageError(
                f"{given!r} are no shares of train, valid and test", do="give them as 80/10/10 or 90/10"
            ) from trouble
        return tuple(parts)

    @field_validator("labels", mode="before")
    @classmethod
    def _names(cls, given: Any) -> Any:
        """Accept names with commas between them; each must be a label set."""
        names = [name.strip() for name in given.split(",")] if isinstance(given, str) else given
        for name in names or ():
            label_set(name)
        return names

    @field_validator("without", mode="before")
    @classmethod
    def _unwanted(cls, given: Any) -> Any:
        """Accept SET or SET:LABEL with commas between them; each must exist."""
        words = [word.strip() for word in given.split(",")] if isinstance(given, str) else given
        for name, _, label in (word.partition(":") for word in words):
            _ = label_set(name)[label] if label else label_set(name)
        return words

    @model_validator(mode="before")
    @classmethod
    def _a_text_is_given(cls, given: Any) -> Any:
        return {"system": "given"} | given if isinstance(given, dict) and given.get("system_text") else given

    @model_validator(mode="after")
    def _system_text_when_given(self) -> Self:
        if (self.system == "given") != (self.system_text is not None):
            raise UsageError("a given system prompt and its text go together", do="set system=given and system_text")
        return self

    def name(self, speaker: Speaker, lang: Lang | None) -> str:
        """How a speaker is called: the given name, else the usual word in ``lang``, else the plain id."""
        given = self.client_name if speaker == "client" else self.counselor_name
        return given or (NAMES[lang][speaker] if lang else speaker)
