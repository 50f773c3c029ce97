"""When a member is at work: only then are they located for their tasks."""

from fastapi import APIRouter

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, Now
from api.problems import problem_responses
from api.schemas.shifts import LocatedOut, WorkingHoursIn, WorkingHoursOut
from geoservices.errors import Forbidden
from geoservices.shifts import service
from geoservices.shifts.service import WorkingHoursRefused

router = APIRouter(tags=["working hours"], route_class=StrictRoute)


@router.get("/working-hours", responses=problem_responses(Forbidden))
def read_working_hours(person: CurrentPerson, at: Now) -> WorkingHoursOut:
    """See the member's own weekly hours."""
    service.require_member(person)
    return WorkingHoursOut(
        hours=person.working_hours,
        time_zone=person.time_zone,
        at_work=LocatedOut.model_validate(service.at_work(person, at=at)),
    )


@router.put("/working-hours", responses=problem_responses(Forbidden, WorkingHoursRefused))
def set_working_hours(body: WorkingHoursIn, person: CurrentPerson, at: Now) -> WorkingHoursOut:
    """Set the member's own weekly hours. Without any they are not located for their tasks.

    They are read in the member's time zone (`/v1/preferences`), on both sides of every change of
    clocks. A visit that is open when work ends is ended.
    """
    service.set_hours(person, body.hours)
    return read_working_hours(person, at)
