"""How long whoever was wrong has to wait, which grows and never becomes for ever."""

from datetime import datetime, timedelta
from typing import Final

FREE: Final = 5
"""So many may be wrong in a row before anybody has to wait: people mistype."""
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""With nobody wrong for so long, counting begins anew."""


def wait_after(count: int) -> timedelta:
    """Return how long after the last of so many wrong attempts in a row the next may come.

    It doubles from a second up to a quarter of an hour: at most 20 attempts in the first hour and
    4 in every further one. OWASP ASVS 2.2.1 allows 100 an hour.
    """
    if count < FREE:
        return timedelta(0)
    doublings = min(count - FREE, 32)
    return min(FIRST_WAIT * 2.0**doublings, LONGEST_WAIT)


def still_to_wait(count: int, last_at: datetime, *, at: datetime) -> timedelta:
    """Return how much longer to wait; nothing if the next may come now."""
    wait = wait_after(count)
    return max(last_at + wait - at, timedelta(0)) if wait else wait


def counted(count: int, last_at: datetime, *, at: datetime) -> int:
    """Return how many wrong attempts in a row still count."""
    return 0 if at - last_at >= FORGOTTEN_AFTER else count
