"""When what comes again takes place: the spans of a recurrence rule, by the clocks of a zone.

A rule speaks of local time: ten o'clock stays ten o'clock when clocks change, whatever UTC says.
A local time that clocks skip is read with the offset from before the gap, and one that comes twice
is the first of the two (RFC 5545, section 3.3.5). The length of a span is exact: whoever meets for
two hours meets for two hours, over a change of clocks too.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import islice
from typing import Final, NotRequired, TypedDict, Unpack
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, WEEKLY, weekday

from geoservices.calendars.rules import (
    CYCLE_YEARS,
    MOST_OCCURRENCES,
    Rule,
    late_days,
    normalised,
    parsed,
)
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.instants import FIRST, LAST, MICROSECOND

DAY: Final = timedelta(days=1)
_STEP_DAYS: Final = {DAILY: 1, WEEKLY: 7}


class RecurrenceRefused(GeoservicesError):
    """A rule that cannot be read, is not offered, or never comes to anything."""

    kind = ErrorKind.INVALID
    code = "recurrence-refused"
    title = "This recurrence rule cannot be followed"


@dataclass(frozen=True, slots=True)
class Span:
    """One occurrence: from `starts_at` until `ends_at`, which belongs to it no more; in UTC."""

    starts_at: datetime
    ends_at: datetime


class Series(TypedDict):
    """What comes again: its first start, how long each lasts, and its rule in a time zone.

    The first start belongs to it whether or not the rule says so. `rule` is as `read_rule` returned
    it, or None for what takes place once. `excluded` and `added` are single starts.
    """

    starts_at: datetime
    length: timedelta
    rule: str | None
    time_zone: str
    excluded: NotRequired[Collection[datetime]]
    added: NotRequired[Collection[datetime]]


def read_rule(text: str, *, field: str) -> str:
    """Return a recurrence rule of RFC 5545 in the one form in which it is kept.

    Args:
        text: As in an RRULE property, with or without its name.
        field: Where it stands in the request, as a JSON Pointer, for the refusal.

    Raises:
        RecurrenceRefused: It is no rule, recurs within the day, has too many occurrences, or asks
            for days that do not exist.
    """
    try:
        return normalised(text)
    except ValueError as error:
        raise RecurrenceRefused(str(error), field=field) from error


def with_end_in_utc(rule: str, time_zone: str) -> str:
    """Return a rule that `read_rule` returned with an UNTIL as others read it.

    Beside a first start that has a time and a zone it is an instant in UTC (RFC 5545 section
    3.3.10). Days and local times, as people type them, mean something to us alone.
    """
    until = _until(parsed(rule), time_zone)
    if until is None:
        return rule
    told = f"UNTIL={until:%Y%m%dT%H%M%SZ}"
    return ";".join(told if part.startswith("UNTIL=") else part for part in rule.split(";"))


def local_instant(day: date, moment: time, time_zone: str) -> datetime:
    """Return the instant, in UTC, at which clocks in a zone show a time on a day."""
    local = datetime.combine(day, moment.replace(fold=0), tzinfo=ZoneInfo(time_zone))
    return local.astimezone(UTC)


def spans(*, since: datetime, until: datetime, limit: int, **series: Unpack[Series]) -> list[Span]:
    """Return the occurrences that overlap [since, until), ascending, at most `limit` of them."""
    return list(islice(_overlapping(since, until, series), limit))


def is_on(at: datetime, **series: Unpack[Series]) -> Span | None:
    """Return the occurrence that is on at an instant, the earliest if there are several."""
    return next(_overlapping(at, at + MICROSECOND, series), None)


def next_after(at: datetime, **series: Unpack[Series]) -> Span | None:
    """Return the first occurrence that starts after an instant, None if there is none."""
    later = (start for start in _starts(series, at) if start > at)
    start = next(later, None)
    return None if start is None else _span(start, series)


def last_start(*, after: datetime, until: datetime, **series: Unpack[Series]) -> datetime | None:
    """Return the last start after one instant and not after another, None if there is none."""
    last: datetime | None = None
    for start in _starts(series, after):
        if start > until:
            break
        last = start if start > after else None
    return last


def last_end(**series: Unpack[Series]) -> datetime | None:
    """Return when the last occurrence ends, None if there is always another.

    The series is one that `check_series` lets through.
    """
    rule = None if series["rule"] is None else parsed(series["rule"])
    if rule is not None and _is_endless(rule):
        return None
    last = series["starts_at"]
    for start in _starts(series, last):
        last = start
    return last.astimezone(UTC) + series["length"]


def count_starts(*, most: int, **series: Unpack[Series]) -> int | None:
    """Return how many occurrences there are, None if there is always another.

    Args:
        most: Counting ends at one more than this, or than a rule may have.
        series: Whether `check_series` lets it through or not.
    """
    rule = None if series["rule"] is None else parsed(series["rule"])
    if rule is not None and _is_endless(rule):
        return None
    starts = _starts(series, series["starts_at"])
    return sum(1 for _ in islice(starts, min(most, MOST_OCCURRENCES) + 1))


def check_series(*, field: str, **series: Unpack[Series]) -> None:
    """Refuse a rule that does not go with its first start.

    Args:
        field: Where the rule stands in the request, as a JSON Pointer, for the refusal.
        series: As it would be kept.

    Raises:
        RecurrenceRefused: The rule ends before it begins, has its first start on another day, or
            goes on for too many occurrences.
    """
    if series["rule"] is None:
        return
    rule = parsed(series["rule"])
    first = _local(series["starts_at"], series["time_zone"])
    until = _until(rule, series["time_zone"])
    if until is not None and until < series["starts_at"]:
        raise RecurrenceRefused(
            "The rule ends before the first start. Give a later UNTIL.", field=field
        )
    day = next(_days(rule, first.date(), first.date()), None)
    if day != first.date() or first.time() not in rule.times(first.time()):
        raise RecurrenceRefused(
            f"The first start, {first:%A %d %B %Y, %H:%M} in {series['time_zone']}, is not one of "
            "the rule's. Begin on a day and at a time that the rule names.",
            field=field,
        )
    starts = _starts(series, series["starts_at"])
    if not _is_endless(rule) and next(islice(starts, MOST_OCCURRENCES, None), None) is not None:
        raise RecurrenceRefused(
            f"The rule has more than {MOST_OCCURRENCES} occurrences before it ends. Give an "
            "earlier UNTIL, or none, and it goes on until you end it.",
            field=field,
        )


def _overlapping(since: datetime, until: datetime, series: Series) -> Iterator[Span]:
    for start in _starts(series, since - series["length"]):
        if start >= until:
            return
        span = _span(start, series)
        if span.ends_at > since:
            yield span


def _span(start: datetime, series: Series) -> Span:
    return Span(start, start + series["length"])


def _starts(series: Series, since: datetime) -> Iterator[datetime]:
    """Yield starts in UTC, ascending; some before `since` may be left out, later ones never."""
    excluded = frozenset(series.get("excluded", ()))
    added = sorted(one.astimezone(UTC) for one in series.get("added", ()))
    last: datetime | None = None
    for start in merge(_ruled(series, since), added):
        if start != last and start not in excluded:
            yield start
        last = start


def _ruled(series: Series, since: datetime) -> Iterator[datetime]:
    last = series["starts_at"].astimezone(UTC)
    yield last
    if series["rule"] is None:
        return
    rule, zone = parsed(series["rule"]), series["time_zone"]
    first = _local(last, zone)
    times = rule.times(first.time())
    until = _until(rule, zone)
    # Whoever counts has to begin at the beginning.
    from_ = first.date() if rule.count else _local(since, zone).date() - DAY
    number = 1
    for day in _days(rule, first.date(), from_):
        for start in sorted(local_instant(day, moment, zone) for moment in times):
            if start <= last:
                continue
            if number == rule.count or (until is not None and start > until):
                return
            number += 1
            last = start
            yield start


def _days(rule: Rule, first: date, since: date) -> Iterator[date]:
    """Yield the days of a rule from the first start on; some before `since` may be left out."""
    parts, begin = rule.days, first
    if parts["freq"] == WEEKLY:
        # BYSETPOS counts in the whole of the first week, of which dateutil would see the rest.
        begin -= (first.weekday() - parts["wkst"]) % 7 * DAY
    if parts["byweekday"] is None and (parts["freq"] == WEEKLY or parts["byweekno"]):
        parts = parts | {"byweekday": (weekday(first.weekday()),)}
    if parts["freq"] in _STEP_DAYS and since > begin:
        step = _STEP_DAYS[parts["freq"]] * parts["interval"]
        begin += (since - begin).days // step * step * DAY
    years = (MAXYEAR - max(begin, since).year) // CYCLE_YEARS * CYCLE_YEARS
    for late in late_days(parts, begin.replace(year=begin.year + years)):
        day = late.replace(year=late.year - years)
        if day >= first:
            yield day


def _is_endless(rule: Rule) -> bool:
    return rule.count is None and rule.until is None


def _until(rule: Rule, time_zone: str) -> datetime | None:
    """Return the last instant at which an occurrence may start."""
    if rule.until is None:
        return None
    try:
        if not isinstance(rule.until, datetime):
            return local_instant(rule.until, time.max, time_zone)
        if rule.until.tzinfo is None:
            return local_instant(rule.until.date(), rule.until.time(), time_zone)
    except OverflowError:
        # It is at one of the ends of time, by the clocks of the zone.
        return LAST if rule.until.year == MAXYEAR else FIRST
    return rule.until


def _local(at: datetime, time_zone: str) -> datetime:
    return at.astimezone(ZoneInfo(time_zone))
