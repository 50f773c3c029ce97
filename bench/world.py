"""Who and what there is before the first ping: places with geofences, and devices that agreed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql

from bench.geofences import METRES_PER_DEGREE, ORGANISATION, Country, geofences, positions
from bench.ingest_errands import Curve
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Purpose
from geoservices.accounts.tokens import PREFIXES, hash_token
from geoservices.geofences.watched import Watched

AT_ONCE = 10_000
CIRCLE_VERTICES = 32
SRID = 4326
UNGUARDED = "SET LOCAL session_replication_role = replica"
"""Neither triggers nor foreign keys fire: what they would have done is done here in one go."""

PINGS = """
INSERT INTO pings (device_id, recorded_at, id, received_at, lon, lat, accuracy_m, signs)
SELECT device.id, at, gen_random_uuid(), at + interval '2 seconds', random() - 3, random() + 51,
    10, 0
FROM devices AS device, generate_series(
  %(day)s::timestamptz, %(day)s::timestamptz + interval '23:59:00', %(every)s
) AS at
ORDER BY at
"""

Values = Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a bench needs to know of it."""

    fences: list[Watched]
    starts: NDArray[np.float64]
    """Where each device begins, degrees, shape (devices, 2)."""
    curve: Curve
    """Where they go."""
    device_ids: list[UUID]
    tokens: list[str]


def id_in(token: str) -> UUID:
    """Return the device's id of which a token of the bench is made."""
    return UUID(token.removeprefix(PREFIXES["device"]))


def make_world(
    connection: psycopg.Connection,
    *,
    size: int,
    devices: int,
    rng: np.random.Generator,
    at: datetime,
) -> World:
    """Fill a migrated database.

    Args:
        connection: Its transactions are committed one by one.
        size: How many geofences, each with a place of its own.
        devices: How many, each of a citizen who agreed to `nearby`.
        rng: What everything is made of.
        at: When it was all made; no device has been followed for longer.
    """
    country = Country.of(rng)
    fences = list(geofences(size, country, rng))
    middles = make_geofences(connection, fences, at)
    starts = positions(devices, country, middles, rng)
    device_ids = [UUID(bytes=rng.bytes(16), version=4) for _ in range(devices)]
    world = World(
        fences=fences,
        starts=starts,
        curve=Curve.through(middles),
        device_ids=device_ids,
        tokens=[PREFIXES["device"] + device_id.hex for device_id in device_ids],
    )
    with connection.transaction():
        connection.execute(UNGUARDED)
        _make_devices(connection, world, at)
    connection.execute("VACUUM ANALYZE")
    return world


def make_geofences(
    connection: psycopg.Connection, fences: list[Watched], at: datetime
) -> NDArray[np.float64]:
    """Fill a migrated database with geofences of one organisation, each with a place of its own.

    Returns:
        Their middles, degrees, shape (n, 2).
    """
    with connection.transaction():
        connection.execute(UNGUARDED)
        _make_places(connection, fences, at)
        connection.execute("UPDATE geofence_revision SET revision = 1")
    connection.execute("VACUUM ANALYZE")
    middles = [shapely.centroid(_drawn(some)) for some in _batches(fences)]
    return shapely.get_coordinates(np.concatenate(middles))


def make_pings(connection: psycopg.Connection, day: datetime, *, every: timedelta) -> None:
    """Store pings that all devices sent in the 24 hours from an instant on, as they came in."""
    connection.execute(PINGS, {"day": day, "every": every})


def _make_places(connection: psycopg.Connection, fences: list[Watched], at: datetime) -> None:
    organisation = (ORGANISATION, "bench", "Bench", "Europe/London", at)
    columns: tuple[str, ...] = ("id", "slug", "name", "time_zone", "created_at")
    _copy(connection, "organisations", columns, [organisation])
    columns = (
        *("id", "organisation_id", "source", "external_id", "name", "category", "point"),
        *("time_zone", "words", "digest", "created_at", "updated_at"),
    )
    _copy(connection, "places", columns, _place_rows(fences, at))
    columns = (
        *("id", "organisation_id", "place_id", "name", "area", "centre", "radius_m"),
        *("margin_m", "dwell_after", "revision", "imported", "created_at"),
    )
    _copy(connection, "geofences", columns, _geofence_rows(fences, at))


def _make_devices(connection: psycopg.Connection, world: World, at: datetime) -> None:
    people = [UUID(int=device_id.int ^ 1) for device_id in world.device_ids]
    rows: Iterator[Values] = ((person, "citizen", "Europe/London", at) for person in people)
    _copy(connection, "people", ("id", "role", "time_zone", "created_at"), rows)
    rows = (
        (device_id, person, hash_token(token), at, at)
        for device_id, person, token in zip(world.device_ids, people, world.tokens, strict=True)
    )
    columns: tuple[str, ...] = ("id", "person_id", "token_hash", "created_at", "followed_until")
    _copy(connection, "devices", columns, rows)
    version = TEXTS[Purpose.NEARBY].version
    rows = (
        (UUID(int=person.int ^ 2), person, Purpose.NEARBY.value, version, at) for person in people
    )
    columns = ("id", "person_id", "purpose", "text_version", "given_at")
    _copy(connection, "consents", columns, rows)


def _place_rows(fences: list[Watched], at: datetime) -> Iterator[Values]:
    for some in _batches(fences):
        points = shapely.to_wkb(shapely.centroid(_drawn(some)), hex=True, include_srid=True)
        for fence, point in zip(some, points.tolist(), strict=True):
            name = f"Place {fence.place_id.int}"
            yield (
                *(fence.place_id, ORGANISATION, "bench", name, name, "library", point),
                *("Europe/London", name.lower(), b"", at, at),
            )


def _geofence_rows(fences: list[Watched], at: datetime) -> Iterator[Values]:
    for some in _batches(fences):
        areas = shapely.to_wkb(_drawn(some), hex=True, include_srid=True)
        for fence, area in zip(some, areas.tolist(), strict=True):
            centre = (
                None if fence.centre is None else "SRID=4326;POINT({} {})".format(*fence.centre)
            )
            yield (
                *(fence.id, ORGANISATION, fence.place_id, "Geofence", area, centre),
                *(fence.radius_m, fence.margin_m, fence.dwell_after, 1, False, at),
            )


def _drawn(fences: Sequence[Watched]) -> NDArray[np.object_]:
    """Return the areas, circles among them as polygons, shape (n,)."""
    drawn = np.array([fence.area for fence in fences], dtype=object)
    round_ = [number for number, fence in enumerate(fences) if fence.centre is not None]
    centres = np.array([fences[number].centre for number in round_]).reshape(-1, 1, 2)
    reach = np.array([fences[number].radius_m for number in round_]).reshape(-1, 1)
    reach = reach / METRES_PER_DEGREE
    bearing = np.linspace(0, 2 * np.pi, CIRCLE_VERTICES, endpoint=False)
    east = reach * np.sin(bearing) / np.cos(np.radians(centres[:, :, 1]))
    rings = centres + np.stack([east, reach * np.cos(bearing)], axis=2)
    circles = shapely.polygons(rings)
    drawn[round_] = [shapely.MultiPolygon([circle]) for circle in circles]
    return np.asarray(shapely.set_srid(drawn, SRID))


def _batches(fences: list[Watched]) -> Iterator[list[Watched]]:
    left = iter(fences)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _copy(
    connection: psycopg.Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterator[Values] | Sequence[Values],
) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
