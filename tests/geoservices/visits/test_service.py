"""Visits followed through the tables: many devices, nested geofences, timers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.database import SessionFactory, transaction
from geoservices.geofences.live import LiveGeofences
from geoservices.geofences.models import Geofence
from geoservices.geometry.position import Position
from geoservices.places.models import Place
from geoservices.visits import queries
from geoservices.visits.models import Transition, Visit
from geoservices.visits.service import follow, follow_time
from geoservices.visits.stays import Made
from geoservices.visits.transitions import Phase, Reason, TransitionKind
from tests.factories import (
    EXETER,
    NOON,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
)
from tests.following import PRESENCE, Sighting, follow_sightings, sightings_of

ENTERED, DWELLED, EXITED = TransitionKind.ENTERED, TransitionKind.DWELLED, TransitionKind.EXITED
INSIDE, OUTSIDE, FAR = 0.0, 0.002, 0.02
"""Degrees north of the library: in it, some 130 m off, and 2 km off."""


@dataclass(slots=True)
class World:
    """A library on the test's own tables, and devices that walk about it."""

    session: Session
    place: Place
    live: LiveGeofences = field(default_factory=LiveGeofences)

    def device(self) -> UUID:
        """Make a device."""
        return make_device(self.session, make_person(self.session))[0].id

    def follow(self, *sightings: Sighting, minute: float | None = None) -> list[Made]:
        """Follow sightings, by default as the last of them comes in."""
        at = sightings[-1].at if minute is None else moment(minute)
        return follow_sightings(
            self.session,
            sightings,
            index=self.live.current(self.session),
            at=at,
        )

    def wait(self, minute: float, *, limit: int = 100) -> tuple[list[Made], int]:
        """Let time pass."""
        return follow_time(self.session, presence=PRESENCE, at=moment(minute), limit=limit)


@pytest.fixture
def world(session: Session) -> World:
    """A library of Devon's, still without a geofence."""
    return World(session, make_place(session, make_organisation(session)))


def moment(minute: float) -> datetime:
    """Return an instant by its minutes past noon."""
    return NOON + timedelta(minutes=minute)


def seen(
    device: UUID, minute: float, north: float, *, first: bool = False, accuracy_m: float | None = 8
) -> Sighting:
    """A device so many degrees north of the library."""
    position = Position(lon=EXETER[0], lat=EXETER[1] + north, accuracy_m=accuracy_m)
    return Sighting(device_id=device, at=moment(minute), position=position, first=first)


def told(made: list[Made]) -> list[tuple[UUID, TransitionKind]]:
    """What happened, in which geofence."""
    return [(one.geofence_id, one.change.kind) for one in made]


def kinds(made: list[Made]) -> list[TransitionKind]:
    """What happened."""
    return [one.change.kind for one in made]


def test_a_visit_is_stored_with_its_transitions(world: World) -> None:
    """From the first reading inside to the first one outside."""
    make_geofence(world.session, world.place)
    device = world.device()

    for minute, north in enumerate([FAR, INSIDE, INSIDE, *[OUTSIDE] * 4]):
        world.follow(seen(device, minute, north, first=minute == 0))

    [visit] = queries.visits_of(world.session, device, after=None, limit=10)
    transitions = queries.transitions_of(world.session, [visit.id])[visit.id]
    assert (visit.phase, visit.entered_at, visit.exited_at) == (Phase.ENDED, moment(1), moment(3))
    assert visit.exit_reason == Reason.OUTSIDE_FOR_LONG
    assert visit.place_id == world.place.id
    assert visit.initial is False
    assert [(one.kind, one.occurred_at) for one in transitions] == [
        (ENTERED, moment(1)),
        (EXITED, moment(3)),
    ]


def test_a_whole_visit_inside_one_batch_is_stored_as_ended(world: World) -> None:
    """A phone that was offline tells of it all at once, a second visit included."""
    make_geofence(world.session, world.place)
    device = world.device()
    walk = [FAR, INSIDE, OUTSIDE, OUTSIDE, FAR, INSIDE, INSIDE]

    made = world.follow(*(seen(device, minute, north) for minute, north in enumerate(walk)))

    visits = queries.visits_of(world.session, device, after=None, limit=10)
    assert kinds(made) == [ENTERED, EXITED, ENTERED]
    assert [visit.phase for visit in visits] == [Phase.INSIDE, Phase.ENDED]
    assert len(world.session.scalars(select(Transition)).all()) == 3


