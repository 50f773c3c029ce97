"""Announcements: what a person must hear of, whatever they have agreed to be told."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy.orm import Session

from geoservices.accounts.models import Device
from geoservices.campaigns.rules import CampaignClass
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
