"""What is asked for agendas."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Person
from geoservices.agendas.models import CalendarLink
from geoservices.events.models import Event, Occurrence, SignUp
from geoservices.places.models import Place


def events_at(session: Session, place_id: UUID, *, since: datetime, limit: int) -> Sequence[Event]:
    """Return the events of a place that were not over at an instant, the earliest first.

    Withdrawn ones are among them, unless they were withdrawn before it.
    """
    return session.scalars(
        select(Event)
        .where(
            Event.place_id == place_id,
            or_(Event.ends_at.is_(None), Event.ends_at > since),
            or_(Event.withdrawn_at.is_(None), Event.withdrawn_at > since),
        )
        .order_by(Event.starts_at, Event.id)
        .limit(limit)
    ).all()


def cancelled_of(session: Session, event_ids: Sequence[UUID]) -> Sequence[Occurrence]:
    """Return the occurrences of events that were cancelled."""
    return session.scalars(
        select(Occurrence)
        .where(Occurrence.event_id.in_(event_ids), Occurrence.cancelled_at.is_not(None))
        .order_by(Occurrence.starts_at, Occurrence.id)
    ).all()


def event_at_place(session: Session, event_id: UUID) -> tuple[Event, Place] | None:
    """Return an event and where it is."""
    found = session.execute(
        select(Event, Place).join(Place, Place.id == Event.place_id).where(Event.id == event_id)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def signed_up_for(
    session: Session, person_id: UUID, *, since: datetime, limit: int
) -> list[tuple[SignUp, Occurrence, Event, Place]]:
    """Return what a person signed up for that was not over at an instant, the earliest first."""
    rows = session.execute(
        select(SignUp, Occurrence, Event, Place)
        .join(Occurrence, Occurrence.id == SignUp.occurrence_id)
        .join(Event, Event.id == Occurrence.event_id)
        .join(Place, Place.id == Event.place_id)
        .where(SignUp.person_id == person_id, Occurrence.ends_at > since)
        .order_by(Occurrence.starts_at, Occurrence.id)
        .limit(limit)
    )
    return [(sign_up, occurrence, event, place) for sign_up, occurrence, event, place in rows]


def store_link(session: Session, person_id: UUID, token_hash: bytes, *, at: datetime) -> None:
    """Store a person's link in place of the one before."""
    offered = insert(CalendarLink).values(person_id=person_id, token_hash=token_hash, made_at=at)
    session.execute(
        offered.on_conflict_do_update(
            index_elements=[CalendarLink.person_id],
            set_={"token_hash": offered.excluded.token_hash, "made_at": offered.excluded.made_at},
        )
    )


def link_of(session: Session, person_id: UUID) -> CalendarLink | None:
    """Return a person's link."""
    return session.scalars(
        select(CalendarLink).where(CalendarLink.person_id == person_id)
    ).one_or_none()


def delete_links(session: Session, person_ids: Collection[UUID]) -> int:
    """Delete the links of people; return how many there were."""
    deleted = session.scalars(
        delete(CalendarLink)
        .where(CalendarLink.person_id.in_(person_ids))
        .returning(CalendarLink.person_id)
    )
    return len(deleted.all())


def person_by_link(session: Session, token_hash: bytes) -> UUID | None:
    """Return whose link it is, unless their organisation let them in no more."""
    return session.scalars(
        select(CalendarLink.person_id)
        .join(Person, Person.id == CalendarLink.person_id)
        .where(CalendarLink.token_hash == token_hash, Person.disabled_at.is_(None))
    ).one_or_none()
