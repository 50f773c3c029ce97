"""Another device of a person's: joined, and announced on those there are."""

from datetime import datetime

from sqlalchemy.orm import Session

from geoservices.accounts import joining
from geoservices.accounts.models import Device
from geoservices.deliveries import service as deliveries
from geoservices.notifications.announcing import announce_device
from geoservices.settings.service import Settings
from geoservices.subscriptions import queries as subscriptions


def join_device(
    session: Session,
    code: str,
    *,
    label: str | None,
    places_only: bool,
    settings: Settings,
    at: datetime,
) -> tuple[Device, str]:
    """Make another device of the person whose code it is, and tell the person.

    Every browser of theirs that is pushed to is told, whatever they have agreed to otherwise: a
    device that somebody else added reads all there is.

    Returns:
        The device and its token. The token is not kept and cannot be shown again.

    Raises:
        JoiningCodeUnknown: The code is worthless.
        TooManyDevices: The person has as many as one may have.
    """
    device, token = joining.join(
        session, code, label=label, places_only=places_only, settings=settings, at=at
    )
    announcement = announce_device(session, device, at=at)
    browsers = subscriptions.subscriptions_of_people(session, {device.person_id})
    for subscription_id in browsers.get(device.person_id, ()):
        deliveries.enqueue_one(session, announcement, subscription_id, at=at)
    return device, token
