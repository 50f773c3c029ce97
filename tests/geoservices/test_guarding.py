"""Sensitive places: watched no more, and nobody's being there kept."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices import guarding
from geoservices.access.actors import Actor, Grant
from geoservices.access.rights import Right
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import Trigger
from geoservices.database import SessionFactory
from geoservices.errors import NotFound
from geoservices.geofences.importing import import_places
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position
from geoservices.guarding import SensitivityRefused
from geoservices.notifications.models import Notification
from geoservices.pings.models import Ping
from geoservices.places.models import Place
from geoservices.places.sensitivity import SensitiveKind, Sensitivity, guess
from geoservices.places.service import PlaceRecord, is_sensitive
from geoservices.visits.models import Transition, Visit
from tests.factories import NOON, make_campaign, make_listing, make_organisation
from tests.walking import FAR, INSIDE, SETTINGS, World, make_world, moment, ping

CLINIC = Sensitivity(kind=SensitiveKind.CLINIC)
DAY = timedelta(days=1)
OLDEST = SETTINGS.intake.oldest


@pytest.fixture
def world(session: Session) -> World:
    """A library, for now, and a citizen who let their phone be located."""
    return make_world(session)


def grant(organisation_id: UUID) -> Grant:
    """That somebody may change places."""
    right = Right.PLACES_WRITE
    actor = Actor(rights=frozenset({right}), organisation_id=organisation_id)
    return Grant(actor=actor, right=right, organisation_id=organisation_id)


def mark(world: World, sensitivity: Sensitivity = CLINIC, second: float = 30) -> Place:
    """Mark the place."""
    allowed = grant(world.organisation.id)
    return guarding.mark(world.session, allowed, world.place.id, sensitivity, at=moment(second))


def test_marking_erases_what_is_known_of_being_there(world: World) -> None:
    """Visits, transitions, and what campaigns made of them; positions have their own time."""
    make_campaign(world.session, make_listing(world.session, world.place))
    world.walk(ping(0, INSIDE))
    told = world.decide()

    mark(world)

    assert len(told) == 1
    for table in (Visit, Transition, Decision, Notification):
        assert world.count(table) == 0
    assert world.count(Ping) == 1


def test_a_sensitive_place_makes_no_visit(world: World) -> None:
    """Its geofences are not compared with; unmarked, they are again."""
    mark(world)
    during = world.walk(ping(60, INSIDE))
    kept = world.count(Visit)
    guarding.unmark(world.session, grant(world.organisation.id), world.place.id, at=moment(70))
    after = world.walk(ping(120, INSIDE))

    assert (during.transitions, kept) == ([], 0)
    assert len(after.transitions) == 1


def test_a_process_that_has_the_geofences_already_lets_go_of_them(world: World) -> None:
    """The mark changes their revision, and so does an import's."""
    world.walk(ping(0, INSIDE))
    before = len(world.live.current(world.session).of_place(world.place.id))
    mark(world)

    assert before == 1
    assert len(world.live.current(world.session).of_place(world.place.id)) == 0


class StaleGeofences(LiveGeofences):
    """What a process holds that has not heard of the mark yet."""

    def __init__(self, held: GeofenceIndex) -> None:
        super().__init__()
        self.held = held

    def current(self, session: Session, revision: int | None = None) -> GeofenceIndex:  # noqa: ARG002
        """Return the geofences of before."""
        return self.held


def test_geofences_of_before_the_mark_keep_nothing(world: World) -> None:
    """Neither a visit, nor a transition, nor a crossing; no campaign hears of it."""
    make_campaign(world.session, make_listing(world.session, world.place))
    world.live = StaleGeofences(world.live.current(world.session))
    mark(world)

    world.walk(ping(60, INSIDE), ping(90, INSIDE))
    world.walk(ping(3600, -FAR), ping(3660, FAR))

    assert len(world.live.current(world.session).of_place(world.place.id)) == 1
    assert world.count(Visit) == world.count(Transition) == 0
    assert world.decide(second=3700) == []


