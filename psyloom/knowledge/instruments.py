"""Instruments: what raters are asked, as data. TOML files, one instrument a file, zh and en side by side.

Items are construct-level wording of our own. Who holds a licence for an instrument's own wording puts it into a local
file with the same id and ``wording = "licensed"``; it replaces words, never the way of scoring.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from psyloom.errors import BadRecord, UnknownName, UsageError
from psyloom.knowledge.items import Alarm, Band, Dimension, Item, Named, Ratio, Seen, Subscale
from psyloom.knowledge.labels import Bilingual
from psyloom.knowledge.trees import check_tree
from psyloom.records import Lang

FOLDER = Path(__file__).parent / "instruments"


class Instrument(Named):
    """A set of items with its scale, keys and cut-offs.

    validated:   built on a published, validated instrument; in our own words it is only "informed" by it, and says so.
    wording:     own, or licensed (from a user's file).
    rates:       who or what is rated; unit: the piece of a dialogue that one rating is about.
    labels:      of an instrument for turns: only those with one of these labels are rated, as "set/id"; (): all.
    perspective: in whose place the rater answers. per: what a judge is asked in one call, unless told otherwise.
    moments:     filled in before the dialogue (from the case alone) and after it.
    sees:        parts of the case the rater reads besides the dialogue; thoughts: also the rated turn's reasoning;
                 reference: also a good and a poor reply, where the turn's extra has a "reference" and a "poor".
    total:       how all items make one number; None: they must not.
    prorate:     share of a score's items that must be answered; missing ones count as the mean of the others.
    """

    version: str = "1"
    aliases: tuple[str, ...] = ()
    validated: bool = False
    wording: Literal["own", "licensed"] = "own"
    source: str
    licence: str
    note: str = ""
    rates: Literal["counselor", "client", "alliance", "dialogue"]
    unit: Literal["dialogue", "session", "turn", "pair"] = "dialogue"
    labels: tuple[str, ...] = ()
    perspective: Literal["client", "counselor", "observer"] = "observer"
    per: Literal["item", "instrument"] = "item"
    moments: bool = False
    thoughts: bool = False
    reference: bool = False
    sees: tuple[Seen, ...] = ()
    guide: Bilingual = Bilingual()
    total: Literal["sum", "mean"] | None = None
    prorate: float = Field(1.0, gt=0, le=1)
    items: tuple[Item, ...] = Field(alias="item", min_length=1)
    subscales: tuple[Subscale, ...] = Field((), alias="subscale")
    ratios: tuple[Ratio, ...] = Field((), alias="ratio")
    bands: tuple[Band, ...] = Field((), alias="band")
    alarms: tuple[Alarm, ...] = Field((), alias="alarm")
    dimensions: tuple[Dimension, ...] = Field((), alias="dimension")

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, given: Any) -> Any:
        """Give every item what the instrument's ``scale`` says for all, and turn item numbers into ids."""
        if not isinstance(given, dict) or "item" not in given:
            return given
        given = dict(given)
        shared = given.pop("scale", {})
        given["item"] = items = [{**shared, **item} if isinstance(item, dict) else item for item in given["item"]]
        ids = [item["id"] if isinstance(item, dict) else item.id for item in items]
        for part, lists in (("subscale", ("items",)), ("ratio", ("of", "over"))):
            given[part] = [_with_ids(one, lists, ids) for one in given.get(part, ())]
        return given

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        ids = [item.id for item in self.items]
        if twice := {i for i in ids if ids.count(i) > 1}:
            raise ValueError(f"item {min(twice)!r} stands there twice")
        scores = {"total", *(s.id for s in self.subscales), *(r.id for r in self.ratios)}
        used = [i for s in self.subscales for i in s.items] + [i for r in self.ratios for i in (*r.of, *r.over)]
        strange = {*used} - {*ids} or {b.score for b in self.bands} - scores
        if strange := strange or {a.score for a in self.alarms} - scores - {*ids, "any"}:
            raise ValueError(f"{min(strange)!r} is no item or score of {self.id}")
        if (self.unit == "pair") < any(item.kind == "pairwise" for item in self.items):
            raise ValueError('a pairwise item needs unit = "pair"')
        if self.labels and self.unit != "turn":
            raise ValueError('labels need unit = "turn"')
        if self.dimensions:
            check_tree(self.items, self.dimensions)
        return self

    @property
    def scale(self) -> tuple[float, float] | None:
        """The scale that all items share; None when they differ or have none."""
        found = {(item.low, item.high) if item.scaled else None for item in self.items}
        return found.pop() if len(found) == 1 else None

    def find(self, word: str) -> Item | None:
        """The item with this id, name in either language, or number counted from 1; None when there is none."""
        word = word.strip().casefold()
        for number, item in enumerate(self.items, 1):
            if word in (item.id, item.en.casefold(), item.zh.casefold(), str(number)):
                return item
        return None

    def __getitem__(self, word: str) -> Item:
        if (item := self.find(word)) is None:
            raise UnknownName(f"item of {self.id}", word, (item.id for item in self.items))
        return item

    def title(self, lang: Lang, rater: str | None = None) -> str:
        """The name under which results are shown; a model never scores under the plain name of a validated scale.

        rater: a `Rater`'s kind; None for the instrument itself.
        """
        suffix = {"en": " (LLM-rated)", "zh": "（大模型评分）"}[lang] if rater in ("model", "client") else ""
        return self.name(lang) + suffix

    def on(self, low: float, high: float) -> "Instrument":
        """The same instrument on another range: anchors move in proportion, those between two steps fall away.

        Raises: UsageError when the items have no common scale.
        """
        if self.scale is None:
            raise UsageError(f"{self.id} has no one scale for all items", do="its range cannot be set")
        if not low < high:
            raise UsageError(f"{low:g}-{high:g} is no range", do="write it as LOW-HIGH, e.g. wai@1-5")
        return Instrument.model_validate(
            self.model_dump(by_alias=True) | {"item": [_moved(item, low, high) for item in self.items]}
        )


def _with_ids(one: Any, lists: Iterable[str], ids: list[str]) -> Any:
    if not isinstance(one, dict):
        return one
    try:
        return one | {key: [ids[i - 1] if isinstance(i, int) else i for i in one.get(key, ())] for key in lists}
    except IndexError as trouble:
        raise ValueError(f"{one.get('id')!r} names an item number beyond {len(ids)}") from trouble


def _moved(item: Item, low: float, high: float) -> dict[str, Any]:
    def place(value: float) -> float:
        return low + (value - item.low) * (high - low) / (item.high - item.low)

    def on_a_step(value: float) -> bool:
        return abs((place(value) - low) / item.step - round((place(value) - low) / item.step)) < 1e-9

    return item.model_dump(by_alias=True) | {
        "low": low, "high": high, "silent": [place(v) for v in item.silent if on_a_step(v)],
        "anchor": [a.model_dump() | {"at": place(a.at)} for a in item.anchors if on_a_step(a.at)],
    }  # fmt: skip


_SPEC = re.compile(r"^(?P<name>.+?)(?:@(?P<low>-?[\d.]+)-(?P<high>[\d.]+))?$")
_WORDS = {"id", "en", "zh", "ask", "guide", "anchor", "criterion"}


def instrument(name: str | Path, wording: Path | str | None = None) -> Instrument:
    """A bundled instrument by id or alias, or one from a ``.toml`` file; ``wai@1-5`` sets the range.

    Args:    wording: a file with licensed words for it: ``id``, ``wording = "licensed"``, ``licence``, and an
             ``[[item]]`` with ``id`` and the words for each item it rewords.
    Raises:  UnknownName for an id that is not bundled, BadRecord for a file that is no instrument.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        found = _load(Path(name))
    else:
        parts = _SPEC.match(name)
        assert parts is not None
        found = _load(FOLDER / f"{_bundled_id(parts['name'])}.toml")
        found = found.on(float(parts["low"]), float(parts["high"])) if parts["low"] else found
    return found if wording is None else _reworded(found, Path(wording))


def instruments() -> list[str]:
    """Ids of all bundled instruments."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def _aliases() -> dict[str, str]:
    return {alias: name for name in instruments() for alias in (name, *_load(FOLDER / f"{name}.toml").aliases)}


def _bundled_id(name: str) -> str:
    if name not in instruments() and name not in _aliases():
        raise UnknownName("instrument", name, _aliases(), see="(all: `psyloom instruments`)")
    return name if name in instruments() else _aliases()[name]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as trouble:
        raise BadRecord(f"cannot read {path}: {trouble}", do="give the path of a TOML file") from trouble


@cache
def _load(path: Path) -> Instrument:
    given = _read(path)
    if base := given.pop("extends", None):
        given = _extended(_read(FOLDER / f"{base}.toml"), given)
    return _made(given, path)


def _made(given: dict[str, Any], path: Path) -> Instrument:
    try:
        return Instrument.model_validate(given)
    except ValidationError as trouble:
        error = trouble.errors(include_url=False)[0]
        where = ".".join(map(str, error["loc"]))
        what = f"{where}: {error['msg']}" if where else error["msg"]
        raise BadRecord(
            f"{path} is no instrument: {what}", do="see psyloom/knowledge/instruments for examples"
        ) from trouble


def _extended(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A longer form of an instrument: an item of which only the id is given is the base's."""
    known = {item["id"]: item for item in base["item"]}
    given["item"] = [known[item["id"]] if set(item) == {"id"} else item for item in given["item"]]
    return {k: v for k, v in base.items() if k not in ("aliases", "subscale", "band", "alarm")} | given


def _reworded(found: Instrument, path: Path) -> Instrument:
    given = _read(path)
    if given.get("id") != found.id or given.get("wording") != "licensed":
        raise BadRecord(f'{path} does not say id = "{found.id}" and wording = "licensed"', do="add both")
    words = {str(item.get("id")): item for item in given.get("item", [])}
    for item_id, new in words.items():
        if found.find(item_id) is None or set(new) - _WORDS:
            what = f"item {item_id!r}" + (f": {', '.join(sorted(set(new) - _WORDS))}" if found.find(item_id) else "")
            raise BadRecord(f"{path}: {what} is not for a wording to change", do=f"it may give {sorted(_WORDS)}")
    items = [item.model_dump(by_alias=True) | words.get(item.id, {}) for item in found.items]
    facts = {key: given[key] for key in ("en", "zh", "licence", "source", "guide") if key in given}
    more = {"item": items, "wording": "licensed", "version": f"{found.version}+licensed"}
    return _made(found.model_dump(by_alias=True) | facts | more, path)


def instrument_in(path: Path) -> str:
    """The id of the instrument that a file holds or rewords. Raises BadRecord."""
    return str(_read(path).get("id", ""))


def all_instruments() -> Iterator[Instrument]:
    """Every bundled instrument."""
    return (instrument(name) for name in instruments())
