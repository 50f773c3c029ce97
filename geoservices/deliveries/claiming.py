"""Whether a delivery may still be sent, and what then goes out."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries.states import DeliveryState

URGENCY: Final = {
    CampaignClass.OFFER: "normal",
    CampaignClass.SERVICE: "high",
    CampaignClass.CRITICAL: "high",
}
"""RFC 8030 section 5.3; a phone in its sleep holds anything below `high` for minutes."""

Obstacle = tuple[DeliveryState, str]


class Claimable(NamedTuple):
    """A delivery that nobody else holds, and everything that decides whether it may be sent."""

    id: UUID
    subscription_id: UUID
    attempt_count: int
    expires_at: datetime
    state: str
    reason: str | None
    due_at: datetime
    leased_until: datetime | None
    accepted_at: datetime | None
    notification_id: UUID
    person_id: UUID
    campaign_class: str
    title: str
    body: str
    endpoint: str
    p256dh: bytes
    auth: bytes
    vapid_key: str
    last_accepted_at: datetime | None
    subscription_ended_at: datetime | None
    owner_id: UUID
    device_revoked_at: datetime | None
    listing_withdrawn_at: datetime | None
    campaign_ended_at: datetime | None


def obstacle(one: Claimable, *, max_attempts: int, at: datetime) -> Obstacle | None:
    """Return in which state, and why, a delivery ends instead of being sent."""
    campaign_over = one.campaign_ended_at is not None and one.campaign_ended_at <= at
    elsewhere = one.device_revoked_at is not None or one.owner_id != one.person_id
    found: Obstacle | None = None
    if one.expires_at <= at:
        found = DeliveryState.EXPIRED, "its time had passed before it was sent"
    elif one.listing_withdrawn_at is not None:
        found = DeliveryState.EXPIRED, "what it speaks of was withdrawn"
    elif campaign_over:
        found = DeliveryState.EXPIRED, "the campaign has ended"
    elif one.subscription_ended_at is not None:
        found = DeliveryState.GONE, "the subscription has ended"
    elif elsewhere:
        found = DeliveryState.GONE, "the browser is no longer this person's"
    elif one.attempt_count >= max_attempts:
        found = DeliveryState.FAILED, f"gave up after {max_attempts} attempts"
    return found
