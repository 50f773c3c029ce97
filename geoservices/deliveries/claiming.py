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


class Told(NamedTuple):
    """What decides whether something may still be told, whatever browser it goes to."""

    expires_at: datetime
    listing_withdrawn_at: datetime | None
    """When what it speaks of was withdrawn, unless it may be the one to tell its person of that.

    So it is None for word of a listing, until the person was written to once it was withdrawn.
    """
    campaign_ended_at: datetime | None
    is_about_sensitive: bool | None
    """Whether it comes of passing a place that is sensitive by now, or of a run about one."""
    run_stopped: bool | None = None


class Claimable(NamedTuple):
    """A delivery that nobody else holds, and everything that decides whether it may be sent."""

    standing: Standing
    notification_id: UUID
    kind: str
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
    broadcast: bool
    """Whether it is one of many."""
    task_id: UUID | None = None
    """The task that it is about, and that its link leads to."""
    opens: UUID | None = None
    """The notification that its link leads to, if that is another."""

    @property
    def told(self) -> Told:
        """What decides whether it may still be told."""
        return Told(
            self.standing.expires_at,
            self.listing_withdrawn_at,
            self.campaign_ended_at,
            self.is_about_sensitive,
            self.run_stopped,
        )

    @classmethod
    def of_row(cls, values: Sequence[Any]) -> Self:
        """Make one of a row whose first columns are where the delivery stands."""
        own = len(Standing._fields)
        return cls(Standing._make(values[:own]), *values[own:])


def obstacle(one: Claimable, *, max_attempts: int, at: datetime) -> Obstacle | None:
    """Return in which state, and why, a delivery ends instead of being sent."""
    elsewhere = one.device_revoked_at is not None or one.owner_id != one.person_id
    found: Obstacle | None = None
    if over := is_over(one.told, at=at):
        found = DeliveryState.EXPIRED, over
    elif one.subscription_ended_at is not None:
        found = DeliveryState.GONE, "the subscription has ended"
    elif elsewhere:
        found = DeliveryState.GONE, "the browser is no longer this person's"
    elif one.standing.attempt_count >= max_attempts:
        found = DeliveryState.FAILED, f"gave up after {max_attempts} attempts"
    return found


def is_over(told: Told, *, at: datetime) -> str | None:
    """Return why something may not be told any more, wherever it would go; None if it may."""
    if told.expires_at <= at:
        return "its time had passed before it was sent"
    if told.listing_withdrawn_at is not None:
        return "what it speaks of was withdrawn"
    if told.campaign_ended_at is not None and told.campaign_ended_at <= at:
        return "the campaign has ended"
    if told.run_stopped:
        return "the run was stopped"
    if told.is_about_sensitive:
        return "the place is sensitive: passing it never causes a message"
    return None


def nothing_left() -> Obstacle:
    """Return how a bundle ends of which nothing may be told any more."""
    return DeliveryState.EXPIRED, "nothing of what it would tell is left"
