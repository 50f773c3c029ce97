"""The plot of what a ping costs, as SVG that says in words what it shows."""

import math
from collections.abc import Iterable
from html import escape
from pathlib import Path

from bench.ingest_costs import Costs

WIDTH, HEIGHT = 680, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 164, 40, 52
LINE_HEIGHT = 16
COLOURS = ("#1b4f9c", "#b03a2e", "#1e7b4d", "#7d3c98")
"""Each at least 4.5 to 1 against white."""
DASHES = ("", "8 4", "2 4", "10 4 2 4")
"""Lines differ in more than their colour."""


def draw(lines: Costs, file: Path) -> None:
    """Draw microseconds a ping against the number of geofences, a line for each size of a batch.

    Args:
        lines: By pings a batch: points of (geofences, microseconds a ping), both above 0.
        file: Where to write.
    """
    points = [point for line in lines.values() for point in line]
    xs = _decades(x for x, _ in points)
    ys = _decades(y for _, y in points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        'role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="13">',
        '<title id="title">What taking in a ping costs</title>',
        f'<desc id="desc">{escape(_told(lines))}</desc>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for decade in range(xs[0], xs[1] + 1):
        x = _x(10**decade, xs)
        parts.append(_line(x, TOP, x, HEIGHT - BOTTOM))
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{10**decade:,}", "middle"))
    for tick in _ticks(ys):
        y = _y(tick, ys)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y))
        parts.append(_text(LEFT - 8, y + 4, f"{tick:,g}", "end"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "geofences", "middle"))
    parts.append(_text(4, TOP - 20, "microseconds a ping", "start"))
    ordered = sorted(lines.items(), key=lambda item: -item[1][-1][1])
    label_y = 0.0
    for number, (batch, line) in enumerate(ordered):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        path = " ".join(f"{_x(x, xs):.1f},{_y(y, ys):.1f}" for x, y in line)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
        )
        parts += [
            f'<circle cx="{_x(x, xs):.1f}" cy="{_y(y, ys):.1f}" r="3" fill="{colour}"/>'
            for x, y in line
        ]
        x, y = line[-1]
        name = "1 ping" if batch == 1 else f"{batch:,} pings"
        label_y = max(_y(y, ys) + 4, label_y + LINE_HEIGHT)
        parts.append(_text(_x(x, xs) + 10, label_y, f"{name} a request", "start", colour))
    parts.append("</svg>\n")
    file.write_text("\n".join(parts), encoding="utf-8")


def _told(lines: Costs) -> str:
    told = [
        f"{batch} a request: "
        + ", ".join(f"{cost:.1f} µs at {geofences:,} geofences" for geofences, cost in line)
        for batch, line in sorted(lines.items())
    ]
    return "Microseconds a ping by pings a request. " + "; ".join(told) + "."


def _decades(values: Iterable[float]) -> tuple[int, int]:
    logs = [math.log10(value) for value in values]
    return math.floor(min(logs)), math.ceil(max(logs))


def _ticks(decades: tuple[int, int]) -> list[float]:
    """Return 1, 2 and 5 of each decade, and the end of the last one."""
    low, high = decades
    return [step * 10.0**at for at in range(low, high) for step in (1, 2, 5)] + [10.0**high]


def _x(value: float, decades: tuple[int, int]) -> float:
    return LEFT + _share(value, decades) * (WIDTH - LEFT - RIGHT)


def _y(value: float, decades: tuple[int, int]) -> float:
    return HEIGHT - BOTTOM - _share(value, decades) * (HEIGHT - TOP - BOTTOM)


def _share(value: float, decades: tuple[int, int]) -> float:
    low, high = decades
    return (math.log10(value) - low) / max(high - low, 1)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ccc"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#222") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {place}>{escape(text)}</text>"
