"""Geofences, as GeoJSON, for managers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from sqlalchemy.orm import Session

from api.bodies import StrictRoute
from api.dependencies import Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, decode, next_address
from api.problems import problem_responses
from api.responses import GeoJsonResponse, repeated, status_of_made
from api.routers.places import Box, SearchRefused, read_numbers
from api.schemas.geofences import GeofenceIn, GeofenceOut, GeofenceProperties, GeofencesOut
from api.schemas.presence import PresenceOut
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.geofences import service
from geoservices.geofences.models import Geofence
from geoservices.geofences.overrides import PresenceRefused
from geoservices.geofences.presence import check_geofence_presence
from geoservices.geofences.service import DraftRefused, GeofenceDraft, RevisionMismatch
from geoservices.geometry.areas import Area, AreaRefused, read_area, to_geojson
from geoservices.geometry.boxes import BboxRefused
from geoservices.settings.service import Settings

router = APIRouter(
    tags=["geofences"], route_class=StrictRoute, default_response_class=GeoJsonResponse
)

Reading = Annotated[Grant, Depends(Needs(Right.GEOFENCES_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.GEOFENCES_WRITE))]

LONGEST_REVISION = 19
"""As many digits as the largest number the database can count to."""

IfMatch = Annotated[
    str | None,
    Header(description='`"revision"` as last read; the change is refused if it is another by now'),
]


class IfMatchRefused(GeoservicesError):
    """The If-Match header is none of ours."""

    kind = ErrorKind.INVALID
    code = "if-match-refused"
    title = "If-Match cannot be read"

    def __init__(self) -> None:
        super().__init__('Send the ETag as it was given, such as "12".', field="/if-match")


@router.get("/geofences", responses=problem_responses(SearchRefused, BboxRefused))
def list_geofences(
    request: Request,
    grant: Reading,
    session: SessionDep,
    cursor: Cursor,
    place_id: UUID | None = None,
    bbox: Box = None,
    limit: Limit = 50,
) -> GeofencesOut:
    """See the organisation's geofences, disabled ones too."""
    rows = service.list_geofences(
        session,
        grant,
        place_id=place_id,
        bbox=None if bbox is None else read_numbers("bbox", bbox, 4),
        after=decode(cursor, UUID)[0] if cursor else None,
        limit=limit + 1,
    )
    return GeofencesOut(
        type="FeatureCollection",
        features=[_feature(row) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.id,)),
    )


@router.post(
    "/geofences",
    status_code=201,
    responses={
        **repeated(GeofenceOut),
        **problem_responses(AreaRefused, DraftRefused, IdTaken, NotFound, PresenceRefused),
    },
)
def create_geofence(
    body: GeofenceIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> GeofenceOut:
    """Watch an area from now on; the same id and content again changes nothing."""
    draft = _draft(body, grant.organisation_id, session, settings)
    made = service.create_geofence(session, draft, grant=grant, at=at)
    response.status_code = status_of_made(made.created_at, at=at)
    response.headers["Location"] = f"/v1/geofences/{made.id}"
    response.headers["ETag"] = f'"{made.revision}"'
    return _feature(made)


@router.get("/geofences/{geofence_id}", responses=problem_responses(NotFound))
def read_geofence(
    geofence_id: UUID,
    grant: Reading,
    session: SessionDep,
    response: Response,
) -> GeofenceOut:
    """See one geofence."""
    geofence = service.get_geofence(session, geofence_id, grant=grant)
    response.headers["ETag"] = f'"{geofence.revision}"'
    return _feature(geofence)


@router.put(
    "/geofences/{geofence_id}",
    responses=problem_responses(
        AreaRefused, DraftRefused, IfMatchRefused, NotFound, PresenceRefused, RevisionMismatch
    ),
)
def replace_geofence(
    geofence_id: UUID,
    body: GeofenceIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
    if_match: IfMatch = None,
) -> GeofenceOut:
    """Redraw a geofence; from then on no import redraws it."""
    geofence = service.replace_geofence(
        session,
        geofence_id,
        _draft(body, grant.organisation_id, session, settings),
        grant=grant,
        expected_revision=_revision(if_match),
        at=at,
    )
    response.headers["ETag"] = f'"{geofence.revision}"'
    return _feature(geofence)


@router.delete("/geofences/{geofence_id}", status_code=204, responses=problem_responses(NotFound))
def delete_geofence(
    geofence_id: UUID,
    grant: Writing,
    session: SessionDep,
    at: Now,
) -> Response:
    """Watch the area no more; its history stays. Deleting again changes nothing."""
    service.delete_geofence(session, geofence_id, grant=grant, at=at)
    return Response(status_code=204)


def _draft(
    body: GeofenceIn, organisation_id: UUID, session: Session, settings: Settings
) -> GeofenceDraft:
    said = body.properties
    check_geofence_presence(
        session, said.presence, organisation_id=organisation_id, presence=settings.presence
    )
    return GeofenceDraft(
        id=body.id,
        place_id=said.place_id,
        name=said.name,
        area=_area(body, settings),
        margin_m=said.margin_m,
        dwell_after=said.dwell_after,
        enabled=said.enabled,
        presence=said.presence,
    )


def _area(body: GeofenceIn, settings: Settings) -> Area:
    try:
        return read_area(
            body.geometry,
            radius_m=body.properties.radius_m,
            max_vertices=settings.intake.max_vertices,
        )
    except AreaRefused as refused:
        if refused.field == "/radius_m":  # Geometry does not know where a radius stands.
            refused.field = "/properties/radius_m"
        raise


def _feature(geofence: Geofence) -> GeofenceOut:
    return GeofenceOut(
        type="Feature",
        id=geofence.id,
        geometry=to_geojson(service.area_of(geofence)),
        properties=GeofenceProperties(
            place_id=geofence.place_id,
            name=geofence.name,
            radius_m=geofence.radius_m,
            margin_m=geofence.margin_m,
            dwell_after=geofence.dwell_after,
            enabled=geofence.disabled_at is None,
            presence=PresenceOut.of(geofence.presence),
            revision=geofence.revision,
        ),
    )


def _revision(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().strip('"')
    if not text.isascii() or not text.isdecimal() or len(text) > LONGEST_REVISION:
        raise IfMatchRefused
    return int(text)
