"""What campaigns decided to say becomes notifications."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from geoservices.bulk_queries import store_plain
from geoservices.campaigns.speaking import Message
from geoservices.notifications.models import NewNotification, Notification, NotificationKind

LIFETIME = timedelta(hours=4)
"""A notification that has not reached its browser by then is no longer worth showing."""


def write(session: Session, messages: Sequence[Message], *, at: datetime) -> list[NewNotification]:
    """Write a notification for each message; its person finds it in the API."""
    made = [_compose(message, at) for message in messages]
    store_plain(session, Notification, made)
    return made


def _compose(message: Message, at: datetime) -> NewNotification:
    latest = at + LIFETIME
    ends_at = (message.listing and message.listing.ends_at) or latest
    return NewNotification(
        id=uuid4(),
        kind=NotificationKind.CAMPAIGN,
        organisation_id=message.campaign.organisation_id,
        person_id=message.decision.person_id,
        decision_id=message.decision.id,
        listing_id=message.listing.id if message.listing else None,
        campaign_class=message.campaign.campaign_class,
        title=message.text.title,
        body=message.text.body,
        created_at=at,
        expires_at=min(ends_at, latest),
    )
