"""Single fields of released records: texts taken out of objects, labels, language, reasoning."""

import re
from functools import cache
from typing import Any

from psyloom.formats.read._format import Unreadable
from psyloom.knowledge import LabelSet, label_set, label_sets
from psyloom.records import Element, Label, Lang

_THINK = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)
_CJK = re.compile(r"[\u3400-\u9fff]")


def label(set: str, word: str, **more: Any) -> Label:  # noqa: A002
    """The one place where readers make labels, in a set named ``<format>_<kind>``.

    Where psyloom has that label set, any spelling that it knows becomes the label's id; else the source's word stays.
    """
    known = _bundled(set)
    term = known.find(word) if known else None
    return Label(set=set, id=term.id if term else word, **more)


@cache
def _bundled(name: str) -> LabelSet | None:
    return label_set(name) if name in label_sets() else None


def labels(set: str, words: Any) -> list[Label]:  # noqa: A002
    """Labels for one word, a list of words, or nothing."""
    listed = words if isinstance(words, list) else [words]
    return [label(set, str(word).strip()) for word in listed if word is not None and str(word).strip()]


def text(row: dict[str, Any], key: str) -> str | None:
    """Take a text out of an object; None when it is missing, null or blank.

    Raises: Unreadable when it is something else.
    """
    value = row.pop(key, None)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str | int | float):
        raise Unreadable(key, f"should be text, is {type(value).__name__}")
    return str(value).strip()


def some(**given: Any) -> dict[str, Any]:
    """What of this is not None."""
    return {key: value for key, value in given.items() if value is not None}


def lang_of(text: str) -> Lang:
    """Chinese if a tenth of the characters are, for mixed texts lean on few letters."""
    sample = text[:2000]
    return "zh" if len(_CJK.findall(sample)) * 10 > len(sample) else "en"


def thinking(text: str) -> tuple[list[Element], str]:
    """Take a leading ``<think>`` block off a reply."""
    if not (found := _THINK.match(text)):
        return [], text
    return [Element(name="think", text=found[1].strip())], text[found.end() :]
