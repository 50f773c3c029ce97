"""What is asked of visits and transitions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from geoservices.database import newest_first
from geoservices.geofences.models import Geofence
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase


def lock_open(session: Session, device_ids: Iterable[UUID]) -> Sequence[Visit]:
    """Return the open visits of the devices, locked until the transaction ends."""
    return session.scalars(
        select(Visit)
        .where(Visit.device_id.in_(set(device_ids)), Visit.exited_at.is_(None))
        .order_by(Visit.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def last_exits(
    session: Session, device_id: UUID, geofence_ids: Iterable[UUID]
) -> dict[UUID, datetime]:
    """Return when a device last left each geofence, for those it ever left."""
    rows = session.execute(
        select(Visit.geofence_id, func.max(Visit.exited_at))
        .where(
            Visit.device_id == device_id,
            Visit.geofence_id.in_(set(geofence_ids)),
        )
        .group_by(Visit.geofence_id)
    )
    return {geofence_id: left_at for geofence_id, left_at in rows if left_at is not None}


def lock_due(session: Session, *, at: datetime, limit: int) -> list[tuple[Visit, bool]]:
    """Return open visits a timer must look at, earliest first, passing over locked ones.

    Returns:
        Each visit, and whether its geofence is still watched.
    """
    watched = Geofence.disabled_at.is_(None) & Geofence.deleted_at.is_(None)
    found = session.execute(
        select(Visit, watched)
        .join(Geofence, Geofence.id == Visit.geofence_id)
        .where(Visit.due_at <= at, Visit.exited_at.is_(None))
        .order_by(Visit.due_at)
        .limit(limit)
        .with_for_update(of=Visit, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return [(visit, is_watched) for visit, is_watched in found]


def insert_visits(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store visits that have begun."""
    if rows:
        session.execute(insert(Visit), rows)


def update_visits(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store how visits now stand, each row with its id."""
    if rows:
        session.execute(update(Visit), rows)


def delete_visits(session: Session, ids: Sequence[UUID]) -> None:
    """Drop arrivals that came to nothing."""
    if ids:
        session.execute(delete(Visit).where(Visit.id.in_(ids)))


def insert_transitions(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store transitions."""
    if rows:
        session.execute(insert(Transition), rows)


def transitions_by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, Transition]:
    """Return transitions by their ids."""
    found = session.scalars(select(Transition).where(Transition.id.in_(set(ids))))
    return {transition.id: transition for transition in found}


def transitions_of(session: Session, visit_ids: Iterable[UUID]) -> dict[UUID, list[Transition]]:
    """Return the transitions of each visit, in the order in which they happened."""
    found: dict[UUID, list[Transition]] = {}
    for visit_id, transition in session.execute(
        select(Visit.id, Transition)
        .join(Transition, Transition.visit_id == Visit.id)
        .where(Visit.id.in_(set(visit_ids)))
        .order_by(Transition.occurred_at, Transition.detected_at, Transition.id)
    ):
        found.setdefault(visit_id, []).append(transition)
    return found


def visits_of(
    session: Session, device_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Visit]:
    """Return a device's visits, newest first; mere suspicions of an arrival are left out.

    Args:
        session: The session.
        device_id: The device.
        after: The `(entered_at, id)` of the last visit of the page before.
        limit: At most so many.
    """
    statement = select(Visit).where(Visit.device_id == device_id, Visit.phase != Phase.ARRIVING)
    page = newest_first(statement, Visit.entered_at, Visit.id, after=after, limit=limit)
    return session.scalars(page).all()


def abandon_open(session: Session, device_ids: Iterable[UUID]) -> None:
    """Delete the open visits of devices whose people withdrew their consent."""
    session.execute(
        delete(Visit).where(Visit.device_id.in_(set(device_ids)), Visit.exited_at.is_(None))
    )
