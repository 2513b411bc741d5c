"""Which statistic fits which ratings, and why, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from psyloom.judging.agreement.alpha import alpha_of_codes, krippendorff_alpha, set_distances
from psyloom.judging.agreement.categorical import cohen_kappa, fleiss_kappa, gwet, percent_agreement
from psyloom.judging.agreement.icc import icc
from psyloom.judging.agreement.rank import kendall_tau, spearman
from psyloom.judging.agreement.table import Table, encode
from psyloom.judging.metrics.lazy import Lazy

if TYPE_CHECKING:
    import numpy as np

    from psyloom.judging.agreement.table import Matrix
else:
    np = Lazy("numpy", "agreement statistics")

Kind = Literal["flag", "nominal", "ordinal", "continuous", "ranking", "sets"]
Statistic: TypeAlias = "Callable[[Matrix], float]"

RARE = 0.1
"""A flag is rare, and chance-corrected kappas unstable, when the rarer answer is given at most this often. Our default."""
LEVELS = 11
"""Whole numbers on at most this many levels are a Likert item, others are continuous. Our default."""


@dataclass(frozen=True)
class Choice:
    """The statistics for a table, the first being the main one, and why.

    data: what they are computed on; centered: those that are also computed after raters are centered.
    """

    data: Matrix
    statistics: Mapping[str, Statistic]
    why: str
    centered: Mapping[str, Statistic] = field(default_factory=dict)


def kind_of(table: Table) -> Kind:
    """The kind of an item's values: sets of words; yes or no; words; whole numbers of few levels; other numbers.

    Rankings look like Likert values and must be named as such.
    """
    values = table.values()
    if any(isinstance(value, frozenset) for value in values):
        return "sets"
    if any(isinstance(value, str) for value in values):
        return "nominal"
    numbers = {float(cast(float, value)) for value in values}
    if all(isinstance(value, bool) for value in values) or (numbers <= {0.0, 1.0} and table.scale in (None, (0, 1))):
        return "flag"
    low, high = table.scale or (min(numbers), max(numbers))
    return "ordinal" if all(map(float.is_integer, numbers)) and high - low < LEVELS else "continuous"


def choose(table: Table, kind: Kind) -> Choice:
    """The statistics for a table of this kind.

    Raises:  UsageError when values are no numbers but the kind wants them.
    """
    return _CHOOSERS[kind](table)


def _flag(table: Table) -> Choice:
    data = table.numbers()
    share = float(np.nanmean(data))
    if min(share, 1 - share) > RARE:
        return _categories(data, f"yes-or-no answers, {share:.0%} yes")
    why = f"{share:.0%} of the answers are yes, so kappa would swing with single cases: Gwet's AC1 stays stable"
    return Choice(data, {"Gwet AC1": _ac1, "percent agreement": percent_agreement}, why)


def _ac1(data: Matrix) -> float:
    return gwet(data, categories=(0, 1))


def _nominal(table: Table) -> Choice:
    data, known = encode(table.rows)
    return _categories(data, f"{len(known)} categories without order")


def _categories(data: Matrix, what: str) -> Choice:
    complete = not np.isnan(data).any()
    if complete and data.shape[1] == 2:
        why = f"{what}, given by two raters to every unit: Cohen's kappa is agreement beyond chance"
        return Choice(data, {"Cohen kappa": cohen_kappa, "percent agreement": percent_agreement}, why)
    why = (
        f"{what}, given by {data.shape[1]} raters{'' if complete else ' with gaps'}: "
        "Krippendorff's alpha is agreement beyond chance for any number of raters"
    )
    main: dict[str, Statistic] = {"Krippendorff alpha (nominal)": _nominal_alpha}
    return Choice(data, main | _fleiss(data) | _PERCENT, why)


def _fleiss(data: Matrix) -> dict[str, Statistic]:
    """Fleiss' kappa, which many papers give for scales of few levels, too: it takes every difference for the same."""
    return {} if np.isnan(data).any() or data.shape[1] < 3 else {"Fleiss kappa": fleiss_kappa}


