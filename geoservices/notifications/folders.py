"""Where a notification lies in its person's inbox, and whether it counts as read."""

from datetime import datetime, timedelta
from enum import StrEnum

from geoservices.errors import ErrorKind, GeoservicesError

LONGEST_SNOOZE = timedelta(days=365)


class Folder(StrEnum):
    """What a person sees together."""

    INBOX = "inbox"
    SNOOZED = "snoozed"
    ARCHIVE = "archive"
    ALL = "all"


class SnoozeRefused(GeoservicesError):
    """A notification is put off until some time within a year from now; nothing was changed."""

    kind = ErrorKind.INVALID
    code = "snooze-refused"
    title = "Not a time to be reminded at"

    def __init__(self) -> None:
        super().__init__(
            "Give an instant that is later than now, by a year at most, or null to put it back.",
            field="/snoozed_until",
        )


def check_snooze(until: datetime, *, at: datetime) -> datetime:
    """Return the instant, unless nothing can be put off until then.

    Raises:
        SnoozeRefused: It is not after now, or after more than a year.
    """
    if not at < until <= at + LONGEST_SNOOZE:
        raise SnoozeRefused
    return until


def read_when(
    read_at: datetime | None, snoozed_until: datetime | None, *, at: datetime
) -> datetime | None:
    """Return since when a notification counts as read, None if it is unread.

    What was read before its snooze ended has come back to be read again.
    """
    came_back = snoozed_until is not None and snoozed_until <= at
    if read_at is not None and came_back and snoozed_until is not None and read_at < snoozed_until:
        return None
    return read_at


def snoozed_until_when(snoozed_until: datetime | None, *, at: datetime) -> datetime | None:
    """Return until when a notification is put off, None if it is not or has come back."""
    return snoozed_until if snoozed_until is not None and snoozed_until > at else None