def test_one_batch_and_many_requests_come_to_the_same(world: World) -> None:
    """How a walk is cut into requests changes nothing."""
    make_geofence(world.session, world.place)
    walk = [FAR, *[INSIDE] * 6, OUTSIDE, INSIDE, *[FAR] * 4]
    whole, piecemeal = world.device(), world.device()

    at_once = world.follow(*(seen(whole, minute, north) for minute, north in enumerate(walk)))
    one_by_one = [
        made
        for minute, north in enumerate(walk)
        for made in world.follow(seen(piecemeal, minute, north))
    ]

    assert kinds(at_once) == [ENTERED, DWELLED, EXITED]
    assert [one.change for one in at_once] == [one.change for one in one_by_one]


def test_nested_geofences_are_entered_from_outside_and_left_from_inside(world: World) -> None:
    """Library within campus within town; and exits come before enters."""
    inner = make_geofence(world.session, world.place)
    outer = make_geofence(world.session, world.place, half_deg=0.004)
    middle = make_geofence(world.session, world.place, half_deg=0.0012)
    there = (EXETER[0], EXETER[1] + 0.05)
    next_door = make_geofence(world.session, world.place, at=there)
    device = world.device()

    came = world.follow(seen(device, 0, INSIDE))
    world.follow(*(seen(device, minute, 0.05, accuracy_m=300) for minute in (1, 2)))
    left = world.follow(seen(device, 4, 0.05))

    assert told(came) == [(outer.id, ENTERED), (middle.id, ENTERED), (inner.id, ENTERED)]
    assert told(left) == [
        (inner.id, EXITED),
        (middle.id, EXITED),
        (outer.id, EXITED),
        (next_door.id, ENTERED),
    ]


def test_a_stay_found_to_be_over_dwelled_before_it_ended(world: World) -> None:
    """A reading after a long silence tells all of it, in an order that makes sense."""
    make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE), seen(device, 3, INSIDE))

    made = world.follow(seen(device, 45, INSIDE))

    assert kinds(made) == [DWELLED, EXITED, ENTERED]
    assert [one.change.at for one in made] == [moment(5), moment(5), moment(45)]


def test_devices_are_followed_side_by_side(world: World) -> None:
    """Several devices in one call, each with its own visit."""
    make_geofence(world.session, world.place)
    one, two, three = (world.device() for _ in range(3))

    made = world.follow(
        seen(one, 0, INSIDE),
        seen(two, 0.1, FAR),
        seen(three, 0.2, INSIDE),
        seen(one, 1, FAR),
        seen(two, 1.1, INSIDE),
        seen(one, 2, FAR),
        seen(one, 4, FAR),
    )

    assert {
        device: [one.change.kind for one in made if one.device_id == device]
        for device in (one, two, three)
    } == {one: [ENTERED, EXITED], two: [ENTERED], three: [ENTERED]}


def test_a_suspicion_is_kept_and_dropped_unseen(world: World) -> None:
    """A marginal reading is remembered, shown to nobody, and deleted once it came to nothing."""
    make_geofence(world.session, world.place)
    device = world.device()

    made = world.follow(seen(device, 0, 0.00035, accuracy_m=50))
    remembered = world.session.scalars(select(Visit.phase)).all()
    shown = queries.visits_of(world.session, device, after=None, limit=10)
    world.follow(seen(device, 1, FAR), seen(device, 1.5, FAR))

    assert made == []
    assert remembered == [Phase.ARRIVING]
    assert shown == []
    assert world.session.scalars(select(Visit)).all() == []


