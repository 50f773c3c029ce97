"""Codes to scan at places, for managers, and the screens that show them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api import posters
from api.bodies import StrictRoute
from api.dependencies import Credentials, Needs, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.posters import Poster
from api.problems import problem_responses
from api.qr import draw_link
from api.responses import PdfResponse, SvgResponse, repeated
from api.schemas.codes import CodeIn, CodeOut, ScreenOut, ShownCode
from geoservices.access.actors import Grant
from geoservices.access.rights import Right
from geoservices.codes import queries, service
from geoservices.codes.models import Code
from geoservices.codes.service import CodeEndsBeforeItBegins, NoPoster
from geoservices.errors import IdTaken, NotFound, Unauthenticated
from geoservices.places import service as places

router = APIRouter(tags=["codes"], route_class=StrictRoute)

Reading = Annotated[Grant, Depends(Needs(Right.CODES_READ))]
Writing = Annotated[Grant, Depends(Needs(Right.CODES_WRITE))]

STEPS_AHEAD = 6
"""A screen can go on for three minutes without the network."""


@router.get("/places/{place_id}/codes", responses=problem_responses(NotFound))
def list_codes(
    request: Request,
    place_id: UUID,
    grant: Reading,
    session: SessionDep,
    settings: SettingsDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[CodeOut]:
    """See the organisation's codes at a place, newest first, revoked ones too."""
    places.get_place_for(session, place_id, grant)
    rows = queries.of_place(
        session,
        place_id,
        grant.organisation_id,
        after=instant_and_id(cursor),
        limit=limit + 1,
    )
    return Page(
        items=[CodeOut.of(row, settings) for row in rows[:limit]],
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.post(
    "/places/{place_id}/codes",
    status_code=201,
    responses={
        **repeated(CodeOut),
        **problem_responses(CodeEndsBeforeItBegins, IdTaken, NotFound),
    },
)
def make_code(
    place_id: UUID,
    body: CodeIn,
    grant: Writing,
    session: SessionDep,
    settings: SettingsDep,
    response: Response,
    at: Now,
) -> CodeOut:
    """Make a code to scan at a place; the same id and content again changes nothing."""
    code, made = service.make_code(
        session,
        body.to_draft(),
        code_id=body.id,
        place_id=place_id,
        grant=grant,
        at=at,
    )
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/places/{place_id}/codes/{code.id}"
    return CodeOut.of(code, settings)


def find_code(
    place_id: UUID,
    code_id: UUID,
    grant: Reading,
    session: SessionDep,
) -> Code:
    """Return the code that a path names.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    return service.get_code(session, place_id, code_id, grant=grant)


CodeDep = Annotated[Code, Depends(find_code)]


@router.get("/places/{place_id}/codes/{code_id}", responses=problem_responses(NotFound))
def read_code(code: CodeDep, settings: SettingsDep) -> CodeOut:
    """See one code."""
    return CodeOut.of(code, settings)


@router.delete(
    "/places/{place_id}/codes/{code_id}", status_code=204, responses=problem_responses(NotFound)
)
def revoke_code(grant: Writing, code: CodeDep, at: Now) -> Response:
    """Let a code count for nothing from now on, and end its screen; again changes nothing."""
    service.revoke_code(code, at=at)
    return Response(status_code=204)


def find_poster(code: CodeDep, session: SessionDep, settings: SettingsDep, at: Now) -> Poster:
    """Return the poster of the code that a path names.

    Raises:
        NoPoster: It has none.
    """
    link = service.poster_link(code, settings=settings, at=at)
    name = places.get_place(session, code.place_id).name
    return Poster(
        qr=draw_link(link, correction="q"), lines=posters.lay_out(name=name, label=code.label)
    )


PosterDep = Annotated[Poster, Depends(find_poster)]


@router.get(
    "/places/{place_id}/codes/{code_id}/poster.svg",
    response_class=SvgResponse,
    responses=problem_responses(NoPoster, NotFound),
)
def read_svg_poster(poster: PosterDep) -> SvgResponse:
    """Get the poster of a static code to put into a layout of one's own: A4, SVG."""
    return SvgResponse(posters.svg(poster))


@router.get(
    "/places/{place_id}/codes/{code_id}/poster.pdf",
    response_class=PdfResponse,
    responses=problem_responses(NoPoster, NotFound),
)
def read_pdf_poster(poster: PosterDep) -> PdfResponse:
    """Get the poster of a static code ready to print: A4, PDF."""
    return PdfResponse(posters.pdf(poster))


@router.get("/screen", responses=problem_responses(Unauthenticated))
def read_screen(
    credentials: Credentials, session: SessionDep, settings: SettingsDep, at: Now
) -> ScreenOut:
    """Get what a screen shows now and in the next three minutes; the token is the screen's own."""
    token = credentials.credentials if credentials else ""
    code = service.screen_of(session, token, settings=settings, at=at)
    return ScreenOut(
        place_name=places.get_place(session, code.place_id).name,
        label=code.label,
        now=at,
        codes=[
            ShownCode.of(step, draw_link(link, correction="m"))
            for step, link in service.links_ahead(
                code,
                STEPS_AHEAD,
                settings=settings,
                at=at,
            )
        ],
    )
