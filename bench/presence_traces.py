"""Real phones' days, replayed against buildings placed where they truly stayed and passed.

The folder holds, for each phone and day, `NAME.jsonl` with the positions in the order in which
they arrived, and `NAME.visits.json` with the trips and stays that the traces' publishers hold to be
true. Nobody measured the truth; it is what their own pipeline makes of the same positions.

A building is a square of 36 m. One stands at each place of a stay, in the middle (the median) of
the positions accurate to 50 m during it, or at the published point where there are none. Others
stand beside the way of each trip, their wall 15 m from the line between two positions accurate to
20 m, at least 300 m from any other building.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.presence_peers import Reading, Rule, Told, stays_told
from geoservices.geometry.planar import distance_m, metres_per_degree

WIDTH_M = 36.0
WALL_FROM_WAY_M = 15.0
APART_M = 300.0
SAME_PLACE_M = 100.0
GRACE_S = 300.0
"""The published stays begin and end no more precisely than this."""

Span = tuple[float, float]
"""From and to, seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A phone's followed positions in columns, and what is held to be true of its day."""

    at_s: NDArray[np.float64]
    lonlat: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    late: int
    behind_s: float
    stays: Sequence[tuple[tuple[float, float], Span]]
    trips: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Building:
    """A building's middle, and when the phone was truly in it."""

    middle: tuple[float, float]
    stays: Sequence[Span]


@dataclass(slots=True)
class Replay:
    """What a rule made of all traces."""

    days: float = 0.0
    stays: int = 0
    passed: int = 0
    found: int = 0
    enters: int = 0
    exits: int = 0
    flaps: int = 0
    invented: int = 0
    differs_h: float = 0.0
    enter_delays_s: list[float] = field(default_factory=list)
    exit_delays_s: list[float] = field(default_factory=list)


def read_traces(folder: Path) -> list[Trace]:
    """Read every trace of a folder that has its visits beside it.

    Raises:
        FileNotFoundError: There is none.
    """
    found = [
        _read(path, path.with_suffix(".visits.json"))
        for path in sorted(folder.rglob("*.jsonl"))
        if path.with_suffix(".visits.json").exists()
    ]
    if not found:
        raise FileNotFoundError(folder)
    return found


def replay(traces: Sequence[Trace], rules: Mapping[str, Rule]) -> dict[str, Replay]:
    """Let each rule follow each phone at each building."""
    made = {name: Replay() for name in rules}
    for trace in traces:
        day = (trace.trips[0][0], trace.trips[-1][1])
        for one in made.values():
            one.days += (day[1] - day[0]) / 86_400.0
        for building in _buildings(trace):
            readings = list(_readings(trace, building))
            for name, rule in rules.items():
                _count(made[name], list(rule(readings)), building, day)
    return made


def _read(path: Path, visits: Path) -> Trace:
    rows: list[tuple[float, float, float, float]] = []
    late, behind_s = 0, 0.0
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["kind"] != "location":
            continue
        behind_s = max(behind_s, row["received"] - row["t"])
        if rows and row["t"] <= rows[-1][0]:
            late += 1
        else:
            rows.append((row["t"], row["lon"], row["lat"], row["accuracy"]))
    columns = np.array(rows)
    truth: dict[str, Any] = json.loads(visits.read_text("utf-8"))
    return Trace(
        at_s=columns[:, 0],
        lonlat=columns[:, 1:3],
        accuracy_m=np.where(columns[:, 3] > 0.0, columns[:, 3], 100.0),
        late=late,
        behind_s=behind_s,
        stays=[
            ((one["point"][0], one["point"][1]), (one["enter"], one["exit"]))
            for one in truth["visits_between_trips"]
        ],
        trips=[(one["start"], one["end"]) for one in truth["trips"]],
    )


def _buildings(trace: Trace) -> list[Building]:
    stayed: list[tuple[tuple[float, float], list[Span]]] = []
    for point, span in trace.stays:
        middle = _middle(trace, point, span)
        known = next((one for one in stayed if _apart_m(one[0], middle) < SAME_PLACE_M), None)
        if known:
            known[1].append(span)
        else:
            stayed.append((middle, [span]))
    built = [Building(middle, spans) for middle, spans in stayed]
    # Where a trip begins and ends the phone stays too, for nobody knows how long.
    avoided = [one.middle for one in built] + list(_ends(trace))
    for middle in _beside_the_way(trace):
        if all(_apart_m(middle, other) >= APART_M for other in avoided):
            built.append(Building(middle, ()))
            avoided.append(middle)
    return built


