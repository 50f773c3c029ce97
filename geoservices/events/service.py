"""When events take place, and who has a place there.

Nobody is told anything here: what changes for people is returned, and `attending` tells them. How
many go is only ever changed by whoever holds the occurrence's row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.calendars.recurrence import Span, next_after, spans
from geoservices.errors import IdTaken, NotFound
from geoservices.events import queries
from geoservices.events.models import Event, Occurrence, SigningUp, SignUp, SignUpState
from geoservices.events.refusals import (
    NoSuchOccurrence,
    OccurrenceCancelled,
    OccurrenceOver,
    SignUpClosed,
    SignUpNotOffered,
)
from geoservices.instants import EARLIEST, LATEST, MICROSECOND, is_plannable
from geoservices.listings import service as listings

AHEAD: Final = timedelta(days=366)
"""So far ahead of `since` occurrences are looked for unless somebody says until when."""
WITHDRAWN: Final = "The event was withdrawn."
MOVED: Final = "The event takes place at other times now. Look there, and sign up anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnout:
    """One time that an event takes place, and how many come.

    `occurrence_id` is None as long as there is nothing to say of it that has to be stored.
    `capacity` and `places_left` are None where there is no limit. Who waits is counted in
    `waiting`, who came in `attended`, as far as they signed up.
    """

    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    occurrence_id: UUID | None = None
    going: int = 0
    waiting: int = 0
    attended: int = 0
    cancelled_because: str | None = None

    @property
    def places_left(self) -> int | None:
        """How many places are free; those who wait get them first."""
        return None if self.capacity is None else max(0, self.capacity - self.going)


@dataclass(frozen=True, slots=True)
class Changed:
    """An occurrence for whose people something changed, and these.

    Those were moved up, or it is called off for them, or takes place after all.
    """

    occurrence: Occurrence
    moved_up: Sequence[SignUp] = ()
    called_off: Sequence[SignUp] = ()
    back_on: Sequence[SignUp] = ()

    @property
    def for_anybody(self) -> bool:
        """Whether anybody is to be told."""
        return bool(self.moved_up or self.called_off or self.back_on)


def get_event(session: Session, event_id: UUID) -> Event:
    """Return an event that is not withdrawn.

    Raises:
        NotFound: There is none.
    """
    event = queries.event_by_id(session, event_id)
    if event is None or event.withdrawn_at is not None:
        raise NotFound("event")
    return event


def get_event_of(session: Session, event_id: UUID, *, grant: Grant) -> Event:
    """Return one of the organisation's events.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    event = queries.event_by_id(session, event_id)
    if event is None:
        raise NotFound("event")
    listings.get_listing(session, event_id, grant=grant)
    return event


def occurrences(
    session: Session, event: Event, *, since: datetime, until: datetime | None, limit: int
) -> list[Turnout]:
    """Return when an event takes place within [since, until), the earliest first.

    Args:
        session: The transaction to read in.
        event: Which.
        since: What has ended by then is left out.
        until: What begins then or later too; None for a year after `since`.
        limit: The most.
    """
    if event.series is None:
        return []
    from_ = min(max(since, EARLIEST), LATEST)
    until = min(until or from_ + AHEAD, LATEST)
    found = spans(since=from_, until=until, limit=limit, **event.series)
    known = queries.stored(session, [(event.id, span.starts_at) for span in found])
    return [_turnout(event, span, known.get((event.id, span.starts_at))) for span in found]


def following(
    session: Session, events: Iterable[Event], *, person_id: UUID | None, at: datetime
) -> dict[UUID, tuple[Turnout, SignUp | None]]:
    """Return when each event is on, or else is next, and what a person signed up for there.

    Two statements, however many the events are.
    """
    ahead: dict[UUID, tuple[Event, Span]] = {}
    for event in events:
        span = None if event.series is None else _on_or_next(event, at)
        if span is not None:
            ahead[event.id] = event, span
    known = queries.stored(session, [(id_, span.starts_at) for id_, (_, span) in ahead.items()])
    mine = (
        queries.sign_ups_among(session, [one.id for one in known.values()], person_id)
        if person_id is not None
        else {}
    )
    told: dict[UUID, tuple[Turnout, SignUp | None]] = {}
    for id_, (event, span) in ahead.items():
        occurrence = known.get((id_, span.starts_at))
        own = mine.get(occurrence.id) if occurrence else None
        told[id_] = _turnout(event, span, occurrence), own
    return told


