"""What is asked of counts, and of the visits that are to be counted."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Double,
    Select,
    String,
    and_,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts.models import Consent, Device, Organisation, Purpose
from geoservices.places.access_queries import reached
from geoservices.places.models import Place
from geoservices.statistics.counting import Arrival
from geoservices.statistics.models import CellRest, Occupancy, PlaceHour
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase

GEOHASH_LENGTH = 6
"""Characters of a geohash: a cell of 0.0110 degrees of longitude and 0.0055 of latitude."""


class CellDay(NamedTuple):
    """About how many people came to a cell's places on a day, and its box in degrees."""

    day: date
    cell: str
    people: int
    west: float
    south: float
    east: float
    north: float


def hold_organisation(session: Session, organisation_id: UUID) -> Organisation | None:
    """Return an organisation and hold its row; None if someone else does."""
    return session.scalars(
        select(Organisation)
        .where(Organisation.id == organisation_id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def organisations(session: Session) -> Sequence[Organisation]:
    """Return all organisations, in the order of their ids."""
    return session.scalars(select(Organisation).order_by(Organisation.id)).all()


def arrivals(
    session: Session, organisation_id: UUID, bounds: Sequence[datetime]
) -> Iterable[Arrival]:
    """Return who came to which of an organisation's places in each hour of a row of hours.

    Those are left out who had not agreed to be counted when they came, and sensitive places. A
    mere suspicion of an arrival is none.

    Args:
        session: The session.
        organisation_id: The organisation.
        bounds: The instants at which the hours begin, and the end of the last one.
    """
    edges = literal(list(bounds), ARRAY(DateTime(timezone=True)))
    rows = session.execute(
        select(
            Visit.place_id, _cell(), func.width_bucket(Visit.entered_at, edges), Device.person_id
        )
        .select_from(Place)
        .join(Visit, Visit.place_id == Place.id)
        .join(Device, Device.id == Visit.device_id)
        .join(Consent, _agreed())
        .where(
            Place.organisation_id == organisation_id,
            Place.sensitive_at.is_(None),
            Visit.phase != Phase.ARRIVING,
            Visit.entered_at >= bounds[0],
            Visit.entered_at < bounds[-1],
        )
        .distinct()
    )
    return (
        Arrival(place, cell, bounds[number - 1], person) for place, cell, number, person in rows
    )


def insert_hours(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Store counts of hours."""
    if rows:
        session.execute(insert(PlaceHour), rows)


def insert_rests(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Store counts of what days have left over."""
    if rows:
        session.execute(insert(CellRest), rows)


def hours_at(
    session: Session, place_id: UUID, *, from_: datetime, until: datetime
) -> dict[datetime, int]:
    """Return how many people are told of in a place's hours, by when each began."""
    rows = session.execute(
        select(PlaceHour.starts_at, PlaceHour.people).where(
            PlaceHour.place_id == place_id,
            PlaceHour.starts_at >= from_,
            PlaceHour.starts_at < until,
        )
    )
    return dict(rows.all())


def cell_days(session: Session, grant: Grant, *, first: date, last: date) -> list[CellDay]:
    """Add up, by cell and day, what is told of hours within reach and of what is left over."""
    hours = _days(PlaceHour, grant, first, last).where(reached(PlaceHour.place_id, grant))
    rests = _days(CellRest, grant, first, last)
    parts = (union_all(hours, rests) if grant.actor.reach is None else hours).subquery()
    box = func.ST_GeomFromGeoHash(parts.c.cell, type_=Geometry)
    corners = (
        getattr(func, corner)(box, type_=Double)
        for corner in ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax")
    )
    rows = session.execute(
        select(parts.c.day, parts.c.cell, func.sum(parts.c.people), *corners)
        .group_by(parts.c.day, parts.c.cell)
        .order_by(parts.c.day, parts.c.cell)
    )
    return [CellDay(*row) for row in rows]


def people_present(session: Session, mark: datetime, *, smallest: int) -> dict[UUID, int]:
    """Count the people at each place who agreed to be counted, where there are enough.

    Args:
        session: The session.
        mark: As of when.
        smallest: So many are enough.
    """
    people = func.count(Device.person_id.distinct())
    rows = session.execute(
        select(Visit.place_id, people)
        .join(Place, Place.id == Visit.place_id)
        .join(Device, Device.id == Visit.device_id)
        .join(Consent, _agreed())
        .where(
            Visit.entered_at <= mark,
            or_(Visit.exited_at.is_(None), Visit.exited_at > mark),
            Visit.phase != Phase.ARRIVING,
            Place.sensitive_at.is_(None),
        )
        .group_by(Visit.place_id)
        .having(people >= smallest)
    )
    return dict(rows.all())


def replace_occupancies(session: Session, rows: Sequence[dict[str, object]]) -> None:
    """Store how many people are at places now, in place of what was told before."""
    session.execute(delete(Occupancy))
    if rows:
        session.execute(insert(Occupancy), rows)


def occupancy(session: Session, place_id: UUID, *, since: datetime) -> Occupancy | None:
    """Return how many people are told of at a place, unless that is too long ago."""
    return session.scalars(
        select(Occupancy).where(Occupancy.place_id == place_id, Occupancy.at >= since)
    ).one_or_none()


def _days(
    table: type[PlaceHour] | type[CellRest], grant: Grant, first: date, last: date
) -> Select[date, str, int]:
    return select(table.day, table.cell, table.people).where(
        table.organisation_id == grant.organisation_id, table.day.between(first, last)
    )


def _cell() -> ColumnElement[str]:
    flat = cast(Place.point, Geometry)
    return func.ST_GeoHash(flat, GEOHASH_LENGTH, type_=String)


def _agreed() -> ColumnElement[bool]:
    """Return the condition that a visit's person agreed to be counted before they came."""
    found: ColumnElement[bool] = and_(
        Consent.person_id == Device.person_id,
        Consent.purpose == Purpose.STATISTICS,
        Consent.withdrawn_at.is_(None),
        Consent.given_at <= Visit.entered_at,
    )
    return found
