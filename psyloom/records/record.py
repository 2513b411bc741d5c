"""What every record shares."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Lang = Literal["zh", "en"]


class Part(BaseModel):
    """A piece of a record. Unknown fields are refused: a misspelt field must not vanish silently. So are numbers that
    JSON has none of (NaN, infinities): they would come back as something else."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, populate_by_name=True, allow_inf_nan=False)


class Source(Part):
    """Where a record comes from and under which terms it may be used."""

    name: str = Field(min_length=1, description="data set, paper, file or author")
    licence: str = Field("unknown", description="SPDX id or words; 'unknown' when nothing is stated")
    url: str | None = None
    synthetic: bool | None = Field(None, description="true: written by a model; false: by people; null: unknown")


class Record(Part):
    """A line of a JSON Lines file. ``kind`` and ``version`` stand in the line's ``psyloom`` field."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def tag(cls) -> str:
        return f"{cls.kind}/{cls.version}"
