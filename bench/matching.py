"""What matching costs: the in-memory index beside one set-based query in PostGIS.

    python -m bench.matching [--json] [--quick] [--case match.100k] [--seed N]

Each case measures batches of 100 on one core: positions to the geofences that contain them, and
the signed distance of each pair in metres. The peer answers for the same batches with
`unnest … JOIN LATERAL ST_Intersects` on an indexed geometry column, containment only. The index is
read from the service's own table, as a process that starts does; `match.cold_start.…` is how long
that takes, in seconds for 100,000 geofences, the loops compiled already.
"""

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bench.database import Server, database_server, migrate
from bench.geofences import ACROSS_M, DENSE_ACROSS_M, FIRST, Country, geofences, positions
from bench.planar import MATCHES, make_fences
from bench.report import Figure, introduce, options, pick, tell
from bench.world import make_geofences
from geoservices import clock
from geoservices.database import make_engine
from geoservices.geofences import queries
from geoservices.geofences.compiling import compile_ahead
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences

CASES = {
    "1k": (1_000, ACROSS_M),
    "10k": (10_000, ACROSS_M),
    "100k": (100_000, ACROSS_M),
    "100k-dense": (100_000, DENSE_ACROSS_M),
    "1m": (1_000_000, ACROSS_M),
}
MATCH = "match"
COLD_START = "match.cold_start"
COLD_STARTS = 3
QUICK = ("1k", "10k")
BATCH = 100
RUNS = 5
OURS_BATCHES = 300
PEER_BATCHES = 30
PEER_RUNS = 3
CHANGES = 5
CHANGE = "UPDATE geofences SET margin_m = margin_m + 1 WHERE id = %s"


def main(arguments: list[str]) -> int:
    """Measure each size."""
    chosen = options(__doc__).parse_args(arguments)
    introduce(chosen.seed, "numba", "numpy", "shapely", "psycopg")
    sizes = QUICK if chosen.quick and chosen.case is None else CASES
    names = pick([f"{of}.{size}" for size in sizes for of in (COLD_START, MATCH)], chosen.case)
    compile_s = _timed(compile_ahead)
    print(f"loops compiled, or read from disk, in {compile_s:.2f} s", file=sys.stderr)
    tell(_figures(names, chosen.seed), as_json=chosen.json)
    return 0


def _figures(names: Sequence[str], seed: int) -> Iterator[Figure]:
    with database_server() as server:
        for size, group in groupby(names, key=lambda name: name.rpartition(".")[2]):
            yield from _measured(server, size, set(group), seed)


def _measured(server: Server, size: str, wanted: set[str], seed: int) -> Iterator[Figure]:
    url = server.database(size)
    migrate(url)
    engine = make_engine(url, pool_size=1)
    count, across_m = CASES[size]
    rng = np.random.default_rng(seed)
    country = Country.of(rng)
    # Kept until the end: what is set free before the index is built would hide what it needs.
    fences = list(geofences(count, country, rng, across_m=across_m))
    with psycopg.connect(url, autocommit=True) as connection, Session(engine) as session:
        middles = make_geofences(connection, fences, clock.now())
        make_fences(connection)
        live, cold_start = _cold_start(size, session)
        if cold_start.case in wanted:
            yield cold_start
        if f"{MATCH}.{size}" in wanted:
            points = positions(OURS_BATCHES * BATCH, country, middles, rng)
            yield _measure(size, points, live, connection, session)
    engine.dispose()


def _cold_start(name: str, session: Session) -> tuple[LiveGeofences, Figure]:
    """Read the table and build everything, and once more read without keeping anything."""
    live, before_mb, peak_before_mb = LiveGeofences(), _held_mb(), _peak_mb()
    began = time.process_time()
    took_s = [_timed(lambda: live.current(session))]
    cpu_s = time.process_time() - began
    held_mb, peak_mb = _held_mb() - before_mb, _peak_mb() - peak_before_mb
    took_s += [_timed(lambda: LiveGeofences().current(session)) for _ in range(COLD_STARTS - 1)]
    read_s = [
        _timed(lambda: sum(len(some.ids) for some in queries.changed_since(session, -1)))
        for _ in range(COLD_STARTS)
    ]
    median_s = statistics.median(took_s)
    return live, Figure(
        case=f"{COLD_START}.{name}",
        value=round(median_s / CASES[name][0] * 100_000, 3),
        unit="s/100k",
        params={
            "cold_start_s": round(median_s, 2),
            "read_s": round(statistics.median(read_s), 2),
            "cpu_s": round(cpu_s, 2),
            "held_mb": round(held_mb),
            "peak_mb": round(peak_mb),
            "spread": f"{min(took_s):.2f}-{max(took_s):.2f}",
        },
    )


def _measure(
    name: str,
    points: NDArray[np.float64],
    live: LiveGeofences,
    connection: psycopg.Connection,
    session: Session,
) -> Figure:
    index = live.current(session)
    _match_all(index, points)
    ours = [_timed(lambda: _match_all(index, points)) / len(points) for _ in range(RUNS)]
    began = time.process_time()
    _match_all(index, points)
    cpu_us = (time.process_time() - began) / len(points) * 1e6
    some = points[: PEER_BATCHES * BATCH]
    ask = partial(_ask_all, connection, some)
    peers = [_timed(ask) / len(some) for _ in range(PEER_RUNS)]
    mine, theirs = statistics.median(ours) * 1e6, statistics.median(peers) * 1e6
    matches = len(index.match(points[:, 0], points[:, 1]).positions)
    return Figure(
        case=f"{MATCH}.{name}",
        value=round(mine, 2),
        unit="us/point",
        peer="PostGIS set-based",
        peer_value=round(theirs, 2),
        ratio=round(theirs / mine, 1),
        params={
            "batch": BATCH,
            "matches_per_point": round(matches / len(points), 2),
            "cpu_us": round(cpu_us, 2),
            "change_ms": round(_change_s(live, connection, session) * 1e3, 1),
            "spread": f"{min(ours) * 1e6:.2f}-{max(ours) * 1e6:.2f}",
        },
    )


def _change_s(live: LiveGeofences, connection: psycopg.Connection, session: Session) -> float:
    """Return how long a request waits that meets a change, what it asks of the table included."""
    took: list[float] = []
    for _ in range(CHANGES):
        connection.execute(CHANGE, [FIRST])
        session.rollback()
        took.append(_timed(lambda: live.current(session)))
    return statistics.median(took)


def _held_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _batches(points: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    for start in range(0, len(points), BATCH):
        yield points[start : start + BATCH]


def _match_all(index: GeofenceIndex, points: NDArray[np.float64]) -> None:
    for batch in _batches(points):
        lon, lat = batch[:, 0].copy(), batch[:, 1].copy()
        index.match_with_distances(lon, lat)


def _ask_all(connection: psycopg.Connection, points: NDArray[np.float64]) -> None:
    for batch in _batches(points):
        connection.execute(MATCHES, [batch[:, 0].tolist(), batch[:, 1].tolist()]).fetchall()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