def _middle(trace: Trace, point: tuple[float, float], span: Span) -> tuple[float, float]:
    during = (trace.at_s >= span[0]) & (trace.at_s <= span[1]) & (trace.accuracy_m <= 50.0)
    if not during.any():
        return point
    lon, lat = np.median(trace.lonlat[during], axis=0).tolist()
    return lon, lat


def _ends(trace: Trace) -> Iterator[tuple[float, float]]:
    for at_s in (trace.trips[0][0], trace.trips[-1][1]):
        lon, lat = trace.lonlat[np.abs(trace.at_s - at_s).argmin()].tolist()
        yield lon, lat


def _beside_the_way(trace: Trace) -> Iterator[tuple[float, float]]:
    """Yield middles of buildings on the right of the way, between two accurate positions."""
    for begin, end in trace.trips:
        on_way = (trace.at_s >= begin) & (trace.at_s <= end) & (trace.accuracy_m <= 20.0)
        for before, after in pairwise(np.flatnonzero(on_way).tolist()):
            start, stop = trace.lonlat[before], trace.lonlat[after]
            scale = np.array([float(one[0]) for one in metres_per_degree(start[1:])])
            way_m = (stop - start) * scale
            length_m = float(np.hypot(*way_m))
            if after - before == 1 and 20.0 <= length_m <= 500.0:
                right = np.array([way_m[1], -way_m[0]]) / length_m
                aside_m = right * (WIDTH_M / np.sqrt(2.0) + WALL_FROM_WAY_M)
                lon, lat = ((start + stop) / 2.0 + aside_m / scale).tolist()
                yield lon, lat


def _apart_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    lon_a, lat_a, lon_b, lat_b = (np.array(value) for value in (*one, *other))
    return float(distance_m(lon_a, lat_a, lon_b, lat_b))


def _readings(trace: Trace, building: Building) -> Iterator[Reading]:
    scale = np.array([float(one[0]) for one in metres_per_degree(np.array([building.middle[1]]))])
    beyond_m = np.abs((trace.lonlat - np.array(building.middle)) * scale) - WIDTH_M / 2.0
    outside_m = np.hypot(*np.maximum(beyond_m, 0.0).T)
    signed_m = np.where((beyond_m <= 0.0).all(axis=1), beyond_m.max(axis=1), outside_m)
    size_m = WIDTH_M / float(np.sqrt(np.pi))
    for at_s, distance, accuracy_m in zip(
        trace.at_s.tolist(), signed_m.tolist(), trace.accuracy_m.tolist(), strict=True
    ):
        yield Reading(
            at=datetime.fromtimestamp(at_s, UTC),
            distance_m=distance,
            accuracy_m=accuracy_m,
            size_m=size_m,
        )


def _count(made: Replay, told: Sequence[Told], building: Building, day: Span) -> None:
    spans = [
        (came.timestamp(), day[1] if went is None else went.timestamp())
        for came, went in stays_told(told)
        if came.timestamp() <= day[1]
    ]
    made.enters += len(spans)
    made.exits += sum(went < day[1] for _came, went in spans)
    if not building.stays:
        made.passed += 1
        made.invented += len(spans)
        return
    made.stays += len(building.stays)
    made.invented += sum(
        not any(_meets(span, stay, GRACE_S) for stay in building.stays) for span in spans
    )
    for stay in building.stays:
        of_stay = [span for span in spans if _meets(span, stay, 0.0)]
        made.found += bool(of_stay)
        made.flaps += sum(stay[0] <= went <= stay[1] - GRACE_S for _came, went in of_stay)
        if of_stay:
            made.enter_delays_s.append(of_stay[0][0] - stay[0])
            made.exit_delays_s.append(of_stay[-1][1] - stay[1])
    both_s = sum(_shared_s(span, stay) for span in spans for stay in building.stays)
    inside_s = sum(_shared_s(span, day) for span in spans)
    truly_s = sum(end - begin for begin, end in building.stays)
    made.differs_h += (inside_s + truly_s - 2.0 * both_s) / 3600.0


def _meets(span: Span, stay: Span, grace_s: float) -> bool:
    return span[0] <= stay[1] + grace_s and span[1] >= stay[0] - grace_s


def _shared_s(one: Span, other: Span) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
