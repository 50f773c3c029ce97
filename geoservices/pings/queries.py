"""What is asked of pings."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.arrays import Doubles, Instants, Intervals, Smallints, Uuids
from geoservices.database import DatabaseRole, driver
from geoservices.instants import instant
from geoservices.pings.columns import Microseconds, Numbers, Pings
from geoservices.pings.models import Ping
from geoservices.pings.partitions import Partition
from geoservices.trips import ask, send

INSERT = b"""
    INSERT INTO pings (device_id, recorded_at, id, received_at, lon, lat, accuracy_m, speed_mps,
        heading_deg, signs)
    SELECT device_id, recorded_at, id, ($1)[1], lon, lat, nullif(accuracy_m, 'NaN'),
        nullif(speed_mps, 'NaN'), nullif(heading_deg, 'NaN'), signs
    FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) AS new (device_id, recorded_at, id, lon, lat,
        accuracy_m, speed_mps, heading_deg, signs)
"""
REMEMBER = b"""
    UPDATE devices SET followed_until = new.until, fix_at = new.at, fix_lon = new.lon,
        fix_lat = new.lat, fix_accuracy_m = new.accuracy_m
    FROM unnest($1, $2, $3, $4, $5, $6) AS new (id, until, at, lon, lat, accuracy_m)
    WHERE devices.id = new.id
"""
# Whatever PostgreSQL knows of the tables, it then looks each one up, and only in partitions that
# may have it.
STORED = b"""
    SELECT asked.device_id, asked.recorded_at, asked.id
    FROM unnest($1, $2, $3) AS asked (device_id, recorded_at, id),
    LATERAL (
        SELECT FROM pings
        WHERE pings.device_id = asked.device_id AND pings.recorded_at = asked.recorded_at
            AND pings.id = asked.id AND pings.received_at >= asked.recorded_at - ($4)[1]
        LIMIT 1
    ) AS found
