"""Small pictures as SVG, drawn here so that no plotting library is needed."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from psyloom.judging.agreement.bootstrap import Estimate

INK, PALE, LINE = "#1f2933", "#f0f3f6", "#9aa5b1"
BLUE, ORANGE, GREEN = "#2166ac", "#d6604d", "#1b7837"  # told apart with any color vision
CELL, CHAR = 46, 7.2


def heatmap(title: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """Shares in [0, 1] as a table of tinted cells; NaN is an empty cell."""
    left, top = 24 + _width(rows), 52 + 0.72 * _width(columns)
    parts = []
    for c, name in enumerate(columns):
        x = left + (c + 0.5) * CELL
        parts.append(
            f'<text x="{x:.0f}" y="{top - 8:.0f}" transform="rotate(-45 {x:.0f} {top - 8:.0f})">{escape(name)}</text>'
        )
    for r, name in enumerate(rows):
        y = top + r * CELL / 1.6
        parts.append(f'<text x="{left - 8:.0f}" y="{y + 19:.0f}" text-anchor="end">{escape(name)}</text>')
        for c, value in enumerate(values[r]):
            parts.append(_cell(left + c * CELL, y, value))
    return _svg(title, left + len(columns) * CELL + 0.72 * _width(columns), top + len(rows) * CELL / 1.6 + 20, parts)


def _cell(x: float, y: float, value: float) -> str:
    if math.isnan(value):
        return _box(x, y, PALE)
    dark = value > 0.55
    text = f'<text x="{x + CELL / 2:.0f}" y="{y + 19:.0f}" text-anchor="middle" fill="{"#fff" if dark else INK}">{value:.2f}</text>'
    return _box(x, y, BLUE, value) + text


def _box(x: float, y: float, color: str, opacity: float = 1.0) -> str:
    size = f'width="{CELL - 1}" height="{CELL / 1.6 - 1:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{color}" fill-opacity="{max(0.04, opacity):.2f}"/>'


def dots(title: str, rows: Sequence[tuple[str, Estimate]], *, unit: str = "", zero: bool = False) -> str:
    """Estimates as dots with their intervals, one row each; ``zero``: the scale includes 0, with a line there."""
    known = [(name, one) for name, one in rows if not math.isnan(one.value)]
    ends = [e for _, one in known for e in (one.value, one.low, one.high) if not math.isnan(e)] + (
        [0.0] if zero else []
    )
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    left, wide = 24 + _width([name for name, _ in known]), 380

    def place(value: float) -> float:
        return left + 20 + (value - low) / (high - low) * wide

    parts = (
        [f'<line x1="{place(0):.1f}" x2="{place(0):.1f}" y1="44" y2="{52 + 26 * len(known)}" stroke="{LINE}"/>']
        if zero
        else []
    )
    for at, (name, one) in enumerate(known):
        y = 62 + 26 * at
        parts.append(f'<text x="{left:.0f}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        if not math.isnan(one.low):
            parts.append(
                f'<line x1="{place(one.low):.1f}" x2="{place(one.high):.1f}" y1="{y}" y2="{y}" stroke="{BLUE}" stroke-width="2"/>'
            )
        parts.append(f'<circle cx="{place(one.value):.1f}" cy="{y}" r="4.5" fill="{BLUE}"/>')
        parts.append(f'<text x="{left + wide + 34:.0f}" y="{y + 4}">{escape(str(one))}</text>')
    y = 62 + 26 * len(known)
    parts += [
        f'<text x="{place(v):.1f}" y="{y + 14}" text-anchor="middle" fill="{LINE}">{v:.2f}{unit}</text>'
        for v in (low, high)
    ]
    return _svg(title, left + wide + 180, y + 30, parts)


def lines(
    title: str, columns: Sequence[str], series: Sequence[tuple[str, Sequence[Estimate]]], shaded: Sequence[int] = ()
) -> str:
    """Lines over a few places in order, with their intervals; ``shaded``: places that are set aside."""
    ends = [e for _, line in series for one in line for e in (one.value, one.high) if not math.isnan(e)]
    top, height, left, step = max([*ends, 0.01]), 220, 60, 90

    def x(at: int) -> int:
        return left + at * step

    def y(value: float) -> float:
        return 50 + height - value / top * height

    parts = [
        f'<rect x="{x(at) - step / 2:.0f}" y="50" width="{step}" height="{height}" fill="{PALE}"/>' for at in shaded
    ]
    parts += [
        f'<text x="{x(at)}" y="{70 + height}" text-anchor="middle">{escape(name)}</text>'
        for at, name in enumerate(columns)
    ]
    parts += [f'<text x="{left - 50}" y="{y(v) + 4:.0f}" fill="{LINE}">{v:.2f}</text>' for v in (0.0, top)]
    for n, (name, line) in enumerate(series):
        color = (BLUE, GREEN, ORANGE)[n % 3]
        known = [(at, one) for at, one in enumerate(line) if not math.isnan(one.value)]
        points = " ".join(f"{x(at):.0f},{y(one.value):.1f}" for at, one in known)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        for at, one in known:
            parts.append(f'<circle cx="{x(at):.0f}" cy="{y(one.value):.1f}" r="4" fill="{color}"/>')
            if not math.isnan(one.low):
                parts.append(
                    f'<line x1="{x(at) + 3 * n}" x2="{x(at) + 3 * n}" y1="{y(one.low):.1f}" y2="{y(one.high):.1f}" stroke="{color}"/>'
                )
        parts.append(f'<text x="{x(len(columns)) - 30}" y="{70 + 20 * n}" fill="{color}">{escape(name)}</text>')
    return _svg(title, x(len(columns)) + 40 + _width([name for name, _ in series]), 90 + height, parts)


def _width(names: Sequence[str]) -> float:
    """Room that the longest name takes; Chinese characters are twice as wide."""
    return max((sum(2 if c > "\u2e7f" else 1 for c in name) for name in names), default=0) * CHAR


def _svg(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="12" fill="{INK}">'
    back = f'<rect width="100%" height="100%" fill="#fff"/><text x="16" y="26" font-size="15" font-weight="bold">{escape(title)}</text>'
    return "\n".join([head, back, *parts, "</svg>", ""])
