"""What stands in the agendas of places, events and people."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Person, Purpose
from geoservices.agendas import service
from geoservices.agendas.entries import Entry, Standing
from geoservices.checkins.verification import Evidence
from geoservices.errors import NotFound, Unauthenticated
from geoservices.events.models import Event, Occurrence, SignUp, SignUpState
from geoservices.listings.models import ListingKind
from geoservices.places.models import Place
from tests.factories import NOON, make_listing, make_organisation, make_person, make_place

DAY = timedelta(days=1)
STARTS = datetime(2026, 3, 20, 10, tzinfo=UTC)


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A library of Devon's."""
    return make_place(session, organisation)


@pytest.fixture
def person(session: Session) -> Person:
    """A citizen."""
    return make_person(session, Purpose.CHECK_IN_CONTENT)


def make_event(session: Session, place: Place, **said: Any) -> Event:
    """An event of an hour, on the twentieth unless told."""
    told = {"starts_at": STARTS, "ends_at": STARTS + timedelta(hours=1), "text": "Come."}
    event = Event(
        organisation_id=place.organisation_id,
        place_id=place.id,
        evidence_needed=Evidence.SELF_DECLARED,
        created_at=NOON - DAY,
        time_zone="Europe/London",
        length=timedelta(hours=1),
        **(told | {"title": "Story time"} | said),
    )
    session.add(event)
    session.flush()
    return event


def make_weekly(session: Session, place: Place) -> Event:
    """One that comes again each week, without end, but for the second time."""
    return make_event(session, place, rule="FREQ=WEEKLY", ends_at=None, excluded=[STARTS + 7 * DAY])


def make_occurrence(session: Session, event: Event, starts_at: datetime = STARTS) -> Occurrence:
    """One that somebody signed up for."""
    assert event.length is not None
    occurrence = Occurrence(
        event_id=event.id, starts_at=starts_at, ends_at=starts_at + event.length
    )
    session.add(occurrence)
    session.flush()
    return occurrence


def sign_up(
    session: Session, occurrence: Occurrence, person: Person, *, waiting: bool = False
) -> None:
    """Let somebody have a place, or wait for one."""
    session.add(
        SignUp(
            occurrence_id=occurrence.id,
            person_id=person.id,
            state=SignUpState.WAITING if waiting else SignUpState.GOING,
            signed_up_at=NOON - DAY,
            going_since=None if waiting else NOON,
        )
    )
    session.flush()


def of_place(session: Session, place: Place) -> dict[str, Entry]:
    """The entries of a place, by title."""
    agenda = service.agenda_of_place(session, place.id, at=NOON)
    assert agenda.name == place.name
    return {entry.title: entry for entry in agenda.entries}


def test_what_is_ahead_and_what_was_lately(session: Session, place: Place) -> None:
    """Events alone; what is called off is marked for a month."""
    make_listing(session, place, kind=ListingKind.OFFER)
    make_event(session, place, title="Ahead")
    make_event(session, place, title="Lately", starts_at=NOON - 9 * DAY, ends_at=NOON - 8 * DAY)
    make_event(session, place, title="Long ago", starts_at=NOON - 99 * DAY, ends_at=NOON - 98 * DAY)
    make_event(session, place, title="Off", withdrawn_at=NOON - DAY)
    make_event(session, place, title="Long off", withdrawn_at=NOON - 99 * DAY)

    told = of_place(session, place)

    assert {title: entry.standing for title, entry in told.items()} == {
        "Ahead": Standing.CONFIRMED,
        "Lately": Standing.CONFIRMED,
        "Off": Standing.CANCELLED,
    }
    assert told["Off"].stamped_at == NOON - DAY


def test_what_a_check_in_unlocks_is_not_told(session: Session, place: Place) -> None:
    """Its title is."""
    event = make_event(session, place)
    assert of_place(session, place)["Story time"].text == "Come."

    event.evidence_needed = Evidence.INSIDE
    session.flush()

    assert of_place(session, place)["Story time"].text is None


