"""schema.org's events in JSON-LD, as a document or within a page, read into events.

Source:
    https://schema.org/Event and https://schema.org/Schedule
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, Final

from icalendar import vDuration
from typing_extensions import override

from geoservices.feeds.reading import (
    LONGEST_UID,
    MOST_EVENTS,
    Fault,
    LeftOut,
    Moment,
    ReadEvent,
    ReadFeed,
    newest_of_each,
)
from geoservices.feeds.zones import named

Node = Mapping[str, Any]

DAY: Final = timedelta(days=1)
DEEPEST: Final = 12
LEADS_TO_EVENTS: Final = (
    "@graph",
    "itemListElement",
    "item",
    "mainEntity",
    "event",
    "events",
    "subEvent",
    "subEvents",
)
"""Members behind which a document's own events stand; others speak of events in passing."""
OTHERS: Final = frozenset({"Festival", "Hackathon", "CourseInstance"})
"""Subclasses of Event whose names do not end so."""
NOT_ATTENDED: Final = frozenset(
    {"PublicationEvent", "BroadcastEvent", "OnDemandEvent", "UserInteractionEvent"}
)
CALLED_OFF: Final = frozenset({"EventCancelled", "EventPostponed"})
"""One that is postponed has no time yet; once it has one it is said to be rescheduled."""
DAYS: Final = {
    "Monday": "MO",
    "Tuesday": "TU",
    "Wednesday": "WE",
    "Thursday": "TH",
    "Friday": "FR",
    "Saturday": "SA",
    "Sunday": "SU",
}
FREQUENCIES: Final = {"D": "DAILY", "W": "WEEKLY", "M": "MONTHLY", "Y": "YEARLY"}
_FREQUENCY: Final = re.compile(r"P([0-9]{1,3})([DWMY])")
_DAY: Final = re.compile(r"[+-]?[0-9]{0,2}(MO|TU|WE|TH|FR|SA|SU)")


def read_json_ld(text: str) -> ReadFeed:
    """Read the events of a JSON-LD document. Nothing in it raises anything."""
    return _read([text])


def read_page(text: str) -> ReadFeed:
    """Read the events of a page's `<script type="application/ld+json">`."""
    page = _Page()
    page.feed(text)
    page.close()
    return _read(page.scripts)


