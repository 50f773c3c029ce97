"""What runs when."""

from datetime import timedelta
from typing import TypedDict


class Entry(TypedDict):
    """One line of the schedule; a run not begun within `expires` is dropped, not caught up on."""

    task: str
    schedule: timedelta
    options: dict[str, float]


def every(interval: timedelta, job: str) -> Entry:
    """Run a job at an interval."""
    return {
        "task": job,
        "schedule": interval,
        "options": {"expires": interval.total_seconds()},
    }


SCHEDULE: dict[str, Entry] = {
    "let time pass": every(timedelta(seconds=2), "visits.let_time_pass"),
    "make digests": every(timedelta(minutes=1), "letters.make_digests"),
    "prune positions": every(timedelta(minutes=10), "pings.prune"),
}
