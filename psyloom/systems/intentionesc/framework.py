"""The framework as data: intentions, the stages they belong to, and the strategies that serve them."""

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from psyloom.errors import BadRecord
from psyloom.knowledge import LabelSet, Term, label_set

Inventory = Literal["esconv8", "escot13"]
Stage = Literal["exploration", "comforting", "action"]
INVENTORIES: dict[Inventory, LabelSet] = {
    "esconv8": label_set("esconv_strategy"),
    "escot13": label_set("escot_strategy"),
}
BUNDLED = Path(__file__).parent / "framework.toml"


class Row(BaseModel):
    """One intention: where it belongs, and strategies by inventory, the preferred one first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    stages: tuple[Stage, ...] = Field(min_length=1)
    esconv8: tuple[str, ...] = Field(min_length=1)
    escot13: tuple[str, ...] = Field(min_length=1)

    def strategies(self, inventory: Inventory) -> tuple[str, ...]:
        return self.esconv8 if inventory == "esconv8" else self.escot13


class Framework(BaseModel):
    """Intentions and their mapping. Every intention maps to a strategy, every strategy serves an intention."""

    model_config = ConfigDict(extra="forbid")
    intentions: LabelSet
    intention: dict[str, Row]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if odd := set(self.intentions.ids) ^ set(self.intention):
            raise ValueError(f"listed and mapped intentions differ: {', '.join(sorted(odd))}")
        for inventory, labels in INVENTORIES.items():
            served = {one for row in self.intention.values() for one in row.strategies(inventory)}
            if odd := served ^ set(labels.ids):
                raise ValueError(
                    f"{inventory}: unknown strategies, or strategies that serve nothing: {', '.join(sorted(odd))}"
                )
        return self

    def strategies(self, intention: str, inventory: Inventory) -> tuple[str, ...]:
        """What serves an intention, the preferred strategy first."""
        return self.intention[intention].strategies(inventory)

    def serve(self, intentions: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
        """What serves any of these intentions, in their order."""
        return tuple(dict.fromkeys(one for name in intentions for one in self.strategies(name, inventory)))

    def serving(self, strategy: str, inventory: Inventory) -> list[str]:
        """The intentions that a strategy can serve."""
        return [name for name, row in self.intention.items() if strategy in row.strategies(inventory)]

    def gentle(self) -> list[str]:
        """The intentions of exploring and comforting."""
        return [name for name, row in self.intention.items() if {"exploration", "comforting"} & {*row.stages}]

    def late(self, allowed: Iterable[str] = ()) -> tuple[Term, ...]:
        """Those of the intentions (of ``allowed``, where some are named) that are of action alone."""
        gentle, wanted = self.gentle(), tuple(allowed) or self.intentions.ids
        return tuple(self.intentions[name] for name in wanted if name not in gentle)


@cache
def framework(path: Path | None = None) -> Framework:
    """The bundled framework, or one of your own. Raises: BadRecord naming the file and what is wrong."""
    path = path or BUNDLED
    try:
        given = tomllib.loads(path.read_text("utf-8"))
        name = str(given.get("intentions", ""))
        given["intentions"] = label_set(path.parent / name if name.endswith(".toml") else name)
        return Framework.model_validate(given)
    except (OSError, tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as trouble:
        raise BadRecord(f"{path}: {trouble}", do=f"compare it with {BUNDLED.name} of the system") from trouble


def _readable(path: Path) -> Path:
    framework(path)
    return path


FrameworkFile = Annotated[Path, AfterValidator(_readable)]
"""A file that holds a framework: one that does not is refused as an option, before anything is asked."""
