"""Pages for people that are no part of the web app: what a code leads to, what a screen shows."""

from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles

from api.dependencies import Now, SessionDep, SettingsDep
from api.reading import ReadRoute
from api.responses import PageResponse
from geoservices.codes import service as codes
from geoservices.codes.links import CodeProblem
from geoservices.places import service as places

router = APIRouter(tags=["pages"], default_response_class=PageResponse, route_class=ReadRoute)

FOLDER = Path(str(files("api"))) / "pages"
CODE_PAGE = Template((FOLDER / "code.html").read_text("utf-8"))
SCREEN_PAGE = (FOLDER / "screen.html").read_text("utf-8")

PURPOSE = "With it you can say that you are here, and see what is on. We call this checking in."
NOT_CHECKED_IN = "You have only opened a page. You are not checked in, and we have kept nothing."
USELESS = {
    CodeProblem.UNKNOWN: (
        HTTPStatus.NOT_FOUND,
        "We do not know this code",
        "Perhaps only part of it was scanned. Please scan it again.",
    ),
    CodeProblem.EXPIRED: (
        HTTPStatus.GONE,
        "This code is too old",
        "It is not used any more. Please ask at the desk for a new one.",
    ),
    CodeProblem.REVOKED: (
        HTTPStatus.GONE,
        "This code is not used any more",
        "Please ask at the desk for a new one.",
    ),
}
"""Codes of which nothing can come, each with its status, its heading and what to do."""
FOR_NOW = {
    CodeProblem.OUT_OF_DATE: "The code on the screen has changed since you scanned it. "
    "To check in, scan the screen again.",
    CodeProblem.NOT_YET: "You cannot check in with this code yet. It starts later.",
    None: "To check in, go on to the next page.",
}
"""What to do with a code that is known, if anything is wrong with it or not."""


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
def open_link(link_token: str, session: SessionDep, settings: SettingsDep, at: Now) -> PageResponse:
    """See what a code is for. Opening the page checks nobody in."""
    scanned = codes.look_up(session, link_token, settings=settings, at=at)
    if scanned.code is None or scanned.problem in USELESS:
        status, heading, advice = USELESS[scanned.problem or CodeProblem.UNKNOWN]
        return PageResponse(code_page(heading, [advice, NOT_CHECKED_IN]), status)
    place = places.get_place(session, scanned.code.place_id)
    told = [PURPOSE, FOR_NOW[scanned.problem], NOT_CHECKED_IN]
    check_in = None if scanned.problem else f"/check-in#{quote(link_token)}"
    heading = f"This code is for {place.name}"
    return PageResponse(code_page(heading, told, website=place.website, check_in=check_in))


@router.get("/screen")
def open_screen() -> PageResponse:
    """Show a rotating code on a screen at the desk; its secret stands behind the address's #."""
    return PageResponse(SCREEN_PAGE)


def code_page(
    heading: str, told: Sequence[str], *, website: str | None = None, check_in: str | None = None
) -> str:
    """Return a page with a heading and paragraphs, and links.

    Args:
        heading: It.
        told: What each paragraph says.
        website: The place's, if it is an address.
        check_in: Where the web app checks in with the code.
    """
    paragraphs = [f"<p>{escape(paragraph)}</p>" for paragraph in told]
    if check_in:
        paragraphs.append(f'<p><a href="{escape(check_in)}">Check in</a></p>')
    if website and website.startswith(("https://", "http://")):
        paragraphs.append(f'<p><a href="{escape(website)}">See their website</a></p>')
    return CODE_PAGE.substitute(heading=escape(heading), paragraphs="\n".join(paragraphs))