def _nominal_alpha(data: Matrix) -> float:
    return krippendorff_alpha(data, "nominal")


def _ordinal_alpha(data: Matrix) -> float:
    return krippendorff_alpha(data, "ordinal")


def _interval_alpha(data: Matrix) -> float:
    return krippendorff_alpha(data, "interval")


def _ordinal(table: Table) -> Choice:
    data = table.numbers()
    forms, how = _icc_forms(data)
    why = f"ordered levels: ordinal alpha weighs how far raters are apart, and ICC says {how}"
    # Raters' offsets tear ties apart, which ranks cannot bear: centered values are compared by their differences.
    interval: dict[str, Statistic] = {_INTERVAL: _interval_alpha}
    main: dict[str, Statistic] = {"Krippendorff alpha (ordinal)": _ordinal_alpha}
    return Choice(data, main | interval | forms | _fleiss(data), why, interval | forms)


def _continuous(table: Table) -> Choice:
    data = table.numbers()
    forms, how = _icc_forms(data)
    interval: dict[str, Statistic] = {_INTERVAL: _interval_alpha}
    return Choice(data, forms | interval, f"measured values: ICC says {how}", forms | interval)


def _icc_forms(data: Matrix) -> tuple[dict[str, Statistic], str]:
    """The forms of ICC that the design allows, and what they say."""
    given = (~np.isnan(data)).sum(axis=1)
    if (given == data.shape[1]).sum() >= 2:
        whole = "" if given.min() == data.shape[1] else f", over the {(given == data.shape[1]).sum()} complete units"
        forms: dict[str, Statistic] = {"ICC(2,1)": lambda x: icc(x, "2,1"), "ICC(3,k)": lambda x: icc(x, "3,k")}
        return forms, f"how reliable one rater's value (2,1) and the order in the raters' mean (3,k) are{whole}"
    if len(set(given.tolist())) == 1 and given[0] > 1:
        return {"ICC(1,1)": lambda x: icc(_squeezed(x), "1,1")}, "how reliable one value by any rater is (1,1)"
    return {}, "nothing here, as fewer than two units were rated by all: look at alpha"


def _squeezed(data: Matrix) -> Matrix:
    """(units, ratings) without the gaps, where every unit has as many ratings by changing raters."""
    return np.array([row[~np.isnan(row)] for row in data])


def _ranking(table: Table) -> Choice:
    why = "ranks: Kendall's tau-b is the surplus of pairs of units that two raters put in the same order"
    return Choice(table.numbers(), {"Kendall tau-b": kendall_tau, "Spearman rho": spearman}, why)


def _sets(table: Table) -> Choice:
    rows = [[_as_set(value) for value in row] for row in table.rows]
    data, known = encode(rows)
    masi, jaccard = (set_distances(cast(Sequence[AbstractSet[str]], known), d) for d in ("masi", "jaccard"))
    statistics: dict[str, Statistic] = {
        "Krippendorff alpha (MASI)": lambda x: alpha_of_codes(x, masi),
        "Krippendorff alpha (Jaccard)": lambda x: alpha_of_codes(x, jaccard),
    }
    why = (
        "several labels a unit: alpha with set distances gives credit for labels in common, MASI less for mere overlap"
    )
    return Choice(data, statistics | _PERCENT, why)


def _as_set(value: object) -> frozenset[str] | None:
    return value if value is None or isinstance(value, frozenset) else frozenset([str(value)])


_INTERVAL = "Krippendorff alpha (interval)"
_PERCENT: dict[str, Statistic] = {"percent agreement": percent_agreement}
_CHOOSERS: dict[Kind, Callable[[Table], Choice]] = {
    "flag": _flag,
    "nominal": _nominal,
    "ordinal": _ordinal,
    "continuous": _continuous,
    "ranking": _ranking,
    "sets": _sets,
}
