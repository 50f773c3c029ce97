"""What a ping costs, by geofences and by pings a request: kept in a file, told as a table.

Each figure is a line of JSON, written as soon as it is measured, so that a run that was stopped
goes on where it was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.ingest_cases import Case
from bench.report import Figure

Costs = Mapping[int, Sequence[tuple[int, float]]]
"""By pings a request: points of (geofences, microseconds a ping), the fewest geofences first."""


def missing(cases: Sequence[Case], file: Path) -> list[Case]:
    """Return the cases that the file has no figure of."""
    known = {figure["case"] for figure in _figures(file)}
    return [case for case in cases if case.name not in known]


def kept(figures: Iterable[Figure], file: Path) -> Iterator[Figure]:
    """Append figures to the file as they come, and pass them on."""
    for figure in figures:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(figure.as_json() + "\n")
        yield figure


def read_costs(file: Path) -> Costs:
    """Return what the file holds."""
    costs: dict[int, list[tuple[int, float]]] = {}
    for figure in sorted(_figures(file), key=lambda figure: figure["params"]["geofences"]):
        point = (figure["params"]["geofences"], figure["value"])
        costs.setdefault(figure["params"]["batch"], []).append(point)
    return costs


def cost_table(costs: Costs) -> str:
    """Write costs as a table in Markdown, a row for each number of geofences."""
    batches = sorted(costs)
    by_batch = {batch: dict(costs[batch]) for batch in batches}
    rows = [
        ["geofences", *(f"{batch:,} a request" for batch in batches)],
        ["--:", *("--:" for _ in batches)],
    ]
    for geofences in sorted({geofences for points in costs.values() for geofences, _ in points}):
        costs_us = (by_batch[batch].get(geofences) for batch in batches)
        rows.append([f"{geofences:,}", *map(_told, costs_us)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _told(cost_us: float | None) -> str:
    """Write three significant digits."""
    return "" if cost_us is None else f"{float(f'{cost_us:.3g}'):,g}"


def _figures(file: Path) -> list[dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [json.loads(line) for line in lines]
