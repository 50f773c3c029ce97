"""Weekly windows: the hours of a week in which a campaign speaks, by the clock of one zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEK = tuple(Weekday)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Local hours on some days, from `from_` until before `until`.

    A window that ends at or before its beginning runs over midnight, and belongs to the day on
    which it begins.
    """

    days: tuple[Weekday, ...]
    from_: time
    until: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """Windows in an IANA time zone; without any, all the week."""

    windows: tuple[Window, ...]
    time_zone: str


def is_on(weekly: Weekly, at: datetime) -> bool:
    """Tell whether the clock of the zone shows a time within a window, or there are none.

    A local time that a clock skips is never shown, and one that comes twice counts twice.
    """
    if not weekly.windows:
        return True
    local = at.astimezone(ZoneInfo(weekly.time_zone))
    today, yesterday = WEEK[local.weekday()], WEEK[local.weekday() - 1]
    return any(_holds(window, local.time(), today, yesterday) for window in weekly.windows)


def is_ever_on(weekly: Weekly, from_: datetime, until: datetime) -> bool:
    """Tell whether a window is open at some moment from `from_` until before `until`.

    A week after which it was not, it never is; clocks that change are allowed for.
    """
    until = min(until, from_ + 8 * DAY)
    if is_on(weekly, from_):
        return True
    zone = ZoneInfo(weekly.time_zone)
    first = from_.astimezone(zone).date()
    for day in range((until - from_).days + 2):
        date_ = first + day * DAY
        for window in weekly.windows:
            local = datetime.combine(date_, window.from_, tzinfo=zone)
            if WEEK[date_.weekday()] in window.days and any(
                from_ <= begins < until and is_on(weekly, begins) for begins in _begins(local)
            ):
                return True
    return False


def cut_short(weekly: Weekly, *, first: date, days: int) -> Iterator[tuple[date, Window]]:
    """Find the days on which clocks go forward over the beginning or the end of a window.

    Args:
        weekly: The windows.
        first: The first day that is looked at.
        days: How many are.
    """
    zone = ZoneInfo(weekly.time_zone)
    for number in range(days):
        date_ = first + number * DAY
        midnights = [datetime.combine(one, time(), tzinfo=zone) for one in (date_, date_ + DAY)]
        # Only forward: an hour that comes twice makes a window longer, and takes nothing away.
        if midnights[0].utcoffset() == midnights[1].utcoffset():
            continue
        for window in weekly.windows:
            if WEEK[date_.weekday()] in window.days and any(
                _is_skipped(datetime.combine(date_, moment, tzinfo=zone))
                for moment in (window.from_, window.until)
            ):
                yield date_, window


def in_words(window: Window) -> str:
    """Return a window as people write it."""
    return f"{', '.join(window.days)} {window.from_:%H:%M} to {window.until:%H:%M}"


def _holds(window: Window, moment: time, today: Weekday, yesterday: Weekday) -> bool:
    if window.from_ < window.until:
        return today in window.days and window.from_ <= moment < window.until
    began_today = today in window.days and moment >= window.from_
    return began_today or (yesterday in window.days and moment < window.until)


def _begins(local: datetime) -> Iterator[datetime]:
    """Find the instants at which a window may begin: of one in a skipped hour, each minute of it.

    What is left of such a window begins when the clock has gone forward.
    """
    begins = local.astimezone(UTC)
    yield begins
    if _is_skipped(local):
        earliest = local.replace(fold=1).astimezone(UTC)
        for minute in range((begins - earliest) // timedelta(minutes=1)):
            yield earliest + timedelta(minutes=minute)


def _is_skipped(local: datetime) -> bool:
    there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    return there_and_back.replace(tzinfo=None) != local.replace(tzinfo=None)
