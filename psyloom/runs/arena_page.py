"""What an arena found: arena.json with every number, and one page with pictures and the dialogues behind the numbers."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from psyloom import __version__
from psyloom.errors import FolderTrouble
from psyloom.judging.compare import FEW
from psyloom.judging.ranking import Match, connected, elo, rank
from psyloom.judging.scoreboard import Cell, Measure, board, groups, measures, preferred
from psyloom.knowledge.instruments import Instrument
from psyloom.llm.connect import REHEARSAL
from psyloom.records import Case, Dialogue, Rating, read_jsonl
from psyloom.runs.arena import Arena, matches_in, ratings_in
from psyloom.runs.arena_plots import forest, radar
from psyloom.runs.entrants import Entrant

SHOWN = 40
"""Cases whose dialogues stand on the page; all stand in the folder. Our default."""


@dataclass
class _Played:
    """Everything that the folder holds, read once."""

    dialogues: dict[str, dict[str, Dialogue]]
    ratings: dict[tuple[str, str], list[Rating]]
    pairs: list[tuple[str, str, list[Rating]]]
    matches: dict[str, list[Match]]

    def cases(self) -> dict[str, Case]:
        found = [d for own in self.dialogues.values() for d in own.values()]
        return {d.id: d.case.model_copy(update={"id": d.id}) if d.case else Case(id=d.id, lang=d.lang) for d in found}


def write_arena(arena: Arena, *, by: Sequence[str], resamples: int = 1000, seed: int = 0) -> tuple[Path, Path]:
    """Write ``arena.html`` and ``arena.json`` into the arena's folder and return their paths."""
    played = _read(arena)
    found = _measures(arena, played)
    facts = _facts(arena, played, found, by, resamples, seed)
    data, page = arena.out / "arena.json", arena.out / "arena.html"
    try:
        data.write_text(json.dumps(facts, ensure_ascii=False, indent=1), "utf-8")
        page.write_text(_render(facts, played, found), "utf-8")
    except OSError as trouble:
        raise FolderTrouble(f"cannot write {arena.out}: {trouble}", do="make space and start the same command again") from trouble  # fmt: skip
    return page, data


def _read(arena: Arena) -> _Played:
    talked, tool = arena.talked(), arena.preference
    dialogues = {one.name: {d.id: d for d in read_jsonl(arena.talks_of(one) / "dialogues.jsonl", Dialogue)} for one in talked}  # fmt: skip
    ratings = {
        (one.name, t.id): ratings_in(arena.ratings_of(one, t)) for one in talked for t in arena.tools
    }  # fmt: skip
    by_name = {one.name: one for one in talked}
    pairs: list[tuple[str, str, list[Rating]]] = []
    matches: dict[str, list[Match]] = {}
    for a, b in arena.summary.pairs:
        assert tool is not None
        folder = arena.pair_of(by_name[a], by_name[b], tool)
        pairs.append((a, b, ratings_in(folder)))
        for item in tool.items:
            matches.setdefault(item.id, []).extend(matches_in(folder, a, b, tool, item.id))
    return _Played(dialogues, ratings, pairs, matches)


def _measures(arena: Arena, played: _Played) -> list[Measure]:
    found: list[Measure] = []
    cases = played.cases()
    for tool in arena.tools:
        own = {who: r for (who, id_), r in played.ratings.items() if id_ == tool.id and r}
        found += measures(own, tool, cases)
    for aspect, matches in played.matches.items():
        assert arena.preference is not None
        title = f"{arena.preference.title('en', 'model')}: {arena.preference[aspect].en}, share won"
        found += [preferred(matches, title, aspect)] if matches else []
    return found