def test_an_occurrence_that_is_called_off(session: Session, place: Place) -> None:
    """Is left out of its series, and told of by itself."""
    event = make_weekly(session, place)
    occurrence = make_occurrence(session, event, STARTS + 14 * DAY)
    occurrence.cancelled_at, occurrence.reason = NOON, "Snow"
    session.flush()

    series, off = service.agenda_of_place(session, place.id, at=NOON).entries

    assert series.uid == str(event.id)
    assert (series.rule, series.standing) == ("FREQ=WEEKLY", Standing.CONFIRMED)
    assert series.excluded == (STARTS + 7 * DAY, STARTS + 14 * DAY)
    assert (off.standing, off.starts_at, off.rule) == (
        Standing.CANCELLED,
        STARTS + 14 * DAY,
        None,
    )


def test_one_that_takes_place_once_is_called_off_whole(session: Session, place: Place) -> None:
    """It is told of once."""
    event = make_event(session, place)
    occurrence = make_occurrence(session, event)
    occurrence.cancelled_at, occurrence.reason = NOON, "Snow"
    session.flush()

    [entry] = service.agenda_of_event(session, event.id).entries

    assert (entry.uid, entry.standing) == (str(event.id), Standing.CANCELLED)


def test_one_that_was_moved_takes_place(session: Session, place: Place) -> None:
    """Though those who signed up for the time before were told that it is off then."""
    event = make_event(session, place)
    before = make_occurrence(session, event, STARTS - timedelta(hours=1))
    before.cancelled_at, before.reason = NOON, "Moved"
    session.flush()

    [entry] = service.agenda_of_event(session, event.id).entries

    assert (entry.standing, entry.starts_at) == (Standing.CONFIRMED, STARTS)


def test_what_is_not_there(session: Session) -> None:
    """Neither place nor event."""
    with pytest.raises(NotFound):
        service.agenda_of_place(session, uuid4(), at=NOON)
    with pytest.raises(NotFound):
        service.agenda_of_event(session, uuid4())


def test_what_a_person_signed_up_for(session: Session, place: Place, person: Person) -> None:
    """Theirs alone: who waits may come, and what is called off is marked."""
    weekly, once, off = (
        make_weekly(session, place),
        make_event(session, place, title="Chess"),
        make_event(session, place, title="Lego", withdrawn_at=NOON),
    )
    sign_up(session, make_occurrence(session, weekly, STARTS + 21 * DAY), person)
    waited_for = make_occurrence(session, once)
    sign_up(session, waited_for, person, waiting=True)
    sign_up(session, waited_for, make_person(session))
    sign_up(session, make_occurrence(session, off), person)
    sign_up(session, make_occurrence(session, weekly, NOON - 60 * DAY), person)
    token = service.make_link(session, person.id, at=NOON)

    agenda = service.agenda_of_person(session, token, at=NOON)

    assert {(one.title, one.standing, one.starts_at, one.rule) for one in agenda.entries} == {
        ("Chess", Standing.TENTATIVE, STARTS, None),
        ("Lego", Standing.CANCELLED, STARTS, None),
        ("Story time", Standing.CONFIRMED, STARTS + 21 * DAY, None),
    }


def test_a_link_is_worthless_once_it_is_revoked(session: Session, person: Person) -> None:
    """Or once another took its place, or its owner may sign in no more."""
    first = service.make_link(session, person.id, at=NOON)
    second = service.make_link(session, person.id, at=NOON)

    assert first not in str(service.get_link(session, person.id).token_hash)
    with pytest.raises(Unauthenticated):
        service.agenda_of_person(session, first, at=NOON)
    assert service.agenda_of_person(session, second, at=NOON).entries == []
    person.disabled_at = NOON
    session.flush()
    with pytest.raises(Unauthenticated):
        service.agenda_of_person(session, second, at=NOON)
    person.disabled_at = None
    service.revoke_link(session, person.id)
    service.revoke_link(session, person.id)
    with pytest.raises(Unauthenticated):
        service.agenda_of_person(session, second, at=NOON)
    with pytest.raises(NotFound):
        service.get_link(session, person.id)
