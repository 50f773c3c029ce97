"""How an offer is redeemed, and how often by one person: what is counted anew when."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from geoservices.calendars.recurrence import local_instant
from geoservices.checkins.verification import Evidence


class Redeeming(StrEnum):
    """How somebody gets what an offer has."""

    SCAN = "scan"
    """They show a code that is good once, and staff scan or type it."""
    SELF = "self"
    """They say so themselves at the place, and a check-in there speaks for it."""


class Renewal(StrEnum):
    """When somebody who has had all that one person may have begins anew."""

    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


SELF_NEEDS: Final = Evidence.CODE
"""The least evidence that an offer which people redeem themselves may ask for: their word alone
could be given from anywhere."""
LONGEST_RENEWAL: Final = timedelta(days=31)
"""So long a redemption may count towards a limit that is renewed."""


def counted_since(renewal: Renewal, *, time_zone: str, at: datetime) -> datetime | None:
    """Return from when on redemptions count towards the limit of one person; None from the first.

    Days, weeks and months are those of the place's calendar: a week begins on Monday (ISO 8601).

    Args:
        renewal: When the limit begins anew.
        time_zone: IANA name of the place's zone.
        at: Now.
    """
    first = _first_day(renewal, at.astimezone(ZoneInfo(time_zone)).date())
    return None if first is None else local_instant(first, time(), time_zone)


def renewed_at(renewal: Renewal, *, time_zone: str, at: datetime) -> datetime | None:
    """Return when the limit of one person next begins anew; None if it never does."""
    first = _first_day(renewal, at.astimezone(ZoneInfo(time_zone)).date())
    if first is None:
        return None
    following = _first_day(renewal, first + _LENGTHS[renewal])
    return None if following is None else local_instant(following, time(), time_zone)


_LENGTHS: Final = {
    Renewal.DAILY: timedelta(days=1),
    Renewal.WEEKLY: timedelta(days=7),
    # From the first of a month this leads into the next one, whichever it is.
    Renewal.MONTHLY: LONGEST_RENEWAL,
}


def _first_day(renewal: Renewal, day: date) -> date | None:
    if renewal is Renewal.NEVER:
        return None
    if renewal is Renewal.WEEKLY:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if renewal is Renewal.MONTHLY else day
