"""Without consent nothing is stored, and a withdrawal deletes at once."""

from threading import Thread

import pytest
from sqlalchemy import select

from geoservices import pipeline, receiving, withdrawing
from geoservices.accounts.models import Device, Person, Purpose
from geoservices.accounts.service import ConsentMissing
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import Trigger
from geoservices.checkins.models import CheckIn
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.receipts import receipt_key
from geoservices.geofences.live import LiveGeofences
from geoservices.notifications.models import Notification, NotificationKind
from geoservices.outbox import OutboxMessage
from geoservices.pings.models import Ping
from geoservices.push.gateway import Outcome, OutcomeKind
from geoservices.subscriptions.models import Subscription
from geoservices.visits.models import Transition, Visit
from tests.factories import (
    NOON,
    make_campaign,
    make_device,
    make_listing,
    make_person,
)
from tests.walking import INSIDE, SETTINGS, World, make_world, moment, ping, subscribe


def test_without_consent_nothing_is_stored(world: World) -> None:
    """Neither pings nor check-ins; the other purpose does not cover them."""
    for purpose in (Purpose.NEARBY, Purpose.CHECK_IN_CONTENT):
        world.withdraw(purpose)

    with pytest.raises(ConsentMissing):
        world.walk(ping(0, INSIDE))
    with pytest.raises(ConsentMissing):
        world.check_in()

    for table in (Ping, Visit, Transition, CheckIn, OutboxMessage):
        assert world.count(table) == 0


def test_withdrawing_deletes_positions_and_visits_at_once(world: World) -> None:
    """Of every device of the person's, revoked ones too; nobody else's."""
    old_phone, _ = make_device(world.session, world.person)
    other = make_person(world.session, Purpose.NEARBY)
    theirs, _ = make_device(world.session, other)
    for device in (world.device, old_phone, theirs):
        world.walk(ping(0, INSIDE), device=device)
    old_phone.revoked_at = moment(1)
    world.session.flush()

    ended = world.withdraw(Purpose.NEARBY)

    assert ended
    for table in (Ping, Visit):
        assert world.session.scalars(select(table.device_id)).all() == [theirs.id]
    # What a phone still holds of the time before is late from now on.
    until = world.session.execute(select(Device.id, Device.followed_until))
    assert dict(until.all()) == {
        world.device.id: moment(60),
        old_phone.id: moment(60),
        theirs.id: moment(0),
    }
    assert world.session.scalars(select(Device.id).where(Device.fix_lon.is_not(None))).all() == [
        theirs.id
    ]
    with pytest.raises(ConsentMissing):
        world.walk(ping(90, INSIDE))


def test_what_another_consent_covers_stays(world: World) -> None:
    """Staff who also agreed to tasks go on being located for those."""
    worker = make_person(
        world.session, Purpose.NEARBY, Purpose.STAFF_TASKS, organisation=world.organisation
    )
    phone, _ = make_device(world.session, worker)
    world.walk(ping(0, INSIDE), device=phone)

    withdrawing.withdraw_consent(world.session, worker, Purpose.NEARBY, at=moment(60))

    assert world.count(Ping) == world.count(Visit) == 1


def test_withdrawing_what_was_not_given_deletes_nothing(world: World) -> None:
    """And says so."""
    world.walk(ping(0, INSIDE))

    ended = world.withdraw(Purpose.STAFF_TASKS)

    assert not ended
    assert world.count(Ping) == 1


