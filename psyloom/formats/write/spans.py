"""CoNLL-like columns for labels that mark a span: one token a line, BIO tags, an empty line after every turn.

    # dialogue = d1
    # turn = 1.2
    # speaker = client
    # text = "我总是失败"
    总	1	2	B-distortion:overgeneralization

Columns: token, start and end in characters of the text, tags. A tag is B- or I- with ``set:id``; several are joined by
``|``, so spans may overlap; O is no tag. Comments hold the text as JSON and the labels of the whole turn.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from psyloom.formats.write.examples import Plan
from psyloom.formats.write.files import dumps, text_file
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue, Turn

# Words and numbers of alphabets are one token; a Chinese character and any other sign is one each.
_TOKEN = re.compile(r"[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+(?:['’]\w+)?|\S")


@contextmanager
def open_spans(path: Path, plan: Plan) -> Iterator[Put]:
    with text_file(path) as file:

        def write(dialogue: Dialogue) -> int:
            for at, session in enumerate(dialogue.sessions, 1):
                for number, turn in enumerate(session.turns, 1):
                    file.writelines(_block(dialogue, f"{at}.{number}", turn, plan))
            return len(dialogue.turns)

        yield write


def _block(dialogue: Dialogue, place: str, turn: Turn, plan: Plan) -> Iterator[str]:
    yield f"# dialogue = {dumps(dialogue.id)[1:-1]}\n# turn = {place}\n"
    yield f"# speaker = {plan.options.name(turn.speaker, None)}\n# text = {dumps(turn.text)}\n"
    if whole := [f"{label.set}:{label.id}" for label in turn.labels if not label.span]:
        yield f"# labels = {' '.join(whole)}\n"
    pieces = tokens(turn)
    tags = _tags(turn, pieces)
    for (start, end), tag in zip(pieces, tags, strict=True):
        yield f"{turn.text[start:end]}\t{start}\t{end}\t{tag}\n"
    yield "\n"


def tokens(turn: Turn) -> list[tuple[int, int]]:
    """[start, end) of the tokens; a span that begins or ends inside a word cuts it, so that no tag is inexact."""
    edges = {edge for label in turn.labels if label.span for edge in label.span}
    found: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(turn.text):
        cuts = sorted({match.start(), match.end(), *(e for e in edges if match.start() < e < match.end())})
        found += pairwise(cuts)
    return found


def _tags(turn: Turn, pieces: list[tuple[int, int]]) -> list[str]:
    tags: list[list[str]] = [[] for _ in pieces]
    for label in turn.labels:
        if not label.span:
            continue
        inside = [i for i, (start, _) in enumerate(pieces) if label.span[0] <= start < label.span[1]]
        for i in inside:
            tags[i].append(f"{'B' if i == inside[0] else 'I'}-{label.set}:{label.id}")
    return ["|".join(tag) or "O" for tag in tags]
