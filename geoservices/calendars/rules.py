"""Recurrence rules as they are written: RRULEs of RFC 5545, read, put in one form, or refused.

Source:
    https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import product
from typing import Final, Literal, TypedDict

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, weekday

LONGEST_TEXT: Final = 500
MOST_OCCURRENCES: Final = 10_000
"""More than a daily event has in twenty-seven years."""
MOST_INTERVAL: Final = 1000
MOST_A_DAY: Final = 24

Frequency = Literal[0, 1, 2, 3]
"""As dateutil numbers them: yearly, monthly, weekly, daily."""
FREQUENCIES: Final[Mapping[str, Frequency]] = {
    "DAILY": DAILY,
    "WEEKLY": WEEKLY,
    "MONTHLY": MONTHLY,
    "YEARLY": YEARLY,
}
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

CYCLE_YEARS: Final = 400
"""After so many years the Gregorian calendar has the same days of the week again."""
FIRST_OF_LAST_CYCLE: Final = date(9600, 1, 1)
"""dateutil looks for a next date until the year 9999, and nothing else stops it when there is none.
In the last cycle of its calendar the search is short, and finds what it would find in any other."""

_BOUNDS: Final[Mapping[str, tuple[int, int, bool]]] = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
"""The least and the greatest number of each part, and whether it may count from the end."""

_FITTING: Final[Mapping[str, frozenset[int]]] = {
    "BYWEEKNO": frozenset({YEARLY}),
    "BYYEARDAY": frozenset({YEARLY}),
    "BYMONTHDAY": frozenset({YEARLY, MONTHLY, DAILY}),
    "BYSETPOS": frozenset({YEARLY, MONTHLY, WEEKLY}),
}
"""The frequencies of the parts that do not go with each."""

_ORDER: Final = (
    "FREQ", "UNTIL", "COUNT", "INTERVAL", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY",
    "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST",
)  # fmt: skip

_DAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,3}")
_UNTIL: Final = re.compile(r"([0-9]{8})(T[0-9]{6}(Z?))?")


class DayParts(TypedDict, total=False):
    """What dateutil needs to find the days of a rule."""

    freq: Frequency
    interval: int
    wkst: int
    bysetpos: tuple[int, ...] | None
    bymonth: tuple[int, ...] | None
    bymonthday: tuple[int, ...] | None
    byyearday: tuple[int, ...] | None
    byweekno: tuple[int, ...] | None
    byweekday: tuple[weekday, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as its parts: which days, at which times of the day, and when it ends.

    `moments` is empty where the first start's own time of the day is meant. `until` is a day, whose
    end it means; a local time; or an instant.
    """

    days: DayParts
    moments: tuple[tuple[int | None, int | None, int | None], ...]
    count: int | None
    until: date | datetime | None

    def times(self, start: time) -> tuple[time, ...]:
        """Return the times of a day, ascending, given the time of the first start."""
        return tuple(
            sorted(
                start.replace(
                    hour=start.hour if hour is None else hour,
                    minute=start.minute if minute is None else minute,
                    second=start.second if second is None else second,
                )
                for hour, minute, second in self.moments
            )
        )


def normalised(text: str) -> str:
    """Return an RRULE in its one form, without "RRULE:".

    Args:
        text: RFC 5545's recurrence rule; small letters, spaces around and the property's name are
            forgiven.

    Raises:
        ValueError: It is no rule, recurs within the day, has too many occurrences, or asks for days
            that do not exist; the message says what to change.
    """
    parts = _parts(text)
    if not _ever(_rule(parts).days):
        raise ValueError("No day is ever as this rule says. Change the parts that begin with BY.")
    return ";".join(f"{name}={parts[name]}" for name in _ORDER if name in parts)


@lru_cache(maxsize=4096)
def parsed(rule: str) -> Rule:
    """Return the parts of a rule that `normalised` returned."""
    return _rule(_parts(rule))


def _parts(text: str) -> dict[str, str]:
    plain = text.strip().upper().removeprefix("RRULE:")
    if len(plain) > LONGEST_TEXT:
        raise ValueError(f"A rule has at most {LONGEST_TEXT} characters.")
    parts: dict[str, str] = {}
    for part in plain.rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if name not in _ORDER or not equals or not value:
            raise ValueError(
                f"Write the rule as in RFC 5545, like FREQ=WEEKLY;BYDAY=TU,TH; "
                f"{part[:40]!r} is no part of one that is followed here."
            )
        if name in parts:
            raise ValueError(f"Give {name} once.")
        parts[name] = value
    if parts.get("INTERVAL") == "1":
        del parts["INTERVAL"]
    if parts.get("WKST") == "MO":
        del parts["WKST"]
    return parts


