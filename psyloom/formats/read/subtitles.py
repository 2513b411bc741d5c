"""Transcripts of recordings as WebVTT or SubRip (SRT) cues."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from psyloom.formats.read._fields import lang_of
from psyloom.formats.read._format import Format, Item, Layout, Unreadable
from psyloom.formats.read._lines import KNOWN, manner, name, names
from psyloom.formats.read._talk import dialogue, session
from psyloom.records import Dialogue, Source, Speaker

_CUE = re.compile(
    r"^((?:\d+:)?\d{1,2}:\d{2}[.,]\d{3})[ \t]*-->[ \t]*((?:\d+:)?\d{1,2}:\d{2}[.,]\d{3}).*\n((?:.+(?:\n|$))*)",
    re.MULTILINE,
)
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>")


def _fits(value: Any) -> str | None:
    return "timed cues" if isinstance(value, str) and _CUE.search(value.replace("\r\n", "\n")) else None


def _cues(text: str, given: Mapping[str, Speaker]) -> Iterator[dict[str, Any]]:
    """One message a cue; the speaker stands in a voice tag or before a colon, if anywhere."""
    found = [(start, end, body.strip()) for start, end, body in _CUE.findall(text.replace("\r\n", "\n"))]
    prefix = names("\n".join(body for _, _, body in found), given) or KNOWN
    for start, end, body in found:
        voice, mark = _VOICE.search(body), prefix.match(body)
        who = voice[1].strip() if voice else name(mark) if mark else None
        spoken = _TAG.sub("", manner(mark) + body[mark.end() :] if mark and not voice else body)
        yield {"speaker": who, "content": spoken.strip(), "start": start, "end": end}


def _read(item: Item) -> Iterator[Dialogue]:
    messages: list[dict[str, Any]] = []
    for cue in _cues(item.value, item.speakers):
        if cue["speaker"] is None and messages:  # a cue without a name goes on where the last one stopped
            last = messages[-1]
            gap = "" if lang_of(last["content"]) == "zh" else " "
            last["content"], last["end"] = f"{last['content']}{gap}{cue['content']}", cue["end"]
        else:
            messages.append(cue)
    if not any(message["speaker"] for message in messages):
        raise Unreadable("", "the cues name no speakers")
    yield dialogue(item, session(item, "cues", messages))


FORMAT = Format(
    "subtitles",
    "timed transcripts (WebVTT, SRT)",
    Source(name="timed transcript"),
    (Layout("text", _fits, _read),),
    general=True,
)
