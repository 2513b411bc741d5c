"""The report: one self-contained HTML page that says what ran and shows what came out."""

import statistics
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from psyloom.errors import FolderTrouble, UnknownName
from psyloom.knowledge.labels import loaded
from psyloom.records import Dialogue, Label, sentences
from psyloom.records.jsonl import Defect, parse_line

_SHOWN = 5


def write_report(out: Path) -> Path:
    """Write ``out/report.html`` from the run's files and return its path; streams, whatever the size."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("psyloom.runs", ""),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["name"] = _label_name
    page = environment.get_template("report.html.j2").render(**_facts(out))
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
    sizes: dict[str, list[int]] = {
        "messages": [],
        "exchanges": [],
        "sentences": [],
        "client characters": [],
        "counselor characters": [],
    }
    ended: Counter[str] = Counter()
    guards: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    labels: Counter[tuple[str, str]] = Counter()
    calls = rejected = count = 0
    for dialogue in _dialogues(out / "dialogues.jsonl"):
        count += 1
        if len(shown) < _SHOWN:
            shown.append(dialogue)
        _measure(dialogue, sizes)
        calls += dialogue.quality.calls
        rejected += dialogue.quality.rejected
        guards.update(dialogue.quality.guards)
        kept.update(dialogue.quality.kept)
        ended.update(s.ended.split(" said ")[0] if s.ended else "script" for s in dialogue.sessions)
        labels.update((label.set, label.id) for turn in dialogue.turns for label in turn.labels)
    failures = Counter(row["reason"] for row in _rows(out / "failures.jsonl"))
    examples = [
        {"id": row["id"], "reason": row["reason"], "detail": row["detail"][:400]}
        for row, _ in zip(_rows(out / "failures.jsonl"), range(10), strict=False)
    ]
    return {
        "config": config, "count": count, "shown": shown, "calls": calls, "rejected": rejected, "ended": ended.most_common(),
        "guards": guards.most_common(), "kept": kept.most_common(), "failures": failures.most_common(), "examples": examples,
        "sizes": {name: _spread(values) for name, values in sizes.items() if values}, "rehearsal": any(d.lineage and d.lineage.rehearsal for d in shown),
        "labels": [(_label_name(Label(set=s, id=i), config.get("lang", "en")), s, n) for (s, i), n in labels.most_common(30)],
    }  # fmt: skip


def _measure(dialogue: Dialogue, sizes: dict[str, list[int]]) -> None:
    sizes["messages"].append(len(dialogue.turns))
    sizes["exchanges"].append(sum(s.exchanges() for s in dialogue.sessions))
    sizes["sentences"].append(sum(len(sentences(t.text)) for t in dialogue.turns))
    for turn in dialogue.turns:
        sizes[f"{turn.speaker} characters"].append(len(turn.text))


def _spread(values: list[int]) -> dict[str, Any]:
    """Smallest, quartiles, largest, mean, and a histogram of twelve bars as shares of the highest."""
    values = sorted(values)
    quarters = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    low, high = values[0], values[-1]
    bars = [0] * 12
    for value in values:
        bars[min(11, int((value - low) / ((high - low) or 1) * 12))] += 1
    return {
        "low": low, "high": high, "mean": round(statistics.fmean(values), 1), "quarters": [round(q, 1) for q in quarters],
        "bars": [round(bar / max(bars), 3) for bar in bars],
    }  # fmt: skip


def _dialogues(path: Path) -> Iterator[Dialogue]:
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            found = parse_line(raw, Dialogue, str(path), number)
            if not isinstance(found, Defect):
                yield found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for raw in lines:
            yield from_json(raw)


def _label_name(label: Label, lang: str) -> str:
    try:
        return loaded(label.set)[label.id].name("zh" if lang == "zh" else "en")
    except UnknownName:
        return label.id
