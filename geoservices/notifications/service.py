"""What campaigns decided to say becomes notifications."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from geoservices.campaigns.models import Campaign, Decision
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification

LIFETIME = timedelta(hours=4)
"""A notification that has not reached its browser by then is no longer worth showing."""


def write(
    session: Session,
    decisions: Sequence[tuple[Decision, Campaign, Listing]],
    *,
    at: datetime,
) -> list[Notification]:
    """Write a notification for each decision to send; its person finds it in the API."""
    made = [_compose(decision, campaign, listing, at) for decision, campaign, listing in decisions]
    session.add_all(made)
    session.flush()  # Before whatever refers to them.
    return made


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
