"""Announcements: what a person must hear of, whatever they have agreed to be told."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.campaigns.rules import CampaignClass
from geoservices.listings.models import Listing
from geoservices.notifications.models import Notification, NotificationKind

TITLE: Final = "A device was added"
BODY: Final = (
    "{name} can now see everything that we keep about you. If you did not add it, remove it under "
    "Your devices."
)
UNNAMED: Final = "A phone or browser without a name"
LIFETIME: Final = timedelta(days=1)
"""A phone that was switched off for a day need not be pushed to; the inbox still tells it."""


def announce_device(session: Session, device: Device, *, at: datetime) -> Notification:
    """Write down for a device's person that the device has joined theirs."""
    name = f"\u201c{device.label}\u201d" if device.label else UNNAMED
    notification = Notification(
        id=uuid4(),
        kind=NotificationKind.DEVICE_JOINED,
        person_id=device.person_id,
        campaign_class=CampaignClass.SERVICE,
        title=TITLE,
        body=BODY.format(name=name),
        created_at=at,
        expires_at=at + LIFETIME,
    )
    session.add(notification)
    session.flush()
    return notification


def announce_listing(
    session: Session,
    listing: Listing,
    person_id: UUID,
    *,
    title: str,
    body: str,
    expires_at: datetime,
    at: datetime,
) -> Notification:
    """Write down word of a listing for somebody who has to do with it.

    Args:
        session: The transaction; whoever calls enqueues the deliveries.
        listing: What it is about, such as an event that they signed up for.
        person_id: Whom it is for.
        title: At most 120 characters.
        body: At most 500.
        expires_at: From when on it is not worth showing.
        at: Now.
    """
    notification = Notification(
        id=uuid4(),
        kind=NotificationKind.LISTING,
        organisation_id=listing.organisation_id,
        person_id=person_id,
        listing_id=listing.id,
        campaign_class=CampaignClass.SERVICE,
        title=title,
        body=body,
        created_at=at,
        expires_at=expires_at,
    )
    session.add(notification)
    return notification