def test_a_position_without_accuracy_is_taken_for_a_vague_one(world: World) -> None:
    """100 m is more than the library measures: it must be kept for 90 s."""
    make_geofence(world.session, world.place)
    device = world.device()

    first = world.follow(seen(device, 0, INSIDE, accuracy_m=None))
    second = world.follow(seen(device, 0.75, INSIDE, accuracy_m=None))
    kept = world.follow(seen(device, 1.5, INSIDE, accuracy_m=None))

    assert kinds([*first, *second]) == []
    assert [(one.change.reason, one.change.confidence) for one in kept] == [(Reason.KEPT_INSIDE, 2)]


def test_first_sight_marks_visit_and_transition(world: World) -> None:
    """Nobody saw the device come in."""
    make_geofence(world.session, world.place)

    [made] = world.follow(seen(world.device(), 0, INSIDE, first=True))

    assert made.initial
    assert world.session.scalars(select(Transition.initial)).all() == [True]
    assert world.session.scalars(select(Visit.initial)).all() == [True]


def test_a_geofence_deleted_in_the_middle_of_a_visit_ends_it_by_silence(world: World) -> None:
    """It is measured no more; nothing is invented, and nothing stays open for ever."""
    geofence = make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE))
    geofence.deleted_at = moment(0.5)
    world.session.flush()

    meanwhile = world.follow(seen(device, 1, FAR), seen(device, 2, FAR))
    late, _ = world.wait(31)

    assert meanwhile == []
    assert [one.change.kind for one in late if one.change.kind is EXITED] == [EXITED]
    assert world.session.scalars(select(Visit.exit_reason)).all() == [Reason.SILENCE]


def test_a_timer_waits_for_a_phone_that_reports_late(world: World) -> None:
    """What it saw far outside may be an error that its next batch puts right."""
    make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE))
    world.follow(seen(device, 1, FAR), seen(device, 1.2, FAR), minute=11.2)

    early, _ = world.wait(13.1)
    late, _ = world.wait(13.2)

    assert early == []
    assert [one.change.kind for one in late] == [EXITED]


def test_timers_dwell_confirm_and_close(world: World) -> None:
    """Each when due, each once; a timer that is not due looks at nothing."""
    make_geofence(world.session, world.place)
    dwells, leaves = world.device(), world.device()
    world.follow(seen(dwells, 0, INSIDE), seen(leaves, 0.1, INSIDE))
    world.follow(seen(leaves, 1, FAR), seen(leaves, 1.2, FAR))
    world.follow(seen(dwells, 2, INSIDE))

    none, looked_at = world.wait(3.1)
    confirmed, _ = world.wait(3.2)
    dwelled, _ = world.wait(5)
    again, _ = world.wait(5)
    silent, _ = world.wait(32)

    assert (none, looked_at) == ([], 0)
    assert [(one.device_id, one.change.kind) for one in confirmed] == [(leaves, EXITED)]
    assert [(one.device_id, one.change.kind) for one in dwelled] == [(dwells, DWELLED)]
    assert again == []
    assert [(one.device_id, one.change.kind) for one in silent] == [(dwells, EXITED)]
    assert world.wait(100) == ([], 0)


def test_one_reading_far_outside_waits_for_silence(world: World) -> None:
    """However far: the next look is when the device has not been seen there for long."""
    make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE), seen(device, 1, FAR))

    meanwhile = world.wait(29)
    silent, _ = world.wait(30)

    assert meanwhile == ([], 0)
    assert [(one.change.reason, one.change.at) for one in silent] == [(Reason.SILENCE, moment(0))]


def test_a_batch_that_comes_late_dwells_at_once(world: World) -> None:
    """The dwell's time has passed already when its readings arrive."""
    make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE), seen(device, 4, INSIDE), minute=8)

    made, _ = world.wait(8)

    assert kinds(made) == [DWELLED]
    assert made[0].change.at == moment(5)


def test_timers_take_the_earliest_first_and_no_more_than_asked(world: World) -> None:
    """Ten visits are due; a step takes so many, and the next one the rest."""
    make_geofence(world.session, world.place)
    devices = [world.device() for _ in range(10)]
    for minute in (0, 3):
        world.follow(*(seen(device, minute + n / 100, INSIDE) for n, device in enumerate(devices)))

    first, looked_at = world.wait(6, limit=4)
    rest, looked_at_then = world.wait(6, limit=100)

    assert [one.device_id for one in first] == devices[:4]
    assert [one.device_id for one in rest] == devices[4:]
    assert (looked_at, looked_at_then) == (4, 6)


