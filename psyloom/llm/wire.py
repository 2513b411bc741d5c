"""What OpenAI-compatible servers send back, in all their spellings: answers, streams, counts, refusals."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import aiohttp
from pydantic_core import from_json

from psyloom.llm.model import Answer

Kind = Literal["overload", "unreachable", "broken", "form", "nonsense"]
# How content filters say no: OpenAI and Azure, DashScope, DeepSeek, Zhipu, Moonshot, OpenRouter, gateways.
_FILTERED = (
    "content_filter",
    "contentfilter",
    "content_policy",
    "responsibleaipolicyviolation",
    "data_inspection_failed",
    "datainspectionfailed",
    "content exists risk",
    "considered high risk",
    "unsafe or sensitive content",
    "敏感内容",
    "input was flagged",
    "sensitive_words_detected",
)
_THINK = "<think>"
_FILTERED_ENDS = {"content_filter", "sensitive"}
# How accounts without credit are told so: OpenAI, Moonshot, DashScope, Zhipu, gateways.
_NO_CREDIT = ("insufficient_quota", "exceeded_current_quota", "arrearage", '"1113"', "insufficient_user_quota")
_TOO_LONG = (
    "context size",
    "context_length",
    "context length",
    "maximum context",
    "maximum model length",
    "model token limit",
    "range of input length",
    "超长",
)


class Again(Exception):
    """This try failed, another may succeed.

    kind: what it was: the server has too much to do ("overload"), cannot be reached ("unreachable"), broke the
          connection before it answered ("broken"), may not know this form of constrained decoding ("form"), or
          its answer cannot be read ("nonsense").
    rest: seconds for which the server asks to be left alone.
    """

    def __init__(self, why: str, kind: Kind = "nonsense", rest: float = 0.0) -> None:
        super().__init__(why)
        self.kind, self.rest = kind, rest


def is_filtered(status: int, text: str) -> bool:
    """Is this error a content filter's refusal?"""
    return status < 500 and status != 429 and any(word in text.lower() for word in _FILTERED)


def is_without_credit(status: int, text: str) -> bool:
    return status == 402 or any(word in text.lower() for word in _NO_CREDIT)


def is_too_long(text: str) -> bool:
    return any(word in text.lower() for word in _TOO_LONG)


def split_thinking(text: str) -> tuple[str, str]:
    """Part a leading thought from what follows: (thinking, rest).

    The opening ``<think>`` may be missing, where the server's chat template wrote it; without the closing one the
    answer broke off in thought and the rest is empty.
    """
    head = text.lstrip()
    if not head.startswith(_THINK) and "</think>" not in head:
        return "", text
    thinking, _, rest = head.removeprefix(_THINK).partition("</think>")
    return thinking.strip(), rest.lstrip()


def spoken(text: str) -> str:
    """What of a text that is still being written may be shown: nothing of a thought, or of what may become one."""
    head = text.lstrip()
    return "" if len(head) < len(_THINK) and _THINK.startswith(head) else split_thinking(text)[1]


def dig(value: Any, *path: str | int) -> Any:
    """What stands at ``path`` in a JSON value; None where a step is missing or of another kind."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


@dataclass
class Reply:
    """An answer as it arrives, whole or piece by piece."""

    text: str = ""
    thinking: str = ""
    finish: str = ""
    refusal: str = ""
    logprobs: list[Any] | None = None
    usage: tuple[int, int, int] = (0, 0, 0)
    began: float = field(default_factory=time.monotonic)

    def take(self, body: Any, part: str) -> None:
        """Add what one body says; ``part``: where its words stand, "message" or a stream's "delta".

        Raises: Again for a whole answer without a message.
        """
        choice = dig(body, "choices", 0)
        words = dig(choice, part)
        if part == "message":
            if not isinstance(words, dict):
                raise Again(f"the server's answer is not a chat completion ({str(body)[:80]})")
            self.finish = "stop"  # where none is given
        self.text += _text(dig(words, "content"))
        self.thinking += _text(dig(words, "reasoning_content")) or _text(dig(words, "reasoning"))
        self.refusal += _text(dig(words, "refusal"))
        self.finish = _text(dig(choice, "finish_reason")) or self.finish
        if isinstance(found := dig(choice, "logprobs", "content"), list):
            self.logprobs = (self.logprobs or []) + found
        self.usage = _usage(usage) if (usage := dig(body, "usage")) else self.usage

    @property
    def refused(self) -> bool:
        return bool(self.refusal) or self.finish in _FILTERED_ENDS

    def answer(self) -> Answer:
        inner, text = split_thinking(self.text)
        seconds = time.monotonic() - self.began
        return Answer(text, self.finish or "stop", self.thinking or inner, *self.usage, self.logprobs, seconds)


class Shown:
    """Hands a growing text on, piece by piece, without the model's thoughts."""

    def __init__(self, on_text: Callable[[str | None], None] | None) -> None:
        self._on_text, self._shown = on_text, ""

    def grow(self, text: str) -> None:
        """Show what is new in ``text``, all that has been written so far."""
        if self._on_text is None:
            return
        if not text.startswith(self._shown):  # what looked like the answer was a thought
            self._on_text(None)
            self._shown = ""
        if len(text) > len(self._shown):
            self._on_text(text[len(self._shown) :])
            self._shown = text


def json_of(raw: bytes) -> Any:
    """The JSON value of a body. Raises Again when it is none, or only half of one."""
    try:
        return from_json(raw)
    except ValueError as trouble:
        raise Again(f"the server's answer is no JSON ({raw[:80]!r})") from trouble


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    """The JSON bodies of a server-sent event stream, and None for its end mark. Raises Again when it breaks off."""
    async for line in response.content:
        data = line.strip().removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
        if data:
            yield None if data == b"[DONE]" else json_of(data)


def retry_after(said: str | None) -> float:
    """Retry-After, a number or a date, as seconds: 0 to two minutes; 0 when nothing readable is said."""
    if said is None:
        return 0.0
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except ValueError:
            return 0.0
    return max(0.0, min(120.0, seconds))


def _text(content: Any) -> str:
    """Text, or the texts of a list of content parts."""
    if isinstance(content, list):
        return "".join(_text(dig(part, "text")) for part in content)
    return content if isinstance(content, str) else ""


def _usage(usage: Any) -> tuple[int, int, int]:
    """(prompt, cached prompt, completion) tokens; the cached ones as OpenAI, DeepSeek or Moonshot name them."""
    cached = (
        dig(usage, "prompt_tokens_details", "cached_tokens")
        or dig(usage, "prompt_cache_hit_tokens")
        or dig(usage, "cached_tokens")
    )
    return _count(dig(usage, "prompt_tokens")), _count(cached), _count(dig(usage, "completion_tokens"))


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
