"""What is asked of events, their occurrences and sign-ups."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from geoservices.calendars.recurrence import Span
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.database import newest_first
from geoservices.events.models import Event, Occurrence, SignUp, SignUpState

GOING = SignUp.state == SignUpState.GOING
WAITING = SignUp.state == SignUpState.WAITING


def event_by_id(session: Session, event_id: UUID) -> Event | None:
    """Return an event as it is now, whatever the session has read of it before."""
    return session.scalars(
        select(Event).where(Event.id == event_id).execution_options(populate_existing=True)
    ).one_or_none()


def events_by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, Event]:
    """Return events by their ids."""
    return {event.id: event for event in session.scalars(select(Event).where(Event.id.in_(ids)))}


def hold_event(session: Session, event_id: UUID, *, to_change: bool = False) -> Event | None:
    """Return an event as it is now, which nobody else changes before the transaction ends.

    Several may hold it at once, unless to change it. Whoever also holds occurrences holds their
    event first.
    """
    return session.scalars(
        select(Event)
        .where(Event.id == event_id)
        .with_for_update(read=not to_change, key_share=to_change)
        .execution_options(populate_existing=True)
    ).one_or_none()


def hold_if_stored(session: Session, event_id: UUID, starts_at: datetime) -> Occurrence | None:
    """Return an occurrence that is stored, locked."""
    return session.scalars(_held(event_id, starts_at)).one_or_none()


def hold_occurrence(session: Session, event_id: UUID, span: Span) -> Occurrence:
    """Return an occurrence of an event that is held, locked, stored now if it was not.

    Whoever holds it also holds the person first, if anybody (`accounts.lock_people`).
    """
    session.execute(
        insert(Occurrence)
        .values(event_id=event_id, starts_at=span.starts_at, ends_at=span.ends_at)
        .on_conflict_do_nothing()
    )
    return session.scalars(_held(event_id, span.starts_at)).one()


def _held(event_id: UUID, starts_at: datetime) -> Select[Occurrence]:
    return (
        select(Occurrence)
        .where(Occurrence.event_id == event_id, Occurrence.starts_at == starts_at)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def hold_upcoming(
    session: Session, event_id: UUID, *, or_because: Collection[str], at: datetime
) -> Sequence[Occurrence]:
    """Return an event's stored occurrences that have not begun, locked.

    Of those that are cancelled, only the ones that are for some reasons.
    """
    return session.scalars(
        select(Occurrence)
        .where(
            Occurrence.event_id == event_id,
            Occurrence.starts_at > at,
            or_(Occurrence.cancelled_at.is_(None), Occurrence.reason.in_(or_because)),
        )
        .order_by(Occurrence.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def hold_upcoming_of(session: Session, person_id: UUID, *, at: datetime) -> Sequence[Occurrence]:
    """Return the occurrences ahead that a person signed up for, locked."""
    signed_up = select(SignUp.occurrence_id).where(SignUp.person_id == person_id)
    return session.scalars(
        select(Occurrence)
        .where(Occurrence.id.in_(signed_up), Occurrence.starts_at > at)
        .order_by(Occurrence.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def hold_by_id(session: Session, occurrence_id: UUID) -> Occurrence:
    """Return an occurrence, locked."""
    return session.scalars(
        select(Occurrence)
        .where(Occurrence.id == occurrence_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def stored(
    session: Session, of: Iterable[tuple[UUID, datetime]]
) -> dict[tuple[UUID, datetime], Occurrence]:
    """Return those occurrences that are stored, by their events and starts."""
    found = session.scalars(
        select(Occurrence)
        .where(tuple_(Occurrence.event_id, Occurrence.starts_at).in_(list(of)))
        .execution_options(populate_existing=True)
    )
    return {(one.event_id, one.starts_at): one for one in found}


def sign_up_by_id(session: Session, sign_up_id: UUID) -> tuple[SignUp, Occurrence] | None:
    """Return a sign-up and what it is for."""
    found = session.execute(
        select(SignUp, Occurrence)
        .join(Occurrence, Occurrence.id == SignUp.occurrence_id)
        .where(SignUp.id == sign_up_id)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def sign_up_for(session: Session, occurrence_id: UUID, person_id: UUID) -> SignUp | None:
    """Return a person's sign-up for an occurrence."""
    return session.scalars(
        select(SignUp).where(SignUp.occurrence_id == occurrence_id, SignUp.person_id == person_id)
    ).one_or_none()


def sign_ups_for(session: Session, occurrence_id: UUID) -> Sequence[SignUp]:
    """Return everybody's sign-ups for an occurrence, in their order."""
    return session.scalars(
        select(SignUp).where(SignUp.occurrence_id == occurrence_id).order_by(SignUp.number)
    ).all()


