"""What hour a replay's clocks show, and which hour stands for one before anything had begun."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from geoservices.campaigns import windows
from geoservices.instants import EPOCH, FIRST

WEEK: Final = timedelta(days=7)


class WallClock:
    """Tells hours by the clocks of a zone, and looks at them once in a quarter of an hour."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._until = FIRST
        self._hour = 0

    def hour_of(self, at: datetime) -> int:
        """Return how many hours the clocks have shown since 1970; instants come in order."""
        if at >= self._until:
            self._until = windows.next_quarter(at)
            wall = at.astimezone(self._zone).replace(tzinfo=UTC)
            self._hour = (wall - EPOCH) // timedelta(hours=1)
        return self._hour


def stands_for(at: datetime, begins: datetime) -> datetime:
    """Return the instant whose answer counts at another one, of something that begins.

    What has not begun is taken to be on week after week as it will be in its first: an instant
    before it stands for the same hour of the week after.
    """
    return at if at >= begins else at + math.ceil((begins - at) / WEEK) * WEEK
