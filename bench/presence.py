"""How right the service is about who is where, beside the published rules of others.

Walks with known truth are replayed: people who come to a building, stay and go, and people who
pass it on the street. Each noise model is stated in `geodata.simulation`. With `--traces FOLDER`
real phones' days are replayed instead (`bench.presence_traces`).

    python -m bench.presence [--json] [--quick] [--case presence.indoor] [--seed N]
                             [--interval SECONDS]
    python -m bench.presence --traces FOLDER [--json]
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import shapely
import shapely.affinity
from numpy.typing import NDArray

from bench.presence_peers import (
    Ours,
    Reading,
    Rule,
    Told,
    home_assistant,
    owntracks,
    plain,
    radar,
    stays_told,
    tracelet,
)
from bench.presence_traces import read_traces, replay
from bench.report import Figure, introduce, options, pick, tell
from geodata.simulation import (
    GOOD_SKY,
    INDOOR,
    URBAN_CANYON,
    NoiseModel,
    SimulatedPing,
    stay_at,
    stroll_past,
    walk,
)
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.watched import Watched
from geoservices.geometry.planar import metres_per_degree
from geoservices.settings.presence import PresenceSettings

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CENTRE = (-3.53, 50.72)
APPROACH_M = 200.0
RULES: dict[str, Rule] = {
    "ours": Ours(PresenceSettings()),
    "plain": plain,
    "home-assistant": home_assistant,
    "radar": radar,
    "tracelet": tracelet,
    "owntracks": owntracks,
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How a phone errs outside and inside a building, and how often it reports."""

    outside: NoiseModel
    inside: NoiseModel
    interval: timedelta = timedelta(seconds=10)


MODELS = {
    "good-sky": Surroundings(GOOD_SKY, GOOD_SKY),
    "canyon": Surroundings(URBAN_CANYON, URBAN_CANYON),
    "indoor": Surroundings(GOOD_SKY, INDOOR),
    "outliers": Surroundings(replace(GOOD_SKY, outliers=0.02), replace(GOOD_SKY, outliers=0.02)),
    "indoor-outliers": Surroundings(GOOD_SKY, replace(INDOOR, outliers=0.02)),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One phone's pings at one building, and when it was truly inside (None: never)."""

    readings: Sequence[Reading]
    visit: tuple[datetime, datetime] | None


@dataclass(slots=True)
class Score:
    """What a rule got right and wrong over all trials."""

    visits: int = 0
    missed: int = 0
    false_enters: int = 0
    false_exits: int = 0
    flaps: int = 0
    """Visits told as more than one stay count once for each stay more."""
    never_left: int = 0
    enter_delays_s: list[float] = field(default_factory=list)
    exit_delays_s: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """False and missed together."""
        return self.missed + self.false_enters + self.false_exits


def main(arguments: list[str]) -> int:
    """Measure every rule on every noise model."""
    parser = options(__doc__)
    parser.add_argument("--traces", type=Path, help="replay the real traces of this folder")
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between two pings")
    chosen = parser.parse_args(arguments)
    introduce(chosen.seed, "shapely", "numpy")
    if chosen.traces:
        tell(_traced(chosen.traces), as_json=chosen.json)
        return 0
    names = pick((_case(model, rule) for model in MODELS for rule in RULES), chosen.case)
    trials = 60 if chosen.quick else 500
    interval = timedelta(seconds=chosen.interval)
    tell(_figures(trials, chosen.seed, names, interval), as_json=chosen.json)
    return 0


def _traced(folder: Path) -> Iterator[Figure]:
    for name, made in replay(read_traces(folder), RULES).items():
        yield Figure(
            case=f"traces.{name}",
            value=made.flaps / made.days,
            unit="flaps a day",
            params={
                "days": round(made.days, 1),
                "stays": made.stays,
                "found": made.found,
                "passed": made.passed,
                "enters": made.enters,
                "exits": made.exits,
                "invented": made.invented,
                "differs_h_a_day": round(made.differs_h / made.days, 1),
                "enter_delay_s": _median(made.enter_delays_s),
                "exit_delay_s": _median(made.exit_delays_s),
            },
        )


def _case(model: str, rule: str) -> str:
    return f"presence.{model}.{rule}"


def _figures(count: int, seed: int, names: Sequence[str], interval: timedelta) -> Iterator[Figure]:
    for model, surroundings in MODELS.items():
        if not any(_case(model, rule) in names for rule in RULES):
            continue
        trials = list(_trials(replace(surroundings, interval=interval), count, seed))
        scores = {name: _score(rule, trials) for name, rule in RULES.items()}
        best = min(score.wrong for name, score in scores.items() if name != "ours")
        for name, score in scores.items():
            case = _case(model, name)
            if case in names:
                yield _figure(case, score, best if name == "ours" else None)


def _figure(case: str, score: Score, best: int | None) -> Figure:
    return Figure(
        case=case,
        value=score.wrong,
        unit="wrong",
        peer=None if best is None else "best of the others",
        peer_value=best,
        ratio=None if best is None else score.wrong / max(best, 1),
        params={
            "visits": score.visits,
            "missed": score.missed,
            "false_enters": score.false_enters,
            "false_exits": score.false_exits,
            "flaps": score.flaps,
            "never_left": score.never_left,
            "enter_delay_s": _median(score.enter_delays_s),
            "exit_delay_s": _median(score.exit_delays_s),
        },
    )


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 1) if values else None


