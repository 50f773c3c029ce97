"""Refusals that people meet while their browser goes from page to page."""

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api import code_page
from api.bodies import Handler
from api.problems import refusal, status_of
from api.responses import PageResponse
from geoservices.errors import GeoservicesError


class ReadableRoute(APIRoute):
    """A route that browsers are sent to, whose refusals are pages for those who ask for pages."""

    def get_route_handler(self) -> Handler:
        """Return the handler, which answers with what the caller can read."""
        handle = super().get_route_handler()

        async def handle_readably(request: Request) -> Response:
            try:
                return await handle(request)
            except GeoservicesError as error:
                if "text/html" not in request.headers.get("Accept", ""):
                    return refusal(request, error)
                told = [str(error), f"Code of the problem: {error.code}"]
                return PageResponse(code_page.draw(error.title, told), status_of(type(error)))

        return handle_readably
