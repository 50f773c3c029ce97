"""Subscriptions made, renewed, replaced and ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.push.endpoints import check_endpoint, check_keys
from geoservices.push.vapid import vapid_public_keys
from geoservices.settings.sending import PushSettings
from geoservices.subscriptions import queries
from geoservices.subscriptions.ageing import Patience, Silence, is_lifeless
from geoservices.subscriptions.models import EndedReason, Subscription

MAX_SUBSCRIPTIONS = 16
"""How many living subscriptions one person may have; a browser has one or two."""
ENDED_TOLD_FOR = timedelta(days=30)
"""How long the owner of an ended subscription is told why it ended."""


class VapidKeyOutdated(GeoservicesError):
    """The subscription was made with a key that is no longer the service's."""

    kind = ErrorKind.CONFLICT
    code = "push-key-outdated"
    title = "The push key has changed"

    def __init__(self) -> None:
        super().__init__(
            "Unsubscribe, fetch /v1/push/key, subscribe anew with it, and send the endpoint of "
            "before as `replaces`.",
            field="/application_server_key",
        )


class SubscriptionEnded(GeoservicesError):
    """The subscription has ended; nothing is pushed to it any more."""

    kind = ErrorKind.CONFLICT
    code = "subscription-ended"
    title = "The subscription has ended"

    def __init__(self) -> None:
        super().__init__("Subscribe anew and send what the browser gives out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """What a browser's PushManager gives out, in base64url, and the key it was asked for with.

    `replaces` is the endpoint that the browser had before, if it has a new one.
    """

    endpoint: str
    p256dh: str
    auth: str
    application_server_key: str
    replaces: str | None = None


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

    The one that it replaces ends, if it is the same person's; any other endpoint named is passed
    over, so that nobody finds out what others have. Where the person would then have too many,
    those renewed longest ago end: browsers renew theirs on every start, so these are the ones that
    nobody uses any more.

    Raises:
        EndpointRefused: The endpoint is at no push service that may be used.
        SubscriptionKeysRefused: A key is malformed.
        VapidKeyOutdated: It was made with another application server key. If that is one of
            before, and the device's, it was renewed and goes on being sent to until replaced.
    """
    check_endpoint(
        offered.endpoint, allowed_hosts=push.allowed_hosts, allow_loopback=push.allow_loopback
    )
    p256dh_bytes, auth_bytes = check_keys(offered.p256dh, offered.auth)
    endpoint_hash = _hash(offered.endpoint)
    if offered.application_server_key != current_key:
        if offered.application_server_key in vapid_public_keys(push):
            queries.renew(session, endpoint_hash, device_id=device_id, at=at)
        raise VapidKeyOutdated
    person_id = accounts.person_of_device(session, device_id)
    accounts.lock_people(session, [person_id])
    replaced_hash = _hash(offered.replaces or offered.endpoint)
    held = queries.hold_for(session, person_id, {endpoint_hash, replaced_hash})
    owners = queries.owners_of(session, [one.id for one in held])
    known = [one for one in held if one.endpoint_hash == endpoint_hash]
    others = [one for one in held if one not in known and owners.get(one.id) == person_id]
    subscription = queries.upsert_subscription(
        session,
        {
            "id": uuid4(),
            "device_id": device_id,
            "endpoint": offered.endpoint,
            "endpoint_hash": endpoint_hash,
            "p256dh": p256dh_bytes,
            "auth": auth_bytes,
            "vapid_key": current_key,
            "created_at": at,
            "updated_at": at,
        },
        anew=any(owners.get(one.id) != person_id or one.vapid_key != current_key for one in known),
    )
    for one in others:
        if one.endpoint_hash == replaced_hash:
            _replace(one, subscription, at)
    _end_surplus(others, at)
    session.flush()
    return subscription


def unsubscribe(session: Session, subscription_id: UUID, *, device_id: UUID, at: datetime) -> None:
    """End a device's subscription; twice is as good as once.

    One that was gone already is not revived any more, though that should be doubted.

    Raises:
        NotFound: The device has no such subscription.
    """
    subscription = get_subscription(session, subscription_id, device_id=device_id)
    session.refresh(subscription, with_for_update={"key_share": True})
    _end(subscription, EndedReason.UNSUBSCRIBED, at)
    if subscription.ended_reason == EndedReason.GONE:
        subscription.ended_reason = EndedReason.UNSUBSCRIBED
    session.flush()


def get_subscription(session: Session, subscription_id: UUID, *, device_id: UUID) -> Subscription:
    """Return a device's subscription, whether it lives or has ended.

    Raises:
        NotFound: The device has no such subscription.
    """
    subscription = queries.subscription_by_id(session, subscription_id)
    if subscription is None or subscription.device_id != device_id:
        raise NotFound("subscription")
    return subscription


def age_out(
    session: Session, *, push: PushSettings, at: datetime, after: UUID | None, limit: int
) -> tuple[UUID | None, int]:
    """End subscriptions that have given no sign of life for too long.

    Args:
        session: The session.
        push: Says how long too long is.
        at: Now.
        after: The last id that the round before looked at; None for the first round.
        limit: The most to look at.

    Returns:
        The last id looked at, None if there are no more; and how many were ended.
    """
    patience = Patience(
        unrenewed=push.age_out_after,
        unseen=push.age_out_unseen,
        unseen_over=push.age_out_unseen_over,
    )
    looked_at = queries.unrenewed(session, before=at - patience.unrenewed, after=after, limit=limit)
    lifeless = [one for one in looked_at if is_lifeless(_silence(one), patience, at=at)]
    for one in lifeless:
        _end(one, EndedReason.NO_SIGN_OF_LIFE, at)
    return (looked_at[-1].id if len(looked_at) == limit else None), len(lifeless)


def _hash(endpoint: str) -> bytes:
    return sha256(endpoint.encode()).digest()


def _replace(old: Subscription, new: Subscription, at: datetime) -> None:
    """Let a new subscription take the place of an old one.

    A push service may have said that the old one is gone before the browser told of the new one.
    """
    if old.ended_at is None or old.ended_reason == EndedReason.GONE:
        _end(old, EndedReason.REPLACED, at)
        old.replaced_by = old.replaced_by or new.id


def _end_surplus(others: Iterable[Subscription], at: datetime) -> None:
    """End what a person has too many of, beside the one that was just renewed."""
    living = [one for one in others if one.ended_at is None]
    living.sort(key=lambda one: (one.updated_at, one.id), reverse=True)
    for one in living[MAX_SUBSCRIPTIONS - 1 :]:
        _end(one, EndedReason.TOO_MANY, at)


def _end(subscription: Subscription, reason: EndedReason, at: datetime) -> None:
    if subscription.ended_at is None:
        subscription.ended_at, subscription.ended_reason = at, reason


def _silence(subscription: Subscription) -> Silence:
    return Silence(
        created_at=subscription.created_at,
        updated_at=subscription.updated_at,
        last_failure_at=subscription.last_failure_at,
        last_accepted_at=subscription.last_accepted_at,
        accepted_unseen=subscription.accepted_unseen,
        unseen_since=subscription.unseen_since,
    )
