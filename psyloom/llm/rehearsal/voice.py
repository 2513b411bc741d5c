"""A case's own sentences as its client would say them.

What stands in the first person is said as it stands. A record speaks about the client: it is turned into the first
person where that is safe, named through a phrase of its field where it is a mere label, and left out otherwise.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

from psyloom.llm.rehearsal.third_person import has_verb, mine_en, mine_zh
from psyloom.records import Lang

Facts = Sequence[tuple[str, str]]  # (dotted path into the case, sentence); path "" where it is not known
Frames = Mapping[str, Sequence[str]]
# What others know, judge or plan: no client says it.
_NOT_ITS_OWN = (
    "report.title", "report.type", "report.method", "report.process", "report.reflections", "clinical.mental_state",
    "clinical.risk", "clinical.treatment", "scenario.group", "scenario.focus", "scenario.path", "thought.persona",
)  # fmt: skip
_NAMED = ("scenario.type", "scenario.cause")  # what a situation tells in its own words
_AS_WRITTEN = ("post", "opening", "thought.thought")  # the client's own writing, whether or not it says "I"
_MINE = {"zh": mine_zh, "en": mine_en}
_QUOTED = re.compile('“[^”]*”|"[^"]*"|「[^」]*」')
_ME = {"zh": re.compile("[我咱]"), "en": re.compile(r"\b(?:I|my|me|mine|we|our|us)\b", re.IGNORECASE)}
_HAN = re.compile(r"[\u4e00-\u9fff]")


def own(facts: Facts, lang: Lang, frames: Frames) -> dict[str, str]:
    """What the client can say of ``facts``, in their order -> the fact.

    frames: field -> phrases with {w} for what is a label.
    """
    fields: dict[str, list[str]] = defaultdict(list)
    for path, sentence in facts:
        fields[path].append(sentence)
    first_person = {path: _speaks_of_itself(" ".join(said), lang) for path, said in fields.items()}
    used: Counter[str] = Counter()
    said: dict[str, str] = {}
    for path, sentence in facts:
        if path.startswith(_NOT_ITS_OWN) or (path in _NAMED and "scenario.situation" in fields):
            continue
        if first_person[path] or path.startswith(_AS_WRITTEN):
            said.setdefault(sentence, sentence)
        elif spoken := _MINE[lang](sentence):
            whole = not path or _sayable(spoken, lang)
            said.setdefault(spoken if whole else _framed(path, spoken, lang, frames, used), sentence)
    return said


def in_language(text: str, lang: Lang) -> bool:
    """Is ``text`` written in ``lang``? What has no letters is in both."""
    return bool(_HAN.search(text)) == (lang == "zh") or not re.search(r"[^\W\d_]", text)


def _framed(path: str, label: str, lang: Lang, frames: Frames, used: Counter[str]) -> str:
    """A label in the next phrase of its field, of the field that holds it, or in a general one."""
    parts = path.split(".")
    tries = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    field = next((one for one in tries if one in frames), "other")
    used[field] += 1
    core = label.rstrip("。.!！；; ")
    return frames[field][(used[field] - 1) % len(frames[field])].format(
        w=core if lang == "zh" else low(core), k=_key(parts[-1])
    )


def _sayable(text: str, lang: Lang) -> bool:
    """Does it stand by itself? In Chinese the subject may be left out; in English it needs a verb."""
    if re.match("我", text) or re.search(r"\bI\b", text) or text.endswith(("?", "？")):
        return True
    if lang == "zh":
        return bool(re.search(r"[。！…!]”?$", text)) and len(text) > 5
    return has_verb(text)


def _key(name: str) -> str:
    """The name of a field inside a sentence."""
    return name.replace("_", " ").replace("、", "和").removesuffix("情况")


def low(text: str) -> str:
    """A label inside a sentence, small unless it is a name of capitals."""
    return text if text[:2].isupper() or text.startswith("I ") else text[:1].lower() + text[1:]


@cache
def _speaks_of_itself(text: str, lang: Lang) -> bool:
    return bool(_ME[lang].search(_QUOTED.sub("", text)))
