"""Weekly windows: the hours of a week in which a campaign speaks, by the clock of one zone."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
QUARTER = timedelta(minutes=15)
"""Clocks differ from UTC by whole quarters of an hour, and change with one."""


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


def steady_until(weekly: Weekly, at: datetime) -> datetime:
    """Return until when `is_on` says the same at least as at an instant, a quarter later at most.

    In a quarter of an hour no clock changes and no day begins, so that only times of windows count.
    """
    local = at.astimezone(ZoneInfo(weekly.time_zone)).replace(tzinfo=None)
    times = {moment for window in weekly.windows for moment in (window.from_, window.until)}
    ahead = [moment for one in times if (moment := datetime.combine(local, one)) > local]
    return at + (min([next_quarter(local), *ahead]) - local)


def next_quarter(at: datetime) -> datetime:
    """Return when the next quarter of an hour begins, on a clock that differs by whole ones."""
    return at + QUARTER - (at - datetime.min.replace(tzinfo=at.tzinfo)) % QUARTER


def is_ever_on(weekly: Weekly, from_: datetime, until: datetime) -> bool:
    """Tell whether a window is open at some moment from `from_` until before `until`.

    A week after which it was not, it never is; clocks that change are allowed for.
    """
    if is_on(weekly, from_):
        return True
    begins = next_on(weekly, from_)
    return begins is not None and begins < until


def next_on(weekly: Weekly, after: datetime) -> datetime | None:
    """Return the instant, in UTC, at which the next window begins after an instant outside of all.

    None if there is none within eight days, and so none ever.
    """
    return next_when(
        lambda at: is_on(weekly, at),
        {window.from_ for window in weekly.windows},
        zone=ZoneInfo(weekly.time_zone),
        after=after,
        days=8,
    )


def next_when(
    holds: Callable[[datetime], bool],
    times: Collection[time],
    *,
    zone: ZoneInfo,
    after: datetime,
    days: int,
) -> datetime | None:
    """Return the first instant at which something holds that goes by the clock of a zone.

    It is looked for where the clock shows one of the times, both times where that comes twice,
    and where clocks change: what is left of an hour that is skipped begins there.

    Args:
        holds: Whether it does at an instant; not at `after`.
        times: The times of day at which it may begin to.
        zone: Whose clock.
        after: From when on.
        days: How many days are looked through.

    Returns:
        An instant after `after`, in UTC; None if it holds at none.
    """
    first = after.astimezone(zone).date()
    shown = (
        datetime.combine(first + day * DAY, moment, tzinfo=zone).replace(fold=fold).astimezone(UTC)
        for day in range(days + 1)
        for moment in times
        for fold in (0, 1)
    )
    found = [at for at in (*shown, *_changes(zone, after, days)) if at > after and holds(at)]
    return min(found, default=None)


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


def within(moment: time, start: time, end: time) -> bool:
    """Tell whether a time of day lies from `start` until before `end`, over midnight if need be."""
    if start <= end:
        return start <= moment < end
    return moment >= start or moment < end


def in_words(window: Window) -> str:
    """Return a window as people write it."""
    return f"{', '.join(window.days)} {window.from_:%H:%M} to {window.until:%H:%M}"


def _holds(window: Window, moment: time, today: Weekday, yesterday: Weekday) -> bool:
    if window.from_ < window.until:
        return today in window.days and window.from_ <= moment < window.until
    began_today = today in window.days and moment >= window.from_
    return began_today or (yesterday in window.days and moment < window.until)


def _changes(zone: ZoneInfo, after: datetime, days: int) -> Iterator[datetime]:
    """Find the seconds at which the clocks of a zone change within some days."""
    for day in range(days):
        before = (after + day * DAY).astimezone(UTC).replace(microsecond=0)
        until = before + DAY
        offset = before.astimezone(zone).utcoffset()
        if until.astimezone(zone).utcoffset() == offset:
            continue
        while until - before > SECOND:
            between = before + (until - before) // SECOND // 2 * SECOND
            if between.astimezone(zone).utcoffset() == offset:
                before = between
            else:
                until = between
        yield until


def _is_skipped(local: datetime) -> bool:
    there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    return there_and_back.replace(tzinfo=None) != local.replace(tzinfo=None)
