"""Diagnostic dialogues: is the right diagnosis among the first k, was everything asked, were the right things said?

Measures of dialogues and of systems, never of a person. Each takes one dialogue or one list, so that it can serve as a
reward; `accuracy` brings many lists together.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate, wilson
from psyloom.judging.metrics.texts import whole
from psyloom.knowledge.inquiry import Age, Gender, InquiryTree, inquiry_tree
from psyloom.knowledge.lexicon import lexicon, once
from psyloom.records import Diagnosis, Dialogue, Lang, Rating

Level = Literal["code", "stem", "family"]
"""How alike two diagnoses must be: the same code (F32.1), the same up to the point (F32), or of one kind (depressive)."""

_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?P<icd10>[A-Z]\d{2}(?:\.[0-9A-Z]{1,4})?)"  # also ICD-10-CM, which DSM-5 uses
    r"|(?P<icd11>\d[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,2})?)"
    r"|(?P<dsm4>(?:29|30|31)\d\.\d{1,2})"
    r")(?![A-Za-z0-9])"
)


@dataclass(frozen=True)
class Family:
    """Diagnoses of one kind. codes: what their codes begin with in ICD-10, ICD-11 and DSM-IV; names: in zh and en."""

    codes: tuple[str, ...]
    names: tuple[str, ...]


FAMILIES: dict[str, Family] = {
    "bipolar": Family(
        ("F30", "F31", "F34.0", "6A6", "296.0", "296.4", "296.5", "296.6", "296.7", "296.8", "301.13"),
        ("双相", "躁狂", "环性心境", "bipolar", "mania", "manic", "hypomania", "cyclothymia", "cyclothymic"),
    ),
    "depressive": Family(
        ("F32", "F33", "F34.1", "6A70", "6A71", "6A72", "6A73", "F41.2", "296.2", "296.3", "300.4"),
        ("抑郁", "恶劣心境", "depression", "depressive", "dysthymia", "dysthymic", "mdd"),
    ),
    "anxiety": Family(
        ("F40", "F41", "6B0", "6A73", "300.0", "300.2"),
        ("焦虑", "惊恐", "恐惧症", "恐怖症", "anxiety", "panic", "phobia", "phobic", "agoraphobia", "gad"),
    ),
    "obsessive": Family(("F42", "6B2", "300.3"), ("强迫", "obsessive", "compulsive", "ocd")),
    "stress": Family(
        ("F43", "6B4", "308.", "309."),
        ("应激", "适应障碍", "延长哀伤", "创伤后", "stress disorder", "adjustment disorder", "prolonged grief", "ptsd"),
    ),
    "sleep": Family(
        ("F51", "G47", "7A", "7B", "307.4"),
        ("失眠", "睡眠障碍", "睡眠-觉醒", "insomnia", "sleep disorder", "hypersomnia"),
    ),
    "somatic": Family(("F45", "6C20", "300.8"), ("躯体形式", "躯体症状障碍", "somatoform", "somatic symptom")),
    "eating": Family(
        ("F50", "6B8", "307.1", "307.5"),
        ("进食障碍", "厌食", "贪食", "暴食", "eating disorder", "anorexia", "bulimia", "binge eating"),
    ),
    "psychotic": Family(
        ("F2", "6A2", "295", "297", "298"),
        ("精神分裂", "分裂情感", "妄想性障碍", "精神病性障碍", "schizophrenia", "schizoaffective", "psychotic", "psychosis"),
    ),
    "substance": Family(
        ("F1", "6C4", "291", "292", "303", "304", "305"),
        ("酒精依赖", "酒精使用", "物质使用", "药物依赖", "成瘾", "use disorder", "alcohol dependence", "addiction"),
    ),
    "personality": Family(("F60", "F61", "6D10", "6D11", "301"), ("人格障碍", "personality disorder", "borderline")),
    "attention": Family(("F90", "6A05", "314"), ("注意缺陷", "多动", "attention deficit", "adhd", "hyperkinetic")),
    "autism": Family(("F84", "6A02", "299"), ("孤独症", "自闭症", "阿斯伯格", "autism", "autistic", "asperger")),
    "dementia": Family(("F00", "F01", "F02", "F03", "6D8", "290"), ("痴呆", "阿尔茨海默", "dementia", "alzheimer")),
}  # fmt: skip
"""Kinds of disorder that psychiatric classifications keep apart, wide enough to hold across them. Our grouping. Mixed
anxiety and depression (F41.2, 6A73) is of both kinds."""
_NOT_BESIDE = {"depressive": {"bipolar", "psychotic"}, "psychotic": {"bipolar"}}
"""A kind that another one's names contain: bipolar depression is bipolar, psychotic depression by its code alone."""


