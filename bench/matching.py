"""What matching costs: the in-memory index beside one set-based query in PostGIS.

    python -m bench.matching [--json] [--quick] [--case match.100k] [--seed N]

Each case measures batches of 100 on one core: positions to the geofences that contain them, and
the signed distance of each pair in metres. The peer answers the same question for the same
batches with `unnest … JOIN LATERAL ST_Intersects` on an indexed geometry column.
"""

import gc
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from bench.geofences import Country, geofences, positions
from bench.report import Figure, introduce, options, tell
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.watched import Watched
from local import postgres
from local.cluster import open_cluster, remove_cluster
from local.configuration import free_port
from local.stack import clear_away

SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1m": 1_000_000}
QUICK = ("1k", "10k")
BATCH = 100
RUNS = 3
OURS_BATCHES = 300
PEER_BATCHES = 30
CIRCLE_VERTICES = 32
QUERY = """
SELECT p.n, f.id FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS p(lon, lat, n)
JOIN LATERAL (
  SELECT id FROM fences
  WHERE ST_Intersects(fences.area, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
) AS f ON true
"""


def main(arguments: list[str]) -> int:
    """Measure each size."""
    chosen = options(__doc__).parse_args(arguments)
    introduce(chosen.seed, "shapely", "numpy", "psycopg")
    tell(_figures(chosen.seed, chosen.case or "", quick=chosen.quick), as_json=chosen.json)
    return 0


def _figures(seed: int, only: str, *, quick: bool) -> Iterator[Figure]:
    with _database() as connection:
        for name in QUICK if quick else SIZES:
            if f"match.{name}".startswith(only):
                yield _measure(name, seed, connection)


def _measure(name: str, seed: int, connection: psycopg.Connection) -> Figure:
    rng = np.random.default_rng(seed)
    country = Country.of(rng)
    fences = list(geofences(SIZES[name], country, rng))
    points = positions(OURS_BATCHES * BATCH, country, fences, rng)
    _fill(connection, fences)
    index, build_s, grown_mb = _built(fences)
    changed = [(fences[0].id, fences[0])]
    change_s = _timed(lambda: index.updated(changed, revision=2))
    fences.clear()
    ours: list[float] = []
    peers: list[float] = []
    for _ in range(RUNS):
        ours.append(_timed(lambda: _match_all(index, points)) / len(points))
        some = points[: PEER_BATCHES * BATCH]
        peers.append(_timed(partial(_ask_all, connection, some)) / len(some))
    mine, theirs = statistics.median(ours) * 1e6, statistics.median(peers) * 1e6
    return Figure(
        case=f"match.{name}",
        value=round(mine, 2),
        unit="us/point",
        peer="PostGIS set-based",
        peer_value=round(theirs, 2),
        ratio=round(theirs / mine, 1),
        params={
            "batch": BATCH,
            "matches_per_point": round(_matches(index, points) / len(points), 2),
            "build_s": round(build_s, 2),
            "change_s": round(change_s, 3),
            "grown_mb": round(grown_mb),
            "spread": f"{min(ours) * 1e6:.2f}-{max(ours) * 1e6:.2f}",
        },
    )


def _built(fences: list[Watched]) -> tuple[GeofenceIndex, float, float]:
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    index = GeofenceIndex([replace(fence) for fence in fences], revision=1)
    took = time.perf_counter() - began
    return index, took, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _batches(points: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    for start in range(0, len(points), BATCH):
        yield points[start : start + BATCH]


def _match_all(index: GeofenceIndex, points: NDArray[np.float64]) -> None:
    for batch in _batches(points):
        lon, lat = batch[:, 0].copy(), batch[:, 1].copy()
        found = index.match(lon, lat)
        index.distances_m(lon, lat, found.positions, found.geofences)


def _matches(index: GeofenceIndex, points: NDArray[np.float64]) -> int:
    return len(index.match(points[:, 0].copy(), points[:, 1].copy()).positions)


def _ask_all(connection: psycopg.Connection, points: NDArray[np.float64]) -> None:
    for batch in _batches(points):
        connection.execute(QUERY, [batch[:, 0].tolist(), batch[:, 1].tolist()]).fetchall()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _fill(connection: psycopg.Connection, fences: list[Watched]) -> None:
    connection.execute("DROP TABLE IF EXISTS fences")
    connection.execute("CREATE TABLE fences (id int, area geometry(Geometry, 4326))")
    with connection.cursor().copy("COPY fences FROM STDIN") as copy:
        for number, fence in enumerate(fences):
            shape = shapely.set_srid(_drawn(fence), 4326)
            copy.write_row([number, shapely.to_wkb(shape, hex=True, include_srid=True)])
    connection.execute("CREATE INDEX ON fences USING gist (area)")
    connection.execute("VACUUM ANALYZE fences")


def _drawn(fence: Watched) -> shapely.Geometry:
    if fence.area is not None:
        return fence.area
    lon, lat = fence.centre or (0.0, 0.0)
    reach = (fence.radius_m or 0.0) / 111_195.0
    bearing = np.linspace(0, 2 * np.pi, CIRCLE_VERTICES, endpoint=False)
    east = reach * np.sin(bearing) / np.cos(np.radians(lat))
    return shapely.Polygon(np.column_stack([lon + east, lat + reach * np.cos(bearing)]))


@contextmanager
def _database() -> Iterator[psycopg.Connection]:
    """Have a PostGIS of the bench's own for the block."""
    folder = Path(tempfile.mkdtemp(prefix="geoservices-bench-")).resolve()
    folder.chmod(0o711)
    port = free_port()
    try:
        cluster = open_cluster(folder, throw_away=True)
        with postgres.serving(cluster, port=port, log=folder / "postgres.log", mark={}):
            url = postgres.create_database(cluster, port=port, name="bench")
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE EXTENSION postgis")
                yield connection
    finally:
        clear_away(folder)
        remove_cluster(folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
