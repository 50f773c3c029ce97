"""What an organisation is told of the visits at its places: counts, and nothing of anybody."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.scopes import everywhere
from geoservices.visits import queries
from geoservices.visits.counting import LONGEST_STAY, HourCounts, whole_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """How many devices are within a geofence; None if too few to be told, or none at all."""

    geofence_id: UUID
    devices: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How often devices entered and exited and how many visits there were; None is too few."""

    starts_at: datetime
    ends_at: datetime
    entered: int | None
    exited: int | None
    visits: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footfall:
    """A place's hours, in the order of time, in its organisation's time zone."""

    time_zone: str
    hours: list[Hour]


def presence(session: Session, place_id: UUID, *, grant: Grant, smallest: int) -> list[Inside]:
    """Count the devices that are within each watched geofence of a place now.

    An empty geofence looks like one with a few devices: whoever asks again and again would
    otherwise see the first one come.

    Args:
        session: The transaction to read in.
        place_id: The place.
        grant: Whoever asks.
        smallest: The smallest count to be told.

    Raises:
        NotFound: The place is not the organisation's, nor are its statistics shared with it.
    """
    place = places.get_place_for(session, place_id, grant)
    with _as_its_owner(session, place, grant):
        counts = queries.count_inside(session, place_id)
    return [
        Inside(geofence_id=geofence_id, devices=count if count >= smallest else None)
        for geofence_id, count in counts.items()
    ]


def footfall(
    session: Session,
    place_id: UUID,
    *,
    grant: Grant,
    from_: datetime,
    until: datetime,
    smallest: int,
    at: datetime,
) -> Footfall:
    """Count what happened at a place, hour by hour.

    Args:
        session: The transaction to read in.
        place_id: The place.
        grant: Whoever asks; the hours are those of their organisation's time zone.
        from_: Any instant of the first hour.
        until: The end; an hour that it cuts through is told of too, if it is over.
        smallest: So many devices must be behind a count for it to be told; nothing is always told.
        at: Now.

    Raises:
        NotFound: The place is not the organisation's, nor are its statistics shared with it.
        RangeRefused: The span is empty, longer than 31 days or from before the year 2000.
    """
    place = places.get_place_for(session, place_id, grant)
    time_zone = accounts.organisation_by_id(session, grant.organisation_id).time_zone
    bounds = whole_hours(from_, until, time_zone=time_zone, at=at)
    with _as_its_owner(session, place, grant):
        counts = (
            queries.count_by_hour(session, place_id, bounds, longest=LONGEST_STAY, at=at)
            if bounds
            else {}
        )
    zone = ZoneInfo(time_zone)
    hours: list[Hour] = []
    for number, (starts_at, ends_at) in enumerate(pairwise(bounds)):
        counted = counts.get(number, HourCounts())
        hours.append(
            Hour(
                starts_at=starts_at.astimezone(zone),
                ends_at=ends_at.astimezone(zone),
                entered=counted.entered.told(smallest=smallest),
                exited=counted.exited.told(smallest=smallest),
                visits=counted.visits.told(smallest=smallest),
            )
        )
    return Footfall(time_zone=time_zone, hours=hours)


def _as_its_owner(session: Session, place: Place, grant: Grant) -> AbstractContextManager[None]:
    # What a partner is told of are counts of rows that are the owner's.
    own = place.organisation_id == grant.organisation_id
    return nullcontext() if own else everywhere(session)
