"""Members are located for their tasks in their working hours, and not outside of them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import receiving
from geoservices.accounts.models import Device, Person, Purpose
from geoservices.errors import Forbidden
from geoservices.outbox import OutboxMessage
from geoservices.pings.models import Ping
from geoservices.pings.screening import OFF_DUTY, OutsideWorkingHours, Verdict
from geoservices.shifts import service
from geoservices.shifts.service import WorkingHoursRefused
from geoservices.visits.models import Transition, Visit
from geoservices.visits.telling import Telling
from geoservices.visits.transitions import Phase, Reason, TransitionKind
from tests.factories import NOON, make_device, make_geofence, make_person
from tests.walking import INSIDE, World, make_world, moment, ping, verdicts

HOUR = timedelta(hours=1)
UNTIL_ONE = "Mo-Fr 09:00-13:00"


@pytest.fixture
def world(session: Session) -> World:
    """A library in London's time zone; noon is a Wednesday's."""
    return make_world(session)


@pytest.fixture
def member(world: World) -> Person:
    """Who agreed to tasks alone, and works until one."""
    member = make_person(world.session, Purpose.STAFF_TASKS, organisation=world.organisation)
    service.set_hours(member, UNTIL_ONE)
    world.session.flush()
    return member


@pytest.fixture
def phone(world: World, member: Person) -> Device:
    """The member's."""
    return make_device(world.session, member)[0]


def test_positions_are_taken_in_during_working_hours_alone(world: World, phone: Device) -> None:
    """Each ping by the time it was recorded, whenever it comes; the rest is not stored."""
    intake = world.walk(ping(0, INSIDE), ping(3599, INSIDE), ping(3600, INSIDE), device=phone)

    assert verdicts(intake) == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.REFUSED]
    assert intake.refusals == [0, 0, OFF_DUTY]
    assert world.count(Ping) == 2


def test_without_hours_nothing_is_taken_in(world: World, member: Person, phone: Device) -> None:
    """They are asked for first."""
    service.set_hours(member, None)
    world.session.flush()

    intake = world.walk(ping(0, INSIDE), device=phone)

    assert verdicts(intake) == [Verdict.REFUSED]
    for table in (Ping, Visit, Transition):
        assert world.count(table) == 0


def test_whoever_agreed_to_nearby_too_is_located_at_any_time(world: World) -> None:
    """They said so for themselves; their visits do not end with work."""
    member = make_person(
        world.session, Purpose.STAFF_TASKS, Purpose.NEARBY, organisation=world.organisation
    )
    service.set_hours(member, UNTIL_ONE)
    phone, _ = make_device(world.session, member)

    intake = world.walk(ping(7200, INSIDE), device=phone)
    ended = service.end_work(world.session, presence=world.settings.presence, at=NOON + 3 * HOUR)

    assert verdicts(intake) == [Verdict.ACCEPTED]
    assert ended == 0


def test_other_peoples_pings_in_the_same_batch_are_untouched(world: World, phone: Device) -> None:
    """A citizen has no working hours."""
    off_duty = world.walk(ping(7200, INSIDE), device=phone)
    citizen = world.walk(ping(7200, INSIDE))

    assert verdicts(off_duty) == [Verdict.REFUSED]
    assert verdicts(citizen) == [Verdict.ACCEPTED]


def test_what_the_phone_tells_keeps_to_the_hours_as_well(world: World, phone: Device) -> None:
    """It would say the same as positions."""
    geofence = make_geofence(world.session, world.place)
    tellings = [
        Telling(kind=TransitionKind.ENTERED, geofence_id=geofence.id, at=NOON + hours * HOUR)
        for hours in (0.5, 1.5)
    ]

    heard = receiving.hear(
        world.session,
        phone,
        tellings,
        live=world.live,
        settings=world.settings,
        at=NOON + 2 * HOUR,
    )

    assert [type(one) for one in heard.refusals] == [OutsideWorkingHours]
    assert len(heard.transitions) == 1


def test_open_visits_end_when_work_does(world: World, phone: Device) -> None:
    """Where they were last seen, with a reason, and nobody is told."""
    world.walk(ping(0, INSIDE), ping(600, INSIDE), device=phone)
    told = world.count(OutboxMessage)
    presence = world.settings.presence

    early = service.end_work(
        world.session, presence=presence, at=NOON + HOUR - timedelta(minutes=1)
    )
    on_time = service.end_work(world.session, presence=presence, at=NOON + HOUR)
    again = service.end_work(world.session, presence=presence, at=NOON + HOUR)

    world.session.expire_all()
    [visit] = world.session.scalars(select(Visit))
    assert (early, on_time, again) == (0, 1, 0)
    assert (visit.phase, visit.exited_at) == (Phase.ENDED, moment(600))
    assert visit.exit_reason == Reason.WORK_ENDED
    assert world.count(OutboxMessage) == told


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON, (True, NOON + HOUR, NOON + 21 * HOUR)),
        (NOON + 2 * HOUR, (False, None, NOON + 21 * HOUR)),
    ],
)
def test_a_member_sees_whether_they_are_located(
    world: World, phone: Device, at: datetime, expected: object
) -> None:
    """Until when, and from when next."""
    found = service.located(world.session, phone, at=at)

    assert (found.now, found.until, found.next_from) == expected


def test_a_citizen_is_located_as_long_as_they_agree(world: World) -> None:
    """No hours say when it ends."""
    agreed = service.located(world.session, world.device, at=NOON)
    world.withdraw(Purpose.NEARBY)

    assert (agreed.now, agreed.until) == (True, None)
    assert not service.located(world.session, world.device, at=NOON).now


def test_hours_that_cannot_be_read_are_refused(world: World, member: Person) -> None:
    """And citizens have none."""
    with pytest.raises(WorkingHoursRefused):
        service.set_hours(member, "nine to five")
    with pytest.raises(Forbidden):
        service.set_hours(world.person, UNTIL_ONE)
    assert member.working_hours == UNTIL_ONE