def test_withdrawing_calls_back_what_waits_to_be_sent(world: World) -> None:
    """Nobody is pushed to for a purpose they no longer agree to."""
    make_campaign(
        world.session,
        make_listing(world.session, world.place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
    )
    subscribe(world)
    world.check_in()
    world.decide()
    [delivery_id] = world.session.scalars(select(Delivery.id))

    world.withdraw(Purpose.CHECK_IN_CONTENT)
    world.session.expire_all()

    claimed = deliveries.claim(
        world.session,
        [delivery_id],
        push=SETTINGS.push,
        public_url=SETTINGS.public_url,
        receipt_key=receipt_key(SETTINGS),
        at=moment(61),
    )
    assert claimed == []
    assert world.count(Delivery) == 0


def test_pings_that_race_a_withdrawal_leave_nothing_behind(committed: SessionFactory) -> None:
    """Whichever comes first, no position outlives the consent."""
    with transaction(committed) as session:
        world = make_world(session)
        device_id, person_id = world.device.id, world.person.id
    refused: list[Exception] = []

    def send() -> None:
        try:
            with transaction(committed) as session:
                device = session.get_one(Device, device_id)
                receiving.take_in_from(
                    session,
                    device,
                    [ping(0, INSIDE)],
                    live=LiveGeofences(),
                    settings=SETTINGS,
                    at=NOON,
                )
        except ConsentMissing as error:
            refused.append(error)

    with committed() as session:
        person = session.get_one(Person, person_id)
        withdrawing.withdraw_consent(session, person, Purpose.NEARBY, at=NOON)
        sender = Thread(target=send)
        sender.start()
        sender.join(timeout=0.2)
        session.commit()
        sender.join()

    with committed() as session:
        assert session.scalars(select(Ping.id)).all() == []
    assert len(refused) == 1


def test_a_withdrawal_waits_for_what_is_being_decided_and_calls_it_back(
    committed: SessionFactory,
) -> None:
    """A delivery made a moment before the withdrawal is not sent a moment after it."""
    with transaction(committed) as session:
        world = make_world(session)
        make_campaign(
            session,
            make_listing(session, world.place),
            trigger=Trigger.CHECKED_IN,
            purpose=Purpose.CHECK_IN_CONTENT,
        )
        subscribe(world)
        world.check_in()
        ids = list(session.scalars(select(OutboxMessage.id)))
        person_id = world.person.id

    def withdraw() -> None:
        with transaction(committed) as session:
            person = session.get_one(Person, person_id)
            withdrawing.withdraw_consent(session, person, Purpose.CHECK_IN_CONTENT, at=moment(2))

    with committed() as deciding:
        made = pipeline.decide(deciding, ids, settings=SETTINGS, at=moment(1))
        thread = Thread(target=withdraw)
        thread.start()
        thread.join(timeout=0.2)
        deciding.commit()
        thread.join()

    with committed() as session:
        unsent = session.scalars(select(Delivery.state)).all()
    assert len(made) == 1
    assert unsent == []


def test_withdrawing_erases_what_was_decided_of_it_and_nothing_else(world: World) -> None:
    """Where somebody was is in decisions and notifications too; their check-ins stay."""
    make_campaign(world.session, make_listing(world.session, world.place))
    make_campaign(
        world.session,
        make_listing(world.session, world.place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
    )
    subscribe(world)
    world.walk(ping(0, INSIDE))
    world.check_in()
    told = world.decide()

    world.withdraw(Purpose.NEARBY)
    world.session.expunge_all()

    assert len(told) == 2
    for table, count in ((Decision, 1), (CheckIn, 1), (Subscription, 1)):
        assert world.count(table) == count
    # The message that is left, and the push that stood for both and says that one by now.
    left = world.session.scalars(select(Notification.kind)).all()
    assert sorted(left) == [NotificationKind.BUNDLE, NotificationKind.CAMPAIGN]
    assert [world.count(table) for table in (Ping, Visit, Transition)] == [0, 0, 0]


def test_with_the_last_purpose_everything_goes(world: World) -> None:
    """Browsers' subscriptions too, which nothing may be pushed to any more."""
    make_campaign(world.session, make_listing(world.session, world.place))
    subscribe(world)
    world.walk(ping(0, INSIDE))
    world.check_in()
    world.decide()

    for purpose in (Purpose.NEARBY, Purpose.CHECK_IN_CONTENT):
        world.withdraw(purpose)
    world.session.expunge_all()

    for table in (Ping, Visit, Transition, CheckIn, Decision, Notification, Subscription, Delivery):
        assert world.count(table) == 0


def test_a_withdrawal_while_something_is_being_sent_breaks_nothing(world: World) -> None:
    """What the push service says afterwards is of nobody any more."""
    make_campaign(world.session, make_listing(world.session, world.place))
    subscribe(world)
    world.walk(ping(0, INSIDE))
    world.decide()
    [delivery_id] = world.session.scalars(select(Delivery.id))
    sending = deliveries.claim(
        world.session,
        [delivery_id],
        push=SETTINGS.push,
        public_url=SETTINGS.public_url,
        receipt_key=receipt_key(SETTINGS),
        at=moment(2),
    )

    for purpose in (Purpose.NEARBY, Purpose.CHECK_IN_CONTENT):
        world.withdraw(purpose)
    results = [
        (one, Outcome(kind=OutcomeKind.ACCEPTED, status=201, reason="taken")) for one in sending
    ]
    deliveries.settle(world.session, results, push=SETTINGS.push, at=moment(61))

    assert len(results) == 1
    assert world.count(Delivery) == 0
