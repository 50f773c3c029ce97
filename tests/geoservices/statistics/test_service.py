"""Days counted once, from real rows, and what is told of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.rights import Right
from geoservices.accounts.models import Consent, Organisation, Purpose
from geoservices.accounts.queries import person_of_device
from geoservices.database import SessionFactory, transaction
from geoservices.errors import NotFound
from geoservices.geofences.models import Geofence
from geoservices.places.models import Place
from geoservices.places.sensitivity import SensitiveKind
from geoservices.settings.privacy import StatisticsSettings
from geoservices.settings.service import Settings
from geoservices.statistics import service
from geoservices.statistics.counting import RangeRefused
from geoservices.statistics.models import CellRest, PlaceHour
from geoservices.visits.models import Visit
from geoservices.visits.transitions import Phase
from tests.counting import make_visit, make_visitors
from tests.factories import (
    EXETER,
    NOON,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
    may,
)
from tests.walking import SETTINGS as WALKING

READ = Right.STATISTICS_READ
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOON + 3 * DAY
SETTINGS: Settings = WALKING.model_copy(
    update={"statistics": StatisticsSettings.model_construct(smallest_count=3)}
)


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def geofence(session: Session, organisation: Organisation) -> Geofence:
    """The area round a library."""
    return make_geofence(session, make_place(session, organisation))


def count_all(session: Session, organisation: Organisation, *, at: datetime = LATER) -> list[str]:
    """Count every day that is over, and tell which."""
    days = []
    while day := service.count_next_day(session, organisation.id, settings=SETTINGS, at=at):
        days.append(day.isoformat())
    return days


def hours(session: Session) -> dict[datetime, int]:
    """What is told of hours."""
    return dict(session.execute(select(PlaceHour.starts_at, PlaceHour.people)).all())


def rests(session: Session) -> list[int]:
    """What is told of the rest."""
    return list(session.scalars(select(CellRest.people)))


def test_a_day_is_counted_a_day_after_its_end(session: Session, organisation: Organisation) -> None:
    """Days follow one another from the organisation's first, those with nobody in them too."""
    midnight = NOON + 12 * HOUR

    assert count_all(session, organisation, at=midnight + DAY - HOUR) == []
    assert count_all(session, organisation, at=midnight + DAY) == ["2026-03-04"]
    assert count_all(session, organisation, at=midnight + 3 * DAY) == ["2026-03-05", "2026-03-06"]


