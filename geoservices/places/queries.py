"""What is asked of places."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely
from geoalchemy2 import Geography, Geometry, WKBElement, WKTElement
from sqlalchemy import ColumnElement, Double, and_, case, cast, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.database import among
from geoservices.geometry.boxes import Bbox, centre_and_reach, halves
from geoservices.geometry.position import Position
from geoservices.geometry.storage import SRID
from geoservices.places.models import Place

WHOLE_ROWS = {"render_nulls": True}
"""Keeps SQLAlchemy from writing one statement for each set of columns that are not null."""

IMPORTED = (
    "name",
    "category",
    "address",
    "postcode",
    "website",
    "email",
    "point",
    "opening_hours",
    "time_zone",
    "words",
    "digest",
    "updated_at",
)
"""What an import may change in a place it knows."""


@dataclass(frozen=True, slots=True)
class AfterName:
    """The last place of a page in the order of names."""

    name: str
    id: UUID


@dataclass(frozen=True, slots=True)
class AfterDistance:
    """The last place of a page in the order of distances, in metres."""

    distance_m: float
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a place must be like to be found; None asks for nothing."""

    bbox: Bbox | None = None
    category: str | None = None
    text: str | None = None


def by_id(session: Session, place_ids: Iterable[UUID]) -> dict[UUID, Place]:
    """Return the places that exist, by id."""
    rows = session.scalars(select(Place).where(among(Place.id, place_ids)))
    return {place.id: place for place in rows}


def near(
    session: Session,
    position: Position,
    *,
    radius_m: float,
    wanted: Wanted,
    after: AfterDistance | None,
    limit: int,
) -> list[tuple[Place, float]]:
    """Return places within a radius and their distances in metres, nearest first."""
    here = point_at(position)
    distance_m = func.ST_Distance(Place.point, here, type_=Double)
    found = select(Place, distance_m).where(*_fits(wanted))
    found = found.where(func.ST_DWithin(Place.point, here, radius_m))
    if after is not None:
        found = found.where(tuple_(distance_m, Place.id) > (after.distance_m, after.id))
    rows = session.execute(found.order_by(distance_m, Place.id).limit(limit))
    return [(place, distance) for place, distance in rows]


def by_name(
    session: Session, *, wanted: Wanted, after: AfterName | None, limit: int
) -> list[Place]:
    """Return places in the order of their names."""
    found = select(Place).where(*_fits(wanted))
    if after is not None:
        found = found.where(tuple_(Place.name, Place.id) > (after.name, after.id))
    return list(session.scalars(found.order_by(Place.name, Place.id).limit(limit)))


def point_at(position: Position) -> ColumnElement[Any]:
    """Return the expression of a point on the ellipsoid."""
    flat = func.ST_SetSRID(func.ST_MakePoint(position.lon, position.lat), SRID)
    return cast(flat, Geography)


def element_of(ewkt: str) -> WKTElement:
    """Return text in the form in which the database takes it."""
    return WKTElement(ewkt, extended=True)


def wkb_of(element: WKBElement) -> bytes | str:
    """Return the WKB of a stored shape: hexadecimal if it was read, binary if it was written."""
    return element.data if isinstance(element.data, str) else bytes(element.data)


def position_at(point: WKBElement) -> Position:
    """Return the position of a stored point."""
    lon, lat = shapely.get_coordinates(shapely.from_wkb(wkb_of(point)))[0].tolist()
    return Position(lon=lon, lat=lat)


def known(
    session: Session, organisation_id: UUID, source: str, external_ids: Collection[str]
) -> dict[str, tuple[UUID, bytes]]:
    """Return id and digest of the places an import knows, by their external ids."""
    rows = session.execute(
        select(Place.external_id, Place.id, Place.digest).where(
            Place.organisation_id == organisation_id,
            Place.source == source,
            Place.external_id.in_(external_ids),
        )
    )
    return {external_id: (place_id, digest) for external_id, place_id, digest in rows}


