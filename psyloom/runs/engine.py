"""The local engine: cases are coroutines on one event loop; what they ask is journaled, what they make is written in order."""

import asyncio
import gc
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from psyloom import __version__
from psyloom.agents import Annotator, Ask, Desk, Models, Pairing, Replying, Role, Writer
from psyloom.agents.derive import derive, lacking
from psyloom.agents.desk import Shelf, trace_record
from psyloom.errors import (
    BadPrompt,
    EndpointDown,
    EndpointRejects,
    FolderTrouble,
    MissingFacet,
    NotInSight,
    PsyloomError,
    Stopped,
)
from psyloom.llm import Decoding
from psyloom.llm.connect import REHEARSAL
from psyloom.llm.limits import Budget
from psyloom.records import Case, Defect, Dialogue, Lang, Lineage, to_line
from psyloom.records.jsonl import scan_jsonl
from psyloom.runs.folder import APART, ARTEFACTS, Outcome, RunFolder, line
from psyloom.runs.told import Progress, Summary

Work = Writer | Annotator | Replying
READS_DIALOGUES = (Annotator, Replying)
_STOPS_THE_RUN = (EndpointRejects, FolderTrouble, BadPrompt, NotInSight)
_DOWN_IN_A_ROW = 25
_COLLECT_EVERY = 20_000  # calls and cases


@dataclass(frozen=True)
class Settings:
    """What every case of a run shares.

    by: an annotator's name on its labels, instead of its system's; decoding: agent -> parameters, see `Desk`.
    """

    lang: Lang | None = None
    seed: int = 0
    tries: int = 3
    derive: bool = False
    traces: bool = True
    by: str = ""
    decoding: Mapping[str, Decoding] = field(default_factory=dict)


def roles_of(work: Work) -> dict[str, Role]:
    """Role name -> role, of a writer, an annotator, a counselor that replies, or both sides of a pairing."""
    if isinstance(work, Pairing):
        return {"counselor": work.counselor, "client": work.client}
    if isinstance(work, Replying):
        return {"counselor": work.counselor}
    return {"annotator" if isinstance(work, Annotator) else "writer": work}


def no_none(values: dict[str, Any]) -> dict[str, Any]:
    """Options without those that are not set."""
    return {k: no_none(v) if isinstance(v, dict) else v for k, v in values.items() if v is not None}


