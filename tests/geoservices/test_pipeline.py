"""The whole flow: pings and check-ins in, people told."""

from datetime import datetime, timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import outbox, pipeline, receiving
from geoservices.access.rights import Role
from geoservices.accounts.models import Device, Purpose
from geoservices.accounts.service import ConsentMissing
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import Trigger
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import CONFIDENCE, Doubt, Evidence
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.errors import NotFound, Unauthenticated
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position
from geoservices.listings.models import ListingKind
from geoservices.notifications.models import Notification
from geoservices.outbox import OutboxMessage
from geoservices.pings.models import Ping
from geoservices.pings.screening import PingReport, Verdict
from geoservices.receiving import Intake, Sent
from geoservices.visits.models import Transition
from tests.factories import (
    EXETER,
    NOON,
    make_campaign,
    make_device,
    make_geofence,
    make_listing,
    make_person,
    make_place,
)
from tests.walking import (
    DWELLED,
    ENTERED,
    EXITED,
    FAR,
    INSIDE,
    SETTINGS,
    World,
    make_world,
    moment,
    ping,
    subscribe,
    verdicts,
)


def test_walking_in_is_told(world: World) -> None:
    """Ping, transition, message, decision, notification, delivery: one row each."""
    make_campaign(world.session, make_listing(world.session, world.place))
    subscribe(world)

    intake = world.walk(ping(-60, FAR), ping(0, INSIDE))
    [notification] = world.decide()

    [entered] = intake.transitions
    decision = world.session.scalars(select(Decision)).one()
    delivery = world.session.scalars(select(Delivery)).one()
    assert verdicts(intake) == [Verdict.ACCEPTED] * 2
    assert decision.transition_id == entered.id
    assert notification.decision_id == decision.id
    assert notification.person_id == world.person.id
    assert (delivery.notification_id, delivery.state) == (notification.id, DeliveryState.QUEUED)
    assert world.count(OutboxMessage) == 0


def test_a_task_finds_its_member_of_staff(world: World) -> None:
    """Pushed to whoever works there and passes by, and to no citizen."""
    task = make_listing(world.session, world.place, kind=ListingKind.TASK, title="Meter reading")
    make_campaign(world.session, task, audience=Role.STAFF, purpose=Purpose.STAFF_TASKS)
    worker = make_person(world.session, Purpose.STAFF_TASKS, organisation=world.organisation)
    worker.working_hours = "24/7"
    phone, _ = make_device(world.session, worker)

    world.walk(ping(0, INSIDE))
    world.walk(ping(0, INSIDE), device=phone)
    made = world.decide()

    assert [one.person_id for one in made] == [worker.id]


def test_deciding_again_does_nothing_again(world: World) -> None:
    """A job may run twice with the same messages."""
    make_campaign(world.session, make_listing(world.session, world.place))
    world.walk(ping(0, INSIDE))
    ids = list(world.session.scalars(select(OutboxMessage.id)))

    first = pipeline.decide(world.session, ids, settings=SETTINGS, at=moment(1))
    second = pipeline.decide(world.session, ids, settings=SETTINGS, at=moment(2))

    assert len(first) == 1
    assert second == []
    assert world.count(Notification) == 1


def test_messages_about_what_is_gone_are_done_with(world: World) -> None:
    """The visit was abandoned before the campaigns were asked."""
    make_campaign(world.session, make_listing(world.session, world.place))
    world.walk(ping(0, INSIDE))
    world.withdraw(Purpose.NEARBY)

    made = world.decide()

    assert made == []
    assert world.count(OutboxMessage) == 0


