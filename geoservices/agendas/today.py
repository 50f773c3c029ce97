"""What is on today at places: from now until midnight by the clocks of each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.calendars.recurrence import local_instant
from geoservices.events import service as events
from geoservices.events.models import Event
from geoservices.events.service import Turnout
from geoservices.listings import queries as listings
from geoservices.listings.models import Listing
from geoservices.offers.models import Offer
from geoservices.offers.windows import on_within
from geoservices.places.models import Place

LONGEST_DAY: Final = timedelta(hours=26)
"""No day is longer, also where clocks go back."""


@dataclass(frozen=True, slots=True)
class Today:
    """Something that is on today, and since or from when."""

    listing: Listing
    starts_at: datetime


def on_today(
    session: Session, places: Sequence[Place], *, at: datetime
) -> Mapping[UUID, Sequence[Today]]:
    """Return which offers and events are on today at places, those that begin first before others.

    What was called off or is used up is left out; so are places where nothing is on. It is three
    statements, however many places there are.

    Args:
        session: The transaction to read in.
        places: Which.
        at: Now.
    """
    found = listings.for_people(
        session, [place.id for place in places], since=at, until=at + LONGEST_DAY
    )
    turnouts = events.following(
        session, [one for one in found if isinstance(one, Event)], person_id=None, at=at
    )
    by_id = {place.id: place for place in places}
    told: dict[UUID, list[Today]] = defaultdict(list)
    for listing in found:
        place = by_id[listing.place_id]
        turnout = turnouts[listing.id][0] if listing.id in turnouts else None
        starts_at = _starts_at(listing, place, turnout, at)
        if starts_at is not None:
            told[place.id].append(Today(listing, starts_at))
    for those in told.values():
        those.sort(key=lambda one: (one.starts_at, one.listing.title))
    return told


def _starts_at(
    listing: Listing, place: Place, turnout: Turnout | None, at: datetime
) -> datetime | None:
    today = at.astimezone(ZoneInfo(place.time_zone)).date()
    midnight = local_instant(today + timedelta(days=1), time(), place.time_zone)
    if isinstance(listing, Offer):
        spans = on_within(listing.schedule_at(place), since=at, until=midnight, limit=1)
        return spans[0].starts_at if spans and listing.why_over(at) is None else None
    if turnout is not None and turnout.cancelled_because is None:
        return turnout.starts_at if turnout.starts_at < midnight else None
    return None
