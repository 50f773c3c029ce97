"""What is asked of pings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, literal_column, select
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


def save_last_seen(session: Session, newest: Mapping[UUID, datetime]) -> None:
    """Remember when the newest followed ping of each device was recorded."""
    if not newest:
        return
    statement = insert(LastSeen)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[LastSeen.device_id],
            set_={"recorded_at": statement.excluded.recorded_at},
        ),
        [{"device_id": device_id, "recorded_at": at} for device_id, at in newest.items()],
    )


def forget(session: Session, device_ids: Iterable[UUID]) -> None:
    """Delete every position of the devices."""
    ids = set(device_ids)
    session.execute(delete(Ping).where(Ping.device_id.in_(ids)))
    session.execute(delete(LastSeen).where(LastSeen.device_id.in_(ids)))


def prune(session: Session, *, received_before: datetime, limit: int) -> int:
    """Delete up to `limit` positions that arrived before an instant; return how many went.

    When each device was last seen stays, or a ping sent again after its position was deleted
    would be taken for the first.
    """
    ctid: ColumnElement[str] = literal_column("ctid")
    old = (
        select(ctid)
        .select_from(Ping)
        .where(Ping.received_at < received_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = session.execute(delete(Ping).where(ctid.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # A DELETE has one.
