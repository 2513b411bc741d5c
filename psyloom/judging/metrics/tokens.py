"""Tokens of Chinese, English and mixed text: the one place where metrics cut text."""

import logging
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Literal

from psyloom.errors import MissingExtra

Unit = Literal["words", "characters"]
Tokenizer = Callable[[str], Sequence[str]]

HAN = "㐀-䶿一-鿿豈-\ufaff〇\U00020000-\U000323af"
_PIECE = re.compile(
    rf"(?P<han>[{HAN}]+)"
    r"|[0-9]+(?:[.,][0-9]+)+"  # 3.5 and 1,200 are one token
    rf"|[^\W_{HAN}]+(?:'[^\W_{HAN}]+)*"  # don't is one token
)


def normalized(text: str) -> str:
    """Lower case, full-width letters and digits made half-width, curly apostrophes made straight."""
    return unicodedata.normalize("NFKC", text.replace("’", "'")).lower()


def tokens(text: str, by: Unit | Tokenizer = "words") -> list[str]:
    """Cut a text into tokens; punctuation, emoji and white space are dropped, case is folded.

    Args:    by: "words": Chinese by jieba, everything else by its letters ("don't" and "3.5" are one token);
             "characters": each Chinese character is a token, other words stay whole; or a callable of your own
             (a model's tokenizer), which gets the text as it stands.
    Raises:  MissingExtra for Chinese words when jieba is not installed.
    """
    return list(by(text)) if callable(by) else list(_cut(normalized(text), by))


def _cut(text: str, by: Unit) -> Iterator[str]:
    for piece in _PIECE.finditer(text):
        if not piece["han"]:
            yield piece[0]
        elif by == "characters":
            yield from piece[0]
        else:
            yield from _segmenter().cut(piece[0])


@cache
def _segmenter() -> Any:
    """A jieba of our own: words that others add to the shared one do not change a metric."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jieba's source holds invalid escapes and imports pkg_resources
            jieba = import_module("jieba")
    except ModuleNotFoundError as absent:
        raise MissingExtra("cutting Chinese into words (package jieba)", "metrics") from absent
    jieba.setLogLevel(logging.WARNING)  # it reports the loading of its dictionary otherwise
    return jieba.Tokenizer()