WALK = [
    (0, FAR),
    (30, 0.0005),
    (60, INSIDE),
    (90, INSIDE),
    (120, 0.0001),
    (400, INSIDE),
    (430, FAR),
    (460, INSIDE),
    (490, FAR),
    (520, FAR),
    (900, INSIDE),
]
CUTS = st.lists(st.integers(1, len(WALK) - 1), max_size=4, unique=True).map(sorted)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=CUTS, randomly=st.randoms(use_true_random=False), resent=st.booleans())
def test_however_a_walk_is_cut_shuffled_and_sent_again_it_is_one_walk(
    world: World, cuts: list[int], randomly: Any, *, resent: bool
) -> None:
    """Requests come in order of time, each in any order inside, and any of them once more."""
    pings = [ping(second, north) for second, north in WALK]
    requests = [pings[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    told: list[list[tuple[str, datetime]]] = []

    for plan in ([pings], requests):
        with world.session.begin_nested() as savepoint:
            for number, request in enumerate(plan):
                world.walk(*randomly.sample(request, len(request)))
                if resent:
                    world.walk(*plan[randomly.randint(0, number)])
            told.append(world.transitions())
            savepoint.rollback()

    assert told[0] == told[1]
    assert [kind for kind, _ in told[0]] == [ENTERED, DWELLED, EXITED, ENTERED]


def test_each_transition_is_announced_once_in_order(world: World) -> None:
    """The outbox holds them as they happened."""
    intake = world.walk(*(ping(second, north) for second, north in WALK))

    subjects = world.session.scalars(select(OutboxMessage.subject_id).order_by(OutboxMessage.id))
    assert subjects.all() == [made.id for made in intake.transitions]


@pytest.mark.parametrize(
    ("north", "evidence"),
    [
        pytest.param(INSIDE, Evidence.INSIDE, id="inside"),
        pytest.param(0.00045, Evidence.NEAR, id="on the pavement"),
        pytest.param(FAR, Evidence.SELF_DECLARED, id="from home"),
        pytest.param(None, Evidence.SELF_DECLARED, id="without a position"),
    ],
)
def test_a_check_in_is_graded_by_the_nearest_area_of_the_place(
    world: World, north: float | None, evidence: Evidence
) -> None:
    """A second, smaller geofence of the same place far off changes nothing."""
    far_off = (EXETER[0], EXETER[1] - 0.05)
    make_geofence(world.session, world.place, at=far_off, half_deg=0.0001)

    assert world.check_in(north=north).evidence == evidence


def test_every_grade_has_a_confidence_that_grows_with_it() -> None:
    """A person's word is 1 of 3, a fresh code or a clear position 3."""
    confidences = [CONFIDENCE[evidence] for evidence in Evidence]

    assert confidences == sorted(confidences)
    assert set(confidences) == {1, 2, 3}


def test_an_accuracy_too_good_to_be_true_is_no_proof_of_being_inside(world: World) -> None:
    """What counts as too good is a setting."""
    credible_m = SETTINGS.presence.credible_accuracy_m

    def accurate_to(accuracy_m: float) -> CheckIn:
        position = Position(lon=EXETER[0], lat=EXETER[1] + INSIDE, accuracy_m=accuracy_m)
        return world.check_in(position=position)

    doubted = accurate_to(credible_m - 0.1)

    assert doubted.evidence == Evidence.NEAR
    assert doubted.doubts == [Doubt.ACCURACY_TOO_GOOD]
    assert accurate_to(credible_m).evidence == Evidence.INSIDE


def test_a_check_in_is_told_with_the_confidence_of_its_evidence(world: World) -> None:
    """A person's word alone is no more than 1 of 3."""
    make_campaign(
        world.session,
        make_listing(world.session, world.place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
    )
    world.check_in(north=FAR)
    told_from_afar = world.decide()
    world.check_in()

    told = world.decide()

    gates = world.session.scalars(select(Decision.gate)).all()
    assert told_from_afar == []
    assert len(told) == 1
    assert sorted(map(str, gates)) == ["None", "confidence"]


def test_a_check_in_twice_is_announced_once(world: World) -> None:
    """A phone that heard no answer sends again."""
    id_ = uuid4()

    first, second = world.check_in(id=id_), world.check_in(id=id_)

    assert first.id == second.id
    assert world.count(OutboxMessage) == 1


def test_nobody_checks_in_where_there_is_nothing(world: World) -> None:
    """An unknown place, or one that has no watched area."""
    bare = make_place(world.session, world.organisation, name="Crediton Library")

    with pytest.raises(NotFound):
        world.check_in(place_id=uuid4())

    assert world.check_in(place_id=bare.id).evidence == Evidence.SELF_DECLARED


def test_dwelling_by_the_clock_is_announced_and_told(world: World) -> None:
    """No ping comes; the timer notices."""
    make_campaign(world.session, make_listing(world.session, world.place), trigger=Trigger.DWELLED)
    world.walk(ping(0, INSIDE), ping(150, INSIDE))
    world.decide(151)

    looked_at = world.wait(301)
    [told] = world.decide(302)

    assert looked_at == 1
    assert told.person_id == world.person.id
    assert world.transitions() == [(ENTERED, NOON), (DWELLED, moment(300))]
    assert world.wait(302) == 0


def test_news_that_come_too_late_are_recorded_and_not_pushed(world: World) -> None:
    """A batch from an hour ago: the visit is known, the decision says why it is silent."""
    make_campaign(world.session, make_listing(world.session, world.place))
    world.walk(ping(0, INSIDE), ping(150, INSIDE), ping(3600, FAR))

    made = world.decide(3601)

    assert made == []
    assert world.session.scalars(select(Decision.gate)).all() == ["age"]
    assert [kind for kind, _ in world.transitions()] == [ENTERED, DWELLED, EXITED]


def test_a_geofence_made_before_a_ping_is_never_missed(world: World) -> None:
    """The index is compared with the table in every transaction."""
    elsewhere = (EXETER[0], EXETER[1] + FAR)
    world.walk(ping(0, FAR))
    make_geofence(world.session, world.place, at=elsewhere)

    intake = world.walk(ping(10, FAR))

    assert [made.change.kind for made in intake.transitions] == [ENTERED]


def test_many_requests_at_once_take_a_handful_of_statements(
    world: World, statements: list[str]
) -> None:
    """A hundred devices with ten pings each, all of them entering."""
    phones = [make_device(world.session, world.person)[0] for _ in range(100)]
    sent = [sent_by(phone, *(ping(second, INSIDE) for second in range(10))) for phone in phones]
    world.live.current(world.session)
    statements.clear()

    taken = take_in(world.session, sent, live=world.live, at=moment(10))

    assert [[made.device_id for made in one.transitions] for one in taken] == [
        [phone.id] for phone in phones
    ]
    assert len(statements) <= 10


def test_a_request_that_is_refused_harms_no_other(world: World) -> None:
    """An unknown token and a person who agreed to nothing, between two welcome devices."""
    other = make_device(world.session, world.person)[0]
    stranger = make_device(world.session, make_person(world.session))[0]
    sent = [
        sent_by(world.device, ping(0, INSIDE)),
        Sent(token_hash=b"?" * 32, pings=[ping(0, INSIDE)]),
        sent_by(stranger, ping(0, INSIDE)),
        sent_by(other, ping(0, INSIDE)),
    ]

    first, unknown, unasked, last = receiving.take_in(
        world.session, sent, live=world.live, settings=SETTINGS, at=NOON
    )

    assert isinstance(unknown, Unauthenticated)
    assert isinstance(unasked, ConsentMissing)
    stored = world.session.scalars(select(Ping.device_id)).all()
    assert sorted(stored) == sorted([world.device.id, other.id])
    for answered in (first, last):
        assert isinstance(answered, Intake)
        assert [made.change.kind for made in answered.transitions] == [ENTERED]


def test_two_requests_of_one_device_each_get_their_own_transitions(world: World) -> None:
    """Taken in together, answered apart."""
    sent = [
        sent_by(world.device, ping(-60, FAR), ping(0, INSIDE)),
        sent_by(world.device, *(ping(second, FAR) for second in (60, 120, 180, 240))),
    ]

    came, went = take_in(world.session, sent, live=world.live, at=moment(240))

    assert [made.change.kind for made in came.transitions] == [ENTERED]
    assert [made.change.kind for made in went.transitions] == [EXITED]


def test_requests_of_the_same_device_wait_for_each_other(committed: SessionFactory) -> None:
    """Order is kept by the device's row: what is older than the first one's ping is late."""
    with transaction(committed) as session:
        device = make_world(session).device
    live = LiveGeofences()
    told: list[Intake] = []

    def send() -> None:
        with transaction(committed) as session:
            told.extend(take_in(session, [sent_by(device, ping(-30, FAR))], live=live))

    with committed() as first:
        take_in(first, [sent_by(device, ping(0, INSIDE))], live=live)
        second = Thread(target=send)
        second.start()
        second.join(timeout=0.2)
        waited = second.is_alive()
        first.commit()
        second.join()

    assert waited
    assert [verdicts(intake) for intake in told] == [[Verdict.LATE]]
    with committed() as session:
        assert session.scalars(select(Transition.kind)).all() == [ENTERED]


def test_the_outbox_is_written_in_the_same_transaction(committed: SessionFactory) -> None:
    """What is rolled back was never announced."""
    with transaction(committed) as session:
        device = make_world(session).device
    with committed() as session:
        take_in(session, [sent_by(device, ping(0, INSIDE))], live=LiveGeofences())
        session.rollback()

    with committed() as session:
        ids = outbox.DUE.hand_out(session, at=moment(1e9), lease=timedelta(1), limit=9)
        assert ids == []
        assert session.scalars(select(Ping.id)).all() == []


def sent_by(device: Device, *reports: PingReport) -> Sent:
    """A request with a device's pings."""
    return Sent(token_hash=device.token_hash, pings=reports)


def take_in(
    session: Session, sent: list[Sent], *, live: LiveGeofences, at: datetime = NOON
) -> list[Intake]:
    """Take in requests of which none is refused."""
    taken = receiving.take_in(session, sent, live=live, settings=SETTINGS, at=at)
    assert all(isinstance(one, Intake) for one in taken)
    return [one for one in taken if isinstance(one, Intake)]
