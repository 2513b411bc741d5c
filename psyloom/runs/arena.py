"""The arena: several counselors meet the identical client on every case; what comes of it is rated, compared and ranked.

A folder holds one run folder for each counselor, one rating folder for each counselor and instrument, and one for each
pair that was compared: every step is resumable by itself, and so the whole is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise as neighbors
from pathlib import Path
from typing import Any

from pydantic import Field

from psyloom.agents import Ask, Writer
from psyloom.errors import UnknownName, UsageError
from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.ranking import Match, connected, rounds_for, swiss
from psyloom.judging.rubric import number
from psyloom.knowledge.instruments import Instrument, instrument
from psyloom.llm import Decoding, Model
from psyloom.llm.connect import REHEARSAL
from psyloom.llm.limits import Budget
from psyloom.llm.prices import Price
from psyloom.records import Case, Dialogue, Lang, Rating, read_jsonl, to_line
from psyloom.runs.engine import roles_of
from psyloom.runs.entrants import Entrant, entrant, meeting
from psyloom.runs.folder import renew
from psyloom.runs.rate import RATINGS, RatingSummary, rate
from psyloom.runs.run import agents_of, check_decoding, run_cases, survey
from psyloom.runs.told import Progress, Summary

ATTRIBUTES = ("disposition.attitude", "lang", "demographics.gender", "post.topic", "scenario.type")
"""What results are broken down by, where it varies. Our default."""
_OTHER_ROLES = ("judge", "deriver")


class Prepared(Writer):
    """Brings a case into the shape in which all meet it: facets that somebody needs are derived once, not for each."""

    facets: tuple[str, ...] = Field((), description="what the client and all counselors need")

    def wants(self) -> frozenset[str]:
        return frozenset(self.facets)

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        return ask.desk.dialogue


@dataclass
class ArenaSummary:
    """How an arena ended.

    talks: counselor -> its run; ratings: (counselor, instrument) -> its rating; pairs: who was compared with whom.
    page, data: the report and its numbers, once everything is done.
    """

    out: Path
    talks: dict[str, Summary] = field(default_factory=dict)
    ratings: dict[tuple[str, str], RatingSummary] = field(default_factory=dict)
    pairs: dict[tuple[str, str], RatingSummary] = field(default_factory=dict)
    stopped: Exception | None = None
    page: Path | None = None
    data: Path | None = None


@dataclass
class Arena:
    """Everything that an arena needs to know; `arena` makes one and runs it."""

    entrants: list[Entrant]
    client: str
    cases: Path
    out: Path
    tools: list[Instrument]
    preference: Instrument | None
    models: dict[str, str | Model]
    judges: list[str | Model]
    options: dict[str, Any]
    rounds: int | None
    samples: int
    derive: bool
    run: dict[str, Any]
    rating: dict[str, Any]
    summary: ArenaSummary

    def __post_init__(self) -> None:
        self.works = {one.name: meeting(one, self.entrants, self.client, self.options) for one in self.entrants}
        self._check_models()

    def _check_models(self) -> None:
        given = set(self.models) - {"", "client", "counselor", *_OTHER_ROLES}
        known = {agent for one in self.entrants for agent in self._agents(one)}
        check_decoding(self.run["decoding"] or {}, known)
        for agent in sorted(given - known):
            raise UnknownName(
                "agent", agent, known | {"client", "counselor", *_OTHER_ROLES}, see="(--model AGENT=MODEL)"
            )

    def _agents(self, one: Entrant) -> set[str]:
        return agents_of(roles_of(self.works[one.name]).values())

    def _models(self, one: Entrant) -> dict[str, str | Model]:
        """Of the models given, those that this counselor and the client have agents for."""
        kept = {"", "client", "counselor", *self._agents(one)}
        own: dict[str, str | Model] = {"counselor": one.model} if one.model is not None else {}
        return {agent: model for agent, model in self.models.items() if agent in kept} | own

    async def held(self) -> ArenaSummary:
        """Talk, rate, compare; stops where the budget or the user stops it."""
        cases = await self._prepared() if self.derive else self.cases
        for one in self.entrants:
            if self.summary.stopped is None and cases is not None:
                await self._talk(one, cases)
        for one in self.entrants:
            for tool in self.tools:
                await self._rate(one, tool)
        if self.preference is not None:
            await self._compare(self.preference)
        return self.summary

    async def _prepared(self) -> Path | None:
        """The file of cases with everything derived that anybody needs; None when that was stopped."""
        folder = self.out / "cases"
        wants = sorted({need for work in self.works.values() for need in work.wants()})
        models = {agent: model for agent, model in self.models.items() if agent in ("", "deriver")}
        made = await run_cases(
            Prepared(facets=tuple(wants)), self.cases, folder, models=models, derive_missing=True, **self.run
        )
        self.summary.stopped = made.stopped
        if made.stopped or not made.dialogues:
            self.summary.talks["cases"] = made
            return None
        path = self.out / "cases.jsonl"
        path.write_bytes(b"".join(to_line(d.case) for d in read_jsonl(folder / "dialogues.jsonl", Dialogue) if d.case))
        return path

    async def _talk(self, one: Entrant, cases: Path) -> None:
        folder = self.talks_of(one)
        if self.derive:
            renew(folder, {"cases.digest": survey(cases, Case)[0]["digest"]})
        made = await run_cases(self.works[one.name], cases, folder, models=self._models(one), **self.run)
        self.summary.talks[one.name], self.summary.stopped = made, made.stopped

    def talks_of(self, one: Entrant) -> Path:
        return self.out / "talks" / one.folder

    def digest(self, one: Entrant) -> str:
        return str(survey(self.talks_of(one) / "dialogues.jsonl", Dialogue)[0]["digest"])

    def talked(self) -> list[Entrant]:
        """Those who have at least one dialogue."""
        files = {one.name: self.talks_of(one) / "dialogues.jsonl" for one in self.entrants}
        return [one for one in self.entrants if files[one.name].exists() and files[one.name].stat().st_size]

    async def _rate(self, one: Entrant, tool: Instrument) -> None:
        if self.summary.stopped is not None or one not in self.talked():
            return
        folder = self.ratings_of(one, tool)
        renew(folder, {"cases.digest": self.digest(one)}, RATINGS)
        found = await rate(self.talks_of(one), [tool], folder, models=self.judges, samples=self.samples, **self.rating)
        self.summary.ratings[one.name, tool.id], self.summary.stopped = found, found.run.stopped

    def ratings_of(self, one: Entrant, tool: Instrument) -> Path:
        return self.out / "ratings" / one.folder / tool.id

    async def _compare(self, tool: Instrument) -> None:
        """Swiss rounds, by the first aspect: enough of them, and until all can be compared at least by way of others."""
        players = self.talked()
        by_name = {one.name: one for one in players}
        wanted = rounds_for(len(players)) if self.rounds is None else self.rounds
        met: set[frozenset[str]] = set()
        byes: set[str] = set()
        points = dict.fromkeys(by_name, 0.0)
        played = 0
        while self.summary.stopped is None and (played < wanted or not connected(by_name, met)):
            standing = sorted(by_name, key=lambda name: -points[name])  # stable: the order they were named in
            now = swiss(standing, met, byes)
            if now is None:
                return
            for names in now.pairs:
                for name, won in (await self._meet(by_name, names, tool)).items():
                    points[name] += won
                met.add(frozenset(names))
            if now.bye is not None:
                byes.add(now.bye)
                points[now.bye] += 0.5  # a pause tells nothing: it counts like a draw
            played += 1

    async def _meet(self, by_name: Mapping[str, Entrant], names: tuple[str, str], tool: Instrument) -> dict[str, float]:
        """Let the judges compare two on every case; returns the share that each won."""
        a, b = sorted((by_name[name] for name in names), key=self.entrants.index)
        if self.summary.stopped is not None:
            return {}
        folder = self.pair_of(a, b, tool)
        renew(folder, {"cases.digest": self.digest(a), "against.digest": self.digest(b)}, RATINGS)
        found = await rate(
            self.talks_of(a), [tool], folder, models=self.judges, samples=self.samples, against=self.talks_of(b),
            **self.rating,
        )  # fmt: skip
        self.summary.pairs[a.name, b.name], self.summary.stopped = found, found.run.stopped
        own = [match.score for match in matches_in(folder, a.name, b.name, tool, tool.items[0].id)]
        share = sum(own) / len(own) if own else 0.5
        return {a.name: share, b.name: 1 - share}

    def pair_of(self, a: Entrant, b: Entrant, tool: Instrument) -> Path:
        aspects = "+".join(item.id for item in tool.items)
        return self.out / "pairs" / aspects / f"{a.folder}--{b.folder}"


def ratings_in(folder: Path) -> list[Rating]:
    """The ratings of a rating run's folder; none where there is no folder, or nothing came of it."""
    file = folder / RATINGS
    return list(read_jsonl(file, Rating)) if file.exists() and file.stat().st_size else []


