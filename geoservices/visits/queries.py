"""What is asked of visits and transitions."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg import sql
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.arrays import Uuids
from geoservices.database import among, driver, newest_first
from geoservices.geofences.overrides import merge
from geoservices.geofences.watched import Overrides
from geoservices.trips import ask, insert_rows, send, update_rows
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Phase


class VisitRow(NamedTuple):
    """A visit, as it is stored."""

    id: UUID
    device_id: UUID
    geofence_id: UUID
    place_id: UUID
    organisation_id: UUID
    phase: str
    phase_since: datetime
    entered_at: datetime
    seen_at: datetime | None
    dwell_after: timedelta
    dwelled_at: datetime | None
    exited_at: datetime | None
    exit_reason: str | None
    confidence: int
    initial: bool
    told: bool
    due_at: datetime


class TransitionRow(NamedTuple):
    """A transition to be stored."""

    id: UUID
    visit_id: UUID | None
    device_id: UUID
    geofence_id: UUID
    place_id: UUID
    organisation_id: UUID
    kind: str
    reason: str
    confidence: int
    initial: bool
    occurred_at: datetime
    detected_at: datetime


LASTING = ("device_id", "geofence_id", "place_id", "organisation_id", "dwell_after")
"""What never changes of a visit."""
COLUMNS = sql.SQL(", ").join(sql.Identifier("visits", name) for name in VisitRow._fields)
OPEN = (
    sql.SQL("SELECT {} FROM visits WHERE device_id = ANY($1) AND exited_at IS NULL")
    .format(COLUMNS)
    .as_bytes(None)
)
HOLD_DUE = """
    SELECT devices.id, devices.followed_until
    FROM visits JOIN devices ON devices.id = visits.device_id
    WHERE visits.due_at <= %(at)s AND visits.exited_at IS NULL
    ORDER BY visits.due_at LIMIT %(limit)s
    FOR NO KEY UPDATE OF devices SKIP LOCKED
"""
DUE = sql.SQL(
    """
    SELECT {}, geofences.disabled_at IS NULL AND geofences.deleted_at IS NULL,
        organisations.presence, geofences.presence
    FROM visits JOIN geofences ON geofences.id = visits.geofence_id
    JOIN organisations ON organisations.id = geofences.organisation_id
    WHERE device_id = ANY(%(devices)s::uuid[]) AND due_at <= %(at)s AND exited_at IS NULL
    ORDER BY due_at
    """
).format(COLUMNS)

# A process may hold geofences of before their place was marked as sensitive. Whoever marks it holds
# its row and then erases: what is stored before is seen by that, and nothing is stored meanwhile.
# Waiting instead would be for somebody who may wait for the devices that are held here.
AT_A_PLACE_THAT_MAY_BE_KEPT: LiteralString = """
    EXISTS (
        SELECT FROM places WHERE places.id = new.place_id AND places.sensitive_at IS NULL
        FOR KEY SHARE SKIP LOCKED
    )
"""
OF_A_VISIT_THAT_IS_KEPT: LiteralString = """
    AND (new.visit_id IS NULL OR EXISTS (SELECT FROM visits WHERE visits.id = new.visit_id))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueVisit:
    """An open visit a timer must look at."""

    visit: VisitRow
    followed_until: datetime | None
    """Up to when its device was followed."""
    watched: bool
    """Whether its geofence is still watched."""
    overrides: Overrides
    """The constants of presence of its geofence."""


def open_visits(session: Session, device_ids: Sequence[UUID]) -> Callable[[], list[VisitRow]]:
    """Ask for the open visits of devices whose rows are held, and return what tells them.

    Nobody else changes them while the rows are held.
    """
    return ask(session, OPEN, Uuids.listed(device_ids), make=VisitRow._make)


def hold_due(session: Session, *, at: datetime, limit: int) -> tuple[list[DueVisit], int]:
    """Return open visits a timer must look at, earliest first, and hold their devices' rows.

    Devices that someone else holds are passed over. The visits are read once the rows are held:
    what was read before may have changed while another held them.

    Returns:
        The visits, and how many of them were asked for by their timers: `limit` where there may
        be more.
    """
    connection = driver(session)
    found = connection.execute(HOLD_DUE, {"at": at, "limit": limit}).fetchall()
    held = dict(found)
    due = connection.execute(DUE, {"devices": list(held), "at": at}).fetchall()
    visits = [
        DueVisit(
            visit=visit,
            followed_until=held[visit.device_id],
            watched=watched,
            overrides=merge(organisations, own),
        )
        for *row, watched, organisations, own in due
        for visit in [VisitRow(*row)]
    ]
    return visits, len(found)


