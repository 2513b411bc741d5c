"""Progress of a run on the terminal: done of total, rate, cost, time left."""

import sys
import time
from typing import Any

from psyloom.runs import Progress


class Bar:
    """One line that is redrawn on a terminal, and a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = time.monotonic()
        self._shown = False

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live and self._shown:
            sys.stderr.write("\r\x1b[K")

    def show(self, p: Progress) -> None:
        """Draw ``p``, at most ten times a second."""
        now = time.monotonic()
        if now - self._last < (0.1 if self._live else 10.0):
            return
        self._last, self._shown = now, True
        print(self._line(p), end="" if self._live else "\n", file=sys.stderr, flush=True)

    def _line(self, p: Progress) -> str:
        share = f"{p.done}/{p.total}" if p.total is not None else str(p.done)
        cost = "?" if p.cost is None else f"{p.cost:.3f}"
        left = "?" if p.eta is None else _clock(p.eta)
        failed = f"  {p.failed} failed" if p.failed else ""
        return f"{chr(13) + chr(27) + '[K' if self._live else ''}{share} cases{failed}  {p.rate:.2f}/s  {p.calls} calls  {cost} USD  {left} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
