"""Notifications made, sent browser by browser, settled, and acknowledged."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.accounts import queries as accounts
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import CampaignClass
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.listings.models import Listing
from geoservices.notifications import queries
from geoservices.notifications.composing import Message, payload
from geoservices.notifications.endpoints import check_endpoint, check_keys
from geoservices.notifications.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Notification,
    ReceiptKind,
    Subscription,
)
from geoservices.notifications.push import Envelope, Outcome, OutcomeKind
from geoservices.notifications.queries import Taken
from geoservices.settings import PushSettings

LIFETIME = timedelta(hours=4)
"""A notification that has not reached its browser by then is no longer worth showing."""
URGENCY = {
    CampaignClass.OFFER: "normal",
    CampaignClass.SERVICE: "high",
    CampaignClass.CRITICAL: "high",
}
"""RFC 8030 section 5.3; a phone in its sleep holds anything below `high` for minutes."""
LONGEST_WAIT = timedelta(hours=1)
MAX_SUBSCRIPTIONS = 10
"""How many living subscriptions one device may have; a browser has one or two."""
EXPIRED, GONE = DeliveryState.EXPIRED, DeliveryState.GONE


class VapidKeyOutdated(GeoservicesError):
    """The subscription was made with a key that is no longer the service's."""

    kind = ErrorKind.CONFLICT
    code = "push-key-outdated"
    title = "The push key has changed"

    def __init__(self) -> None:
        super().__init__(
            "Unsubscribe, fetch /v1/push/key and subscribe anew with it.",
            field="/application_server_key",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """What a browser's PushManager gives out, in base64url, and the key it was asked for with."""

    endpoint: str
    p256dh: str
    auth: str
    application_server_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One attempt under way: which delivery, which number, and what goes out."""

    delivery_id: UUID
    number: int
    envelope: Envelope


def subscribe(
    session: Session,
    *,
    device_id: UUID,
    offered: PushSubscription,
    current_key: str,
    push: PushSettings,
    at: datetime,
) -> Subscription:
    """Keep a browser's subscription; sending the same one again renews it.

    Where the device would then have too many, those renewed longest ago end: browsers renew
    theirs on every start, so these are the ones that nobody uses any more.

    Raises:
        EndpointRefused: The endpoint is at no push service that may be used.
        SubscriptionKeysRefused: A key is malformed.
        VapidKeyOutdated: It was made with another application server key.
    """
    check_endpoint(
        offered.endpoint, allowed_hosts=push.allowed_hosts, allow_loopback=push.allow_loopback
    )
    p256dh_bytes, auth_bytes = check_keys(offered.p256dh, offered.auth)
    if offered.application_server_key != current_key:
        raise VapidKeyOutdated
    accounts.lock_devices(session, [device_id])
    subscription = queries.upsert_subscription(
        session,
        {
            "id": uuid4(),
            "device_id": device_id,
            "endpoint": offered.endpoint,
            "endpoint_hash": sha256(offered.endpoint.encode()).digest(),
            "p256dh": p256dh_bytes,
            "auth": auth_bytes,
            "vapid_key": current_key,
            "created_at": at,
            "updated_at": at,
        },
    )
    queries.end_oldest_subscriptions(session, subscription, keep=MAX_SUBSCRIPTIONS - 1, at=at)
    return subscription


def unsubscribe(session: Session, subscription_id: UUID, *, device_id: UUID, at: datetime) -> None:
    """End a device's subscription; twice is as good as once.

    Raises:
        NotFound: The device has no such subscription.
    """
    subscription = queries.subscription_by_id(session, subscription_id)
    if subscription is None or subscription.device_id != device_id:
        raise NotFound("subscription")
    subscription.ended_at = subscription.ended_at or at


def notify(
    session: Session,
    decisions: Sequence[tuple[Decision, Campaign, Listing]],
    *,
    at: datetime,
) -> list[Notification]:
    """Make a notification for each decision to send, and a delivery for each browser.

    A person without a subscription still gets the notification; it waits in the API.
    """
    subscriptions = queries.subscriptions_of_people(
        session, {decision.person_id for decision, _campaign, _listing in decisions}
    )
    made = [_compose(decision, campaign, listing, at) for decision, campaign, listing in decisions]
    session.add_all(made)
    session.flush()  # Before the deliveries, which refer to them.
    session.add_all(
        _delivery(notification, subscription_id, at)
        for notification in made
        for subscription_id in subscriptions.get(notification.person_id, ())
    )
    session.flush()
    if subscriptions:
        outbox.ring(session)
    return made


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
    owners = queries.owners_of(session, [one.subscription.id for one in taken])
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
        queries.end_subscriptions(session, gone, at=at)


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


def _compose(
    decision: Decision, campaign: Campaign, listing: Listing, at: datetime
) -> Notification:
    latest = at + LIFETIME
    return Notification(
        id=uuid4(),
        organisation_id=campaign.organisation_id,
        person_id=decision.person_id,
        decision_id=decision.id,
        listing_id=listing.id,
        campaign_class=campaign.campaign_class,
        title=campaign.title,
        body=campaign.body,
        created_at=at,
        expires_at=min(listing.ends_at or latest, latest),
    )


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