def _trials(surroundings: Surroundings, count: int, seed: int) -> Iterator[Trial]:
    """Yield as many people who come and stay as people who pass by."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        width_m = float(rng.uniform(24, 42))
        area = building(width_m, width_m * float(rng.uniform(1, 2)), float(rng.uniform(0, 180)))
        index = _watch(area)
        stay = timedelta(minutes=float(rng.uniform(2.5, 40)))
        yield _comes(index, area, stay, surroundings, seed * 100_000 + number, rng)
        yield _passes(index, area, surroundings, seed * 100_000 + number, rng)


def building(width_m: float, length_m: float, bearing_deg: float) -> shapely.MultiPolygon:
    """Make a rectangle round the middle of all walks, in degrees."""
    rectangle = shapely.box(-width_m / 2, -length_m / 2, width_m / 2, length_m / 2)
    turned = shapely.affinity.rotate(rectangle, bearing_deg)
    return shapely.MultiPolygon([shapely.transform(turned, to_degrees)])


def _watch(area: shapely.MultiPolygon) -> GeofenceIndex:
    watched = Watched(
        id=UUID(int=1),
        place_id=UUID(int=2),
        organisation_id=UUID(int=3),
        dwell_after=timedelta(minutes=5),
        margin_m=0.0,
        area=area,
        centre=None,
        radius_m=None,
    )
    return GeofenceIndex([watched], revision=1)


def to_degrees(metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn metres east and north of the middle into degrees, shape (..., 2)."""
    per_lon_m, per_lat_m = metres_per_degree(np.array([CENTRE[1]]))
    degrees: NDArray[np.float64] = metres / np.array([per_lon_m[0], per_lat_m[0]]) + CENTRE
    return degrees