def sign_up(
    session: Session,
    event_id: UUID,
    starts_at: datetime,
    *,
    person_id: UUID,
    sign_up_id: UUID | None,
    at: datetime,
) -> tuple[SignUp, Occurrence]:
    """Give a person a place, or let them wait for one; again changes nothing.

    Raises:
        NotFound: There is no such event.
        NoSuchOccurrence: It does not begin then.
        SignUpNotOffered: Nobody signs up for it.
        OccurrenceOver: It has begun.
        SignUpClosed: It begins too soon.
        OccurrenceCancelled: It does not take place.
        IdTaken: The id belongs to another sign-up.
    """
    occurrence = _hold(session, get_event(session, event_id), starts_at, at)
    known = queries.sign_up_for(session, occurrence.id, person_id)
    if known is not None:
        return known, occurrence
    if sign_up_id is not None and queries.sign_up_by_id(session, sign_up_id) is not None:
        raise IdTaken("sign-up")
    # Whoever held the occurrence may have changed the event.
    event = get_event(session, event_id)
    _check_open(event, occurrence, at)
    full = event.capacity is not None and occurrence.going >= event.capacity
    made = SignUp(
        id=sign_up_id or uuid4(),
        occurrence_id=occurrence.id,
        person_id=person_id,
        state=SignUpState.WAITING if full else SignUpState.GOING,
        signed_up_at=at,
        going_since=None if full else at,
    )
    session.add(made)
    queries.count_anew(session, occurrence)
    return made, occurrence


def give_up(
    session: Session, sign_up_id: UUID, *, event_id: UUID, person_id: UUID, at: datetime
) -> Changed:
    """Delete a person's sign-up; whoever waited longest gets the place, unless it has begun.

    Raises:
        NotFound: They have no such sign-up.
    """
    found = queries.sign_up_by_id(session, sign_up_id)
    if found is None or found[0].person_id != person_id or found[1].event_id != event_id:
        raise NotFound("sign-up")
    occurrence = queries.hold_by_id(session, found[1].id)
    queries.delete_sign_ups(session, person_id, [occurrence.id])
    return _free(session, occurrence, at)


def give_all_up(session: Session, person_id: UUID, *, at: datetime) -> list[Changed]:
    """Delete all of a person's sign-ups; those who waited get the places ahead."""
    held = queries.hold_upcoming_of(session, person_id, at=at)
    queries.forget(session, person_id)
    return [_free(session, occurrence, at) for occurrence in held]


def cancel(
    session: Session, event: Event, starts_at: datetime, *, reason: str, at: datetime
) -> tuple[Changed, bool]:
    """Say that an event does not take place once; again changes nothing.

    Returns:
        For whom that changes something, and whether it was cancelled just now.

    Raises:
        NotFound: There is no such event any more.
        NoSuchOccurrence: It does not begin then.
        OccurrenceOver: It has begun.
    """
    if queries.hold_event(session, event.id, to_change=True) is None:
        raise NotFound("event")
    span = _occurrence_at(event, starts_at, at)
    occurrence = queries.hold_occurrence(session, event.id, span)
    if occurrence.cancelled_at is not None:
        return Changed(occurrence), False
    if occurrence.starts_at <= at:
        raise OccurrenceOver
    event.note_change(at)
    return _call_off(session, occurrence, reason, at), True


def follow(session: Session, event: Event, *, at: datetime) -> list[Changed]:
    """Let the occurrences ahead follow what was said anew of their event, or its end.

    More places go to those who wait. What takes place no more is called off, and what was for that
    and takes place now is back on, with those who signed up; what somebody cancelled stays so.
    """
    session.flush()
    reason = MOVED if event.withdrawn_at is None else WITHDRAWN
    changed: list[Changed] = []
    for occurrence in queries.hold_upcoming(
        session, event.id, or_because=(MOVED, WITHDRAWN), at=at
    ):
        span = None if event.withdrawn_at else _starting(event, occurrence.starts_at)
        if span is not None:
            occurrence.ends_at = span.ends_at
            changed.append(_take_place(session, event, occurrence, at))
        elif occurrence.cancelled_at is None:
            changed.append(_call_off(session, occurrence, reason, at))
    return changed


