"""What takes place at a place, or what a person signed up for, gathered for other programs."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts.tokens import hash_token, make_token
from geoservices.agendas import queries
from geoservices.agendas.entries import Entry, Standing
from geoservices.agendas.models import CalendarLink
from geoservices.checkins.verification import Evidence
from geoservices.errors import NotFound, Unauthenticated
from geoservices.events.models import Event, Occurrence, SignUpState
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.scopes import confine

KEPT = timedelta(days=30)
"""What is over, or was called off, stays in an agenda for so long, so that programs notice."""
MOST = 1_000
"""Entries of one agenda."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """What stands in one calendar, and what it is called."""

    name: str
    entries: list[Entry]


def agenda_of_place(session: Session, place_id: UUID, *, at: datetime) -> Agenda:
    """Return the events of a place: those ahead, and what was on or called off lately.

    Raises:
        NotFound: There is no such place.
    """
    place = places.get_place(session, place_id)
    events = queries.events_at(session, place_id, since=at - KEPT, limit=MOST)
    return Agenda(place.name, _entries(session, [(event, place) for event in events]))


def agenda_of_event(session: Session, event_id: UUID) -> Agenda:
    """Return one event.

    Raises:
        NotFound: There is no such event.
    """
    found = queries.event_at_place(session, event_id)
    if found is None:
        raise NotFound("event")
    return Agenda(found[0].title, _entries(session, [found]))


def agenda_of_person(session: Session, token: str, *, at: datetime) -> Agenda:
    """Return what a person signed up for, and confine the transaction to what is theirs.

    Raises:
        Unauthenticated: Nobody has that link, or not any more.
    """
    person_id = queries.person_by_link(session, hash_token(token))
    if person_id is None:
        raise Unauthenticated("This link was revoked, or another took its place. Make a new one.")
    rows = queries.signed_up_for(session, person_id, since=at - KEPT, limit=MOST)
    confine(session, organisation_id=None, person_id=person_id)
    return Agenda(
        "My events",
        [
            _entry(
                event,
                place,
                occurrence=occurrence,
                standing=_standing(event, occurrence, SignUpState(sign_up.state)),
                stamped_at=sign_up.going_since or sign_up.signed_up_at,
            )
            for sign_up, occurrence, event, place in rows
        ],
    )


def make_link(session: Session, person_id: UUID, *, at: datetime) -> str:
    """Make a person's link in place of the one before, and return its secret."""
    token = make_token("calendar")
    queries.store_link(session, person_id, hash_token(token), at=at)
    return token


def get_link(session: Session, person_id: UUID) -> CalendarLink:
    """Return a person's link.

    Raises:
        NotFound: They have none.
    """
    link = queries.link_of(session, person_id)
    if link is None:
        raise NotFound("link")
    return link


def revoke_link(session: Session, person_id: UUID) -> None:
    """Make a person's link worthless; without one nothing changes."""
    queries.delete_links(session, [person_id])


def _entries(session: Session, events: list[tuple[Event, Place]]) -> list[Entry]:
    """Return events as entries, and each occurrence that was cancelled as one of its own."""
    cancelled = defaultdict[UUID, list[Occurrence]](list)
    for occurrence in queries.cancelled_of(session, [event.id for event, _ in events]):
        cancelled[occurrence.event_id].append(occurrence)
    entries = []
    for event, place in events:
        without = cancelled[event.id]
        # A single occurrence that is cancelled is all there is of its event, unless that was moved.
        only = event.rule is None and any(one.starts_at == event.starts_at for one in without)
        whole = event.withdrawn_at is not None or only
        excluded = {*event.excluded, *(one.starts_at for one in without if event.rule)}
        entries.append(
            _entry(
                event,
                place,
                excluded=tuple(sorted(excluded)),
                standing=Standing.CANCELLED if whole else Standing.CONFIRMED,
            )
        )
        if event.rule is not None and not whole:
            entries += [
                _entry(event, place, occurrence=one, standing=Standing.CANCELLED) for one in without
            ]
    return entries


def _entry(
    event: Event,
    place: Place,
    *,
    standing: Standing,
    excluded: tuple[datetime, ...] = (),
    occurrence: Occurrence | None = None,
    stamped_at: datetime | None = None,
) -> Entry:
    at = places.position_of(place)
    opens = Evidence(event.evidence_needed).rank <= Evidence.SELF_DECLARED.rank
    once = occurrence is not None or event.rule is None
    length = (
        event.length if event.ends_at is None or event.rule else event.ends_at - event.starts_at
    )
    return Entry(
        uid=str(event.id if occurrence is None else occurrence.id),
        revision=event.revision,
        stamped_at=_stamp(event, occurrence, stamped_at),
        starts_at=event.starts_at if occurrence is None else occurrence.starts_at,
        length=length if occurrence is None else occurrence.ends_at - occurrence.starts_at,
        time_zone=event.time_zone,
        rule=None if once else event.rule,
        excluded=() if once else excluded,
        title=event.title,
        text=event.text if opens else None,
        place=place.name,
        address=", ".join(filter(None, (place.address, place.postcode))) or None,
        lon=at.lon,
        lat=at.lat,
        url=place.website,
        standing=standing,
    )


def _stamp(event: Event, occurrence: Occurrence | None, stamped_at: datetime | None) -> datetime:
    called_off = occurrence.cancelled_at if occurrence is not None else None
    known = (event.created_at, event.changed_at, called_off, stamped_at)
    return max(filter(None, known))


def _standing(event: Event, occurrence: Occurrence, state: SignUpState) -> Standing:
    if event.withdrawn_at is not None or occurrence.cancelled_at is not None:
        return Standing.CANCELLED
    return Standing.CONFIRMED if state is SignUpState.GOING else Standing.TENTATIVE
