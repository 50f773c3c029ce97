"""Subscriptions kept, and notifications made for them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from geoservices.errors import NotFound
from geoservices.notifications import queries, service
from geoservices.notifications.endpoints import (
    EndpointRefused,
    SubscriptionKeysRefused,
    check_keys,
)
from geoservices.notifications.models import (
    Delivery,
    DeliveryState,
    Notification,
    ReceiptKind,
    Subscription,
)
from geoservices.notifications.service import VapidKeyOutdated
from tests.factories import (
    NOON,
    make_person,
)
from tests.notifying import ACCEPTED, World, moment, offer


def test_a_subscription_sent_again_is_renewed(world: World) -> None:
    """One row; its keys may have changed, its beginning has not."""
    device = world.device()
    first = offer()
    again = replace(offer(), endpoint=first.endpoint)

    world.subscribe(device, first)
    world.subscribe(device, again, second=60)

    stored = world.session.scalars(select(Subscription)).one()
    assert (stored.created_at, stored.updated_at) == (NOON, moment(60))
    assert stored.p256dh == check_keys(again.p256dh, again.auth)[0]


def test_a_subscription_that_had_ended_lives_again(world: World) -> None:
    """The browser is back."""
    device, offered = world.device(), offer()
    ended = world.subscribe(device, offered)
    service.unsubscribe(world.session, ended.id, device_id=device.id, at=moment(1))
    world.session.flush()

    world.subscribe(device, offered, second=60)

    assert world.session.scalars(select(Subscription.ended_at)).all() == [None]


def test_a_browser_that_registers_anew_takes_its_subscription_with_it(world: World) -> None:
    """Whoever uses the browser now is told; the one before is not told there any more."""
    offered, other = offer(), make_person(world.session)
    world.subscribe(world.device(), offered)
    [queued] = world.notify()

    world.subscribe(world.device(other), offered)
    sendings = world.claim(queued)

    people = [world.person.id, other.id]
    owned = queries.subscriptions_of_people(world.session, people)
    assert list(owned) == [other.id]
    assert sendings == []
    assert queued.state == DeliveryState.GONE


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param(
            {"endpoint": "https://push.evil.example/x"}, EndpointRefused, id="an unknown host"
        ),
        pytest.param({"endpoint": "http://127.0.0.1:9/x"}, EndpointRefused, id="a private address"),
        pytest.param({"auth": "AAAA"}, SubscriptionKeysRefused, id="a short secret"),
        pytest.param({"p256dh": "A" * 87}, SubscriptionKeysRefused, id="no point on the curve"),
        pytest.param({"application_server_key": "old"}, VapidKeyOutdated, id="an old key"),
    ],
)
def test_an_unusable_subscription_is_refused(
    world: World, changes: dict[str, str], refusal: type[Exception]
) -> None:
    """And nothing is stored."""
    with pytest.raises(refusal):
        world.subscribe(offered=replace(offer(), **changes))

    assert world.session.scalars(select(Subscription)).all() == []


def test_unsubscribing_is_for_the_device_whose_it_is(world: World) -> None:
    """Twice is as good as once."""
    device = world.device()
    subscription = world.subscribe(device)

    with pytest.raises(NotFound):
        service.unsubscribe(world.session, subscription.id, device_id=world.device().id, at=NOON)
    for second in (1, 2):
        service.unsubscribe(world.session, subscription.id, device_id=device.id, at=moment(second))

    assert subscription.ended_at == moment(1)
    assert queries.subscriptions_of_device(world.session, device.id) == []


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
    assert (notification.person_id, notification.title) == (world.person.id, world.campaign.title)


def test_each_decision_is_its_own_notification(world: World) -> None:
    """People are told side by side, each on their own browsers."""
    other = make_person(world.session)
    world.subscribe()
    world.subscribe(world.device(other))

    made = service.notify(world.session, [world.decision(), world.decision(other)], at=NOON)

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
        made += service.notify(world.session, [world.decision()], at=moment(60 * minute))
    [delivery] = world.session.scalars(
        select(Delivery).where(Delivery.notification_id == made[0].id)
    )
    world.settle(world.claim(delivery)[0], ACCEPTED)
    world.acknowledge(delivery, ReceiptKind.SHOWN, device.id)

    page = queries.notifications_of(world.session, world.person.id, after=None, limit=2)
    key = (page[-1].created_at, page[-1].id)
    rest = queries.notifications_of(world.session, world.person.id, after=key, limit=2)
    [(of_one, attempts, receipts)] = queries.deliveries_of(world.session, [made[0].id])[made[0].id]
    sent = queries.notifications_of_organisation(
        world.session, world.campaign.organisation_id, after=key, limit=2
    )

    assert [one.id for one in [*page, *rest]] == [one.id for one in reversed(made)]
    assert of_one.id == delivery.id
    assert [attempt.number for attempt in attempts] == [1]
    assert [receipt.kind for receipt in receipts] == [ReceiptKind.SHOWN]
    assert [one.id for one in sent] == [made[0].id]
