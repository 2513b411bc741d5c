"""Finding systems: those of the package, those of installed packages, those in folders the user names.

A folder with a ``card.toml`` is a system. Other packages offer theirs through the entry point group
``psyloom.systems`` (name = slug, value = the package that is the folder).
"""

import importlib.util
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from psyloom.agents import Annotator, Client, Counselor, Role, Writer
from psyloom.errors import BadRecord, PsyloomError, UnknownName, UsageError
from psyloom.knowledge.labels import Bilingual
from psyloom.records import Case, Lang

if TYPE_CHECKING:
    from psyloom.formats.write import Writer as Export

RoleName = Literal["writer", "client", "counselor", "annotator"]
_KINDS: dict[str, type[Role]] = {"writer": Writer, "client": Client, "counselor": Counselor, "annotator": Annotator}
_HERE = Path(__file__).parent


class Card(BaseModel):
    """What a system is, whose it is, what of it is the paper's and what is ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    authors: str = ""
    venue: str = ""
    year: int
    ids: tuple[str, ...] = ()
    code: str = Field("", description="the authors' repository, as owner/name")
    licence: str = Field("", description="licences of the authors' code and data")
    tags: tuple[str, ...] = ()
    languages: tuple[Lang, ...] = ("zh", "en")
    paper_languages: tuple[Lang, ...] = Field((), description="languages of the paper's own prompts and data")
    summary: Bilingual
    roles: dict[RoleName, str] = Field(description="role -> class in system.py, or SLUG.Class of another system")
    system_prompt: Bilingual = Field(
        Bilingual(), description="our words for a chat model that learns to speak as this system's counselor"
    )
    cases: dict[str, str] = Field(
        default_factory=dict, description="ways to make cases: name -> function of system.py, or module:function"
    )
    paper: tuple[str, ...] = Field((), description="what is the paper's")
    defaults: tuple[str, ...] = Field((), description="what the paper leaves open and we chose (DEFAULT)")
    departures: tuple[str, ...] = Field((), description="where the released code was not followed, and why")


@dataclass(frozen=True)
class System:
    """One system: its folder, its card, and its code when somebody asks for a role."""

    slug: str
    folder: Path
    card: Card
    package: str | None = None

    def module(self, name: str = "system") -> ModuleType:
        """The system's ``system.py``, or another file of its folder."""
        try:
            if self.package:
                return import_module(f"{self.package}.{name}")
            return _load(f"psyloom_{name}_{self.slug}", self.folder / f"{name}.py")
        except PsyloomError:
            raise
        except Exception as trouble:  # whatever its author wrote
            what = f"{self.folder / name}.py cannot be loaded: {type(trouble).__name__}: {trouble}"
            raise BadRecord(what, do="mend it, or leave that system out") from trouble

    def role(self, name: str) -> type[Role]:
        """The class that plays a role. Raises UnknownName when the system has no such role."""
        if name not in self.card.roles:
            raise UnknownName(f"role of {self.slug}", name, self.card.roles)
        where = self.card.roles[name]
        slug, _, cls = where.rpartition(".")
        home = find_system(slug) if slug else self
        found = getattr(home.module(), cls, None)
        if not (isinstance(found, type) and issubclass(found, _KINDS[name])):
            what = f"{home.folder / 'system.py'} has no {name} called {cls}, which the card of {self.slug} names"
            raise BadRecord(what, do="write the class, or mend [roles] in card.toml")
        return found

    def exports(self) -> "dict[str, Export]":
        """The system's own export formats by name, ``SLUG.NAME``: the ``WRITERS`` of its ``exports.py``, if there is one."""
        offered = self.module("exports").WRITERS if (self.folder / "exports.py").is_file() else ()
        return {writer.name: writer for writer in offered}

    def maker(self, name: str) -> Callable[..., Case | Iterable[Case]]:
        """A function that makes cases; see `psyloom.systems.making`. Raises UnknownName when the card has no such way."""
        if name not in self.card.cases:
            raise UnknownName(f"way to make cases of {self.slug}", name, self.card.cases)
        module, _, function = self.card.cases[name].rpartition(":")
        home = import_module(module) if module else self.module()
        if not hasattr(home, function):
            what = f"{module or self.folder / 'system.py'} has no {function}, which the card of {self.slug} names"
            raise BadRecord(what, do="write the function, or mend [cases] in card.toml")
        found: Callable[..., Case | Iterable[Case]] = getattr(home, function)
        return found

    def cases(self) -> Path:
        """The bundled sample cases."""
        return self.folder / "cases.jsonl"


