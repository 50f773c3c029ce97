"""When a feed is fetched next."""

from datetime import datetime, timedelta
from typing import Final

SHORTEST: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(days=7)
LONGEST_PAUSE: Final = timedelta(days=1)
"""Between attempts at a feed that fails, unless its interval is longer."""


def next_due(interval: timedelta, failures: int, *, at: datetime) -> datetime:
    """Return when a feed is due: after its interval, which each failure in a row doubles."""
    pause = interval * 2 ** min(failures, 10) if failures else interval
    return at + min(pause, max(interval, LONGEST_PAUSE))
