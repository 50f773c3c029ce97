"""Counts of people at an organisation's places, for those who run them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep
from api.problems import problem_responses
from api.schemas.common import Instant
from api.schemas.statistics import CellOut, FootfallOut, GridOut, HourOut, PresenceOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.accounts.queries import organisation_by_id
from geoservices.errors import NotFound
from geoservices.statistics import service
from geoservices.statistics.counting import RangeRefused

router = APIRouter(tags=["statistics"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.STATISTICS_READ))]


@router.get("/places/{place_id}/presence", responses=problem_responses(NotFound))
def read_presence(place_id: UUID, grant: Reading, session: SessionDep, at: Now) -> PresenceOut:
    """See about how many people were at a place at the last quarter of an hour.

    Only those who agreed to be counted. A count below the smallest that is told (a setting), or
    none, is null.
    """
    found = service.presence(session, place_id, grant=grant, at=at)
    return PresenceOut(
        place_id=place_id, at=found.at, people=found.people, suppressed=found.people is None
    )


@router.get("/places/{place_id}/footfall", responses=problem_responses(NotFound, RangeRefused))
def read_footfall(
    place_id: UUID,
    grant: Reading,
    session: SessionDep,
    from_: Annotated[Instant, Query(alias="from", description="Any instant of the first hour")],
    until: Annotated[Instant, Query(description="The end, at most 31 days later")],
) -> FootfallOut:
    """See about how many people came to a place, hour by hour.

    Only those who agreed to be counted. Whole hours by the clocks of the organisation's time zone,
    of days that are over and counted, which happens once. A count with fewer people behind it than
    are told of (a setting) is null, and so is none.
    """
    found = service.footfall(session, place_id, grant=grant, from_=from_, until=until)
    return FootfallOut(
        place_id=place_id,
        time_zone=found.time_zone,
        hours=[HourOut.of(hour) for hour in found.hours],
    )


@router.get("/statistics/grid", responses=problem_responses(RangeRefused))
def read_grid(
    grant: Reading,
    session: SessionDep,
    first: Annotated[date, Query(description="The first day")],
    last: Annotated[date, Query(description="The last day, at most 30 days later")],
) -> GridOut:
    """See about how many people came to the organisation's places, by cell and day.

    Cells are geohashes of 6 characters, in Britain about 770 m wide and 610 m high. What is too
    little to be told of a place and hour is told here together, where that is enough.
    """
    found = service.grid(session, grant=grant, first=first, last=last)
    organisation = organisation_by_id(session, grant.organisation_id)
    return GridOut(time_zone=organisation.time_zone, cells=[CellOut.of(cell) for cell in found])
