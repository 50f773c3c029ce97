"""Subscriptions kept, renewed and ended."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from geoservices.deliveries.models import DeliveryState
from geoservices.errors import NotFound
from geoservices.push.endpoints import EndpointRefused, SubscriptionKeysRefused, check_keys
from geoservices.subscriptions import queries, service
from geoservices.subscriptions.models import Subscription
from geoservices.subscriptions.service import VapidKeyOutdated
from tests.factories import NOON, make_person
from tests.notifying import World, moment, offer


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