def codes(words: str) -> tuple[str, ...]:
    """The codes that stand in a label such as ``F32.1 抑郁发作``, in upper case and in order."""
    return tuple(found[0] for found in _CODE.finditer(unicodedata.normalize("NFKC", words).upper()))


def families(words: str) -> frozenset[str]:
    """The kinds that a label belongs to, by its codes or, without any, by its name in either language."""
    if known := codes(words):
        return frozenset(name for code in known for name in _by_code(code))
    folded = unicodedata.normalize("NFKC", words).casefold()
    found = {name for name, family in FAMILIES.items() if any(_named(word, folded) for word in family.names)}
    return frozenset(name for name in found if not _NOT_BESIDE.get(name, set()) & found)


def _by_code(code: str) -> list[str]:
    """The kinds with the longest fitting beginning, so that F34.0 is bipolar and 301.13 no personality disorder."""
    fits = {name: max((len(c) for c in f.codes if code.startswith(c)), default=0) for name, f in FAMILIES.items()}
    longest = max(fits.values())
    both = code.startswith(("F41.2", "6A73"))
    return [name for name, length in fits.items() if length and (length == longest or both)]


def _named(word: str, text: str) -> bool:
    if not word.isascii():
        return word in text
    return re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text) is not None


def same(one: str, other: str, level: Level = "stem") -> bool:
    """Are two labels the same diagnosis at a level? Labels that are written alike always are.

    Without codes only the family can tell.
    """
    if _folded(one) == _folded(other):
        return True
    a, b = codes(one), codes(other)
    if level == "family":
        return bool(families(one) & families(other)) or bool({*map(_stem, a)} & {*map(_stem, b)})
    if level == "stem":
        return bool({*map(_stem, a)} & {*map(_stem, b)})
    return bool({*a} & {*b})


def _folded(words: str) -> str:
    return re.sub(r"[\s,，、;；()（）]+", " ", unicodedata.normalize("NFKC", words)).strip().casefold()


def _stem(code: str) -> str:
    return code.split(".")[0]


def top_k(
    ranked: Sequence[str], truth: Iterable[Diagnosis | str], ks: Sequence[int] = (1, 3, 5, 10), level: Level = "stem"
) -> dict[int, bool]:
    """Is a true diagnosis among the first k of a ranked list?

    Args:    ranked: labels, the most likely first: codes, names, or both in one (``F32.1 抑郁发作``).
    Raises:  UsageError when there is no true diagnosis.
    Source:  AMIE, arXiv 2401.05654, evaluation; there a model or a specialist says what counts as the same.
    """
    true = [one if isinstance(one, str) else f"{one.code} {one.name}" if one.code else one.name for one in truth]
    if not true:
        raise UsageError("there is no true diagnosis to look for", do="give the case one under clinical.diagnoses")
    hits = [any(same(label, one, level) for one in true) for label in ranked]
    return {k: any(hits[:k]) for k in ks}


def ranked_in(rating: Rating) -> list[str]:
    """The labels of a ranked list, best first. Raises UsageError when the judgment failed: that is no wrong answer."""
    if failed := next((part.failure for part in rating.items if part.failure), None):
        raise UsageError(f"the judgment {rating.id!r} failed: {failed}", do="leave it out and count it")
    return [str(part.value) for part in rating.items if part.value is not None]


def concluded(dialogue: Dialogue) -> list[str]:
    """The ranked diagnoses that a doctor ended with, in the notes of the last session that has some; [] for none."""
    for session in reversed(dialogue.sessions):
        form = session.notes.get("questionnaire")
        if isinstance(form, dict) and isinstance(named := form.get("ddx"), list):
            return [str(one) for one in named]
    return []


def accuracy(
    answered: Iterable[tuple[Sequence[str], Iterable[Diagnosis | str]]], ks: Sequence[int] = (1, 3, 5, 10),
    level: Level = "stem",
) -> dict[int, Estimate]:  # fmt: skip
    """Top-k accuracy over many (ranked list, true diagnoses): k -> share [0, 1] with its Wilson interval.

    Raises:  UsageError for nothing to score, and as `top_k`.
    """
    hits = [top_k(ranked, truth, ks, level) for ranked, truth in answered]
    if not hits:
        raise UsageError("there is no ranked list to score", do="give at least one with its true diagnoses")
    return {k: wilson(sum(one[k] for one in hits), len(hits)) for k in ks}