def test_a_visit_does_not_go_on_by_geofences_of_before(world: World) -> None:
    """One that an import's mark found there dwells and ends without anybody's hearing of it."""
    world.walk(ping(0, INSIDE))
    world.live = StaleGeofences(world.live.current(world.session))
    world.place.sensitive_at, world.place.sensitive_kind = NOON, SensitiveKind.OTHER
    world.session.flush()
    before = world.count(Transition)

    world.wait(3600)

    assert (before, world.count(Transition)) == (1, 1)


def test_what_comes_in_while_the_mark_is_made_is_not_kept(committed: SessionFactory) -> None:
    """By another process, which neither waits for the mark nor has it wait."""
    with committed() as session, session.begin():
        world = make_world(session)
    with committed() as marking, committed() as intake:
        mark(replace(world, session=marking))
        there = replace(world, session=intake).walk(ping(60, INSIDE))
        intake.commit()
        marking.commit()
    with committed() as session:
        after = replace(world, session=session)
        kept = after.count(Visit), after.count(Transition)

    assert len(there.transitions) == 1
    assert kept == (0, 0)


def test_what_came_in_just_before_the_mark_is_erased_by_it(committed: SessionFactory) -> None:
    """The mark waits for whoever is about to store a visit, and sees it."""
    with committed() as session, session.begin():
        world = make_world(session)
    with committed() as intake, committed() as marking, ThreadPoolExecutor(1) as other:
        replace(world, session=intake).walk(ping(0, INSIDE))
        marked = other.submit(mark, replace(world, session=marking))
        waits = not wait([marked], timeout=0.5).done
        intake.commit()
        marked.result(timeout=10)
        marking.commit()
    with committed() as session:
        after = replace(world, session=session)
        kept = after.count(Visit), after.count(Transition)

    assert waits
    assert kept == (0, 0)


def test_a_mark_holds_within_its_time(world: World, sessions: SessionFactory) -> None:
    """A school is a polling place for a day; visits of other days stay."""
    polling = Sensitivity(kind=SensitiveKind.POLLING, from_=NOON + DAY, until=NOON + 2 * DAY)
    world.walk(ping(0, INSIDE))
    world.wait(3600)
    place = mark(world, polling, second=7200)
    world.session.commit()
    holds = []
    for hours in (23, 25, 47, 49):
        at = NOON + timedelta(hours=hours)
        guarding.guard(sessions, oldest=OLDEST, at=at)
        world.session.refresh(place)
        holds.append((place.sensitive_at is not None, is_sensitive(place, at)))

    assert holds == [(False, False), (True, True), (True, True), (False, False)]
    assert world.count(Visit) == 1


def test_the_job_erases_what_came_in_meanwhile(world: World, sessions: SessionFactory) -> None:
    """By geofences of a moment before, or before an import marked the place."""
    world.walk(ping(0, INSIDE))
    world.place.sensitive_at, world.place.sensitive_kind = NOON, SensitiveKind.OTHER
    world.session.commit()

    first = guarding.guard(sessions, oldest=OLDEST, at=moment(60))
    second = guarding.guard(sessions, oldest=OLDEST, at=moment(120))

    assert (first.devices, second.devices) == (1, 0)
    assert world.count(Visit) == world.count(Transition) == 0


def test_what_phones_tell_late_of_a_marks_time_is_erased(
    world: World, sessions: SessionFactory
) -> None:
    """The mark has ended, so the geofence is watched again; who comes now is noticed."""
    polling = Sensitivity(kind=SensitiveKind.POLLING, until=moment(3600))
    mark(world, polling)
    world.session.commit()
    guarding.guard(sessions, oldest=OLDEST, at=moment(3600))
    world.session.expire_all()
    kept = []
    for recorded in (1800, 4000):
        world.walk(ping(recorded, INSIDE))
        world.session.commit()
        before = world.count(Visit)
        guarding.guard(sessions, oldest=OLDEST, at=moment(4100))
        kept.append((before, world.count(Visit), world.count(Transition)))

    assert kept == [(1, 0, 0), (1, 1, 1)]


