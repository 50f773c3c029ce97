"""How often a building that was only passed through is told of, and one that was not.

Some ride straight through a building, some ride past it on the street, 6 to 15 m from its wall,
and some stand 10 m before it for 20 minutes. The same segment test is asked of all consecutive
positions (Traccar's) and of those between which ours draws a line.

    python -m bench.presence_crossings [--json] [--quick] [--seed N]
"""

import sys
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.presence import MODELS, NOON, building, lonlat, to_degrees
from bench.report import Figure, introduce, options, tell
from geodata.simulation import SimulatedPing, stay_at, stroll_past, walk
from geoservices.geometry.position import Positions
from geoservices.pings.plausibility import PlausibilityRules, signs, suspect
from geoservices.settings.presence import PresenceSettings
from geoservices.visits.crossings import CrossingRules, may_have_crossed

INTERVAL = timedelta(seconds=30)
RIDE_MPS = 8.0
PRESENCE = PresenceSettings()
CROSSING = CrossingRules(
    crossing_within=PRESENCE.crossing_within,
    crossing_accuracy_limit_m=PRESENCE.crossing_accuracy_limit_m,
)
PLAUSIBLE = PlausibilityRules(
    jump_speed_mps=PRESENCE.jump_speed_mps, credible_accuracy_m=PRESENCE.credible_accuracy_m
)


def main(arguments: list[str]) -> int:
    """Measure both on every way a phone errs outside."""
    chosen = options(__doc__).parse_args(arguments)
    introduce(chosen.seed, "shapely", "numpy")
    tell(_figures(100 if chosen.quick else 500, chosen.seed), as_json=chosen.json)
    return 0


def _figures(count: int, seed: int) -> Iterator[Figure]:
    for model in ("good-sky", "canyon", "outliers"):
        told = {name: np.zeros(3, dtype=int) for name in ("ours", "every segment")}
        rng = np.random.default_rng(seed)
        for number in range(count):
            width_m = float(rng.uniform(24, 42))
            area = building(width_m, width_m * float(rng.uniform(1, 2)), float(rng.uniform(0, 180)))
            for kind, pings in enumerate(_people(model, area, seed * 100_000 + number, rng)):
                for name, crossings in zip(told, _crossings(area, pings), strict=True):
                    told[name][kind] += crossings if kind else min(crossings, 1)
        for name, (through, past, standing) in told.items():
            yield Figure(
                case=f"crossing.{model}.{name.replace(' ', '-')}",
                value=int(past + standing),
                unit="invented",
                params={"through": count, "found": through, "past": past, "standing": standing},
            )


def _people(
    model: str, area: shapely.MultiPolygon, seed: int, rng: np.random.Generator
) -> Iterator[list[SimulatedPing]]:
    noise = MODELS[model].outside
    bearing = float(rng.uniform(0, 2 * np.pi))
    way_m = np.array([np.sin(bearing), np.cos(bearing)])
    through = [lonlat(to_degrees(way_m * reach_m)) for reach_m in (rng.uniform(400, 640), -520.0)]
    past = stroll_past(
        area, offset_m=float(rng.uniform(6, 15)), before_m=float(rng.uniform(400, 640))
    )
    for way in (through, past):
        yield walk(
            way, start_at=NOON, speed_mps=RIDE_MPS, interval=INTERVAL, noise=noise, seed=seed
        )
    before = stroll_past(area, offset_m=10.0, before_m=0.0, after_m=0.0)
    spot = (np.array(before[0]) + np.array(before[1])) / 2.0
    yield stay_at(
        lonlat(spot),
        timedelta(minutes=20),
        start_at=NOON,
        interval=INTERVAL,
        noise=noise,
        seed=seed,
    )


def _crossings(area: shapely.MultiPolygon, pings: list[SimulatedPing]) -> tuple[int, int]:
    """Count what ours tells of, and what the segment test alone does."""
    columns = np.array(
        [(ping.recorded_at.timestamp(), ping.lon, ping.lat, ping.accuracy_m) for ping in pings]
    )
    before, after = Positions(*columns[:-1].T), Positions(*columns[1:].T)
    inside: NDArray[np.bool_] = shapely.contains_xy(area, columns[:, 1], columns[:, 2])
    segments = shapely.linestrings(np.stack([columns[:-1, 1:3], columns[1:, 1:3]], axis=1))
    meets = shapely.intersects(area, segments) & ~inside[:-1] & ~inside[1:]
    doubtful = suspect(signs(before, after, rules=PLAUSIBLE))
    doubtful[1:] |= doubtful[:-1].copy()
    drawn: NDArray[np.bool_] = may_have_crossed(before, after, rules=CROSSING, suspect=doubtful)
    return int((meets & drawn).sum()), int(meets.sum())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
