"""Sentence splitting for Chinese and English, with character offsets."""

import re
from collections.abc import Iterator

# A sentence ends at full-width marks anywhere, at . ! ? before white space or the end, or at a line break;
# closing quotes and brackets belong to the sentence they close.
_CLOSING = r"[\"'”’」』)）\]]"
_END = re.compile(rf"(?:[。！？!?…]+|(?<!\b[A-Z])\.+(?=\s|{_CLOSING}|$)){_CLOSING}*|\n+")
_LETTER = re.compile(r"[^\W\d_]")
# The period of the first ends no sentence; that of the others ends one where no lower case follows. People who chat
# write whole messages in lower case: there a plain period ends its sentence.
_TITLE = re.compile(r"\b(?:Dr|Mrs?|Ms|Prof|St|e\.g|i\.e|cf|vs)$", re.IGNORECASE)
_SHORT = re.compile(r"\b(?:[a-z](?:\.[a-z])+|etc|approx|ca|Jr|Sr)$", re.IGNORECASE)
_LOWER = re.compile(r"\s*[a-z]")
_COMMA = re.compile("[,，、;；]")
_QUOTES = {"”": "“", "’": "‘", "」": "「", "』": "『", '"': '"'}


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the [start, end) offsets of the sentences of ``text``, without the white space around them.

    Marks and numbers alone are no sentence: a silence ("……") or the number of a point ("1.") joins what follows it, at
    the end what came before it. A text without a letter is one sentence.
    """
    waiting: tuple[int, int] | None = None  # one sentence back, in case no letter follows it
    silence: int | None = None
    for start, end in _pieces(text):
        spoken = _LETTER.search(text, start, end)
        start = start if silence is None else silence
        if not spoken:
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
    for found in _END.finditer(text):
        if not _goes_on(text, start, found):
            yield from _trimmed(text, start, found.end())
            start = found.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if piece.strip():
        yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def _goes_on(text: str, start: int, found: re.Match[str]) -> bool:
    """Does the sentence that began at ``start`` go on behind this mark: an abbreviation's, or one of words quoted in it?

    Words quoted behind a colon are a sentence of their own, but for a comma behind them.
    """
    mark = found[0]
    if _COMMA.match(text, found.end()):
        return True
    lower = bool(_LOWER.match(text, found.end()))
    before = text[max(start, found.start() - 12) : found.start()]
    if mark == "." and (_TITLE.search(before) or (lower and _SHORT.search(before))):
        return True
    opening = text.rfind(_QUOTES.get(mark[-1], "\0"), start, found.start())
    quoted = opening >= 0 and text[start:opening].rstrip()[-1:] not in (":", "：")
    return quoted and (lower or bool(_LETTER.match(text, found.end())))


def sentences(text: str) -> list[str]:
    """Split into sentences: ``sentences("好的。你呢？") == ["好的。", "你呢？"]``."""
    return [text[a:b] for a, b in spans(text)]