"""
GIVE_WAY = "SET LOCAL lock_timeout = '1s'"
BOUNDS = re.compile(r"'([^']+)'")
"""The instants in what `pg_get_expr` says of a partition's bounds."""
NO_FIX = {"fix_at": None, "fix_lon": None, "fix_lat": None, "fix_accuracy_m": None}
Key = tuple[UUID, datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Up to when devices were followed, and their last tested positions; all of shape (n,)."""

    devices: NDArray[np.uint8]
    """The bytes of their ids, shape (n, 16)."""
    until: Microseconds
    at: Microseconds
    lon: Numbers
    lat: Numbers
    accuracy_m: Numbers


def insert(
    session: Session,
    pings: Pings,
    *,
    devices: NDArray[np.uint8],
    signs: NDArray[np.uint8],
    at_us: int,
) -> None:
    """Store pings that are known to be new.

    Args:
        session: Its transaction holds the devices' rows.
        pings: Shape (n,).
        devices: The bytes of each ping's device's id, shape (n, 16).
        signs: What speaks against each, shape (n,).
        at_us: When they arrived, in microseconds since 1970.
    """
    if len(pings) == 0:
        return
    send(
        session,
        INSERT,
        Instants.listed([instant(at_us)]),
        Uuids.of_bytes(devices),
        Instants.of_microseconds(pings.recorded_at),
        Uuids.of_bytes(pings.ids),
        Doubles.pack(pings.lon),
        Doubles.pack(pings.lat),
        Doubles.pack(pings.accuracy_m),
        Doubles.pack(pings.speed_mps),
        Doubles.pack(pings.heading_deg),
        Smallints.pack(signs),
    )


def stored(session: Session, keys: Sequence[Key], *, future_tolerance: timedelta) -> set[Key]:
    """Return which of these pings are stored.

    Args:
        session: The session.
        keys: Device, time and id of each.
        future_tolerance: No ping arrived longer than this before its time, so that partitions
            from before that need not be looked into.
    """
    devices, times, ids = zip(*keys, strict=True)
    asked = Uuids.listed(devices), Instants.listed(times), Uuids.listed(ids)
    tolerance = Intervals.listed([future_tolerance])
    found: list[Key] = ask(session, STORED, *asked, tolerance, make=tuple)()
    return set(found)


def remember(session: Session, followed: Followed) -> None:
    """Note up to when devices have been followed, and where they were then.

    Args:
        session: Its transaction holds the devices' rows.
        followed: Each device once.
    """
    if len(followed.until):
        send(
            session,
            REMEMBER,
            Uuids.of_bytes(followed.devices),
            Instants.of_microseconds(followed.until),
            Instants.of_microseconds(followed.at),
            Doubles.pack(followed.lon),
            Doubles.pack(followed.lat),
            Doubles.pack(followed.accuracy_m),
        )


def follow_until(session: Session, device_id: UUID, *, until: datetime) -> None:
    """Note up to when a device has been followed by what it told of no position."""
    session.execute(update(Device).where(Device.id == device_id).values(followed_until=until))


def forget(session: Session, device_ids: Iterable[UUID], *, at: datetime) -> None:
    """Delete every position of the devices.

    They count as followed until now: what a phone still holds of the time before is taken for
    late, and tells nothing twice.
    """
    ids = set(device_ids)
    session.execute(delete(Ping).where(Ping.device_id.in_(ids)))
    session.execute(update(Device).where(Device.id.in_(ids)).values(followed_until=at, **NO_FIX))


def forget_old_fixes(session: Session, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` last positions of devices that have said nothing since.

    Devices that someone holds are passed over: what comes of them is newer. Up to when they were
    followed stays, or a ping sent again after its position was deleted would be taken for the
    first.

    Returns:
        How many went.
    """
    old = (
        select(Device.id)
        .where(Device.fix_at < before)
        .order_by(Device.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    gone = session.execute(update(Device).where(Device.id.in_(old)).values(**NO_FIX))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # An UPDATE has one.


def partitions(session: Session) -> list[Partition]:
    """Return the partitions of the table, without the one for what fits into none of them."""
    found = session.execute(
        text(
            """
            SELECT pg_get_expr(child.relpartbound, child.oid)
            FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
            WHERE inhparent = 'pings'::regclass
            """
        )
    )
    bounds = [BOUNDS.findall(expression) for expression in found.scalars()]
    return [Partition(*map(datetime.fromisoformat, bound)) for bound in bounds if bound]


def lock_partitions(session: Session) -> None:
    """Wait for whoever else is making partitions; others go on storing pings."""
    session.execute(text(GIVE_WAY))
    driver(session).execute("LOCK TABLE pings IN SHARE UPDATE EXCLUSIVE MODE")


def make_partition(session: Session, partition: Partition) -> None:
    """Make a partition, and move into it what has been waiting for it in the default one.

    A partition made apart and attached does not stop others from storing pings meanwhile.
    """
    connection = driver(session)
    parts = {
        "name": sql.Identifier(partition.name),
        "start": sql.Literal(partition.start),
        "end": sql.Literal(partition.end),
        "service": sql.Identifier(DatabaseRole.SERVICE),
        "caller": sql.Identifier(DatabaseRole.CALLER),
    }
    for statement in (
        "CREATE TABLE {name} (LIKE pings INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
        # The policies of `pings` hold for what is asked of it, and not of a partition itself.
        "REVOKE ALL ON {name} FROM {service}, {caller}",
        "LOCK TABLE pings_default IN ACCESS EXCLUSIVE MODE",
        """
        WITH moved AS (
            DELETE FROM pings_default WHERE received_at >= {start} AND received_at < {end}
            RETURNING *
        )
        INSERT INTO {name} SELECT * FROM moved
        """,
        "ALTER TABLE pings ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
    ):
        connection.execute(sql.SQL(statement).format(**parts))


def drop_partition(session: Session, partition: Partition) -> bool:
    """Drop a partition with all it holds, or tell that someone else has.

    Others wait while it goes, which takes milliseconds, so this gives way rather than make them
    wait for a long transaction that it waits for itself.
    """
    session.execute(text(GIVE_WAY))
    there = session.execute(
        text("SELECT to_regclass(:name) IS NOT NULL"), {"name": partition.name}
    ).scalar_one()
    dropping = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(partition.name))
    driver(session).execute(dropping)
    return bool(there)


def prune_default(session: Session, *, received_before: datetime) -> int:
    """Delete what is too old from the default partition; return how many rows went."""
    gone = session.execute(
        text("DELETE FROM pings_default WHERE received_at < :received_before"),
        {"received_before": received_before},
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # A DELETE has one.
