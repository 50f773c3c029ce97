"""What a vector tile costs to draw with 100,000 watched areas, each round a place of its own.

Cases `tiles.z5` to `tiles.z16` are milliseconds for one tile at that zoom: the median over tiles
with a place on them, with the slowest and the largest; beside it the same when they were drawn
before.
"""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from math import asinh, floor, pi, radians, tan

import numpy as np
import psycopg
from sqlalchemy.orm import Session

from bench.database import database_server, migrate
from bench.report import Figure, introduce, options, pick, tell
from bench.world import make_world
from geoservices import clock
from geoservices.database import DatabaseRole, make_engine, make_session_factory, transaction
from geoservices.tiles.addresses import TileAddress
from geoservices.tiles.service import Tiles

ZOOMS = (5, 8, 11, 13, 14, 16)
CASES = tuple(f"tiles.z{zoom}" for zoom in ZOOMS)
AREAS, QUICK_AREAS = 100_000, 10_000
LOOKED_AT = 60
CENTRES = "SELECT ST_X(point::geometry), ST_Y(point::geometry) FROM places ORDER BY id LIMIT %s"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the cases that are asked for."""
    chosen = options(__doc__).parse_args(argv)
    wanted = pick(CASES, chosen.case)
    introduce(chosen.seed, "psycopg", "sqlalchemy")
    areas = QUICK_AREAS if chosen.quick else AREAS
    with database_server() as server:
        url = server.database("tiles")
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            rng = np.random.default_rng(chosen.seed)
            make_world(connection, size=areas, devices=0, rng=rng, at=clock.now())
            centres = connection.execute(CENTRES, [LOOKED_AT]).fetchall()
        sessions = make_session_factory(make_engine(url, role=DatabaseRole.OWNER))
        with transaction(sessions) as session:
            draw = partial(figure, session, centres, areas)
            tell((draw(zoom) for zoom in ZOOMS if f"tiles.z{zoom}" in wanted), as_json=chosen.json)
    return 0


def figure(
    session: Session, centres: Sequence[tuple[float, float]], areas: int, zoom: int
) -> Figure:
    """Measure the tiles of one zoom."""
    tiles = Tiles(most_bytes=10**9)
    revision = tiles.overview(session).revision
    addresses = list(dict.fromkeys(tile_of(lon, lat, zoom) for lon, lat in centres))
    sizes: list[int] = []

    def times() -> Iterator[float]:
        for address in addresses:
            before = time.perf_counter()
            tile = tiles.read(session, address, revision=revision)
            yield (time.perf_counter() - before) * 1000
            sizes.append(len(tile.data))

    drawn, again = list(times()), list(times())
    value, known = statistics.median(drawn), statistics.median(again)
    return Figure(
        case=f"tiles.z{zoom}",
        value=round(value, 2),
        unit="ms",
        peer="drawn before",
        peer_value=round(known, 4),
        ratio=round(known / value, 6),
        params={
            "areas": areas,
            "tiles": len(addresses),
            "slowest_ms": round(max(drawn), 1),
            "largest_kb": round(max(sizes) / 1000, 1),
        },
    )


def tile_of(lon: float, lat: float, zoom: int) -> TileAddress:
    """Return the tile that a position lies on."""
    side = 2**zoom
    south = (1 - asinh(tan(radians(lat))) / pi) / 2
    return TileAddress(zoom, floor((lon + 180) / 360 * side), floor(south * side))


if __name__ == "__main__":
    sys.exit(main())
