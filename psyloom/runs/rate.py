"""Rating a file of dialogues: what ``psyloom rate`` and Python call. Resumable at every call, like any run."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from psyloom import __version__
from psyloom.agents import Desk, Models
from psyloom.errors import UsageError
from psyloom.judging.panel import Panel
from psyloom.judging.results import Change, Result, change, results, together
from psyloom.judging.shots import Example
from psyloom.knowledge.instruments import Instrument, instrument
from psyloom.llm import Model
from psyloom.llm.connect import REHEARSAL
from psyloom.llm.journal import Journaled
from psyloom.llm.limits import Budget
from psyloom.llm.prices import Price
from psyloom.records import Defect, Dialogue, Rating, read_jsonl, to_line
from psyloom.records.jsonl import parse_line
from psyloom.runs.engine import Engine, Settings
from psyloom.runs.folder import RunFolder, dialogues_in
from psyloom.runs.run import open_models, prompts_hash, survey
from psyloom.runs.told import Progress, Summary

RATINGS = "ratings.jsonl"


@dataclass
class RatingSummary:
    """How a rating run ended.

    run: dialogues rated and not, calls, cost. ratings, judgments: written so far, earlier starts included; failed: why
    a judgment has no value -> how many. results: instrument -> its means by judge, moment and group; means: those of
    several judges, and of several groups; changes: of an instrument that rates before and after, what came of its
    scores by judge and client attitude.
    """

    run: Summary
    ratings: int = 0
    judgments: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    results: dict[str, list[Result]] = field(default_factory=dict)
    means: dict[str, list[Result]] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)


class Others:
    """The other dialogues of pairs, found by id without holding them all."""

    def __init__(self, path: Path) -> None:
        self.path = dialogues_in(path)
        self.name = self.path.parent.name if path.is_dir() or self.path.name == "dialogues.jsonl" else self.path.stem
        self.digest = survey(self.path, Dialogue)[0]["digest"]
        self._at = dict(self._index())

    def _index(self) -> list[tuple[str, tuple[int, int]]]:
        found, at = [], 0
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                dialogue = parse_line(raw, Dialogue, str(self.path), number) if raw.strip() else None
                if isinstance(dialogue, Defect):
                    raise UsageError(str(dialogue), do="mend that line")
                if dialogue:
                    found.append((dialogue.id, (at, number)))
                at += len(raw)
        return found

    def get(self, id_: str) -> Dialogue:
        """The dialogue with this id. Raises UsageError when the file has none."""
        if id_ not in self._at:
            raise UsageError(
                f"{self.path} has no dialogue {id_!r}", do="pairs are matched by id; make both from the same cases"
            )
        at, number = self._at[id_]
        with self.path.open("rb") as file:
            file.seek(at)
            found = parse_line(file.readline(), Dialogue, str(self.path), number)
        assert isinstance(found, Dialogue)
        return found


class _Engine(Engine):
    """Settles every dialogue of a file: each becomes the lines of its ratings, or a failure with its reason."""

    def __init__(self, panel: Panel, others: Others | None, *more: Any) -> None:
        super().__init__(panel, *more)
        self.panel, self.others = panel, others

    async def _records(self, desk: Desk) -> list[bytes]:
        against = self.others.get(desk.dialogue.id) if self.others else None
        name = self.others.name if self.others else ""
        ratings = await self.panel.rate(desk, list(self.models.by_agent.values()), against, name)
        return [b"".join(map(to_line, ratings))]


async def rate(
    dialogues: Path | str,
    instruments: Sequence[str | Instrument],
    out: Path | str,
    *,
    models: Sequence[str | Model] = (REHEARSAL,),
    samples: int = 1,
    per: Literal["item", "instrument"] | None = None,
    logprobs: bool = False,
    temperature: float | None = None,
    examples: Sequence[Example] = (),
    shots: int = 5,
    against: Path | str | None = None,
    limit: int | None = None,
    concurrency: int = 64,
    tries: int = 3,
    budget: Budget | None = None,
    prices: Mapping[str, Price] | None = None,
    traces: bool = True,
    by: str = "",
    on_progress: Callable[[Progress], None] | None = None,
    signals: bool = False,
) -> RatingSummary:
    """Rate a file of dialogues into a folder; started again, it goes on where it stopped.

    Args:    dialogues: a JSON Lines file, or a run's folder. instruments: ids, ``wai@1-5``, or instruments.
             models: the judges, each of which rates everything. samples, per, logprobs, temperature: as in `Panel`.
             examples: what people rated, shown to the judges with reasons, ``shots`` at most; see `judging.shots`.
             against: the other dialogues of pair instruments, matched by id. by: "topic" or "attitude" breaks the
             results down.
    Returns: the summary; ``out/ratings.jsonl`` has the ratings. A judgment without a usable answer is a rating's item
             with a failure; a dialogue that cannot be rated at all is a line of failures.jsonl.
    Raises:  UsageError before anything is started.
    """
    path, out = dialogues_in(Path(dialogues)), Path(out)
    tools = [instrument(one) if isinstance(one, str) else one for one in instruments]
    panel = Panel(
        instruments=tuple(tools), samples=samples, per=per, logprobs=logprobs, temperature=temperature,
        examples=tuple(examples), shots=shots,
    )  # fmt: skip
    others = _others(panel, against)
    surveyed, total = survey(path, Dialogue)
    judges = _named(models)
    config = _configuration(panel, list(judges), tries, surveyed, others)
    budget = budget or Budget()
    opened = open_models(
        judges | {"": next(iter(judges.values()))}, concurrency=concurrency, budget=budget, prices=prices
    )
    try:
        with closing(RunFolder(out, config, records=RATINGS)) as folder:
            journaled = Models({name: Journaled(opened.by_agent[name], folder.journal) for name in judges})
            engine = _Engine(panel, others, folder, journaled, budget, Settings(tries=tries, traces=traces))
            engine.progress.total = total if limit is None else min(limit, total)
            engine.on_progress = on_progress
            run = await engine.over(path, limit=limit, concurrency=concurrency, signals=signals)
    finally:
        for model in opened.by_agent.values():
            await model.aclose()
    return _summary(run, out, tools, by)


def _named(models: Sequence[str | Model]) -> dict[str, str | Model]:
    named = {model if isinstance(model, str) else model.name: model for model in models}
    if not named or len(named) < len(models):
        raise UsageError(f"judges must differ in name, given are {[*named] or 'none'}", do="name each model once")
    return named


def _others(panel: Panel, against: Path | str | None) -> Others | None:
    pairs = [tool.id for tool in panel.instruments if tool.unit == "pair"]
    if bool(pairs) == (against is not None):
        return Others(Path(against)) if against is not None else None
    if pairs:
        raise UsageError(f"{', '.join(pairs)} compares pairs of dialogues", do="give the others: --against FILE")
    raise UsageError("no instrument compares pairs of dialogues", do="leave --against out, or add --with preference")


def _configuration(
    panel: Panel, judges: list[str], tries: int, cases: dict[str, Any], others: Others | None
) -> dict[str, Any]:
    """What makes a rating run the same run. Instruments count with every word: a reworded one is another one."""
    options = panel.model_dump(mode="json", exclude={"instruments", "examples", "shots"}, exclude_none=True)
    if panel.examples:
        shown = "".join(one.model_dump_json() for one in panel.examples)
        options |= {"shots": panel.shots, "examples": blake2b(shown.encode(), digest_size=8).hexdigest()}
    words = {i.id: blake2b(i.model_dump_json().encode(), digest_size=8).hexdigest() for i in panel.instruments}
    facts = {
        "psyloom": __version__, "judges": judges, "instruments": words, "options": options, "tries": tries,
        "prompts": prompts_hash(panel), "cases": cases,
    }  # fmt: skip
    return facts | ({"against": {"digest": others.digest}} if others else {})


def _summary(run: Summary, out: Path, tools: Sequence[Instrument], by: str) -> RatingSummary:
    summary = RatingSummary(run)
    if not (out / RATINGS).stat().st_size:
        return summary
    found = list(read_jsonl(out / RATINGS, Rating))
    parts = [part for rating in found for part in rating.items]
    summary.ratings, summary.judgments = len(found), len(parts)
    summary.failed = Counter(part.failure.split(":")[0] for part in parts if part.failure)
    summary.results = {tool.id: results(found, tool, by) for tool in tools}
    summary.means = {name: _means(each) for name, each in summary.results.items()}
    summary.changes = {tool.id: change(found, tool, by="attitude") for tool in tools if tool.moments}
    return summary


def _means(each: list[Result]) -> list[Result]:
    """The means of several judges, and those of several groups."""
    judges = together(each, "rater")
    return judges + together(each + judges, "group")
