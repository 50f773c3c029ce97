"""Pages for people that are no part of the web app: what a code leads to, what a screen shows."""

from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from fastapi.staticfiles import StaticFiles

from api import code_page
from api.dependencies import Now, SessionDep, SettingsDep
from api.reading import ReadRoute
from api.responses import PageResponse
from geoservices.codes import service as codes
from geoservices.codes.links import CodeProblem
from geoservices.places import service as places

router = APIRouter(tags=["pages"], default_response_class=PageResponse, route_class=ReadRoute)

FOLDER = Path(str(files("api"))) / "pages"
SCREEN_PAGE = (FOLDER / "screen.html").read_text("utf-8")
USELESS = {
    CodeProblem.UNKNOWN: HTTPStatus.NOT_FOUND,
    CodeProblem.EXPIRED: HTTPStatus.GONE,
    CodeProblem.REVOKED: HTTPStatus.GONE,
}
"""Codes of which nothing can come, each with its status."""


def install(app: FastAPI) -> None:
    """Serve the pages' styles and scripts beside them."""
    app.mount("/pages", StaticFiles(directory=FOLDER / "assets"), name="pages")


@router.get(
    "/C/{link_token}",
    responses={
        404: {"description": "The code is not known.", "content": {"text/html": {}}},
        410: {"description": "The code is not used any more.", "content": {"text/html": {}}},
    },
)
def open_link(
    link_token: str, request: Request, session: SessionDep, settings: SettingsDep, at: Now
) -> PageResponse:
    """See what a code is for, in English or Welsh. Opening the page checks nobody in."""
    language = code_page.language_for(request.headers.get("accept-language", ""))
    scanned = codes.look_up(session, link_token, settings=settings, at=at)
    if scanned.code is None or scanned.problem in USELESS:
        problem = scanned.problem or CodeProblem.UNKNOWN
        page = code_page.of_useless(problem, language)
        return PageResponse(page, USELESS[problem], language=language)
    place = places.get_place(session, scanned.code.place_id)
    page = code_page.of_place(
        place.name,
        scanned.problem,
        language,
        website=place.website,
        check_in=f"/check-in#{quote(link_token)}",
    )
    return PageResponse(page, language=language)


@router.get("/screen")
def open_screen() -> PageResponse:
    """Show a rotating code on a screen at the desk; its secret stands behind the address's #."""
    return PageResponse(SCREEN_PAGE)
