"""Subscriptions made, renewed and ended."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.push.endpoints import check_endpoint, check_keys
from geoservices.settings import PushSettings
from geoservices.subscriptions import queries
from geoservices.subscriptions.models import Subscription

MAX_SUBSCRIPTIONS = 10
"""How many living subscriptions one device may have; a browser has one or two."""


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
