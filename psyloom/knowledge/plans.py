"""Stage plans: the stages of a therapy protocol as data. TOML files, one plan a file, zh and en side by side.

A stage says what it is to reach, what it reads and returns of the state a system keeps, which conditions must hold
before it is over, and how long it may last. What the stages are called stands in the plan's label set, because turns
are labelled with the same names.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from psyloom.errors import UnknownName
from psyloom.knowledge.files import ids_in, load
from psyloom.knowledge.labels import Bilingual, LabelSet, Term, label_set
from psyloom.records import Lang

FOLDER = Path(__file__).parent / "plans"
Over = Literal["finished", "turn_limit"]
T = TypeVar("T")
WORDS: dict[str, dict[Lang, str]] = {
    "at_least": {"en": "{key} has {size}, at least {bound} needed", "zh": "{key} 只有 {size} 项，至少要有 {bound} 项"},
    "at_most": {"en": "{key} has {size}, at most {bound} allowed", "zh": "{key} 有 {size} 项，至多 {bound} 项"},
    "among": {
        "en": "{key} holds {stray!r}, which is not one of {other}: {listed}",
        "zh": "{key} 里的“{stray}”不在 {other} 之中，{other} 有：{listed}",
    },
    "asks at_least": {"en": "at least {bound}", "zh": "至少 {bound} 项"},
    "asks at_most": {"en": "at most {bound}", "zh": "至多 {bound} 项"},
    "asks among": {"en": "nothing that is not in {bound}", "zh": "都在 {bound} 之中"},
    "asks": {"en": "{key}: {asked}", "zh": "{key}：{asked}"},
    "not so": {"en": "this does not hold: {asked} ({fault})", "zh": "这一点没有做到：{asked}（{fault}）"},
}


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Data):
    """What must hold for one key of the state.

    at_least, at_most: items of a list; a text counts 1, blank or missing counts 0, true counts 1.
    among: another key; the value, or each item of it, must stand in that key's list. Nothing is among anything.
    words: the condition as a prompt asks for it; without them it is told by its bounds.
    """

    key: str
    at_least: int | None = Field(None, ge=0)
    at_most: int | None = Field(None, ge=0)
    among: str | None = None
    words: Bilingual = Bilingual()

    @model_validator(mode="after")
    def _asks_something(self) -> "Condition":
        if self.at_least is None and self.at_most is None and self.among is None:
            raise ValueError(f"the condition on {self.key!r} needs at_least, at_most or among")
        return self

    def told(self, lang: Lang) -> str:
        """What is asked, in words for the model."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most, "among": self.among}
        asked = (WORDS[f"asks {name}"][lang].format(bound=bound) for name, bound in bounds.items() if bound is not None)
        told = WORDS["asks"][lang].format(key=self.key, asked=("，" if lang == "zh" else ", ").join(asked))
        return self.words.of(lang) or told

    def fault(self, state: Mapping[str, Any], lang: Lang = "en") -> str | None:
        """What is wrong, in words for the model; None when the condition holds."""
        fault = self._fault(state, lang)
        own = self.words.of(lang)
        return WORDS["not so"][lang].format(asked=own, fault=fault) if fault and own else fault

    def _fault(self, state: Mapping[str, Any], lang: Lang) -> str | None:
        items = _items(state.get(self.key))
        size = len(items)
        if self.at_least is not None and size < self.at_least:
            return WORDS["at_least"][lang].format(key=self.key, size=size, bound=self.at_least)
        if self.at_most is not None and size > self.at_most:
            return WORDS["at_most"][lang].format(key=self.key, size=size, bound=self.at_most)
        if self.among is None:
            return None
        allowed = _items(state.get(self.among))
        strays = [item for item in items if item not in allowed]
        if not strays:
            return None
        listed = ("、" if lang == "zh" else "; ").join(map(str, allowed)) or "-"
        return WORDS["among"][lang].format(key=self.key, stray=strays[0], other=self.among, listed=listed)


def _items(value: Any) -> list[Any]:
    """The items of a list, or the value itself as the only one; nothing for false, blank and missing."""
    if isinstance(value, list | tuple):
        return list(value)
    blank = not value or (isinstance(value, str) and not value.strip())
    return [] if blank else [value]