def test_following_takes_as_many_statements_for_many_as_for_one(
    world: World, statements: list[str]
) -> None:
    """Intake is set-based."""
    make_geofence(world.session, world.place)
    devices = [world.device() for _ in range(60)]
    world.follow(seen(devices[0], 0, INSIDE))
    statements.clear()

    world.follow(*(seen(device, 1 + n / 100, INSIDE) for n, device in enumerate(devices)))

    assert len(statements) <= 6


def test_being_there_still_is_written_nowhere_but_with_the_device(
    world: World, statements: list[str]
) -> None:
    """Of all that a phone sends nearly all is this."""
    make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE), seen(device, 6, INSIDE))
    [before] = world.session.execute(select(Visit.__table__)).all()
    statements.clear()

    world.follow(*(seen(device, 7 + n, INSIDE) for n in range(20)))

    assert not any('"visits" SET' in statement for statement in statements)
    assert world.session.execute(select(Visit.__table__)).all() == [before]
    assert world.wait(55) == ([], 1)
    assert kinds(world.wait(57)[0]) == [EXITED]


def test_being_far_still_is_written_nowhere_but_with_the_device(
    world: World, statements: list[str]
) -> None:
    """The timer then counts from the last reading far outside, and not from the second."""
    make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE))
    world.follow(seen(device, 1, FAR), seen(device, 1.5, FAR))
    statements.clear()

    world.follow(seen(device, 2, FAR))
    world.follow(seen(device, 2.5, FAR))

    assert not any("visits SET" in statement for statement in statements)
    assert world.wait(3.5) == ([], 1)
    assert world.wait(4.4) == ([], 0)
    [left] = world.wait(4.5)[0]
    assert (left.change.kind, left.change.at) == (EXITED, moment(1))


def test_a_phone_that_reports_seldom_arrives_by_touching(world: World) -> None:
    """Its circles reach into the library for minutes, and its centre is never inside."""
    make_geofence(world.session, world.place)
    device = world.device()

    made = [
        one
        for minute in (0, 2, 4.5)
        for one in world.follow(seen(device, minute, 0.001, accuracy_m=90))
    ]

    assert [(one.change.at, one.change.reason, one.change.confidence) for one in made] == [
        (moment(0), Reason.WITHIN_REACH, 1)
    ]


def test_nothing_seen_asks_nothing(world: World, statements: list[str]) -> None:
    """A batch of nothing but late pings touches no visit."""
    index = world.live.current(world.session)
    nothing = sightings_of([], {}, {})
    statements.clear()

    made = follow(world.session, [], nothing, [], index=index, presence=PRESENCE, at=NOON)

    assert made == []
    assert statements == []


def test_visits_are_read_newest_first_page_by_page(world: World) -> None:
    """The key of the last row of a page begins the next one."""
    make_geofence(world.session, world.place)
    device = world.device()
    walk = [INSIDE, FAR, FAR, FAR] * 3
    world.follow(*(seen(device, minute, north) for minute, north in enumerate(walk)))

    page = queries.visits_of(world.session, device, after=None, limit=2)
    rest = queries.visits_of(
        world.session, device, after=(page[-1].entered_at, page[-1].id), limit=2
    )

    entered = [visit.entered_at for visit in [*page, *rest]]
    assert len(entered) == 3
    assert all(newer > older for newer, older in pairwise(entered))