class _Page(HTMLParser):
    """Gathers the scripts of a page that are JSON-LD."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.scripts: list[str] = []
        self._open = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = (dict(attrs).get("type") or "").partition(";")[0].strip().lower()
        self._open = tag == "script" and kind == "application/ld+json"
        if self._open:
            self.scripts.append("")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "script"

    @override
    def handle_data(self, data: str) -> None:
        if self._open:
            self.scripts[-1] += data


def _read(documents: list[str]) -> ReadFeed:
    faults, nodes = list[Fault](), list[Node]()
    whole = bool(documents)
    for document in documents:
        try:
            nodes += _events_in(json.loads(document))
        except (ValueError, RecursionError):
            whole = False
            faults.append(Fault(line=1, what="There is JSON-LD that is no JSON."))
    if not documents:
        faults.append(Fault(line=1, what="There is no JSON-LD on this page."))
    if len(nodes) > MOST_EVENTS:
        whole = False
        what = f"Only the first {MOST_EVENTS} events of a feed are read."
        faults.append(Fault(line=MOST_EVENTS + 1, what=what))
    events, unread = list[ReadEvent](), set[str]()
    for number, node in enumerate(nodes[:MOST_EVENTS], start=1):
        uid = _uid(node)
        try:
            events.append(_event(node, uid, number))
        except LeftOut as error:
            unread |= set() if error.meant else {uid}
            faults.append(Fault(line=number, uid=uid, what=str(error)))
        except (ValueError, TypeError, OverflowError):
            unread.add(uid)
            what = "The event is left out: one of its dates or times is none."
            faults.append(Fault(line=number, uid=uid, what=what))
    newest, doubled = newest_of_each(events)
    return ReadFeed(
        events=tuple(newest),
        faults=(*faults, *doubled),
        whole=whole,
        unread=frozenset(unread),
    )


def _events_in(told: object, depth: int = 0) -> Iterator[Node]:
    if depth > DEEPEST:
        return
    if isinstance(told, list):
        for one in told:
            yield from _events_in(one, depth + 1)
    elif isinstance(told, dict):
        if _is_event(told):
            yield told
        for member in LEADS_TO_EVENTS:
            yield from _events_in(told.get(member), depth + 1)


def _is_event(node: Node) -> bool:
    kinds = {_word(one) for one in _many(node.get("@type"))}
    is_one = any(kind.endswith("Event") or kind in OTHERS for kind in kinds)
    return is_one and not kinds & NOT_ATTENDED and bool(kinds)


def _event(node: Node, uid: str, number: int) -> ReadEvent:
    cancelled = bool({_word(one) for one in _many(node.get("eventStatus"))} & CALLED_OFF)
    modes = {_word(one) for one in _many(node.get("eventAttendanceMode"))}
    if modes == {"OnlineEventAttendanceMode"}:
        raise LeftOut("it takes place online only.", meant=True)
    duration = _text(node.get("duration"))
    schedules = [one for one in _many(node.get("eventSchedule")) if isinstance(one, dict)]
    times = _times(node) if node.get("startDate") or not schedules else _scheduled(schedules)
    length = vDuration.from_ical(duration) if duration and times.get("ends") is None else None
    return ReadEvent(
        uid=uid,
        line=number,
        title=_text(node.get("name")),
        text=_text(node.get("description")),
        location=_location(node.get("location")) or None,
        url=_address(node.get("url")),
        cancelled=cancelled,
        **{"length": length, **times},
    )


def _times(node: Node) -> dict[str, Any]:
    start = _text(node.get("startDate"))
    if not start:
        raise LeftOut("it has no startDate.")
    starts, end = _moment(start), _text(node.get("endDate"))
    ends = _moment(end) if end else None
    if ends is not None and not isinstance(ends, datetime):
        # The last day belongs to it, unlike in iCalendar.
        ends += DAY
    if isinstance(starts, datetime) == isinstance(ends, datetime) and _is_before(ends, starts):
        raise LeftOut("it ends before it starts.")
    return {"starts": starts, "ends": ends}


def _is_before(end: Moment | None, start: Moment) -> bool:
    if isinstance(end, datetime) and isinstance(start, datetime):
        return (end.tzinfo is None) == (start.tzinfo is None) and end < start
    return end is not None and end < start


def _scheduled(schedules: Sequence[Node]) -> dict[str, Any]:
    """Read a schedule that one recurrence rule says as well."""
    if len(schedules) > 1:
        raise LeftOut("it has several schedules; give each as an event.")
    [schedule] = schedules
    frequency = _FREQUENCY.fullmatch(_text(schedule.get("repeatFrequency")))
    first, clock = _text(schedule.get("startDate")), _text(schedule.get("startTime"))
    if not first or not clock or frequency is None:
        raise LeftOut("its schedule needs startDate, startTime and a repeatFrequency like P1W.")
    parts = [f"FREQ={FREQUENCIES[frequency[2]]}", f"INTERVAL={int(frequency[1])}"]
    days = [_day(one) for one in _many(schedule.get("byDay"))]
    parts += [f"BYDAY={','.join(days)}"] if days else []
    for member, part in (("byMonth", "BYMONTH"), ("byMonthDay", "BYMONTHDAY")):
        numbers = [str(int(one)) for one in _many(schedule.get(member))]
        parts += [f"{part}={','.join(numbers)}"] if numbers else []
    if _many(schedule.get("byMonthWeek")):
        raise LeftOut("weeks of the month are not followed; say byDay as 1MO.")
    last, count = _text(schedule.get("endDate")), schedule.get("repeatCount")
    if count:
        parts.append(f"COUNT={int(count)}")
    elif last:
        parts.append(f"UNTIL={date.fromisoformat(last[:10]):%Y%m%d}")
    begins = datetime.combine(date.fromisoformat(first[:10]), time.fromisoformat(clock))
    begins = _first_day(begins, days, frequency[2])
    end, duration = _text(schedule.get("endTime")), _text(schedule.get("duration"))
    length = vDuration.from_ical(duration) if duration else None
    if end and length is None:
        length = datetime.combine(begins.date(), time.fromisoformat(end)) - begins
        length += DAY if length <= timedelta(0) else timedelta(0)
    zone = _text(schedule.get("scheduleTimezone"))
    excluded = [_moment(_text(one)) for one in _many(schedule.get("exceptDate"))]
    return {
        "starts": begins,
        "rule": ";".join(parts),
        "zone": named(zone) if zone else None,
        "excluded": tuple(
            datetime.combine(one, begins.time()) if not isinstance(one, datetime) else one
            for one in excluded
        ),
        **({} if length is None else {"length": length}),
    }


def _first_day(begins: datetime, days: list[str], unit: str) -> datetime:
    """Return the first of the weekdays; a schedule may begin on any day of the week before."""
    if unit != "W" or not days:
        return begins
    names = list(DAYS.values())
    return next(day for day in (begins + n * DAY for n in range(7)) if names[day.weekday()] in days)


def _day(told: object) -> str:
    text = _word(told)
    day = DAYS.get(text, text.upper())
    if not _DAY.fullmatch(day):
        raise LeftOut("its schedule has a byDay that is none.")
    return day


def _uid(node: Node) -> str:
    for told in (node.get("@id"), node.get("identifier"), node.get("url")):
        text = _text(told)
        if text and len(text) <= LONGEST_UID:
            # A page about several occurrences has one address for all of them.
            return text if told is not node.get("url") else f"{text}#{_text(node.get('startDate'))}"
    named_by = [_text(node.get("name")), _text(node.get("startDate"))]
    return f"without-id-{sha256(chr(10).join(named_by).encode()).hexdigest()}"


def _moment(text: str) -> Moment:
    text = text.strip()
    if len(text) == len("2026-03-01"):
        return date.fromisoformat(text)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo is None else read.astimezone(UTC)


def _location(told: object) -> str:
    """Return where it is in one line: name, street, town and postcode, as far as told."""
    if isinstance(told, list):
        return next(filter(None, map(_location, told)), "")
    if not isinstance(told, dict):
        return _text(told)
    if _word(told.get("@type")) == "VirtualLocation":
        return ""
    address = told.get("address", told if "streetAddress" in told else None)
    parts = [_text(told.get("name"))]
    if isinstance(address, dict):
        parts += [
            _text(address.get(member))
            for member in ("streetAddress", "addressLocality", "postalCode")
        ]
    else:
        parts.append(_text(address))
    return ", ".join(part for part in parts if part)


def _text(told: object) -> str:
    """Return the first text of a value, whether it is one, several, or in several languages."""
    if isinstance(told, list):
        return next(filter(None, map(_text, told)), "")
    if isinstance(told, dict):
        return _text(told.get("@value") or told.get("value") or told.get("@id"))
    if not isinstance(told, str):
        return ""
    # JSON can say halves of characters, which are none.
    return told.encode(errors="replace").decode().replace("\x00", "").strip()


def _address(told: object) -> str | None:
    text = _text(told)
    return text if text.startswith(("https://", "http://")) else None


def _word(told: object) -> str:
    """Return a name without the vocabulary that it may stand behind."""
    return _text(told).rpartition("/")[2].rpartition(":")[2]


def _many(told: object) -> list[Any]:
    if told is None:
        return []
    return told if isinstance(told, list) else [told]
