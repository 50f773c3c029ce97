"""Which deliveries are handed out: single ones at once, those of many as there is room for them."""

from typing import Final
from uuid import UUID

from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import UNFINISHED
from geoservices.leasing.queries import Queue

_WAITING = Delivery.state.in_(UNFINISHED)

SINGLES: Final[Queue[UUID]] = Queue(
    row=Delivery, waiting=_WAITING & ~Delivery.broadcast, at_once=5000
)
"""What somebody is told because of what they did, or that is critical."""
BROADCASTS: Final[Queue[UUID]] = Queue(
    row=Delivery, waiting=_WAITING & Delivery.broadcast, at_once=1000
)
"""What many are told alike: there is always room before it for what is single.

Whatever is handed out waits at the broker in the order in which it came. So little of a broadcast
waits there that what comes after it is soon dealt with.
"""