def matches_in(folder: Path, a: str, b: str, tool: Instrument, aspect: str) -> list[Match]:
    """What the judges said of two counselors on one aspect; a failed judgment is no comparison."""
    return [
        Match(a, b, won, rating.subject.dialogue)
        for rating in ratings_in(folder)
        for part in rating.items
        if part.item == aspect and part.value is not None and (won := number(tool[aspect], part.value)) is not None
    ]


async def arena(
    counselors: Sequence[str | Entrant],
    client: str,
    cases: Path | str,
    out: Path | str,
    *,
    instruments: Sequence[str | Instrument] = (),
    pairwise: Sequence[str] = (),
    models: Mapping[str, str | Model] | str | Model = REHEARSAL,
    judges: Sequence[str | Model] = (),
    options: Mapping[str, Any] | None = None,
    by: Sequence[str] = ATTRIBUTES,
    rounds: int | None = None,
    samples: int = 1,
    resamples: int = 1000,
    per: Any = None,
    temperature: float | None = None,
    lang: Lang | None = None,
    limit: int | None = None,
    seed: int = 0,
    concurrency: int = 64,
    tries: int = 3,
    budget: Budget | None = None,
    prices: Mapping[str, Price] | None = None,
    derive_missing: bool = False,
    decoding: Mapping[str, Decoding] | None = None,
    traces: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    signals: bool = False,
) -> ArenaSummary:
    """Let counselors meet the identical client on every case, have judges rate and compare them, and rank them.

    The client is frozen: for each case every counselor meets the same system with the same options, dials, model,
    seed and facets.

    Args:    counselors: two or more, as in `entrant`. models: agent -> model as in `run_cases`; "judge" may be in it.
             judges: each rates everything; without any the model for "judge", or for all.
             instruments: of single dialogues; pairwise: aspects of the instrument ``preference``, or "all". Every pair
             is judged in both orders. rounds: Swiss rounds, None: `ranking.rounds_for`.
             options: client.X, dials.X, max_exchanges, counselor.X for all counselors, SYSTEM.X for one.
             by: paths of case attributes by which results are broken down.
    Returns: the summary; ``out/arena.html`` and ``out/arena.json`` are written when everything is done.
    Raises:  UsageError before anything is started.
    """
    from psyloom.runs.arena_page import write_arena

    Lazy("numpy", "the arena's intervals").ndarray  # noqa: B018 - an absent package is said before anything is paid
    specs = dict(models) if isinstance(models, Mapping) else {"": models}
    entrants = [entrant(one) if isinstance(one, str) else one for one in counselors]
    tools = [instrument(one) if isinstance(one, str) else one for one in instruments]
    preference = _preference(pairwise)
    _check(entrants, tools, preference, rounds)
    shared = {
        "concurrency": concurrency, "tries": tries, "budget": budget or Budget(), "prices": prices, "traces": traces,
        "on_progress": on_progress, "signals": signals,
    }  # fmt: skip
    found = Arena(
        entrants, client, Path(cases), Path(out), tools, preference, specs,
        list(judges) or [specs.get("judge", specs.get("", REHEARSAL))], dict(options or {}), rounds, samples,
        derive_missing, shared | {"lang": lang, "limit": limit, "seed": seed, "decoding": decoding},
        shared | {"per": per, "temperature": temperature}, ArenaSummary(Path(out)),
    )  # fmt: skip
    summary = await found.held()
    if summary.stopped is None and found.talked():
        summary.page, summary.data = write_arena(found, by=by, resamples=resamples, seed=seed)
    return summary


