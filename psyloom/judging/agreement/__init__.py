"""Agreement between raters: people, models, simulated clients, students. Needs the ``metrics`` extra when used.

``agree(ratings)`` chooses by the kind of the values and explains itself; each statistic can also be called on
(units, raters) arrays.
"""

from psyloom.judging.agreement.alpha import krippendorff_alpha, krippendorff_alpha_sets, masi
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap
from psyloom.judging.agreement.categorical import cohen_kappa, fleiss_kappa, gwet, percent_agreement
from psyloom.judging.agreement.choose import Kind
from psyloom.judging.agreement.icc import icc
from psyloom.judging.agreement.paired import BlandAltman, Change, before_after, bland_altman, wilcoxon
from psyloom.judging.agreement.rank import kendall_tau, pairwise_accuracy, spearman
from psyloom.judging.agreement.report import Agreement, agree, agreement, reading, severity
from psyloom.judging.agreement.table import Table, encode, tables

__all__ = [
    "Agreement",
    "BlandAltman",
    "Change",
    "Estimate",
    "Kind",
    "Table",
    "agree",
    "agreement",
    "before_after",
    "bland_altman",
    "bootstrap",
    "cohen_kappa",
    "encode",
    "fleiss_kappa",
    "gwet",
    "icc",
    "kendall_tau",
    "krippendorff_alpha",
    "krippendorff_alpha_sets",
    "masi",
    "pairwise_accuracy",
    "percent_agreement",
    "reading",
    "severity",
    "spearman",
    "tables",
    "wilcoxon",
]
