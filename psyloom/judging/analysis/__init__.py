"""What labelled dialogues show: reactions after strategies, over a session, and against the outcome. Extra ``metrics``.

Every analysis resamples whole sessions for its intervals, since sentences of one session are no independent samples.
"""

from psyloom.judging.analysis.deviations import Deviation, deviations
from psyloom.judging.analysis.diversity import diversity_report
from psyloom.judging.analysis.history import History, history
from psyloom.judging.analysis.outcome import Against, LassoPath, against_outcome, lasso_path, shares, with_any
from psyloom.judging.analysis.profile import profile_report
from psyloom.judging.analysis.rates import Rates, distances, next_behavior, next_reaction, stages, transitions
from psyloom.judging.analysis.report import Finding, reactions_report, transitions_report
from psyloom.judging.analysis.selections import Selections, selections
from psyloom.judging.analysis.sessions import Coded, Move, Scheme, coded, outcomes

__all__ = [
    "Against",
    "Coded",
    "Deviation",
    "Finding",
    "History",
    "LassoPath",
    "Move",
    "Rates",
    "Scheme",
    "Selections",
    "against_outcome",
    "coded",
    "deviations",
    "distances",
    "diversity_report",
    "history",
    "lasso_path",
    "next_behavior",
    "next_reaction",
    "outcomes",
    "profile_report",
    "reactions_report",
    "selections",
    "shares",
    "stages",
    "transitions",
    "transitions_report",
    "with_any",
]
