"""Sentence splitting for Chinese and English, with character offsets."""

import re
from collections.abc import Iterator

# A sentence ends at full-width marks anywhere, at . ! ? before white space or the end, or at a line break;
# closing quotes and brackets belong to the sentence they close.
_CLOSING = r"[\"'”’」』)）\]]"
_ABBREVIATED = r"(?<!\b[A-Z])(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)"
_END = re.compile(rf"(?:[。！？!?…]+|{_ABBREVIATED}\.+(?=\s|{_CLOSING}|$)){_CLOSING}*|\n+")
_WORD = re.compile(r"[^\W_]")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the [start, end) offsets of the sentences of ``text``, without the white space around them.

    Marks alone are no sentence: a silence ("……") joins what follows it, at the end what came before it. A text of
    nothing but marks is one sentence.
    """
    waiting: tuple[int, int] | None = None  # one sentence back, in case nothing but marks follows it
    silence: int | None = None
    for start, end in _pieces(text):
        start = start if silence is None else silence
        if not _WORD.search(text, start, end):
            silence = start
            continue
        if waiting:
            yield waiting
        waiting, silence = (start, end), None
    if silence is not None:
        yield waiting[0] if waiting else silence, len(text.rstrip())
    elif waiting:
        yield waiting


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """What stands between two ends of sentences, unless it is white space."""
    start = 0
    for end in [*(m.end() for m in _END.finditer(text)), len(text)]:
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        start = end


def sentences(text: str) -> list[str]:
    """Split into sentences: ``sentences("好的。你呢？") == ["好的。", "你呢？"]``."""
    return [text[a:b] for a, b in spans(text)]
