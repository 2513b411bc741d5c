"""How varied a set of dialogues is: words, meaning, closeness to its sources, topics. Labels are not needed.

Source:  SMILE, arXiv 2305.00450 (distinct-n, pairs, language transformation, topic entropy); PsyDial, ACL 2025 long
         1049 (LDD). Both tell that words grow slower than texts: compare sets of like size only.
"""

import math
from collections.abc import Iterator, Sequence

from psyloom.errors import UsageError
from psyloom.judging.agreement.bootstrap import Estimate
from psyloom.judging.analysis.draw import dots
from psyloom.judging.analysis.report import Finding
from psyloom.judging.metrics import distinct, ead, ldd, lengths, pairwise_cosine, source_cosine, topic_entropy
from psyloom.judging.metrics.semantic import Cosines, Embedder, lexical
from psyloom.judging.metrics.tokens import Unit
from psyloom.records import Dialogue, Speaker

SIDES: dict[str, Speaker | None] = {"client": "client", "counselor": "counselor", "both": None}


def diversity_report(
    dialogues: Sequence[Dialogue], *, by: Unit = "words", vocabulary: int | None = None, embed: Embedder = lexical,
    sample: int = 500, seed: int = 0,
) -> Iterator[Finding]:  # fmt: skip
    """Words of each side; pairs of dialogues; closeness to the post each was made from; entropy of dialogue labels.

    Args:    vocabulary: its size, for EAD, which is left out without it. sample: pairs are taken among so many dialogues, drawn by the seed.
    """
    yield _words(dialogues, by, vocabulary)
    if chinese := list(_chinese(dialogues)):
        columns = ("side", "a message", "a dialogue")
        yield _table("chinese", "Chinese characters", columns, chinese, 1)
    found = list(_cosines(dialogues, embed, sample, seed))
    if found:
        yield _table("cosines", "Likeness (cosine)", ("", "median", "mean", "sd", "mean - 3 sd", "values"), found, 2)
    labelled = [
        (name, topic_entropy(dialogues, name), topic_entropy(dialogues, name, variant="smile"))
        for name in sorted({label.set for dialogue in dialogues for label in dialogue.labels})
    ]
    if labelled:
        columns = ("labels of dialogues", "bits", "bits, p = share of dialogues")
        yield _table("topics", "Entropy of labels", columns, labelled, 1)


def source_text(dialogue: Dialogue) -> str:
    """The single turn a dialogue was made from: question and answer; "" where its case has no post.

    Which answer, the session's note ``answer`` says; else the first.
    """
    post = dialogue.case.post if dialogue.case else None
    if post is None:
        return ""
    notes = dialogue.sessions[0].notes if dialogue.sessions else {}
    at = notes.get("answer")
    answer = post.answers[at if isinstance(at, int) and at < len(post.answers) else 0].text if post.answers else ""
    return "\n".join(filter(None, (post.title, post.text, answer)))


def _words(dialogues: Sequence[Dialogue], by: Unit, vocabulary: int | None) -> Finding:
    rows = []
    for name, side in SIDES.items():
        if any(turn.text.strip() for one in dialogues for turn in one.turns if side in (None, turn.speaker)):
            whole, size = ldd(dialogues, side=side, by=by), lengths(dialogues, side=side, by=by)
            shares = (_distinct(dialogues, n, side, by) for n in (1, 2, 3))
            per = (size.messages_per_dialogue, size.characters_per_message)
            adjusted = (ead(dialogues, vocabulary, side=side, by=by),) if vocabulary else ()
            rows.append((name, *shares, *adjusted, whole.puw, whole.uwpd, whole.ldd, *per))
    told = ("D-1", "D-2", "D-3", *(("EAD",) if vocabulary else ()), "PUW %", "UWPD", "LDD")
    columns = ("side", *told, "messages a dialogue", "characters a message")
    return _table("words", "Variety of words", columns, rows, 1)


def _chinese(dialogues: Sequence[Dialogue]) -> Iterator[tuple[str, float, float]]:
    """How much each side says in Chinese; nothing where nobody does."""
    for name, side in SIDES.items():
        size = lengths(dialogues, side=side, by="characters")
        if size.chinese:
            yield name, size.chinese_per_message, size.chinese / size.dialogues


def _distinct(dialogues: Sequence[Dialogue], n: int, side: Speaker | None, by: Unit) -> float:
    try:
        return distinct(dialogues, n, side=side, by=by)
    except UsageError:  # short messages may hold no n-gram at all
        return math.nan


def _cosines(
    dialogues: Sequence[Dialogue], embed: Embedder, sample: int, seed: int
) -> Iterator[tuple[str, float, float, float, float, int]]:
    """Pairs inside the set; each dialogue with its source, and with the next one's as a control."""
    if len(dialogues) > 1:
        yield _row("pairs of dialogues", pairwise_cosine(dialogues, embed=embed, sample=sample, seed=seed))
    made = [(dialogue, text) for dialogue in dialogues if (text := source_text(dialogue))]
    if made:
        whole, texts = [one for one, _ in made], [text for _, text in made]
        yield _row("own source", source_cosine(whole, texts, embed=embed))
        if len(set(texts)) > 1:
            yield _row("another's source", source_cosine(whole, _others(texts), embed=embed))


def _others(texts: Sequence[str]) -> list[str]:
    """For each text the next one that differs: several dialogues may come from one post."""
    ring = [*texts, *texts]
    return [next(other for other in ring[at + 1 :] if other != own) for at, own in enumerate(texts)]


def _row(name: str, found: Cosines) -> tuple[str, float, float, float, float, int]:
    return name, found.median, found.mean, found.sd, found.mean - 3 * found.sd, len(found.values)


def _table(name: str, title: str, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]], shown: int) -> Finding:
    """The picture shows column number ``shown``."""
    points = [(str(row[0]), Estimate(float(str(row[shown])))) for row in rows]
    return Finding(name, title, columns, tuple(rows), "", dots(f"{title}: {columns[shown]}", points))
