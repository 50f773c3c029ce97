"""Counts of visits at a place, from real rows."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.errors import NotFound
from geoservices.geofences.models import Geofence
from geoservices.places.models import Place
from geoservices.visits import queries, statistics
from geoservices.visits.counting import LONGEST_STAY, Count, HourCounts
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase
from tests.factories import (
    NOON,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
    may,
)

HOUR = timedelta(hours=1)
BOUNDS = [NOON + number * HOUR for number in range(5)]
LATER = NOON + timedelta(days=2)


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A library."""
    return make_place(session, organisation)


@pytest.fixture
def geofence(session: Session, place: Place) -> Geofence:
    """The area round it."""
    return make_geofence(session, place)


def make_visit(
    session: Session,
    geofence: Geofence,
    entered_at: datetime,
    exited_at: datetime | None = None,
    *,
    device_id: UUID | None = None,
    phase: Phase | None = None,
) -> Visit:
    """A visit by a device of its own, unless told whose."""
    visit = Visit(
        device_id=device_id or make_device(session, make_person(session))[0].id,
        geofence_id=geofence.id,
        place_id=geofence.place_id,
        organisation_id=geofence.organisation_id,
        phase=phase or (Phase.ENDED if exited_at else Phase.INSIDE),
        phase_since=entered_at,
        entered_at=entered_at,
        seen_at=exited_at or entered_at,
        dwell_after=timedelta(minutes=5),
        exited_at=exited_at,
        confidence=2,
        initial=False,
        due_at=entered_at,
    )
    session.add(visit)
    session.flush()
    return visit


def counted(session: Session, place: Place, at: datetime = LATER) -> dict[int, HourCounts]:
    """The four hours from noon on."""
    return queries.count_by_hour(session, place.id, BOUNDS, longest=LONGEST_STAY, at=at)


def test_a_visit_counts_in_every_hour_it_touches(
    session: Session, place: Place, geofence: Geofence
) -> None:
    """It is entered in the first, exited in the last, and under way in those between too."""
    make_visit(session, geofence, NOON + 0.5 * HOUR, NOON + 2.5 * HOUR)

    once, never = Count(1, 1), Count()

    assert counted(session, place) == {
        0: HourCounts(entered=once, exited=never, visits=once),
        1: HourCounts(entered=never, exited=never, visits=once),
        2: HourCounts(entered=never, exited=once, visits=once),
    }


def test_who_came_before_and_went_after_was_there_all_along(
    session: Session, place: Place, geofence: Geofence
) -> None:
    """Neither end of the visit lies within the hours."""
    make_visit(session, geofence, NOON - HOUR, NOON + 9 * HOUR)

    found = counted(session, place)

    assert [found[hour].visits for hour in range(4)] == [Count(1, 1)] * 4
    assert {found[hour].entered for hour in range(4)} == {Count()}


def test_an_open_visit_lasts_until_now_and_never_longer_than_a_day(
    session: Session, place: Place, geofence: Geofence
) -> None:
    """Neither the future nor a phone that was left behind is footfall."""
    make_visit(session, geofence, NOON + 0.5 * HOUR)
    make_visit(session, geofence, NOON + 0.5 * HOUR - LONGEST_STAY)

    assert counted(session, place, NOON + 1.5 * HOUR).keys() == {0, 1}
    assert counted(session, place)[0].visits == Count(2, 2)
    assert counted(session, place)[3].visits == Count(1, 1)


def test_one_device_that_comes_and_goes_is_one_device(
    session: Session, place: Place, geofence: Geofence
) -> None:
    """Three visits, and nobody else."""
    device_id = make_device(session, make_person(session))[0].id
    for minutes in (0, 10, 20):
        begin = NOON + timedelta(minutes=minutes)
        make_visit(session, geofence, begin, begin + timedelta(minutes=5), device_id=device_id)

    expected = Count(3, 1)

    assert counted(session, place) == {
        0: HourCounts(entered=expected, exited=expected, visits=expected)
    }


def test_suspicions_and_other_places_do_not_count(
    session: Session, organisation: Organisation, place: Place, geofence: Geofence
) -> None:
    """A mere arrival is no visit."""
    make_visit(session, geofence, NOON, phase=Phase.ARRIVING)
    make_visit(session, make_geofence(session, make_place(session, organisation)), NOON)

    assert counted(session, place) == {}
    assert queries.count_inside(session, place.id) == {geofence.id: 0}


