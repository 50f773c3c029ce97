"""What runs when."""

from datetime import timedelta
from typing import TypedDict

from celery.schedules import crontab


class Entry(TypedDict):
    """One line of the schedule; a run not begun within `expires` is dropped, not caught up on."""

    task: str
    schedule: timedelta | crontab
    options: dict[str, float]


def every(interval: timedelta, job: str) -> Entry:
    """Run a job at an interval."""
    return {
        "task": job,
        "schedule": interval,
        "options": {"expires": interval.total_seconds()},
    }


def daily(hour: int, job: str) -> Entry:
    """Run a job each day at an hour (UTC), however often beat is started anew in between."""
    return {
        "task": job,
        "schedule": crontab(hour=str(hour), minute="20"),
        "options": {"expires": timedelta(hours=12).total_seconds()},
    }


def quarterly(job: str) -> Entry:
    """Run a job at each quarter of an hour."""
    return {
        "task": job,
        "schedule": crontab(minute="*/15"),
        "options": {"expires": timedelta(minutes=10).total_seconds()},
    }


SCHEDULE: dict[str, Entry] = {
    "let time pass": every(timedelta(seconds=2), "visits.let_time_pass"),
    "begin runs of campaigns": every(timedelta(seconds=15), "campaigns.begin_due"),
    "make digests": every(timedelta(minutes=1), "letters.make_digests"),
    "remind of events": every(timedelta(minutes=1), "events.remind"),
    "prune positions": every(timedelta(minutes=10), "pings.prune"),
    "guard sensitive places": every(timedelta(minutes=1), "places.guard"),
    "end work": every(timedelta(minutes=1), "shifts.end_work"),
    "let time pass for tasks": every(timedelta(seconds=30), "tasks.let_time_pass"),
    "make tasks that come again": every(timedelta(minutes=1), "tasks.recur"),
    "hand back what is for members who left": every(timedelta(minutes=1), "tasks.hand_back"),
    "open tasks": every(timedelta(seconds=10), "tasks.open"),
    "tell of overdue tasks": every(timedelta(minutes=1), "tasks.escalate"),
    "count who is there": quarterly("statistics.count_present"),
    "count days": every(timedelta(hours=1), "statistics.count_days"),
    "count what came of campaigns": daily(6, "outcomes.count"),
    "apply retention": every(timedelta(hours=1), "retention.apply"),
    "tidy credentials": every(timedelta(hours=1), "credentials.tidy"),
    "delete expired exports": every(timedelta(hours=1), "exports.delete_expired"),
    "forget erasures": daily(2, "erasures.forget"),
    "remove files": every(timedelta(minutes=1), "files.remove"),
    "sweep the store of files": daily(1, "files.sweep"),
    "forget spendings": every(timedelta(minutes=15), "limiting.forget"),
    "forget push services": daily(4, "deliveries.forget_origins"),
    "tell where the audit log ends": daily(2, "audit.tell_heads"),
    "prune the audit log": daily(5, "audit.prune"),
    "age subscriptions out": daily(3, "subscriptions.age_out"),
}