def _facts(
    arena: Arena, played: _Played, found: Sequence[Measure], by: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    names = [*played.dialogues]
    split = groups(played.cases().values(), by)
    counselors = [_counselor(arena, one, played) for one in arena.entrants]
    ranking = {aspect: _ranking(given, resamples, seed) for aspect, given in played.matches.items() if given}
    shown = [_measure(one, names, split, counselors, resamples, seed) for one in found]
    return {
        "psyloom": __version__, "rehearsal": _rehearsed(played), "client": _client(arena), "counselors": counselors,
        "judges": [one if isinstance(one, str) else one.name for one in arena.judges], "few": FEW,
        "cases": {"number": len(played.cases()), "groups": {p: {v: len(ids) for v, ids in g.items()} for p, g in split.items()}},
        "measures": shown, "ranking": ranking, "pairs": [_pair(a, b, r, arena.preference) for a, b, r in played.pairs],
        "warnings": _warnings(arena, played, counselors),
    }  # fmt: skip


def _rehearsed(played: _Played) -> bool:
    made = any(d.lineage and d.lineage.rehearsal for own in played.dialogues.values() for d in own.values())
    rated = [r for each in (*played.ratings.values(), *(r for _, _, r in played.pairs)) for r in each[:1]]
    return made or any(one.rater.name == REHEARSAL for one in rated)


def _client(arena: Arena) -> dict[str, Any]:
    """What was the same for every counselor."""
    work = arena.works[arena.entrants[0].name]
    model = arena.models.get("client", arena.models.get("", REHEARSAL))
    run = next((arena.talks_of(one) / "run.toml" for one in arena.talked()), None)
    config = tomllib.loads(run.read_text("utf-8")) if run else {}
    return {
        "system": arena.client, "model": model if isinstance(model, str) else model.name, "seed": arena.run["seed"],
        "options": work.client.model_dump(mode="json", exclude_none=True),
        "dials": work.dials.model_dump(mode="json", exclude_none=True) if work.dials else {},
        "prompts": config.get("prompts", {}).get(arena.client), "cases": config.get("cases", {}),
    }  # fmt: skip


def _counselor(arena: Arena, one: Entrant, played: _Played) -> dict[str, Any]:
    own = [*played.dialogues.get(one.name, {}).values()]
    again, kept, ended = Counter[str](), Counter[str](), Counter[str]()
    for dialogue in own:
        again.update(dialogue.quality.guards)
        kept.update(dialogue.quality.kept)
        ended.update(s.ended.split(" said ")[0] for s in dialogue.sessions if s.ended)
    model = one.model if one.model is not None else arena.models.get("counselor", arena.models.get("", REHEARSAL))
    talks = arena.summary.talks.get(one.name)
    return {
        "name": one.name, "system": one.system, "model": model if isinstance(model, str) else model.name,
        "options": arena.works[one.name].counselor.model_dump(mode="json", exclude_defaults=True),
        "folder": str(arena.talks_of(one).relative_to(arena.out)), "dialogues": len(own),
        "failures": talks.failures if talks else 0, "reasons": talks.reasons if talks else {},
        "guards": {"again": dict(again), "kept": dict(kept)}, "rejected": sum(d.quality.rejected for d in own),
        "ended": dict(ended), "exchanges": round(fmean(s.exchanges() for d in own for s in d.sessions), 2) if own else None,
        "judgments": _judgments(r for (who, _), each in played.ratings.items() if who == one.name for r in each),
    }  # fmt: skip


def _judgments(ratings: Iterable[Rating]) -> dict[str, dict[str, int]]:
    """Instrument -> how many judgments were asked for, and how many of them failed."""
    found: dict[str, dict[str, int]] = {}
    for rating in ratings:
        cell = found.setdefault(rating.instrument, {"asked": 0, "failed": 0})
        cell["asked"] += len(rating.items)
        cell["failed"] += sum(part.failure is not None for part in rating.items)
    return found


def _ranking(matches: Sequence[Match], resamples: int, seed: int) -> list[dict[str, Any]]:
    shuffled = elo(matches, seed=seed)
    return [
        {
            "name": one.name, "points": one.points.to_json(), "share": one.share, "wins": one.wins, "ties": one.ties,
            "losses": one.losses, "best": one.best, "elo": round(shuffled[one.name], 1),
        }
        for one in rank(matches, resamples=resamples, seed=seed)
    ]  # fmt: skip


def _pair(a: str, b: str, ratings: Sequence[Rating], tool: Instrument | None) -> dict[str, Any]:
    """How a pair was judged; turned: judgments that changed with the order and so became ties."""
    values = {item.id: Counter[str]() for item in (tool.items if tool else ())}
    for part in (part for rating in ratings for part in rating.items):
        values[part.item][str(part.value) if part.value is not None else "failed"] += 1
    turned = Counter(item for rating in ratings for item in _turned(rating))
    return {"a": a, "b": b, "of a": {item: dict(each) for item, each in values.items()}, "turned": dict(turned)}


def _turned(rating: Rating) -> list[str]:
    found = rating.extra.get("order_decided")
    return [str(item) for item in found] if isinstance(found, list) else []


def _measure(
    one: Measure, names: Sequence[str], split: Mapping[str, Mapping[str, Sequence[str]]],
    counselors: Sequence[Mapping[str, Any]], resamples: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    def table(only: Sequence[str] | None = None) -> dict[str, Any]:
        return {who: _cell(cell) for who, cell in board(one, names, only=only, resamples=resamples, seed=seed).items()}

    scores = table()
    for counselor in counselors:
        if counselor["name"] in scores:  # no number without what it took to get there
            guards = counselor["guards"]
            scores[counselor["name"]] |= {
                "guards_again": sum(guards["again"].values()), "guards_kept": sum(guards["kept"].values()),
                "failed": counselor["judgments"].get(one.instrument, {}).get("failed", 0),
            }  # fmt: skip
    return {
        "instrument": one.instrument, "id": one.id, "title": one.title, "scale": None if one.low is None else [one.low, one.high],
        "change": one.change, "scores": scores, "by_judge": one.by_judge, "values": one.values,
        "groups": {path: {value: table(ids) for value, ids in each.items()} for path, each in split.items()},
    }  # fmt: skip


def _cell(cell: Cell) -> dict[str, Any]:
    difference = cell.difference.to_json() if cell.difference else None
    return cell.mean.to_json() | {"n": cell.n, "difference": difference, "few": cell.few}


def _warnings(arena: Arena, played: _Played, counselors: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader of the numbers must know first."""
    found = [
        f"{c['name']}: {c['failures']} cases failed and are in no score" for c in counselors if c["failures"]
    ]  # fmt: skip
    number = len(played.cases())
    if number < FEW:
        found.append(f"only {number} case{'' if number == 1 else 's'}: intervals say little below {FEW}")
    if len({frozenset(own) for own in played.dialogues.values()}) > 1:
        found.append(
            "not every counselor finished the same cases: compare by the differences, which keep to shared ones"
        )
    if "max_exchanges" not in arena.options:
        found.append("every counselor set its own length of session: --set max_exchanges=N sets one for all")
    judges = {one if isinstance(one, str) else one.name for one in arena.judges}
    found += [
        f"{c['name']}: judged by the model that speaks for it" for c in counselors if c["model"] in judges - {REHEARSAL}
    ]
    if len(judges) == 1:
        found.append("one judge: a judge's taste is in every number; give several --model judge=")
    met = {frozenset((m.a, m.b)) for each in played.matches.values() for m in each}
    if met and not connected(played.dialogues, met):
        found.append(
            "not all counselors can be compared, not even by way of others: the ranking rests on its prior there"
        )
    return found


def _render(facts: Mapping[str, Any], played: _Played, found: Sequence[Measure]) -> str:
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("psyloom.runs", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    cases = [*played.cases()][:SHOWN]
    names = [c["name"] for c in facts["counselors"]]
    place = {(who, case): f"d{n}-{m}" for n, who in enumerate(names) for m, case in enumerate(cases) if case in played.dialogues.get(who, {})}  # fmt: skip
    return environment.get_template("arena.html.j2").render(
        facts, names=names, dialogues=played.dialogues, shown=cases, place=place, said=_said(played),
        radar=radar(names, facts["measures"]), forests=[forest(names, one) for one in facts["measures"]], by_case=played.cases(),
    )  # fmt: skip


def _said(played: _Played) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(counselor, dialogue) -> what judges said of it, item by item."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    told = [(who, "", rating) for (who, _), each in played.ratings.items() for rating in each]
    told += [(a, f"against {b}", rating) for a, b, each in played.pairs for rating in each]
    told += [(b, f"seen from {a}", rating) for a, b, each in played.pairs for rating in each]
    for who, about, rating in told:
        where = [rating.subject.moment or "", f"turn {rating.subject.turn}" if rating.subject.turn is not None else ""]
        for part in rating.items:
            found.setdefault((who, rating.subject.dialogue), []).append({
                "judge": rating.rater.name, "instrument": rating.instrument, "about": " ".join(filter(None, [about, *where])),
                "item": part.item, "value": part.value, "reason": part.reason, "evidence": part.evidence, "failure": part.failure,
            })  # fmt: skip
    return found