def last_exits(
    session: Session, device_id: UUID, geofence_ids: Iterable[UUID]
) -> dict[UUID, datetime]:
    """Return when a device last left each geofence, for those it ever left."""
    rows = session.execute(
        select(Visit.geofence_id, func.max(Visit.exited_at))
        .where(Visit.device_id == device_id, Visit.geofence_id.in_(set(geofence_ids)))
        .group_by(Visit.geofence_id)
    )
    return {geofence_id: left_at for geofence_id, left_at in rows if left_at is not None}


def settle_seen(session: Session, device_id: UUID, *, followed_until: datetime) -> None:
    """Write down when a device was last seen inside, before its row says something else."""
    session.execute(
        update(Visit)
        .where(Visit.device_id == device_id, Visit.exited_at.is_(None), Visit.seen_at.is_(None))
        .values(seen_at=followed_until)
    )


def insert_visits(session: Session, rows: Sequence[VisitRow]) -> None:
    """Store visits that have begun, but those at places that are sensitive by now.

    Its transaction sees everybody's places.
    """
    insert_rows(session, "visits", rows, where=AT_A_PLACE_THAT_MAY_BE_KEPT)


def update_visits(session: Session, rows: Sequence[VisitRow]) -> None:
    """Store how visits now stand."""
    update_rows(session, "visits", rows, lasting=LASTING)


def delete_visits(session: Session, ids: Sequence[UUID]) -> None:
    """Drop arrivals that came to nothing."""
    if ids:
        send(session, b"DELETE FROM visits WHERE id = ANY($1)", Uuids.listed(ids))


def insert_transitions(session: Session, rows: Sequence[TransitionRow]) -> None:
    """Store transitions, but those at places that are sensitive by now, as `insert_visits` does."""
    where = AT_A_PLACE_THAT_MAY_BE_KEPT + OF_A_VISIT_THAT_IS_KEPT
    insert_rows(session, "transitions", rows, where=where)


def transitions_by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, Transition]:
    """Return transitions by their ids."""
    found = session.scalars(select(Transition).where(among(Transition.id, ids)))
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


def forget(session: Session, device_ids: Iterable[UUID]) -> None:
    """Delete every visit and crossing of devices, open or past, with their transitions."""
    ids = set(device_ids)
    session.execute(delete(Visit).where(Visit.device_id.in_(ids)))
    session.execute(delete(Transition).where(Transition.device_id.in_(ids)))


def devices_at(
    session: Session,
    place_id: UUID,
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> Sequence[UUID]:
    """Return up to `limit` devices that are known to have been at a place, or to have passed it.

    Args:
        session: The session.
        place_id: The place.
        since: Only those that were there then or later; None for whenever.
        until: Only those that came before; None for whenever.
        limit: At most so many.
    """
    visits, crossings = _at(place_id, since, until)
    there = select(Visit.device_id).where(*visits)
    passed = select(Transition.device_id).where(*crossings)
    return session.scalars(there.union(passed).limit(limit)).all()


def delete_visit_of(session: Session, visit_id: UUID, *, person_id: UUID) -> bool:
    """Delete a visit with its transitions if it is the person's; tell whether it was.

    The caller holds the rows of the person's devices, so that nobody follows it meanwhile.
    """
    devices = select(Device.id).where(Device.person_id == person_id)
    gone = session.scalars(
        delete(Visit).where(Visit.id == visit_id, Visit.device_id.in_(devices)).returning(Visit.id)
    )
    return gone.first() is not None


def abandon_open(session: Session, device_ids: Iterable[UUID]) -> None:
    """Delete the open visits of devices, which nobody follows any more."""
    session.execute(
        delete(Visit).where(Visit.device_id.in_(set(device_ids)), Visit.exited_at.is_(None))
    )


def forget_at(
    session: Session,
    device_ids: Collection[UUID],
    place_id: UUID,
    *,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Delete what is known of devices' having been at a place, or having passed it.

    Args:
        session: Its transaction holds the devices' rows.
        device_ids: The devices.
        place_id: The place.
        since: Only where they were there then or later; None for whenever.
        until: Only where they came before; None for whenever.
    """
    visits, crossings = _at(place_id, since, until)
    session.execute(delete(Visit).where(Visit.device_id.in_(device_ids), *visits))
    session.execute(delete(Transition).where(Transition.device_id.in_(device_ids), *crossings))


def _at(
    place_id: UUID, since: datetime | None, until: datetime | None
) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Return the conditions of visits at a place, and of crossings."""
    visits = [Visit.place_id == place_id]
    crossings = [Transition.place_id == place_id, Transition.visit_id.is_(None)]
    if since is not None:
        visits.append(or_(Visit.exited_at.is_(None), Visit.exited_at >= since))
        crossings.append(Transition.occurred_at >= since)
    if until is not None:
        visits.append(Visit.entered_at < until)
        crossings.append(Transition.occurred_at < until)
    return visits, crossings
