"""Whether a delivery may still be sent, and what then goes out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries.settling import Standing
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

    standing: Standing
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
    is_about_sensitive: bool | None
    """Whether it comes of passing a place that is sensitive by now, or of a run about one."""
    run_stopped: bool | None

    @classmethod
    def of_row(cls, values: Sequence[Any]) -> Self:
        """Make one of a row whose first columns are where the delivery stands."""
        own = len(Standing._fields)
        return cls(Standing._make(values[:own]), *values[own:])


def obstacle(one: Claimable, *, max_attempts: int, at: datetime) -> Obstacle | None:
    """Return in which state, and why, a delivery ends instead of being sent."""
    campaign_over = one.campaign_ended_at is not None and one.campaign_ended_at <= at
    elsewhere = one.device_revoked_at is not None or one.owner_id != one.person_id
    found: Obstacle | None = None
    if one.standing.expires_at <= at:
        found = DeliveryState.EXPIRED, "its time had passed before it was sent"
    elif one.listing_withdrawn_at is not None:
        found = DeliveryState.EXPIRED, "what it speaks of was withdrawn"
    elif campaign_over:
        found = DeliveryState.EXPIRED, "the campaign has ended"
    elif one.run_stopped:
        found = DeliveryState.EXPIRED, "the run was stopped"
    elif one.is_about_sensitive:
        found = DeliveryState.EXPIRED, "the place is sensitive: passing it never causes a message"
    elif one.subscription_ended_at is not None:
        found = DeliveryState.GONE, "the subscription has ended"
    elif elsewhere:
        found = DeliveryState.GONE, "the browser is no longer this person's"
    elif one.standing.attempt_count >= max_attempts:
        found = DeliveryState.FAILED, f"gave up after {max_attempts} attempts"
    return found