def _hold(session: Session, event: Event, starts_at: datetime, at: datetime) -> Occurrence:
    """Return an occurrence of an event, locked, stored now if it was not.

    Whoever changes an event goes through its stored occurrences, and sees no others. So before one
    is stored the event is held, and asked again when it takes place.
    """
    _occurrence_at(event, starts_at, at)
    stored = queries.hold_if_stored(session, event.id, starts_at)
    if stored is not None:
        return stored
    if queries.hold_event(session, event.id) is None:
        raise NotFound("event")
    span = _occurrence_at(event, starts_at, at)
    return queries.hold_occurrence(session, event.id, span)


def _free(session: Session, occurrence: Occurrence, at: datetime) -> Changed:
    if occurrence.starts_at <= at:
        # What it came to stays.
        return Changed(occurrence)
    queries.count_anew(session, occurrence)
    event = queries.event_by_id(session, occurrence.event_id)
    if event is None or event.withdrawn_at is not None or occurrence.cancelled_at is not None:
        return Changed(occurrence)
    return _move_up(session, event, occurrence, at)


def _move_up(session: Session, event: Event, occurrence: Occurrence, at: datetime) -> Changed:
    free = None if event.capacity is None else event.capacity - occurrence.going
    if occurrence.waiting == 0 or (free is not None and free <= 0):
        return Changed(occurrence)
    moved = queries.first_waiting(session, occurrence.id, limit=free)
    for one in moved:
        one.state, one.going_since = SignUpState.GOING, at
    queries.count_anew(session, occurrence)
    return Changed(occurrence, moved_up=moved)


def _take_place(session: Session, event: Event, occurrence: Occurrence, at: datetime) -> Changed:
    if occurrence.cancelled_at is None:
        return _move_up(session, event, occurrence, at)
    occurrence.cancelled_at = occurrence.reason = None
    moved_up = _move_up(session, event, occurrence, at).moved_up
    told = {one.id for one in moved_up}
    rest = [one for one in queries.sign_ups_for(session, occurrence.id) if one.id not in told]
    return Changed(occurrence, moved_up=moved_up, back_on=rest)


def _call_off(session: Session, occurrence: Occurrence, reason: str, at: datetime) -> Changed:
    occurrence.cancelled_at, occurrence.reason = at, reason
    session.flush()
    return Changed(occurrence, called_off=queries.sign_ups_for(session, occurrence.id))


def _check_open(event: Event, occurrence: Occurrence, at: datetime) -> None:
    if event.sign_up == SigningUp.NONE:
        raise SignUpNotOffered
    if occurrence.starts_at <= at:
        raise OccurrenceOver
    closed_at = occurrence.starts_at - event.sign_up_closes
    if closed_at <= at:
        raise SignUpClosed(closed_at)
    if occurrence.cancelled_at is not None:
        raise OccurrenceCancelled(occurrence.reason or "")


def _starting(event: Event, starts_at: datetime) -> Span | None:
    if event.series is None or not is_plannable(starts_at):
        return None
    following = next_after(starts_at - MICROSECOND, **event.series)
    return following if following is not None and following.starts_at == starts_at else None


def _occurrence_at(event: Event, starts_at: datetime, at: datetime) -> Span:
    span = _starting(event, starts_at)
    if span is None:
        ahead = None if event.series is None else next_after(at, **event.series)
        raise NoSuchOccurrence(ahead.starts_at if ahead else None)
    return span


def _on_or_next(event: Event, at: datetime) -> Span | None:
    if event.series is None:
        return None
    on = spans(since=at, until=at + AHEAD, limit=1, **event.series)
    return on[0] if on else next_after(at, **event.series)


def turnout_of(event: Event, occurrence: Occurrence) -> Turnout:
    """Return how a stored occurrence stands."""
    return _turnout(event, Span(occurrence.starts_at, occurrence.ends_at), occurrence)


def _turnout(event: Event, span: Span, known: Occurrence | None) -> Turnout:
    if known is None:
        return Turnout(starts_at=span.starts_at, ends_at=span.ends_at, capacity=event.capacity)
    return Turnout(
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        capacity=event.capacity,
        occurrence_id=known.id,
        going=known.going,
        waiting=known.waiting,
        attended=known.attended,
        cancelled_because=known.reason,
    )
