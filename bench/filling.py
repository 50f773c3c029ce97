"""A database of the bench's own, with the service's schema and made-up geofences in it."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import numpy as np
import psycopg
import shapely
from alembic import command
from alembic.config import Config
from numpy.typing import NDArray

from bench.geofences import ORGANISATION
from geoservices.geofences.watched import Watched
from local import postgres
from local.cluster import open_cluster, remove_cluster
from local.configuration import free_port
from local.stack import clear_away

ROOT = Path(__file__).parent.parent
PLACE = UUID(int=2)
CIRCLE_VERTICES = 32
COLUMNS = (
    "id, organisation_id, place_id, name, area, centre, radius_m, margin_m, dwell_after, "
    "imported, created_at"
)


@contextmanager
def database() -> Iterator[str]:
    """Have a migrated PostGIS of the bench's own for the block; its URL."""
    folder = Path(tempfile.mkdtemp(prefix="geoservices-bench-")).resolve()
    folder.chmod(0o711)
    port = free_port()
    try:
        cluster = open_cluster(folder, throw_away=True)
        with postgres.serving(cluster, port=port, log=folder / "postgres.log", mark={}):
            url = postgres.create_database(cluster, port=port, name="bench")
            os.environ["GEOSERVICES_DATABASE_URL"] = url
            command.upgrade(Config(ROOT / "alembic.ini"), "head")
            yield url
    finally:
        clear_away(folder)
        remove_cluster(folder)
        shutil.rmtree(folder)


def fill(connection: psycopg.Connection, fences: Iterable[Watched]) -> NDArray[np.float64]:
    """Store geofences instead of those there, and return their middles: degrees, shape (n, 2).

    Beside the service's table there is one that a query of PostGIS alone would have: `fences`,
    planar and with an index of its own.
    """
    connection.execute("DROP TABLE IF EXISTS fences")
    connection.execute("TRUNCATE organisations CASCADE")
    connection.execute(
        "INSERT INTO organisations (id, slug, name, time_zone, created_at) "
        "VALUES (%s, 'bench', 'Bench', 'Europe/London', now())",
        [ORGANISATION],
    )
    connection.execute(
        "INSERT INTO places (id, organisation_id, source, external_id, name, category, point, "
        "time_zone, words, digest, created_at, updated_at) VALUES (%s, %s, 'bench', '1', 'Bench', "
        "'bench', 'POINT(0 50)', 'Europe/London', 'bench', '', now(), now())",
        [PLACE, ORGANISATION],
    )
    middles: list[tuple[float, float]] = []
    with connection.cursor().copy(f"COPY geofences ({COLUMNS}) FROM STDIN") as copy:
        for fence in fences:
            middles.append(_middle(fence))
            copy.write_row(_row(fence))
    connection.execute("CREATE TABLE fences AS SELECT id, area::geometry FROM geofences")
    connection.execute("CREATE INDEX ON fences USING gist (area)")
    connection.execute("VACUUM ANALYZE fences")
    connection.execute("VACUUM ANALYZE geofences")
    return np.array(middles)


def _row(fence: Watched) -> list[object]:
    centre = None if fence.centre is None else shapely.Point(fence.centre)
    return [
        fence.id,
        ORGANISATION,
        PLACE,
        "Bench",
        _hex(_drawn(fence)),
        None if centre is None else _hex(centre),
        fence.radius_m,
        fence.margin_m,
        fence.dwell_after,
        False,
        "now",
    ]


def _hex(shape: shapely.Geometry) -> str:
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))


def _drawn(fence: Watched) -> shapely.MultiPolygon:
    if fence.area is not None:
        return fence.area
    lon, lat = fence.centre or (0.0, 0.0)
    reach = (fence.radius_m or 0.0) / 111_195.0
    bearing = np.linspace(0, 2 * np.pi, CIRCLE_VERTICES, endpoint=False)
    east = reach * np.sin(bearing) / np.cos(np.radians(lat))
    ring = np.column_stack([lon + east, lat + reach * np.cos(bearing)])
    return shapely.MultiPolygon([shapely.Polygon(ring)])


def _middle(fence: Watched) -> tuple[float, float]:
    if fence.centre is not None or fence.area is None:
        return fence.centre or (0.0, 0.0)
    west, south, east, north = fence.area.bounds
    return (west + east) / 2, (south + north) / 2
