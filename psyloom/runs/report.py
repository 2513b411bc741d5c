"""The report: one self-contained HTML page that says what ran and shows what came out."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from psyloom.errors import FolderTrouble
from psyloom.records import Artefact, Dialogue, Label, sentences
from psyloom.records.dialogue import Quality
from psyloom.records.jsonl import Defect, R, parse_line
from psyloom.runs.folder import ARTEFACTS, DIALOGUES, flat, spent
from psyloom.runs.notes import facets_of, label_name, names_in, plain, short, spaced
from psyloom.runs.words import measured, word

_SHOWN, _FAILURES, _BARS = 5, 10, 12
_MEASURES = ("messages", "exchanges", "sentences", "client characters", "counselor characters")


def write_report(out: Path) -> Path:
    """Write ``out/report.html`` from the run's files and return its path; streams, whatever the size."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("psyloom.runs", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    facts = _facts(out)
    environment.filters |= {
        "name": label_name, "text": _text, "names": names_in, "facets": facets_of, "plain": plain, "short": short,
        "spaced": spaced, "say": lambda text, *values: word(text, facts["lang"], *values),
        "measured": lambda name: measured(name, facts["lang"]),
    }  # fmt: skip
    page = environment.get_template("report.html.j2").render(**facts)
    path = out / "report.html"
    try:
        path.write_text(page, "utf-8")
    except OSError as trouble:
        raise FolderTrouble(
            f"cannot write {path}: {trouble}", do="make space; `psyloom show` reads the dialogues without it"
        ) from trouble
    return path


def _facts(out: Path) -> dict[str, Any]:
    config = tomllib.loads((out / "run.toml").read_text("utf-8"))
    shown: list[Dialogue] = []
    sizes: dict[str, Counter[int]] = {name: Counter() for name in _MEASURES}
    ended: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    langs: Counter[str] = Counter()
    labels: Counter[tuple[str, str]] = Counter()
    total, once = Quality(), Quality()
    for dialogue in _records(out / DIALOGUES, Dialogue):
        langs[dialogue.lang] += 1
        if len(shown) < _SHOWN:
            shown.append(dialogue)
        _measure(dialogue, sizes)
        total.add(_took(dialogue, config))
        ended.update(s.ended.split(" said ")[0] if s.ended else "script" for s in dialogue.sessions)
        labels.update((label.set, label.id) for place in dialogue.places for label in place.labels)
    for artefact in _records(out / ARTEFACTS, Artefact):
        once.add(artefact.quality)
    calls = total.calls
    total.add(once)
    failures: Counter[str] = Counter()
    for row in _rows(out / "failures.jsonl"):
        failures[row["reason"]] += 1
        broken.update(row.get("guards", {}))
    lang = "zh" if langs["zh"] > langs["en"] or (not langs and config.get("lang") == "zh") else "en"
    return {
        "config": config, "options": flat(config["options"]), "lang": lang, "count": langs.total(), "shown": shown,
        "spent": spent(out), "calls": calls, "once": once.calls, "rejected": total.rejected,
        "ended": ended.most_common(), "guards": _most(total.guards), "kept": _most(total.kept),
        "failed": failures.total(), "failures": failures.most_common(), "broken": broken.most_common(),
        "examples": list(islice(_rows(out / "failures.jsonl"), _FAILURES)),
        "sizes": {name: _spread(values) for name, values in sizes.items() if values},
        "rehearsal": any(d.lineage and d.lineage.rehearsal for d in shown),
        "labels": [(label_name(Label(set=s, id=i), lang), s, n) for (s, i), n in labels.most_common(30)],
    }  # fmt: skip


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    return Counter(counts).most_common()


def _took(dialogue: Dialogue, config: dict[str, Any]) -> Quality:
    """What this run took: making the dialogue, or annotating it."""
    noted = dialogue.annotations.get(config.get("by") or config["roles"].get("annotator", ""))
    return noted.took if noted and noted.took else dialogue.quality


def _measure(dialogue: Dialogue, sizes: dict[str, Counter[int]]) -> None:
    sizes["messages"][len(dialogue.turns)] += 1
    sizes["exchanges"][sum(s.exchanges() for s in dialogue.sessions)] += 1
    sizes["sentences"][sum(len(sentences(t.text)) for t in dialogue.turns)] += 1
    for turn in dialogue.turns:
        sizes[f"{turn.speaker} characters"][len(turn.text)] += 1


def _spread(values: Counter[int]) -> dict[str, Any]:
    """Least, quartiles (what a quarter, a half, three quarters do not exceed), most, mean, bars as shares of the highest."""
    low, high, total = min(values), max(values), values.total()
    bars = [0] * min(_BARS, high - low + 1)
    for value, times in values.items():
        bars[(value - low) * len(bars) // (high - low + 1)] += times
    return {
        "low": low, "high": high, "mean": round(sum(value * times for value, times in values.items()) / total, 1),
        "quarters": [_at(values, share) for share in (0.25, 0.5, 0.75)], "bars": [bar / max(bars) for bar in bars],
    }  # fmt: skip


def _at(values: Counter[int], share: float) -> int:
    """The value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    reached = accumulate(values[value] for value in ordered)
    return next(value for value, below in zip(ordered, reached, strict=True) if below >= share * values.total())


def _records(path: Path, kind: type[R]) -> Iterator[R]:
    """The good records of a file; none where there is no file."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            found = parse_line(raw, kind, str(path), number)
            if not isinstance(found, Defect):
                yield found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for raw in lines:
            yield from_json(raw)


def _text(value: Any) -> str:
    """A text as it is, any other value as JSON that people can read."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
