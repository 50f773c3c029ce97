"""Deliveries made, sent browser by browser, settled, and acknowledged."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.campaigns.rules import CampaignClass
from geoservices.channels import queries as channels
from geoservices.deliveries import queries
from geoservices.deliveries.composing import Message, payload
from geoservices.deliveries.models import Attempt, Delivery, DeliveryState, ReceiptKind
from geoservices.deliveries.queries import Taken
from geoservices.errors import NotFound
from geoservices.notifications.models import Notification
from geoservices.push.gateway import Envelope, Outcome, OutcomeKind
from geoservices.settings import PushSettings
from geoservices.subscriptions import queries as subscriptions

URGENCY = {
    CampaignClass.OFFER: "normal",
    CampaignClass.SERVICE: "high",
    CampaignClass.CRITICAL: "high",
}
"""RFC 8030 section 5.3; a phone in its sleep holds anything below `high` for minutes."""


LONGEST_WAIT = timedelta(hours=1)


EXPIRED, GONE = DeliveryState.EXPIRED, DeliveryState.GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One attempt under way: which delivery, which number, and what goes out."""

    delivery_id: UUID
    number: int
    envelope: Envelope


def enqueue(session: Session, made: Sequence[Notification], *, at: datetime) -> None:
    """Make a delivery of each notification for each browser of its person, due at once.

    Who has no subscription, or wants no push for the campaign's purpose, still has the
    notification; it waits in the API.
    """
    wanted = channels.wanted_as_push(session, [one.id for one in made])
    browsers = subscriptions.subscriptions_of_people(session, {one.person_id for one in made})
    session.add_all(
        _delivery(notification, subscription_id, at)
        for notification in made
        if notification.id in wanted
        for subscription_id in browsers.get(notification.person_id, ())
    )
    session.flush()
    if browsers and wanted:
        outbox.ring(session)


def claim(
    session: Session, ids: Sequence[UUID], *, push: PushSettings, public_url: str, at: datetime
) -> list[Sending]:
    """Take deliveries for sending: each gets a lease and an attempt that is written down first.

    What has expired, was withdrawn or lost its subscription is settled at once, and so is what
    would now reach someone else or a revoked device. A delivery that another worker holds is
    passed over. If this worker dies, the lease runs out and the delivery is sent again with the
    same topic, so that the screen shows it once.
    """
    sendings: list[Sending] = []
    taken = queries.take(session, ids, at=at)
    owners = subscriptions.owners_of(session, [one.subscription.id for one in taken])
    for one in taken:
        obstacle = _obstacle(one, owners.get(one.subscription.id), push, at)
        if obstacle:
            _finish(one.delivery, *obstacle)
        else:
            sendings.append(_begin(session, one, push, public_url, at))
    return sendings


def settle(
    session: Session,
    results: Sequence[tuple[Sending, Outcome]],
    *,
    push: PushSettings,
    at: datetime,
) -> None:
    """Write down how attempts ended and what becomes of their deliveries.

    An attempt whose lease ran out and was taken over by a later one is recorded, and a success
    counts all the same: the push service has the message.
    """
    deliveries = queries.lock_deliveries(session, [sending.delivery_id for sending, _ in results])
    queries.finish_attempts(session, [_ended(sending, outcome, at) for sending, outcome in results])
    gone: list[tuple[UUID, bytes, bytes]] = []
    for sending, outcome in results:
        delivery = deliveries.get(sending.delivery_id)
        if delivery is None or delivery.state not in queries.UNFINISHED:
            continue
        under_way = delivery.state == DeliveryState.SENDING
        current = under_way and delivery.attempt_count == sending.number
        if not current and outcome.kind is not OutcomeKind.ACCEPTED:
            continue
        _settle_one(delivery, outcome, push, at)
        if outcome.kind is OutcomeKind.GONE:
            envelope = sending.envelope
            gone.append((delivery.subscription_id, envelope.p256dh, envelope.auth))
    if gone:
        subscriptions.end_subscriptions(session, gone, at=at)


def call_back(session: Session, person_id: UUID, purpose: str) -> None:
    """Send nothing more of what a person was to be told for a purpose they no longer agree to.

    What a push service has taken already cannot be called back.
    """
    queries.finish_unsent(
        session, person_id, purpose, state=DeliveryState.EXPIRED, reason="the consent was withdrawn"
    )


def acknowledge(
    session: Session,
    delivery_id: UUID,
    *,
    device_id: UUID,
    kind: ReceiptKind,
    occurred_at: datetime,
    at: datetime,
) -> None:
    """Record what a service worker says of a delivery; the same word twice counts once.

    Raises:
        NotFound: The delivery did not go to this device.
    """
    delivery = queries.delivery_of_device(session, delivery_id, device_id)
    if delivery is None:
        raise NotFound("delivery")
    queries.insert_receipt(
        session,
        {
            "id": uuid4(),
            "delivery_id": delivery_id,
            "kind": kind,
            "occurred_at": min(occurred_at, at),
            "received_at": at,
        },
    )
    queries.mark_received(session, delivery_id, kind)


