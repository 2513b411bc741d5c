"""Crisis cues: plain words for wanting to die, hurting oneself or killing somebody.

They stand in ``cues.toml``, as patterns for both languages. A list of words finds what is said openly and nothing more:
it is there so that no model can overlook that, not to judge how serious it is.
"""

import re
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from psyloom.knowledge.files import load
from psyloom.records import Lang


class Patterns(BaseModel):
    """The patterns of one kind of cue."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: tuple[str, ...]
    en: tuple[str, ...]


class Cues(BaseModel):
    """cue: what is spoken of (suicide, self_harm, violence) -> its patterns. spared: what holds a cue and is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    note: str
    spared: Patterns
    cue: dict[str, Patterns]


@cache
def _cues(lang: Lang) -> re.Pattern[str]:
    """All patterns of one language as one; the cues are its group."""
    found = load(Cues, Path(__file__).parent / "cues.toml", Path(__file__).parent, "set of cues")
    spared, cues = getattr(found.spared, lang), (p for kind in found.cue.values() for p in getattr(kind, lang))
    return re.compile(f"{'|'.join(spared)}|(?P<cue>{'|'.join(cues)})", re.IGNORECASE)


def cue_in(text: str, lang: Lang) -> str | None:
    """The first crisis cue in ``text``; both languages are looked for, the talk's own first.

    Words that are denied ("I would not kill myself") or asked about count, too: they want an answer. Somebody else's
    wish to die counts as well; that somebody else did die by suicide does not.
    """
    plain = text.replace("’", "'")
    for one in (lang, "en" if lang == "zh" else "zh"):
        if found := next((match for match in _cues(one).finditer(plain) if match["cue"]), None):
            return text[slice(*found.span())]
    return None