@cache
def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot load {path}", do="a system needs a system.py beside its card.toml")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a role finds its folder through its module
    spec.loader.exec_module(module)
    return module


_extra: list[Path] = []


def add_systems(paths: Iterable[Path]) -> None:
    """Look for systems in these folders too; each is a system's folder or a folder of such folders."""
    for path in paths:
        _cards(path, "--systems")
        if path.resolve() not in _extra:
            _extra.append(path.resolve())
    find_systems.cache_clear()


def _cards(path: Path, given_by: str) -> list[Path]:
    """The cards in a folder that a user named. Raises UsageError where there are none."""
    if not path.is_dir():
        raise UsageError(f"{path} is no folder", do=f"{given_by} takes a system's folder, or a folder of them")
    cards = sorted([*path.glob("card.toml"), *path.glob("*/card.toml")])
    if not cards:
        raise UsageError(f"{path} holds no system", do="a system is a folder with a card.toml")
    return cards


def _folders() -> Iterator[tuple[str, Path, str | None]]:
    """(slug, folder, package) of everything that has a card."""
    for card in sorted(_HERE.glob("*/card.toml")):
        yield card.parent.name, card.parent, f"psyloom.systems.{card.parent.name}"
    for entry in entry_points(group="psyloom.systems"):
        found = importlib.util.find_spec(entry.value)
        if found and found.submodule_search_locations:
            yield entry.name, Path(found.submodule_search_locations[0]), entry.value
    named = filter(None, os.environ.get("PSYLOOM_SYSTEMS", "").split(os.pathsep))
    for path, given_by in [*((path, "--systems") for path in _extra), *((Path(p), "PSYLOOM_SYSTEMS") for p in named)]:
        for card in _cards(path, given_by):
            yield card.parent.name, card.parent, None


@cache
def find_systems() -> dict[str, System]:
    """All systems by slug. Raises BadRecord for a card that cannot be read."""
    found: dict[str, System] = {}
    for slug, folder, package in _folders():
        try:
            card = Card.model_validate(tomllib.loads((folder / "card.toml").read_text("utf-8")))
        except ValueError as trouble:  # of TOML, of UTF-8, or of the card's fields
            raise BadRecord(
                f"{folder / 'card.toml'}: {_explain(trouble)}", do="compare it with psyloom/systems/cactus/card.toml"
            ) from trouble
        if slug in found and found[slug].folder.resolve() != folder.resolve():
            raise UsageError(
                f"two systems are called {slug!r}: {found[slug].folder} and {folder}", do="rename one of the folders"
            )
        found[slug] = System(slug, folder, card, package)
    return found


def _explain(trouble: ValueError) -> str:
    """What is wrong with a card, in one line."""
    if not isinstance(trouble, ValidationError):
        return str(trouble)
    error = trouble.errors(include_url=False)[0]
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']} (got {str(error['input'])[:60]!r})"


def find_system(slug: str) -> System:
    """One system by slug; raises UnknownName with the nearest slugs."""
    systems = find_systems()
    if slug not in systems:
        raise UnknownName("system", slug, systems, see="all: `psyloom systems`")
    return systems[slug]


def make_role(slug: str, name: str, options: dict[str, Any] | None = None) -> Role:
    """A system's role with options, e.g. ``make_role("magnet", "counselor", {"planner": False})``.

    Options given as text (from the command line) are read as JSON where they are JSON.
    Raises: UnknownName for an option that does not exist, UsageError for a value of the wrong type.
    """
    cls = find_system(slug).role(name)
    values = {key: json_or_text(value) for key, value in (options or {}).items()}
    for key in values:
        if key not in cls.model_fields:
            raise UnknownName(f"option of {slug}:{name}", key, cls.model_fields, see=f"see `psyloom system {slug}`")
    try:
        return cls.model_validate(values)
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        where = ".".join(map(str, error["loc"]))
        what = f"option {where} of {slug}:{name}: {error['msg']} (got {error['input']!r})"
        if not where:  # options that do not go together
            given = ", ".join(f"{key}={value}" for key, value in values.items())
            what = f"{given}: these options of {slug}:{name} cannot be: {error['msg'].removeprefix('Value error, ')}"
        raise UsageError(what, do=f"see `psyloom system {slug}`") from trouble


_json: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


def json_or_text(value: Any) -> Any:
    """An option's value as the command line gives it: JSON where it is JSON, else the text itself."""
    if not isinstance(value, str):
        return value
    try:
        return _json.validate_json(value)
    except ValidationError:
        return value