def wait_before(attempt_count: int, *, retry_after: timedelta | None) -> timedelta:
    """Return how long to wait after so many attempts.

    The wait doubles from two seconds, with up to half of it taken off at random so that many
    deliveries do not come back at once; it is never shorter than the push service's Retry-After.
    """
    doubled = min(2.0**attempt_count, LONGEST_WAIT.total_seconds())
    wait = timedelta(seconds=doubled * random.uniform(0.5, 1.0))  # noqa: S311
    return max(wait, retry_after or timedelta(0))


def _delivery(notification: Notification, subscription_id: UUID, at: datetime) -> Delivery:
    return Delivery(
        id=uuid4(),
        notification_id=notification.id,
        subscription_id=subscription_id,
        state=DeliveryState.QUEUED,
        created_at=at,
        due_at=at,
        expires_at=notification.expires_at,
    )


def _obstacle(
    taken: Taken, owner: UUID | None, push: PushSettings, at: datetime
) -> tuple[DeliveryState, str] | None:
    delivery, ended_at = taken.delivery, taken.campaign_ended_at
    gave_up = f"gave up after {push.max_attempts} attempts"
    obstacles = (
        (delivery.expires_at <= at, EXPIRED, "its time had passed before it was sent"),
        (taken.listing_withdrawn_at, EXPIRED, "what it speaks of was withdrawn"),
        (ended_at and ended_at <= at, EXPIRED, "the campaign has ended"),
        (taken.subscription.ended_at, GONE, "the subscription has ended"),
        (owner != taken.notification.person_id, GONE, "the browser is no longer this person's"),
        (delivery.attempt_count >= push.max_attempts, DeliveryState.FAILED, gave_up),
    )
    return next(((state, reason) for holds, state, reason in obstacles if holds), None)


def _begin(
    session: Session, taken: Taken, push: PushSettings, public_url: str, at: datetime
) -> Sending:
    delivery, notification, subscription, *_ = taken
    delivery.state = DeliveryState.SENDING
    delivery.leased_until = delivery.due_at = at + push.lease
    delivery.attempt_count += 1
    session.add(Attempt(delivery_id=delivery.id, number=delivery.attempt_count, started_at=at))
    message = Message(
        notification_id=notification.id,
        title=notification.title,
        body=notification.body,
        link=f"{public_url}/notifications/{notification.id}",
    )
    envelope = Envelope(
        delivery_id=delivery.id,
        endpoint=subscription.endpoint,
        p256dh=subscription.p256dh,
        auth=subscription.auth,
        vapid_key=subscription.vapid_key,
        payload=payload(message, delivery_id=delivery.id),
        ttl=delivery.expires_at - at,
        urgency=URGENCY[CampaignClass(notification.campaign_class)],
        topic=message.topic,
    )
    return Sending(delivery_id=delivery.id, number=delivery.attempt_count, envelope=envelope)


def _ended(sending: Sending, outcome: Outcome, at: datetime) -> dict[str, Any]:
    return {
        "of_delivery": sending.delivery_id,
        "of_number": sending.number,
        "finished_at": at,
        "outcome": outcome.kind,
        "status": outcome.status,
        "reason": outcome.reason[:200],
    }


def _settle_one(delivery: Delivery, outcome: Outcome, push: PushSettings, at: datetime) -> None:
    match outcome.kind:
        case OutcomeKind.ACCEPTED:
            _finish(delivery, DeliveryState.ACCEPTED, outcome.reason)
            delivery.accepted_at = at
        case OutcomeKind.GONE:
            _finish(delivery, DeliveryState.GONE, outcome.reason)
        case OutcomeKind.REFUSED:
            _finish(delivery, DeliveryState.FAILED, outcome.reason)
        case OutcomeKind.THROTTLED | OutcomeKind.TRANSIENT:
            _try_again(delivery, outcome, push, at)


def _try_again(delivery: Delivery, outcome: Outcome, push: PushSettings, at: datetime) -> None:
    again_at = at + wait_before(delivery.attempt_count, retry_after=outcome.retry_after)
    if delivery.attempt_count >= push.max_attempts:
        _finish(delivery, DeliveryState.FAILED, f"gave up: {outcome.reason}")
    elif again_at >= delivery.expires_at:
        _finish(delivery, DeliveryState.EXPIRED, f"no time left to try again: {outcome.reason}")
    else:
        delivery.state = DeliveryState.QUEUED
        delivery.reason = outcome.reason[:200]
        delivery.leased_until = None
        delivery.due_at = again_at


def _finish(delivery: Delivery, state: DeliveryState, reason: str) -> None:
    delivery.state = state
    delivery.reason = reason[:200]
    delivery.leased_until = None