def test_people_are_counted_in_the_hour_they_came(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Each once, however often they came and however long they stayed."""
    visitors = make_visitors(session, 4)
    for number, device_id in enumerate(visitors):
        make_visit(session, geofence, device_id, NOON + timedelta(minutes=number))
        make_visit(session, geofence, device_id, NOON + timedelta(minutes=30 + number))

    count_all(session, organisation)

    assert hours(session) == {NOON: 3}
    assert rests(session) == []


def test_those_who_did_not_agree_are_not_counted(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Nor those who agreed only later, nor those who withdrew before the day was counted."""
    agreed = make_visitors(session, 2)
    silent = make_device(session, make_person(session, Purpose.NEARBY))[0].id
    late, gone = make_visitors(session, 2)
    for device_id in (*agreed, silent, late, gone):
        make_visit(session, geofence, device_id, NOON)
    _consent(session, late).given_at = NOON + HOUR
    _consent(session, gone).withdrawn_at = NOON + DAY
    session.flush()

    count_all(session, organisation)

    assert hours(session) == {}
    assert rests(session) == []


def test_what_comes_late_is_never_counted(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Whoever asked before and after would see what was added."""
    for device_id in make_visitors(session, 4):
        make_visit(session, geofence, device_id, NOON)
    count_all(session, organisation)
    before = told(session, organisation, geofence)
    for device_id in make_visitors(session, 20):
        make_visit(session, geofence, device_id, NOON)

    again = count_all(session, organisation, at=LATER + DAY)

    assert "2026-03-04" not in again
    assert told(session, organisation, geofence) == before


def test_whoever_is_one_of_a_few_changes_no_answer(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Asked before and after, on a day with and on one without them, everything says the same."""
    one, other = make_visitors(session, 2)
    make_visit(session, geofence, other, NOON)
    make_visit(session, geofence, other, NOON + DAY)
    make_visit(session, geofence, one, NOON + DAY)

    count_all(session, organisation, at=LATER + DAY)

    days = [told(session, organisation, geofence, at=NOON + number * DAY) for number in (0, 1)]
    assert days[0] == days[1] == ([None] * 6, [], None)


def test_withdrawing_later_changes_no_count(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """A count is nobody's; one that changed would tell who had been behind it."""
    visitors = make_visitors(session, 3)
    for device_id in visitors:
        make_visit(session, geofence, device_id, NOON)
    count_all(session, organisation)
    before = told(session, organisation, geofence)
    _consent(session, visitors[0]).withdrawn_at = LATER
    session.query(Visit).delete()

    assert told(session, organisation, geofence) == before


def test_sensitive_places_and_suspicions_are_left_out(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Of the rest of the cell too."""
    clinic = make_place(session, organisation, name="Clinic")
    clinic.sensitive_at, clinic.sensitive_kind = NOON, SensitiveKind.CLINIC
    around = make_geofence(session, clinic)
    for device_id in make_visitors(session, 5):
        make_visit(session, around, device_id, NOON)
        make_visit(session, geofence, device_id, NOON, phase=Phase.ARRIVING)

    count_all(session, organisation)

    assert hours(session) == {}
    assert rests(session) == []


def test_the_grid_tells_what_is_left_over_together(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Of a cell and day: what its hours tell, and the quiet hours as one."""
    visitors = make_visitors(session, 9)
    for number, device_id in enumerate(visitors):
        make_visit(session, geofence, device_id, NOON + max(0, number - 4) * HOUR)
    count_all(session, organisation)

    [cell] = service.grid(
        session, grant=may(organisation, READ), first=NOON.date(), last=NOON.date()
    )

    assert hours(session) == {NOON: 5}
    assert rests(session) == [3]
    assert (cell.day, cell.people) == (NOON.date(), 8)
    assert cell.west < EXETER[0] < cell.east
    assert cell.south < EXETER[1] < cell.north
    assert cell.east - cell.west == pytest.approx(0.011, rel=0.01)


def test_the_grid_is_of_ones_own_places(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Another organisation sees nothing of it; and a span has its limits."""
    other = make_organisation(session, "dorset")
    for device_id in make_visitors(session, 5):
        make_visit(session, geofence, device_id, NOON)
    count_all(session, organisation)
    day = NOON.date()

    assert service.grid(session, grant=may(other, READ), first=day, last=day) == []
    for last in (day - DAY, day + 31 * DAY):
        with pytest.raises(RangeRefused):
            service.grid(session, grant=may(organisation, READ), first=day, last=last)


def test_footfall_ends_where_counting_does(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """What is not counted is not told, and an hour with nobody looks like one with a few."""
    organisation.time_zone = "Asia/Kolkata"
    for device_id in make_visitors(session, 3):
        make_visit(session, geofence, device_id, NOON)
    before = _footfall(session, organisation, geofence.place_id)
    count_all(session, organisation)

    after = _footfall(session, organisation, geofence.place_id)

    assert before == []
    assert after[0][0] == "2026-03-04T17:00:00+05:30"
    assert [people for _starts_at, people in after[:3]] == [3, None, None]


@pytest.mark.parametrize("place", ["theirs", "nobody's"])
def test_another_organisations_place_is_none(
    session: Session, geofence: Geofence, place: str
) -> None:
    """Nor is one that does not exist."""
    other = make_organisation(session, "dorset")
    asked = geofence.place_id if place == "theirs" else UUID(int=1)

    with pytest.raises(NotFound):
        service.presence(session, asked, grant=may(other, READ), at=NOON)
    with pytest.raises(NotFound):
        service.footfall(session, asked, grant=may(other, READ), from_=NOON, until=NOON + HOUR)


def test_presence_is_told_by_the_quarter_hour_without_small_counts(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Those who agreed, by the place; nested geofences are not told apart."""
    inner = make_geofence(session, session.get_one(Place, geofence.place_id), half_deg=0.0001)
    visitors = make_visitors(session, 7)
    for device_id in visitors:
        make_visit(session, geofence, device_id, NOON, open_=True)
        make_visit(session, inner, device_id, NOON, open_=True)
    make_visit(session, geofence, make_visitors(session, 1)[0], NOON + 10 * HOUR, open_=True)
    at = NOON + timedelta(minutes=20)

    service.count_present(session, smallest=3, at=at)

    found = service.presence(session, geofence.place_id, grant=may(organisation, READ), at=at)
    assert (found.at, found.people) == (NOON + timedelta(minutes=15), 5)
    much_later = service.presence(
        session, geofence.place_id, grant=may(organisation, READ), at=at + HOUR
    )
    assert (much_later.at, much_later.people) == (None, None)


def test_an_empty_place_looks_like_one_with_a_few(
    session: Session, organisation: Organisation, geofence: Geofence
) -> None:
    """Asking again and again does not show when the first one comes."""
    seen = []
    for device_id in [None, *make_visitors(session, 2)]:
        if device_id:
            make_visit(session, geofence, device_id, NOON, open_=True)
        service.count_present(session, smallest=3, at=NOON)
        seen.append(
            service.presence(session, geofence.place_id, grant=may(organisation, READ), at=NOON)
        )

    assert len(set(map(repr, seen))) == 1


def test_two_workers_count_a_day_once(committed: SessionFactory) -> None:
    """The second passes it over while the first is at it, and finds it done afterwards."""
    with transaction(committed) as session:
        organisation = make_organisation(session)
        geofence = make_geofence(session, make_place(session, organisation))
        for device_id in make_visitors(session, 3):
            make_visit(session, geofence, device_id, NOON)
        count_all(session, organisation, at=NOON + 37 * HOUR)
    with committed() as first, committed() as second:
        one = service.count_next_day(first, organisation.id, settings=SETTINGS, at=LATER)
        two = service.count_next_day(second, organisation.id, settings=SETTINGS, at=LATER)
        first.commit()
        second.commit()

    assert one is not None
    assert two is None


def told(
    session: Session, organisation: Organisation, geofence: Geofence, *, at: datetime = NOON
) -> object:
    """Everything that anybody can ask about a day, without when that is."""
    footfall = _footfall(session, organisation, geofence.place_id, at=at)
    cells = service.grid(session, grant=may(organisation, READ), first=at.date(), last=at.date())
    there = service.presence(session, geofence.place_id, grant=may(organisation, READ), at=at)
    return [people for _starts_at, people in footfall], [one[1:] for one in cells], there.people


def _footfall(
    session: Session, organisation: Organisation, place_id: UUID, *, at: datetime = NOON
) -> Sequence[tuple[str, int | None]]:
    found = service.footfall(
        session,
        place_id,
        grant=may(organisation, READ),
        from_=at,
        until=at + 6 * HOUR,
    )
    return [(hour.starts_at.isoformat(), hour.people) for hour in found.hours]


def _consent(session: Session, device_id: UUID) -> Consent:
    person_id = person_of_device(session, device_id)
    return session.scalars(
        select(Consent).where(Consent.person_id == person_id, Consent.purpose == Purpose.STATISTICS)
    ).one()