@dataclass(frozen=True)
class Asked:
    """What was asked of a plan: ids in the plan's order; beyond: asked though not planned. share: [0, 1]."""

    asked: tuple[str, ...]
    missing: tuple[str, ...]
    beyond: tuple[str, ...]
    share: float


def planned_topics(
    age: Age, gender: Gender | None, tree: InquiryTree | str = "symptom_inquiry", *, slots: bool = False
) -> list[str]:
    """What an inquiry tree plans for somebody of this age group; slots: places for topics that arise in the talk."""
    tree = inquiry_tree(tree) if isinstance(tree, str) else tree
    return [leaf.id for leaf in tree.leaves_for(age, gender) if slots or not leaf.slot]


def topic_coverage(dialogue: Dialogue, planned: Iterable[str], labels: str = "mdd5k_topic") -> Asked:
    """Which planned topics the counselor asked about, by the labels on its turns: asked leaves / planned leaves.

    Raises:  UsageError for an empty plan, and for a dialogue none of whose counselor turns has a label of the set.
    Source:  a rule for MDD-5k, arXiv 2408.12142; the measure is ours.
    """
    plan = list(dict.fromkeys(planned))
    turns = [turn for turn in dialogue.turns if turn.speaker == "counselor"]
    touched = list(dict.fromkeys(one.id for turn in turns for one in turn.labels if one.set == labels))
    if not plan:
        raise UsageError("no topic is planned", do="give the leaves of an inquiry tree: planned_topics(...)")
    if not touched:
        raise UsageError(
            f"no counselor turn of {dialogue.id!r} has a label of {labels!r}",
            do="let an annotator label the turns first",
        )
    asked = tuple(topic for topic in plan if topic in touched)
    missing = tuple(topic for topic in plan if topic not in touched)
    return Asked(asked, missing, tuple(topic for topic in touched if topic not in plan), len(asked) / len(plan))


@dataclass(frozen=True)
class Concepts:
    """Which concepts of a reference a text names, by concept and whatever the words or the language.

    precision: of those it names, the share that the reference has; recall: of the reference's, the share it names;
    each [0, 1], None where there is nothing to divide by; f1: their harmonic mean.
    """

    shared: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    precision: float | None
    recall: float | None
    f1: float | None


def concepts(
    given: Dialogue | str, reference: str, lang: Lang | None = None, *, reference_lang: Lang | None = None,
    types: Iterable[str] | None = None, words: str = "mental_health_note",
) -> Concepts:  # fmt: skip
    """Compare what a dialogue says with what a reference, such as a clinical note, says.

    Args:    lang: of the text, a dialogue's own without it; reference_lang: of the reference, the same without it.
             types: kinds of concept that count, e.g. ``{"symptom", "risk"}``; words: the lexicon.
    Raises:  UsageError for a plain text without a language.
    Source:  concept overlap as in NoteChat, arXiv 2310.15959, with a lexicon of our own.
    """
    lang = lang or (given.lang if isinstance(given, Dialogue) else None)
    if lang is None:
        raise UsageError("the language of a plain text is not known", do='give it: lang="zh" or lang="en"')
    wanted = None if types is None else set(types)

    def named(text: str, of: Lang) -> list[str]:
        found = once(concept for concept in lexicon(words).find(text, of) if wanted is None or concept.type in wanted)
        return [concept.code for concept in found]

    said = list(dict.fromkeys(code for text in whole(given) for code in named(text, lang)))
    told = named(reference, reference_lang or lang)
    shared = tuple(code for code in told if code in said)
    precision = len(shared) / len(said) if said else None
    recall = len(shared) / len(told) if told else None
    f1 = None if precision is None or recall is None else 2 * len(shared) / (len(said) + len(told))
    missing, added = (tuple(c for c in a if c not in b) for a, b in ((told, said), (said, told)))
    return Concepts(shared, missing, added, precision, recall, f1)


def named_early(dialogue: Dialogue, truth: Iterable[Diagnosis]) -> list[int]:
    """Places of the turns, the last one aside, that name a true diagnosis or its code: the answer leaks.

    Source:  a rule for MDD-5k, arXiv 2408.12142; the measure is ours.
    """
    words = [_folded(word) for one in truth for word in (one.name, one.code) if word]
    return [at for at, turn in enumerate(dialogue.turns[:-1]) if any(word in _folded(turn.text) for word in words)]
