"""Notifications written, and put on their way to browsers."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from geoservices.deliveries import queries as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.notifications import queries
from geoservices.notifications.models import Notification
from tests.factories import NOON, make_person
from tests.notifying import ACCEPTED, World, moment


@pytest.mark.parametrize("browsers", [0, 1, 3])
def test_a_notification_goes_to_every_living_subscription(world: World, browsers: int) -> None:
    """Without one it waits in the API all the same."""
    for _ in range(browsers):
        world.subscribe()
    ended = world.subscribe()
    ended.ended_at = NOON
    revoked = world.device()
    world.subscribe(revoked)
    revoked.revoked_at = NOON
    world.session.flush()

    deliveries = world.notify()

    notification = world.session.scalars(select(Notification)).one()
    assert len(deliveries) == browsers
    assert {delivery.state for delivery in deliveries} <= {DeliveryState.QUEUED}
    assert {delivery.due_at for delivery in deliveries} <= {NOON}
    assert (notification.person_id, notification.title) == (world.person.id, world.listing.title)


def test_each_decision_is_its_own_notification(world: World) -> None:
    """People are told side by side, each on their own browsers."""
    other = make_person(world.session)
    world.subscribe()
    world.subscribe(world.device(other))

    made = world.tell(world.decision(), world.decision(other))

    assert [one.person_id for one in made] == [world.person.id, other.id]
    assert len(world.session.scalars(select(Delivery)).all()) == 2


@pytest.mark.parametrize(
    ("ends", "expires"),
    [
        pytest.param(None, timedelta(hours=4), id="without an end, four hours"),
        pytest.param(timedelta(hours=1), timedelta(hours=1), id="no longer than the listing"),
        pytest.param(timedelta(days=9), timedelta(hours=4), id="and never longer than that"),
    ],
)
def test_a_notification_expires(world: World, ends: timedelta | None, expires: timedelta) -> None:
    """What is over is not worth showing."""
    world.listing.ends_at = NOON + ends if ends else None
    world.subscribe()

    [delivery] = world.notify()

    assert delivery.expires_at == NOON + expires


def test_notifications_are_read_with_all_that_became_of_them(world: World) -> None:
    """Page by page, newest first, with deliveries, attempts and receipts."""
    device = world.device()
    world.subscribe(device)
    made = []
    for minute in range(3):
        made += world.tell(world.decision(), second=60 * minute)
    [delivery] = world.session.scalars(
        select(Delivery).where(Delivery.notification_id == made[0].id)
    )
    world.settle(world.claim(delivery)[0], ACCEPTED)
    world.acknowledge(delivery, ReceiptKind.SHOWN)

    page = queries.notifications_of(
        world.session, world.person.id, at=moment(999), after=None, limit=2
    )
    key = (page[-1].surfaced_at, page[-1].id)
    rest = queries.notifications_of(
        world.session, world.person.id, at=moment(999), after=key, limit=2
    )
    [(of_one, attempts, receipts)] = deliveries.deliveries_of(world.session, [made[0].id])[
        made[0].id
    ]
    sent = queries.notifications_of_organisation(
        world.session, world.campaign.organisation_id, after=key, limit=2
    )

    assert [one.id for one in [*page, *rest]] == [one.id for one in reversed(made)]
    assert of_one.id == delivery.id
    assert [attempt.number for attempt in attempts] == [1]
    assert [receipt.kind for receipt in receipts] == [ReceiptKind.SHOWN]
    assert [one.id for one in sent] == [made[0].id]