def test_each_timer_fires_once_however_many_workers_look(committed: SessionFactory) -> None:
    """Two workers at the same time on connections of their own share the visits between them."""
    with transaction(committed) as session:
        world = World(session, make_place(session, make_organisation(session)))
        make_geofence(session, world.place)
        devices = [world.device() for _ in range(30)]
        for minute in (0, 3):
            walk = (seen(device, minute + n / 1000, INSIDE) for n, device in enumerate(devices))
            world.follow(*walk)
    start = Barrier(3)
    made: list[Made] = []

    def work() -> None:
        start.wait()
        for _ in range(20):
            with transaction(committed) as session:
                made.extend(follow_time(session, presence=PRESENCE, at=moment(6), limit=3)[0])

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(one.device_id for one in made) == sorted(devices)
    with committed() as session:
        dwelled = session.scalars(select(Transition).where(Transition.kind == DWELLED)).all()
        assert len(dwelled) == 30


def test_a_timer_passes_over_a_visit_that_is_being_followed(committed: SessionFactory) -> None:
    """It waits for no one: what intake holds is looked at in the next round."""
    with transaction(committed) as session:
        world = World(session, make_place(session, make_organisation(session)))
        make_geofence(session, world.place)
        device = world.device()
        world.follow(seen(device, 0, INSIDE), seen(device, 3, INSIDE))
    with committed() as intake, committed() as timer:
        accounts.lock_devices(intake, [device])

        meanwhile = follow_time(timer, presence=PRESENCE, at=moment(6), limit=10)
        intake.rollback()
        afterwards = follow_time(timer, presence=PRESENCE, at=moment(6), limit=10)

    assert meanwhile == ([], 0)
    assert kinds(afterwards[0]) == [DWELLED]


def test_visits_that_are_forgotten_leave_nothing(world: World) -> None:
    """Open ones and past ones, with every transition; those of others stay."""
    geofence = make_geofence(world.session, world.place)
    device, other = world.device(), world.device()
    walk = [INSIDE, FAR, FAR, FAR, INSIDE]
    world.follow(*(seen(device, minute, north) for minute, north in enumerate(walk)))
    world.follow(seen(other, 9, INSIDE))

    queries.forget(world.session, [device])

    left = world.session.execute(select(Visit.device_id, Visit.phase)).all()
    assert left == [(other, Phase.INSIDE)]
    assert world.session.scalars(select(Transition.device_id)).all() == [other]
    assert world.session.scalars(select(Geofence.id)).all() == [geofence.id]


def test_a_geofence_watched_no_more_makes_nobody_dwell(world: World) -> None:
    """Deleted or disabled: its visits end at their next timer, where they were last seen."""
    deleted = make_geofence(world.session, world.place)
    disabled = make_geofence(world.session, world.place, half_deg=0.0005)
    watched = make_geofence(world.session, world.place, half_deg=0.0006)
    device = world.device()
    world.follow(seen(device, 0, INSIDE), seen(device, 3, INSIDE))
    deleted.deleted_at = disabled.disabled_at = moment(3.5)
    world.session.flush()

    made, looked_at = world.wait(5)

    happened = {one.geofence_id: one.change for one in made}
    assert (looked_at, len(made)) == (3, 3)
    assert happened[watched.id].kind is DWELLED
    for geofence in (deleted, disabled):
        change = happened[geofence.id]
        assert (change.kind, change.reason, change.at) == (EXITED, Reason.SILENCE, moment(3))
    assert world.wait(5) == ([], 0)


def test_an_exit_seen_before_a_geofence_was_deleted_is_told_as_seen(world: World) -> None:
    """Its timer is that of the exit, and what was seen needs no guess."""
    geofence = make_geofence(world.session, world.place)
    device = world.device()
    world.follow(seen(device, 0, INSIDE), seen(device, 1, FAR), seen(device, 2, FAR))
    geofence.deleted_at = moment(2.5)
    world.session.flush()

    [made], _ = world.wait(4)

    assert (made.change.reason, made.change.at) == (Reason.OUTSIDE_FOR_LONG, moment(1))


def test_an_arrival_in_a_deleted_geofence_comes_to_nothing(world: World) -> None:
    """A mere suspicion is dropped."""
    geofence = make_geofence(world.session, world.place)
    world.follow(seen(world.device(), 0, 0.00035, accuracy_m=50))
    geofence.deleted_at = moment(0.5)
    world.session.flush()

    assert world.wait(31) == ([], 1)
    assert world.session.scalars(select(Visit)).all() == []