def _preference(aspects: Sequence[str]) -> Instrument | None:
    """The instrument ``preference`` with these aspects alone."""
    if not aspects:
        return None
    whole = instrument("preference")
    items = whole.items if list(aspects) == ["all"] else [whole[aspect] for aspect in dict.fromkeys(aspects)]
    return Instrument.model_validate(
        whole.model_dump(by_alias=True) | {"item": [i.model_dump(by_alias=True) for i in items]}
    )


def _check(
    entrants: Sequence[Entrant], tools: Sequence[Instrument], preference: Instrument | None, rounds: int | None
) -> None:
    folders = sorted(one.folder for one in entrants)
    if len(entrants) < 2:
        raise UsageError("an arena needs two counselors or more", do="e.g. --counselor plain --counselor magnet")
    if twice := next((a for a, b in neighbors(folders) if a == b), None):
        raise UsageError(
            f"two counselors are called {twice!r}", do="name each once, with a model of its own if need be"
        )
    if not tools and preference is None:
        raise UsageError("nothing is to be judged", do="e.g. --rate ctrs,wai, --pairwise overall, or both")
    if pairs := [tool.id for tool in tools if tool.unit == "pair"]:
        raise UsageError(f"{pairs[0]} compares pairs", do="give its aspects: --pairwise overall,safety")
    if rounds is not None and (rounds < 1 or preference is None):
        raise UsageError("rounds are of pairwise comparisons", do="give --pairwise, and at least one round")
