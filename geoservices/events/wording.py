"""What people are told of events that they signed up for, in words and local time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LONGEST_TITLE: Final = 120
LONGEST_BODY: Final = 500
GIVE_UP: Final = "If you cannot come, give your place up, so that somebody else can have it."


@dataclass(frozen=True, slots=True)
class Words:
    """A title of at most 120 characters, and at most 500 besides."""

    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """What somebody signed up for: its title, its place's name, when, and by which clocks."""

    title: str
    place: str
    starts_at: datetime
    time_zone: str

    def when(self, at: datetime) -> str:
        """Return when it begins, as one says it at an instant: "tomorrow at 10:00"."""
        zone = ZoneInfo(self.time_zone)
        local, today = self.starts_at.astimezone(zone), at.astimezone(zone).date()
        clock = f"{local:%H:%M}"
        if local.date() == today:
            return f"today at {clock}"
        if local.date() == today + timedelta(days=1):
            return f"tomorrow at {clock}"
        year = "" if local.year == today.year else f" {local.year}"
        return f"on {local:%A} {local.day} {local:%B}{year} at {clock}"


def reminder(of: Appointment, *, at: datetime) -> Words:
    """Say that it begins soon."""
    return Words(_titled(of.title, f" begins {of.when(at)}"), f"At {of.place}. {GIVE_UP}")


def moved_up(of: Appointment, *, at: datetime) -> Words:
    """Say that somebody who waited has a place."""
    return Words(
        _titled(of.title, ": you have a place"),
        f"It begins {of.when(at)} at {of.place}. {GIVE_UP}",
    )


def back_on(of: Appointment, *, at: datetime) -> Words:
    """Say that it takes place, though it was said to be cancelled."""
    return Words(
        _titled(of.title, " takes place after all"),
        f"It begins {of.when(at)} at {of.place}. That you signed up for it counts again.",
    )


def cancelled(of: Appointment, reason: str, *, at: datetime) -> Words:
    """Say that it does not take place."""
    return Words(
        _titled(of.title, " is cancelled"),
        _cut(f"It was to begin {of.when(at)} at {of.place}. {reason}", LONGEST_BODY),
    )


def _titled(title: str, rest: str) -> str:
    return f"{_cut(title, LONGEST_TITLE - len(rest))}{rest}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
