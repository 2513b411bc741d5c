"""Sentence splitting for Chinese and English, with character offsets."""

import re
from collections.abc import Iterator

# A sentence ends at full-width marks anywhere, at . ! ? before white space or the end, or at a line break;
# closing quotes and brackets belong to the sentence they close.
_CLOSING = r"[\"'”’」』)）\]]"
_ABBREVIATED = r"(?<!\b[A-Z])(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)"
_END = re.compile(rf"(?:[。！？!?…]+|{_ABBREVIATED}\.+(?=\s|{_CLOSING}|$)){_CLOSING}*|\n+")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the [start, end) offsets of the sentences of ``text``, without the white space around them."""
    start = 0
    for end in [*(m.end() for m in _END.finditer(text)), len(text)]:
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        start = end


def sentences(text: str) -> list[str]:
    """Split into sentences: ``sentences("好的。你呢？") == ["好的。", "你呢？"]``."""
    return [text[a:b] for a, b in spans(text)]