def _comes(
    index: GeofenceIndex,
    area: shapely.MultiPolygon,
    stay: timedelta,
    surroundings: Surroundings,
    seed: int,
    rng: np.random.Generator,
) -> Trial:
    """Come from afar, stay at a spot inside, go back, and as far again."""
    bearing = float(rng.uniform(0, 2 * np.pi))
    way_m = np.array([np.sin(bearing), np.cos(bearing)]) * APPROACH_M
    street, away = lonlat(to_degrees(way_m)), lonlat(to_degrees(2 * way_m))
    spot = lonlat(to_degrees(np.zeros(2))) if rng.random() < 0.5 else _spot(area, rng)
    pings = walk(
        [street, spot],
        start_at=NOON,
        interval=surroundings.interval,
        noise=surroundings.outside,
        seed=seed,
    )
    pings += stay_at(
        spot,
        stay,
        start_at=pings[-1].recorded_at + surroundings.interval,
        interval=surroundings.interval,
        noise=surroundings.inside,
        seed=seed + 1,
    )
    pings += walk(
        [spot, street, away],
        start_at=pings[-1].recorded_at + surroundings.interval,
        interval=surroundings.interval,
        noise=surroundings.outside,
        seed=seed + 2,
    )
    return Trial(_readings(index, pings), _truth(index, pings))


def lonlat(degrees: NDArray[np.float64]) -> tuple[float, float]:
    """Return one position as the pair that walks are made of."""
    return float(degrees[0]), float(degrees[1])


def _spot(area: shapely.MultiPolygon, rng: np.random.Generator) -> tuple[float, float]:
    west, south, east, north = area.bounds
    while True:
        spot = np.array([rng.uniform(west, east), rng.uniform(south, north)])
        if area.contains(shapely.Point(spot)):
            return lonlat(spot)


def _passes(
    index: GeofenceIndex,
    area: shapely.MultiPolygon,
    surroundings: Surroundings,
    seed: int,
    rng: np.random.Generator,
) -> Trial:
    way = stroll_past(area, offset_m=float(rng.uniform(6, 15)))
    pings = walk(
        way, start_at=NOON, interval=surroundings.interval, noise=surroundings.outside, seed=seed
    )
    return Trial(_readings(index, pings), None)


def _readings(index: GeofenceIndex, pings: Sequence[SimulatedPing]) -> list[Reading]:
    distances = _distances(index, [(ping.lon, ping.lat) for ping in pings])
    size_m = float(index.sizes_m()[0])
    return [
        Reading(at=ping.recorded_at, distance_m=distance, accuracy_m=ping.accuracy_m, size_m=size_m)
        for ping, distance in zip(pings, distances, strict=True)
    ]


def _truth(index: GeofenceIndex, pings: Sequence[SimulatedPing]) -> tuple[datetime, datetime]:
    distances = _distances(index, [(ping.true_lon, ping.true_lat) for ping in pings])
    inside = [ping.recorded_at for ping, d in zip(pings, distances, strict=True) if d <= 0]
    return inside[0], inside[-1]


def _distances(index: GeofenceIndex, lonlat: Sequence[tuple[float, float]]) -> list[float]:
    lon, lat = np.array(lonlat).T
    pairs = np.arange(len(lonlat))
    found: list[float] = index.distances_m(
        lon, lat, pairs, np.zeros(len(lonlat), dtype=np.intp)
    ).tolist()
    return found


def _score(rule: Rule, trials: Sequence[Trial]) -> Score:
    score = Score()
    for trial in trials:
        told = list(rule(trial.readings))
        if trial.visit is None:
            score.false_enters += sum(came for came, _at in told)
        else:
            _score_visit(score, told, *trial.visit)
    return score


GRACE = timedelta(seconds=30)
"""Coming in or going out this close to the truth is no error."""


def _score_visit(score: Score, told: Sequence[Told], came: datetime, went: datetime) -> None:
    score.visits += 1
    stays = stays_told(told)
    fitting = [stay for stay in stays if stay[0] <= went and (stay[1] or went) >= came]
    score.missed += not fitting
    score.flaps += max(len(fitting) - 1, 0)
    score.false_enters += len(stays) - len(fitting)
    score.false_exits += sum(
        1 for _start, end in fitting if end is not None and came <= end <= went - GRACE
    )
    if fitting:
        score.enter_delays_s.append((fitting[0][0] - came).total_seconds())
        last = fitting[-1][1]
        score.never_left += last is None
        if last is not None:
            score.exit_delays_s.append((last - went).total_seconds())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
