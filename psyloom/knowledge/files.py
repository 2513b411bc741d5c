"""The one loader of what the field knows: a TOML file, bundled and called by its id, or anywhere and called by its path."""

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from psyloom.errors import BadRecord, UnknownName

K = TypeVar("K", bound=BaseModel)


def ids_in(folder: Path) -> list[str]:
    """Ids of all files of a folder."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(kind: type[K], name: str | Path, folder: Path, what: str) -> K:
    """Read one file as a ``kind``; ``what`` is what a reader calls it.

    Raises: UnknownName for an id that is not in ``folder``, BadRecord for a file that is no such thing.
    """
    path = name if isinstance(name, Path) else folder / f"{name}.toml"
    if not path.is_file():
        raise UnknownName(what, str(name), ids_in(folder))
    try:
        return kind.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError, ValueError, UnknownName, re.error) as trouble:
        raise BadRecord(
            f"{path} is no {what}: {trouble}", do=f"see {folder.name} in psyloom/knowledge for examples"
        ) from trouble
