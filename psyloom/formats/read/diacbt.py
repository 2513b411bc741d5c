"""DiaCBT (arXiv 2509.02999): cases of six session files with strategy lists, client diagrams, test seeds."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from psyloom.formats.read._fields import labels, text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._lines import prefixes, said
from psyloom.formats.read._speakers import Side
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.records import Case, Cognition, CoreBeliefs, Demographics, Dialogue, Session, Situation, Source, Thought

_PREFIX = prefixes("咨询师", "来访者")
_WORDS: dict[str, Side] = {"咨询师": "counselor", "来访者": "client"}
_LIST = re.compile(r"\[\s*(['\"].*?['\"]|[^\s\[\]，。？！,.?!]{2,16})\s*\]\s*", re.DOTALL)
_ORDER = ("one", "two", "three", "four", "five", "six")


def _is_session(value: Any) -> str | None:
    passages = said(value, _PREFIX)[1] if isinstance(value, str) else []
    labelled = any(passage.name == "咨询师" and _LIST.match(passage.text) for passage in passages)
    return "lines by 咨询师 with strategy lists and by 来访者" if labelled else None


def _read_case(item: Item) -> Iterator[Dialogue]:
    """All session files of one folder, in order; a file given alone is a case of one session."""
    sessions = sorted(item.value, key=lambda one: _number(one.file.place))
    yield dialogue(item, *map(_session, sessions), own=PurePosixPath(item.file.folder).name or None)


def _session(item: Item) -> Session:
    before, passages = said(item.value, _PREFIX)
    messages: list[dict[str, Any]] = []
    unlabelled = 0
    for passage in passages:
        named = _LIST.match(passage.text) if passage.name == "咨询师" else None
        unlabelled += passage.name == "咨询师" and named is None
        row = {"role": passage.name, "content": passage.text[named.end() :] if named else passage.text}
        messages.append(row | {"strategies": _words(named[1]) if named else [], "directions": passage.directions})
    if unlabelled:
        item.note("labels", f"{unlabelled} counselor lines have no strategy list")
    name = PurePosixPath(item.file.place).name
    return session(
        item, "lines", messages, _WORDS, _strategies, {"file": name, **({"before": before} if before else {})}
    )


def _strategies(message: dict[str, Any], _: object) -> dict[str, Any]:
    if not message["directions"]:
        del message["directions"]
    return {"labels": labels("diacbt_strategy", message.pop("strategies"))}


def _words(inside: str) -> list[str]:
    """The labels of a list as Python writes it; a bare one stands without quotes."""
    if inside[0] not in "'\"":
        return [inside]
    try:
        return [str(word) for word in ast.literal_eval(f"[{inside}]")]
    except (SyntaxError, ValueError):
        return [word.strip(" '\"") for word in inside.split(",")]


def _number(place: str) -> int:
    name = PurePosixPath(place).name.casefold()
    digits = re.findall(r"\d+", name)
    word = next((at for at, word in enumerate(_ORDER, 1) if name.endswith(word)), 0)
    return word or (int(digits[-1]) if digits else 0)


def _read_diagram(item: Item) -> Iterator[Case]:
    row = dict(item.value)
    situation = Situation(
        situation=text(row, "situation") or "",
        automatic_thoughts=_list(row, "automatic_thoughts"),
        emotions=_list(row, "emotions"),
        behaviors=_list(row, "behaviors"),
    )
    cognition = Cognition(
        history=text(row, "history"),
        core_beliefs=CoreBeliefs(other=_list(row, "core_beliefs")),
        intermediate_beliefs=_list(row, "intermediate_beliefs"),
        intermediate_beliefs_during_depression=_list(row, "intermediate_beliefs_during_depression"),
        coping_strategies=_list(row, "coping_strategies"),
        situations=[situation],
    )
    yield case(item, demographics=Demographics(name=text(row, "name")), cognition=cognition, extra=row)


def _read_seed(item: Item) -> Iterator[Case]:
    """C2D2 (场景, 思维, 标签) or PatternReframe (persona, thought, pattern_def)."""
    row = dict(item.value)
    scene, persona, distortion = text(row, "场景"), text(row, "persona"), text(row, "标签")
    negative = Thought(
        thought=text(row, "思维") or text(row, "thought") or "",
        distortions=[distortion] if distortion else [],
        scene=scene,
        persona=persona,
    )
    yield case(item, thought=negative, extra=row)


def _list(row: dict[str, Any], key: str) -> list[str]:
    value = row.pop(key, None)
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


FORMAT = Format(
    "diacbt",
    "DiaCBT sessions, client diagrams and seeds",
    Source(name="DiaCBT", licence="unknown", url="https://github.com/YouKenChaw/DiaCBT", synthetic=True),
    (
        Layout("folder", _is_session, _read_case),
        Layout("each", keys("core_beliefs", "intermediate_beliefs", "automatic_thoughts"), _read_diagram),
        Layout("each", keys("场景", "思维", "标签"), _read_seed),
        Layout("each", keys("persona", "thought", "pattern_def"), _read_seed),
    ),
)