def sign_ups_among(
    session: Session, occurrence_ids: Collection[UUID], person_id: UUID
) -> dict[UUID, SignUp]:
    """Return a person's sign-ups for some occurrences, by these."""
    found = session.scalars(
        select(SignUp).where(
            SignUp.occurrence_id.in_(occurrence_ids), SignUp.person_id == person_id
        )
    )
    return {one.occurrence_id: one for one in found}


def sign_ups_of(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[SignUp, Occurrence, Event]]:
    """Return what a person signed up for, the newest sign-up first."""
    mine = select(SignUp).where(SignUp.person_id == person_id)
    page = newest_first(mine, SignUp.signed_up_at, SignUp.id, after=after, limit=limit)
    sign_ups = session.scalars(page).all()
    what_for = session.execute(
        select(Occurrence, Event)
        .join(Event, Event.id == Occurrence.event_id)
        .where(Occurrence.id.in_({one.occurrence_id for one in sign_ups}))
    )
    known = {occurrence.id: (occurrence, event) for occurrence, event in what_for}
    return [(one, *known[one.occurrence_id]) for one in sign_ups]


def positions(session: Session, sign_up_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the how manieth they are of those sign-ups that wait."""
    if not sign_up_ids:
        return {}
    ahead = aliased(SignUp)
    rows = session.execute(
        select(SignUp.id, func.count(ahead.id))
        .join(
            ahead,
            and_(
                ahead.occurrence_id == SignUp.occurrence_id,
                ahead.state == SignUpState.WAITING,
                ahead.number <= SignUp.number,
            ),
        )
        .where(SignUp.id.in_(sign_up_ids), WAITING)
        .group_by(SignUp.id)
    )
    return dict(rows.all())


def first_waiting(session: Session, occurrence_id: UUID, *, limit: int | None) -> Sequence[SignUp]:
    """Return those who have waited longest; None for everybody who waits."""
    return session.scalars(
        select(SignUp)
        .where(SignUp.occurrence_id == occurrence_id, WAITING)
        .order_by(SignUp.number)
        .limit(limit)
    ).all()


def count_anew(session: Session, occurrence: Occurrence) -> None:
    """Count who goes to an occurrence that is held, and who waits."""
    session.flush()
    occurrence.going, occurrence.waiting = session.execute(
        select(func.count().filter(GOING), func.count().filter(WAITING)).where(
            SignUp.occurrence_id == occurrence.id
        )
    ).one()
    session.flush()


def delete_sign_ups(session: Session, person_id: UUID, occurrence_ids: Collection[UUID]) -> None:
    """Delete a person's sign-ups for some occurrences."""
    session.execute(
        delete(SignUp).where(
            SignUp.person_id == person_id, SignUp.occurrence_id.in_(occurrence_ids)
        )
    )


def forget(session: Session, person_id: UUID) -> None:
    """Delete all of a person's sign-ups."""
    session.execute(delete(SignUp).where(SignUp.person_id == person_id))


def mark_attended(
    session: Session, check_in: CheckIn, person_id: UUID, *, early: timedelta
) -> None:
    """Note that a person came to what is on where they checked in, as far as they signed up.

    One statement, which changes nothing if it is run again.

    Args:
        session: The transaction of the check-in.
        check_in: What they said, and how much speaks for it.
        person_id: Whose it is.
        early: How long before the start one may come.
    """
    # As everywhere, what asks for a person's word is content with any.
    rank = max(Evidence(check_in.evidence).rank, Evidence.SELF_DECLARED.rank)
    here = select(Event.id).where(
        Event.place_id == check_in.place_id,
        Event.evidence_needed.in_([one for one in Evidence if one.rank <= rank]),
        Event.withdrawn_at.is_(None),
    )
    # Occurrences are held before sign-ups, as by whoever moves others up.
    held = (
        select(Occurrence.id, SignUp.id.label("sign_up_id"))
        .join(SignUp, SignUp.occurrence_id == Occurrence.id)
        .where(
            SignUp.person_id == person_id,
            SignUp.attended_at.is_(None),
            Occurrence.event_id.in_(here),
            Occurrence.cancelled_at.is_(None),
            Occurrence.starts_at - early <= check_in.claimed_at,
            Occurrence.ends_at > check_in.claimed_at,
        )
        .order_by(Occurrence.id)
        .with_for_update(of=Occurrence)
        .cte("held")
    )
    came = (
        update(SignUp)
        .where(SignUp.id == held.c.sign_up_id, SignUp.attended_at.is_(None))
        .values(attended_at=check_in.claimed_at)
        .returning(SignUp.occurrence_id)
        .cte("came")
    )
    session.execute(
        update(Occurrence)
        .where(Occurrence.id == came.c.occurrence_id)
        .values(attended=Occurrence.attended + 1),
        execution_options={"synchronize_session": False},
    )