class Stage(_Data):
    """One stage of a plan.

    term:      what it is called, from the plan's label set.
    goal:      what it is to reach; leave: when it is over, both in words.
    steps:     what is done in it, in order, in words.
    reads:     keys of the state it starts from; returns: keys it writes.
    always:    what must hold in every answer of the stage.
    needs:     what must hold before the stage can be finished.
    enough:    what finishes it by itself; empty: only a judgment does.
    max_turns: most client turns; None: no limit. min_turns: fewest.
    course:    what the counselor's messages do one after the other, run by run: (strategies, messages in a row).
    """

    term: Term
    goal: Bilingual
    leave: Bilingual = Bilingual()
    steps: tuple[Bilingual, ...] = ()
    reads: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    always: tuple[Condition, ...] = ()
    needs: tuple[Condition, ...] = ()
    enough: tuple[Condition, ...] = ()
    min_turns: int = Field(0, ge=0)
    max_turns: int | None = Field(None, ge=1)
    course: tuple[tuple[tuple[str, ...], Annotated[int, Field(ge=1)]], ...] = ()

    @property
    def id(self) -> str:
        return self.term.id

    def messages(self, count: int | None = None) -> list[tuple[str, ...]]:
        """The strategies of each of the counselor's messages; ``count``: the course thinned or stretched to so many."""
        each = [strategies for strategies, times in self.course for _ in range(times)]
        return each if count is None else spread(each, count)

    def bounds(self, key: str) -> tuple[int, int | None]:
        """(fewest, most) items of a key that the stage needs; most None: any number."""
        asked = [one for one in self.needs if one.key == key]
        most = [one.at_most for one in asked if one.at_most is not None]
        return max((one.at_least or 0 for one in asked), default=0), min(most, default=None)

    def invalid(self, state: Mapping[str, Any], lang: Lang = "en") -> str | None:
        """The first of ``always`` that does not hold, in words."""
        return _first(self.always, state, lang)

    def lacks(self, state: Mapping[str, Any], lang: Lang = "en") -> str | None:
        """The first of ``needs`` that does not hold, in words; None when the stage may be finished."""
        return _first(self.needs, state, lang)

    def over(self, state: Mapping[str, Any], *, finished: bool, turns: int, hold: bool = False) -> Over | None:
        """Why the stage is over after ``turns`` client turns; None while it goes on.

        Args: state: as it is after the turn; finished: the model's judgment, which counts only when ``needs`` hold.
              hold: at the limit of turns, stay as long as ``needs`` do not hold.
        """
        ready = self.lacks(state) is None
        enough = bool(self.enough) and _first(self.enough, state, "en") is None
        if ready and (finished or enough) and turns >= self.min_turns:
            return "finished"
        if self.max_turns is not None and turns >= self.max_turns and (ready or not hold):
            return "turn_limit"
        return None


def spread(items: Sequence[T], count: int) -> list[T]:
    """``count`` of the items at even distances, the first and the last among them; more than there are: some twice."""
    step = (len(items) - 1) / max(1, count - 1)
    return [items[round(n * step)] for n in range(count)] if items else []


def _first(conditions: tuple[Condition, ...], state: Mapping[str, Any], lang: Lang) -> str | None:
    return next((fault for one in conditions if (fault := one.fault(state, lang))), None)


class StagePlan(_Data):
    """Stages in the order in which they come.

    labels: the label set that names them; strategies: the one that names what their courses are made of.
    loops:  how often they are gone through at most.
    """

    id: str
    en: str
    zh: str
    labels: LabelSet
    strategies: LabelSet | None = None
    source: str = ""
    note: str = ""
    loops: int = Field(1, ge=1)
    stages: tuple[Stage, ...] = Field(alias="stage", min_length=1)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(stage.id for stage in self.stages)

    def __getitem__(self, id: str) -> Stage:  # noqa: A002
        """The stage with this id; raises UnknownName with the nearest ids."""
        if id not in self.ids:
            raise UnknownName(f"stage of {self.id}", id, self.ids)
        return self.stages[self.ids.index(id)]

    def under(self, group: str) -> tuple[Stage, ...]:
        """The stages whose label stands under another one of the set; raises UnknownName."""
        terms = self.labels.children(group)
        return tuple(stage for stage in self.stages if stage.term in terms)

    def after(self, id: str) -> Stage | None:  # noqa: A002
        """The stage that follows; None after the last."""
        rest = self.stages[self.ids.index(self[id].id) + 1 :]
        return rest[0] if rest else None

    @model_validator(mode="before")
    @classmethod
    def _name_the_stages(cls, given: dict[str, Any]) -> dict[str, Any]:
        """In the file a plan names its label sets, and a stage its label."""
        labels, stages = given.get("labels"), given.get("stage", [])
        if not isinstance(labels, str) or not all("id" in one for one in stages):
            return given  # the fields say what is missing
        terms = label_set(labels)
        named = [{k: v for k, v in one.items() if k != "id"} | {"term": terms[one["id"]]} for one in stages]
        name = given.get("strategies")
        strategies = {"strategies": label_set(name)} if isinstance(name, str) else {}
        return {**given, "labels": terms, "stage": named, **strategies}

    @model_validator(mode="after")
    def _each_stage_once(self) -> "StagePlan":
        if twice := {id_ for id_ in self.ids if self.ids.count(id_) > 1}:
            raise ValueError(f"stages that stand there twice: {', '.join(sorted(twice))}")
        return self

    @model_validator(mode="after")
    def _courses_use_known_strategies(self) -> "StagePlan":
        known = self.strategies.ids if self.strategies else ()
        used = {word for stage in self.stages for words, _ in stage.course for word in words}
        if strange := sorted(used.difference(known)):
            raise ValueError(f"strategies that are not in the plan's label set: {', '.join(strange)}")
        return self


@cache
def stage_plan(name: str | Path) -> StagePlan:
    """A bundled plan by id, or one from a TOML file by path.

    Raises: UnknownName for an id that is not bundled, BadRecord for a file that is no plan.
    """
    return load(StagePlan, name, FOLDER, "stage plan")


def stage_plans() -> list[str]:
    """Ids of all bundled plans."""
    return ids_in(FOLDER)