class Engine:
    """Settles every case of a file: each becomes a dialogue or a failure with its reason."""

    def __init__(self, work: Work, folder: RunFolder, models: Models, budget: Budget, settings: Settings) -> None:
        self.work, self.folder, self.models, self.budget, self.settings = work, folder, models, budget, settings
        self.progress = Progress(None)
        self.on_progress: Callable[[Progress], None] | None = None
        self.reasons: dict[str, int] = {}
        self.examples: dict[str, str] = {}
        self.guards: Counter[str] = Counter()
        self._left = False
        self._shelf = Shelf()
        self._apart: list[Dialogue] = []
        self._fatal: PsyloomError | None = None
        self._down = 0
        self._began = time.monotonic()
        self._collected = 0
        roles = roles_of(work)
        self._lineage: dict[str, Any] = {
            "system": " x ".join(dict.fromkeys(role.system() for role in roles.values())), "version": __version__,
            "roles": {kind: role.system() for kind, role in roles.items()}, "seed": settings.seed,
            "options": no_none(work.model_dump(mode="json", exclude_defaults=True)),
        }  # fmt: skip

    async def over(self, cases: Path, *, limit: int | None, concurrency: int, signals: bool) -> Summary:
        """Settle every case; returns when all are settled or the run is stopped."""
        found: Iterator[Case | Dialogue | Defect] = (
            scan_jsonl(cases, Dialogue) if isinstance(self.work, READS_DIALOGUES) else scan_jsonl(cases, Case)
        )
        source = islice(enumerate(found), limit)
        workers = [asyncio.create_task(self._work(source, 4 * concurrency + 64)) for _ in range(concurrency)]
        quiet = self._listen(workers) if signals else None
        ticking = asyncio.create_task(self._tick())
        collecting = gc.isenabled()
        gc.disable()
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            if not self._left:  # not the user at the keyboard, but whoever awaits us
                raise
            self._fatal = Stopped("interrupted", do="the same command continues where this run stopped")
        finally:
            if collecting:
                gc.enable()
            if quiet:
                quiet()
            ticking.cancel()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(ticking, *workers, return_exceptions=True)
        self.folder.flush()
        return self._summary()

    async def _tick(self) -> None:
        """Tell every second how far it is: the first case of a long system is settled after minutes."""
        while self.on_progress:
            await asyncio.sleep(1)
            self._count()
            self.on_progress(self.progress)

    def _listen(self, workers: list[asyncio.Task[None]]) -> Callable[[], None]:
        """First Ctrl-C: no new calls, those in flight are finished. Second: leave at once."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            if self.budget.stop_reason is None:
                self.budget.stop("interrupted")
                print("\nfinishing the calls in flight; press Ctrl-C again to leave at once", file=sys.stderr)
            else:
                self._left = True
                for worker in workers:
                    worker.cancel()

        with suppress(NotImplementedError):  # Windows: Ctrl-C ends the process; what was answered is in the journal
            loop.add_signal_handler(signal.SIGINT, heard)

        def quiet() -> None:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)

        return quiet

    async def _work(self, source: Iterator[tuple[int, Case | Dialogue | Defect]], window: int) -> None:
        """Take one case after the other until there are no more, or the run is stopped."""
        for position, found in source:
            if self._over():
                return
            if self.folder.done(position):
                self.folder.skip(position)
                self._settled(fresh=False)
                await asyncio.sleep(0)
                continue
            first = isinstance(found, Defect) or self.folder.claim(found.id)
            # A slow case ahead: what waits behind it must fit into memory.
            await self.folder.written_past(position - window)
            if self._over():
                return
            try:
                outcome = await self._settle(found, position, first)
            except (Stopped, *_STOPS_THE_RUN) as trouble:
                self._fatal = trouble if not isinstance(trouble, Stopped) else self._fatal or trouble
                self.budget.stop(trouble.happened)
                self.folder.release()
                return
            self._keep()
            self.folder.put(position, outcome)
            self._settled(failed=not outcome.ok)
            await asyncio.sleep(0)

    def _keep(self) -> None:
        """Write what stands beside the dialogues: artefacts, and dialogues that a system's own filter keeps apart."""
        self.folder.keep(ARTEFACTS, self._shelf.kept.values())
        self.folder.keep(APART, self._apart)
        if not self.settings.traces:
            self._shelf.drop(self._shelf.kept)
        self._shelf.drop(self.folder.traced)
        self._shelf.kept.clear()
        self._apart.clear()

    def _over(self) -> bool:
        self._fatal = self._fatal or self.folder.trouble
        if self._fatal is None and self.budget.stop_reason:
            self._fatal = Stopped(self.budget.stop_reason, do="the same command continues where this run stopped")
        if self._fatal is not None:
            self.budget.stop(self._fatal.happened)  # cases under way make no further call
        return self._fatal is not None

    def _settled(self, *, failed: bool = False, fresh: bool = True) -> None:
        self.progress.done += 1
        self.progress.failed += failed
        self.progress.fresh += fresh
        self._count()
        self._collect()
        if self.on_progress:
            self.on_progress(self.progress)

    def _collect(self) -> None:
        """Collect cyclic garbage now and then. Left to itself Python looks through every open dialogue again and
        again, which costs as much as the calls; what piles up between two times is some tens of megabytes."""
        done = self.progress.calls + self.progress.replayed + self.progress.done
        if done - self._collected >= _COLLECT_EVERY:
            self._collected = done
            gc.collect()

    def _count(self) -> None:
        """Bring what was spent up to date: a run that stops spent something on cases that are not settled, too."""
        p, budget = self.progress, self.budget
        p.calls, p.replayed = budget.spent_calls, self.folder.journal.replayed
        p.seconds = time.monotonic() - self._began
        p.cost = None if budget.unpriced else budget.spent_cost

    async def _settle(self, found: Case | Dialogue | Defect, position: int, first: bool) -> Outcome:
        """One case from start to end: a dialogue, or a failure with its reason and every attempt."""
        if isinstance(found, Defect):
            return self._failure(f"line {found.line}", "bad line", f"{found}\n  -> {found.do}")
        if not first:
            what = f"{found.id!r} (number {position + 1}) stands in the file before; ids must differ"
            return self._failure(found.id, "duplicate id", what)
        desk = self._desk(found, position)
        before = Counter(desk.dialogue.quality.guards)  # a dialogue that was read brings what its making took
        try:
            records = await self._records(desk)
        except (Stopped, *_STOPS_THE_RUN):
            raise
        except PsyloomError as trouble:
            if isinstance(trouble, EndpointDown):
                self._too_often_down(trouble)
            return self._failure(found.id, type(trouble).__name__, str(trouble), desk, before)
        except Exception as trouble:  # a fault in a system's code costs its case, is counted and shown
            told = "".join(traceback.format_exception(trouble))
            at = traceback.extract_tb(trouble.__traceback__)[-1]
            short = f"{trouble} ({at.filename}:{at.lineno})"
            return self._failure(found.id, f"bug: {type(trouble).__name__}", told, desk, before, short)
        self._down = 0
        if not records:
            return self._failure(found.id, "kept apart", str(self._apart[-1].quality.apart), desk, before)
        trace = line(trace_record(desk)) if self.settings.traces else b""
        return Outcome(found.id, len(records), b"".join(records), trace, beside=self._beside(desk))

    def _beside(self, desk: Desk) -> dict[str, bytes]:
        """Traces of the artefacts that a dialogue was made with, as far as they are not written yet."""
        traces = self._shelf.traces if self.settings.traces else {}
        return {key: line({"dialogue": key, "calls": traces[key]}) for key in desk.borrowed if key in traces}

    def _desk(self, found: Case | Dialogue, position: int) -> Desk:
        s = self.settings
        if isinstance(found, Case):
            return Desk.for_case(
                found, self.models, lang=s.lang, seed=s.seed, tries=s.tries, position=position, shelf=self._shelf,
                decoding=s.decoding,
            )  # fmt: skip
        case = found.case or Case(id=found.id, lang=found.lang)
        return Desk(
            found, case, self.models, seed=s.seed, tries=s.tries, by=s.by, position=position, shelf=self._shelf,
            decoding=s.decoding,
        )  # fmt: skip

    async def _records(self, desk: Desk) -> list[bytes]:
        """What a case becomes, as lines; none when the system's own filter keeps everything apart."""
        if isinstance(self.work, Annotator):
            return [to_line(await self._annotate(desk, self.work))]
        if isinstance(self.work, Replying):
            return [to_line(await self._reply(desk, self.work))]
        made = list(self.work.dialogues(await self._write(desk, self.work)))
        self._apart += (one for one in made if one.quality.apart)
        return [to_line(one) for one in made if not one.quality.apart]

    async def _write(self, desk: Desk, writer: Writer) -> Dialogue:
        ask = Ask(desk, writer)
        if missing := lacking(desk.case, writer.wants()):
            if not self.settings.derive:
                what = f"case {desk.case.id!r} lacks {', '.join(missing)}"
                raise MissingFacet(what, do="add it to the case, or use --derive")
            await derive(desk.case, missing, ask)
        dialogue = await writer.write(desk.case, ask)
        dialogue.lineage = self._made(desk)
        return dialogue

    async def _annotate(self, desk: Desk, annotator: Annotator) -> Dialogue:
        """Labels of the same annotator are replaced, others stay; texts must come back as they were.

        What it took stands with the annotation, so that doing it again changes nothing.
        """
        ask = Ask(desk, annotator)
        desk.dialogue.forget(ask.by)
        texts, made = [turn.text for turn in desk.dialogue.turns], desk.dialogue.quality.model_copy(deep=True)
        dialogue = await annotator.annotate(desk.dialogue, ask)
        if [turn.text for turn in dialogue.turns] != texts:
            raise ValueError(f"annotator {ask.by} changed a text")
        took, found = dialogue.quality.since(made), {"measures", "apart"}
        dialogue.annotations[ask.by] = self._made(desk).model_copy(update={"took": took})
        dialogue.quality = made.model_copy(update={name: getattr(dialogue.quality, name) for name in found})
        return dialogue

    async def _reply(self, desk: Desk, replying: Replying) -> Dialogue:
        dialogue = await replying.reply(desk)
        dialogue.lineage = self._made(desk)
        return dialogue

    def _made(self, desk: Desk) -> Lineage:
        return Lineage(
            **self._lineage, models=dict(sorted(desk.answered_by.items())), prompts=dict(sorted(desk.prompts.items())),
            source=desk.case.source, rehearsal=REHEARSAL in desk.answered_by.values(),
        )  # fmt: skip

    def _too_often_down(self, trouble: EndpointDown) -> None:
        """An endpoint that fails case after case is not tried with the rest of the file."""
        self._down += 1
        if self._down >= _DOWN_IN_A_ROW:
            what = f"{_DOWN_IN_A_ROW} cases in a row failed; {trouble.happened}"
            raise EndpointRejects(what, do="start the same command again when the endpoint is back")

    def _failure(
        self, id_: str, reason: str, detail: str, desk: Desk | None = None, before: Counter[str] | None = None,
        short: str = "",
    ) -> Outcome:  # fmt: skip
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self.examples.setdefault(reason, " ".join((short or detail).split()))
        row: dict[str, Any] = {"id": id_, "reason": reason, "detail": detail}
        if desk is None:
            return Outcome(None, 0, failure=line(row | {"guards": {}, "fault": None, "attempts": []}))
        guards = Counter(desk.dialogue.quality.guards) - (before or Counter())
        self.guards += guards
        fault = next((asked.rejected for asked in reversed(desk.trace) if asked.rejected), None)
        row |= {"guards": guards, "fault": fault, "attempts": desk.trace}
        return Outcome(id_, 0, failure=line(row), beside=self._beside(desk))

    def _summary(self) -> Summary:
        self._count()
        dialogues, failures = self.folder.counts()
        budget, fatal = self.budget, self.folder.trouble or self._fatal
        return Summary(
            self.folder.path,
            dialogues,
            failures,
            self.progress,
            budget.tokens_in,
            budget.tokens_out,
            fatal,
            self.reasons,
            self.examples,
            self.folder.apart,
            dict(self.guards.most_common()),
        )
