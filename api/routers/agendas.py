"""What takes place, as calendars and data that other programs read."""

from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, Now, SessionDep, SettingsDep, WideSession
from api.problems import problem_responses
from api.responses import CalendarResponse, LinkedDataResponse
from api.schemas.agendas import CalendarLinkMade, CalendarLinkOut
from geoservices.agendas import service
from geoservices.agendas.linked_data import linked_data
from geoservices.agendas.service import Agenda
from geoservices.agendas.writing import write_agenda
from geoservices.errors import NotFound, Unauthenticated

router = APIRouter(tags=["calendars"], route_class=StrictRoute)

PUBLIC = "public, max-age=300"
PRIVATE = "private, no-cache"
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is as it was: `If-None-Match` names its ETag."}
}

IfNoneMatch = Annotated[
    str | None, Header(max_length=300, description="The ETag of what the program has")
]


@router.get(
    "/places/{place_id}/events.ics",
    response_class=CalendarResponse,
    responses={**UNCHANGED, **problem_responses(NotFound)},
)
def read_agenda_of_place(
    place_id: UUID, session: SessionDep, at: Now, if_none_match: IfNoneMatch = None
) -> Response:
    """Read the events of a place as a calendar to subscribe to."""
    agenda = service.agenda_of_place(session, place_id, at=at)
    return _calendar(agenda, if_none_match, caching=PUBLIC)


@router.get(
    "/places/{place_id}/events.jsonld",
    response_class=LinkedDataResponse,
    responses={**UNCHANGED, **problem_responses(NotFound)},
)
def read_linked_data_of_place(
    place_id: UUID, session: SessionDep, at: Now, if_none_match: IfNoneMatch = None
) -> Response:
    """Read the events of a place as schema.org's: of a series, what is within three months."""
    agenda = service.agenda_of_place(session, place_id, at=at)
    response = LinkedDataResponse(linked_data(agenda.entries, at=at))
    return _unless_known(response, if_none_match, caching=PUBLIC)


@router.get(
    "/events/{event_id}/event.ics",
    response_class=CalendarResponse,
    responses={**UNCHANGED, **problem_responses(NotFound)},
)
def read_agenda_of_event(
    event_id: UUID, session: SessionDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Read one event, to add it to one's calendar."""
    agenda = service.agenda_of_event(session, event_id)
    response = _calendar(agenda, if_none_match, caching=PUBLIC)
    response.headers["Content-Disposition"] = 'attachment; filename="event.ics"'
    return response


@router.get(
    "/me/calendar.ics",
    response_class=CalendarResponse,
    responses={**UNCHANGED, **problem_responses(Unauthenticated)},
)
def read_my_agenda(
    session: WideSession,
    at: Now,
    token: Annotated[str, Query(max_length=100, description="From the link that was made")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read what a person signed up for, by their secret link and nothing else."""
    agenda = service.agenda_of_person(session, token, at=at)
    return _calendar(agenda, if_none_match, caching=PRIVATE)


@router.get("/me/calendar-link", responses=problem_responses(NotFound))
def read_calendar_link(person: CurrentPerson, session: SessionDep) -> CalendarLinkOut:
    """See whether the caller has a link to their calendar; what it is, is not kept."""
    return CalendarLinkOut.model_validate(service.get_link(session, person.id))


@router.post("/me/calendar-link", status_code=201)
def make_calendar_link(
    person: CurrentPerson, session: SessionDep, settings: SettingsDep, at: Now
) -> CalendarLinkMade:
    """Make the secret link to the caller's calendar; the one of before is worthless now."""
    token = service.make_link(session, person.id, at=at)
    return CalendarLinkMade(
        url=f"{settings.public_url}/v1/me/calendar.ics?token={token}", made_at=at
    )


@router.delete("/me/calendar-link", status_code=204)
def revoke_calendar_link(person: CurrentPerson, session: SessionDep) -> Response:
    """Make the link worthless; without one nothing changes."""
    service.revoke_link(session, person.id)
    return Response(status_code=204)


def _calendar(agenda: Agenda, if_none_match: str | None, *, caching: str) -> Response:
    response = CalendarResponse(write_agenda(agenda.entries, name=agenda.name))
    return _unless_known(response, if_none_match, caching=caching)


def _unless_known(response: Response, if_none_match: str | None, *, caching: str) -> Response:
    """Return what a program does not have yet, or that it has it (RFC 9110 section 13.1.2)."""
    etag = f'"{sha256(response.body).hexdigest()[:32]}"'
    known = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    told = Response(status_code=304) if etag in known or "*" in known else response
    told.headers["ETag"] = etag
    told.headers["Cache-Control"] = caching
    return told
