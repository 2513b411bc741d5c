"""JSON values out of a stream of text, one at a time: JSON Lines, big arrays and single objects in constant memory."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any

# strict=False: released files hold raw line breaks and tabs inside strings. NaN and Infinity, which JSON does not know
# and no record can hold, stay words.
_decode = JSONDecoder(strict=False, parse_constant=str).raw_decode
_SPACE = re.compile(r"[ \t\r\n]*")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_AFTER_NUMBER = {" ", "\t", "\r", "\n", ",", "]"}
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_ELEMENT_END = re.compile(r"[,\]\n]")


@dataclass(frozen=True, slots=True)
class Broken:
    """A place in a file that cannot be parsed; reading goes on behind it."""

    what: str


def values(
    chunks: Iterable[str], each: bool = False, on_half: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, bool, Any]]:
    """Yield (number, alone, value) for each JSON value in the text; for a broken one the value is Broken.

    Args: each: step into arrays and yield their elements. ``number`` is then the position in the array, from 1;
          for values of the file itself it is the line. ``alone``: the value spans the file, as far as can be told.
          on_half: called where half a character stood (a lone surrogate, as in "\\ud83d"): U+FFFD takes its place.
    """
    scroll = _Scroll(chunks, on_half)
    first = True
    while opening := scroll.char(","):
        line = scroll.line()
        if each and opening == "[":
            empty = True
            for number, value in _elements(scroll):
                empty = False
                yield number, False, value
            if empty and not (first and not scroll.char(",")):
                yield line, False, Broken("an empty array")
        else:
            value = _value(scroll)
            if isinstance(value, Broken):
                scroll.skip_line()
            yield line, first and not scroll.char(","), value
        first = False


def _elements(scroll: "_Scroll") -> Iterator[tuple[int, Any]]:
    scroll.step()
    number = 0
    while scroll.char(",") not in ("]", ""):
        number += 1
        value = _value(scroll)
        yield number, value
        if isinstance(value, Broken):
            scroll.skip_value()
        if not scroll.char():
            yield number + 1, Broken("the array does not end: the file is cut short")
            return
        if scroll.char() not in ",]":
            yield number + 1, Broken("no comma before this element: the rest of the array cannot be read")
            scroll.skip_all()
            return
    scroll.step()


def _value(scroll: "_Scroll") -> Any:
    """The value at the scroll's position; more text is fetched as long as the value may just be cut off."""
    while True:
        text, position = scroll.text, scroll.position
        try:
            value, end = _decode(text, position)
        except JSONDecodeError as trouble:
            # A cut shows as an open string, or as an error within the last token; anything else is a real fault.
            cut = trouble.msg.startswith("Unterminated") or trouble.pos >= len(text.rstrip()) - 12
            if cut and scroll.more():
                continue
            return Broken(f"not valid JSON ({trouble.msg} at {text[trouble.pos : trouble.pos + 20]!r})")
        except RecursionError:
            return Broken("nested too deep")
        if text[end - 1] not in '"]}' and text[end : end + 1] not in _AFTER_NUMBER and scroll.more():
            continue  # a number may go on in the next chunk
        scroll.position = end
        if _SURROGATE.search(text, position, end) and (mended := _mended(value)) != value:
            scroll.on_half()
            return mended
        return value


def _mended(value: Any) -> Any:
    """The value with U+FFFD for every half of a character: no file can hold one."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return {_mended(key): _mended(inner) for key, inner in value.items()} if isinstance(value, dict) else value


class _Scroll:
    """A window on a text that arrives in chunks. What lies before ``position`` is forgotten."""

    def __init__(self, chunks: Iterable[str], on_half: Callable[[], None]) -> None:
        self._chunks, self.on_half = iter(chunks), on_half
        self._line, self._counted = 1, 0
        self.text, self.position = "", 0

    def more(self) -> bool:
        """Fetch at least as much again as is unread, so that a long value is not tried too often."""
        pieces = [self.text[self.position :]]
        wanted = max(1, len(pieces[0]))
        self.line()
        while wanted > 0 and (chunk := next(self._chunks, "")):
            pieces.append(chunk)
            wanted -= len(chunk)
        self.text, self.position, self._counted = "".join(pieces), 0, 0
        return len(pieces) > 1

    def char(self, skip: str = "") -> str:
        """The next character that is no white space and not in ``skip``; empty at the end."""
        while True:
            found = _SPACE.match(self.text, self.position)
            self.position = found.end() if found else self.position
            if self.position == len(self.text):
                if not self.more():
                    return ""
            elif self.text[self.position] in skip:
                self.position += 1
            else:
                return self.text[self.position]

    def line(self) -> int:
        """The line of the file at the position."""
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def step(self) -> None:
        self.position += 1

    def skip_line(self) -> None:
        while (end := self.text.find("\n", self.position)) < 0:
            self.position = len(self.text)
            if not self.more():
                return
        self.position = end + 1

    def skip_all(self) -> None:
        self.position = len(self.text)
        while self.more():
            self.position = len(self.text)

    def skip_value(self) -> None:
        """Move behind the broken value at the position: by its brackets, else to the next comma or line."""
        if self.text[self.position] not in "[{":
            found = _ELEMENT_END.search(self.text, self.position)
            self.position = found.start() if found else len(self.text)
            return
        while (end := self._closing()) is None:
            if not self.more():
                self.position = len(self.text)
                return
        self.position = end

    def _closing(self) -> int | None:
        depth = 0
        for token in _STRUCTURE.finditer(self.text, self.position):
            depth += (token[0] in "[{") - (token[0] in "]}")
            if depth == 0:
                return token.end()
        return None