def store_imported(session: Session, rows: Sequence[Mapping[str, object]]) -> dict[str, UUID]:
    """Insert or update imported places, in one statement for up to some thousand rows.

    A place once marked as sensitive stays so: an import may only add the mark, and only where
    nobody has decided on it by hand.

    Returns:
        The places' ids by their external ids.
    """
    statement = insert(Place)
    changes: dict[str, ColumnElement[Any]] = {
        column: statement.excluded[column] for column in IMPORTED
    }
    # What names no tags leaves those that a manager has given.
    named = statement.excluded.tags
    changes["tags"] = case((named == [], Place.tags), else_=named)
    marks = ~Place.sensitivity_by_hand & Place.sensitive_kind.is_(None)
    for column in ("sensitive_kind", "sensitive_at"):
        changes[column] = case((marks, statement.excluded[column]), else_=getattr(Place, column))
    stored = session.execute(
        statement.on_conflict_do_update(
            index_elements=[Place.organisation_id, Place.source, Place.external_id], set_=changes
        ).returning(Place.external_id, Place.id),
        rows,
        execution_options=WHOLE_ROWS,
    )
    return dict(stored.all())


def parents(session: Session, organisation_id: UUID) -> dict[UUID, UUID]:
    """Return of which other each of an organisation's places is part, of those that are."""
    rows = session.execute(
        select(Place.id, Place.parent_id).where(
            Place.organisation_id == organisation_id, Place.parent_id.is_not(None)
        )
    )
    return {place_id: parent_id for place_id, parent_id in rows if parent_id}


def store_parents(session: Session, parents_: Mapping[UUID, UUID]) -> None:
    """Store of which others places are part."""
    if parents_:
        rows = [
            {"id": place_id, "parent_id": parent_id} for place_id, parent_id in parents_.items()
        ]
        session.execute(update(Place), rows)


def hold(session: Session, place_id: UUID) -> Place:
    """Return a place that is known to exist, as it is now, and hold its row."""
    return session.get_one(Place, place_id, populate_existing=True, with_for_update=True)


def guarded(session: Session, *, ended_since: datetime, at: datetime) -> Sequence[Place]:
    """Return the places that are sensitive, or were until lately, in the order of their ids."""
    ended = and_(
        Place.sensitive_kind.is_not(None),
        Place.sensitive_until > ended_since,
        Place.sensitive_until <= at,
    )
    return session.scalars(
        select(Place).where(or_(Place.sensitive_at.is_not(None), ended)).order_by(Place.id)
    ).all()


def is_sensitive_at(at: datetime) -> ColumnElement[bool]:
    """Return the condition that a place is sensitive at a moment, even if nobody has noticed."""
    begun = or_(Place.sensitive_from.is_(None), Place.sensitive_from <= at)
    going_on = or_(Place.sensitive_until.is_(None), Place.sensitive_until > at)
    return and_(Place.sensitive_kind.is_not(None), begun, going_on)


def hold_due_marks(session: Session, *, at: datetime) -> Sequence[Place]:
    """Return the places whose mark begins or ends to hold, and hold their rows."""
    return session.scalars(
        select(Place)
        .where(
            Place.sensitive_kind.is_not(None),
            is_sensitive_at(at) != Place.sensitive_at.is_not(None),
        )
        .order_by(Place.id)
        .with_for_update()
    ).all()


def _fits(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.bbox is not None:
        conditions += _within(wanted.bbox)
    if wanted.category is not None:
        conditions.append(Place.category == wanted.category)
    if wanted.text is not None:
        conditions.append(Place.words.contains(wanted.text.lower(), autoescape=True))
    return conditions


def _within(bbox: Bbox) -> list[ColumnElement[bool]]:
    """Return the conditions that a point is in a box: one for the index, one that is exact."""
    centre, reach_m = centre_and_reach(bbox)
    flat = cast(Place.point, Geometry)
    lon, lat = func.ST_X(flat), func.ST_Y(flat)
    boxes = [
        and_(lon.between(west, east), lat.between(south, north))
        for west, south, east, north in halves(bbox)
    ]
    return [func.ST_DWithin(Place.point, point_at(centre), reach_m), or_(*boxes)]