def test_the_query_counts_like_a_slow_count(
    session: Session, place: Place, geofence: Geofence
) -> None:
    """Visits of every length that begin at every third quarter of an hour of two days."""
    at = NOON + timedelta(hours=3, minutes=20)
    rows: list[tuple[datetime, datetime | None]] = []
    for number in range(64):
        begin = NOON - timedelta(hours=26) + number * timedelta(minutes=45)
        minutes = (7, 61, 300, 1439, 1441, None)[number % 6]
        end = None if minutes is None else begin + timedelta(minutes=minutes)
        if begin <= at and (end is None or end <= at):
            rows.append((begin, end))
            make_visit(session, geofence, begin, end)

    found = counted(session, place, at)

    for hour, (starts, ends) in enumerate(pairwise(BOUNDS)):
        lasted = [(begin, min(end or at, begin + LONGEST_STAY)) for begin, end in rows]
        exits = [end for begin, end in rows if end and end - begin < LONGEST_STAY]
        assert found.get(hour, HourCounts()) == HourCounts(
            visits=each_once(begin < ends and until >= starts for begin, until in lasted),
            entered=each_once(starts <= begin < ends for begin, _ in lasted),
            exited=each_once(starts <= end < ends for end in exits),
        )


def each_once(happened: Iterable[bool]) -> Count:
    """The count of what happened to one device each."""
    times = sum(happened)
    return Count(times, times)


def test_presence_is_told_for_each_watched_geofence(
    session: Session, organisation: Organisation, place: Place, geofence: Geofence
) -> None:
    """Those within now, by geofence; a deleted geofence is not listed."""
    inner, gone = make_geofence(session, place, half_deg=0.0001), make_geofence(session, place)
    gone.deleted_at = NOON
    for number in range(3):
        make_visit(session, geofence, NOON + number * HOUR)
    make_visit(session, inner, NOON)
    make_visit(session, geofence, NOON, NOON + HOUR)
    make_visit(session, gone, NOON)

    found = statistics.presence(session, place.id, grant=may(organisation), smallest=3)

    assert {one.geofence_id: one.devices for one in found} == {geofence.id: 3, inner.id: None}


def test_an_empty_geofence_looks_like_one_with_a_few_devices(
    session: Session, organisation: Organisation, place: Place, geofence: Geofence
) -> None:
    """Asking again and again does not show when the first one comes."""
    before = statistics.presence(session, place.id, grant=may(organisation), smallest=2)
    make_visit(session, geofence, NOON)
    after = statistics.presence(session, place.id, grant=may(organisation), smallest=2)

    assert before == after


def test_hours_are_those_of_the_organisations_time_zone(
    session: Session, organisation: Organisation, place: Place, geofence: Geofence
) -> None:
    """In Kolkata an hour begins at half past by UTC; an hour with nobody is told as 0."""
    organisation.time_zone = "Asia/Kolkata"
    begin = datetime(2026, 3, 4, 12, 40, tzinfo=UTC)
    make_visit(session, geofence, begin, begin + timedelta(minutes=10))

    found = statistics.footfall(
        session,
        place.id,
        grant=may(organisation),
        from_=NOON,
        until=NOON + 2 * HOUR,
        smallest=1,
        at=LATER,
    )

    assert found.time_zone == "Asia/Kolkata"
    assert [hour.starts_at.isoformat() for hour in found.hours] == [
        "2026-03-04T17:00:00+05:30",
        "2026-03-04T18:00:00+05:30",
        "2026-03-04T19:00:00+05:30",
    ]
    assert [hour.visits for hour in found.hours] == [0, 1, 0]


@pytest.mark.parametrize("place_id", ["theirs", "nobody's"])
def test_another_organisations_place_is_none(session: Session, place: Place, place_id: str) -> None:
    """Nor is one that does not exist."""
    other = make_organisation(session, "dorset")
    asked = place.id if place_id == "theirs" else uuid4()

    with pytest.raises(NotFound):
        statistics.presence(session, asked, grant=may(other), smallest=1)
    with pytest.raises(NotFound):
        statistics.footfall(
            session,
            asked,
            grant=may(other),
            from_=NOON,
            until=LATER,
            smallest=1,
            at=LATER,
        )
