"""How attempts end, and what is tried again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from geoservices.deliveries import service
from geoservices.deliveries.lanes import RETRIES
from geoservices.deliveries.models import Attempt
from geoservices.deliveries.states import DeliveryState
from geoservices.push.gateway import Outcome
from tests.notifying import (
    ACCEPTED,
    BAD_REQUEST,
    GONE,
    PUSH,
    REFUSED,
    THROTTLED,
    TOO_LARGE,
    TRANSIENT,
    World,
    moment,
    offer,
)


@pytest.mark.parametrize(
    ("outcome", "state", "subscription_ends"),
    [
        pytest.param(ACCEPTED, DeliveryState.ACCEPTED, False, id="accepted"),
        pytest.param(GONE, DeliveryState.GONE, True, id="gone ends the subscription"),
        pytest.param(BAD_REQUEST, DeliveryState.FAILED, False, id="our own fault is never retried"),
        pytest.param(THROTTLED, DeliveryState.QUEUED, False, id="throttled waits"),
        pytest.param(TRANSIENT, DeliveryState.QUEUED, False, id="transient waits"),
    ],
)
def test_every_outcome_settles(
    world: World, outcome: Outcome, state: DeliveryState, *, subscription_ends: bool
) -> None:
    """The attempt says how it ended; the delivery says what becomes of it."""
    subscription = world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)

    world.settle(sending, outcome, second=3)

    world.session.refresh(subscription)
    attempt = world.session.scalars(select(Attempt)).one()
    assert delivery.state == state
    assert delivery.leased_until is None
    assert (subscription.ended_at is not None) is subscription_ends
    assert (attempt.finished_at, attempt.outcome, attempt.status, attempt.reason) == (
        moment(3),
        outcome.kind,
        outcome.status,
        outcome.reason,
    )
    assert (delivery.accepted_at == moment(3)) is (outcome is ACCEPTED)


def test_a_retry_waits_as_long_as_the_push_service_asks(world: World) -> None:
    """And is then claimed as the second attempt."""
    world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)

    world.settle(sending, THROTTLED)

    assert delivery.due_at == moment(1) + timedelta(minutes=3)
    assert RETRIES.hand_out(world.session, at=moment(180), lease=PUSH.lease, limit=9) == []
    assert RETRIES.hand_out(world.session, at=moment(181), lease=PUSH.lease, limit=9) == [
        delivery.id
    ]
    assert [one.number for one in world.claim(delivery, second=181)] == [2]


def test_there_is_no_retry_beyond_the_end(world: World) -> None:
    """The push service asks for more patience than the message has."""
    world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)

    world.settle(sending, replace(THROTTLED, retry_after=timedelta(hours=5)))

    assert delivery.state == DeliveryState.EXPIRED


def test_what_was_too_large_stays_short(world: World) -> None:
    """Also after it failed for another reason, or waited for its push service."""
    world.subscribe()
    [delivery] = world.notify()
    [whole] = world.claim(delivery)
    world.settle(whole, TOO_LARGE)
    [short] = world.claim(delivery, second=2)
    world.settle(short, TRANSIENT, second=3)

    [again] = world.claim(delivery, second=60)

    assert b'"body"' in whole.envelope.payload
    assert b'"body"' not in short.envelope.payload + again.envelope.payload


def test_the_last_attempt_is_the_last(world: World) -> None:
    """The reason is kept."""
    world.subscribe()
    [delivery] = world.notify()
    push = PUSH.model_copy(update={"max_attempts": 1})
    [sending] = world.claim(delivery, push=push)

    world.settle(sending, TRANSIENT, push=push)

    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "gave up: timeout")


@pytest.mark.parametrize(
    ("second_settled", "late", "state"),
    [
        pytest.param(None, ACCEPTED, DeliveryState.ACCEPTED, id="a late success counts"),
        pytest.param(None, TRANSIENT, DeliveryState.SENDING, id="a late failure does not"),
        pytest.param(None, REFUSED, DeliveryState.SENDING, id="nor does a late refusal"),
        pytest.param(
            TRANSIENT, ACCEPTED, DeliveryState.ACCEPTED, id="a late success spares the next try"
        ),
        pytest.param(TRANSIENT, REFUSED, DeliveryState.QUEUED, id="a late refusal leaves it"),
        pytest.param(ACCEPTED, GONE, DeliveryState.ACCEPTED, id="what is accepted stays so"),
    ],
)
def test_an_overtaken_attempt_is_recorded_and_only_its_success_counts(
    world: World, second_settled: Outcome | None, late: Outcome, state: DeliveryState
) -> None:
    """The first worker was slow; its lease ran out and a second one took over."""
    world.subscribe()
    [delivery] = world.notify()
    [first] = world.claim(delivery)
    [second] = world.claim(delivery, second=30)
    if second_settled:
        world.settle(second, second_settled, second=31)

    world.settle(first, late, second=32)

    reasons = world.session.scalars(select(Attempt.reason).order_by(Attempt.number)).all()
    assert delivery.state == state
    assert reasons[0] == late.reason


def test_settling_twice_changes_nothing(world: World) -> None:
    """A job may run again."""
    world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)

    world.settle(sending, TRANSIENT, second=1)
    due_at = delivery.due_at
    world.settle(sending, TRANSIENT, second=2)

    assert (delivery.state, delivery.due_at) == (DeliveryState.QUEUED, due_at)


def test_a_subscription_renewed_with_other_keys_outlives_a_late_gone(world: World) -> None:
    """The push service spoke of the keys before."""
    device, offered = world.device(), offer()
    subscription = world.subscribe(device, offered)
    [delivery] = world.notify()
    [sending] = world.claim(delivery)
    key_before = subscription.p256dh
    world.subscribe(device, replace(offer(), endpoint=offered.endpoint), second=1)

    world.settle(sending, GONE, second=2)

    world.session.refresh(subscription)
    assert subscription.p256dh != key_before
    assert sending.envelope.p256dh == key_before
    assert subscription.ended_at is None


@given(st.integers(1, 20))
def test_a_wait_doubles_with_jitter(attempts: int) -> None:
    """Between half and all of two to the power of the attempts, in seconds, an hour at most."""
    wait = service.wait_before(attempts)

    longest = min(timedelta(seconds=2**attempts), timedelta(hours=1))
    assert longest / 2 <= wait <= longest


def test_a_thousand_waits_do_not_come_back_at_once() -> None:
    """They spread over half of the wait."""
    waits = {service.wait_before(6) for _ in range(100)}

    assert len(waits) > 90