def test_nobody_marks_a_place_of_others(world: World) -> None:
    """It looks as if it was not there."""
    other = make_organisation(world.session, "dorset")

    for do in (
        lambda allowed: guarding.mark(world.session, allowed, world.place.id, CLINIC, at=NOON),
        lambda allowed: guarding.unmark(world.session, allowed, world.place.id, at=NOON),
    ):
        with pytest.raises(NotFound):
            do(grant(other.id))


@pytest.mark.parametrize(
    ("from_", "until"), [(None, NOON), (NOON + DAY, NOON + DAY), (NOON + 2 * DAY, NOON + DAY)]
)
def test_a_mark_that_would_never_hold_is_refused(
    world: World, from_: object, until: object
) -> None:
    """Over before it begins, or already."""
    sensitivity = Sensitivity(kind=SensitiveKind.POLLING, from_=from_, until=until)  # type: ignore[arg-type]

    with pytest.raises(SensitivityRefused):
        mark(world, sensitivity)


def test_an_import_adds_the_mark_unless_somebody_took_it_away(world: World) -> None:
    """And a geofence that a manager drew is watched no more either."""
    record = PlaceRecord(
        external_id="church",
        name="St Petroc",
        category="place_of_worship",
        point=Position(lon=-3.6, lat=50.6),
        time_zone="Europe/London",
        sensitive=SensitiveKind.WORSHIP,
    )
    place_id = _import(world, record)
    live = LiveGeofences()
    watched = [len(live.current(world.session).of_place(place_id))]
    guarding.unmark(world.session, grant(world.organisation.id), place_id, at=NOON)
    watched.append(len(live.current(world.session).of_place(place_id)))
    _import(world, replace(record, name="St Petroc's"))
    watched.append(len(live.current(world.session).of_place(place_id)))

    assert watched == [0, 1, 1]
    assert (
        world.session.scalars(select(func.count()).where(Place.sensitive_kind.is_not(None))).one()
        == 0
    )


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"amenity": "place_of_worship"}, SensitiveKind.WORSHIP),
        ({"amenity": "hospital"}, SensitiveKind.CLINIC),
        ({"healthcare": "midwife"}, SensitiveKind.CLINIC),
        ({"amenity": "courthouse"}, SensitiveKind.COURT),
        ({"amenity": "social_facility", "social_facility": "shelter"}, SensitiveKind.SHELTER),
        ({"category": "clinic"}, SensitiveKind.CLINIC),
        ({"category": "courthouse"}, SensitiveKind.COURT),
        ({"amenity": "shelter"}, None),
        ({"amenity": "library"}, None),
        ({"category": "other"}, None),
        ({}, None),
    ],
)
def test_tags_tell_what_is_sensitive(
    properties: dict[str, str], kind: SensitiveKind | None
) -> None:
    """A roof at a bus stop is no refuge."""
    assert guess(properties) is kind


def test_passing_a_sensitive_place_sets_no_campaign_off(world: World) -> None:
    """Not even for a moment before anybody noticed that the mark began to hold."""
    make_campaign(world.session, make_listing(world.session, world.place), trigger=Trigger.ENTERED)
    world.walk(ping(0, INSIDE))
    world.place.sensitive_kind = SensitiveKind.POLLING
    world.place.sensitive_from = NOON - DAY
    world.session.flush()

    assert world.decide() == []


def _import(world: World, record: PlaceRecord) -> UUID:
    [upserted] = import_places(
        world.session,
        world.organisation.id,
        "tests",
        [record],
        margin_m=0,
        radius_m=40,
        dwell_after=timedelta(minutes=5),
        at=NOON,
    )
    return upserted.place_id
