"""Reading a judge's answer: are its quotes real, and which ratings does it come to?"""

from typing import Any

from psyloom.judging.evidence import Passages, bare
from psyloom.judging.forms import Judgment, Marks, Ranking
from psyloom.knowledge.items import Item
from psyloom.records import ItemRating, Lang

_WORDS: dict[Lang, dict[str, str]] = {
    "en": {
        "strange": "evidence: these words do not stand in the material: {}; copy them word for word and leave nothing out",
        "none": "evidence: it is empty; quote the words that lead to this answer",
        "mark": '"{}"',
        "and": ", ",
    },
    "zh": {
        "strange": "evidence：材料里没有这样的原话：{}；请一字不差地摘录，不要省略或改写",
        "none": "evidence：是空的；请摘录得出这一结论所依据的原话",
        "mark": "“{}”",
        "and": "、",
    },
}
_WINNER = {"A": "win", "B": "loss", "tie": "tie"}
_LOSER = {"A": "loss", "B": "win", "tie": "tie"}


def fault(item: Item, answer: Any, passages: Passages, lang: Lang) -> str | None:
    """What is wrong with the quotes of an answer, in words for the judge; None when nothing is."""
    words, quotes = _WORDS[lang], _quotes(answer)
    if strange := [quote for quote in quotes if not passages.places(quote)]:
        return words["strange"].format(words["and"].join(map(words["mark"].format, strange)))
    if isinstance(answer, Ranking):
        return None if all(one.evidence for one in answer.ranked) else words["none"]
    bare_value = isinstance(answer, Judgment) and not quotes and not _silent(item, answer.value)
    return words["none"] if bare_value else None


def _quotes(answer: Any) -> list[str]:
    if isinstance(answer, Marks):
        return [mark.quote for mark in answer.found]
    if isinstance(answer, Ranking):
        return [quote for one in answer.ranked for quote in one.evidence]
    return list(answer.evidence)


def _silent(item: Item, value: Any) -> bool:
    """Is this a value for which nothing need be quoted?"""
    if value is None or value == "tie":
        return True
    if isinstance(value, str):
        return bool(item.options) and item.option(value).silent
    return float(value) in item.silent


def parts(item: Item, answer: Any, *, swapped: bool = False) -> list[ItemRating]:
    """The ratings of one item: one, or of a ranked list one for each place.

    swapped: the rated dialogue was shown as B.
    """
    if isinstance(answer, Marks):
        return [_marked(item, answer)]
    if isinstance(answer, Ranking):
        named = [(f"{one.code} {one.name}" if one.code else one.name, one.evidence) for one in answer.ranked]
        ranked = [ItemRating(item=item.id, value=name, evidence=[*map(bare, quotes)]) for name, quotes in named]
        return ranked or [ItemRating(item=item.id)]
    value = answer.value
    if item.kind == "pairwise":
        value = (_LOSER if swapped else _WINNER)[value]
    return [ItemRating(item=item.id, value=value, reason=answer.reason, evidence=[*map(bare, answer.evidence)])]


def _marked(item: Item, answer: Marks) -> ItemRating:
    return ItemRating(
        item=item.id,
        value=max((mark.intensity for mark in answer.found), default=0),
        reason=" / ".join(mark.reason for mark in answer.found) or None,
        evidence=[bare(mark.quote) for mark in answer.found],
    )


def spans(answer: Marks, passages: Passages) -> list[dict[str, Any]]:
    """Where each marked passage stands, with its intensity; one that skips words has its first piece's place."""
    return [
        {"quote": bare(mark.quote), "intensity": mark.intensity, **passages.places(mark.quote)[0]._asdict()}
        for mark in answer.found
    ]


def both(one: ItemRating, other: ItemRating) -> ItemRating:
    """One judgment of a pair from its two orders: an answer that changes with the order is a tie."""
    if one.failure or other.failure:
        return one if one.failure else other
    return ItemRating(
        item=one.item,
        value=one.value if one.value == other.value else "tie",
        reason=f"{one.reason} / A ⇄ B: {other.reason}",
        evidence=[*one.evidence, *other.evidence],
    )
