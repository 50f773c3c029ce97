"""What a subscription takes over from the one that it replaces, and what is not shown twice."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from geoservices import outbox
from geoservices.accounts.models import Purpose
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.push.gateway import Outcome
from tests.factories import make_person
from tests.notifying import ACCEPTED, GONE, PUSH, REFUSED, TRANSIENT, World, moment, offer


def states(world: World) -> dict[tuple[UUID, UUID], str]:
    """Each delivery's state, by its notification and subscription."""
    world.session.expire_all()
    rows = world.session.scalars(select(Delivery))
    return {(row.notification_id, row.subscription_id): row.state for row in rows}


def test_what_waits_goes_to_the_new_subscription(world: World, statements: list[str]) -> None:
    """At once: the relay is rung for, and what it had handed out already is due again."""
    old = world.subscribe()
    [waiting] = world.notify()
    waiting.due_at = moment(30)
    world.session.flush()
    statements.clear()

    new = world.replace(old, second=10)
    [sending] = world.claim(waiting, second=10)

    assert any(outbox.RING.decode() in sent for sent in statements)
    assert waiting.subscription_id == new.id
    assert (sending.subscription_id, sending.envelope.endpoint) == (new.id, new.endpoint)
    assert waiting.due_at == moment(10) + PUSH.lease


def test_what_the_browser_has_by_its_first_subscription_is_not_sent_to_its_third(
    world: World,
) -> None:
    """The second one had a delivery of its own, which was not sent for that reason."""
    first = world.subscribe()
    [had] = world.notify()
    world.settle(world.claim(had)[0], ACCEPTED)
    second = world.subscribe()
    world.session.add(
        Delivery(
            notification_id=had.notification_id,
            subscription_id=second.id,
            state=DeliveryState.QUEUED,
            created_at=moment(1),
            due_at=moment(1),
            expires_at=had.expires_at,
        )
    )
    world.session.flush()

    world.replace(first, offered=offer(second.endpoint))
    world.replace(second, second=20)

    assert set(states(world).values()) == {DeliveryState.ACCEPTED, DeliveryState.GONE}


@pytest.mark.parametrize(
    ("outcome", "state", "sent_again"),
    [
        pytest.param(ACCEPTED, DeliveryState.ACCEPTED, False, id="accepted: not shown twice"),
        pytest.param(GONE, DeliveryState.QUEUED, True, id="gone: sent to the new one"),
        pytest.param(TRANSIENT, DeliveryState.QUEUED, True, id="unclear: sent to the new one"),
        pytest.param(REFUSED, DeliveryState.QUEUED, True, id="refused: sent to the new one"),
    ],
)
def test_what_is_on_its_way_waits_for_its_end(
    world: World, outcome: Outcome, state: DeliveryState, *, sent_again: bool
) -> None:
    """Not before the lease is over, within which the old one's push service answers."""
    old = world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)

    new = world.replace(old, second=10)
    due_at = delivery.due_at
    world.settle(sending, outcome, second=11)
    state_after = delivery.state
    early = world.claim(delivery, second=29)
    again = world.claim(delivery, second=31)

    assert due_at == moment(0) + PUSH.lease
    assert state_after == state
    assert [one.envelope.endpoint for one in again] == [new.endpoint] * sent_again
    assert [one.number for one in again] == [2] * sent_again
    assert early == []


@pytest.mark.parametrize("receipt", [None, ReceiptKind.SHOWN, ReceiptKind.CLICKED])
def test_what_was_accepted_stays_where_it_was(world: World, receipt: ReceiptKind | None) -> None:
    """Nobody is shown it a second time."""
    old = world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)
    world.settle(sending, ACCEPTED)
    if receipt:
        world.acknowledge(delivery, receipt)

    world.replace(old)

    assert states(world) == {(delivery.notification_id, old.id): receipt or DeliveryState.ACCEPTED}


def test_what_found_the_old_one_gone_is_sent_to_the_new_one(world: World) -> None:
    """Push services forget a browser's old subscription before the browser tells of the new one."""
    old = world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)
    world.settle(sending, GONE)
    assert old.ended_at is not None

    new = world.replace(old, second=5)
    [again] = world.claim(delivery, second=5)

    assert again.envelope.endpoint == new.endpoint


def test_what_came_too_late_is_left(world: World) -> None:
    """Its time has passed, on whichever subscription."""
    old = world.subscribe()
    [delivery] = world.notify()

    world.replace(old, second=timedelta(hours=5).total_seconds())

    assert delivery.subscription_id == old.id


def test_one_notification_is_never_two_deliveries_of_one_browser(world: World) -> None:
    """A browser that told of its new subscription before it told that it replaces the old one."""
    device, anew = world.device(), offer()
    old = world.subscribe(device)
    new = world.subscribe(device, anew)
    first, second = (world.tell(world.decision())[0] for _ in range(2))
    deliveries = world.session.scalars(
        select(Delivery).where(
            Delivery.notification_id == first.id, Delivery.subscription_id == old.id
        )
    ).all()
    [sending] = world.claim(*deliveries)
    world.settle(sending, ACCEPTED)

    world.replace(old, offered=anew)

    assert states(world) == {
        (first.id, old.id): DeliveryState.ACCEPTED,
        (first.id, new.id): DeliveryState.GONE,
        (second.id, old.id): DeliveryState.QUEUED,
        (second.id, new.id): DeliveryState.QUEUED,
    }
    left = world.session.scalars(select(Delivery).order_by(Delivery.id)).all()
    sent = world.claim(*left, second=20)
    assert [one.envelope.endpoint for one in sent] == [anew.endpoint]


def test_a_replacement_of_a_replacement_takes_over_all_there_is(world: World) -> None:
    """Also where the first one is told of again, much later."""
    first, last = world.subscribe(), offer()
    [delivery] = world.notify()
    second = world.replace(first)
    third = world.replace(second, offered=last)

    same = world.replace(first, offered=last)

    assert same.id == third.id
    assert delivery.subscription_id == third.id
    assert first.replaced_by == second.id


def test_what_others_are_to_be_told_is_not_taken_over(world: World) -> None:
    """Somebody names an endpoint of another person's."""
    theirs = world.subscribe()
    [delivery] = world.notify()

    world.replace(theirs, world.device(make_person(world.session, Purpose.NEARBY)))

    assert delivery.subscription_id == theirs.id
    assert len(world.claim(delivery)) == 1
