"""Which messages that wait are handed out: single ones at once, those of runs as there is room."""

from typing import Final
from uuid import UUID

from geoservices.campaigns.models import HeldMessage
from geoservices.leasing.queries import Queue

A_JOB: Final = 250
"""So many messages that runs had wait are looked at in one job: about half a second's work."""
SINGLES: Final[Queue[UUID]] = Queue(row=HeldMessage, waiting=~HeldMessage.broadcast, at_once=1000)
"""What somebody set off themselves, or is critical."""
BROADCASTS: Final[Queue[UUID]] = Queue(
    row=HeldMessage, waiting=HeldMessage.broadcast, at_once=2 * A_JOB
)
"""What runs had wait for many people; as of runs no more than two are gone through."""
