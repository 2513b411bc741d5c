"""What labelled dialogues show: reactions after strategies, over a session, and against the outcome. Extra ``metrics``.

Every analysis resamples whole sessions for its intervals, since sentences of one session are no independent samples.
"""

from psyloom.judging.analysis.history import History, history
from psyloom.judging.analysis.outcome import Against, LassoPath, against_outcome, lasso_path, shares, with_any
from psyloom.judging.analysis.rates import Rates, distances, next_behavior, next_reaction, stages, transitions
from psyloom.judging.analysis.report import Finding, reactions_report, transitions_report
from psyloom.judging.analysis.sessions import Coded, Move, Scheme, coded, outcomes

__all__ = [
    "Against",
    "Coded",
    "Finding",
    "History",
    "LassoPath",
    "Move",
    "Rates",
    "Scheme",
    "against_outcome",
    "coded",
    "distances",
    "history",
    "lasso_path",
    "next_behavior",
    "next_reaction",
    "outcomes",
    "reactions_report",
    "shares",
    "stages",
    "transitions",
    "transitions_report",
    "with_any",
]
