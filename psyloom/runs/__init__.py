"""Runs: one writer over many cases into an output folder, resumable at every call."""

from psyloom.runs.run import check_agents, open_models, pair, run_cases, writer_for
from psyloom.runs.told import Progress, Summary

__all__ = ["Progress", "Summary", "check_agents", "open_models", "pair", "run_cases", "writer_for"]
