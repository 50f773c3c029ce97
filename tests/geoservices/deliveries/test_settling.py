"""The table of what becomes of a delivery, row by row."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.deliveries.models import DeliveryState
from geoservices.deliveries.origins import Cause, OriginState
from geoservices.deliveries.settling import DOUBTED_WAIT, UNFINISHED, Standing, settled
from geoservices.push.gateway import Outcome, OutcomeKind
from tests.factories import NOON
from tests.notifying import (
    ACCEPTED,
    BAD_REQUEST,
    GONE,
    REFUSED,
    THROTTLED,
    TOO_LARGE,
    TRANSIENT,
    moment,
)

WAIT = timedelta(seconds=4)
STANDING = Standing(
    id=UUID(int=1),
    subscription_id=UUID(int=2),
    attempt_count=1,
    expires_at=moment(4 * 3600),
    state=DeliveryState.SENDING,
    reason=None,
    due_at=moment(30),
    leased_until=moment(30),
    accepted_at=None,
)
OPEN = OriginState("https://push.example", "key")
REFUSING = OPEN._replace(cause=Cause.REFUSED, closed_until=moment(60))
DOUBTED = OPEN._replace(guarded_until=moment(60))
EXPIRED = Outcome(kind=OutcomeKind.EXPIRED, reason="expired")
REDIRECTED = Outcome(kind=OutcomeKind.REFUSED, reason="redirected", status=307)


def after(
    outcome: Outcome, *, reason: str | None = None, origin: OriginState = OPEN, attempts: int = 1
) -> Standing:
    """Where a delivery stands after an attempt that ended so."""
    before = STANDING._replace(reason=reason, attempt_count=attempts)
    return settled(before, outcome, origin, wait=WAIT, max_attempts=6, at=NOON)


@pytest.mark.parametrize(
    ("outcome", "before", "origin", "state"),
    [
        (ACCEPTED, None, OPEN, DeliveryState.ACCEPTED),
        (EXPIRED, None, OPEN, DeliveryState.EXPIRED),
        (GONE, None, OPEN, DeliveryState.GONE),
        (GONE, None, DOUBTED, DeliveryState.QUEUED),
        (BAD_REQUEST, None, OPEN, DeliveryState.FAILED),
        (BAD_REQUEST, None, REFUSING, DeliveryState.QUEUED),
        (REDIRECTED, None, OPEN, DeliveryState.FAILED),
        (REFUSED, None, OPEN, DeliveryState.QUEUED),
        (REFUSED, "vapid-refused", OPEN, DeliveryState.FAILED),
        (REFUSED, "vapid-refused", REFUSING, DeliveryState.QUEUED),
        (TOO_LARGE, None, OPEN, DeliveryState.QUEUED),
        (TOO_LARGE, "payload-too-large", OPEN, DeliveryState.FAILED),
        (TOO_LARGE, "payload-too-large", REFUSING, DeliveryState.FAILED),
        (THROTTLED, None, OPEN, DeliveryState.QUEUED),
        (TRANSIENT, None, OPEN, DeliveryState.QUEUED),
    ],
)
def test_every_outcome_leads_somewhere(
    outcome: Outcome, before: str | None, origin: OriginState, state: DeliveryState
) -> None:
    """Only "gone" ends a subscription, and only where it is believed."""
    now = after(outcome, reason=before, origin=origin)

    assert now.state == state
    assert now.reason == outcome.reason
    assert now.leased_until is None
    assert (now.accepted_at == NOON) is (outcome is ACCEPTED)


@pytest.mark.parametrize(
    ("outcome", "origin", "wait"),
    [
        pytest.param(TRANSIENT, OPEN, WAIT, id="it backs off"),
        pytest.param(THROTTLED, OPEN, timedelta(minutes=3), id="as long as it was asked to"),
        pytest.param(TOO_LARGE, OPEN, timedelta(0), id="the short form goes at once"),
        pytest.param(GONE, DOUBTED, DOUBTED_WAIT, id="what is doubted rests"),
    ],
)
def test_the_next_try_has_its_time(outcome: Outcome, origin: OriginState, wait: timedelta) -> None:
    """In the future, or now."""
    assert after(outcome, origin=origin).due_at == NOON + wait


OUTCOMES = st.sampled_from(
    [ACCEPTED, EXPIRED, GONE, BAD_REQUEST, REDIRECTED, REFUSED, TOO_LARGE, THROTTLED, TRANSIENT]
)


@given(
    OUTCOMES,
    st.sampled_from([OPEN, REFUSING, DOUBTED]),
    st.sampled_from([None, "timeout", "vapid-refused", "payload-too-large"]),
    st.integers(1, 9),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=1)),
)
def test_whatever_happens_a_delivery_ends(
    outcome: Outcome,
    origin: OriginState,
    reason: str | None,
    attempts: int,
    retry_after: timedelta | None,
) -> None:
    """It never waits beyond its deadline or its last attempt, and always says why."""
    asked = replace(outcome, retry_after=retry_after)

    now = after(asked, reason=reason, origin=origin, attempts=attempts)

    assert now.reason
    if now.state in UNFINISHED:
        assert attempts < 6
        assert NOON <= now.due_at < now.expires_at
        assert now.due_at >= NOON + (retry_after or timedelta(0))
