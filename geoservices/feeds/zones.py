"""Which clock a calendar means: by the name of its time zone, or by what it says of it.

The library keeps what one calendar says of a zone for all calendars read after it, so that one
could change the times of another. Here each feed's zones are its own.
"""

from datetime import datetime, tzinfo
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Component as Observance
from icalendar import Timezone, TimezoneDaylight, TimezoneStandard
from icalendar.timezone.tzp import TZP
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from geoservices.feeds.content_lines import Component, Property
from geoservices.feeds.reading import Fault

MOST_OBSERVANCES: Final = 300
"""Of all zones of a feed: so many changes of clocks with a rule are looked for."""
OF_RULES: Final = frozenset(
    {"FREQ", "INTERVAL", "UNTIL", "COUNT", "WKST", "BYMONTH", "BYDAY", "BYMONTHDAY", "BYYEARDAY"}
)
"""What a rule of a change of clocks may be made of: clocks change once or twice a year."""
ONE_OF_EACH: Final = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
"""What it may say once besides."""
TOLD: Final = ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE", "TZNAME")
_KINDS: Final = {"STANDARD": TimezoneStandard, "DAYLIGHT": TimezoneDaylight}
_SOMEDAY: Final = datetime(2026, 1, 1)  # noqa: DTZ001  # Any wall time shows whether a zone works.


@cache
def _known() -> frozenset[str]:
    # Each time it is asked, Python looks through all the files of all zones.
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def named(text: str) -> str | None:
    """Return the IANA name of a zone: its own, that of Windows, or at the end of a longer one."""
    name = text.strip().strip("/")
    candidates = [name, WINDOWS_TO_OLSON.get(name, "")]
    parts = name.split("/")
    # `/freeassociation.sourceforge.net/Europe/Berlin` and the like (RFC 5545 section 3.2.19).
    candidates += ["/".join(parts[start:]) for start in range(1, len(parts) - 1)]
    return next((one for one in candidates if one in _known()), None)


class Zones:
    """The zones of one feed."""

    def __init__(self, components: list[Component]) -> None:
        self._made: dict[str, tzinfo | None] = {}
        self._left = MOST_OBSERVANCES
        self.faults: list[Fault] = []
        for component in components:
            tzid = component.first("TZID")
            if tzid is None:
                self.faults.append(Fault(line=component.line, what="A VTIMEZONE without TZID."))
            else:
                self._made.setdefault(tzid.value.strip(), self._make(component))

    def find(self, tzid: str) -> tuple[tzinfo | None, str | None]:
        """Return a zone and its IANA name; without a name if the feed alone knows it."""
        name = named(tzid)
        return (self._made.get(tzid), None) if name is None else (ZoneInfo(name), name)

    def _make(self, component: Component) -> tzinfo | None:
        zone = Timezone()
        zone.add("TZID", "told")
        parts = [part for part in component.components if part.name in _KINDS]
        self._left -= sum(part.first("RRULE") is not None for part in parts)
        if self._left < 0:
            self.faults.append(Fault(line=component.line, what="Too many changes of clocks."))
            return None
        try:
            for part in parts:
                zone.add_component(_observance(part))
            made = TZP().create_timezone(zone)
            _SOMEDAY.replace(tzinfo=made).utcoffset()
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError):
            self.faults.append(
                Fault(
                    line=component.line,
                    what="This VTIMEZONE cannot be read; unless its name is known, the place's "
                    "clock is taken.",
                )
            )
            return None
        return made


def _observance(part: Component) -> Observance:
    lines = [_line(one) for name in TOLD for one in part.all(name)]
    for rule in part.all("RRULE"):
        told = (one.partition("=") for one in rule.value.upper().split(";") if one)
        parts = {name.strip(): value.strip() for name, _, value in told}
        singly = {name for name in ONE_OF_EACH & parts.keys() if parts[name].isdecimal()}
        if parts.get("FREQ") != "YEARLY" or not parts.keys() - singly <= OF_RULES:
            raise ValueError("Clocks do not change so often.")
    text = "\r\n".join([f"BEGIN:{part.name}", *lines, f"END:{part.name}", ""])
    read = _KINDS[part.name].from_ical(text)
    if read.errors:
        raise ValueError("A line of it cannot be read.")
    return read


def _line(one: Property) -> str:
    # A zone has no other zone's clock; what else a parameter says does not matter here.
    return f"{one.name}:{one.value}"
