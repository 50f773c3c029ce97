"""Counts of visits at a place, for the managers of its organisation."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.problems import problem_responses
from api.schemas.common import Instant
from api.schemas.statistics import FootfallOut, HourOut, InsideOut, PresenceOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import NotFound
from geoservices.visits import statistics
from geoservices.visits.counting import RangeRefused

router = APIRouter(tags=["statistics"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.STATISTICS_READ))]


@router.get("/places/{place_id}/presence", responses=problem_responses(NotFound))
def read_presence(
    place_id: UUID,
    grant: Reading,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
) -> PresenceOut:
    """See how many devices are at a place now, in each of its geofences.

    A count below the smallest that is told (a setting), or none, is null.
    """
    counted = statistics.presence(
        session,
        place_id,
        grant=grant,
        smallest=settings.statistics.smallest_count,
    )
    return PresenceOut(place_id=place_id, at=at, geofences=[InsideOut.of(one) for one in counted])


@router.get("/places/{place_id}/footfall", responses=problem_responses(NotFound, RangeRefused))
def read_footfall(
    place_id: UUID,
    grant: Reading,
    session: SessionDep,
    settings: SettingsDep,
    at: Now,
    from_: Annotated[Instant, Query(alias="from", description="Any instant of the first hour")],
    until: Annotated[Instant, Query(description="The end, at most 31 days later")],
) -> FootfallOut:
    """See how often devices entered and exited a place, hour by hour.

    Whole hours by the clocks of the organisation's time zone, and only those that are over. A
    count with fewer devices behind it than are told of (a setting) is null.
    """
    found = statistics.footfall(
        session,
        place_id,
        grant=grant,
        from_=from_,
        until=until,
        smallest=settings.statistics.smallest_count,
        at=at,
    )
    return FootfallOut(
        place_id=place_id,
        time_zone=found.time_zone,
        hours=[HourOut.of(hour) for hour in found.hours],
    )
