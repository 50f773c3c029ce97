"""What is asked of listings."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, inspect, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.database import among, newest_first
from geoservices.listings.models import Listing, ListingKind
from geoservices.places.access_queries import reached

SOON: Final = timedelta(days=31)
"""Events that first begin later are in the place's calendar alone; it may have thousands."""


def insert_if_new(session: Session, listing: Listing) -> bool:
    """Store a listing, with what its kind has besides, unless its id is known; tell whether."""
    common, *own = inspect(type(listing)).tables
    stored = session.execute(
        insert(common).values(_row(listing, common)).on_conflict_do_nothing().returning(common.c.id)
    )
    made = stored.first() is not None
    for table in own if made else ():
        session.execute(insert(table).values(_row(listing, table)))
    return made


def _row(listing: Listing, table: FromClause) -> dict[str, Any]:
    """Return what a listing says for a table; of what it says nothing there is the default."""
    said = inspect(listing).dict
    return {column.key: said[column.key] for column in table.columns if column.key in said}


def is_current(at: datetime) -> ColumnElement[bool]:
    """Return the condition that a listing is on at an instant."""
    return and_(
        Listing.starts_at <= at,
        or_(Listing.ends_at.is_(None), Listing.ends_at > at),
        Listing.withdrawn_at.is_(None),
    )


def current_at(
    session: Session, place_id: UUID, *, tasks_of: UUID | None, at: datetime
) -> Sequence[Listing]:
    """Return what is on at a place, and events to come soon; of tasks an organisation's alone."""
    to_come = and_(
        Listing.kind == ListingKind.EVENT,
        Listing.starts_at > at,
        Listing.starts_at <= at + SOON,
        Listing.withdrawn_at.is_(None),
    )
    not_anothers = or_(Listing.kind != ListingKind.TASK, Listing.organisation_id == tasks_of)
    return session.scalars(
        select(Listing)
        .where(Listing.place_id == place_id, not_anothers, or_(is_current(at), to_come))
        .order_by(Listing.starts_at, Listing.id)
    ).all()


def for_people(
    session: Session, place_ids: Collection[UUID], *, since: datetime, until: datetime
) -> Sequence[Listing]:
    """Return the offers and events at places that may be on between two instants."""
    return session.scalars(
        select(Listing).where(
            among(Listing.place_id, place_ids),
            Listing.kind.in_([ListingKind.OFFER, ListingKind.EVENT]),
            Listing.withdrawn_at.is_(None),
            Listing.starts_at < until,
            or_(Listing.ends_at.is_(None), Listing.ends_at > since),
        )
    ).all()


def by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, Listing]:
    """Return listings by their ids."""
    found = session.scalars(select(Listing).where(Listing.id.in_(set(ids))))
    return {listing.id: listing for listing in found}


def withdraw_all(
    session: Session, place_id: UUID, organisation_id: UUID, *, at: datetime
) -> Sequence[UUID]:
    """Withdraw what an organisation has on at a place, now or later; return which that was."""
    return session.scalars(
        update(Listing)
        .where(
            Listing.place_id == place_id,
            Listing.organisation_id == organisation_id,
            Listing.withdrawn_at.is_(None),
            or_(Listing.ends_at.is_(None), Listing.ends_at > at),
        )
        .values(withdrawn_at=at)
        .returning(Listing.id)
    ).all()


def of_organisation(
    session: Session,
    grant: Grant,
    *,
    place_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Listing]:
    """Return an organisation's listings within reach, newest first, withdrawn ones too."""
    statement = select(Listing).where(
        Listing.organisation_id == grant.organisation_id, reached(Listing.place_id, grant)
    )
    if place_id:
        statement = statement.where(Listing.place_id == place_id)
    page = newest_first(statement, Listing.created_at, Listing.id, after=after, limit=limit)
    return session.scalars(page).all()
