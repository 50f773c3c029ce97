"""What is asked of pings."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.pings.models import LastSeen, Ping

Key = tuple[UUID, datetime, UUID]


def insert_new(session: Session, rows: Sequence[dict[str, Any]]) -> set[Key]:
    """Store pings and return the keys of those that were not there before."""
    if not rows:
        return set()
    inserted = session.execute(
        insert(Ping).on_conflict_do_nothing().returning(Ping.device_id, Ping.recorded_at, Ping.id),
        rows,
    )
    return {(device_id, recorded_at, id_) for device_id, recorded_at, id_ in inserted}


def last_seen(session: Session, device_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """Return when the newest followed ping of each device was recorded."""
    rows = session.execute(
        select(LastSeen.device_id, LastSeen.recorded_at).where(
            LastSeen.device_id.in_(set(device_ids))
        )
    )
    return dict(rows.all())


def save_last_seen(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Remember the newest followed ping of each device, one row a device."""
    if not rows:
        return
    statement = insert(LastSeen)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[LastSeen.device_id],
            set_={
                column: statement.excluded[column]
                for column in ("recorded_at", "received_at", "lon", "lat", "accuracy_m")
            },
        ),
        rows,
    )


def forget(session: Session, device_ids: Iterable[UUID]) -> None:
    """Delete every position of the devices."""
    ids = set(device_ids)
    session.execute(delete(Ping).where(Ping.device_id.in_(ids)))
    session.execute(delete(LastSeen).where(LastSeen.device_id.in_(ids)))


def prune(session: Session, *, received_before: datetime) -> int:
    """Delete positions that arrived before an instant and return how many rows went."""
    pings = session.execute(
        delete(Ping).where(Ping.received_at < received_before).returning(Ping.id)
    )
    seen = session.execute(
        delete(LastSeen).where(LastSeen.received_at < received_before).returning(LastSeen.device_id)
    )
    return len(pings.all()) + len(seen.all())
