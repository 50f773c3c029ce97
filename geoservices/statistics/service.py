"""Visits counted once, when a day is over, and what organisations are told of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Organisation
from geoservices.places import service as places
from geoservices.scopes import everywhere
from geoservices.settings.service import Settings
from geoservices.statistics import queries
from geoservices.statistics.counting import (
    QUARTER,
    check_range,
    count,
    hours_between,
    hours_of_day,
    midnight,
    quarter_of,
    told,
)
from geoservices.statistics.queries import CellDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """About how many people came within an hour; None is too few, or nobody."""

    starts_at: datetime
    ends_at: datetime
    people: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footfall:
    """A place's hours, in the order of time, in its organisation's time zone."""

    time_zone: str
    hours: list[Hour]


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """About how many people are at a place as of the last quarter of an hour; None is too few."""

    at: datetime | None
    people: int | None


def count_next_day(
    session: Session, organisation_id: UUID, *, settings: Settings, at: datetime
) -> date | None:
    """Count an organisation's next day that is over for long enough, once and for all.

    What comes to be known of it afterwards is not counted any more: whoever asked before and after
    would see what was added. A day on which nobody came is counted like any other.

    Args:
        session: The transaction to count in. Nobody else counts for the organisation meanwhile.
        organisation_id: The organisation.
        settings: The service's.
        at: Now.

    Returns:
        The day that was counted; None if there is none yet, or someone else is counting.
    """
    organisation = queries.hold_organisation(session, organisation_id)
    if organisation is None:
        return None
    # What is older is deleted by now.
    oldest = max(organisation.created_at, at - settings.retention.visits)
    first = midnight(_day_of(oldest, organisation), time_zone=organisation.time_zone)
    start = max(organisation.counted_until or first, first)
    bounds = hours_of_day(start, time_zone=organisation.time_zone)
    if bounds[-1] + settings.statistics.count_after > at:
        return None
    day = _day_of(start, organisation)
    counts = count(
        queries.arrivals(session, organisation_id, bounds),
        smallest=settings.statistics.smallest_count,
    )
    shared = {"organisation_id": organisation_id, "day": day}
    queries.insert_hours(
        session,
        [
            {"place_id": place, "cell": cell, "starts_at": starts_at, "people": people, **shared}
            for (place, cell, starts_at), people in counts.hours.items()
        ],
    )
    queries.insert_rests(
        session,
        [
            {"cell": cell, "starts_at": start, "people": people, **shared}
            for cell, people in counts.rests.items()
        ],
    )
    organisation.counted_until = bounds[-1]
    return day


def count_present(session: Session, *, smallest: int, at: datetime) -> int:
    """Count the people at each place as of now, in place of what was counted before.

    Returns:
        Of how many places it is told.
    """
    mark = quarter_of(at)
    rows: list[dict[str, object]] = [
        {"place_id": place_id, "at": mark, "people": told(people, smallest=smallest)}
        for place_id, people in queries.people_present(session, mark, smallest=smallest).items()
    ]
    queries.replace_occupancies(session, rows)
    return len(rows)


def presence(session: Session, place_id: UUID, *, grant: Grant, at: datetime) -> Present:
    """Tell about how many people are at a place.

    An empty place looks like one with a few: whoever asks again and again would otherwise see the
    first one come.

    Raises:
        NotFound: The place is not the organisation's, nor are its statistics shared with it.
    """
    places.get_place_for(session, place_id, grant)
    found = queries.occupancy(session, place_id, since=quarter_of(at) - QUARTER)
    return Present(at=found.at if found else None, people=found.people if found else None)


def footfall(
    session: Session, place_id: UUID, *, grant: Grant, from_: datetime, until: datetime
) -> Footfall:
    """Tell about how many people came to a place, hour by hour, as far as that is counted.

    Args:
        session: The transaction to read in.
        place_id: The place.
        grant: Whoever asks; the hours are those of the time zone of whose the place is.
        from_: Any instant of the first hour.
        until: The end; an hour that it cuts through is told of too, if it is counted.

    Raises:
        NotFound: The place is not the organisation's, nor are its statistics shared with it.
        RangeRefused: The span is empty, longer than 31 days or from before the year 2000.
    """
    place = places.get_place_for(session, place_id, grant)
    organisation = accounts.organisation_by_id(session, place.organisation_id)
    time_zone, closed = organisation.time_zone, organisation.counted_until
    check_range(until - from_, from_)
    if closed is None or closed <= from_:
        return Footfall(time_zone=time_zone, hours=[])
    bounds = hours_between(from_, min(until, closed), time_zone=time_zone)
    # What a partner is told of are counts of the owner's.
    with everywhere(session):
        people = queries.hours_at(session, place_id, from_=bounds[0], until=bounds[-1])
    zone = ZoneInfo(time_zone)
    hours = [
        Hour(
            starts_at=starts_at.astimezone(zone),
            ends_at=ends_at.astimezone(zone),
            people=people.get(starts_at),
        )
        for starts_at, ends_at in pairwise(bounds)
        if ends_at <= closed
    ]
    return Footfall(time_zone=time_zone, hours=hours)


def grid(session: Session, *, grant: Grant, first: date, last: date) -> list[CellDay]:
    """Tell about how many people came to the places of each cell, day by day.

    It is the sum of what is told of the places' hours and of what the cell has left over: no
    person is told of here who is not behind one of those counts. Whose reach is limited is told
    of the hours of places within it alone; what is left over may be of others.

    Raises:
        RangeRefused: The span is empty, longer than 31 days or from before the year 2000.
    """
    begins = datetime(first.year, first.month, first.day, tzinfo=UTC)
    check_range(last - first + timedelta(days=1), begins)
    return queries.cell_days(session, grant, first=first, last=last)


def _day_of(instant: datetime, organisation: Organisation) -> date:
    return instant.astimezone(ZoneInfo(organisation.time_zone)).date()
