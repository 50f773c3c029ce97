"""Where a delivery may stand, and what may be said of it."""

from enum import StrEnum
from typing import Final


class DeliveryState(StrEnum):
    """Where a delivery stands; a push service's 201 makes it `accepted`, never "delivered"."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SHOWN = "shown"
    CLICKED = "clicked"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    GONE = "gone"
    FAILED = "failed"


class ReceiptKind(StrEnum):
    """What a service worker can tell of a notification."""

    SHOWN = "shown"
    CLICKED = "clicked"
    DISMISSED = "dismissed"


UNFINISHED: Final = (DeliveryState.QUEUED, DeliveryState.SENDING)
TAKEN_IN: Final = (
    DeliveryState.ACCEPTED,
    DeliveryState.SHOWN,
    DeliveryState.CLICKED,
    DeliveryState.DISMISSED,
)
"""What a delivery is that its push service has, or had."""