def _rule(parts: Mapping[str, str]) -> Rule:
    frequency = FREQUENCIES.get(parts.get("FREQ", ""))
    if frequency is None:
        raise ValueError("Give FREQ as DAILY, WEEKLY, MONTHLY or YEARLY.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("Give COUNT or UNTIL, not both.")
    numbers = {name: _numbers(name, parts[name]) for name in _BOUNDS if name in parts}
    for name, fitting in _FITTING.items():
        if name in numbers and frequency not in fitting:
            raise ValueError(f"{name} does not go with FREQ={parts['FREQ']}. Leave it out.")
    if "BYSETPOS" in numbers and not (numbers.keys() - {"BYSETPOS"} or "BYDAY" in parts):
        raise ValueError("BYSETPOS picks among what another BY part finds. Give one, or leave it.")
    hours, minutes, seconds = (
        numbers.get(name, (None,)) for name in ("BYHOUR", "BYMINUTE", "BYSECOND")
    )
    moments = tuple(product(hours, minutes, seconds))
    if len(moments) > MOST_A_DAY:
        raise ValueError(f"A rule has at most {MOST_A_DAY} times a day. Give fewer hours.")
    if len(moments) > 1 and "BYSETPOS" in numbers:
        raise ValueError("BYSETPOS picks days here. Give one time of the day, or leave it out.")
    wkst = parts.get("WKST", "MO")
    if wkst not in WEEKDAYS:
        raise ValueError("Give WKST as one of MO, TU, WE, TH, FR, SA, SU.")
    return Rule(
        days={
            "freq": frequency,
            "interval": _whole(parts, "INTERVAL", MOST_INTERVAL) or 1,
            "wkst": WEEKDAYS.index(wkst),
            "bysetpos": numbers.get("BYSETPOS"),
            "bymonth": numbers.get("BYMONTH"),
            "bymonthday": numbers.get("BYMONTHDAY"),
            "byyearday": numbers.get("BYYEARDAY"),
            "byweekno": numbers.get("BYWEEKNO"),
            "byweekday": _weekdays(parts, frequency),
        },
        moments=moments,
        count=_whole(parts, "COUNT", MOST_OCCURRENCES),
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
    )


def _numbers(name: str, text: str) -> tuple[int, ...]:
    least, most, from_end = _BOUNDS[name]
    found: set[int] = set()
    for one in text.split(","):
        number = int(one) if _NUMBER.fullmatch(one) else None
        if number is None or not (
            least <= number <= most or (from_end and -most <= number <= -least)
        ):
            ends = f", or from -{least} to -{most}" if from_end else ""
            raise ValueError(f"Give {name} as numbers from {least} to {most}{ends}.")
        found.add(number)
    return tuple(sorted(found))


def _weekdays(parts: Mapping[str, str], frequency: int) -> tuple[weekday, ...] | None:
    if "BYDAY" not in parts:
        return None
    found = [_DAY.fullmatch(one) for one in parts["BYDAY"].split(",")]
    days = [
        weekday(WEEKDAYS.index(one[2]), int(one[1]) if one[1] else None)
        for one in found
        if one and (one[1] is None or 1 <= abs(int(one[1])) <= 53)  # noqa: PLR2004
    ]
    if len(days) < len(found):
        raise ValueError("Give BYDAY as days like MO, or as 1MO and -1FR for the first and last.")
    counted = [one for one in days if one.n]
    if counted and (frequency not in {MONTHLY, YEARLY} or "BYWEEKNO" in parts):
        raise ValueError("Only months and years have a first or last weekday. Give BYDAY like MO.")
    if counted and len(counted) < len(days):
        raise ValueError("Give BYDAY all with numbers, like 1MO,3MO, or all without.")
    return tuple(sorted(set(days), key=lambda one: (one.n or 0, one.weekday)))


def _whole(parts: Mapping[str, str], name: str, most: int) -> int | None:
    if name not in parts:
        return None
    text = parts[name]
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        raise ValueError(f"Give {name} as a number from 1 to {most}.")
    if not 1 <= int(text) <= most:
        raise ValueError(f"Give {name} as a number from 1 to {most}.")
    return int(text)


def _until(text: str) -> date | datetime:
    found = _UNTIL.fullmatch(text)
    try:
        if found and found[3]:
            return datetime.fromisoformat(text).astimezone(UTC)
        if found:
            return (datetime if found[2] else date).fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("Give UNTIL as a day that exists, 20271231, or in UTC, 20271231T235959Z.")


def _ever(days: DayParts) -> bool:
    """Tell whether any day is as the parts say, whatever the first start and the interval."""
    wanted = days | {"interval": 1}
    if days["freq"] == DAILY:
        # What a day must be is the same by the year, which is searched sooner.
        wanted |= {"freq": YEARLY, "byweekday": days["byweekday"] or _ALL_DAYS}
    return next(late_days(wanted, FIRST_OF_LAST_CYCLE), None) is not None


_ALL_DAYS: Final = tuple(weekday(index) for index in range(len(WEEKDAYS)))


def late_days(days: DayParts, first: date) -> Iterator[date]:
    """Yield the days of a rule from one in the last cycle of the calendar, ascending."""
    found = iter(rrule(dtstart=datetime.combine(first, time.min), **days))
    while True:
        try:
            yield next(found).date()
        except (StopIteration, ValueError, OverflowError):
            # The last week of the year 9999 ends in one that no date has.
            return
