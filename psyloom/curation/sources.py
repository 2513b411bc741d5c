"""The register of sources: whose the data are, who allowed what. What may not be released is left out of a release.

A TOML file, one table a source, named as in the records' ``source.name``:

    [source."MindChat"]
    owner = "X-D Lab"
    licence = "GPL-3.0"
    use = "train"            # release, train or none
    permission = "mail of the owner"
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from psyloom.errors import BadRecord
from psyloom.records import Dialogue, Source

Use = Literal["none", "train", "release"]
_RANK: dict[Use, int] = {"none": 0, "train": 1, "release": 2}


class Right(BaseModel):
    """What one source allows."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    owner: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    use: Use
    permission: str = ""
    contact: str = ""
    date: str = ""


class Register(BaseModel):
    """source: name -> its right. A source that is not registered allows nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: dict[str, Right]

    @classmethod
    def read(cls, path: Path) -> "Register":
        """Raises BadRecord, naming the field, for a file that is no register."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except OSError as trouble:
            raise BadRecord(f"cannot read {path}: {trouble.strerror}", do="give the path of a TOML file") from trouble
        except ValidationError as trouble:
            error = trouble.errors(include_url=False)[0]
            where = ".".join(map(str, error["loc"]))
            raise BadRecord(f"{path}, {where}: {error['msg']}", do="use is release, train or none") from trouble
        except ValueError as trouble:
            raise BadRecord(f"{path}: {trouble}", do="mend the TOML") from trouble

    def allows(self, dialogue: Dialogue, use: Use) -> bool:
        """Do all sources of a dialogue, its case's included, allow the use? One without any source allows none."""
        named = sources_of(dialogue)
        rights = (self.source.get(source.name) for source in named)
        return bool(named) and all(right and _RANK[right.use] >= _RANK[use] for right in rights)


def sources_of(dialogue: Dialogue) -> list[Source]:
    """Where a dialogue and its case come from."""
    given = (
        dialogue.source,
        dialogue.lineage.source if dialogue.lineage else None,
        dialogue.case.source if dialogue.case else None,
    )
    return [source for source in given if source]


def released(given: Iterable[Dialogue], register: Register, use: Use, left: Counter[str]) -> Iterator[Dialogue]:
    """Yield what may be used so; ``left`` counts by source what may not."""
    for dialogue in given:
        if register.allows(dialogue, use):
            yield dialogue
        else:
            left[" + ".join(dict.fromkeys(source.name for source in sources_of(dialogue))) or "no source"] += 1
