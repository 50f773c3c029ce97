"""What is asked of phone apps' credentials and of the regions they watch."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Double, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device, Organisation
from geoservices.geofences.models import Geofence
from geoservices.geometry.position import Position
from geoservices.phones.models import HandedRegions, PhoneLink
from geoservices.places.models import Place
from geoservices.places.queries import point_at
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A watched geofence and how far it is, in metres; 0 inside."""

    id: UUID
    revision: int
    distance_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A geofence's area in degrees, its margin in metres, and the name of its place."""

    id: UUID
    name: str
    area: BaseGeometry
    margin_m: float


def link_by_token(session: Session, token_hash: bytes) -> tuple[PhoneLink, Device] | None:
    """Return the credential with this token and its device, neither of them revoked."""
    row = session.execute(
        select(PhoneLink, Device)
        .join(Device, Device.id == PhoneLink.device_id)
        .where(
            PhoneLink.token_hash == token_hash,
            PhoneLink.revoked_at.is_(None),
            Device.revoked_at.is_(None),
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


def links_of(session: Session, device_id: UUID) -> Sequence[PhoneLink]:
    """Return a device's credentials that are not revoked, oldest first."""
    return session.scalars(
        select(PhoneLink)
        .where(PhoneLink.device_id == device_id, PhoneLink.revoked_at.is_(None))
        .order_by(PhoneLink.created_at, PhoneLink.id)
    ).all()


def revoke(session: Session, link_ids: Collection[UUID], *, at: datetime) -> None:
    """Make credentials worthless; those that are stay as they were."""
    session.execute(
        update(PhoneLink)
        .where(PhoneLink.id.in_(link_ids), PhoneLink.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def link(session: Session, link_id: UUID, *, device_id: UUID) -> PhoneLink | None:
    """Return a device's credential, revoked or not."""
    return session.scalars(
        select(PhoneLink).where(PhoneLink.id == link_id, PhoneLink.device_id == device_id)
    ).one_or_none()


def nearest(session: Session, position: Position, *, limit: int) -> list[Near]:
    """Return the watched geofences nearest to a position, apart from those of sensitive places.

    Passing by a sensitive place never causes a message, and its name has no business on a
    phone's list. Where more than half of the nearest are such, fewer than `limit` are found.
    """
    distance_m: ColumnElement[float] = Geofence.area.op("<->", return_type=Double())(
        point_at(position)
    )
    # Only a bare order by distance is read off the spatial index; the rest is asked of a few.
    close = (
        select(Geofence.id, Geofence.revision, Geofence.place_id, distance_m.label("distance_m"))
        .where(Geofence.disabled_at.is_(None), Geofence.deleted_at.is_(None))
        .order_by(distance_m)
        .limit(2 * limit)
        .subquery()
    )
    rows = session.execute(
        select(close.c.id, close.c.revision, close.c.distance_m)
        .join(Place, Place.id == close.c.place_id)
        .where(Place.sensitive_at.is_(None))
        .order_by(close.c.distance_m, close.c.id)
        .limit(limit)
    )
    return [Near(id=id_, revision=revision, distance_m=far) for id_, revision, far in rows]


def outlines(session: Session, geofence_ids: Collection[UUID]) -> list[Outline]:
    """Return the outlines of geofences, in the order of their ids."""
    rows = session.execute(
        select(Geofence.id, Place.name, func.ST_AsBinary(Geofence.area), Geofence.margin_m)
        .join(Place, Place.id == Geofence.place_id)
        .where(Geofence.id.in_(geofence_ids))
        .order_by(Geofence.id)
    )
    return [
        Outline(id=id_, name=name, area=shapely.from_wkb(bytes(wkb)), margin_m=margin_m)
        for id_, name, wkb, margin_m in rows
    ]


def handed(session: Session, device_id: UUID) -> HandedRegions | None:
    """Return the marks of the regions that a device's phone was last given."""
    return session.get(HandedRegions, device_id, populate_existing=True)


def save_marks(
    session: Session, device_id: UUID, *, mark: bytes, cell: bytes, cell_m: int | None
) -> None:
    """Remember the marks of the regions that a device's phone is given now."""
    values = {"mark": mark, "cell": cell, "cell_m": cell_m}
    session.execute(
        insert(HandedRegions)
        .values(device_id=device_id, **values)
        .on_conflict_do_update(index_elements=[HandedRegions.device_id], set_=values)
    )


def forget_marks(session: Session, device_id: UUID) -> bool:
    """Forget that a device's phone was given regions; tell whether it was."""
    gone = session.execute(
        delete(HandedRegions)
        .where(HandedRegions.device_id == device_id)
        .returning(HandedRegions.device_id)
    )
    return gone.first() is not None


def places_of(session: Session, device_id: UUID) -> list[tuple[str, str]]:
    """Return the names of the places a device is at, each with its organisation's."""
    rows = session.execute(
        select(Place.name, Organisation.name)
        .join(Visit, Visit.place_id == Place.id)
        .join(Organisation, Organisation.id == Place.organisation_id)
        .where(
            Visit.device_id == device_id,
            Visit.exited_at.is_(None),
            Visit.phase != Phase.ARRIVING,
            Place.sensitive_at.is_(None),
        )
        .distinct()
        .order_by(Place.name, Organisation.name)
    )
    return [(place, organisation) for place, organisation in rows]
