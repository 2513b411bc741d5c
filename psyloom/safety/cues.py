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
    """cue: what is spoken of (suicide, self_harm, violence) -> its patterns."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    note: str
    cue: dict[str, Patterns]


@cache
def _cues(lang: Lang) -> re.Pattern[str]:
    """All patterns of one language as one."""
    found = load(Cues, Path(__file__).parent / "cues.toml", Path(__file__).parent, "set of cues")
    return re.compile("|".join(p for kind in found.cue.values() for p in getattr(kind, lang)), re.IGNORECASE)


def cue_in(text: str, lang: Lang) -> str | None:
    """The first crisis cue in ``text``; both languages are looked for, the talk's own first.

    Words that are denied ("I would not kill myself") or asked about count, too: they want an answer.
    """
    plain = text.replace("’", "'")
    for one in (lang, "en" if lang == "zh" else "zh"):
        if found := _cues(one).search(plain):
            return text[slice(*found.span())]
    return None
