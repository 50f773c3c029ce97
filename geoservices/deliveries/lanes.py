"""Which deliveries are handed out: single ones at once, those of many as there is room for them."""

from typing import Final
from uuid import UUID

from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import UNFINISHED
from geoservices.leasing.queries import Queue

_WAITING = Delivery.state.in_(UNFINISHED)

SINGLES: Final[Queue[UUID]] = Queue(
    row=Delivery,
    waiting=_WAITING & ~Delivery.broadcast & Delivery.reason.is_(None),
    at_once=5000,
)
"""What somebody is told because of what they did, or that is critical, and was never put off."""
RETRIES: Final[Queue[UUID]] = Queue(
    row=Delivery,
    waiting=_WAITING & ~Delivery.broadcast & Delivery.reason.is_not(None),
    at_once=5000,
)
"""The same, once it was put off: so a push service that is closed holds up nothing that is new.

For as long as a row was put off for less than a lease it looks as if it were out.
"""
BROADCASTS: Final[Queue[UUID]] = Queue(
    row=Delivery, waiting=_WAITING & Delivery.broadcast, at_once=1000
)
"""What many are told alike: there is always room before it for what is single.

Whatever is handed out waits at the broker in the order in which it came. So little of a broadcast
waits there that what comes after it is soon dealt with.
"""
