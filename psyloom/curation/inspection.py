"""Inspection: from raw dialogues to those to keep, to review and to drop, stage by stage, nothing removed in silence.

The stages and their order are MindChat's (its flow chart names desensitising, deduplication, scoring and review);
what each of them does is ours. Dialogues stream through; only hashes of them stay in memory.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from psyloom.curation.content import CONTENT
from psyloom.curation.desensitise import Mode, desensitise
from psyloom.curation.duplicates import Duplicates, plain
from psyloom.curation.findings import Finding, Standard
from psyloom.curation.structure import STRUCTURE
from psyloom.curation.threads import thread
from psyloom.errors import UnknownName
from psyloom.records import Dialogue
from psyloom.systems.mindchat.system import verdict_of

Stage = Literal["structure", "desensitise", "dedup", "rules", "score", "review"]
STAGES: tuple[Stage, ...] = get_args(Stage)
Verdict = Literal["keep", "review", "drop"]
Dialogues = Callable[[], Iterable[Dialogue]]
"""Gives the dialogues anew at each call: openings that many share are counted first."""
SHOWN, OPENING, FEW = 20, 12, 5  # fewer than five dialogues that begin alike are chance


@dataclass
class Passed:
    """What one stage did: how many came in, were dropped or marked for review, and by which rules."""

    came: int = 0
    dropped: int = 0
    review: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, Finding]] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.came - self.dropped

    def to_json(self) -> dict[str, Any]:
        return {
            "in": self.came, "out": self.left, "dropped": self.dropped, "review": self.review,
            "rules": dict(sorted(self.rules.items())),
            "examples": [{"id": id_, **found.to_json()} for id_, found in self.examples],
        }  # fmt: skip


@dataclass
class Inspection:
    """How dialogues are inspected, and what came of it.

    stages: those to go through, in their order. scores: dialogue id -> (mean, safety) by a judge; domain: dialogue id ->
    does it belong to psychology at all (K4). share: of what would be kept so much is drawn for review.
    """

    standard: Standard = field(default_factory=Standard)
    stages: tuple[Stage, ...] = STAGES
    mode: Mode = "tag"
    threshold: float = 0.8
    share: float = 0.05
    seed: int = 0
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    domain: Mapping[str, bool] = field(default_factory=dict)
    passed: dict[str, Passed] = field(init=False)
    thanked: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if unknown := [stage for stage in self.stages if stage not in STAGES]:
            raise UnknownName("stage of inspection", unknown[0], STAGES)
        self.stages = tuple(stage for stage in STAGES if stage in self.stages)
        self.passed = {stage: Passed() for stage in self.stages}
        self._openings: Counter[str] = Counter()
        self._known = Duplicates(self.threshold)

    def run(self, dialogues: Dialogues) -> Iterator[tuple[Verdict, Dialogue, list[tuple[Stage, Finding]]]]:
        """Yield (verdict, dialogue as it is now, findings with their stage) of every dialogue.

        A dropped dialogue says in ``quality.apart`` why; ``extra.inspection`` holds the verdict of each stage.
        """
        if "rules" in self.stages:
            self._openings.update(filter(None, map(_opening, dialogues())))
        whole = self._openings.total()
        for given in dialogues():
            yield self._one(given.model_copy(deep=True), whole)

    def _one(self, dialogue: Dialogue, whole: int) -> tuple[Verdict, Dialogue, list[tuple[Stage, Finding]]]:
        told: list[tuple[Stage, Finding]] = []
        verdicts: dict[str, str] = {}
        for stage in self.stages:
            found = list(self._found(stage, dialogue, whole, "review" in verdicts.values()))
            told += ((stage, one) for one in found)
            verdicts[stage] = verdict = _worst(found)
            self._count(stage, dialogue, found, verdict)
            if verdict == "drop":
                reasons = (f"{one.rule}: {one.what}" for one in found if one.action == "drop")
                dialogue.quality.apart = "; ".join(reasons)
                break
        dialogue.extra = {**dialogue.extra, "inspection": {**verdicts}}
        kinds = set(verdicts.values())
        return "drop" if "drop" in kinds else "review" if "review" in kinds else "keep", dialogue, told

    def _found(self, stage: Stage, dialogue: Dialogue, whole: int, doubtful: bool) -> Iterator[Finding]:
        match stage:
            case "structure":
                for rule in (thread, *STRUCTURE):
                    yield from rule(dialogue, self.standard)
            case "desensitise":
                yield from desensitise(dialogue, self.mode)
            case "dedup":
                if twin := self._known.twin(dialogue):
                    yield Finding("r5", "drop", twin)
            case "rules":
                for rule in CONTENT:
                    yield from rule(dialogue, self.standard)
                shared = self._openings[_opening(dialogue)]
                if shared >= FEW and shared > self.standard.shared * whole:
                    yield Finding("k5", "review", f"{shared} dialogues open so: {_opening(dialogue)}")
                if self.domain.get(dialogue.id) is False:
                    yield Finding("k4", "drop", "judged to be off topic")
            case "score":
                if scored := self._score(dialogue):
                    yield scored
            case "review":
                drawn = random.Random(f"{self.seed}/{dialogue.id}").random() < self.share
                if drawn and not doubtful:
                    yield Finding("r7", "review", "drawn by chance")

    def _score(self, dialogue: Dialogue) -> Finding | None:
        """The verdict that a writer noted with its scores, else that of a judge's."""
        measures = dialogue.quality.measures
        own = (measures["score"], measures["safety"]) if {"score", "safety"} <= set(measures) else None
        scores = self.scores.get(dialogue.id) or own
        noted = dialogue.sessions[-1].notes.get("inspection") if dialogue.sessions else None
        if scores is None:
            return None
        verdict = verdict_of(*scores)
        if verdict == "keep" and isinstance(noted, dict) and noted.get("score") == "review":
            verdict = "review"
        what = f"mean {scores[0]:.2f}, safety {scores[1]:g}"
        return Finding("r6", "noted" if verdict == "keep" else verdict, what)

    def _count(self, stage: Stage, dialogue: Dialogue, found: list[Finding], verdict: str) -> None:
        passed = self.passed[stage]
        passed.came += 1
        passed.dropped += verdict == "drop"
        passed.review += verdict == "review"
        passed.rules.update(f"{one.rule} {one.action}" for one in found)
        gone = [one for one in found if one.action == "drop"]
        passed.examples += [(dialogue.id, one) for one in gone[: max(0, SHOWN - len(passed.examples))]]
        self.thanked += any(one.rule == "m6" for one in found)


def _worst(found: Iterable[Finding]) -> Verdict:
    actions = {one.action for one in found}
    return "drop" if "drop" in actions else "review" if "review" in actions else "keep"


def _opening(dialogue: Dialogue) -> str:
    """How the counselor begins; "" for too few words to tell."""
    first = next((plain(turn) for turn in dialogue.turns if turn.speaker == "counselor"), "")
    return first[:OPENING] if len(first) >= OPENING else ""
