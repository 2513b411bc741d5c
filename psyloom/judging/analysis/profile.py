"""Do simulated clients follow their profiles? Measured twice, each time beside a random other profile as the control.

Source:  Interactive Agents, arXiv 2408.15787 (share of the profile's words that are said; cosine of embeddings).
"""

from collections.abc import Iterator, Sequence
from functools import partial

from psyloom.judging.agreement.bootstrap import Estimate
from psyloom.judging.analysis.draw import dots
from psyloom.judging.analysis.report import Finding
from psyloom.judging.metrics.profile import WithControl, follows_profile, profile_text
from psyloom.judging.metrics.semantic import Embedder, lexical
from psyloom.judging.metrics.tokens import Unit
from psyloom.records import Case, Dialogue


def profile_report(
    dialogues: Sequence[Dialogue], *, facets: Sequence[str] = (), by: Unit = "words", embed: Embedder = lexical,
    seed: int = 0,
) -> Iterator[Finding]:  # fmt: skip
    """One table: words said of the profile, and likeness to it, own against a random other one of the set.

    Args:    facets: paths of the case that make up the profile, e.g. "post"; none: every text of it.
    Raises:  UsageError as `follows_profile`.
    """
    measure = partial(follows_profile, dialogues, profile=partial(_told, facets) if facets else profile_text, seed=seed)
    found = {"words of the profile that are said": measure(by=by), "likeness (cosine)": measure(embed=embed)}
    columns = ("", "own", "sd", "another's", "sd", "p", "dialogues")
    points = [(f"{name}, {whose}", Estimate(mean)) for name, one in found.items() for whose, mean in _means(one)]
    rows = tuple(
        (name, one.mean, one.sd, one.other_mean, one.other_sd, one.p, len(one.own)) for name, one in found.items()
    )
    note = "p: two-sided t-test of own against another's."
    yield Finding(
        "profile", "Clients and their profiles", columns, rows, note, dots("Clients and their profiles", points)
    )


def _told(facets: Sequence[str], case: Case) -> str:
    """The texts that lie under one of the paths, a line each."""
    return "\n".join(
        text for path, text in case.leaves() if any(f"{path}.".startswith(f"{facet}.") for facet in facets)
    )


def _means(one: WithControl) -> tuple[tuple[str, float], tuple[str, float]]:
    return ("own", one.mean), ("another's", one.other_mean)
