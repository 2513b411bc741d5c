"""What a run tells: how far it is, and how it ended."""

from dataclasses import dataclass, field
from pathlib import Path

from psyloom.errors import PsyloomError


@dataclass
class Progress:
    """How far a run is. ``cost`` is None when a model's price is unknown; ``eta`` in seconds, None when unknown."""

    total: int | None
    done: int = 0
    failed: int = 0
    calls: int = 0
    replayed: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    fresh: int = 0

    @property
    def rate(self) -> float:
        """Cases per second in this start of the run."""
        return self.fresh / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None


@dataclass
class Summary:
    """How a run ended.

    stopped: why it is not finished; None: every case was settled.
    reasons: why cases failed -> how many; examples: the same -> what exactly was wrong with the first of them.
    guards: which rules the answers of failed cases broke -> how often.
    apart: dialogues that the system's own filter kept out of the data; they stand in apart.jsonl with their reasons.
    """

    out: Path
    dialogues: int
    failures: int
    progress: Progress
    tokens_in: int
    tokens_out: int
    stopped: PsyloomError | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    apart: int = 0
    guards: dict[str, int] = field(default_factory=dict)
