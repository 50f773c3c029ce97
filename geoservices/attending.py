"""Places at events taken, given up, moved up to and called off, and those told whom it concerns.

What one person does changes how others stand, whom they must not see: so the part of it that
concerns others is done for the service and not for the one who asks.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import SIGNING_UP
from geoservices.checkins.models import CheckIn
from geoservices.deliveries import service as deliveries
from geoservices.events import queries, reminder_queries, service, wording
from geoservices.events.models import Event, Occurrence, SignUp
from geoservices.events.service import Changed, Turnout
from geoservices.events.wording import Appointment, Words
from geoservices.listings.models import Listing
from geoservices.notifications.announcing import announce_listing
from geoservices.notifications.models import Notification
from geoservices.places import queries as places
from geoservices.scopes import everywhere

TOLD_FOR: Final = timedelta(days=2)
"""Word of a change is shown for so long at least, even if the occurrence would be over."""


def sign_up(
    session: Session,
    event_id: UUID,
    starts_at: datetime,
    *,
    person_id: UUID,
    sign_up_id: UUID | None,
    at: datetime,
) -> tuple[SignUp, Occurrence, int | None]:
    """Give a person a place, or let them wait for one; again changes nothing.

    Returns:
        The sign-up, what for, and the how manieth they are if they wait.

    Raises:
        ConsentMissing: They did not agree to what check-ins are kept for; nothing is stored.
        NotFound: There is no such event.
        NoSuchOccurrence: It does not begin then.
        SignUpNotOffered: Nobody signs up for it.
        OccurrenceOver: It has begun.
        SignUpClosed: It begins too soon.
        OccurrenceCancelled: It does not take place.
        IdTaken: The id belongs to another sign-up.
    """
    accounts.lock_people(session, [person_id])
    consents.require_consent(session, person_id, SIGNING_UP)
    service.get_event(session, event_id)
    with everywhere(session):
        made, occurrence = service.sign_up(
            session, event_id, starts_at, person_id=person_id, sign_up_id=sign_up_id, at=at
        )
        return made, occurrence, queries.positions(session, [made.id]).get(made.id)


def signed_up(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[SignUp, Occurrence, Event, int | None]]:
    """Return what a person signed up for, the newest sign-up first, and the how manieth they are.

    Args:
        session: The transaction to read in.
        person_id: Who.
        after: When the last one of the page before was made, and its id.
        limit: The most.
    """
    rows = queries.sign_ups_of(session, person_id, after=after, limit=limit)
    # Who is ahead of them is others' business, but how many are is theirs.
    with everywhere(session):
        positions = queries.positions(session, [one.id for one, _, _ in rows])
    return [(one, occurrence, event, positions.get(one.id)) for one, occurrence, event in rows]


def to_come(
    session: Session,
    event: Event,
    *,
    person_id: UUID | None,
    since: datetime,
    until: datetime | None,
    limit: int,
) -> list[tuple[Turnout, SignUp | None, int | None]]:
    """Return when an event takes place (`events.service.occurrences`), and how a person stands."""
    turnouts = service.occurrences(session, event, since=since, until=until, limit=limit)
    stored = [one.occurrence_id for one in turnouts if one.occurrence_id]
    own = queries.sign_ups_among(session, stored, person_id) if stored and person_id else {}
    with everywhere(session):
        positions = queries.positions(session, [one.id for one in own.values()])
    return [
        (turnout, mine, positions.get(mine.id) if mine else None)
        for turnout in turnouts
        for mine in (own.get(turnout.occurrence_id) if turnout.occurrence_id else None,)
    ]


def following(
    session: Session, listings: Sequence[Listing], *, person_id: UUID | None, at: datetime
) -> dict[UUID, tuple[Turnout, SignUp | None, int | None]]:
    """Return when the events among listings are on next, and how a person stands there."""
    events = [one for one in listings if isinstance(one, Event)]
    told = service.following(session, events, person_id=person_id, at=at)
    with everywhere(session):
        positions = queries.positions(session, [own.id for _, own in told.values() if own])
    return {
        id_: (turnout, own, positions.get(own.id) if own else None)
        for id_, (turnout, own) in told.items()
    }


def give_up(
    session: Session, sign_up_id: UUID, *, event_id: UUID, person_id: UUID, at: datetime
) -> None:
    """Give a place up; whoever waited longest moves up in the same transaction, and is told.

    Raises:
        NotFound: They have no such sign-up.
    """
    accounts.lock_people(session, [person_id])
    with everywhere(session):
        changed = service.give_up(
            session, sign_up_id, event_id=event_id, person_id=person_id, at=at
        )
        _tell(session, [changed], at)


def give_all_up(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Delete all sign-ups of a person who is held; those who waited move up, and are told."""
    with everywhere(session):
        _tell(session, service.give_all_up(session, person_id, at=at), at)


