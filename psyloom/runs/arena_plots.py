"""Where lines and points of the arena's pictures lie; the page draws them as SVG."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from psyloom.judging.agreement.bootstrap import Estimate

WIDTH, ROW, LEFT, RIGHT = 720, 24, 190, 150


def forest(names: Sequence[str], measure: Mapping[str, Any]) -> dict[str, Any]:
    """Geometry of one forest plot: a row for each counselor, its mean and interval on the measure's own scale.

    Returns: width, height, rows (y, name, x of value, low and high, words), ticks (x, words), x of zero for a change.
    """
    scores = {who: measure["scores"][who] for who in names if who in measure["scores"]}
    ends = [number for s in scores.values() for number in (s["value"], s["low"], s["high"]) if number is not None]
    scale: list[float] = measure["scale"] or [min([0.0, *ends]), max([0.0, *ends])]
    low, high = scale
    span = (high - low) or 1.0

    def x(number: float) -> float:
        return round(LEFT + (number - low) / span * (WIDTH - LEFT - RIGHT), 1)

    rows = [
        {
            "name": who, "colour": names.index(who) % 8, "y": ROW * at + ROW // 2, "x": x(s["value"]),
            "low": None if s["low"] is None else x(s["low"]), "high": None if s["high"] is None else x(s["high"]),
            "words": str(Estimate(s["value"], *(math.nan if s[k] is None else s[k] for k in ("low", "high")))),
        }
        for at, (who, s) in enumerate(scores.items())
    ]  # fmt: skip
    ticks = [(x(low + span * part / 4), f"{low + span * part / 4:.3g}") for part in range(5)]
    zero = x(0) if low < 0 < high else None
    return {
        "width": WIDTH,
        "height": ROW * len(rows) + 24,
        "rows": rows,
        "ticks": ticks,
        "zero": zero,
        "base": ROW * len(rows),
    }


def radar(names: Sequence[str], measures: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Geometry of the radar: an axis for each measure that has a scale, from its low end (center) to its high end.

    Returns: None with fewer than three such measures; else rings, axes (end, place of the name), and for each counselor
             that has all of them a closed line.
    """
    axes = [one for one in measures if one["scale"]]
    if len(axes) < 3:
        return None

    def at(axis: int, share: float) -> tuple[float, float]:
        turn = 2 * math.pi * axis / len(axes) - math.pi / 2
        return round(360 + 150 * share * math.cos(turn), 1), round(200 + 150 * share * math.sin(turn), 1)

    def line(shares: Sequence[float]) -> str:
        return " ".join(f"{x},{y}" for x, y in (at(n, share) for n, share in enumerate(shares)))

    lines = [
        {"name": who, "colour": names.index(who) % 8, "points": line([_share(one, who) for one in axes])}
        for who in names
        if all(who in one["scores"] for one in axes)
    ]
    ends = [{"end": at(n, 1), "name": at(n, 1.12), "title": f"{one['instrument']}: {one['title'].split(': ', 1)[1]}", "side": _side(at(n, 1)[0])} for n, one in enumerate(axes)]  # fmt: skip
    return {"rings": [line([part / 4] * len(axes)) for part in (1, 2, 3, 4)], "axes": ends, "lines": lines}


def _share(measure: Mapping[str, Any], who: str) -> float:
    low, high = measure["scale"]
    value: float = measure["scores"][who]["value"]
    return float(value - low) / float(high - low)


def _side(x: float) -> str:
    return "middle" if abs(x - 360) < 1 else "start" if x > 360 else "end"
