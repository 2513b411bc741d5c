"""Runs: one writer over many cases into an output folder, resumable at every call."""

from psyloom.runs.engine import Progress, Summary
from psyloom.runs.run import open_models, pair, run_cases, writer_for

__all__ = ["Progress", "Summary", "open_models", "pair", "run_cases", "writer_for"]