def cancel(
    session: Session,
    event_id: UUID,
    starts_at: datetime,
    *,
    reason: str,
    grant: Grant,
    at: datetime,
) -> tuple[Turnout, bool]:
    """Call an occurrence off, and tell everybody who signed up; again tells nobody.

    Returns:
        How it stands, and whether it was called off just now.

    Raises:
        NotFound: The organisation has no such event.
        NoSuchOccurrence: It does not begin then.
        OccurrenceOver: It has begun.
    """
    event = service.get_event_of(session, event_id, grant=grant)
    with everywhere(session):
        changed, made = service.cancel(session, event, starts_at, reason=reason, at=at)
        _tell(session, [changed], at)
    return service.turnout_of(event, changed.occurrence), made


def follow(session: Session, listing: Listing, *, at: datetime) -> None:
    """Let sign-ups follow what was said anew of a listing, or its end; only events have any."""
    if isinstance(listing, Event):
        with everywhere(session):
            _tell(session, service.follow(session, listing, at=at), at)


def attend(session: Session, check_in: CheckIn, *, person_id: UUID, early: timedelta) -> None:
    """Note that a person came to what they signed up for, if that is on where they checked in."""
    queries.mark_attended(session, check_in, person_id, early=early)


def remind(session: Session, *, at: datetime, limit: int) -> int:
    """Remind those whose occurrences begin soon, each once for each of an event's reminders.

    Returns:
        How many were.
    """
    due = reminder_queries.due(session, at=at, limit=limit)
    taken = reminder_queries.take(session, due, at=at) if due else []
    names = _names(session, [event for _, _, event in taken])
    made = [
        _announce(
            session,
            event,
            one.person_id,
            wording.reminder(_appointment(event, occurrence, names), at=at),
            expires_at=occurrence.starts_at,
            at=at,
        )
        for one, occurrence, event in taken
    ]
    deliveries.enqueue(session, made, at=at)
    return len(made)


def _tell(session: Session, changed: Sequence[Changed], at: datetime) -> None:
    events = queries.events_by_id(
        session, {one.occurrence.event_id for one in changed if one.for_anybody}
    )
    names = _names(session, list(events.values()))
    made = [
        _announce(session, event, one.person_id, words, expires_at=expires_at, at=at)
        for each in changed
        if (event := events.get(each.occurrence.event_id)) is not None
        for people, words, expires_at in _words(
            each, _appointment(event, each.occurrence, names), at
        )
        for one in people
    ]
    deliveries.enqueue(session, made, at=at)


def _words(
    changed: Changed, appointment: Appointment, at: datetime
) -> list[tuple[Sequence[SignUp], Words, datetime]]:
    occurrence = changed.occurrence
    because = wording.cancelled(appointment, occurrence.reason or "", at=at)
    return [
        (changed.moved_up, wording.moved_up(appointment, at=at), occurrence.starts_at),
        (changed.back_on, wording.back_on(appointment, at=at), occurrence.starts_at),
        (changed.called_off, because, max(occurrence.ends_at, at + TOLD_FOR)),
    ]


def _announce(
    session: Session,
    event: Event,
    person_id: UUID,
    words: Words,
    *,
    expires_at: datetime,
    at: datetime,
) -> Notification:
    return announce_listing(
        session,
        event,
        person_id,
        title=words.title,
        body=words.body,
        expires_at=expires_at,
        at=at,
    )


def _names(session: Session, events: Sequence[Event]) -> dict[UUID, str]:
    found = places.by_id(session, {event.place_id for event in events})
    return {id_: place.name for id_, place in found.items()}


def _appointment(event: Event, occurrence: Occurrence, names: dict[UUID, str]) -> Appointment:
    return Appointment(
        title=event.title,
        place=names[event.place_id],
        starts_at=occurrence.starts_at,
        time_zone=event.time_zone,
    )
