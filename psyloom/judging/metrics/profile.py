"""Does the client follow its profile? Overlap with its own profile beside that with a random other one."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev

from psyloom.errors import UsageError
from psyloom.judging.metrics.lazy import Lazy
from psyloom.judging.metrics.semantic import Embedder, embedded
from psyloom.judging.metrics.texts import Dialogues, dialogues, whole
from psyloom.judging.metrics.tokens import Tokenizer, Unit, tokens
from psyloom.records import Case, Dialogue

stats = Lazy("scipy.stats", "the t-test")

Profile = Callable[[Case], str]


def profile_text(case: Case) -> str:
    """Every text of every facet, a line each: the default profile. A paper may use one facet, such as the post."""
    return "\n".join(text for _, text in case.leaves())


def word_overlap(lines: str, profile: str, by: Unit | Tokenizer = "words") -> float:
    """|words of the client's lines and of the profile| / |words of the profile|, [0, 1].

    The cutting into words is not stated in the paper; jieba is our default.

    Raises:  UsageError for a profile without words.
    Source:  Interactive Agents, arXiv 2408.15787, evaluation.
    """
    wanted = set(tokens(profile, by))
    if not wanted:
        raise UsageError("the profile has no words", do="give a case with filled facets, or choose another profile")
    return len(wanted & set(tokens(lines, by))) / len(wanted)


def profile_overlap(dialogue: Dialogue, *, profile: Profile = profile_text, by: Unit | Tokenizer = "words") -> float:
    """Word overlap of one dialogue's client lines with the profile of its case, [0, 1]. See ``word_overlap``."""
    return word_overlap(whole(dialogue, side="client")[0], profile(_case(dialogue)), by)


@dataclass(frozen=True)
class WithControl:
    """Closeness of each client to its own profile and to a random other one; same order as the dialogues."""

    own: tuple[float, ...]
    other: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.own)

    @property
    def sd(self) -> float:
        return stdev(self.own)

    @property
    def other_mean(self) -> float:
        return fmean(self.other)

    @property
    def other_sd(self) -> float:
        return stdev(self.other)

    @cached_property
    def p(self) -> float:
        """Two-sided t-test of own against other, variances not assumed equal; 1 when no value differs at all."""
        if len(set(self.own) | set(self.other)) == 1:
            return 1.0
        if len(set(self.own)) == len(set(self.other)) == 1:
            return 0.0
        return float(stats.ttest_ind(self.own, self.other, equal_var=False).pvalue)


def follows_profile(
    given: Dialogues,
    *,
    profile: Profile = profile_text,
    embed: Embedder | None = None,
    by: Unit | Tokenizer = "words",
    seed: int = 0,
) -> WithControl:
    """How close clients' lines are to their own profile, and to a random profile of the same set as control.

    Args:    embed: closeness is the cosine of embeddings (the paper: BAAI/bge-m3) instead of word overlap, [-1, 1].
    Raises:  UsageError for fewer than two dialogues, for one without a case, and when all profiles are the same.
    Source:  Interactive Agents, arXiv 2408.15787: 0.406 (0.083) own and 0.284 (0.060) random by words.
    """
    items = list(dialogues(given))
    if len(items) < 2:
        raise UsageError("a random other profile needs two dialogues or more", do="use profile_overlap for one")
    lines, profiles = whole(items, side="client"), [profile(_case(dialogue)) for dialogue in items]
    others = _others(profiles, random.Random(seed))
    if embed:
        said, told = embedded(lines, embed), embedded(profiles, embed)
        return WithControl(tuple((said * told).sum(axis=1).tolist()), tuple((said * told[others]).sum(axis=1).tolist()))
    return WithControl(
        tuple(word_overlap(text, own, by) for text, own in zip(lines, profiles, strict=True)),
        tuple(word_overlap(text, profiles[other], by) for text, other in zip(lines, others, strict=True)),
    )


def _others(profiles: Sequence[str], rng: random.Random) -> list[int]:
    """For each profile the place of a random one with another text: one case may stand behind several dialogues."""
    if len(set(profiles)) < 2:
        raise UsageError("all dialogues have the same profile", do="give dialogues of different cases")
    chosen = []
    for own in profiles:
        while profiles[place := rng.randrange(len(profiles))] == own:
            pass
        chosen.append(place)
    return chosen


def _case(dialogue: Dialogue) -> Case:
    if dialogue.case is None:
        raise UsageError(f"dialogue {dialogue.id!r} has no case, so no profile", do="give dialogues with their case")
    return dialogue.case
